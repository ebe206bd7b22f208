// 真ん中の絵の塗りかた。V は明るさだけ、近似と聞こえる成分は、点ごとにいちばん大きい成分の色で塗る。

import { heatColors } from "../ui/colormap.js";
import { binEdges, loudestPoints, paintHeatmap } from "../ui/heatmap.js";
import { ownerColors, ownerIndex } from "./colors.js";

const heat = heatColors();

/** getOwners: 点ごとの成分の番号を返す関数。null なら、明るさだけで塗る。 */
export function factorPainter(getOwners) {
  const colors = ownerColors();
  return (width, height, pixels) => {
    let view = null;
    return {
      layout(next) { view = { ...next, rows: binEdges(height, next.bins, next.toBin), colors: heat }; },
      paint(x0, x1) {
        const owners = getOwners();
        if (!owners) {
          paintHeatmap(view, { pixels, width, height }, { ...view, x0, x1 });
          return;
        }
        const { values, low, high } = view;
        const points = loudestPoints(view, width, height);
        for (let i = 0; i < pixels.length; i++) pixels[i] = colors[ownerIndex(owners[points[i]], (values[points[i]] - low) / (high - low))];
      },
    };
  };
}
