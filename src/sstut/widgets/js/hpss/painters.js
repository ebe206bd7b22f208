// スペクトログラムの塗りかた（createSpectrogram の createPainter に渡す）。

import { binEdges, paintHeatmap } from "../ui/heatmap.js";
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

/** 画素ごとに、そこに入る点のうち、いちばん大きい点の番号。 */
function loudestPoints({ values, frames, bins, toFrame, toBin }, width, height) {
  const rows = binEdges(height, bins, toBin);
  const points = new Int32Array(width * height);
  for (let x = 0; x < width; x++) {
    const first = Math.max(0, Math.min(frames - 1, Math.round(toFrame(x / width))));
    const last = Math.max(first + 1, Math.min(frames, Math.round(toFrame((x + 1) / width))));
    for (let y = 0; y < height; y++) {
      let best = first * bins + rows.from[y];
      for (let t = first; t < last; t++) {
        for (let i = t * bins + rows.from[y]; i < t * bins + rows.to[y]; i++) if (values[i] > values[best]) best = i;
      }
      points[y * width + x] = best;
    }
  }
  return points;
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
