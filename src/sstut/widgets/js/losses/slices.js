// 選んだ損失の断面：点を通る横（遅れ）と縦（利得）の線に沿った値。

import { createChart } from "../ui/chart.js";
import { h } from "../ui/dom.js";
import { DELAYS, GAINS, LOSSES } from "./work.js";

/** 目盛りの数字。 */
export function plain(v) {
  return (Math.abs(v) >= 100 ? v.toFixed(0) : String(Number(v.toPrecision(2)))).replace("-", "−");
}

/** 断面の 2 枚の図。 */
export function createSlices({ sr, signal }) {
  const milliseconds = DELAYS.map((d) => (1000 * d) / sr);
  const chart = (label, x) => createChart({ label, height: 150, signal, x, y: { min: 0, max: 1, ticks: [0, 1], label: "" } });
  const ends = [DELAYS[16], 0, DELAYS.at(-17)].map((d) => (1000 * d) / sr);
  const along = chart("遅れに沿った断面", { min: milliseconds[0], max: milliseconds.at(-1), ticks: ends, label: "遅れ [ミリ秒]" });
  const across = chart("利得に沿った断面", { min: GAINS[0], max: GAINS.at(-1), ticks: [-18, -12, -6, 0, 6], label: "利得 [dB]" });
  const captions = [h("p", { class: "sst-losses-caption" }), h("p", { class: "sst-losses-caption" })];
  return {
    el: h("div", { class: "sst-columns" }, h("div", {}, captions[0], along.el), h("div", {}, captions[1], across.el)),
    show({ name, map, range: [low, high], point: { t, k }, value }) {
      const row = DELAYS.map((_, i) => map[i * GAINS.length + k]);
      const column = GAINS.map((_, i) => map[t * GAINS.length + i]);
      const top = Math.max(high, ...row, ...column);
      const y = { min: low, max: top, ticks: [low, (low + top) / 2, top], format: plain, label: "" };
      const draw = (target, xs, ys, x) => {
        target.setAxes({ y });
        target.draw([
          { kind: "line", xs, ys, color: "--sst-track-4", width: 2 },
          { kind: "line", xs: [x, x], ys: [low, top], color: "--sst-track-1", width: 1.2, dash: "4 4" },
          { kind: "dots", xs: [x], ys: [value], color: "--sst-track-1", width: 10 },
        ]);
      };
      draw(along, milliseconds, row, milliseconds[t]);
      draw(across, GAINS, column, GAINS[k]);
      const cut = value < low ? `。${plain(low)} より小さい値は、下の端に描く` : "";
      captions[0].textContent = `${LOSSES[name]}：遅れに沿って（利得 ${plain(GAINS[k])} dB）${cut}`;
      captions[1].textContent = `${LOSSES[name]}：利得に沿って（遅れ ${plain(milliseconds[t])} ミリ秒）`;
    },
  };
}
