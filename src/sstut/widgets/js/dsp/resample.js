// 標本化周波数の変換。

const ZERO_CROSSINGS = 64; // フィルタの片側の長さ [低い方の標本化周波数でのサンプル]
const CUTOFF = 0.95; // 遮断周波数 [低い方のナイキスト周波数に対する比]
const KAISER_BETA = 10.06;

/**
 * 帯域制限つきの標本化周波数変換（カイザー窓を掛けた sinc による補間）。
 *
 * 出力時刻 t の値は Σ_n x[n] h(t - n)。h の遮断周波数は、両方のナイキスト周波数の低い方より
 * 少し下なので、下げるときは折り返し雑音を除くローパスフィルタを兼ねる。
 * フィルタの形は sstut.representations.resample と同じで、低い方のナイキスト周波数の
 * 90 % までをほぼ変えず、100 % から上を 100 dB ほど抑える。遅れはない。
 * @param {Float32Array|Float64Array} x 波形。形 (n,)。
 * @param {number} srFrom 元の標本化周波数 [Hz]。正の整数。
 * @param {number} srTo 新しい標本化周波数 [Hz]。正の整数。
 * @returns {Float32Array|Float64Array} 形 (ceil(n * srTo / srFrom),)、精度は x と同じ。
 */
export function resample(x, srFrom, srTo) {
  checkPositiveInteger(srFrom, "標本化周波数");
  checkPositiveInteger(srTo, "標本化周波数");
  if (srFrom === srTo) return x.slice();
  const divisor = greatestCommonDivisor(srFrom, srTo);
  const up = srTo / divisor;
  const down = srFrom / divisor;
  const filterAt = sincFilters(Math.max(1, down / up));

  // 出力 m の時刻は m * down / up。小数部分は up 通りしかないので、フィルタの値は使い回せる。
  const filters = new Map();
  const y = new x.constructor(Math.ceil((x.length * up) / down));
  for (let m = 0; m < y.length; m++) {
    const phase = (m * down) % up;
    if (!filters.has(phase)) filters.set(phase, filterAt(phase / up));
    const h = filters.get(phase);
    const start = Math.floor((m * down) / up) - h.length / 2 + 1;
    const from = Math.max(0, -start);
    const to = Math.min(h.length, x.length - start);
    let sum = 0;
    for (let j = from; j < to; j++) sum += h[j] * x[start + j];
    y[m] = sum;
  }
  return y;
}

/**
 * フィルタなしの間引き。ナイキスト周波数を超えた成分が折り返すのを聴くためのもの。
 * @param {Float32Array|Float64Array} x 波形。形 (n,)。
 * @param {number} factor 何個に1個残すか。1以上の整数。
 * @returns {Float32Array|Float64Array} 形 (ceil(n / factor),)。
 */
export function decimate(x, factor) {
  checkPositiveInteger(factor, "間引きの間隔");
  const y = new x.constructor(Math.ceil(x.length / factor));
  for (let i = 0; i < y.length; i++) y[i] = x[i * factor];
  return y;
}

/**
 * サンプルとサンプルの間の位置 fraction（0以上1未満）に中心を置くフィルタを作る関数。
 * slowdown は低い方の標本化周波数での1サンプルが、元の何サンプルに当たるか（1以上）。
 */
function sincFilters(slowdown) {
  const reach = ZERO_CROSSINGS * slowdown; // 片側の長さ [元のサンプル]
  const cutoff = CUTOFF / slowdown;
  const half = Math.ceil(reach) + 1;
  const raw = (fraction) =>
    Float64Array.from({ length: 2 * half }, (_, j) => {
      const t = fraction + half - 1 - j; // 中心までの距離 [元のサンプル]
      const inside = 1 - (t / reach) ** 2;
      return inside < 0 ? 0 : sinc(cutoff * t) * besselI0(KAISER_BETA * Math.sqrt(inside));
    });
  const gain = raw(0).reduce((a, b) => a + b, 0); // 直流の利得を 1 にそろえる
  return (fraction) => raw(fraction).map((v) => v / gain);
}

function sinc(t) {
  return t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
}

/** 第1種変形ベッセル関数 I0（べき級数）。 */
function besselI0(x) {
  let sum = 1;
  for (let k = 1, term = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function checkPositiveInteger(value, name) {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}は1以上の整数にしてください（渡された値: ${value}）。`);
  }
}
