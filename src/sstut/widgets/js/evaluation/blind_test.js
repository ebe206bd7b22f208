// 名前を伏せた音を耳で採点し、そのあとで指標の値と比べる部品。

import { rankCorrelation } from "../dsp/ranks.js";
import { tryThis } from "../ui/parts.js";
import { h } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { readTracks } from "../ui/tracks.js";
import { scatter } from "./scatter.js";
import { letter } from "./session.js";
import { createTrial } from "./trial.js";

const DIGITS = 1; // 指標の値を見せる小数の桁。順位も、この桁に丸めてから決める

const shown = (value) => value.toFixed(DIGITS).replace("-", "−");

/** 評点の高い順の表。 */
function table(session, scores, metrics) {
  const head = h("tr", {}, ...["音", "評点", ...metrics].map((name) => h("th", { scope: "col", text: name })));
  const rows = session.ranking().map((i) => h("tr", {},
    h("th", { scope: "row" }, h("span", { class: "sst-result-name" }, h("kbd", { text: letter(i) }), h("span", { text: session.name(i) }))),
    h("td", { class: "sst-rate-own", text: String(session.rating(i)) }),
    ...metrics.map((metric) => h("td", { text: shown(scores[session.name(i)][metric]) }))));
  return h("div", { class: "sst-table-box", tabindex: "0", role: "group", "aria-label": "評点と指標の表" },
    h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)));
}

/** 指標 1 つの図と、順位の一致。 */
function comparison(session, scores, metric) {
  const points = session.names.map((name, i) => ({ x: Number(scores[name][metric].toFixed(DIGITS)), y: session.rating(i), name: letter(i) }));
  const rho = rankCorrelation(points.map(({ x }) => x), points.map(({ y }) => y));
  const words = `順位相関 ${Number.isNaN(rho) ? "—" : rho.toFixed(2).replace("-", "−")}`;
  return h("figure", { class: "sst-scatter-box" }, h("figcaption", {}, h("strong", { text: metric }), h("span", { text: words })),
    scatter({ label: `${metric}（横）と評点（縦）の散布図。${words}。`, points }));
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderBlindTest({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "evaluation" });
  const [reference, ...conditions] = readTracks(model);
  const scores = model.get("scores");
  const metrics = Object.keys(Object.values(scores)[0]);
  const scale = h("div", { class: "sst-rate-ends", "aria-hidden": "true" }, h("span", { text: "0：まったく違う" }), h("span", { text: "100：正解と同じ" }));
  const trial = createTrial({
    model, frame, reference, conditions, scale, referenceLabel: "正解",
    showResults: (session) => h("div", { class: "sst-rate-answer" },
      h("p", { class: "sst-rate-title", text: "答え：あなたの評点と指標" }),
      table(session, scores, metrics),
      h("div", { class: "sst-scatters" }, ...metrics.map((metric) => comparison(session, scores, metric))),
      h("p", { class: "sst-help", text: `順位相関は、指標があなたの耳と同じ順に並べたら 1、逆の順なら −1 です（どの音も同じ値なら、決まりません）。音は ${session.size} つだけなので、偶然の一致もあります。` })),
  });
  frame.body.append(
    tryThis(model.get("question") || "正解と聴き比べて、どれくらい正解に近いかに 0 から 100 の点を付けましょう。"),
    trial.el,
  );
  frame.keys(trial.keys);
  frame.ready(trial.handle);
  return frame.dispose;
}
