// ネットワークの段をたどり、埋め込みからビンを選んで聴く部品。操作の状態はモデル（Python の traits）にある。

import { AudioEngine } from "../ui/audio.js";
import { button, choice, h, onFrame } from "../ui/dom.js";
import { createFrame } from "../ui/frame.js";
import { addListenChoice, tryThis } from "../ui/parts.js";
import { saveButton } from "../ui/save.js";
import { mixdown, readTracks } from "../ui/tracks.js";
import { createTransport } from "../ui/transport.js";
import { toBytes } from "./bins.js";
import { createDetail } from "./detail.js";
import { createDiagram } from "./diagram.js";
import { createEmbedding } from "./embedding.js";

const OPTIONS = [["mixture", "混合音"], ["selected", "選んだビン"], ["rest", "残り"]];

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderArchitectures({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "architectures" });
  const get = (name) => model.get(name);
  const sr = get("sr");
  const mixture = mixdown(readTracks(model)[0].channels);
  const networks = get("networks");
  const pictures = networks.map((_, i) => toBytes(get("pictures")[String(i)]));
  const scattered = get("points").byteLength > 0;

  const blocks = () => networks[get("network")].blocks;
  const index = () => Math.max(0, Math.min(blocks().length - 1, get("block")));
  const go = (i) => frame.save({ block: Math.max(0, Math.min(blocks().length - 1, i)) });

  const pick = choice({ label: "ネットワーク", options: networks.map(({ label }, i) => [String(i), label]), value: String(get("network")), onChange: (v) => frame.save({ network: Number(v), block: 0 }) });
  const diagram = createDiagram({ signal: frame.signal, onBlock: go });
  const detail = createDetail({ duration: mixture.length / sr, signal: frame.signal });
  const before = button({ label: "← 前の段", onClick: () => go(index() - 1) });
  const after = button({ label: "次の段 →", onClick: () => go(index() + 1) });
  function show() {
    pick.value = String(get("network"));
    diagram.show(blocks(), index());
    detail.show(blocks(), index(), pictures[get("network")]);
    before.el.disabled = index() === 0;
    after.el.disabled = index() === blocks().length - 1;
  }
  const showSoon = onFrame(show);
  for (const name of ["network", "block"]) frame.onTrait(name, showSoon);

  const options = scattered ? OPTIONS : OPTIONS.slice(0, 1);
  const gains = () => Object.fromEntries(options.map(([name]) => [name, name === (scattered ? get("listen") : "mixture") ? 1 : 0]));
  const engine = new AudioEngine({ sr, tracks: options.map(([name]) => ({ name, channels: [mixture] })), gains: gains(), loop: get("loop") });
  const embedding = scattered ? createEmbedding({ frame, model, mixture, onSound: (waves) => {
    for (const [name] of OPTIONS.slice(1)) engine.replace(name, [waves[name]]);
  } }) : null;
  const transport = createTransport({ engine, frame, model, onPosition: (seconds) => embedding?.setPosition(seconds) });
  const keys = scattered ? [addListenChoice({ frame, model, transport, options, onChange: () => engine.setGains(gains()) })] : [];
  const save = saveButton({ engine, name: () => options.find(([name]) => gains()[name] === 1)[1], say: frame.say });
  frame.tools.append(save.el);
  frame.signal.addEventListener("abort", () => engine.dispose());

  frame.body.append(
    tryThis(scattered
      ? "「次の段」で、形の変わり方をたどります。下の散布図では、円を動かし、光るビンと音を確かめます。"
      : "「次の段」で、形の変わり方をたどります。"),
    pick.el,
    h("div", { class: "sst-arch-frame" }, diagram.el),
    h("div", { class: "sst-arch-steps" }, before.el, after.el, h("span", { "aria-hidden": "true", text: "高さ：位置の数　幅：チャネルの数　弧：隣でない段からのつながり" })),
    detail.el, transport.el, ...(embedding ? [embedding.el] : []),
  );
  frame.keys([...transport.keys, ...keys, { keys: [], show: "矢印", label: "（図の上で）段、円、印を動かす。円と印は、Shift と一緒なら 10 ずつ" }]);
  show();
  embedding?.start();

  frame.ready({
    state: () => ({ ...transport.state(), network: get("network"), block: index(), listen: get("listen"), name: blocks()[index()].name, embedding: embedding?.state() ?? null }),
    render: (how) => engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: (name) => (name === "mixture" ? mixture.slice() : embedding.sound(name)),
  });
  return frame.dispose;
}
