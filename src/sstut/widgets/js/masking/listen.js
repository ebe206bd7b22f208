// 聴く：混合音・マスクした音・残りを、位置を保ったまま途切れずに切りかえる。読者の音と保存もここ。
//
//   const listen = createListen({ model, frame, work, picture, isBusy, onOwnSound, onBack });
//   listen.el、listen.keys、listen.engine
//   listen.replace(work)     マスクが変わった。鳴らしたまま差しかえる
//   listen.setWork(work)     混合音ごと替わった
//   listen.refresh(own)      own: 読者の音を使っているか

import { AudioEngine } from "../ui/audio.js";
import { button, choice, h } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { saveButton } from "../ui/save.js";
import { createSource } from "../ui/source.js";
import { mixdown } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";

const CHOICES = [["mixture", "混合音"], ["masked", "マスクした音"], ["rest", "残り"]];
const OWN_SECONDS = 15;
const MAX_POINTS = 4e6; // 時間周波数点の数の上限。sstut.widgets.masking.MAX_POINTS と同じ

/** 部品が鳴らす 3 つの音。 */
function tracksOf({ mixture, masked, rest }) {
  return [["mixture", mixture], ["masked", masked], ["rest", rest]].map(([name, x]) => ({ name, channels: [x] }));
}

export function createListen({ model, frame, work, picture, isBusy, onOwnSound, onBack }) {
  const sr = model.get("sr");
  let tracks = tracksOf(work);
  const engine = new AudioEngine({ sr, tracks, gains: gains(), loop: model.get("loop") });

  /** 選んだ音だけが聞こえる倍率。 */
  function gains() {
    const match = model.get("matched") ? levelMatch(tracks, sr) : {};
    return Object.fromEntries(tracks.map(({ name }) => [name, name === model.get("listen") ? dbToGain(match[name] ?? 0) : 0]));
  }

  let shown = 0;
  // 操作盤は mode が "switch" の部品に「音量をそろえる」を出す。この部品はいつも切りかえて聴く。
  const asSwitch = { get: (name) => (name === "mode" ? "switch" : model.get(name)) };
  const transport = createTransport({
    engine, frame, model: asSwitch,
    onPosition(seconds) {
      // 拡大しているときは、再生位置を追う。塗っている間は絵を動かさない。
      if (seconds !== shown && !isBusy()) picture.reveal(seconds);
      shown = seconds;
      picture.setPosition(seconds);
    },
  });

  const pick = choice({ label: "聴く音", hideLabel: true, options: CHOICES, value: model.get("listen"), onChange: (v) => frame.save({ listen: v }) });
  pick.el.classList.add("sst-listen");
  const source = createSource({
    sr, maxSeconds: Math.min(OWN_SECONDS, Math.floor((MAX_POINTS / work.S.bins - 1) * work.S.hop / sr)), dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound: ({ channels }) => onOwnSound(mixdown(channels)),
  });
  const back = button({ label: "元の音に戻す", kind: "quiet", onClick: () => {
    onBack();
    frame.say("部品の音に戻しました。");
  } });
  const label = () => CHOICES.find(([name]) => name === model.get("listen"))[1];
  const save = saveButton({ engine, name: label, say: frame.say });
  frame.tools.append(...source.buttons, back.el, save.el);

  const applyGains = () => engine.setGains(gains());
  frame.onTrait("matched", applyGains);
  frame.onTrait("listen", (name) => {
    pick.value = name;
    applyGains();
  });
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine,
    el: h("div", { class: "sst-mask-top" }, transport.el, pick.el),
    keys: [
      ...transport.keys,
      { keys: ["p"], show: "P", label: "再生・一時停止（絵の上でも）", run: () => engine.toggle() },
      digitKeys("混合音・マスクした音・残りを切りかえる", (index) => { if (CHOICES[index]) frame.save({ listen: CHOICES[index][0] }); }),
    ],
    replace(next) {
      tracks = tracksOf(next);
      for (const { name, channels } of tracks.slice(1)) engine.replace(name, channels);
      if (model.get("matched")) applyGains();
    },
    setWork(next) {
      engine.pause();
      tracks = tracksOf(next);
      for (const { name, channels } of tracks) engine.replace(name, channels);
      engine.rewind();
      applyGains();
    },
    refresh(own) { back.el.hidden = !own; },
    state: () => ({ ...transport.state(), listen: model.get("listen"), matched: model.get("matched"), gains: { ...engine.gains } }),
  };
}
