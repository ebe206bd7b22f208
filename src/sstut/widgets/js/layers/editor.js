// 選んだ層の種類と大きさを変え、並びを足す・消す・動かす操作。
//
//   const editor = createEditor({ onChange, onEdit });
//   editor.show(layers, selected, full)
// onChange は変えた後の層、onEdit は並びの変えかた（"add"、"copy"、"remove"、"up"、"down"）を受けとる。

import { button, choice, h, select, uniqueId } from "../ui/dom.js";
import { FRESH, KINDS, levelName, SIZES } from "./names.js";

/** 整数の欄。± のボタンは、ブラウザの小さな矢印より押しやすい。 */
function stepper({ name, label, low, high, onInput }) {
  const id = uniqueId();
  const input = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", id, class: "sst-layers-number" });
  const read = () => Math.max(low, Math.min(high, Math.round(Number(input.value.normalize("NFKC")) || 0)));
  const change = (v) => {
    input.value = v;
    onInput(name, read());
  };
  input.addEventListener("change", () => change(read()));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    change(Math.max(low, Math.min(high, read() + step)));
  });
  const nudge = (step, sign, words) => button({ label: sign, title: `${label}を ${words}`, onClick: () => change(Math.max(low, Math.min(high, read() + step))) }).el;
  const minus = nudge(-1, "−", "1 減らす");
  const plus = nudge(1, "＋", "1 増やす");
  for (const [el, words] of [[minus, "1 減らす"], [plus, "1 増やす"]]) el.setAttribute("aria-label", `${label}を ${words}`);
  const el = h("div", { class: "sst-layers-size" }, h("label", { class: "sst-label", for: id, text: label }), h("div", { class: "sst-layers-step" }, minus, input, plus));
  return { el, set value(v) { input.value = v; } };
}

/** 操作のまとまりを作る。 */
export function createEditor({ onChange, onEdit }) {
  let layer = null;
  const kind = choice({ label: "種類", hideLabel: true, options: Object.entries(KINDS), value: "conv", onChange: (v) => onChange({ kind: v, ...FRESH[v], ...keep(v) }) });
  /** 種類を替えても、同じ名前の大きさは残す。 */
  function keep(next) {
    return Object.fromEntries(Object.keys(FRESH[next]).filter((name) => name in layer).map((name) => [name, layer[name]]));
  }
  const onInput = (name, value) => onChange({ ...layer, [name]: value });
  const steppers = Object.fromEntries(Object.entries(SIZES).map(([name, [, label, low, high]]) => [name, stepper({ name, label, low, high, onInput })]));
  const sourceBox = h("div");
  const empty = h("p", { class: "sst-help", text: "層がありません。「下に足す」で 1 つ足してください。" });
  const edits = { add: "下に足す", copy: "複製", up: "↑ 入力側へ", down: "↓ 出力側へ", remove: "消す" };
  const buttons = Object.fromEntries(Object.entries(edits).map(([name, label]) => [name, button({ label, onClick: () => onEdit(name) }).el]));
  const sizes = h("div", { class: "sst-layers-sizes" }, ...Object.values(steppers).map(({ el }) => el), sourceBox);
  return {
    el: h("div", { class: "sst-layers-editor" }, empty, kind.el, sizes, h("div", { class: "sst-layers-edits" }, ...Object.values(buttons))),
    show(layers, selected, full) {
      layer = layers[selected] ?? null;
      empty.hidden = layer !== null;
      kind.el.hidden = layer === null;
      sizes.hidden = layer === null;
      for (const name of ["copy", "up", "down", "remove"]) buttons[name].disabled = layer === null;
      for (const name of ["add", "copy"]) if (full) buttons[name].disabled = true;
      if (!full) buttons.add.disabled = false;
      if (layer === null) return;
      if (selected === 0) buttons.up.disabled = true;
      if (selected === layers.length - 1) buttons.down.disabled = true;
      kind.value = layer.kind;
      for (const [name, field] of Object.entries(steppers)) {
        field.el.hidden = !(name in layer);
        if (name in layer) field.value = layer[name];
      }
      sourceBox.hidden = layer.kind !== "skip";
      if (layer.kind !== "skip") return;
      const options = Array.from({ length: selected + 1 }, (_, i) => [String(i), i === 0 ? "入力" : `${levelName(i)} 番の出力`]);
      const pick = select({ label: "つなぐ相手", options, value: String(layer.source), onChange: (v) => onInput("source", Number(v)) });
      sourceBox.replaceChildren(pick.el);
    },
  };
}
