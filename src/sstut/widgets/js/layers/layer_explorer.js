// 層を重ねて、長さ、ストライド、受容野、先読みを調べる部品。

import { fieldOf, nextValidLength, places, stackLengths, trace } from "../dsp/layers.js";
import { button, choice, h, onFrame, slider, toggle } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { digitKeys } from "../ui/keys.js";
import { factList, panel, tryThis } from "../ui/parts.js";
import { createDiagram } from "./diagram.js";
import { createEditor } from "./editor.js";
import { FRESH, KINDS, levelName, milliseconds, strideText } from "./names.js";
import { createTable } from "./table.js";

const MAX_LAYERS = 32;
const MAX_SAMPLES = 48000;
const SEARCH = 20000; // 合う長さを探す範囲
const OWN = "own"; // 「自分で組んだもの」

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderLayers({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "layers" });
  const get = (name) => model.get(name);
  const timing = []; // 変わってから、絵ができるまで [ミリ秒]
  const presets = get("presets");
  const options = [...presets.map(({ name, label }) => [name, label]), [OWN, "自分で組む"]];
  let stack = null; // 層の並びから決まるもの。変わったら null にして、求めなおす
  let now = null; // stack に、選んだ出力が見る点を加えたもの
  let asked = null;

  const same = (a, b) => JSON.stringify(a.map(sorted)) === JSON.stringify(b.map(sorted));
  const sorted = (layer) => Object.entries(layer).sort();
  const presetName = () => presets.find(({ layers }) => same(layers, get("layers")))?.name ?? OWN;
  const selected = () => Math.min(get("selected"), get("layers").length - 1);
  function load(name) {
    const preset = presets.find((item) => item.name === name);
    if (preset) frame.save({ layers: preset.layers, selected: 0, position: -1 });
    else stencil.value = presetName(); // 「自分で組む」は、層を変えると選ばれる
  }

  /** 並びの変えかた。消したり動かしたりした段を指すスキップ接続は、指す相手を追う。 */
  function edit(how) {
    const layers = get("layers");
    const i = selected();
    const order = layers.map((_, n) => n);
    let next = i;
    if (how === "add" || how === "copy") order.splice(i + 1, 0, how === "copy" ? i : -1);
    if (how === "remove") order.splice(i, 1);
    if (how === "up" || how === "down") {
      next = how === "up" ? i - 1 : i + 1;
      order.splice(next, 0, ...order.splice(i, 1));
    }
    if (how === "add" || how === "copy") next = i + 1;
    if (how === "remove") next = Math.max(0, Math.min(i, order.length - 1));
    const moved = (source) => (source === 0 ? 0 : Math.max(0, order.indexOf(source - 1) + 1));
    const made = order.map((from, n) => {
      if (from < 0) return { kind: "conv", ...FRESH.conv };
      const layer = layers[from];
      return layer.kind === "skip" ? { ...layer, source: Math.min(n, moved(layer.source)) } : { ...layer };
    });
    frame.save({ layers: made, selected: next });
  }

  // 操作
  const stencil = choice({ label: "ひな形", options, value: presetName(), onChange: load });
  const length = slider({
    label: "入力の長さ", min: 1, max: Math.max(16000, get("n_samples")), step: 1, value: get("n_samples"),
    format: (n) => `${n.toLocaleString("en")} サンプル（${milliseconds(n, get("sr"))}）`, onInput: (n) => frame.save({ n_samples: n }),
  });
  const shorter = (step) => button({ label: step > 0 ? `+${step}` : `−${-step}`, title: `入力の長さを ${Math.abs(step)} ${step > 0 ? "伸ばす" : "縮める"}`, onClick: () => frame.save({ n_samples: Math.max(1, Math.min(MAX_SAMPLES, get("n_samples") + step)) }) }).el;
  const causal = toggle({ label: "0 を過去の側だけに補う", pressed: get("causal"), title: "未来を見ないように、左に寄せて 0 を補います。長さは変わりません。", onToggle: (on) => frame.save({ causal: on }) });
  const table = createTable({ group: frame.group, onSelect: (i) => frame.save({ selected: i }) });
  const editor = createEditor({
    onChange: (layer) => frame.save({ layers: get("layers").map((old, i) => (i === selected() ? layer : old)) }),
    onEdit: edit,
  });
  const diagram = createDiagram({ signal: frame.signal, onIndex: (n) => frame.save({ position: n }) });

  // 結果
  const facts = factList(["出力の長さ", "ストライド", "受容野", "時間にすると", "先読み", "因果的か"]);
  const sees = h("p", { class: "sst-layers-sees" });
  const alertText = h("p");
  const fixBox = h("div", { class: "sst-layers-edits" });
  const alertBox = h("div", { class: "sst-layers-alert", role: "alert" }, alertText, fixBox);

  /** 段ごとの長さ、置き場所、受容野。出力を動かすだけなら、変わらない。 */
  function measure() {
    const [layers, isCausal] = [get("layers"), get("causal")];
    const { lengths, error } = stackLengths(layers, get("n_samples"));
    const place = places(layers, lengths.length, isCausal);
    const levels = lengths.map((n, i) => ({ length: n, place: place[i], field: fieldOf(layers, i, isCausal) }));
    return { layers, levels, lengths, error, causal: isCausal, sr: get("sr"), selected: selected() };
  }
  function follow() {
    const { layers, lengths, causal: isCausal } = stack;
    const [wanted, n] = [get("position"), lengths.at(-1)];
    const index = wanted < 0 ? Math.floor(n / 2) : Math.min(wanted, n - 1);
    const traced = trace(layers, lengths, index, isCausal);
    now = { ...stack, index, levels: stack.levels.map((level, i) => ({ ...level, ...traced[i] })) };
  }

  function showResults() {
    const { levels, index, sr } = now;
    const { length: n, field } = levels.at(-1);
    const ahead = Math.max(0, field.lookahead);
    facts.show(`${n.toLocaleString("en")}`, strideText(field.stride), `${field.size.toLocaleString("en")} サンプル`, milliseconds(field.size, sr),
      ahead === 0 ? "なし" : `${ahead.toLocaleString("en")} サンプル（${milliseconds(ahead, sr)}）`, ahead === 0 ? "因果的" : "未来も見る");
    const [{ seen }, zeros] = [levels[0], levels.some((level) => level.zeros.length > 0)];
    const range = seen.length === 0 ? "入力を 1 つも見ません" : `入力の ${seen[0].toLocaleString("en")}〜${seen.at(-1).toLocaleString("en")} 番のうち、${seen.length.toLocaleString("en")} 個を見ます`;
    const words = `${levels.length === 1 ? "入力" : `${levelName(levels.length - 1)} 番の層の出力`} ${index.toLocaleString("en")} は、${range}${zeros ? "（補った 0 も使います）" : ""}。`;
    sees.textContent = words;
    return words;
  }

  function showError() {
    const { error, layers } = stack;
    alertBox.hidden = error === null;
    if (!error) return;
    const layer = layers[error.layer];
    const why = layer.kind === "skip" ? "縮めるときに余りを切り捨てると、広げても元の長さに戻りません。" : "";
    const first = nextValidLength(layers, get("n_samples"), Math.min(MAX_SAMPLES, get("n_samples") + SEARCH));
    const second = first && nextValidLength(layers, first, Math.min(MAX_SAMPLES, first + SEARCH));
    const rule = second && layer.kind === "skip" ? `合う長さは、${second - first} サンプルおきにあります。` : "";
    const none = first === null ? "入力を伸ばしても合いません。層の大きさを見なおしてください。" : "";
    alertText.textContent = `${error.layer + 1} 番（${KINDS[layer.kind]}）：${error.message}${why}${rule}${none}`;
    const fix = first === null ? [] : [button({ label: `入力の長さを ${first.toLocaleString("en")} にする`, onClick: () => frame.save({ n_samples: first }) }).el];
    fixBox.replaceChildren(...fix);
  }

  function draw() {
    if (stack === null) {
      stack = measure();
      stencil.value = presetName();
      length.value = get("n_samples");
      causal.pressed = get("causal");
      table.show(stack);
      editor.show(stack.layers, stack.selected, stack.layers.length >= MAX_LAYERS);
      showError();
    }
    follow();
    diagram.draw(now, showResults());
    if (asked !== null) timing.push(performance.now() - asked);
    if (timing.length > 200) timing.shift();
    asked = null;
  }
  const update = onFrame(draw);
  for (const name of ["layers", "n_samples", "sr", "causal", "position", "selected"]) {
    frame.onTrait(name, () => {
      if (name !== "position") stack = null;
      asked ??= performance.now();
      update();
    });
  }

  const key = h("p", { class: "sst-layers-key" },
    ...[["sst-layers-out", "選んだ出力"], ["sst-layers-seen", "見る点"], ["sst-layers-zero", "補った 0"]].map(([name, text]) => h("span", {}, h("i", { class: name, "aria-hidden": "true" }), text)));
  frame.body.append(
    tryThis("図を横に引いて、出力を動かします。青い点が、その出力が見る入力です。表の行を押すと、その層の大きさを変えられます。"),
    h("div", { class: "sst-layers-top" }, stencil.el, h("div", { class: "sst-layers-input-row" }, length.el, h("div", { class: "sst-layers-edits" }, shorter(-1), shorter(1), causal.el))),
    h("div", {}, h("div", { class: "sst-layers-picture" }, diagram.el), key, sees),
    facts.el, alertBox,
    h("div", { class: "sst-columns sst-layers-bottom" }, panel("層の一覧（上が入力）", table.el), panel("選んだ層", editor.el)),
  );
  frame.keys([
    digitKeys("ひな形を選ぶ", (i) => { if (presets[i]) load(presets[i].name); }),
    { keys: [], show: "← →", label: "図で、選んだ出力を動かす（Shift で 10 ずつ）", run: () => {} },
  ]);
  draw();
  frame.ready({
    state: () => ({
      lengths: now.levels.map(({ length: n }) => n), fields: now.levels.map(({ field }) => field), index: now.index,
      seen: now.levels[0].seen, error: now.error, selected: now.selected, preset: presetName(),
    }),
    render: () => { throw new Error("この部品は、音を鳴らしません。"); },
    sound: () => { throw new Error("この部品は、音を持ちません。"); },
    timing,
  });
  return frame.dispose;
}
