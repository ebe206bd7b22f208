// マスクの良さ：SI-SDR、混合音からの伸び、通した割合、お手本（理想マスク）との差。
//
//   const score = createScore({ onCompare });
//   score.show({ label, value, before, passed, model, reason })
//     value、before、best: SI-SDR [dB]（いま、混合音のまま、お手本）。正解がなければ null
//   score.comparing        お手本と比べているか

import { h, toggle } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";

/** デシベルの値。単位なし、小数 1 桁（桁が揺れると、変わり方を読みにくい）。 */
function plain(db) {
  if (!Number.isFinite(db)) return db > 0 ? "∞" : db < 0 ? "−∞" : "—";
  return db.toFixed(1).replace("-", "−");
}

export function createScore({ onCompare }) {
  const number = h("span", { class: "sst-score-number" });
  const caption = h("span", { class: "sst-score-caption" });
  const gain = h("span", { class: "sst-score-gain" });
  const share = h("span", { class: "sst-score-number" });
  const compare = toggle({ label: "お手本（理想マスク）と比べる", onToggle: () => onCompare() });
  const fill = h("i");
  const meter = h("div", { class: "sst-score-meter", "aria-hidden": "true" }, fill);
  const ends = h("div", { class: "sst-score-ends" }, h("span"), h("span"));
  const verdict = h("p", { class: "sst-score-verdict" });
  const game = h("div", { class: "sst-score-game", hidden: true }, meter, ends, verdict);
  const sdr = h("div", { class: "sst-score-item" }, caption, h("span", {}, number, h("small", { text: " dB" })), gain);
  const el = h("div", { class: "sst-score" },
    sdr,
    h("div", { class: "sst-score-item" }, h("span", { class: "sst-score-caption", text: "通した割合" }), h("span", {}, share, h("small", { text: " %" })), h("span", { class: "sst-score-gain", text: "マスクの値の平均" })),
    compare.el, game);

  function showGame({ value, before, best, bestLabel }) {
    const range = Math.max(best - before, 0.1);
    const progress = Math.max(0, Math.min(1, (value - before) / range));
    fill.style.setProperty("--progress", Number.isFinite(progress) ? progress : 0);
    ends.firstChild.textContent = `混合音 ${formatDb(before)}`;
    ends.lastChild.textContent = `${bestLabel} ${formatDb(best)}`;
    const left = best - value;
    verdict.textContent = !Number.isFinite(left) ? "まだ何も通していません。"
      : left > 0.05 ? `お手本まで、あと ${plain(left)} dB です。`
        : left < -0.05 ? `お手本を ${plain(-left)} dB 上回りました。` : "お手本と同じ良さです。";
  }

  return {
    el,
    get comparing() { return compare.pressed; },
    show({ label, value, before, passed, best, bestLabel }) {
      share.textContent = (100 * passed).toFixed(passed > 0 && passed < 0.1 ? 1 : 0);
      sdr.hidden = value === null;
      compare.el.hidden = value === null;
      game.hidden = value === null || !compare.pressed;
      if (value === null) return;
      caption.textContent = `SI-SDR（${label}）`;
      number.textContent = plain(value);
      const up = value - before;
      gain.textContent = Number.isFinite(up) ? `混合音より ${formatDb(up)}` : "何も聞こえません";
      if (compare.pressed) showGame({ value, before, best, bestLabel });
    },
  };
}
