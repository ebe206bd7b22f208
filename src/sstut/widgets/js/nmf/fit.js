// 1 つの設定（成分の数、損失、種）の NMF。直すたびの W と H を残すので、くり返しを戻れる。
//
//   const fit = createFit(V, bins, { n, loss, seed }, 100);
//   fit.advance()        1 回直す
//   fit.iteration        何回まで直したか
//   fit.order            重心の低い順に並べた、成分の番号。まだ決まらなければ null
//   fit.ready            見せてよいか（形が定まってきたか）
//   fit.at(回数)         その回の { W, H }。列の和を 1 にし、重心の順に並べてある
//   fit.losses()         0 回から iteration 回までの損失。fit.losses(false) なら、測ってある所まで

import { createUpdates, normalized, randomStart } from "../dsp/nmf.js";

const ORDER_AT = 30; // 基底の形が定まってくる回数

/** 基底の重心の周波数の低い順。 */
function byCentroid(W, bins) {
  const centroids = Array.from({ length: W.length / bins }, (_, k) => {
    let [moment, sum] = [0, 0];
    for (let f = 0; f < bins; f++) {
      moment += f * W[k * bins + f];
      sum += W[k * bins + f];
    }
    return sum > 0 ? moment / sum : Infinity;
  });
  return [...centroids.keys()].sort((a, b) => centroids[a] - centroids[b] || a - b);
}

/**
 * NMF を用意する。
 * @param {Float32Array} V 目標。形 (frames * bins,)。
 * @param {number} bins 周波数の数。
 * @param {object} options n: 成分の数。loss、seed。
 * @param {number} wanted はじめに見せる回数。並べる順は、この回（早すぎれば ORDER_AT 回）の基底で 1 度だけ決める。
 */
export function createFit(V, bins, { n, loss, seed }, wanted) {
  const factors = randomStart(V, bins, n, seed);
  const updates = createUpdates(V, factors, bins, { loss });
  const copy = () => ({ W: factors.W.slice(), H: factors.H.slice() });
  const snapshots = [copy()];
  const orderAt = Math.max(wanted, ORDER_AT);
  const before = []; // before[i] は、i 回直した後の損失。次に直すときについでに測る
  let last = null; // まだ次を直していない、いちばん新しい損失
  const fit = {
    n, loss, orderAt, order: null,
    get iteration() { return snapshots.length - 1; },
    get ready() { return fit.iteration >= ORDER_AT; },
    advance() {
      before.push(updates.sweep());
      last = null;
      snapshots.push(copy());
      if (fit.iteration === orderAt) fit.order = byCentroid(factors.W, bins);
    },
    at: (iteration) => normalized(snapshots[iteration], bins, fit.order ?? byCentroid(snapshots[iteration].W, bins)),
    losses(complete = true) {
      if (complete) last ??= updates.sweep({ update: false });
      return last === null ? before.slice() : [...before, last];
    },
  };
  return fit;
}
