// 歩ごとの、損失と勾配の長さの曲線。残した経路の曲線も、うすく重ねる。

import { createChart, legend } from "../ui/chart.js";
import { h } from "../ui/dom.js";
import { panel } from "../ui/parts.js";

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const MOST = 9; // 縦軸は、最小から 10 の 9 乗倍まで
const NOW = { color: "--sst-track-1", width: 2.2 };
const GHOST = { color: "--sst-track-3", dash: "5 4", width: 1.8 };

/** 10 の v 乗。 */
function power(v) {
  return `10${v < 0 ? "⁻" : ""}${String(Math.abs(v)).split("").map((d) => SUPERSCRIPT[d]).join("")}`;
}

/** 値を囲む、きりのよい縦軸。db: 値がデシベルか（そうでなければ 10 の指数）。 */
function axisOf(values, db, label) {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = db ? Math.max(...finite) : Math.min(Math.max(...finite), low + MOST);
  const step = (db ? [5, 10, 20] : [1, 2, 3]).find((s) => (high - low) / s <= 5) ?? (db ? 40 : 4);
  const min = step * Math.floor(low / step - 1e-9);
  const max = Math.max(step * Math.ceil(high / step), min + step);
  const ticks = Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => min + i * step);
  return { min, max, ticks, label, format: db ? String : power };
}

/** 曲線の図を 2 つ作る。 */
export function createCurves({ signal }) {
  const empty = { x: { min: 0, max: 20, ticks: [], label: "歩数" }, y: { min: 0, max: 1, ticks: [], label: "" } };
  const loss = createChart({ label: "損失の曲線", height: 165, signal, ...empty });
  const norm = createChart({ label: "勾配の長さの曲線", height: 165, signal, ...empty });
  const key = h("div");
  return {
    el: h("div", {}, h("div", { class: "sst-columns" }, panel("損失（小さいほどよい）", loss.el), panel("勾配の長さ", norm.el)), key),
    /** runs: { run, label } の配列。はじめが、いまの経路。 */
    draw(runs, { toChart, db, clip }) {
      const longest = Math.max(20, ...runs.map(({ run }) => run.norms.length));
      const step = [5, 10, 20, 50].find((s) => longest / s <= 5) ?? 100;
      const max = step * Math.ceil(longest / step);
      const x = { min: 0, max, ticks: Array.from({ length: max / step + 1 }, (_, i) => i * step), label: "歩数" };
      const toLog = (v) => Math.log10(Math.max(v, 1e-12));
      const curve = (values, i) => ({ kind: "line", xs: values.map((_, step_) => step_), ys: values, ...(i ? GHOST : NOW) });
      const losses = runs.map(({ run }) => Array.from(run.losses, toChart));
      loss.setAxes({ x, y: axisOf(losses.flat(), db, db ? "dB" : "") });
      loss.draw(losses.map(curve).reverse());
      loss.describe(`損失の曲線。${losses[0].length - 1} 歩`);
      const norms = runs.map(({ run }) => Array.from(run.norms, toLog));
      const limits = clip ? Array.from(runs[0].run.limits, toLog) : [];
      norm.setAxes({ x, y: axisOf([...norms.flat(), ...limits, 0], false, "") });
      norm.draw([...norms.map(curve).reverse(), { kind: "line", xs: limits.map((_, i) => i), ys: limits, color: "--sst-track-2", dash: "2 4", width: 2 }]);
      const items = runs.map(({ label }, i) => ({ ...(i ? GHOST : NOW), label }));
      if (clip) items.push({ color: "--sst-track-2", dash: "2 4", label: "クリッピングの上限" });
      key.replaceChildren(legend(items));
    },
  };
}
