// 調べる部品（Explorer）が共に使う、画面の小さな部分。

import { choice, h } from "./dom.js";
import { digitKeys } from "./keys.js";
import { createSource } from "./source.js";
import { fitLength, mixdown } from "./tracks.js";

/** 「試してみよう」の 1 行。 */
export function tryThis(text) {
  return h("p", { class: "sst-try" }, h("strong", { text: "試してみよう" }), text);
}

/** 見出しのある操作のまとまり。 */
export function panel(title, ...children) {
  return h("div", { class: "sst-panel", role: "group", "aria-label": title }, h("p", { class: "sst-panel-title", "aria-hidden": "true", text: title }), ...children);
}

/**
 * 名前と値の一覧。
 * @param {string[]} names 名前。
 * @returns {{el: HTMLElement, show: (...values: (string|undefined)[]) => void}} undefined の値は変えない。
 */
export function factList(names) {
  const values = names.map(() => h("dd"));
  const el = h("dl", { class: "sst-facts" }, ...names.map((name, i) => h("div", {}, h("dt", { text: name }), values[i])));
  return {
    el,
    show(...texts) {
      texts.forEach((text, i) => {
        if (text !== undefined && values[i].textContent !== text) values[i].textContent = text;
      });
    },
  };
}

/** i 番目の、聴く音の色。 */
export const listenColor = (i) => `var(--sst-track-${[4, 1, 2, 3][i]})`;

/**
 * 操作盤に、色のついた「聴く音」の選択を加え、trait の listen とつなぐ。番号のキーでも選べる。
 * @param {object} options frame、model: 部品。transport: 操作盤。label。options: [値, 表示] の配列。
 *   onChange: 選択が変わるたびに呼ぶ。
 * @returns {object} frame.keys に渡すキー操作。
 */
export function addListenChoice({ frame, model, transport, label = "聴く音", options, onChange }) {
  const save = (name) => frame.save({ listen: name });
  const pick = choice({ label, options, value: model.get("listen"), onChange: save });
  pick.el.classList.add("sst-listen");
  [...pick.el.querySelectorAll("label")].forEach((item, i) => {
    item.style.setProperty("--track", listenColor(i));
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });
  frame.onTrait("listen", (name) => {
    pick.value = name;
    onChange();
  });
  transport.el.append(pick.el);
  return digitKeys("聴く音を選ぶ", (i) => { if (options[i]) save(options[i][0]); });
}

/**
 * 分析する音の一覧。渡された音に、読者の音が 1 つ加わる。
 * @param {object} options frame、model: 部品。sounds: { name, label, channels } の配列。sr [Hz]。
 *   onSound: 選ばれた音が変わるたびに呼ぶ。
 * @returns {{el: HTMLElement, buttons: HTMLElement[], current: () => Float32Array}}
 */
export function createSounds({ frame, model, sounds, sr, onSound }) {
  const minimum = 256; // これより短い音は、0 を足して長さをそろえる
  const list = sounds.map(({ name, label, channels }) => ({ name, label, x: fitShortest(mixdown(channels)) }));
  const el = h("div");
  function fitShortest(x) {
    return x.length >= minimum ? x : fitLength([x], minimum)[0];
  }
  function rebuild() {
    const value = model.get("selected");
    const pick = choice({ label: "音", options: list.map(({ name, label }) => [name, label]), value, onChange: (name) => frame.save({ selected: name }) });
    el.replaceChildren(pick.el);
    el.hidden = list.length === 1;
  }
  const source = createSource({
    sr, maxSeconds: 15, dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound: ({ name, channels }) => {
      const own = list.find((sound) => sound.name === "own");
      const sound = { name: "own", label: name, x: fitShortest(mixdown(channels)) };
      if (own) Object.assign(own, sound);
      else list.push(sound);
      if (model.get("selected") === "own") changed();
      else frame.save({ selected: "own" });
    },
  });
  function changed() {
    rebuild();
    onSound();
  }
  frame.onTrait("selected", changed);
  rebuild();
  return {
    el, buttons: source.buttons,
    current: () => (list.find(({ name }) => name === model.get("selected")) ?? list[0]).x,
    labels: () => list.map(({ label }) => label),
  };
}

/**
 * 処理の時間の記録。操作から、絵と音がそろうまでを測る。
 * @returns {{begin: () => void, end: (parts: object) => void, list: object[]}}
 */
export function stopwatch() {
  const list = [];
  let begun = null;
  return {
    list,
    begin() { begun ??= performance.now(); },
    end(parts) {
      if (begun === null) return;
      list.push({ total: performance.now() - begun, ...parts });
      if (list.length > 200) list.shift();
      begun = null;
    },
  };
}
