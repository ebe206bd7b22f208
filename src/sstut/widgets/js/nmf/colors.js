// 成分の色。隣りあう番号の色相が離れるように並べる。
//   hueOf(k)、cssColor(k)          k は 0 から数えた成分
//   ownerColors()                  成分と明るさの色の表。ownerIndex(k, 明るさ) 番目

import { pack } from "../ui/colormap.js";

export const MAX_COMPONENTS = 12; // sstut.widgets.nmf.MAX_COMPONENTS と同じ
export const LEVELS = 64; // 明るさの段の数
const HUES = [25, 255, 145, 85, 310, 195, 355, 55, 120, 225, 285, 170]; // OKLab の色相 [度]

/** 成分の色（文字にも使える）。明るい・暗いテーマで変わる。 */
export function cssColor(k) {
  return `light-dark(oklch(0.5 0.15 ${HUES[k]}), oklch(0.8 0.13 ${HUES[k]}))`;
}

/** 成分 k の、明るさ v（0〜1）の色の番号。 */
export function ownerIndex(k, v) {
  return k * LEVELS + ((Math.max(0, Math.min(1, v)) * (LEVELS - 1) + 0.5) | 0);
}

let table = null;
/** 成分ごとに、暗い色から明るい色まで。 */
export function ownerColors() {
  table ??= Uint32Array.from({ length: MAX_COMPONENTS * LEVELS }, (_, i) => {
    const v = (i % LEVELS) / (LEVELS - 1);
    return pack(0.12 + 0.8 * v, 0.18 * Math.sin(Math.PI * Math.min(1, 0.12 + 0.8 * v)), (HUES[Math.floor(i / LEVELS)] * Math.PI) / 180);
  });
  return table;
}
