// 位相を取りかえた音の計算。画面を使わない。
//
//   const work = createWork(waves, options);   waves[0] が正解の音、ほかは混ぜる音
//   work.restart({ start: "mixture", method: "griffin_lim", seed: 0 });   はじめの位相にする
//   work.step(0.99);                            1 回進める
//   work.now、work.spectrum、work.score         いまの波形、複素スペクトログラム、{ loss, sdr }

import { safeSdr } from "../dsp/metrics.js";
import { createSearch, polar, randomPhase, spectralConvergence, withMagnitude } from "../dsp/phase.js";
import { magnitude, magnitudeDb } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";

/**
 * 正解の音 1 つ分の計算を用意する。
 * @param {Float32Array[]} waves 正解の音と、混ぜる音（なければ空）。
 * @param {object} options `stft` の設定。
 */
export function createWork(waves, options) {
  const sources = waves.map((wave) => Float64Array.from(wave)); // 反復の誤差が積もらないように、倍精度で計算する
  const { length } = sources[0];
  const mixture = sources.length > 1 ? sources[0].map((_, i) => sources.reduce((sum, wave) => sum + wave[i], 0)) : null;
  const spectra = sources.map((wave) => stft(wave, options));
  const magnitudes = spectra.map((S) => magnitude(S));
  const X = mixture ? stft(mixture, options) : null;
  const truth = waves[0];
  const now = new Float32Array(length);
  let misi = false;
  let first = null; // 音源ごとの、はじめの { re, im }
  let search = null;
  let spectrum = spectra[0];
  let score = null;

  function startOf(kind, n, seed) {
    if (kind === "true") return spectra[n];
    if (kind === "mixture") return withMagnitude(magnitudes[n], X);
    const size = magnitudes[n].length;
    return polar(magnitudes[n], kind === "zero" ? new Float64Array(size) : randomPhase(size, seed + n));
  }

  /** 正解の振幅と、渡した位相を持つ S の波形とその良さ。 */
  function heard(parts) {
    const S = { ...spectra[0], ...parts };
    const wave = istft(S);
    return { S, wave, score: { loss: spectralConvergence(magnitudes[0], stft(wave, options)), sdr: safeSdr(truth, wave) } };
  }

  return {
    S: spectra[0], db: magnitudeDb(spectra[0]), truth, now,
    mixture: mixture ? Float32Array.from(mixture) : null,
    base: mixture ? heard(startOf("mixture", 0)).score.sdr : NaN, // 混合音の位相のときの SI-SDR
    get iteration() { return search?.iteration ?? 0; },
    get spectrum() { return spectrum; },
    get score() { return score; },
    get first() { return first; },
    restart({ start, method, seed }) {
      misi = method === "misi";
      search = null;
      const used = misi ? spectra : spectra.slice(0, 1);
      first = used.map((_, n) => startOf(start, n, seed));
      const { S, wave, score: begun } = heard(first[0]);
      spectrum = S;
      now.set(wave);
      score = begun;
    },
    step(momentum) {
      search ??= createSearch({ magnitudes: magnitudes.slice(0, first.length), start: first, length, mixture: misi ? mixture : null, ...options });
      search.step(misi ? 0 : momentum);
      spectrum = search.spectra[0];
      now.set(search.waves[0]);
      score = { loss: search.losses[0], sdr: safeSdr(truth, search.waves[0]) };
    },
  };
}
