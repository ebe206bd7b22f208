// 聴く範囲：基準の波形の上で、始めと終わりを選ぶ。
//
//   const range = createRange({ channels, sr, frame, onChange: (始め, 終わり) => … });   単位はサンプル
//   range.el、range.setPosition(範囲の中の秒)

import { h, slider } from "../ui/dom.js";
import { createWaveform } from "../ui/waveform.js";

const SHORTEST = 0.5; // いちばん短い範囲 [秒]

/** 範囲を選ぶ道具。onSeek は、範囲の中での位置 [秒] を受けとる。 */
export function createRange({ channels, sr, frame, onChange, onSeek }) {
  const duration = channels[0].length / sr;
  const shortest = Math.min(SHORTEST, duration);
  let [from, to] = [0, duration];
  const wave = createWaveform({ channels, sr, duration, signal: frame.signal, onSeek: (s) => onSeek(Math.max(0, Math.min(s, to) - from)) });
  const veils = [h("div", { class: "sst-range-veil" }), h("div", { class: "sst-range-veil" })];
  wave.el.append(...veils);
  const format = (v) => `${v.toFixed(1)} 秒`;
  const move = (next) => {
    [from, to] = next;
    start.value = from;
    end.value = to;
    veils[0].style.width = `${(100 * from) / duration}%`;
    veils[1].style.width = `${(100 * (duration - to)) / duration}%`;
    onChange(Math.round(from * sr), Math.min(channels[0].length, Math.round(to * sr)));
  };
  const start = slider({ label: "聴く範囲の始め", min: 0, max: duration, step: 0.1, value: 0, format, onInput: (v) => move([Math.min(v, to - shortest), to]) });
  const end = slider({ label: "終わり", min: 0, max: duration, step: "any", value: duration, format, onInput: (v) => move([from, Math.max(v, from + shortest)]) });
  return {
    el: h("div", { class: "sst-range-box" }, wave.el, h("div", { class: "sst-range-ends" }, start.el, end.el)),
    setPosition: (seconds) => wave.setPosition(from + seconds),
  };
}
