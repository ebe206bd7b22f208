// 学習の記録を選び、推定を聴く部品。記録ごとのマスクと推定は、Python が作って渡す。

import { maximum, magnitude } from "../dsp/spectrogram.js";
import { stft } from "../dsp/stft.js";
import { AudioEngine } from "../ui/audio.js";
import { button, h, onFrame, slider } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { addListenChoice, factList, stopwatch, tryThis } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { createCurves, running } from "./curves.js";
import { createPictures, decibels } from "./pictures.js";

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderRecord({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "training" });
  const get = (name) => model.get(name);
  const [sr, steps, scores] = ["sr", "steps", "scores"].map(get);
  const [nFft, hop, maskBins] = get("frames");
  const [first] = get("source_names");
  const waves = Object.fromEntries(readTracks(model).map(({ name, channels }) => [name, mixdown(channels)]));
  const watch = stopwatch();

  const analyse = (x) => stft(x, { nFft, hop, window: "sqrt_hann" });
  const mixture = analyse(waves.mixture);
  const peak = maximum(magnitude(mixture));
  const shape = { hop, sr, duration: waves.mixture.length / sr, frames: mixture.frames };
  const bytes = get("masks");
  const all = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = mixture.frames * maskBins;
  const maskAt = (i) => Float32Array.from(all.subarray(i * size, (i + 1) * size), (v) => v / 255);
  const views = new Map(); // 記録の番号 → 絵の値
  function viewOf(i) {
    if (!views.has(i)) views.set(i, { estimate: decibels(analyse(waves[`step ${steps[i]}`]), peak), mask: maskAt(i) });
    return views.get(i);
  }

  const index = () => steps.indexOf(get("step"));
  const current = () => waves[`step ${get("step")}`];
  const options = [["estimate", `推定した${first}`], ["mixture", "混合音"], ["target", `正解の${first}`]];
  const gains = () => Object.fromEntries(options.map(([name]) => [name, name === get("listen") ? 1 : 0]));
  const engine = new AudioEngine({
    sr, loop: get("loop"), gains: gains(),
    tracks: options.map(([name]) => ({ name, channels: [name === "estimate" ? current() : waves[name]] })),
  });
  frame.signal.addEventListener("abort", () => engine.dispose());

  const pictures = createPictures({ names: { mask: `${first}のマスク`, estimate: `推定した${first}` }, signal: frame.signal, onSeek: (seconds) => engine.seek(seconds) });
  const transport = createTransport({ engine, frame, model, onPosition: pictures.setPosition });
  const listenKeys = addListenChoice({ frame, model, transport, options, onChange: () => engine.setGains(gains()) });
  const curves = createCurves({ steps, scores, history: get("history"), signal: frame.signal });
  const facts = factList(["重みを直した回数", "損失（25 回の平均）", "この混合音の改善量", "マスクの平均"]);
  const losses = running(get("history").loss ?? []);

  const goTo = (i) => frame.save({ step: steps[Math.max(0, Math.min(steps.length - 1, i))] });
  const pick = slider({ label: "重みを直した回数", steps, value: get("step"), unit: "回", onInput: (step) => frame.save({ step }) });
  let timer = 0;
  function stopTour() {
    clearInterval(timer);
    timer = 0;
    tour.setLabel("聴きながら進める", "play");
  }
  /** はじめから順に、1 つの記録を終わりまで鳴らしては、次へ進む。 */
  function startTour() {
    goTo(0);
    frame.save({ listen: "estimate" });
    engine.rewind();
    engine.play();
    timer = setInterval(() => {
      if (index() < steps.length - 1 && engine.playing) goTo(index() + 1);
      else stopTour();
    }, 1000 * shape.duration);
    tour.setLabel("進めるのをやめる", "pause");
  }
  const tour = button({ label: "聴きながら進める", iconName: "play", title: "はじめの記録から順に、終わりまで鳴らしては次へ進みます。", onClick: () => (timer ? stopTour() : startTour()) });
  const before = button({ label: "前の記録", onClick: () => goTo(index() - 1) });
  const after = button({ label: "次の記録", onClick: () => goTo(index() + 1) });
  frame.signal.addEventListener("abort", () => clearInterval(timer));
  frame.tools.append(saveButton({ engine, say: frame.say, name: () => (get("listen") === "estimate" ? `${get("step")} 回の推定` : options.find(([name]) => name === get("listen"))[1]) }).el);

  function show() {
    const i = index();
    engine.replace("estimate", [current()]);
    const { estimate, mask } = viewOf(i);
    pictures.show("estimate", { ...shape, bins: nFft / 2 + 1, values: estimate }, "明るいほど大きい");
    pictures.show("mask", { ...shape, bins: maskBins, values: mask, low: 0, high: 1 }, "明るいほど通す");
    pick.value = get("step");
    curves.draw(get("step"));
    const loss = get("step") > 0 && losses.length >= get("step") ? formatDb(losses[get("step") - 1]) : "—";
    facts.show(`${get("step")} 回`, loss, formatDb(scores[i]), (mask.reduce((sum, v) => sum + v, 0) / mask.length).toFixed(2));
    watch.end({});
  }
  const showSoon = onFrame(show);
  frame.onTrait("step", () => {
    watch.begin();
    showSoon();
  });

  frame.body.append(
    tryThis("「聴きながら進める」を押します。絵と音が、いちばん大きく変わるのは、何回めまででしょうか。"),
    h("div", { class: "sst-training-steps" }, pick.el, h("div", { class: "sst-training-buttons" }, before.el, after.el, tour.el)),
    transport.el, pictures.el, facts.el, curves.el,
  );
  frame.keys([
    ...transport.keys, listenKeys,
    { keys: ["["], show: "[", label: "前の記録", run: () => goTo(index() - 1) }, { keys: ["]"], show: "]", label: "次の記録", run: () => goTo(index() + 1) },
  ]);
  show();

  frame.ready({
    timing: watch.list,
    state: () => ({ ...transport.state(), step: get("step"), listen: get("listen"), score: scores[index()], touring: timer !== 0 }),
    render: (how) => engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => (name === "estimate" ? current() : waves[name]).slice(),
    mask: () => viewOf(index()).mask.slice(),
  });
  return frame.dispose;
}
