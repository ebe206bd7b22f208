// どの方法にも共通の操作：方法、右の絵、周波数の上限、低い音の扱い。値はすべて model にあり、ここは読み書きするだけ。

import { choice, h, select, slider } from "../ui/dom.js";
import { METHOD_NAMES } from "./names.js";

const CUTOFFS = [0, 50, 100, 150, 200, 300, 400, 500, 700, 1000];
const PICTURES = [["model", "背景の推定"], ["mask", "背景のマスク"], ["background", "背景"], ["foreground", "前景"]];

/**
 * 値の一覧から選ぶスライダー。Python が一覧にない値を入れたときも、つまみは近い値に置き、文字はその値を見せる。
 * @param {object} options `slider` と同じ。
 * @returns {{el: HTMLElement, show: (value: number) => void}}
 */
export function steppedSlider(options) {
  const item = slider(options);
  const output = item.el.querySelector("output");
  return {
    el: item.el,
    show(value) {
      item.value = value;
      output.textContent = options.format(value);
      item.input.setAttribute("aria-valuetext", output.textContent);
    },
  };
}

/** 方法の選択。 */
export function methodChoice({ frame, model }) {
  const pick = choice({ label: "分け方", options: Object.entries(METHOD_NAMES), value: model.get("method"), onChange: (v) => frame.save({ method: v }) });
  pick.el.classList.add("sst-repetition-method");
  return { el: pick.el, refresh() { pick.value = model.get("method"); } };
}

/** 絵の選び方と、低い音の扱い。 */
export function pictureControls({ frame, model }) {
  const sr = model.get("sr");
  const picture = choice({ label: "右の絵", options: PICTURES, value: model.get("picture"), onChange: (v) => frame.save({ picture: v }) });
  const tops = [1, 2, 4, 8].filter((khz) => 2000 * khz < sr).map((khz) => [String(khz), `${khz} kHz まで`]);
  const known = () => tops.some(([value]) => value === String(model.get("max_khz")));
  const top = select({ label: "周波数の上限", hideLabel: true, value: "0", options: [...tops, ["0", "全部の周波数"]], onChange: (v) => frame.save({ max_khz: Number(v) }) });
  const cutoff = steppedSlider({ label: "すべて背景にする低い音", steps: CUTOFFS, value: 100, format: (v) => (v ? `${v} Hz より下` : "なし"), onInput: (v) => frame.save({ high_pass_cutoff: v }) });
  return {
    el: h("div", { class: "sst-repetition-bar" }, picture.el, top.el, cutoff.el),
    /** 絵の上端 [Hz]。 */
    maxHz: () => (known() ? 1000 * model.get("max_khz") : sr / 2),
    refresh() {
      picture.value = model.get("picture");
      top.value = known() ? String(model.get("max_khz")) : "0";
      cutoff.show(model.get("high_pass_cutoff"));
    },
  };
}
