// 層の種類と大きさの、画面での名前。

export const KINDS = { conv: "畳み込み", transpose: "転置畳み込み", pool: "プーリング", skip: "スキップ接続" };

// 大きさ → [短い名前, 長い名前, 下限, 上限]
export const SIZES = {
  kernel: ["k", "カーネル k", 1, 2048],
  stride: ["s", "ストライド s", 1, 1024],
  padding: ["p", "補う 0 p", 0, 2048],
  dilation: ["d", "ダイレーション d", 1, 1024],
  output_padding: ["op", "右端に残す op", 0, 1024],
};

// 種類 → 大きさのはじめの値（Python の SIZES と同じ）
export const FRESH = {
  conv: { kernel: 3, stride: 1, padding: 1, dilation: 1 },
  transpose: { kernel: 4, stride: 2, padding: 1, dilation: 1, output_padding: 0 },
  pool: { kernel: 2, stride: 2 },
  skip: { source: 0 },
};

/** 段の名前。 */
export function levelName(level) {
  return level === 0 ? "入力" : String(level);
}

/** 大きさの短い説明。いつもの値（ストライド 1 など）は省く。 */
export function sizesText(layer) {
  if (layer.kind === "skip") return layer.source === 0 ? "入力と" : `${layer.source} 番と`;
  const usual = { stride: 1, padding: 0, dilation: 1, output_padding: 0 };
  return Object.entries(SIZES)
    .filter(([name]) => name in layer && layer[name] !== usual[name])
    .map(([name, [short]]) => `${short}=${layer[name]}`).join(" ");
}

/** ストライド（分子と分母）。 */
export function strideText([num, den]) {
  return den === 1 ? String(num) : `${num}/${den}`;
}

/** サンプル数を時間で書く。 */
export function milliseconds(samples, sr) {
  const ms = (1000 * samples) / sr;
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ミリ秒`;
}
