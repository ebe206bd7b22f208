// 正解とくらべた SI-SDR の表。行は背景と前景、列は、混合音のままと、分けた音。

import { h } from "../ui/dom.js";
import { PART_NAMES, PART_TRACKS, PARTS } from "./names.js";

/** デシベルの値。小数 1 桁（桁が揺れると、変わり方を読みにくい）。 */
function plain(db, sign = "") {
  if (!Number.isFinite(db)) return db > 0 ? "∞" : db < 0 ? "−∞" : "—";
  return `${db > 0 ? sign : ""}${db.toFixed(1)}`.replace("-", "−");
}

/** 表を作る。names: 正解の背景と前景の名前。 */
export function createScore(names) {
  const cells = names.map(() => [h("td"), h("td"), h("td")]);
  const rows = names.map((name, i) => h("tr", {},
    h("th", { scope: "row" }, h("i", { class: "sst-dot", style: { background: `var(${PART_TRACKS[PARTS[i]]})` } }), `${PART_NAMES[PARTS[i]]}（${name}）`), ...cells[i]));
  const table = h("table", {},
    h("caption", { text: "SI-SDR [dB]：正解と、どれだけ近いか（大きいほど近い）" }),
    h("thead", {}, h("tr", {}, ...["正解", "混合音", "分けた音", "改善"].map((text) => h("th", { scope: "col", text })))),
    h("tbody", {}, ...rows));
  const el = h("div", { class: "sst-repetition-score", hidden: names.length === 0 }, table);
  return {
    el,
    /** own: 読者の音を使っているか（正解がない）。 */
    show(work, own) {
      el.hidden = own || names.length === 0;
      if (el.hidden) return;
      work.scores().forEach((after, i) => {
        const before = work.before[i];
        [plain(before), plain(after), plain(after - before, "＋")].forEach((text, j) => { cells[i][j].textContent = text; });
        cells[i][2].toggleAttribute("data-worse", after < before);
      });
    },
  };
}
