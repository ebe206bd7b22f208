// 混合音 1 つ分の計算：STFT、くり返しの推定、マスク、成分の波形、良さ。画面を使わない。
//
//   const work = createWork(mixture, sources, { nFft, hop, sr });
//   work.update({ method, period, maxRepeats, minDistance, minSimilarity, neighborhood, cutoff })
//   work.model、work.mask、work.waves   その結果。waves は { mixture, background, foreground }
//   work.gathered(t)                    フレーム t の背景を決めるのに集めたフレーム（2DFT なら null）
// 重い下ごしらえ（並べ替え、類似度の行列、2 次元フーリエ変換）は、要るときに 1 度だけ行う。

import { sortLines } from "../dsp/median.js";
import { safeSdr } from "../dsp/metrics.js";
import {
  backgroundMask, beatPeaks, beatSpectrum, findPeriod, ft2d, ft2dPeaks, ft2dTransform, lowBins, repet, repetSim, samePhase,
  similarFrames, similarityMatrix,
} from "../dsp/repetition.js";
import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";

const PERIOD_SECONDS = [0.8, 8]; // 周期を探す範囲 [秒]。sstut.repetition.separate_repet の既定と同じ

/** はじめて呼ばれたときに make を呼び、そのあとは同じ値を返す関数。 */
function lazy(make) {
  let value = null;
  return () => {
    value ??= make();
    return value;
  };
}

/** 秒をフレームの数に直す（1 以上）。Python の round と同じく、ちょうど半分なら偶数にする。 */
export function toFrames(duration, seconds) {
  const exact = duration / seconds;
  const floor = Math.floor(exact);
  const half = exact - floor === 0.5;
  return Math.max(1, half && floor % 2 === 0 ? floor : Math.floor(exact + 0.5));
}

/**
 * 混合音 1 つ分の計算を用意する。
 * @param {Float32Array} mixture 混合音。
 * @param {Array<{wave: Float32Array}>} sources 正解の背景と前景（なければ空）。
 * @param {object} options nFft、hop: STFT の設定 [サンプル]。sr [Hz]。
 */
export function createWork(mixture, sources, { nFft, hop, sr }) {
  const S = stft(mixture, { nFft, hop, window: "hann" });
  const { bins, frames } = S;
  const A = magnitude(S);
  const seconds = hop / sr;
  const lines = lazy(() => sortLines(A, bins, "time"));
  const beat = lazy(() => beatSpectrum(A, bins));
  const similarity = lazy(() => similarityMatrix(A, bins));
  const transform = lazy(() => ft2dTransform(A, bins));
  const range = [toFrames(PERIOD_SECONDS[0], seconds), Math.min(toFrames(PERIOD_SECONDS[1], seconds), Math.floor(frames / 3))];
  const found = lazy(() => findPeriod(beat(), { minPeriod: range[0], maxPeriod: range[1] }));
  const beats = lazy(() => beatPeaks(beat(), range[0], range[1]));

  const waves = { mixture, background: new Float32Array(mixture.length), foreground: new Float32Array(mixture.length) };
  const names = ["background", "foreground"];
  const work = {
    S, magnitude: A, peak: maximum(A), db: magnitudeDb(S), seconds, range, maxPeriod: Math.floor(frames / 2), waves,
    model: new Float32Array(A.length), mask: new Float32Array(A.length),
    beat, similarity, transform, found, beats,
    period: 0, similar: null, peaks: null, low: 0, // period は、REPET のほかでは 0
    before: sources.map(({ wave }) => safeSdr(wave, mixture)),
    gathered: () => null,
    update(options) {
      estimate(options);
      backgroundMask(A, work.model, work.mask);
      work.low = lowBins({ bins, nFft, sr, cutoff: options.cutoff });
      for (let start = 0; start < A.length; start += bins) work.mask.fill(1, start, start + work.low);
      istft(S, { mask: work.mask, out: waves.background });
      for (let i = 0; i < mixture.length; i++) waves.foreground[i] = mixture[i] - waves.background[i]; // 和が混合音に戻る
    },
    /** 正解の背景と前景に対する、分けた音の SI-SDR [dB]。 */
    scores: () => sources.map(({ wave }, i) => safeSdr(wave, waves[names[i]])),
  };

  const estimators = {
    repet({ period }) {
      work.period = Math.min(period || found(), work.maxPeriod);
      work.gathered = (t) => samePhase(t, work.period, frames);
      repet(lines(), work.period, work.model);
    },
    repet_sim({ maxRepeats, minDistance, minSimilarity }) {
      const distance = Math.min(toFrames(minDistance, seconds), frames - 1);
      work.similar = similarFrames(similarity(), { maxRepeats, minDistance: distance, minSimilarity });
      work.gathered = (t) => work.similar[t];
      repetSim(lines(), work.similar, work.model);
    },
    ft2d({ neighborhood }) {
      work.peaks = ft2dPeaks(transform(), neighborhood);
      work.gathered = () => null;
      ft2d(transform(), work.peaks, work.model);
    },
  };
  let estimated = ""; // いまの推定を作った設定。マスクの作り方だけが変わったときは、推定しなおさない
  function estimate(options) {
    const key = JSON.stringify({ ...options, cutoff: null });
    if (key === estimated) return;
    work.period = 0;
    estimators[options.method](options);
    estimated = key;
  }
  return work;
}
