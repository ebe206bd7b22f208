// 型紙を当てたスペクトログラムの絵：時間の拡大、周波数の上限、筆と十字を重ねる canvas。
//
//   const picture = createPicture({ height, signal, describe, drawOver: (context, at) => … });
//   picture.el、picture.plot                 入れる要素 / 指やキーを受ける要素
//   picture.setData({ values, mask, frames, bins, hop, sr, duration })
//   picture.redraw(t0, t1)                   フレームの範囲だけ描きなおす（省くと全部）
//   picture.zoom({ center, scale })  picture.setMaxHz(Hz)  picture.setMaskOnly(on)  picture.reveal(秒)
//   picture.at → { x(t), y(k), t(x), k(y), perFrame, perBin }   CSS px と番号の対応
//   picture.point(event) → { t, k }          ポインターの下（番号、小数）。絵の外にもなる
//   picture.redrawOver()                     重ねた線を描きなおす
//   picture.setPosition(秒)

import { h } from "../ui/dom.js";
import { frequencyScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { isDark, onThemeChange } from "../ui/theme.js";
import { Stencil } from "./stencil.js";

const SHORTEST = 0.5; // いちばん拡大したときの幅 [秒]
const TICK_GAP = 64; // 時間の目盛りの間隔の下限 [CSS px]。拡大すると数字が長くなるので、広く取る

/**
 * 絵を作る。
 * @param {object} options height: 高さ [CSS px]。signal: 部品が消えるときの合図。
 *   describe: ({ t, k }) => 読みとりの文。drawOver: 重ねる線を描く関数。(context, at) を受けとる。
 */
export function createPicture({ height, signal, describe, drawOver }) {
  let data = null;
  let stencil = null;
  let maskOnly = false;
  let maxHz = Infinity;
  const over = h("canvas", { class: "sst-overlay", "aria-hidden": "true" });
  const context = over.getContext("2d");
  const view = createSpectrogram({
    height, signal, createPainter, colorbar: false, tickGap: TICK_GAP, onLayout: redrawOver, describe: (event) => describe(point(event)),
  });
  const { plot } = view;
  view.el.classList.add("sst-mask-picture");
  plot.classList.add("sst-mask-plot");
  plot.firstChild.after(over);

  function createPainter(width, rows, pixels) {
    Object.assign(over, { width, height: rows });
    stencil = new Stencil(width, rows, pixels);
    stencil.dark = isDark(plot);
    return {
      layout: (next) => stencil.layout({ ...next, maskOnly }),
      paint: (x0, x1) => stencil.paint(data.mask, x0, x1),
    };
  }

  const topHz = () => Math.min(maxHz, data.sr / 2); // 上端の周波数 [Hz]
  const width = () => view.span[1] - view.span[0]; // 見えている時間の幅 [秒]
  const at = {
    get seconds() { return data.hop / data.sr; },
    get top() { return (topHz() / (data.sr / 2)) * (data.bins - 1); }, // 上端の番号
    get perFrame() { return (plot.clientWidth * at.seconds) / width(); },
    get perBin() { return plot.clientHeight / at.top; },
    x: (t) => (t * at.seconds - view.span[0]) * (plot.clientWidth / width()),
    y: (k) => plot.clientHeight - k * at.perBin,
    t: (x) => (view.span[0] + (x / plot.clientWidth) * width()) / at.seconds,
    k: (y) => (plot.clientHeight - y) / at.perBin,
  };

  function point(event) {
    const box = plot.getBoundingClientRect();
    return { t: at.t(event.clientX - box.left), k: at.k(event.clientY - box.top) };
  }

  function redrawOver() {
    if (!data) return;
    const ratio = over.width / plot.clientWidth || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, plot.clientWidth, plot.clientHeight);
    drawOver(context, at);
  }

  onThemeChange(() => {
    stencil?.setTheme(isDark(plot));
    if (data) view.redraw();
  }, signal);

  const axis = () => frequencyScale("linear", topHz());
  /** 時刻 from [秒] から幅 seconds だけを見せる。 */
  function setSpan(from, seconds) {
    const wide = Math.max(Math.min(SHORTEST, data.duration), Math.min(seconds, data.duration));
    const first = Math.max(0, Math.min(from, data.duration - wide));
    view.setLook({ span: [first, first + wide] });
  }

  return {
    el: view.el, plot, at, point, redrawOver, redraw: view.redraw, setPosition: view.setPosition,
    get window() { return { from: view.span[0], to: view.span[1] }; },
    setData(next) {
      const span = data?.duration === next.duration ? view.span : [0, next.duration];
      data = next;
      view.setData(next, { axis: axis(), span });
    },
    setMaskOnly(on) {
      maskOnly = on;
      view.setLook({});
    },
    setMaxHz(hz) {
      maxHz = hz;
      if (data) view.setLook({ axis: axis() });
    },
    /** center [秒] を同じ場所に保ち、幅を scale 倍にする。 */
    zoom({ center = (view.span[0] + view.span[1]) / 2, scale }) {
      const wide = Math.max(SHORTEST, Math.min(width() * scale, data.duration));
      const share = (center - view.span[0]) / width();
      setSpan(center - share * wide, wide);
    },
    pan(seconds) { setSpan(view.span[0] + seconds, width()); },
    /** seconds が見えるように、見る範囲を動かす。 */
    reveal(seconds) {
      const [from, to] = view.span;
      if (data && (seconds < from || seconds > to)) setSpan(seconds - 0.05 * width(), width());
    },
  };
}
