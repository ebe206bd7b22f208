// 図と同じ値の表。

import { h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { formatCount, formatTimes, KINDS, SORTS } from "./results.js";

const FORMATS = { seconds: formatTimes, parameters: formatCount };

/** 表を作る。show は、並べた手法と、並べ方、選んだ手法を映す。 */
export function createTable() {
  const heads = Object.entries(SORTS).map(([key, label]) => [key, h("th", { scope: "col", text: key === "seconds" ? "時間（実時間比）" : label })]);
  const body = h("tbody");
  const head = h("tr", {}, h("th", { scope: "col", text: "手法" }), h("th", { scope: "col", text: "種類" }), ...heads.map(([, th]) => th));
  const box = h("div", { class: "sst-table-box", tabindex: "0", role: "group", "aria-label": "手法ごとの値の表" }, h("table", {}, h("thead", {}, head), body));
  return {
    el: h("details", { class: "sst-lb-table" }, h("summary", { class: "sst-button sst-quiet", text: "表で見る" }), box),
    show(order, sort, chosen) {
      for (const [key, th] of heads) {
        if (key === sort) th.setAttribute("aria-sort", key in FORMATS ? "ascending" : "descending");
        else th.removeAttribute("aria-sort");
      }
      body.replaceChildren(...order.map((method) => h("tr", { "data-chosen": method.name === chosen },
        h("th", { scope: "row", text: method.name }), h("td", { text: KINDS[method.kind].label }),
        ...heads.map(([key]) => h("td", { text: (FORMATS[key] ?? formatDb)(method[key]) })))));
    },
  };
}
