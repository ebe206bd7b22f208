import test from "node:test";
import assert from "node:assert/strict";
import { magnitudeLoss, multiResolutionLoss, waveformLosses } from "../../src/sstut/widgets/js/dsp/losses.js";
import { magnitude } from "../../src/sstut/widgets/js/dsp/spectrogram.js";
import { stft } from "../../src/sstut/widgets/js/dsp/stft.js";
import { sine } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { loudestPart } from "../../src/sstut/widgets/js/losses/listen.js";
import { createWork, DELAYS, GAINS, LOSSES } from "../../src/sstut/widgets/js/losses/work.js";
import { assertClose, assertJapaneseError, sumOfSquares } from "./helpers.mjs";

const period = 20; // 8 kHz で 400 Hz
const target = sine({ frequency: 400, sr: 8000, length: 4000, amplitude: 0.3 });
const complete = (work, degradation = { inverted: false, noiseDb: -60 }) => {
  work.update(degradation);
  while (!work.advance(1000));
  return work;
};
const value = (map, delay, gain) => map[DELAYS.indexOf(delay) * GAINS.length + GAINS.indexOf(gain)];

test("面の格子の点は、その点の音から直接求めた損失と等しい（雑音と正負も）", () => {
  for (const degradation of [{ inverted: false, noiseDb: -60 }, { inverted: true, noiseDb: -10 }]) {
    const work = complete(createWork(target), degradation);
    for (const [delay, gainDb] of [[0, 0], [12, -6], [-64, 6], [64, -18]]) {
      const { estimate, values } = work.at({ delay, gainDb });
      for (const name of Object.keys(LOSSES)) assert.ok(Math.abs(value(work.maps[name], delay, gainDb) - values[name]) < 1e-9, `${name} ${delay} ${gainDb}`);
      const direct = waveformLosses(estimate, target);
      for (const name of ["l1", "mse", "snr", "si_sdr"]) assert.ok(Math.abs(direct[name] - values[name]) < 1e-3, name);
      assert.ok(Math.abs(multiResolutionLoss(Float64Array.from(estimate), Float64Array.from(target)) - values.multi_resolution) < 1e-4);
      const A = (x) => magnitude(stft(Float64Array.from(x), { nFft: 512, hop: 128 }));
      assert.ok(Math.abs(magnitudeLoss(A(estimate), A(target)) - values.magnitude) < 1e-4);
    }
  }
});

test("正弦波：波形の損失の谷は 1 周期ごと。SI-SDR は利得に沿って平ら。振幅の損失は遅れと正負にほとんどよらない", () => {
  const work = complete(createWork(target));
  const { maps } = work;
  for (const name of ["l1", "mse", "snr"]) {
    assert.ok(value(maps[name], period, 0) < value(maps[name], period - 4, 0) && value(maps[name], period, 0) < value(maps[name], period + 4, 0), name);
    assert.ok(value(maps[name], period / 2, 0) > value(maps[name], 0, -18), name); // 逆位相は、無音に近い推定よりも悪い
  }
  for (const gain of GAINS) assert.ok(Math.abs(value(maps.si_sdr, 7, gain) - value(maps.si_sdr, 7, 0)) < 1e-6);
  const worst = Math.max(...DELAYS.map((d) => value(maps.magnitude, d, 0)));
  assert.ok(worst < 0.1 * value(maps.magnitude, 0, -18), `${worst}`);
  const before = work.at({ delay: 8, gainDb: 0 }).values;
  work.update({ inverted: true, noiseDb: -60 });
  const after = work.at({ delay: 8, gainDb: 0 }).values;
  for (const name of ["magnitude", "multi_resolution", "si_sdr"]) assert.ok(Math.abs(after[name] - before[name]) < 1e-9, name);
  assert.ok(Math.abs(after.l1 - before.l1) > 0.05);
});

test("雑音は、正解と同じパワーから測った大きさ", () => {
  const work = complete(createWork(target), { inverted: false, noiseDb: -20 });
  const { error } = work.at({ delay: 0, gainDb: 0 });
  assert.ok(Math.abs(sumOfSquares(error) / sumOfSquares(target) - 0.01) < 1e-6);
});

test("読者の音は、いちばん大きいところを使う", () => {
  const x = new Float32Array(100);
  x.fill(0.5, 40, 60);
  assertClose(loudestPart(x, 20), new Float32Array(20).fill(0.5), 0);
  assert.equal(loudestPart(x, 200).length, 100);
});

test("長さの違う波形は、日本語で断る", () => {
  assertJapaneseError(() => waveformLosses(new Float32Array(3), new Float32Array(4)));
  assertJapaneseError(() => multiResolutionLoss(new Float32Array(0), new Float32Array(0)));
});
