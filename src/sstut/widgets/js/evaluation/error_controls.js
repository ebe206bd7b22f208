// 誤差の部品のつまみ。値はすべて model にあり、ここは読み書きするだけ。

import { panel } from "../ui/parts.js";
import { button, h, slider, toggle } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { MAX_DELAY } from "./errors.js";

/** 誤差の大きさの段。いちばん左は「足さない」。sstut.widgets.evaluation の MIN_DB から MAX_DB まで。 */
const LEVELS = [-Infinity, ...Array.from({ length: 51 }, (_, i) => i - 40)];
const CLEAN = { interference_db: null, noise_db: null, artifact_db: null, gain_db: 0, inverted: false, delay: 0 };
export const COLORS = { estimate: 4, reference: 2, target: 2, interference: 1, noise: 5, artifact: 3, error: 6 };

const toLevel = (db) => db ?? -Infinity; // traits の None（足さない）
const describeLevel = (db) => (db === -Infinity ? "足さない" : formatDb(db));

/** つまみの列を作る。 */
export function createErrorControls({ model, frame }) {
  const get = (name) => model.get(name);
  const first = Object.fromEntries(Object.keys(CLEAN).map((name) => [name, get(name)]));
  const save = (name) => (value) => frame.save({ [name]: value });
  const level = (term, label) => {
    const control = slider({
      label, steps: LEVELS, value: toLevel(get(`${term}_db`)), format: describeLevel,
      onInput: (db) => frame.save({ [`${term}_db`]: Number.isFinite(db) ? db : null }),
    });
    control.el.style.setProperty("--track", `var(--sst-track-${COLORS[term]})`);
    return control;
  };
  const levels = { interference: level("interference", "干渉"), noise: level("noise", "雑音"), artifact: level("artifact", "アーティファクト") };
  const gain = slider({ label: "推定全体の大きさ", min: -12, max: 12, step: 0.5, value: get("gain_db"), format: formatDb, onInput: save("gain_db") });
  const milliseconds = (n) => (n ? `（${((1000 * n) / get("sr")).toFixed(2)} ミリ秒）` : "");
  const delay = slider({ label: "目的音の遅れ", min: 0, max: MAX_DELAY, step: 1, value: get("delay"), format: (n) => `${n} サンプル${milliseconds(n)}`, onInput: save("delay") });
  const inverted = toggle({ label: "符号を反転", pressed: get("inverted"), title: "推定全体を −1 倍にします。", onToggle: save("inverted") });
  const noiseKnown = toggle({
    label: "雑音の正解を渡す", pressed: get("noise_known"), onToggle: save("noise_known"),
    title: "渡すと、雑音は論文どおり雑音の項に入ります。渡さないと、多くの道具と同じく、アーティファクトに数えられます。",
  });
  const clean = button({ label: "誤差をすべて消す", kind: "quiet", onClick: () => frame.save(CLEAN) });
  const back = button({ label: "はじめの設定に戻す", kind: "quiet", onClick: () => frame.save(first) });

  return {
    el: h("div", { class: "sst-error-controls" },
      panel("足す誤差（目的音を 0 dB とする）", ...Object.values(levels).map(({ el }) => el)),
      panel("変形", gain.el, delay.el, inverted.el),
      h("div", { class: "sst-error-buttons" }, clean.el, back.el)),
    noiseKnown: noiseKnown.el,
    refresh() {
      for (const [term, control] of Object.entries(levels)) control.value = toLevel(get(`${term}_db`));
      gain.value = get("gain_db");
      delay.value = get("delay");
      inverted.pressed = get("inverted");
      noiseKnown.pressed = get("noise_known");
    },
  };
}
