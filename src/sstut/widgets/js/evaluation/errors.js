// 目的音に誤差を足して推定信号を作り、指標を求める計算。画面を使わない。
//
//   推定 = g (目的音を τ サンプル遅らせたもの + a 干渉 + b 雑音 + c アーティファクト)
//
// どの指標も、4 つの部分どうしの内積だけで決まる（エネルギーは係数の 2 次式）。内積と、BSS Eval の
// 空間での座標を先に求めておくので、つまみを動かしたときの計算は一瞬で終わる。

import { bssRatios, crossCorrelations, ShiftSpace } from "../dsp/bss.js";
import { decibel } from "../dsp/metrics.js";
import { peak } from "../dsp/pcm.js";
import { dbToGain } from "../ui/format.js";

export const MAX_DELAY = 50; // 遅れの上限 [サンプル]。sstut.widgets.evaluation.MAX_DELAY と同じ
const LENGTHS = { gain: 1, filter: 512 }; // 許すフィルタの長さ：倍率だけ、v3 の道具
const PARTS = 4; // 目的音、干渉、雑音、アーティファクト

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function mean(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum / x.length;
}

/** うしろへ delay サンプルずらす。はみ出した終わりは捨てる。 */
function delayed(x, delay) {
  const y = new Float32Array(x.length);
  y.set(x.subarray(0, x.length - delay), delay);
  return y;
}

/** 対称な行列 H と係数 c の 2 次式 Σ c_i c_j H_ij。 */
function quadratic(H, c) {
  let sum = 0;
  for (let i = 0; i < c.length; i++) for (let j = 0; j < c.length; j++) sum += c[i] * c[j] * H[i][j];
  return sum;
}

/** 遅らせた正解の張る空間。正解どうしが似すぎていて決まらなければ null。 */
function shiftSpace(correlations, length) {
  try {
    return new ShiftSpace(correlations, 3, length);
  } catch {
    return null;
  }
}

/** 座標の from 番目から to 番目までの内積の表。 */
function innerProducts(coordinates, from, to) {
  const parts = coordinates.map((y) => y.subarray(from, to));
  return parts.map((x) => parts.map((y) => dot(x, y)));
}

/**
 * 計算を用意する。
 * @param {Float32Array[]} waves 目的音、干渉、雑音、アーティファクト。同じ長さ。
 * @returns {object} set で設定を変え、estimate()・part(番号)・scores(雑音の正解を渡すか) で読む。
 */
export function createErrors(waves) {
  const [target] = waves;
  const n = target.length;
  const norms = waves.map((x) => Math.sqrt(dot(x, x)));
  const largest = waves.map(peak);
  const correlations = crossCorrelations(waves.slice(0, 3), waves, LENGTHS.filter - 1);
  const spaces = {};
  for (const [name, length] of Object.entries(LENGTHS)) {
    const space = shiftSpace(correlations, length);
    if (!space) continue;
    const artifact = space.coordinates(products(length, (b, k) => correlations[b][3][LENGTHS.filter - 1 + k]));
    spaces[name] = { space, coordinates: [null, space.coordinatesOfShift(1), space.coordinatesOfShift(2), artifact] };
  }

  let parts = null; // 遅らせた目的音と、ほかの 3 つ
  let gram = null; // parts どうしの内積
  let withTarget = null; // parts と、遅らせない目的音の内積
  let means = null;
  let delay = -1;
  let coefficients = [1, 0, 0, 0];

  function products(length, value) {
    return Float64Array.from({ length: 3 * length }, (_, row) => value(Math.floor(row / length), row % length));
  }

  /** 遅らせた目的音の座標。遅れがフィルタに収まれば空間の信号そのものから、捨てた終わりの分を引く。 */
  function delayedCoordinates(space) {
    const lost = (b, k) => { // 捨てた終わり s[t - delay]（t ≥ n）と、k サンプル遅らせた正解 b の内積
      let sum = 0;
      for (let t = n; t < Math.min(n + delay, n + k); t++) sum += target[t - delay] * waves[b][t - k];
      return sum;
    };
    if (delay < space.length) {
      const y = space.coordinatesOfShift(0, delay);
      if (delay === 0) return y;
      const tail = space.coordinates(products(space.length, lost));
      return y.map((value, k) => value - tail[k]);
    }
    return space.coordinates(products(space.length, (b, k) => correlations[b][0][LENGTHS.filter - 1 + k - delay] - lost(b, k)));
  }

  function setDelay(next) {
    if (next === delay) return;
    delay = next;
    parts = [delayed(target, delay), ...waves.slice(1)];
    gram = parts.map((x) => parts.map((y) => dot(x, y)));
    withTarget = parts.map((x) => dot(x, target));
    means = parts.map(mean);
    for (const entry of Object.values(spaces)) {
      const { space, coordinates } = entry;
      coordinates[0] = delayedCoordinates(space);
      entry.blocks = [0, 1, 2].map((b) => innerProducts(coordinates, b * space.length, (b + 1) * space.length));
    }
  }

  /** BSS Eval の 4 つの比。雑音の正解を渡さなければ、雑音はアーティファクトに数えられる。 */
  function bss(entry, noiseKnown) {
    if (!entry) return null;
    const { space, coordinates, blocks } = entry;
    const count = noiseKnown ? 3 : 2; // 使う正解の数
    const inside = innerProducts(coordinates, 0, count * space.length);
    // 正解そのものは空間の中にあるので、残りは正確に 0（引き算の丸めを残さない）
    const spans = (part) => (part === 0 ? delay === 0 : part < count);
    const rest = gram.map((row, i) => row.map((value, j) => (spans(i) || spans(j) ? 0 : value - inside[i][j])));
    const [goal, interference, noise] = blocks.map((H) => Math.max(0, quadratic(H, coefficients)));
    return bssRatios({ target: goal, interference, noise: noiseKnown ? noise : 0, artifact: Math.max(0, quadratic(rest, coefficients)) });
  }

  return {
    solvable: Object.keys(LENGTHS).every((name) => name in spaces),
    /**
     * 設定を変える。
     * @param {object} settings gainDb: 全体の大きさ [dB]。inverted: 符号を反転するか。delay: 遅れ [サンプル]。
     *   levels: 干渉、雑音、アーティファクトの、目的音を 0 dB とする大きさ [dB]。-Infinity なら足さない。
     */
    set({ gainDb, inverted, delay: next, levels }) {
      setDelay(next);
      const gain = (inverted ? -1 : 1) * dbToGain(gainDb);
      coefficients = [gain, ...levels.map((db, i) => (gain * dbToGain(db) * norms[0]) / norms[i + 1])];
    },
    /** i 番目の部分の波形（0 は目的音）。 */
    part: (i) => parts[i].map((value) => coefficients[i] * value),
    /** 部分ごとの最大振幅。 */
    peaks: () => largest.map((value, i) => Math.abs(coefficients[i]) * value),
    /** 推定信号の波形。足し算は float64 で行い、最後に 1 度だけ丸める。 */
    estimate() {
      const y = new Float32Array(n);
      for (let t = 0; t < n; t++) {
        let sum = 0;
        for (let i = 0; i < PARTS; i++) sum += coefficients[i] * parts[i][t];
        y[t] = sum;
      }
      return y;
    },
    /** 指標 [dB]。gain と filter は、倍率だけを許すときと、512 タップのフィルタまで許すときの BSS Eval（決まらなければ null）。 */
    scores(noiseKnown) {
      const c = coefficients;
      const average = means.reduce((sum, m, i) => sum + c[i] * m, 0);
      const total = quadratic(gram, c);
      const cross = withTarget.reduce((sum, v, i) => sum + c[i] * v, 0);
      const own = norms[0] ** 2;
      // 正解との差は、遅らせない目的音を 5 つ目の部分、その係数を -1 とみたもの。
      // 同じものの引き算が正確に 0 になるように、遅れがなければ係数どうしを先に引く
      const error = delay === 0 ? quadratic(gram, [c[0] - 1, ...c.slice(1)]) : total - 2 * cross + own;
      const center = n * mean(target) * average; // 平均を引いたあとの量に直す
      const ownCentered = own - n * mean(target) ** 2;
      const totalCentered = total - n * average ** 2;
      const goal = (cross - center) ** 2 / ownCentered;
      const onlyScaled = delay === 0 && c.slice(1).every((value) => value === 0);
      return {
        snr: decibel(own, Math.max(0, error)),
        siSdr: decibel(goal, onlyScaled ? 0 : Math.max(0, totalCentered - goal)),
        sdSdr: decibel(goal, Math.max(0, error - n * (mean(target) - average) ** 2)),
        gain: bss(spaces.gain, noiseKnown),
        filter: bss(spaces.filter, noiseKnown),
      };
    },
  };
}
