// 聞こえている音を、WAV のファイルに保存するボタン。
//   saveButton({ engine, name, say })   name: () => 音の名前（ファイル名になる）
//   download(name, content, type)       ファイルとして保存する（表など、音でないものも）

import { encodeWav, peak } from "../dsp/pcm.js";
import { button, h } from "./dom.js";
import { formatDb } from "./format.js";

/** content を name という名前のファイルに保存する。ネットワークは使わない。 */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

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
    download(`${name()}.wav`, encodeWav(channels, sr), "audio/wav");
    say(`「${name()}」を WAV で保存しました。${largest > 1 ? `音が割れないように ${formatDb(-20 * Math.log10(largest))} にしてあります。` : ""}`);
  }
  return button({ label: "保存（WAV）", iconName: "save", kind: "quiet", title: "いま聞こえている音を、ファイルに保存します。", onClick: save });
}
