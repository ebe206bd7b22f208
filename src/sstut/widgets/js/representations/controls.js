// STFT の部品の操作：分析、見え方、帯域。値はすべて model にあり、ここは読み書きするだけ。

import { button, choice, h, select, slider } from "../ui/dom.js";
import { formatHz } from "../ui/format.js";
import { frequencyScale } from "../ui/scales.js";
import { panel } from "../ui/parts.js";
import { windowOptions } from "./windows.js";

const WIN_LENGTHS = [256, 512, 1024, 2048, 4096, 8192, 16384];
const HOPS = [64, 128, 256, 512, 1024, 2048, 4096];
const RATIOS = [1 / 16, 1 / 8, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 1.25]; // ホップ長 ÷ 窓長

const percent = (ratio) => `${Math.round(100 * ratio)} %`;

/** 窓・窓長・ゼロ詰め・ホップ長。窓長を動かすとき、ホップ長かその割合のどちらかを保つ。 */
export function analysisControls({ frame, model, sr }) {
  const milliseconds = (n) => `${((1000 * n) / sr).toFixed(n * 100 < sr ? 1 : 0)} ミリ秒`;
  const get = (name) => model.get(name);
  const overlap = (hop) => (hop <= get("win_length") ? `重なり ${percent(1 - hop / get("win_length"))}` : "窓より長い");

  const window = select({ label: "窓の種類", options: windowOptions, value: get("window"), onChange: (name) => frame.save({ window: name }) });
  const winLength = slider({
    label: "窓長", steps: WIN_LENGTHS, value: get("win_length"), format: (n) => `${n} サンプル（${milliseconds(n)}）`,
    onInput: (n) => {
      const kept = get("hop_mode") === "samples" ? get("hop_length") : Math.max(1, Math.round((get("hop_length") * n) / get("win_length")));
      frame.save({ win_length: n, n_fft: n * padding(), hop_length: kept });
    },
  });
  const padding = () => Math.max(1, Math.round(get("n_fft") / get("win_length")));
  const zeros = choice({
    label: "ゼロ詰め", options: [["1", "なし"], ["2", "2 倍"], ["4", "4 倍"]], value: String(padding()),
    onChange: (times) => frame.save({ n_fft: get("win_length") * Number(times) }),
  });

  // 渡された値が一覧になければ加える。動かさないかぎり、値が変わらないようにするため。
  const including = (list, value) => [...new Set([...list, value])].sort((a, b) => a - b);
  const hop = slider({
    label: "ホップ長", steps: including(HOPS, get("hop_length")), value: get("hop_length"),
    format: (n) => `${n} サンプル（${overlap(n)}）`, onInput: (n) => frame.save({ hop_length: n }),
  });
  const ratio = slider({
    label: "ホップ長 ÷ 窓長", steps: including(RATIOS, get("hop_length") / get("win_length")), value: get("hop_length") / get("win_length"),
    format: (r) => `${percent(r)}（${Math.round(r * get("win_length"))} サンプル）`,
    onInput: (r) => frame.save({ hop_length: Math.max(1, Math.round(r * get("win_length"))) }),
  });
  const mode = choice({
    label: "窓長を動かすとき", options: [["samples", "ホップ長を保つ"], ["ratio", "重なりを保つ"]], value: get("hop_mode"),
    onChange: (name) => frame.save({ hop_mode: name }),
  });

  function refresh() {
    window.value = get("window");
    winLength.value = get("win_length");
    zeros.value = String(padding());
    hop.value = get("hop_length");
    ratio.value = get("hop_length") / get("win_length");
    mode.value = get("hop_mode");
    hop.el.hidden = get("hop_mode") !== "samples";
    ratio.el.hidden = get("hop_mode") === "samples";
  }
  refresh();
  const el = panel("分析", h("div", { class: "sst-columns" },
    h("div", { class: "sst-column" }, window.el, zeros.el), h("div", { class: "sst-column" }, winLength.el, hop.el, ratio.el, mode.el)));
  return { el, refresh };
}

/** 値の目盛り、周波数の軸と範囲、デシベルの幅。 */
export function pictureControls({ frame, model, sr }) {
  const ranges = { full: [0, sr / 2], "4k": [0, Math.min(4000, sr / 2)], "2k": [0, 2000], band: null };
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  const rangeName = () => Object.keys(ranges).find((name) => ranges[name] && same(ranges[name], model.get("zoom"))) ?? "band";
  const zoom = choice({
    label: "周波数の範囲", options: [["full", "全体"], ["4k", "4 kHz まで"], ["2k", "2 kHz まで"], ["band", "残す帯域"]], value: rangeName(),
    onChange: (name) => frame.save({ zoom: ranges[name] ?? model.get("band") }),
  });
  const scale = choice({
    label: "値の目盛り", options: [["amplitude", "振幅"], ["power", "パワー"], ["log", "対数"], ["mel", "メル"]], value: model.get("scale"),
    onChange: (name) => {
      // メルは、メルの軸で見るのがふつう。ほかへ移ったら、元の軸に戻す。
      if (name === "mel") frame.save({ scale: name, axis: "mel" });
      else frame.save({ scale: name, axis: model.get("axis") === "mel" ? "linear" : model.get("axis") });
    },
  });
  const axis = choice({
    label: "周波数の軸", options: [["linear", "線形"], ["log", "対数"], ["mel", "メル"]], value: model.get("axis"),
    onChange: (name) => frame.save({ axis: name }),
  });
  const range = slider({
    label: "明るさの幅", min: 20, max: 120, step: 5, value: model.get("db_range"), format: (v) => `最大から ${v} dB`,
    onInput: (v) => frame.save({ db_range: v }),
  });
  function refresh() {
    scale.value = model.get("scale");
    axis.value = model.get("axis");
    zoom.value = rangeName();
    range.value = model.get("db_range");
    range.input.disabled = ["amplitude", "power"].includes(model.get("scale"));
  }
  refresh();
  return { el: panel("見え方", scale.el, axis.el, zoom.el, range.el), refresh };
}

/** 残す帯域の下限と上限。位置はメルの目盛りで動かす（低い周波数を細かく選べる）。 */
export function bandControls({ frame, model, sr }) {
  const mel = frequencyScale("mel", sr / 2);
  const gap = 40; // 下限と上限の、いちばん近い間隔 [Hz]
  const set = (edge, hz) => {
    const [low, high] = model.get("band");
    const snapped = hz > 0.999 * (sr / 2) ? sr / 2 : Math.round(hz);
    frame.save({ band: edge === "low" ? [Math.max(0, Math.min(snapped, high - gap)), high] : [low, Math.min(sr / 2, Math.max(snapped, low + gap))] });
  };
  const edgeSlider = (edge, label, open) => slider({
    label, min: 0, max: 1, step: 0.005, value: mel.toUnit(model.get("band")[edge === "low" ? 0 : 1]),
    format: (u) => (u === (edge === "low" ? 0 : 1) ? open : formatHz(mel.toHz(u))), onInput: (u) => set(edge, mel.toHz(u)),
  });
  const low = edgeSlider("low", "残す帯域の下限", "0 Hz（端まで）");
  const high = edgeSlider("high", "残す帯域の上限", `${formatHz(sr / 2)}（端まで）`);
  const reset = button({ label: "全体に戻す", onClick: () => frame.save({ band: [0, sr / 2] }) });
  function refresh() {
    const [a, b] = model.get("band");
    low.value = mel.toUnit(a);
    high.value = mel.toUnit(b);
    reset.el.disabled = a === 0 && b === sr / 2;
  }
  refresh();
  return { el: panel("編集：帯域を残す", low.el, high.el, reset.el), refresh, set };
}
