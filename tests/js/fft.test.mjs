import test from "node:test";
import assert from "node:assert/strict";
import { RealFFT, plan } from "../../src/sstut/widgets/js/dsp/fft.js";
import { assertClose, assertJapaneseError, randomArray, sumOfSquares } from "./helpers.mjs";

const lengths = [2, 4, 8, 16, 32, 64, 128, 256, 512, 2048];

function rfft(x) {
  const re = new Float64Array(x.length / 2 + 1);
  const im = re.slice();
  plan(x.length).forward(x, re, im);
  return { re, im };
}

function directDft(x) {
  const n = x.length;
  const re = new Float64Array(n / 2 + 1);
  const im = re.slice();
  for (let k = 0; k <= n / 2; k++) {
    for (let i = 0; i < n; i++) {
      const angle = (-2 * Math.PI * ((k * i) % n)) / n;
      re[k] += x[i] * Math.cos(angle);
      im[k] += x[i] * Math.sin(angle);
    }
  }
  return { re, im };
}

test("定義どおりの DFT と一致する", () => {
  for (const n of lengths) {
    const x = randomArray(n, n);
    const fast = rfft(x);
    const slow = directDft(x);
    // 比べる相手の誤差も n に比例して積もる
    assertClose(fast.re, slow.re, 1e-14 * n, `n = ${n}`);
    assertClose(fast.im, slow.im, 1e-14 * n, `n = ${n}`);
  }
});

test("逆変換で元に戻る", () => {
  for (const n of [...lengths, 65536]) {
    const x = randomArray(n, 7);
    const { re, im } = rfft(x);
    const y = new Float64Array(n);
    plan(n).inverse(re, im, y);
    assertClose(y, x, 1e-14, `n = ${n}`);
  }
});

test("パーセバルの等式", () => {
  for (const n of lengths) {
    const x = randomArray(n, 3);
    const { re, im } = rfft(x);
    // 片側スペクトルなので、直流とナイキスト以外は2倍に数える
    let energy = re[0] ** 2 + re[n / 2] ** 2;
    for (let k = 1; k < n / 2; k++) energy += 2 * (re[k] ** 2 + im[k] ** 2);
    const expected = sumOfSquares(x);
    assert.ok(Math.abs(energy / n - expected) < 1e-13 * expected);
  }
});

test("線形性", () => {
  const n = 256;
  const a = randomArray(n, 1);
  const b = randomArray(n, 2);
  const mixed = rfft(a.map((v, i) => 2 * v - 3 * b[i]));
  const fa = rfft(a);
  const fb = rfft(b);
  assertClose(mixed.re, fa.re.map((v, k) => 2 * v - 3 * fb.re[k]), 1e-12);
  assertClose(mixed.im, fa.im.map((v, k) => 2 * v - 3 * fb.im[k]), 1e-12);
});

test("ビンの中心にある余弦は、そのビンだけに n/2 の値を持つ", () => {
  const n = 128;
  const k0 = 9;
  const { re, im } = rfft(Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * k0 * i) / n)));
  assertClose(re, Float64Array.from({ length: n / 2 + 1 }, (_, k) => (k === k0 ? n / 2 : 0)), 1e-12);
  assertClose(im, new Float64Array(n / 2 + 1), 1e-12);
});

test("直流とナイキストの虚部は逆変換に影響しない", () => {
  const n = 16;
  const { re, im } = rfft(randomArray(n, 5));
  const y = new Float64Array(n);
  const z = new Float64Array(n);
  plan(n).inverse(re, im, y);
  im[0] = 3;
  im[n / 2] = -4;
  plan(n).inverse(re, im, z);
  assert.deepEqual(z, y);
});

test("書き込み位置と Float32Array", () => {
  const x = randomArray(64, 4);
  const exact = rfft(x);
  const re = new Float32Array(5 + 33);
  const im = new Float32Array(5 + 33);
  plan(64).forward(x, re, im, 5);
  assertClose(re.subarray(5), Float32Array.from(exact.re), 0);
  assert.ok(re.subarray(0, 5).every((v) => v === 0));
  const y = new Float64Array(64);
  plan(64).inverse(re, im, y, 5);
  assertClose(y, x, 1e-6); // 単精度で保存した分だけ失われる
});

test("入力を書き換えない。plan は使い回す", () => {
  const x = randomArray(32, 8);
  const before = x.slice();
  rfft(x);
  assert.deepEqual(x, before);
  assert.equal(plan(32), plan(32));
});

test("2のべき乗でない長さは断る", () => {
  for (const n of [0, 1, 3, 12, 1000, 2.5, -4, NaN, undefined, 2 ** 30]) assertJapaneseError(() => new RealFFT(n));
});
