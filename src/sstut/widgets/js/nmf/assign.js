// 成分を音源に分ける組のうち、正解との SI-SDR の平均がいちばん高いもの。
//
// 組の波形は成分の波形の和なので、SI-SDR は成分どうし・成分と正解の内積だけで求まる。組の選び方は、
// 「番号の小さい音源から順に、残りの成分のどれを渡すか」の動的計画法で、すべてを調べたのと同じになる。

import { decibel } from "../dsp/metrics.js";

const EMPTY = -1000; // 成分が 1 つもない音源の値 [dB]。−∞ では、成分が足りないときに比べられない

function centered(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return x.map((v) => v - sum / x.length);
}

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/**
 * すべての部分集合（ビットで表す）を推定にしたときの、正解 1 つに対する SI-SDR [dB]。
 * @param {number[]} cross 正解と成分の内積。
 * @param {number} energy 正解のエネルギー。
 * @param {Float64Array[]} gram 成分どうしの内積。
 */
function subsetScores(cross, energy, gram) {
  const n = cross.length;
  const scores = new Float64Array(2 ** n).fill(EMPTY);
  for (let subset = 1; subset < scores.length; subset++) {
    let [along, total] = [0, 0];
    for (let a = 0; a < n; a++) {
      if (!((subset >> a) & 1)) continue;
      along += cross[a];
      for (let b = 0; b < n; b++) if ((subset >> b) & 1) total += gram[a][b];
    }
    const explained = (along * along) / energy;
    scores[subset] = Math.max(EMPTY, decibel(explained, Math.max(0, total - explained)));
  }
  return scores;
}

/**
 * 最も良い組分け。
 * @param {Float32Array[]} components 成分の波形。
 * @param {Float32Array[]} references 正解の音源。無音の音源には、何も渡さない。
 * @returns {number[]} 成分ごとの、音源の番号。
 */
export function bestGroups(components, references) {
  const parts = components.map(centered);
  const truths = references.map(centered);
  const gram = parts.map((x, a) => Float64Array.from(parts, (y, b) => (b <= a ? dot(x, y) : 0)));
  for (let a = 0; a < gram.length; a++) for (let b = a + 1; b < gram.length; b++) gram[a][b] = gram[b][a];
  const everything = 2 ** parts.length - 1;
  let best = new Float64Array(everything + 1).fill(-Infinity); // best[S]: S を、ここまでの音源で分けたときの和
  best[0] = 0;
  const choices = truths.map((truth) => {
    const energy = dot(truth, truth);
    const scores = energy > 0 ? subsetScores(parts.map((x) => dot(truth, x)), energy, gram) : null;
    const [next, given] = [new Float64Array(best.length).fill(-Infinity), new Int32Array(best.length)];
    for (let all = 0; all <= everything; all++) {
      for (let mine = all; ; mine = (mine - 1) & all) { // all のすべての部分集合
        const score = best[all & ~mine] + (scores ? scores[mine] : mine ? -Infinity : 0);
        if (score > next[all]) [next[all], given[all]] = [score, mine];
        if (mine === 0) break;
      }
    }
    best = next;
    return given;
  });
  const owners = new Array(parts.length).fill(0);
  let left = everything;
  for (let j = truths.length - 1; j >= 0; j--) {
    const mine = choices[j][left];
    for (let k = 0; k < owners.length; k++) if ((mine >> k) & 1) owners[k] = j;
    left &= ~mine;
  }
  return owners;
}
