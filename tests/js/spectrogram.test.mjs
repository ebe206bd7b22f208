import test from "node:test";
import assert from "node:assert/strict";
import { amplitudeToDb, magnitude, magnitudeDb, maximum, power, powerToDb, spectrogram } from "../../src/sstut/widgets/js/dsp/spectrogram.js";
import { applyMel, hzToMel, melFilterbank, melRoundTripMask, melToHz, melToLinear } from "../../src/sstut/widgets/js/dsp/mel.js";
import { stft } from "../../src/sstut/widgets/js/dsp/stft.js";
import { assertClose, assertJapaneseError, randomArray } from "./helpers.mjs";

const S = stft(randomArray(3000, 1), { nFft: 256, hop: 64 });

test("パワーは振幅の2乗で、複素数の2乗ではない", () => {
  assertClose(power(S), magnitude(S).map((v) => v * v), 1e-12);
  assert.deepEqual([...power({ re: Float64Array.of(3), im: Float64Array.of(4) })], [25]);
});

test("対数パワーは対数振幅の2倍：デシベルにすると同じ絵になる", () => {
  assertClose(powerToDb(power(S), { topDb: null }), amplitudeToDb(magnitude(S), { topDb: null }), 1e-10);
  assertClose(magnitudeDb(S), amplitudeToDb(magnitude(S), { ref: "max" }), 1e-10);
});

test("デシベルの基準、下限、topDb", () => {
  assertClose(powerToDb(Float64Array.of(1, 10, 100, 0)), Float64Array.of(0, 10, 20, -60), 1e-12);
  assertClose(powerToDb(Float64Array.of(1, 10, 0), { ref: 10, topDb: null }), Float64Array.of(-10, 0, -110), 1e-12);
  assertClose(amplitudeToDb(Float64Array.of(1, 10, 0), { ref: "max", topDb: null }), Float64Array.of(-20, 0, -120), 1e-12);
  const db = magnitudeDb(S, { topDb: 30 });
  assert.ok(Math.abs(maximum(db)) < 1e-12);
  assert.ok(Math.min(...db) >= -30 - 1e-12);
  assert.ok(powerToDb(new Float64Array(4), { ref: "max" }).every((v) => v === 0)); // 無音
  assertJapaneseError(() => powerToDb(power(S), { amin: 0 }));
  assertJapaneseError(() => powerToDb(power(S), { topDb: -1 }));
});

test("out を渡すと使い回し、型が違えば作り直す", () => {
  const out = new Float64Array(S.re.length);
  for (const scale of ["amplitude", "power", "log"]) {
    assert.equal(spectrogram(S, scale, {}, out), out);
    assert.deepEqual(out, spectrogram(S, scale));
  }
  assert.ok(magnitude(S, new Float32Array(out.length)) instanceof Float64Array);
  assertJapaneseError(() => spectrogram(S, "mel"));
});

test("メル：1000 Hz は 15 メル（Slaney）か約 1000 メル（HTK）。往復で戻る", () => {
  assert.ok(Math.abs(hzToMel(1000) - 15) < 1e-12);
  assert.ok(Math.abs(hzToMel(1000, true) - 1000) < 0.02);
  for (const htk of [false, true]) {
    for (const hz of [0, 100, 999, 1000, 1001, 8000]) assert.ok(Math.abs(melToHz(hzToMel(hz, htk), htk) - hz) < 1e-9);
  }
});

test("メル：first と end の外は 0。帯域の面積はそろう", () => {
  const bank = melFilterbank({ sr: 22050, nFft: 2048, nMels: 40 });
  for (let m = 0; m < bank.nMels; m++) {
    const row = bank.weights.subarray(m * bank.bins, (m + 1) * bank.bins);
    assert.ok(row.every((v, k) => v > 0 === (k >= bank.first[m] && k < bank.end[m])));
    const area = row.reduce((a, b) => a + b, 0) * (22050 / 2048);
    assert.ok(Math.abs(area - 1) < 0.1, `面積 ${area}`);
  }
});

test("メル：周波数について一定のパワーは、往復で戻る", () => {
  const bank = melFilterbank({ sr: 16000, nFft: 1024, nMels: 32 });
  const flat = new Float64Array(2 * bank.bins).fill(3).fill(5, bank.bins);
  const back = melToLinear(bank, applyMel(bank, flat));
  // 直流とナイキストは三角形の端で、どのフィルタも覆わない
  for (let k = 1; k < bank.bins - 1; k++) {
    assert.ok(Math.abs(back[k] - 3) < 1e-12 && Math.abs(back[bank.bins + k] - 5) < 1e-12);
  }
  assert.equal(back[0], 0);
});

test("メル：往復はなめらかになる（情報は失われる）が、0以上で、マスクと矛盾しない", () => {
  const bank = melFilterbank({ sr: 16000, nFft: 256, nMels: 12 });
  const p = power(S);
  const back = melToLinear(bank, applyMel(bank, p));
  assert.ok(back.every((v) => v >= 0));
  const mask = melRoundTripMask(bank, p);
  assertClose(mask.map((v, i) => v * v * p[i]), back, 1e-10);
  const variation = (x) => x.reduce((sum, v, i) => sum + (i % bank.bins > 1 ? Math.abs(v - x[i - 1]) : 0), 0);
  assert.ok(variation(back) < 0.7 * variation(p));
  assert.ok(melRoundTripMask(bank, new Float64Array(bank.bins)).every((v) => v === 0));
});

test("メル：不正な設定は日本語で断る", () => {
  for (const o of [{ fMax: 9000 }, { fMin: -1 }, { fMin: 500, fMax: 400 }, { nMels: 0 }, { sr: 0 }]) {
    assertJapaneseError(() => melFilterbank({ sr: 16000, nFft: 512, ...o }));
  }
  const bank = melFilterbank({ sr: 16000, nFft: 512 });
  assertJapaneseError(() => applyMel(bank, new Float64Array(5)));
});
