// 絵の見かた：周波数の上限、時間の拡大、マスクだけを見る。

import { button, h, select, toggle } from "../ui/dom.js";

/** 見かたの道具の列。 */
export function createViewBar({ picture, model, frame }) {
  const nyquist = model.get("sr") / 2;
  const options = [2, 4, 8].filter((khz) => 1000 * khz < nyquist).map((khz) => [String(khz), `${khz} kHz まで`]);
  const top = select({
    label: "周波数の上限", hideLabel: true, value: String(model.get("max_khz")), options: [...options, ["0", "全部の周波数"]],
    onChange: (v) => frame.save({ max_khz: Number(v) }),
  });
  const show = (khz) => {
    const known = options.some(([v]) => v === String(khz));
    top.value = known ? String(khz) : "0";
    picture.setMaxHz(known ? 1000 * khz : Infinity);
  };
  show(model.get("max_khz"));
  frame.onTrait("max_khz", show);

  const wider = button({ label: "時間を縮める", iconName: null, hideLabel: true, kind: "plain", title: "時間を縮める（−）", onClick: () => picture.zoom({ scale: 2 }) });
  const closer = button({ label: "時間を拡大する", hideLabel: true, kind: "plain", title: "時間を拡大する（+）", onClick: () => picture.zoom({ scale: 0.5 }) });
  const left = button({ label: "前を見る", hideLabel: true, kind: "plain", title: "前を見る", onClick: () => pan(-0.5) });
  const right = button({ label: "後を見る", hideLabel: true, kind: "plain", title: "後を見る", onClick: () => pan(0.5) });
  for (const [{ el }, sign] of [[wider, "−"], [closer, "+"], [left, "‹"], [right, "›"]]) el.prepend(h("span", { "aria-hidden": "true", text: sign }));
  const pan = (share) => picture.pan(share * (picture.window.to - picture.window.from));
  const only = toggle({ label: "マスクだけを見る", kind: "plain", onToggle: (on) => picture.setMaskOnly(on) });

  return {
    el: h("div", { class: "sst-viewbar" }, top.el,
      h("div", { class: "sst-zoom", role: "group", "aria-label": "時間の拡大" }, left.el, wider.el, closer.el, right.el), only.el),
    keys: [
      { keys: ["+", "="], show: "+", label: "時間を拡大する", run: () => picture.zoom({ scale: 0.5 }) },
      { keys: ["-"], show: "−", label: "時間を縮める", run: () => picture.zoom({ scale: 2 }) },
    ],
  };
}
