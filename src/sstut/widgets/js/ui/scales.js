// 周波数の目盛り。下端を 0、上端を 1 とする縦の位置と、周波数を行き来する。
//   frequencyScale("linear" | "log" | "mel", maxHz) → { toUnit(Hz), toHz(位置), ticks: [Hz…] }
//   zoomedScale(種類, maxHz, [下端, 上端]) → 同じ形。下端から上端 [Hz] だけを、縦いっぱいに広げる
//   timeTicks(from, to, most) → [秒…]   多くても most 区間に分ける

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

/** 目盛り name の [low, high] [Hz] だけを、縦いっぱいに広げた目盛り。 */
export function zoomedScale(name, maxHz, [low, high]) {
  const whole = frequencyScale(name, maxHz);
  const bottom = whole.toUnit(low);
  const span = whole.toUnit(high) - bottom;
  const toUnit = (hz) => (whole.toUnit(hz) - bottom) / span;
  const inside = whole.ticks.filter((hz) => hz >= low && hz <= high);
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000].find((s) => (high - low) / s <= 6) ?? 5000;
  const even = Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step).filter((hz) => hz >= low);
  const ticks = name !== "linear" && inside.length >= 3 ? inside : even;
  return { toUnit, toHz: (u) => whole.toHz(bottom + u * span), ticks: ticks.filter((hz) => toUnit(hz) < 0.97) }; // 上端の数字は、見出しと重なる
}

function below(values, maxHz) {
  return values.filter((hz) => hz <= 0.97 * maxHz);
}

/** 時刻 from から to まで [秒] を、多くても most 区間に分ける、きりのよい目盛り [秒]。 */
export function timeTicks(from, to, most) {
  const span = to - from;
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((s) => span / s <= Math.max(2, most)) ?? 20;
  const first = Math.ceil(from / step - 1e-6);
  return Array.from({ length: Math.floor(to / step + 1e-6) - first + 1 }, (_, i) => (first + i) * step);
}
