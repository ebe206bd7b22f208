// 順位の確かさ：混合音を選びなおすたびに平均で順位を付け、手法ごとに、何位に何回なったかを数える。

import { button, h } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { inOrder, rankCounts, rankRange, RESAMPLES, ranksOf } from "./work.js";

const percent = (share) => `${Math.round(100 * share)} %`;

/** 1 行：名前、順位ごとの割合を濃さで見せる升目、順位の範囲。 */
function row(method, counts, drawn, total) {
  const range = rankRange(counts);
  const cells = [...counts].map((count, k) => h("i", { "data-drawn": drawn === k + 1, style: { "--share": total ? count / total : 0 } }));
  const places = range === null ? "—" : range.low === range.high ? `${range.low} 位` : `${range.low}〜${range.high} 位`;
  const most = range === null ? "" : `${range.mode} 位が ${percent(range.share)}`;
  return h("tr", {}, h("th", { scope: "row", text: method.name }),
    h("td", { class: "sst-lb-cells" }, h("span", { "aria-hidden": "true" }, ...cells)),
    h("td", {}, h("span", { text: places }), h("small", { text: most })));
}

/** 順位のまとまりを作る。 */
export function createRanks({ methods, frame, model }) {
  const draw = (count) => frame.save({ resamples: Math.min(RESAMPLES, model.get("resamples") + count) });
  const buttons = [
    button({ label: "混合音を選びなおす", title: "混合音を、重複を許して同じ数だけ選びなおし、順位を付けます。", onClick: () => draw(1) }),
    button({ label: "100 回まとめて", onClick: () => draw(100) }),
    button({ label: "はじめから", kind: "quiet", onClick: () => frame.save({ resamples: 0 }) }),
  ];
  const words = h("p", { class: "sst-lb-words", role: "status" });
  const body = h("tbody");
  const head = h("tr", {}, ...["手法（平均の順）", `1 位 → ${methods.length} 位`, "順位の 95 %"].map((text) => h("th", { scope: "col", text })));
  const box = h("div", { class: "sst-table-box sst-lb-ranks", tabindex: "0", role: "group", "aria-label": "順位の表" }, h("table", {}, h("thead", {}, head), body));
  let counts = [];

  return {
    el: panel("順位は、どれくらい確かか", h("div", { class: "sst-lb-buttons" }, ...buttons.map(({ el }) => el)), words, box),
    counts: () => counts.map((values) => [...values]),
    show() {
      const total = model.get("resamples");
      counts = rankCounts(methods.map(({ means }) => means), total);
      const last = total ? ranksOf(methods.map(({ means }) => means[total - 1])) : [];
      const at = (method) => methods.indexOf(method);
      body.replaceChildren(...inOrder(methods, "mean").map((method) => row(method, counts[at(method)], last[at(method)], total)));
      const winners = methods.filter((_, m) => last[m] === 1).map(({ name }) => `「${name}」`).join("と");
      words.textContent = total
        ? `${total} 回選びなおしました。最後の回（枠）の 1 位は${winners}です。`
        : "混合音が少し違っていたら、順位はどうなったでしょうか。選びなおして確かめます。";
      buttons[0].el.disabled = total >= RESAMPLES;
      buttons[1].el.disabled = total >= RESAMPLES;
      buttons[2].el.hidden = total === 0;
    },
  };
}
