import test from "node:test";
import assert from "node:assert/strict";
import { nearestDot, rangeOf } from "../../src/sstut/widgets/js/leaderboard/shapes.js";
import { placeLabels } from "../../src/sstut/widgets/js/leaderboard/tradeoff.js";
import { headToHead, inOrder, interval, paretoFront, rankCounts, rankRange, ranksOf, resampledMeans, resampleIndices, summary } from "../../src/sstut/widgets/js/leaderboard/work.js";
import { randomArray } from "./helpers.mjs";

const N = 30;
const indices = resampleIndices(3, N, 500);
const a = randomArray(N, 1);
const b = randomArray(N, 2);
const [meansA, meansB] = [a, b].map((values) => resampledMeans(values, indices));

test("選びなおした番号は、混合音の番号で、同じ種なら同じ。はじめの回は、回数によらない", () => {
  assert.ok(indices.every((i) => i >= 0 && i < N));
  assert.deepEqual(resampleIndices(3, N, 4), indices.slice(0, 4 * N));
  assert.notDeepEqual(resampleIndices(4, N, 4), indices.slice(0, 4 * N));
});

test("平均の区間は、平均を含み、値をずらすと同じだけずれる", () => {
  const { low, high } = interval(meansA);
  const { mean } = summary(a);
  assert.ok(low < mean && mean < high);
  const moved = interval(resampledMeans(a.map((v) => v + 2), indices));
  assert.ok(Math.abs(moved.low - low - 2) < 1e-12 && Math.abs(moved.high - high - 2) < 1e-12);
});

test("すべて同じ値なら、区間の幅は 0", () => {
  const { low, high } = interval(resampledMeans(new Float64Array(N).fill(1.5), indices));
  assert.equal(low, 1.5);
  assert.equal(high, 1.5);
});

test("順位：同じ値には同じ順位。順位の数は、手法ごとに回数だけある", () => {
  assert.deepEqual(ranksOf([3, 1, 3, 2]), [1, 4, 1, 3]);
  const counts = rankCounts([meansA, meansB, meansA], 120);
  for (const values of counts) assert.equal(values.reduce((sum, v) => sum + v, 0), 120);
  assert.deepEqual(counts[0], counts[2]); // 同じ点の手法は、いつも同じ順位
  assert.ok(counts.every((values) => values.length === 3));
});

test("順位の範囲：めったにない順位は入らない。選びなおす前は null", () => {
  assert.deepEqual(rankRange(Int32Array.of(1, 97, 2)), { low: 2, high: 2, mode: 2, share: 0.97 });
  assert.deepEqual(rankRange(Int32Array.of(40, 0, 60)), { low: 1, high: 3, mode: 3, share: 0.6 });
  assert.equal(rankRange(Int32Array.of(0, 0, 0)), null);
});

test("比べる：入れかえると符号が逆。大きく違えば言える、同じなら言えない", () => {
  const [forward, back] = [headToHead(a, b, meansA, meansB), headToHead(b, a, meansB, meansA)];
  assert.ok(Math.abs(forward.mean + back.mean) < 1e-12 && Math.abs(forward.low + back.high) < 1e-12);
  assert.deepEqual([forward.wins, forward.losses], [back.losses, back.wins]);
  const better = a.map((v) => v + 0.1); // どの混合音でも 0.1 だけ良い：ばらつきが大きくても、差は確か
  const sure = headToHead(better, a, resampledMeans(better, indices), meansA);
  assert.equal(sure.verdict, 1);
  assert.equal(sure.wins, N);
  assert.ok(sure.high - sure.low < 1e-12);
  assert.equal(headToHead(a, better, meansA, resampledMeans(better, indices)).verdict, -1);
  const same = headToHead(a, a, meansA, meansA);
  assert.deepEqual([same.verdict, same.ties], [0, N]);
});

test("パレート最適：安くて同じ点のものがあれば、高いほうは外れる", () => {
  const points = [{ cost: 1, score: 1 }, { cost: 2, score: 3 }, { cost: 3, score: 3 }, { cost: 4, score: 2 }, { cost: 0, score: 0 }, { cost: 2, score: 3 }];
  assert.deepEqual(paretoFront(points), [true, true, false, false, true, true]);
});

test("並べ方：点は大きい順、時間は小さい順。もとの並びは変えない", () => {
  const methods = [{ name: "甲", mean: 1, seconds: 2 }, { name: "乙", mean: 3, seconds: 5 }, { name: "丙", mean: 2, seconds: 2 }];
  const names = (list) => list.map(({ name }) => name).join("");
  assert.equal(names(inOrder(methods, "mean")), "乙丙甲");
  assert.equal(names(inOrder(methods, "seconds")), "甲丙乙");
  assert.equal(names(methods), "甲乙丙");
});

test("押した場所に近い点を選ぶ。遠ければ選ばない", () => {
  const points = [[0, 0], [10, 0], [30, 5]];
  assert.equal(nearestDot(points, { x: 7, y: 1 }, 20), 1);
  assert.equal(nearestDot(points, { x: 90, y: 1 }, 20), -1);
});

test("図の範囲は、いつも 0 を含み、値が 1 つでも幅がある", () => {
  for (const values of [[3, 5], [-4, -2], [0]]) {
    const { low, high } = rangeOf(values);
    assert.ok(low < Math.min(0, ...values) && high > Math.max(0, ...values));
  }
});

test("名前は、自分の点のそばに置く。縦に近い 2 点でも取りちがえない。込んでいれば置かない", () => {
  const points = [[300, 60], [300, 46], [500, 200]];
  const labels = placeLabels(points.map((at, i) => ({ name: `手法${i}`, at })), points, 700);
  assert.deepEqual(labels.map(({ name }) => name), ["手法0", "手法1", "手法2"]);
  const middle = labels.map(({ y }) => y - 4);
  assert.ok(middle[0] > middle[1]); // 下の点の名前が、下にある
  const crowd = Array.from({ length: 40 }, (_, i) => [300 + 4 * (i % 8), 100 + 4 * Math.floor(i / 8)]);
  const few = placeLabels(crowd.map((at, i) => ({ name: `手法${i}`, at })), crowd, 700);
  assert.ok(few.length > 0 && few.length < crowd.length);
});
