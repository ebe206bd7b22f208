// 選んだ点が、なぜ背景・前景になったか：その周波数の時間変化と、集めたフレームの値、中央値、マスク。
// REPET では、時間変化を周期ごとに切って重ねた図も見せる。

import { createChart, legend } from "../ui/chart.js";
import { h } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { factList, panel } from "../ui/parts.js";
import { timeTicks } from "../ui/scales.js";
import { PART_TRACKS, PARTS } from "./names.js";

const FLOOR = -80; // 図の下端 [dB]
const MOST_TURNS = 60; // 重ねて描く線の数の上限
const LINES = [{ color: "--sst-dim", label: "混合音" }, { color: PART_TRACKS.background, label: "背景の推定", dash: "6 3" }];
const GATHERED = { color: "--sst-track-2", label: "集めたフレーム", dash: "0.1 10" };

/** 選んだ点のまとまり。 */
export function createWhy({ signal }) {
  const y = { min: FLOOR, max: 0, ticks: [-80, -60, -40, -20, 0], label: "dB" };
  const [chart, stack] = ["選んだ周波数の大きさの時間変化", "時間変化を周期ごとに切って重ねたもの"].map((label) => createChart({ label, height: 170, signal, x: { min: 0, max: 1, ticks: [], label: "" }, y }));
  const keys = { lines: legend(LINES), all: legend([...LINES, GATHERED]) };
  const [caption, stackCaption] = [h("p", { class: "sst-repetition-caption" }), h("p", { class: "sst-repetition-caption" })];
  const stackBox = h("div", {}, stackCaption, stack.el);
  const charts = h("div", { class: "sst-columns" }, h("div", {}, caption, chart.el), stackBox);
  const facts = factList(["時刻", "周波数", "この点の大きさ", "背景の推定", "背景のマスク", "集めたフレーム"]);
  const bars = Object.fromEntries(PARTS.map((part) => [part, h("span", { style: { background: `var(${PART_TRACKS[part]})` } })]));
  const verdict = h("p", { class: "sst-repetition-verdict" });
  const spoken = h("p", { class: "sst-hidden", role: "status" });
  const el = panel("選んだ点は、なぜこう分かれるか", charts, keys.lines, keys.all, facts.el,
    h("div", { class: "sst-repetition-share", "aria-hidden": "true" }, ...Object.values(bars)), verdict, spoken);

  /** マスクの値になった理由の文。 */
  function explain({ mask, level, model, low, count }) {
    const what = count ? `集めた ${count} フレームの中央値` : "背景の推定";
    if (low) return "低い周波数なので、すべて背景に渡します。";
    if (level === -Infinity) return "混合音が 0 なので、どちらに渡しても同じです。";
    if (model >= level) return `${what}が、この点の大きさ以上なので、すべて背景に渡します。`;
    const reason = Number.isFinite(model) ? `、この点より ${(level - model).toFixed(1)} dB 小さい` : " 0 な";
    return `${what}が${reason}ので、背景に ${mask.toFixed(2)}、前景に ${(1 - mask).toFixed(2)} を渡します。`;
  }

  /** 周期ごとに切った線を重ねる。選んだ点のある周期を濃くする。 */
  function drawStack({ levels, models, t, period, seconds }) {
    const turns = Array.from({ length: Math.ceil(levels.length / period) }, (_, i) => levels.slice(i * period, (i + 1) * period)).slice(0, MOST_TURNS);
    const here = Math.floor(t / period);
    const line = (ys, look) => ({ kind: "line", xs: ys.map((_, i) => i * seconds), ys, ...look });
    const end = Math.max(1, period - 1) * seconds;
    stack.setAxes({ x: { min: 0, max: end, ticks: timeTicks(0, end, 5), label: "周期の中の時刻 [秒]", format: (v) => String(Number(v.toFixed(2))) } });
    stack.draw([
      ...turns.map((ys) => line(ys, { color: "--sst-dim", width: 1, faint: 0.45 })),
      ...(turns[here] ? [line(turns[here], { color: "--sst-text", width: 1.3 })] : []),
      line(models.slice(0, period), { color: PART_TRACKS.background, width: 2.2, dash: "6 3" }),
      { kind: "dots", xs: [(t % period) * seconds], ys: [levels[t]], color: "--sst-accent", width: 13 },
    ]);
    stackCaption.textContent = `周期ごとに切って重ねる（濃い線は ${here + 1} 回目）。`;
  }

  return {
    el,
    /** speak: 読み上げるか。 */
    show({ t, k }, work, speak) {
      const { S, peak, model, mask, seconds } = work;
      const i = t * S.bins + k;
      const list = work.gathered(t);
      const toDb = (v) => 20 * Math.log10(v / peak);
      const along = (values) => Array.from({ length: S.frames }, (_, f) => toDb(values[f * S.bins + k]));
      const [levels, models] = [along(work.magnitude), along(model)];
      const times = levels.map((_, f) => f * seconds);
      const end = times.at(-1);
      const at = (frames) => ({ xs: frames.map((f) => times[f]), ys: frames.map((f) => levels[f]) });
      chart.setAxes({ x: { min: 0, max: end, ticks: timeTicks(0, end, 8), label: "時間 [秒]", format: (v) => String(Number(v.toFixed(1))) } });
      chart.draw([
        { kind: "line", xs: times, ys: levels, color: "--sst-dim", width: 1.1, faint: 0.8 },
        { kind: "line", xs: times, ys: models, color: PART_TRACKS.background, width: 1.4, dash: "5 2" },
        { kind: "dots", ...at(Array.from(list ?? [])), color: "--sst-track-2", width: 8 },
        { kind: "dots", ...at([t]), color: "--sst-accent", width: 13 },
      ]);
      const frequency = formatHz((k * S.hop) / (S.nFft * seconds));
      const cut = work.period > 0;
      stackBox.hidden = !cut;
      charts.classList.toggle("sst-columns", cut);
      if (cut) drawStack({ levels, models, t, period: work.period, seconds });
      caption.textContent = `${frequency} の大きさの時間変化。大きい丸が、選んだ点。`;
      keys.lines.hidden = list !== null;
      keys.all.hidden = list === null;
      const words = explain({ mask: mask[i], level: levels[t], model: models[t], low: k < work.low, count: list?.length });
      facts.show(`${(t * seconds).toFixed(2)} 秒`, frequency, formatDb(levels[t]), formatDb(models[t]), mask[i].toFixed(2), list ? `${list.length} フレーム` : "—");
      bars.background.style.flexGrow = mask[i];
      bars.foreground.style.flexGrow = 1 - mask[i];
      verdict.textContent = words;
      if (speak) spoken.textContent = `${(t * seconds).toFixed(2)} 秒。${words}`;
    },
  };
}
