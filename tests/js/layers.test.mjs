import test from "node:test";
import assert from "node:assert/strict";
import {
  convOutputLength, convTransposeOutputLength, fieldOf, inputsOf, inputSpan, nextValidLength, places, receptiveField, stackLengths, trace,
} from "../../src/sstut/widgets/js/dsp/layers.js";
import { milliseconds, sizesText, strideText } from "../../src/sstut/widgets/js/layers/names.js";
import { assertJapaneseError } from "./helpers.mjs";

const conv = (kernel, rest = {}) => ({ kind: "conv", kernel, stride: 1, padding: 0, dilation: 1, ...rest });
const up = (kernel, stride, padding) => ({ kind: "transpose", kernel, stride, padding, dilation: 1, output_padding: 0 });
const tcn = [1, 2, 4, 8].map((d) => conv(3, { padding: d, dilation: d }));
const unet = [conv(4, { stride: 2, padding: 1 }), up(4, 2, 1), { kind: "skip", source: 0 }];

test("長さの規則。合わない大きさは、日本語で断る", () => {
  assert.equal(convOutputLength(16, { kernel: 4, stride: 2, padding: 1 }), 8);
  assert.equal(convTransposeOutputLength(8, { kernel: 4, stride: 2, padding: 1 }), 16);
  assertJapaneseError(() => convOutputLength(3, { kernel: 4 }));
  assertJapaneseError(() => convTransposeOutputLength(2, { kernel: 3, padding: 2 }));
  assertJapaneseError(() => convTransposeOutputLength(2, { kernel: 3, output_padding: 1 }));
});

test("受容野は、ダイレーションを倍にするごとに、ほぼ倍になる", () => {
  assert.deepEqual(receptiveField(tcn), { size: 31, stride: 1, start: -15 });
  assert.deepEqual(fieldOf(tcn, 4), { size: 31, stride: [1, 1], lookahead: 15 });
  assert.equal(fieldOf(tcn, 4, true).lookahead, 0);
});

test("たどった点は、見る点の和集合。補った 0 は、入力と分ける", () => {
  const { lengths } = stackLengths(tcn, 40);
  const levels = trace(tcn, lengths, 0);
  assert.deepEqual(levels[0].seen, Array.from({ length: 16 }, (_, i) => i));
  assert.deepEqual(levels[3], { seen: [0, 8], zeros: [-8] });
  assert.deepEqual(inputsOf(tcn[3], 10), [2, 10, 18]);
  assert.deepEqual(inputsOf(tcn[3], 10, true), [-6, 2, 10]);
});

test("転置畳み込みの穴：カーネルがストライドより短いと、何も見ない出力がある", () => {
  const holes = [up(2, 4, 0)];
  const { lengths } = stackLengths(holes, 5);
  assert.deepEqual(lengths, [5, 18]);
  assert.deepEqual(trace(holes, lengths, 5)[0].seen, [1]);
  assert.deepEqual(trace(holes, lengths, 6)[0].seen, []);
  assert.equal(inputSpan(holes, 1, 6), null);
});

test("スキップ接続：長さが違えば、その層で止まる。合う長さを探せる", () => {
  assert.equal(stackLengths(unet, 10).error, null);
  const { lengths, error } = stackLengths(unet, 11);
  assert.deepEqual(lengths, [11, 5, 10]);
  assert.equal(error.layer, 2);
  assert.equal(nextValidLength(unet, 11, 100), 12);
  assert.equal(nextValidLength([conv(9), { kind: "skip", source: 0 }], 20, 60), null);
});

test("図の位置：ふつうは見る範囲の中央、因果的なら右端", () => {
  const strided = [conv(5, { stride: 2, padding: 2 })];
  assert.deepEqual(places(strided, 2), [{ offset: 0, step: 1 }, { offset: 0, step: 2 }]);
  assert.deepEqual(places([conv(4, { stride: 2 })], 2)[1], { offset: 1.5, step: 2 });
  assert.deepEqual(places([conv(3, { padding: 1 })], 2, true)[1], { offset: 0, step: 1 });
  const [, down, back] = places(unet, 3);
  assert.deepEqual([down.step, back.step, back.offset], [2, 1, 0]);
});

test("画面の文字：いつもの値は省き、分数のストライドも書く", () => {
  assert.equal(sizesText(conv(3, { dilation: 4 })), "k=3 d=4");
  assert.equal(sizesText({ kind: "skip", source: 2 }), "2 番と");
  assert.equal(strideText([1, 2]), "1/2");
  assert.equal(strideText([64, 1]), "64");
  assert.equal(milliseconds(63, 16000), "3.94 ミリ秒");
});
