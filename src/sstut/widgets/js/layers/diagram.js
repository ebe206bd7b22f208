// 層の図。横は時刻、上の段が入力、下の段が出力。選んだ出力が見る点をたどって塗る。
//
//   const diagram = createDiagram({ signal, onIndex });
//   diagram.draw({ layers, levels, causal, index, sr, selected })
//     levels: 段ごとの { length, place: { offset, step }, seen, zeros }

import { inputsOf } from "../dsp/layers.js";
import { h } from "../ui/dom.js";
import { color, onThemeChange } from "../ui/theme.js";
import { levelName } from "./names.js";

const LEFT = 40; // 段の名前の幅 [CSS px]
const RIGHT = 14; // 右の余白。スキップ接続の線 1 本ごとに BRACKET だけ広がる
const BRACKET = 7;
const TOP = 46; // 全体の帯と目盛りの高さ
const MOST_LINES = 700; // これより多いか、間が FINE より細かい線は描かず、面だけにする
const FINE = 2; // [CSS px]
const COLORS = { dim: "--sst-dim", line: "--sst-line", edge: "--sst-edge", text: "--sst-text", seen: "--sst-track-4", out: "--sst-track-1", bg: "--sst-bg" };

/** きりのよい目盛りの間隔。 */
function niceStep(width, most) {
  const rough = width / most;
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  return unit * [1, 2, 5, 10].find((m) => m * unit >= rough);
}

/** 図を作る。onIndex: (番号) => void。引いたり、キーで動かしたりした出力の番号。 */
export function createDiagram({ signal, onIndex }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const el = h("div", { class: "sst-layers-diagram", tabindex: "0", role: "slider", "aria-label": "選んだ出力の番号", "aria-valuemin": "0" }, canvas);
  let view = null;
  let left = 0; // 描いている範囲の左端と幅 [入力のサンプル]
  let width = 1;
  let inks = null;

  const last = () => view.levels.at(-1);
  const at = ({ offset, step }, n) => offset + n * step;
  const margin = () => RIGHT + BRACKET * view.layers.slice(0, view.levels.length - 1).filter(({ kind }) => kind === "skip").length;
  const plotWidth = () => el.clientWidth - LEFT - margin();
  const toX = (t) => LEFT + ((t - left) / width) * plotWidth();
  const clamp = (n) => Math.max(0, Math.min(last().length - 1, n));
  /** 描く範囲：見る点がすべて入り、動かしても、はみ出すまでは止めておく。 */
  function fit() {
    const shown = view.levels.flatMap(({ seen, zeros, place }) => [seen[0], seen.at(-1), zeros[0], zeros.at(-1)].filter((n) => n !== undefined).map((n) => at(place, n)));
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const reach = Math.max(18, high - low);
    const wanted = Math.min(1.5 * reach, Math.max(view.levels[0].length + 0.5 * (reach - 1), reach * 1.1));
    if (Math.abs(wanted - width) > 0.25 * width || wanted < high - low) {
      width = wanted;
      left = (low + high - width) / 2;
    }
    const spare = 0.04 * width;
    if (low - spare < left) left = low - spare;
    if (high + spare > left + width) left = high + spare - width;
  }

  function draw() {
    const box = { width: el.clientWidth, height: TOP + gap() * (view.levels.length - 1) + 18 };
    if (!box.width) return;
    const scale = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    canvas.style.height = `${box.height}px`;
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    inks ??= Object.fromEntries(Object.entries(COLORS).map(([name, variable]) => [name, color(el, variable)]));
    c.font = `11px ${getComputedStyle(el).fontFamily}`;
    drawOverview(c, box);
    c.save();
    c.beginPath();
    c.rect(LEFT - 8, TOP - 12, plotWidth() + 16, box.height);
    c.clip();
    drawLinks(c);
    view.levels.forEach((level, i) => drawRow(c, level, i, box));
    c.restore();
    drawSkips(c);
    drawNames(c);
  }
  const gap = () => Math.max(16, Math.min(34, 300 / Math.max(1, view.levels.length - 1)));
  const rowY = (i) => TOP + 4 + gap() * i;

  /** 上の帯：入力の全体のうち、どこを見ているか。その下は、描いている範囲の目盛り。 */
  function drawOverview(c, box) {
    const { length, seen } = view.levels[0];
    const whole = plotWidth();
    c.fillStyle = inks.line;
    c.fillRect(LEFT, 5, whole, 7);
    c.fillStyle = inks.seen;
    if (seen.length) c.fillRect(LEFT + (whole * seen[0]) / length, 3, Math.max(2, (whole * (seen.at(-1) - seen[0] + 1)) / length), 11);
    c.fillStyle = inks.dim;
    c.textAlign = "left";
    c.fillText("全体", 8, 12);
    const step = niceStep(width, box.width / 95);
    c.textAlign = "center";
    for (let t = Math.ceil(left / step) * step; t <= left + width; t += step) {
      if (t < 0 || t > length) continue;
      c.fillRect(toX(t), 32, 1, 4);
      if (toX(t) > LEFT + 8 && toX(t) < box.width - 26) c.fillText(t.toLocaleString("en"), toX(t), 28);
    }
  }

  /** 出力から入力へ：広がりの面と、少なければ 1 本ずつの線。 */
  function drawLinks(c) {
    const { layers, levels, causal } = view;
    const extent = ({ seen, zeros, place }) => {
      const ends = [seen[0], seen.at(-1), zeros[0], zeros.at(-1)].filter((n) => n !== undefined).map((n) => toX(at(place, n)));
      return ends.length ? [Math.min(...ends), Math.max(...ends)] : null;
    };
    c.fillStyle = inks.seen;
    c.strokeStyle = inks.seen;
    for (let i = 1; i < levels.length; i++) {
      const [above, here] = [extent(levels[i - 1]), extent(levels[i])];
      if (!above || !here || levels[i].seen.length === 0) continue;
      const own = layers[i - 1].kind === "skip" ? here : above;
      c.globalAlpha = 0.1;
      c.beginPath();
      c.moveTo(own[0], rowY(i - 1));
      c.lineTo(own[1], rowY(i - 1));
      c.lineTo(here[1], rowY(i));
      c.lineTo(here[0], rowY(i));
      c.fill();
      drawLines(c, i, causal);
    }
    c.globalAlpha = 1;
  }
  function drawLines(c, i, causal) {
    const [layer, above, here] = [view.layers[i - 1], view.levels[i - 1], view.levels[i]];
    const fine = toX(above.place.step) - toX(0) < FINE && (layer.kernel ?? 1) > 1;
    if (fine || here.seen.length * (layer.kernel ?? 1) > MOST_LINES) return;
    c.globalAlpha = 0.55;
    c.lineWidth = 1;
    c.beginPath();
    for (const n of here.seen) {
      for (const m of inputsOf(layer, n, causal)) {
        if (layer.kind === "transpose" && (m < 0 || m >= above.length)) continue;
        c.moveTo(toX(at(above.place, m)), rowY(i - 1));
        c.lineTo(toX(at(here.place, n)), rowY(i));
      }
    }
    c.stroke();
  }
  /** スキップ接続：相手の段から、右の余白を通る線。 */
  function drawSkips(c) {
    c.strokeStyle = inks.dim;
    c.lineWidth = 1.3;
    const skips = view.layers.map((layer, i) => [layer, i + 1]).filter(([{ kind }, i]) => kind === "skip" && i < view.levels.length);
    for (const [n, [{ source }, i]] of skips.entries()) {
      const x = LEFT + plotWidth() + 10 + BRACKET * (n + 0.5);
      c.beginPath();
      c.moveTo(LEFT + plotWidth() + 8, rowY(source));
      c.lineTo(x, rowY(source));
      c.lineTo(x, rowY(i));
      c.lineTo(LEFT + plotWidth() + 9, rowY(i));
      c.moveTo(LEFT + plotWidth() + 12, rowY(i) - 3);
      c.lineTo(LEFT + plotWidth() + 8, rowY(i));
      c.lineTo(LEFT + plotWidth() + 12, rowY(i) + 3);
      c.stroke();
    }
  }

  /** 1 段の点。細かければ帯にする。 */
  function drawRow(c, { length, place, seen, zeros }, i, box) {
    const y = rowY(i);
    const pixels = toX(at(place, 1)) - toX(at(place, 0));
    const radius = Math.max(2, Math.min(4.5, 0.36 * pixels, 0.3 * gap()));
    const from = Math.max(0, Math.floor((left - place.offset) / place.step) - 1);
    const to = Math.min(length - 1, Math.ceil((left + width - place.offset) / place.step) + 1);
    const dot = (n, ink, r = radius, hollow = false) => {
      c.beginPath();
      c.arc(toX(at(place, n)), y, r, 0, 7);
      c.fillStyle = hollow ? inks.bg : ink;
      c.fill();
      if (hollow) {
        c.strokeStyle = ink;
        c.lineWidth = 1.2;
        c.stroke();
      }
    };
    const chosen = i === view.levels.length - 1;
    if (pixels >= 5) {
      const set = new Set(seen);
      for (let n = from; n <= to; n++) if (!set.has(n)) dot(n, inks.edge, 0.62 * radius);
      for (const n of zeros) dot(n, inks.seen, radius, true);
      for (const n of seen) dot(n, chosen ? inks.out : inks.seen);
    } else {
      c.fillStyle = inks.line;
      const [x0, x1] = [Math.max(LEFT - 8, toX(at(place, 0))), Math.min(box.width, toX(at(place, length - 1)))];
      c.fillRect(x0, y - 2.5, Math.max(1, x1 - x0), 5);
      c.fillStyle = chosen ? inks.out : inks.seen;
      for (const [a, b] of runs(seen)) {
        const x = toX(at(place, a) - place.step / 2);
        c.fillRect(x, y - 2.5, Math.max(1.2, toX(at(place, b) + place.step / 2) - x), 5);
      }
      c.strokeStyle = inks.seen;
      c.lineWidth = 1;
      for (const [a, b] of runs(zeros)) c.strokeRect(toX(at(place, a)), y - 2, Math.max(1, toX(at(place, b)) - toX(at(place, a))), 4);
    }
    if (chosen) dot(view.index, inks.out, Math.max(5, radius + 1));
  }
  function drawNames(c) {
    c.textAlign = "left";
    view.levels.forEach((_, i) => {
      const chosen = i === view.selected + 1;
      c.fillStyle = chosen ? inks.text : inks.dim;
      c.font = `${chosen ? "bold " : ""}11px ${getComputedStyle(el).fontFamily}`;
      c.fillText(levelName(i), 8, rowY(i) + 4);
    });
  }

  /** 描きなおしを待たずに覚える。次のキーが、描きなおしより早く来ても数え落とさない。 */
  function move(index) {
    view = { ...view, index: clamp(index) };
    onIndex(view.index);
  }

  function pick(event) {
    const box = el.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const part = (x - LEFT) / plotWidth();
    const time = y < 20 ? part * view.levels[0].length : left + part * width;
    const { offset, step } = last().place;
    move(Math.round((time - offset) / step));
  }
  el.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !view) return;
    el.setPointerCapture(event.pointerId);
    pick(event);
  }, { signal });
  el.addEventListener("pointermove", (event) => { if (el.hasPointerCapture(event.pointerId)) pick(event); }, { signal });
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
  el.addEventListener("keydown", (event) => {
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    let next = null;
    if (event.key in moves) next = view.index + moves[event.key] * (event.shiftKey ? 10 : 1);
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = last().length - 1;
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    move(next);
  }, { signal });

  const redraw = () => { if (view) draw(); };
  const observer = new ResizeObserver(redraw);
  observer.observe(el);
  signal.addEventListener("abort", () => observer.disconnect());
  onThemeChange(() => {
    inks = null;
    redraw();
  }, signal);

  return {
    el,
    draw(next, words) {
      view = next;
      el.setAttribute("aria-valuemax", last().length - 1);
      el.setAttribute("aria-valuenow", view.index);
      el.setAttribute("aria-valuetext", words);
      fit();
      draw();
    },
  };
}

/** 小さい順の番号の並びを、続いた区間 [始まり, 終わり] に分ける。 */
function runs(list) {
  const found = [];
  for (const n of list) {
    if (found.length && n === found.at(-1)[1] + 1) found.at(-1)[1] = n;
    else found.push([n, n]);
  }
  return found;
}
