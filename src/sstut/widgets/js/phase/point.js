// 選んだ時間周波数点の、正解の位相といまの位相。まわりの波形も重ねて見せる。

import { h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { princarg } from "../dsp/phase.js";
import { createChart, legend } from "../ui/chart.js";
import { factList, panel } from "../ui/parts.js";

const WIDTH = 0.02; // 波形を拡大する幅 [秒]
const TRUE = "--sst-track-4";
const NOW = "--sst-track-1";

/** 位相 [rad] を π の倍数で書く。 */
export function inPi(phase) {
  const size = Math.abs(phase / Math.PI).toFixed(2);
  return `${size === "0.00" ? "" : phase < 0 ? "−" : "+"}${size} π`;
}

/** 選んだ点のまとまり。 */
export function createPoint({ signal }) {
  const hands = [TRUE, NOW].map((color) => h("line", { x1: 0, y1: 0, x2: 1, y2: 0, style: { stroke: `var(${color})` } }));
  const dial = h("svg", { class: "sst-phase-dial", viewBox: "-1.12 -1.12 2.24 2.24", "aria-hidden": "true" },
    h("path", { d: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0M-1.1 0H1.1M0 -1.1V1.1" }), h("g", {}, ...hands));
  const facts = factList(["時刻", "周波数", "レベル", "正解の位相", "いまの位相", "位相の差"]);
  const wave = createChart({ label: "選んだ時刻のまわりの波形", height: 150, signal, x: { min: 0, max: 1, ticks: [], label: "時間 [ミリ秒]" }, y: { min: -1, max: 1, ticks: [0] } });
  const spoken = h("p", { class: "sst-hidden", role: "status" });
  const el = h("div", { class: "sst-columns" },
    panel("選んだ点", h("div", { class: "sst-phase-point" }, dial, facts.el), spoken),
    panel("選んだ時刻のまわりの波形", wave.el, legend([{ color: TRUE, label: "正解" }, { color: NOW, label: "いまの音" }])));

  /** 位相。振幅が 0 の点では決まらない。 */
  const angleAt = ({ re, im }, i) => Math.atan2(im[i], re[i]);
  return {
    el,
    show({ t, k }, { S, spectrum, db, truth, now }, sr, { speak }) {
      const i = t * S.bins + k;
      const [right, current] = [angleAt(S, i), angleAt(spectrum, i)];
      const time = (t * S.hop) / sr;
      const freq = (k * sr) / S.nFft;
      const difference = princarg(current - right);
      facts.show(`${time.toFixed(2)} 秒`, `${freq.toFixed(0)} Hz`, formatDb(db[i]), inPi(right), inPi(current), inPi(difference));
      [right, current].forEach((angle, n) => {
        hands[n].setAttribute("x2", Math.cos(angle));
        hands[n].setAttribute("y2", -Math.sin(angle));
      });
      if (speak) spoken.textContent = `${time.toFixed(2)} 秒、${freq.toFixed(0)} ヘルツ、位相の差 ${inPi(difference)}`;

      const n = Math.round(WIDTH * sr);
      const first = Math.max(0, Math.min(truth.length - n - 1, Math.round(t * S.hop - n / 2)));
      const index = Array.from({ length: Math.min(n, truth.length - first) }, (_, j) => first + j);
      const top = Math.max(1e-3, 1.1 * index.reduce((a, j) => Math.max(a, Math.abs(truth[j]), Math.abs(now[j])), 0));
      const ms = (j) => (1000 * j) / sr;
      const ticks = Array.from({ length: 4 }, (_, j) => 5 * Math.ceil(ms(first) / 5) + 5 * j).filter((v) => v <= ms(index.at(-1)));
      wave.setAxes({ x: { min: ms(first), max: ms(index.at(-1)), ticks, label: "時間 [ミリ秒]" }, y: { min: -top, max: top, ticks: [0] } });
      wave.draw([[truth, TRUE, 3.4], [now, NOW, 1.5]].map(([y, color, width]) => ({ kind: "line", xs: index.map(ms), ys: index.map((j) => y[j]), color, width })));
    },
  };
}
