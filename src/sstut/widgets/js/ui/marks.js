// 絵に重ねる線と点。座標は、左下を 0、右上を 1 とする絵の中の位置。絵の大きさが変わっても描きなおさない。
//   const marks = createMarks();
//   marks.show({ className: { verticals: [x…], horizontals: [y…], dots: [[x, y]…] } })   className ごとに色を CSS で決める

import { h } from "./dom.js";

const at = (v) => (1000 * v).toFixed(2);

/** 線と点の SVG の path。点は、長さ 0 の線の丸い端。 */
function path({ verticals = [], horizontals = [], dots = [] }) {
  return [
    ...verticals.map((x) => `M${at(x)} 0V1000`),
    ...horizontals.map((y) => `M0 ${at(1 - y)}H1000`),
    ...dots.map(([x, y]) => `M${at(x)} ${at(1 - y)}h0`),
  ].join("");
}

/** 絵に重ねる層を作る。 */
export function createMarks() {
  const el = h("svg", { class: "sst-marks", viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
  return {
    el,
    show(groups) {
      el.replaceChildren(...Object.entries(groups).map(([name, group]) => h("path", { class: name, d: path(group), "vector-effect": "non-scaling-stroke" })));
    },
  };
}
