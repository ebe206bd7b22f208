// 窓の日本語の名前と、スペクトルの性質。

import { plan } from "../dsp/fft.js";
import { getWindow } from "../dsp/windows.js";

/** 窓の名前 → [日本語の名前, 主ローブの幅（fs / L の何倍か）]。 */
const WINDOWS = {
  hann: ["ハン窓", 4],
  hamming: ["ハミング窓", 4],
  blackman: ["ブラックマン窓", 6],
  blackmanharris: ["ブラックマン・ハリス窓", 8],
  bartlett: ["三角窓", 4],
  boxcar: ["矩形窓", 2],
};

/** 選択肢の一覧。[名前, 日本語の名前] の配列。 */
export const windowOptions = Object.entries(WINDOWS).map(([name, [label]]) => [name, label]);

/** 窓の日本語の名前。 */
export function windowLabel(name) {
  return WINDOWS[name][0];
}

/**
 * 主ローブの幅。
 * @param {string} name 窓の名前。
 * @returns {number} fs / L の何倍か。
 */
export function mainLobe(name) {
  return WINDOWS[name][1];
}

/**
 * 実数列のスペクトル [dB]。0 を足して長さ n にしてから変換する。
 * @param {Float64Array} x 形 (m,)、m ≤ n。
 * @param {number} n FFT の長さ。2 のべき乗。
 * @param {number} reference 0 dB とする振幅。
 * @returns {Float64Array} 形 (n/2 + 1,)。-200 dB より下は -200 dB。
 */
export function spectrumDb(x, n, reference) {
  const padded = new Float64Array(n);
  padded.set(x);
  const re = new Float64Array(n / 2 + 1);
  const im = new Float64Array(n / 2 + 1);
  plan(n).forward(padded, re, im);
  return re.map((v, k) => Math.max(-200, 20 * Math.log10(Math.hypot(v, im[k]) / reference + 1e-12)));
}

/**
 * 主ローブの外でいちばん高い山。
 * @param {string} name 窓の名前。
 * @returns {number} 主ローブの頂上を 0 とするレベル [dB]。
 */
export function highestSideLobe(name) {
  const length = 256;
  const fine = 32; // 1 ビンを何点で描くか
  const w = getWindow(name, length);
  const level = spectrumDb(w, length * fine, w.reduce((a, b) => a + b, 0));
  return level.subarray((mainLobe(name) / 2) * fine).reduce((a, b) => Math.max(a, b), -200);
}
