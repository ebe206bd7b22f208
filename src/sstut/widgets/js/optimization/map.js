// 損失の地図：色と等高線の上に、出発点・経路・いまの点を描く。押す・引く・矢印キーで、出発点を動かす。
//
//   const map = createMap({ signal, onStart });
//   map.setSurface(surface)        曲面が変わった（色と等高線を描きなおす）
//   map.setPath(run, ghost)        経路だけを描きなおす

import { heatColors } from "../ui/colormap.js";
import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";
import { contourLevels, contourPath, sampleGrid } from "./contours.js";

const GRID = 97; // 等高線の格子の数
const BRIGHTEST = 170; // 色の表のうち、使う上限。白い経路が、どこでも見える
const KEY_STEP = 1 / 100; // 矢印キー 1 回で動く量（絵の幅に対する割合）

/** きりのよい目盛り。 */
function ticksOf([low, high]) {
  return Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => Math.ceil(low) + i);
}

/** 損失の地図を作る。onStart: ([a, b]) => void、選ばれた出発点。 */
export function createMap({ signal, onStart }) {
  const canvas = h("canvas", { width: GRID, height: GRID });
  const lines = h("g");
  const routes = h("g");
  const svg = h("svg", { class: "sst-opt-lines", viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" }, lines, routes);
  const layer = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-roledescription": "出発点を選ぶ地図" }, svg);
  const [xs, ys] = [h("div", { class: "sst-opt-x" }), h("div", { class: "sst-opt-y" })];
  const [xName, yName] = [h("span"), h("span")];
  const el = h("div", { class: "sst-opt-map" }, h("div", { class: "sst-opt-yname" }, yName), ys, h("div", { class: "sst-opt-plot" }, canvas, layer), xs, h("div", { class: "sst-opt-xname" }, xName));
  let surface = null;
  let start = [0, 0];

  const unit = (v, [low, high]) => (v - low) / (high - low);
  // 発散した点も、線の向きが分かる所までは描く
  const far = (u) => Math.max(-3, Math.min(4, u));
  const toX = (v) => 1000 * far(unit(v, surface.x));
  const toY = (v) => 1000 * (1 - far(unit(v, surface.y)));

  function setSurface(next) {
    surface = next;
    const grid = sampleGrid((theta) => surface.toColor(surface.loss(theta)), surface.x, surface.y, GRID);
    const colors = heatColors();
    const image = new ImageData(GRID, GRID);
    const pixels = new Uint32Array(image.data.buffer);
    for (let j = 0; j < GRID; j++) {
      for (let i = 0; i < GRID; i++) {
        const v = (grid.values[j * GRID + i] - grid.low) / (grid.high - grid.low || 1);
        pixels[(GRID - 1 - j) * GRID + i] = colors[Math.round(BRIGHTEST * v)];
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    const scale = 1000 / (GRID - 1);
    lines.replaceChildren(...contourLevels(grid, 14).map((level) => h("path", { class: "sst-opt-contour", d: contourPath(grid, level, (i) => scale * i, (j) => 1000 - scale * j) })));
    const percent = (u) => `${(100 * u).toFixed(2)}%`;
    xs.replaceChildren(...ticksOf(surface.x).map((v) => h("span", { text: String(v).replace("-", "−"), style: { left: percent(unit(v, surface.x)) } })));
    ys.replaceChildren(...ticksOf(surface.y).map((v) => h("span", { text: String(v).replace("-", "−"), style: { bottom: percent(unit(v, surface.y)) } })));
    [xName.textContent, yName.textContent] = surface.axes;
  }

  function pointAt(event) {
    const box = layer.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height].map((w) => Math.max(0, Math.min(1, w)));
    return [surface.x[0] + u * (surface.x[1] - surface.x[0]), surface.y[0] + v * (surface.y[1] - surface.y[0])];
  }
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    layer.focus({ preventScroll: true });
    onStart(pointAt(event));
  }, { signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) onStart(pointAt(event)); }, { signal });
  movePoint(layer, (dx, dy) => {
    // 描く前に次のキーが来ても、続きから動かす
    start = [start[0] + dx * KEY_STEP * (surface.x[1] - surface.x[0]), start[1] + dy * KEY_STEP * (surface.y[1] - surface.y[0])];
    onStart(start);
  }, signal);

  /** 経路の線。点の数だけ、小さな丸も置く。 */
  function route({ path }, name) {
    const points = Array.from({ length: path.length / 2 }, (_, i) => [toX(path[2 * i]), toY(path[2 * i + 1])].map((v) => v.toFixed(1)).join(" "));
    const line = `M${points.join("L")}`;
    const dots = points.map((p) => `M${p}h0`).join("");
    return ["edge", "line"].map((part) => h("path", { class: `sst-opt-${part} sst-opt-${name}`, d: line }))
      .concat(h("path", { class: `sst-opt-dots sst-opt-${name}`, d: dots }));
  }
  function mark([a, b], name) {
    return ["edge", "dot"].map((part) => h("path", { class: `sst-opt-${name}-${part}`, d: `M${toX(a)} ${toY(b)}h0` }));
  }
  return {
    el, setSurface,
    setPath(run, ghost) {
      start = [run.path[0], run.path[1]];
      const best = surface.best ? mark(surface.best, "best") : [];
      routes.replaceChildren(...best, ...(ghost ? route(ghost, "ghost") : []), ...route(run, "now"), ...mark(start, "start"), ...mark(run.path.slice(-2), "end"));
      layer.setAttribute("aria-label", `損失の地図。出発点 ${start.map((v) => v.toFixed(2)).join("、")}。矢印キーで動かす`);
    },
  };
}
