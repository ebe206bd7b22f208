// 周波数を拡大できるスペクトログラム。値の単位（dB かどうか）も、描くたびに変えられる。
//
//   const picture = createPicture({ height, signal, layer });
//   picture.el、picture.plot         入れる要素 / 絵の要素（layer はこの上に重なる）
//   picture.draw(data, { axis, zoom })   data: 値と範囲（analysis.js の picture）。zoom: [下端, 上端] [Hz]
//   picture.axis                     いまの目盛り { toUnit(Hz), toHz(位置) }。拡大を含む
//   picture.toPoint(event)           ポインターの下の点 { t, k }
//   picture.setPosition(秒)          再生位置の線を動かす

import { gradient, heatColors } from "../ui/colormap.js";
import { h } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { binEdges, paintHeatmap } from "../ui/heatmap.js";
import { frequencyScale, timeTicks } from "../ui/scales.js";

const heat = heatColors();

/** 目盛り name の [low, high] [Hz] だけを、縦いっぱいに広げた目盛り。 */
function zoomedScale(name, maxHz, [low, high]) {
  const whole = frequencyScale(name, maxHz);
  const bottom = whole.toUnit(low);
  const span = whole.toUnit(high) - bottom;
  const inside = whole.ticks.filter((hz) => hz >= low && hz <= high);
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000].find((s) => (high - low) / s <= 6) ?? 5000;
  const even = Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step).filter((hz) => hz >= low);
  return {
    toUnit: (hz) => (whole.toUnit(hz) - bottom) / span,
    toHz: (u) => whole.toHz(bottom + u * span),
    ticks: name !== "linear" && inside.length >= 3 ? inside : even,
  };
}

/**
 * 絵を作る。
 * @param {object} options height: 高さ [CSS px]。signal: 部品が消えるときの合図。layer: 上に重ねる要素。
 */
export function createPicture({ height, signal, layer }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const playhead = h("div", { class: "sst-playhead" });
  const plot = h("div", { class: "sst-plot", style: { height: `${height}px` } }, canvas, playhead, layer);
  const yAxis = h("div", { class: "sst-axis-y", "aria-hidden": "true" });
  const xAxis = h("div", { class: "sst-axis-x", "aria-hidden": "true" });
  const readout = h("span", { class: "sst-readout", "aria-hidden": "true" });
  const [top, bottom] = [h("span"), h("span")];
  const bar = h("div", { class: "sst-colorbar", "aria-hidden": "true" }, top, h("i", { style: { background: gradient(heat) } }), bottom);
  const el = h("div", { class: "sst-spectrogram" },
    h("div", { class: "sst-spec-head", "aria-hidden": "true" }, h("span", { text: "周波数 [kHz]" }), readout),
    yAxis, plot, bar, xAxis, h("div", { class: "sst-spec-time", "aria-hidden": "true", text: "時間 [秒]" }));

  let data = null;
  let axis = null;
  let image = null;
  const toFrame = (u) => (u * data.duration * data.sr) / data.hop;
  const toBin = (u) => (axis.toHz(u) / (data.sr / 2)) * (data.bins - 1);
  const show = (v) => (data.low < 0 ? formatDb(v) : Number(v.toPrecision(2)));

  function drawAxes() {
    const tick = (position, text, side) => h("span", { style: { [side]: `${100 * position}%` }, text });
    const ticks = axis.ticks.filter((hz) => axis.toUnit(hz) < 0.97); // 上端の数字は、見出しと重なる
    yAxis.replaceChildren(...ticks.map((hz) => tick(axis.toUnit(hz), hz / 1000, "bottom")));
    xAxis.replaceChildren(...timeTicks(data.duration, plot.clientWidth).map((t) => tick(t / data.duration, Number(t.toFixed(2)), "left")));
    top.textContent = show(data.high);
    bottom.textContent = show(data.low);
  }

  /** 画面の画素数に合わせて描く。 */
  function paint() {
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const [width, rows] = [plot.clientWidth, plot.clientHeight].map((v) => Math.round(v * ratio));
    if (!data || width === 0) return;
    if (!image || canvas.width !== width || canvas.height !== rows) {
      Object.assign(canvas, { width, height: rows });
      image = context.createImageData(width, rows);
    }
    const target = { pixels: new Uint32Array(image.data.buffer), width, height: rows };
    paintHeatmap(data, target, { rows: binEdges(rows, data.bins, toBin), toFrame, low: data.low, high: data.high, colors: heat });
    context.putImageData(image, 0, 0);
    drawAxes();
  }
  const observer = new ResizeObserver(paint);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());

  /** ポインターの場所。左端・下端を 0、右端・上端を 1 とする。 */
  function toUnits(event) {
    const box = plot.getBoundingClientRect();
    const clamp = (v) => Math.max(0, Math.min(1, v));
    return [clamp((event.clientX - box.left) / box.width), clamp(1 - (event.clientY - box.top) / box.height)];
  }
  function toPoint(event) {
    const [x, y] = toUnits(event);
    return { t: Math.min(data.frames - 1, Math.round(toFrame(x))), k: Math.min(data.bins - 1, Math.round(toBin(y))) };
  }
  plot.addEventListener("pointermove", (event) => {
    if (!data) return;
    const [x, y] = toUnits(event);
    const { t, k } = toPoint(event);
    readout.textContent = `${(x * data.duration).toFixed(2)} 秒　${formatHz(axis.toHz(y))}　${show(data.values[t * data.bins + k])}`;
  }, { signal });
  plot.addEventListener("pointerleave", () => { readout.textContent = ""; }, { signal });

  return {
    el, plot, toPoint,
    get axis() { return axis; },
    draw(next, view) {
      data = next;
      axis = zoomedScale(view.axis, data.sr / 2, view.zoom);
      paint();
    },
    setPosition(seconds) { playhead.style.setProperty("--at", data ? seconds / data.duration : 0); },
  };
}
