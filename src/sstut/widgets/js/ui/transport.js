// 再生の操作盤：再生・一時停止、時刻、くり返し、音量そろえ、メーター、キー操作、Python との同期。
//
//   const transport = createTransport({ engine, frame, model, onPosition: (秒) => … });
//   frame.body.append(transport.el);  frame.keys([...transport.keys, …]);
// engine の状態が変わるたびに画面を改める（engine.onState をつなぐ）。
// model に loop、matched、playing、position の trait があれば、それぞれの操作と同期がつく。

import { button, h, toggle } from "./dom.js";
import { formatTime } from "./format.js";

const STEP = 0.5; // 矢印キーで動く時間 [秒]

/**
 * 再生の操作盤。
 * @param {object} options engine: AudioEngine。frame: 外枠。model: anywidget のモデル。
 *   onPosition: 再生位置 [秒] が変わるたびに（鳴っている間は描画のたびに）呼ぶ。
 */
export function createTransport({ engine, frame, model, onPosition }) {
  const play = button({ label: "再生", iconName: "play", hideLabel: true, kind: "primary", onClick: () => engine.toggle() });
  const now = h("span", { class: "sst-now" });
  const total = h("span", { class: "sst-total" });
  const meter = h("div", { class: "sst-meter", "aria-hidden": "true" }, h("i"));
  const options = h("div", { class: "sst-options" });
  const el = h("div", { class: "sst-transport" },
    h("div", { class: "sst-playrow" }, play.el, h("div", { class: "sst-time" }, now, total)), meter, options);

  const has = (name) => model.get(name) !== undefined;
  const addToggle = (name, label, iconName, title, apply) => {
    if (!has(name)) return;
    const item = toggle({ label, iconName, title, pressed: model.get(name), onToggle: (on) => frame.save({ [name]: on }) });
    frame.onTrait(name, (on) => {
      item.pressed = on;
      apply?.(on);
    });
    options.append(item.el);
  };
  addToggle("loop", "くり返し", "loop", "終わりまで鳴ったら、先頭から続けて鳴らします。", (on) => { engine.loop = on; });
  if (model.get("mode") === "switch") {
    addToggle("matched", "音量をそろえる", "level", "最初の音と同じ大きさに聞こえるように、それぞれの音量を変えます。大きい音ほど良く聞こえてしまうのを防ぎます。");
  }

  let running = false;
  let saved = 0;
  function show() {
    const { position } = engine;
    now.textContent = formatTime(position);
    onPosition(position);
    const level = engine.level();
    meter.style.setProperty("--level", Math.max(0, 1 + (20 * Math.log10(level + 1e-6)) / 48).toFixed(3));
    meter.toggleAttribute("data-clip", level > 1);
    return position;
  }
  function tick() {
    running = engine.playing && !frame.signal.aborted;
    const position = show();
    if (!running) return;
    if (has("position") && Math.abs(position - saved) > 0.25) sync(position);
    requestAnimationFrame(tick);
  }
  function sync(position) {
    saved = position;
    frame.save({ position, playing: engine.playing });
  }
  function update() {
    play.el.toggleAttribute("data-playing", engine.playing);
    play.setLabel(engine.playing ? "一時停止" : "再生", engine.playing ? "pause" : "play");
    total.textContent = ` / ${formatTime(engine.duration)}`;
    if (has("position")) sync(engine.position);
    if (!running) tick();
  }
  frame.onTrait("playing", (on) => { if (on !== engine.playing) engine.toggle(); });
  frame.onTrait("position", (seconds) => { if (seconds !== saved) engine.seek(seconds); });
  engine.onState = update;
  if (model.get("position")) engine.seek(model.get("position"));
  update();

  const move = (seconds) => engine.seek(engine.position + seconds);
  return {
    el,
    keys: [
      { keys: [" "], show: "スペース", label: "再生・一時停止", run: () => engine.toggle() },
      { keys: ["ArrowLeft"], show: "←", label: `${STEP} 秒戻る`, run: () => move(-STEP) },
      { keys: ["ArrowRight"], show: "→", label: `${STEP} 秒進む`, run: () => move(STEP) },
      { keys: ["Home"], show: "Home", label: "先頭へ戻る", run: () => engine.rewind() },
    ],
    state: () => ({
      playing: engine.playing, position: engine.position, duration: engine.duration, loop: engine.loop, level: engine.level(),
      clock: engine.clock,
    }),
  };
}
