// 埋め込みの散布図。点がビン。円を動かすと、中の点が選ばれる。
//
//   const scatter = createScatter({ data, loud, height, signal, onRegion });
//   scatter.show(mask, { selection, region })   scatter.setPoint(ビンの番号)

import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";
import { color, onThemeChange } from "../ui/theme.js";

const TRACKS = ["--sst-track-4", "--sst-track-1"]; // 集まりの色
const STEP = 0.01;

/** 図を作る。data: { points, groups }。loud: 描く点の番号。onRegion: (x, y) => void、円の中心。 */
export function createScatter({ data, loud, signal, onRegion }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const circle = h("div", { class: "sst-arch-circle" });
  const mark = h("div", { class: "sst-point" });
  const layer = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-roledescription": "円を動かす図", "aria-label": "埋め込みの散布図。矢印キーで円を動かす" }, circle, mark);
  const plot = h("div", { class: "sst-arch-scatter" }, canvas, layer);
  let shown = null;
  let inks = null;

  function draw() {
    const size = plot.clientWidth;
    if (!shown || size === 0) return;
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    [canvas.width, canvas.height] = [Math.round(size * ratio), Math.round(size * ratio)];
    const c = canvas.getContext("2d");
    inks ??= { groups: TRACKS.map((name) => color(plot, name)), off: color(plot, "--sst-edge") };
    // 選ばれない点を先に描き、選ばれた点を上に重ねる
    for (const on of [false, true]) {
      c.globalAlpha = on ? 0.75 : 0.3;
      for (const i of loud) {
        if (shown.mask[i] > 0.5 !== on) continue;
        c.fillStyle = on ? inks.groups[data.groups[i]] : inks.off;
        c.fillRect((data.points[2 * i] / 255) * canvas.width - ratio, (1 - data.points[2 * i + 1] / 255) * canvas.height - ratio, 2 * ratio, 2 * ratio);
      }
    }
  }
  const percent = (v) => `${(100 * v).toFixed(2)}%`;
  const clamp = (v) => Math.max(0, Math.min(1, v));
  function pick(event) {
    const box = layer.getBoundingClientRect();
    onRegion(clamp((event.clientX - box.left) / box.width), clamp((box.bottom - event.clientY) / box.height));
  }
  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    layer.setPointerCapture(event.pointerId);
    layer.focus({ preventScroll: true });
    pick(event);
  }, { signal });
  layer.addEventListener("pointermove", (event) => { if (layer.hasPointerCapture(event.pointerId)) pick(event); }, { signal });
  movePoint(layer, (dx, dy) => onRegion(clamp(shown.region[0] + STEP * dx), clamp(shown.region[1] + STEP * dy)), signal);
  const observer = new ResizeObserver(draw);
  observer.observe(plot);
  signal.addEventListener("abort", () => observer.disconnect());
  onThemeChange(() => {
    inks = null;
    draw();
  }, signal);

  return {
    el: plot,
    show(mask, { selection, region }) {
      shown = { mask, region };
      const [x, y, radius] = region;
      circle.hidden = selection !== "region";
      Object.assign(circle.style, { left: percent(x), bottom: percent(y), width: percent(2 * radius) });
      draw();
    },
    setPoint(i) {
      Object.assign(mark.style, { left: percent(data.points[2 * i] / 255), bottom: percent(data.points[2 * i + 1] / 255) });
    },
  };
}
