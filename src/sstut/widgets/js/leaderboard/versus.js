// 2 つの手法を、同じ混合音での差で比べる。

import { createChart } from "../ui/chart.js";
import { h, select } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { factList, panel } from "../ui/parts.js";
import { timeTicks } from "../ui/scales.js";
import { rangeOf } from "./shapes.js";
import { headToHead } from "./work.js";

/** 区間から言えること。 */
function conclusion(method, rival, { verdict, differences }) {
  const n = differences.length;
  if (differences.every((d) => d === 0)) return "どの混合音でも、2 つの手法は同じ点です。";
  if (verdict === 0) return `区間が 0 を含みます。この ${n} 個の混合音だけでは、どちらの平均が高いとも言えません。`;
  const [better, other] = verdict > 0 ? [method, rival] : [rival, method];
  return `区間が 0 を含みません。この ${n} 個の混合音からは、「${better}」のほうが「${other}」より平均が高いと言えます。`;
}

/** 比べるまとまりを作る。 */
export function createVersus({ methods, frame, model }) {
  const n = methods[0].scores.length;
  const pick = select({ label: "比べる手法", options: [["", "選ばない"]], value: "", onChange: (rival) => frame.save({ rival }) });
  const facts = factList(["差の平均", "95 % の区間", "勝ち・負け・同点"]);
  const words = h("p", { class: "sst-lb-words", role: "status" });
  const caption = h("p", { class: "sst-lb-caption" });
  const chart = createChart({
    label: "混合音ごとの差", height: 150, signal: frame.signal,
    x: { min: 0, max: n + 1, ticks: [1, n], label: "混合音（差の大きい順）" }, y: { min: -1, max: 1, ticks: [0], label: "dB" },
  });
  const note = h("p", { class: "sst-lb-caption", text: "多くの組を次々に比べると、偶然に差があるように見える組も出てきます。" });
  const hint = h("p", { class: "sst-lb-caption", text: "手法をもう 1 つ選ぶと、同じ混合音どうしの差を調べます。" });
  const details = h("div", { class: "sst-lb-versus" }, facts.el, caption, chart.el, words, note);
  let result = null;

  /** 差を大きい順に並べた棒と、差の平均、区間。 */
  function drawChart({ differences, mean, low, high }) {
    const ys = [...differences].sort((a, b) => b - a);
    const range = rangeOf(ys);
    const across = (y, dash, width) => ({ kind: "line", xs: [0, n + 1], ys: [y, y], color: "--sst-accent", width, dash });
    chart.setAxes({ y: { min: range.low, max: range.high, ticks: timeTicks(range.low, range.high, 4), label: "dB" } });
    chart.draw([
      { kind: "line", xs: [0, n + 1], ys: [0, 0], color: "--sst-edge", width: 1 },
      { kind: "stems", xs: ys.map((_, i) => i + 1), ys, color: "--sst-track-4", width: 3 },
      across(mean, "none", 1.8), across(low, "3 4", 1.2), across(high, "3 4", 1.2),
    ]);
    chart.describe(`混合音ごとの差を大きい順に並べた図。${formatDb(ys[0])} から ${formatDb(ys.at(-1))}`);
  }
  return {
    el: panel("2 つの手法を比べる", pick.el, hint, details),
    result: () => result,
    show() {
      const [name, rival] = [model.get("method"), model.get("rival")];
      const others = methods.filter((method) => method.name !== name).map((method) => method.name);
      pick.input.replaceChildren(...[["", "選ばない"], ...others.map((other) => [other, other])].map(([value, text]) => h("option", { value, text })));
      pick.value = others.includes(rival) ? rival : "";
      details.hidden = !others.includes(rival);
      hint.hidden = !details.hidden;
      result = null;
      if (details.hidden) return;
      const [a, b] = [name, rival].map((wanted) => methods.find((method) => method.name === wanted));
      result = headToHead(a.scores, b.scores, a.means, b.means);
      facts.show(formatDb(result.mean), `${formatDb(result.low).replace(" dB", "")} 〜 ${formatDb(result.high)}`, `${result.wins}・${result.losses}・${result.ties}`);
      caption.textContent = `「${name}」の点 − 「${rival}」の点（実線：平均、点線：95 % の区間）`;
      words.textContent = conclusion(name, rival, result);
      drawChart(result);
    },
  };
}
