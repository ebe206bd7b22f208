// 読者の音に替え、元に戻し、聞こえる音を保存する、下の道具の列。

import { button } from "./dom.js";
import { saveButton } from "./save.js";
import { createSource } from "./source.js";
import { fitLength, mixdown } from "./tracks.js";

/**
 * 道具を加える。
 * @param {object} options frame: 外枠。engine: AudioEngine。sr [Hz]。seconds: 使う長さの上限 [秒]。
 *   shortest: これより短い音は、0 を足して長さをそろえる [サンプル]。name: () => 保存する音の名前。
 *   onOwnSound: (波形か null) => void。1 チャネル。null は、元の音に戻す。
 * @returns {{show: (own: boolean) => void}} own: いま読者の音か。
 */
export function addOwnSound({ frame, engine, sr, seconds, shortest, name, onOwnSound }) {
  const source = createSource({
    sr, maxSeconds: seconds, dropTarget: frame.root, say: frame.say, signal: frame.signal,
    onSound({ channels }) {
      const wave = mixdown(channels);
      onOwnSound(fitLength([wave], Math.max(wave.length, shortest))[0]);
    },
  });
  const back = button({ label: "元の音に戻す", kind: "quiet", onClick() {
    onOwnSound(null);
    frame.say("部品の音に戻しました。");
  } });
  back.el.hidden = true;
  frame.tools.append(...source.buttons, back.el, saveButton({ engine, name, say: frame.say }).el);
  return { show(own) { back.el.hidden = !own; } };
}
