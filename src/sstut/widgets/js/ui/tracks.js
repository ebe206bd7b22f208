// Python から届いた音（traits の names・audio・packing・labels）を波形にする。
//   readTracks(model) → [{ name, label, channels: [Float32Array, …] }, …]
//   mixdown(channels) → Float32Array   左右の平均（スペクトログラムに使う中央の音）
//   fitLength(channels, n)             0 を足して長さ n にそろえる

import { int16ToFloat } from "../dsp/pcm.js";

/**
 * 部品が持つ音を、表示の順に読む。
 * @param {object} model anywidget のモデル。
 * @returns {Array<{name: string, label: string, channels: Float32Array[]}>}
 */
export function readTracks(model) {
  const audio = model.get("audio");
  return model.get("names").map((name) => {
    const [nChannels, scale] = model.get("packing")[name];
    const bytes = audio[name];
    if (!bytes) throw new Error(`音「${name}」が届いていません。ページを読みこみなおしてください。`);
    const all = int16ToFloat(bytes);
    if (scale !== 1) for (let i = 0; i < all.length; i++) all[i] *= scale;
    const n = all.length / nChannels;
    const channels = Array.from({ length: nChannels }, (_, c) => all.subarray(c * n, (c + 1) * n));
    return { name, label: model.get("labels")[name] ?? name, channels };
  });
}

/**
 * 左右の平均。1 チャネルならそのまま返す（写しではない）。
 * @param {Float32Array[]} channels 1 または 2 チャネル。
 * @returns {Float32Array}
 */
export function mixdown(channels) {
  if (channels.length === 1) return channels[0];
  const [left, right] = channels;
  return left.map((v, i) => 0.5 * (v + right[i]));
}

/**
 * うしろに 0 を足して長さをそろえる。
 * @param {Float32Array[]} channels 波形。
 * @param {number} n 長さ [サンプル]。
 * @returns {Float32Array[]}
 */
export function fitLength(channels, n) {
  return channels.map((x) => {
    if (x.length === n) return x;
    const y = new Float32Array(n);
    y.set(x.subarray(0, n));
    return y;
  });
}
