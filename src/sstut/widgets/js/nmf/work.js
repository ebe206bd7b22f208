// 混合音 1 つ分の計算：STFT、NMF、成分の絵と波形。画面を使わない。
//
//   const work = createWork(mixture, { nFft, hop });
//   work.choose({ n, loss, seed }, 見せる回数) → fit   同じ設定なら、前の計算を使う
//   work.show(回数)            work.factors が、その回の { W, H } になる
//   work.wave([成分の番号…])   選んだ成分だけの波形。番号は 0 から
//   work.layer([番号…], 絵, 上端, { values, owners })   点の値 [dB] と、その点でいちばん大きい成分を書く

import { componentMasks } from "../dsp/nmf.js";
import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";
import { createFit } from "./fit.js";

const LOWEST = 1e-6; // 絵に描く値の下限。最大値に対する比
const KEPT = 4; // 取っておく設定の数。1 つで数 MB になる

/**
 * 混合音 1 つ分の計算を用意する。
 * @param {Float32Array} mixture 混合音。
 * @param {{nFft: number, hop: number}} frames STFT の設定。
 */
export function createWork(mixture, frames) {
  const S = stft(mixture, { ...frames, window: "hann" });
  const A = magnitude(S);
  let power = null; // 板倉・斎藤で分けるパワー。使うときに作る
  const fits = new Map();
  let mask = null; // 使い回す
  const work = {
    mixture, S, peak: maximum(A), db: magnitudeDb(S), fit: null, factors: null,
    /** パワーを分けているか。 */
    get isPower() { return work.fit.loss === "is"; },
    /** NMF の目標 V。 */
    get target() { return work.isPower ? power : A; },
    choose({ n, loss, seed }, wanted) {
      const key = `${n} ${loss} ${seed}`;
      if (loss === "is") power ??= A.map((v) => v * v);
      const fit = fits.get(key) ?? createFit(loss === "is" ? power : A, S.bins, { n, loss, seed }, wanted);
      fits.delete(key); // 入れなおして、いちばん新しくする
      fits.set(key, fit);
      if (fits.size > KEPT) fits.delete(fits.keys().next().value);
      work.fit = fit;
      return fit;
    },
    show(iteration) { work.factors = work.fit.at(iteration); },
    wave(numbers) {
      [mask] = componentMasks(work.factors, S.bins, [numbers], [mask]);
      return istft(S, { mask });
    },
    layer,
    /** 点 (t, k) での、成分ごとの w h。 */
    shares(t, k) {
      const { W, H } = work.factors;
      const { n } = work.fit;
      return Array.from({ length: n }, (_, c) => W[c * S.bins + k] * H[t * n + c]);
    },
  };

  /** 近似 W H（kind が "approximation"）か、マスクを掛けた混合音（"heard"）の絵を、番号 top の周波数まで書く。 */
  function layer(numbers, kind, top, { values, owners }) {
    const { W, H } = work.factors;
    const { n } = work.fit;
    const masked = kind === "heard";
    const squared = work.isPower && !masked;
    const ref = squared ? work.peak ** 2 : work.peak;
    if (masked) [mask] = componentMasks(work.factors, S.bins, [numbers], [mask]);
    const last = Math.min(S.bins, top + 1);
    for (let t = 0; t < S.frames; t++) {
      for (let k = 0, i = t * S.bins; k < last; k++, i++) {
        let [sum, most, owner] = [0, -1, 0];
        for (const c of numbers) {
          const part = W[c * S.bins + k] * H[t * n + c];
          sum += part;
          if (part > most) {
            most = part;
            owner = c;
          }
        }
        const value = (masked ? mask[i] * A[i] : sum) / ref;
        values[i] = (squared ? 10 : 20) * Math.log10(Math.max(value, LOWEST));
        owners[i] = owner;
      }
    }
  }
  return work;
}
