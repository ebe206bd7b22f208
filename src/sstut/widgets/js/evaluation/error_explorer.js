// 目的音に 3 種類の誤差を足し、聴きながら、指標がどう動くかを見る部品。

import { peak } from "../dsp/pcm.js";
import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { stft } from "../dsp/stft.js";
import { panel, stopwatch, tryThis } from "../ui/parts.js";
import { AudioEngine } from "../ui/audio.js";
import { choice, h, onFrame } from "../ui/dom.js";
import { dbToGain, formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { saveButton } from "../ui/save.js";
import { frequencyScale } from "../ui/scales.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { COLORS, createErrorControls } from "./error_controls.js";
import { createErrors } from "./errors.js";
import { createMeters } from "./meters.js";
import { explain } from "./why.js";

const TERMS = ["target", "interference", "noise", "artifact"];
const KNOBS = ["interference_db", "noise_db", "artifact_db", "gain_db", "inverted", "delay", "noise_known"];
const PAUSE = 1500; // 同じつまみでも、これだけ間が空いたら、比べる相手を新しくする [ミリ秒]
const PICTURE = 50; // 絵を描きなおす間隔の下限 [ミリ秒]。数値と音を待たせないため
const SPEAK = 500; // 説明を読み上げるまで、つまみが止まるのを待つ時間 [ミリ秒]
const PEAK = 0.98; // 鳴らすときの振幅の上限
const N_FFT = 1024;
const HINT = "つまみを動かすと、どの指標がなぜ動いたかを、ここに出します。";

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderErrors({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "evaluation" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const tracks = readTracks(model).map(({ label, channels }) => ({ label, wave: mixdown(channels) }));
  const listens = [
    ["estimate", "推定信号"], ["reference", `正解（${tracks[0].label}）`],
    ["target", `${tracks[0].label}だけ`], ...TERMS.slice(1).map((name, i) => [name, tracks[i + 1].label]), ["error", "正解との差"],
  ];
  const reference = tracks[0].wave;
  const watch = stopwatch();
  let errors = null; // 用意に少し時間がかかるので、画面を出してから作る

  // 音：聴くものだけを作りなおす
  const waves = { reference };
  const stale = new Set(listens.map(([name]) => name));
  stale.delete("reference");
  const silence = new Float32Array(reference.length);
  const engine = new AudioEngine({
    sr, loop: get("loop"), gains: Object.fromEntries(listens.map(([name]) => [name, name === get("listen") ? 1 : 0])),
    tracks: listens.map(([name]) => ({ name, channels: [name === "reference" ? reference : silence] })),
  });
  function wave(name) {
    if (stale.has(name)) {
      if (name === "estimate") waves.estimate = errors.estimate();
      else if (name === "error") waves.error = wave("estimate").map((v, i) => v - reference[i]);
      else waves[name] = errors.part(TERMS.indexOf(name));
      engine.replace(name, [waves[name]]);
      stale.delete(name);
    }
    return waves[name];
  }
  /** 割れないように、すべての音を同じだけ小さくする倍率。 */
  const safeGain = () => Math.min(1, PEAK / Math.max(peak(reference), peak(wave("estimate")), peak(wave("error")), ...errors.peaks()));
  function applyGains() {
    const match = get("matched") ? levelMatch(listens.map(([name]) => ({ name, channels: [wave(name)] })), sr) : null;
    const gain = match ? dbToGain(match[get("listen")]) : safeGain();
    wave(get("listen"));
    engine.setGains(Object.fromEntries(listens.map(([name]) => [name, name === get("listen") ? gain : 0])));
    quieter.textContent = !match && gain < 0.995 ? `音が割れないように、どの音も ${formatDb(20 * Math.log10(gain))} で鳴らしています。` : "";
  }

  // 画面
  const picture = createSpectrogram({ label: "聴いている音", height: 150, signal: frame.signal, onSeek: (s) => engine.seek(s) });
  const asSwitch = { get: (name) => (name === "mode" ? "switch" : get(name)) }; // 「音量をそろえる」を出す
  const transport = createTransport({ engine, frame, model: asSwitch, onPosition: (seconds) => picture.setPosition(seconds) });
  const pick = choice({ label: "聴く音", hideLabel: true, options: listens, value: get("listen"), onChange: (listen) => frame.save({ listen }) });
  pick.el.classList.add("sst-listen");
  const choices = [...pick.el.querySelectorAll("label")];
  choices.forEach((item, i) => {
    item.style.setProperty("--track", `var(--sst-track-${COLORS[listens[i][0]]})`);
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });
  const quieter = h("p", { class: "sst-help" });
  const controls = createErrorControls({ model, frame });
  const meters = createMeters();
  const why = { title: h("strong", { text: "なぜ動いたか" }), moves: h("p", { text: HINT }), reason: h("p") };
  const spoken = h("p", { class: "sst-hidden", role: "status", "aria-live": "polite" });

  let S = null;
  let values = null;
  let loudest = 1; // 絵の 0 dB にする、正解の最大
  const hop = Math.max(256, 2 ** Math.round(Math.log2(reference.length / 700)));
  function draw() {
    S = stft(wave(get("listen")), { nFft: N_FFT, hop }, S);
    values = magnitudeDb(S, { ref: loudest, topDb: null }, values);
    picture.setData({ values, frames: S.frames, bins: S.bins, hop, sr, duration: reference.length / sr }, { axis: frequencyScale("mel", sr / 2) });
  }

  let drawTimer = 0;
  function drawSoon() {
    drawTimer ||= setTimeout(() => {
      drawTimer = 0;
      draw();
    }, PICTURE);
  }

  // 指標：つまみを動かしはじめる前の値と比べる
  let scores = null;
  let before = null;
  let last = { knob: null, time: -Infinity };
  let speakTimer = 0;
  function measure(knobs) {
    const noiseKnown = get("noise_known");
    errors.set({
      gainDb: get("gain_db"), inverted: get("inverted"), delay: get("delay"),
      levels: TERMS.slice(1).map((term) => get(`${term}_db`) ?? -Infinity),
    });
    const now = performance.now();
    const knob = knobs.size === 1 ? [...knobs][0] : "";
    if (knob !== last.knob || now - last.time > PAUSE) before = scores;
    last = { knob, time: now };
    scores = errors.scores(noiseKnown);
    meters.show(scores, before, noiseKnown);
    if (before) explainMove(knob, noiseKnown);
  }
  function explainMove(knob, noiseKnown) {
    const { moves, reason } = explain({ knob, before, after: scores, noiseKnown });
    why.moves.textContent = moves;
    why.reason.textContent = reason;
    clearTimeout(speakTimer);
    speakTimer = setTimeout(() => { spoken.textContent = `${moves}${reason}`; }, SPEAK);
  }

  const moved = new Set();
  let onlyListen = false;
  const update = onFrame(() => {
    if (!errors || frame.signal.aborted) return;
    if (!onlyListen || moved.size) {
      measure(moved);
      if ([...moved].some((knob) => knob !== "noise_known") || waves.estimate === undefined) {
        listens.forEach(([name]) => { if (name !== "reference") stale.add(name); });
      }
      controls.refresh();
      choices.forEach((item, i) => item.toggleAttribute("data-off", errors.peaks()[TERMS.indexOf(listens[i][0])] === 0));
    }
    applyGains();
    drawSoon();
    moved.clear();
    onlyListen = false;
    watch.end({});
  });
  for (const knob of KNOBS) {
    frame.onTrait(knob, () => {
      watch.begin();
      moved.add(knob);
      update();
    });
  }
  frame.onTrait("listen", (name) => {
    pick.value = name;
    watch.begin();
    onlyListen = true;
    update();
  });
  frame.onTrait("matched", () => { if (errors) applyGains(); });
  frame.signal.addEventListener("abort", () => {
    clearTimeout(speakTimer);
    clearTimeout(drawTimer);
    engine.dispose();
  });

  const save = saveButton({ engine, name: () => listens.find(([name]) => name === get("listen"))[1], say: frame.say });
  frame.tools.append(save.el);
  frame.body.append(
    tryThis("誤差を 1 つだけ大きくして、どの指標が下がるかを見ましょう。次に誤差をすべて消し、遅れを 1 サンプルにします。耳には同じなのに、大きく動く指標があります。"),
    transport.el, pick.el, quieter, picture.el,
    h("div", { class: "sst-error-columns" }, controls.el, panel("指標 [dB]（大きいほど良い）", meters.el, controls.noiseKnown)),
    h("div", { class: "sst-why" }, why.title, why.moves, why.reason), spoken,
  );
  frame.keys([...transport.keys, digitKeys("聴く音を選ぶ", (i) => { if (listens[i]) frame.save({ listen: listens[i][0] }); })]);

  const timer = setTimeout(() => {
    errors = createErrors(tracks.map((track) => track.wave));
    loudest = maximum(magnitude(stft(reference, { nFft: N_FFT, hop }))) || 1;
    watch.begin();
    update();
    if (!errors.solvable) frame.say("正解どうしが似すぎているので、BSS Eval の分解を決められません。", "error");
    frame.ready({
      timing: watch.list,
      state: () => ({ ...transport.state(), scores, before, knob: last.knob, listen: get("listen"), gains: { ...engine.gains }, why: why.moves.textContent, reason: why.reason.textContent }),
      render: (options) => engine.render(options),
      sound: (name) => wave(name).slice(),
    });
  });
  frame.signal.addEventListener("abort", () => clearTimeout(timer));
  return frame.dispose;
}
