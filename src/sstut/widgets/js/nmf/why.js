// 選んだ点の値が、どの成分の和で表されているか。

import { h } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { factList, panel } from "../ui/parts.js";
import { cssColor } from "./colors.js";

const MOST = 3; // 文に書く成分の数

export function createWhy() {
  const facts = factList(["時刻", "周波数", "V の値", "W H の値"]);
  const bar = h("div", { class: "sst-nmf-share", "aria-hidden": "true" });
  const verdict = h("p", { class: "sst-nmf-verdict" });
  const spoken = h("p", { class: "sst-hidden", role: "status" });
  return {
    el: panel("選んだ点は、どの成分の和か", facts.el, bar, verdict, spoken),
    /** speak: 読み上げるか。 */
    show({ t, k }, work, { sr, speak }) {
      const shares = work.shares(t, k);
      const total = shares.reduce((sum, v) => sum + v, 0);
      const power = work.isPower ? 10 : 20;
      const level = (v) => formatDb(Math.max(-120, power * Math.log10(v / (work.isPower ? work.peak ** 2 : work.peak))));
      const seconds = (t * work.S.hop) / sr;
      const hertz = (k * sr) / work.S.nFft;
      facts.show(`${seconds.toFixed(2)} 秒`, formatHz(hertz), level(work.target[t * work.S.bins + k]), level(total));
      bar.replaceChildren(...shares.map((v, c) => h("span", { style: { background: cssColor(c), "flex-grow": total > 0 ? v / total : 0 } })));
      const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, MOST).filter((c) => shares[c] > 0.005 * total);
      const words = order.map((c) => `成分 ${c + 1} が ${Math.round((100 * shares[c]) / total)}%`).join("、");
      verdict.textContent = total > 0 ? `W H の内訳は、${words}です。` : "どの成分も 0 です。";
      if (speak) spoken.textContent = `${seconds.toFixed(2)} 秒、${Math.round(hertz)} ヘルツ。${verdict.textContent}`;
    },
  };
}
