// スペクトログラムに重ねる層：残す帯域の端のつまみと、選んだ点の印。
//
//   const layer = createLayer({ label, onPoint, onMovePoint, onPlayPoint, onBand, signal });
//   layer.el                        スペクトログラムの plot に入れる要素
//   layer.setBand(low, high)        下端 0、上端 1 の位置。外側に幕をかける
//   layer.setPoint(x, y)            左端・下端を 0 とする位置

import { h } from "../ui/dom.js";
import { movePoint } from "../ui/keys.js";

/**
 * 重ねる層を作る。
 * @param {object} options label: 読み上げる名前。onPoint: (event) => void、押した・引いた場所。
 *   onMovePoint: (フレームの差, ビンの差) => void。onPlayPoint: () => void。
 *   onBand: ("low"|"high", 位置) => void。signal: 部品が消えるときの合図。
 */
export function createLayer({ label, onPoint, onMovePoint, onPlayPoint, onBand, signal }) {
  const above = h("div", { class: "sst-veil sst-veil-high" });
  const below = h("div", { class: "sst-veil sst-veil-low" });
  const grips = { high: h("div", { class: "sst-grip", title: "残す帯域の上限" }), low: h("div", { class: "sst-grip", title: "残す帯域の下限" }) };
  const mark = h("div", { class: "sst-point" });
  const el = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-label": label }, below, above, mark, grips.low, grips.high);

  el.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    el.setPointerCapture(event.pointerId);
    el.focus({ preventScroll: true });
    onPoint(event);
  }, { signal });
  el.addEventListener("pointermove", (event) => { if (el.hasPointerCapture(event.pointerId)) onPoint(event); }, { signal });
  movePoint(el, onMovePoint, signal);
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    onPlayPoint();
  }, { signal });

  for (const [edge, grip] of Object.entries(grips)) {
    const move = (event) => {
      const box = el.getBoundingClientRect();
      onBand(edge, Math.max(0, Math.min(1, 1 - (event.clientY - box.top) / box.height)));
    };
    grip.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      grip.setPointerCapture(event.pointerId);
    }, { signal });
    grip.addEventListener("pointermove", (event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      event.stopPropagation();
      move(event);
    }, { signal });
  }

  return {
    el,
    setBand(lowUnit, highUnit) {
      const [low, high] = [lowUnit, highUnit].map((u) => Math.max(0, Math.min(1, u))); // 拡大した絵の外なら、端に置く
      below.style.height = `${100 * low}%`;
      above.style.height = `${100 * (1 - high)}%`;
      grips.low.style.bottom = `${100 * low}%`;
      grips.high.style.bottom = `${100 * high}%`;
    },
    setPoint(x, y) {
      mark.hidden = y < 0 || y > 1;
      mark.style.left = `${100 * x}%`;
      mark.style.bottom = `${100 * y}%`;
    },
  };
}
