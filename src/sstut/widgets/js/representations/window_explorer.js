// 窓の形とスペクトル、正弦波の漏れ、窓の重なりを見て聴く部品。

import { overlapAdd, istft, stft } from "../dsp/stft.js";
import { getWindow, isNola, overlapSum } from "../dsp/windows.js";
import { AudioEngine } from "../ui/audio.js";
import { h, liveText, onFrame, select, slider, toggle } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { createTransport } from "../ui/transport.js";
import { createChart, legend } from "../ui/chart.js";
import { addListenChoice, factList, panel, stopwatch, tryThis } from "../ui/parts.js";
import { highestSideLobe, mainLobe, spectrumDb, windowLabel, windowOptions } from "./windows.js";

const A = "--sst-track-1";
const B = "--sst-track-4";
const LENGTH = 256; // 形と漏れの図の窓長 [サンプル]
const FINE = 8; // 1 ビンを何点で描くか
const LONG = 1024; // 重なりを見る窓長 [サンプル]
const SECONDS = 4;
const WEAK = { bin: 34, level: -60 }; // 漏れに隠れる弱い音：周波数 [ビン] と、強い音から見たレベル [dB]
const LISTEN = [["original", "もとの音"], ["added", "足すだけ"], ["divided", "割り算あり"]];
const HOPS = [...Array.from({ length: 20 }, (_, i) => 64 * (i + 1)), 341, 683].sort((a, b) => a - b);
const DB = { ticks: [-120, -90, -60, -30, 0], min: -120, max: 6, label: "dB" };

/** 続けて鳴る音。倍音があるので、音量の波打ちが聞きとりやすい。 */
function steadyTone(sr) {
  const x = new Float32Array(SECONDS * sr);
  for (let k = 1; k <= 5; k++) for (let i = 0; i < x.length; i++) x[i] += (0.24 / k) * Math.sin((2 * Math.PI * 220 * k * i) / sr);
  return x;
}

/** frequency [ビン] の正弦波に窓を掛けたスペクトル [dB]。0 dB は、ビンの上の正弦波の山の高さ。 */
function toneSpectrum(name, frequency, weak, fine) {
  const w = getWindow(name, LENGTH);
  const total = w.reduce((a, b) => a + b, 0) / 2;
  const tone = (bin, amplitude, n) => amplitude * Math.cos((2 * Math.PI * bin * n) / LENGTH);
  const x = w.map((v, n) => v * (tone(frequency, 1, n) + (weak ? tone(WEAK.bin, 10 ** (WEAK.level / 20), n) : 0)));
  return spectrumDb(x, LENGTH * fine, total);
}

/** 強い音から 5 ビン以上離れたところへ漏れた、いちばん大きい値 [dB]。 */
function leak(levels, frequency) {
  return levels.reduce((worst, v, k) => (Math.abs(k - frequency) >= 5 ? Math.max(worst, v) : worst), -200);
}

const number = (v) => v.toFixed(0).replace("-", "−");

/** 窓の形・スペクトル・漏れの図。 */
function createShapes(signal) {
  const bins = { min: -8, max: 8, ticks: [-8, -4, 0, 4, 8], label: "周波数 [ビン = fs / L]" };
  const shape = createChart({ label: "窓の形", height: 170, signal, x: { min: 0, max: LENGTH, ticks: [0, LENGTH / 2, LENGTH], format: (v) => ({ 0: "0", 128: "L/2", 256: "L" })[v], label: "サンプル" }, y: { min: 0, max: 1.05, ticks: [0, 0.5, 1] } });
  const spectrum = createChart({ label: "窓のスペクトル", height: 170, signal, x: bins, y: DB });
  const leakage = createChart({ label: "正弦波のスペクトル", height: 190, signal, x: { min: 0, max: 48, ticks: [0, 8, 16, 24, 32, 40, 48], label: "周波数ビンの番号" }, y: DB });
  return {
    shape, spectrum, leakage,
    draw({ window, compare, frequency, weak }) {
      const both = [[compare, B], [window, A]]; // 主役の A を上に描く
      const n = Array.from({ length: LENGTH + 1 }, (_, i) => i);
      shape.draw(both.map(([name, color]) => {
        const w = getWindow(name, LENGTH);
        // 矩形窓の両端が立ち上がって見えるように、窓の外の 0 も描く
        return { kind: "line", xs: [0, ...n, LENGTH], ys: [0, ...n.map((i) => w[i % LENGTH]), 0], color, width: 2 };
      }));
      const fine = 32;
      const around = Array.from({ length: 16 * fine + 1 }, (_, i) => i - 8 * fine);
      spectrum.draw(both.map(([name, color]) => {
        const w = getWindow(name, LENGTH);
        const level = spectrumDb(w, LENGTH * fine, w.reduce((a, b) => a + b, 0));
        return { kind: "line", xs: around.map((i) => i / fine), ys: around.map((i) => level[Math.abs(i)]), color, width: 1.8 };
      }));
      const levels = both.map(([name]) => toneSpectrum(name, frequency, weak, 1));
      leakage.draw(both.flatMap(([name, color], i) => {
        const curve = toneSpectrum(name, frequency, weak, FINE).subarray(0, 48 * FINE + 1);
        return [
          { kind: "line", xs: Array.from(curve, (_, k) => k / FINE), ys: curve, color, width: 1, faint: 0.4 },
          { kind: "dots", xs: Array.from({ length: 49 }, (_, k) => k), ys: levels[i].subarray(0, 49), color, width: 6 },
        ];
      }));
      return both.map(([, color], i) => ({ color, leak: leak(toneSpectrum(both[i][0], frequency, false, 1), frequency) })).reverse();
    },
  };
}

/** 窓の重なりの図。 */
function createOverlap(signal) {
  const span = 2 * LONG;
  const chart = createChart({ label: "窓の重なりの和", height: 190, signal, x: { min: 0, max: span, ticks: [0, 512, 1024, 1536, 2048], label: "サンプル" }, y: { min: 0, max: 2, ticks: [0, 1, 2] } });
  return {
    chart,
    draw(name, hop) {
      const w = getWindow(name, LONG);
      const sum = overlapSum(w, hop);
      const squared = overlapSum(w, hop, 2);
      const top = Math.max(1.2, 1.08 * sum.reduce((a, b) => Math.max(a, b), 0));
      chart.setAxes({ y: { min: 0, max: top, ticks: top > 6 ? [0, 4, 8, 12, 16].filter((v) => v < top) : [0, 1, 2, 3, 4, 5].filter((v) => v < top) } });
      const step = 4;
      const xs = Array.from({ length: span / step + 1 }, (_, i) => i * step);
      const first = -Math.ceil(LONG / hop);
      const windows = Array.from({ length: Math.ceil(span / hop) - first }, (_, i) => (first + i) * hop).filter((start) => start > -LONG && start < span);
      chart.draw([
        ...windows.map((start) => {
          const n = Array.from({ length: LONG / 8 + 1 }, (_, i) => 8 * i).filter((i) => start + i >= 0 && start + i <= span);
          return { kind: "line", xs: n.map((i) => start + i), ys: n.map((i) => w[i % LONG] * (i === LONG && name !== "boxcar" ? 0 : 1)), color: "--sst-edge", width: 1.3 };
        }),
        { kind: "line", xs, ys: xs.map((v) => squared[v % hop]), color: "--sst-track-3", width: 2, dash: "5 4" },
        { kind: "line", xs, ys: xs.map((v) => sum[v % hop]), color: A, width: 2.4 },
      ]);
      const [low, high] = [Math.min(...sum), Math.max(...sum)];
      return { ripple: (high - low) / (sum.reduce((a, b) => a + b, 0) / hop), nola: isNola(name, LONG, hop) && hop <= LONG };
    },
  };
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderWindow({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "representations" });
  const sr = model.get("sr");
  const watch = stopwatch();
  const x = steadyTone(sr);
  const tracks = { original: x, added: new Float32Array(x.length), divided: new Float32Array(x.length) };
  let S = null;
  let applied = null;

  const gains = () => Object.fromEntries(LISTEN.map(([name]) => [name, name === model.get("listen") ? 1 : 0]));
  const engine = new AudioEngine({
    sr, gains: gains(), loop: model.get("loop"),
    tracks: LISTEN.map(([name]) => ({ name, channels: [tracks[name]] })),
  });
  const transport = createTransport({ engine, frame, model, onPosition: () => {} });
  const shapes = createShapes(frame.signal);
  const overlap = createOverlap(frame.signal);
  const message = liveText();
  const lobes = h("div", { class: "sst-table-box" });
  const verdict = factList(["足すだけ（COLA）", "割り算（NOLA）", "1 秒に波打つ回数"]);

  const save = (name) => (value) => frame.save({ [name]: value });
  const window = select({ label: "窓 A", options: windowOptions, value: model.get("window"), onChange: save("window") });
  const compare = select({ label: "窓 B（比べる相手）", options: windowOptions, value: model.get("compare"), onChange: save("compare") });
  window.el.style.setProperty("--track", `var(${A})`);
  compare.el.style.setProperty("--track", `var(${B})`);
  const frequency = slider({ label: "正弦波の周波数", min: 18, max: 22, step: 0.05, value: model.get("frequency"), format: (v) => `${v.toFixed(2)} ビン${Number.isInteger(v) ? "（ビンの上）" : ""}`, onInput: save("frequency") });
  const weak = toggle({ label: `${WEAK.bin} ビンに ${number(WEAK.level)} dB の弱い音を加える`, pressed: model.get("weak"), onToggle: save("weak") });
  const hop = slider({ label: `ホップ長（窓長 ${LONG}）`, steps: [...new Set([...HOPS, model.get("hop_length")])].sort((a, b) => a - b), value: model.get("hop_length"), format: (v) => `${v} サンプル（${v <= LONG ? `重なり ${Math.round(100 * (1 - v / LONG))} %` : "窓より長い"}）`, onInput: save("hop_length") });

  function drawShapes() {
    const [a, b] = shapes.draw({ window: model.get("window"), compare: model.get("compare"), frequency: model.get("frequency"), weak: model.get("weak") });
    const row = (name, key, level) => h("tr", {},
      h("th", { scope: "row" }, h("span", { class: "sst-dot", style: { background: `var(${key})` }, "aria-hidden": "true" }), windowLabel(name)),
      h("td", { text: `${mainLobe(name)} × fs / L` }), h("td", { text: `${number(highestSideLobe(name))} dB` }), h("td", { text: level < -119 ? "なし" : `${number(level)} dB` }));
    const head = h("tr", {}, h("th", { scope: "col", text: "窓" }), h("th", { scope: "col", text: "主ローブの幅" }), h("th", { scope: "col", text: "サイドローブの最大" }), h("th", { scope: "col", text: "5 ビン以上先への漏れ" }));
    lobes.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, row(model.get("window"), A, a.leak), row(model.get("compare"), B, b.leak))));
  }

  /** 重なりの図と音。ホップ長が窓より長ければ、音は前のままにする。 */
  function drawOverlap() {
    const [name, n] = [model.get("window"), model.get("hop_length")];
    const { ripple, nola } = overlap.draw(name, n);
    const cola = ripple < 1e-9;
    const percent = 100 * ripple;
    verdict.show(cola ? "○ 和が一定" : `× 波打ち ${percent < 1 ? percent.toFixed(2) : percent.toFixed(0)} %`, nola ? "○ 戻せる" : "× 戻せない", cola ? "—" : `${(sr / n).toFixed(0)} 回`);
    message.say(nola ? "" : `${windowLabel(name)}をホップ長 ${n} で並べると、窓の重なりが 0 になる時刻があります（NOLA が成り立ちません）。ホップ長を短くしてください。（音は、前の設定のままです。）`, nola ? "info" : "error");
    if (!nola) return;
    S = stft(x, { nFft: LONG, hop: n, window: name }, S);
    overlapAdd(S, { out: tracks.added });
    istft(S, { out: tracks.divided });
    applied = { window: name, hop: n };
    for (const key of ["added", "divided"]) engine.replace(key, [tracks[key]]);
  }

  const wanted = new Set(["shapes", "overlap"]);
  const update = onFrame(() => {
    if (wanted.has("shapes")) drawShapes();
    if (wanted.has("overlap")) drawOverlap();
    wanted.clear();
    watch.end({});
  });
  const request = (...what) => {
    watch.begin();
    what.forEach((item) => wanted.add(item));
    update();
  };
  const follow = (name, control, key, ...what) => frame.onTrait(name, (value) => {
    control[key] = value;
    request(...what);
  });
  follow("window", window, "value", "shapes", "overlap");
  follow("compare", compare, "value", "shapes");
  follow("frequency", frequency, "value", "shapes");
  follow("weak", weak, "pressed", "shapes");
  follow("hop_length", hop, "value", "overlap");
  const listenKeys = addListenChoice({ frame, model, transport, label: "聴く音（220 Hz の続く音）", options: LISTEN, onChange: () => engine.setGains(gains()) });
  frame.signal.addEventListener("abort", () => engine.dispose());

  frame.body.append(
    tryThis("正弦波の周波数を 20 ビンから 20.5 ビンへ動かして、漏れの広がり方を窓どうしで比べましょう。次に、ホップ長を変えて「足すだけ」の音を聴きましょう。"),
    h("div", { class: "sst-columns" }, window.el, compare.el),
    h("div", { class: "sst-columns" }, panel("窓の形", shapes.shape.el), panel("窓のスペクトル", shapes.spectrum.el)),
    lobes,
    panel("漏れ：1 本の正弦波がどう見えるか", frequency.el, shapes.leakage.el, weak.el),
    panel("重なり：窓 A をずらして足すと平らになるか", hop.el, overlap.chart.el,
      legend([{ color: "--sst-edge", label: "窓" }, { color: A, label: "窓の和" }, { color: "--sst-track-3", dash: "5 4", label: "窓の 2 乗の和" }]), verdict.el, message.el, transport.el),
  );
  frame.keys([...transport.keys, listenKeys]);
  request("shapes", "overlap");
  frame.ready({
    timing: watch.list,
    state: () => ({ ...transport.state(), applied, message: message.el.textContent }),
    render: (options) => engine.render(options),
    sound: (name) => tracks[name],
  });
  return frame.dispose;
}
