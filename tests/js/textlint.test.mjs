// 文章の検査の前処理：MyST の書き方を、行と桁を変えずに Markdown に直す。
import assert from "node:assert/strict";
import { test } from "node:test";
import { toMarkdown } from "../../tools/textlint/myst.mjs";

const fence = "```";

test("行の数と、文章のある行の桁は変わらない", () => {
  const text = [
    "(lab)=", "## 見出し", "", "本文の $x$ と{term}`窓長 <窓長>`と {eq}`eq-a` です。", "",
    `${fence}{note} 題`, ":class: tip", "中の**文**です。", fence, "",
    `${fence}{code-cell} ipython3`, "x = '$a$ と {term}`b`'", fence, "終わりです。", "",
  ].join("\n");
  const lines = toMarkdown(text).split("\n");
  assert.equal(lines.length, text.split("\n").length);
  assert.equal(lines[0].trim(), "");
  assert.equal(lines[1], "## 見出し");
  assert.equal(lines[3], `本文の \`x\` と${" ".repeat(7)}窓長${" ".repeat(6)}と${" ".repeat(5)}\`eq-a\` です。`);
  assert.equal(lines[5].trim() + lines[6].trim() + lines[8].trim(), "");
  assert.equal(lines[7], "中の**文**です。");
  assert.equal(lines[11], "x = '$a$ と {term}`b`'");
});

test("用語集では、見出し語を消して説明を残す", () => {
  const text = `${fence}{glossary}\n窓長\nwindow length\n  窓の長さです。\n${fence}\n`;
  assert.deepEqual(toMarkdown(text).split("\n").map((line) => line.trim()), ["", "", "", "窓の長さです。", "", ""]);
});

test("入れ子の枠の中の文章も残す", () => {
  const text = "::::{grid} 1 2\n:gutter: 3\n\n:::{grid-item-card} 題\n文です。\n:::\n::::\nあとの文です。";
  assert.deepEqual(toMarkdown(text).split("\n").map((line) => line.trim()).filter(Boolean), ["文です。", "あとの文です。"]);
});

test("文の途中の別行の数式では、段落が切れない", () => {
  const joined = toMarkdown("2 つの積が\n\n$$\na b = 0\n$$ (eq-x)\n\nを満たします。");
  assert.ok(!/\n[ \t]*\n/.test(joined));
  assert.equal(joined.split("\n").length, 7);
  const separate = toMarkdown("次の式です。\n\n$$\na\n$$\n\nこれは文です。");
  assert.ok(separate.includes("。\n\n`"));
});

test("ドル記号でない数式のまねは、そのまま残す", () => {
  for (const text of ["値段は 5 $ です。", "`$x$` の $ は、", "\\$x\\$ です。"]) assert.equal(toMarkdown(text).length, text.length);
  assert.equal(toMarkdown("値段は 5 $ です。"), "値段は 5 $ です。");
});

test("参考文献の書誌は見ない", () => {
  const text = "## 参考文献\n- A, B, C, D, 1984.\n## 次\n本文です。";
  assert.deepEqual(toMarkdown(text).split("\n").map((line) => line.trim()), ["## 参考文献", "", "## 次", "本文です。"]);
});

test("規則は、悪い文を見つけ、良い文を通す", async (t) => {
  let textlint;
  try {
    textlint = await import("textlint");
  } catch {
    assert.notEqual(process.env.CI, "true", "CI なのに textlint がありません。");
    t.skip("textlint がありません（npm ci で入ります）。");
    return;
  }
  const linter = textlint.createLinter({ descriptor: await textlint.loadTextlintrc() });
  const rules = async (text) => {
    const { messages } = await linter.lintText(toMarkdown(text), "見本.md");
    return messages.map((message) => message.ruleId.split("/").pop());
  };
  assert.deepEqual(await rules("窓長を 2 倍にすると、{term}`周波数ビン`の数も 2 倍です。\n"), []);
  assert.deepEqual(await rules("ウィンドウ長を変えます。\n"), ["prh"]);
  assert.deepEqual(await rules(`${fence}{tip}\nウィンドウ長を変えます。\n${fence}\n`), ["prh"]);
  assert.deepEqual(await rules(`${fence}{code-cell} ipython3\n# ウィンドウ長だ\n${fence}\n`), []);
  assert.deepEqual(await rules("この文には句点がありません\n"), ["ja-no-mixed-period"]);
  assert.deepEqual(await rules("すごいですね！\n"), ["no-exclamation-question-mark"]);
  assert.deepEqual(await rules("窓長は、切り出す区間の長さを、ホップ長は、隣の区間との間隔を、標本化周波数は、1 秒間に読み取る回数を表し、どれも大きくすると、得られる表の形が変わるので、配列の大きさを見積もってから選ぶと安心できて便利です。\n"), ["sentence-length", "max-ten"]);
  assert.deepEqual(await rules("これは文である。\n\n次も文です。\n\nこれも文です。\n"), ["no-mix-dearu-desumasu"]);
});
