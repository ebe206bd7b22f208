// 調波打楽器音分離を、窓とマスクを変えながら見て聴く部品。操作の状態はモデル（Python の traits）にある。

import { amplitudeToDb, maximum } from "../dsp/spectrogram.js";
import { h, onFrame } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { stopwatch, tryThis } from "../ui/parts.js";
import { PART_NAMES } from "./colors.js";
import { maskControls, pictureControls, windowControls } from "./controls.js";
import { createListen } from "./listen.js";
import { partPainter, sharePainter } from "./painters.js";
import { createPicture } from "./picture.js";
import { createScore } from "./score.js";
import { createWhy } from "./why.js";
import { createWork } from "./work.js";

const HEIGHT = 180;
const SETTINGS = ["n_fft", "kernel_time", "kernel_freq", "power", "binary", "margin_harmonic", "margin_percussive"];
const PAIR = ["harmonic", "percussive"];
const TITLES = {
  median: { harmonic: ["横の中央値 H", "縦線が消える"], percussive: ["縦の中央値 P", "横線が消える"] },
  mask: { harmonic: ["調波のマスク", "明るいほど通す"], percussive: ["打楽器のマスク", "明るいほど通す"] },
  component: { harmonic: ["調波の成分", "マスク × 混合音"], percussive: ["打楽器の成分", "マスク × 混合音"] },
};

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderHpss({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "hpss" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const [first, ...rest] = readTracks(model).map(({ label, channels }) => ({ label, wave: mixdown(channels) }));
  const watch = stopwatch();

  let own = false;
  let work = createWork(first.wave, rest);
  let point = { t: 0, k: 0 };
  let hovered = null; // マウスの下の点。選んだ点の代わりに見せる
  let shown = {}; // 下の 2 枚の絵の値
  let busy = false;

  const kernels = () => [get("kernel_time"), get("kernel_freq")];
  const settings = () => ({
    nFft: get("n_fft"), hop: get("n_fft") / get("hops_per_window"), kernels: kernels(),
    power: get("binary") ? Infinity : get("power"), margins: [get("margin_harmonic"), get("margin_percussive")],
  });
  work.update(settings());

  const options = {
    height: HEIGHT, signal: frame.signal, onPoint: choosePoint, onSeek: (seconds) => listen.engine.seek(seconds),
    onMovePoint: (dt, dk) => choosePoint({ t: point.t + dt, k: point.k + dk }),
    onHover(at) {
      hovered = at && { t: at.t, k: at.k };
      showPointSoon();
    },
  };
  const where = ({ t, k }) => `${((t * work.S.hop) / sr).toFixed(2)} 秒　${formatHz((k * sr) / work.S.nFft)}　`;
  const mixture = createPicture({
    ...options, createPainter: undefined, windows: true, focusable: true, label: "混合音。矢印キーで点を動かす",
    describe: (at) => where(at) + formatDb(work.db[at.t * work.S.bins + at.k]),
  });
  mixture.setTitle("混合音", "帯は、2 つの中央値の窓");
  const shares = createPicture({
    ...options, createPainter: sharePainter(() => work.masks), label: "割り当て。色がマスク、明るさが混合音の大きさ",
    describe: (at) => where(at) + work.parts.map((part) => `${PART_NAMES[part]} ${work.masks[part][at.t * work.S.bins + at.k].toFixed(2)}`).join("　"),
  });
  shares.setTitle("割り当て", "色がマスク、明るさが音の大きさ");
  const pair = Object.fromEntries(PAIR.map((part) => [part, createPicture({
    ...options, createPainter: partPainter(part), label: `${PART_NAMES[part]}の絵`,
    describe(at) {
      const value = shown[part][at.t * work.S.bins + at.k];
      return where(at) + (get("picture") === "mask" ? value.toFixed(2) : formatDb(value));
    },
  })]));
  const pictures = [mixture, shares, ...Object.values(pair)];
  const listen = createListen({
    model, frame, work, onOwnSound: useSound,
    onPosition: (seconds) => { for (const picture of pictures) picture.setPosition(seconds); },
  });
  const why = createWhy({ signal: frame.signal });
  const score = createScore(rest.map(({ label }) => label));
  const windows = windowControls({ frame, model });
  const masks = maskControls({ frame, model });
  const view = pictureControls({ frame, model });

  /** 下の 2 枚の絵の値。前の配列に書く。 */
  function pairValues() {
    const medians = { harmonic: work.horizontal, percussive: work.vertical };
    const kind = get("picture");
    for (const part of PAIR) {
      if (kind === "mask") shown[part] = work.masks[part];
      else {
        const old = shown[part] === work.masks[part] ? null : shown[part];
        const amplitude = kind === "median" ? medians[part] : work.masks[part].map((m, i) => m * work.magnitude[i]);
        shown[part] = amplitudeToDb(amplitude, { ref: work.peak, topDb: null }, old);
      }
    }
  }
  /** 絵の形か、描くものが変わった。 */
  function drawAll() {
    shown = {};
    pairValues();
    const shape = { frames: work.S.frames, bins: work.S.bins, hop: work.S.hop, sr, duration: work.waves.mixture.length / sr };
    const range = get("picture") === "mask" ? { low: 0, high: 1 } : {};
    mixture.setData({ ...shape, values: work.db }, view.maxHz());
    shares.setData({ ...shape, values: work.db }, view.maxHz());
    for (const part of PAIR) {
      pair[part].setTitle(...TITLES[get("picture")][part]);
      pair[part].setData({ ...shape, ...range, values: shown[part] }, view.maxHz());
    }
  }
  /** マスクが変わった。 */
  function redraw() {
    pairValues();
    shares.redraw();
    for (const part of PAIR) pair[part].redraw();
  }

  /** いまの設定で、絵・音・数を作りなおす。 */
  function update() {
    const before = work.S;
    work.update(settings());
    const computed = performance.now();
    if (work.S === before) redraw();
    else {
      place();
      drawAll();
    }
    const drawn = performance.now();
    listen.replace();
    score.show(work, own);
    refresh();
    showPoint();
    busy = false;
    watch.end({ draw: drawn - computed, rest: performance.now() - drawn });
  }
  const updateOnFrame = onFrame(update);
  function updateSoon() {
    busy = true;
    watch.begin();
    updateOnFrame();
  }

  function choosePoint({ t, k }) {
    const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
    const highest = Math.floor((view.maxHz() * work.S.nFft) / sr) + 1;
    point = { t: clamp(t, work.S.frames), k: clamp(k, Math.min(work.S.bins, highest)) }; // 描く前に次のキーが来ても、続きから動かす
    hovered = null;
    frame.save({ point: [(point.k * sr) / work.S.nFft, (point.t * work.S.hop) / sr] });
  }
  /** 選んだ周波数と時刻を、いまの STFT の番号にする。まだ選ばれていなければ、いちばん大きい点。 */
  function place() {
    const [freq, time] = get("point");
    hovered = null;
    point = freq === undefined ? loudest() : {
      k: Math.max(0, Math.min(work.S.bins - 1, Math.round((freq * work.S.nFft) / sr))),
      t: Math.max(0, Math.min(work.S.frames - 1, Math.round((time * sr) / work.S.hop))),
    };
  }
  function showPoint() {
    const at = hovered ?? point;
    for (const picture of pictures) picture.setPoint(at, kernels());
    why.show(at, work, { kernels: kernels(), sr, speak: hovered === null });
  }
  const showPointSoon = onFrame(showPoint);
  /** いちばん大きい点。 */
  function loudest() {
    const at = work.db.indexOf(maximum(work.db));
    return { t: Math.floor(at / work.S.bins), k: at % work.S.bins };
  }

  function refresh() {
    windows.refresh();
    masks.refresh(work.hasRest);
    view.refresh(work.hasRest);
  }

  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    own = wave !== null;
    work = createWork(wave ?? first.wave, own ? [] : rest);
    work.update(settings());
    drawAll();
    listen.setWork(work, own);
    score.show(work, own);
    refresh();
    choosePoint(loudest());
  }

  for (const name of SETTINGS) frame.onTrait(name, updateSoon);
  for (const name of ["picture", "max_khz"]) {
    frame.onTrait(name, () => {
      drawAll();
      refresh();
      showPoint();
    });
  }
  frame.onTrait("point", () => {
    place();
    showPointSoon();
  });

  frame.body.append(
    tryThis("「調波」と「打楽器」を聴き比べましょう。次に、STFT の窓の長さを 512 と 4096 に変え、太鼓と音程のある音がどちらに入るかを確かめます。"),
    listen.el, h("div", { class: "sst-columns" }, windows.el, masks.el), score.el,
    h("div", { class: "sst-hpss-pictures" }, h("div", { class: "sst-hpss-pair" }, mixture.el, shares.el), view.el,
      h("div", { class: "sst-hpss-pair" }, pair.harmonic.el, pair.percussive.el)),
    why.el,
  );
  frame.keys([...listen.keys, { keys: [], show: "矢印", label: "（混合音の絵の上で）点を動かす。Shift と一緒なら 10 ずつ" }]);
  place();
  refresh();
  drawAll();
  listen.apply();
  score.show(work, own);
  showPoint();

  frame.ready({
    timing: watch.list,
    state: () => ({ ...listen.state(), ...settings(), own, busy, point, hovered, parts: work.parts, scores: own ? [] : work.scores(), before: own ? [] : work.before }),
    render: (how) => listen.engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => work.waves[name].slice(),
    mask: (part) => work.masks[part].slice(),
    median: (direction) => work[direction].slice(),
    shown: (part) => shown[part].slice(),
  });
  return frame.dispose;
}
