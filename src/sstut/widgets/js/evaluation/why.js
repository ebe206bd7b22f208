// 「なぜ動いたか」の文。動いた・動かなかったは実際の値から、理由は動かしたつまみから決める。

import { limit, metricList, readScore } from "./meters.js";

const SMALL = 0.1; // これより小さい動きは、動かなかったとみなす [dB]
const LENGTHS = { gain: "倍率だけ", filter: "v3" };

const REASONS = {
  gain_db: "SI-SDR と BSS Eval は推定全体の倍率を許し、SNR と SD-SDR は許さないからです。",
  inverted: "符号の反転は −1 倍です。SI-SDR と BSS Eval は負の倍率も許すので、耳と同じく気づきません。",
  delay: "波形をそのまま比べる指標は、1 サンプルのずれも誤差に数えます。v3 は 512 タップのフィルタを許すので、遅れを吸収します。",
  interference_db: "干渉の正解で表せる成分は、干渉の項に入ります。SIR はその項だけを、SDR は誤差の全体を見ます。",
  noise_db: "雑音の正解を渡しているので、雑音は雑音の項に入ります。SIR も SAR も、その項を誤差に数えません。",
  noise_unknown: "雑音の正解を渡していないので、雑音はどの正解でも表せず、アーティファクトの項に入ります。",
  artifact_db: "どの正解でも表せない成分は、アーティファクトの項に入ります。v3 では、正解をフィルタした音で表せる分だけ少なくなります。",
  noise_known: "推定信号は同じです。雑音を、雑音の項とアーティファクトの項のどちらに数えるかだけが変わりました。",
};

/** 2 つの長さの BSS Eval が同じ向きに動いたら、名前を 1 つにまとめる。 */
function merged(moves, wanted) {
  const names = [];
  for (const { key, label, direction } of moves) {
    if (direction !== wanted) continue;
    const twin = moves.find((other) => other.label === label && other.key !== key && key !== null && other.key !== null);
    if (key === null) names.push(label);
    else if (twin?.direction !== direction) names.push(`${label}（${LENGTHS[key]}）`);
    else if (key === "gain") names.push(label === "SNR" ? "論文の SNR" : label);
  }
  return names.join("、");
}

/**
 * 説明の文。
 * @param {object} options knob: 動かした trait の名前（まとめて変えたら ""）。before、after: 前後の scores。
 *   noiseKnown: 雑音の正解を渡しているか。
 * @returns {{moves: string, reason: string}}
 */
export function explain({ knob, before, after, noiseKnown }) {
  const moves = metricList(noiseKnown).flatMap(([key, name, label]) => {
    const [a, b] = [before, after].map((scores) => readScore(scores, key, name));
    if (a === null || b === null) return [];
    const change = limit(b) - limit(a);
    return [{ key, label, direction: Math.abs(change) < SMALL ? 0 : Math.sign(change) }];
  });
  const parts = [["下がった", -1], ["上がった", 1], ["動かない", 0]]
    .map(([word, direction]) => [word, merged(moves, direction)])
    .filter(([, names]) => names)
    .map(([word, names]) => `${word}：${names}。`);
  const reason = knob === "noise_db" && !noiseKnown ? REASONS.noise_unknown : REASONS[knob] ?? "";
  return { moves: parts.join("　"), reason };
}
