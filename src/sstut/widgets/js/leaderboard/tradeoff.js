// 費用（時間か重みの数）と、平均の点の図。線は、費用も点もほかに負けない手法を結ぶ。
//
//   const tradeoff = createTradeoff({ methods, signal, onPick, onMove });
//   tradeoff.show({ cost, method, rival })      tradeoff.front(cost) → 線の上の手法の名前

import { h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { timeTicks } from "../ui/scales.js";
import { formatCount, formatTimes } from "./results.js";
import { createPlot, dots, nearestDot, rangeOf, words } from "./shapes.js";
import { inOrder, paretoFront } from "./work.js";

const HEIGHT = 340;
const MARGIN = { left: 42, right: 18, top: 14, bottom: 44 };
const ZERO = 34; // 対数で表せない 0 のために、左に空ける幅
const REACH = 40;
const COSTS = {
  seconds: { label: "計算の時間（実時間の何倍か、対数）", tick: (v) => String(v), say: formatTimes },
  parameters: { label: "重みの数（対数）", tick: (v) => v.toLocaleString("ja", { notation: "compact" }), say: formatCount },
};

/** 費用の軸：0 は左の端、ほかは対数。 */
function costAxis(values, width) {
  const positive = values.filter((v) => v > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 1e9)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1e-9))));
  const hasZero = positive.length < values.length;
  const left = MARGIN.left + (hasZero ? ZERO : 0) + 8;
  const toX = (v) => (v > 0 ? left + ((Math.log10(v) - low) / (high - low)) * (width - MARGIN.right - left) : MARGIN.left + ZERO / 2);
  const decades = positive.length ? Array.from({ length: high - low + 1 }, (_, i) => Number((10 ** (low + i)).toPrecision(1))) : [];
  const skip = Math.ceil((decades.length * 44) / (width - left)); // 狭い画面では、目盛りをとばす
  return { toX, ticks: [...(hasZero ? [0] : []), ...decades.filter((_, i) => i % skip === 0)] };
}

/**
 * 名前を置く場所。ほかの点や前の名前と重ならず、自分の点がいちばん近いところ。なければ、その名前は置かない。
 * @param {Array<{name: string, at: number[]}>} items 名前と、その点 [x, y]。先のものを先に置く。
 * @param {number[][]} points すべての点。
 * @param {number} width 図の幅 [px]。
 * @returns {Array<{name: string, x: number, y: number}>} 文字の左下。
 */
export function placeLabels(items, points, width) {
  const boxes = points.map(([x, y]) => [x - 6, y - 6, x + 6, y + 6]);
  const overlaps = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  const distance = ([left, top, right, bottom], [x, y]) => Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
  const inside = ([left, top, right, bottom]) => left > MARGIN.left && right < width - 2 && top > 1 && bottom < HEIGHT - MARGIN.bottom + 3;
  return items.flatMap(({ name, at: [x, y] }) => {
    const wide = [...name].reduce((sum, c) => sum + (c.charCodeAt(0) < 128 ? 7.2 : 12.2), 0);
    // 左上と右下は、階段の線が通らない
    const tries = [[x - 6 - wide, y - 8], [x + 9, y + 16], [x + 9, y + 4], [x - 9 - wide, y + 4], [x + 9, y - 8], [x - 6 - wide, y + 16]];
    const found = tries.map(([left, base]) => [left, base - 11, left + wide, base + 3]).find((box) => {
      const own = distance(box, [x, y]);
      return inside(box) && !boxes.some((other) => overlaps(box, other)) && points.every((point) => (point[0] === x && point[1] === y) || distance(box, point) > own + 1);
    });
    if (!found) return [];
    boxes.push(found);
    return [{ name, x: found[0], y: found[3] - 3 }];
  });
}

/** 正解を使う手法は、だれにも使えないので、線に入れない。 */
function frontOf(methods, cost) {
  const fair = inOrder(methods.filter(({ kind }) => kind !== "oracle"), cost);
  const kept = paretoFront(fair.map((method) => ({ cost: method[cost], score: method.mean })));
  return fair.filter((_, i) => kept[i]);
}

/** 図を作る。onPick: (手法の名前)。onMove: (右, 上) 矢印キー。 */
export function createTradeoff({ methods, signal, onPick, onMove }) {
  const range = rangeOf(methods.flatMap(({ low, high }) => [low, high]));
  let shown = null;
  let places = [];
  const toY = (v) => MARGIN.top + ((range.high - v) / (range.high - range.low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const plot = createPlot({ label: "費用と点の図。左右で費用の順、上下で点の順に、手法を選ぶ。", signal, onMove, onPick(at) {
    const i = nearestDot(places, at, REACH);
    if (i >= 0) onPick(methods[i].name);
  } });
  plot.svg.style.height = `${HEIGHT}px`;
  plot.onResize(draw);

  function axes(ticks, toX, width) {
    const [right, bottom] = [width - MARGIN.right, HEIGHT - MARGIN.bottom];
    const levels = timeTicks(range.low, range.high, 6);
    return [
      h("path", { class: "sst-grid", d: [...ticks.map((v) => `M${toX(v)} ${MARGIN.top}V${bottom}`), ...levels.map((v) => `M${MARGIN.left} ${toY(v)}H${right}`)].join("") }),
      ...ticks.map((v) => words(COSTS[shown.cost].tick(v), toX(v), bottom + 16, { "text-anchor": "middle" })),
      ...levels.map((v) => words(String(v).replace("-", "−"), MARGIN.left - 6, toY(v) + 4, { "text-anchor": "end" })),
      words("dB", 2, MARGIN.top), words(COSTS[shown.cost].label, right, HEIGHT - 6, { "text-anchor": "end" }),
    ];
  }
  function draw() {
    const width = plot.svg.clientWidth;
    if (!width || !shown) return;
    const { toX, ticks } = costAxis(methods.map((method) => method[shown.cost]), width);
    const at = (method) => [toX(method[shown.cost]), toY(method.mean)];
    places = methods.map(at);
    const front = frontOf(methods, shown.cost);
    const steps = front.map((method, i) => `${i ? `H${at(method)[0]}V` : `M${at(method)[0]} `}${at(method)[1]}`).join("");
    const named = [...methods.filter(({ name }) => name === shown.method || name === shown.rival), ...front, ...methods];
    const chosen = at(methods.find(({ name }) => name === shown.method));
    plot.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    plot.svg.replaceChildren(
      ...axes(ticks, toX, width), h("path", { class: "sst-lb-front", d: steps }),
      h("path", { class: "sst-lb-bar", d: methods.map((method) => `M${at(method)[0]} ${toY(method.low)}V${toY(method.high)}`).join("") }),
      ...methods.map((method) => dots(method.kind, [at(method)], { r: 5, filled: true })),
      h("path", { class: "sst-lb-ring", d: `M${chosen[0] - 10} ${chosen[1]}a10 10 0 1 0 20 0a10 10 0 1 0 -20 0` }),
      ...placeLabels([...new Set(named)].map((method) => ({ name: method.name, at: at(method) })), places, width)
        .map(({ name, x, y }) => words(name, x, y, { class: "sst-lb-name sst-lb-halo" })),
    );
  }
  return {
    el: plot.el,
    front: (cost) => frontOf(methods, cost).map(({ name }) => name),
    show(next) {
      shown = next;
      const method = methods.find(({ name }) => name === next.method);
      plot.describe(`選んだ手法は${method.name}、${COSTS[next.cost].say(method[next.cost])}、平均 ${formatDb(method.mean)}`);
      draw();
    },
  };
}
