// 小さな問題。選ぶ（choice）、数を入れる（number）、結果を見る前に予想する（predict）。
// 正しさを決めるのは `judge` と `parseNumber` だけで、画面なしで試験できる。

import { button, h, uniqueId } from "./ui/dom.js";
import { inline, typesetMath } from "./ui/inline.js";
import { keepKeys } from "./ui/keys.js";

const MARKS = { 正解: "○", あと少し: "△", まだ: "…", 予想: "◇" };

/**
 * 数を読む。全角、桁区切り、指数、分数、後ろに付けた単位を許す。
 * @param {string} text 読者が入れた文字列。
 * @param {string} unit 問題の単位。
 * @returns {number} 読めなければ NaN。
 */
export function parseNumber(text, unit = "") {
  let s = text.normalize("NFKC").replace(/[\u2212\u2010-\u2015\uff0d]/g, "-").replace(/[\s,]/g, "");
  const suffix = unit.normalize("NFKC").replace(/\s/g, "");
  if (suffix && s.endsWith(suffix)) s = s.slice(0, -suffix.length);
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:\/(\d+\.?\d*))?$/i.exec(s);
  return match ? Number(match[1]) / Number(match[2] ?? 1) : NaN;
}

/**
 * 答えを判定する。
 * @param {object} quiz kind・answer・hints・rtol・atol・unit。
 * @param {number} response 選択肢の番号か、数。
 * @returns {{level: "正解"|"あと少し"|"まだ", hint: string}}
 */
export function judge({ kind, answer, hints, rtol = 0, atol = 0 }, response) {
  if (kind !== "number") {
    const hint = hints.find(([i]) => i === response)?.[1] ?? "";
    return response === answer ? { level: "正解", hint: "" } : { level: "まだ", hint };
  }
  const near = (value, target) => Math.abs(value - target) <= Math.max(atol, rtol * Math.abs(target));
  if (near(response, answer)) return { level: "正解", hint: "" };
  const told = hints.find(([value]) => near(response, value));
  if (told) return { level: "あと少し", hint: told[1] };
  const slips = [
    [near(-response, answer), "符号を確かめましょう。"],
    [[1e3, 1e6, 1e-3, 1e-6].some((k) => near(k * response, answer)), "単位の k（キロ）や m（ミリ）を確かめましょう。"],
    [Math.abs(response - answer) <= 0.03 * Math.abs(answer), "近い値です。もう 1 桁、細かく答えてください。"],
  ];
  const slip = slips.find(([hit]) => hit);
  return slip ? { level: "あと少し", hint: slip[1] } : { level: "まだ", hint: "" };
}

/** 選択肢の並び。el と、選んだ番号 value を持つ。 */
function radios(choices, onPick) {
  const name = uniqueId();
  const inputs = choices.map((_, i) => h("input", { type: "radio", name, value: i, on: { change: onPick } }));
  const items = choices.map((text, i) => h("label", { class: "sst-quiz-item" }, inputs[i], inline(text)));
  return {
    el: h("div", { class: "sst-quiz-items" }, ...items),
    read() {
      const i = inputs.findIndex((input) => input.checked);
      return i < 0 ? NaN : i;
    },
    write(value) { inputs.forEach((input, i) => { input.checked = i === value; }); },
    mark(right) { items.forEach((item, i) => { item.toggleAttribute("data-right", i === right); }); },
    lock(on) { inputs.forEach((input) => { input.disabled = on && !input.checked; }); },
    empty: "どれか 1 つを選んでください。",
  };
}

/** 数の欄。el と、入れた数 value を持つ。 */
function numberField(unit, onPick) {
  const input = h("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", class: "sst-quiz-number",
    "aria-label": unit ? `答え（単位は ${unit}）` : "答え", on: { input: onPick },
  });
  return {
    el: h("div", { class: "sst-quiz-field" }, input, unit ? h("span", { class: "sst-quiz-unit", "aria-hidden": "true", text: unit }) : null),
    read: () => parseNumber(input.value, unit),
    write(value) { if (parseNumber(input.value, unit) !== value) input.value = value ?? ""; },
    mark() {},
    lock() {},
    empty: "数を入れてください。例：0.5、1/3、2e-3",
  };
}

/** 読み上げられる結果の枠。 */
function resultBox() {
  const el = h("div", { class: "sst-quiz-result", role: "status", "aria-live": "polite" });
  return {
    el,
    clear() {
      el.replaceChildren();
      delete el.dataset.level;
    },
    show(level, ...texts) {
      el.dataset.level = level;
      const head = h("strong", {}, h("span", { "aria-hidden": "true", text: `${MARKS[level]} ` }), level);
      el.replaceChildren(head, ...texts.filter(Boolean).map((text) => h("p", {}, inline(text))));
      typesetMath(el);
    },
    ask(text) {
      el.dataset.level = "ask";
      el.replaceChildren(h("p", { text }));
    },
  };
}

/** 問題を el に作る。返り値は後始末の関数。 */
function render({ model, el, signal }) {
  const quiz = Object.fromEntries(
    ["kind", "question", "choices", "answer", "why", "hints", "unit", "rtol", "atol", "then"].map((k) => [k, model.get(k)]),
  );
  const predicting = quiz.kind === "predict";
  const result = resultBox();
  const whyBox = h("div", { class: "sst-quiz-why", hidden: true });
  const field = quiz.kind === "number" ? numberField(quiz.unit, retry) : radios(quiz.choices, retry);
  const submit = h("button", { type: "submit", class: "sst-button sst-quiz-submit", text: predicting ? "この予想に決める" : "答える" });
  const more = button({ label: predicting ? "答え合わせをする" : "解説を見る", onClick: reveal });
  const again = button({ label: "予想を変える", kind: "quiet", onClick: () => save(null, null) });
  again.el.hidden = true;
  const form = h(
    "form", { novalidate: true, on: { submit: answer } },
    h("fieldset", {}, h("legend", {}, h("span", { class: "sst-quiz-tag", text: predicting ? "予想" : "問い" }), inline(quiz.question)), field.el),
    h("div", { class: "sst-quiz-buttons" }, submit, more.el, again.el),
  );
  const root = h("section", { class: "sst sst-quiz", "aria-label": predicting ? "予想" : "問い", lang: "ja" }, form, result.el, whyBox);
  keepKeys(root, signal);

  function save(response, correct) {
    model.set("response", response);
    model.set("correct", correct);
    model.save_changes();
    show();
  }

  function answer(event) {
    event.preventDefault();
    const response = field.read();
    if (Number.isNaN(response)) result.ask(field.empty);
    else save(response, predicting ? null : judge(quiz, response).level === "正解");
  }

  /** 選びなおしたら、前の判定を消す。 */
  function retry() {
    if (!predicting) result.clear();
  }

  function reveal() {
    if (predicting) save(model.get("response"), model.get("response") === quiz.answer);
    else showWhy();
  }

  function showWhy() {
    if (!whyBox.hidden || !quiz.why) return;
    whyBox.replaceChildren(h("strong", { text: "解説" }), h("p", {}, inline(quiz.why)));
    whyBox.hidden = false;
    more.el.hidden = true;
    typesetMath(whyBox);
  }

  /** model の response と correct を画面に映す。 */
  function show() {
    const response = model.get("response");
    const correct = model.get("correct");
    const answered = response !== null;
    field.write(response);
    if (predicting) showPrediction(answered, correct, response);
    else if (answered) showJudgement(response);
    else result.clear();
    more.el.hidden = !answered || !whyBox.hidden || (predicting ? quiz.answer === null || correct !== null : !quiz.why);
  }

  function showJudgement(response) {
    const { level, hint } = judge(quiz, response);
    const cheer = { 正解: "そのとおりです。", あと少し: "", まだ: hint ? "" : "もう一度考えてみましょう。" }[level];
    result.show(level, cheer, hint);
    field.mark(level === "正解" ? response : null);
    if (level === "正解") showWhy();
  }

  function showPrediction(answered, correct, response) {
    field.lock(answered);
    field.mark(correct === null ? null : quiz.answer);
    submit.hidden = answered;
    again.el.hidden = !answered || correct !== null;
    if (!answered) {
      result.clear();
      whyBox.hidden = true;
    } else if (correct === null) {
      result.show("予想", `あなたの予想は「${quiz.choices[response]}」です。`, quiz.then);
    } else {
      const word = correct ? "予想どおりでした。" : `予想とは違い、「${quiz.choices[quiz.answer]}」でした。`;
      result.show(correct ? "正解" : "予想", word);
      showWhy();
    }
  }

  el.append(root);
  model.on("change:response", show);
  show();
  typesetMath(root);
  root.sstut = { ready: true, state: () => ({ response: model.get("response"), correct: model.get("correct") }) };
  root.dataset.ready = "";
  return () => {
    model.off("change:response", show);
    root.remove();
  };
}

export default { render };
