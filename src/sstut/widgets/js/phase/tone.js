// フェーザ（回る矢印）の数と音。画面を使わない。
//
//   x(t) = A sin(2πft + φ)。矢印は長さ A で、時刻 0 の向きが φ、1 秒に f 回転する。

import { phaseAdvance, princarg } from "../dsp/phase.js";
import { sine } from "../dsp/testsignals.js";

const AMPLITUDE = 0.22; // 1 本目の音の振幅。2 本足しても 1 を超えない

/**
 * 1 本目（長さ 1、角度 0）と 2 本目の矢印の和。
 * @param {number} ratio 2 本目の長さ。
 * @param {number} offset 2 本目の、1 本目からの角度 [rad]。
 * @returns {{length: number, angle: number}} 和の長さと、1 本目からの角度 [rad]。
 */
export function vectorSum(ratio, offset) {
  const x = 1 + ratio * Math.cos(offset);
  const y = ratio * Math.sin(offset);
  return { length: Math.hypot(x, y), angle: Math.atan2(y, x) };
}

/**
 * 1 秒の音。周波数が整数なら、つなぎ目なくくり返せる。
 * @param {object} options frequency [Hz]、phase [rad]、ratio、offset [rad]、sr [Hz]。
 * @returns {{first: Float32Array, second: Float32Array, sum: Float32Array}}
 */
export function tones({ frequency, phase, ratio, offset, sr }) {
  const first = sine({ frequency, sr, length: sr, amplitude: AMPLITUDE, phase });
  const second = sine({ frequency, sr, length: sr, amplitude: AMPLITUDE * ratio, phase: phase + offset });
  return { first, second, sum: first.map((v, i) => v + second[i]) };
}

/**
 * フレームの先頭（0、H、2H、… サンプル目）での位相。
 * @returns {{unwrapped: number[], wrapped: number[]}} 長さ count [rad]。
 */
export function framePhases({ frequency, phase, hop, sr, count }) {
  const unwrapped = Array.from({ length: count }, (_, m) => phase + m * phaseAdvance(frequency, hop, sr));
  return { unwrapped, wrapped: unwrapped.map(princarg) };
}

/** 位相 [rad] を度で書く。 */
export const degrees = (phase) => `${phase < 0 ? "−" : ""}${Math.abs((180 * phase) / Math.PI).toFixed(Math.abs(phase) < 0.17 ? 1 : 0)}°`;

/** 位相 [rad] を、符号つきの rad で書く。 */
export const radians = (phase) => `${phase < 0 ? "−" : "+"}${Math.abs(phase).toFixed(2)} rad`;
