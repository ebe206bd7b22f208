// NMF を 1 回ずつ進めながら、成分を見て聴く部品。操作の状態はモデル（Python の traits）にある。

import { createPicture } from "../hpss/picture.js";
import { insidePoint, pointToTrait, traitToPoint } from "../ui/chosen_point.js";
import { h, onFrame } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { stopwatch, tryThis } from "../ui/parts.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { MAX_ITER, iterationControls, pictureControls, settingControls } from "./controls.js";
import { createFactors } from "./factors.js";
import { createListen } from "./listen.js";
import { createLosses } from "./losses.js";
import { factorPainter } from "./painter.js";
import { createSorting } from "./sorting.js";
import { createWhy } from "./why.js";
import { createWork } from "./work.js";

const HEIGHT = 230;
const SLICE = 24; // 1 コマの計算にかける時間 [ミリ秒]。超えたら次のコマで続ける
const DRAW_EVERY = 150; // 離れた回まで進める途中で、絵を描きなおす間隔 [ミリ秒]
const SOUND_EVERY = 250; // 計算の途中で、音を作りなおす間隔 [ミリ秒]
const SLOW_UNTIL = 20; // 走らせるとき、この回までは 1 回ずつ見せる
const STRIDE = 4; // その後、1 コマで進む回数

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderNmf({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "nmf" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const frames = { nFft: get("stft").n_fft, hop: get("stft").hop_length };
  const [first, ...sources] = readTracks(model).map(({ label, channels }) => ({ label, wave: mixdown(channels) }));
  const watch = stopwatch();

  let own = false;
  let work = createWork(first.wave, frames);
  let fit = null;
  let shown = null; // 画面に出ている回数
  let point = { t: 0, k: 0 };
  let hovered = null; // マウスの下の点。選んだ点の代わりに見せる
  let layer = null; // 真ん中の絵の値と、点ごとの成分
  let running = false;
  let busy = true;
  let drawnAt = 0; // 絵を描いた時刻
  let soundAt = 0; // 音を作った時刻
  let scores = [];

  const picture = createPicture({
    height: HEIGHT, signal: frame.signal, focusable: true, label: "時間周波数の絵。矢印キーで点を動かす",
    createPainter: factorPainter(() => (get("picture") === "target" ? null : layer.owners)),
    onPoint: choosePoint, onSeek: (seconds) => listen.engine.seek(seconds),
    onMovePoint: (dt, dk) => choosePoint({ t: point.t + dt, k: point.k + dk }),
    onHover(at) {
      hovered = at && { t: at.t, k: at.k };
      showPointSoon();
    },
    describe: ({ t, k }) => `${((t * work.S.hop) / sr).toFixed(2)} 秒　${formatHz((k * sr) / work.S.nFft)}　${formatDb(layer.values[t * work.S.bins + k])}`,
  });
  const factors = createFactors({ spectrogram: picture.el.querySelector(".sst-spectrogram"), signal: frame.signal, onToggle: (k, alone) => listen.flip(k, alone) });
  const listen = createListen({
    model, frame, mixture: first.wave, onOwnSound: useSound,
    onPosition(seconds) {
      picture.setPosition(seconds);
      factors.setPosition((seconds * sr) / work.mixture.length);
    },
  });
  const losses = createLosses({ signal: frame.signal });
  const iteration = iterationControls({ frame, model, chart: losses.el, onRun: run });
  const settings = settingControls({ frame, model });
  const view = pictureControls({ frame, model });
  const why = createWhy();
  const sorting = createSorting({ frame, model, sources, mixture: first.wave, onHear: listen.choose });
  const progress = h("p", { class: "sst-nmf-progress", "aria-hidden": "true" });
  picture.el.querySelector(".sst-spectrogram").append(progress);

  // ---- 計算を進める

  /** 設定に合う計算を選び、見せる回数まで進める。 */
  function chooseFit() {
    fit = work.choose({ n: get("n_components"), loss: get("loss"), seed: get("seed") }, get("n_iter"));
    shown = null;
    picture.el.dataset.stale = "";
    chase();
  }
  function chase() {
    busy = true;
    watch.begin();
    refresh();
    advance();
  }
  const advance = onFrame(() => {
    if (frame.signal.aborted) return;
    const wanted = get("n_iter");
    const needed = fit.order ? wanted : Math.max(wanted, fit.orderAt);
    const deadline = performance.now() + SLICE;
    while (fit.iteration < needed && performance.now() < deadline) fit.advance();
    const arrived = fit.iteration >= needed;
    const due = arrived || performance.now() - drawnAt > DRAW_EVERY;
    if (fit.ready && due) show(Math.min(fit.iteration, wanted), arrived && !running);
    progress.textContent = arrived ? "" : `計算しています：${fit.iteration} / ${needed} 回`;
    if (!arrived) advance();
    else if (running) step();
    else settle();
  });
  /** 走らせる。はじめは 1 回ずつ、変化が小さくなったら何回かまとめて見せる。 */
  function step() {
    const n = get("n_iter");
    if (n === MAX_ITER) run(false);
    else frame.save({ n_iter: Math.min(MAX_ITER, n + (n < SLOW_UNTIL ? 1 : STRIDE)) });
  }
  function settle() {
    busy = false;
    watch.end({});
  }
  function run(on) {
    running = on;
    if (on && get("n_iter") === MAX_ITER) frame.save({ n_iter: 0 }); // 終わりからなら、初めから
    else chase();
  }

  // ---- 見せる、聴かせる

  /** n 回目を見せる。settled: 計算が済んだか（途中なら、音と損失は少し遅れてよい）。 */
  function show(n, settled) {
    drawnAt = performance.now();
    if (n !== shown) {
      shown = n;
      delete picture.el.dataset.stale;
      work.show(n);
      drawFactors();
      drawPicture();
      showPoint();
    }
    losses.draw(fit.losses(settled), n);
    if (settled || (fit.order && performance.now() - soundAt > SOUND_EVERY)) makeSound();
  }
  function makeSound() {
    soundAt = performance.now();
    if (listen.isAll()) listen.apply(); // 混合音は変わらない
    else listen.replace(work.wave(listen.heard()));
    scores = sorting.show(work, own);
  }
  function drawFactors() {
    const { bins, hop } = work.S;
    const toBin = (u) => ((u * view.maxHz()) / (sr / 2)) * (bins - 1);
    factors.draw(work.factors, { bins, n: fit.n, power: work.isPower, toBin, span: work.mixture.length / hop });
    factors.setHeard(listen.heard());
  }
  /** 点の値を、前と同じ配列に書きなおす。 */
  function drawPicture() {
    const size = work.db.length;
    const kind = get("picture");
    const fresh = layer?.owners.length !== size || layer.kind !== kind;
    if (fresh) layer = { kind, values: kind === "target" ? work.db : new Float32Array(size), owners: new Uint8Array(size) };
    const top = Math.ceil((view.maxHz() * work.S.nFft) / sr) + 1; // 絵に出る周波数だけを書く
    if (kind !== "target") work.layer(kind === "heard" ? listen.heard() : [...Array(fit.n).keys()], kind, top, layer);
    if (fresh) layOut();
    else if (kind !== "target") picture.redraw();
  }
  function layOut() {
    const { frames: count, bins, hop } = work.S;
    picture.setData({ frames: count, bins, hop, sr, duration: work.mixture.length / sr, values: layer.values }, view.maxHz());
  }
  function hearOthers() {
    factors.setHeard(listen.heard());
    if (shown === null) return;
    if (get("picture") === "heard") drawPicture();
    makeSound();
  }

  // ---- 選んだ点

  function choosePoint(wanted) {
    const highest = Math.floor((view.maxHz() * work.S.nFft) / sr) + 1;
    point = insidePoint(wanted, work.S, highest); // 描く前に次のキーが来ても、続きから動かす
    hovered = null;
    frame.save({ point: pointToTrait(point, work.S, sr) });
  }
  function place() {
    hovered = null;
    point = traitToPoint(get("point"), work.S, sr, work.db);
  }
  function showPoint() {
    if (shown === null) return;
    const at = hovered ?? point;
    picture.setPoint(at, [1, 1]);
    factors.setPoint((at.t * work.S.hop) / work.mixture.length, (at.k * sr) / work.S.nFft / view.maxHz());
    why.show(at, work, { sr, speak: hovered === null && !busy });
  }
  const showPointSoon = onFrame(showPoint);

  function refresh() {
    iteration.refresh(running);
    settings.refresh();
    view.refresh();
  }
  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    own = wave !== null;
    work = createWork(wave ?? first.wave, frames);
    layer = null;
    listen.setMixture(work.mixture, own);
    frame.save({ point: [] });
    place();
    chooseFit();
  }

  for (const name of ["n_components", "loss", "seed"]) frame.onTrait(name, chooseFit);
  frame.onTrait("n_iter", chase);
  frame.onTrait("audible", hearOthers);
  frame.onTrait("groups", () => { if (shown !== null) scores = sorting.show(work, own); });
  frame.onTrait("picture", () => {
    view.refresh();
    if (shown !== null) drawPicture();
  });
  frame.onTrait("max_khz", () => {
    view.refresh();
    if (shown === null) return;
    drawPicture();
    layOut();
    drawFactors();
    showPoint();
  });
  frame.onTrait("point", () => {
    place();
    showPointSoon();
  });

  frame.body.append(
    tryThis("「初めに戻す」と「走らせる」を押し、乱数の形が音の部品になっていく様子を見ましょう。次に、成分を 1 つずつ消して聴きます。"),
    listen.el, h("div", { class: "sst-nmf-picture" }, picture.el, view.el),
    h("div", { class: "sst-columns" }, iteration.el, settings.el), sorting.el, why.el,
  );
  frame.keys([
    ...listen.keys,
    { keys: ["."], show: ".", label: "くり返しを 1 回進める", run: () => iteration.go(get("n_iter") + 1) },
    { keys: [","], show: ",", label: "くり返しを 1 回戻す", run: () => iteration.go(get("n_iter") - 1) },
    { keys: [], show: "矢印", label: "（絵の上で）点を動かす。Shift と一緒なら 10 ずつ" },
  ]);
  place();
  listen.apply();
  chooseFit();

  frame.ready({
    timing: watch.list,
    state: () => ({
      ...listen.state(), own, busy, running, shown, point, hovered, scores, before: sorting.before, groups: sorting.groups(),
      computed: fit.iteration, order: fit.order, losses: fit.losses(),
    }),
    render: (how) => listen.engine.render(typeof how === "number" ? { seconds: how } : how),
    /** "mixture"、"heard"、音源の名前（組の音）、成分の番号（1 から）。 */
    sound(name) {
      if (name === "mixture") return work.mixture.slice();
      if (name === "heard") return work.wave(listen.heard());
      const groups = sorting.groups();
      return work.wave(typeof name === "number" ? [name - 1] : [...groups.keys()].filter((k) => groups[k] === name));
    },
    factors: () => ({ W: work.factors.W.slice(), H: work.factors.H.slice() }),
    shown: () => layer.values.slice(),
  });
  return frame.dispose;
}
