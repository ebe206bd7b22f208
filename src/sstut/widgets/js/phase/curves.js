// 反復ごとの、スペクトル収束度と SI-SDR の曲線。前に試した曲線も、うすく残す。
//
//   const curves = createCurves({ signal });
//   curves.begin("ランダム → Griffin–Lim", score, base)   新しい曲線を始める（前の曲線は残る）
//   curves.add(score)                                    1 回進んだ。score は { loss, sdr }
//   curves.draw()

import { button, h } from "../ui/dom.js";
import { createChart, legend } from "../ui/chart.js";
import { panel } from "../ui/parts.js";

const KEEP = 3; // 残しておく曲線の数
const COLORS = ["--sst-track-4", "--sst-track-3", "--sst-track-2"];
const DASHES = ["6 4", "2 4", "9 4 2 4"];
const LOW = -100; // これより小さい値は、この値として描く [dB]
const HIGH = 60;

export const toDb = (ratio) => 20 * Math.log10(ratio);

/** low から high までを、きりのよい目盛りで囲む。 */
function axis(values, least, label) {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(least[0], ...finite);
  const high = Math.max(least[1], ...finite);
  const step = [5, 10, 20, 40].find((s) => (high - low) / s <= 5) ?? 50;
  const min = step * Math.floor(low / step);
  const max = step * Math.ceil(high / step);
  return { min, max, ticks: Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => min + i * step), label };
}

/**
 * 曲線の図を 2 つ作る。
 * @param {object} options signal: 部品が消えるときの合図。
 */
export function createCurves({ signal }) {
  const loss = createChart({ label: "スペクトル収束度", height: 170, signal, x: { min: 0, max: 20, ticks: [0, 10, 20], label: "反復の回数" }, y: { min: -40, max: 0, ticks: [-40, -20, 0], label: "dB" } });
  const sdr = createChart({ label: "SI-SDR", height: 170, signal, x: { min: 0, max: 20, ticks: [0, 10, 20], label: "反復の回数" }, y: { min: -20, max: 20, ticks: [-20, 0, 20], label: "dB" } });
  const key = h("div");
  const clear = button({ label: "前の曲線を消す", kind: "quiet", onClick: () => {
    runs = runs.slice(-1);
    draw();
  } });
  let runs = []; // { label, loss: [], sdr: [], base }。最後がいまの曲線

  function add(score) {
    const run = runs.at(-1);
    run.loss.push(Math.max(LOW, toDb(score.loss)));
    run.sdr.push(Math.max(LOW, Math.min(HIGH, score.sdr)));
  }

  function draw() {
    const longest = Math.max(20, ...runs.map((run) => run.loss.length - 1));
    const step = [5, 10, 20, 50, 100].find((s) => longest / s <= 5) ?? 200;
    const max = step * Math.ceil(longest / step);
    const x = { min: 0, max, ticks: Array.from({ length: max / step + 1 }, (_, i) => i * step), label: "反復の回数" };
    const styled = runs.map((run, i) => {
      const back = runs.length - 2 - i;
      return back < 0 ? { run, color: "--sst-track-1", width: 2.6 } : { run, color: COLORS[back % KEEP], dash: DASHES[back % KEEP], width: 1.8 };
    });
    const lines = (name) => styled.flatMap(({ run, ...style }) => {
      const xs = run[name].map((_, i) => i);
      const line = { kind: "line", xs, ys: run[name], ...style };
      const end = { kind: "dots", xs: xs.slice(-1), ys: run[name].slice(-1), color: style.color, width: 7 };
      return style.dash ? [line] : [line, end];
    });
    const { base } = runs.at(-1);
    loss.setAxes({ x, y: axis(runs.flatMap((run) => run.loss), [-30, 0], "dB") });
    loss.draw(lines("loss"));
    sdr.setAxes({ x, y: axis([...runs.flatMap((run) => run.sdr), base], [-10, 10], "dB") });
    const reference = Number.isFinite(base) ? [{ kind: "line", xs: [0, max], ys: [base, base], color: "--sst-edge", width: 1.4, dash: "1 4" }] : [];
    sdr.draw([...reference, ...lines("sdr")]);
    const items = styled.map(({ run, color, dash }) => ({ color, dash, label: run.label })).reverse();
    if (reference.length) items.push({ color: "--sst-edge", dash: "1 4", label: "混合音の位相の SI-SDR" });
    key.replaceChildren(legend(items));
    clear.el.hidden = runs.length < 2;
    const last = (values) => values.at(-1).toFixed(1).replace("-", "−");
    loss.describe(`スペクトル収束度の曲線。${runs.at(-1).loss.length - 1} 回で ${last(runs.at(-1).loss)} dB`);
    sdr.describe(`SI-SDR の曲線。${runs.at(-1).sdr.length - 1} 回で ${last(runs.at(-1).sdr)} dB`);
  }

  return {
    el: h("div", { class: "sst-curves" },
      h("div", { class: "sst-columns" },
        panel("スペクトル収束度（小さいほどよい）", loss.el), panel("SI-SDR（大きいほどよい）", sdr.el)),
      h("div", { class: "sst-curve-key" }, key, clear.el)),
    draw,
    state: () => runs.map(({ label, loss: l, sdr: s }) => ({ label, loss: l, sdr: s })),
    /** 新しい曲線を始める。1 回も進んでいない曲線は残さない。 */
    begin(label, score, base) {
      runs = [...runs.filter((run) => run.loss.length > 1).slice(-KEEP), { label, loss: [], sdr: [], base }];
      add(score);
    },
    add,
    /** 音ごと替わったので、前の曲線と比べられない。 */
    forget() { runs = []; },
  };
}
