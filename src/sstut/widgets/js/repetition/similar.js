// REPET-SIM の操作：類似度の行列と、選んだフレームの行。

import { h } from "../ui/dom.js";
import { createChart } from "../ui/chart.js";
import { createHeatgrid } from "../ui/heatgrid.js";
import { movePoint } from "../ui/keys.js";
import { createMarks } from "../ui/marks.js";
import { factList, panel } from "../ui/parts.js";
import { timeTicks } from "../ui/scales.js";
import { steppedSlider } from "./controls.js";

const REPEATS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200];
const SIMILARITIES = Array.from({ length: 101 }, (_, i) => i / 100);
const DISTANCES = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4];

/**
 * 似たフレームを選ぶまとまり。
 * @param {object} options frame、model: 部品。onFrame: (t) => void。行列の上で選ばれたフレーム。
 */
export function similarPanel({ frame, model, onFrame }) {
  let work = null;
  let drawn = null; // 行列を描いた分析
  let row = 0;
  const toSeconds = (t) => t * work.seconds;
  const grid = createHeatgrid({
    label: "類似度の行列", height: "aspect", signal: frame.signal,
    describe({ x, y }) {
      const [s, t] = [x, y].map((v) => Math.min(work.S.frames - 1, Math.round(v / work.seconds)));
      return `${x.toFixed(2)} 秒と ${y.toFixed(2)} 秒　${work.similarity()[t * work.S.frames + s].toFixed(2)}`;
    },
  });
  const marks = createMarks();
  const layer = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-roledescription": "フレームを選ぶ絵", "aria-label": "類似度の行列。上下の矢印キーで、調べるフレームを動かす" }, marks.el);
  grid.plot.append(layer);
  const choose = (event) => onFrame(Math.min(work.S.frames - 1, Math.round(grid.toUnit(event).y * work.S.frames - 0.5)));
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    layer.focus({ preventScroll: true });
    choose(event);
  }, { signal: frame.signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) choose(event); }, { signal: frame.signal });
  movePoint(layer, (dx, dy) => onFrame(row + dx + dy), frame.signal);

  const chart = createChart({ label: "選んだフレームと、ほかのフレームの類似度", height: 150, signal: frame.signal, x: { min: 0, max: 1, ticks: [], label: "" }, y: { min: 0, max: 1, ticks: [0, 0.5, 1], label: "類似度" } });
  const caption = h("p", { class: "sst-repetition-caption" });
  const control = (trait, options) => steppedSlider({ value: model.get(trait), onInput: (v) => frame.save({ [trait]: v }), ...options });
  const controls = {
    max_repeats: control("max_repeats", { label: "集める数の上限", steps: REPEATS, format: (v) => `${v} フレーム` }),
    min_distance: control("min_distance", { label: "フレームどうしの間隔", steps: DISTANCES, format: (v) => `${v} 秒以上` }),
    min_similarity: control("min_similarity", { label: "類似度の下限", steps: SIMILARITIES, format: (v) => v.toFixed(2) }),
  };
  const facts = factList(["選んだフレーム", "集めたフレーム", "1 フレームあたりの平均"]);
  const el = panel("似たフレームを集める",
    h("div", { class: "sst-repetition-similar" }, grid.el,
      h("div", { class: "sst-column" }, ...Object.values(controls).map((item) => item.el), caption, chart.el)), facts.el);

  function drawMatrix() {
    const { frames } = work.S;
    const values = work.similarity();
    const length = frames * work.seconds;
    const axis = { min: 0, max: length, ticks: timeTicks(0, length, 5), format: (v) => String(Number(v.toFixed(1))) };
    const low = values.reduce((least, v) => Math.min(least, v), 1);
    grid.setData({ values, columns: frames, rows: frames, low, high: 1, x: { ...axis, label: "比べるフレームの時刻 [秒]" }, y: { ...axis, label: "調べるフレームの時刻 [秒]" } });
    drawn = work;
  }
  function drawRow() {
    const { frames } = work.S;
    const similar = Array.from(work.gathered(row));
    const values = work.similarity().subarray(row * frames, (row + 1) * frames);
    const times = Array.from({ length: frames }, (_, t) => toSeconds(t));
    const floor = model.get("min_similarity");
    chart.setAxes({ x: { min: 0, max: toSeconds(frames - 1), ticks: timeTicks(0, toSeconds(frames - 1), 6), label: "時間 [秒]", format: (v) => String(Number(v.toFixed(1))) } });
    chart.draw([
      { kind: "line", xs: [0, toSeconds(frames - 1)], ys: [floor, floor], color: "--sst-edge", width: 1.4, dash: "5 4" },
      { kind: "line", xs: times, ys: values, color: "--sst-dim", width: 1.2 },
      { kind: "dots", xs: similar.map(toSeconds), ys: similar.map((t) => values[t]), color: "--sst-track-2", width: 8 },
      { kind: "dots", xs: [toSeconds(row)], ys: [1], color: "--sst-accent", width: 11 },
    ]);
    caption.textContent = `${toSeconds(row).toFixed(2)} 秒のフレームとの類似度（丸が、集めたもの）`;
    const place = (s, t) => [(s + 0.5) / frames, (t + 0.5) / frames];
    marks.show({ "sst-mark-row": { horizontals: [place(0, row)[1]] }, "sst-mark-frame": { dots: similar.map((s) => place(s, row)) }, "sst-mark-self": { dots: [place(row, row)] } });
    const total = work.similar.reduce((sum, list) => sum + list.length, 0);
    facts.show(`${toSeconds(row).toFixed(2)} 秒`, `${similar.length} フレーム（自分を含む）`, `${(total / frames).toFixed(1)} フレーム`);
  }

  return {
    el,
    refresh(next) {
      work = next;
      for (const [trait, item] of Object.entries(controls)) item.show(model.get(trait));
      if (drawn !== work) drawMatrix();
    },
    showFrame(t) {
      row = t;
      drawRow();
    },
  };
}
