// 学習したネットワークを、付属の曲と読者の音に使う部品。計算は、すべてこのページの中で行う。

import { inferMasks, readNetwork } from "../dsp/lstm.js";
import { siSdr } from "../dsp/metrics.js";
import { magnitude, maximum } from "../dsp/spectrogram.js";
import { istft } from "../dsp/stft.js";
import { AudioEngine } from "../ui/audio.js";
import { h } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { addListenChoice, createSounds, factList, tryThis } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { createPictures, decibels } from "./pictures.js";
import { runInSlices } from "./slices.js";

const PARTS = ["first", "second"];

/** 正解の音源ごとの、SI-SDR の改善量の平均 [dB]。 */
function improvement(sources, mixture, estimates) {
  return sources.reduce((sum, s, j) => sum + siSdr(s, estimates[j]) - siSdr(s, mixture), 0) / sources.length;
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderNetwork({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "training" });
  const get = (name) => model.get(name);
  const [sr, names] = [get("sr"), get("source_names")];
  const config = get("architecture");
  const network = readNetwork(get("weights"), config);
  const tracks = new Map(readTracks(model).map(({ name, channels }) => [name, mixdown(channels)]));
  const truth = new Map(get("songs").map((song) => [song, names.map((_, j) => tracks.get(`${song}/${j}`))]));
  const sounds = [...truth].map(([name, [a, b]]) => ({ name, label: name, channels: [a.map((v, i) => v + b[i])] }));

  let waves = null; // { mixture, first, second }。計算が終わるまでは、混合音だけ
  let result = null; // { S, masks, milliseconds }
  let generation = 0; // 音を替えるたびに増える。前の計算を捨てるため

  const options = [["mixture", "混合音"], ...PARTS.map((part, j) => [part, names[j]])];
  const gains = () => Object.fromEntries(options.map(([name]) => [name, name === get("listen") ? 1 : 0]));
  const pick = createSounds({ frame, model, sounds, sr, onSound: start });
  waves = waiting(pick.current());
  const engine = new AudioEngine({ sr, loop: get("loop"), gains: gains(), tracks: options.map(([name]) => ({ name, channels: [waves[name]] })) });
  frame.signal.addEventListener("abort", () => engine.dispose());
  const pictures = createPictures({ names: { mask: "マスク", estimate: "推定" }, signal: frame.signal, onSeek: (seconds) => engine.seek(seconds) });
  const transport = createTransport({ engine, frame, model, onPosition: pictures.setPosition });
  const listenKeys = addListenChoice({ frame, model, transport, options, onChange() {
    engine.setGains(gains());
    draw();
  } });
  frame.tools.append(...pick.buttons, saveButton({ engine, say: frame.say, name: () => options.find(([name]) => name === get("listen"))[1] }).el);
  const facts = factList(["音の長さ", "計算の時間", "SI-SDR の改善量", "ネットワークの重み"]);
  const bar = h("progress", { max: "1", value: "0", "aria-label": "計算の進み具合" });
  const progress = h("div", { class: "sst-training-progress" }, h("span", { text: "ネットワークを計算しています…" }), bar);

  /** 計算が終わるまでの音。推定は、まだ無音。 */
  function waiting(mixture) {
    return { mixture, ...Object.fromEntries(PARTS.map((part) => [part, new Float32Array(mixture.length)])) };
  }

  /** 選ばれた音を、はじめから計算する。 */
  async function start() {
    const turn = ++generation;
    const mixture = pick.current();
    waves = waiting(mixture);
    result = null;
    engine.pause();
    engine.rewind();
    for (const [name] of options) engine.replace(name, [waves[name]]);
    progress.hidden = false;
    bar.value = 0;
    const made = await runInSlices(inferMasks(network, mixture), {
      onProgress(share) { bar.value = share; },
      cancelled: () => turn !== generation || frame.signal.aborted,
    });
    if (!made) return;
    const begun = performance.now();
    const { S, masks } = made.value;
    PARTS.forEach((part, j) => {
      waves[part] = istft(S, { mask: masks[j] });
      engine.replace(part, [waves[part]]);
    });
    result = { S, masks, milliseconds: made.milliseconds + performance.now() - begun };
    progress.hidden = true;
    draw();
  }

  const count = network.layers.flat().reduce((sum, { input, recurrent }) => sum + input.weight.length + recurrent.weight.length + 2 * input.rows, network.head.weight.length + network.head.rows);
  /** 聴いている音の絵と、数。 */
  function draw() {
    if (!result) return;
    const { S, masks, milliseconds } = result;
    const part = PARTS.indexOf(get("listen")) < 0 ? 0 : PARTS.indexOf(get("listen"));
    const shape = { hop: S.hop, sr, duration: waves.mixture.length / sr, frames: S.frames, bins: S.bins };
    const A = magnitude(S);
    const heard = get("listen") === "mixture";
    const shown = heard ? S : { ...S, re: S.re.map((v, i) => v * masks[part][i]), im: S.im.map((v, i) => v * masks[part][i]) };
    pictures.show("mask", { ...shape, values: masks[part], low: 0, high: 1 }, "明るいほど通す", `${names[part]}のマスク`);
    pictures.show("estimate", { ...shape, values: decibels(shown, maximum(A)) }, "明るいほど大きい", heard ? "混合音" : `推定した${names[part]}`);
    const sources = truth.get(get("selected"));
    const score = sources ? formatDb(improvement(sources, waves.mixture, PARTS.map((name) => waves[name]))) : "正解がない";
    facts.show(`${shape.duration.toFixed(1)} 秒`, `${(milliseconds / 1000).toFixed(2)} 秒`, score, `${count.toLocaleString("ja")} 個`);
  }

  frame.body.append(
    tryThis("「歌」と「伴奏」を聴きます。次に「自分の音を使う」か「録音する」を押します。ネットワークは、聞いたことのない音も分けられるでしょうか。"),
    pick.el, transport.el, progress, pictures.el, facts.el,
  );
  frame.keys([...transport.keys, listenKeys]);
  start();

  frame.ready({
    state: () => ({ ...transport.state(), listen: get("listen"), selected: get("selected"), busy: result === null, milliseconds: result?.milliseconds ?? null }),
    render: (how) => engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => waves[name].slice(),
    mask: (j) => result.masks[j].slice(),
  });
  return frame.dispose;
}
