// 位相：折りたたみ、ホップごとの進み、Griffin–Lim と MISI。sstut.phase と同じ値になる。
//
// スペクトログラムの並びは S（`stft` の返り値）と同じで、点 (t, k) は t * bins + k 番目。

import { matching } from "./spectrogram.js";
import { istft, stft, stftParameters } from "./stft.js";
import { seededRandom } from "./testsignals.js";

const TURN = 2 * Math.PI;

/**
 * 位相を (−π, π] に折りたたむ。
 * @param {number} phase 位相 [rad]。
 * @returns {number} [rad]。
 */
export function princarg(phase) {
  return phase - TURN * Math.ceil((phase - Math.PI) / TURN);
}

/**
 * 正弦波の位相が、1 ホップで進む角度。折りたたまない。
 * @param {number} frequency 周波数 [Hz]。
 * @param {number} hop ホップ長 [サンプル]。
 * @param {number} sr 標本化周波数 [Hz]。
 * @returns {number} 2πfH/sr [rad]。
 */
export function phaseAdvance(frequency, hop, sr) {
  return (TURN * frequency * hop) / sr;
}

/**
 * 一様な乱数の位相。
 * @param {number} length 個数。
 * @param {number} seed 種。同じ種なら、どのブラウザでも同じ値になる。
 * @returns {Float64Array} [−π, π) [rad]。
 */
export function randomPhase(length, seed) {
  const random = seededRandom(seed);
  return Float64Array.from({ length }, () => TURN * random() - Math.PI);
}

/**
 * 振幅と位相から複素スペクトログラムを作る。M e^{jφ}。
 * @param {ArrayLike<number>} magnitude 振幅 M。形 (frames * bins,)。
 * @param {ArrayLike<number>} phase 位相 φ [rad]。形 (frames * bins,)。
 * @returns {{re: Float64Array, im: Float64Array}}
 */
export function polar(magnitude, phase) {
  return {
    re: Float64Array.from(magnitude, (m, i) => m * Math.cos(phase[i])),
    im: Float64Array.from(magnitude, (m, i) => m * Math.sin(phase[i])),
  };
}

/**
 * 振幅だけを magnitude に置きかえ、位相は S のまま残す。S が 0 の点の位相は 0 とする。
 * @param {ArrayLike<number>} magnitude 振幅 M。形 (frames * bins,)。
 * @param {{re: ArrayLike<number>, im: ArrayLike<number>}} S 位相を借りる複素スペクトログラム。
 * @param {{re: Float64Array, im: Float64Array}|null} [out] 書き込み先。
 * @returns {{re: Float64Array, im: Float64Array}}
 */
export function withMagnitude(magnitude, S, out = null) {
  const { re, im } = out ?? { re: new Float64Array(magnitude.length), im: new Float64Array(magnitude.length) };
  for (let i = 0; i < magnitude.length; i++) {
    const size = Math.sqrt(S.re[i] * S.re[i] + S.im[i] * S.im[i]);
    re[i] = size > 0 ? (magnitude[i] * S.re[i]) / size : magnitude[i];
    im[i] = size > 0 ? (magnitude[i] * S.im[i]) / size : 0;
  }
  return { re, im };
}

/**
 * スペクトル収束度（spectral convergence）。‖|S| − M‖ / ‖M‖。
 * @param {ArrayLike<number>} magnitude 目標の振幅 M。形 (frames * bins,)。
 * @param {{re: ArrayLike<number>, im: ArrayLike<number>}} S 波形から計算しなおした STFT。
 * @returns {number} 比。0 以上。
 */
export function spectralConvergence(magnitude, { re, im }) {
  let error = 0;
  let energy = 0;
  for (let i = 0; i < magnitude.length; i++) {
    const difference = Math.sqrt(re[i] * re[i] + im[i] * im[i]) - magnitude[i];
    error += difference * difference;
    energy += magnitude[i] * magnitude[i];
  }
  if (energy === 0) throw new RangeError("目標の振幅がすべて 0 なので、ずれを決められません。");
  return Math.sqrt(error / energy);
}

/**
 * 位相。
 * @param {{re: ArrayLike<number>, im: ArrayLike<number>}} S 形 (frames * bins,)。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} (−π, π] [rad]。
 */
export function angle({ re, im }, out = null) {
  const phase = matching(out, re);
  for (let i = 0; i < phase.length; i++) phase[i] = Math.atan2(im[i], re[i]);
  return phase;
}

/**
 * 前のフレームからの位相の進みが、ビンの中心周波数の正弦波の進み（2πkH/N）とどれだけ違うか。
 * −π〜π のずれは、瞬時周波数の ∓sr/(2H)〜±sr/(2H) [Hz] のずれにあたる。
 * @param {object} S `stft` の返り値と同じ形（re、im、frames、bins、nFft、hop）。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} (−π, π] [rad]。はじめのフレームは 0。
 */
export function phaseDeviation({ re, im, frames, bins, nFft, hop }, out = null) {
  const deviation = matching(out, re);
  deviation.fill(0, 0, bins);
  for (let k = 0; k < bins; k++) {
    const turn = TURN * (((k * hop) % nFft) / nFft);
    const cos = Math.cos(turn);
    const sin = Math.sin(turn);
    for (let t = 1; t < frames; t++) {
      const i = t * bins + k;
      const j = i - bins;
      // S(t) S(t−1)^* e^{−j 2πkH/N} の偏角。差を取ってから折りたたむのと同じ
      const a = re[i] * re[j] + im[i] * im[j];
      const b = im[i] * re[j] - re[i] * im[j];
      deviation[i] = Math.atan2(b * cos - a * sin, a * cos + b * sin);
    }
  }
  return deviation;
}

/**
 * Griffin–Lim（mixture を渡すと MISI）を、1 回ずつ進める道具。
 *
 * 1 回の反復は、波形 → STFT → 振幅を目標に置きかえる → 逆 STFT。MISI は、波形の和が混合音に
 * 一致するように、足りない分を音源に等しく分けてから STFT する。
 * @param {object} options magnitudes: 目標の振幅（音源ごと）。start: はじめの { re, im }（音源ごと）。
 *   length: 波形の長さ [サンプル]。mixture: 混合音（MISI のとき）。ほかは `stft` の設定。
 * @returns {{iteration: number, waves: Float64Array[], spectra: object[], losses: number[],
 *   step: (momentum?: number) => void}} losses は、いまの波形の `spectralConvergence`（音源ごと）。
 */
export function createSearch({ magnitudes, start, length, mixture = null, ...options }) {
  const parameters = stftParameters(options);
  const frames = magnitudes[0].length / parameters.bins;
  const spectra = start.map(({ re, im }) => ({ re: Float64Array.from(re), im: Float64Array.from(im), frames, ...parameters, length }));
  const waves = spectra.map(() => new Float64Array(length));
  let analysed = spectra.map(() => null); // いまの波形の STFT
  let previous = spectra.map(() => null); // 1 回前の波形の STFT
  const losses = new Array(spectra.length).fill(NaN);
  let iteration = 0;

  function synthesise() {
    spectra.forEach((S, n) => istft(S, { out: waves[n] }));
    if (mixture) shareResidual(waves, mixture);
    [analysed, previous] = [previous, analysed];
    waves.forEach((wave, n) => {
      analysed[n] = stft(wave, parameters, analysed[n]);
      losses[n] = spectralConvergence(magnitudes[n], analysed[n]);
    });
  }
  synthesise();

  return {
    waves, spectra, losses,
    get iteration() { return iteration; },
    step(momentum = 0) {
      spectra.forEach((S, n) => withMagnitude(magnitudes[n], extrapolate(analysed[n], previous[n], momentum), S));
      iteration += 1;
      synthesise();
    },
  };
}

/** 行きすぎた点 c + α (c − p)。p の配列に書く。p がなければ（はじめの 1 回は）c のまま。 */
function extrapolate(current, before, momentum) {
  if (!before || momentum === 0) return current;
  const { re, im } = before;
  for (let i = 0; i < re.length; i++) {
    re[i] = current.re[i] + momentum * (current.re[i] - re[i]);
    im[i] = current.im[i] + momentum * (current.im[i] - im[i]);
  }
  return before;
}

/** 波形の和が混合音に一致するように、足りない分を等しく分ける。 */
function shareResidual(waves, mixture) {
  for (let i = 0; i < mixture.length; i++) {
    let residual = mixture[i];
    for (const wave of waves) residual -= wave[i];
    for (const wave of waves) wave[i] += residual / waves.length;
  }
}

/**
 * Griffin–Lim。振幅 magnitude に合う位相を探す。
 * @param {ArrayLike<number>} magnitude 目標の振幅。形 (frames * bins,)。
 * @param {object} options nIter: 反復の回数。momentum: 勢い（0 なら元の Griffin–Lim）。start: はじめの { re, im }。
 *   length: 波形の長さ [サンプル]。ほかは `stft` の設定。
 * @returns {{waveform: Float64Array, losses: number[]}} losses[n] は、位相を n 回直したあとのスペクトル収束度。
 */
export function griffinLim(magnitude, { nIter = 32, momentum = 0.99, start, ...options }) {
  const search = createSearch({ magnitudes: [magnitude], start: [start], ...options });
  const losses = [];
  for (let n = 0; n < nIter; n++) {
    losses.push(search.losses[0]);
    search.step(momentum);
  }
  return { waveform: search.waves[0], losses };
}

/**
 * MISI（multiple input spectrogram inversion）。和が混合音に一致するように、音源ごとの位相を探す。
 * @param {ArrayLike<number>[]} magnitudes 音源ごとの目標の振幅。
 * @param {Float64Array} mixture 混合音。
 * @param {object} options nIter: 反復の回数。start: 音源ごとの、はじめの { re, im }。ほかは `stft` の設定。
 * @returns {{waveforms: Float64Array[], losses: number[][]}} losses[n] は、位相を n 回直したあとの値（音源ごと）。
 */
export function misi(magnitudes, mixture, { nIter = 10, start, ...options }) {
  const search = createSearch({ magnitudes, start, mixture, length: mixture.length, ...options });
  const losses = [];
  for (let n = 0; n < nIter; n++) {
    losses.push([...search.losses]);
    search.step();
  }
  return { waveforms: search.waves, losses };
}
