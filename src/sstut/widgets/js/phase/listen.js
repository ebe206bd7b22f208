// 聴く：正解・いまの音・混合音を、位置を保ったまま途切れずに切りかえる。読者の音と保存もここ。
//
//   const listen = createListen({ model, frame, work, onPosition, onOwnSound });
//   listen.replace(work)        いまの音が変わった。鳴らしたまま差しかえる
//   listen.setWork(work, own)   正解の音ごと替わった。own: 読者の音か

import { AudioEngine } from "../ui/audio.js";
import { button, choice, h } from "../ui/dom.js";
import { dbToGain } from "../ui/format.js";
import { digitKeys } from "../ui/keys.js";
import { levelMatch } from "../ui/loudness.js";
import { saveButton } from "../ui/save.js";
import { createSource } from "../ui/source.js";
import { fitLength, mixdown } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";

const OWN_SECONDS = 6; // 長い音では、反復が遅くなる
const COLORS = { true: 4, now: 1, mixture: 5 };

/** 部品が鳴らす 3 つの音。混合音がなければ、正解の音を代わりに入れておく（選べない）。 */
function tracksOf({ truth, now, mixture }) {
  return [["true", truth], ["now", now], ["mixture", mixture ?? truth]].map(([name, x]) => ({ name, channels: [x] }));
}

export function createListen({ model, frame, name, nFft, work, onPosition, onOwnSound }) {
  const sr = model.get("sr");
  const options = [["true", `正解（${name}）`], ["now", "いまの音"], ["mixture", "混合音"]];
  let tracks = tracksOf(work);
  let mine = false;
  const engine = new AudioEngine({ sr, tracks, gains: gains(), loop: model.get("loop") });

  /** 選んだ音だけが聞こえる倍率。 */
  function gains() {
    const match = model.get("matched") ? levelMatch(tracks, sr) : {};
    return Object.fromEntries(tracks.map((track) => [track.name, track.name === model.get("listen") ? dbToGain(match[track.name] ?? 0) : 0]));
  }
  const applyGains = () => engine.setGains(gains());

  // 操作盤は mode が "switch" の部品に「音量をそろえる」を出す。この部品はいつも切りかえて聴く。
  const asSwitch = { get: (trait) => (trait === "mode" ? "switch" : model.get(trait)) };
  const transport = createTransport({ engine, frame, model: asSwitch, onPosition });
  const choose = (listen) => { if (!(mine && listen === "mixture")) frame.save({ listen }); };
  const pick = choice({ label: "聴く音", hideLabel: true, options, value: model.get("listen"), onChange: choose });
  pick.el.classList.add("sst-phase-listen");
  [...pick.el.querySelectorAll("label")].forEach((item, i) => {
    item.style.setProperty("--track", `var(--sst-track-${COLORS[options[i][0]]})`);
    item.prepend(h("kbd", { "aria-hidden": "true", text: String(i + 1) }));
  });
  transport.el.append(pick.el);

  const source = createSource({
    sr, maxSeconds: OWN_SECONDS, dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound: ({ channels }) => {
      const wave = mixdown(channels);
      onOwnSound(fitLength([wave], Math.max(wave.length, nFft))[0]);
    },
  });
  const back = button({ label: "元の音に戻す", kind: "quiet", onClick: () => {
    onOwnSound(null);
    frame.say("部品の音に戻しました。");
  } });
  back.el.hidden = true;
  const label = () => options.find(([value]) => value === model.get("listen"))[1];
  const save = saveButton({ engine, name: label, say: frame.say });
  frame.tools.append(...source.buttons, back.el, save.el);

  frame.onTrait("matched", applyGains);
  frame.onTrait("listen", (value) => {
    pick.value = value;
    applyGains();
  });
  frame.signal.addEventListener("abort", () => engine.dispose());

  return {
    engine,
    el: transport.el,
    keys: [...transport.keys, digitKeys("正解・いまの音・混合音を切りかえる", (index) => { if (options[index]) choose(options[index][0]); })],
    replace(next) {
      tracks = tracksOf(next);
      engine.replace("now", tracks[1].channels);
      if (model.get("matched")) applyGains();
    },
    setWork(next, own) {
      mine = own;
      engine.pause();
      tracks = tracksOf(next);
      for (const track of tracks) engine.replace(track.name, track.channels);
      engine.rewind();
      back.el.hidden = !own;
      pick.el.querySelector("span").textContent = own ? "正解（自分の音）" : options[0][1];
      pick.el.querySelector("[value=mixture]").disabled = own;
      if (own && model.get("listen") === "mixture") frame.save({ listen: "now" });
      else applyGains();
    },
    state: () => ({ ...transport.state(), listen: model.get("listen"), matched: model.get("matched"), gains: { ...engine.gains } }),
  };
}
