// 並べて見る絵：時間周波数の値と、題。再生位置を共にもつ。
//
//   const pictures = createPictures({ names: { estimate: "推定", mask: "マスク" }, signal, onSeek });
//   pictures.el、pictures.show("mask", { values, frames, bins, hop, sr, duration, low, high }, "補足")
//   pictures.setPosition(秒)

import { amplitudeToDb, magnitude } from "../dsp/spectrogram.js";
import { h } from "../ui/dom.js";
import { createSpectrogram } from "../ui/spectrogram.js";

const HEIGHT = 180;

/** 波形の STFT の振幅を、ref を 0 dB とするデシベルにした絵の値。 */
export function decibels(S, ref) {
  return amplitudeToDb(magnitude(S), { ref: ref || 1, topDb: null });
}

/** 絵を並べる。names: 名前 → 題。 */
export function createPictures({ names, signal, onSeek }) {
  const items = Object.fromEntries(Object.entries(names).map(([name, title]) => {
    const view = createSpectrogram({ label: title, height: HEIGHT, signal, onSeek, colorbar: false, tickGap: 52 });
    const [strong, note] = [h("strong", { text: title }), h("span")];
    return [name, { view, strong, note, el: h("figure", { class: "sst-training-picture" }, h("figcaption", {}, strong, note), view.el) }];
  }));
  return {
    el: h("div", { class: "sst-training-pair" }, ...Object.values(items).map(({ el }) => el)),
    show(name, data, words, title = names[name]) {
      const { view, strong, note } = items[name];
      view.setData(data);
      strong.textContent = title;
      note.textContent = words;
    },
    setPosition(seconds) { for (const { view } of Object.values(items)) view.setPosition(seconds); },
  };
}
