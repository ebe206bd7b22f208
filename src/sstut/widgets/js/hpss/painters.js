// スペクトログラムの塗りかた（createSpectrogram の createPainter に渡す）。

import { binEdges, loudestPoints, paintHeatmap } from "../ui/heatmap.js";
import { partColors, shareColors, shareIndex } from "./colors.js";

/** 1 つの成分の色で塗る。 */
export function partPainter(part) {
  const colors = partColors(part);
  return (width, height, pixels) => {
    let view = null;
    return {
      layout(next) { view = { ...next, rows: binEdges(height, next.bins, next.toBin), colors }; },
      paint(x0, x1) { paintHeatmap(view, { pixels, width, height }, { ...view, x0, x1 }); },
    };
  };
}

/** 割り当て：色がマスク、明るさが混合音の大きさ。getMasks は、いまのマスクを返す関数。 */
export function sharePainter(getMasks) {
  const colors = shareColors();
  return (width, height, pixels) => {
    let view = null;
    let points = null;
    return {
      layout(next) {
        view = next;
        points = loudestPoints(next, width, height);
      },
      paint(x0, x1) {
        const { values, low, high } = view;
        const { harmonic, percussive } = getMasks();
        const gain = 1 / (high - low);
        for (let y = 0; y < height; y++) {
          for (let n = y * width + x0; n < y * width + x1; n++) {
            const i = points[n];
            pixels[n] = colors[shareIndex(harmonic[i], percussive[i], Math.max(0, (values[i] - low) * gain))];
          }
        }
      },
    };
  };
}
