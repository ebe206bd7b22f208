// 波形の絵。区間ごとの最小値と最大値を結ぶので、短い打撃音も消えない。
// SVG なので、大きさが変わってもテーマが変わっても描きなおさない。色は CSS の color に従う。
//   peaks(channels, columns) → { low, high }
//   createWaveform({ channels, label, onSeek, duration }) → { el, setChannels, setPosition(秒) }

import { h } from "./dom.js";
import { dragSeek } from "./seek.js";

const COLUMNS = 480;

/**
 * 区間ごとの最小値と最大値。
 * @param {Float32Array[]} channels 波形。複数なら、全チャネルを通した最小と最大。
 * @param {number} columns 区間の数。
 * @param {number} [length] 全体の長さ [サンプル]。波形がこれより短ければ、残りは 0。
 * @returns {{low: Float32Array, high: Float32Array}}
 */
export function peaks(channels, columns, length = channels[0].length) {
  const low = new Float32Array(columns);
  const high = new Float32Array(columns);
  for (const x of channels) {
    for (let c = 0; c < columns; c++) {
      const end = Math.min(x.length, Math.max(Math.floor((c * length) / columns) + 1, Math.floor(((c + 1) * length) / columns)));
      for (let i = Math.floor((c * length) / columns); i < end; i++) {
        if (x[i] < low[c]) low[c] = x[i];
        if (x[i] > high[c]) high[c] = x[i];
      }
    }
  }
  return { low, high };
}

/**
 * 波形の帯。
 * @param {object} options channels、sr: 波形。duration: 横幅にあたる長さ [秒]。onSeek: (秒) => void。
 * @returns {{el: HTMLElement, set: Function, setPosition: (seconds: number) => void}}
 */
export function createWaveform({ channels, sr, duration, onSeek, signal }) {
  const path = h("path", {});
  const svg = h("svg", { viewBox: `0 -1 ${COLUMNS} 2`, preserveAspectRatio: "none", "aria-hidden": "true" }, path);
  const playhead = h("div", { class: "sst-playhead" });
  const el = h("div", { class: "sst-wave" }, svg, playhead);
  let seconds = duration;

  const set = (newChannels, newDuration, scale = 1) => {
    seconds = newDuration;
    const { low, high } = peaks(newChannels, COLUMNS, Math.round(seconds * sr));
    const y = (v) => Math.max(-1, Math.min(1, -v * scale)).toFixed(3);
    const upper = Array.from(high, (v, c) => `${c} ${y(Math.max(v, 0.004 / scale))}`);
    const lower = Array.from(low, (v, c) => `${c} ${y(Math.min(v, -0.004 / scale))}`).reverse();
    path.setAttribute("d", `M${upper.join("L")}L${lower.join("L")}Z`);
  };
  set(channels, duration);
  dragSeek(el, (fraction) => onSeek(fraction * seconds), signal);
  return {
    el, set,
    setPosition(t) { playhead.style.setProperty("--at", t / seconds); },
  };
}
