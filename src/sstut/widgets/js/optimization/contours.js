// 等高線。格子の上の値から、線分の列を作る。DOM を使わないので Node でも確かめられる。
//
//   const grid = sampleGrid(f, [x の下端, 上端], [y の下端, 上端], n)
//   contourPath(grid, level, toX, toY)   SVG の path の d
//   contourLevels(grid, count)           おおよそ count 本の、きりのよい高さ

/** 格子の上の値。 */
export function sampleGrid(f, [x0, x1], [y0, y1], n) {
  const values = new Float64Array(n * n);
  const at = (low, high, i) => low + ((high - low) * i) / (n - 1);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) values[j * n + i] = f([at(x0, x1, i), at(y0, y1, j)]);
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  return { values, n, low, high };
}

/**
 * 高さ level の等高線。格子の 1 マスごとに、辺を横切る点を結ぶ（マーチングスクエア）。
 * @param {object} grid `sampleGrid` の結果。
 * @param {number} level 高さ。
 * @param {(i: number) => number} toX 格子の番号（小数）→ 画素。toY も同じ。
 * @returns {string} path の d。
 */
export function contourPath({ values, n }, level, toX, toY) {
  const parts = [];
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossings = [];
      corners.forEach(([xa, ya], side) => {
        const [xb, yb] = corners[(side + 1) % 4];
        const [a, b] = [values[ya * n + xa], values[yb * n + xb]];
        if (a < level === b < level) return;
        const part = (level - a) / (b - a);
        crossings.push(`${toX(xa + part * (xb - xa)).toFixed(1)} ${toY(ya + part * (yb - ya)).toFixed(1)}`);
      });
      for (let k = 0; k + 1 < crossings.length; k += 2) parts.push(`M${crossings[k]}L${crossings[k + 1]}`);
    }
  }
  return parts.join("");
}

/** 値の範囲を等分する、きりのよい高さ。範囲の端は、平らな所の境目になりうるので含めない。 */
export function contourLevels({ low, high }, count) {
  const step = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10].find((s) => (high - low) / s <= count) ?? 20;
  const first = Math.floor(low / step) + 1;
  return Array.from({ length: Math.max(0, Math.ceil(high / step) - first) }, (_, i) => (first + i) * step);
}
