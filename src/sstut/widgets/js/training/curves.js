// 学習の曲線：損失と、SI-SDR の改善量。横軸は回数の対数（はじめの変化が速いため）。いまの記録に線を引く。

import { createChart, legend } from "../ui/chart.js";
import { h } from "../ui/dom.js";
import { panel } from "../ui/parts.js";

const SMOOTH = 25; // 損失をならす回数。1 回ごとの値は、混合音の難しさで揺れる
const toX = (step) => Math.log10(step + 1);

/** 値を囲む、きりのよい縦軸。 */
function axisOf(values, label) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [1, 2, 5, 10].find((s) => (high - low) / s <= 5) ?? 20;
  const min = step * Math.floor(low / step);
  const max = Math.max(step * Math.ceil(high / step), min + step);
  return { min, max, ticks: Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => min + i * step), label };
}

/** それまでの SMOOTH 回の平均。 */
export function running(values) {
  let sum = 0;
  return values.map((v, i) => {
    sum += v - (i >= SMOOTH ? values[i - SMOOTH] : 0);
    return sum / Math.min(i + 1, SMOOTH);
  });
}

/** 曲線の図を 2 つ作る。 */
export function createCurves({ steps, scores, history, signal }) {
  const { loss = [], validation = [], validation_step: at = [] } = history;
  const last = Math.max(steps.at(-1), loss.length);
  const ticks = [0, 1, 10, 100, 1000, 10000].filter((step) => step <= last);
  const x = { min: 0, max: toX(last), ticks: ticks.map(toX), label: "回数", format: (v) => String(Math.round(10 ** v - 1)) };
  const lossAxis = axisOf(loss.length ? running(loss) : [0, 1], "");
  const scoreAxis = axisOf([...scores, ...validation, 0], "dB");
  const left = createChart({ label: "損失の曲線", x, y: lossAxis, height: 165, signal });
  const right = createChart({ label: "改善量の曲線", x, y: scoreAxis, height: 165, signal });
  const lossXs = loss.map((_, i) => toX(i + 1));
  const now = (step, { min, max }) => ({ kind: "line", xs: [toX(step), toX(step)], ys: [min, max], color: "--sst-dim", dash: "3 3", width: 1.4 });
  const key = legend([
    { color: "--sst-track-1", label: "この混合音" }, ...(validation.length ? [{ color: "--sst-track-2", dash: "5 4", label: "検証用の混合音の平均" }] : []),
  ]);
  return {
    el: h("div", {}, h("div", { class: "sst-columns" },
      loss.length ? panel("損失（うすい線は 1 回ごと、濃い線は 25 回の平均）", left.el) : null,
      panel("SI-SDR の改善量", right.el, key))),
    draw(step) {
      if (loss.length) {
        left.draw([
          { kind: "line", xs: lossXs, ys: loss, color: "--sst-track-4", width: 0.8, faint: 0.35 },
          { kind: "line", xs: lossXs, ys: running(loss), color: "--sst-track-4", width: 2.2 }, now(step, lossAxis),
        ]);
      }
      right.draw([
        { kind: "line", xs: at.map(toX), ys: validation, color: "--sst-track-2", dash: "5 4", width: 2 },
        { kind: "line", xs: steps.map(toX), ys: scores, color: "--sst-track-1", width: 2 },
        { kind: "dots", xs: steps.map(toX), ys: scores, color: "--sst-track-1", width: 6 }, now(step, scoreAxis),
      ]);
      right.describe(`改善量の曲線。${step} 回のとき ${scores[steps.indexOf(step)].toFixed(1)} デシベル`);
    },
  };
}
