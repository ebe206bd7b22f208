// 散布図の点と、時間周波数ビンの対応。点の番号は、ビンの番号 t * bins + k と同じ。
//   toBytes(view)                        Python の bytes → Uint8Array
//   selectBins(scatter, choice, out)     選んだビンが 1 のマスク
//   imagePart(bytes, blocks, index)      続けて並べた絵から、1 段の分を取り出す

/** Python の bytes（DataView か ArrayBuffer）を、写さずに Uint8Array にする。 */
export function toBytes(view) {
  return view.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
}

/**
 * 選んだビンのマスク。
 * @param {{points: Uint8Array, groups: Uint8Array}} scatter points: 点ごとの x、y（0〜255）。groups: 集まりの番号。
 * @param {{selection: string, region: number[]}} choice selection: "group0" など、または "region"。
 *   region: 円の中心と半径（横と縦を 0〜1 とする）。
 * @param {Float32Array|null} [out] 書く先。
 * @returns {Float32Array} 0 か 1。点の数だけ。
 */
export function selectBins({ points, groups }, { selection, region: [x, y, radius] }, out = null) {
  const mask = out ?? new Float32Array(groups.length);
  const group = Number(selection.slice(-1));
  for (let i = 0; i < mask.length; i++) {
    if (selection === "region") {
      const [dx, dy] = [points[2 * i] / 255 - x, points[2 * i + 1] / 255 - y];
      mask[i] = dx * dx + dy * dy <= radius * radius ? 1 : 0;
    } else mask[i] = groups[i] === group ? 1 : 0;
  }
  return mask;
}

/** 続けて並べた絵 bytes から、index 番の段の絵を取り出す。値の並びは、列ごとに下の行から。 */
export function imagePart(bytes, blocks, index) {
  const size = ({ rows, columns }) => rows * columns;
  const start = blocks.slice(0, index).reduce((sum, block) => sum + size(block), 0);
  return bytes.subarray(start, start + size(blocks[index]));
}

/** 選んだビンの、点の数、エネルギーの割合 [%]。 */
export function shareOf(mask, magnitude) {
  let [count, part, total] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    const energy = magnitude[i] ** 2;
    count += mask[i];
    part += mask[i] * energy;
    total += energy;
  }
  return { count, percent: total > 0 ? (100 * part) / total : 0 };
}
