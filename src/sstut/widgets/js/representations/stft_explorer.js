// 短時間フーリエ変換を動かす部品。状態はすべてモデル（Python の traits）にあり、絵と音はそこから作る。

import { peak } from "../dsp/pcm.js";
import { AudioEngine } from "../ui/audio.js";
import { h, liveText, onFrame } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { zoomedScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { createWaveform } from "../ui/waveform.js";
import { atom, createAnalysis, facts, loudestPoint, pointValue, problem } from "./analysis.js";
import { createLayer } from "./band.js";
import { analysisControls, bandControls, pictureControls } from "./controls.js";
import { addListenChoice, createSounds, factList, stopwatch, tryThis } from "../ui/parts.js";
import { createPoint } from "./point.js";

const LISTEN = [["original", "もとの音"], ["kept", "残した音"], ["removed", "除いた音"]];
const HEIGHT = 240;
const SAFE = { nFft: 2048, winLength: 2048, hop: 512, window: "hann" }; // 30 秒の音でも成り立つ設定

/** model の設定を、js の stft の引数にする。 */
function readSettings(model) {
  return { nFft: model.get("n_fft"), winLength: model.get("win_length"), hop: model.get("hop_length"), window: model.get("window") };
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderStft({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "representations" });
  const sr = model.get("sr");
  const watch = stopwatch();
  const analysis = createAnalysis(sr);
  const sounds = createSounds({ frame, model, sounds: readTracks(model), sr, onSound: () => request("sound") });
  let x = sounds.current();
  let kept = new Float32Array(x.length);
  let removed = new Float32Array(x.length);
  let applied = readSettings(model); // いまの絵の設定
  let good = applied; // 波形にも戻せた、最後の設定
  let point = { t: 0, k: 0 };
  let drawn = null; // いま描いている値
  let largest = 1; // いちばん大きい点の振幅
  let loudest = 1; // 波形の振幅の最大

  const gains = () => Object.fromEntries(LISTEN.map(([name]) => [name, name === model.get("listen") ? 1 : 0]));
  const engine = new AudioEngine({
    sr, gains: gains(), loop: model.get("loop"),
    tracks: [["original", x], ["kept", kept], ["removed", removed]].map(([name, y]) => ({ name, channels: [y] })),
  });
  const layer = createLayer({
    label: "スペクトログラムの点。矢印キーで動かし、Enter でその点の音を聴く",
    onPoint: (event) => {
      const { t, k } = picture.toPoint(event);
      choosePoint(t, k);
    },
    onMovePoint: (dt, dk) => choosePoint(point.t + dt, point.k + dk),
    onPlayPoint: () => chosen.play(),
    onBand: (edge, u) => band.set(edge, picture.axis.toHz(u)),
    signal: frame.signal,
  });
  const picture = createSpectrogram({ height: HEIGHT, signal: frame.signal });
  picture.plot.append(layer.el);
  const wave = createWaveform({ channels: [x], sr, duration: x.length / sr, onSeek: (s) => engine.seek(s), signal: frame.signal });
  const transport = createTransport({
    engine, frame, model,
    onPosition: (seconds) => {
      picture.setPosition(seconds);
      wave.setPosition(seconds);
    },
  });
  const message = liveText();
  const numbers = factList(["周波数の刻み", "主ローブの幅", "窓の長さ", "配列の形", "値の個数", "逆変換の誤差"]);
  const controls = analysisControls({ frame, model, sr });
  const look = pictureControls({ frame, model, sr });
  const band = bandControls({ frame, model, sr });
  const chosen = createPoint({ sr, makeAtom: () => atom(analysis.S, point), signal: frame.signal });

  function choosePoint(t, k) {
    const { S } = analysis;
    const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
    point = { t: clamp(t, S.frames), k: clamp(k, S.bins) }; // 描く前に次のキーが来ても、続きから動かす
    frame.save({ point: [(point.k * sr) / S.nFft, (point.t * S.hop) / sr] });
  }

  /** 設定が変わっても同じ時刻・周波数を指すように、いちばん近い点を選びなおす。 */
  function showPoint() {
    const { S } = analysis;
    const [freq, time] = model.get("point");
    if (freq !== undefined) {
      point = {
        k: Math.max(0, Math.min(S.bins - 1, Math.round((freq * S.nFft) / sr))),
        t: Math.max(0, Math.min(S.frames - 1, Math.round((time * sr) / S.hop))),
      };
    }
    const value = pointValue(S, point, sr, largest);
    chosen.show(value);
    layer.setPoint((value.time * sr) / S.length, picture.axis.toUnit(value.freq));
  }

  function showBand() {
    const [low, high] = model.get("band");
    layer.setBand(picture.axis.toUnit(low), picture.axis.toUnit(high));
    band.refresh();
  }

  function showFacts() {
    const f = facts(analysis.S, sr);
    numbers.show(
      `${f.binHz.toFixed(1)} Hz`, `${f.lobeHz.toFixed(1)} Hz`, `${f.windowMs.toFixed(1)} ミリ秒`,
      `(${f.shape[0]}, ${f.shape[1]})`, `波形の ${f.redundancy.toFixed(1)} 倍`,
    );
  }

  /** もとの音と、すべての帯域から戻した音の差。 */
  function showError() {
    const [low, high] = model.get("band");
    const full = low === 0 && high === sr / 2;
    const db = 20 * Math.log10(peak(removed) / loudest);
    numbers.show(undefined, undefined, undefined, undefined, undefined, full ? `${db.toFixed(0).replace("-", "−")} dB` : "（帯域を編集中）");
  }

  /**
   * 分析し直す。成り立たない設定なら理由を出し、絵も音も前のままにする。新しい音には、最後に成り立った設定を使う。
   * @returns {boolean} 分析したか。
   */
  function analyse(isNewSound) {
    const settings = readSettings(model);
    const trouble = problem(settings, x.length);
    const refused = trouble && (isNewSound || !trouble.drawable);
    message.say(trouble ? `${trouble.text}（${refused ? "絵と音" : "音"}は、前の設定のままです。）` : "", trouble ? "error" : "info");
    if (refused && !isNewSound) return false;
    applied = refused ? [good, SAFE].find((last) => !problem(last, x.length)) : settings;
    if (!trouble) good = settings;
    analysis.analyse(x, applied);
    return true;
  }

  /** 帯域の中と外の音を作る。NOLA が成り立たなければ、前の音のままにする。 */
  function synthesise() {
    if (problem(applied, x.length)) return;
    analysis.keepBand(model.get("band"), kept);
    for (let i = 0; i < x.length; i++) removed[i] = x[i] - kept[i];
    engine.replace("kept", [kept]);
    engine.replace("removed", [removed]);
    showError();
  }

  function takeSound() {
    x = sounds.current();
    if (kept.length !== x.length) {
      kept = new Float32Array(x.length);
      removed = new Float32Array(x.length);
    }
    loudest = peak(x) || 1;
    engine.replace("original", [x]);
    engine.rewind();
  }

  function showWave() {
    const y = { original: x, kept, removed }[model.get("listen")];
    wave.set([y], x.length / sr, 0.95 / loudest);
    wave.el.style.setProperty("--track", `var(--sst-track-${{ original: 4, kept: 1, removed: 2 }[model.get("listen")]})`);
  }

  const wanted = new Set();
  const update = onFrame(() => {
    const begin = performance.now();
    const isNewSound = wanted.has("sound");
    if (isNewSound) takeSound();
    const analysed = (isNewSound || wanted.has("analysis")) && analyse(isNewSound);
    const analysedAt = performance.now();
    if (analysed) {
      const top = loudestPoint(analysis.S);
      largest = top.largest;
      if (isNewSound) point = top;
      showFacts();
    }
    if (analysed || wanted.has("picture")) {
      const scale = model.get("scale");
      drawn = analysis.picture(scale, model.get("db_range"));
      picture.setData(drawn, { axis: zoomedScale(model.get("axis"), sr / 2, model.get("zoom")) });
    }
    const drawnAt = performance.now();
    showBand();
    if (analysed || wanted.has("band")) synthesise();
    showPoint();
    if (analysed || wanted.has("band") || wanted.has("listen")) showWave();
    wanted.clear();
    watch.end({ analysis: analysedAt - begin, picture: drawnAt - analysedAt, sound: performance.now() - drawnAt });
  });
  function request(what) {
    watch.begin();
    wanted.add(what);
    update();
  }

  for (const name of ["window", "win_length", "n_fft", "hop_length", "hop_mode"]) {
    frame.onTrait(name, () => {
      controls.refresh();
      request("analysis");
    });
  }
  for (const name of ["scale", "axis", "db_range", "zoom"]) {
    frame.onTrait(name, () => {
      look.refresh();
      request("picture");
    });
  }
  frame.onTrait("band", () => request("band"));
  frame.onTrait("point", () => request("point"));
  const listenKeys = addListenChoice({
    frame, model, transport, options: LISTEN,
    onChange: () => {
      engine.setGains(gains());
      request("listen");
    },
  });
  frame.signal.addEventListener("abort", () => engine.dispose());

  frame.body.append(
    tryThis("ホップ長を保ったまま窓長だけを動かして、線と点のどちらがはっきりするかを見ましょう。絵の右端のつまみを引くと、帯域を切り出して聴けます。"),
    sounds.el, transport.el, h("div", { class: "sst-stack" }, picture.el, wave.el), message.el, controls.el, numbers.el,
    h("div", { class: "sst-columns" }, look.el, band.el), chosen.el,
  );
  frame.tools.append(...sounds.buttons);
  frame.keys([
    ...transport.keys, listenKeys,
    { keys: [], show: "矢印", label: "（絵の上で）点を動かす。Shift と一緒なら 10 ずつ。Enter で音を聴く" },
  ]);
  request("sound");

  frame.ready({
    timing: watch.list,
    state: () => ({ ...transport.state(), settings: applied, band: model.get("band"), point, listen: model.get("listen"), labels: sounds.labels(), message: message.el.textContent }),
    render: (options) => engine.render(options),
    sound: (name) => ({ original: x, kept, removed })[name],
    atom: () => atom(analysis.S, point),
    picture: () => drawn,
  });
  return frame.dispose;
}
