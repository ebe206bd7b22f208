// 位相の選びかたと、反復の操作。値はすべて model にあり、ここは読み書きするだけ。

import { button, choice, h, select, slider } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { phaseGradient } from "./colors.js";

const STARTS = [["true", "真の位相"], ["mixture", "混合音の位相"], ["zero", "すべて 0"], ["random", "ランダム"]];
const METHODS = [["griffin_lim", "Griffin–Lim"], ["misi", "MISI"]];
const HINTS = {
  griffin_lim: "正解の振幅だけを使い、矛盾のない位相を探します。",
  misi: "全音源の正解の振幅と混合音を使い、和が混合音になる位相を探します。",
};

/** 曲線の名前。 */
export function runLabel({ start, method, momentum }) {
  const name = STARTS.find(([value]) => value === start)[1];
  return `${name} → ${method === "misi" ? "MISI" : `Griffin–Lim（勢い ${momentum.toFixed(2)}）`}`;
}

/** はじめの位相。混合音がないときは、混合音の位相を選べない。 */
export function startControls({ frame, model }) {
  const start = choice({ label: "位相", hideLabel: true, options: STARTS, value: model.get("start"), onChange: (v) => frame.save({ start: v }) });
  const note = h("p", { class: "sst-help" });
  return {
    el: panel("1. 位相を選ぶ", start.el, note),
    refresh(own) {
      start.value = model.get("start");
      start.el.querySelector("[value=mixture]").disabled = own;
      note.textContent = own
        ? "振幅は、あなたの音のまま変えません。自分の音には混ぜた音がないので、混合音の位相と MISI は使えません。"
        : "振幅は、正解の音のまま変えません。変えるのは位相だけです。";
    },
  };
}

/** 反復の方法、勢い、進めるボタン。actions は { step(回数), toggle(), reset() }。 */
export function searchControls({ frame, model, actions, limit }) {
  const method = choice({ label: "方法", options: METHODS, value: model.get("method"), onChange: (v) => frame.save({ method: v }) });
  const momentum = slider({
    label: "勢い（モメンタム）", min: 0, max: 0.99, step: 0.01, value: model.get("momentum"), format: (v) => (v === 0 ? "0（元の Griffin–Lim）" : v.toFixed(2)),
    onInput: (v) => frame.save({ momentum: v }),
  });
  const one = button({ label: "1 回", title: "1 回だけ進めます（S）", onClick: () => actions.step(1) });
  const ten = button({ label: "10 回", title: "10 回進めます（T）", onClick: () => actions.step(10) });
  const run = button({ label: "続ける", iconName: "play", onClick: () => actions.toggle() });
  const reset = button({ label: "はじめに戻す", kind: "quiet", title: "反復の前の位相に戻します（0）", onClick: () => actions.reset() });
  const hint = h("p", { class: "sst-help" });
  let shown = false; // 「止める」と見せているか。描画のたびに書きかえると、押している間に中身が替わる
  return {
    el: panel("2. 反復で位相を直す", h("div", { class: "sst-line" }, method.el, momentum.el), hint,
      h("div", { class: "sst-steps", role: "group", "aria-label": "反復を進める" }, one.el, ten.el, run.el, reset.el)),
    refresh({ own, running, iteration }) {
      method.value = model.get("method");
      method.el.querySelector("[value=misi]").disabled = own;
      momentum.el.hidden = model.get("method") === "misi";
      momentum.value = model.get("momentum");
      hint.textContent = HINTS[model.get("method")];
      if (running !== shown) run.setLabel(running ? "止める" : "続ける", running ? "pause" : "play");
      shown = running;
      for (const { el } of [one, ten, run]) el.disabled = !running && iteration >= limit;
      reset.el.disabled = iteration === 0 && !running;
    },
  };
}

/** 絵に描くものと、周波数の上限。色の凡例も。 */
export function pictureControls({ frame, model, hop }) {
  const sr = model.get("sr");
  const picture = choice({
    label: "色で描くもの", hideLabel: true, value: model.get("picture"), options: [["deviation", "位相の進みのずれ"], ["phase", "位相そのもの"]],
    onChange: (v) => frame.save({ picture: v }),
  });
  const tops = [1, 2, 4, 8].filter((khz) => 2000 * khz < sr).map((khz) => [String(khz), `${khz} kHz まで`]);
  const top = select({ label: "周波数の上限", hideLabel: true, value: "0", options: [...tops, ["0", "全部の周波数"]], onChange: (v) => frame.save({ max_khz: Number(v) }) });
  const band = h("i", { style: { background: phaseGradient() } });
  const ends = ["−π", "0", "π"].map((text) => h("span", { text }));
  const meaning = h("p", { class: "sst-help sst-cycle-note" });
  return {
    el: h("div", { class: "sst-picture-bar" }, picture.el, top.el,
      h("div", { class: "sst-cycle", "aria-hidden": "true" }, band, h("span", { class: "sst-cycle-ends" }, ...ends)), meaning),
    /** 絵の上端 [Hz]。 */
    maxHz() {
      const khz = model.get("max_khz");
      return tops.some(([value]) => value === String(khz)) ? 1000 * khz : sr / 2;
    },
    refresh() {
      picture.value = model.get("picture");
      top.value = tops.some(([value]) => value === String(model.get("max_khz"))) ? String(model.get("max_khz")) : "0";
      meaning.textContent = model.get("picture") === "phase" ? "色は位相 [rad]、明るさは振幅。"
        : `色は、前のフレームからの位相の進みと 2πkH/N の差 [rad]（π は +${Math.round(sr / (2 * hop))} Hz のずれ）。明るさは振幅。`;
    },
  };
}
