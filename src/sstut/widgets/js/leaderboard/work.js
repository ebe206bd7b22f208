// 順位の計算。画面を使わない。点は、混合音ごとの値（大きいほど良い）の列。
//
//   const indices = resampleIndices(種, 混合音の数, 回数);   混合音を、重複を許して選びなおす
//   const means = scores.map((values) => resampledMeans(values, indices));   手法ごと、回ごとの平均
//   interval(means[a]), rankCounts(means, 回数), headToHead(scores[a], scores[b], means[a], means[b])

import { quantile } from "../dsp/quantile.js";
import { uniform } from "../dsp/random.js";

export const RESAMPLES = 2000;
const TAIL = 0.025; // 95 % の区間の、片側に残す割合

/**
 * 選びなおした混合音の番号。どの手法にも同じ番号を使うので、手法どうしの差も、同じ混合音の差になる。
 * floor(np.random.default_rng(seed).random((count, n)) * n) と同じ。
 * @returns {Int32Array} r 回目の番号は r * n から n 個。
 */
export function resampleIndices(seed, n, count) {
  return Int32Array.from(uniform(seed, count * n), (u) => Math.floor(u * n));
}

/** 選びなおしごとの平均。values: 混合音ごとの値。 */
export function resampledMeans(values, indices) {
  const n = values.length;
  return Float64Array.from({ length: indices.length / n }, (_, r) => {
    let sum = 0;
    for (let i = r * n; i < (r + 1) * n; i++) sum += values[indices[i]];
    return sum / n;
  });
}

/** パーセンタイル法の 95 % の区間。 */
export function interval(means) {
  const sorted = Float64Array.from(means).sort();
  return { low: quantile(sorted, TAIL), high: quantile(sorted, 1 - TAIL) };
}

/** 平均、中央値、下から 1 割の点、最低。 */
export function summary(values) {
  const sorted = Float64Array.from(values).sort();
  return {
    mean: values.reduce((sum, v) => sum + v, 0) / values.length,
    median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), worst: sorted[0],
  };
}

/** 値の順位（1 から、大きい順）。同じ値には、同じ順位を付ける。 */
export function ranksOf(values) {
  return Array.from(values, (v) => 1 + values.reduce((above, u) => above + (u > v ? 1 : 0), 0));
}

/**
 * はじめの count 回の選びなおしで、手法が何位に何回なったか。
 * @param {Float64Array[]} means 手法ごとの、回ごとの平均。
 * @returns {Int32Array[]} 手法ごとの回数。k 番目が k + 1 位。
 */
export function rankCounts(means, count) {
  const counts = means.map(() => new Int32Array(means.length));
  for (let r = 0; r < count; r++) {
    ranksOf(means.map((values) => values[r])).forEach((rank, m) => { counts[m][rank - 1]++; });
  }
  return counts;
}

/** 順位の 95 % の範囲と、いちばん多い順位・その割合。1 度も選びなおしていなければ null。 */
export function rankRange(counts) {
  const total = counts.reduce((sum, v) => sum + v, 0);
  if (total === 0) return null;
  const reach = (q) => 1 + counts.findIndex((_, k) => counts.slice(0, k + 1).reduce((sum, v) => sum + v, 0) >= q * total);
  const most = Math.max(...counts);
  return { low: reach(TAIL), high: reach(1 - TAIL), mode: 1 + counts.indexOf(most), share: most / total };
}

/**
 * 同じ混合音での、a と b の差。
 * @param {Float64Array} a、b 混合音ごとの値。
 * @param {Float64Array} meansA、meansB 同じ選びなおしでの平均。
 * @returns {object} verdict は、区間が 0 より上なら 1、下なら −1、0 を含めば 0。
 */
export function headToHead(a, b, meansA, meansB) {
  const differences = a.map((v, i) => v - b[i]);
  const { low, high } = interval(meansA.map((v, r) => v - meansB[r]));
  const count = (test) => differences.filter(test).length;
  return {
    differences, low, high, mean: summary(differences).mean,
    wins: count((d) => d > 0), losses: count((d) => d < 0), ties: count((d) => d === 0),
    verdict: low > 0 ? 1 : high < 0 ? -1 : 0,
  };
}

/**
 * 費用も点も、ほかのどれにも負けていないもの（パレート最適）。
 * @param {Array<{cost: number, score: number}>} points 費用は小さいほど、点は大きいほど良い。
 * @returns {boolean[]}
 */
export function paretoFront(points) {
  const beats = (p, q) => p.cost <= q.cost && p.score >= q.score && (p.cost < q.cost || p.score > q.score);
  return points.map((q) => !points.some((p) => beats(p, q)));
}

/** 並べかえ。key が時間か重みの数なら小さい順、点なら大きい順。同じ値は、もとの順。 */
export function inOrder(methods, key) {
  const sign = key === "seconds" || key === "parameters" ? 1 : -1;
  return [...methods].sort((a, b) => sign * (a[key] - b[key]));
}
