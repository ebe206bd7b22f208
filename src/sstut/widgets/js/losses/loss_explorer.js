// 損失の面を見くらべる部品。推定は、正解に利得・遅れ・正負・雑音をつけたもの。操作の状態はモデルにある。

import { h, onFrame, slider, toggle } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { panel, stopwatch, tryThis } from "../ui/parts.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createListen } from "./listen.js";
import { createSlices } from "./slices.js";
import { createSurface } from "./surface.js";
import { createWork, DELAYS, GAINS, LOSSES, MAX_DELAY, QUIET } from "./work.js";

const HEIGHT = 116;
const NOISES = [QUIET, -40, -30, -20, -10, 0];
const CHUNK = 24; // 面を、1 コマに計算する時間 [ミリ秒]
const DECIBEL = new Set(["snr", "si_sdr"]);

/** 損失の値。単位のあるものは dB。 */
function formatValue(name, v) {
  const text = DECIBEL.has(name) ? `${v.toFixed(1)} dB` : Math.abs(v) < 1e-12 ? "0" : v.toPrecision(3);
  return text.replace("-", "−").replace("e−", "e-");
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderLosses({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "losses" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const first = mixdown(readTracks(model)[0].channels);
  const watch = stopwatch();
  const names = Object.keys(LOSSES);

  let own = false;
  let work = createWork(first);
  let now = null; // いまの点の音と値
  let busy = false; // 面が、まだできあがっていない

  const degradation = () => ({ inverted: get("inverted"), noiseDb: get("noise_db") });
  const point = () => ({ t: get("delay") + MAX_DELAY, k: GAINS.indexOf(get("gain_db")) });
  const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
  const choose = (name, { t, k }) => frame.save({ loss: name, delay: DELAYS[clamp(t, DELAYS.length)], gain_db: GAINS[clamp(k, GAINS.length)] });
  work.update(degradation());
  const here = () => work.at({ gainDb: get("gain_db"), delay: get("delay") });
  now = here();

  const surfaces = Object.fromEntries(names.map((name) => [name, createSurface({
    label: LOSSES[name], height: HEIGHT, sr, signal: frame.signal,
    onPoint: (at) => choose(name, at),
    onMove: (dt, dk) => choose(name, { t: point().t + dt, k: point().k + dk }),
  })]));
  const slices = createSlices({ sr, signal: frame.signal });
  const listen = createListen({ model, frame, sounds: now, onOwnSound: useSound });
  const spoken = h("p", { class: "sst-hidden", role: "status" });

  const gain = slider({ label: "利得", min: GAINS[0], max: GAINS.at(-1), step: 1, value: get("gain_db"), format: (v) => `${String(v).replace("-", "−")} dB`, onInput: (v) => frame.save({ gain_db: v }) });
  const delay = slider({
    label: "遅れ", min: -MAX_DELAY, max: MAX_DELAY, step: 1, value: get("delay"), onInput: (v) => frame.save({ delay: v }),
    format: (v) => `${v} サンプル＝${((1000 * v) / sr).toFixed(2)} ミリ秒`.replaceAll("-", "−"),
  });
  const noise = slider({ label: "雑音（正解に対する大きさ）", steps: NOISES, value: get("noise_db"), format: (v) => (v === QUIET ? "なし" : `${v} dB`.replace("-", "−")), onInput: (v) => frame.save({ noise_db: v }) });
  const invert = toggle({ label: "正負を逆にする", pressed: get("inverted"), title: "推定の波形を −1 倍します。音は、ほとんど変わって聞こえません。", onToggle: (on) => frame.save({ inverted: on }) });

  function drawSurfaces() {
    for (const name of names) surfaces[name].draw(work.maps[name], work.ranges[name]);
  }
  function drawSlices() {
    const name = get("loss");
    slices.show({ name, map: work.maps[name], range: work.ranges[name], point: point(), value: now.values[name] });
  }
  /** 面を、コマごとに少しずつ作る。波形の損失の面は、はじめの数コマでできる。 */
  const continueSurfaces = onFrame(() => {
    if (frame.signal.aborted) return;
    busy = !work.advance(CHUNK);
    drawSurfaces();
    drawSlices();
    if (busy) continueSurfaces();
  });
  /** 点が変わった：音、値、印、断面。 */
  function showPoint() {
    now = here();
    listen.replace(now);
    for (const name of names) {
      surfaces[name].setPoint(point());
      surfaces[name].setValue(formatValue(name, now.values[name]));
      surfaces[name].select(name === get("loss"));
    }
    gain.value = get("gain_db");
    delay.value = get("delay");
    noise.value = get("noise_db");
    invert.pressed = get("inverted");
    drawSlices();
    spoken.textContent = `利得 ${get("gain_db")} デシベル、遅れ ${get("delay")} サンプル。${LOSSES[get("loss")]} ${formatValue(get("loss"), now.values[get("loss")])}`;
    watch.end({});
  }
  const showPointSoon = onFrame(showPoint);
  /** 面が変わった。 */
  function rebuild() {
    busy = true;
    watch.begin();
    work.update(degradation());
    showPointSoon();
    continueSurfaces();
  }

  /** 読者の音に替える。null なら元の音に戻す。 */
  function useSound(wave) {
    own = wave !== null;
    work = createWork(wave ?? first);
    listen.setOwn(own);
    rebuild();
  }

  for (const name of ["gain_db", "delay", "loss"]) {
    frame.onTrait(name, () => {
      watch.begin();
      showPointSoon();
    });
  }
  for (const name of ["inverted", "noise_db"]) frame.onTrait(name, rebuild);

  frame.body.append(
    tryThis("どれかの面を左右になぞり、値と断面を見ます。次に「推定」と「正解」を聴きくらべます。遅れは耳には分かりませんが、波形の損失は大きく揺れます。"),
    listen.el,
    h("div", { class: "sst-losses-surfaces" }, ...names.map((name) => surfaces[name].el)),
    h("p", { class: "sst-losses-key", "aria-hidden": "true" }, "横：遅れ [ミリ秒]　縦：利得 [dB]　明るいほど損失が小さい　＋：正解の位置　○：いまの推定"),
    h("div", { class: "sst-columns" }, panel("推定の作り方", gain.el, delay.el), panel("さらに悪くする", noise.el, invert.el)),
    slices.el, spoken,
  );
  frame.keys([...listen.keys, { keys: [], show: "矢印", label: "（面の上で）点を動かす。Shift と一緒なら 10 ずつ" }]);
  rebuild();

  frame.ready({
    timing: watch.list,
    state: () => ({ ...listen.state(), gain_db: get("gain_db"), delay: get("delay"), inverted: get("inverted"), noise_db: get("noise_db"), loss: get("loss"), own, busy, values: { ...now.values } }),
    render: (how) => listen.engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: listen.sound,
    map: (name) => work.maps[name].slice(),
  });
  return frame.dispose;
}
