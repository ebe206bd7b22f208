// 時間周波数の値を画素にする。DOM を使わないので Node でも確かめられる。
//   binEdges(height, bins, toBin) → 各行が受けもつ周波数の番号の範囲
//   paintHeatmap({ values, frames, bins }, target, view)
//   loudestPoints({ values, … }, width, height) → 画素ごとの点の番号（値とは別の色を付けるとき）
// 画素が値より粗いときは、飛ばさずに最大値を取る。細い倍音や短い打撃音が消えないようにするため。

/**
 * 各行が受けもつ周波数の番号。
 * @param {number} height 行の数 [画素]。0 行目が上（高い周波数）。
 * @param {number} bins 周波数の数。
 * @param {(unit: number) => number} toBin 下端 0、上端 1 の位置 → 周波数の番号（小数）。
 * @returns {{from: Int32Array, to: Int32Array}} 行 y は from[y] 以上 to[y] 未満。
 */
export function binEdges(height, bins, toBin) {
  const from = new Int32Array(height);
  const to = new Int32Array(height);
  for (let y = 0; y < height; y++) {
    const low = toBin(1 - (y + 1) / height);
    const high = toBin(1 - y / height);
    // 番号 k の点は k - 0.5 から k + 0.5 までを代表する
    from[y] = Math.max(0, Math.min(bins - 1, Math.round(low)));
    to[y] = Math.max(from[y] + 1, Math.min(bins, Math.round(high)));
  }
  return { from, to };
}

/**
 * 値を色にして書く。
 * @param {{values: ArrayLike<number>, frames: number, bins: number}} data 点 (t, k) の値は values[t * bins + k]。
 * @param {{pixels: Uint32Array, width: number, height: number}} target 書く先。
 * @param {object} view rows: `binEdges` の結果。toFrame: 左端 0、右端 1 の位置 → フレームの番号（小数）。
 *   low、high: 色の両端の値。colors: 256 色の表。x0、x1: 書く列の範囲。
 */
export function paintHeatmap({ values, frames, bins }, { pixels, width, height }, view) {
  const { rows, toFrame, low, high, colors, x0 = 0, x1 = width } = view;
  const gain = 255 / (high - low);
  for (let x = x0; x < x1; x++) {
    const first = Math.max(0, Math.min(frames - 1, Math.round(toFrame(x / width))));
    const last = Math.max(first + 1, Math.min(frames, Math.round(toFrame((x + 1) / width))));
    for (let y = 0; y < height; y++) {
      let best = -Infinity;
      for (let t = first; t < last; t++) {
        const end = t * bins + rows.to[y];
        for (let i = t * bins + rows.from[y]; i < end; i++) if (values[i] > best) best = values[i];
      }
      const v = (best - low) * gain;
      const index = v > 0 ? (v < 255 ? v | 0 : 255) : 0; // 比較が偽になる NaN も 0
      pixels[y * width + x] = colors[index];
    }
  }
}

/**
 * 画素ごとに、そこに入る点のうち、いちばん大きい点の番号。
 * @param {object} view values、frames、bins: 値。toFrame、toBin: 絵の中の位置（左・下が 0、右・上が 1）→ 番号（小数）。
 * @param {number} width 幅 [画素]。
 * @param {number} height 高さ [画素]。
 * @returns {Int32Array} 形 (height * width,)。
 */
export function loudestPoints({ values, frames, bins, toFrame, toBin }, width, height) {
  const rows = binEdges(height, bins, toBin);
  const points = new Int32Array(width * height);
  for (let x = 0; x < width; x++) {
    const first = Math.max(0, Math.min(frames - 1, Math.round(toFrame(x / width))));
    const last = Math.max(first + 1, Math.min(frames, Math.round(toFrame((x + 1) / width))));
    for (let y = 0; y < height; y++) {
      let best = first * bins + rows.from[y];
      for (let t = first; t < last; t++) {
        for (let i = t * bins + rows.from[y]; i < t * bins + rows.to[y]; i++) if (values[i] > values[best]) best = i;
      }
      points[y * width + x] = best;
    }
  }
  return points;
}
