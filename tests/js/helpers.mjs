// 試験で使い回す小さな道具。
import assert from "node:assert/strict";
import { seededRandom } from "../../src/sstut/widgets/js/dsp/testsignals.js";

/** [-1, 1) の一様乱数の列（Float64Array）。 */
export function randomArray(n, seed = 1) {
  const random = seededRandom(seed);
  return Float64Array.from({ length: n }, () => 2 * random() - 1);
}

/** 最大の絶対誤差。 */
export function maxError(a, b) {
  assert.equal(a.length, b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const e = Math.abs(a[i] - b[i]);
    if (!(e <= worst)) worst = e; // NaN も見のがさない
  }
  return worst;
}

export function assertClose(a, b, tolerance, message = "") {
  const e = maxError(a, b);
  assert.ok(e <= tolerance, `${message} 最大誤差 ${e} > ${tolerance}`);
}

export const sumOfSquares = (x) => x.reduce((sum, v) => sum + v * v, 0);

/** 日本語の説明つきの RangeError が出ることを確かめる。 */
export function assertJapaneseError(run) {
  assert.throws(run, (error) => error instanceof RangeError && /[ぁ-んァ-ン一-龠]/.test(error.message));
}
