// マスクの作り方。画面を使わない。
//
//   const recipes = createRecipes({ S, sources, options });
//   recipes.threshold(out, { db: -30, above: true })
//   recipes.prepare()                    理想マスクの準備（最初の oracle の前に済ませておくと待たせない）
//   recipes.oracle(out, { target: 0, kind: "ratio", exponent: 1, snrDb: 0 })
//   passedShare(mask)                    通した割合
// マスクは点 (t, k) が t * bins + k 番目。値は sstut.masking の関数と同じになる。

import { idealBinaryMask, phaseSensitiveMask, thresholdMask } from "../dsp/masks.js";
import { magnitude, power } from "../dsp/spectrogram.js";
import { stft } from "../dsp/stft.js";

const SILENCE = 1e-60; // 無音の点の対数の下限。どの float32 の振幅よりずっと小さい

/**
 * 混合音と正解の音源から、マスクを作る関数の組を作る。
 * @param {object} given S: 混合音の `stft`。sources: 正解の音源の波形の配列（なければ空）。
 *   options: `stft` の設定。
 */
export function createRecipes({ S, sources, options }) {
  const energy = power(S);
  let largest = 0;
  for (let i = 0; i < energy.length; i++) if (energy[i] > largest) largest = energy[i];

  // 理想マスクは、初めて要るときに用意する。
  let spectra = null;
  let levels = null;
  let logs = null;
  function prepare() {
    if (logs) return;
    spectra = sources.map((x) => stft(x, options));
    levels = spectra.map((Sj) => magnitude(Sj));
    logs = spectra.map((Sj) => Float64Array.from(power(Sj), (p) => 0.5 * Math.log(Math.max(p, SILENCE))));
  }

  /** 最大の点から db [dB] の所を境に、以上（または未満）の点を通す。 */
  function threshold(out, { db, above }) {
    return thresholdMask(energy, largest * 10 ** (db / 10), above, out);
  }

  /**
   * |S_j|^p / Σ|S_k|^p。どの音源も 0 の点は等分になる。値は `idealRatioMask` と同じ。
   * スライダーに追いつくように、1 枚だけを、累乗ではなく対数の引き算と exp で作る。
   */
  function ratio(out, target, exponent) {
    const mine = logs[target];
    const others = logs.filter((_, j) => j !== target);
    if (others.length === 1) {
      const [other] = others;
      for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(exponent * (other[i] - mine[i])));
      return out;
    }
    for (let i = 0; i < out.length; i++) {
      let total = 1;
      for (let j = 0; j < others.length; j++) total += Math.exp(exponent * (others[j][i] - mine[i]));
      out[i] = 1 / total;
    }
    return out;
  }

  function oracle(out, { target, kind, exponent, snrDb }) {
    prepare();
    if (kind === "ibm") out.set(idealBinaryMask(levels, snrDb)[target]);
    else if (kind === "ratio") ratio(out, target, exponent);
    else out.set(phaseSensitiveMask(spectra[target], S, [0, 1]));
    return out;
  }

  return { prepare, threshold, oracle };
}

/** マスクの値の平均。すべて通せば 1。 */
export function passedShare(mask) {
  let sum = 0;
  for (let i = 0; i < mask.length; i++) sum += mask[i];
  return sum / mask.length;
}
