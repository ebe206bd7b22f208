// STFT の設定から、絵・音・数値を作る。画面を知らない計算だけを置く。
// 配列は使い回し、スライダーを動かすたびに確保しない。

import { plan } from "../dsp/fft.js";
import { applyMel, hzToMel, melFilterbank } from "../dsp/mel.js";
import { magnitude, magnitudeDb, matching, maximum, power, powerToDb } from "../dsp/spectrogram.js";
import { istft, stft, stftParameters } from "../dsp/stft.js";
import { getWindow, isNola, padCenter } from "../dsp/windows.js";
import { mainLobe } from "./windows.js";

const MAX_VALUES = 2 ** 23; // 表の値の数の上限。これを超えると、端末の記憶を使いきりかねない
const N_MELS = 128;

/**
 * 設定の困ったところ。
 * @param {{nFft: number, winLength: number, hop: number, window: string}} settings stft の設定。
 * @param {number} length 波形の長さ [サンプル]。
 * @returns {{text: string, drawable: boolean}|null} なければ null。drawable は、絵だけなら描けるか。
 */
export function problem(settings, length) {
  const { nFft, winLength, hop, window } = settings;
  if (hop > winLength) {
    return {
      text: `ホップ長 ${hop} が窓長 ${winLength} より長いので、どのフレームにも入らないサンプルができます。` +
        `ホップ長を ${winLength} 以下にするか、窓を長くしてください。`,
      drawable: false,
    };
  }
  const values = (1 + Math.floor(length / hop)) * (nFft / 2 + 1);
  if (values > MAX_VALUES) {
    return { text: `値が ${Math.round(values / 1e4).toLocaleString()} 万個になり、多すぎます。ホップ長を長くするか、ゼロ詰めを減らしてください。`, drawable: false };
  }
  try {
    stftParameters(settings);
  } catch (error) {
    return { text: error.message, drawable: false };
  }
  if (isNola(window, winLength, hop)) return null;
  return {
    text: `${winLength} サンプルの窓を ${hop} サンプルずつずらすと、窓の重なりが 0 になる時刻があります（NOLA が成り立ちません）。` +
      "絵は描けますが、波形には戻せません。ホップ長を短くしてください。",
    drawable: true,
  };
}

/** 分析の結果を持ち、前の配列を使い回す道具を作る。 */
export function createAnalysis(sr) {
  let S = null;
  let values = null;
  let mask = null;
  let bank = null;

  return {
    get S() { return S; },

    /** 波形 x を STFT する。設定は、`problem` で確かめておく。 */
    analyse(x, settings) { S = stft(x, settings, S); },

    /**
     * 絵にする値。
     * @param {"amplitude"|"power"|"log"|"mel"} scale 目盛り。
     * @param {number} range 対数とメルで、最大から何 dB 下までを描くか。
     * @returns {object} createSpectrogram の setData に渡すもの。
     */
    picture(scale, range) {
      const shape = { frames: S.frames, bins: S.bins, hop: S.hop, sr, duration: S.length / sr };
      if (scale === "log") {
        values = magnitudeDb(S, { topDb: range }, values);
        return { ...shape, values, low: -range, high: 0 };
      }
      if (scale === "mel") {
        if (bank?.bins !== S.bins) bank = melFilterbank({ sr, nFft: S.nFft, nMels: N_MELS });
        values = power(S, values);
        melRows(bank, values, { sr, frames: S.frames, range });
        return { ...shape, values, low: -range, high: 0 };
      }
      values = scale === "power" ? power(S, values) : magnitude(S, values);
      const largest = maximum(values) || 1;
      for (let i = 0; i < values.length; i++) values[i] /= largest;
      return { ...shape, values, low: 0, high: 1 };
    },

    /**
     * 帯域の中だけを残して波形に戻す。
     * @param {[number, number]} band 下限と上限 [Hz]。両端を含む。
     * @param {Float32Array} out 書き込み先。
     */
    keepBand([low, high], out) {
      const first = Math.max(0, Math.ceil((low * S.nFft) / sr - 1e-6));
      const end = Math.min(S.bins, Math.floor((high * S.nFft) / sr + 1e-6) + 1);
      if (first === 0 && end === S.bins) return istft(S, { out });
      mask = matching(mask, S.re).fill(0);
      for (let t = 0; t < S.frames; t++) mask.fill(1, t * S.bins + first, t * S.bins + Math.max(first, end));
      return istft(S, { mask, out });
    },
  };
}

/**
 * パワー values を、各周波数ビンにいちばん近いメルの行の値 [dB] で置きかえる。
 * 行の数を変えないので、絵の描き方はほかの目盛りと同じで済む。
 */
function melRows(bank, values, { sr, frames, range }) {
  const { nMels, bins, first, end } = bank;
  const mel = applyMel(bank, values);
  const db = powerToDb(mel, { ref: "max", topDb: range }, mel);
  const step = hzToMel(sr / 2) / (nMels + 1);
  const filled = Array.from({ length: nMels }, (_, m) => m).filter((m) => end[m] > first[m]); // 幅が狭すぎて空の行を除く
  const row = Int32Array.from({ length: bins }, (_, k) => {
    const at = hzToMel((k * sr) / (2 * (bins - 1))) / step - 1;
    return filled.reduce((best, m) => (Math.abs(m - at) < Math.abs(best - at) ? m : best), filled[0]);
  });
  for (let t = 0; t < frames; t++) for (let k = 0; k < bins; k++) values[t * bins + k] = db[t * nMels + row[k]];
}

/**
 * 設定から分かる数値。
 * @param {object} S stft の返り値。
 * @param {number} sr 標本化周波数 [Hz]。
 */
export function facts(S, sr) {
  return {
    binHz: sr / S.nFft,
    lobeHz: (mainLobe(S.window) * sr) / S.winLength,
    windowMs: (1000 * S.winLength) / sr,
    shape: [S.bins, S.frames],
    redundancy: (S.bins * S.frames) / S.length,
  };
}

/**
 * 点 (t, k) の値。
 * @returns {{t: number, k: number, freq: number, time: number, magnitude: number, db: number, phase: number}}
 *   freq [Hz]、time [秒]、db は最大の点を 0 とする [dB]、phase [rad]。
 */
export function pointValue(S, { t, k }, sr, largest) {
  const i = t * S.bins + k;
  const size = Math.hypot(S.re[i], S.im[i]);
  return {
    t, k, freq: (k * sr) / S.nFft, time: (t * S.hop) / sr,
    magnitude: size, db: 20 * Math.log10(size / largest), phase: Math.atan2(S.im[i], S.re[i]),
  };
}

/** 絶対値がいちばん大きい点と、その値。 */
export function loudestPoint(S) {
  let best = -1;
  let at = 0;
  for (let i = 0; i < S.re.length; i++) {
    const p = S.re[i] * S.re[i] + S.im[i] * S.im[i];
    if (p > best) {
      best = p;
      at = i;
    }
  }
  return { t: Math.floor(at / S.bins), k: at % S.bins, largest: Math.sqrt(best) || 1 };
}

/**
 * 点 (t, k) だけを残して戻した波形（窓の形をした正弦波）。最大振幅を 0.5 にそろえる。
 * @returns {Float32Array} 形 (winLength,)。
 */
export function atom(S, { t, k }) {
  const re = new Float64Array(S.bins);
  const im = new Float64Array(S.bins);
  const i = t * S.bins + k;
  const size = Math.hypot(S.re[i], S.im[i]);
  re[k] = size ? S.re[i] / size : 1;
  im[k] = size ? S.im[i] / size : 0;
  const frame = new Float64Array(S.nFft);
  plan(S.nFft).inverse(re, im, frame);
  const w = padCenter(getWindow(S.window, S.winLength), S.nFft);
  const start = (S.nFft - S.winLength) / 2;
  const y = Float32Array.from(frame.subarray(start, start + S.winLength), (v, n) => v * w[start + n]);
  const largest = y.reduce((a, v) => Math.max(a, Math.abs(v)), 0) || 1;
  return y.map((v) => (0.5 * v) / largest);
}
