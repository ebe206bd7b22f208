// スペクトログラムの絵。軸・カラーバー・再生位置・読みとりつき。
//
//   const view = createSpectrogram({ scale: "linear", height: 220, onSeek, signal });
//   view.el                          入れる要素
//   view.setData({ values, frames, bins, hop, sr, duration, low, high })   値 [dB] を替えて描く
//   view.setMask(mask)               0〜1。0 の点は灰色になる（null でやめる）
//   view.redraw(frame0, frame1)      一部のフレームだけ描きなおす（塗っている間に使う）
//   view.setScale("mel")             周波数の目盛り（linear | log | mel）
//   view.setPosition(秒)             再生位置の線だけ動かす（絵は描きなおさない）
//   view.toPoint(event) → { time, freq, db, frame, bin }   ポインターの下の点
//   view.plot                        絵の要素。塗る部品はここでポインターを受ける
//   view.overlay()                   上に重ねる canvas（初めて呼んだとき作る。絵と同じ画素数）
// onSeek を渡すと、押す・引くで再生位置が動き、絵は role="slider" になる。渡さなければ role="img"。

import { gradient, grayColors, heatColors } from "./colormap.js";
import { h } from "./dom.js";
import { formatDb, formatHz, formatTime } from "./format.js";
import { binEdges, paintHeatmap } from "./heatmap.js";
import { frequencyScale, timeTicks } from "./scales.js";
import { dragSeek } from "./seek.js";

const heat = heatColors();
const gray = grayColors();

/**
 * スペクトログラムの絵を作る。
 * @param {object} options label: 読み上げる名前。scale: 周波数の目盛り。height: 絵の高さ [CSS px]。
 *   onSeek: (秒) => void。signal: 部品が消えるときの合図。unit: 値の単位（既定 "dB"）。
 */
export function createSpectrogram({
  label = "スペクトログラム", scale = "linear", height = 200, onSeek = null, signal, unit = "dB",
}) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const playhead = h("div", { class: "sst-playhead" });
  const plot = h("div", { class: "sst-plot", style: { height: `${height}px` }, "aria-label": label, role: "img" }, canvas, playhead);
  const yAxis = h("div", { class: "sst-axis-y", "aria-hidden": "true" });
  const xAxis = h("div", { class: "sst-axis-x", "aria-hidden": "true" });
  const readout = h("span", { class: "sst-readout", "aria-hidden": "true" });
  const high = h("span");
  const low = h("span");
  const bar = h("div", { class: "sst-colorbar", "aria-hidden": "true" }, high, h("i", { style: { background: gradient(heat) } }), low);
  const el = h("div", { class: "sst-spectrogram" },
    h("div", { class: "sst-spec-head", "aria-hidden": "true" }, h("span", { text: "周波数 [kHz]" }), readout),
    yAxis, plot, bar, xAxis, h("div", { class: "sst-spec-time", "aria-hidden": "true", text: "時間 [秒]" }));

  let data = null;
  let mask = null;
  let image = null;
  let axis = null;
  let over = null;

  const toFrame = (u) => (u * data.duration * data.sr) / data.hop;
  const toBin = (u) => (axis.toHz(u) / (data.sr / 2)) * (data.bins - 1);

  function paint(x0 = 0, x1 = canvas.width) {
    const target = { pixels: new Uint32Array(image.data.buffer), width: canvas.width, height: canvas.height };
    const rows = binEdges(canvas.height, data.bins, toBin);
    paintHeatmap({ ...data, mask }, target, { rows, toFrame, low: data.low, high: data.high, colors: heat, masked: gray, x0, x1 });
    context.putImageData(image, 0, 0, x0, 0, x1 - x0, canvas.height);
  }

  function drawAxes() {
    const tick = (position, text, property) => h("span", { style: { [property]: `${100 * position}%` }, text });
    yAxis.replaceChildren(...axis.ticks.map((hz) => tick(axis.toUnit(hz), hz / 1000, "bottom")));
    const times = timeTicks(data.duration, plot.clientWidth);
    xAxis.replaceChildren(...times.map((t) => tick(t / data.duration, Number(t.toFixed(2)), "left")));
    high.textContent = unit === "dB" ? formatDb(data.high) : data.high;
    low.textContent = unit === "dB" ? formatDb(data.low) : data.low;
  }

  /** 画面の画素数に合わせて canvas を作りなおし、描く。 */
  function fit() {
    const { clientWidth, clientHeight } = plot;
    if (!data || clientWidth === 0) return;
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const width = Math.round(clientWidth * ratio);
    const rows = Math.round(clientHeight * ratio);
    if (!image || canvas.width !== width || canvas.height !== rows) {
      canvas.width = width;
      canvas.height = rows;
      image = context.createImageData(width, rows);
      if (over) Object.assign(over, { width, height: rows });
    }
    axis = frequencyScale(scale, data.sr / 2);
    paint();
    drawAxes();
  }
  const observer = new ResizeObserver(fit);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());

  function toPoint(event) {
    const box = plot.getBoundingClientRect();
    const x = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const y = Math.max(0, Math.min(1, 1 - (event.clientY - box.top) / box.height));
    const frame = Math.max(0, Math.min(data.frames - 1, Math.round(toFrame(x))));
    const bin = Math.max(0, Math.min(data.bins - 1, Math.round(toBin(y))));
    return { time: x * data.duration, freq: axis.toHz(y), db: data.values[frame * data.bins + bin], frame, bin };
  }
  plot.addEventListener("pointermove", (event) => {
    if (!axis) return;
    const { time, freq, db } = toPoint(event);
    readout.textContent = `${time.toFixed(2)} 秒　${formatHz(freq)}　${unit === "dB" ? formatDb(db) : db.toPrecision(3)}`;
  }, { signal });
  plot.addEventListener("pointerleave", () => { readout.textContent = ""; }, { signal });

  if (onSeek) {
    const attributes = { role: "slider", tabindex: "0", "aria-label": `再生位置（${label}の上）`, "aria-valuemin": "0" };
    for (const [name, value] of Object.entries(attributes)) plot.setAttribute(name, value);
    plot.classList.add("sst-seekable");
    dragSeek(plot, (fraction) => { if (data) onSeek(fraction * data.duration); }, signal);
  }

  return {
    el, plot, toPoint,
    setData(next) {
      data = { low: -80, high: 0, ...next };
      if (mask && mask.length !== data.values.length) mask = null;
      if (onSeek) plot.setAttribute("aria-valuemax", data.duration.toFixed(1));
      fit();
    },
    setMask(next) {
      mask = next;
      if (image) paint();
    },
    redraw(frame0 = 0, frame1 = data.frames) {
      if (!image) return;
      const pixelsPerFrame = canvas.width / toFrame(1);
      const x0 = Math.max(0, Math.floor((frame0 - 1) * pixelsPerFrame));
      paint(x0, Math.min(canvas.width, Math.ceil((frame1 + 1) * pixelsPerFrame)));
    },
    setScale(name) {
      scale = name;
      fit();
    },
    setPosition(seconds) {
      playhead.style.setProperty("--at", data ? seconds / data.duration : 0);
      if (!onSeek) return;
      plot.setAttribute("aria-valuenow", seconds.toFixed(1));
      plot.setAttribute("aria-valuetext", formatTime(seconds));
    },
    overlay() {
      if (!over) {
        over = h("canvas", { class: "sst-overlay", "aria-hidden": "true", width: canvas.width, height: canvas.height });
        canvas.after(over);
      }
      return over;
    },
  };
}
