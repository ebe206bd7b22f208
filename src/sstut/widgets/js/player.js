// 複数の音を、同時に鳴らして重ねる（mix）か、1 つずつ切りかえて聴き比べる（switch）部品。
// 状態はすべてモデル（Python の traits）にあり、画面と音はそこから作る。

import { peak } from "./dsp/pcm.js";
import { magnitude, magnitudeDb, maximum } from "./dsp/spectrogram.js";
import { stft } from "./dsp/stft.js";
import { AudioEngine } from "./ui/audio.js";
import { h, onFrame, slider, toggle } from "./ui/dom.js";
import { dbToGain, formatDb } from "./ui/format.js";
import { createFrame } from "./ui/frame.js";
import { digitKeys } from "./ui/keys.js";
import { levelMatch } from "./ui/loudness.js";
import { frequencyScale } from "./ui/scales.js";
import { saveButton } from "./ui/save.js";
import { createSource } from "./ui/source.js";
import { createSpectrogram } from "./ui/spectrogram.js";
import { mixdown, readTracks } from "./ui/tracks.js";
import { createTransport } from "./ui/transport.js";
import { createWaveform } from "./ui/waveform.js";

const OWN = "own"; // 読者が足した音の名前
const OWN_SECONDS = 30;
const N_FFT = 2048;

/** いま聞こえる音の倍率。名前 → 倍率。 */
function audibleGains(model, tracks, match) {
  const solo = model.get("solo");
  const muted = model.get("muted");
  const gain = ({ name }) => {
    if (model.get("mode") === "switch") {
      return name === model.get("selected") ? dbToGain(model.get("matched") ? match[name] : 0) : 0;
    }
    const on = solo ? name === solo : !muted.includes(name);
    return on ? dbToGain(model.get("gains")[name] ?? 0) : 0;
  };
  return Object.fromEntries(tracks.map((track) => [track.name, gain(track)]));
}

/** 聞こえる音の和（左右の平均）。length は長さ [サンプル]。 */
function audibleSum(tracks, gains, length) {
  const sum = new Float32Array(length);
  for (const { name, channels } of tracks) {
    if (!gains[name]) continue;
    const x = mixdown(channels);
    for (let i = 0; i < x.length; i++) sum[i] += gains[name] * x[i];
  }
  return sum;
}

/** 波形からスペクトログラム [dB] を作る。0 dB は、最初に描いた絵の最大値。 */
function createAnalyser(sr) {
  const references = new Map(); // "own" かどうか → 0 dB の振幅
  let S = null;
  return (x, duration, key) => {
    const hop = Math.max(256, 2 ** Math.round(Math.log2((duration * sr) / 700)));
    S = stft(x, { nFft: N_FFT, hop }, S);
    if (!references.has(key)) references.set(key, maximum(magnitude(S)) || 1);
    const values = magnitudeDb(S, { ref: references.get(key), topDb: null });
    return { values, frames: S.frames, bins: S.bins, hop, sr, duration };
  };
}

/** 音 1 つ分の行。 */
function createRow({ track, index, model, frame, engine, onChange }) {
  const { name, label, channels } = track;
  const number = h("kbd", { class: "sst-number", "aria-hidden": "true", text: index < 9 ? String(index + 1) : "" });
  const wave = createWaveform({ channels, sr: engine.sr, duration: engine.duration, onSeek: (s) => engine.seek(s), signal: frame.signal });
  const meta = h("span", { class: "sst-meta" });
  const row = h("div", { class: "sst-track", style: { "--track": `var(--sst-track-${(index % 6) + 1})` } });
  let refresh;

  if (model.get("mode") === "switch") {
    const input = h("input", { type: "radio", name: frame.group, value: name, on: { change: () => onChange({ selected: name }) } });
    row.append(h("label", { class: "sst-pick" }, input, number, h("span", { class: "sst-name", text: label })), wave.el, meta);
    refresh = (gains, match) => {
      input.checked = model.get("selected") === name;
      meta.textContent = formatDb(model.get("matched") ? Math.round(10 * match[name]) / 10 : 0);
    };
  } else {
    const solo = toggle({ label: "単独", title: `「${label}」だけを聴く`, onToggle: (on) => onChange({ solo: on ? name : "" }) });
    const mute = toggle({
      label: "消音", title: `「${label}」を消す`,
      onToggle: (on) => onChange({ muted: on ? [...model.get("muted"), name] : model.get("muted").filter((n) => n !== name) }),
    });
    const volume = slider({
      label: `「${label}」の音量`, hideLabel: true, min: -36, max: 6, step: 1, value: 0, format: formatDb,
      onInput: (db) => onChange({ gains: { ...model.get("gains"), [name]: db } }),
    });
    const group = h("div", { class: "sst-strip", role: "group", "aria-label": label },
      number, h("span", { class: "sst-name", text: label }), h("span", { class: "sst-pair" }, solo.el, mute.el), volume.el);
    row.append(group, wave.el, meta);
    refresh = () => {
      solo.pressed = model.get("solo") === name;
      mute.pressed = model.get("muted").includes(name);
      volume.value = model.get("gains")[name] ?? 0;
      meta.textContent = formatDb(volume.value);
    };
  }
  return {
    el: row, wave,
    refresh(gains, match) {
      row.toggleAttribute("data-silent", gains[name] === 0);
      refresh(gains, match);
    },
  };
}

function render({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "player" });
  const sr = model.get("sr");
  const tracks = readTracks(model);
  const isSwitch = model.get("mode") === "switch";
  const analyse = createAnalyser(sr);
  let match = isSwitch ? levelMatch(tracks, sr) : {};
  const rows = new Map();
  const pictures = new Map(); // switch では音ごとに絵を覚えておく
  let drawn = 0; // 波形を描いたときの長さ [秒]

  const engine = new AudioEngine({ sr, tracks, gains: audibleGains(model, tracks, match), loop: model.get("loop") });
  const view = createSpectrogram({ label: "いま聞こえる音のスペクトログラム", height: 216, signal: frame.signal, onSeek: (s) => engine.seek(s) });
  const transport = createTransport({
    engine, frame, model,
    onPosition: (seconds) => {
      view.setPosition(seconds);
      for (const { wave } of rows.values()) wave.setPosition(seconds);
    },
  });

  const axis = () => frequencyScale(model.get("scale"), sr / 2);
  const drawPicture = onFrame(() => {
    const gains = audibleGains(model, tracks, match);
    const { duration } = engine;
    const selected = model.get("selected");
    if (isSwitch && pictures.get(selected)?.duration === duration) {
      view.setData(pictures.get(selected), { axis: axis() });
      return;
    }
    const shown = isSwitch ? { [selected]: 1 } : gains; // 聴き比べの絵は、そろえる前の大きさで比べる
    const own = isSwitch ? selected === OWN : model.get("solo") === OWN;
    const picture = analyse(audibleSum(tracks, shown, Math.round(duration * sr)), duration, own);
    if (isSwitch) pictures.set(selected, picture);
    view.setData(picture, { axis: axis() });
  });

  /** モデルの状態を、音と画面に映す。 */
  function refresh() {
    const gains = audibleGains(model, tracks, match);
    engine.setGains(gains);
    if (engine.duration !== drawn) drawWaves();
    for (const row of rows.values()) row.refresh(gains, match);
    drawPicture();
  }
  const change = (values) => frame.save(values); // 変わった trait の知らせが refresh を呼ぶ

  const list = h("div", { class: "sst-tracks", role: isSwitch ? "radiogroup" : "group", "aria-label": isSwitch ? "聴く音" : "音" });
  function addRow(track) {
    const index = tracks.indexOf(track);
    const row = createRow({ track, index, model, frame, engine, onChange: change });
    rows.get(track.name)?.el.remove();
    rows.set(track.name, row);
    list.append(row.el);
  }

  /** 読者の音を、最後の音として加える（前に加えたものがあれば入れかえる）。 */
  function setOwn({ name, channels }) {
    const old = tracks.findIndex((track) => track.name === OWN);
    if (old >= 0) tracks.splice(old, 1);
    const track = { name: OWN, label: name, channels };
    tracks.push(track);
    engine.add(track, 0);
    if (isSwitch) match = levelMatch(tracks, sr);
    pictures.delete(OWN);
    addRow(track);
    drawn = 0;
    change(isSwitch ? { selected: OWN } : { solo: OWN, muted: model.get("muted").filter((n) => n !== OWN) });
    refresh();
  }

  /** 波形の幅を再生する長さに、高さをいちばん大きな音にそろえる。 */
  function drawWaves() {
    drawn = engine.duration;
    const largest = Math.max(1e-3, ...tracks.flatMap((track) => track.channels.map(peak)));
    for (const { name, channels } of tracks) rows.get(name).wave.set(channels, engine.duration, 0.95 / largest);
  }

  tracks.forEach(addRow);
  frame.body.append(transport.el, view.el, list);
  const source = createSource({ sr, maxSeconds: OWN_SECONDS, onSound: setOwn, dropTarget: frame.root, say: frame.say, signal: frame.signal });
  const save = saveButton({ engine, name: () => model.get("title") || "聞こえている音", say: frame.say });
  frame.tools.append(...source.buttons, save.el);

  const pick = (index, shift) => {
    const name = tracks[index]?.name;
    if (!name) return;
    if (isSwitch) change({ selected: name });
    else if (shift) change({ solo: model.get("solo") === name ? "" : name });
    else change({ muted: model.get("muted").includes(name) ? model.get("muted").filter((n) => n !== name) : [...model.get("muted"), name] });
  };
  frame.keys([
    ...transport.keys,
    digitKeys(isSwitch ? "その番号の音に切りかえる" : "その番号の音を消す・戻す（Shift と一緒なら単独）", pick),
  ]);

  for (const name of ["selected", "matched", "gains", "muted", "solo"]) frame.onTrait(name, refresh);
  frame.onTrait("scale", () => view.setLook({ axis: axis() }));
  frame.signal.addEventListener("abort", () => engine.dispose());
  refresh();

  frame.ready({
    state: () => ({
      ...transport.state(), gains: { ...engine.gains }, match: { ...match }, names: tracks.map((track) => track.name),
      ...Object.fromEntries(["mode", "selected", "matched", "muted", "solo"].map((key) => [key, model.get(key)])),
    }),
    render: (options) => engine.render(typeof options === "number" ? { seconds: options } : options),
    sound: (name) => mixdown(tracks.find((track) => track.name === name).channels),
    view,
  });
  return frame.dispose;
}

export default { render };
