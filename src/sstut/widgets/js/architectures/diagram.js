// ブロック図。横に段を並べ、箱の高さで位置（時間と周波数の点）の数を、幅でチャネルの数を見せる。
//
//   const diagram = createDiagram({ signal, onBlock });
//   diagram.show(blocks, 選んだ段の番号)

import { h } from "../ui/dom.js";

const [WIDTH, HEIGHT] = [640, 190]; // 図の中の座標
const [TOP, BOTTOM] = [58, 178]; // 箱を置く範囲。上はつながりの弧のため
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function shape(tag, attributes) {
  const el = document.createElementNS(SVG_NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  return el;
}

/** 隣でない段からのつながり。どの段にも前の全段が足し込まれる並びでは、線が重なるので、選んだ段だけ描く。 */
function linksOf(blocks, index) {
  const crowded = blocks.some(({ sources }) => sources.length > 3);
  return blocks.flatMap(({ sources }, to) => (crowded && to !== index ? [] : sources.filter((from) => from < to - 1).map((from) => ({ from, to }))));
}

/** 図を作る。onBlock: (段の番号) => void。 */
export function createDiagram({ signal, onBlock }) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const el = h("div", { class: "sst-arch-diagram", tabindex: "0", role: "slider", "aria-label": "見ている段", "aria-valuemin": "1" }, svg);
  let shown = { blocks: [], index: 0 };
  const clamp = (i) => Math.max(0, Math.min(shown.blocks.length - 1, i));

  function draw() {
    const { blocks, index } = shown;
    const pitch = WIDTH / blocks.length;
    const most = { channels: Math.max(...blocks.map(({ channels }) => Math.log2(channels + 1))), positions: Math.max(...blocks.map(({ positions }) => Math.log2(positions + 1))) };
    const x = (i) => (i + 0.5) * pitch;
    const tall = ({ positions }) => Math.max(6, ((BOTTOM - TOP) * Math.log2(positions + 1)) / most.positions) ** 2 / (BOTTOM - TOP);
    const top = (block) => (TOP + BOTTOM - tall(block)) / 2;
    const wide = ({ channels }) => Math.max(3, 0.8 * pitch * (Math.log2(channels + 1) / most.channels));
    const hits = blocks.map((_, i) => shape("rect", { x: i * pitch, y: 0, width: pitch, height: HEIGHT, class: i === index ? "sst-arch-column sst-arch-here" : "sst-arch-column" }));
    const boxes = blocks.map((block, i) => shape("rect", {
      x: x(i) - wide(block) / 2, y: top(block), width: wide(block), height: tall(block), rx: 3,
      class: `sst-arch-box${i === index ? " sst-arch-chosen" : blocks[index].sources.includes(i) ? " sst-arch-source" : ""}`,
    }));
    const arcs = linksOf(blocks, index).map(({ from, to }) => {
      const height = Math.max(4, TOP - 14 - 3.4 * (to - from));
      const d = `M ${x(from)} ${top(blocks[from])} C ${x(from)} ${height - 12}, ${x(to)} ${height - 12}, ${x(to)} ${top(blocks[to])}`;
      return shape("path", { d, class: to === index ? "sst-arch-arc sst-arch-active" : "sst-arch-arc" });
    });
    const steps = blocks.slice(1).map((block, i) => shape("path", { d: `M ${x(i) + wide(blocks[i]) / 2} ${(TOP + BOTTOM) / 2} H ${x(i + 1) - wide(block) / 2}`, class: "sst-arch-arc" }));
    svg.replaceChildren(...hits, ...steps.filter((_, i) => blocks[i + 1].sources.includes(i)), ...arcs, ...boxes);
  }
  el.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const box = el.getBoundingClientRect();
    onBlock(clamp(Math.floor(((event.clientX - box.left) / box.width) * shown.blocks.length)));
  }, { signal });
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity };
  el.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    // 描きなおしを待たずに覚える。次のキーが早く来ても数え落とさない
    shown = { ...shown, index: clamp(shown.index + moves[event.key]) };
    onBlock(shown.index);
  }, { signal });
  return {
    el,
    show(blocks, index) {
      shown = { blocks, index };
      el.setAttribute("aria-valuemax", blocks.length);
      el.setAttribute("aria-valuenow", index + 1);
      el.setAttribute("aria-valuetext", `${index + 1} 段目。${blocks[index].kind}、${blocks[index].name}`);
      draw();
    },
  };
}
