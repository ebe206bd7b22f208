// 聴く：正解、推定、誤差（推定 − 正解）。読者の音と保存もここ。

import { AudioEngine } from "../ui/audio.js";
import { button } from "../ui/dom.js";
import { addListenChoice } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { createSource } from "../ui/source.js";
import { fitLength, mixdown } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";

const OPTIONS = [["target", "正解"], ["estimate", "推定"], ["error", "誤差（推定 − 正解）"]];
const OWN_SECONDS = 10; // 読む長さ。この中から、いちばん大きいところを使う
const USED_SECONDS = 1;
const SHORTEST = 1024; // いちばん長い窓の長さ

/** エネルギーのいちばん大きい、長さ n の区間。 */
export function loudestPart(x, n) {
  let energy = 0;
  let [best, start] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    energy += x[i] * x[i] - (i >= n ? x[i - n] * x[i - n] : 0);
    if (i >= n - 1 && energy > best) [best, start] = [energy, i - n + 1];
  }
  return x.slice(start, start + n);
}

export function createListen({ model, frame, sounds: first, onOwnSound }) {
  const sr = model.get("sr");
  let sounds = first;
  const gains = () => Object.fromEntries(OPTIONS.map(([name]) => [name, name === model.get("listen") ? 1 : 0]));
  const engine = new AudioEngine({ sr, tracks: OPTIONS.map(([name]) => ({ name, channels: [sounds[name]] })), gains: gains(), loop: model.get("loop") });
  const transport = createTransport({ engine, frame, model, onPosition: () => {} });
  const keys = addListenChoice({ frame, model, transport, options: OPTIONS, onChange: () => engine.setGains(gains()) });

  const source = createSource({
    sr, maxSeconds: OWN_SECONDS, dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound: ({ channels }) => {
      const wave = loudestPart(mixdown(channels), Math.round(USED_SECONDS * sr));
      onOwnSound(fitLength([wave], Math.max(wave.length, SHORTEST))[0]);
    },
  });
  const back = button({ label: "元の音に戻す", kind: "quiet", onClick: () => {
    onOwnSound(null);
    frame.say("部品の音に戻しました。");
  } });
  back.el.hidden = true;
  const save = saveButton({ engine, name: () => OPTIONS.find(([name]) => name === model.get("listen"))[1], say: frame.say });
  frame.tools.append(...source.buttons, back.el, save.el);
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine, el: transport.el, keys: [...transport.keys, keys],
    replace(next) {
      sounds = next;
      for (const [name] of OPTIONS) engine.replace(name, [sounds[name]]);
    },
    setOwn(own) {
      engine.rewind();
      back.el.hidden = !own;
    },
    sound: (name) => sounds[name].slice(),
    state: () => ({ ...transport.state(), listen: model.get("listen") }),
  };
}
