// 実数信号の高速フーリエ変換（FFT）。
//
// 速さの工夫は2つだけ。
//   1. 実数 n 点を「偶数番 + i 奇数番」の複素数 n/2 点とみなすと、計算が半分で済む。
//   2. Stockham 法（2組の配列を交互に読み書きする）なら、ビット逆順の並べ替えが要らず、
//      どの段も配列を先頭から順になめるので、メモリの読み書きが速い。

/**
 * 長さ n の実数列の FFT と逆 FFT。回転因子と作業用の配列を持つので、作ったら使い回す（`plan`）。
 */
export class RealFFT {
  /**
   * @param {number} n 実数列の長さ [サンプル]。2以上の2のべき乗。
   */
  constructor(n) {
    if (!Number.isInteger(n) || n < 2 || (n & (n - 1)) !== 0 || n > 2 ** 24) {
      throw new RangeError(`FFT の長さは2以上の2のべき乗にしてください（渡された値: ${n}）。`);
    }
    this.n = n;
    this.half = n / 2;
    // a → b → a → … と段ごとに行き来する、複素数 n/2 点の作業場所
    this.a = complexArray(this.half);
    this.b = complexArray(this.half);
    this.passes = planPasses(this.half);
    // 実数へ組み直すときの回転因子 exp(-2πik/n)、k = 0 … n/4
    const quarter = this.half >> 1;
    this.cos = Float64Array.from({ length: quarter + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
    this.sin = Float64Array.from({ length: quarter + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  }

  /**
   * X[k] = Σ_i x[i] exp(-2πik i/n) を k = 0 … n/2 について求める。
   * @param {Float64Array} x 長さ n の実数列。
   * @param {Float32Array|Float64Array} outRe 実部の書き込み先。
   * @param {Float32Array|Float64Array} outIm 虚部の書き込み先。
   * @param {number} [offset] 書き込みを始める位置。n/2 + 1 個を書く。
   */
  forward(x, outRe, outIm, offset = 0) {
    const { half, cos, sin } = this;
    const { re: aRe, im: aIm } = this.a;
    for (let i = 0; i < half; i++) {
      aRe[i] = x[2 * i];
      aIm[i] = x[2 * i + 1];
    }
    const { re, im } = this.complexFft();
    outRe[offset] = re[0] + im[0];
    outIm[offset] = 0;
    outRe[offset + half] = re[0] - im[0];
    outIm[offset + half] = 0;
    // Z[k] = E[k] + iO[k]（E: 偶数番の変換、O: 奇数番の変換）。実数の変換の対称性
    // E[m] = conj(E[k])、m = n/2 - k を使って E と O に分け、X[k] = E[k] + exp(-2πik/n) O[k] とする。
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = 0.5 * (re[k] + re[m]);
      const evenIm = 0.5 * (im[k] - im[m]);
      const oddRe = 0.5 * (im[k] + im[m]);
      const oddIm = 0.5 * (re[m] - re[k]);
      const turnedRe = oddRe * cos[k] - oddIm * sin[k];
      const turnedIm = oddRe * sin[k] + oddIm * cos[k];
      outRe[offset + k] = evenRe + turnedRe;
      outIm[offset + k] = evenIm + turnedIm;
      outRe[offset + m] = evenRe - turnedRe;
      outIm[offset + m] = turnedIm - evenIm;
    }
  }

  /**
   * forward の逆。numpy.fft.irfft と同じく、直流とナイキスト周波数の虚部は使わない。
   * @param {Float32Array|Float64Array} inRe 実部。offset から n/2 + 1 個を読む。
   * @param {Float32Array|Float64Array} inIm 虚部。
   * @param {Float64Array} x 書き込み先。長さ n の実数列。
   * @param {number} [offset] 読み始める位置。
   */
  inverse(inRe, inIm, x, offset = 0) {
    const { half, cos, sin } = this;
    const { re: aRe, im: aIm } = this.a;
    // 実部と虚部を入れ替えて FFT に通し、また入れ替えると（1/n 倍を除いて）逆 FFT になる。
    aIm[0] = 0.5 * (inRe[offset] + inRe[offset + half]);
    aRe[0] = 0.5 * (inRe[offset] - inRe[offset + half]);
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const kRe = inRe[offset + k];
      const kIm = inIm[offset + k];
      const mRe = inRe[offset + m];
      const mIm = inIm[offset + m];
      const evenRe = 0.5 * (kRe + mRe);
      const evenIm = 0.5 * (kIm - mIm);
      const diffRe = 0.5 * (kRe - mRe);
      const diffIm = 0.5 * (kIm + mIm);
      const oddRe = diffRe * cos[k] + diffIm * sin[k];
      const oddIm = diffIm * cos[k] - diffRe * sin[k];
      aIm[k] = evenRe - oddIm;
      aRe[k] = evenIm + oddRe;
      aIm[m] = evenRe + oddIm;
      aRe[m] = oddRe - evenIm;
    }
    const { re, im } = this.complexFft();
    const gain = 1 / half;
    for (let i = 0; i < half; i++) {
      x[2 * i] = im[i] * gain;
      x[2 * i + 1] = re[i] * gain;
    }
  }

  /** 作業場所 a に置いた複素数 n/2 点の FFT。結果は a か b に残るので、残った方を返す。 */
  complexFft() {
    let from = this.a;
    let to = this.b;
    for (const { radix, blocks, stride, twiddles } of this.passes) {
      if (radix === 4) pass4(from.re, from.im, to.re, to.im, blocks, stride, twiddles);
      else pass2(from.re, from.im, to.re, to.im, stride);
      [from, to] = [to, from];
    }
    return from;
  }
}

const plans = new Map();

/**
 * 長さ n の RealFFT。同じ長さなら前に作ったものを返す。
 * @param {number} n 実数列の長さ [サンプル]。
 * @returns {RealFFT}
 */
export function plan(n) {
  if (!plans.has(n)) plans.set(n, new RealFFT(n));
  return plans.get(n);
}

function complexArray(n) {
  return { re: new Float64Array(n), im: new Float64Array(n) };
}

/** 長さ n を 4 × 4 × … （× 2）と分けた、各段の大きさと回転因子の表。 */
function planPasses(n) {
  const passes = [];
  for (let size = n, stride = 1; size > 1; ) {
    const radix = size % 4 === 0 ? 4 : 2;
    const blocks = size / radix;
    // 1つの p につき exp(-2πi jp/size)、j = 1, 2, 3 の実部・虚部を続けて並べる（順に読むため）
    const twiddles = new Float64Array(6 * blocks);
    for (let p = 0; p < blocks; p++) {
      for (let j = 1; j <= 3; j++) {
        const angle = (-2 * Math.PI * j * p) / size;
        twiddles[6 * p + 2 * j - 2] = Math.cos(angle);
        twiddles[6 * p + 2 * j - 1] = Math.sin(angle);
      }
    }
    passes.push({ radix, blocks, stride, twiddles });
    stride *= radix;
    size = blocks;
  }
  return passes;
}

/** 4点の DFT を blocks × stride 組まとめて行い、並べ替えながら y へ書く。 */
function pass4(xRe, xIm, yRe, yIm, blocks, stride, tw) {
  const step = blocks * stride;
  for (let p = 0; p < blocks; p++) {
    const t = 6 * p;
    const w1r = tw[t], w1i = tw[t + 1], w2r = tw[t + 2];
    const w2i = tw[t + 3], w3r = tw[t + 4], w3i = tw[t + 5];
    const end = stride * (p + 1);
    for (let i = stride * p, o = 4 * stride * p; i < end; i++, o++) {
      const i1 = i + step, i2 = i1 + step, i3 = i2 + step;
      // 先に全部読む（読み書きが混ざると、JIT が読み直しを省けず遅い）
      const ar = xRe[i], ai = xIm[i], br = xRe[i1], bi = xIm[i1];
      const cr = xRe[i2], ci = xIm[i2], dr = xRe[i3], di = xIm[i3];
      const sumR02 = ar + cr, sumI02 = ai + ci;
      const difR02 = ar - cr, difI02 = ai - ci;
      const sumR13 = br + dr, sumI13 = bi + di;
      const difR13 = bi - di, difI13 = dr - br; // -i 倍した差
      const y1r = difR02 + difR13, y1i = difI02 + difI13;
      const y2r = sumR02 - sumR13, y2i = sumI02 - sumI13;
      const y3r = difR02 - difR13, y3i = difI02 - difI13;
      const o1 = o + stride, o2 = o1 + stride, o3 = o2 + stride;
      yRe[o] = sumR02 + sumR13;
      yIm[o] = sumI02 + sumI13;
      yRe[o1] = y1r * w1r - y1i * w1i;
      yIm[o1] = y1r * w1i + y1i * w1r;
      yRe[o2] = y2r * w2r - y2i * w2i;
      yIm[o2] = y2r * w2i + y2i * w2r;
      yRe[o3] = y3r * w3r - y3i * w3i;
      yIm[o3] = y3r * w3i + y3i * w3r;
    }
  }
}

/** 2点の DFT。長さが4のべきでないとき、最後の1段だけに使う（回転因子はすべて1）。 */
function pass2(xRe, xIm, yRe, yIm, stride) {
  for (let i = 0; i < stride; i++) {
    const j = i + stride;
    yRe[i] = xRe[i] + xRe[j];
    yIm[i] = xIm[i] + xIm[j];
    yRe[j] = xRe[i] - xRe[j];
    yIm[j] = xIm[i] - xIm[j];
  }
}
