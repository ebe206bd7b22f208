import test from "node:test";
import assert from "node:assert/strict";
import { applyMask, binarize, complexIdealRatioMask, idealBinaryMask, idealRatioMask, invert, phaseSensitiveMask, softExponent, thresholdMask } from "../../src/sstut/widgets/js/dsp/masks.js";
import { siSdr, snr } from "../../src/sstut/widgets/js/dsp/metrics.js";
import { magnitude } from "../../src/sstut/widgets/js/dsp/spectrogram.js";
import { istft, stft } from "../../src/sstut/widgets/js/dsp/stft.js";
import { chirp, clickTrain, noise, sine } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { assertClose, assertJapaneseError, maxError, randomArray } from "./helpers.mjs";

const sr = 8000;
const length = 16000;
const options = { nFft: 512, hop: 128 };
const sources = [
  sine({ frequency: 440, sr, length }),
  chirp({ from: 800, to: 3000, sr, length }),
  clickTrain({ period: 2000, length, start: 500 }),
].map((x) => Float64Array.from(x));
const mixture = sources[0].map((v, i) => v + sources[1][i] + sources[2][i]);
const spectra = sources.map((x) => stft(x, options));
const mixed = stft(mixture, options);
const mags = spectra.map((S) => magnitude(S));

const sum = (arrays) => arrays[0].map((_, i) => arrays.reduce((s, a) => s + a[i], 0));

test("理想マスクの和はどの点でも 1。マスクを掛けた音の和は混合音", () => {
  for (const masks of [idealBinaryMask(mags), idealRatioMask(mags), idealRatioMask(mags, 2), softExponent(idealRatioMask(mags), 5)]) {
    assertClose(sum(masks), new Float64Array(mixed.re.length).fill(1), 1e-14);
    assertClose(sum(masks.map((mask) => istft(mixed, { mask }))), mixture, 1e-12);
  }
});

test("分離できる：どの理想マスクも SI-SDR を大きく上げ、位相まで使うと正確に戻る", () => {
  const score = (makeMask) =>
    sources.map((x, n) => siSdr(x, istft(applyMask(mixed, makeMask(n)))));
  const before = sources.map((x) => siSdr(x, mixture));
  const ibm = score((n) => idealBinaryMask(mags)[n]);
  const irm = score((n) => idealRatioMask(mags)[n]);
  const psm = score((n) => phaseSensitiveMask(spectra[n], mixed));
  const cirm = score((n) => complexIdealRatioMask(spectra[n], mixed));
  for (let n = 0; n < sources.length; n++) {
    assert.ok(ibm[n] > before[n] + 5 && irm[n] > before[n] + 5);
    assert.ok(psm[n] > Math.max(ibm[n], irm[n]));
    assert.ok(cirm[n] > 100);
  }
});

test("同点は先の音源、空の点は比のマスクで 1/N", () => {
  const tied = [Float64Array.of(1, 0, 2), Float64Array.of(1, 0, 3)];
  assert.deepEqual(idealBinaryMask(tied), [Float64Array.of(1, 1, 0), Float64Array.of(0, 0, 1)]);
  assert.deepEqual(idealBinaryMask(tied, 6), [Float64Array.of(0, 0, 0), Float64Array.of(0, 0, 0)]); // 3/2 は 3.5 dB
  assert.deepEqual(idealBinaryMask(tied, 3), [Float64Array.of(0, 0, 0), Float64Array.of(0, 0, 1)]);
  assert.deepEqual(idealBinaryMask(tied, -6), [Float64Array.of(1, 1, 1), Float64Array.of(1, 0, 1)]);
  const [first, second] = idealRatioMask(tied, 2);
  assertClose(first, [0.5, 0.5, 4 / 13], 1e-15);
  assertClose(second, [0.5, 0.5, 9 / 13], 1e-15);
});

test("指数を大きくすると二値マスクに近づく。とても小さい振幅でも割れない", () => {
  const hard = idealRatioMask(mags, 200);
  const binary = idealBinaryMask(mags);
  let far = 0;
  hard[0].forEach((v, i) => { far += Math.abs(v - binary[0][i]) > 0.01 ? 1 : 0; });
  assert.ok(far / hard[0].length < 0.05);
  const tiny = idealRatioMask([Float64Array.of(1e-300), Float64Array.of(3e-300)], 2);
  assertClose(tiny[0], Float64Array.of(0.1), 1e-15);
  assertClose(softExponent([Float64Array.of(0.25), Float64Array.of(0.75)], 2)[1], [0.9], 1e-15);
});

test("しきい値、二値化、反転", () => {
  const db = Float32Array.of(-50, -20, -10, 0);
  assert.deepEqual([...thresholdMask(db, -20)], [0, 1, 1, 1]);
  assert.deepEqual([...thresholdMask(db, -20, false)], [1, 0, 0, 0]);
  assert.deepEqual(thresholdMask(db, -20, false), invert(thresholdMask(db, -20)));
  const out = new Float32Array(4);
  assert.equal(thresholdMask(db, -30, true, out), out);
  assert.deepEqual([...binarize(Float32Array.of(0, 0.4, 0.6, 1))], [0, 0, 1, 1]);
  assertClose(invert(Float64Array.of(0, 0.3, 1)), Float64Array.of(1, 0.7, 0), 1e-15);
});

test("applyMask：複素数のマスクは複素数の積。X = 0 の点で NaN にならない", () => {
  const S = { re: Float64Array.of(1, 0), im: Float64Array.of(2, 0), frames: 1, bins: 2 };
  const y = applyMask(S, { re: Float64Array.of(3, 1), im: Float64Array.of(4, 1) });
  assert.deepEqual([y.re[0], y.im[0]], [1 * 3 - 2 * 4, 1 * 4 + 2 * 3]);
  const ratio = complexIdealRatioMask({ re: Float64Array.of(5, 7), im: Float64Array.of(6, 8) }, S);
  const back = applyMask(S, ratio);
  assertClose([...back.re, ...back.im], [5, 0, 6, 0], 1e-14);
  assert.deepEqual(phaseSensitiveMask(S, { re: Float64Array.of(0, -0.5), im: Float64Array.of(1, 0) }), Float64Array.of(2, 0));
  assert.deepEqual(phaseSensitiveMask(S, { re: Float64Array.of(0, -0.5), im: Float64Array.of(1, 0) }, [0, 1]), Float64Array.of(1, 0));
  assert.equal(applyMask(S, Float64Array.of(1, 1), y).re, y.re);
  assertJapaneseError(() => applyMask(S, Float64Array.of(1)));
  assertJapaneseError(() => idealBinaryMask([]));
  assertJapaneseError(() => idealRatioMask([Float64Array.of(1), Float64Array.of(1, 2)]));
  assertJapaneseError(() => idealRatioMask(mags, 0));
});

test("SI-SDR：倍率と直流に依らず、直交する雑音なら定義どおりの値", () => {
  const n = 1000;
  const s = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * 5 * i) / n));
  const orthogonal = Float64Array.from({ length: n }, (_, i) => 0.1 * Math.cos((2 * Math.PI * 5 * i) / n));
  const estimate = s.map((v, i) => v + orthogonal[i]);
  assert.ok(Math.abs(siSdr(s, estimate) - 20) < 1e-9);
  assert.ok(Math.abs(snr(s, estimate) - 20) < 1e-9);
  assert.ok(Math.abs(siSdr(s, estimate.map((v) => -3 * v + 7)) - 20) < 1e-9);
  assert.ok(Math.abs(snr(s, s.map((v) => 0.5 * v)) - 10 * Math.log10(4)) < 1e-9);
  assert.equal(snr(s, s), Infinity);
  assert.equal(siSdr(s, s), Infinity);
  assert.equal(siSdr(s, new Float64Array(n)), -Infinity);
  assertJapaneseError(() => siSdr(new Float64Array(n), s));
  assertJapaneseError(() => snr(s, s.slice(1)));
});

test("SI-SDR：雑音を足すほど下がる", () => {
  const s = randomArray(5000, 1);
  const e = noise({ length: 5000, seed: 2 });
  const scores = [0.01, 0.1, 1].map((g) => siSdr(s, s.map((v, i) => v + g * e[i])));
  assert.ok(scores[0] > scores[1] + 15 && scores[1] > scores[2] + 10);
  assert.ok(maxError(s, e) > 0);
});
