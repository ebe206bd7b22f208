// キー操作。部品の中に焦点があるときだけ働き、入力欄やボタン本来の操作は奪わない。
//   bindKeys(root, bindings, signal)
//   keepKeys(root, signal)   押されたキーを部品の外に渡さない（bindKeys は、これも行う）
//   keyHelp(bindings)   操作の一覧（「?」でも開く）。返り値は <details>
// bindings は { keys: [event.key の値…], show: "見せる名前", label: "何をするか", run(event) } の配列。

import { h, icon } from "./dom.js";

/** 1〜9 の数字キーの束縛。run は 0 から数えた番号と、Shift が押されているかを受けとる。 */
export function digitKeys(label, run) {
  const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
  return { keys, show: "1 – 9", label, run: (event) => run(Number(event.code.slice(-1)) - 1, event.shiftKey) };
}

/** 焦点のある要素が、そのキーを自分で使うか。 */
function usesKey(target, key) {
  const arrows = key.startsWith("Arrow") || key === "Home" || key === "End";
  const space = key === " " || key === "Enter";
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  if (target.matches("input")) {
    if (target.type === "range") return arrows;
    if (target.type === "radio" || target.type === "checkbox") return arrows || space;
    return true;
  }
  return space && target.matches("button, a, summary, label");
}

/**
 * 部品の中で押されたキーを、外に渡さない。
 *
 * JupyterLab は、文書まで上がってきたキーで命令を動かす（数字で見出しに変え、矢印でセルを移る）。
 * 渡すと、スライダーの矢印まで取られてしまう。Ctrl などとの組み合わせは、ブラウザや本のために通す。
 * @param {HTMLElement} root 部品の根。
 * @param {AbortSignal} signal 部品が消えるときの合図。
 */
export function keepKeys(root, signal) {
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  }, { signal });
}

/**
 * root の中に焦点があるときのキー操作を決める。
 * @param {HTMLElement} root 部品の根。
 * @param {Array<{keys: string[], run: (event: KeyboardEvent) => void}>} bindings 束縛。
 * @param {AbortSignal} signal 部品が消えるときの合図。
 */
export function bindKeys(root, bindings, signal) {
  keepKeys(root, signal);
  const table = new Map(bindings.flatMap((b) => b.keys.map((key) => [key, b])));
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // Shift を押した数字は配列ごとに別の記号になるので、数字はキーの場所で見分ける。
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    const binding = table.get(digit ? digit[1] : event.key);
    if (!binding || usesKey(event.target, event.key)) return;
    event.preventDefault(); // スペースや矢印でページが動くのを防ぐ
    binding.run(event);
  }, { signal });
}

/**
 * 絵の上の矢印キーで、点を動かす（再生位置は動かさない）。Shift と一緒なら 10 ずつ。
 * @param {HTMLElement} layer 焦点を受ける要素。
 * @param {(frames: number, bins: number) => void} move 右と上を正とする動き。
 * @param {AbortSignal} signal 部品が消えるときの合図。
 */
export function movePoint(layer, move, signal) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  layer.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? 10 : 1;
    move(far * step[0], far * step[1]);
  }, { signal });
}

/**
 * キー操作の一覧。
 * @param {Array<{show: string, label: string}>} bindings 束縛。
 * @returns {HTMLDetailsElement}
 */
export function keyHelp(bindings) {
  const rows = bindings.filter((b) => b.show).map((b) => h("div", {}, h("dt", {}, h("kbd", { text: b.show })), h("dd", { text: b.label })));
  const summary = h("summary", { class: "sst-button sst-quiet" }, icon("keys"), h("span", { class: "sst-words", text: "キー操作" }), h("kbd", { text: "?" }));
  return h("details", { class: "sst-keys" }, summary, h("dl", {}, ...rows));
}
