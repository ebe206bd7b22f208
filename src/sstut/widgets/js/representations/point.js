// 選んだ点の値を見せ、その点だけの音を鳴らす。

import { AudioEngine } from "../ui/audio.js";
import { button, h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { factList, panel } from "../ui/parts.js";

/**
 * 選んだ点のまとまり。
 * @param {object} options sr [Hz]。makeAtom: () => Float32Array、いまの点だけの音。signal。
 * @returns {{el: HTMLElement, show: (point: object) => void, play: () => void, engine: AudioEngine}}
 */
export function createPoint({ sr, makeAtom, signal }) {
  const engine = new AudioEngine({ sr, tracks: [{ name: "atom", channels: [new Float32Array(1)] }] });
  signal.addEventListener("abort", () => engine.dispose());
  const values = factList(["周波数", "時刻", "番号 [f, t]", "振幅", "レベル", "位相"]);
  const hand = h("line", { x1: 0, y1: 0, x2: 1, y2: 0 });
  const dial = h("svg", { class: "sst-dial", viewBox: "-1.15 -1.15 2.3 2.3", "aria-hidden": "true" },
    h("path", { d: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0M-1.15 0H1.15M0 -1.15V1.15" }), h("g", {}, hand));
  const spoken = h("p", { class: "sst-hidden", role: "status" });

  function play() {
    engine.pause();
    engine.replace("atom", [makeAtom()]);
    engine.rewind();
    engine.play();
  }
  const listen = button({ label: "この点だけの音を聴く", iconName: "play", onClick: play });
  const el = panel("選んだ点", h("div", { class: "sst-point-row" }, dial, values.el, listen.el), spoken);
  return {
    el, play, engine,
    show({ t, k, freq, time, magnitude, db, phase }) {
      const texts = [
        `${freq.toFixed(1)} Hz`, `${time.toFixed(3)} 秒`, `[${k}, ${t}]`, magnitude.toPrecision(3), formatDb(db),
        `${(phase / Math.PI).toFixed(2).replace("-", "−")} π`,
      ];
      values.show(...texts);
      hand.setAttribute("x2", Math.cos(phase));
      hand.setAttribute("y2", -Math.sin(phase));
      spoken.textContent = `${freq.toFixed(0)} ヘルツ、${time.toFixed(2)} 秒、${db.toFixed(0)} デシベル`;
    },
  };
}
