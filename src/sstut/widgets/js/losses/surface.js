// 損失の面の絵。横が遅れ、縦が利得。明るいほど損失が小さい。押した・引いた点と、矢印キーで、点を動かす。
//
//   const surface = createSurface({ name, label, height, sr, signal, onPoint, onMove });
//   surface.draw(map, [下端, 上端])   surface.setPoint({ t, k })   surface.setValue("0.012")
//   surface.select(選ばれているか)

import { heatColors } from "../ui/colormap.js";
import { h } from "../ui/dom.js";
import { binEdges, paintHeatmap } from "../ui/heatmap.js";
import { movePoint } from "../ui/keys.js";
import { DELAYS, GAINS } from "./work.js";

const COLORS = heatColors().reverse(); // 小さい損失を明るくする
const TICKS = { delay: [-48, 0, 48], gain: [-12, 0] };
const toX = (t) => (t + 0.5) / DELAYS.length;
const toY = (k) => (k + 0.5) / GAINS.length;
const percent = (v) => `${(100 * v).toFixed(2)}%`;
const minus = (v) => String(v).replace("-", "−");

/** 損失 1 つ分の絵。 */
export function createSurface({ label, height, sr, signal, onPoint, onMove }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const mark = h("div", { class: "sst-losses-mark" });
  const truth = h("div", { class: "sst-losses-truth", style: { left: percent(toX(DELAYS.indexOf(0))), bottom: percent(toY(GAINS.indexOf(0))) } });
  const layer = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-roledescription": "点を動かす絵", "aria-label": `${label}の面。横が遅れ、縦が利得` }, truth, mark);
  const plot = h("div", { class: "sst-plot", style: { height: `${height}px` } }, canvas, layer);
  const name = h("strong", { text: label });
  const value = h("span", { class: "sst-losses-value" });
  const xAxis = h("div", { class: "sst-axis-x", "aria-hidden": "true" }, ...TICKS.delay.map((d) => h("span", { style: { left: percent(toX(DELAYS.indexOf(d))) }, text: minus((1000 * d) / sr) })));
  const yAxis = h("div", { class: "sst-axis-y", "aria-hidden": "true" }, ...TICKS.gain.map((g) => h("span", { style: { bottom: percent(toY(GAINS.indexOf(g))) }, text: minus(g) })));
  const el = h("figure", { class: "sst-losses-surface" }, h("figcaption", {}, name, value), h("div", { class: "sst-losses-grid" }, yAxis, plot, xAxis));

  let shown = null;
  let image = null;
  function paint() {
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const [width, rows] = [Math.round(plot.clientWidth * ratio), Math.round(plot.clientHeight * ratio)];
    if (!shown || width === 0) return;
    if (!image || canvas.width !== width || canvas.height !== rows) {
      Object.assign(canvas, { width, height: rows });
      image = context.createImageData(width, rows);
    }
    const [low, high] = shown.range;
    const view = {
      low, high, colors: COLORS,
      rows: binEdges(rows, GAINS.length, (u) => u * GAINS.length - 0.5), toFrame: (u) => u * DELAYS.length - 0.5,
    };
    paintHeatmap({ values: shown.map, frames: DELAYS.length, bins: GAINS.length }, { pixels: new Uint32Array(image.data.buffer), width, height: rows }, view);
    context.putImageData(image, 0, 0);
  }
  const observer = new ResizeObserver(paint);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());

  function toPoint(event) {
    const box = plot.getBoundingClientRect();
    const index = (fraction, n) => Math.max(0, Math.min(n - 1, Math.floor(fraction * n)));
    return { t: index((event.clientX - box.left) / box.width, DELAYS.length), k: index((box.bottom - event.clientY) / box.height, GAINS.length) };
  }
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    layer.focus({ preventScroll: true });
    onPoint(toPoint(event));
  }, { signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) onPoint(toPoint(event)); }, { signal });
  movePoint(layer, onMove, signal);

  return {
    el,
    draw(map, range) {
      shown = { map, range };
      paint();
    },
    setPoint({ t, k }) { Object.assign(mark.style, { left: percent(toX(t)), bottom: percent(toY(k)) }); },
    setValue(text) { value.textContent = text; },
    select(on) { el.toggleAttribute("data-selected", on); },
  };
}
