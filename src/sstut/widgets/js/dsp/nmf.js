// 非負値行列因子分解（NMF）。sstut.nmf の divergence・nmf・component_masks と同じ値になる。
//
// どの行列も、転置して 1 次元に並べる（スペクトログラムと同じ、フレームが先の並び）。
//   V (n_freq, n_frames)          → V[t * bins + f]
//   W (n_freq, n_components)      → W[k * bins + f]   基底が 1 本ずつ続く
//   H (n_components, n_frames)    → H[t * K + k]      フレームごとに、全成分の強さが続く
//
// 速さの工夫：1 フレームずつ、近似・商・分子を作る。途中の配列が 1 フレーム分で済み、キャッシュに収まる。

import { uniform } from "./random.js";
import { maximum } from "./spectrogram.js";

const EPS = 2 ** -23; // 近似に足す下限。V の最大値に対する比
const IS_FLOOR = 1e-10; // 板倉・斎藤で V の下限にする、最大値に対する比
const LOSSES = ["euclidean", "kl", "is"];
const DISTANCES = {
  euclidean: (v, q) => 0.5 * (v - q) ** 2,
  kl: (v, q) => (v > 0 ? v * Math.log(v === q ? 1 : v / q) : 0) - v + q,
  is(v, q) {
    const ratio = v === q ? 1 : v / q;
    return ratio - Math.log(ratio) - 1;
  },
};

/**
 * 近似の悪さ。
 * @param {ArrayLike<number>} V 目標。0 以上。
 * @param {ArrayLike<number>} Q 近似。V と同じ長さ。
 * @param {"euclidean"|"kl"|"is"} loss 測り方。
 * @returns {number} 0 以上。
 */
export function divergence(V, Q, loss = "kl") {
  checkLoss(loss);
  if (V.length !== Q.length) throw new RangeError(`目標と近似の大きさが違います（${V.length} と ${Q.length}）。`);
  let sum = 0;
  for (let i = 0; i < V.length; i++) sum += DISTANCES[loss](V[i], Q[i]);
  return sum;
}

function checkLoss(loss) {
  if (!LOSSES.includes(loss)) throw new RangeError(`損失は ${LOSSES.join("、")} のどれかにしてください（渡された値: ${loss}）。`);
}

/**
 * 乱数の初期値。`sstut.nmf.nmf(V, n_components, rng=seed)` が作るものと同じ。
 * @param {Float32Array|Float64Array} V 目標。形 (frames * bins,)。
 * @param {number} bins 周波数の数。
 * @param {number} n 成分の数 K。
 * @param {number} seed 乱数の種。
 * @returns {{W: Float32Array|Float64Array, H: Float32Array|Float64Array}} V と同じ精度。
 */
export function randomStart(V, bins, n, seed) {
  let sum = 0;
  for (let i = 0; i < V.length; i++) sum += V[i];
  const level = Math.sqrt(sum / V.length / n);
  const frames = V.length / bins;
  const draws = uniform(seed, n * (bins + frames)).map((v) => (v + 0.5) * level);
  const W = new V.constructor(n * bins);
  const H = new V.constructor(n * frames);
  let next = 0; // NumPy は行ごとに並べるので、順に取り出して転置する
  for (let f = 0; f < bins; f++) for (let k = 0; k < n; k++) W[k * bins + f] = draws[next++];
  for (let k = 0; k < n; k++) for (let t = 0; t < frames; t++) H[t * n + k] = draws[next++];
  return { W, H };
}

/** out[f] = base + Σ_k weights[at + k] rows[k * n + f]。4 本ずつ足すと、out を読み書きする回数が減る。 */
function combine(rows, weights, at, count, base, out) {
  const n = out.length;
  out.fill(base);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const [a, b, c, d] = [weights[at + k], weights[at + k + 1], weights[at + k + 2], weights[at + k + 3]];
    const [i1, i2, i3, i4] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
    for (let f = 0; f < n; f++) out[f] += a * rows[i1 + f] + b * rows[i2 + f] + c * rows[i3 + f] + d * rows[i4 + f];
  }
  for (; k < count; k++) {
    const a = weights[at + k];
    for (let f = 0, i = k * n; f < n; f++, i++) out[f] += a * rows[i];
  }
}

/** rows[k * n + f] += weights[at + k] x[f]。 */
function addOuter(rows, weights, at, count, x) {
  const n = x.length;
  for (let k = 0; k < count; k++) {
    const a = weights[at + k];
    for (let f = 0, i = k * n; f < n; f++, i++) rows[i] += a * x[f];
  }
}

/** out[k] = Σ_f rows[k * n + f] x[f]。4 本の和を並べて進めると、前の足し算を待たずに済む。 */
function project(rows, count, x, out) {
  const n = x.length;
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const [i1, i2, i3, i4] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let f = 0; f < n; f++) {
      const v = x[f];
      a += rows[i1 + f] * v;
      b += rows[i2 + f] * v;
      c += rows[i3 + f] * v;
      d += rows[i4 + f] * v;
    }
    out[k] = a;
    out[k + 1] = b;
    out[k + 2] = c;
    out[k + 3] = d;
  }
  for (; k < count; k++) {
    let sum = 0;
    for (let f = 0, i = k * n; f < n; f++, i++) sum += rows[i] * x[f];
    out[k] = sum;
  }
}

/** 分母が 0 なら（その成分はもう使われていないので）0。 */
const ratio = (a, b) => (b > 0 ? a / b : 0);

/** 行の和（軸の長さ count の並びが続くとき、同じ番号どうしの和）。 */
function sumEvery(x, count) {
  const sums = new Float64Array(count);
  for (let i = 0; i < x.length; i++) sums[i % count] += x[i];
  return sums;
}

/** 成分どうしの内積 (count, count)。x は sumEvery と同じ並び。 */
function gramEvery(x, count) {
  const gram = new Float64Array(count * count);
  for (let i = 0; i < x.length; i += count) {
    for (let a = 0; a < count; a++) for (let b = 0; b < count; b++) gram[a * count + b] += x[i + a] * x[i + b];
  }
  return gram;
}

/** 成分どうしの内積。成分が n 個ずつ続くとき。 */
function gramRows(rows, count, n) {
  const gram = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let f = 0; f < n; f++) sum += rows[a * n + f] * rows[b * n + f];
      gram[a * count + b] = sum;
      gram[b * count + a] = sum;
    }
  }
  return gram;
}

/**
 * 乗法更新。W と H を、渡された配列の中で直していく。
 * @param {Float32Array|Float64Array} V 目標。0 以上。
 * @param {{W: Float32Array|Float64Array, H: Float32Array|Float64Array}} start 初期値。
 * @param {number} bins 周波数の数。
 * @param {object} options loss: 測り方。updateW: false なら W を固定する。
 * @returns {{sweep: Function, W: object, H: object}} sweep({ measure, update }) は、1 回直し、直す前の損失を返す。
 */
export function createUpdates(V, { W, H }, bins, { loss = "kl", updateW = true } = {}) {
  checkLoss(loss);
  const K = W.length / bins;
  const frames = V.length / bins;
  if (!Number.isInteger(K) || K === 0 || H.length !== K * frames) {
    throw new RangeError(`形が合いません（V ${V.length}、W ${W.length}、H ${H.length}、周波数の数 ${bins}）。`);
  }
  const largest = maximum(V) || 1;
  let target = V;
  if (loss === "is") target = V.map((v) => Math.max(v, IS_FLOOR * largest));
  const floor = EPS * largest;
  const [q, inverse] = [new V.constructor(bins), new V.constructor(bins)];
  const [numerator, denominator] = [new Float64Array(W.length), new Float64Array(W.length)];
  const [up, down] = [new Float64Array(K), new Float64Array(K)];
  const powers = { // v と q から、分子に使う値（q に書く）と、分母に使う値（inverse に書く）を作る
    euclidean: (v) => q.set(v),
    kl(v) { for (let f = 0; f < bins; f++) q[f] = v[f] / q[f]; },
    is(v) {
      for (let f = 0; f < bins; f++) {
        inverse[f] = 1 / q[f];
        q[f] = v[f] * inverse[f] * inverse[f];
      }
    },
  }[loss];

  const frame = (t) => target.subarray(t * bins, (t + 1) * bins);
  const approximate = (t) => combine(W, H, t * K, K, floor, q);

  function lossOf(v) {
    let sum = 0;
    if (loss === "euclidean") for (let f = 0; f < bins; f++) sum += 0.5 * (v[f] - q[f]) ** 2;
    else if (loss === "kl") for (let f = 0; f < bins; f++) sum += (v[f] > 0 ? v[f] * Math.log(v[f] / q[f]) : 0) - v[f] + q[f];
    else {
      for (let f = 0; f < bins; f++) {
        const part = v[f] / q[f];
        sum += part - Math.log(part) - 1;
      }
    }
    return sum;
  }

  /** W に掛ける比の分子と分母を集めて、W を直す。測るなら、損失の和を返す。 */
  function sweepBases(measure) {
    let sum = 0;
    numerator.fill(0);
    denominator.fill(0);
    for (let t = 0; t < frames; t++) {
      const v = frame(t);
      if (measure || loss !== "euclidean") approximate(t);
      if (measure) sum += lossOf(v);
      if (!updateW) continue;
      powers(v);
      addOuter(numerator, H, t * K, K, q);
      if (loss === "is") addOuter(denominator, H, t * K, K, inverse);
    }
    if (updateW) updateBases();
    return sum;
  }
  function updateBases() {
    if (loss === "euclidean") {
      const gram = gramEvery(H, K);
      for (let k = 0; k < K; k++) combine(W, gram, k * K, K, 0, denominator.subarray(k * bins, (k + 1) * bins));
    } else if (loss === "kl") {
      sumEvery(H, K).forEach((sum, k) => denominator.fill(sum, k * bins, (k + 1) * bins));
    }
    if (loss === "is") for (let i = 0; i < W.length; i++) W[i] *= Math.sqrt(ratio(numerator[i], denominator[i]));
    else for (let i = 0; i < W.length; i++) W[i] *= ratio(numerator[i], denominator[i]);
  }

  /** H はフレームごとに独立なので、その場で直す。 */
  function sweepActivations() {
    const sums = new Float64Array(K);
    if (loss === "kl") for (let i = 0; i < W.length; i++) sums[Math.floor(i / bins)] += W[i];
    const gram = loss === "euclidean" ? gramRows(W, K, bins) : null;
    for (let t = 0; t < frames; t++) {
      const h = H.subarray(t * K, (t + 1) * K);
      if (loss !== "euclidean") approximate(t);
      powers(frame(t));
      project(W, K, q, up);
      if (gram) combine(gram, h, 0, K, 0, down);
      else if (loss === "kl") down.set(sums);
      else project(W, K, inverse, down);
      for (let k = 0; k < K; k++) h[k] *= loss === "is" ? Math.sqrt(ratio(up[k], down[k])) : ratio(up[k], down[k]);
    }
  }

  return {
    W, H,
    sweep({ measure = true, update = true } = {}) {
      if (!update) return measureOnly();
      const sum = measure || updateW ? sweepBases(measure) : NaN;
      sweepActivations();
      return measure ? sum : NaN;
    },
  };

  function measureOnly() {
    let sum = 0;
    for (let t = 0; t < frames; t++) {
      approximate(t);
      sum += lossOf(frame(t));
    }
    return sum;
  }
}

/**
 * W の列の和を 1 にし、大きさを H に移した写し。
 * @param {{W: Float32Array|Float64Array, H: Float32Array|Float64Array}} factors
 * @param {number} bins 周波数の数。
 * @param {number[]} [order] 並べなおす順。k 番目が、もとの order[k] 番目になる。
 */
export function normalized({ W, H }, bins, order = Array.from({ length: W.length / bins }, (_, k) => k)) {
  const K = order.length;
  const [bases, activations] = [new W.constructor(W.length), new H.constructor(H.length)];
  order.forEach((from, k) => {
    let weight = 0;
    for (let f = 0; f < bins; f++) weight += W[from * bins + f];
    if (weight === 0) weight = 1;
    for (let f = 0; f < bins; f++) bases[k * bins + f] = W[from * bins + f] / weight;
    for (let i = 0; i < H.length; i += K) activations[i + k] = H[i + from] * weight;
  });
  return { W: bases, H: activations };
}

/**
 * NMF を終わりまで。1 度しか使わないときの近道。
 * @param {Float32Array|Float64Array} V 目標。
 * @param {number} bins 周波数の数。
 * @param {number} n 成分の数。
 * @param {object} [options] loss、nIter、seed。W、H: 初期値（省くと乱数）。updateW。
 * @returns {{W: object, H: object, losses: number[]}} losses は nIter + 1 個。
 */
export function nmf(V, bins, n, { loss = "kl", nIter = 200, seed = 0, updateW = true, W = null, H = null } = {}) {
  const random = randomStart(V, bins, n, seed);
  const start = { W: (W ?? random.W).slice(), H: (H ?? random.H).slice() };
  const updates = createUpdates(V, start, bins, { loss, updateW });
  const losses = Array.from({ length: nIter }, () => updates.sweep());
  losses.push(updates.sweep({ update: false }));
  return { ...(updateW ? normalized(start, bins) : start), losses };
}

/**
 * 成分の組ごとのウィーナーマスク Σ_{k ∈ 組} W_k H_k / W H。
 * @param {{W: Float32Array|Float64Array, H: Float32Array|Float64Array}} factors
 * @param {number} bins 周波数の数。
 * @param {number[][]} groups 組ごとの、成分の番号（0 から）。近似が 0 の点は、成分の数に比例して分ける。
 * @param {Array<Float32Array|Float64Array>} [out] 書き込み先。
 * @returns {Array<Float32Array|Float64Array>} 組の数だけのマスク。形 (frames * bins,)。
 */
export function componentMasks({ W, H }, bins, groups, out = []) {
  const K = W.length / bins;
  const frames = H.length / K;
  const masks = groups.map((_, g) => (out[g]?.length === frames * bins ? out[g] : new W.constructor(frames * bins)));
  const [part, total] = [new Float64Array(bins), new Float64Array(bins)];
  const weights = new Float64Array(K);
  for (let t = 0; t < frames; t++) {
    const h = H.subarray(t * K, (t + 1) * K);
    combine(W, h, 0, K, 0, total);
    groups.forEach((group, g) => {
      weights.fill(0);
      for (const k of group) weights[k] = h[k];
      combine(W, weights, 0, K, 0, part);
      const mask = masks[g].subarray(t * bins, (t + 1) * bins);
      for (let f = 0; f < bins; f++) mask[f] = total[f] > 0 ? part[f] / total[f] : group.length / K;
    });
  }
  return masks;
}
