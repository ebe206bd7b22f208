// 複素スペクトログラム S（`stft` の返り値）から、振幅・パワー・デシベルを作る。
// 配列の並びは S と同じで、時間周波数点 (t, k) は t * bins + k 番目。
// 各関数の out に前の結果を渡すと、配列を確保し直さない。

/**
 * 振幅スペクトログラム |X|。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} S 形 (frames * bins,)。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。0以上。
 */
export function magnitude({ re, im }, out = null) {
  const y = matching(out, re);
  for (let i = 0; i < y.length; i++) y[i] = Math.sqrt(re[i] * re[i] + im[i] * im[i]);
  return y;
}

/**
 * パワースペクトログラム |X|²。複素数の2乗 X² ではなく、絶対値の2乗。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} S 形 (frames * bins,)。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。0以上。
 */
export function power({ re, im }, out = null) {
  const y = matching(out, re);
  for (let i = 0; i < y.length; i++) y[i] = re[i] * re[i] + im[i] * im[i];
  return y;
}

/**
 * パワーをデシベルにする。10 log10(max(P, amin) / ref)。librosa.power_to_db と同じ。
 * @param {Float32Array|Float64Array} values パワー。形は自由。
 * @param {object} [options] ref: 0 dB とするパワー、または "max"（最大値）。amin: log 0 を避ける下限。
 *   topDb: 最大値からこれより下は切り上げる [dB]。null なら切り上げない。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。values 自身でもよい。
 * @returns {Float32Array|Float64Array} デシベル [dB]。values と同じ形。
 */
export function powerToDb(values, { ref = 1, amin = 1e-10, topDb = 80 } = {}, out = null) {
  if (!(amin > 0)) throw new RangeError(`amin は正の数にしてください（渡された値: ${amin}）。`);
  if (topDb !== null && !(topDb >= 0)) {
    throw new RangeError(`topDb は0以上か null にしてください（渡された値: ${topDb}）。`);
  }
  const largest = maximum(values);
  const reference = Math.max(amin, ref === "max" ? largest : Math.abs(ref));
  // 下限 amin と topDb の切り上げは、どちらも「パワーの下限」なので、log の前にまとめて行う。
  const floor = topDb === null ? amin : Math.max(amin, Math.max(amin, largest) * 10 ** (-topDb / 10));
  const y = matching(out, values);
  const scale = 10 / Math.LN10;
  const offset = scale * Math.log(reference);
  const floorDb = scale * Math.log(floor) - offset;
  for (let i = 0; i < y.length; i++) {
    y[i] = values[i] > floor ? scale * Math.log(values[i]) - offset : floorDb;
  }
  return y;
}

/**
 * 振幅をデシベルにする。20 log10(max(A, amin) / ref)。librosa.amplitude_to_db と同じ。
 * @param {Float32Array|Float64Array} values 振幅。形は自由。
 * @param {object} [options] `powerToDb` と同じ。ref と amin は振幅で与える。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} デシベル [dB]。values と同じ形。
 */
export function amplitudeToDb(values, { ref = 1, amin = 1e-5, topDb = 80 } = {}, out = null) {
  const squared = matching(out, values);
  for (let i = 0; i < squared.length; i++) squared[i] = values[i] * values[i];
  return powerToDb(squared, { ref: ref === "max" ? ref : ref * ref, amin: amin * amin, topDb }, squared);
}

/**
 * S をそのままデシベルにする。`amplitudeToDb(magnitude(S))` と同じ値を、平方根なしで求める。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} S 形 (frames * bins,)。
 * @param {object} [options] `amplitudeToDb` と同じ。既定では最大値を 0 dB とする。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} デシベル [dB]。形 (frames * bins,)。
 */
export function magnitudeDb(S, { ref = "max", amin = 1e-5, topDb = 80 } = {}, out = null) {
  const p = power(S, out);
  return powerToDb(p, { ref: ref === "max" ? ref : ref * ref, amin: amin * amin, topDb }, p);
}

/**
 * 目盛りの名前で選ぶ。描画用。
 * @param {{re: Float32Array|Float64Array, im: Float32Array|Float64Array}} S 形 (frames * bins,)。
 * @param {"amplitude"|"power"|"log"} scale 振幅、パワー、対数（デシベル）。
 * @param {object} [options] "log" のときの `magnitudeDb` の設定。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。
 */
export function spectrogram(S, scale, options = {}, out = null) {
  if (scale === "amplitude") return magnitude(S, out);
  if (scale === "power") return power(S, out);
  if (scale === "log") return magnitudeDb(S, options, out);
  throw new RangeError(`目盛りは amplitude、power、log のどれかにしてください（渡された値: ${scale}）。`);
}

/**
 * 最大値。空なら -Infinity。
 * @param {ArrayLike<number>} values
 * @returns {number}
 */
export function maximum(values) {
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i] > largest) largest = values[i];
  return largest;
}

/**
 * like と同じ型・長さの配列。out が合えば out をそのまま使う。
 * @param {Float32Array|Float64Array|null} out 使い回したい配列。
 * @param {Float32Array|Float64Array} like 見本。
 * @returns {Float32Array|Float64Array}
 */
export function matching(out, like) {
  if (out && out.length === like.length && out.constructor === like.constructor) return out;
  return new like.constructor(like.length);
}
