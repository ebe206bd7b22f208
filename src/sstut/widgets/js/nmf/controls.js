// くり返しと、分け方のつまみ、絵の選びかた。値はすべて model にあり、ここは読み書きするだけ。

import { button, choice, h, select, slider } from "../ui/dom.js";
import { panel } from "../ui/parts.js";
import { MAX_COMPONENTS } from "./colors.js";

export const MAX_ITER = 200; // sstut.widgets.nmf.RANGES の n_iter と同じ
const LOSSES = [["kl", "KL"], ["euclidean", "ユークリッド"], ["is", "板倉・斎藤"]];
const WHAT = { kl: "振幅を分けます。", euclidean: "振幅を分けます。大きな点を重んじます。", is: "パワーを分けます。小さな点も同じに重んじます。" };

/**
 * くり返しを進める・戻す。
 * @param {object} options chart: 損失の図。onRun: (走らせるか) => void。
 */
export function iterationControls({ frame, model, chart, onRun }) {
  const go = (n) => {
    onRun(false);
    frame.save({ n_iter: Math.max(0, Math.min(MAX_ITER, n)) });
  };
  const count = slider({ label: "直した回数", min: 0, max: MAX_ITER, step: 1, value: model.get("n_iter"), format: (n) => (n === 0 ? "0 回（乱数の初期値）" : `${n} 回`), onInput: go });
  const step = button({ label: "1 回進める", onClick: () => go(model.get("n_iter") + 1) });
  let running = false;
  const run = button({ label: "走らせる", iconName: "play", onClick: () => onRun(!running) });
  const reset = button({ label: "初めに戻す", onClick: () => go(0) });
  return {
    el: panel("1. くり返して直す", count.el, h("div", { class: "sst-nmf-buttons" }, run.el, step.el, reset.el), chart),
    go,
    refresh(isRunning) {
      if (count.value !== model.get("n_iter")) count.value = model.get("n_iter");
      step.el.disabled = model.get("n_iter") === MAX_ITER;
      if (isRunning !== running) run.setLabel(isRunning ? "止める" : "走らせる", isRunning ? "pause" : "play");
      running = isRunning;
    },
  };
}

/** 成分の数、損失、初期値。 */
export function settingControls({ frame, model }) {
  const count = slider({ label: "成分の数 K", min: 1, max: MAX_COMPONENTS, step: 1, value: model.get("n_components"), format: String, onInput: (n) => frame.save({ n_components: n }) });
  const loss = choice({ label: "近さの測り方", options: LOSSES, value: model.get("loss"), onChange: (v) => frame.save({ loss: v }) });
  const note = h("p", { class: "sst-help" });
  const seed = h("output", { class: "sst-value" });
  const draw = (step) => frame.save({ seed: Math.max(0, Math.min(2 ** 32 - 1, model.get("seed") + step)) });
  const [back, next] = [button({ label: "前の種", onClick: () => draw(-1) }), button({ label: "次の種", onClick: () => draw(1) })];
  const seeds = h("div", { class: "sst-nmf-seed", role: "group", "aria-label": "初期値の乱数の種" }, h("span", { class: "sst-label", text: "初期値の乱数の種" }), seed, h("div", { class: "sst-nmf-buttons" }, back.el, next.el));
  return {
    el: panel("2. 分け方を変える", count.el, h("div", {}, loss.el, note), seeds),
    refresh() {
      count.value = model.get("n_components");
      loss.value = model.get("loss");
      note.textContent = WHAT[model.get("loss")];
      seed.textContent = String(model.get("seed"));
      back.el.disabled = model.get("seed") === 0;
    },
  };
}

/** 真ん中の絵に描くものと、周波数の上限。 */
export function pictureControls({ frame, model }) {
  const sr = model.get("sr");
  const picture = choice({
    label: "真ん中の絵", options: [["target", "V（混合音）"], ["approximation", "W H（近似）"], ["heard", "聞こえる成分"]], value: model.get("picture"),
    onChange: (v) => frame.save({ picture: v }),
  });
  const tops = [1, 2, 4, 8].filter((khz) => 2000 * khz < sr).map((khz) => [String(khz), `${khz} kHz まで`]);
  const known = () => tops.some(([value]) => value === String(model.get("max_khz")));
  const top = select({ label: "周波数の上限", hideLabel: true, value: "0", options: [...tops, ["0", "全部の周波数"]], onChange: (v) => frame.save({ max_khz: Number(v) }) });
  return {
    el: h("div", { class: "sst-nmf-bar" }, picture.el, top.el),
    /** 絵の上端 [Hz]。 */
    maxHz: () => (known() ? 1000 * model.get("max_khz") : sr / 2),
    refresh() {
      picture.value = model.get("picture");
      top.value = known() ? String(model.get("max_khz")) : "0";
    },
  };
}
