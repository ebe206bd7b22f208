// 損失の図。初めの値を 1 とした、対数の目盛り。計算した所までを薄く、いま見ている所までを濃く描く。

import { createChart } from "../ui/chart.js";
import { MAX_ITER } from "./controls.js";

const SCALES = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000].map((v) => 1 / v);

/** 目盛り：小さい値が収まる所まで。多すぎれば 10 倍ごと。 */
function ticksFor(smallest) {
  const last = SCALES.findIndex((v) => v <= smallest);
  const ticks = SCALES.slice(0, last < 0 ? SCALES.length : Math.max(2, last + 1));
  return ticks.length > 5 ? ticks.filter((_, i) => i % 2 === 0 || i === ticks.length - 1) : ticks;
}

export function createLosses({ signal }) {
  const chart = createChart({
    label: "損失", height: 170, signal, x: { min: 0, max: MAX_ITER, ticks: [0, 50, 100, 150, 200], label: "くり返し [回]" },
    y: { min: -1, max: 0, ticks: [0], label: "" },
  });
  return {
    el: chart.el,
    /** losses: 0 回からの損失。iteration: いま見ている回数。まだ測っていなければ、測った所までを描く。 */
    draw(losses, iteration) {
      const n = Math.min(iteration, losses.length - 1);
      const level = (i) => Math.log10(Math.max(losses[i] / losses[0], SCALES.at(-1)));
      const ticks = ticksFor(losses.at(-1) / losses[0]);
      chart.setAxes({ y: { min: Math.log10(ticks.at(-1)), max: 0, ticks: ticks.map(Math.log10), format: (v) => String(Number((10 ** v).toPrecision(1))), label: "損失（0 回を 1 とする）" } });
      const all = losses.map((_, i) => i);
      const seen = all.slice(0, n + 1);
      chart.draw([
        { kind: "line", xs: all, ys: all.map(level), color: "--sst-edge", width: 1.4 },
        { kind: "line", xs: seen, ys: seen.map(level), color: "--sst-accent", width: 2.4 },
        { kind: "dots", xs: [n], ys: [level(n)], color: "--sst-accent", width: 9 },
      ]);
      chart.describe(`損失。0 回を 1 とすると、${n} 回で ${(losses[n] / losses[0]).toPrecision(2)}`);
    },
  };
}
