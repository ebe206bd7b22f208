// 回る矢印と正弦波、2 本の矢印の和、フレームごとの位相、位相の敏感さを見て聴く部品。

import { phaseAdvance, princarg } from "../dsp/phase.js";
import { AudioEngine } from "../ui/audio.js";
import { button, choice, h, onFrame, slider, toggle } from "../ui/dom.js";
import { formatDb, formatHz } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { digitKeys } from "../ui/keys.js";
import { createChart, legend } from "../ui/chart.js";
import { factList, panel, tryThis } from "../ui/parts.js";
import { createDials } from "./dials.js";
import { COLORS, createPlane, PERIODS } from "./plane.js";
import { degrees, framePhases, radians, tones, vectorSum } from "./tone.js";

const LISTEN = [["first", "矢印 1"], ["second", "矢印 2"], ["sum", "和"]];
const SPEED = 0.35; // 見やすいように、1 秒に回す回数
const FRAMES = 8; // 向きを見せるフレームの数
const HOPS = [64, 128, 256, 512, 1024, 2048];
const LOWEST = 20; // いちばん低い周波数 [Hz]
const SENSITIVE = [100, 440, 1000, 3000, 7000]; // 遅れの効き方を比べる周波数 [Hz]

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderPhasor({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "phase" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const highest = Math.ceil(sr / 2) - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const timing = []; // 値が変わってから、絵と音ができるまで [ミリ秒]

  const values = () => Object.fromEntries(["frequency", "phase", "second", "ratio", "offset"].map((name) => [name, get(name)]));
  const heard = () => (get("second") ? get("listen") : "first");
  const gains = () => Object.fromEntries(LISTEN.map(([name]) => [name, name === heard() ? 1 : 0]));
  let sounds = tones({ ...values(), sr });
  const engine = new AudioEngine({ sr, gains: gains(), loop: true, tracks: LISTEN.map(([name]) => ({ name, channels: [sounds[name]] })) });
  frame.signal.addEventListener("abort", () => engine.dispose());

  // 回す
  let turns = 0; // 時刻 [周期]
  let spinning = !calm.matches;
  let visible = false;
  let last = 0;
  let pending = 0;
  const plane = createPlane({ most: 250, signal: frame.signal, onDrag: drag, onDragEnd: () => { held = false; spin(); } });
  let held = false; // 矢印を引いている間は回さない

  function tick(now) {
    pending = 0;
    if (!spinning || !visible || held || frame.signal.aborted) return;
    turns = (turns + SPEED * Math.min(0.1, (now - last) / 1000)) % PERIODS;
    last = now;
    showTime();
    pending = requestAnimationFrame(tick);
  }
  function spin() {
    if (pending || !spinning || !visible || held) return;
    last = performance.now();
    pending = requestAnimationFrame(tick);
  }
  function showTime() {
    plane.turn(turns);
    time.value = turns;
  }
  function setSpinning(on) {
    spinning = on;
    rotate.pressed = on;
    spin();
  }
  const watcher = new IntersectionObserver(([entry]) => {
    visible = entry.isIntersecting;
    spin();
  });
  watcher.observe(plane.el);
  calm.addEventListener("change", () => setSpinning(!calm.matches), { signal: frame.signal });
  frame.signal.addEventListener("abort", () => {
    watcher.disconnect();
    cancelAnimationFrame(pending);
  });

  function drag(which, { angle, length }) {
    held = true;
    if (which === "first") setPhase(angle);
    else frame.save({ offset: princarg(angle - get("phase")), ratio: Math.min(1, Math.max(0, Math.round(100 * length) / 100)) });
  }
  const clampFrequency = (hz) => Math.max(LOWEST, Math.min(highest, Math.round(hz)));
  const setFrequency = (hz) => frame.save({ frequency: clampFrequency(hz) });
  const setPhase = (phase) => frame.save({ phase: princarg(phase) });

  // 聴く
  const play = button({ label: "再生", iconName: "play", hideLabel: true, kind: "primary", onClick: () => engine.toggle() });
  engine.onState = () => play.setLabel(engine.playing ? "一時停止" : "再生", engine.playing ? "pause" : "play");
  const pick = choice({ label: "聴く音", hideLabel: true, options: LISTEN, value: heard(), onChange: (listen) => frame.save({ listen }) });
  pick.el.classList.add("sst-phase-listen");
  [...pick.el.querySelectorAll("label")].forEach((item, i) => {
    item.style.setProperty("--track", `var(${COLORS[LISTEN[i][0]]})`);
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });

  // 操作
  const rotate = toggle({ label: "矢印を回す", iconName: "loop", pressed: spinning, title: "見やすいように、実際よりずっと遅く回します。", onToggle: setSpinning });
  const time = slider({
    label: "時刻", min: 0, max: PERIODS, step: 0.005, value: 0, format: (u) => `${((1000 * u) / get("frequency")).toFixed(2)} ミリ秒（${u.toFixed(2)} 周期）`,
    onInput: (u) => {
      turns = u;
      setSpinning(false);
      plane.turn(u);
    },
  });
  const toUnit = (hz) => Math.log(hz / LOWEST) / Math.log(highest / LOWEST);
  const frequency = slider({
    label: "周波数 f", min: 0, max: 1, step: 0.002, value: toUnit(get("frequency")), format: () => formatHz(get("frequency")),
    onInput: (u) => setFrequency(LOWEST * (highest / LOWEST) ** u),
  });
  const nudge = (hz) => button({ label: `${hz > 0 ? "+" : "−"}1 Hz`, title: `周波数を 1 Hz ${hz > 0 ? "上げます" : "下げます"}。`, onClick: () => setFrequency(get("frequency") + hz) }).el;
  const angleSlider = (label, name) => slider({
    label, min: -180, max: 180, step: 1, value: (180 * get(name)) / Math.PI, format: (v) => `${String(v).replace("-", "−")}°（${(v / 180).toFixed(2).replace("-", "−")} π）`,
    onInput: (v) => frame.save({ [name]: (Math.PI * v) / 180 }),
  });
  const phase = angleSlider("初期位相 φ", "phase");
  const second = toggle({ label: "2 本目の矢印を足す", pressed: get("second"), onToggle: (on) => frame.save(on ? { second: on, listen: "sum" } : { second: on }) });
  const ratio = slider({ label: "2 本目の振幅（1 本目を 1 とする）", min: 0, max: 1, step: 0.01, value: get("ratio"), format: (v) => v.toFixed(2), onInput: (v) => frame.save({ ratio: v }) });
  const offset = angleSlider("2 本目の位相のずれ", "offset");
  const hop = slider({
    label: "ホップ長 H", steps: [...new Set([...HOPS, get("hop_length")])].sort((a, b) => a - b), value: get("hop_length"),
    format: (n) => `${n} サンプル（${((1000 * n) / sr).toFixed(1)} ミリ秒）`, onInput: (n) => frame.save({ hop_length: n }),
  });
  const shift = slider({
    label: "音を遅らせる長さ", min: 0, max: 10, step: 1, value: get("shift"), format: (n) => `${n} サンプル（${((1000 * n) / sr).toFixed(2)} ミリ秒）`,
    onInput: (n) => frame.save({ shift: n }),
  });

  // 数と図
  const single = factList(["周期 1 / f", "初期位相 φ", "時間にすると φ / 2πf"]);
  const added = factList(["和の振幅", "1 本目と比べて", "聞こえ方"]);
  const pair = h("div", { class: "sst-second" }, h("div", { class: "sst-columns" }, ratio.el, offset.el), added.el);
  const hopFacts = factList(["1 ホップで進む角度", "(−π, π] に折りたたむと", "f を 1 Hz 上げると", "f を 1 % 上げると"]);
  const dials = createDials(FRAMES, COLORS.frame);
  const strip = createChart({ label: "波形とフレームの先頭", height: 130, signal: frame.signal, x: { min: 0, max: 1, ticks: [], label: "サンプル" }, y: { min: -1.1, max: 1.1, ticks: [0] } });
  const wide = createChart({ label: "広げた位相", height: 160, signal: frame.signal, x: { min: 0, max: FRAMES - 1, ticks: [0, 2, 4, 6], label: "フレーム" }, y: { min: 0, max: 1, ticks: [0, 1], label: "回転" } });
  const folded = createChart({ label: "折りたたんだ位相", height: 160, signal: frame.signal, x: { min: 0, max: FRAMES - 1, ticks: [0, 2, 4, 6], label: "フレーム" }, y: { min: -Math.PI, max: Math.PI, ticks: [-Math.PI, 0, Math.PI], format: (v) => (v === 0 ? "0" : v < 0 ? "-π" : "π"), label: "rad" } });
  const sensitive = SENSITIVE.filter((hz) => hz < sr / 2);
  const delays = createDials(sensitive.length, COLORS.first);

  function drawArrows() {
    const v = values();
    plane.set(v);
    const lead = v.phase / (2 * Math.PI * v.frequency);
    const how = Math.abs(lead) < 1e-9 ? "ずれなし" : `${(1000 * Math.abs(lead)).toFixed(2)} ミリ秒の${lead > 0 ? "進み" : "遅れ"}`;
    single.show(`${(1000 / v.frequency).toFixed(2)} ミリ秒`, `${degrees(v.phase)}（${radians(v.phase)}）`, how);
    const sum = vectorSum(v.ratio, v.offset);
    const db = 20 * Math.log10(sum.length);
    added.show(sum.length.toFixed(2), sum.length < 0.005 ? "−∞ dB" : formatDb(db), sum.length < 0.005 ? "打ち消しあって消える" : db > 0.5 ? "強めあう" : db < -0.5 ? "弱めあう" : "ほぼ同じ");
    plane.describe(`複素平面の回る矢印と正弦波。${formatHz(v.frequency)}、初期位相 ${degrees(v.phase)}。${v.second ? `2 本の和の振幅 ${sum.length.toFixed(2)}` : ""}`);
    pair.hidden = !v.second;
    pick.el.hidden = !v.second;
  }

  function drawHops() {
    const v = values();
    const n = get("hop_length");
    const advance = phaseAdvance(v.frequency, n, sr);
    const perHz = phaseAdvance(1, n, sr);
    const percent = 0.01 * advance;
    const shown = [
      `${advance.toFixed(2)} rad（${(advance / (2 * Math.PI)).toFixed(2)} 回転）`, `${radians(princarg(advance))}（${degrees(princarg(advance))}）`,
      `${radians(perHz)}（${degrees(perHz)}）`, percent >= 2 * Math.PI ? `${degrees(percent)}（1 周を超える）` : `${radians(percent)}（${degrees(percent)}）`,
    ];
    hopFacts.show(...shown.map((words) => words.replaceAll(" ", "\u00a0"))); // 狭い画面で、数と単位の間で折らない
    const { unwrapped, wrapped } = framePhases({ frequency: v.frequency, phase: v.phase, hop: n, sr, count: FRAMES });
    dials.show(wrapped.map((angle, m) => ({ angle, name: String(m), value: degrees(angle) })));

    const hops = 4;
    const cycles = (hops * n * v.frequency) / sr;
    const dense = cycles > 150; // 細かすぎて見分けられないので、帯として描く
    const count = dense ? 1200 : Math.max(200, Math.ceil(24 * cycles));
    const xs = Array.from({ length: count + 1 }, (_, i) => (hops * n * i) / count);
    const at = (x) => Math.sin((2 * Math.PI * v.frequency * x) / sr + v.phase);
    const starts = Array.from({ length: hops + 1 }, (_, m) => m * n);
    strip.setAxes({ x: { min: 0, max: hops * n, ticks: starts, label: "サンプル" } });
    strip.draw([
      { kind: "line", xs, ys: xs.map((x, i) => (dense ? (i % 2 ? 1 : -1) : at(x))), color: COLORS.first, width: 1.4, faint: 0.65 },
      { kind: "dots", xs: starts, ys: starts.map(at), color: COLORS.frame, width: 9 },
    ]);
    const frames = unwrapped.map((_, m) => m);
    const rotations = unwrapped.map((angle) => angle / (2 * Math.PI));
    const top = rotations.at(-1);
    const step = 10 ** Math.floor(Math.log10(Math.max(top, 0.1)));
    const unit = [0.2, 0.5, 1, 2, 5].map((m) => m * step).find((s) => top / s <= 5);
    const low = Math.min(0, rotations[0]);
    const ticks = Array.from({ length: Math.floor(top / unit) + 1 }, (_, i) => Number((i * unit).toPrecision(6)));
    wide.setAxes({ y: { min: low, max: Math.max(top, unit), ticks, label: "回転" } });
    wide.draw([{ kind: "line", xs: frames, ys: rotations, color: COLORS.frame, width: 1.6, faint: 0.5 }, { kind: "dots", xs: frames, ys: rotations, color: COLORS.frame, width: 7 }]);
    folded.draw([{ kind: "line", xs: frames, ys: wrapped, color: COLORS.frame, width: 1.2, dash: "3 4", faint: 0.6 }, { kind: "dots", xs: frames, ys: wrapped, color: COLORS.frame, width: 7 }]);
  }

  function drawDelays() {
    const turned = sensitive.map((hz) => -phaseAdvance(hz, get("shift"), sr));
    delays.show(turned.map((angle, i) => ({ angle, from: 0, name: formatHz(sensitive[i]).replace(".00", ""), value: degrees(princarg(angle)) })));
  }

  function makeSound() {
    sounds = tones({ ...values(), sr });
    for (const [name] of LISTEN) engine.replace(name, [sounds[name]]);
  }

  const wanted = new Set(["arrows", "hops", "delays"]);
  let asked = null;
  const work = { arrows: drawArrows, hops: drawHops, delays: drawDelays, sound: makeSound };
  const update = onFrame(() => {
    for (const name of wanted) work[name]();
    wanted.clear();
    if (asked !== null) timing.push(performance.now() - asked);
    if (timing.length > 200) timing.shift();
    asked = null;
  });
  function request(...names) {
    asked ??= performance.now();
    names.forEach((name) => wanted.add(name));
    update();
  }
  const follow = (name, control, toValue, ...names) => frame.onTrait(name, (value) => {
    control.value = toValue(value);
    request(...names);
  });
  const toDegrees = (v) => Math.round((180 * v) / Math.PI);
  follow("frequency", frequency, toUnit, "arrows", "hops", "sound");
  frame.onTrait("frequency", () => showTime());
  follow("phase", phase, toDegrees, "arrows", "hops", "sound");
  follow("ratio", ratio, (v) => v, "arrows", "sound");
  follow("offset", offset, toDegrees, "arrows", "sound");
  follow("hop_length", hop, (v) => v, "hops");
  follow("shift", shift, (v) => v, "delays");
  const refreshListen = () => {
    pick.value = heard();
    engine.setGains(gains());
  };
  frame.onTrait("listen", refreshListen);
  frame.onTrait("second", (on) => {
    second.pressed = on;
    refreshListen();
    request("arrows");
  });

  frame.body.append(
    tryThis("矢印の先をつまんで回し、波形がどちらへ動くかを見ましょう。次に 2 本目を足し、位相のずれを 180° にします。"),
    h("div", { class: "sst-phasor-top" }, play.el, pick.el, rotate.el),
    plane.el, time.el,
    h("div", { class: "sst-columns" }, h("div", { class: "sst-freq" }, frequency.el, h("div", { class: "sst-steps", role: "group", "aria-label": "周波数を少し変える" }, nudge(-1), nudge(1))), phase.el),
    single.el,
    panel("2 つの波の和", h("div", {}, second.el), pair),
    panel("フレームごとの位相", hop.el, strip.el, legend([{ color: COLORS.first, label: "波形" }, { color: COLORS.frame, label: "フレームの先頭（H サンプルおき）" }]),
      h("p", { class: "sst-help", text: `フレーム 0〜${FRAMES - 1} の先頭での、矢印の向き` }), dials.el, hopFacts.el, h("div", { class: "sst-columns" }, panel("広げた位相", wide.el), panel("折りたたんだ位相", folded.el))),
    panel("位相は、わずかな遅れにも敏感", shift.el, delays.el,
      h("p", { class: "sst-help", text: "同じ時間の遅れでも、高い周波数ほど位相は大きく変わります。" })),
  );
  const turn = (degree) => setPhase(get("phase") + (degree * Math.PI) / 180);
  frame.keys([
    { keys: [" "], show: "スペース", label: "再生・一時停止", run: () => engine.toggle() },
    { keys: ["ArrowLeft"], show: "←", label: "φ を 5° 減らす", run: () => turn(-5) },
    { keys: ["ArrowRight"], show: "→", label: "φ を 5° 増やす", run: () => turn(5) },
    { keys: ["ArrowUp"], show: "↑", label: "f を 1 Hz 上げる", run: () => setFrequency(get("frequency") + 1) },
    { keys: ["ArrowDown"], show: "↓", label: "f を 1 Hz 下げる", run: () => setFrequency(get("frequency") - 1) },
    { keys: ["m", "M"], show: "M", label: "矢印を回す・止める", run: () => setSpinning(!spinning) },
    digitKeys("聴く音を選ぶ（2 本目があるとき）", (i) => { if (get("second") && LISTEN[i]) frame.save({ listen: LISTEN[i][0] }); }),
  ]);
  request();
  frame.ready({
    timing,
    state: () => ({ ...values(), hop: get("hop_length"), shift: get("shift"), listen: heard(), playing: engine.playing, level: engine.level(), spinning, animating: pending !== 0, turns, clock: engine.clock }),
    render: (options) => engine.render(options),
    sound: (name) => sounds[name],
  });
  return frame.dispose;
}
