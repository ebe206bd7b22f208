// 採点の画面：基準と、名前を伏せた音の行。聴く、点を付ける、答えを見る、もう一度。
//
//   const trial = createTrial({ model, frame, referenceLabel, conditions, scale, showResults });
//   trial.el、trial.keys、trial.engine、trial.session
//   scale: 目盛りの見出しの要素。showResults: () => 答えの要素
//   trial.setRange(始め, 終わり)   聴く範囲 [サンプル]

import { peak } from "../dsp/pcm.js";
import { AudioEngine } from "../ui/audio.js";
import { button, h, liveText, slider } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { createTransport } from "../ui/transport.js";
import { createSession, letter } from "./session.js";

const REFERENCE = "reference"; // 基準の、装置の中での名前。ほかの音は A、B、…
const PEAK = 0.98; // 鳴らすときの振幅の上限
const EDGE = 0.005; // 途中で切った音の端を、なめらかにする時間 [秒]
const STEP = 5; // 矢印キー 1 回で動く点

/** 途中を切り出す。端がプツッと鳴らないように、5 ミリ秒でなめらかに消す。 */
function cut(channels, from, to, sr) {
  if (from === 0 && to === channels[0].length) return channels;
  const edge = Math.round(EDGE * sr);
  return channels.map((x) => {
    const y = x.slice(from, to);
    for (let i = 0; i < Math.min(edge, y.length / 2); i++) {
      const gain = 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / edge);
      y[i] *= gain;
      y[y.length - 1 - i] *= gain;
    }
    return y;
  });
}

/** 1 つの音の行。 */
function createRow({ index, session, describe, onPick }) {
  const name = letter(index);
  const play = button({ label: name, iconName: "play", title: `${name} を聴く（${index + 1}）`, onClick: () => onPick(index) });
  play.el.classList.add("sst-rate-play", "sst-toggle");
  const rate = (value) => session.rate(index, value);
  const score = slider({
    label: `${name} の評点`, hideLabel: true, min: 0, max: 100, step: 1, value: 50, onInput: rate,
    format: (v) => (session.rating(index) === null ? "まだ" : describe(v)),
  });
  // 真ん中のままでも点を付けられるように、押しただけ・Enter だけでも受けとる
  score.input.addEventListener("pointerup", () => rate(score.value));
  score.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    rate(score.value);
  });
  return {
    el: h("div", { class: "sst-rate-row", role: "group", "aria-label": name }, play.el, score.el),
    nudge: (step) => rate(Math.max(0, Math.min(100, score.value + step))),
    refresh({ selected, playing, locked }) {
      const rating = session.rating(index);
      score.value = rating ?? 50;
      score.input.disabled = locked;
      score.el.toggleAttribute("data-unrated", rating === null);
      play.el.setAttribute("aria-pressed", String(selected));
      play.el.toggleAttribute("data-heard", session.heard(index));
      play.setLabel(name, selected && playing ? "pause" : "play");
    },
  };
}

/**
 * 採点の画面を作る。
 * @param {object} options model、frame: 部品。reference、conditions: { name, channels } の音と、その配列。
 *   referenceLabel: 基準の見せる名前。scale: 目盛りの見出しの要素。describe: 点の見せ方。showResults: (session) => 答えの要素。
 */
export function createTrial({ model, frame, reference, conditions, referenceLabel, scale, describe = String, showResults }) {
  const get = (name) => model.get(name);
  const sr = get("sr");
  const session = createSession({ model, frame, names: conditions.map(({ name }) => name) });
  const waves = new Map(conditions.map(({ name, channels }) => [name, channels]));
  const gainOf = createGains();
  let selected = REFERENCE;
  let range = [0, reference.channels[0].length];

  /** 音ごとの倍率。どの並びでも同じになるように、名前で決めておく。 */
  function createGains() {
    const all = [reference, ...conditions];
    // 隠れ基準は基準と同じ名前なので、levelMatch には 1 度だけ渡す
    if (get("matched")) {
      const match = levelMatch([...new Map(all.map((track) => [track.name, track])).values()], sr);
      return (name) => dbToGain(match[name]);
    }
    const safe = Math.min(1, PEAK / Math.max(...all.flatMap(({ channels }) => channels.map(peak))));
    return () => safe;
  }
  const whole = () => [[REFERENCE, reference.name, reference.channels], ...session.names.map((name, i) => [letter(i), name, waves.get(name)])];
  const gains = () => Object.fromEntries(whole().map(([key, name]) => [key, key === selected ? gainOf(name) : 0]));
  const engine = new AudioEngine({ sr, gains: gains(), loop: get("loop"), tracks: whole().map(([name, , channels]) => ({ name, channels })) });
  const fill = () => whole().forEach(([key, , channels]) => engine.replace(key, cut(channels, ...range, sr)));

  const listeners = new Set();
  const transport = createTransport({ engine, frame, model, onPosition: (seconds) => listeners.forEach((f) => f(seconds)) });
  const changed = engine.onState;
  engine.onState = () => {
    changed();
    note();
  };

  function select(key) {
    selected = key;
    engine.setGains(gains());
    note();
  }
  /** 行のボタン：選んで鳴らす。鳴っている音をもう一度押すと止める。 */
  function pick(key) {
    if (key === selected) engine.toggle();
    else {
      select(key);
      if (!engine.playing) engine.play();
    }
  }
  /** 鳴っている音を、聴いた音に加える。 */
  function note() {
    const index = rows.findIndex((_, i) => letter(i) === selected);
    if (engine.playing && index >= 0) session.hear(index);
    refresh();
  }

  const base = button({ label: referenceLabel, iconName: "play", title: `${referenceLabel}を聴く（0 か R）`, onClick: () => pick(REFERENCE) });
  base.el.classList.add("sst-rate-play", "sst-toggle", "sst-rate-reference");
  const rows = conditions.map((_, index) => createRow({ index, session, describe, onPick: (i) => pick(letter(i)) }));
  const message = liveText();
  const reveal = button({ label: "答えを見る", onClick: open });
  reveal.el.classList.add("sst-rate-reveal");
  const results = h("div", { class: "sst-rate-results", tabindex: "-1", role: "group", "aria-label": "答え" });
  const again = button({ label: "もう一度（順番を変えて）", kind: "quiet", onClick: restart });

  function open() {
    if (session.missing()) return;
    frame.save({ revealed: true });
    results.focus({ preventScroll: true });
    results.scrollIntoView({ block: "nearest" });
  }
  function restart() {
    engine.pause();
    session.restart();
    selected = REFERENCE;
    fill();
    engine.rewind();
    engine.setGains(gains());
    refresh();
    base.el.focus();
  }

  let shown = null; // 答えを出している並び
  function refresh() {
    const revealed = get("revealed");
    rows.forEach((row, i) => row.refresh({ selected: letter(i) === selected, playing: engine.playing, locked: revealed }));
    base.el.setAttribute("aria-pressed", String(selected === REFERENCE));
    base.setLabel(referenceLabel, selected === REFERENCE && engine.playing ? "pause" : "play");
    const missing = session.missing();
    reveal.el.disabled = missing !== "";
    reveal.el.hidden = revealed;
    const text = revealed ? "" : missing ? `あとは：${missing}。` : "すべて済みました。点を直してから答えを見てもかまいません。";
    if (message.el.textContent !== text) message.say(text);
    results.hidden = !revealed;
    if (!revealed) {
      shown = null;
      results.replaceChildren();
    } else if (shown !== String(session.names)) {
      shown = String(session.names);
      results.replaceChildren(showResults(session), again.el);
    }
  }
  for (const name of ["ratings", "heard", "revealed"]) frame.onTrait(name, refresh);
  frame.onTrait("order", () => {
    fill();
    refresh();
  });
  frame.signal.addEventListener("abort", () => engine.dispose());
  refresh();

  const nudge = (step) => {
    const index = rows.findIndex((_, i) => letter(i) === selected);
    if (index >= 0 && !get("revealed")) rows[index].nudge(step);
  };
  return {
    engine, session,
    el: h("div", { class: "sst-trial" }, transport.el,
      h("div", { class: "sst-rate" }, h("div", { class: "sst-rate-row sst-rate-head" }, base.el, scale), ...rows.map((row) => row.el)),
      h("div", { class: "sst-rate-foot" }, reveal.el, message.el), results),
    onPosition: (f) => listeners.add(f),
    setRange(from, to) {
      range = [from, to];
      fill();
    },
    keys: [
      ...transport.keys,
      digitKeys("A、B、C…を選ぶ", (i) => { if (rows[i]) select(letter(i)); }),
      { keys: ["0", "r", "R"], show: "0 か R", label: `${referenceLabel}を選ぶ`, run: () => select(REFERENCE) },
      { keys: ["ArrowUp"], show: "↑", label: `選んだ音の点を ${STEP} 上げる`, run: () => nudge(STEP) },
      { keys: ["ArrowDown"], show: "↓", label: `選んだ音の点を ${STEP} 下げる`, run: () => nudge(-STEP) },
    ],
    handle: {
      state: () => ({
        ...transport.state(), selected, range, order: session.names, ratings: get("ratings"), heard: get("heard"),
        revealed: get("revealed"), gains: { ...engine.gains }, message: message.el.textContent,
      }),
      render: (options) => engine.render(options),
      sound: (key) => whole().find(([name]) => name === key)[2][0].slice(),
    },
  };
}
