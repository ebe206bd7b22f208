import test from "node:test";
import assert from "node:assert/strict";
import { componentMasks, createUpdates, divergence, nmf, normalized, randomStart } from "../../src/sstut/widgets/js/dsp/nmf.js";
import { uniform } from "../../src/sstut/widgets/js/dsp/random.js";
import { siSdr } from "../../src/sstut/widgets/js/dsp/metrics.js";
import { bestGroups } from "../../src/sstut/widgets/js/nmf/assign.js";
import { LEVELS, MAX_COMPONENTS, ownerColors, ownerIndex } from "../../src/sstut/widgets/js/nmf/colors.js";
import { createFit } from "../../src/sstut/widgets/js/nmf/fit.js";
import { createWork } from "../../src/sstut/widgets/js/nmf/work.js";
import { assertClose, assertJapaneseError, randomArray } from "./helpers.mjs";

const bins = 20;
const V = randomArray(bins * 30, 1).map((v) => v * v);
const LOSSES = ["euclidean", "kl", "is"];

/** はじめの 1/3 は低い音、次は高い音、最後は両方。 */
const sr = 8000;
const tone = (frequency, on) => Float32Array.from({ length: sr }, (_, i) => (on(i / sr) ? 0.3 * Math.sin((2 * Math.PI * frequency * i) / sr) : 0));
const low = tone(440, (t) => t < 1 / 3 || t > 2 / 3);
const high = tone(1500, (t) => t > 1 / 3);
const mixture = low.map((v, i) => v + high[i]);
const frames = { nFft: 512, hop: 128 };

test("乱数は 0 以上 1 未満で、種が同じなら同じ、違えば違う", () => {
  const x = uniform(0, 2000);
  assert.ok(x.every((v) => v >= 0 && v < 1));
  assert.deepEqual(x, uniform(0, 2000));
  assert.notDeepEqual(x, uniform(1, 2000));
  assert.ok(Math.abs(x.reduce((a, b) => a + b) / 2000 - 0.5) < 0.03);
});

test("損失は増えず、報告する値は、その回の近似についての値", () => {
  for (const loss of LOSSES) {
    const { W, H, losses } = nmf(V, bins, 3, { loss, nIter: 40 });
    losses.slice(1).forEach((v, i) => assert.ok(v <= losses[i] * (1 + 1e-12), `${loss} の ${i + 1} 回目: ${losses[i]} → ${v}`));
    const largest = Math.max(...V);
    const Q = V.map((_, i) => {
      const [t, f] = [Math.floor(i / bins), i % bins];
      return 2 ** -23 * largest + W[f] * H[3 * t] + W[bins + f] * H[3 * t + 1] + W[2 * bins + f] * H[3 * t + 2];
    });
    const target = loss === "is" ? V.map((v) => Math.max(v, 1e-10 * largest)) : V;
    assertClose([losses.at(-1)], [divergence(target, Q, loss)], 1e-8 * losses.at(-1));
  }
});

test("大きさの分け方：基底の和は 1、並べかえても積は同じ", () => {
  const start = randomStart(V, bins, 3, 0);
  const sorted = normalized(start, bins, [2, 0, 1]);
  const product = ({ W, H }, k) => W[k * bins + 5] * H[3 * 7 + k];
  [2, 0, 1].forEach((from, k) => assertClose([product(sorted, k)], [product(start, from)], 1e-12));
  for (let k = 0; k < 3; k++) assertClose([sorted.W.subarray(k * bins, (k + 1) * bins).reduce((a, b) => a + b)], [1], 1e-12);
});

test("マスクの和は 1。近似が 0 の点は、成分の数で分ける", () => {
  const { W, H } = nmf(V, bins, 3, { nIter: 5 });
  H.fill(0, 3 * 4, 3 * 5);
  const masks = componentMasks({ W, H }, bins, [[0], [1, 2]]);
  assertClose(masks[0].map((v, i) => v + masks[1][i]), V.map(() => 1), 1e-12);
  assertClose([masks[1][4 * bins]], [2 / 3], 1e-15);
});

test("不正な損失・形・種は、日本語で断る", () => {
  assertJapaneseError(() => nmf(V, bins, 2, { loss: "l1" }));
  assertJapaneseError(() => createUpdates(V, { W: V, H: V }, bins));
  assertJapaneseError(() => divergence(V, V.subarray(1)));
  for (const seed of [-1, 0.5, 2 ** 32]) assertJapaneseError(() => uniform(seed, 1));
});

test("くり返しを戻っても、初めから計算したのと同じ。番号は重心の低い順", () => {
  const fit = createFit(V, bins, { n: 4, loss: "kl", seed: 2 }, 35);
  while (fit.iteration < 60) fit.advance();
  assert.equal(fit.losses().length, 61);
  for (const n of [1, 35, 60]) {
    const { W, H } = nmf(V, bins, 4, { nIter: n, seed: 2 });
    const expected = normalized({ W, H }, bins, fit.order);
    assertClose(fit.at(n).W, expected.W, 1e-12);
    assertClose(fit.at(n).H, expected.H, 1e-9);
  }
  const { W } = fit.at(35); // 順を決めた回
  const centroid = (k) => W.subarray(k * bins, (k + 1) * bins).reduce((sum, v, f) => sum + f * v, 0);
  for (let k = 1; k < 4; k++) assert.ok(centroid(k) >= centroid(k - 1));
});

test("2 つの音が重なる所も分け、成分の和は混合音に戻る", () => {
  const work = createWork(mixture, frames);
  const fit = work.choose({ n: 2, loss: "kl", seed: 0 }, 100);
  while (fit.iteration < 100) fit.advance();
  work.show(100);
  const parts = [work.wave([0]), work.wave([1])];
  assertClose(parts[0].map((v, i) => v + parts[1][i]), mixture, 1e-5);
  assert.ok(siSdr(low, parts[0]) > 15 && siSdr(high, parts[1]) > 15, `${siSdr(low, parts[0])} と ${siSdr(high, parts[1])}`);
  assert.equal(work.choose({ n: 2, loss: "kl", seed: 0 }, 0), fit); // 選びなおしても、計算しなおさない
  assert.notEqual(work.choose({ n: 2, loss: "is", seed: 0 }, 0), fit);
});

test("正解の組分けは、すべての組を調べたのと同じ", () => {
  const references = [randomArray(400, 1), randomArray(400, 2), randomArray(400, 3)];
  const components = Array.from({ length: 5 }, (_, k) => {
    const extra = randomArray(400, 10 + k);
    return extra.map((v, i) => 0.6 * v + references[k % 3][i] + 0.4 * references[(k + 1) % 3][i] + 0.1);
  });
  const mean = (owners) => references.reduce((sum, s, j) => {
    const estimate = s.map((_, i) => components.reduce((all, c, k) => all + (owners[k] === j ? c[i] : 0), 0));
    return sum + siSdr(s, estimate) / 3;
  }, 0);
  let best = -Infinity;
  for (let code = 0; code < 3 ** 5; code++) best = Math.max(best, mean(Array.from({ length: 5 }, (_, k) => Math.floor(code / 3 ** k) % 3)));
  assertClose([mean(bestGroups(components, references))], [best], 1e-9);
});

test("成分が音源より少なくても、無音の正解があっても、組分けが決まる", () => {
  const [a, b] = [randomArray(200, 1), randomArray(200, 2)];
  assert.deepEqual(bestGroups([b], [a, b]), [1]);
  assert.deepEqual(bestGroups([a, b], [a, new Float64Array(200)]), [0, 0]);
});

test("成分の色は、どの明るさでもあり、明るいほど明るい", () => {
  const colors = ownerColors();
  assert.equal(colors.length, MAX_COMPONENTS * LEVELS);
  const sum = (c) => (c & 255) + ((c >> 8) & 255) + ((c >> 16) & 255);
  for (let k = 0; k < MAX_COMPONENTS; k++) {
    assert.ok(sum(colors[ownerIndex(k, 1)]) > sum(colors[ownerIndex(k, 0.4)]) + 100);
    assert.equal(ownerIndex(k, 2), ownerIndex(k, 1));
    assert.equal(ownerIndex(k, -1), ownerIndex(k, 0));
  }
});
