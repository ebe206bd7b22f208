// 波形の損失。値は sstut.losses と同じで、小さいほどよい。
//
//   waveformLosses(推定, 正解)        { l1, mse, snr, si_sdr }。1 回なめるだけで、4 つとも求まる
//   magnitudeLoss(推定の振幅, 正解の振幅)          振幅の平均絶対誤差（magnitude_loss のマスクが 1 のとき）
//   spectralTerms(推定の振幅, 正解の振幅, floor)   多解像度 STFT 損失の、1 つの解像度の分
//   multiResolutionLoss(推定, 正解)   その平均
//   degrade(正解, { gain, delay, noise, noiseGain })   利得と遅れをつけ、雑音を足した推定

import { magnitude } from "./spectrogram.js";
import { stft } from "./stft.js";

const SNR_FLOOR = 1e-8;
const SI_SDR_LIMIT = 80; // [dB]
export const N_FFTS = [256, 512, 1024];
export const STFT_FLOOR = 1e-4;

/**
 * 波形から直接求める 4 つの損失。
 * @param {ArrayLike<number>} estimate 推定。形 (n,)。
 * @param {ArrayLike<number>} target 正解。形 (n,)。
 * @returns {{l1: number, mse: number, snr: number, si_sdr: number}} snr と si_sdr は [dB]。
 */
export function waveformLosses(estimate, target) {
  checkPair(estimate, target);
  const n = target.length;
  let [absolute, squared, sumE, sumS, EE, SS, ES] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [e, s] = [estimate[i], target[i]];
    const difference = e - s;
    absolute += Math.abs(difference);
    squared += difference * difference;
    sumE += e;
    sumS += s;
    EE += e * e;
    SS += s * s;
    ES += e * s;
  }
  const snr = 10 * Math.log10((squared / n + SNR_FLOOR) / (SS / n + SNR_FLOOR));
  // SI-SDR では、先にそれぞれの平均を引く
  const si = siSdrFromProducts(EE - (sumE * sumE) / n, SS - (sumS * sumS) / n, ES - (sumE * sumS) / n);
  return { l1: absolute / n, mse: squared / n, snr, si_sdr: si };
}

/** 推定と正解のエネルギーと内積から、負の SI-SDR。正解が無音なら 0。 */
function siSdrFromProducts(EE, SS, ES) {
  if (SS <= 0) return 0;
  const share = 10 ** (-SI_SDR_LIMIT / 10);
  const projected = (ES * ES) / SS;
  const distortion = Math.max(0, EE - projected) + 1e-22;
  return 10 * Math.log10((distortion + share * projected) / (projected + share * distortion));
}

/**
 * 振幅の平均絶対誤差。
 * @param {ArrayLike<number>} E 推定の振幅。
 * @param {ArrayLike<number>} S 正解の振幅。
 */
export function magnitudeLoss(E, S) {
  checkPair(E, S);
  let sum = 0;
  for (let i = 0; i < S.length; i++) sum += Math.abs(E[i] - S[i]);
  return sum / S.length;
}

/**
 * 1 つの解像度の、スペクトル収束度と対数振幅の平均絶対誤差との和。
 * @param {ArrayLike<number>} E 推定の振幅（`scaledMagnitude`）。
 * @param {ArrayLike<number>} S 正解の振幅。
 */
export function spectralTerms(E, S, floor = STFT_FLOOR) {
  checkPair(E, S);
  let [difference, energy, logarithm] = [0, 0, 0];
  for (let i = 0; i < S.length; i++) {
    const [e, s] = [E[i] + floor, S[i] + floor];
    difference += (e - s) * (e - s);
    energy += s * s;
    logarithm += Math.abs(Math.log(e / s));
  }
  return Math.sqrt(difference / energy) + logarithm / S.length;
}

/** ハン窓の STFT。振幅 1 の正弦波の山が 0.5 になるように割る。 */
export function scaledStft(x, nFft) {
  const S = stft(x, { nFft, hop: nFft / 4, window: "hann" });
  const scale = 2 / nFft; // 周期的なハン窓の和は nFft / 2
  for (let i = 0; i < S.re.length; i++) {
    S.re[i] *= scale;
    S.im[i] *= scale;
  }
  return S;
}

/** 多解像度 STFT 損失。 */
export function multiResolutionLoss(estimate, target, { nFfts = N_FFTS, floor = STFT_FLOOR } = {}) {
  checkPair(estimate, target);
  const terms = nFfts.map((n) => spectralTerms(magnitude(scaledStft(estimate, n)), magnitude(scaledStft(target, n)), floor));
  return terms.reduce((sum, v) => sum + v, 0) / nFfts.length;
}

/**
 * わざと悪くした推定：gain * target[n - delay] + noiseGain * noise[n]。外から入るところは 0。
 * @param {ArrayLike<number>} target 正解。
 * @param {object} options gain: 倍率（負なら正負が逆）。delay: 遅れ [サンプル]（負なら進む）。noise: 雑音。noiseGain: その倍率。
 * @param {Float64Array|Float32Array|null} [out] 書き込み先。
 */
export function degrade(target, { gain = 1, delay = 0, noise = null, noiseGain = 0 }, out = null) {
  const y = out ?? new Float64Array(target.length);
  for (let i = 0; i < y.length; i++) {
    const from = i - delay;
    y[i] = from >= 0 && from < target.length ? gain * target[from] : 0;
  }
  if (noiseGain !== 0) for (let i = 0; i < y.length; i++) y[i] += noiseGain * noise[i];
  return y;
}

function checkPair(estimate, target) {
  if (target.length === 0 || estimate.length !== target.length) {
    throw new RangeError(`推定と正解は、空でない同じ長さにしてください（${estimate.length} と ${target.length}）。`);
  }
}
