import test from "node:test";
import assert from "node:assert/strict";
import { siSdr } from "../../src/sstut/widgets/js/dsp/metrics.js";
import { angle, createSearch, griffinLim, misi, phaseAdvance, phaseDeviation, polar, princarg, randomPhase, spectralConvergence, withMagnitude } from "../../src/sstut/widgets/js/dsp/phase.js";
import { magnitude } from "../../src/sstut/widgets/js/dsp/spectrogram.js";
import { istft, stft } from "../../src/sstut/widgets/js/dsp/stft.js";
import { chirp, sine } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { framePhases, tones, vectorSum } from "../../src/sstut/widgets/js/phase/tone.js";
import { assertClose, assertJapaneseError, maxError, randomArray } from "./helpers.mjs";

const sr = 8000;
const length = 8000;
const options = { nFft: 512, hop: 128 };
const target = Float64Array.from(chirp({ from: 300, to: 1500, sr, length }));
const other = Float64Array.from(sine({ frequency: 440, sr, length }), (v, i) => v * (1 + 0.3 * Math.sin(i / 400)));
const mixture = target.map((v, i) => v + other[i]);
const S = stft(target, options);
const M = magnitude(S);
const random = (seed) => polar(M, randomPhase(M.length, seed));

test("princarg は 2π の倍数だけずらして (−π, π] に入れる", () => {
  for (const phase of [-50, -Math.PI, -1, 0, 1, Math.PI, 3 * Math.PI, 100]) {
    const wrapped = princarg(phase);
    assert.ok(wrapped > -Math.PI - 1e-12 && wrapped <= Math.PI);
    assert.ok(Math.abs(Math.sin(wrapped - phase)) < 1e-12 && Math.cos(wrapped - phase) > 0);
  }
  assert.equal(princarg(Math.PI), Math.PI);
});

test("1 ホップの位相の進みは、STFT の位相の差と合う", () => {
  const frequency = 1000; // ビンの上（1000 = 64 × 8000 / 512）
  const X = stft(Float64Array.from(sine({ frequency, sr, length })), options);
  const phase = angle(X);
  const wanted = princarg(phaseAdvance(frequency, 128, sr));
  const deviation = phaseDeviation(X);
  for (let t = 5; t < 40; t++) {
    assert.ok(Math.abs(princarg(phase[t * 257 + 64] - phase[(t - 1) * 257 + 64] - wanted)) < 1e-5);
    assert.ok(Math.abs(deviation[t * 257 + 64]) < 1e-5); // ビンの中心なので、ずれがない
  }
});

test("真の位相なら、もとの波形と 0 のずれに戻る", () => {
  const search = createSearch({ magnitudes: [M], start: [S], length, ...options });
  assertClose(search.waves[0], target, 1e-12);
  assert.ok(search.losses[0] < 1e-12);
  search.step(0.99);
  assertClose(search.waves[0], target, 1e-11); // 答えは動かない点
});

test("勢いのない Griffin–Lim では、ずれ（負の周波数も数える）が増えない", () => {
  const search = createSearch({ magnitudes: [M], start: [random(1)], length, ...options });
  const full = () => {
    const level = magnitude(stft(search.waves[0], options));
    let sum = 0;
    for (let i = 0; i < M.length; i++) sum += (i % 257 === 0 || i % 257 === 256 ? 1 : 2) * (level[i] - M[i]) ** 2;
    return sum;
  };
  let last = full();
  for (let n = 0; n < 30; n++) {
    search.step(0);
    const now = full();
    assert.ok(now <= last * (1 + 1e-9), `${n} 回目：${last} → ${now}`);
    last = now;
  }
});

test("勢いがあるほうが、同じ回数で、ずれが小さい", () => {
  const at = (momentum) => griffinLim(M, { nIter: 60, momentum, start: random(2), length, ...options }).losses.at(-1);
  assert.ok(at(0.99) < 0.7 * at(0));
});

test("MISI：和は混合音に一致し、混合音の位相より SI-SDR が上がる", () => {
  const N = magnitude(stft(other, options));
  const X = stft(mixture, options);
  const start = [M, N].map((level) => withMagnitude(level, X));
  const borrowed = siSdr(target, istft({ ...S, ...start[0] }));
  const { waveforms } = misi([M, N], mixture, { nIter: 30, start, ...options });
  assertClose(waveforms[0].map((v, i) => v + waveforms[1][i]), mixture, 1e-13);
  assert.ok(siSdr(target, waveforms[0]) > borrowed + 3);
});

test("振幅を置きかえても位相は変わらない。0 の点の位相は 0", () => {
  const parts = { re: Float64Array.of(3, 0, -1), im: Float64Array.of(4, 0, 0) };
  const moved = withMagnitude([10, 2, 5], parts);
  assertClose(moved.re, [6, 2, -5], 1e-15);
  assertClose(moved.im, [8, 0, 0], 1e-15);
  assert.equal(withMagnitude([1, 1, 1], parts, parts).re, parts.re); // 自分自身にも書ける
  assertClose(parts.re, [0.6, 1, -1], 1e-15);
});

test("スペクトル収束度：倍率 1.1 なら 0.1。目標がすべて 0 なら断る", () => {
  const louder = { re: S.re.map((v) => 1.1 * v), im: S.im.map((v) => 1.1 * v) };
  assert.ok(Math.abs(spectralConvergence(M, louder) - 0.1) < 1e-12);
  assertJapaneseError(() => spectralConvergence(new Float64Array(2), { re: [1, 1], im: [0, 0] }));
});

test("乱数の位相は、種が同じなら同じ値で、1 周に広がる", () => {
  assert.deepEqual(randomPhase(100, 3), randomPhase(100, 3));
  assert.ok(maxError(randomPhase(100, 3), randomPhase(100, 4)) > 1);
  const phase = randomPhase(20000, 5);
  assert.ok(phase.every((v) => v >= -Math.PI && v < Math.PI));
  const mean = phase.reduce((sum, v) => sum + Math.cos(v), 0) / phase.length;
  assert.ok(Math.abs(mean) < 0.02);
});

test("途中でやめて続けても、続けて進めたのと同じ", () => {
  const make = () => createSearch({ magnitudes: [M], start: [random(6)], length, ...options });
  const [a, b] = [make(), make()];
  for (let n = 0; n < 5; n++) a.step(0.9);
  const stopped = [...a.waves[0]];
  for (let n = 0; n < 5; n++) b.step(0.9);
  assertClose(b.waves[0], stopped, 0);
  assert.equal(a.iteration, 5);
});

test("矢印の和：180° で同じ長さなら消え、90° なら √2 倍", () => {
  assert.ok(vectorSum(1, Math.PI).length < 1e-12);
  assert.ok(Math.abs(vectorSum(1, Math.PI / 2).length - Math.SQRT2) < 1e-12);
  assert.ok(Math.abs(vectorSum(1, Math.PI / 2).angle - Math.PI / 4) < 1e-12);
  const { length: size, angle: turn } = vectorSum(0.6, 2);
  const made = tones({ frequency: 440, phase: 0.3, ratio: 0.6, offset: 2, sr });
  const scale = 0.22 * size;
  const expected = made.sum.map((_, i) => scale * Math.sin((2 * Math.PI * 440 * i) / sr + 0.3 + turn));
  assertClose(made.sum, expected, 1e-6);
});

test("フレームの先頭の位相は、そのサンプルの位相", () => {
  const { unwrapped, wrapped } = framePhases({ frequency: 443, phase: 0.5, hop: 200, sr, count: 6 });
  wrapped.forEach((phase, m) => {
    assert.ok(Math.abs(unwrapped[m] - (0.5 + (2 * Math.PI * 443 * 200 * m) / sr)) < 1e-9);
    assert.ok(Math.abs(Math.sin(phase) - Math.sin((2 * Math.PI * 443 * 200 * m) / sr + 0.5)) < 1e-9);
    assert.ok(phase > -Math.PI && phase <= Math.PI);
  });
});

test("フレームが少ない短い波形でも、有限の値になる", () => {
  const x = randomArray(600, 7);
  const level = magnitude(stft(x, options));
  const { waveform } = griffinLim(level, { nIter: 3, start: polar(level, randomPhase(level.length, 8)), length: 600, ...options });
  assert.equal(waveform.length, 600);
  assert.ok(waveform.every(Number.isFinite));
});
