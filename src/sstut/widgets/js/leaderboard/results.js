// Python から届いた結果を、手法の一覧にする。数の見せ方も、ここで決める。

import { interval, resampledMeans, resampleIndices, RESAMPLES, summary } from "./work.js";

export const SORTS = { mean: "平均", median: "中央値", p10: "下から 1 割", worst: "最低", seconds: "時間", parameters: "重みの数" };
export const KINDS = {
  mixture: { label: "混合音のまま", color: "--sst-dim" },
  classical: { label: "古典手法", color: "--sst-track-4" },
  network: { label: "ネットワーク", color: "--sst-track-1" },
  oracle: { label: "正解を使う（目安）", color: "--sst-track-2" },
};

/** 音 1 秒あたりの計算の時間 [秒] → 実時間の何倍か。 */
export function formatTimes(seconds) {
  return `${Number(seconds.toPrecision(2))} 倍`;
}

/** 重みの数。 */
export function formatCount(n) {
  return `${n.toLocaleString("ja")} 個`;
}

/** 混合音を選びなおした平均 means と、その区間 low、high を、手法に書く。 */
export function drawMeans(methods, seed) {
  const indices = resampleIndices(seed, methods[0].scores.length, RESAMPLES);
  for (const method of methods) {
    method.means = resampledMeans(method.scores, indices);
    Object.assign(method, interval(method.means));
  }
}

/**
 * 手法の一覧を読む。
 * @returns {object[]} name、kind、seconds、parameters と、混合音ごとの点 scores、音源ごとの点
 *   perSource(混合音)、平均などの数（mean、median、p10、worst）、drawMeans の書くもの。
 */
export function readResults(model) {
  const bytes = model.get("scores");
  const all = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const list = model.get("methods");
  const n = all.length / (2 * list.length);
  const methods = list.map((method, m) => {
    const perSource = (i) => [...all.subarray(2 * (m * n + i), 2 * (m * n + i) + 2)];
    const scores = Float64Array.from({ length: n }, (_, i) => (perSource(i)[0] + perSource(i)[1]) / 2);
    return { ...method, perSource, scores, ...summary(scores) };
  });
  drawMeans(methods, model.get("seed"));
  return methods;
}
