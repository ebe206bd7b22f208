// スペクトログラムの絵。軸・カラーバー・再生位置・読みとりつき。見る範囲（周波数と時間）を変えられる。
//
//   const view = createSpectrogram({ label, height: 220, signal, onSeek });
//   view.el、view.plot               入れる要素 / 絵の要素。重ねるものは plot に加える
//   view.setData(data, look)         data: { values, frames, bins, hop, sr, duration, low, high }。low、high は色の両端
//   view.setLook({ axis, span })     axis: scales.js の目盛り（拡大を含む）。span: 見える時間 [始め, 終わり] [秒]
//   view.redraw(frame0, frame1)      一部のフレームだけ描きなおす（省くと全部）
//   view.setPosition(秒)             再生位置の線だけ動かす（絵は描きなおさない）
//   view.toPoint(event)              ポインターの下の { time, freq, t, k }。t と k はフレームと周波数の番号
//   view.axis、view.span             いまの目盛り / 見える時間
// onSeek を渡すと、押す・引くで再生位置が動き、絵は role="slider" になる。

import { gradient, heatColors } from "./colormap.js";
import { h } from "./dom.js";
import { formatDb, formatHz, formatTime } from "./format.js";
import { binEdges, paintHeatmap } from "./heatmap.js";
import { frequencyScale, timeTicks } from "./scales.js";
import { dragSeek } from "./seek.js";

const heat = heatColors();
const clamp = (v, most) => Math.max(0, Math.min(most, v));

/** 値を色の表で塗る筆。layout で画素と点の対応を決め、paint で列 x0 以上 x1 未満を塗る。 */
function heatPainter(width, height, pixels) {
  const target = { pixels, width, height };
  let view = null;
  return {
    layout(next) { view = { ...next, rows: binEdges(height, next.bins, next.toBin), colors: heat }; },
    paint(x0, x1) { paintHeatmap(view, target, { ...view, x0, x1 }); },
  };
}

/** 軸に並べる数字。property は場所を決める CSS の性質。 */
function tickLabels(ticks, property, toUnit, toText) {
  return ticks.map((v) => h("span", { style: { [property]: `${100 * toUnit(v)}%` }, text: toText(v) }));
}

/**
 * スペクトログラムの絵を作る。
 * @param {object} options label: 再生位置のつまみの名前に使う。height: 絵の高さ [CSS px]。signal: 部品が消えるときの合図。
 *   onSeek: (秒) => void。colorbar: カラーバーを出すか。tickGap: 時間の目盛りの間隔の下限 [CSS px]。
 *   createPainter: 塗りかた（heatPainter と同じ形）。onLayout: 大きさか見る範囲が変わり、描きおえたときに呼ぶ。
 *   describe: (event) => 読みとりの文（既定は、時刻・周波数・値）。
 */
export function createSpectrogram({
  label = "スペクトログラム", height = 200, signal, onSeek = null, colorbar = true, tickGap = 44,
  createPainter = heatPainter, onLayout = () => {}, describe = null,
}) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const playhead = h("div", { class: "sst-playhead" });
  const plot = h("div", { class: "sst-plot", style: { height: `${height}px` } }, canvas, playhead);
  const yAxis = h("div", { class: "sst-axis-y", "aria-hidden": "true" });
  const xAxis = h("div", { class: "sst-axis-x", "aria-hidden": "true" });
  const readout = h("span", { class: "sst-readout", "aria-hidden": "true" });
  const [high, low] = [h("span"), h("span")];
  const bar = h("div", { class: "sst-colorbar", "aria-hidden": "true" }, high, h("i", { style: { background: gradient(heat) } }), low);
  const el = h("div", { class: "sst-spectrogram" },
    h("div", { class: "sst-spec-head", "aria-hidden": "true" }, h("span", { text: "周波数 [kHz]" }), readout),
    yAxis, plot, colorbar ? bar : null, xAxis, h("div", { class: "sst-spec-time", "aria-hidden": "true", text: "時間 [秒]" }));

  let data = null;
  let axis = null;
  let span = [0, 1];
  let image = null;
  let painter = null;

  // 絵の中の位置（左端・下端が 0、右端・上端が 1）と、時間・番号の対応
  const toTime = (u) => span[0] + u * (span[1] - span[0]);
  const toX = (seconds) => (seconds - span[0]) / (span[1] - span[0]);
  const toFrame = (u) => (toTime(u) * data.sr) / data.hop;
  const toBin = (u) => (axis.toHz(u) / (data.sr / 2)) * (data.bins - 1);

  const showValue = (v) => (data.low < 0 ? formatDb(v) : Number(v.toPrecision(2))); // 下端が負なら dB
  function describeValue(event) {
    const { time, freq, t, k } = toPoint(event);
    return `${time.toFixed(2)} 秒　${formatHz(freq)}　${showValue(data.values[t * data.bins + k])}`;
  }

  function paint(x0, x1) {
    if (x1 <= x0) return;
    painter.paint(x0, x1);
    context.putImageData(image, 0, 0, x0, 0, x1 - x0, canvas.height);
  }

  function drawAxes() {
    yAxis.replaceChildren(...tickLabels(axis.ticks, "bottom", axis.toUnit, (hz) => hz / 1000));
    xAxis.replaceChildren(...tickLabels(timeTicks(...span, plot.clientWidth / tickGap), "left", toX, (s) => Number(s.toFixed(2))));
    high.textContent = showValue(data.high);
    low.textContent = showValue(data.low);
  }

  /** 画面の画素数に合わせて canvas を作りなおし、描く。 */
  function fit() {
    const { clientWidth, clientHeight } = plot;
    if (!data || clientWidth === 0) return;
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const width = Math.round(clientWidth * ratio);
    const rows = Math.round(clientHeight * ratio);
    if (!image || canvas.width !== width || canvas.height !== rows) {
      Object.assign(canvas, { width, height: rows });
      image = context.createImageData(width, rows);
      painter = createPainter(width, rows, new Uint32Array(image.data.buffer));
    }
    painter.layout({ ...data, toFrame, toBin });
    paint(0, width);
    drawAxes();
    onLayout();
  }
  const observer = new ResizeObserver(fit);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());

  function toPoint(event) {
    const box = plot.getBoundingClientRect();
    const x = clamp((event.clientX - box.left) / box.width, 1);
    const y = clamp(1 - (event.clientY - box.top) / box.height, 1);
    return {
      time: toTime(x), freq: axis.toHz(y),
      t: clamp(Math.round(toFrame(x)), data.frames - 1), k: clamp(Math.round(toBin(y)), data.bins - 1),
    };
  }
  // plot の外側の el で受ける。plot で塗る部品があれば、塗ったあとの値を読むため
  el.addEventListener("pointermove", (event) => {
    if (data && plot.contains(event.target)) readout.textContent = (describe ?? describeValue)(event);
  }, { signal });
  plot.addEventListener("pointerleave", () => { readout.textContent = ""; }, { signal });

  if (onSeek) {
    const attributes = { role: "slider", tabindex: "0", "aria-label": `再生位置（${label}の上）`, "aria-valuemin": "0" };
    for (const [name, value] of Object.entries(attributes)) plot.setAttribute(name, value);
    plot.classList.add("sst-seekable");
    dragSeek(plot, (u) => { if (data) onSeek(toTime(u)); }, signal);
  }

  function setLook(look) {
    if (!data) return;
    axis = look.axis ?? axis ?? frequencyScale("linear", data.sr / 2);
    span = look.span ?? span;
    fit();
  }

  return {
    el, plot, toPoint, setLook,
    get axis() { return axis; },
    get span() { return span; },
    setData(next, look = {}) {
      data = { low: -80, high: 0, ...next };
      if (onSeek) plot.setAttribute("aria-valuemax", data.duration.toFixed(1));
      setLook({ span: [0, data.duration], ...look });
    },
    redraw(frame0 = 0, frame1 = data.frames) {
      if (!image) return;
      const at = (t) => toX((t * data.hop) / data.sr) * canvas.width;
      paint(Math.max(0, Math.floor(at(frame0 - 1))), Math.min(canvas.width, Math.ceil(at(frame1 + 1))));
    },
    setPosition(seconds) {
      playhead.style.setProperty("--at", data ? toX(seconds) : 0);
      if (!onSeek) return;
      plot.setAttribute("aria-valuenow", seconds.toFixed(1));
      plot.setAttribute("aria-valuetext", formatTime(seconds));
    },
  };
}
