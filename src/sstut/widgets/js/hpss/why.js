// 選んだ点が、なぜその成分になったか：2 つの窓の値と中央値、マスクの値。

import { h } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { reflect } from "../dsp/median.js";
import { createChart } from "../ui/chart.js";
import { factList, panel } from "../ui/parts.js";
import { PART_NAMES, PART_TRACKS } from "./colors.js";

const FLOOR = -80; // 図の下端 [dB]
const TICKS = [0, 20, 40, 60, 80];

/** 目盛り 3 つが入る、きりのよい間隔。 */
function niceStep(reach) {
  const rough = reach / 2;
  const unit = 10 ** Math.floor(Math.log10(rough));
  return unit * [1, 2, 5, 10].find((m) => m * unit >= rough);
}

/**
 * 窓の中の番号。端の外は折り返す。
 * @returns {{at: number[], inside: boolean[]}} at: 番号。inside: 折り返していないか。
 */
function windowIndex(center, size, n) {
  const raw = Array.from({ length: size }, (_, i) => center - (size - 1) / 2 + i);
  return { at: raw.map((i) => reflect(i, n)), inside: raw.map((i) => i >= 0 && i < n) };
}

/** 選んだ点のまとまり。 */
export function createWhy({ signal }) {
  const height = (v) => Math.max(0, Math.min(80, v - FLOOR)); // 図では、下端からの高さで描く
  const y = { min: 0, max: 80, ticks: TICKS, format: (v) => String(v + FLOOR), label: "dB" };
  const chart = (label) => createChart({ label, height: 150, signal, x: { min: -1, max: 1, ticks: [0], label: "" }, y });
  const [across, upright] = [chart("横の窓の値"), chart("縦の窓の値")];
  const captions = [h("p", { class: "sst-hpss-caption" }), h("p", { class: "sst-hpss-caption" })];
  const facts = factList(["時刻", "周波数", "この点の大きさ", "横の中央値 H", "縦の中央値 P", "H ÷ P"]);
  const bars = Object.fromEntries(Object.keys(PART_NAMES).map((part) => [part, h("span", { style: { background: `var(${PART_TRACKS[part]})` } })]));
  const verdict = h("p", { class: "sst-hpss-verdict" });
  const spoken = h("p", { class: "sst-hidden", role: "status" });
  const el = panel("3. 選んだ点は、なぜこう分かれるか",
    h("div", { class: "sst-columns" }, h("div", {}, captions[0], across.el), h("div", {}, captions[1], upright.el)),
    facts.el, h("div", { class: "sst-hpss-share", "aria-hidden": "true" }, ...Object.values(bars)), verdict, spoken);

  function draw(target, { levels, inside, median, step, unit, color }) {
    const half = (levels.length - 1) / 2;
    const reach = Math.max(1, half + 0.5) * step;
    const xs = levels.map((_, i) => (i - half) * step);
    const only = (keep) => ({ xs: xs.filter((_, i) => keep(i)), ys: levels.filter((_, i) => keep(i)).map(height) });
    const width = Math.max(1, Math.min(5, 150 / levels.length));
    const tick = niceStep(reach);
    target.setAxes({ x: { min: -reach, max: reach, ticks: [-tick, 0, tick].filter((v) => Math.abs(v) <= reach), label: `選んだ点からのずれ [${unit}]`, format: (v) => String(Number(v.toPrecision(3))) } });
    target.draw([
      { kind: "stems", ...only((i) => inside[i] && i !== half), color, width, faint: 0.55 },
      { kind: "stems", ...only((i) => !inside[i]), color, width, faint: 0.22 },
      { kind: "stems", ...only((i) => i === half), color: "--sst-text", width: Math.max(2, width) },
      { kind: "line", xs: [-reach, reach], ys: [height(median), height(median)], color, width: 2.6, dash: "7 4" },
    ]);
  }

  /** 中央値の比と、渡す割合の文。 */
  function explain({ H, P, shares }) {
    const parts = Object.entries(shares).map(([part, v]) => `${PART_NAMES[part]}に ${v.toFixed(2)}`).join("、");
    const gap = 20 * Math.log10(H / P);
    let reason = "2 つの中央値が同じなので";
    if (H === 0 && P === 0) reason = "どちらの中央値も 0 なので";
    else if (!Number.isFinite(gap)) reason = `${H > 0 ? "縦" : "横"}の中央値が 0 なので`;
    else if (Math.abs(gap) >= 0.05) reason = `${gap > 0 ? "横" : "縦"}の中央値が ${Math.abs(gap).toFixed(1)} dB 大きいので`;
    return `${reason}、${parts} を渡します。`;
  }

  return {
    el,
    show({ t, k }, work, { kernels, sr, speak }) {
      const { S, db, peak, horizontal, vertical, masks } = work;
      const i = t * S.bins + k;
      const level = (v) => Math.max(FLOOR, 20 * Math.log10(v / peak));
      const [H, P] = [horizontal[i], vertical[i]];
      const [row, column] = [windowIndex(t, kernels[0], S.frames), windowIndex(k, kernels[1], S.bins)];
      const [seconds, hertz] = [S.hop / sr, sr / S.nFft];
      draw(across, { levels: row.at.map((f) => db[f * S.bins + k]), inside: row.inside, median: level(H), step: 1000 * seconds, unit: "ミリ秒", color: PART_TRACKS.harmonic });
      draw(upright, { levels: column.at.map((b) => db[t * S.bins + b]), inside: column.inside, median: level(P), step: hertz, unit: "Hz", color: PART_TRACKS.percussive });
      captions[0].textContent = `横の窓：同じ高さの ${kernels[0]} フレーム。破線が中央値 H`;
      captions[1].textContent = `縦の窓：同じ時刻の ${kernels[1]} ビン。破線が中央値 P`;
      const ratio = H / P;
      facts.show(`${(t * seconds).toFixed(2)} 秒`, formatHz(k * hertz), formatDb(db[i]), formatDb(level(H)), formatDb(level(P)),
        Number.isFinite(ratio) ? String(Number(ratio.toPrecision(3))) : "—");
      const shares = Object.fromEntries(work.parts.map((part) => [part, masks[part][i]]));
      for (const [part, bar] of Object.entries(bars)) bar.style.flexGrow = Math.max(0, shares[part] ?? 0);
      const words = explain({ H, P, shares });
      verdict.textContent = words;
      if (speak) spoken.textContent = `${(t * seconds).toFixed(2)} 秒、${Math.round(k * hertz)} ヘルツ。${words}`;
    },
  };
}
