// 小さな MUSHRA：隠れ基準とアンカーを混ぜた音に、5 つの言葉のついた 0〜100 の目盛りで点を付ける部品。

import { tryThis } from "../ui/parts.js";
import { button, h } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { download } from "../ui/save.js";
import { readTracks } from "../ui/tracks.js";
import { csv } from "./csv.js";
import { createRange } from "./range.js";
import { letter } from "./session.js";
import { createTrial } from "./trial.js";

const LABELS = ["非常に悪い", "悪い", "普通", "良い", "非常に良い"]; // 0〜20、20〜40、… の言葉
const SCREEN = 90; // 隠れ基準の点がこれより低ければ、聴き分けられていないとみる
const NOTES = { reference: "基準と同じ音", anchor: "わざと悪くした音" };
const CODES = { reference: "hidden_reference", anchor: "anchor", test: "test" };

const labelOf = (rating) => LABELS[Math.min(4, Math.floor(rating / 20))];

/** 隠れ基準の点についての文。 */
function screening(rating) {
  return rating >= SCREEN
    ? `隠れ基準は ${rating} 点でした。${SCREEN} 点以上なので、正解を聴き分けられています。`
    : `隠れ基準は ${rating} 点でした。正解そのものに ${SCREEN} 点未満を付けたので、違いを聴き分けられていないかもしれません。規格（ITU-R BS.1534-3）の後選別では、15 % を超える問題でこうなった人の結果を除きます。`;
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderMushra({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "evaluation" });
  const conditions = readTracks(model);
  const [reference] = conditions;
  const kindOf = (name) => (name === reference.name ? "reference" : name === model.get("anchor") ? "anchor" : "test");

  const scale = h("div", { class: "sst-rate-scale", "aria-hidden": "true" }, ...LABELS.map((text) => h("span", { text })));
  const trial = createTrial({ model, frame, reference, conditions, scale, referenceLabel: "基準", describe: (v) => `${v} ${labelOf(v)}`, showResults });
  trial.el.classList.add("sst-mushra");
  const range = createRange({
    channels: reference.channels, sr: model.get("sr"), frame,
    onChange: (from, to) => trial.setRange(from, to), onSeek: (seconds) => trial.engine.seek(seconds),
  });
  trial.onPosition((seconds) => range.setPosition(seconds));
  trial.el.firstChild.after(range.el);

  const table = (session) => session.ranking().map((i) => ({
    condition: session.name(i), kind: CODES[kindOf(session.name(i))], rating: session.rating(i), order: i + 1, time: session.time(i),
  }));
  function showResults(session) {
    const rows = session.ranking().map((i) => {
      const name = session.name(i);
      const kind = kindOf(name);
      const rating = session.rating(i);
      return h("li", { "data-kind": kind, style: { "--value": rating / 100 } },
        h("span", { class: "sst-result-name" }, h("kbd", { text: letter(i) }),
          h("span", {}, kind === "reference" ? "隠れ基準" : name, NOTES[kind] ? h("small", { text: NOTES[kind] }) : null)),
        h("span", { class: "sst-result-bar", "aria-hidden": "true" }, h("i")),
        h("span", { class: "sst-result-value" }, h("b", { text: String(rating) }), h("small", { text: labelOf(rating) })));
    });
    const hidden = session.rating(session.names.indexOf(reference.name));
    const save = button({
      label: "結果を保存（CSV）", iconName: "save",
      onClick: () => {
        download("mushra.csv", csv(table(session)), "text/csv;charset=utf-8");
        frame.say("結果を mushra.csv に保存しました。どこにも送られません。");
      },
    });
    return h("div", { class: "sst-rate-answer" },
      h("p", { class: "sst-rate-title", text: "結果" }), h("ol", { class: "sst-results" }, ...rows),
      h("p", { class: "sst-screening", "data-passed": String(hidden >= SCREEN), text: screening(hidden) }), save.el);
  }

  frame.body.append(
    tryThis(model.get("question") || "基準と聴き比べて、全体の音質に 0 から 100 の点を付けましょう。基準と同じ音が 1 つ隠れています。見つけたら 100 点です。"),
    trial.el,
  );
  frame.keys(trial.keys);
  frame.ready(trial.handle);
  return frame.dispose;
}
