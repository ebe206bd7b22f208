// NumPy の乱数。同じ種から、1 ビットも違わない列が出る。
//   uniform(seed, n)   np.random.default_rng(seed).random(n)
//
// 種を SeedSequence で 256 ビットに広げ、PCG64（XSL-RR 128/64）の状態と増分にする。
//   O'Neill, "PCG: A family of simple fast space-efficient statistically good algorithms for
//   random number generation," 2014.

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** 呼ぶたびに定数を変えながら、32 ビットの値を混ぜる関数。 */
function hasher(start, multiplier) {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return product ^ (product >>> 16);
  };
}

/** 2 つの 32 ビットの値を 1 つに混ぜる。 */
function mix(x, y) {
  const result = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
  return result ^ (result >>> 16);
}

/**
 * 種を、64 ビットの整数 n 個に広げる。np.random.SeedSequence(seed).generate_state(n, np.uint64)。
 * @param {number} seed 0 以上 2**32 未満の整数。
 * @param {number} n 個数。
 * @returns {bigint[]}
 */
function seedSequence(seed, n) {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`乱数の種は 0 以上 2**32 未満の整数にしてください（渡された値: ${seed}）。`);
  }
  const absorb = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [seed, 0, 0, 0].map(absorb);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (to !== from) pool[to] = mix(pool[to], absorb(pool[from]));
  }
  const squeeze = hasher(0x8b51f9dd, 0x58f38ded);
  const word = (i) => BigInt(squeeze(pool[i % 4]) >>> 0);
  return Array.from({ length: n }, (_, i) => {
    const low = word(2 * i); // 下の 32 ビットが先
    return low | (word(2 * i + 1) << 32n);
  });
}

/**
 * 0 以上 1 未満の一様乱数。np.random.default_rng(seed).random(n)。
 * @param {number} seed 0 以上 2**32 未満の整数。
 * @param {number} n 個数。
 * @returns {Float64Array}
 */
export function uniform(seed, n) {
  const [s1, s0, i1, i0] = seedSequence(seed, 4);
  const increment = ((((i1 << 64n) | i0) << 1n) | 1n) & MASK128;
  let state = 0n;
  const step = () => { state = (state * MULTIPLIER + increment) & MASK128; };
  step();
  state = (state + ((s1 << 64n) | s0)) & MASK128;
  step();

  /** 上下の 64 ビットの排他的論理和を、いちばん上の 6 ビットの分だけ右に回す。 */
  function next64() {
    step();
    const folded = (state >> 64n) ^ (state & MASK64);
    const turn = state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK64;
  }
  return Float64Array.from({ length: n }, () => Number(next64() >> 11n) / 2 ** 53);
}
