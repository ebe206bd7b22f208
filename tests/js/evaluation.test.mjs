import test from "node:test";
import assert from "node:assert/strict";
import { bssRatios, crossCorrelations, decompositionEnergies, ShiftSpace } from "../../src/sstut/widgets/js/dsp/bss.js";
import { sdSdr, siSdr, snr } from "../../src/sstut/widgets/js/dsp/metrics.js";
import { rankCorrelation, shuffled } from "../../src/sstut/widgets/js/dsp/ranks.js";
import { seededRandom } from "../../src/sstut/widgets/js/dsp/testsignals.js";
import { csv } from "../../src/sstut/widgets/js/evaluation/csv.js";
import { createErrors } from "../../src/sstut/widgets/js/evaluation/errors.js";
import { formatScore } from "../../src/sstut/widgets/js/evaluation/meters.js";
import { explain } from "../../src/sstut/widgets/js/evaluation/why.js";
import { assertClose, assertJapaneseError, randomArray, sumOfSquares } from "./helpers.mjs";

const n = 3000;
const waves = [1, 2, 3, 4].map((seed) => Float32Array.from(randomArray(n, seed)));
const settings = { gainDb: 0, inverted: false, delay: 0, levels: [-10, -20, -15] };
const near = (a, b, tolerance = 1e-5) => a === b || Math.abs(a - b) <= tolerance;

test("相互相関は、定義どおりの和。長さがブロックで割り切れなくてもよい", () => {
  for (const [length, maxLag] of [[1, 0], [7, 3], [2500, 10], [5000, 300]]) {
    const [x, y] = [randomArray(length, 5), randomArray(length, 6)];
    const [[r]] = crossCorrelations([x], [y], maxLag);
    const expected = Float64Array.from({ length: 2 * maxLag + 1 }, (_, i) => {
      const m = i - maxLag;
      return x.reduce((sum, v, t) => sum + v * (y[t + m] ?? 0), 0);
    });
    assertClose(r, expected, 1e-9);
  }
});

test("コレスキー分解の積は、遅らせた正解のグラム行列", () => {
  const length = 6;
  const signals = waves.slice(0, 3);
  const r = crossCorrelations(signals, signals, length - 1);
  const space = new ShiftSpace(r, 3, length);
  const rows = Array.from({ length: 3 * length }, (_, row) => space.coordinatesOfShift(Math.floor(row / length), row % length));
  rows.forEach((a, i) => rows.forEach((b, j) => {
    const expected = r[Math.floor(i / length)][Math.floor(j / length)][length - 1 + (i % length) - (j % length)];
    assert.ok(Math.abs(a.reduce((sum, v, k) => sum + v * b[k], 0) - expected) < 1e-9);
  }));
});

test("分解：成分の和は推定のエネルギー。空間の中の音は、正しい項だけに入る", () => {
  const [s, other, noise, artifact] = waves;
  const all = s.map((v, i) => v + 0.5 * other[i] + 0.2 * noise[i] + 0.1 * artifact[i]);
  for (const filterLength of [1, 40]) {
    const parts = decompositionEnergies([s, other], all, { noises: [noise], filterLength });
    assert.ok(near(Object.values(parts).reduce((a, b) => a + b), sumOfSquares(all), 1e-6));
  }
  const late = Float32Array.from(s, (_, i) => (i < 5 ? 0 : s[i - 5]));
  const filtered = bssRatios(decompositionEnergies([s, other], late, { filterLength: 40 }));
  const plain = bssRatios(decompositionEnergies([s, other], late, { filterLength: 1 }));
  assert.ok(filtered.sdr > 20 && plain.sdr < 0); // 捨てた終わりの分だけ、完全ではない
  assert.ok(siSdr(s, late) < -10 && snr(s, late) < 0);
});

test("正解どうしが同じなら、分解を断る", () => {
  assertJapaneseError(() => decompositionEnergies([waves[0], waves[0]], waves[1]));
  assertJapaneseError(() => decompositionEnergies([new Float32Array(100)], waves[1].subarray(0, 100)));
});

test("SD-SDR：SNR に倍率を足した値で、SI-SDR を超えない", () => {
  const s = waves[0].map((v) => v - waves[0].reduce((a, b) => a + b) / n);
  const e = s.map((v, i) => 0.5 * v + 0.1 * waves[1][i]);
  const centered = e.map((v) => v - e.reduce((a, b) => a + b) / n);
  const a = s.reduce((sum, v, i) => sum + v * centered[i], 0) / sumOfSquares(s);
  assert.ok(near(sdSdr(s, e), snr(s, centered) + 20 * Math.log10(Math.abs(a)), 1e-3));
  assert.ok(sdSdr(s, e) < siSdr(s, e));
  assert.equal(sdSdr(s, s), Infinity);
  assertJapaneseError(() => sdSdr(new Float32Array(4), e.subarray(0, 4)));
});

test("つまみの指標は、その推定を作って測った値と同じ", () => {
  const errors = createErrors(waves);
  const cases = [
    {}, { gainDb: 6 }, { gainDb: -12, inverted: true }, { delay: 1 }, { delay: 50 }, { delay: 3, levels: [-Infinity, -Infinity, -Infinity] },
    { levels: [10, -Infinity, -40] }, { levels: [-Infinity, 0, -Infinity], inverted: true },
  ];
  for (const change of cases) {
    errors.set({ ...settings, ...change });
    const estimate = Float64Array.from(errors.estimate());
    for (const known of [true, false]) {
      const scores = errors.scores(known);
      assert.ok(near(scores.snr, snr(waves[0], estimate)));
      assert.ok(near(scores.siSdr, siSdr(waves[0], estimate)));
      assert.ok(near(scores.sdSdr, sdSdr(waves[0], estimate)));
      for (const [key, filterLength] of [["gain", 1], ["filter", 512]]) {
        const expected = bssRatios(decompositionEnergies(waves.slice(0, 2), estimate, { noises: known ? [waves[2]] : [], filterLength }));
        for (const [name, value] of Object.entries(expected)) {
          const [a, b] = [scores[key][name], value].map((v) => Math.max(-90, Math.min(90, v))); // これより良い値は丸めの誤差
          assert.ok(near(a, b, 1e-3), `${JSON.stringify(change)} ${key}.${name}: ${a} と ${b}`);
        }
      }
    }
  }
});

test("誤差がなければ、どの指標も無限大。倍率だけなら SI-SDR と BSS Eval は無限大のまま", () => {
  const errors = createErrors(waves);
  const none = { ...settings, levels: [-Infinity, -Infinity, -Infinity] };
  errors.set(none);
  const clean = errors.scores(true);
  assert.deepEqual([clean.snr, clean.siSdr, clean.sdSdr, clean.gain.sdr, clean.filter.sar], Array(5).fill(Infinity));
  errors.set({ ...none, gainDb: 20 * Math.log10(0.5) });
  const half = errors.scores(true);
  assert.ok(near(half.snr, 20 * Math.log10(2), 1e-9) && near(half.sdSdr, 0, 1e-4)); // 平均を引く分だけ、ちょうど 0 ではない
  assert.deepEqual([half.siSdr, half.gain.sdr], [Infinity, Infinity]);
});

test("正解が似すぎていて v3 を決められなくても、ほかの指標は出る", () => {
  const late = Float32Array.from(waves[0], (_, i) => (i < 2 ? 0 : waves[0][i - 2]));
  const short = waves.map((x) => x.map((v, i) => (i < n - 60 ? v : 0))); // 終わりが無音なら、遅らせた音は完全に空間の中
  const errors = createErrors([short[0], Float32Array.from(late, (v, i) => (i < n - 58 ? v : 0)), short[2], short[3]]);
  errors.set(settings);
  const scores = errors.scores(true);
  assert.equal(scores.filter, null);
  assert.ok(Number.isFinite(scores.siSdr) && Number.isFinite(scores.gain.sdr));
});

test("値の見せ方：100 dB を超えたら数字にしない。−0.0 とは書かない", () => {
  assert.deepEqual([12.34, -3, -0.01, Infinity, 100, -Infinity, -250].map(formatScore), ["12.3", "−3.0", "0.0", ">100", ">100", "<−100", "<−100"]);
});

test("なぜ動いたか：動いた指標と動かない指標を、値のとおりに分ける", () => {
  const errors = createErrors(waves);
  const measure = (change) => {
    errors.set({ ...settings, ...change });
    return errors.scores(true);
  };
  const before = measure({});
  const told = (knob, change) => explain({ knob, before, after: measure(change), noiseKnown: true });
  const gain = told("gain_db", { gainDb: -6 });
  assert.match(gain.moves, /下がった：SNR、SD-SDR。/);
  assert.match(gain.moves, /動かない：SI-SDR、SDR、SIR、論文の SNR、SAR。/);
  assert.match(told("interference_db", { levels: [0, -20, -15] }).moves, /下がった：SNR、SD-SDR、SI-SDR、SDR、SIR。/);
  const late = told("delay", { delay: 1 });
  assert.match(late.moves, /下がった：[^。]*SI-SDR、SDR（倍率だけ）、SIR（倍率だけ）/);
  assert.match(late.moves, /動かない：SDR（v3）、SIR（v3）/);
  assert.match(late.reason, /512 タップ/);
  assert.match(explain({ knob: "noise_db", before, after: before, noiseKnown: false }).reason, /渡していない/);
  assert.equal(explain({ knob: "", before, after: before, noiseKnown: true }).reason, "");
});

test("並べかえ：元の並びを変えず、どの並びもほぼ同じ割合で出る", () => {
  const counts = new Map();
  const items = ["a", "b", "c"];
  const random = seededRandom(1);
  for (let i = 0; i < 6000; i++) {
    const key = shuffled(items, random).join("");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.deepEqual(items, ["a", "b", "c"]);
  assert.equal(counts.size, 6);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 150); // 標準偏差は約 29
});

test("順位相関：順だけを見る", () => {
  assert.equal(rankCorrelation([1, 2, 3], [10, 100, 1000]), 1);
  assert.equal(rankCorrelation([1, 2, 3], [3, 2, 1]), -1);
  assert.ok(Number.isNaN(rankCorrelation([1, 1], [1, 2])));
  assertJapaneseError(() => rankCorrelation([1], [1]));
});

test("CSV：BOM と見出し、区切りを含む値は引用符で囲む", () => {
  const text = csv([{ condition: "歌, 強め", rating: 80 }, { condition: 'a"b', rating: 5 }]);
  assert.equal(text, '\ufeffcondition,rating\r\n"歌, 強め",80\r\n"a""b",5\r\n');
});
