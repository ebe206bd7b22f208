import test from "node:test";
import assert from "node:assert/strict";
import { hpss, hpssMasks } from "../../src/sstut/widgets/js/dsp/hpss.js";
import { medianFilter, reflect, runningMedian, sortLines } from "../../src/sstut/widgets/js/dsp/median.js";
import { clickTrain, sine } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { shareColors, shareIndex } from "../../src/sstut/widgets/js/hpss/colors.js";
import { createWork } from "../../src/sstut/widgets/js/hpss/work.js";
import { assertClose, assertJapaneseError, randomArray, sumOfSquares } from "./helpers.mjs";

const sr = 8000;
const length = 16000;
const tone = sine({ frequency: 1000, sr, length, amplitude: 0.3 });
const clicks = clickTrain({ period: 4000, length, start: 2000 });
const mixture = tone.map((v, i) => v + clicks[i]);
const settings = { nFft: 512, hop: 128, kernels: [31, 31], power: 2, margins: [1, 1] };

/** 定義どおりの移動中央値。 */
function plainMedian(x, size) {
  const half = (size - 1) / 2;
  return x.map((_, i) => Array.from({ length: size }, (_unused, j) => x[reflect(i - half + j, x.length)]).sort((a, b) => a - b)[half]);
}

test("折り返し：cba|abc|cba。何周しても続く", () => {
  assert.deepEqual([-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((i) => reflect(i, 3)), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
  assert.equal(reflect(-100, 1), 0);
});

test("移動中央値は定義どおり。並べた結果を、点数を変えて使い回せる", () => {
  for (const n of [1, 2, 31, 32, 33, 64, 100]) {
    const x = randomArray(n, n);
    const ties = x.map((v) => Math.round(2 * v));
    for (const values of [x, ties]) {
      const lines = sortLines(values, n, "frequency");
      for (const size of [1, 3, 7, 63, 101]) assertClose(runningMedian(lines, size), plainMedian(values, size), 0);
    }
  }
});

test("軸：時間の中央値は、転置して周波数の中央値を取るのと同じ", () => {
  const [frames, bins] = [20, 9];
  const x = randomArray(frames * bins, 5);
  const turned = x.map((_, i) => x[(i % frames) * bins + Math.floor(i / frames)]);
  const along = medianFilter(x, bins, 5, "time");
  const expected = medianFilter(turned, frames, 5, "frequency");
  assertClose(along, along.map((_, i) => expected[(i % bins) * frames + Math.floor(i / bins)]), 0);
});

test("不正な点数・倍率・鋭さ・形は、日本語で断る", () => {
  const x = new Float64Array(12);
  for (const size of [0, 2, 2.5, -1]) assertJapaneseError(() => medianFilter(x, 4, size, "time"));
  assertJapaneseError(() => medianFilter(x, 5, 3, "time"));
  assertJapaneseError(() => hpssMasks(x, x, { margins: [0.5, 1] }));
  assertJapaneseError(() => hpssMasks(x, x, { power: 0 }));
});

test("横線は調波、縦線は打楽器、何もない点は半分ずつ（倍率があれば残り）", () => {
  const bins = 60;
  const across = new Float64Array(bins * 60);
  for (let t = 0; t < 60; t++) across[t * bins + 20] = 1;
  const masks = hpss(across, bins);
  assert.equal(masks.harmonic[30 * bins + 20], 1);
  assert.equal(masks.harmonic[30 * bins + 40], 0.5);
  const upright = new Float64Array(bins * 60);
  upright.fill(1, 20 * bins, 21 * bins);
  assert.equal(hpss(upright, bins).percussive[20 * bins + 30], 1);
  const { harmonic, percussive, rest } = hpss(across, bins, { margins: [2, 2] });
  assert.ok(harmonic.every((v, i) => Math.abs(v + percussive[i] + rest[i] - 1) < 1e-15));
  assert.equal(rest[30 * bins + 40], 1);
});

test("正弦波とクリックを分け、成分の和は混合音に戻る", () => {
  const work = createWork(mixture, [{ wave: tone }, { wave: clicks }]);
  for (const margins of [[1, 1], [2, 3]]) {
    work.update({ ...settings, margins });
    const { harmonic, percussive, rest } = work.waves;
    assertClose(harmonic.map((v, i) => v + percussive[i] + rest[i]), mixture, 1e-6);
    assert.equal(work.hasRest, margins[0] > 1);
    assert.equal(sumOfSquares(rest) > 0, work.hasRest);
  }
  work.update(settings);
  const [forTone, forClicks] = work.scores();
  assert.ok(forTone.harmonic > work.before[0] + 5, `${forTone.harmonic} と ${work.before[0]}`);
  assert.ok(forClicks.percussive > work.before[1] + 8, `${forClicks.percussive} と ${work.before[1]}`);
  assert.ok(forTone.percussive < forTone.harmonic && forClicks.harmonic < forClicks.percussive);
});

test("設定を行き来しても、初めから計算したのと同じ", () => {
  const work = createWork(mixture, []);
  for (const change of [{}, { nFft: 1024, hop: 256 }, { kernels: [5, 31] }, { margins: [2, 1] }, { power: Infinity }]) {
    work.update({ ...settings, ...change });
    const fresh = createWork(mixture, []);
    fresh.update({ ...settings, ...change });
    for (const name of ["harmonic", "percussive", "rest"]) assertClose(work.waves[name], fresh.waves[name], 0);
  }
});

test("割り当ての色：調波は青、打楽器は橙、半分ずつは灰色。明るさは音の大きさだけで決まる", () => {
  const colors = shareColors();
  const rgb = (h, p, v = 1) => {
    const c = colors[shareIndex(h, p, v)];
    return [c & 255, (c >> 8) & 255, (c >> 16) & 255];
  };
  const [blue, orange, gray] = [rgb(1, 0), rgb(0, 1), rgb(0.5, 0.5)];
  assert.ok(blue[2] > blue[0] + 60 && orange[0] > orange[2] + 60);
  assert.ok(Math.max(...gray) - Math.min(...gray) < 30);
  for (let h = 0; h <= 20; h++) assert.ok(colors[shareIndex(h / 20, 1 - h / 20, 0.5)] !== 0); // どの丸めでも色がある
});
