// 位相の色。色相が角度を、明るさが音の大きさを表す。色相は 1 周すると元に戻るので、−π と π が同じ色になる。
//   0：黄、π/2：緑、±π：青、−π/2：赤紫

import { pack } from "../ui/colormap.js";

export const HUES = 64; // 1 周を分ける数（2 のべき乗）
export const LEVELS = 32; // 明るさの段の数
const HUE_OF_ZERO = 85; // 角度 0 の色相 [度]

const hueOf = (i) => ((HUE_OF_ZERO + (360 * i) / HUES) * Math.PI) / 180;

/** 色の表。角度の番号 i、明るさの番号 j の色は、j * HUES + i 番目（ImageData の並び）。 */
export function phaseColors() {
  const table = new Uint32Array(HUES * LEVELS);
  for (let j = 0; j < LEVELS; j++) {
    const v = j / (LEVELS - 1);
    for (let i = 0; i < HUES; i++) table[j * HUES + i] = pack(0.12 + 0.68 * v, 0.14 * v, hueOf(i));
  }
  return table;
}

/** 角度 [rad] の番号。 */
export function hueIndex(angle) {
  return ((angle / (2 * Math.PI)) * HUES + HUES + 0.5) & (HUES - 1);
}

/** −π から π までの帯（凡例用）の、CSS の linear-gradient。 */
export function phaseGradient() {
  const colors = phaseColors().subarray((LEVELS - 1) * HUES);
  const stops = Array.from({ length: 17 }, (_, n) => {
    const c = colors[hueIndex(-Math.PI + (n * Math.PI) / 8)];
    return `rgb(${c & 255} ${(c >> 8) & 255} ${(c >> 16) & 255})`;
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
