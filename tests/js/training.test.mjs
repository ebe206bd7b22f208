// ページの中のネットワークの計算：少しずつ進めても同じ値、進み具合、重みの数の検査。
import assert from "node:assert/strict";
import { test } from "node:test";

import { finish, inferMasks, readNetwork, separate } from "../../src/sstut/widgets/js/dsp/lstm.js";

const config = { n_fft: 64, hop_length: 16, hidden: 5, n_layers: 2, n_sources: 2, activation: "softmax" };
const bins = 33;
const direction = (columns) => 20 * (columns + 5) + 40;
const count = 2 * direction(bins) + 2 * direction(10) + 2 * bins * 10 + 2 * bins;

/** ±0.5 ほどの重み（float16）。 */
function weights(n = count) {
  const view = new DataView(new ArrayBuffer(2 * n));
  for (let i = 0; i < n; i++) view.setUint16(2 * i, ((i * 7) % 2) * 0x8000 + 0x3000 + ((i * 37) % 0x700), true);
  return view;
}
const wave = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * i * 1e-4) * Math.cos(i / 300));

test("進み具合は 0 から 1 へ増え、途中で止めても結果は同じ", () => {
  const network = readNetwork(weights(), config);
  const steps = inferMasks(network, wave);
  const shares = [];
  let next = steps.next();
  for (; !next.done; next = steps.next()) shares.push(next.value);
  assert.ok(shares.length > 20);
  assert.ok(shares.every((v, i) => v >= (shares[i - 1] ?? 0) && v <= 1));
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(next.value.masks, finish(inferMasks(network, wave)).masks);
});

test("マスクの和は 1 で、推定の和は混合音に戻る", () => {
  const { masks, waves } = separate(weights(), config, wave);
  assert.ok(masks[0].every((v, i) => Math.abs(v + masks[1][i] - 1) < 1e-6));
  assert.ok(masks[0].some((v) => Math.abs(v - 0.5) > 0.1));
  assert.ok(wave.every((v, i) => Math.abs(waves[0][i] + waves[1][i] - v) < 1e-5));
});

test("重みの数が合わなければ断る", () => {
  assert.throws(() => readNetwork(weights(count + 1), config), RangeError);
});
