// 点の分布の図。1 行が 1 つの手法、1 つの点が 1 つの混合音。行の下の棒が、平均とその区間。
//
//   const strip = createStrip({ methods, sounded, signal, onPick, onMove });
//   strip.show({ order, method, mixture, draw })   draw: 最後に選びなおした回の番号（なければ -1）

import { h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { timeTicks } from "../ui/scales.js";
import { createPlot, dots, nearestDot, rangeOf, words } from "./shapes.js";

const ROW = 46;
const TOP = 22; // 上の目盛り
const BOTTOM = 36; // 下の目盛りと軸の名前
const SIDE = 12;
const [LABEL, DOTS, MEAN] = [13, 26, 40]; // 行の中の、文字・点・棒の高さ
const SPREAD = 10; // 点が重ならないように、上下に散らす幅
const GOLDEN = 0.618034; // 番号に掛けた小数部分は、むらなく散る
const REACH = 26; // 指で押した場所から、点を探す距離 [px]

/**
 * 図を作る。
 * @param {object} options methods: 手法。sounded: 音のある混合音の Set。onPick: (手法の名前, 混合音の番号か null)。
 *   onMove: (右, 上) 矢印キー。
 */
export function createStrip({ methods, sounded, signal, onPick, onMove }) {
  const range = rangeOf(methods.flatMap(({ scores }) => [...scores]));
  const all = Array.from(methods[0].scores.keys());
  const jitter = all.map((i) => SPREAD * (((i + 1) * GOLDEN) % 1 - 0.5));
  let shown = null;
  const toX = (v, width) => SIDE + ((v - range.low) / (range.high - range.low)) * (width - 2 * SIDE);
  const rowTop = (row) => TOP + row * ROW;
  const place = (method, row, i, width) => [toX(method.scores[i], width), rowTop(row) + DOTS + jitter[i]];

  const plot = createPlot({ label: "点の分布の図。上下で手法、左右で混合音を選ぶ。", signal, onMove, onPick({ x, y }) {
    const row = Math.max(0, Math.min(methods.length - 1, Math.floor((y - TOP) / ROW)));
    const method = shown.order[row];
    const i = nearestDot(all.map((k) => place(method, row, k, plot.svg.clientWidth)), { x, y }, REACH);
    onPick(method.name, i < 0 ? null : i);
  } });
  plot.onResize(draw);

  function axis(width, height) {
    const ticks = timeTicks(range.low, range.high, width / 70);
    const number = (y) => ticks.map((v) => words(String(v).replace("-", "−"), toX(v, width), y, { "text-anchor": "middle" }));
    return [
      h("path", { class: "sst-grid", d: ticks.map((v) => `M${toX(v, width)} ${TOP - 4}V${height - BOTTOM + 4}`).join("") }),
      h("path", { class: "sst-lb-zero", d: `M${toX(0, width)} ${TOP - 4}V${height - BOTTOM + 4}` }),
      ...number(TOP - 8), ...number(height - BOTTOM + 17),
      words("SI-SDR の改善量 [dB]（2 つの音源の平均）", width - SIDE, height - 4, { "text-anchor": "end" }),
    ];
  }
  /** 1 行：名前、平均の数、点、平均の棒。 */
  function line(method, row, width) {
    const top = rowTop(row);
    const x = (v) => toX(v, width).toFixed(1);
    const points = (filled) => all.filter((i) => sounded.has(i) === filled).map((i) => place(method, row, i, width));
    const mean = top + MEAN;
    const bar = `M${x(method.low)} ${mean}H${x(method.high)}M${x(method.low)} ${mean - 3}v6M${x(method.high)} ${mean - 3}v6`;
    return [
      method.name === shown.method ? h("path", { class: "sst-lb-band", d: `M2 ${top}H${width - 2}v${ROW}H2Z` }) : h("path", { class: "sst-lb-rule", d: `M2 ${top + ROW}H${width - 2}` }),
      words(method.name, SIDE, top + LABEL, { class: "sst-lb-name" }),
      words(`平均 ${formatDb(method.mean)}`, width - SIDE, top + LABEL, { "text-anchor": "end" }),
      dots(method.kind, points(false), { r: 2.4, filled: false }), dots(method.kind, points(true), { r: 4, filled: true }),
      h("path", { class: "sst-lb-bar", d: bar }), h("path", { class: "sst-lb-mean", d: `M${x(method.mean)} ${mean - 5}v10` }),
      shown.draw >= 0 ? dots("classical", [[toX(method.means[shown.draw], width), mean]], { r: 3.5, filled: false }) : null,
    ];
  }
  function draw() {
    const width = plot.svg.clientWidth;
    if (!width || !shown) return;
    const height = TOP + methods.length * ROW + BOTTOM;
    plot.svg.style.height = `${height}px`;
    plot.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const joined = shown.order.map((method, row) => place(method, row, shown.mixture, width).map((v) => v.toFixed(1)).join(" "));
    const at = shown.order.findIndex(({ name }) => name === shown.method);
    const [x, y] = place(shown.order[at], at, shown.mixture, width);
    const parts = [...shown.order.flatMap((method, row) => line(method, row, width)).filter(Boolean)];
    plot.svg.replaceChildren(
      ...parts.filter((el) => el.classList.contains("sst-lb-band")), ...axis(width, height),
      h("path", { class: "sst-lb-joined", d: `M${joined.join("L")}` }),
      ...parts.filter((el) => !el.classList.contains("sst-lb-band")),
      h("path", { class: "sst-lb-ring", d: `M${x - 9} ${y}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0` }),
    );
  }
  return {
    el: plot.el,
    show(next, description) {
      shown = next;
      plot.describe(description);
      draw();
    },
    /** 試験用：混合音 i の、手法 name の点の場所 [px]。 */
    place(name, i) {
      const row = shown.order.findIndex((method) => method.name === name);
      return place(shown.order[row], row, i, plot.svg.clientWidth);
    },
  };
}
