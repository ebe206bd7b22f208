// 時間周波数の絵。選んだ点と、集めたフレームの線を重ねる。
//
//   const picture = createPicture({ height, signal, label, … });
//   picture.setTitle("混合音", "補足")   picture.setData(data, 上限 [Hz])   picture.redraw()
//   picture.setPoint({ t, k })   picture.setFrames({ cuts, frames, k })   picture.setPosition(秒)

import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";
import { createMarks } from "../ui/marks.js";
import { frequencyScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";

/**
 * 絵を作る。
 * @param {object} options height: 高さ [CSS px]。signal: 部品が消えるときの合図。label: 読み上げる名前。focusable: キーで点を動かせるか。
 *   describe: ({ t, k }) => 読みとりの文。onPoint: ({ t, k, time }) => void。onMovePoint: (フレームの差, ビンの差) => void。
 */
export function createPicture({ height, signal, label, focusable = false, describe, onPoint, onMovePoint }) {
  let data = null;
  const view = createSpectrogram({ height, signal, colorbar: false, tickGap: 52, describe: (event) => describe(view.toPoint(event)) });
  const marks = createMarks();
  const role = focusable ? { tabindex: "0", role: "application", "aria-roledescription": "点を選ぶ絵" } : { role: "img" };
  const mark = h("div", { class: "sst-point" });
  const layer = h("div", { class: "sst-layer", "aria-label": label, ...role }, marks.el, mark);
  view.plot.append(layer);
  const choose = (event) => onPoint(view.toPoint(event));
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    if (focusable) layer.focus({ preventScroll: true });
    choose(event);
  }, { signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) choose(event); }, { signal });
  if (focusable) movePoint(layer, onMovePoint, signal);

  const name = h("strong");
  const note = h("span");
  const toX = (t) => (t * data.hop) / data.sr / data.duration;
  const toY = (k) => view.axis.toUnit((k * data.sr) / (2 * (data.bins - 1)));
  return {
    el: h("figure", { class: "sst-repetition-picture" }, h("figcaption", {}, name, note), view.el),
    setPosition: view.setPosition, redraw: () => view.redraw(),
    setTitle(title, words) {
      name.textContent = title;
      note.textContent = words;
    },
    setData(next, maxHz) {
      data = next;
      view.setData(next, { axis: frequencyScale("linear", maxHz) });
    },
    setPoint({ t, k }) {
      mark.style.setProperty("left", `${(100 * toX(t)).toFixed(3)}%`);
      mark.style.setProperty("bottom", `${(100 * toY(k)).toFixed(3)}%`);
      mark.hidden = toY(k) > 1;
    },
    /** cuts: 周期の切れ目のフレーム。frames: 集めたフレーム。k の高さに点を打つ。 */
    setFrames({ cuts = [], frames = [], k }) {
      const dots = toY(k) > 1 ? [] : frames.map((t) => [toX(t), toY(k)]);
      marks.show({
        [cuts.length > 40 ? "sst-mark-cut sst-mark-fine" : "sst-mark-cut"]: { verticals: cuts.map(toX) },
        "sst-mark-line": { verticals: cuts.length ? [] : frames.map(toX) }, "sst-mark-frame": { dots },
      });
    },
  };
}
