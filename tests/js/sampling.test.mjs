import test from "node:test";
import assert from "node:assert/strict";
import { encodeWav, floatToInt16, int16ToFloat, peak, rms } from "../../src/sstut/widgets/js/dsp/pcm.js";
import { quantize } from "../../src/sstut/widgets/js/dsp/quantize.js";
import { decimate, resample } from "../../src/sstut/widgets/js/dsp/resample.js";
import { chirp, clickTrain, noise, seededRandom, sine, twoTone } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { snr } from "../../src/sstut/widgets/js/dsp/metrics.js";
import { assertClose, assertJapaneseError, randomArray } from "./helpers.mjs";

const tone = (frequency, sr, length) => Float64Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * frequency * i) / sr));

test("量子化の SN 比は、1ビットあたり 6.02 dB", () => {
  for (const bits of [4, 8, 12, 16]) {
    const step = 2 ** (1 - bits);
    const uniform = randomArray(200000, 3).map((v) => (1 - step / 2) * v); // クリップしない、いちばん大きい振幅
    const sinusoid = tone(Math.SQRT2 / 10, 1, 100000).map((v) => (1 - step / 2) * v);
    // 誤差は幅 Δ の一様分布なので、パワーは Δ²/12。信号のパワーは、一様なら A²/3、正弦なら A²/2
    const law = 6.0206 * bits + 20 * Math.log10(1 - step / 2);
    assert.ok(Math.abs(snr(uniform, quantize(uniform, bits)) - law) < 0.05, `一様、${bits} ビット`);
    // 正弦の値は端に偏るので、誤差は厳密には一様でない。パワーの比のずれは、
    // 特性関数による級数 (12/π²) Σ_k |J0(2πkA/Δ)| / k² ≦ (12/π²) ζ(5/2) √(Δ/A) / π 以下
    const spread = (12 / Math.PI ** 2) * 1.3415 * (Math.sqrt(step) / Math.PI);
    const error = snr(sinusoid, quantize(sinusoid, bits)) - law - 1.7609;
    assert.ok(Math.abs(error) < 10 * Math.log10(1 + spread) + 0.02, `正弦、${bits} ビット: ${error}`);
  }
});

test("量子化：ミッドトレッド、段の数、クリップ、べき等", () => {
  assert.deepEqual([...quantize(Float64Array.of(-2, -1, -0.76, -0.25, 0, 0.1, 0.25, 0.74, 1), 2)], [-1, -1, -1, -0, 0, 0, 0, 0.5, 0.5]);
  const x = randomArray(50000, 5);
  const y = quantize(x, 5);
  assert.equal(new Set(y).size, 32);
  assertClose(quantize(y, 5), y, 0);
  assert.ok(quantize(Float32Array.of(0.3), 8) instanceof Float32Array);
  // 小さすぎる信号は消える
  assert.ok(quantize(tone(100, 8000, 800).map((v) => v / 300), 8).every((v) => v === 0));
  for (const bits of [0, 25, 2.5]) assertJapaneseError(() => quantize(x, bits));
});

test("ディザ：小さい信号が残り、誤差は信号と無相関で、種が同じなら同じ", () => {
  const x = tone(100, 8000, 80000).map((v) => v / 300); // 8 ビットの段の半分より小さい
  const y = quantize(x, 8, { ditherSeed: 1 });
  const dot = (a, b) => a.reduce((s, v, i) => s + v * b[i], 0);
  assert.ok(Math.abs(dot(y, x) / dot(x, x) - 1) < 0.1);
  const error = y.map((v, i) => v - x[i]);
  // 三角分布のディザと丸めを合わせた誤差の分散は Δ²/4
  assert.ok(Math.abs(rms(error) * 128 - 0.5) < 0.01);
  assert.deepEqual(quantize(x, 8, { ditherSeed: 1 }), y);
  assert.notDeepEqual(quantize(x, 8, { ditherSeed: 2 }), y);
});

test("標本化周波数の変換：通過域の正弦は、新しい周波数で標本化した正弦になる", () => {
  for (const [from, to] of [[44100, 22050], [48000, 22050], [22050, 44100], [16000, 22050], [8000, 8001]]) {
    const nyquist = Math.min(from, to) / 2;
    for (const ratio of [0.01, 0.5, 0.88]) {
      const f = ratio * nyquist;
      const y = resample(tone(f, from, 6000), from, to);
      assert.equal(y.length, Math.ceil((6000 * to) / from));
      const edge = 600;
      assertClose(y.slice(edge, -edge), tone(f, to, y.length).slice(edge, -edge), 1e-4, `${from} → ${to}, ${f} Hz`);
    }
  }
});

test("標本化周波数の変換：新しいナイキスト周波数より上は消える。間引くだけなら折り返す", () => {
  const x = tone(7000, 16000, 8000);
  assert.ok(peak(resample(x, 16000, 8000).slice(300, -300)) < 2e-5);
  // 7000 Hz を 8000 Hz で標本化すると、8000 - 7000 = 1000 Hz（符号は逆）に見える
  assertClose(decimate(x, 2), tone(1000, 8000, 4000).map((v) => -v), 1e-10);
});

test("標本化周波数の変換：一定値、同じ周波数、型、誤り", () => {
  const y = resample(new Float64Array(4000).fill(1), 44100, 16000);
  assertClose(y.slice(200, -200), new Float64Array(y.length - 400).fill(1), 1e-4);
  const x = Float32Array.of(1, 2, 3);
  const same = resample(x, 8000, 8000);
  assert.deepEqual(same, x);
  assert.notEqual(same, x);
  assert.ok(resample(x, 8000, 16000) instanceof Float32Array);
  for (const sr of [0, -1, 8000.5, NaN]) assertJapaneseError(() => resample(x, 8000, sr));
  assertJapaneseError(() => decimate(x, 0));
});

test("16ビット整数との往復は正確。はみ出しは切りそろえる", () => {
  const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
  const x = int16ToFloat(all.buffer);
  assert.equal(x[0], -1);
  assert.deepEqual(floatToInt16(x), all);
  assert.deepEqual(int16ToFloat(new DataView(all.buffer, 2, 4)), x.slice(1, 3));
  assert.deepEqual(int16ToFloat(all.subarray(5, 9)), x.slice(5, 9));
  assert.deepEqual([...floatToInt16([1, 1.5, -1.5])], [32767, 32767, -32768]);
  assertJapaneseError(() => int16ToFloat(new ArrayBuffer(3)));
});

test("rms と peak", () => {
  assert.ok(Math.abs(rms(tone(100, 8000, 8000)) - Math.SQRT1_2) < 1e-12);
  assert.equal(peak([0.1, -0.7, 0.5]), 0.7);
  assert.equal(rms([]) + peak([]), 0);
});

test("WAV：見出しと、チャネルを交互に並べた標本", () => {
  const bytes = encodeWav([Float32Array.of(0.5, -0.5), Float32Array.of(0.25, 0)], 22050);
  const view = new DataView(bytes);
  assert.equal(String.fromCharCode(...new Uint8Array(bytes, 0, 4), ...new Uint8Array(bytes, 8, 4)), "RIFFWAVE");
  assert.equal(view.getUint32(4, true), bytes.byteLength - 8);
  assert.deepEqual([view.getUint16(22, true), view.getUint32(24, true), view.getUint32(28, true)], [2, 22050, 88200]);
  assert.deepEqual([...int16ToFloat(new DataView(bytes, 44))], [0.5, 0.25, -0.5, 0]);
  assertJapaneseError(() => encodeWav([], 8000));
  assertJapaneseError(() => encodeWav([[1, 2], [1]], 8000));
});

test("試験信号", () => {
  const sr = 8000;
  assertClose(sine({ frequency: 100, sr, length: 800, amplitude: 1 }), tone(100, sr, 800), 1e-6);
  const two = twoTone({ frequencies: [100, 250], sr, length: 800, amplitude: 1 });
  assertClose(two, tone(100, sr, 800).map((v, i) => v + tone(250, sr, 800)[i]), 1e-6);
  assert.deepEqual([...clickTrain({ period: 3, length: 7, amplitude: 1, start: 1 })], [0, 1, 0, 0, 1, 0, 0]);
  assert.deepEqual(noise({ length: 9, seed: 4 }), noise({ length: 9, seed: 4 }));
  assert.notDeepEqual(noise({ length: 9, seed: 4 }), noise({ length: 9, seed: 5 }));
  // チャープの瞬時周波数：零交差の数は、周波数の積分の2倍
  const x = chirp({ from: 100, to: 1000, sr, length: sr });
  let crossings = 0;
  for (let i = 1; i < x.length; i++) crossings += x[i - 1] < 0 !== x[i] < 0 ? 1 : 0;
  assert.ok(Math.abs(crossings - 2 * 550) <= 3);
  assertJapaneseError(() => clickTrain({ period: 0, length: 3 }));
});

test("一様乱数：平均 1/2、分散 1/12、隣どうしは無相関", () => {
  const random = seededRandom(7);
  const u = Array.from({ length: 100000 }, () => random() - 0.5);
  const n = u.length;
  assert.ok(Math.abs(u.reduce((a, b) => a + b, 0) / n) < 4 * Math.sqrt(1 / 12 / n));
  assert.ok(Math.abs(rms(u) ** 2 * 12 - 1) < 0.02);
  let lagged = 0;
  for (let i = 1; i < n; i++) lagged += u[i] * u[i - 1];
  assert.ok(Math.abs(lagged / n) * 12 < 4 / Math.sqrt(n));
});
