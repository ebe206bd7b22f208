// 標本化周波数の変換。
// どの計算も y[m] = Σ_n x[n] h(m * down - n * up)。h は、標本化周波数を up 倍にした所でのフィルタ。
// ふつうは式のとおりに足す（sumDirectly）。整数倍と整数分の1のときは、位相ごとの 129 タップの
// 畳み込みに分かれ、FFT を使うと数倍速い（interpolateByBlocks、decimateByBlocks）。

import { plan } from "./fft.js";

const ZERO_CROSSINGS = 64; // フィルタの片側の長さ [低い方の標本化周波数でのサンプル]
const CUTOFF = 0.95; // 遮断周波数 [低い方のナイキスト周波数に対する比]
const KAISER_BETA = 10.06;
const RESOLUTION = 256; // フィルタの表の細かさ [1サンプルあたりの点数]。補間の誤差は 1e-9 より小さい
const BLOCK = 1024; // FFT の長さ
const KEPT = BLOCK - 2 * ZERO_CROSSINGS; // 畳み込みが巡回する影響を受けない、ブロックの中ほど
const MAX_PHASES = 64; // FFT を使う、いちばん大きい倍率
let kernelTable = null; // 初めて使うときに作る

/**
 * 帯域制限つきの標本化周波数変換（カイザー窓を掛けた sinc による補間）。
 *
 * 出力時刻 t の値は Σ_n x[n] h(t - n)。h の遮断周波数は、両方のナイキスト周波数の低い方より
 * 少し下なので、下げるときは折り返し雑音を除くローパスフィルタを兼ねる。
 * フィルタの形は sstut.representations.resample と同じで、低い方のナイキスト周波数の
 * 90 % までをほぼ変えず、100 % から上を 100 dB ほど抑える。遅れはない。
 * @param {Float32Array|Float64Array} x 波形。形 (n,)。
 * @param {number} srFrom 元の標本化周波数 [Hz]。正の整数。
 * @param {number} srTo 新しい標本化周波数 [Hz]。正の整数。
 * @returns {Float32Array|Float64Array} 形 (ceil(n * srTo / srFrom),)、精度は x と同じ。
 */
export function resample(x, srFrom, srTo) {
  checkPositiveInteger(srFrom, "標本化周波数");
  checkPositiveInteger(srTo, "標本化周波数");
  if (srFrom === srTo) return x.slice();
  const divisor = greatestCommonDivisor(srFrom, srTo);
  const [up, down] = [srTo / divisor, srFrom / divisor];
  const y = new x.constructor(Math.ceil((x.length * up) / down));
  const gain = up / kernelSum(Math.max(up, down)); // 直流の利得を 1 にそろえる
  // 短い音はブロックの大半が余り、位相が多いとスペクトルの置き場が大きくなるので、直接足す
  const useBlocks = Math.min(x.length, y.length) >= BLOCK / 2 && Math.max(up, down) <= MAX_PHASES;
  if (useBlocks && down === 1) interpolateByBlocks(x, up, gain, y);
  else if (useBlocks && up === 1) decimateByBlocks(x, down, gain, y);
  else sumDirectly(x, up, down, gain, y);
  return y;
}

/**
 * フィルタなしの間引き。ナイキスト周波数を超えた成分が折り返すのを聴くためのもの。
 * @param {Float32Array|Float64Array} x 波形。形 (n,)。
 * @param {number} factor 何個に1個残すか。1以上の整数。
 * @returns {Float32Array|Float64Array} 形 (ceil(n / factor),)。
 */
export function decimate(x, factor) {
  checkPositiveInteger(factor, "間引きの間隔");
  const y = new x.constructor(Math.ceil(x.length / factor));
  for (let i = 0; i < y.length; i++) y[i] = x[i * factor];
  return y;
}

/** 式のとおりに足す。比は何でもよい。 */
function sumDirectly(x, up, down, gain, y) {
  const rate = Math.max(up, down);
  const half = Math.ceil((ZERO_CROSSINGS * rate) / up); // フィルタの片側の長さ [元のサンプル]
  const padded = new Float64Array(x.length + 2 * half + 1); // 端の場合分けが要らないように、前後を 0 で埋める
  padded.set(x, half);
  const taps = new Float64Array(2 * half + 2); // 2個ずつ足すので、最後に 0 を1個足しておく
  // 出力 m の時刻 m * down / up の小数部分は、m を up で割った余りで決まる。余りの同じ出力を
  // 続けて求めれば、互いに素の比（up が大きい）でも、フィルタは一度に1つ持てばよい。
  for (let r = 0; r < Math.min(up, y.length); r++) {
    const phase = (r * down) % up;
    for (let j = 0; j <= 2 * half; j++) taps[j] = gain * kernel((phase + (half - j) * up) / rate);
    for (let m = r; m < y.length; m += up) {
      const start = (m * down - phase) / up;
      let even = 0, odd = 0; // 和を2つに分けると、前の足し算を待たずに進める
      for (let j = 0, i = start; j < taps.length; j += 2, i += 2) {
        even += taps[j] * padded[i];
        odd += taps[j + 1] * padded[i + 1];
      }
      y[m] = even + odd;
    }
  }
}

/**
 * factor 倍にする。0 を factor - 1 個ずつ挟んだ列にフィルタを掛けるのと同じで、出力 k * factor + p に
 * 効くのは、位相 p のタップ h_p[i] = h(i * factor + p) だけ：y[k * factor + p] = Σ_i x[k - i] h_p[i]。
 */
function interpolateByBlocks(x, factor, gain, y) {
  const fft = plan(BLOCK);
  const filters = Array.from({ length: factor }, (_, p) => phaseSpectrum(p, factor));
  const [X, Y, block] = [spectrum(), spectrum(), new Float64Array(BLOCK)];
  for (let start = 0; start < x.length; start += KEPT) {
    readBlock(x, start - ZERO_CROSSINGS, 1, block);
    fft.forward(block, X.re, X.im);
    filters.forEach((H, p) => {
      for (let k = 0; k <= BLOCK / 2; k++) {
        Y.re[k] = X.re[k] * H.re[k] - X.im[k] * H.im[k];
        Y.im[k] = X.re[k] * H.im[k] + X.im[k] * H.re[k];
      }
      fft.inverse(Y.re, Y.im, block);
      writeBlock(block, gain, y, start * factor + p, factor);
    });
  }
}

/**
 * factor 分の1にする。捨てる出力を計算しないように、入力を factor 個おきの列 x_p に分け、
 * 低い標本化周波数で畳み込んで足す：y[m] = Σ_p Σ_i x_p[m + i] h_p[i]。h は左右対称なので、
 * interpolateByBlocks のフィルタの時間を逆にしたもの、つまり共役のスペクトルを使えばよい。
 */
function decimateByBlocks(x, factor, gain, y) {
  const fft = plan(BLOCK);
  const filters = Array.from({ length: factor }, (_, p) => phaseSpectrum(p, factor));
  const [X, Y, block] = [spectrum(), spectrum(), new Float64Array(BLOCK)];
  for (let start = 0; start < y.length; start += KEPT) {
    for (const part of [Y.re, Y.im]) part.fill(0);
    filters.forEach((H, p) => {
      readBlock(x, (start - ZERO_CROSSINGS) * factor + p, factor, block);
      fft.forward(block, X.re, X.im);
      for (let k = 0; k <= BLOCK / 2; k++) {
        Y.re[k] += X.re[k] * H.re[k] + X.im[k] * H.im[k];
        Y.im[k] += X.im[k] * H.re[k] - X.re[k] * H.im[k];
      }
    });
    fft.inverse(Y.re, Y.im, block);
    writeBlock(block, gain, y, start, 1);
  }
}

const spectrum = () => ({ re: new Float64Array(BLOCK / 2 + 1), im: new Float64Array(BLOCK / 2 + 1) });

/** 位相 p のフィルタ h_p[i]（i = -64 … 64）のスペクトル。i < 0 は、巡回するので終わりに置く。 */
function phaseSpectrum(p, factor) {
  const taps = new Float64Array(BLOCK);
  for (let i = -ZERO_CROSSINGS; i <= ZERO_CROSSINGS; i++) taps[(i + BLOCK) % BLOCK] = kernel(i + p / factor);
  const H = spectrum();
  plan(BLOCK).forward(taps, H.re, H.im);
  return H;
}

/** x を first 番目から stride 個おきに読む。外は 0。 */
function readBlock(x, first, stride, block) {
  for (let j = 0, i = first; j < BLOCK; j++, i += stride) block[j] = i >= 0 && i < x.length ? x[i] : 0;
}

/** 巡回の影響を受けない中ほどを gain 倍して、y の first 番目から stride 個おきに書く。 */
function writeBlock(block, gain, y, first, stride) {
  const end = Math.min(y.length, first + KEPT * stride);
  for (let j = ZERO_CROSSINGS, i = first; i < end; j++, i += stride) y[i] = gain * block[j];
}

/**
 * フィルタの形（カイザー窓を掛けた sinc）。t は中心からの距離 [低い方の標本化周波数でのサンプル]。
 * 形はどの比でも同じなので、表は一度だけ作り、間は3次のラグランジュ補間で求める
 * （互いに素の比ではタップが数百万個になり、ベッセル関数の級数では遅い）。
 */
function kernel(t) {
  kernelTable ??= makeKernelTable();
  const u = Math.abs(t) * RESOLUTION;
  if (u > ZERO_CROSSINGS * RESOLUTION) return 0;
  const i = Math.floor(u), f = u - i;
  const a = kernelTable[i], b = kernelTable[i + 1], c = kernelTable[i + 2], d = kernelTable[i + 3];
  const outer = (d - a) / 6 + (b - c) / 2;
  const bend = (a + c) / 2 - b;
  return b + f * (c - a / 3 - b / 2 - d / 6 + f * (bend + f * outer));
}

/** 距離 (i - 1) / RESOLUTION での値の表。補間のために、両端より1、2点外まで作る。 */
function makeKernelTable() {
  return Float64Array.from({ length: ZERO_CROSSINGS * RESOLUTION + 4 }, (_, i) => {
    const t = (i - 1) / RESOLUTION;
    return sinc(CUTOFF * t) * besselI0(KAISER_BETA ** 2 * (1 - (t / ZERO_CROSSINGS) ** 2));
  });
}

/** フィルタの値を、間隔 1 / rate ですべて足した和。 */
function kernelSum(rate) {
  let oneSide = 0;
  for (let k = 1; k <= ZERO_CROSSINGS * rate; k++) oneSide += kernel(k / rate);
  return kernel(0) + 2 * oneSide; // 左右対称
}

function sinc(t) {
  return t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
}

/** 第1種変形ベッセル関数 I0(√z)（べき級数）。窓の端のすぐ外（z < 0）へも、なめらかに続く。 */
function besselI0(z) {
  let sum = 1;
  for (let k = 1, term = 1; Math.abs(term) > 1e-17 * sum; k++) sum += term *= z / (4 * k * k);
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function checkPositiveInteger(value, name) {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}は1以上の整数にしてください（渡された値: ${value}）。`);
  }
}
