// 勾配降下法：2 つのパラメータの損失の曲面と、坂を下る方法。sstut.optimization と同じ値になる。
//
//   const moments = unmixingMoments(x1, x2, reference, blockLength)
//   const surface = createSurface("mse", { moments })       surface.loss([a, b], 区間の番号)、surface.gradient(…)
//   descend(surface, { start, method: "adam", lr, nIter, momentum, clip, batches })

import { quantile } from "./quantile.js";
import { seededRandom } from "./testsignals.js";

const EPS = 1e-8; // 0 で割らないための小さな数
const BETA2 = 0.999; // Adam が、勾配の 2 乗をならす割合
const DECAY = 0.99; // RMSprop が、勾配の 2 乗をならす割合

/**
 * 2 つのマイクの信号と正解の、区間ごとの積の平均。正解のパワーの平均を 1 にする。
 * @param {ArrayLike<number>} x1 マイク 1。形 (n,)。x2、reference も同じ形。
 * @param {number} blockLength 1 区間のサンプル数。余った末尾は使わない。
 * @returns {object} nBlocks と、形 (nBlocks,) の r11、r12、r22、p1、p2、e。
 */
export function unmixingMoments(x1, x2, reference, blockLength) {
  const nBlocks = Math.floor(reference.length / blockLength);
  const n = nBlocks * blockLength;
  const centred = [x1, x2, reference].map((x) => {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += x[i] / n;
    return Float64Array.from({ length: n }, (_, i) => x[i] - mean);
  });
  const average = ([a, b]) => Float64Array.from({ length: nBlocks }, (_, k) => {
    let sum = 0;
    for (let i = k * blockLength; i < (k + 1) * blockLength; i++) sum += a[i] * b[i];
    return sum / blockLength;
  });
  const [u, v, s] = centred;
  const all = { r11: average([u, u]), r12: average([u, v]), r22: average([v, v]), p1: average([u, s]), p2: average([v, s]), e: average([s, s]) };
  const power = all.e.reduce((sum, value) => sum + value, 0) / nBlocks;
  for (const values of Object.values(all)) for (let k = 0; k < nBlocks; k++) values[k] /= power;
  return { nBlocks, ...all };
}

/** 選んだ区間（null なら全部）の平均。 */
function averages(moments, batch) {
  const mean = (values) => {
    let sum = 0;
    const n = batch ? batch.length : values.length;
    for (let i = 0; i < n; i++) sum += values[batch ? batch[i] : i];
    return sum / n;
  };
  const { r11, r12, r22, p1, p2, e } = moments;
  return { r11: mean(r11), r12: mean(r12), r22: mean(r22), p1: mean(p1), p2: mean(p2), e: mean(e) };
}

/** 区間の選びかたを、すべての区間のときだけ覚えておく。 */
function remember(moments) {
  const whole = averages(moments, null);
  return (batch) => (batch ? averages(moments, batch) : whole);
}

function mseSurface({ moments }) {
  const of = remember(moments);
  return {
    loss([a, b], batch = null) {
      const { r11, r12, r22, p1, p2, e } = of(batch);
      return e - 2 * (p1 * a + p2 * b) + (r11 * a * a + 2 * r12 * a * b + r22 * b * b);
    },
    gradient([a, b], batch = null) {
      const { r11, r12, r22, p1, p2 } = of(batch);
      return [2 * (r11 * a + r12 * b - p1), 2 * (r12 * a + r22 * b - p2)];
    },
  };
}

function siSdrSurface({ moments }) {
  const of = remember(moments);
  function parts([a, b], batch) {
    const { r11, r12, r22, p1, p2, e } = of(batch);
    const inner = p1 * a + p2 * b;
    const target = (inner * inner) / (e + EPS);
    const dTarget = [(2 * inner * p1) / (e + EPS), (2 * inner * p2) / (e + EPS)];
    const error = Math.max(r11 * a * a + 2 * r12 * a * b + r22 * b * b - target, 0);
    const dError = [2 * (r11 * a + r12 * b) - dTarget[0], 2 * (r12 * a + r22 * b) - dTarget[1]];
    return { target: target + EPS, error: error + EPS, dTarget, dError };
  }
  return {
    loss(theta, batch = null) {
      const { target, error } = parts(theta, batch);
      return 10 * Math.log10(error / target);
    },
    gradient(theta, batch = null) {
      const { target, error, dTarget, dError } = parts(theta, batch);
      return dError.map((d, i) => (10 / Math.LN10) * (d / error - dTarget[i] / target));
    },
  };
}

function bowlSurface({ condition, angle = 0 }) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [h11, h12, h22] = [1 + (condition - 1) * c * c, (condition - 1) * c * s, 1 + (condition - 1) * s * s];
  return {
    loss: ([x, y]) => 0.5 * (h11 * x * x + 2 * h12 * x * y + h22 * y * y),
    gradient: ([x, y]) => [h11 * x + h12 * y, h12 * x + h22 * y],
  };
}

function valleySurface({ steepness = 10 }) {
  return {
    loss: ([x, y]) => (1 - x) ** 2 + steepness * (y - x * x) ** 2,
    gradient: ([x, y]) => [-2 * (1 - x) - 4 * steepness * x * (y - x * x), 2 * steepness * (y - x * x)],
  };
}

const SURFACES = { mse: mseSurface, si_sdr: siSdrSurface, bowl: bowlSurface, valley: valleySurface };

/**
 * 損失の曲面。
 * @param {"mse"|"si_sdr"|"bowl"|"valley"} kind 種類。
 * @param {object} options mse と si_sdr は moments、bowl は condition と angle、valley は steepness。
 */
export function createSurface(kind, options) {
  return SURFACES[kind](options);
}

/** 2 次の損失の、最大と最小の曲率。曲面が 2 次でなければ null。 */
export function curvatures(kind, { moments, condition }) {
  if (kind === "bowl") return [condition, 1];
  if (kind !== "mse") return null;
  const { r11, r12, r22 } = averages(moments, null);
  const [middle, half] = [r11 + r22, Math.hypot(r11 - r22, 2 * r12)];
  return [middle + half, middle - half];
}

/** 2 次の分離の損失が最小になる点。 */
export function bestUnmixing(moments) {
  const { r11, r12, r22, p1, p2 } = averages(moments, null);
  const determinant = r11 * r22 - r12 * r12;
  return [(r22 * p1 - r12 * p2) / determinant, (r11 * p2 - r12 * p1) / determinant];
}

/** 勾配から、進む向き（の逆）を決める関数。step は 1 から数える。 */
function createRule(method, momentum) {
  let first = [0, 0];
  let second = [0, 0];
  const smooth = (old, now, keep) => old.map((v, i) => keep * v + (1 - keep) * now[i]);
  const squares = (g) => g.map((v) => v * v);
  return {
    sgd: (g) => g,
    momentum(g) {
      first = first.map((v, i) => momentum * v + g[i]);
      return first;
    },
    nesterov(g) {
      first = first.map((v, i) => momentum * v + g[i]);
      return g.map((v, i) => v + momentum * first[i]);
    },
    rmsprop(g) {
      second = smooth(second, squares(g), DECAY);
      return g.map((v, i) => v / (Math.sqrt(second[i]) + EPS));
    },
    adam(g, step) {
      first = smooth(first, g, momentum);
      second = smooth(second, squares(g), BETA2);
      return first.map((m, i) => m / (1 - momentum ** step) / (Math.sqrt(second[i] / (1 - BETA2 ** step)) + EPS));
    },
  }[method];
}

/** 勾配の長さの上限を決める関数。clip: { kind: "off"|"norm"|"auto", maxNorm, percentile }。 */
function createClip({ kind, maxNorm, percentile }) {
  if (kind === "off") return () => Infinity;
  if (kind === "norm") return () => maxNorm;
  const sorted = [];
  return (norm) => {
    const place = sorted.findIndex((value) => value > norm);
    sorted.splice(place < 0 ? sorted.length : place, 0, norm);
    return quantile(sorted, percentile / 100);
  };
}

/**
 * 坂を下る。値があふれたら、そこで止める。
 * @param {object} surface `createSurface` の結果。
 * @param {object} options start: 出発点。method: "sgd"|"momentum"|"nesterov"|"rmsprop"|"adam"。lr。nIter: 回数。
 *   momentum: 勢い（Adam では勾配をならす割合）。clip: `createClip` を参照。batches: 回ごとの区間の番号。
 * @returns {{path: Float64Array, losses: Float64Array, norms: Float64Array, limits: Float64Array, diverged: boolean}}
 *   path の形は (回数 + 1, 2)。limits はクリッピングの上限。
 */
export function descend(surface, { start, method, lr, nIter, momentum = 0.9, clip = { kind: "off" }, batches = null }) {
  const rule = createRule(method, momentum);
  const limitOf = createClip(clip);
  let theta = [...start];
  const path = [...theta];
  const losses = [surface.loss(theta)];
  const norms = [];
  const limits = [];
  let finite = true;
  for (let step = 1; step <= nIter; step++) {
    let g = surface.gradient(theta, batches ? batches[step - 1] : null);
    const norm = Math.sqrt(g[0] * g[0] + g[1] * g[1]); // NumPy と同じ所であふれる
    const limit = limitOf(norm);
    if (norm > limit) g = g.map((v) => (v * limit) / norm);
    const move = rule(g, step);
    theta = theta.map((v, i) => v - lr * move[i]);
    finite = Number.isFinite(norm) && theta.every(Number.isFinite);
    if (!finite) break;
    norms.push(norm);
    limits.push(limit);
    path.push(...theta);
    losses.push(surface.loss(theta));
  }
  return { path: Float64Array.from(path), losses: Float64Array.from(losses), norms: Float64Array.from(norms), limits: Float64Array.from(limits), diverged: !finite };
}

/**
 * ミニバッチの番号。1 巡ごとに並べかえ、全部を 1 度ずつ使う。
 * @param {number} nItems データの数。
 * @param {number} size 1 回に使う数。割り切れなければ、1 巡の最後だけ少ない。
 * @param {number} count 要る回数。
 * @param {number} seed 乱数の種。
 * @returns {number[][]} 形 (count, size)。
 */
export function minibatches(nItems, size, count, seed) {
  const random = seededRandom(seed);
  const batches = [];
  while (batches.length < count) {
    const order = Array.from({ length: nItems }, (_, i) => i);
    for (let i = nItems - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let first = 0; first < nItems; first += size) batches.push(order.slice(first, first + size));
  }
  return batches.slice(0, count);
}

/** surface と descend を一度に呼ぶ（Python と突き合わせる試験のため）。 */
export function run(kind, options, settings) {
  return descend(createSurface(kind, options), settings);
}
