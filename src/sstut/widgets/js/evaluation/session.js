// 採点の記録：伏せた並び、聴いたか、評点。値は traits（order、heard、ratings、revealed）にある。
//
//   const session = createSession({ model, frame, names });
//   session.names      いまの並びの、本当の名前（0 番目が A）。答えを見るまで画面に出さない
//   session.missing()  残っていること（すべて済めば空の文）

import { shuffled } from "../dsp/ranks.js";
import { seededRandom } from "../dsp/testsignals.js";

/** 0 → A、1 → B、… */
export function letter(index) {
  return String.fromCharCode(65 + index);
}

/**
 * 記録を用意する。
 * @param {object} options model、frame: 部品。names: 点を付ける音の名前。
 */
export function createSession({ model, frame, names }) {
  const get = (name) => model.get(name);
  const times = new Map(); // 名前 → 最後に点を付けた時刻
  let round = 0; // 何回目の採点か

  function newOrder() {
    const seed = get("seed");
    return shuffled(names, seed === null ? Math.random : seededRandom(seed + round));
  }
  if (get("order").length !== names.length) frame.save({ order: newOrder() });
  const name = (i) => get("order")[i];
  const count = (i, list) => list.includes(name(i));
  const indices = names.map((_, i) => i);

  return {
    size: names.length,
    get names() { return [...get("order")]; },
    name,
    rating: (i) => get("ratings")[name(i)] ?? null,
    time: (i) => times.get(name(i)) ?? "",
    heard: (i) => count(i, get("heard")),
    hear(i) {
      if (!count(i, get("heard"))) frame.save({ heard: [...get("heard"), name(i)] });
    },
    rate(i, value) {
      times.set(name(i), new Date().toISOString());
      frame.save({ ratings: { ...get("ratings"), [name(i)]: value } });
    },
    missing() {
      const unheard = indices.filter((i) => !count(i, get("heard")));
      const unrated = indices.filter((i) => !(name(i) in get("ratings")));
      if (unheard.length === names.length && unrated.length === names.length) return "すべての音を聴いて、点を付ける";
      const list = (some, verb) => (some.length ? `${some.map(letter).join("、")} ${verb}` : "");
      return [list(unheard, "を聴く"), list(unrated, "に点を付ける")].filter(Boolean).join("。");
    },
    /** 評点の高い順の番号。 */
    ranking: () => [...indices].sort((a, b) => get("ratings")[name(b)] - get("ratings")[name(a)]),
    restart() {
      round += 1;
      times.clear();
      frame.save({ revealed: false, ratings: {}, heard: [], order: newOrder() });
    },
  };
}
