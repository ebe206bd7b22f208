// 振幅は正解のまま、位相だけを取りかえて聴く部品。操作の状態はモデル（Python の traits）にある。

import { angle, phaseDeviation } from "../dsp/phase.js";
import { maximum } from "../dsp/spectrogram.js";
import { h, onFrame } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { tryThis } from "../ui/parts.js";
import { pictureControls, runLabel, searchControls, startControls } from "./controls.js";
import { createCurves, toDb } from "./curves.js";
import { createListen } from "./listen.js";
import { createPhasePicture } from "./picture.js";
import { createPoint, inPi } from "./point.js";
import { createRunner } from "./runner.js";
import { createWork } from "./work.js";

const LIMIT = 500; // 反復の回数の上限。sstut.widgets.phase.MAX_ITER と同じ
const SOUND = 150; // 続けて進めている間、音を差しかえる間隔 [ミリ秒]
const HEIGHT = 210;

/** デシベルの値。単位なし、小数 1 桁。 */
function plain(db) {
  if (db > 100) return "100 以上";
  if (db < -100) return "−100 以下";
  return Number.isFinite(db) ? db.toFixed(1).replace("-", "−") : "—";
}

/** 回数・収束度・SI-SDR の大きな数字。 */
function createScore() {
  const item = (caption, unit) => {
    const number = h("span", { class: "sst-big" });
    const note = h("span", { class: "sst-small" });
    return { number, note, el: h("div", { class: "sst-score-cell" }, h("span", { class: "sst-small", text: caption }), h("span", {}, number, h("small", { text: unit })), note) };
  };
  const cells = [item("反復", " 回"), item("スペクトル収束度", " dB"), item("SI-SDR", " dB")];
  return {
    el: h("div", { class: "sst-phase-score" }, ...cells.map(({ el }) => el)),
    show({ iteration, score, base }) {
      const texts = [String(iteration), plain(toDb(score.loss)), plain(score.sdr)];
      cells.forEach(({ number }, i) => { number.textContent = texts[i]; });
      const up = score.sdr - base;
      cells[0].note.textContent = `上限 ${LIMIT} 回`;
      cells[1].note.textContent = "小さいほどよい";
      cells[2].note.textContent = Number.isFinite(up) && Math.abs(up) < 100 && Math.abs(up) >= 0.05 ? `混合音の位相より ${formatDb(up)}` : "大きいほどよい";
    },
  };
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderPhase({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "phase" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const options = { nFft: get("n_fft"), hop: get("hop_length"), window: "hann" };
  const tracks = readTracks(model);
  const given = tracks.map(({ channels }) => mixdown(channels));
  const frames = []; // 1 回の描画にかかった時間 [ミリ秒]

  let own = false;
  let work = createWork(given, options);
  let point = { t: 0, k: 0 };
  let angles = null; // 絵に描く角度 { right, now }
  let sounded = 0; // 最後に音を差しかえた時刻

  const settings = () => ({ start: own && get("start") === "mixture" ? "random" : get("start"), method: own ? "griffin_lim" : get("method"), momentum: get("momentum"), seed: get("seed") });
  work.restart(settings());

  const pictureOptions = (title) => ({
    title, height: HEIGHT, signal: frame.signal, onPoint: choosePoint, onSeek: (seconds) => listen.engine.seek(seconds), onMovePoint: (dt, dk) => choosePoint({ t: point.t + dt, k: point.k + dk }),
    label: `${title}。矢印キーで点を動かす`,
  });
  const right = createPhasePicture({ ...pictureOptions("正解"), describe: (at) => describe(at, "right") });
  const current = createPhasePicture({ ...pictureOptions("いまの音"), describe: (at) => describe(at, "now") });
  const listen = createListen({
    model, frame, work, name: tracks[0].label, nFft: options.nFft, onOwnSound: useSound,
    onPosition: (seconds) => {
      right.setPosition(seconds);
      current.setPosition(seconds);
    },
  });
  const chosen = createPoint({ signal: frame.signal });
  const curves = createCurves({ signal: frame.signal });
  const score = createScore();
  const start = startControls({ frame, model });
  const search = searchControls({ frame, model, limit: LIMIT, actions: { step: (n) => runner.advance(n), toggle, reset: restart } });
  const view = pictureControls({ frame, model, hop: options.hop });
  const runner = createRunner({
    limit: LIMIT, count: () => work.iteration,
    step() {
      work.step(get("momentum"));
      curves.add(work.score);
    },
    onFrame(finished) {
      const begin = performance.now();
      drawNow();
      if (finished || begin - sounded > SOUND) sound();
      if (finished) frame.save({ n_iter: work.iteration });
      refresh();
      frames.push(performance.now() - begin);
      if (frames.length > 500) frames.shift();
    },
  });

  function toggle() {
    if (runner.running) runner.stop();
    else {
      runner.run();
      refresh();
    }
  }

  /** 点 (t, k) の読みとり。 */
  function describe({ t, k }, side) {
    const angleText = inPi(angles[side][t * work.S.bins + k]);
    return `${((t * options.hop) / sr).toFixed(2)} 秒　${Math.round((k * sr) / options.nFft)} Hz　${angleText}`;
  }

  const drawing = { phase: angle, deviation: phaseDeviation };
  /** いまの音に関わる絵・数・曲線。 */
  function drawNow() {
    angles.now = drawing[get("picture")](work.spectrum, angles.now);
    current.redraw();
    score.show(work);
    curves.draw();
    chosen.show(point, work, sr, { speak: false });
  }
  /** 正解の音か、描くものが変わった。 */
  function drawAll() {
    const draw = drawing[get("picture")];
    angles = { right: draw(work.S), now: draw(work.spectrum) };
    const shape = { db: work.db, frames: work.S.frames, bins: work.S.bins, hop: options.hop, sr, duration: work.truth.length / sr };
    right.setData({ ...shape, angles: angles.right }, view.maxHz());
    current.setData({ ...shape, angles: angles.now }, view.maxHz());
    right.setPoint(point);
    current.setPoint(point);
  }
  function sound() {
    sounded = performance.now();
    listen.replace(work);
  }

  /** はじめの位相に戻し、絵と音を作りなおす。 */
  function restart() {
    runner.stop();
    const now = settings();
    work.restart(now);
    curves.begin(runLabel(now), work.score, work.base);
    drawNow();
    sound();
    if (get("n_iter") !== 0) frame.save({ n_iter: 0 });
    refresh();
  }
  const restartOnFrame = onFrame(restart);

  function choosePoint({ t, k }) {
    const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
    const highest = Math.floor((view.maxHz() * options.nFft) / sr) + 1;
    point = { t: clamp(t, work.S.frames), k: clamp(k, Math.min(work.S.bins, highest)) }; // 描く前に次のキーが来ても、続きから動かす
    frame.save({ point: [(point.k * sr) / options.nFft, (point.t * options.hop) / sr] });
  }
  function showPoint() {
    const [freq, time] = get("point");
    if (freq !== undefined) {
      point = {
        k: Math.max(0, Math.min(work.S.bins - 1, Math.round((freq * options.nFft) / sr))),
        t: Math.max(0, Math.min(work.S.frames - 1, Math.round((time * sr) / options.hop))),
      };
    }
    right.setPoint(point);
    current.setPoint(point);
    chosen.show(point, work, sr, { speak: true });
  }
  /** はじめに選ぶ点：いちばん大きい点。 */
  function loudest() {
    const at = work.db.indexOf(maximum(work.db));
    return { t: Math.floor(at / work.S.bins), k: at % work.S.bins };
  }

  function refresh() {
    start.refresh(own);
    search.refresh({ own, running: runner.running, iteration: work.iteration });
    view.refresh();
  }

  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    runner.stop();
    own = wave !== null;
    work = createWork(wave ? [wave] : given, options);
    curves.forget();
    point = loudest();
    const now = settings();
    work.restart(now);
    if (now.start !== get("start") || now.method !== get("method")) frame.save({ start: now.start, method: now.method });
    drawAll();
    listen.setWork(work, own);
    restart();
    choosePoint(point);
  }

  const showPointSoon = onFrame(showPoint);
  for (const name of ["start", "method", "momentum", "seed"]) {
    frame.onTrait(name, () => {
      refresh();
      restartOnFrame();
    });
  }
  for (const name of ["picture", "max_khz"]) {
    frame.onTrait(name, () => {
      drawAll();
      refresh();
    });
  }
  frame.onTrait("point", showPointSoon);
  frame.onTrait("n_iter", (n) => {
    if (n === work.iteration) return;
    if (n < work.iteration) restart();
    runner.goTo(n);
  });
  frame.signal.addEventListener("abort", () => runner.stop());

  frame.body.append(
    tryThis("「ランダム」を選んで、正解と聴き比べましょう。次に「続ける」を押して、音と曲線がどう変わるかを確かめます。"),
    listen.el, start.el, search.el, score.el,
    h("div", { class: "sst-pictures" }, view.el, h("div", { class: "sst-pair-pictures" }, right.el, current.el)),
    chosen.el, curves.el,
    h("p", { class: "sst-phase-note" }, h("strong", { text: "SI-SDR の読み方" }), "SI-SDR は波形を 1 サンプルずつ比べます。振幅が正しく、正解と同じように聞こえる音でも、位相が違うと低くなります。少し遅れただけの音も低くなります。全体の符号の反転だけは区別しません。"),
  );
  frame.keys([
    ...listen.keys,
    { keys: ["s", "S"], show: "S", label: "反復を 1 回進める", run: () => runner.advance(1) },
    { keys: ["t", "T"], show: "T", label: "反復を 10 回進める", run: () => runner.advance(10) },
    { keys: ["r", "R"], show: "R", label: "続けて進める・止める", run: toggle },
    { keys: ["0"], show: "0", label: "はじめの位相に戻す", run: restart },
    { keys: [], show: "矢印", label: "（絵の上で）点を動かす。Shift と一緒なら 10 ずつ" },
  ]);
  const wanted = get("n_iter");
  point = loudest();
  refresh();
  drawAll();
  curves.begin(runLabel(settings()), work.score, work.base);
  drawNow();
  sound();
  showPoint();
  if (wanted > 0) runner.goTo(wanted);

  frame.ready({
    timing: { steps: runner.timing, frames },
    state: () => ({ ...listen.state(), ...settings(), own, busy: runner.running, iteration: work.iteration, score: work.score, point, runs: curves.state() }),
    render: (how) => listen.engine.render(how),
    sound: (name) => ({ true: work.truth, now: work.now, mixture: work.mixture })[name].slice(),
    startPhase: (n = 0) => Float32Array.from(angle(work.first[n])),
    angles: () => angles,
  });
  return frame.dispose;
}
