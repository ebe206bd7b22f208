// マスクを塗り、しきい値や正解から作り、通した音と残りの音を聴く部品。
// 操作の状態はモデル（Python の traits）に、マスクは MaskSheet にある。マスクが変わると、
// 絵 → 音 → 良さの順に作りなおし、落ち着いたところで Python へ送る。

import { binarize, invert } from "./dsp/masks.js";
import { createHand } from "./masking/hand.js";
import { createListen } from "./masking/listen.js";
import { createPanels, oracleLabel } from "./masking/panels.js";
import { createPicture } from "./masking/picture.js";
import { passedShare } from "./masking/recipes.js";
import { createScore } from "./masking/score.js";
import { MaskSheet, packMask, sameBytes, unpackMask } from "./masking/sheet.js";
import { createViewBar } from "./masking/viewbar.js";
import { createWork } from "./masking/work.js";
import { h, onFrame } from "./ui/dom.js";
import { createFrame } from "./ui/frame.js";
import { mixdown, readTracks } from "./ui/tracks.js";

const PAUSE = 100; // 筆が止まってから音を作りなおすまで [ミリ秒]
const SEND = 300; // マスクが落ち着いてから Python へ送るまで [ミリ秒]
const KNOBS = ["threshold_db", "exponent", "snr_db"]; // 続けて動かすつまみ
const NO_SOURCES = "理想マスクを作るには、混ぜる前の音源（正解）が要ります。この部品には正解がありません。";
const OWN_SOUND = "理想マスクを作るには、混ぜる前の音源（正解）が要ります。自分の音には正解がないので、使えません。";

/** 新しいものから 500 個だけ残す。 */
function keep(list, value) {
  list.push(value);
  if (list.length > 500) list.shift();
}

function render({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "masking" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const options = { nFft: get("n_fft"), hop: get("hop_length"), window: get("window") };
  const [first, ...rest] = readTracks(model).map(({ name, label, channels }) => ({ name, label, wave: mixdown(channels) }));
  // かかった時間 [ミリ秒]。つまみ（動かしてから絵と音ができるまで）、筆（1 回の描画と 1 回の動き）、音の内訳
  const timing = { moves: [], strokes: { frames: [], scripts: [] }, parts: [] };

  let sources = rest;
  let own = false; // 読者の音を使っているか
  let work = createWork(first.wave, sources, options);
  let sheet = new MaskSheet(work.S.frames, work.S.bins);
  let best = { key: "", value: NaN };
  unpackMask(get("mask_data"), sheet.mask);
  // 最後に Python へ送ったか、受けとったマスク。前の画面で読者の音に替えてあったら、送りなおす
  let sent = get("n_frames") === sheet.frames ? packMask(sheet.mask) : null;

  const picture = createPicture({ height: 300, signal: frame.signal, describe, drawOver: (context, at) => hand.drawOver(context, at) });
  const hand = createHand({
    picture, signal: frame.signal, record: (ms) => keep(timing.strokes.scripts, ms), getSheet: () => sheet, getDb: () => work.db,
    getTool: () => ({ painting: get("tool") === "paint", brush: get("brush"), size: get("size"), value: get("value"), snap: get("snap") }),
    onPaint: painted, onStroke: () => { soundSoon(0); refresh(); }, onSeek: (seconds) => listen.engine.seek(seconds),
    announce: (text, cross) => spoken(text ?? describe(cross)),
  });
  const listen = createListen({ model, frame, work, picture, isBusy: () => hand.busy, onOwnSound: useSound, onBack: () => useSound(null) });
  const panels = createPanels({ model, frame, sources, actions: { make: () => makeMask(), invert: () => rewrite((m) => m.set(invert(m))), binarize: (edge) => rewrite((m) => m.set(binarize(m, edge))), fill: (v) => rewrite((m) => m.fill(v)), undo: () => travel("undo"), redo: () => travel("redo") } });
  const score = createScore({ onCompare: showScore });
  const viewBar = createViewBar({ picture, model, frame });
  const live = h("p", { class: "sst-hidden", role: "status", "aria-live": "polite" });
  const spoken = (text) => { live.textContent = text; };

  /** 点 (t, k) の時刻・周波数・大きさ・マスクの値。 */
  function describe({ t, k }) {
    const frameIndex = Math.max(0, Math.min(sheet.frames - 1, Math.round(t)));
    const bin = Math.max(0, Math.min(sheet.bins - 1, Math.round(k)));
    const i = frameIndex * sheet.bins + bin;
    const hz = Math.round((bin * sr) / options.nFft);
    return `${((frameIndex * options.hop) / sr).toFixed(2)} 秒　${hz} Hz　${work.db[i].toFixed(0).replace("-", "−")} dB　マスク ${Number(sheet.mask[i].toFixed(2))}`;
  }

  // 絵：塗った範囲をためておき、次の描画でまとめて描く
  let dirty = null;
  const paintSoon = onFrame(() => {
    if (!dirty) return;
    const start = performance.now();
    picture.redraw(...dirty);
    dirty = null;
    keep(timing.strokes.frames, performance.now() - start);
  });
  function painted(from, to) {
    dirty = dirty ? [Math.min(dirty[0], from), Math.max(dirty[1], to)] : [from, to];
    paintSoon();
    soundSoon(PAUSE);
  }

  // 音：筆が止まったら作りなおす
  let soundTimer = 0;
  function soundSoon(delay) {
    clearTimeout(soundTimer);
    soundTimer = setTimeout(makeSound, delay);
  }
  function makeSound() {
    clearTimeout(soundTimer);
    soundTimer = 0;
    const start = performance.now();
    work.render(sheet.mask);
    const made = performance.now();
    listen.replace(work);
    const swapped = performance.now();
    showScore();
    keep(timing.parts, { istft: made - start, swap: swapped - made, score: performance.now() - swapped });
    sendSoon();
  }

  let sendTimer = 0;
  function sendSoon() {
    clearTimeout(sendTimer);
    sendTimer = setTimeout(() => {
      if (hand.busy) sendSoon();
      else send();
    }, SEND);
  }
  function send() {
    clearTimeout(sendTimer);
    const bytes = packMask(sheet.mask);
    if (sameBytes(bytes, sent)) return;
    sent = bytes;
    frame.save({ n_frames: sheet.frames, mask_data: bytes });
  }

  /** 正解とくらべた良さ。自分の音や正解のない部品では、通した割合だけ。 */
  function showScore() {
    const passed = passedShare(sheet.mask);
    const index = sources.findIndex(({ name }) => name === get("source"));
    if (index < 0) {
      score.show({ value: null, passed });
      return;
    }
    const before = work.before[index];
    score.show({
      label: sources[index].label, value: work.sdr(index), before, passed,
      best: score.comparing ? bestScore(index) : NaN, bestLabel: oracleLabel(get("kind"), get("exponent")),
    });
  }
  function bestScore(index) {
    const recipe = { target: index, kind: get("kind"), exponent: get("exponent"), snrDb: get("snr_db") };
    const key = JSON.stringify(recipe);
    if (best.key !== key) best = { key, value: work.best(work.recipes.oracle(new Float32Array(sheet.mask.length), recipe), index) };
    return best.value;
  }

  /** マスク全体を書きかえ、絵と音をその場で作りなおす。 */
  function rewrite(write, name = null) {
    if (hand.busy) hand.cancel();
    sheet.rewrite(write, name);
    changed();
  }
  function changed() {
    picture.redraw();
    makeSound();
    refresh();
  }
  function travel(direction) {
    if (hand.busy) hand.cancel();
    if (!sheet[direction]()) return;
    changed();
    spoken(direction === "undo" ? "元に戻しました。" : "やり直しました。");
  }

  /** いまの設定（しきい値か理想マスク）でマスクを作る。 */
  function makeMask(knob = null) {
    if (get("tool") === "threshold") {
      rewrite((m) => work.recipes.threshold(m, { db: get("threshold_db"), above: get("above") }), knob);
    } else if (get("tool") === "oracle" && sources.length) {
      const target = sources.findIndex(({ name }) => name === get("source"));
      rewrite((m) => work.recipes.oracle(m, { target, kind: get("kind"), exponent: get("exponent"), snrDb: get("snr_db") }), knob);
    } else return;
  }
  let asked = null; // { time: 動かした時刻, knob: 動かしたつまみ }
  const makeOnFrame = onFrame(() => {
    makeMask(asked.knob);
    keep(timing.moves, performance.now() - asked.time);
    asked = null;
  });
  function makeSoon(name) {
    asked ??= { time: performance.now(), knob: null };
    if (KNOBS.includes(name)) asked.knob = name;
    makeOnFrame();
  }

  function refresh() {
    panels.refresh({ canUndo: sheet.canUndo, canRedo: sheet.canRedo, oracleReason: sources.length ? "" : own && rest.length ? OWN_SOUND : NO_SOURCES });
    listen.refresh(own);
    const painting = get("tool") === "paint";
    picture.plot.toggleAttribute("data-painting", painting);
    picture.redrawOver();
  }

  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    hand.reset();
    own = wave !== null;
    sources = own ? [] : rest;
    work = createWork(wave ?? first.wave, sources, options);
    sheet = new MaskSheet(work.S.frames, work.S.bins);
    best = { key: "", value: NaN };
    showData();
    listen.setWork(work);
    makeSound();
    refresh();
  }
  function showData() {
    picture.setData({ values: work.db, mask: sheet.mask, frames: sheet.frames, bins: sheet.bins, hop: options.hop, sr, duration: work.mixture.length / sr });
  }

  // 画面
  picture.plot.setAttribute("role", "application");
  picture.plot.setAttribute("aria-roledescription", "塗れるスペクトログラム");
  picture.plot.setAttribute("aria-label", "マスクを塗るスペクトログラム。矢印キーで十字を動かし、Enter で塗ります。");
  picture.plot.tabIndex = 0;
  frame.body.append(listen.el, viewBar.el, picture.el, panels.el, score.el, live);
  frame.keys([...listen.keys, ...hand.keys, ...viewBar.keys]);
  frame.root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(event.key.toLowerCase())) return;
    event.preventDefault();
    event.stopPropagation();
    travel(event.key.toLowerCase() === "y" || event.shiftKey ? "redo" : "undo");
  }, { signal: frame.signal });

  const ONLY_LOOK = ["tool", "brush", "size", "value", "snap"];
  const THRESHOLD = ["threshold_db", "above"];
  const ORACLE = ["source", "kind", "exponent", "snr_db"];
  for (const name of ONLY_LOOK) frame.onTrait(name, refresh);
  frame.onTrait("tool", (tool) => { if (tool === "oracle") setTimeout(() => work.recipes.prepare()); }); // 最初の 1 回を待たせない
  for (const name of THRESHOLD) frame.onTrait(name, () => { refresh(); if (get("tool") === "threshold") makeSoon(name); });
  for (const name of ORACLE) frame.onTrait(name, () => { refresh(); if (get("tool") === "oracle") makeSoon(name); else showScore(); });
  frame.onTrait("mask_data", (bytes) => {
    if (sameBytes(bytes, sent)) return; // 自分が送ったものの返り
    const next = new Float32Array(sheet.mask.length);
    if (!unpackMask(bytes, next)) return;
    sent = bytes;
    rewrite((m) => m.set(next));
  });
  frame.signal.addEventListener("abort", () => {
    clearTimeout(soundTimer);
    clearTimeout(sendTimer);
  });

  showData();
  makeSound();
  refresh();
  frame.ready({
    state: () => ({ ...listen.state(), tool: get("tool"), frames: sheet.frames, bins: sheet.bins, canUndo: sheet.canUndo, canRedo: sheet.canRedo, view: picture.window, own, busy: hand.busy || soundTimer !== 0 || asked !== null }),
    render: (given) => listen.engine.render(typeof given === "number" ? { seconds: given } : given),
    sound: (name) => ({ mixture: work.mixture, masked: work.masked, rest: work.rest })[name].slice(),
    mask: () => sheet.mask.slice(),
    send, timing, picture,
  });
  return frame.dispose;
}

export default { render };
