// 窓とマスクのつまみ、絵の選びかた。値はすべて model にあり、ここは読み書きするだけ。

import { choice, h, select, slider } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { restColor, shareGradient } from "./colors.js";

const N_FFTS = [512, 1024, 2048, 4096]; // sstut.widgets.hpss.N_FFTS と同じ
const MAX_KERNEL = 101;
const POWERS = [0.5, 1, 2, 4, 8, Infinity]; // ∞ は二値マスク
const POWER_NAMES = { 1: "（振幅の比）", 2: "（パワーの比）" };
const MARGINS = Array.from({ length: 37 }, (_, i) => 1 + i / 4);

/** いまの STFT の、フレームの間隔 [秒] とビンの間隔 [Hz]。 */
function resolution(model) {
  const nFft = model.get("n_fft");
  return { seconds: nFft / model.get("hops_per_window") / model.get("sr"), hertz: model.get("sr") / nFft };
}

/** 中央値の窓と、STFT の窓の長さ。 */
export function windowControls({ frame, model }) {
  const kernel = (trait, label, format) => slider({
    label, min: 1, max: MAX_KERNEL, step: 2, value: model.get(trait), format, onInput: (v) => frame.save({ [trait]: v }),
  });
  const time = kernel("kernel_time", "横の窓（時間）", (v) => `${v} フレーム＝${Math.round(1000 * v * resolution(model).seconds)} ミリ秒`);
  const freq = kernel("kernel_freq", "縦の窓（周波数）", (v) => `${v} ビン＝${Math.round(v * resolution(model).hertz)} Hz`);
  time.el.style.setProperty("--track", "var(--sst-track-4)");
  freq.el.style.setProperty("--track", "var(--sst-track-1)");
  const size = choice({ label: "STFT の窓の長さ [サンプル]", options: N_FFTS.map((n) => [String(n), String(n)]), value: String(model.get("n_fft")), onChange: (v) => frame.save({ n_fft: Number(v) }) });
  const note = h("p", { class: "sst-help" });
  return {
    el: panel("1. 中央値を取る窓", time.el, freq.el, size.el, note),
    refresh() {
      time.value = model.get("kernel_time");
      freq.value = model.get("kernel_freq");
      size.value = String(model.get("n_fft"));
      const { seconds, hertz } = resolution(model);
      note.textContent = `フレームは ${(1000 * seconds).toFixed(1)} ミリ秒ごと、ビンは ${hertz.toFixed(1)} Hz ごとです。`;
    },
  };
}

/** マスクの鋭さと倍率。 */
export function maskControls({ frame, model }) {
  const power = slider({
    label: "マスクの鋭さ p", steps: POWERS, value: 2, format: (p) => (p === Infinity ? "∞（二値）" : `${p}${POWER_NAMES[p] ?? ""}`),
    onInput: (p) => frame.save(p === Infinity ? { binary: true } : { binary: false, power: p }),
  });
  const margin = (trait, label) => slider({ label, steps: MARGINS, value: model.get(trait), format: (v) => `${v.toFixed(2)} 倍`, onInput: (v) => frame.save({ [trait]: v }) });
  const harmonic = margin("margin_harmonic", "調波の倍率 βₕ");
  const percussive = margin("margin_percussive", "打楽器の倍率 βₚ");
  harmonic.el.style.setProperty("--track", "var(--sst-track-4)");
  percussive.el.style.setProperty("--track", "var(--sst-track-1)");
  const note = h("p", { class: "sst-help" });
  return {
    el: panel("2. マスクの作り方", power.el, harmonic.el, percussive.el, note),
    refresh(hasRest) {
      power.value = model.get("binary") ? Infinity : model.get("power");
      harmonic.value = model.get("margin_harmonic");
      percussive.value = model.get("margin_percussive");
      note.textContent = hasRest ? "相手の β 倍より弱い点は「残り」に入ります。" : "どちらかの倍率を 1 より大きくすると、どちらでもない「残り」ができます。";
    },
  };
}

/** 下の 2 枚の絵に描くものと、周波数の上限。色の凡例も。 */
export function pictureControls({ frame, model }) {
  const sr = model.get("sr");
  const picture = choice({
    label: "下の絵", value: model.get("picture"), options: [["median", "中央値"], ["mask", "マスク"], ["component", "成分"]],
    onChange: (v) => frame.save({ picture: v }),
  });
  const tops = [1, 2, 4, 8].filter((khz) => 2000 * khz < sr).map((khz) => [String(khz), `${khz} kHz まで`]);
  const known = () => tops.some(([value]) => value === String(model.get("max_khz")));
  const top = select({ label: "周波数の上限", hideLabel: true, value: "0", options: [...tops, ["0", "全部の周波数"]], onChange: (v) => frame.save({ max_khz: Number(v) }) });
  const rest = h("span", { class: "sst-hpss-rest" }, h("i", { style: { background: restColor() } }), "残り");
  const key = h("div", { class: "sst-hpss-key", "aria-hidden": "true" }, h("span", { text: "調波" }), h("i", { style: { background: shareGradient() } }), h("span", { text: "打楽器" }), rest);
  return {
    el: h("div", { class: "sst-hpss-bar" }, picture.el, top.el, key),
    /** 絵の上端 [Hz]。 */
    maxHz: () => (known() ? 1000 * model.get("max_khz") : sr / 2),
    refresh(hasRest) {
      picture.value = model.get("picture");
      top.value = known() ? String(model.get("max_khz")) : "0";
      rest.hidden = !hasRest;
    },
  };
}
