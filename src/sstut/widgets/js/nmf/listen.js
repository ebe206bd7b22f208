// 聴く：混合音と、選んだ成分の和を、位置を保ったまま途切れずに切りかえる。
//
//   const listen = createListen({ model, frame, wave, onPosition, onOwnSound });
//   listen.replace(波形)      聞こえる成分の和が変わった。鳴らしたまま差しかえる
//   listen.setMixture(波形)   混合音ごと替わった

import { AudioEngine } from "../ui/audio.js";
import { button, h, toggle } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { addOwnSound } from "../ui/own_sound.js";
import { createTransport } from "../ui/transport.js";
import { MAX_COMPONENTS, cssColor } from "./colors.js";

const OWN_SECONDS = 8; // 長い音では、くり返しが遅くなる
const ALL = Array.from({ length: MAX_COMPONENTS }, (_, k) => k + 1);

export function createListen({ model, frame, mixture, onPosition, onOwnSound }) {
  const sr = model.get("sr");
  const waves = { mixture, heard: mixture };
  const engine = new AudioEngine({ sr, tracks: tracks(), gains: gains(), loop: model.get("loop") });

  function tracks() {
    return Object.entries(waves).map(([name, wave]) => ({ name, channels: [wave] }));
  }
  function count() {
    return model.get("n_components");
  }
  /** 聞こえる成分。0 から数える。 */
  function heard() {
    const wanted = model.get("audible");
    return [...Array(count()).keys()].filter((k) => wanted.includes(k + 1));
  }
  function isAll() {
    return heard().length === count();
  }

  /** すべての成分が聞こえるなら、混合音そのものを鳴らす。 */
  function gains() {
    const gain = model.get("matched") && heard().length > 0 ? dbToGain(levelMatch(tracks(), sr).heard) : 1;
    return isAll() ? { mixture: 1, heard: 0 } : { mixture: 0, heard: gain };
  }

  // 操作盤は mode が "switch" の部品に「音量をそろえる」を出す。この部品はいつも切りかえて聴く。
  const asSwitch = { get: (trait) => (trait === "mode" ? "switch" : model.get(trait)) };
  const transport = createTransport({ engine, frame, model: asSwitch, onPosition });

  const choose = (components) => frame.save({ audible: components.length === count() ? ALL : components.map((k) => k + 1) });
  /** 成分 k を聞こえるように・聞こえないようにする。alone なら、それだけにする（もう一度なら、すべて）。 */
  function flip(k, alone = false) {
    if (k >= count()) return;
    const now = heard();
    if (alone) choose(now.length === 1 && now[0] === k ? [...Array(count()).keys()] : [k]);
    else choose(now.includes(k) ? now.filter((other) => other !== k) : [...now, k].sort((a, b) => a - b));
  }
  const everything = () => choose([...Array(count()).keys()]);
  const chips = h("div", { class: "sst-nmf-chips", role: "group", "aria-label": "聞こえる成分" });
  const all = button({ label: "すべて", title: "すべての成分を鳴らします（混合音と同じです）。", onClick: everything });
  const invert = button({ label: "逆にする", title: "聞こえる成分と、聞こえない成分を入れかえます。", onClick: () => {
    const now = heard();
    choose([...Array(count()).keys()].filter((k) => !now.includes(k)));
  } });
  let switches = [];
  function rebuild() {
    switches = Array.from({ length: count() }, (_, k) => {
      const item = toggle({ label: String(k + 1), title: `成分 ${k + 1} を、聞こえる音に加える・除く（Shift と一緒なら、これだけ）`, onToggle: () => {} });
      item.el.setAttribute("aria-label", `成分 ${k + 1}`);
      item.el.addEventListener("click", (event) => flip(k, event.shiftKey));
      item.el.style.setProperty("--track", cssColor(k));
      return item;
    });
    chips.replaceChildren(h("span", { class: "sst-label", "aria-hidden": "true", text: "聞こえる成分" }), ...switches.map(({ el }) => el), all.el, invert.el);
  }

  function apply() {
    if (switches.length !== count()) rebuild();
    engine.setGains(gains());
    const now = heard();
    switches.forEach((item, k) => { item.pressed = now.includes(k); });
  }
  const name = () => (isAll() ? "混合音" : `成分 ${heard().map((k) => k + 1).join("＋") || "なし"}`);
  const own = addOwnSound({ frame, engine, sr, seconds: OWN_SECONDS, shortest: model.get("stft").n_fft, name, onOwnSound });
  frame.onTrait("matched", apply);
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine, apply, heard, isAll, flip, choose,
    el: h("div", { class: "sst-nmf-top" }, transport.el, chips),
    keys: [
      ...transport.keys,
      digitKeys("成分を、聞こえる音に加える・除く（Shift と一緒なら、それだけ）", flip),
      { keys: ["0"], show: "0", label: "すべての成分を鳴らす", run: everything },
    ],
    replace(wave) {
      waves.heard = wave;
      engine.replace("heard", [wave]);
      apply();
    },
    setMixture(wave, isOwn) {
      Object.assign(waves, { mixture: wave, heard: wave });
      engine.pause();
      for (const { name: track, channels } of tracks()) engine.replace(track, channels);
      engine.rewind();
      own.show(isOwn);
    },
    state: () => ({ ...transport.state(), heard: heard().map((k) => k + 1), matched: model.get("matched"), gains: { ...engine.gains } }),
  };
}
