// 移動中央値（中央値フィルタ）。sstut.hpss.median_filter と 1 ビットも違わない。
//
// 速さの工夫は 2 つ。
//   1. 値を線（行か列）ごとに 1 度だけ並べ、順位に置きかえる。窓の点数を変えても、並べなおさない。
//   2. 窓に入っている順位を、ビットの列に記す。窓を 1 点ずらしたときの中央は、いまの中央の近くに
//      あるので、立っているビットを隣へたどれば見つかる。

/**
 * 時間周波数の配列を、軸に沿った線に分け、線ごとに並べる。
 * @param {Float32Array|Float64Array} x 形 (frames * bins,)。点 (t, k) は t * bins + k 番目。
 * @param {number} bins 周波数の数。
 * @param {"time"|"frequency"} axis 窓を動かす軸。
 * @returns {{sorted: Float32Array|Float64Array, ranks: Uint16Array|Uint32Array, lines: number, n: number,
 *   lineStep: number, step: number}} 線 l の i 番目の順位と値は l * n + i 番目。x での位置は l * lineStep + i * step。
 */
export function sortLines(x, bins, axis) {
  const frames = x.length / bins;
  if (!Number.isInteger(frames) || frames === 0) {
    throw new RangeError(`配列の長さ ${x.length} を、周波数の数 ${bins} で分けられません。`);
  }
  const alongTime = axis === "time";
  const [lines, n] = alongTime ? [bins, frames] : [frames, bins];
  const [lineStep, step] = alongTime ? [1, bins] : [bins, 1];
  const sorted = new x.constructor(x.length);
  const ranks = n <= 65536 ? new Uint16Array(x.length) : new Uint32Array(x.length);
  const taken = new Uint32Array(n); // 同じ値の何個目か
  for (let l = 0; l < lines; l++) {
    const line = sorted.subarray(l * n, (l + 1) * n);
    for (let i = 0; i < n; i++) line[i] = x[l * lineStep + i * step];
    line.sort();
    taken.fill(0);
    for (let i = 0; i < n; i++) {
      const first = lowerBound(line, x[l * lineStep + i * step]);
      ranks[l * n + i] = first + taken[first];
      taken[first] += 1;
    }
  }
  return { sorted, ranks, lines, n, lineStep, step };
}

/** 小さい順の列で、value 以上の最初の番号。 */
function lowerBound(line, value) {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * 端で折り返した番号（cba|abc|cba）。窓が配列より長ければ、何度でも折り返す。
 * @param {number} i 番号。負でもよい。
 * @param {number} n 配列の長さ。
 */
export function reflect(i, n) {
  const turned = ((i % (2 * n)) + 2 * n) % (2 * n);
  return turned < n ? turned : 2 * n - 1 - turned;
}

/**
 * 移動中央値。
 * @param {object} lines `sortLines` の結果。
 * @param {number} size 窓の点数。奇数。
 * @param {Float32Array|Float64Array} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} `sortLines` に渡した配列と同じ並び。
 */
export function runningMedian(lines, size, out = new lines.sorted.constructor(lines.sorted.length)) {
  if (!Number.isInteger(size) || size < 1 || size % 2 === 0) {
    throw new RangeError(`窓の点数は奇数にしてください（渡された値: ${size}）。`);
  }
  const { sorted, ranks, n, lineStep, step } = lines;
  const half = (size - 1) / 2;
  const window = new RankWindow(n, half);
  for (let l = 0; l < lines.lines; l++) {
    const base = l * n;
    window.clear();
    for (let i = -half; i <= half; i++) window.add(ranks[base + reflect(i, n)]);
    window.settle();
    for (let i = 0, o = l * lineStep; ; o += step) {
      out[o] = sorted[base + window.middle];
      if (++i === n) break;
      const [coming, going] = [i + half, i - half - 1];
      window.add(ranks[base + (coming < n ? coming : reflect(coming, n))]);
      window.remove(ranks[base + (going >= 0 ? going : reflect(going, n))]);
      window.settle();
    }
  }
  return out;
}

/** 窓に入っている順位の集まり。折り返した端では、同じ順位が何度も入る。 */
class RankWindow {
  constructor(n, half) {
    this.half = half; // 中央より小さい値の数
    this.counts = new Uint32Array(n);
    this.bits = new Int32Array((n >> 5) + 1); // 1 つでも入っている順位の印
    this.middle = 0;
    this.below = 0; // middle より小さい順位の数
  }

  clear() {
    this.counts.fill(0);
    this.bits.fill(0);
    this.middle = 0;
    this.below = 0;
  }

  add(rank) {
    if (this.counts[rank]++ === 0) this.bits[rank >> 5] |= 1 << (rank & 31);
    if (rank < this.middle) this.below += 1;
  }

  remove(rank) {
    if (--this.counts[rank] === 0) this.bits[rank >> 5] &= ~(1 << (rank & 31));
    if (rank < this.middle) this.below -= 1;
  }

  /** middle を、小さい方から half + 1 番目の値の順位に合わせる。 */
  settle() {
    const { half, counts } = this;
    let { middle, below } = this;
    while (below > half) {
      middle = this.previous(middle);
      below -= counts[middle];
    }
    while (below + counts[middle] <= half) {
      below += counts[middle];
      middle = this.next(middle);
    }
    this.middle = middle;
    this.below = below;
  }

  /** rank より大きい、いちばん近い印。 */
  next(rank) {
    const { bits } = this;
    let word = rank >> 5;
    let left = bits[word] & (-2 << (rank & 31)); // rank より上だけを残す
    while (left === 0) left = bits[++word];
    return (word << 5) + 31 - Math.clz32(left & -left);
  }

  /** rank より小さい、いちばん近い印。 */
  previous(rank) {
    const { bits } = this;
    let word = rank >> 5;
    let left = bits[word] & ((1 << (rank & 31)) - 1); // rank より下だけを残す
    while (left === 0) left = bits[--word];
    return (word << 5) + 31 - Math.clz32(left);
  }
}

/**
 * 中央値フィルタ。1 度しか使わないときの近道。
 * @param {Float32Array|Float64Array} x 形 (frames * bins,)。
 * @param {number} bins 周波数の数。
 * @param {number} size 窓の点数。奇数。
 * @param {"time"|"frequency"} axis 窓を動かす軸。
 */
export function medianFilter(x, bins, size, axis) {
  return runningMedian(sortLines(x, bins, axis), size);
}
