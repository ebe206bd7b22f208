import test from "node:test";
import assert from "node:assert/strict";
import { AnyFFT } from "../../src/sstut/widgets/js/dsp/fft2.js";
import { sortLines } from "../../src/sstut/widgets/js/dsp/median.js";
import {
  backgroundMask, beatPeaks, beatSpectrum, findPeriod, ft2dPeaks, ft2dTransform, repet, repetSim, samePhase, similarFrames,
  similarityMatrix,
} from "../../src/sstut/widgets/js/dsp/repetition.js";
import { sine } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { createWork, toFrames } from "../../src/sstut/widgets/js/repetition/work.js";
import { assertClose, assertJapaneseError, randomArray, sumOfSquares } from "./helpers.mjs";

const sr = 8000;
const settings = {
  method: "repet", period: 0, maxRepeats: 100, minDistance: 0.8, minSimilarity: 0, neighborhood: [1, 9], cutoff: 100,
};
const stftOptions = { nFft: 512, hop: 128, sr };

/** 1 秒ごとにくり返す 8 音の伴奏と、くり返さない音。6 秒。 */
const length = 6 * sr;
const background = new Float32Array(length);
for (let i = 0; i < length; i++) {
  const note = Math.floor((i % sr) / 1000);
  background[i] = 0.3 * Math.sin(2 * Math.PI * (300 + 173 * ((note * 5) % 8)) * (i / sr)) * Math.exp(-(i % 1000) / 800);
}
const foreground = sine({ frequency: 2210, sr, length, amplitude: 0.1 }).map((v, i) => (i % 13000 < 3000 ? v : 0));
const mixture = background.map((v, i) => v + foreground[i]);

test("好きな長さの FFT は、定義どおりで、逆変換で戻る", () => {
  for (const n of [1, 2, 3, 5, 8, 12, 17]) {
    const [re, im] = [randomArray(n, 1), randomArray(n, 2)];
    const [a, b] = [re.slice(), im.slice()];
    const fft = new AnyFFT(n);
    fft.forward(a, b);
    for (let k = 0; k < n; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let i = 0; i < n; i++) {
        const [c, s] = [Math.cos((2 * Math.PI * k * i) / n), -Math.sin((2 * Math.PI * k * i) / n)];
        sumRe += re[i] * c - im[i] * s;
        sumIm += re[i] * s + im[i] * c;
      }
      assert.ok(Math.hypot(a[k] - sumRe, b[k] - sumIm) < 1e-13 * n);
    }
    fft.inverse(a, b);
    assertClose(a, re, 1e-14);
    assertClose(b, im, 1e-14);
  }
});

test("くり返すスペクトログラムは、周期の所に峰があり、REPET の背景がそれ自身になる", () => {
  const [bins, period, repeats] = [9, 12, 5];
  const one = randomArray(bins * period, 3).map(Math.abs);
  const S = Float64Array.from({ length: one.length * repeats }, (_, i) => one[i % one.length]);
  const beat = beatSpectrum(S, bins);
  assert.equal(findPeriod(beat), period);
  assert.ok(beatPeaks(beat, 1, 30).includes(period));
  const lines = sortLines(S, bins, "time");
  assertClose(repet(lines, period), S, 0);
  const guest = S.slice();
  guest[30 * bins + 4] += 5; // 1 度だけ鳴る音は、背景に入らない
  assertClose(repet(sortLines(guest, bins, "time"), period), S, 0);
  assert.ok(backgroundMask(guest, S)[30 * bins + 4] < 0.2);
  assertClose(backgroundMask(S, S), S.map(() => 1), 0);
});

test("似たフレーム：自分を必ず含み、間隔と数と下限を守る。まったく同じフレームは背景を保つ", () => {
  const [bins, frames] = [16, 40];
  const S = randomArray(bins * frames, 4).map(Math.abs);
  const matrix = similarityMatrix(S, bins);
  const value = (s, t) => matrix[s * frames + t];
  for (let t = 0; t < frames; t++) assert.ok(Math.abs(value(t, t) - 1) < 1e-12 && value(t, 3) === value(3, t));
  const options = { maxRepeats: 4, minDistance: 3, minSimilarity: 0.7 };
  similarFrames(matrix, options).forEach((list, t) => {
    assert.ok(list.includes(t) && list.length <= 4);
    assert.ok(list.every((s) => s === t || value(t, s) >= 0.7));
    for (let i = 1; i < list.length; i++) assert.ok(list[i] - list[i - 1] > 3);
  });
  const alone = similarFrames(matrix, { maxRepeats: 1 });
  assertClose(repetSim(sortLines(S, bins, "time"), alone), S, 0); // 自分だけなら、元のまま
});

test("2 次元フーリエ変換の峰：時間方向に周期的な模様は、周期の逆数の所に集まる", () => {
  const [bins, frames, period] = [15, 48, 8];
  const S = Float64Array.from({ length: bins * frames }, (_, i) => 1 + Math.cos((2 * Math.PI * Math.floor(i / bins)) / period));
  const peaks = ft2dPeaks(ft2dTransform(S, bins), [1, 5]);
  const at = [...peaks.keys()].filter((i) => peaks[i] === 1);
  assert.deepEqual(at, [0, frames / period, frames - frames / period]);
});

test("同じ位相のフレームと、秒からフレームへの丸め（Python の round と同じ）", () => {
  assert.deepEqual([...samePhase(7, 5, 14)], [2, 7, 12]);
  assert.deepEqual([0.5, 1.5, 2.5, 3.5, 2.49, 2.51, 0.1].map((v) => toFrames(v, 1)), [1, 2, 2, 4, 2, 3, 1]);
});

test("不正な周期・範囲・近傍・長さは、日本語で断る", () => {
  const lines = sortLines(randomArray(40, 1), 4, "time");
  for (const period of [0, 1.5, 6]) assertJapaneseError(() => repet(lines, period));
  assertJapaneseError(() => findPeriod(new Float64Array(10), { minPeriod: 5, maxPeriod: 4 }));
  assertJapaneseError(() => findPeriod(new Float64Array(10), { maxPeriod: 10 }));
  const transform = ft2dTransform(randomArray(40, 1).map(Math.abs), 4);
  for (const size of [0, 2, -1]) assertJapaneseError(() => ft2dPeaks(transform, [1, size]));
  assertJapaneseError(() => new AnyFFT(0));
});

test("どの方法でも、和は混合音に戻り、背景と前景に近づく", () => {
  const work = createWork(mixture, [{ wave: background }, { wave: foreground }], stftOptions);
  for (const method of ["repet", "repet_sim", "ft2d"]) {
    work.update({ ...settings, method });
    assertClose(work.waves.background.map((v, i) => v + work.waves.foreground[i]), mixture, 1e-6);
    work.scores().forEach((after, i) => assert.ok(after > work.before[i] + 1, `${method} ${after} と ${work.before[i]}`));
  }
  assert.equal(work.found(), Math.round(sr / stftOptions.hop)); // 1 秒
});

test("周期を 1 フレームずらすと悪くなる", () => {
  const work = createWork(mixture, [{ wave: background }, { wave: foreground }], stftOptions);
  work.update(settings);
  const [right] = work.scores();
  for (const wrong of [work.found() + 1, Math.round(work.found() / 2)]) {
    work.update({ ...settings, period: wrong });
    assert.ok(work.scores()[0] < right - 1);
  }
});

test("設定を行き来しても、初めから計算したのと同じ", () => {
  const work = createWork(mixture, [], stftOptions);
  const changes = [{}, { period: 40 }, { cutoff: 500 }, { method: "ft2d" }, { method: "repet_sim", minDistance: 0.2 }, { period: 40 }];
  for (const change of changes) {
    work.update({ ...settings, ...change });
    const fresh = createWork(mixture, [], stftOptions);
    fresh.update({ ...settings, ...change });
    for (const name of ["background", "foreground"]) assertClose(work.waves[name], fresh.waves[name], 0);
    assert.ok(sumOfSquares(work.waves.background) > 0);
  }
});
