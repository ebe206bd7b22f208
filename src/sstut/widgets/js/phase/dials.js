// 小さな時計の並び。向きで位相を見せる。
//
//   const dials = createDials(件数, 色);
//   dials.show([{ angle, from, name, value }]);   from があれば、うすい針で元の向きも描く

import { h } from "../ui/dom.js";

/** 時計の並びを作る。 */
export function createDials(count, color) {
  const items = Array.from({ length: count }, () => {
    const [ghost, hand] = ["sst-hand-from", "sst-hand"].map((name) => h("line", { class: name, x1: 0, y1: 0, x2: 1, y2: 0 }));
    hand.style.stroke = `var(${color})`;
    const svg = h("svg", { class: "sst-phase-dial", viewBox: "-1.12 -1.12 2.24 2.24", "aria-hidden": "true" },
      h("path", { d: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0" }), h("g", {}, ghost, hand));
    const name = h("span", { class: "sst-dial-name" });
    const value = h("span", { class: "sst-dial-value" });
    return { el: h("li", {}, svg, name, value), ghost, hand, name, value };
  });
  const point = (line, angle) => {
    line.setAttribute("x2", 0.92 * Math.cos(angle));
    line.setAttribute("y2", -0.92 * Math.sin(angle));
  };
  return {
    el: h("ul", { class: "sst-dials", "data-count": count }, ...items.map(({ el }) => el)),
    show(values) {
      values.forEach(({ angle, from = angle, name, value }, i) => {
        point(items[i].hand, angle);
        point(items[i].ghost, from);
        items[i].name.textContent = name;
        items[i].value.textContent = value;
      });
    },
  };
}
