// 「試してみよう」：押すと設定が変わり、何を聴けばよいかが出る。

import { button, h } from "../ui/dom.js";
import { tryThis } from "../ui/parts.js";

const seconds = (work, period) => `${(period * work.seconds).toFixed(2)} 秒`;

/** 名前、traits を返す関数、聴きどころの文。 */
const PRESETS = [
  {
    label: "見つけた周期", traits: () => ({ method: "repet", period: 0, audible: ["background"] }),
    words: (work) => `周期 ${seconds(work, work.found())}で切って重ねました。背景に、たまにしか鳴らない音は残っているでしょうか。`,
  },
  {
    label: "半分の周期", traits: (work) => ({ method: "repet", period: Math.max(1, Math.round(work.found() / 2)), audible: ["foreground"] }),
    words: (work) => `周期 ${seconds(work, Math.round(work.found() / 2))}。違う拍どうしが重なります。前景に、伴奏の何が残ったでしょうか。`,
  },
  {
    label: "1 フレームずらす", traits: (work) => ({ method: "repet", period: Math.min(work.maxPeriod, work.found() + 1), audible: ["foreground"] }),
    words: (work) => `周期 ${seconds(work, work.found() + 1)}。重ねるたびに、ずれが 1 フレームずつ積もります。前景に、伴奏の何が残ったでしょうか。`,
  },
  {
    label: "似たフレーム", traits: () => ({ method: "repet_sim", audible: ["background"] }),
    words: () => "REPET-SIM。周期ではなく、似たフレームを集めて重ねます。テンポが揺れる曲でも使えます。",
  },
  {
    label: "2 次元の模様", traits: () => ({ method: "ft2d", audible: ["foreground"] }),
    words: () => "2DFT。スペクトログラムの 2 次元フーリエ変換の峰だけを背景にします。前景に何が残ったでしょうか。",
  },
];

/**
 * 一覧を作る。
 * @param {object} options frame: 部品。getWork: いまの計算を返す関数。
 */
export function createPresets({ frame, getWork }) {
  const note = h("p", { class: "sst-repetition-note", role: "status" });
  const items = PRESETS.map(({ label, traits, words }) => button({ label, onClick() {
    frame.save(traits(getWork()));
    note.textContent = words(getWork());
  } }).el);
  return h("div", { class: "sst-repetition-try" }, tryThis("再生しながら下のボタンを押し、背景と前景を聴き比べましょう。"),
    h("div", { class: "sst-repetition-row" }, ...items), note);
}
