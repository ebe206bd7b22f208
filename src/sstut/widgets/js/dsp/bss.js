// BSS Eval の分解（Vincent, Gribonval, Févotte 2006）。推定信号を、正解で説明できる成分と残りに分ける。
//
// 許す歪みを「長さ length のフィルタ」とすると、正解 s で説明できる成分は、s を 0, 1, …, length - 1
// サンプル遅らせた信号の張る空間への射影になる。遅らせた信号を、正解ごとにまとめて
//   s_0 の遅れ 0, 1, …、s_1 の遅れ 0, 1, …、…
// と並べ、グラム行列を G = L Lᵀ とコレスキー分解する。x との内積の並び d に対して L y = d を解くと、
// y は直交化した座標になり、はじめの b 個の正解への射影のエネルギーは、y のはじめの b * length 個の
// 二乗和である。入れ子の空間への射影が、1 回の分解で全部求まる。

import { plan } from "./fft.js";
import { decibel } from "./metrics.js";

/**
 * 相互相関 r[i][j][maxLag + m] = Σ_t x_i[t] x_j[t + m]、|m| ≤ maxLag。信号の外は 0 とみなす。
 * 要る遅れは短いので、信号を区切り、短い FFT で求めて足しあわせる。
 * @param {ArrayLike<number>[]} rows x_i にする信号。どれも形 (n,)。
 * @param {ArrayLike<number>[]} columns x_j にする信号。どれも形 (n,)。
 * @param {number} maxLag 求める遅れの上限 [サンプル]。
 * @returns {Float64Array[][]} 形 (2 * maxLag + 1,) の表。
 */
export function crossCorrelations(rows, columns, maxLag) {
  let nFft = 1024;
  while (nFft < 6 * maxLag + 512) nFft *= 2;
  const block = nFft - 2 * maxLag; // 巡回の影響を受けない長さ
  const { forward, inverse } = transforms(nFft);
  const spectrum = () => ({ re: new Float64Array(nFft / 2 + 1), im: new Float64Array(nFft / 2 + 1) });
  const sums = rows.map(() => columns.map(spectrum));
  for (let start = 0; start < rows[0].length; start += block) {
    const X = rows.map((x) => forward(x, start, block, spectrum()));
    const Y = columns.map((x) => forward(x, start - maxLag, nFft, spectrum()));
    for (let i = 0; i < X.length; i++) for (let j = 0; j < Y.length; j++) addProduct(sums[i][j], X[i], Y[j]);
  }
  return sums.map((row) => row.map((S) => inverse(S).slice(0, 2 * maxLag + 1)));
}

function transforms(nFft) {
  const fft = plan(nFft);
  const frame = new Float64Array(nFft);
  return {
    /** x の start から count 個を取り出し（はみ出したところは 0）、S に変換する。 */
    forward(x, start, count, S) {
      frame.fill(0);
      for (let i = Math.max(0, -start), end = Math.min(count, x.length - start); i < end; i++) frame[i] = x[start + i];
      fft.forward(frame, S.re, S.im);
      return S;
    },
    inverse(S) {
      fft.inverse(S.re, S.im, frame);
      return frame;
    },
  };
}

/** S += conj(X) Y。 */
function addProduct(S, X, Y) {
  for (let k = 0; k < S.re.length; k++) {
    S.re[k] += X.re[k] * Y.re[k] + X.im[k] * Y.im[k];
    S.im[k] += X.re[k] * Y.im[k] - X.im[k] * Y.re[k];
  }
}

/** 遅らせた正解の張る空間。 */
export class ShiftSpace {
  /**
   * @param {Float64Array[][]} correlations `crossCorrelations` の結果。はじめの nReferences 行と列が正解。
   * @param {number} nReferences 正解の数。
   * @param {number} length 1 つの正解につき、遅らせた信号をいくつ使うか（フィルタの長さ）。
   */
  constructor(correlations, nReferences, length) {
    const maxLag = (correlations[0][0].length - 1) / 2;
    this.length = length;
    this.size = nReferences * length;
    this.columns = choleskyOfShifts((i, j, m) => correlations[i][j][maxLag + m], nReferences, length);
  }

  /**
   * 直交化した座標 y（L y = d）。
   * @param {Float64Array} products x との内積。b * length + k 番目は、k サンプル遅らせた正解 b との内積。
   * @returns {Float64Array} 形 (size,)。
   */
  coordinates(products) {
    const y = Float64Array.from(products);
    for (let k = 0; k < this.size; k++) {
      const column = this.columns[k];
      const value = y[k] / column[0];
      y[k] = value;
      for (let j = k + 1; j < this.size; j++) y[j] -= value * column[j - k];
    }
    return y;
  }

  /** 空間を張る信号そのもの（delay サンプル遅らせた正解 b）の座標。L の行なので、丸めの誤差がない。 */
  coordinatesOfShift(b, delay = 0) {
    const row = b * this.length + delay;
    return Float64Array.from({ length: this.size }, (_, k) => (k <= row ? this.columns[k][row - k] : 0));
  }
}

/**
 * 遅らせた正解のグラム行列のコレスキー分解 G = L Lᵀ。返り値の k 番目は L の k 列目の、対角から下。
 *
 * 正解 i を k、正解 j を l サンプル遅らせたものの内積は r_ij(k - l)。G は、遅れを 1 つずらしたものを
 * 引くと、正解ごとの先頭の行と列しか残らない（階数が正解の数の 2 倍）。この差だけを持ち歩けば、
 * G を作らずに L が 1 列ずつ求まり、計算は大きさの 3 乗ではなく 2 乗で済む（一般化シューア法、
 * Kailath & Sayed 1995）。差は U Uᵀ - V Vᵀ の形で持つ。
 */
function choleskyOfShifts(r, nReferences, length) {
  const size = nReferences * length;
  const { U, V } = generators(r, nReferences, length);
  const columns = [];
  for (let k = 0; k < size; k++) {
    reflect(U, k);
    reflect(V, k);
    const [u, v] = [U[0], V[0]];
    const ratio = v[k] / u[k];
    if (!(Math.abs(ratio) < 1)) throw new RangeError("正解どうしが似すぎていて、分解を決められません。");
    const c = Math.sqrt((1 - ratio) * (1 + ratio));
    for (let j = k; j < size; j++) { // 双曲的な回転：V の k 行目を 0 にする
      u[j] = (u[j] - ratio * v[j]) / c;
      v[j] = c * v[j] - ratio * u[j];
    }
    columns.push(u.slice(k));
    for (let j = size - 1; j > k; j--) u[j] = j % length === 0 ? 0 : u[j - 1];
  }
  return columns;
}

/** はじめの U と V。G の先頭の列 C と、その正解ごとの先頭の行 B = R Rᵀ から U = C R⁻ᵀ、V は U の先頭の行を 0 にしたもの。 */
function generators(r, nReferences, length) {
  const R = [];
  const U = Array.from({ length: nReferences }, () => new Float64Array(nReferences * length));
  for (let j = 0; j < nReferences; j++) {
    R.push(new Float64Array(nReferences));
    for (let m = 0; m <= j; m++) {
      let value = r(j, m, 0);
      for (let p = 0; p < m; p++) value -= R[j][p] * R[m][p];
      R[j][m] = m < j ? value / R[m][m] : Math.sqrt(value);
    }
    if (!(R[j][j] > 0)) throw new RangeError("正解が無音か、正解どうしが同じなので、分解を決められません。");
    for (let i = 0; i < nReferences; i++) {
      for (let k = 0; k < length; k++) {
        let value = r(i, j, k);
        for (let m = 0; m < j; m++) value -= U[m][i * length + k] * R[j][m];
        U[j][i * length + k] = value / R[j][j];
      }
    }
  }
  const V = U.map((u) => u.map((value, row) => (row % length === 0 ? 0 : value)));
  return { U, V };
}

/** 列どうしを混ぜる鏡映（ハウスホルダー変換）で、k 行目を先頭の列だけにする。 */
function reflect(columns, k) {
  const w = columns.map((column) => column[k]);
  const norm = Math.hypot(...w);
  if (norm === 0 || columns.length === 1) return;
  w[0] += w[0] < 0 ? -norm : norm;
  const scale = 2 / w.reduce((sum, value) => sum + value * value, 0);
  const size = columns[0].length;
  for (let j = k; j < size; j++) {
    let dot = 0;
    for (let i = 0; i < w.length; i++) dot += w[i] * columns[i][j];
    dot *= scale;
    for (let i = 0; i < w.length; i++) columns[i][j] -= dot * w[i];
  }
}

/**
 * エネルギーから BSS Eval の 4 つの数 [dB] を求める。成分は直交するので、和のエネルギーは足し算になる。
 * @param {{target: number, interference: number, noise: number, artifact: number}} energy 成分の二乗和。
 * @returns {{sdr: number, sir: number, snr: number, sar: number}} snr は論文の SNR（目的音と干渉の和と、雑音の比）。
 */
export function bssRatios({ target, interference, noise, artifact }) {
  return {
    sdr: decibel(target, interference + noise + artifact),
    sir: decibel(target, interference),
    snr: decibel(target + interference, noise),
    sar: decibel(target + interference + noise, artifact),
  };
}

/**
 * 推定信号を、目的音・干渉・雑音・アーティファクトに分けたときのエネルギー。
 * @param {ArrayLike<number>[]} references 正解。0 番目が目的音。どれも形 (n,)。
 * @param {ArrayLike<number>} estimate 推定信号。形 (n,)。
 * @param {object} [options] noises: 雑音の正解（ArrayLike の配列）。filterLength: 許すフィルタの長さ。
 * @returns {{target: number, interference: number, noise: number, artifact: number}}
 */
export function decompositionEnergies(references, estimate, { noises = [], filterLength = 1 } = {}) {
  const given = [...references, ...noises];
  const r = crossCorrelations(given, [...given, estimate], filterLength - 1);
  const space = new ShiftSpace(r, given.length, filterLength);
  const products = new Float64Array(space.size);
  r.forEach((row, b) => products.set(row.at(-1).subarray(filterLength - 1), b * filterLength));
  const y = space.coordinates(products);
  const energy = (from, to) => {
    let sum = 0;
    for (let k = from * filterLength; k < to * filterLength; k++) sum += y[k] * y[k];
    return sum;
  };
  let total = 0;
  for (let i = 0; i < estimate.length; i++) total += estimate[i] * estimate[i];
  return {
    target: energy(0, 1), interference: energy(1, references.length), noise: energy(references.length, given.length),
    artifact: Math.max(0, total - energy(0, given.length)),
  };
}
