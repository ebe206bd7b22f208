// 絵の左の W（基底）と上の H（アクティベーション）。真ん中の絵と、周波数と時間の軸がそろう。
//
//   const factors = createFactors({ spectrogram, signal, onToggle });
//   factors.draw({ W, H }, { bins, n, power, toBin, span })
//   factors.setHeard([番号…])   factors.setPoint(横, 縦)   factors.setPosition(0〜1)

import { h } from "../ui/dom.js";
import { binEdges } from "../ui/heatmap.js";
import { cssColor } from "./colors.js";

const ROWS = 160; // 基底の絵の縦の点の数

/** 0〜1 の値の列を、下端（か左端）から塗る SVG の形にする。 */
const outline = (points, from, to) => `M${from}L${points.join("L")}L${to}Z`;

function createShape() {
  const path = h("path");
  const svg = h("svg", { preserveAspectRatio: "none" }, path);
  return { svg, path };
}

/**
 * W と H の絵を作り、スペクトログラムの格子に加える。
 * @param {object} options spectrogram: `.sst-spectrogram` の要素。onToggle: (番号, 1 つだけ選ぶか) => void。
 */
export function createFactors({ spectrogram, signal, onToggle }) {
  const [bases, activations] = [h("div", { class: "sst-nmf-bases", "aria-hidden": "true" }), h("div", { class: "sst-nmf-activations", "aria-hidden": "true" })];
  const caption = (area, name, words) => h("div", { class: `sst-nmf-${area}`, "aria-hidden": "true" }, h("b", { text: name }), words);
  const labels = h("div", { class: "sst-nmf-rows", "aria-hidden": "true" });
  const [freq, time] = [h("i", { class: "sst-nmf-freq" }), h("i", { class: "sst-nmf-time" })];
  const playhead = h("div", { class: "sst-playhead" });
  spectrogram.append(caption("corner", "H", "いつ、どれだけ"), caption("left", "W", "どんな形"), labels, activations, bases);
  let parts = [];

  for (const box of [bases, activations, labels]) {
    box.addEventListener("click", (event) => {
      const item = event.target.closest("[data-component]");
      if (item) onToggle(Number(item.dataset.component), event.shiftKey);
    }, { signal });
  }

  function rebuild(n) {
    parts = Array.from({ length: n }, (_, k) => {
      const [column, row] = [createShape(), createShape()];
      const data = { "data-component": String(k), style: { "--track": cssColor(k) } };
      return {
        column, row,
        elements: [
          h("div", { class: "sst-nmf-base", ...data }, h("span", { text: String(k + 1) }), column.svg),
          h("div", { class: "sst-nmf-activation", ...data }, row.svg),
          h("span", { ...data, text: String(k + 1) }),
        ],
      };
    });
    const column = (i) => parts.map(({ elements }) => elements[i]);
    bases.replaceChildren(...column(0), freq);
    activations.replaceChildren(...column(1), time, playhead);
    labels.replaceChildren(...column(2));
    spectrogram.style.setProperty("--rows", String(n));
    spectrogram.toggleAttribute("data-many", n > 8); // 狭い幅では、左の番号が重なる
  }

  return {
    /** power: 値がパワーか。toBin: 下端 0、上端 1 → 周波数の番号。span: 絵の横幅に入るフレームの数。 */
    draw({ W, H }, { bins, n, power, toBin, span }) {
      if (parts.length !== n) rebuild(n);
      const exponent = power ? 0.25 : 0.5; // 小さい値も見えるように縮める
      const edges = binEdges(ROWS, bins, toBin);
      const loudest = H.reduce((most, v) => Math.max(most, v), 1e-30);
      parts.forEach(({ column, row }, k) => {
        const base = W.subarray(k * bins, (k + 1) * bins);
        const largest = base.reduce((most, v) => Math.max(most, v), 1e-30);
        const across = Array.from({ length: ROWS }, (_, y) => {
          let most = 0;
          for (let f = edges.from[y]; f < edges.to[y]; f++) most = Math.max(most, base[f]);
          return `${((most / largest) ** exponent).toFixed(3)} ${y}.5`;
        });
        column.svg.setAttribute("viewBox", `0 0 1 ${ROWS}`);
        column.path.setAttribute("d", outline(across, "0 0", `0 ${ROWS}`));
        const along = Array.from({ length: H.length / n }, (_, t) => `${t} ${(1 - (H[t * n + k] / loudest) ** exponent).toFixed(3)}`);
        row.svg.setAttribute("viewBox", `0 0 ${span} 1`);
        row.path.setAttribute("d", outline(along, "0 1", `${H.length / n - 1} 1`));
      });
    },
    setHeard(numbers) {
      parts.forEach(({ elements }, k) => elements.forEach((element) => element.toggleAttribute("data-muted", !numbers.includes(k))));
    },
    setPoint(x, y) {
      time.style.left = `${100 * x}%`;
      freq.style.bottom = `${100 * y}%`;
      freq.hidden = y > 1;
    },
    setPosition(fraction) { playhead.style.setProperty("--at", fraction); },
  };
}
