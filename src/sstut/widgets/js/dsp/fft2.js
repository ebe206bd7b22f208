// 好きな長さの複素数 FFT と、実数の 2 次元 FFT。値の決まりは scipy.fft と同じ。
//
// 長さが 2 のべき乗でないときは、ブルースタインの方法を使う。kn = (k² + n² - (k - n)²) / 2 なので、
// DFT は「回転因子を掛ける → 回転因子との畳み込み → 回転因子を掛ける」と書け、畳み込みは 2 のべき乗の FFT でできる。

import { plan } from "./fft.js";

/** 長さ n の複素数列の FFT と逆 FFT。作業用の配列を持つので、作ったら使い回す（`planAny`）。 */
export class AnyFFT {
  /**
   * @param {number} n 長さ。1 以上の整数。
   */
  constructor(n) {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`FFT の長さは1以上の整数にしてください（渡された値: ${n}）。`);
    this.n = n;
    const isPower = (n & (n - 1)) === 0;
    let size = 1;
    while (size < (isPower ? n : 2 * n - 2)) size *= 2; // 畳み込む列は左右対称なので、両端 ±(n - 1) は同じ場所に重なってよい
    this.size = size;
    this.core = plan(2 * size); // 中に、複素数 size 点の FFT を持つ
    this.chirp = isPower ? null : chirp(n);
    if (this.chirp) this.kernel = convolutionKernel(this.chirp, this.core, size);
  }

  /**
   * X[k] = Σ_i x[i] exp(-2πik i/n)。re と im を、結果で書きかえる。
   * @param {Float64Array} re 実部。形 (n,)。
   * @param {Float64Array} im 虚部。
   */
  forward(re, im) {
    const { n, size, core, chirp: w, kernel } = this;
    const { re: aRe, im: aIm } = core.a;
    if (!w) {
      aRe.set(re);
      aIm.set(im);
      const y = core.complexFft();
      re.set(y.re);
      im.set(y.im);
      return;
    }
    for (let i = 0; i < n; i++) {
      aRe[i] = re[i] * w.re[i] - im[i] * w.im[i];
      aIm[i] = re[i] * w.im[i] + im[i] * w.re[i];
    }
    aRe.fill(0, n);
    aIm.fill(0, n);
    const spectrum = core.complexFft();
    for (let i = 0; i < size; i++) { // 実部と虚部を入れ替えて FFT に通し、また入れ替えると、逆 FFT の size 倍になる
      const [xRe, xIm] = [spectrum.re[i], spectrum.im[i]];
      aIm[i] = xRe * kernel.re[i] - xIm * kernel.im[i];
      aRe[i] = xRe * kernel.im[i] + xIm * kernel.re[i];
    }
    const convolved = core.complexFft();
    for (let k = 0; k < n; k++) {
      const [yRe, yIm] = [convolved.im[k], convolved.re[k]];
      re[k] = yRe * w.re[k] - yIm * w.im[k];
      im[k] = yRe * w.im[k] + yIm * w.re[k];
    }
  }

  /** forward の逆。re と im を、結果で書きかえる。 */
  inverse(re, im) {
    this.forward(im, re);
    for (let i = 0; i < this.n; i++) {
      re[i] /= this.n;
      im[i] /= this.n;
    }
  }
}

/** exp(-iπ i²/n)、i = 0 … n - 1。 */
function chirp(n) {
  const angles = Float64Array.from({ length: n }, (_, i) => (-Math.PI * ((i * i) % (2 * n))) / n); // 周期 2n で折り、精度を保つ
  return { re: angles.map(Math.cos), im: angles.map(Math.sin) };
}

/** 畳み込む列（回転因子の共役）の FFT を size で割ったもの。 */
function convolutionKernel(w, core, size) {
  const { re, im } = core.a;
  re.fill(0);
  im.fill(0);
  for (let i = 0; i < w.re.length; i++) {
    for (const at of [i, (size - i) % size]) {
      re[at] = w.re[i] / size;
      im[at] = -w.im[i] / size;
    }
  }
  const y = core.complexFft();
  return { re: y.re.slice(), im: y.im.slice() };
}

const plans = new Map();

/** 長さ n の AnyFFT。同じ長さなら前に作ったものを返す。 */
export function planAny(n) {
  if (!plans.has(n)) plans.set(n, new AnyFFT(n));
  return plans.get(n);
}

/**
 * 実数の配列の 2 次元 FFT。scipy.fft.fft2 の、前半の行 k = 0 … floor(bins/2)。
 * 残りの行は F[-k, -m] = conj(F[k, m]) で決まる。
 * @param {Float32Array|Float64Array} x 形 (frames * bins,)。点 (t, k) は t * bins + k 番目。
 * @param {number} bins 周波数の数。
 * @returns {{re: Float64Array, im: Float64Array, frames: number, bins: number, rows: number}}
 *   re、im は形 (rows * frames,)。行 k、列 m は k * frames + m 番目。
 */
export function realFft2(x, bins) {
  const frames = x.length / bins;
  const rows = Math.floor(bins / 2) + 1;
  const re = new Float64Array(rows * frames);
  const im = new Float64Array(rows * frames);
  const along = planAny(bins);
  const [a, b] = [new Float64Array(bins), new Float64Array(bins)];
  for (let t = 0; t < frames; t += 2) { // 2 フレームを 1 つの複素数列とみなすと、計算が半分で済む
    const paired = t + 1 < frames;
    for (let k = 0; k < bins; k++) {
      a[k] = x[t * bins + k];
      b[k] = paired ? x[(t + 1) * bins + k] : 0;
    }
    along.forward(a, b);
    for (let k = 0, o = t; k < rows; k++, o += frames) {
      const m = k === 0 ? 0 : bins - k;
      re[o] = 0.5 * (a[k] + a[m]);
      im[o] = 0.5 * (b[k] - b[m]);
      if (!paired) continue;
      re[o + 1] = 0.5 * (b[k] + b[m]);
      im[o + 1] = 0.5 * (a[m] - a[k]);
    }
  }
  const across = planAny(frames);
  for (let k = 0; k < rows; k++) {
    across.forward(re.subarray(k * frames, (k + 1) * frames), im.subarray(k * frames, (k + 1) * frames));
    if (k === 0 || 2 * k === bins) mirrorRow(re, im, k * frames, frames); // 自分と対になる行は、丸め誤差まで対称にする
  }
  return { re, im, frames, bins, rows };
}

/** 行の後半を、前半の共役にする。 */
function mirrorRow(re, im, offset, n) {
  im[offset] = 0;
  if (n % 2 === 0) im[offset + n / 2] = 0;
  for (let m = 1; 2 * m < n; m++) {
    re[offset + n - m] = re[offset + m];
    im[offset + n - m] = -im[offset + m];
  }
}

/**
 * realFft2 の逆。
 * @param {{re: Float64Array, im: Float64Array, frames: number, bins: number, rows: number}} F `realFft2` の形。
 * @param {ArrayLike<number>|null} [keep] 行 k、列 m（k * frames + m 番目）を残すなら 1。残さない点は 0 とみなす。null なら、すべて残す。
 * @param {Float32Array|Float64Array} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。
 */
export function realIfft2({ re, im, frames, bins, rows }, keep = null, out = new Float64Array(frames * bins)) {
  const [rowsRe, rowsIm] = [new Float64Array(re.length), new Float64Array(re.length)];
  for (let i = 0; i < re.length; i++) {
    if (keep && keep[i] === 0) continue;
    rowsRe[i] = re[i];
    rowsIm[i] = im[i];
  }
  const across = planAny(frames);
  for (let k = 0; k < rows; k++) across.inverse(rowsRe.subarray(k * frames, (k + 1) * frames), rowsIm.subarray(k * frames, (k + 1) * frames));
  const along = planAny(bins);
  const [a, b] = [new Float64Array(bins), new Float64Array(bins)];
  for (let t = 0; t < frames; t += 2) { // 2 フレームの列 X、Y を X + iY にまとめる。どちらも実数に戻る
    const paired = t + 1 < frames;
    for (let k = 0, o = t; k < rows; k++, o += frames) {
      const m = k === 0 ? 0 : bins - k;
      const [yRe, yIm] = paired ? [rowsRe[o + 1], rowsIm[o + 1]] : [0, 0];
      a[k] = rowsRe[o] - yIm;
      b[k] = rowsIm[o] + yRe;
      if (m === k) continue;
      a[m] = rowsRe[o] + yIm;
      b[m] = yRe - rowsIm[o];
    }
    along.inverse(a, b);
    for (let k = 0; k < bins; k++) {
      out[t * bins + k] = a[k];
      if (paired) out[(t + 1) * bins + k] = b[k];
    }
  }
  return out;
}
