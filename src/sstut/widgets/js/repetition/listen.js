// 聴く：混合音・背景・前景を、位置を保ったまま途切れずに切りかえる。読者の音と保存もここ。
//
//   const listen = createListen({ model, frame, work, onPosition, onOwnSound });
//   listen.replace()            成分が変わった。鳴らしたまま差しかえる
//   listen.setWork(work, own)   混合音ごと替わった。own: 読者の音か

import { AudioEngine } from "../ui/audio.js";
import { choice, h } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { addOwnSound } from "../ui/own_sound.js";
import { createTransport } from "../ui/transport.js";
import { PART_NAMES, PART_TRACKS, PARTS } from "./names.js";

const OWN_SECONDS = 15; // 長い音では、つまみの動きが遅くなる
const MAX_FRAMES = 2600; // sstut.widgets.repetition.MAX_FRAMES と同じ
const SHORTEST = 2.5; // 0.8 秒以上の周期を 3 回くり返す長さ [秒]
const OPTIONS = [["mixture", "混合音"], ...Object.entries(PART_NAMES)];

const tracksOf = ({ waves }) => OPTIONS.map(([name]) => ({ name, channels: [waves[name]] }));

export function createListen({ model, frame, work: first, onPosition, onOwnSound }) {
  const sr = model.get("sr");
  let work = first;
  const engine = new AudioEngine({ sr, tracks: tracksOf(work), gains: gains(), loop: model.get("loop") });

  /** 選ばれている音の名前。両方なら混合音、どちらもなければ null。 */
  function heardName() {
    const heard = PARTS.filter((part) => model.get("audible").includes(part));
    return heard.length === PARTS.length ? "mixture" : heard[0] ?? null;
  }
  /** 選んだ音だけが聞こえる倍率。 */
  function gains() {
    const name = heardName();
    const gain = name && model.get("matched") ? dbToGain(levelMatch(tracksOf(work), sr)[name]) : 1;
    return Object.fromEntries(OPTIONS.map(([track]) => [track, track === name ? gain : 0]));
  }

  // 操作盤は mode が "switch" の部品に「音量をそろえる」を出す。この部品はいつも切りかえて聴く。
  const asSwitch = { get: (trait) => (trait === "mode" ? "switch" : model.get(trait)) };
  const transport = createTransport({ engine, frame, model: asSwitch, onPosition });
  const choose = (name) => frame.save({ audible: name === "mixture" ? PARTS : [name] });
  const pick = choice({ label: "聴く音", hideLabel: true, options: OPTIONS, value: "mixture", onChange: choose });
  pick.el.classList.add("sst-listen");
  [...pick.el.querySelectorAll("label")].forEach((item, i) => {
    item.style.setProperty("--track", `var(${PART_TRACKS[OPTIONS[i][0]] ?? "--sst-accent"})`);
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });

  const tools = addOwnSound({
    frame, engine, sr, seconds: Math.min(OWN_SECONDS, Math.floor((MAX_FRAMES * model.get("hop_length")) / sr)), shortest: 1, name: () => OPTIONS.find(([name]) => name === heardName())?.[1] ?? "無音",
    onOwnSound(wave) {
      if (wave && wave.length < SHORTEST * sr) throw new Error(`くり返しを探すには、${SHORTEST} 秒以上の音が要ります。`);
      onOwnSound(wave);
    },
  });

  function apply() {
    engine.setGains(gains());
    pick.value = heardName();
  }
  frame.onTrait("matched", apply);
  frame.onTrait("audible", apply);
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine, apply,
    el: h("div", { class: "sst-repetition-hear" }, transport.el, pick.el),
    keys: [
      ...transport.keys,
      digitKeys("混合音・背景・前景を切りかえる", (index) => { if (OPTIONS[index]) choose(OPTIONS[index][0]); }),
    ],
    replace() {
      for (const { name, channels } of tracksOf(work).slice(1)) engine.replace(name, channels);
      apply();
    },
    setWork(next, own) {
      work = next;
      engine.pause();
      for (const { name, channels } of tracksOf(work)) engine.replace(name, channels);
      engine.rewind();
      tools.show(own);
      apply();
    },
    state: () => ({ ...transport.state(), listen: heardName(), matched: model.get("matched"), gains: { ...engine.gains } }),
  };
}
