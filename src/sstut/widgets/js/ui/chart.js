// 折れ線の図。SVG なので、テーマが変わっても描きなおさない。大きさが変わったときだけ描きなおす。
//
//   const chart = createChart({ label, x: { min, max, ticks, label }, y: {…}, height, signal });
//   chart.draw([{ kind: "line"|"dots"|"stems"|"steps", xs, ys, color: "--sst-track-1", width, dash, faint }]);
//   chart.setAxes({ x, y })

import { h } from "./dom.js";

const MARGIN = { left: 40, right: 16, top: 8, bottom: 34 };

/** 形ごとの SVG の path。px、py は画素の座標。base は 0 の高さ。 */
const shapes = {
  line: (px, py) => `M${Array.from(px, (v, i) => `${v.toFixed(1)} ${py[i].toFixed(1)}`).join("L")}`,
  steps: (px, py) => Array.from(px, (v, i) => (i === 0 ? `M${v.toFixed(1)} ${py[i].toFixed(1)}` : `H${v.toFixed(1)}V${py[i].toFixed(1)}`)).join(""),
  stems: (px, py, base) => Array.from(px, (v, i) => `M${v.toFixed(1)} ${base.toFixed(1)}V${py[i].toFixed(1)}`).join(""),
  dots: (px, py) => Array.from(px, (v, i) => `M${v.toFixed(1)} ${py[i].toFixed(1)}h0`).join(""), // 長さ 0 の線の丸い端が点になる
};

/**
 * 図を作る。
 * @param {object} options label: 読み上げる説明。x、y: 軸 { min, max, ticks, label, format }。
 *   height: 高さ [CSS px]。signal: 部品が消えるときの合図。
 */
export function createChart({ label, x, y, height = 180, signal }) {
  const svg = h("svg", { class: "sst-chart", role: "img", "aria-label": label, style: { height: `${height}px` } });
  const el = h("div", { class: "sst-chart-box" }, svg);
  let axes = { x, y };
  let series = [];
  const text = (content, props) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "text");
    node.textContent = content;
    for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
    return node;
  };

  function draw() {
    const width = svg.clientWidth;
    if (!width) return;
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    const toX = (v) => MARGIN.left + ((v - axes.x.min) / (axes.x.max - axes.x.min)) * (right - MARGIN.left);
    const toY = (v) => bottom - ((Math.max(axes.y.min, Math.min(axes.y.max, v)) - axes.y.min) / (axes.y.max - axes.y.min)) * (bottom - MARGIN.top);
    const format = (axis, v) => (axis.format ?? String)(v).replace("-", "−");
    const grid = [
      ...axes.x.ticks.map((v) => `M${toX(v)} ${MARGIN.top}V${bottom}`),
      ...axes.y.ticks.map((v) => `M${MARGIN.left} ${toY(v)}H${right}`),
    ];
    const labels = [
      ...axes.x.ticks.map((v) => text(format(axes.x, v), { x: toX(v), y: bottom + 14, "text-anchor": "middle" })),
      ...axes.y.ticks.map((v) => text(format(axes.y, v), { x: MARGIN.left - 6, y: toY(v) + 4, "text-anchor": "end" })),
      text(axes.x.label, { x: right, y: height - 4, "text-anchor": "end" }),
      text(axes.y.label ?? "", { x: 0, y: height - 4 }),
    ];
    const paths = series.map(({ kind, xs, ys, color, width: thick = 1.6, dash, faint }) => {
      const d = xs.length ? shapes[kind](Array.from(xs, toX), Array.from(ys, toY), toY(Math.max(0, axes.y.min))) : "";
      const style = { stroke: `var(${color})`, "stroke-width": thick };
      if (dash) style["stroke-dasharray"] = dash;
      if (faint) style.opacity = faint;
      return h("path", { class: "sst-curve", d, style });
    });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(h("path", { class: "sst-grid", d: grid.join("") }), ...labels, ...paths);
  }
  const observer = new ResizeObserver(draw);
  observer.observe(svg);
  signal.addEventListener("abort", () => observer.disconnect());

  return {
    el,
    draw(next) {
      series = next;
      draw();
    },
    setAxes(next) { axes = { ...axes, ...next }; },
    describe(words) { svg.setAttribute("aria-label", words); },
  };
}

/**
 * 図の凡例。色だけに頼らず、線の形も見せる。
 * @param {Array<{color: string, dash?: string, label: string}>} items 項目。
 */
export function legend(items) {
  const swatch = ({ color, dash }) => h("svg", { viewBox: "0 0 24 8", class: "sst-swatch", "aria-hidden": "true" },
    h("path", { d: "M1 4H23", style: { stroke: `var(${color})`, "stroke-dasharray": dash ?? "none" } }));
  return h("p", { class: "sst-legend" }, ...items.map((item) => h("span", {}, swatch(item), item.label)));
}
