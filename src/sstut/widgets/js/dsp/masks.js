// 時間周波数マスク。sstut.masking と同じ値になる。
//
// マスクの並びは S（`stft` の返り値）と同じで、点 (t, k) は t * bins + k 番目。
// 音源ごとの量は「音源の数だけの配列の配列」で渡し、同じ形で返す。
// 入力が空の点（全音源が 0）では決め方がないので、比のマスクは 1/N ずつ分ける。

import { matching } from "./spectrogram.js";

/**
 * しきい値によるマスク。しきい値以上（または未満）の点を残す。
 * @param {Float32Array|Float64Array} db デシベルのスペクトログラム [dB]。形 (frames * bins,)。
 * @param {number} threshold しきい値 [dB]。
 * @param {boolean} [keepAbove] true なら以上、false なら未満を残す。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 0か1。形 (frames * bins,)。
 */
export function thresholdMask(db, threshold, keepAbove = true, out = null) {
  const mask = matching(out, db);
  for (let i = 0; i < mask.length; i++) mask[i] = db[i] >= threshold === keepAbove ? 1 : 0;
  return mask;
}

/**
 * 理想二値マスク（IBM）。点ごとに、ほかのどの音源よりも強い音源だけを 1 にする。
 *
 * 同点と、すべて 0 の点は、0 dB 以下では番号の小さい音源に渡す。正ではどれも 0 にする。
 * @param {(Float32Array|Float64Array)[]} mags 各音源の振幅。N 個、形 (frames * bins,)。
 * @param {number} [thresholdDb] ほかで最も強い音源を何 dB 上回れば通すか（局所 SNR の閾値）。
 * @returns {(Float32Array|Float64Array)[]} N 個のマスク。0 dB なら和はどの点でも 1。
 */
export function idealBinaryMask(mags, thresholdDb = 0) {
  const masks = emptyLike(mags);
  const ratio = 10 ** (thresholdDb / 20);
  for (let i = 0; i < masks[0].length; i++) {
    let owner = 0;
    for (let n = 1; n < mags.length; n++) if (mags[n][i] > mags[owner][i]) owner = n;
    let second = 0;
    for (let n = 0; n < mags.length; n++) if (n !== owner) second = Math.max(second, mags[n][i]);
    for (let n = 0; n < mags.length; n++) {
      const rival = n === owner ? second : mags[owner][i];
      const above = thresholdDb !== 0 && mags[n][i] > ratio * rival;
      masks[n][i] = above || (n === owner && thresholdDb <= 0) ? 1 : 0;
    }
  }
  return masks;
}

/**
 * 理想比率マスク（IRM）。|S_n|^p / Σ_m |S_m|^p。p = 1 は振幅比、p = 2 はウィーナーマスク。
 *
 * p を大きくすると二値マスクに近づく。
 * @param {(Float32Array|Float64Array)[]} mags 各音源の振幅。N 個、形 (frames * bins,)。
 * @param {number} [exponent] 指数 p。正の数。
 * @returns {(Float32Array|Float64Array)[]} N 個のマスク。和はどの点でも 1。
 */
export function idealRatioMask(mags, exponent = 1) {
  if (!(exponent > 0)) throw new RangeError(`指数は正の数にしてください（渡された値: ${exponent}）。`);
  const masks = emptyLike(mags);
  const shares = new Float64Array(mags.length);
  for (let i = 0; i < masks[0].length; i++) {
    let largest = 0;
    for (let n = 0; n < mags.length; n++) largest = Math.max(largest, mags[n][i]);
    // 最大値で割ってから累乗する（先に累乗すると、小さい値が 0 に、大きい値が無限大になりうる）
    let total = 0;
    for (let n = 0; n < mags.length; n++) {
      shares[n] = largest === 0 ? 1 : (mags[n][i] / largest) ** exponent;
      total += shares[n];
    }
    for (let n = 0; n < mags.length; n++) masks[n][i] = shares[n] / total;
  }
  return masks;
}

/**
 * マスクの硬さを変える。m_n^p / Σ_m m_m^p。p = 1 で元のまま、p → ∞ で二値。
 * @param {(Float32Array|Float64Array)[]} masks N 個のマスク。0以上。
 * @param {number} exponent 指数 p。正の数。
 * @returns {(Float32Array|Float64Array)[]} N 個のマスク。和はどの点でも 1。
 */
export function softExponent(masks, exponent) {
  return idealRatioMask(masks, exponent);
}

/**
 * 複素数の理想比率マスク（cIRM）。S / X。掛けると、位相まで含めて S に戻る。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} source 音源 S。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} mixture 混合音 X。
 * @returns {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} 形 (frames * bins,)。
 *   X が（S の 10^-20 倍以下に）消えた点は、戻しようがないので 0。
 */
export function complexIdealRatioMask(source, mixture) {
  const re = matching(null, source.re);
  const im = matching(null, source.re);
  for (let i = 0; i < re.length; i++) {
    const xRe = mixture.re[i];
    const xIm = mixture.im[i];
    const energy = xRe * xRe + xIm * xIm;
    if (energy <= 1e-40 * (source.re[i] ** 2 + source.im[i] ** 2)) continue; // |X| が 10^-20 |S| 以下
    re[i] = (source.re[i] * xRe + source.im[i] * xIm) / energy;
    im[i] = (source.im[i] * xRe - source.re[i] * xIm) / energy;
  }
  return { re, im };
}

/**
 * 位相感応マスク（PSM）。(|S| / |X|) cos(∠S - ∠X)、つまり S / X の実部。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} source 音源 S。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} mixture 混合音 X。
 * @param {[number, number]|null} [clip] 値を収める範囲。[0, 1] なら打ち切り型。null なら収めない。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。負にも 1 より大きくもなる。X が消えた点は 0。
 */
export function phaseSensitiveMask(source, mixture, clip = null) {
  const { re } = complexIdealRatioMask(source, mixture);
  return clip ? re.map((v) => Math.max(clip[0], Math.min(clip[1], v))) : re;
}

/**
 * マスクを二値にする。
 * @param {Float32Array|Float64Array} mask 形 (frames * bins,)。
 * @param {number} [threshold] これより大きい点を 1 にする。
 * @returns {Float32Array|Float64Array} 0か1。
 */
export function binarize(mask, threshold = 0.5) {
  return mask.map((v) => (v > threshold ? 1 : 0));
}

/**
 * マスクを裏返す。1 - M（行列の逆ではない）。
 * @param {Float32Array|Float64Array} mask 形 (frames * bins,)。
 * @returns {Float32Array|Float64Array} 残りの音を取り出すマスク。
 */
export function invert(mask) {
  return mask.map((v) => 1 - v);
}

/**
 * マスクを S に掛ける（要素ごとの積）。位相は S のまま。
 * @param {object} S `stft` の返り値。
 * @param {ArrayLike<number>|{re: ArrayLike<number>, im: ArrayLike<number>}} mask 実数か複素数のマスク。
 *   形 (frames * bins,)。
 * @param {object|null} [reuse] 前の返り値。配列を使い回す。
 * @returns {object} マスクを掛けた S。
 */
export function applyMask(S, mask, reuse = null) {
  const real = mask.re ?? mask;
  const imaginary = mask.im ?? null;
  if (real.length !== S.re.length) {
    throw new RangeError(`マスクの大きさ ${real.length} が ${S.frames} × ${S.bins} = ${S.re.length} と合いません。`);
  }
  const re = matching(reuse?.re, S.re);
  const im = matching(reuse?.im, S.im);
  for (let i = 0; i < re.length; i++) {
    const mIm = imaginary ? imaginary[i] : 0;
    const sRe = S.re[i];
    const sIm = S.im[i];
    re[i] = sRe * real[i] - sIm * mIm;
    im[i] = sIm * real[i] + sRe * mIm;
  }
  return { ...S, re, im };
}

/** values と同じ型・長さの、0 で埋めた配列を同じ数だけ作る。 */
function emptyLike(values) {
  if (!values.length || values.some((v) => v.length !== values[0].length)) {
    throw new RangeError("音源ごとの配列は、同じ大きさのものを1つ以上渡してください。");
  }
  return values.map((v) => new v.constructor(v.length));
}
