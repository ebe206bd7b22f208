// 短時間フーリエ変換（STFT）と逆変換。値の決まりは librosa / sstut.representations と同じ。
//   - 窓は周期的、winLength < nFft なら左右を 0 で埋めて中央に置く
//   - center = true なら信号の前後に nFft/2 個ずつ 0 を足し、フレーム t の中心を t * hop に置く
//   - 逆変換は、窓を掛けて重ね足し、窓の2乗の重なりで割る
//
// librosa と違うのは並び順だけ。librosa は (bins, frames) だが、ここではフレームが先で、
// 時間周波数点 (t, k) は配列の t * bins + k 番目に入る。1フレームを続けて読み書きできて速い。

import { plan } from "./fft.js";
import { isNola, overlapSum, padCenter, resolveWindow } from "./windows.js";

/**
 * STFT の設定を確かめ、省かれた値を補う。
 * @param {object} options nFft（2のべき乗）、hop、winLength（≤ nFft）、window（名前か配列）、center。
 * @returns {{nFft: number, hop: number, winLength: number, window: string|ArrayLike<number>,
 *   center: boolean, bins: number}} 長さの単位はサンプル。bins = nFft/2 + 1。
 */
export function stftParameters({ nFft = 2048, winLength = nFft, hop, window = "hann", center = true } = {}) {
  plan(nFft); // 長さが不正なら、ここで RangeError
  if (!Number.isInteger(winLength) || winLength < 1 || winLength > nFft) {
    throw new RangeError(`窓長は1以上、nFft = ${nFft} 以下の整数にしてください（渡された値: ${winLength}）。`);
  }
  const hopLength = hop ?? Math.max(1, Math.floor(winLength / 4));
  if (!Number.isInteger(hopLength) || hopLength < 1 || hopLength > winLength) {
    throw new RangeError(`ホップ長は1以上、窓長 ${winLength} 以下の整数にしてください（渡された値: ${hop}）。`);
  }
  return { nFft, hop: hopLength, winLength, window, center, bins: nFft / 2 + 1 };
}

/**
 * 短時間フーリエ変換。
 * @param {Float32Array|Float64Array} x 波形。形 (length,)。
 * @param {object} [options] `stftParameters` の設定。
 * @param {object|null} [reuse] 前に返った S。配列を使い回すので、前の S の中身は失われる。
 * @returns {{re: Float32Array|Float64Array, im: Float32Array|Float64Array, frames: number,
 *   bins: number, nFft: number, hop: number, winLength: number, window: string|ArrayLike<number>,
 *   center: boolean, length: number}} re、im は形 (frames * bins,) で、精度は x と同じ。
 */
export function stft(x, options = {}, reuse = null) {
  const parameters = stftParameters(options);
  const { nFft, hop, winLength, window, center, bins } = parameters;
  const padding = center ? nFft / 2 : 0;
  if (x.length === 0 || x.length + 2 * padding < nFft) {
    throw new RangeError(`波形が短すぎます（${x.length} サンプル、nFft = ${nFft}、center = ${center}）。`);
  }
  const frames = 1 + Math.floor((x.length + 2 * padding - nFft) / hop);
  const Numbers = x instanceof Float32Array ? Float32Array : Float64Array;
  const re = sizedArray(Numbers, frames * bins, reuse?.re);
  const im = sizedArray(Numbers, frames * bins, reuse?.im);

  const fft = plan(nFft);
  const w = padCenter(resolveWindow(window, winLength), nFft);
  const frame = scratch("frame", nFft);
  for (let t = 0; t < frames; t++) {
    windowFrame(x, t * hop - padding, w, frame);
    fft.forward(frame, re, im, t * bins);
  }
  return { re, im, frames, ...parameters, length: x.length };
}

/**
 * 逆短時間フーリエ変換。マスクを渡すと、S に掛けてから戻す。
 *
 * どの窓にも覆われないサンプル（窓の振幅が丸め誤差に埋もれる端のサンプル）は 0 にする。
 * sstut.representations.istft は末尾に覆われないサンプルがあると断るが、ここでは音を止めないよう断らない。
 * @param {object} S `stft` の返り値。
 * @param {object} [options] mask: 実数マスク、形 (frames * bins,)。length: 出力の長さ [サンプル]。
 *   out: 書き込み先の配列、形 (length,)。
 * @returns {Float32Array|Float64Array} 波形。形 (length,)。精度は S と同じ。
 */
export function istft(S, { mask = null, length = S.length, out = null } = {}) {
  if (!isNola(S.window, S.winLength, S.hop)) {
    throw new RangeError(
      `窓長 ${S.winLength}、ホップ長 ${S.hop} では窓の重なりが0になる時刻があり（NOLA 条件を満たさず）、元の波形に戻せません。`,
    );
  }
  const w = padCenter(resolveWindow(S.window, S.winLength), S.nFft);
  const { sum, padding } = overlapFrames(S, mask, w);
  const envelope = scratch("envelope", sum.length).fill(0);
  for (let t = 0, start = 0; t < S.frames; t++, start += S.hop) {
    for (let i = 0; i < S.nFft; i++) envelope[start + i] += w[i] * w[i];
  }
  const y = outputArray(S, length, out);
  const epsilon = S.re instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
  const smallest = overlapSum(w, S.hop, 2).map((steady) => epsilon ** 2 * steady);
  const end = Math.min(length, sum.length - padding);
  for (let i = 0, j = padding, phase = padding % S.hop; i < end; i++, j++) {
    y[i] = envelope[j] > smallest[phase] ? sum[j] / envelope[j] : 0;
    phase = phase + 1 === S.hop ? 0 : phase + 1;
  }
  return y;
}

/**
 * 窓の重なりで割らない、ただの重ね足し。COLA が崩れた音を聴くためのもの。
 *
 * 出力は x[i] * s[i] / mean(s)（s は窓を hop ずつずらした和）。COLA が成り立てば s は一定で x に戻り、
 * 成り立たなければ、hop 周期の振幅変調が聞こえる。両端の nFft/2 サンプルは、重なる窓が足りない分だけ小さい。
 * @param {object} S `stft` の返り値。
 * @param {object} [options] `istft` と同じ。
 * @returns {Float32Array|Float64Array} 波形。形 (length,)。
 */
export function overlapAdd(S, { mask = null, length = S.length, out = null } = {}) {
  const { sum, padding } = overlapFrames(S, mask, null);
  const window = resolveWindow(S.window, S.winLength);
  let total = 0;
  for (let i = 0; i < window.length; i++) total += window[i];
  const gain = S.hop / total; // 1 / mean(s)
  const y = outputArray(S, length, out);
  const end = Math.min(length, sum.length - padding);
  for (let i = 0; i < end; i++) y[i] = gain * sum[i + padding];
  return y;
}

/** x の start から nFft 個に窓を掛けて frame へ写す。信号の外は 0 とみなす。 */
function windowFrame(x, start, w, frame) {
  const from = Math.max(0, -start);
  const to = Math.min(w.length, x.length - start);
  frame.fill(0, 0, Math.min(from, w.length));
  for (let i = from; i < to; i++) frame[i] = x[start + i] * w[i];
  frame.fill(0, Math.max(to, 0));
}

/** S（× mask）の全フレームを波形に戻し、合成窓 w（null なら掛けない）を掛けて重ね足す。 */
function overlapFrames(S, mask, w) {
  const { re, im, frames, bins, nFft, hop, center } = S;
  if (mask && mask.length !== frames * bins) {
    throw new RangeError(`マスクの大きさ ${mask.length} が ${frames} × ${bins} = ${frames * bins} と合いません。`);
  }
  const fft = plan(nFft);
  const sum = scratch("sum", nFft + hop * (frames - 1)).fill(0);
  const frame = scratch("frame", nFft);
  const maskedRe = scratch("maskedRe", bins);
  const maskedIm = scratch("maskedIm", bins);
  for (let t = 0; t < frames; t++) {
    const o = t * bins;
    if (mask) {
      for (let k = 0; k < bins; k++) {
        maskedRe[k] = re[o + k] * mask[o + k];
        maskedIm[k] = im[o + k] * mask[o + k];
      }
      fft.inverse(maskedRe, maskedIm, frame);
    } else {
      fft.inverse(re, im, frame, o);
    }
    const start = t * hop;
    if (w) for (let i = 0; i < nFft; i++) sum[start + i] += frame[i] * w[i];
    else for (let i = 0; i < nFft; i++) sum[start + i] += frame[i];
  }
  return { sum, padding: center ? nFft / 2 : 0 };
}

/** out を 0 にして返す。無ければ、S と同じ精度の配列を作る。 */
function outputArray(S, length, out) {
  if (!out) return new S.re.constructor(length);
  if (out.length !== length) {
    throw new RangeError(`out の長さ ${out.length} が length = ${length} と合いません。`);
  }
  return out.fill(0);
}

/** 長さ n の配列。old の置き場所に収まるなら、そこを使い回す。 */
function sizedArray(Numbers, n, old) {
  if (!(old instanceof Numbers)) return new Numbers(n);
  if (old.length === n) return old;
  const fits = old.buffer.byteLength >= n * Numbers.BYTES_PER_ELEMENT;
  return fits ? new Numbers(old.buffer, 0, n) : new Numbers(n);
}

const scratchArrays = new Map();

/** 名前の付いた作業用の配列。スライダーを動かすたびに確保し直さないよう、使い回す。 */
function scratch(name, n) {
  const array = sizedArray(Float64Array, n, scratchArrays.get(name));
  scratchArrays.set(name, array);
  return array;
}
