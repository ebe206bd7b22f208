// 部品の外枠。見出し、本体、出どころの表示、キー操作、Python との同期、後始末、試験用の取っ手を受けもつ。
//
//   const frame = createFrame({ model, el, signal, kind: "player" });
//   frame.body.append(…);                       本体
//   frame.tools.append(…);                      下の道具の列
//   frame.keys([{ keys: [" "], show: "スペース", label: "再生", run }]);
//   frame.onTrait("selected", (value) => …);    Python で変わったとき
//   frame.save({ selected: "vocals" });         Python へ知らせる
//   frame.say("読みこみました");                状態の文（読み上げられる）
//   frame.group                                 ラジオボタンの name に使う、ほかと重ならない名前
//   frame.ready({ state, render, sound });      できあがり。root.sstut と data-ready が付く
//   return frame.dispose;                       render の返り値

import { h, liveText, uniqueId } from "./dom.js";
import { bindKeys, keyHelp } from "./keys.js";

/**
 * 部品の外枠を作り、el に入れる。
 * @param {object} options model、el、signal: anywidget の render が受けとるもの。kind: 部品の種類の名前
 *   （CSS のクラス `sst-<kind>` になる）。
 * @returns {object} 上の説明を参照。
 */
export function createFrame({ model, el, signal = null, kind }) {
  const life = new AbortController();
  signal?.addEventListener("abort", () => life.abort(), { once: true });

  const title = model.get("title");
  const heading = title ? h("p", { class: "sst-title", text: title }) : null;
  const status = liveText();
  const body = h("div", { class: "sst-body" });
  const tools = h("div", { class: "sst-tools" });
  const credit = h("p", { class: "sst-credit", text: model.get("credit") });
  const foot = h("div", { class: "sst-foot" }, tools, status.el, credit);
  // tabindex="-1": 余白を押しても焦点が入り、すぐキーで操作できる
  const root = h("section", { class: `sst sst-${kind}`, "aria-label": title || "音を聴く部品", tabindex: "-1", lang: "ja" }, heading, body, foot);
  el.append(root);

  return {
    root, body, tools, signal: life.signal, group: uniqueId(),
    say: status.say,
    keys(bindings) {
      let details = null;
      const help = { keys: ["?"], show: "?", label: "この一覧を開く・閉じる", run: () => { details.open = !details.open; } };
      details = keyHelp([...bindings, help]);
      tools.append(details);
      bindKeys(root, [...bindings, help], life.signal);
    },
    onTrait(name, f) {
      const handler = () => f(model.get(name));
      model.on(`change:${name}`, handler);
      life.signal.addEventListener("abort", () => model.off(`change:${name}`, handler));
    },
    save(values) {
      for (const [name, value] of Object.entries(values)) model.set(name, value);
      model.save_changes();
    },
    ready(handle) {
      root.sstut = { ready: true, ...handle };
      root.dataset.ready = "";
    },
    dispose() {
      life.abort();
      root.remove();
    },
  };
}
