// 2 次元の値を色で見せる、軸つきの絵（時間と周波数に限らない）。
//
//   const grid = createHeatgrid({ label, height, signal, describe });
//   grid.setData({ values, columns, rows, low, high, x: { min, max, ticks, label }, y: {…} })   values[列 * rows + 行]
//   grid.redraw()                 値の中身だけが変わった
//   grid.plot                     絵の要素。重ねるものを加える
//   grid.toUnit(event)            ポインターの位置 { x, y }。左下が 0、右上が 1
//   grid.toPlace(x, y)            軸の値 → 絵の中の位置

import { heatColors } from "./colormap.js";
import { h } from "./dom.js";
import { binEdges, paintHeatmap } from "./heatmap.js";

const heat = heatColors();
const clamp = (v) => Math.max(0, Math.min(1, v));

/** 軸に並べる数字。property は場所を決める CSS の性質。 */
function tickLabels({ ticks, min, max, format = String }, property) {
  return ticks.map((v) => h("span", { style: { [property]: `${(100 * (v - min)) / (max - min)}%` }, text: format(v).replace("-", "−") }));
}

/**
 * 絵を作る。
 * @param {object} options label: 読み上げる説明。height: 高さの CSS（"aspect" なら正方形）。signal: 部品が消えるときの合図。
 *   describe: ({ x, y }) => 読みとりの文。x、y は軸の値。
 */
export function createHeatgrid({ label, height, signal, describe }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const plot = h("div", { class: "sst-plot", role: "img", "aria-label": label, style: height === "aspect" ? { "aspect-ratio": "1" } : { height: `${height}px` } }, canvas);
  const [yAxis, xAxis] = ["sst-axis-y", "sst-axis-x"].map((name) => h("div", { class: name, "aria-hidden": "true" }));
  const yLabel = h("span");
  const xLabel = h("div", { class: "sst-spec-time", "aria-hidden": "true" });
  const readout = h("span", { class: "sst-readout", "aria-hidden": "true" });
  const el = h("div", { class: "sst-spectrogram sst-heatgrid" },
    h("div", { class: "sst-spec-head", "aria-hidden": "true" }, yLabel, readout), yAxis, plot, xAxis, xLabel);
  let data = null;
  let image = null;

  function draw() {
    const { clientWidth, clientHeight } = plot;
    if (!data || clientWidth === 0) return;
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const [width, rows] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (!image || canvas.width !== width || canvas.height !== rows) {
      Object.assign(canvas, { width, height: rows });
      image = context.createImageData(width, rows);
    }
    const target = { pixels: new Uint32Array(image.data.buffer), width, height: rows };
    const view = {
      rows: binEdges(rows, data.rows, (u) => u * data.rows - 0.5), toFrame: (u) => u * data.columns - 0.5,
      low: data.low, high: data.high, colors: heat,
    };
    paintHeatmap({ values: data.values, frames: data.columns, bins: data.rows }, target, view);
    context.putImageData(image, 0, 0);
  }
  const observer = new ResizeObserver(draw);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());

  function toUnit(event) {
    const box = plot.getBoundingClientRect();
    return { x: clamp((event.clientX - box.left) / box.width), y: clamp(1 - (event.clientY - box.top) / box.height) };
  }
  const value = ({ min, max }, u) => min + u * (max - min);
  plot.addEventListener("pointermove", (event) => {
    if (!data) return;
    const { x, y } = toUnit(event);
    readout.textContent = describe({ x: value(data.x, x), y: value(data.y, y) });
  }, { signal });
  plot.addEventListener("pointerleave", () => { readout.textContent = ""; }, { signal });

  return {
    el, plot, toUnit, redraw: draw,
    toPlace: (x, y) => [(x - data.x.min) / (data.x.max - data.x.min), (y - data.y.min) / (data.y.max - data.y.min)],
    setData(next) {
      data = next;
      yAxis.replaceChildren(...tickLabels(data.y, "bottom"));
      xAxis.replaceChildren(...tickLabels(data.x, "left"));
      yLabel.textContent = data.y.label;
      xLabel.textContent = data.x.label;
      draw();
    },
  };
}
