// 勾配降下法の部品の、画面を使わない部分。
import assert from "node:assert/strict";
import { test } from "node:test";

import { contourLevels, contourPath, sampleGrid } from "../../src/sstut/widgets/js/optimization/contours.js";
import { DEFAULTS, openSurface } from "../../src/sstut/widgets/js/optimization/surfaces.js";
import { descend } from "../../src/sstut/widgets/js/dsp/optimization.js";

const points = (d) => [...d.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

test("円の等高線は、その半径の上にある", () => {
  const n = 81;
  const grid = sampleGrid(([x, y]) => Math.hypot(x, y), [-2, 2], [-2, 2], n);
  const scale = 1000 / (n - 1);
  const all = points(contourPath(grid, 1.5, (i) => scale * i, (j) => scale * j));
  assert.ok(all.length > 100);
  for (const [x, y] of all) assert.ok(Math.abs(Math.hypot(x - 500, y - 500) - 375) < 2);
});

test("範囲の外の高さには、線がない", () => {
  const grid = sampleGrid(([x]) => x, [0, 1], [0, 1], 10);
  assert.equal(contourPath(grid, 2, Number, Number), "");
});

test("等高線の高さは、きりがよく、範囲の中に収まる", () => {
  for (const [low, high] of [[-3.2, 1.4], [-30, 10], [0.01, 0.2]]) {
    const levels = contourLevels({ low, high }, 14);
    assert.ok(levels.length >= 1 && levels.length <= 15);
    for (const level of levels) assert.ok(level >= low - 1e-9 && level <= high + 1e-9);
  }
});

test("どの損失も、既定の出発点は地図の中にあり、既定の学習率で下がる", () => {
  const ones = (v) => Float64Array.from([v, v]);
  const moments = { nBlocks: 2, r11: ones(1.8), r12: ones(1.4), r22: ones(1.5), p1: ones(1), p2: ones(0.6), e: ones(1) };
  for (const [kind, { start, lr }] of Object.entries(DEFAULTS)) {
    const surface = openSurface(kind, { moments, condition: 10 });
    start.forEach((v, i) => assert.ok(v > [surface.x, surface.y][i][0] && v < [surface.x, surface.y][i][1], kind));
    const run = descend(surface, { start, method: "sgd", lr, nIter: 20 });
    assert.ok(run.losses.at(-1) < run.losses[0], kind);
  }
});
