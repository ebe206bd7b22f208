// 層の表。1 行が 1 段で、上が入力、下が出力。行を押すと、その層を選ぶ。

import { h } from "../ui/dom.js";
import { KINDS, sizesText, strideText } from "./names.js";

/** 表を作る。onSelect: (層の番号) => void。 */
export function createTable({ group, onSelect }) {
  const body = h("tbody");
  const head = ["層", "長さ", "ストライド", "受容野"].map((text, i) => h("th", { scope: "col", class: i ? "sst-layers-figure" : null, text }));
  const table = h("table", {}, h("caption", { class: "sst-hidden", text: "層ごとの長さ、ストライド、受容野。上が入力" }), h("thead", {}, h("tr", {}, ...head)), body);

  function row(i, layer, level, selected, error) {
    const input = h("input", { type: "radio", name: group, checked: i === selected, on: { change: () => onSelect(i) } });
    const words = [h("b", { text: String(i + 1) }), h("span", { text: KINDS[layer.kind] }), h("small", { text: sizesText(layer) })];
    const figures = level ? [level.length.toLocaleString("en"), strideText(level.field.stride), level.field.size.toLocaleString("en")] : [error ? "合わない" : "—", "", ""];
    return h("tr", { "data-selected": i === selected, "data-error": error, "data-after": !level && !error },
      h("th", { scope: "row" }, h("label", {}, input, ...words)), ...figures.map((text) => h("td", { class: "sst-layers-figure", text })));
  }
  return {
    el: h("div", { class: "sst-layers-table", role: "group", "aria-label": "層の一覧" }, table),
    show({ layers, levels, selected, error }) {
      const focused = body.contains(document.activeElement);
      const first = h("tr", { class: "sst-layers-input" }, h("th", { scope: "row" }, h("span", { text: "入力" })),
        ...[levels[0].length.toLocaleString("en"), "1", "1"].map((text) => h("td", { class: "sst-layers-figure", text })));
      body.replaceChildren(first, ...layers.map((layer, i) => row(i, layer, levels[i + 1], selected, error?.layer === i)));
      if (focused) body.querySelector("input:checked")?.focus({ preventScroll: true });
    },
  };
}
