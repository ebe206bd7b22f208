// 聴く：選んだ手法、比べる手法、混合音、正解。1 つ目の音源か、残り（混合音 − 1 つ目）。大きさはそろえる。
// 選びなおしても、同じ位置から、途切れずに切りかわる。

import { peak } from "../dsp/pcm.js";
import { AudioEngine } from "../ui/audio.js";
import { choice, h } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { levelMatch } from "../ui/loudness.js";
import { addListenChoice, listenColor } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { createWaveform } from "../ui/waveform.js";

const MIXTURE = "混合音"; // Python が付けた名前
const TRUTH = "正解";
const SLOTS = [["estimate", "選んだ手法"], ["rival", "比べる手法"], ["mixture", MIXTURE], ["reference", TRUTH]];
const NO_SOUND = "この混合音の音は入っていません。";
const SILENCE = [new Float32Array(1)];

/** 音のある混合音の番号。 */
export function soundedOf(model) {
  return new Set(model.get("names").map((name) => Number(name.slice(0, name.indexOf("/")))));
}

export function createListen({ model, frame, methods }) {
  const get = (name) => model.get(name);
  const sr = get("sr");
  const waves = new Map(readTracks(model).map(({ name, channels }) => [name, mixdown(channels)]));
  const sounded = soundedOf(model);
  const made = new Map(); // 混合音と音源 → 大きさをそろえた音
  // 混合音のままの手法は、どちらの音源の推定も混合音
  const names = methods.map(({ name, kind }) => [name, kind === "mixture" ? MIXTURE : name]);

  /** 1 つの混合音の、すべての音。そろえる前の音 raw と、鳴らす倍率 gains。 */
  function soundsOf(mixture, source) {
    const key = `${mixture}/${source}`;
    if (!made.has(key)) {
      const mixed = waves.get(`${mixture}/${MIXTURE}`);
      const wave = (name) => {
        const first = waves.get(`${mixture}/${name}`);
        return source === "target" || name === MIXTURE ? first : mixed.map((v, i) => v - first[i]);
      };
      const raw = Object.fromEntries([[MIXTURE, MIXTURE], [TRUTH, TRUTH], ...names].map(([name, from]) => [name, wave(from)]));
      const match = levelMatch(Object.entries(raw).map(([name, x]) => ({ name, channels: [x] })), sr);
      made.set(key, { raw, gains: Object.fromEntries(Object.entries(match).map(([name, db]) => [name, dbToGain(db)])) });
    }
    return made.get(key);
  }
  const now = () => (sounded.has(get("mixture")) ? soundsOf(get("mixture"), get("source")) : null);
  const rival = () => get("rival") || get("method");
  const nameOf = (slot) => ({ estimate: get("method"), rival: rival(), mixture: MIXTURE, reference: TRUTH })[slot];
  const heard = (name) => now().raw[name].map((v) => now().gains[name] * v);
  const slotGains = () => Object.fromEntries(SLOTS.map(([slot]) => [slot, slot === get("listen") ? 1 : 0]));

  const engine = new AudioEngine({ sr, loop: get("loop"), gains: slotGains(), tracks: SLOTS.map(([name]) => ({ name, channels: SILENCE })) });
  frame.signal.addEventListener("abort", () => engine.dispose());
  const wave = createWaveform({ channels: SILENCE, sr, duration: 1, onSeek: (seconds) => engine.seek(seconds), signal: frame.signal });
  const transport = createTransport({ engine, frame, model, onPosition: wave.setPosition });
  const keys = addListenChoice({ frame, model, transport, options: SLOTS, onChange: switchSlot });
  const rivalLabel = [...transport.el.querySelectorAll(".sst-listen label")][1];
  const [target, rest] = get("source_names");
  const source = choice({ label: "音源", options: [["target", target], ["rest", `${rest}（残り）`]], value: get("source"), hideLabel: true, onChange: (value) => frame.save({ source: value }) });
  const save = saveButton({ engine, say: frame.say, name: () => `${nameOf(get("listen"))}_${get("mixture")}` });
  const silent = h("p", { class: "sst-lb-silent", text: `${NO_SOUND}大きい点の混合音を選ぶと、聴けます。` });
  frame.tools.append(save.el);

  /** 波形の絵。1 つの混合音の中では、同じ倍率で描く。 */
  function drawWave() {
    const sounds = now();
    if (!sounds) return;
    const largest = Math.max(...Object.keys(sounds.raw).map((name) => sounds.gains[name] * peak(sounds.raw[name])), 1e-3);
    wave.set([heard(nameOf(get("listen")))], engine.duration, 0.95 / largest);
    wave.el.style.setProperty("--track", listenColor(SLOTS.findIndex(([slot]) => slot === get("listen"))));
  }
  function switchSlot() {
    engine.setGains(slotGains());
    drawWave();
  }
  const filled = new Map(); // 枠 → いま入っている音
  /** 選ばれたものが変わった。変わった枠だけを入れかえる。 */
  function refresh() {
    const has = now() !== null;
    if (has) frame.say("");
    else engine.pause();
    for (const [slot] of SLOTS) {
      const key = has ? `${get("mixture")}/${get("source")}/${nameOf(slot)}` : "";
      if (filled.get(slot) === key) continue;
      filled.set(slot, key);
      engine.replace(slot, has ? [heard(nameOf(slot))] : SILENCE);
    }
    rivalLabel.hidden = rival() === get("method");
    if (rivalLabel.hidden && get("listen") === "rival") frame.save({ listen: "estimate" });
    for (const el of [transport.el, wave.el, save.el]) el.hidden = !has;
    silent.hidden = has;
    source.value = get("source");
    drawWave();
  }
  for (const name of ["mixture", "method", "rival", "source"]) frame.onTrait(name, refresh);
  refresh();

  /** 鳴らす・止める。音がなければ、そう言う。 */
  function toggle() {
    if (now()) engine.toggle();
    else frame.say(NO_SOUND);
  }
  transport.el.append(source.el);
  return {
    engine, sounded, toggle,
    el: h("div", { class: "sst-lb-listen" }, transport.el, wave.el, silent),
    keys: [...transport.keys.map((key) => (key.keys.includes(" ") ? { ...key, run: toggle } : key)), keys],
    sound: (name) => now().raw[name].slice(),
    state: () => ({ ...transport.state(), heard: now() ? nameOf(get("listen")) : null, gain: now()?.gains[nameOf(get("listen"))] ?? null }),
  };
}
