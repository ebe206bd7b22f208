// 聴き比べの音量をそろえるための、音の大きさ（ITU-R BS.1770 のラウドネス）。
// Python の sstut._loudness と同じ計算をし、試験が値を突き合わせる。
//   loudness(channels, sr) → LUFS        levelMatch(tracks, sr) → { 名前: 利得 dB }

import { peak } from "../dsp/pcm.js";

const BLOCK = 0.4; // 測る区間の長さ [秒]
const MAX_GAIN_DB = 20; // ほぼ無音の音を、雑音まで持ち上げないための上限
const PEAK = 0.98; // そろえたあとの振幅の上限

/** K 特性の 2 次フィルタ 2 個の係数。b は 3 個、a は 2 個（a0 = 1 で割ってある）。 */
function kWeighting(sr) {
  const second = (frequency, q, numerator) => {
    const k = Math.tan((Math.PI * frequency) / sr);
    const a0 = 1 + k / q + k * k;
    return { b: numerator(k, q, a0), a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0] };
  };
  const vh = 10 ** (3.999843853973347 / 20);
  const vb = vh ** 0.4996667741545416;
  return [
    second(1681.974450955533, 0.7071752369554196, (k, q, a0) => [
      (vh + (vb * k) / q + k * k) / a0, (2 * (k * k - vh)) / a0, (vh - (vb * k) / q + k * k) / a0,
    ]),
    second(38.13547087602444, 0.5003270373238773, () => [1, -2, 1]),
  ];
}

function filter(x, { b, a }) {
  const y = new Float64Array(x.length);
  let s1 = 0;
  let s2 = 0; // 転置形の状態
  for (let i = 0; i < x.length; i++) {
    y[i] = b[0] * x[i] + s1;
    s1 = b[1] * x[i] - a[0] * y[i] + s2;
    s2 = b[2] * x[i] - a[1] * y[i];
  }
  return y;
}

const toLufs = (power) => -0.691 + 10 * Math.log10(power);
const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

/**
 * ラウドネス [LUFS]。0.4 秒ごとに測り、静かな区間を除いて平均する。無音なら -Infinity。
 * @param {Float32Array[]} channels 波形。
 * @param {number} sr 標本化周波数 [Hz]。
 * @returns {number}
 */
export function loudness(channels, sr) {
  const weighted = channels.map((x) => kWeighting(sr).reduce(filter, x));
  const n = weighted[0].length;
  const size = Math.min(Math.round(BLOCK * sr), n);
  const step = Math.max(Math.round((BLOCK * sr) / 4), 1);
  let powers = [];
  for (let start = 0; start + size <= n; start += step) {
    let sum = 0;
    for (const x of weighted) for (let i = start; i < start + size; i++) sum += x[i] * x[i];
    powers.push(sum / size);
  }
  powers = powers.filter((p) => toLufs(p) > -70);
  if (powers.length === 0) return -Infinity;
  const floor = toLufs(mean(powers)) - 10; // 平均より 10 LU 静かな区間を除く
  return toLufs(mean(powers.filter((p) => toLufs(p) > floor)));
}

/**
 * 最初の音と同じ大きさに聞こえるように、それぞれへ掛ける利得 [dB]。
 * 振幅が 0.98 を超える音ができるなら、すべてを同じだけ下げる。
 * @param {Array<{name: string, channels: Float32Array[]}>} tracks 音。
 * @param {number} sr 標本化周波数 [Hz]。
 * @returns {Record<string, number>}
 */
export function levelMatch(tracks, sr) {
  const levels = tracks.map((track) => loudness(track.channels, sr));
  const target = levels.find(Number.isFinite) ?? 0;
  const gains = levels.map((v) => (Number.isFinite(v) ? Math.max(-MAX_GAIN_DB, Math.min(MAX_GAIN_DB, target - v)) : 0));
  const largest = Math.max(...tracks.map((t, i) => Math.max(...t.channels.map(peak)) * 10 ** (gains[i] / 20)));
  const excess = largest > PEAK ? 20 * Math.log10(largest / PEAK) : 0;
  return Object.fromEntries(tracks.map((t, i) => [t.name, gains[i] - excess]));
}
