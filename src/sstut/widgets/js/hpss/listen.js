// 聴く：混合音と成分を、位置を保ったまま途切れずに切りかえ、足し合わせる。読者の音と保存もここ。
//
//   const listen = createListen({ model, frame, work, onPosition, onOwnSound });
//   listen.replace(work)        成分が変わった。鳴らしたまま差しかえる
//   listen.setWork(work, own)   混合音ごと替わった。own: 読者の音か

import { AudioEngine } from "../ui/audio.js";
import { button, choice, h, toggle } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { saveButton } from "../ui/save.js";
import { createSource } from "../ui/source.js";
import { fitLength, mixdown } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { PART_NAMES, PART_TRACKS } from "./colors.js";

const PARTS = Object.keys(PART_NAMES);
const OWN_SECONDS = 8; // 長い音では、つまみの動きが遅くなる
const SHORTEST = 4096; // いちばん長い窓の長さ
const OPTIONS = [["mixture", "混合音"], ...Object.entries(PART_NAMES)];

/** 部品が鳴らす音。 */
function tracksOf({ waves }) {
  return OPTIONS.map(([name]) => ({ name, channels: [waves[name]] }));
}

/** 足し合わせた波形。 */
function sumOf(parts, { waves }) {
  const sum = new Float32Array(waves.mixture.length);
  for (const part of parts) for (let i = 0; i < sum.length; i++) sum[i] += waves[part][i];
  return sum;
}

export function createListen({ model, frame, work: first, onPosition, onOwnSound }) {
  const sr = model.get("sr");
  let work = first;
  const engine = new AudioEngine({ sr, tracks: tracksOf(work), gains: gains(), loop: model.get("loop") });

  /** 聞こえる成分。残りがなくなり、ほかに何も選ばれていなければ、すべて。 */
  function heardParts() {
    const wanted = model.get("audible");
    const heard = work.parts.filter((part) => wanted.includes(part));
    return heard.length === 0 && wanted.length > 0 ? work.parts : heard;
  }
  /** 選ばれている音の名前。すべての成分なら混合音、2 つの和なら null。 */
  function heardName(parts = heardParts()) {
    if (parts.length === work.parts.length) return "mixture";
    return parts.length === 1 ? parts[0] : null;
  }

  /** 選んだ音だけが聞こえる倍率。和が混合音になるときは、混合音そのものを鳴らす。 */
  function gains() {
    const parts = heardParts();
    const name = heardName(parts);
    const heard = name === "mixture" ? ["mixture"] : parts;
    let gain = 1;
    if (model.get("matched")) {
      const tracks = tracksOf(work).filter((track) => track.name === "mixture" || work.parts.includes(track.name));
      if (name === null) tracks.push({ name: null, channels: [sumOf(parts, work)] });
      gain = dbToGain(levelMatch(tracks, sr)[name]);
    }
    return Object.fromEntries(OPTIONS.map(([track]) => [track, heard.includes(track) ? gain : 0]));
  }

  // 操作盤は mode が "switch" の部品に「音量をそろえる」を出す。この部品はいつも切りかえて聴く。
  const asSwitch = { get: (trait) => (trait === "mode" ? "switch" : model.get(trait)) };
  const transport = createTransport({ engine, frame, model: asSwitch, onPosition });

  const available = (name) => name === "mixture" || work.parts.includes(name);
  const choose = (name) => { if (available(name)) frame.save({ audible: name === "mixture" ? PARTS : [name] }); };
  const flip = (part) => {
    if (!work.parts.includes(part)) return;
    const heard = heardParts();
    frame.save({ audible: heard.includes(part) ? heard.filter((other) => other !== part) : [...heard, part] });
  };
  const pick = choice({ label: "聴く音", hideLabel: true, options: OPTIONS, value: "mixture", onChange: choose });
  pick.el.classList.add("sst-hpss-listen");
  [...pick.el.querySelectorAll("label")].forEach((item, i) => {
    const track = PART_TRACKS[OPTIONS[i][0]];
    if (track) item.style.setProperty("--track", `var(${track})`);
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });
  const switches = PARTS.map((part) => {
    const item = toggle({ label: PART_NAMES[part], title: `${PART_NAMES[part]}を、聞こえる音に加える・除く`, onToggle: () => flip(part) });
    item.el.style.setProperty("--track", `var(${PART_TRACKS[part]})`);
    return item;
  });
  const adding = h("div", { class: "sst-hpss-sum", role: "group", "aria-label": "足し合わせる成分" },
    h("span", { "aria-hidden": "true", text: "足し合わせ" }), ...switches.map(({ el }) => el));

  const source = createSource({
    sr, maxSeconds: OWN_SECONDS, dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound: ({ channels }) => {
      const wave = mixdown(channels);
      onOwnSound(fitLength([wave], Math.max(wave.length, SHORTEST))[0]);
    },
  });
  const back = button({ label: "元の音に戻す", kind: "quiet", onClick: () => {
    onOwnSound(null);
    frame.say("部品の音に戻しました。");
  } });
  back.el.hidden = true;
  const label = () => OPTIONS.find(([name]) => name === heardName())?.[1] ?? heardParts().map((part) => PART_NAMES[part]).join("＋");
  const save = saveButton({ engine, name: () => label() || "無音", say: frame.say });
  frame.tools.append(...source.buttons, back.el, save.el);

  /** 聞こえる音を、選んだ通りにする。 */
  function apply() {
    engine.setGains(gains());
    const parts = heardParts();
    pick.value = heardName(parts);
    pick.el.querySelector("[value=rest]").disabled = !work.hasRest;
    PARTS.forEach((part, i) => {
      switches[i].pressed = parts.includes(part);
      switches[i].el.disabled = !work.parts.includes(part);
    });
  }
  frame.onTrait("matched", apply);
  frame.onTrait("audible", apply);
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine, apply,
    el: h("div", { class: "sst-hpss-top" }, transport.el, h("div", { class: "sst-hpss-hear" }, pick.el, adding)),
    keys: [
      ...transport.keys,
      digitKeys("混合音・調波・打楽器・残りを切りかえる（Shift と一緒なら、2 – 4 で成分を足す・除く）", (index, shift) => {
        const name = OPTIONS[index]?.[0];
        if (!name) return;
        if (shift && name !== "mixture") flip(name);
        else choose(name);
      }),
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
      back.el.hidden = !own;
      apply();
    },
    state: () => ({ ...transport.state(), heard: heardParts(), listen: heardName(), matched: model.get("matched"), gains: { ...engine.gains } }),
  };
}
