// 混合音 1 つ分の計算：STFT、マスクの作り方、通した音と残りの音、良さ。画面を使わない。

import { safeSdr } from "../dsp/metrics.js";
import { magnitudeDb } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";
import { createRecipes } from "./recipes.js";

/**
 * 混合音 1 つ分の計算を用意する。
 * @param {Float32Array} mixture 混合音。
 * @param {Array<{wave: Float32Array}>} sources 正解の音源（なければ空）。
 * @param {object} options `stft` の設定。
 */
export function createWork(mixture, sources, options) {
  const S = stft(mixture, options);
  const masked = new Float32Array(mixture.length);
  const rest = new Float32Array(mixture.length);
  const before = sources.map(({ wave }) => safeSdr(wave, mixture));
  return {
    S, mixture, masked, rest, before,
    db: magnitudeDb(S),
    recipes: createRecipes({ S, sources: sources.map(({ wave }) => wave), options }),
    /** 逆変換は線形なので、残りの音は引き算で求まる。 */
    render(mask) {
      istft(S, { mask, out: masked });
      for (let i = 0; i < rest.length; i++) rest[i] = mixture[i] - masked[i];
    },
    sdr: (index) => safeSdr(sources[index].wave, masked),
    /** お手本の SI-SDR。 */
    best(mask, index) { return safeSdr(sources[index].wave, istft(S, { mask })); },
  };
}
