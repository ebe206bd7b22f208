// 成分の色。調波は青、打楽器は橙、残りは緑。青と橙は色相が向かいあうので、半分ずつの点は灰色になる。
//   partColors("harmonic")     暗い色から明るい色まで、256 色
//   shareColors()              割り当ての絵の色の表。shareIndex(h, p, 明るさ) 番目

import { pack } from "../ui/colormap.js";

export const PART_NAMES = { harmonic: "調波", percussive: "打楽器", rest: "残り" };
export const PART_TRACKS = { harmonic: "--sst-track-4", percussive: "--sst-track-1", rest: "--sst-track-2" };
const HUES = { harmonic: 250, percussive: 60, rest: 155 }; // OKLab の色相 [度]
const STEPS = 15; // マスクの値の段の数
const LEVELS = 32; // 明るさの段の数

const radians = (part) => (HUES[part] * Math.PI) / 180;

/** 1 つの成分の絵の色の表。 */
export function partColors(part) {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const v = i / 255;
    return pack(0.12 + 0.84 * v, 0.17 * Math.sin(Math.PI * Math.min(1, 0.12 + 0.8 * v)), radians(part));
  });
}

/** 調波 h、打楽器 p、明るさ v（どれも 0〜1）の色の番号。 */
export function shareIndex(h, p, v) {
  return ((h * STEPS + 0.5) | 0) * (STEPS + 1) * LEVELS + ((p * STEPS + 0.5) | 0) * LEVELS + ((v * (LEVELS - 1) + 0.5) | 0);
}

/** 割り当ての色：3 つの色を、マスクの値で混ぜる。 */
function shareColor(h, p, v) {
  const shares = { harmonic: h, percussive: p, rest: Math.max(0, 1 - h - p) };
  let [a, b] = [0, 0];
  for (const [part, share] of Object.entries(shares)) {
    a += share * Math.cos(radians(part));
    b += share * Math.sin(radians(part));
  }
  return pack(0.12 + 0.7 * v, 0.17 * v * Math.hypot(a, b), Math.atan2(b, a));
}

let shareTable = null;
/** 割り当ての絵の色の表。 */
export function shareColors() {
  if (shareTable) return shareTable;
  shareTable = new Uint32Array((STEPS + 1) ** 2 * LEVELS);
  for (let h = 0; h <= STEPS; h++) {
    for (let p = 0; p <= STEPS + 1 - h && p <= STEPS; p++) { // 丸めで、和が 1 段だけはみ出すことがある
      for (let level = 0; level < LEVELS; level++) {
        shareTable[(h * (STEPS + 1) + p) * LEVELS + level] = shareColor(h / STEPS, p / STEPS, level / (LEVELS - 1));
      }
    }
  }
  return shareTable;
}

const css = (c) => `rgb(${c & 255} ${(c >> 8) & 255} ${(c >> 16) & 255})`;

/** 調波から打楽器までの帯（凡例用）の、CSS の linear-gradient。 */
export function shareGradient() {
  const stops = Array.from({ length: 9 }, (_, i) => css(shareColor(1 - i / 8, i / 8, 0.9)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** 残りの色（凡例用）。 */
export function restColor() {
  return css(shareColor(0, 0, 0.9));
}
