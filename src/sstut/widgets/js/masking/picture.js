// 型紙を当てたスペクトログラムの絵：拡大、軸、読みとり、再生位置、上に重ねる線。
//
//   const picture = createPicture({ height, signal, drawOver: (context, at) => … });
//   picture.el、picture.plot                 入れる要素 / 指やキーを受ける要素
//   picture.setData({ db, mask, frames, bins, hop, sr, duration })
//   picture.paint(t0, t1)                    フレームの範囲だけ描きなおす（省くと全部）
//   picture.zoom({ center, scale })  picture.setMaxHz(Hz)  picture.setMaskOnly(on)  picture.reveal(秒)
//   picture.at → { x(t), y(k), t(x), k(y), perFrame, perBin }   CSS px と番号の対応
//   picture.point(event) → { t, k }          ポインターの下（番号、小数）
//   picture.redrawOver()                     重ねた線を描きなおす
//   picture.setPosition(秒)、picture.say(文)

import { h } from "../ui/dom.js";
import { frequencyScale } from "../ui/scales.js";
import { isDark, onThemeChange } from "../ui/theme.js";
import { Stencil } from "./stencil.js";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]; // 時間の目盛りの間隔 [秒]
const SHORTEST = 0.5; // いちばん拡大したときの幅 [秒]

/**
 * 絵を作る。
 * @param {object} options height: 高さ [CSS px]。signal: 部品が消えるときの合図。
 *   drawOver: 重ねる線を描く関数。(context, at) を受けとる。
 */
export function createPicture({ height, signal, drawOver }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const over = h("canvas", { class: "sst-overlay", "aria-hidden": "true" });
  const context = canvas.getContext("2d", { alpha: false });
  const overContext = over.getContext("2d");
  const playhead = h("div", { class: "sst-playhead" });
  const plot = h("div", { class: "sst-plot sst-mask-plot", style: { height: `${height}px` } }, canvas, over, playhead);
  const yAxis = h("div", { class: "sst-axis-y", "aria-hidden": "true" });
  const xAxis = h("div", { class: "sst-axis-x", "aria-hidden": "true" });
  const readout = h("span", { class: "sst-readout", "aria-hidden": "true" });
  const el = h("div", { class: "sst-spectrogram sst-mask-picture" },
    h("div", { class: "sst-spec-head", "aria-hidden": "true" }, h("span", { text: "周波数 [kHz]" }), readout),
    yAxis, plot, xAxis, h("div", { class: "sst-spec-time", "aria-hidden": "true", text: "時間 [秒]" }));

  let data = null;
  let image = null;
  let stencil = null;
  let maskOnly = false;
  let maxHz = Infinity;
  const window_ = { from: 0, to: 1 }; // 見えている時間 [秒]

  const at = {
    get seconds() { return data.hop / data.sr; },
    get top() { return (Math.min(maxHz, data.sr / 2) / (data.sr / 2)) * (data.bins - 1); }, // 上端の番号
    get perFrame() { return (plot.clientWidth * at.seconds) / (window_.to - window_.from); },
    get perBin() { return plot.clientHeight / at.top; },
    x: (t) => (t * at.seconds - window_.from) * (plot.clientWidth / (window_.to - window_.from)),
    y: (k) => plot.clientHeight - k * at.perBin,
    t: (x) => (window_.from + (x / plot.clientWidth) * (window_.to - window_.from)) / at.seconds,
    k: (y) => (plot.clientHeight - y) / at.perBin,
  };

  function paint(t0 = 0, t1 = data.frames) {
    if (!stencil) return;
    const ratio = canvas.width / plot.clientWidth;
    const x0 = Math.max(0, Math.floor((at.x(t0 - 1)) * ratio));
    const x1 = Math.min(canvas.width, Math.ceil((at.x(t1 + 1)) * ratio));
    if (x1 <= x0) return;
    stencil.paint(data.mask, x0, x1);
    context.putImageData(image, 0, 0, x0, 0, x1 - x0, canvas.height);
  }

  function redrawOver() {
    if (!data) return;
    const ratio = over.width / plot.clientWidth || 1;
    overContext.setTransform(ratio, 0, 0, ratio, 0, 0);
    overContext.clearRect(0, 0, plot.clientWidth, plot.clientHeight);
    drawOver(overContext, at);
  }

  function drawAxes() {
    const tick = (position, text, property) => h("span", { style: { [property]: `${100 * position}%` }, text });
    const axis = frequencyScale("linear", Math.min(maxHz, data.sr / 2));
    yAxis.replaceChildren(...axis.ticks.map((hz) => tick(axis.toUnit(hz), hz / 1000, "bottom")));
    const span = window_.to - window_.from;
    const step = STEPS.find((s) => span / s <= Math.max(2, plot.clientWidth / 64)) ?? 20;
    const ticks = [];
    for (let i = Math.ceil(window_.from / step - 1e-6); i * step <= window_.to + 1e-6; i++) ticks.push(i * step);
    xAxis.replaceChildren(...ticks.map((s) => tick((s - window_.from) / span, Number(s.toFixed(2)), "left")));
  }

  /** 大きさか見る範囲が変わったら、画素と点の対応を作りなおして描く。 */
  function layout() {
    const { clientWidth, clientHeight } = plot;
    if (!data || clientWidth === 0) return;
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const width = Math.round(clientWidth * ratio);
    const rows = Math.round(clientHeight * ratio);
    if (!stencil || canvas.width !== width || canvas.height !== rows) {
      Object.assign(canvas, { width, height: rows });
      Object.assign(over, { width, height: rows });
      image = context.createImageData(width, rows);
      stencil = new Stencil(width, rows, new Uint32Array(image.data.buffer));
      stencil.dark = isDark(plot);
    }
    stencil.layout({
      ...data, maskOnly,
      toFrame: (u) => at.t(u * clientWidth), toBin: (u) => u * at.top,
    });
    paint();
    drawAxes();
    redrawOver();
  }
  const observer = new ResizeObserver(layout);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());
  onThemeChange(() => {
    stencil?.setTheme(isDark(plot));
    if (data) paint();
  }, signal);

  function setWindow(from, span) {
    const width = Math.max(Math.min(SHORTEST, data.duration), Math.min(span, data.duration));
    window_.from = Math.max(0, Math.min(from, data.duration - width));
    window_.to = window_.from + width;
    layout();
  }

  return {
    el, plot, at, readout, paint, redrawOver,
    get window() { return { ...window_ }; },
    setData(next) {
      const keep = data?.duration === next.duration;
      data = { low: -80, high: 0, ...next };
      if (keep) layout();
      else setWindow(0, data.duration);
    },
    setMask(mask) { data.mask = mask; },
    setMaskOnly(on) {
      maskOnly = on;
      layout();
    },
    setMaxHz(hz) {
      maxHz = hz;
      layout();
    },
    /** center [秒] を同じ場所に保ち、幅を scale 倍にする。 */
    zoom({ center = (window_.from + window_.to) / 2, scale }) {
      const span = (window_.to - window_.from) * scale;
      const width = Math.max(SHORTEST, Math.min(span, data.duration));
      const share = (center - window_.from) / (window_.to - window_.from);
      setWindow(center - share * width, width);
    },
    pan(seconds) { setWindow(window_.from + seconds, window_.to - window_.from); },
    /** seconds が見えるように、見る範囲を動かす。 */
    reveal(seconds) {
      if (!data) return;
      const span = window_.to - window_.from;
      if (seconds < window_.from || seconds > window_.to) setWindow(seconds - 0.05 * span, span);
    },
    setPosition(seconds) {
      playhead.style.setProperty("--at", data ? (seconds - window_.from) / (window_.to - window_.from) : 0);
    },
    point(event) {
      const box = plot.getBoundingClientRect();
      return { t: at.t(event.clientX - box.left), k: at.k(event.clientY - box.top) };
    },
  };
}
