// 画面の部品。どれも名前・値・単位が見え、読み上げとキーボードで使える。
//   h(tag, props, ...children)  要素を作る
//   icon(name)                  線画のアイコン（svg）
//   button / toggle             押しボタン / オンとオフ
//   slider / select / choice    数直線 / 一覧から選ぶ / 並んだ選択肢から 1 つ
//   liveText()                  変わると読み上げられる短い文
//   onFrame(f)                  何度呼ばれても、次の描画の前に 1 回だけ f を呼ぶ関数
// slider・select・choice は { el, value }、toggle は { el, pressed } を返す。value と pressed は
// 読み書きでき、書いたときは onInput などを呼ばない（Python から来た値を映すのに使う）。

// 同じページの別の部品と id が重ならないように、乱数を頭につける。
const PREFIX = `sst-${Math.random().toString(36).slice(2, 8)}`;
let serial = 0;

/** ページの中で重ならない id。 */
export function uniqueId() {
  serial += 1;
  return `${PREFIX}-${serial}`;
}

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "line", "g", "text"]);

/**
 * 要素を作る。
 * @param {string} tag 要素の名前。
 * @param {object} [props] 属性。class・text・on（イベント）・style（オブジェクト）は特別に扱い、
 *   false・null・undefined の属性は付けず、true は値のない属性にする。
 * @param {...(Node|string|null)} children 子。null は飛ばす。
 * @returns {HTMLElement|SVGElement}
 */
export function h(tag, props = {}, ...children) {
  const el = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "text") el.textContent = value;
    else if (key === "on") for (const [type, f] of Object.entries(value)) el.addEventListener(type, f);
    else if (key === "style") for (const [name, v] of Object.entries(value)) el.style.setProperty(name, v);
    else el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...children.filter((child) => child !== null && child !== undefined));
  return el;
}

const ICONS = {
  play: "M8 5.2v13.6c0 .7.8 1.1 1.4.7l10.2-6.8c.5-.3.5-1.1 0-1.4L9.4 4.5C8.8 4.1 8 4.5 8 5.2z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  loop: "M17 2.5l3.5 3.5L17 9.5M20 6H8a5 5 0 0 0-5 5v1M7 21.5L3.5 18 7 14.5M4 18h12a5 5 0 0 0 5-5v-1",
  level: "M5 20V10M12 20V4M19 20v-7M2 10h6M9 15h6M16 8h6",
  file: "M12 15V4M7.5 8.5L12 4l4.5 4.5M4 15v4a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-4",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  save: "M12 4v11M7.5 10.5L12 15l4.5-4.5M4 15v4a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-4",
  keys: "M3.5 6h17A1.5 1.5 0 0 1 22 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-17A1.5 1.5 0 0 1 2 16.5v-9A1.5 1.5 0 0 1 3.5 6zM7 14.5h10M6 10h.01M10 10h.01M14 10h.01M18 10h.01",
};
const FILLED = new Set(["play", "pause"]);

/**
 * アイコン。意味は隣の文字が伝えるので、読み上げからは隠す。
 * @param {keyof ICONS} name 名前。
 */
export function icon(name) {
  const paint = FILLED.has(name)
    ? { fill: "currentColor" }
    : { fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round" };
  return h("svg", { class: "sst-icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: ICONS[name], ...paint }));
}

/**
 * 押しボタン。
 * @param {object} options label: 名前。iconName: アイコン。hideLabel: 文字を見せず読み上げだけにする。
 *   kind: "plain" | "primary" | "quiet"。title: 補足。onClick: 押されたとき。
 * @returns {{el: HTMLButtonElement, setLabel: (label: string, iconName?: string) => void}}
 */
export function button({ label, iconName = null, hideLabel = false, kind = "plain", title = null, onClick }) {
  const el = h("button", { type: "button", class: `sst-button sst-${kind}`, title, on: { click: onClick } });
  const setLabel = (text, newIcon = iconName) => {
    const words = h("span", { class: hideLabel ? "sst-hidden" : "sst-words", text });
    el.replaceChildren(...(newIcon ? [icon(newIcon)] : []), words);
  };
  setLabel(label);
  return { el, setLabel };
}

/**
 * オンとオフを切りかえるボタン。
 * @param {object} options `button` と同じ。pressed: はじめの状態。onToggle: (pressed) => void。
 * @returns {{el: HTMLButtonElement, pressed: boolean}}
 */
export function toggle({ label, pressed = false, onToggle, ...rest }) {
  const { el } = button({ label, ...rest, onClick: () => {
    set(el.getAttribute("aria-pressed") !== "true");
    onToggle(el.getAttribute("aria-pressed") === "true");
  } });
  const set = (on) => el.setAttribute("aria-pressed", String(Boolean(on)));
  el.classList.add("sst-toggle");
  set(pressed);
  return {
    el,
    get pressed() { return el.getAttribute("aria-pressed") === "true"; },
    set pressed(on) { set(on); },
  };
}

/** 名前・値・入力・説明を 1 つにまとめる。名前は見え、説明は入力に結びつく。 */
function field(input, { label, help, output = null, hideLabel = false }) {
  input.id = uniqueId();
  const name = h("label", { class: hideLabel ? "sst-hidden" : "sst-label", for: input.id, text: label });
  const note = help ? h("p", { class: "sst-help", id: uniqueId(), text: help }) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return h("div", { class: "sst-field" }, name, output, input, note);
}

/**
 * スライダー。
 * @param {object} options label、help: 名前と説明。min、max、step: 範囲。steps: 等間隔でない値の一覧
 *   （渡すと min などは使わない）。value: はじめの値。unit: 単位。format: (値) => 文字列。
 *   onInput: (値) => void。動かしている間、呼ばれ続ける。hideLabel: 名前を読み上げだけにする。
 * @returns {{el: HTMLElement, input: HTMLInputElement, value: number}}
 */
export function slider({
  label, help = null, min = 0, max = 1, step = "any", steps = null, value, unit = "",
  format = (v) => `${v}${unit ? ` ${unit}` : ""}`, onInput, hideLabel = false,
}) {
  const range = steps ? { min: 0, max: steps.length - 1, step: 1 } : { min, max, step };
  const input = h("input", { type: "range", class: "sst-range", ...range });
  const output = h("output", { class: "sst-value" });
  const read = () => (steps ? steps[Number(input.value)] : Number(input.value));
  const show = () => {
    output.textContent = format(read());
    input.setAttribute("aria-valuetext", output.textContent);
    const fraction = (Number(input.value) - range.min) / (range.max - range.min);
    input.style.setProperty("--fill", `${100 * fraction}%`);
  };
  const write = (v) => {
    input.value = steps ? nearest(steps, v) : v;
    show();
  };
  write(value);
  input.addEventListener("input", () => {
    show();
    onInput(read());
  });
  const el = field(input, { label, help, output, hideLabel });
  output.htmlFor = input.id;
  return {
    el, input,
    get value() { return read(); },
    set value(v) { write(v); },
  };
}

function nearest(values, v) {
  let best = 0;
  values.forEach((x, i) => { if (Math.abs(x - v) < Math.abs(values[best] - v)) best = i; });
  return best;
}

/**
 * 一覧から 1 つ選ぶ。
 * @param {object} options label、help。options: [値, 表示] の配列。value。onChange: (値) => void。
 * @returns {{el: HTMLElement, input: HTMLSelectElement, value: string}}
 */
export function select({ label, help = null, options, value, onChange, hideLabel = false }) {
  const input = h("select", { class: "sst-select", on: { change: () => onChange(input.value) } });
  for (const [v, text] of options) input.append(h("option", { value: v, text }));
  input.value = value;
  return {
    el: field(input, { label, help, hideLabel }), input,
    get value() { return input.value; },
    set value(v) { input.value = v; },
  };
}

/**
 * 並んだ選択肢から 1 つ選ぶ。
 * @param {object} options label。options: [値, 表示] の配列。value。onChange: (値) => void。
 * @returns {{el: HTMLElement, value: string}}
 */
export function choice({ label, options, value, onChange, hideLabel = false }) {
  const name = uniqueId();
  const inputs = options.map(([v]) => h("input", { type: "radio", name, value: v, on: { change: () => onChange(v) } }));
  const write = (v) => inputs.forEach((input) => { input.checked = input.value === v; });
  write(value);
  const items = options.map(([, text], i) => h("label", {}, inputs[i], h("span", { text })));
  const legend = h("legend", { class: hideLabel ? "sst-hidden" : "sst-label", text: label });
  return {
    el: h("fieldset", { class: "sst-choice" }, legend, h("div", {}, ...items)),
    get value() { return inputs.find((input) => input.checked)?.value; },
    set value(v) { write(v); },
  };
}

/**
 * 変わると読み上げられる短い文。
 * @returns {{el: HTMLElement, say: (text: string, kind?: "info"|"error") => void}}
 */
export function liveText() {
  const el = h("p", { class: "sst-status", role: "status", "aria-live": "polite" });
  return {
    el,
    say(text, kind = "info") {
      el.textContent = text;
      el.dataset.kind = kind;
    },
  };
}

/**
 * 何度呼ばれても、次の描画の前に 1 回だけ f を呼ぶ関数。スライダーの重い処理に使う。
 * @param {() => void} f まとめて呼ぶ関数。
 */
export function onFrame(f) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      f();
    });
  };
}
