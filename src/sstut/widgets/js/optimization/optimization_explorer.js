// 損失の地図の上で坂を下り、その点の分離を聴く部品。操作の状態はモデル（Python の traits）にある。
// 経路は、出発点・方法・学習率・歩数だけで決まる。どれかが変われば、はじめから計算しなおす（300 歩でも一瞬）。

import { descend, minibatches, unmixingMoments } from "../dsp/optimization.js";
import { siSdr } from "../dsp/metrics.js";
import { peak } from "../dsp/pcm.js";
import { AudioEngine } from "../ui/audio.js";
import { button, h, onFrame } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { addListenChoice, factList, stopwatch, tryThis } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { METHOD_NAMES, methodControls, short, surfaceControl } from "./controls.js";
import { createCurves } from "./curves.js";
import { createMap } from "./map.js";
import { DEFAULTS, hasSound, openSurface } from "./surfaces.js";
import { explain } from "./why.js";

const MAX_STEPS = 300; // sstut.widgets.optimization.MAX_STEPS と同じ
const PACE = 110; // 走らせるときの 1 歩の時間 [ミリ秒]。音の変わる様子を聴けるように
const PEAK = 0.95; // 鳴らすときの振幅の上限
const SETTINGS = ["method", "lr", "momentum", "batch", "seed", "clip", "max_norm", "percentile", "start", "n_iter"];
const LISTENS = [["estimate", "いまの推定"], ["mixture", "マイク 1"], ["reference", "正解"]];

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderOptimization({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "optimization" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const [x1, x2, reference] = readTracks(model).map(({ channels }) => mixdown(channels));
  const moments = unmixingMoments(x1, x2, reference, get("block_length"));
  const watch = stopwatch();

  let surface = null;
  let run = null;
  let batches = null;
  let ghost = null; // 残した経路：{ run, label }
  let quieter = 0; // 音が割れないように下げた量 [dB]
  let estimate = new Float32Array(reference.length);

  const startPoint = () => (get("start").length ? get("start") : DEFAULTS[surface.kind].start);
  const end = () => [run.path.at(-2), run.path.at(-1)];
  const clip = () => ({ kind: get("clip"), maxNorm: get("max_norm"), percentile: get("percentile") });
  const stochastic = () => hasSound(surface.kind) && get("batch") > 0;

  // 音
  const engine = new AudioEngine({
    sr, loop: get("loop"), gains: gains(),
    tracks: [{ name: "estimate", channels: [estimate] }, { name: "mixture", channels: [x1] }, { name: "reference", channels: [reference] }],
  });
  function gains() {
    return Object.fromEntries(LISTENS.map(([name]) => [name, name === get("listen") ? 1 : 0]));
  }
  /** いまの点の推定。割れるほど大きければ、全体を縮める。 */
  function listenTo([a, b]) {
    if (!hasSound(surface.kind)) return;
    // 発散した点では倍率があふれるので、向きだけを残す
    const size = Math.max(1, Math.abs(a), Math.abs(b));
    const shape = x1.map((v, i) => (a / size) * v + (b / size) * x2[i]);
    const scale = Math.min(size, PEAK / (peak(shape) || 1));
    estimate = shape.map((v) => scale * v);
    quieter = 20 * Math.log10(scale / size);
    engine.replace("estimate", [estimate]);
  }

  // 画面
  const transport = createTransport({ engine, frame, model, onPosition: () => {} });
  const listenKeys = addListenChoice({ frame, model, transport, options: LISTENS, onChange: () => engine.setGains(gains()) });
  const sound = h("div", { class: "sst-opt-sound" }, transport.el);
  const note = h("p", { class: "sst-help" });
  const picks = surfaceControl({ frame, model });
  const knobs = methodControls({ frame, model });
  const map = createMap({ signal: frame.signal, onStart: (start) => frame.save({ start }) });
  const facts = factList(["歩数", "損失", "勾配の長さ", "いまの点 θ", "SI-SDR", "学習率の限界 2/λ₁"]);
  const why = h("p", { class: "sst-opt-why", role: "status" });
  const curves = createCurves({ signal: frame.signal });

  // 歩く
  let timer = 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const goTo = (n) => frame.save({ n_iter: Math.max(0, Math.min(MAX_STEPS, n)) });
  function stop() {
    clearInterval(timer);
    timer = 0;
    refreshSteps();
  }
  function toggleRun() {
    if (timer) stop();
    else if (calm.matches) goTo(MAX_STEPS);
    else {
      if (get("n_iter") >= MAX_STEPS || run.diverged) goTo(0);
      timer = setInterval(() => {
        goTo(get("n_iter") + 1);
        if (get("n_iter") >= MAX_STEPS) stop();
      }, PACE);
      refreshSteps();
    }
  }
  const steps = {
    run: button({ label: "走らせる", iconName: "play", onClick: toggleRun }),
    one: button({ label: "1 歩", onClick: () => goTo(get("n_iter") + 1) }),
    ten: button({ label: "10 歩", onClick: () => goTo(get("n_iter") + 10) }),
    reset: button({ label: "出発点に戻す", onClick: () => {
      stop();
      goTo(0);
    } }),
    keep: button({ label: "この経路を残す", title: "方法や学習率を変えたときの経路と比べます。", onClick: () => {
      ghost = ghost ? null : { run, label: `残した経路（${METHOD_NAMES[get("method")]}、η = ${short(get("lr"))}）` };
      refreshSteps();
      draw();
    } }),
  };
  const walk = h("div", { class: "sst-opt-steps", role: "group", "aria-label": "進める" }, ...Object.values(steps).map((item) => item.el));
  function refreshSteps() {
    steps.run.setLabel(timer ? "止める" : "走らせる", timer ? "pause" : "play");
    steps.keep.setLabel(ghost ? "残した経路を消す" : "この経路を残す");
  }

  function draw() {
    const now = { run, label: `いまの経路（${METHOD_NAMES[get("method")]}、η = ${short(get("lr"))}）` };
    map.setPath(run, ghost?.run);
    curves.draw(ghost ? [now, ghost] : [now], { toChart: surface.toChart, db: surface.db, clip: get("clip") !== "off" });
  }
  function score() {
    if (!hasSound(surface.kind) || peak(estimate) === 0) return "—";
    return formatDb(siSdr(reference, estimate));
  }
  function show() {
    const loss = run.losses.at(-1);
    const [a, b] = end();
    const digits = (v) => (Math.abs(v) < 1e4 ? (Math.round(100 * v) / 100 + 0).toFixed(2) : v.toExponential(1)).replace("-", "−");
    facts.show(
      String(run.norms.length), surface.db ? formatDb(loss) : short(loss), run.norms.length ? short(run.norms.at(-1)) : "—",
      `（${digits(a)}、${digits(b)}）`, score(), surface.curvatures ? short(2 / surface.curvatures[0]) : "—",
    );
    why.textContent = explain(run, { surface, lr: get("lr"), method: get("method"), stochastic: stochastic(), clip: get("clip") !== "off" });
    note.textContent = hasSound(surface.kind)
      ? `推定 = θ₁ × マイク 1 + θ₂ × マイク 2${quieter < -0.05 ? `（音が割れないように ${formatDb(quieter)} で鳴らしています）` : ""}`
      : "この損失には、音がありません。";
  }

  /** 経路を計算しなおし、絵・音・数をそろえる。 */
  function update() {
    if (frame.signal.aborted) return;
    const nIter = get("n_iter");
    batches = stochastic() ? minibatches(moments.nBlocks, Math.min(get("batch"), moments.nBlocks), nIter, get("seed")) : null;
    run = descend(surface, { start: startPoint(), method: get("method"), lr: get("lr"), nIter, momentum: get("momentum"), clip: clip(), batches });
    if (run.diverged && timer) stop();
    listenTo(end());
    draw();
    show();
    knobs.refresh();
    watch.end({});
  }
  const updateOnFrame = onFrame(update);
  function updateSoon() {
    watch.begin();
    updateOnFrame();
  }
  function openNow() {
    surface = openSurface(get("surface"), { moments, condition: get("condition") });
    map.setSurface(surface);
    picks.refresh();
    ghost = null;
    refreshSteps();
    sound.hidden = !hasSound(surface.kind);
    if (sound.hidden) engine.pause();
  }
  for (const name of SETTINGS) frame.onTrait(name, updateSoon);
  for (const name of ["surface", "condition"]) {
    frame.onTrait(name, () => {
      stop();
      openNow();
      updateSoon();
    });
  }
  frame.signal.addEventListener("abort", () => {
    clearInterval(timer);
    engine.dispose();
  });

  frame.tools.append(saveButton({ engine, name: () => LISTENS.find(([name]) => name === get("listen"))[1], say: frame.say }).el);
  frame.body.append(
    tryThis("「再生」を押してから、「走らせる」を押しましょう。点が坂を下るにつれて、伴奏が消えていきます。次に学習率を上げ、限界 2/λ₁ を超えるとどうなるかを見ましょう。"),
    sound, note, picks.el,
    h("div", { class: "sst-opt-main" }, map.el, h("div", { class: "sst-opt-side" }, walk, knobs.el)),
    why, facts.el, curves.el,
  );
  frame.keys([
    ...transport.keys, listenKeys,
    { keys: ["n"], show: "n", label: "1 歩進む", run: () => goTo(get("n_iter") + 1) },
    { keys: ["r"], show: "r", label: "走らせる・止める", run: toggleRun },
    { keys: [], show: "矢印", label: "（地図の上で）出発点を動かす。Shift と一緒なら 10 ずつ" },
  ]);
  openNow();
  update();

  frame.ready({
    timing: watch.list,
    state: () => ({
      ...transport.state(), surface: surface.kind, nSteps: run.norms.length, diverged: run.diverged, start: startPoint(), end: end(),
      running: timer !== 0, gains: { ...engine.gains }, why: why.textContent, ghost: ghost !== null, quieter,
    }),
    path: () => Array.from(run.path),
    losses: () => Array.from(run.losses),
    batches: () => batches,
    render: (how) => engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => ({ estimate, mixture: x1, reference })[name].slice(),
  });
  return frame.dispose;
}
