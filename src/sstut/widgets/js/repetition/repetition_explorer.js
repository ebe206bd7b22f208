// くり返す背景と前景を、REPET・REPET-SIM・2DFT で分け、見て聴く部品。操作の状態はモデル（Python の traits）にある。

import { amplitudeToDb } from "../dsp/spectrogram.js";
import { insidePoint, pointToTrait, traitToPoint } from "../ui/chosen_point.js";
import { h, onFrame } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { stopwatch } from "../ui/parts.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { beatPanel } from "./beat.js";
import { methodChoice, pictureControls } from "./controls.js";
import { createListen } from "./listen.js";
import { createPicture } from "./picture.js";
import { createPresets } from "./presets.js";
import { createScore } from "./score.js";
import { similarPanel } from "./similar.js";
import { transformPanel } from "./transform.js";
import { createWhy } from "./why.js";
import { createWork } from "./work.js";

const HEIGHT = 200;
const SETTINGS = ["method", "period", "max_repeats", "min_distance", "min_similarity", "neighborhood", "high_pass_cutoff"];
const TITLES = {
  model: ["背景の推定", "集めたフレームの中央値"], mask: ["背景のマスク", "明るいほど背景"],
  background: ["背景", "マスク × 混合音"], foreground: ["前景", "混合音 − 背景"],
};
const NOTES = { repet: "縦線で切って重ねる", repet_sim: "縦線が、選んだ時刻に似たフレーム", ft2d: "周期的な模様が背景" };

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderRepetition({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "repetition" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const stftOptions = { nFft: get("n_fft"), hop: get("hop_length"), sr };
  const [first, ...sources] = readTracks(model).map(({ label, channels }) => ({ label, wave: mixdown(channels) }));
  const watch = stopwatch();

  let own = false;
  let work = createWork(first.wave, sources, stftOptions);
  let point = { t: 0, k: 0 };
  let shown = null; // 右の絵の値
  let busy = false;

  const settings = () => ({
    method: get("method"), period: get("period"), maxRepeats: get("max_repeats"), minDistance: get("min_distance"),
    minSimilarity: get("min_similarity"), neighborhood: get("neighborhood"), cutoff: get("high_pass_cutoff"),
  });
  work.update(settings());

  const where = ({ t, k }) => `${(t * work.seconds).toFixed(2)} 秒　${formatHz((k * sr) / work.S.nFft)}　`;
  const pictureOptions = {
    height: HEIGHT, signal: frame.signal, onMovePoint: (dt, dk) => choosePoint({ t: point.t + dt, k: point.k + dk }),
    onPoint(at) {
      choosePoint(at);
      listen.engine.seek(at.time);
    },
  };
  const mixture = createPicture({
    ...pictureOptions, focusable: true, label: "混合音。矢印キーで点を動かす", describe: (at) => where(at) + formatDb(work.db[at.t * work.S.bins + at.k]),
  });
  const result = createPicture({
    ...pictureOptions, label: "分けた結果の絵",
    describe(at) {
      const value = shown[at.t * work.S.bins + at.k];
      return where(at) + (get("picture") === "mask" ? value.toFixed(2) : formatDb(value));
    },
  });
  const listen = createListen({
    model, frame, work, onOwnSound: useSound, onPosition: (seconds) => [mixture, result].forEach((picture) => picture.setPosition(seconds)),
  });
  const score = createScore(sources.map(({ label }) => label));
  const method = methodChoice({ frame, model });
  const panels = {
    repet: beatPanel({ frame, model }), repet_sim: similarPanel({ frame, model, onFrame: (t) => choosePoint({ t, k: point.k }) }),
    ft2d: transformPanel({ frame, model }),
  };
  const view = pictureControls({ frame, model });
  const why = createWhy({ signal: frame.signal });

  /** 右の絵の値。 */
  function resultValues() {
    const kind = get("picture");
    if (kind === "mask") return work.mask;
    if (kind === "model") return amplitudeToDb(work.model, { ref: work.peak, topDb: null });
    const share = kind === "background" ? (m) => m : (m) => 1 - m;
    return amplitudeToDb(work.magnitude.map((v, i) => share(work.mask[i]) * v), { ref: work.peak, topDb: null });
  }
  const shape = () => ({ frames: work.S.frames, bins: work.S.bins, hop: work.S.hop, sr, duration: work.waves.mixture.length / sr });
  function drawMixture() {
    mixture.setData({ ...shape(), values: work.db }, view.maxHz());
  }
  function drawResult() {
    shown = resultValues();
    const range = get("picture") === "mask" ? { low: 0, high: 1 } : {};
    const [title, words] = TITLES[get("picture")];
    result.setTitle(title, get("picture") === "model" && get("method") === "ft2d" ? "峰だけを戻した大きさ" : words);
    result.setData({ ...shape(), ...range, values: shown }, view.maxHz());
  }
  function refresh() {
    for (const [name, panel] of Object.entries(panels)) panel.el.hidden = name !== get("method");
    panels[get("method")].refresh(work);
    mixture.setTitle("混合音", NOTES[get("method")]);
    method.refresh();
    view.refresh();
  }

  /** いまの設定で、絵・音・数を作りなおす。 */
  function update() {
    work.update(settings());
    const computed = performance.now();
    drawResult();
    refresh();
    showPoint();
    const drawn = performance.now();
    listen.replace();
    score.show(work, own);
    busy = false;
    watch.end({ draw: drawn - computed, rest: performance.now() - drawn });
  }
  const updateOnFrame = onFrame(update);
  function updateSoon() {
    busy = true;
    watch.begin();
    updateOnFrame();
  }

  function choosePoint(at) {
    point = insidePoint(at, work.S, Math.floor((view.maxHz() * work.S.nFft) / sr) + 1); // 描く前に次のキーが来ても、続きから動かす
    frame.save({ point: pointToTrait(point, work.S, sr) });
  }
  /** 選んだ周波数と時刻を、番号にする。まだ選ばれていなければ、低い音を除いて、いちばん大きい点。 */
  function place() {
    point = get("point").length === 0 ? loudest() : traitToPoint(get("point"), work.S, sr);
  }
  function loudest() {
    let best = work.low;
    for (let i = 0; i < work.db.length; i++) if (i % work.S.bins >= work.low && work.db[i] > work.db[best]) best = i;
    return { t: Math.floor(best / work.S.bins), k: best % work.S.bins };
  }
  function showPoint() {
    for (const picture of [mixture, result]) picture.setPoint(point);
    const cuts = work.period ? Array.from({ length: Math.ceil(work.S.frames / work.period) - 1 }, (_, i) => (i + 1) * work.period) : [];
    mixture.setFrames({ cuts, frames: Array.from(work.gathered(point.t) ?? []), k: point.k });
    if (get("method") === "repet_sim") panels.repet_sim.showFrame(point.t);
    why.show(point, work, true);
  }
  const showPointSoon = onFrame(showPoint);

  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    own = wave !== null;
    work = createWork(wave ?? first.wave, own ? [] : sources, stftOptions);
    frame.save({ period: 0 }); // 周期は、音ごとに違う
    work.update(settings());
    drawMixture();
    drawResult();
    listen.setWork(work, own);
    score.show(work, own);
    point = loudest();
    refresh();
    choosePoint(point);
    showPoint();
  }

  for (const name of SETTINGS) frame.onTrait(name, updateSoon);
  frame.onTrait("picture", () => {
    drawResult();
    view.refresh();
    showPoint();
  });
  frame.onTrait("max_khz", () => {
    drawMixture();
    drawResult();
    view.refresh();
    showPoint();
  });
  frame.onTrait("point", () => {
    place();
    showPointSoon();
  });

  frame.body.append(
    createPresets({ frame, getWork: () => work }), listen.el, score.el, method.el, ...Object.values(panels).map((panel) => panel.el),
    h("div", { class: "sst-repetition-pictures" }, view.el, h("div", { class: "sst-repetition-pair" }, mixture.el, result.el)), why.el,
  );
  frame.keys([
    ...listen.keys, { keys: [], show: "矢印", label: "（周期の印、混合音の絵、類似度の行列の上で）周期や点を動かす。Shift と一緒なら 10 ずつ" },
  ]);
  place();
  drawMixture();
  drawResult();
  refresh();
  listen.apply();
  score.show(work, own);
  showPoint();

  frame.ready({
    timing: watch.list,
    state: () => ({
      ...listen.state(), ...settings(), own, busy, point, periodFrames: work.period, found: work.found(),
      gathered: Array.from(work.gathered(point.t) ?? []), scores: own ? [] : work.scores(), before: own ? [] : work.before,
    }),
    render: (how) => listen.engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => work.waves[name].slice(),
    mask: () => work.mask.slice(),
    estimate: () => work.model.slice(),
    shown: () => shown.slice(),
    peaks: () => work.peaks.reduce((sum, v) => sum + v, 0),
  });
  return frame.dispose;
}
