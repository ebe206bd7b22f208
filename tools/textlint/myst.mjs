// MyST の Markdown を、textlint が読める Markdown に直す。
//
// Markdown にない書き方（ロール、ディレクティブ、数式）を、同じ長さの空白やコードの印に置きかえる。
// 行と桁を変えないので、指摘の場所は元の文章と合う。

// 中身が文章であるディレクティブ。ほかのもの（code-cell、math など）はコードとして飛ばす
const PROSE = new Set([
  "admonition", "attention", "caution", "danger", "dropdown", "error", "glossary", "grid",
  "grid-item", "grid-item-card", "hint", "important", "margin", "note", "seealso", "sidebar",
  "tab-item", "tab-set", "tip", "warning",
]);
// 書誌は文ではなく、題名を直すこともできないので、見ない
const REFERENCES = /(?<=^## 参考文献\n)(?:(?!^#)[\s\S])*/gm;
const FENCE = /^\s*(`{3,}|:{3,})(?:\{([\w-]+)\}.*|\S*)\s*$/;

const blank = (text) => text.replace(/[^\n]/g, " ");
// 文の途中にあっても文が切れないように、コードの印にする
const asCode = (text) => `\`${text.slice(1, -1).replace(/[^\n]/g, "x")}\``;

/**
 * MyST に特有の書き方を、行と桁を変えずに Markdown に直す。
 * @param {string} text MyST の文章。
 * @returns {string} 文章の行と桁が等しい Markdown。
 */
export function toMarkdown(text) {
  const open = []; // いま開いている枠
  let code = false; // コードの枠の中か
  let options = false; // ディレクティブの設定の行か
  let prose = "";
  let out = "";
  const flush = () => {
    out += maskInline(prose);
    prose = "";
  };
  for (const line of text.split(/(?<=\n)/)) {
    const fence = FENCE.exec(line);
    const inside = open.at(-1);
    if (fence && inside?.mark === fence[1] && !fence[2]) {
      open.pop();
      code = false;
      prose += inside.prose ? blank(line) : "";
      if (!inside.prose) out += line;
    } else if (code) {
      out += line;
    } else if (fence) {
      const isProse = fence[1].startsWith(":") || PROSE.has(fence[2]);
      open.push({ mark: fence[1], prose: isProse, glossary: fence[2] === "glossary" });
      options = isProse;
      code = !isProse;
      if (isProse) prose += blank(line);
      else {
        flush();
        out += line;
      }
    } else {
      options &&= /^\s*:[\w-]+:/.test(line);
      // 用語集では、字下げした行が説明で、ほかは見出し語
      prose += options || (inside?.glossary && /^\S/.test(line)) ? blank(line) : line;
    }
  }
  flush();
  return out.replace(REFERENCES, blank);
}

function maskInline(text) {
  return text
    .replace(/^(?:\([\w-]+\)=|%.*|\+\+\+.*)$/gm, blank) // ラベル、注釈、セルの切れ目
    .replace(/([^。：:\s])?(\n{2,})?(\$\$[\s\S]+?\$\$(?:[ \t]*\([\w-]+\))?)(\n{2,})?/g, joinMath)
    .replace(/(?<![\\$])\$(?![\s$])(?:[^$\n]*[^$\s\\])?\$/g, asCode)
    .replace(/(\{term\}`)([^`<]*)(<[^`>]*>)?`/g, (_, role, word, target = "") => `${blank(role)}${word}${blank(target)} `)
    .replace(/\{[\w:-]+\}(?=`)/g, blank); // ほかのロールは、コードの印だけを残す
}

/** 別行の数式。文の途中なら、前後の空行を埋めて 1 つの段落にする。 */
function joinMath(_, last = "", before = "", math = "", after = "") {
  const fill = (gap) => (last ? gap.replace(/\n(?=\n)/g, "\n　") : gap);
  return last + fill(before) + asCode(math) + fill(after);
}
