// 指標の一覧：名前、棒、値、動いた量。動かす前の値は、細い線で棒に残る。
//
//   const meters = createMeters();
//   meters.show(scores, before, noiseKnown)     scores は errors.js の scores() の形。before は null でもよい
//   limit(値)、formatScore(値)、metricList(noiseKnown)

import { h } from "../ui/dom.js";

const RANGE = [-20, 40]; // 棒の左端と右端 [dB]
const LIMIT = 100; // これより良い・悪い値は、丸めの誤差と区別できないので、数字にしない [dB]
const GROUPS = [
  { key: null, title: "波形をそのまま比べる", note: "", metrics: [["snr", "SNR"], ["sdSdr", "SD-SDR"], ["siSdr", "SI-SDR"]] },
  { key: "gain", title: "BSS Eval：倍率だけを許す", note: "フィルタの長さ 1", metrics: [["sdr", "SDR"], ["sir", "SIR"], ["snr", "SNR"], ["sar", "SAR"]] },
  { key: "filter", title: "BSS Eval v3：フィルタも許す", note: "フィルタの長さ 512", metrics: [["sdr", "SDR"], ["sir", "SIR"], ["snr", "SNR"], ["sar", "SAR"]] },
];

/** 測れる範囲に収める。 */
export function limit(value) {
  return Math.max(-LIMIT, Math.min(LIMIT, value));
}

/** 指標の値 [dB]。小数 1 桁。 */
export function formatScore(value) {
  if (Math.abs(value) >= LIMIT) return value > 0 ? `>${LIMIT}` : `<−${LIMIT}`;
  return value.toFixed(1).replace(/^-(?=0\.0$)/, "").replace("-", "−");
}

/** 出ている指標の [まとまり, 名前, 見せる名前]。論文の SNR は、雑音の正解を渡したときだけ。 */
export function metricList(noiseKnown) {
  return GROUPS.flatMap(({ key, metrics }) => metrics
    .filter(([name]) => noiseKnown || key === null || name !== "snr")
    .map(([name, label]) => [key, name, label]));
}

/** scores から値を取り出す。決まらなければ null。 */
export function readScore(scores, key, name) {
  return key === null ? scores[name] : scores[key]?.[name] ?? null;
}

const position = (value) => Math.max(0, Math.min(1, (value - RANGE[0]) / (RANGE[1] - RANGE[0])));

function createMeter(key, name, label) {
  const value = h("dd");
  const change = h("dd", { class: "sst-meter-change" });
  const bar = h("dd", { class: "sst-meter-bar", "aria-hidden": "true" }, h("i"), h("b"));
  const title = key !== null && name === "snr" ? "論文の SNR：目的音と干渉の和と、雑音の比" : null;
  const el = h("div", { class: "sst-meter-row" }, h("dt", { text: label, title }), bar, value, change);
  return {
    el, key, name,
    show(now, before) {
      const moved = now === null || before === null ? 0 : limit(now) - limit(before);
      value.textContent = now === null ? "—" : formatScore(now);
      const visible = Math.abs(moved) >= 0.05;
      change.textContent = visible ? `${moved > 0 ? "▲" : "▼"}${Math.abs(moved).toFixed(1)}` : "";
      el.dataset.moved = visible ? (moved > 0 ? "up" : "down") : "";
      bar.style.setProperty("--value", position(now ?? RANGE[0]));
      bar.style.setProperty("--before", position(before ?? now ?? RANGE[0]));
    },
  };
}

/** 指標の一覧を作る。 */
export function createMeters() {
  const meters = [];
  const groups = GROUPS.map(({ key, title, note, metrics }) => {
    const rows = metrics.map(([name, label]) => createMeter(key, name, label));
    meters.push(...rows);
    const head = h("p", { class: "sst-meter-title", "aria-hidden": "true" }, title, note ? h("small", { text: note }) : null);
    return h("div", { class: "sst-meter-group", role: "group", "aria-label": `${title}${note ? `（${note}）` : ""}` },
      head, h("dl", {}, ...rows.map((row) => row.el)));
  });
  const scale = h("div", { class: "sst-meter-scale", "aria-hidden": "true" },
    ...[-20, 0, 20, 40].map((v) => h("span", { text: String(v).replace("-", "−"), style: { "--value": position(v) } })));
  return {
    el: h("div", { class: "sst-meters" }, ...groups, h("div", { class: "sst-meter-row" }, h("span"), scale, h("span", { class: "sst-meter-unit", text: "dB" }))),
    show(scores, before, noiseKnown) {
      for (const meter of meters) {
        meter.el.hidden = !noiseKnown && meter.key !== null && meter.name === "snr";
        meter.show(readScore(scores, meter.key, meter.name), before && readScore(before, meter.key, meter.name));
      }
    },
  };
}
