// 2DFT の操作：2 次元フーリエ変換の大きさの絵と、残す峰。

import { choice, h, toggle } from "../ui/dom.js";
import { createHeatgrid } from "../ui/heatgrid.js";
import { createMarks } from "../ui/marks.js";
import { factList, panel } from "../ui/parts.js";
import { steppedSlider } from "./controls.js";

const MAX_POINTS = 101; // sstut.widgets.repetition.MAX_NEIGHBORHOOD と同じ
const SCALES = Array.from({ length: 16 }, (_, i) => 2 * i + 1);
const RATES = Array.from({ length: (MAX_POINTS + 1) / 2 }, (_, i) => 2 * i + 1);
const FLOOR = -70; // 色の下端 [dB]
const FEW = 4000; // これより峰が少なければ、1 つずつ印を付ける

/** -limit から limit まで（positive なら 0 から）の、きりのよい目盛り。 */
function evenTicks(limit, positive = false) {
  const step = [0.5, 1, 2, 5, 10, 20, 50].find((s) => limit / s <= 4) ?? 100;
  const count = Math.floor(limit / step);
  return Array.from({ length: positive ? count + 1 : 2 * count + 1 }, (_, i) => (positive ? i : i - count) * step);
}

/**
 * 2DFT のまとまり。
 * @param {object} options frame、model: 部品。
 */
export function transformPanel({ frame, model }) {
  let work = null;
  let zoom = "4";
  let only = false;
  const grid = createHeatgrid({
    label: "スペクトログラムの 2 次元フーリエ変換の大きさ。中央の下が 0", height: 260, signal: frame.signal,
    describe: ({ x, y }) => `rate ${x.toFixed(2).replace("-", "−")} Hz　scale ${y.toFixed(1)} 周期/kHz`,
  });
  const marks = createMarks();
  grid.plot.append(h("div", { class: "sst-layer sst-repetition-still" }, marks.el));
  const near = choice({ label: "見る範囲", hideLabel: true, options: [["4", "中央を 4 倍に拡大"], ["1", "全体"]], value: zoom, onChange(v) {
    zoom = v;
    draw();
  } });
  const alone = toggle({ label: "峰だけ見る", title: "背景に残す点のほかを、消して見せます。", onToggle(on) {
    only = on;
    draw();
  } });
  const size = (index, options) => steppedSlider({ value: model.get("neighborhood")[index], onInput(v) {
    const next = [...model.get("neighborhood")];
    next[index] = v;
    frame.save({ neighborhood: next });
  }, ...options });
  const rate = size(1, { label: "近傍の幅（rate）", steps: RATES, format: (v) => `${v} 点${work ? `＝${(v * spacing().rate).toFixed(2)} Hz` : ""}` });
  const scale = size(0, { label: "近傍の高さ（scale）", steps: SCALES, format: (v) => `${v} 点${work ? `＝${(v * spacing().scale).toFixed(2)} 周期/kHz` : ""}` });
  const facts = factList(["残した峰", "全体に対する割合", "残したエネルギー（平均を除く）"]);
  const el = panel("2 次元フーリエ変換の峰を残す", grid.el, h("div", { class: "sst-repetition-row" }, near.el, alone.el),
    h("div", { class: "sst-columns" }, rate.el, scale.el), facts.el);

  /** 1 点の間隔：時間方向 [Hz]、周波数方向 [周期/kHz]。 */
  function spacing() {
    const { frames, bins, nFft } = work.S;
    return { rate: 1 / (frames * work.seconds), scale: 1000 / ((bins * model.get("sr")) / nFft) };
  }

  /** 中央を 0 にそろえ、下半分（上半分と対称）を省いた値 [dB]。 */
  function draw() {
    const { level, frames, bins } = work.transform();
    const { peaks } = work;
    const half = Math.floor((frames - 1) / 2 / Number(zoom));
    const rows = Math.max(2, Math.floor(((bins - 1) / 2 + 1) / Number(zoom)));
    const columns = 2 * half + 1;
    const values = new Float32Array(columns * rows);
    const dots = [];
    for (let c = 0; c < columns; c++) {
      const m = (c - half + frames) % frames;
      for (let k = 0; k < rows; k++) {
        const kept = peaks[k * frames + m] === 1;
        values[c * rows + k] = kept || !only ? 20 * Math.log10(level[k * frames + m] / level[0]) : FLOOR; // 原点が最大
        if (kept && !only) dots.push([(c + 0.5) / columns, (k + 0.5) / rows]);
      }
    }
    const step = spacing();
    const [wide, tall] = [(half + 0.5) * step.rate, rows * step.scale];
    grid.setData({
      values, columns, rows, low: FLOOR, high: 0,
      x: { min: -wide, max: wide, ticks: evenTicks(wide), label: "rate：時間方向の変化の速さ [Hz]" },
      y: { min: -step.scale / 2, max: tall - step.scale / 2, ticks: evenTicks(tall * 0.97, true), label: "scale：周波数方向の細かさ [周期/kHz]" },
    });
    marks.show({ [dots.length > FEW ? "sst-mark-peak sst-mark-fine" : "sst-mark-peak"]: { dots } });
  }

  return {
    el,
    refresh(next) {
      work = next;
      [scale, rate].forEach((item, i) => item.show(model.get("neighborhood")[i]));
      draw();
      const { level } = work.transform();
      let [count, energy, total] = [0, 0, 0];
      for (let i = 1; i < level.length; i++) { // 原点（全体の平均）は、いつも残る
        total += level[i] ** 2;
        if (work.peaks[i] === 0) continue;
        count += 1;
        energy += level[i] ** 2;
      }
      facts.show(`${(count + 1).toLocaleString("ja")} 点`, `${((100 * (count + 1)) / level.length).toFixed(2)} %`, `${(100 * energy / total).toFixed(0)} %`);
    },
  };
}
