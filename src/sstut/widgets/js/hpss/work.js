// 混合音 1 つ分の計算：STFT、2 つの中央値、マスク、成分の波形、良さ。画面を使わない。
//
//   const work = createWork(mixture, sources);
//   work.update({ nFft, hop, kernels, power, margins })   変わった所だけを計算しなおす
//   work.S、work.db、work.horizontal、work.vertical、work.masks   その結果
//   work.waves         { mixture, harmonic, percussive, rest }。残りがなければ rest は 0

import { hpssMasks } from "../dsp/hpss.js";
import { runningMedian, sortLines } from "../dsp/median.js";
import { safeSdr } from "../dsp/metrics.js";
import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";

/** 窓の長さ 1 つ分の分析。中央値は、点数が変わったときだけ求めなおす。 */
function analyse(mixture, { nFft, hop }) {
  const S = stft(mixture, { nFft, hop, window: "hann" });
  const A = magnitude(S);
  const direction = (axis) => {
    const lines = sortLines(A, S.bins, axis);
    const values = new Float32Array(A.length);
    let size = 0;
    return (wanted) => {
      if (wanted !== size) runningMedian(lines, wanted, values);
      size = wanted;
      return values;
    };
  };
  return { S, magnitude: A, peak: maximum(A), db: magnitudeDb(S), horizontal: direction("time"), vertical: direction("frequency"), masks: {} };
}

/**
 * 混合音 1 つ分の計算を用意する。
 * @param {Float32Array} mixture 混合音。
 * @param {Array<{wave: Float32Array}>} sources 正解の音源（なければ空）。
 */
export function createWork(mixture, sources) {
  const analyses = new Map(); // 窓の長さ → 分析。選びなおしても、待たせない
  const [harmonic, percussive, rest] = [0, 1, 2].map(() => new Float32Array(mixture.length));
  const waves = { mixture, harmonic, percussive, rest };
  const before = sources.map(({ wave }) => safeSdr(wave, mixture));
  let now = null;
  const work = {
    waves, before,
    get hasRest() { return now.masks.rest !== null; },
    get parts() { return work.hasRest ? ["harmonic", "percussive", "rest"] : ["harmonic", "percussive"]; },
    update(options) {
      if (!analyses.has(options.nFft)) analyses.set(options.nFft, analyse(mixture, options));
      now = analyses.get(options.nFft);
      const { S, peak, db } = now;
      const [horizontal, vertical] = [now.horizontal(options.kernels[0]), now.vertical(options.kernels[1])];
      now.masks = hpssMasks(horizontal, vertical, options, now.masks);
      Object.assign(work, { S, peak, db, magnitude: now.magnitude, horizontal, vertical, masks: now.masks });
      render(S, now.masks);
    },
    /** 音源ごとの { 成分の名前: SI-SDR [dB] }。 */
    scores: () => sources.map(({ wave }) => Object.fromEntries(work.parts.map((part) => [part, safeSdr(wave, waves[part])]))),
  };

  /** 逆変換は足し算を保ち、マスクの和は 1 なので、最後の成分は引き算で求まる。 */
  function render(S, masks) {
    istft(S, { mask: masks.harmonic, out: harmonic });
    const last = masks.rest ? rest : percussive;
    if (masks.rest) istft(S, { mask: masks.percussive, out: percussive });
    for (let i = 0; i < mixture.length; i++) last[i] = mixture[i] - harmonic[i] - (masks.rest ? percussive[i] : 0);
    if (!masks.rest) rest.fill(0);
  }
  return work;
}
