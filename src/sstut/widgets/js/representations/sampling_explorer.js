// 標本化周波数とビット数を下げて、折り返しと量子化の雑音を見て聴く部品。

import { peak } from "../dsp/pcm.js";
import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { stft } from "../dsp/stft.js";
import { chirp } from "../dsp/testsignals.js";
import { AudioEngine } from "../ui/audio.js";
import { h, liveText, onFrame, slider, toggle } from "../ui/dom.js";
import { formatHz } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { createChart, legend } from "../ui/chart.js";
import { addListenChoice, createSounds, factList, panel, stopwatch, tryThis } from "../ui/parts.js";
import { createSampler, loudestSample } from "./sampling.js";

const LISTEN = [["original", "もとの音"], ["result", "下げた音"]];
const LOWEST = 2000; // いちばん低い標本化周波数 [Hz]
const ZOOM = 0.006; // 拡大する幅 [秒]
const N_FFT = 1024;

const decibel = (v) => (Number.isFinite(v) ? `${v.toFixed(1).replace("-", "−")} dB` : v > 0 ? "誤差なし" : "—");

/** 低い音から、もとのナイキスト周波数の近くまで動く正弦波。 */
function sweep(sr) {
  const x = chirp({ from: 100, to: 0.48 * sr, sr, length: 5 * sr, amplitude: 0.3 });
  const fade = Math.round(0.02 * sr); // 始まりと終わりがプツッと鳴らないように
  for (let i = 0; i < fade; i++) {
    x[i] *= i / fade;
    x[x.length - 1 - i] *= i / fade;
  }
  return x;
}

/** 波形の拡大図。もとの波形、サンプル、段になった値を重ねる。 */
function createZoom(signal) {
  const chart = createChart({ label: "波形の拡大図", height: 200, signal, x: { min: 0, max: 1, ticks: [], label: "" }, y: { min: -1, max: 1, ticks: [0] } });
  return {
    el: chart.el,
    draw({ x, coded, factor, bits, sr, look }) {
      const first = Math.round(Math.max(0, Math.min(look - ZOOM / 2, x.length / sr - ZOOM)) * sr);
      const last = Math.min(x.length - 1, first + Math.round(ZOOM * sr));
      const range = (a, b) => Array.from({ length: Math.max(0, b - a + 1) }, (_, i) => a + i);
      const fine = range(first, last);
      const low = range(Math.floor(first / factor), Math.min(coded.length - 1, Math.ceil(last / factor)));
      const seconds = (i) => (1000 * i) / sr;
      const step = 2 ** (1 - bits);
      const top = 1.12 * Math.max(...fine.map((i) => Math.abs(x[i])), ...low.map((i) => Math.abs(coded[i])), Math.min(1, step), 1e-4);
      const levels = range(Math.ceil(-top / step), Math.floor(top / step)).slice(0, 200);
      const digits = top < 0.05 ? 3 : top < 0.5 ? 2 : 1;
      const inner = 10 ** -digits * Math.floor((top * 0.9) / 10 ** -digits);
      chart.setAxes({
        x: { min: seconds(first), max: seconds(last), ticks: range(Math.ceil(seconds(first)), Math.floor(seconds(last))), label: "時間 [ミリ秒]" },
        y: { min: -top, max: top, ticks: [-inner, 0, inner], format: (v) => v.toFixed(v ? digits : 0) },
      });
      const inside = low.filter((i) => i * factor >= first && i * factor <= last);
      const at = (i) => seconds(i * factor);
      const ladder = levels.length > 40 ? [] : levels.map((n) => ({ kind: "line", xs: [seconds(first), seconds(last)], ys: [n * step, n * step], color: "--sst-line", width: 1 }));
      const held = low.filter((i) => (i + 1) * factor > first);
      chart.draw([
        ...ladder,
        { kind: "line", xs: fine.map(seconds), ys: fine.map((i) => x[i]), color: "--sst-track-4", width: 2 },
        { kind: "steps", xs: [...held.map((i) => Math.max(seconds(first), at(i))), seconds(last)], ys: [...held.map((i) => coded[i]), coded[held.at(-1)]], color: "--sst-track-1", width: 1.6 },
        { kind: "dots", xs: inside.map(at), ys: inside.map((i) => coded[i]), color: "--sst-track-1", width: factor > 1 ? 7 : 5 },
      ]);
    },
  };
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderSampling({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "representations" });
  const sr = model.get("sr");
  const watch = stopwatch();
  const sample = createSampler();
  const sounds = createSounds({
    frame, model, sr, onSound: () => request("sound"),
    sounds: [...readTracks(model), { name: "sweep", label: "スイープ音（低い音から高い音へ）", channels: [sweep(sr)] }],
  });
  let x = sounds.current();
  let now = sample(x, { factor: 1, antialias: true, bits: 16, dither: false });
  let S = null;
  let values = null;
  let reference = 1; // 絵の 0 dB にあたる振幅

  const gains = () => ({ original: model.get("listen") === "original" ? 1 : 0, result: model.get("listen") === "result" ? now.gain : 0 });
  const engine = new AudioEngine({
    sr, gains: gains(), loop: model.get("loop"),
    tracks: [{ name: "original", channels: [x] }, { name: "result", channels: [now.result] }],
  });
  const view = createSpectrogram({ label: "聴いている音のスペクトログラム", height: 200, signal: frame.signal, onSeek: (s) => engine.seek(s) });
  const transport = createTransport({ engine, frame, model, onPosition: (seconds) => view.setPosition(seconds) });
  const nyquist = h("div", { class: "sst-nyquist", "aria-hidden": "true" }, h("span"));
  view.plot.append(nyquist);
  const zoom = createZoom(frame.signal);
  const message = liveText();
  const numbers = factList(["標本化周波数", "ナイキスト周波数", "値の間隔 Δ", "SNR（量子化だけ）", "SNR（全体）", "データの量"]);

  const save = (name) => (value) => frame.save({ [name]: value });
  const factors = Array.from({ length: Math.max(1, Math.floor(sr / LOWEST)) }, (_, i) => i + 1).reverse();
  const rate = slider({ label: "標本化周波数", steps: factors, value: model.get("factor"), format: (m) => `${formatHz(sr / m)}${m > 1 ? `（1/${m}）` : ""}`, onInput: save("factor") });
  const antialias = toggle({ label: "折り返しを防ぐ", pressed: model.get("antialias"), title: "標本化の前に、新しいナイキスト周波数より上の成分を取り除きます。", onToggle: save("antialias") });
  const bits = slider({ label: "量子化ビット数", min: 1, max: 16, step: 1, value: model.get("bits"), format: (b) => `${b} ビット（${(2 ** b).toLocaleString()} 段）`, onInput: save("bits") });
  const dither = toggle({ label: "ディザを足す", pressed: model.get("dither"), title: "丸める前に小さな雑音を足し、歪みを、音によらない雑音に変えます。", onToggle: save("dither") });
  const duration = () => x.length / sr;
  const look = slider({ label: "拡大する時刻", min: 0, max: 1, step: 0.002, value: 0, format: (u) => `${(u * duration()).toFixed(2)} 秒`, onInput: (u) => frame.save({ look: u * duration() }) });

  function takeSound() {
    x = sounds.current();
    engine.replace("original", [x]);
    engine.rewind();
    S = stft(x, { nFft: N_FFT, hop: pictureHop() }, S);
    reference = maximum(magnitude(S)) || 1;
  }

  const pictureHop = () => Math.max(256, 2 ** Math.round(Math.log2(x.length / 700)));

  function showPicture() {
    const y = model.get("listen") === "original" ? x : now.result;
    S = stft(y, { nFft: N_FFT, hop: pictureHop() }, S);
    values = magnitudeDb(S, { ref: reference, topDb: null }, values);
    view.setData({ values, frames: S.frames, bins: S.bins, hop: S.hop, sr, duration: duration() });
    const factor = model.get("listen") === "original" ? 1 : model.get("factor");
    nyquist.style.bottom = `${100 / factor}%`;
    nyquist.hidden = factor === 1;
    nyquist.firstChild.textContent = `ナイキスト周波数 ${formatHz(sr / 2 / factor)}`;
  }

  function showZoom() {
    const seconds = model.get("look") >= 0 ? model.get("look") : loudestSample(x) / sr;
    look.value = seconds / duration();
    zoom.draw({ x, coded: now.coded, factor: model.get("factor"), bits: model.get("bits"), sr, look: seconds });
  }

  function showNumbers() {
    const [m, b] = [model.get("factor"), model.get("bits")];
    const kbps = ((sr / m) * b) / 1000;
    numbers.show(formatHz(sr / m), formatHz(sr / 2 / m), String(Number((2 ** (1 - b)).toPrecision(2))), decibel(now.codingSnr), decibel(now.snr), `${kbps.toFixed(kbps < 100 ? 1 : 0)} kbit/s`);
    const lost = peak(now.coded) === 0;
    message.say(lost ? "どの値も Δ/2 より小さいので、すべて 0 に丸められて音が消えました。ビット数を増やすか、ディザを足してください。" : "");
  }

  const wanted = new Set();
  const update = onFrame(() => {
    const begin = performance.now();
    if (wanted.has("sound")) takeSound();
    if (wanted.has("sound") || wanted.has("result")) {
      now = sample(x, Object.fromEntries(["factor", "antialias", "bits", "dither"].map((name) => [name, model.get(name)])));
      engine.replace("result", [now.result]);
      engine.setGains(gains());
      showNumbers();
    }
    const sampledAt = performance.now();
    if (wanted.has("sound") || wanted.has("result") || wanted.has("listen")) showPicture();
    showZoom();
    wanted.clear();
    watch.end({ sound: sampledAt - begin, picture: performance.now() - sampledAt });
  });
  function request(what) {
    watch.begin();
    wanted.add(what);
    update();
  }
  for (const [name, control, key] of [["factor", rate, "value"], ["antialias", antialias, "pressed"], ["bits", bits, "value"], ["dither", dither, "pressed"]]) {
    frame.onTrait(name, (value) => {
      control[key] = value;
      request("result");
    });
  }
  frame.onTrait("look", () => request("look"));
  const listenKeys = addListenChoice({
    frame, model, transport, options: LISTEN,
    onChange: () => {
      engine.setGains(gains());
      request("listen");
    },
  });
  frame.signal.addEventListener("abort", () => engine.dispose());

  frame.body.append(
    tryThis("スイープ音を選び、「折り返しを防ぐ」を切って標本化周波数を下げると、上がるはずの音が途中から下がります。次に、曲でビット数を 6 まで下げて聴きましょう。"),
    sounds.el, transport.el,
    h("div", { class: "sst-columns" }, panel("標本化", rate.el, antialias.el), panel("量子化", bits.el, dither.el)),
    message.el, view.el, numbers.el,
    panel("波形の拡大", look.el, zoom.el, legend([{ color: "--sst-track-4", label: "もとの波形" }, { color: "--sst-track-1", label: "サンプルと、丸めた値" }])),
  );
  frame.tools.append(...sounds.buttons);
  frame.keys([...transport.keys, listenKeys]);
  request("sound");
  frame.ready({
    timing: watch.list,
    state: () => ({ ...transport.state(), snr: now.snr, codingSnr: now.codingSnr, labels: sounds.labels(), message: message.el.textContent }),
    render: (options) => engine.render(options),
    sound: (name) => ({ original: x, result: now.result, coded: now.coded, low: now.low })[name],
    view,
  });
  return frame.dispose;
}
