// 学習したマスク推定のネットワーク（sstut.networks.MaskInference、双方向 LSTM）を、ページの中で動かす。
// 対数振幅 → LSTM の層 → 全結合 → マスク。値は PyTorch と同じ（試験が確かめる）。
//
//   const network = readNetwork(bytes, { n_fft, hop_length, hidden, n_layers, n_sources, activation })
//   const { S, masks } = finish(inferMasks(network, 波形))     終わるまで計算する
//   const steps = inferMasks(network, 波形); steps.next()       少しずつ計算する。value は進み具合（0〜1）
//
// 配列の並びは stft.js と同じで、フレームが先。重みは PyTorch の state_dict の順に並ぶ float16。

import { magnitude } from "./spectrogram.js";
import { istft, stft } from "./stft.js";

const FLOOR = 0.03; // sstut.networks.normalized_log_magnitude の floor
const INPUT_SCALE = 0.25; // sstut.networks.lstm_input の INPUT_SCALE
const TINY = 2 ** -126; // float32 の最小の正規化数
const BLOCK = 24; // 続けて計算するフレームの数。画面を待たせない長さにする

/**
 * 半精度の浮動小数点数を読む。
 * @param {DataView|ArrayBuffer|ArrayBufferView} bytes リトルエンディアンの float16。
 * @returns {Float32Array}
 */
export function halfToFloat(bytes) {
  const view = bytes instanceof ArrayBuffer ? new DataView(bytes) : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const y = new Float32Array(view.byteLength / 2);
  for (let i = 0; i < y.length; i++) {
    const bits = view.getUint16(2 * i, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    y[i] = bits & 0x8000 ? -size : size;
  }
  return y;
}

/**
 * 重みを、層ごとに切り分ける。
 * @param {DataView|ArrayBuffer|ArrayBufferView} bytes 重み（float16）。
 * @param {object} config `MaskInference` の引数。
 * @returns {object} `inferMasks` に渡すネットワーク。
 */
export function readNetwork(bytes, config) {
  const all = halfToFloat(bytes);
  const { hidden, n_layers: nLayers, n_sources: nSources, n_fft: nFft } = config;
  const bins = nFft / 2 + 1;
  let at = 0;
  const take = (n) => all.subarray(at, (at += n));
  const matrix = (rows, columns) => ({ rows, columns, weight: take(rows * columns) });
  const direction = (columns) => {
    const [input, recurrent] = [matrix(4 * hidden, columns), matrix(4 * hidden, hidden)];
    const [b, more] = [take(4 * hidden), take(4 * hidden)]; // PyTorch は、足すだけの重みを 2 組もつ
    return { input: { ...input, bias: b.map((v, i) => v + more[i]) }, recurrent };
  };
  const layers = Array.from({ length: nLayers }, (_, i) => {
    const columns = i === 0 ? bins : 2 * hidden;
    return [direction(columns), direction(columns)];
  });
  const head = matrix(nSources * bins, 2 * hidden);
  head.bias = take(nSources * bins);
  if (at !== all.length) throw new RangeError(`重みの数 ${all.length} が、ネットワークの形に要る ${at} と合いません。`);
  return { config, bins, layers, head };
}

/** Y[t, r] = Σ_i weight[r, i] X[t, i] + bias[r] を、from 以上 to 未満のフレームについて求める。 */
function affine({ rows, columns, weight, bias }, X, from, to, Y) {
  // 4 行ずつ進めると、読んだ X を 4 回使える。重みの 4 行は、フレームが変わってもキャッシュに残る
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const [w0, w1, w2, w3] = [r * columns, (r + 1) * columns, (r + 2) * columns, (r + 3) * columns];
    for (let t = from; t < to; t++) {
      const o = t * columns;
      let [a, b, c, d] = [bias[r], bias[r + 1], bias[r + 2], bias[r + 3]];
      for (let i = 0; i < columns; i++) {
        const x = X[o + i];
        a += weight[w0 + i] * x;
        b += weight[w1 + i] * x;
        c += weight[w2 + i] * x;
        d += weight[w3 + i] * x;
      }
      const y = t * rows + r;
      Y[y] = a;
      Y[y + 1] = b;
      Y[y + 2] = c;
      Y[y + 3] = d;
    }
  }
  for (; r < rows; r++) {
    for (let t = from; t < to; t++) {
      let sum = bias[r];
      for (let i = 0; i < columns; i++) sum += weight[r * columns + i] * X[t * columns + i];
      Y[t * rows + r] = sum;
    }
  }
}

const sigmoid = (v) => 1 / (1 + Math.exp(-v));

/** 状態 h と c を 1 フレーム進める。gates の start から、入力の分（入力、忘却、候補、出力の順）が並ぶ。 */
function lstmStep({ weight }, gates, start, h, c, next) {
  const n = h.length;
  for (let j = 0; j < n; j++) {
    let [i, f, g, o] = [gates[start + j], gates[start + n + j], gates[start + 2 * n + j], gates[start + 3 * n + j]];
    const [wi, wf, wg, wo] = [j * n, (n + j) * n, (2 * n + j) * n, (3 * n + j) * n];
    for (let k = 0; k < n; k++) {
      const v = h[k];
      i += weight[wi + k] * v;
      f += weight[wf + k] * v;
      g += weight[wg + k] * v;
      o += weight[wo + k] * v;
    }
    c[j] = sigmoid(f) * c[j] + sigmoid(i) * Math.tanh(g);
    next[j] = sigmoid(o) * Math.tanh(c[j]);
  }
}

/** 1 つの向きの LSTM。out の frames × width のうち、列 offset から hidden 個を書く。BLOCK ごとに、済んだフレームの数を返す。 */
function* runDirection({ input, recurrent }, X, frames, { backward, out, offset, width }) {
  const gates = new Float32Array(frames * input.rows);
  for (let t = 0; t < frames; t += BLOCK) {
    const end = Math.min(frames, t + BLOCK);
    affine(input, X, t, end, gates);
    yield end - t;
  }
  const n = recurrent.columns;
  let [h, next] = [new Float64Array(n), new Float64Array(n)];
  const c = new Float64Array(n);
  for (let step = 0; step < frames; step++) {
    const t = backward ? frames - 1 - step : step;
    lstmStep(recurrent, gates, t * input.rows, h, c, next);
    out.set(next, t * width + offset);
    [h, next] = [next, h];
    if (step % (4 * BLOCK) === 4 * BLOCK - 1) yield 0;
  }
}

/**
 * ネットワークの入力：対数振幅を、音の全体で平均 0、標準偏差 1 にそろえたもの。
 * @param {Float32Array} A 振幅。
 * @returns {Float32Array} A と同じ形。
 */
export function normalizedLogMagnitude(A) {
  let sum = 0;
  for (let i = 0; i < A.length; i++) sum += A[i];
  const floor = (FLOOR * sum) / A.length + TINY;
  const y = new Float64Array(A.length);
  let [total, squares] = [0, 0];
  for (let i = 0; i < y.length; i++) {
    y[i] = Math.log(A[i] + floor);
    total += y[i];
  }
  const mean = total / y.length;
  for (let i = 0; i < y.length; i++) squares += (y[i] - mean) ** 2;
  const scale = 1 / (Math.sqrt(squares / y.length) + 1e-2);
  return Float32Array.from(y, (v) => (v - mean) * scale);
}

/** 最後の層の出力 → 音源ごとのマスク。softmax なら、点ごとの和が 1。 */
function toMasks(logits, frames, bins, nSources, activation) {
  const masks = Array.from({ length: nSources }, () => new Float32Array(frames * bins));
  const values = new Float64Array(nSources);
  for (let t = 0; t < frames; t++) {
    for (let k = 0; k < bins; k++) {
      let largest = -Infinity;
      for (let j = 0; j < nSources; j++) {
        values[j] = logits[(t * nSources + j) * bins + k];
        if (values[j] > largest) largest = values[j];
      }
      let sum = 0;
      for (let j = 0; j < nSources; j++) sum += values[j] = activation === "softmax" ? Math.exp(values[j] - largest) : sigmoid(values[j]);
      for (let j = 0; j < nSources; j++) masks[j][t * bins + k] = activation === "softmax" ? values[j] / sum : values[j];
    }
  }
  return masks;
}

/**
 * 波形からマスクを求める。途中で何度も止まる。
 * @param {object} network `readNetwork` の返り値。
 * @param {Float32Array} x 混合音。
 * @yields {number} 進み具合（0〜1）。
 * @returns {{S: object, masks: Float32Array[]}} S は混合音の STFT。
 */
export function* inferMasks(network, x) {
  const { config, bins, layers, head } = network;
  const S = stft(x, { nFft: config.n_fft, hop: config.hop_length, window: "sqrt_hann" });
  const { frames } = S;
  const width = 2 * config.hidden;
  let X = normalizedLogMagnitude(magnitude(S)).map((v) => INPUT_SCALE * v);
  const sizes = [...layers.flat().map(({ input }) => input), head];
  const total = frames * sizes.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  let done = 0;
  for (const layer of layers) {
    const out = new Float32Array(frames * width);
    for (const [i, direction] of layer.entries()) {
      const place = { backward: i === 1, out, offset: i * config.hidden, width };
      for (const n of runDirection(direction, X, frames, place)) {
        done += n * direction.input.rows * direction.input.columns;
        yield done / total;
      }
    }
    X = out;
  }
  const logits = new Float32Array(frames * head.rows);
  for (let t = 0; t < frames; t += BLOCK) {
    const end = Math.min(frames, t + BLOCK);
    affine(head, X, t, end, logits);
    done += (end - t) * head.rows * head.columns;
    yield done / total;
  }
  return { S, masks: toMasks(logits, frames, bins, config.n_sources, config.activation) };
}

/** 少しずつ進む計算を、終わりまで進めて、結果を返す。 */
export function finish(steps) {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * 波形を、音源ごとの波形に分ける。
 * @param {DataView|ArrayBuffer|ArrayBufferView} bytes 重み。
 * @param {object} config `MaskInference` の引数。
 * @param {Float32Array} x 混合音。
 * @returns {{masks: Float32Array[], waves: Float32Array[]}}
 */
export function separate(bytes, config, x) {
  const { S, masks } = finish(inferMasks(readNetwork(bytes, config), x));
  return { masks, waves: masks.map((mask) => istft(S, { mask })) };
}
