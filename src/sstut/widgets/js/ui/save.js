// 聞こえている音を、WAV のファイルに保存するボタン。
//   saveButton({ engine, name, say })   name: () => 音の名前（ファイル名になる）

import { encodeWav, peak } from "../dsp/pcm.js";
import { button, h } from "./dom.js";
import { formatDb } from "./format.js";

/** 大きさが 1 を超える音は、割れないように全体を縮める。縮めた量を返す。 */
function fitToOne(channels) {
  const largest = Math.max(1, ...channels.map(peak));
  if (largest > 1) channels.forEach((x) => x.forEach((v, i) => { x[i] = v / largest; }));
  return largest;
}

/**
 * 保存のボタンを作る。
 * @param {object} options engine: AudioEngine。name: () => 保存する音の名前。say: 読者への知らせ。
 * @returns {{el: HTMLButtonElement}}
 */
export function saveButton({ engine, name, say }) {
  async function save() {
    const { sr, channels } = await engine.render();
    const largest = fitToOne(channels);
    const url = URL.createObjectURL(new Blob([encodeWav(channels, sr)], { type: "audio/wav" }));
    h("a", { href: url, download: `${name()}.wav` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    say(`「${name()}」を WAV で保存しました。${largest > 1 ? `音が割れないように ${formatDb(-20 * Math.log10(largest))} にしてあります。` : ""}`);
  }
  return button({ label: "保存（WAV）", iconName: "save", kind: "quiet", title: "いま聞こえている音を、ファイルに保存します。", onClick: save });
}
