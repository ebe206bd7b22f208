// 問題の部品の、画面に出さない部分：数の読み方、判定、文の中の印。
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, parseNumber } from "../../src/sstut/widgets/js/quiz.js";
import { splitInline } from "../../src/sstut/widgets/js/ui/inline.js";

test("いろいろな書き方の数を読む", () => {
  const cases = [
    ["15.625", 15.625], [" 44,100 ", 44100], ["１０２４", 1024], ["−6.02", -6.02], ["－３", -3],
    ["1/3", 1 / 3], ["2e-3", 0.002], [".5", 0.5], ["5.", 5], ["+7", 7],
  ];
  for (const [text, value] of cases) assert.equal(parseNumber(text), value, text);
});

test("後ろの単位は、問題の単位なら取りのぞく", () => {
  assert.equal(parseNumber("1000 Hz", "Hz"), 1000);
  assert.equal(parseNumber("６ｄＢ", "dB"), 6);
  assert.ok(Number.isNaN(parseNumber("1 kHz", "Hz")));
});

test("数でないものは NaN", () => {
  for (const text of ["", "  ", "abc", "1 2x", "--3", "1/", "0x10", "Infinity"]) {
    assert.ok(Number.isNaN(parseNumber(text)), text);
  }
});

const number = { kind: "number", answer: 1000, hints: [[2000, "2 で割り忘れ"]], rtol: 0.005, atol: 0 };

test("数の判定：正解、言い当て、よくある誤り、まだ", () => {
  assert.deepEqual(judge(number, 1000), { level: "正解", hint: "" });
  assert.equal(judge(number, 1004).level, "正解");
  assert.deepEqual(judge(number, 2001), { level: "あと少し", hint: "2 で割り忘れ" });
  assert.match(judge(number, -1000).hint, /符号/);
  assert.match(judge(number, 1).hint, /キロ/);
  assert.match(judge(number, 1020).hint, /近い/);
  assert.deepEqual(judge(number, 1500), { level: "まだ", hint: "" });
});

test("0 の問題では、符号や桁の言いがかりをつけない", () => {
  const zero = { ...number, answer: 0, hints: [] };
  assert.equal(judge(zero, 0).level, "正解");
  assert.deepEqual(judge(zero, 0.1), { level: "まだ", hint: "" });
  assert.equal(judge({ ...zero, atol: 0.2 }, 0.1).level, "正解");
});

test("選ぶ問題の判定", () => {
  const quiz = { kind: "choice", answer: 1, hints: [[0, "惜しい"]] };
  assert.equal(judge(quiz, 1).level, "正解");
  assert.deepEqual(judge(quiz, 0), { level: "まだ", hint: "惜しい" });
  assert.deepEqual(judge(quiz, 2), { level: "まだ", hint: "" });
});

test("文の中の印を切り分ける", () => {
  assert.deepEqual(splitInline("`n_fft` は **必ず** $2^k$ です"), [
    ["code", "n_fft"], ["text", " は "], ["strong", "必ず"], ["text", " "], ["math", "2^k"], ["text", " です"],
  ]);
  assert.deepEqual(splitInline("$x$"), [["math", "x"]]);
  assert.deepEqual(splitInline("5 $ と 6 $ の間"), [["text", "5 $ と 6 $ の間"]]);
  assert.deepEqual(splitInline("<b>太字</b>"), [["text", "<b>太字</b>"]]);
  assert.deepEqual(splitInline(""), []);
});
