// 文の中の印（`コード`、**太字**、$数式$）を要素にする。HTML は解釈しないので、何を書いても安全。
//   splitInline(text)      印で切った [種類, 中身] の配列
//   inline(text)           要素にしたもの（<span>）
//   typesetMath(el)        ページに MathJax があれば、el の中の数式を組む

import { h } from "./dom.js";

const MARK = /`([^`]+)`|\*\*([^*]+)\*\*|\$([^$\s](?:[^$]*[^$\s])?)\$/g;
const KINDS = ["code", "strong", "math"];

/**
 * 印で切る。
 * @param {string} text 文。
 * @returns {[kind: "text"|"code"|"strong"|"math", body: string][]}
 */
export function splitInline(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    if (match.index > end) parts.push(["text", text.slice(end, match.index)]);
    const kind = KINDS.findIndex((_, i) => match[i + 1] !== undefined);
    parts.push([KINDS[kind], match[kind + 1]]);
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(["text", text.slice(end)]);
  return parts;
}

/**
 * 印を要素にする。数式は、まず TeX のまま見せる。
 * @param {string} text 文。
 * @returns {HTMLSpanElement}
 */
export function inline(text) {
  const nodes = splitInline(text).map(([kind, body]) => {
    if (kind === "text") return document.createTextNode(body);
    return kind === "math" ? h("span", { class: "sst-math", text: body }) : h(kind, { text: body });
  });
  return h("span", {}, ...nodes);
}

/**
 * 数式を組む。JupyterLab のように MathJax がない所では、TeX のまま残す。
 * @param {Element} el `inline` で作った要素を含む要素。
 */
export async function typesetMath(el) {
  const spans = [...el.querySelectorAll(".sst-math:not(.math)")];
  if (!spans.length || !window.MathJax) return;
  // MathJax は defer で読まれるので、部品のほうが先に動くことがある
  if (document.readyState !== "complete") await new Promise((done) => window.addEventListener("load", done, { once: true }));
  await window.MathJax.startup?.promise;
  if (!window.MathJax.typesetPromise) return;
  for (const span of spans) {
    span.textContent = `\\(${span.textContent}\\)`;
    span.classList.add("math"); // Sphinx の設定では、この印のある所だけが組まれる
  }
  await window.MathJax.typesetPromise(spans);
}
