// 絵の上を押したり引いたりして、再生位置を動かす。
//   dragSeek(el, onFraction, signal)   onFraction は左端を 0、右端を 1 とする位置を受けとる

/**
 * 横方向のつまみ。縦に動かす指はページの移動に譲る（CSS の touch-action: pan-y と組で使う）。
 * @param {HTMLElement} el 押す場所。
 * @param {(fraction: number) => void} onFraction 位置が変わるたびに呼ぶ。
 * @param {AbortSignal} signal 部品が消えるときの合図。
 */
export function dragSeek(el, onFraction, signal) {
  const move = (event) => {
    const box = el.getBoundingClientRect();
    onFraction(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  };
  el.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    el.setPointerCapture(event.pointerId);
    move(event);
  }, { signal });
  el.addEventListener("pointermove", (event) => { if (el.hasPointerCapture(event.pointerId)) move(event); }, { signal });
}
