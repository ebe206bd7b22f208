// 正解の音源とくらべた SI-SDR の表。行は音源、列は混合音と成分。

import { h } from "../ui/dom.js";
import { PART_NAMES, PART_TRACKS } from "./colors.js";

/** デシベルの値。単位なし、小数 1 桁（桁が揺れると、変わり方を読みにくい）。 */
function plain(db) {
  if (!Number.isFinite(db)) return db > 0 ? "∞" : db < 0 ? "−∞" : "—";
  return db.toFixed(1).replace("-", "−");
}

/** 表を作る。names: 音源の名前。 */
export function createScore(names) {
  const columns = { mixture: "混合音のまま", ...PART_NAMES };
  const heads = Object.entries(columns).map(([name, text]) => h("th", { scope: "col", text, style: PART_TRACKS[name] ? { color: `var(${PART_TRACKS[name]})` } : {} }));
  const rows = names.map((name) => ({ name, cells: Object.fromEntries(Object.keys(columns).map((column) => [column, h("td")])) }));
  const table = h("table", {},
    h("caption", { text: "SI-SDR [dB]：音源と、どれだけ近いか（大きいほど近い）" }),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "音源" }), ...heads)),
    h("tbody", {}, ...rows.map(({ name, cells }) => h("tr", {}, h("th", { scope: "row", text: name }), ...Object.values(cells)))));
  return {
    el: h("div", { class: "sst-hpss-score", hidden: names.length === 0 }, table),
    /** own: 読者の音を使っているか（正解がない）。 */
    show(work, own) {
      table.hidden = own;
      if (own) return;
      work.scores().forEach((scores, i) => {
        const { cells } = rows[i];
        const best = Math.max(...Object.values(scores).filter((v) => !Number.isNaN(v)));
        for (const column of Object.keys(columns)) {
          const value = column === "mixture" ? work.before[i] : scores[column];
          cells[column].textContent = value === undefined ? "" : plain(value);
          cells[column].toggleAttribute("data-best", value === best && column !== "mixture");
        }
      });
      const rest = work.parts.includes("rest");
      heads.at(-1).hidden = !rest;
      for (const { cells } of rows) cells.rest.hidden = !rest;
    },
  };
}
