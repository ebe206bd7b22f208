// 順位の一致を測る数と、でたらめな並べかえ。

/** 小さい順の順位（1 から）。同じ値には、順位の平均を付ける。 */
function ranks(values) {
  return values.map((v) => {
    const smaller = values.filter((u) => u < v).length;
    const same = values.filter((u) => u === v).length;
    return smaller + (same + 1) / 2;
  });
}

/**
 * スピアマンの順位相関：順位どうしの相関係数。
 * @param {number[]} x 値。
 * @param {number[]} y 同じ数の値。
 * @returns {number} -1（逆の順）から 1（同じ順）。どちらかがすべて同じ値なら NaN。
 */
export function rankCorrelation(x, y) {
  if (x.length !== y.length || x.length < 2) {
    throw new RangeError(`順位相関には、同じ数の値が 2 つ以上要ります（${x.length} 個と ${y.length} 個）。`);
  }
  const center = (x.length + 1) / 2; // 順位の平均
  const [a, b] = [x, y].map((values) => ranks(values).map((rank) => rank - center));
  const product = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  const scale = Math.sqrt(product(a, a) * product(b, b));
  return scale === 0 ? NaN : product(a, b) / scale;
}

/**
 * どの並びも同じ確率で選ぶ並べかえ（フィッシャー・イェーツ法）。
 * @param {Array} items 並べるもの。変えない。
 * @param {() => number} random [0, 1) の乱数。
 * @returns {Array} 並べかえた写し。
 */
export function shuffled(items, random) {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}
