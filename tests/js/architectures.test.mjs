import test from "node:test";
import assert from "node:assert/strict";
import { imagePart, selectBins, shareOf, toBytes } from "../../src/sstut/widgets/js/architectures/bins.js";
import { big } from "../../src/sstut/widgets/js/architectures/detail.js";

const scatter = { points: Uint8Array.from([0, 0, 255, 255, 51, 0]), groups: Uint8Array.from([0, 1, 1]) };

test("集まりと円でビンを選ぶ", () => {
  const region = [0, 0, 0.2];
  assert.deepEqual([...selectBins(scatter, { selection: "group1", region })], [0, 1, 1]);
  assert.deepEqual([...selectBins(scatter, { selection: "region", region })], [1, 0, 1]);
  const out = new Float32Array(3).fill(7);
  assert.equal(selectBins(scatter, { selection: "region", region: [1, 1, 0.1] }, out), out);
  assert.deepEqual([...out], [0, 1, 0]);
});

test("選んだビンの数と、エネルギーの割合", () => {
  assert.deepEqual(shareOf([1, 0, 1], [3, 4, 0]), { count: 2, percent: 36 });
  assert.equal(shareOf([1], [0]).percent, 0);
});

test("続けて並べた絵から、1 段の分を取り出す", () => {
  const blocks = [{ rows: 2, columns: 1 }, { rows: 1, columns: 3 }];
  const bytes = toBytes(new DataView(Uint8Array.from([9, 1, 2, 3, 4, 5]).buffer, 1));
  assert.deepEqual([...imagePart(bytes, blocks, 0)], [1, 2]);
  assert.deepEqual([...imagePart(bytes, blocks, 1)], [3, 4, 5]);
});

test("大きな数の書き方", () => {
  assert.equal(big(12345), "12,345");
  assert.equal(big(33_600_000), "33.6 百万");
});
