// 損失、方法、学習率、ミニバッチ、切り詰めのつまみ。値はすべて model にあり、ここは読み書きするだけ。

import { choice, h, select, slider } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { DEFAULTS, hasSound, SURFACE_NAMES } from "./surfaces.js";

export const METHOD_NAMES = { sgd: "勾配降下法", momentum: "勢いつき", nesterov: "Nesterov の加速", rmsprop: "RMSprop", adam: "Adam" };
const BATCHES = [[0, "全部"], [16, "16"], [4, "4"], [1, "1"]];
const CLIPS = [["off", "なし"], ["norm", "長さの上限"], ["auto", "AutoClip"]];

/** 有効数字 2 桁。 */
export const short = (v) => Number(v.toPrecision(2)).toString().replace("-", "−");

/** 値の対数に比例して動くスライダー。 */
function logSlider({ label, low, high, value, onInput }) {
  const item = slider({
    label, min: Math.log10(low), max: Math.log10(high), step: 0.02, value: Math.log10(value),
    format: (v) => short(10 ** v), onInput: (v) => onInput(Number((10 ** v).toPrecision(3))),
  });
  return { el: item.el, set value(v) { item.value = Math.log10(v); } };
}

/** 損失の選択。変えると、出発点と学習率を、その損失の値に戻す。 */
export function surfaceControl({ frame, model }) {
  const pick = choice({
    label: "損失", value: model.get("surface"), options: Object.entries(SURFACE_NAMES),
    onChange: (surface) => frame.save({ n_iter: 0, start: [], lr: DEFAULTS[surface].lr, surface }),
  });
  const condition = slider({
    label: "おわんの条件数 κ（急な向きとゆるい向きの曲率の比）", min: 1, max: 100, step: 1, value: model.get("condition"),
    onInput: (v) => frame.save({ condition: v }),
  });
  return {
    el: h("div", { class: "sst-opt-surface" }, pick.el, condition.el),
    refresh() {
      pick.value = model.get("surface");
      condition.value = model.get("condition");
      condition.el.hidden = model.get("surface") !== "bowl";
    },
  };
}

/** 進みかたのつまみ。 */
export function methodControls({ frame, model }) {
  const get = (name) => model.get(name);
  const save = (name) => (v) => frame.save({ [name]: v });
  const method = select({ label: "方法", options: Object.entries(METHOD_NAMES), value: get("method"), onChange: save("method") });
  const lr = logSlider({ label: "学習率 η", low: 1e-4, high: 10, value: get("lr"), onInput: save("lr") });
  const momentum = slider({ label: "勢い μ（Adam では β₁）", min: 0, max: 0.99, step: 0.01, value: get("momentum"), format: (v) => v.toFixed(2), onInput: save("momentum") });
  const batch = choice({ label: "1 歩に使う区間の数（ミニバッチ）", options: BATCHES.map(([n, text]) => [String(n), text]), value: String(get("batch")), onChange: (v) => frame.save({ batch: Number(v) }) });
  const clip = choice({ label: "勾配クリッピング", options: CLIPS, value: get("clip"), onChange: save("clip") });
  const maxNorm = logSlider({ label: "勾配の長さの上限", low: 0.01, high: 100, value: get("max_norm"), onInput: save("max_norm") });
  const percentile = slider({ label: "上限にするパーセンタイル", min: 0, max: 100, step: 1, value: get("percentile"), unit: "%", onInput: save("percentile") });
  return {
    el: panel("進みかた", method.el, lr.el, momentum.el, batch.el, clip.el, maxNorm.el, percentile.el),
    refresh() {
      method.value = get("method");
      lr.value = get("lr");
      momentum.value = get("momentum");
      momentum.el.hidden = !["momentum", "nesterov", "adam"].includes(get("method"));
      batch.value = String(get("batch"));
      batch.el.hidden = !hasSound(get("surface"));
      clip.value = get("clip");
      maxNorm.value = get("max_norm");
      maxNorm.el.hidden = get("clip") !== "norm";
      percentile.value = get("percentile");
      percentile.el.hidden = get("clip") !== "auto";
    },
  };
}
