// 調波打楽器音分離（HPSS）のマスク。sstut.hpss.hpss(…, mask=True) と同じ値になる。

import { medianFilter } from "./median.js";
import { matching } from "./spectrogram.js";

// よく使う鋭さでは、遅い累乗の代わりに掛け算を使う
const POWERS = { 0.5: Math.sqrt, 1: (r) => r, 2: (r) => r * r, 4: (r) => (r * r) * (r * r), 8: (r) => ((r * r) * (r * r)) ** 2 };

/**
 * 2 つの中央値から、調波・打楽器・残りのマスクを作る。
 * @param {Float32Array|Float64Array} horizontal 時間方向の中央値。形 (frames * bins,)。
 * @param {Float32Array|Float64Array} vertical 周波数方向の中央値。
 * @param {object} [options] power: マスクの鋭さ（Infinity なら二値）。margins: [調波, 打楽器] の倍率、どちらも 1 以上。
 * @param {object} [out] 書き込み先。前の返り値。
 * @returns {{harmonic: Float32Array|Float64Array, percussive: Float32Array|Float64Array,
 *   rest: Float32Array|Float64Array|null}} 和は 1。倍率がどちらも 1 なら、残りは null。
 */
export function hpssMasks(horizontal, vertical, { power = 2, margins = [1, 1] } = {}, out = {}) {
  if (!(power > 0)) throw new RangeError(`鋭さは正の数にしてください（渡された値: ${power}）。`);
  if (!margins.every((margin) => margin >= 1 && Number.isFinite(margin))) {
    throw new RangeError(`倍率は1以上にしてください（渡された値: ${margins.join("、")}）。`);
  }
  const withRest = Math.max(...margins) > 1;
  const harmonic = matching(out.harmonic, horizontal);
  const percussive = matching(out.percussive, horizontal);
  share(horizontal, vertical, { power, margin: margins[0], silent: withRest ? 0 : 0.5 }, harmonic);
  if (!withRest) {
    for (let i = 0; i < percussive.length; i++) percussive[i] = 1 - harmonic[i];
    return { harmonic, percussive, rest: null };
  }
  share(vertical, horizontal, { power, margin: margins[1], silent: 0 }, percussive);
  const rest = matching(out.rest, horizontal);
  for (let i = 0; i < rest.length; i++) rest[i] = 1 - harmonic[i] - percussive[i];
  return { harmonic, percussive, rest };
}

/** マスク target^p / (target^p + (margin rival)^p)。どちらも 0 の点は silent。 */
function share(target, rival, { power, margin, silent }, out) {
  if (power === Infinity) {
    const scaled = new rival.constructor(1); // 境目の点でも Python と同じになるように、同じ精度に丸めて比べる
    for (let i = 0; i < out.length; i++) {
      scaled[0] = margin * rival[i];
      out[i] = target[i] > scaled[0] ? 1 : 0;
    }
    return;
  }
  const raise = POWERS[power] ?? ((ratio) => ratio ** power);
  for (let i = 0; i < out.length; i++) {
    if (target[i] === 0) out[i] = rival[i] === 0 ? silent : 0;
    else {
      out[i] = 1 / (1 + raise((margin * rival[i]) / target[i]));
    }
  }
}

/**
 * 振幅スペクトログラムからマスクまで。1 度しか使わないときの近道。
 * @param {Float32Array|Float64Array} magnitude 形 (frames * bins,)。0 以上。
 * @param {number} bins 周波数の数。
 * @param {object} [options] kernels: [調波（フレーム）, 打楽器（ビン）] の窓の点数、奇数。ほかは `hpssMasks` と同じ。
 */
export function hpss(magnitude, bins, { kernels = [31, 31], ...options } = {}) {
  const horizontal = medianFilter(magnitude, bins, kernels[0], "time");
  const vertical = medianFilter(magnitude, bins, kernels[1], "frequency");
  return hpssMasks(horizontal, vertical, options);
}
