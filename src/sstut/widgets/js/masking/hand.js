// 絵の上の手：マウス・指・ペン・キーボードで塗る。どれも同じ「押す・動かす・離す」に直してから扱う。
//
//   const hand = createHand({ picture, signal, getTool, getSheet, getDb, onPaint, onStroke, onSeek, announce, record });
//   hand.drawOver(context, at)        筆の輪郭、長方形、キーボードの十字を描く
//   hand.keys                         キー操作の説明（一覧に載せる）
//   hand.busy                         塗っている途中か
//   hand.reset()                      音が替わったとき、十字を真ん中へ戻す
// record(ミリ秒) は、1 回の動きを塗るのにかかった時間を記す。
// getTool() は { painting, brush, size, value, snap }。painting が false なら、絵を押すと再生位置が動く。

import { harmonics, rectangle, snapPitch, stroke } from "./brush.js";
import { drawCursor } from "./cursor.js";

const DRAGGED = new Set(["rectangle", "band"]); // 角から角へ引いて、離したときに塗る形
const EVERY = { t: 1 / 160, k: 1 / 100 }; // 矢印キー 1 回で動く量（見えている範囲に対する割合）

/** 倍音のブラシの、帯の半分の幅 [周波数の番号]。拡大のしかたによらない。 */
function harmonicWidth(size) {
  return Math.max(1, size / 16);
}

/** 前の知らせからの、途中の位置もすべて。 */
function moves(event) {
  const parts = event.getCoalescedEvents?.() ?? [];
  return parts.length ? parts : [event];
}

export function createHand({ picture, signal, getTool, getSheet, getDb, onPaint, onStroke, onSeek, announce, record }) {
  const { plot, at } = picture;
  let hover = null; // ポインターの下 { t, k }
  let cross = null; // キーボードの十字 { t, k }。焦点があるときだけ見せる
  let last = null; // 塗っている途中の、前の点
  let anchor = null; // 長方形・帯の、はじめの角
  let value = 1;
  let anchoredByKey = false;

  const ink = () => {
    const { mask, frames, bins } = getSheet();
    return { mask, frames, bins, value };
  };
  const limit = ({ t, k }) => ({
    t: Math.max(0, Math.min(getSheet().frames - 1, t)),
    k: Math.max(0, Math.min(getSheet().bins - 1, k)),
  });
  /** 倍音のブラシなら、近くの倍音の列に寄せる。 */
  const settle = (point) => {
    const { brush, snap } = getTool();
    if (brush !== "harmonic" || !snap) return point;
    return { t: point.t, k: snapPitch(getDb(), getSheet().bins, Math.round(point.t), Math.max(4, point.k)) };
  };

  /** 角 a と b の間。帯なら、時間はいつも端から端まで。 */
  const corners = (a, b) => (getTool().brush === "band" ? [[0, a.k], [getSheet().frames - 1, b.k]] : [[a.t, a.k], [b.t, b.k]]);

  function press(point, erase = false) {
    const tool = getTool();
    value = erase ? 0 : tool.value;
    const sheet = getSheet();
    sheet.begin();
    // すべて通しているときに「通す」で塗っても何も起きない。そこで、塗った所だけを通すことにする。
    if (value === 1 && sheet.isOpen) {
      sheet.mask.fill(0);
      sheet.touch(0, sheet.frames);
      onPaint(0, sheet.frames);
      announce("塗った所だけを通します。");
    }
    last = limit(point);
    if (DRAGGED.has(tool.brush)) anchor = last;
    else move(point);
  }

  function move(point) {
    const next = limit(point);
    if (!anchor) {
      const [from, to] = getTool().brush === "harmonic" ? drawHarmonics(last, next) : drawRound(last, next);
      getSheet().touch(from, to);
      onPaint(from, to);
    }
    last = next;
  }

  function drawRound(a, b) {
    const { size } = getTool();
    return stroke(ink(), [a.t, a.k], [b.t, b.k], [size / 2 / at.perFrame, size / 2 / at.perBin]);
  }

  /** フレームごとに、指した高さの近くの倍音の列を塗る。 */
  function drawHarmonics(a, b) {
    const steps = Math.max(1, Math.abs(Math.round(b.t) - Math.round(a.t)));
    for (let i = 0; i <= steps; i++) {
      const u = i / steps;
      const { t, k } = settle({ t: a.t + u * (b.t - a.t), k: a.k + u * (b.k - a.k) });
      harmonics(ink(), t, k, harmonicWidth(getTool().size));
    }
    return [Math.round(Math.min(a.t, b.t)), Math.round(Math.max(a.t, b.t)) + 1];
  }

  function release() {
    if (anchor) {
      const [from, to] = rectangle(ink(), ...corners(anchor, last));
      getSheet().touch(from, to);
      onPaint(from, to);
    }
    getSheet().commit();
    anchor = null;
    last = null;
    onStroke();
  }

  function cancel() {
    if (!last) return;
    getSheet().cancel();
    anchor = null;
    last = null;
    anchoredByKey = false;
    onPaint(0, getSheet().frames);
    onStroke();
  }

  // ポインター
  const seek = (event) => onSeek(picture.point(event).t * at.seconds);
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 && event.button !== 5) return; // 5 はペンの消しゴム
    plot.focus({ preventScroll: true });
    event.preventDefault(); // 文字の選択を始めない
    cross = null;
    plot.setPointerCapture(event.pointerId);
    if (!getTool().painting) {
      seek(event);
      return;
    }
    if (last) cancel();
    hover = picture.point(event);
    press(hover, event.button === 5);
    picture.redrawOver();
  }, { signal });
  plot.addEventListener("pointermove", (event) => {
    hover = picture.point(event);
    if (plot.hasPointerCapture(event.pointerId)) {
      const began = performance.now();
      if (!getTool().painting) seek(event);
      else if (last && !anchoredByKey) for (const part of moves(event)) move(picture.point(part));
      record(performance.now() - began);
    }
    requestOver();
  }, { signal });
  plot.addEventListener("pointerup", (event) => {
    if (plot.hasPointerCapture(event.pointerId) && last && !anchoredByKey) release();
    if (event.pointerType !== "mouse") hover = null;
    requestOver();
  }, { signal });
  plot.addEventListener("pointercancel", cancel, { signal }); // 2 本指で拡大を始めたときなど
  plot.addEventListener("pointerleave", () => {
    hover = null;
    requestOver();
  }, { signal });
  plot.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // ふつうのホイールはページの移動に譲る
    event.preventDefault();
    picture.zoom({ center: picture.point(event).t * at.seconds, scale: event.deltaY > 0 ? 1.25 : 0.8 });
  }, { signal, passive: false });

  let waiting = false;
  function requestOver() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      picture.redrawOver();
    });
  }

  // キーボード
  const start = () => {
    const { from, to } = picture.window;
    return { t: (from + to) / 2 / at.seconds, k: at.top / 4 };
  };
  const visible = () => at.t(plot.clientWidth) - at.t(0);

  function step(event) {
    const far = event.shiftKey ? 8 : 1;
    const dt = far * Math.max(1, Math.round(visible() * EVERY.t));
    const dk = far * Math.max(1, Math.round(at.top * EVERY.k));
    const [t, k] = { ArrowLeft: [-dt, 0], ArrowRight: [dt, 0], ArrowUp: [0, dk], ArrowDown: [0, -dk] }[event.key];
    const from = cross ?? start();
    cross = limit({ t: Math.round(from.t) + t, k: Math.min(at.top, Math.round(from.k) + k) });
    picture.reveal(cross.t * at.seconds);
    if (last) move(cross);
    hover = null;
  }

  function enter() {
    cross ??= limit(start());
    if (!getTool().painting) onSeek(cross.t * at.seconds);
    else if (DRAGGED.has(getTool().brush)) {
      if (anchoredByKey) {
        anchoredByKey = false;
        move(cross);
        release();
      } else {
        press(cross);
        anchoredByKey = true;
        announce("1 つめの角を決めました。もう一方の角で、もう一度押してください。");
      }
    } else if (!last) press(cross);
  }

  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow")) step(event);
    else if (event.key === "Enter" || event.key === " ") { if (!event.repeat) enter(); }
    else if (event.key === "Escape" && last) cancel();
    else return;
    event.preventDefault();
    event.stopPropagation(); // 外枠の「スペースで再生」などを動かさない
    requestOver();
    if (event.key !== "Escape" && !anchoredByKey) announceCross();
  }, { signal });
  plot.addEventListener("keyup", (event) => {
    if ((event.key === "Enter" || event.key === " ") && last && !anchoredByKey) {
      release();
      announceCross();
    }
  }, { signal });
  plot.addEventListener("focus", () => {
    if (!plot.matches(":focus-visible")) return;
    cross ??= limit(start());
    requestOver();
  }, { signal });
  plot.addEventListener("blur", () => {
    if (anchoredByKey) cancel();
    else if (last) release();
    cross = null;
    requestOver();
  }, { signal });

  let timer = 0;
  /** 十字の場所を読み上げる。動かし続けている間は黙っている。 */
  function announceCross() {
    clearTimeout(timer);
    timer = setTimeout(() => { if (cross) announce(null, cross); }, 250);
  }

  return {
    drawOver: (context, place) => drawCursor(context, place, {
      tool: getTool(), spot: hover ?? cross, cross, settle: (point) => settle(limit(point)),
      box: anchor && last ? corners(anchor, last) : null,
    }),
    cancel,
    get busy() { return last !== null; },
    get cross() { return cross; },
    reset() {
      cancel();
      cross = null;
      hover = null;
    },
    keys: [
      { keys: [], show: "絵の上で ↑↓←→", label: "十字を動かす（Shift と一緒なら大きく）" },
      { keys: [], show: "絵の上で Enter", label: "十字の所を塗る。押したまま動かすと続けて塗る" },
    ],
  };
}
