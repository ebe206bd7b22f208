// 位相の絵：色相が角度、明るさが正解の振幅。選んだ点の印と再生位置の線を重ねる。
//
//   const picture = createPhasePicture({ title, label, height, signal, onPoint, onSeek, onMovePoint, describe });
//   picture.setData({ db, angles, frames, bins, hop, sr, duration }, 上限 [Hz])
//   picture.redraw()                 angles の中身が変わった
//   picture.setPoint({ t, k })       印を動かす      picture.setPosition(秒)

import { h } from "../ui/dom.js";
import { loudestPoints } from "../ui/heatmap.js";
import { movePoint } from "../ui/keys.js";
import { frequencyScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { HUES, hueIndex, LEVELS, phaseColors } from "./colors.js";

const FLOOR = -66; // この大きさ [dB] で、いちばん暗い色になる
const colors = phaseColors();

/** 大きさ [dB] から、色の表の行の先頭。 */
function shade(db) {
  const v = Math.max(0, Math.min(1, 1 - db / FLOOR));
  return Math.round(v * (LEVELS - 1)) * HUES;
}

/**
 * 絵を作る。
 * @param {object} options title: 見出し。label: 読み上げる名前。height: 高さ [CSS px]。signal: 部品が消えるときの合図。
 *   onPoint: ({ t, k }) => void。onSeek: (秒) => void、押した時刻。onMovePoint: (フレームの差, ビンの差) => void。describe: ({ t, k }) => 読みとりの文。
 */
export function createPhasePicture({ title, label, height, signal, onPoint, onSeek, onMovePoint, describe }) {
  let data = null;
  function createPainter(width, rows, pixels) {
    let points = null;
    let shades = null;
    return {
      layout(view) {
        points = loudestPoints(view, width, rows);
        shades = Uint16Array.from(points, (i) => shade(data.db[i]));
      },
      paint(x0, x1) {
        const { angles } = data;
        for (let y = 0; y < rows; y++) {
          for (let p = y * width + x0; p < y * width + x1; p++) pixels[p] = colors[shades[p] + hueIndex(angles[points[p]])];
        }
      },
    };
  }

  const view = createSpectrogram({ height, signal, createPainter, colorbar: false, tickGap: 56, describe: (event) => describe(view.toPoint(event)) });
  const mark = h("div", { class: "sst-mark" });
  const layer = h("div", { class: "sst-cross", tabindex: "0", role: "application", "aria-roledescription": "位相の絵", "aria-label": label }, mark);
  view.plot.append(layer);
  const choose = (event) => onPoint(view.toPoint(event));
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    layer.focus({ preventScroll: true });
    choose(event);
    onSeek(view.toPoint(event).time);
  }, { signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) choose(event); }, { signal });
  movePoint(layer, onMovePoint, signal);

  return {
    el: h("figure", { class: "sst-phase-picture" }, h("figcaption", { text: title }), view.el),
    setPosition: view.setPosition,
    redraw: () => view.redraw(),
    setData(next, maxHz) {
      data = next;
      view.setData({ ...next, values: next.db }, { axis: frequencyScale("linear", maxHz) });
    },
    setPoint({ t, k }) {
      const y = view.axis.toUnit((k * data.sr) / (2 * (data.bins - 1)));
      mark.hidden = y > 1;
      mark.style.left = `${(100 * t * data.hop) / data.sr / data.duration}%`;
      mark.style.bottom = `${100 * y}%`;
    },
  };
}
