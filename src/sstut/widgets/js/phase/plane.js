// 複素平面の回る矢印と、それが描く正弦波。左の円と右の波形は、縦の目盛りを共有する。
//
//   const plane = createPlane({ most, signal, onDrag, onDragEnd });                most: 円の箱のいちばん大きい幅 [CSS px]
//   plane.set({ frequency, phase, second, ratio, offset })   形が変わった（円と波形を描きなおす）
//   plane.turn(周期の数)                                      時刻を動かす（矢印と点だけを動かす）
// onDrag は、引いた矢印（"first" か "second"）と、その向き・長さを受けとる。

import { h } from "../ui/dom.js";
import { vectorSum } from "./tone.js";

export const COLORS = { first: "--sst-track-4", second: "--sst-track-2", sum: "--sst-track-1", frame: "--sst-track-3" };
export const PERIODS = 2; // 波形に描く周期の数
const POINTS = 160; // 波形を描く点の数
const TURN = 2 * Math.PI;
const PAD = 16; // 円のまわりの余白
const NARROW = 420; // これより狭い画面では、円の割合を増やす [CSS px]
const FOOT = 34; // 目盛りの高さ

/** 矢印の path。先が (x1, y1)。 */
function arrow(x0, y0, x1, y1) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1) return "";
  const head = Math.min(11, 0.5 * length);
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const barb = (side) => `${(x1 - head * (ux - 0.5 * side * uy)).toFixed(1)} ${(y1 - head * (uy + 0.5 * side * ux)).toFixed(1)}`;
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}M${barb(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}L${barb(-1)}`;
}

function text(content, props) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", "text");
  node.textContent = content;
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  return node;
}

/** 回る矢印と波形の図。 */
export function createPlane({ most, signal, onDrag, onDragEnd }) {
  const still = h("g");
  const path = (name, width) => h("path", { class: "sst-curve", style: { stroke: `var(${COLORS[name]})`, "stroke-width": width } });
  const traces = { first: path("first", 2.4), second: path("second", 2), sum: path("sum", 2.8) };
  const arrows = { first: path("first", 3.4), second: path("second", 3), sum: path("sum", 3.6) };
  const link = h("path", { class: "sst-link" });
  const dot = h("path", { class: "sst-curve sst-now-dot" });
  const svg = h("svg", { class: "sst-plane", role: "img", "aria-label": "複素平面の回る矢印と正弦波" }, still, ...Object.values(traces), link, ...Object.values(arrows), dot);
  let shape = null;
  let turns = 0;
  let box = null; // { cx, cy, unit, left, right }

  const toX = (u) => box.left + (u / PERIODS) * (box.right - box.left);
  /** 矢印 name の、時刻 0 の向きと長さ。 */
  function vector(name) {
    if (name === "first") return { length: 1, angle: shape.phase };
    if (name === "second") return { length: shape.ratio, angle: shape.phase + shape.offset };
    const { length, angle } = vectorSum(shape.ratio, shape.offset);
    return { length, angle: shape.phase + angle };
  }
  function wave(name, until = PERIODS, steps = POINTS) {
    const { length, angle } = vector(name);
    const n = Math.max(1, Math.ceil((steps * until) / PERIODS));
    return `M${Array.from({ length: n + 1 }, (_, i) => {
      const u = (until * i) / n;
      return `${toX(u).toFixed(1)} ${(box.cy - box.unit * length * Math.sin(TURN * u + angle)).toFixed(1)}`;
    }).join("L")}`;
  }
  const names = () => (shape.second ? ["first", "second", "sum"] : ["first"]);

  function layout() {
    const width = svg.clientWidth;
    if (!width || !shape) return;
    const side = Math.min(most, (width < NARROW ? 0.54 : 0.46) * width);
    const height = side + FOOT;
    svg.style.height = `${height}px`;
    const radius = side / 2 - PAD;
    box = { cx: side / 2, cy: side / 2, unit: radius / (shape.second ? 2 : 1), left: side + 18, right: width - 10 };
    const { cx, cy, unit, left, right } = box;
    const circle = `M${cx - unit} ${cy}A${unit} ${unit} 0 1 1 ${cx + unit} ${cy}A${unit} ${unit} 0 1 1 ${cx - unit} ${cy}`;
    const reach = radius + 10;
    const axes = `M${cx - reach} ${cy}H${cx + reach}M${cx} ${cy - reach}V${cy + reach}M${left} ${cy}H${right}M${left} ${cy - reach}V${cy + reach}`;
    const milliseconds = (u) => Number(((1000 * u) / shape.frequency).toPrecision(3));
    const ticks = [0, 1, 2].map((u) => text(`${milliseconds(u)}`, { x: toX(u), y: height - 20, "text-anchor": u === 2 ? "end" : "middle" }));
    const grid = [1, 2].map((u) => `M${toX(u)} ${cy - reach}V${cy + reach}`).join("");
    const angle = shape.phase;
    const r = 0.32 * unit;
    const arc = Math.abs(angle) < 0.02 ? "" : `M${cx + r} ${cy}A${r} ${r} 0 0 ${angle > 0 ? 0 : 1} ${cx + r * Math.cos(angle)} ${cy - r * Math.sin(angle)}`;
    const ghost = { ...shape, phase: 0, second: false };
    const lag = !shape.second && angle !== 0 ? h("path", { class: "sst-ghost", d: withShape(ghost, () => wave("first")) }) : null;
    const start = { x: cx + unit * Math.cos(angle), y: cy - unit * Math.sin(angle) };
    still.replaceChildren(...[
      h("path", { class: "sst-grid", d: axes + grid }),
      h("path", { class: "sst-circle", d: circle }),
      lag,
      h("path", { class: "sst-start", d: `M${cx} ${cy}L${start.x} ${start.y}` }),
      h("path", { class: "sst-arc", d: arc }),
      arc && unit > 40 ? text("φ", { x: cx + 1.5 * r * Math.cos(angle / 2), y: cy - 1.5 * r * Math.sin(angle / 2) + 4, "text-anchor": "middle", class: "sst-phi" }) : null,
      ...names().map((name) => h("path", { class: "sst-faint", d: wave(name), style: { stroke: `var(${COLORS[name]})` } })),
      ...ticks,
      text("時間 [ミリ秒]", { x: right, y: height - 4, "text-anchor": "end" }),
      text("実部", { x: cx + reach, y: cy - 5, "text-anchor": "end" }),
      text("虚部", { x: cx + 5, y: cy - reach + 9 }),
    ].filter(Boolean));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    move();
  }
  function withShape(other, f) {
    const kept = shape;
    shape = other;
    const result = f();
    shape = kept;
    return result;
  }

  function move() {
    if (!box) return;
    const { cx, cy, unit } = box;
    const tip = (name, x0 = cx, y0 = cy) => {
      const { length, angle } = vector(name);
      return [x0 + unit * length * Math.cos(TURN * turns + angle), y0 - unit * length * Math.sin(TURN * turns + angle)];
    };
    const first = tip("first");
    const second = tip("second", ...first);
    arrows.first.setAttribute("d", arrow(cx, cy, ...first));
    arrows.second.setAttribute("d", shape.second ? arrow(...first, ...second) : "");
    arrows.sum.setAttribute("d", shape.second ? arrow(cx, cy, ...second) : "");
    for (const [name, trace] of Object.entries(traces)) trace.setAttribute("d", names().includes(name) ? wave(name, turns) : "");
    const lead = shape.second ? second : first;
    link.setAttribute("d", `M${lead[0]} ${lead[1]}H${toX(turns)}`);
    dot.setAttribute("d", `M${toX(turns)} ${lead[1]}h0`);
    dot.style.stroke = `var(${shape.second ? COLORS.sum : COLORS.first})`;
    tips = { first, second };
  }
  let tips = null;
  let dragged = null;

  function pull(event) {
    const bounds = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const [x0, y0] = dragged === "first" ? [box.cx, box.cy] : tips.first;
    const turned = Math.atan2(y0 - y, x - x0) - TURN * turns;
    onDrag(dragged, { angle: turned, length: Math.hypot(x - x0, y - y0) / box.unit });
  }
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !box) return;
    const bounds = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    if (x > box.left - 14) return;
    const near = ([tx, ty]) => Math.hypot(x - tx, y - ty);
    dragged = shape.second && near(tips.second) < near(tips.first) ? "second" : "first";
    svg.setPointerCapture(event.pointerId);
    pull(event);
  }, { signal });
  svg.addEventListener("pointermove", (event) => { if (dragged && svg.hasPointerCapture(event.pointerId)) pull(event); }, { signal });
  for (const type of ["pointerup", "pointercancel"]) {
    svg.addEventListener(type, () => {
      if (dragged) onDragEnd();
      dragged = null;
    }, { signal });
  }

  const observer = new ResizeObserver(layout);
  observer.observe(svg);
  signal.addEventListener("abort", () => observer.disconnect());
  return {
    el: svg,
    set(next) {
      shape = next;
      layout();
    },
    turn(u) {
      turns = u;
      move();
    },
    describe(words) { svg.setAttribute("aria-label", words); },
  };
}
