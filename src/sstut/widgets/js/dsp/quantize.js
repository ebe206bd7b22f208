// 量子化。sstut.representations.quantize と同じ値になる。

import { seededRandom } from "./testsignals.js";

/**
 * [-1, 1) の波形を、幅 2^(1-bits) の等間隔の値に丸める（0 を含むミッドトレッド型）。
 *
 * 表せる値は -1, -1 + Δ, …, 1 - Δ の 2^bits 個で、はみ出した値は端に切りそろえる。
 * @param {Float32Array|Float64Array} x 波形。形 (n,)。
 * @param {number} bits 量子化ビット数。1 から 24 の整数。
 * @param {object} [options] ditherSeed: 数を渡すと、丸める前に幅 ±Δ の三角分布の雑音（ディザ）を足し、
 *   信号に連動した歪みを、信号によらない雑音に変える。null なら足さない。
 * @returns {Float32Array|Float64Array} x と同じ形と精度。
 */
export function quantize(x, bits, { ditherSeed = null } = {}) {
  if (!Number.isInteger(bits) || bits < 1 || bits > 24) {
    throw new RangeError(`量子化ビット数は1から24の整数にしてください（渡された値: ${bits}）。`);
  }
  const levels = 2 ** (bits - 1); // 1 / Δ
  const random = ditherSeed === null ? null : seededRandom(ditherSeed);
  const y = new x.constructor(x.length);
  for (let i = 0; i < x.length; i++) {
    const dither = random ? random() - random() : 0;
    y[i] = Math.max(-levels, Math.min(levels - 1, roundHalfEven(x[i] * levels + dither))) / levels;
  }
  return y;
}

/** 最も近い整数。ちょうど半分なら偶数へ（np.round と同じ）。 */
function roundHalfEven(v) {
  const r = Math.round(v); // 半分は大きい方へ
  return r - v === 0.5 && r % 2 !== 0 ? r - 1 : r;
}
