// 成分を音源に組分けし、組ごとの SI-SDR を見る。

import { safeSdr } from "../dsp/metrics.js";
import { button, h, select } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { bestGroups } from "./assign.js";
import { cssColor } from "./colors.js";

/** 小数 1 桁、単位なし（桁が揺れると、変わり方を読みにくい）。 */
function plain(db) {
  if (!Number.isFinite(db)) return Number.isNaN(db) ? "—" : db > 0 ? "∞" : "−∞";
  return db.toFixed(1).replace("-", "−");
}

/**
 * 組分けのまとまり。
 * @param {object} options sources: { label, wave } の配列。mixture: 混合音。onHear: ([番号…]) => void、組を聴く。
 */
export function createSorting({ frame, model, sources, mixture, onHear }) {
  const names = sources.map(({ label }) => label);
  const before = sources.map(({ wave }) => safeSdr(wave, mixture));
  const picks = h("div", { class: "sst-nmf-picks" });
  let selects = [];
  let work = null;
  const count = () => model.get("n_components");
  const groups = () => Array.from({ length: count() }, (_, k) => model.get("groups")[k] ?? "");
  const members = (name) => [...groups().keys()].filter((k) => groups()[k] === name);

  function rebuild() {
    selects = Array.from({ length: count() }, (_, k) => {
      const item = select({ label: `成分 ${k + 1}`, options: [["", "（なし）"], ...names.map((name) => [name, name])], value: "", onChange: (name) => frame.save({ groups: groups().with(k, name) }) });
      item.el.style.setProperty("--track", cssColor(k));
      return item;
    });
    picks.replaceChildren(...selects.map(({ el }) => el));
  }
  const best = button({ label: "正解で組分け", title: "正解の音源との SI-SDR の平均が、いちばん高くなる組を選びます。", onClick() {
    const owners = bestGroups(Array.from({ length: count() }, (_, k) => work.wave([k])), sources.map(({ wave }) => wave));
    frame.save({ groups: owners.map((j) => names[j]) });
  } });
  const clear = button({ label: "組分けを消す", onClick: () => frame.save({ groups: groups().fill("") }) });
  const rows = names.map((name, i) => {
    const hear = button({ label: "聴く", title: `「${name}」の組だけを鳴らします。`, onClick: () => onHear(members(name)) });
    hear.el.setAttribute("aria-label", `${name}の組を聴く`);
    const [now, gain] = [h("td"), h("td")];
    return { name, hear, now, gain, el: h("tr", {}, h("th", { scope: "row", text: name }), h("td", { text: plain(before[i]) }), now, gain, h("td", {}, hear.el)) };
  });
  const heads = ["音源", "混合音のまま", "組", "改善量"].map((text) => h("th", { scope: "col", text }));
  const table = h("table", {}, h("caption", { text: "SI-SDR [dB]：正解と、どれだけ近いか（大きいほど近い）" }),
    h("thead", {}, h("tr", {}, ...heads, h("td"))), h("tbody", {}, ...rows.map(({ el }) => el)));
  const el = panel("3. 成分を音源に組分けする", picks, h("div", { class: "sst-nmf-buttons" }, best.el, clear.el), h("div", { class: "sst-nmf-score" }, table));
  el.hidden = names.length === 0;
  return {
    el, before, groups,
    /** 音が変わった。work: いまの計算。own: 読者の音か（正解がない）。 */
    show(next, own) {
      work = next;
      el.hidden = own || names.length === 0;
      if (selects.length !== count()) rebuild();
      selects.forEach((item, k) => { item.value = groups()[k]; });
      if (el.hidden) return [];
      return rows.map(({ name, now, gain, hear }, i) => {
        const mine = members(name);
        const value = mine.length > 0 ? safeSdr(sources[i].wave, work.wave(mine)) : NaN;
        now.textContent = plain(value);
        gain.textContent = plain(value - before[i]);
        hear.el.disabled = mine.length === 0;
        return value;
      });
    },
  };
}
