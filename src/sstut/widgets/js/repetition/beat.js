// REPET の操作：ビートスペクトルの図の上で、周期の印を動かす。印は 1 フレームずつ止まる。

import { button, h, toggle } from "../ui/dom.js";
import { createChart, legend } from "../ui/chart.js";
import { factList, panel } from "../ui/parts.js";
import { timeTicks } from "../ui/scales.js";

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
const LEGEND = [{ color: "--sst-accent", label: "周期" }, { color: "--sst-track-2", label: "探す範囲の峰", dash: "0.1 10" }, { color: "--sst-edge", label: "周期の倍数", dash: "3 3" }];

/** 目盛り 3 本ほどの、きりのよい値。 */
function niceTicks(low, high) {
  const step = [0.02, 0.05, 0.1, 0.2].find((s) => (high - low) / s <= 4) ?? 0.5;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** 重ねる回数。割りきれなければ、位相によって 1 回違う。 */
function turns(n) {
  return Number.isInteger(n) ? `${n} 回` : `${Math.floor(n)}〜${Math.ceil(n)} 回`;
}

/**
 * 周期を選ぶまとまり。
 * @param {object} options frame、model: 部品。
 */
export function beatPanel({ frame, model }) {
  let work = null;
  const chart = createChart({ label: "ビートスペクトル", height: 200, signal: frame.signal, x: { min: 0, max: 1, ticks: [], label: "" }, y: { min: 0, max: 1, ticks: [], label: "" } });
  const marker = h("div", { class: "sst-layer sst-repetition-marker", role: "slider", tabindex: "0", "aria-label": "周期の印", "aria-valuemin": "1" });
  chart.el.append(marker);
  const save = (period) => frame.save({ period: Math.max(1, Math.min(work.maxPeriod, period)) });

  /** ポインターの下のずれ [フレーム]。目盛りの線の範囲が、図の枠になる。 */
  function lagAt(event) {
    const box = chart.el.querySelector(".sst-grid").getBoundingClientRect();
    return Math.round(((event.clientX - box.left) / box.width) * work.maxPeriod);
  }
  marker.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    marker.setPointerCapture(event.pointerId);
    marker.focus({ preventScroll: true });
    save(lagAt(event));
  }, { signal: frame.signal });
  marker.addEventListener("pointermove", (event) => { if (marker.hasPointerCapture(event.pointerId)) save(lagAt(event)); }, { signal: frame.signal });
  marker.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // 再生位置は動かさない
    save((model.get("period") || work.period) + (event.shiftKey ? 10 : 1) * step);
  }, { signal: frame.signal });

  const auto = toggle({ label: "自動", title: "いちばん高い峰を、周期にします。", onToggle: (on) => frame.save({ period: on ? 0 : work.period }) });
  const jump = (label, period) => button({ label, onClick: () => save(period(work.period)) }).el;
  const facts = factList(["周期 [秒]", "周期 [フレーム]", "重ねる回数", "自動の周期 [フレーム]"]);
  const el = panel("ビートスペクトルから、周期を決める", chart.el, legend(LEGEND),
    h("div", { class: "sst-repetition-row" }, auto.el, jump("半分", (p) => Math.round(p / 2)), jump("2 倍", (p) => 2 * p), jump("−1 フレーム", (p) => p - 1), jump("＋1 フレーム", (p) => p + 1)),
    facts.el);

  function draw() {
    const { seconds, range, maxPeriod, period } = work;
    const beat = work.beat();
    const toSeconds = (lag) => lag * seconds;
    const lags = Array.from({ length: maxPeriod }, (_, i) => i + 1);
    const seen = lags.slice(range[0] - 1).map((lag) => beat[lag]);
    const [lowest, highest] = [Math.min(...seen), Math.max(...seen)];
    const room = 0.12 * Math.max(highest - lowest, 0.01);
    const [min, max] = [lowest - room, highest + room]; // ずれが 0 に近い、高い坂は切る
    const multiples = lags.filter((lag) => lag > period && lag % period === 0).slice(0, 40);
    chart.setAxes({
      x: { min: 0, max: toSeconds(maxPeriod), ticks: timeTicks(0, toSeconds(maxPeriod), 8), label: "ずれ [秒]", format: (v) => String(Number(v.toFixed(1))) },
      y: { min, max, ticks: niceTicks(min, max), label: "似ている度合い", format: (v) => v.toFixed(2) },
    });
    chart.draw([
      ...multiples.map((lag) => ({ kind: "line", xs: [toSeconds(lag), toSeconds(lag)], ys: [min, max], color: "--sst-edge", width: 1, dash: "3 3" })),
      { kind: "line", xs: [toSeconds(range[0]), toSeconds(range[1])], ys: [min, min], color: "--sst-track-2", width: 5, faint: 0.45 },
      { kind: "line", xs: lags.map(toSeconds), ys: lags.map((lag) => beat[lag]), color: "--sst-dim", width: 1.5 },
      { kind: "dots", xs: work.beats().map(toSeconds), ys: work.beats().map((lag) => beat[lag]), color: "--sst-track-2", width: 7 },
      { kind: "line", xs: [toSeconds(period), toSeconds(period)], ys: [min, max], color: "--sst-accent", width: 2.5 },
      { kind: "dots", xs: [toSeconds(period)], ys: [beat[period]], color: "--sst-accent", width: 14 },
    ]);
  }

  return {
    el,
    refresh(next) {
      work = next;
      const { period, seconds } = work;
      draw();
      auto.pressed = model.get("period") === 0;
      facts.show((period * seconds).toFixed(2), String(period), turns(work.S.frames / period), String(work.found()));
      marker.setAttribute("aria-valuemax", work.maxPeriod);
      marker.setAttribute("aria-valuenow", period);
      marker.setAttribute("aria-valuetext", `${period} フレーム、${(period * seconds).toFixed(2)} 秒${auto.pressed ? "（自動）" : ""}`);
    },
  };
}
