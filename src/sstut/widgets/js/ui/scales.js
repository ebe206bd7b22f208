// 周波数の目盛り。下端を 0、上端を 1 とする縦の位置と、周波数を行き来する。
//   frequencyScale("linear" | "log" | "mel", maxHz) → { toUnit(Hz), toHz(位置), ticks: [Hz…] }
//   timeTicks(duration, width) → [秒…]   絵の幅に合う間隔

import { hzToMel, melToHz } from "../dsp/mel.js";

const LOG_MIN = 40; // 対数の目盛りの下端 [Hz]。0 Hz は対数で表せない

/**
 * 周波数の目盛り。
 * @param {"linear"|"log"|"mel"} name 種類。
 * @param {number} maxHz 上端 [Hz]。
 */
export function frequencyScale(name, maxHz) {
  if (name === "log") {
    const span = Math.log(maxHz / LOG_MIN);
    const toHz = (u) => LOG_MIN * Math.exp(u * span);
    return { toUnit: (hz) => Math.log(Math.max(hz, LOG_MIN) / LOG_MIN) / span, toHz, ticks: below([50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000], maxHz) };
  }
  if (name === "mel") {
    const top = hzToMel(maxHz);
    return { toUnit: (hz) => hzToMel(hz) / top, toHz: (u) => melToHz(u * top), ticks: below([0, 500, 1000, 2000, 4000, 8000, 16000], maxHz) };
  }
  const step = [500, 1000, 2000, 4000].find((s) => maxHz / s <= 6) ?? 5000;
  const ticks = Array.from({ length: Math.floor(maxHz / step) + 1 }, (_, i) => i * step);
  return { toUnit: (hz) => hz / maxHz, toHz: (u) => u * maxHz, ticks };
}

function below(values, maxHz) {
  return values.filter((hz) => hz <= 0.97 * maxHz);
}

/** 絵の幅に合う、時間の目盛り [秒]。 */
export function timeTicks(duration, width) {
  const most = Math.max(2, Math.floor(width / 44));
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((s) => duration / s <= most) ?? 20;
  return Array.from({ length: Math.floor(duration / step + 1e-6) + 1 }, (_, i) => i * step);
}
