// 図に共通の形：手法の種類ごとの印、押せる図の土台、凡例。

import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";
import { KINDS } from "./results.js";

/** 種類ごとの、中心 (x, y)、大きさ r の印の path。色の見分けにくい人にも分かるように、形も変える。 */
const outlines = {
  mixture: (x, y, r) => `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`,
  classical: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  network: (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}Z`,
  oracle: (x, y, r) => `M${x - 1.3 * r} ${y}l${1.3 * r} ${-1.3 * r}l${1.3 * r} ${1.3 * r}l${-1.3 * r} ${1.3 * r}Z`,
};

/**
 * 同じ種類の印をまとめて描く path の要素。
 * @param {string} kind 手法の種類。
 * @param {number[][]} points [x, y] の並び。
 * @param {object} options r: 大きさ。filled: 塗るか。
 */
export function dots(kind, points, { r, filled }) {
  const round = (v) => Math.round(10 * v) / 10;
  const d = points.map(([x, y]) => outlines[kind](round(x), round(y), r)).join("");
  return h("path", { class: `sst-lb-dots ${filled ? "sst-lb-filled" : "sst-lb-hollow"}`, d, style: { "--ink": `var(${KINDS[kind].color})` } });
}

/** SVG の文字。 */
export function words(text, x, y, props = {}) {
  return h("text", { x, y, text, ...props });
}

/** 種類の凡例。使われているものだけ。 */
export function kindLegend(methods) {
  const swatch = (kind) => h("svg", { viewBox: "0 0 14 14", class: "sst-lb-swatch", "aria-hidden": "true" }, dots(kind, [[7, 7]], { r: 4, filled: true }));
  const used = Object.keys(KINDS).filter((kind) => methods.some((method) => method.kind === kind));
  return h("p", { class: "sst-legend" }, ...used.map((kind) => h("span", {}, swatch(kind), KINDS[kind].label)));
}

/**
 * 押せる図の土台。押すと onPick({ x, y }) [px]、矢印で onMove(右, 上) を呼ぶ。
 * @returns {{el: HTMLElement, svg: SVGElement, describe: (text: string) => void, onResize: (f: () => void) => void}}
 */
export function createPlot({ label, signal, onPick, onMove }) {
  const svg = h("svg", { class: "sst-chart", "aria-hidden": "true" });
  const el = h("div", { class: "sst-lb-plot", tabindex: "0", role: "application", "aria-roledescription": "点を選ぶ図", "aria-label": label }, svg);
  el.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    onPick({ x: event.clientX - box.left, y: event.clientY - box.top });
  }, { signal });
  movePoint(el, onMove, signal);
  return {
    el, svg,
    describe(text) { el.setAttribute("aria-label", `${label}${text}`); },
    onResize(f) {
      const observer = new ResizeObserver(f);
      observer.observe(el);
      signal.addEventListener("abort", () => observer.disconnect());
    },
  };
}

/** [x, y] の並びの中で、place にいちばん近いものの番号。reach [px] より遠ければ -1。 */
export function nearestDot(points, place, reach) {
  const distances = points.map(([x, y]) => Math.hypot(x - place.x, y - place.y));
  const best = Math.min(...distances);
  return best <= reach ? distances.indexOf(best) : -1;
}

/** dB の値を囲む範囲。端に少し余白をとる。 */
export function rangeOf(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const room = 0.04 * (high - low) || 1;
  return { low: low - room, high: high + room };
}
