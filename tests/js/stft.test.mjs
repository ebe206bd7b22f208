import test from "node:test";
import assert from "node:assert/strict";
import { colaRipple, getWindow, isNola, padCenter, windowNames } from "../../src/sstut/widgets/js/dsp/windows.js";
import { istft, overlapAdd, stft } from "../../src/sstut/widgets/js/dsp/stft.js";
import { assertClose, assertJapaneseError, maxError, randomArray } from "./helpers.mjs";

test("窓は周期的：左右対称で、先頭を除けば裏返しても同じ", () => {
  for (const name of windowNames) {
    for (const n of [1, 2, 3, 16, 33]) {
      const w = getWindow(name, n);
      assertClose(w.slice(1), w.slice(1).reverse(), 1e-15, name);
    }
    assert.ok(Math.abs(getWindow(name, 64)[32] - 1) < 1e-12, `${name} の頂点は 1`);
  }
  assertJapaneseError(() => getWindow("haning", 8));
  assertJapaneseError(() => getWindow("hann", 0));
});

test("COLA：コサイン窓は、最高次の余弦が hop で打ち消し合うとき成り立つ", () => {
  const n = 64;
  // コサインの次数が m の窓は、hop = n / (m + 1) 以下で n を割り切れば和が一定になる
  const orders = { boxcar: 0, hann: 1, hamming: 1, blackman: 2, blackmanharris: 3 };
  for (const [name, order] of Object.entries(orders)) {
    for (const hop of [1, 2, 4, 8, 16, 32, 64]) {
      const ripple = colaRipple(name, n, hop);
      if (n / hop >= order + 1) assert.ok(ripple < 1e-14, `${name} ${hop}: ${ripple}`);
      else assert.ok(ripple > 0.01, `${name} ${hop}: ${ripple}`);
    }
  }
  // hop = n のハン窓の和はハン窓そのもの：平均 0.5 から 0.5 ずれる
  assert.ok(Math.abs(colaRipple("hann", n, n) - 1) < 1e-14);
  // ハン窓の平方根は、2乗（分析 × 合成）が COLA
  assert.ok(colaRipple(getWindow("sqrt_hann", n).map((v) => v * v), n, n / 2) < 1e-14);
});

test("NOLA", () => {
  assert.equal(isNola("hann", 64, 16), true);
  assert.equal(isNola("hann", 64, 63), true);
  assert.equal(isNola("hann", 64, 64), false); // 窓の端が 0
  assert.equal(isNola("boxcar", 64, 64), true);
  assert.equal(isNola("boxcar", 64, 65), false); // すき間があく
});

test("ISTFT(STFT(x)) = x", () => {
  for (const window of windowNames) {
    for (const [nFft, winLength, hop] of [
      [512, 512, 128], [512, 512, 200], [256, 256, 128], [512, 400, 100], [512, 301, 77], [64, 64, 1], [16, 7, 3],
    ]) {
      for (const length of [1, 5, 700, 3001]) {
        const x = randomArray(length, length);
        const y = istft(stft(x, { nFft, hop, winLength, window }));
        assertClose(y, x, 1e-10, `${window} ${nFft}/${winLength}/${hop} 長さ ${length}`);
      }
    }
  }
});

test("center = false でも、端を除けば元に戻る", () => {
  const x = randomArray(2000, 2);
  const S = stft(x, { nFft: 256, hop: 64, center: false });
  assert.equal(S.frames, 1 + Math.floor((2000 - 256) / 64));
  const y = istft(S);
  const end = (S.frames - 1) * 64 + 256;
  assertClose(y.slice(1, end), x.slice(1, end), 1e-10);
  assert.equal(y[0], 0); // ハン窓の先頭は 0 なので、どの窓にも覆われない
  assert.ok(y.slice(end).every((v) => v === 0));
});

test("単精度で保存すると、誤差は 1e-6 ほど", () => {
  const x = Float32Array.from(randomArray(22050, 3));
  const S = stft(x, { nFft: 2048, hop: 512 });
  assert.ok(S.re instanceof Float32Array);
  const exact = stft(Float64Array.from(x), { nFft: 2048, hop: 512 });
  const largest = exact.re.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  assert.ok(maxError(S.re, exact.re) < 1e-7 * largest);
  assert.ok(maxError(istft(S), x) < 2e-6);
});

test("複素数の正弦は、フレームごとに 2πf hop/sr だけ位相が進む", () => {
  const nFft = 256;
  const hop = 64;
  const bin = 10.3;
  const omega = (2 * Math.PI * bin) / nFft;
  const S = stft(Float64Array.from({ length: 4096 }, (_, i) => Math.cos(omega * i)), { nFft, hop, center: false });
  for (let t = 1; t < S.frames; t++) {
    const k = t * S.bins + 10;
    const step = Math.atan2(S.im[k], S.re[k]) - Math.atan2(S.im[k - S.bins], S.re[k - S.bins]);
    assert.ok(Math.abs(Math.sin((step - omega * hop) / 2)) < 1e-3);
  }
});

test("マスクは S に掛けるのと同じ。線形", () => {
  const x = randomArray(3000, 4);
  const S = stft(x, { nFft: 256, hop: 64 });
  const mask = randomArray(S.re.length, 5).map(Math.abs);
  const rest = mask.map((v) => 1 - v);
  const kept = istft(S, { mask });
  const masked = { ...S, re: S.re.map((v, i) => v * mask[i]), im: S.im.map((v, i) => v * mask[i]) };
  assert.deepEqual(kept, istft(masked));
  const other = istft(S, { mask: rest });
  assertClose(kept.map((v, i) => v + other[i]), x, 1e-12);
  assert.ok(maxError(kept, x) > 0.01);
  assertJapaneseError(() => istft(S, { mask: mask.subarray(1) }));
});

test("重ね足し：COLA なら x、崩れれば x * s / mean(s)", () => {
  const x = randomArray(4000, 6);
  const inside = (v) => v.slice(128, 4000 - 128); // 両端は、重なる窓が足りない
  assertClose(inside(overlapAdd(stft(x, { nFft: 256, hop: 64 }))), inside(x), 1e-12);
  const [nFft, hop, window] = [256, 200, "hann"];
  const w = getWindow(window, nFft);
  const y = overlapAdd(stft(x, { nFft, hop, window }));
  const mean = w.reduce((a, b) => a + b, 0) / hop;
  // 端を除いて、窓の和を定義どおりに足す。フレーム t の先頭は t * hop - nFft/2
  for (let i = nFft; i < 3500; i++) {
    let sum = 0;
    for (let t = 0; t <= x.length / hop; t++) sum += w[i - t * hop + nFft / 2] ?? 0;
    assert.ok(Math.abs(y[i] - (x[i] * sum) / mean) < 1e-12);
  }
  assert.ok(maxError(y, x) > 0.3);
});

test("配列の使い回し：値は同じで、確保し直さない", () => {
  const x = randomArray(5000, 7);
  const first = stft(x, { nFft: 512, hop: 64 });
  const other = stft(x, { nFft: 256, hop: 128 });
  const again = stft(x, { nFft: 256, hop: 128 }, first);
  assert.deepEqual(again, other);
  assert.equal(again.re.buffer, first.re.buffer);
  const out = new Float64Array(5000).fill(9);
  assert.equal(istft(again, { out }), out);
  assertClose(out, x, 1e-12);
  assert.equal(stft(x, { nFft: 512, hop: 64 }, again).re.buffer, first.re.buffer);
});

test("padCenter は、半端を後ろに付ける", () => {
  assert.deepEqual([...padCenter([1, 2], 5)], [0, 1, 2, 0, 0]);
});

test("length：短くも長くもできる", () => {
  const x = randomArray(1000, 8);
  const S = stft(x, { nFft: 128, hop: 32 });
  assertClose(istft(S, { length: 300 }), x.slice(0, 300), 1e-12);
  const long = istft(S, { length: 2000 });
  assertClose(long.slice(0, 1000), x, 1e-12);
  assert.ok(long.slice(1200).every((v) => v === 0));
});

test("不正な設定は、日本語で断る", () => {
  const x = randomArray(1000);
  for (const options of [
    { nFft: 1000 }, { nFft: 256, winLength: 257 }, { nFft: 256, winLength: 0 }, { nFft: 256, hop: 0 },
    { nFft: 256, winLength: 128, hop: 129 }, { nFft: 256, hop: 1.5 }, { nFft: 256, window: "nothing" },
    { nFft: 256, window: new Float64Array(5) }, { nFft: 2048, center: false },
  ]) assertJapaneseError(() => stft(x, options));
  assertJapaneseError(() => stft(new Float64Array(0)));
  assertJapaneseError(() => istft(stft(x, { nFft: 256, hop: 256 })));
  assertJapaneseError(() => istft(stft(x, { nFft: 256 }), { out: new Float64Array(3) }));
});
