// 時間周波数の絵。選んだ点の印と、2 つの中央値の窓（横の帯と縦の帯）を重ねる。
//
//   const picture = createPicture({ height, signal, createPainter, windows, label, … });
//   picture.setTitle("混合音", "補足")
//   picture.setData(data, 上限 [Hz])   picture.redraw()   値の中身が変わった
//   picture.setPoint({ t, k }, [横, 縦の点数])   picture.setPosition(秒)

import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";
import { frequencyScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";


/**
 * 絵を作る。
 * @param {object} options height: 高さ [CSS px]。signal: 部品が消えるときの合図。createPainter: 塗りかた。
 *   windows: 窓の帯を重ねるか。label: 読み上げる名前。focusable: キーで点を動かせるか。describe: ({ t, k }) => 読みとりの文。
 *   onPoint: ({ t, k }) => void、押した・引いた点。onSeek: (秒) => void、押した時刻。onMovePoint: (フレームの差, ビンの差) => void。
 *   onHover: ({ t, k } か null) => void、マウスの下の点。
 */
export function createPicture({
  height, signal, createPainter, windows = false, label, focusable = false, describe, onPoint, onSeek, onMovePoint, onHover,
}) {
  let data = null;
  const view = createSpectrogram({ height, signal, createPainter, colorbar: false, tickGap: 52, describe: (event) => describe(view.toPoint(event)) });
  const mark = h("div", { class: "sst-hpss-mark" });
  const across = h("div", { class: "sst-hpss-window sst-hpss-across", hidden: !windows });
  const upright = h("div", { class: "sst-hpss-window sst-hpss-upright", hidden: !windows });
  const role = focusable ? { tabindex: "0", role: "application", "aria-roledescription": "点を選ぶ絵" } : { role: "img" };
  const layer = h("div", { class: "sst-layer", "aria-label": label, ...role }, across, upright, mark);
  view.plot.append(layer);

  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    if (focusable) layer.focus({ preventScroll: true });
    onPoint(view.toPoint(event));
    onSeek(view.toPoint(event).time);
  }, { signal });
  layer.addEventListener("pointermove", (event) => {
    if (!data) return;
    if (layer.hasPointerCapture(event.pointerId)) onPoint(view.toPoint(event));
    else if (event.pointerType === "mouse") onHover(view.toPoint(event));
  }, { signal });
  layer.addEventListener("pointerleave", () => onHover(null), { signal });
  if (focusable) movePoint(layer, onMovePoint, signal);

  const name = h("strong");
  const note = h("span");
  const toX = (t) => (t * data.hop) / data.sr / data.duration;
  const toY = (k) => view.axis.toUnit((k * data.sr) / (2 * (data.bins - 1)));
  const percent = (v) => `${(100 * v).toFixed(3)}%`;
  return {
    el: h("figure", { class: "sst-hpss-picture" }, h("figcaption", {}, name, note), view.el),
    setPosition: view.setPosition, redraw: () => view.redraw(),
    setTitle(title, words) {
      name.textContent = title;
      note.textContent = words;
    },
    setData(next, maxHz) {
      data = next;
      view.setData(next, { axis: frequencyScale("linear", maxHz) });
    },
    setPoint({ t, k }, [width, tall]) {
      Object.assign(mark.style, { left: percent(toX(t)), bottom: percent(toY(k)) });
      mark.hidden = toY(k) > 1;
      Object.assign(across.style, { left: percent(toX(t - width / 2)), width: percent(toX(width)), bottom: percent(toY(k)) });
      Object.assign(upright.style, { left: percent(toX(t)), bottom: percent(toY(k - tall / 2)), height: percent(toY(tall)) });
    },
  };
}
