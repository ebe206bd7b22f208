// 分離のよさを測る数。値はデシベルで、大きいほどよい。

/**
 * SI-SDR（スケール不変 SDR、Le Roux ら 2019）。平均を引いてから、
 * 推定を a s（a = <ŝ, s> / ‖s‖²）と残りに分け、10 log10(‖a s‖² / ‖a s - ŝ‖²)。
 * @param {ArrayLike<number>} reference 正解信号 s。形 (n,)。
 * @param {ArrayLike<number>} estimate 推定信号 ŝ。形 (n,)。
 * @returns {number} [dB]。残りがなければ Infinity、推定に正解の成分がなければ -Infinity。
 */
export function siSdr(reference, estimate) {
  checkPair(reference, estimate);
  const n = reference.length;
  const meanS = mean(reference);
  const meanE = mean(estimate);
  let cross = 0;
  let energy = 0;
  for (let i = 0; i < n; i++) {
    const s = reference[i] - meanS;
    cross += s * (estimate[i] - meanE);
    energy += s * s;
  }
  if (energy === 0) throw new RangeError("正解信号が無音（または一定値）なので、SI-SDR を決められません。");
  const a = cross / energy;
  let residual = 0;
  for (let i = 0; i < n; i++) {
    const e = a * (reference[i] - meanS) - (estimate[i] - meanE);
    residual += e * e;
  }
  return decibel(a * a * energy, residual);
}

/** siSdr と同じ。ただし、正解が無音で決まらないときは、エラーではなく NaN。画面に「—」と出すときに使う。 */
export function safeSdr(reference, estimate) {
  try {
    return siSdr(reference, estimate);
  } catch {
    return NaN;
  }
}

/**
 * SD-SDR（スケール依存 SDR、Le Roux ら 2019）。倍率を許さず、正解の成分 a s を誤差 s - ŝ と比べる。
 * 平均は引いてから測る。
 * @param {ArrayLike<number>} reference 正解信号 s。形 (n,)。
 * @param {ArrayLike<number>} estimate 推定信号 ŝ。形 (n,)。
 * @returns {number} [dB]。誤差がなければ Infinity、推定に正解の成分がなければ -Infinity。
 */
export function sdSdr(reference, estimate) {
  checkPair(reference, estimate);
  const meanS = mean(reference);
  const meanE = mean(estimate);
  let cross = 0;
  let energy = 0;
  let error = 0;
  for (let i = 0; i < reference.length; i++) {
    const s = reference[i] - meanS;
    const e = estimate[i] - meanE;
    cross += s * e;
    energy += s * s;
    error += (s - e) ** 2;
  }
  if (energy === 0) throw new RangeError("正解信号が無音（または一定値）なので、SD-SDR を決められません。");
  return decibel((cross * cross) / energy, error);
}

/**
 * SNR。10 log10(‖s‖² / ‖s - ŝ‖²)。
 * @param {ArrayLike<number>} reference 正解信号 s。形 (n,)。
 * @param {ArrayLike<number>} estimate 推定信号 ŝ。形 (n,)。
 * @returns {number} [dB]。誤差がなければ Infinity。
 */
export function snr(reference, estimate) {
  checkPair(reference, estimate);
  let energy = 0;
  let error = 0;
  for (let i = 0; i < reference.length; i++) {
    energy += reference[i] ** 2;
    error += (reference[i] - estimate[i]) ** 2;
  }
  if (energy === 0) throw new RangeError("正解信号が無音なので、SNR を決められません。");
  return decibel(energy, error);
}

function checkPair(reference, estimate) {
  if (reference.length === 0 || reference.length !== estimate.length) {
    throw new RangeError(
      `正解と推定は、空でない同じ長さの波形にしてください（${reference.length} と ${estimate.length}）。`,
    );
  }
}

function mean(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum / x.length;
}

/** エネルギーの比をデシベルにする。分子が 0 なら -Infinity、分母だけが 0 なら Infinity。 */
export function decibel(numerator, denominator) {
  return numerator === 0 ? -Infinity : 10 * Math.log10(numerator / denominator);
}
