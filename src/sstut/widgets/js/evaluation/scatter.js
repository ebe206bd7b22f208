// 指標の値（横）と評点（縦）の散布図。点の名前は A、B、C…。

import { h } from "../ui/dom.js";

const SIZE = { width: 200, height: 150, left: 30, right: 14, top: 14, bottom: 30 };

/** SVG の文字。 */
function text(content, props) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", "text");
  node.textContent = content;
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  return node;
}

/** 値の範囲。幅が狭いときは、丸めの差が大きな差に見えないように広げる。 */
function spread(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const middle = (low + high) / 2;
  const half = Math.max(0.65 * (high - low), 2);
  return [middle - half, middle + half];
}

/**
 * 散布図。
 * @param {object} options label: 読み上げる説明。points: { x, y, name } の配列。y は 0〜100。
 */
export function scatter({ label, points }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const [low, high] = spread(points.map(({ x }) => x));
  const toX = (x) => left + ((x - low) / (high - low)) * (width - left - right);
  const toY = (y) => height - bottom - (y / 100) * (height - top - bottom);
  const grid = [0, 50, 100].map((y) => `M${left} ${toY(y)}H${width - right}`).join("");
  const ends = [low + 0.1 * (high - low), high - 0.1 * (high - low)].map(Math.round);
  return h("svg", { class: "sst-scatter", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    h("path", { class: "sst-grid", d: grid }),
    ...[0, 50, 100].map((y) => text(String(y), { x: left - 6, y: toY(y) + 4, "text-anchor": "end" })),
    ...[...new Set(ends)].map((x) => text(`${String(x).replace("-", "−")} dB`, { x: toX(x), y: height - 6, "text-anchor": "middle" })),
    ...points.map(({ x, y }) => h("path", { class: "sst-scatter-dot", d: `M${toX(x).toFixed(1)} ${toY(y).toFixed(1)}h0` })),
    ...points.map(({ x, y, name }) => text(name, { class: "sst-scatter-name", x: toX(x), y: toY(y) + 4, "text-anchor": "middle" })));
}
