// くり返しによる分離（REPET、REPET-SIM、2DFT）。sstut.repetition と同じ値になる。
//
// 速さの工夫は、行（周波数）ごとの並べ替えを 1 度だけ行い、値を順位に置きかえておくこと（median.js の sortLines）。
// どのフレームを集めても、その中央値は、順位を数えるだけで見つかる。

import { plan } from "./fft.js";
import { realFft2, realIfft2 } from "./fft2.js";
import { maximum, matching } from "./spectrogram.js";

/**
 * ビートスペクトル。パワースペクトログラムの行ごとの自己相関を、周波数で平均したもの。
 * @param {Float32Array|Float64Array} magnitude 振幅。形 (frames * bins,)。点 (t, k) は t * bins + k 番目。
 * @param {number} bins 周波数の数。
 * @returns {Float64Array} 形 (frames,)。ずれ 0 での値が 1。無音ならすべて 0。
 */
export function beatSpectrum(magnitude, bins) {
  const frames = magnitude.length / bins;
  let size = 2;
  while (size < 2 * frames) size *= 2; // 0 を補い、端が回りこまないようにする
  const fft = plan(size);
  const [row, re, im] = [new Float64Array(size), new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1)];
  const sum = new Float64Array(size / 2 + 1);
  const peak = maximum(magnitude) || 1;
  for (let k = 0; k < bins; k++) {
    for (let t = 0; t < frames; t++) row[t] = (magnitude[t * bins + k] / peak) ** 2;
    fft.forward(row, re, im);
    // 自己相関はパワースペクトルの逆変換。逆変換は足し算を保つので、先に周波数で足してよい
    for (let i = 0; i < sum.length; i++) sum[i] += re[i] * re[i] + im[i] * im[i];
  }
  fft.inverse(sum, im.fill(0), row);
  const beat = row.slice(0, frames).map((v, lag) => v / (frames - lag)); // 重なるフレームの数で割る
  return beat[0] > 0 ? beat.map((v) => v / beat[0]) : beat;
}

/**
 * 範囲の中の峰（両どなり以上の点）。
 * @param {Float64Array} beat `beatSpectrum` の出力。
 * @param {number} low 範囲の下限 [フレーム]。1 以上。
 * @param {number} high 範囲の上限 [フレーム]。
 * @returns {number[]} 峰のずれ [フレーム]。小さい順。
 */
export function beatPeaks(beat, low, high) {
  const peaks = [];
  for (let lag = low; lag <= high; lag++) {
    if (beat[lag] >= beat[lag - 1] && !(beat[lag] < beat[lag + 1])) peaks.push(lag);
  }
  return peaks;
}

/**
 * くり返しの周期。範囲の中の最も高い峰か、ほぼ同じ高さの、もっと短い峰。
 * @param {Float64Array} beat `beatSpectrum` の出力。
 * @param {object} [options] minPeriod、maxPeriod: 探す範囲 [フレーム]。tolerance:「ほぼ同じ高さ」の幅、0〜1。
 * @returns {number} 周期 [フレーム]。峰がなければ、値が最大の点。
 */
export function findPeriod(beat, { minPeriod = 1, maxPeriod = Math.floor(beat.length / 3), tolerance = 0.05 } = {}) {
  if (!(minPeriod >= 1 && minPeriod <= maxPeriod && maxPeriod < beat.length)) {
    throw new RangeError(`周期を探す範囲 ${minPeriod}〜${maxPeriod} が、長さ ${beat.length} の中に取れません。`);
  }
  const here = beat.subarray(minPeriod, maxPeriod + 1);
  const peaks = beatPeaks(beat, minPeriod, maxPeriod);
  if (peaks.length === 0) return minPeriod + here.indexOf(maximum(here));
  const highest = Math.max(...peaks.map((lag) => beat[lag]));
  const enough = highest - tolerance * (maximum(here) - Math.min(...here));
  return peaks.find((lag) => beat[lag] >= enough);
}

/**
 * 集めたフレームどうしの中央値を、周波数ごとに求める。
 *
 * 集めた順位を、32 個ずつの桁のビットに記す。桁ごとの個数を数えていけば、まん中の桁が分かる。
 * @param {object} lines `sortLines(magnitude, bins, "time")` の結果。
 * @param {ArrayLike<number>[]} lists 集めるフレームの番号の並び。どれも、同じ番号を 2 度含まない。
 * @param {Float32Array|Float64Array} out 書き込み先。i 番目の集まりの、周波数 k の中央値を i * bins + k 番目に書く。
 */
function medians({ sorted, ranks, lines: bins, n }, lists, out) {
  const bits = new Int32Array((n >> 5) + 1);
  const counts = new Uint16Array((n >> 5) + 1);
  /** 小さい方から order 番目（0 から数える）の順位。 */
  function nth(order) {
    let word = 0;
    let left = order;
    while (counts[word] <= left) left -= counts[word++];
    let rest = bits[word];
    for (; left > 0; left--) rest &= rest - 1; // いちばん下の印を消す
    return (word << 5) + 31 - Math.clz32(rest & -rest);
  }
  for (let k = 0; k < bins; k++) {
    const base = k * n;
    for (let i = 0; i < lists.length; i++) {
      const list = lists[i];
      const count = list.length;
      for (let j = 0; j < count; j++) {
        const rank = ranks[base + list[j]];
        bits[rank >> 5] |= 1 << (rank & 31);
        counts[rank >> 5] += 1;
      }
      const upper = sorted[base + nth(count >> 1)];
      const lower = count % 2 === 1 ? upper : sorted[base + nth((count >> 1) - 1)]; // 偶数個なら、中央の 2 つの平均
      out[i * bins + k] = (lower + upper) / 2;
      for (let j = 0; j < count; j++) {
        const word = ranks[base + list[j]] >> 5;
        bits[word] = 0;
        counts[word] = 0;
      }
    }
  }
}

/**
 * 同じ位相のフレーム：フレーム t から、前後へ周期ずつ離れたもの。
 * @param {number} t フレーム。
 * @param {number} period 周期 [フレーム]。
 * @param {number} frames フレームの数。
 * @returns {Int32Array} 小さい順。
 */
export function samePhase(t, period, frames) {
  const first = t % period;
  return Int32Array.from({ length: Math.ceil((frames - first) / period) }, (_, i) => first + i * period);
}

/**
 * REPET の背景：周期ごとに切って重ねた中央値。
 * @param {object} lines `sortLines(magnitude, bins, "time")` の結果。
 * @param {number} period 周期 [フレーム]。全体の半分以下。
 * @param {Float32Array|Float64Array} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。
 */
export function repet(lines, period, out = new lines.sorted.constructor(lines.sorted.length)) {
  const { lines: bins, n: frames } = lines;
  if (!Number.isInteger(period) || period < 1 || 2 * period > frames) {
    throw new RangeError(`周期は1以上、全体の ${frames} フレームの半分以下にしてください（渡された値: ${period}）。`);
  }
  const lists = Array.from({ length: period }, (_, phase) => samePhase(phase, period, frames));
  medians(lines, lists, out);
  for (let t = period; t < frames; t++) out.copyWithin(t * bins, (t - period) * bins, (t - period + 1) * bins);
  return out;
}

/**
 * フレームどうしのコサイン類似度。
 * @param {Float32Array|Float64Array} magnitude 振幅。形 (frames * bins,)。
 * @param {number} bins 周波数の数。
 * @returns {Float32Array|Float64Array} 形 (frames * frames,)。無音のフレームとの値は 0。
 */
export function similarityMatrix(magnitude, bins) {
  const frames = magnitude.length / bins;
  const unit = unitFrames(magnitude, bins);
  const matrix = new magnitude.constructor(frames * frames);
  for (let s = 0; s < frames; s += 2) { // 対称なので、半分だけ計算する。2 × 2 ずつまとめると、読む回数が半分になる
    const s1 = Math.min(s + 1, frames - 1);
    for (let t = s; t < frames; t += 2) {
      const t1 = Math.min(t + 1, frames - 1);
      const [a, b, c, d] = [s * bins, s1 * bins, t * bins, t1 * bins];
      let ac = 0, ad = 0, bc = 0, bd = 0;
      for (let k = 0; k < bins; k++) {
        const av = unit[a + k], bv = unit[b + k], cv = unit[c + k], dv = unit[d + k];
        ac += av * cv;
        ad += av * dv;
        bc += bv * cv;
        bd += bv * dv;
      }
      matrix[s * frames + t] = matrix[t * frames + s] = ac;
      matrix[s * frames + t1] = matrix[t1 * frames + s] = ad;
      matrix[s1 * frames + t] = matrix[t * frames + s1] = bc;
      matrix[s1 * frames + t1] = matrix[t1 * frames + s1] = bd;
    }
  }
  return matrix;
}

/** 長さを 1 にそろえたフレーム。無音のフレームは 0。 */
function unitFrames(magnitude, bins) {
  const peak = maximum(magnitude) || 1; // 2 乗してもあふれないように、最大を 1 にそろえる
  const unit = new Float64Array(magnitude.length);
  for (let start = 0; start < unit.length; start += bins) {
    let energy = 0;
    for (let i = start; i < start + bins; i++) energy += (magnitude[i] / peak) ** 2;
    const gain = energy > 0 ? 1 / (peak * Math.sqrt(energy)) : 0;
    for (let i = start; i < start + bins; i++) unit[i] = magnitude[i] * gain;
  }
  return unit;
}

/**
 * フレームごとに、よく似たフレームを探す。
 * @param {Float32Array|Float64Array} matrix `similarityMatrix` の結果。
 * @param {object} [options] maxRepeats: 選ぶ数の上限（自分も数える）。minDistance: 選ぶフレームどうしの間隔 [フレーム]。
 *   minSimilarity: これより似ていないフレームは選ばない。
 * @returns {Int32Array[]} t 番目は、フレーム t に似たフレームの番号（小さい順）。t 自身を必ず含む。
 */
export function similarFrames(matrix, { maxRepeats = 100, minDistance = 1, minSimilarity = 0 } = {}) {
  const frames = Math.sqrt(matrix.length);
  return Array.from({ length: frames }, (_, t) => {
    const row = matrix.slice(t * frames, (t + 1) * frames);
    row[t] = Infinity; // 自分自身は必ず選ぶ
    const chosen = localMaxima(row, minDistance).filter((i) => row[i] >= minSimilarity);
    if (chosen.length <= maxRepeats) return Int32Array.from(chosen);
    const best = chosen.sort((a, b) => row[b] - row[a] || a - b).slice(0, maxRepeats);
    return Int32Array.from(best).sort();
  });
}

/** 前の distance 個より大きく、後ろの distance 個以上の点。 */
function localMaxima(row, distance) {
  const maxima = [];
  for (let i = 0; i < row.length; i++) {
    let j = Math.max(0, i - distance);
    while (j < i && row[i] > row[j]) j++;
    if (j < i) continue;
    const end = Math.min(row.length - 1, i + distance);
    while (j <= end && row[i] >= row[j]) j++;
    if (j > end) maxima.push(i);
  }
  return maxima;
}

/**
 * REPET-SIM の背景：似たフレームどうしの中央値。
 * @param {object} lines `sortLines(magnitude, bins, "time")` の結果。
 * @param {ArrayLike<number>[]} similar `similarFrames` の結果。
 * @param {Float32Array|Float64Array} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。
 */
export function repetSim(lines, similar, out = new lines.sorted.constructor(lines.sorted.length)) {
  medians(lines, similar, out);
  return out;
}

/**
 * スペクトログラムの 2 次元フーリエ変換と、その大きさ。
 * @param {Float32Array|Float64Array} magnitude 振幅。形 (frames * bins,)。
 * @param {number} bins 周波数の数。
 * @returns {{re: Float64Array, im: Float64Array, frames: number, bins: number, rows: number, level: Float64Array,
 *   deviation: number}} level は形 (bins * frames,) で、np.fft.fft2 と同じ並び（行 k が周波数方向）。deviation は、その標準偏差。
 */
export function ft2dTransform(magnitude, bins) {
  const F = realFft2(magnitude, bins);
  const { frames } = F;
  const level = new Float64Array(bins * frames);
  for (let k = 0; k < F.rows; k++) {
    const opposite = ((bins - k) % bins) * frames;
    for (let m = 0; m < frames; m++) {
      const i = k * frames + m;
      const v = Math.sqrt(F.re[i] * F.re[i] + F.im[i] * F.im[i]);
      level[i] = v;
      level[opposite + (m === 0 ? 0 : frames - m)] = v; // F[-k, -m] は F[k, m] の共役
    }
  }
  return { ...F, level, deviation: deviationOf(level) };
}

function deviationOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/**
 * 2 次元フーリエ変換の峰：近傍の中で最大で、近傍の最大と最小の差が、全体の標準偏差より大きい点。
 * @param {object} transform `ft2dTransform` の結果。
 * @param {[number, number]} [neighborhood] [scale, rate] の点数。奇数。
 * @returns {Uint8Array} 形 (bins * frames,)。峰なら 1。
 */
export function ft2dPeaks({ level, frames, bins, deviation }, [scale, rate] = [1, 25]) {
  for (const size of [scale, rate]) {
    if (!Number.isInteger(size) || size < 1 || size % 2 === 0) throw new RangeError(`近傍の点数は奇数にしてください（渡された値: ${size}）。`);
  }
  const alongRate = slidingMaximum(level, { lines: bins, n: frames, lineStep: frames, step: 1, size: rate });
  const highest = scale === 1 ? alongRate : slidingMaximum(alongRate, { lines: frames, n: bins, lineStep: 1, step: frames, size: scale });
  const peaks = new Uint8Array(level.length);
  for (let i = 0; i < level.length; i++) {
    if (level[i] !== highest[i]) continue;
    const lowest = lowestAround(level, { frames, bins, k: Math.floor(i / frames), m: i % frames, scale, rate });
    if (level[i] - lowest > deviation) peaks[i] = 1;
  }
  return peaks;
}

/** 線ごとの移動最大。離散フーリエ変換は周期的なので、端の先は反対の端へつながる。 */
function slidingMaximum(x, { lines, n, lineStep, step, size }) {
  const out = new Float64Array(x.length);
  const half = Math.min((size - 1) / 2, Math.floor(n / 2)); // これより広ければ、線の全体と同じ
  const queue = new Int32Array(n + 2 * half); // 大きい順に並んだ、最大の候補の番号
  const line = new Float64Array(n + 2 * half);
  for (let l = 0; l < lines; l++) {
    const base = l * lineStep;
    for (let i = 0; i < line.length; i++) line[i] = x[base + ((i - half + n) % n) * step];
    let [head, tail] = [0, 0];
    for (let i = 0; i < line.length; i++) {
      while (tail > head && line[queue[tail - 1]] <= line[i]) tail--;
      queue[tail++] = i;
      if (queue[head] < i - 2 * half) head++;
      if (i >= 2 * half) out[base + (i - 2 * half) * step] = line[queue[head]];
    }
  }
  return out;
}

/** 近傍の最小。最大の点は少ないので、そこだけ数えれば足りる。 */
function lowestAround(level, { frames, bins, k, m, scale, rate }) {
  const [tall, wide] = [Math.min((scale - 1) / 2, Math.floor(bins / 2)), Math.min((rate - 1) / 2, Math.floor(frames / 2))];
  let lowest = Infinity;
  for (let i = k - tall; i <= k + tall; i++) {
    const row = ((i + bins) % bins) * frames;
    for (let j = m - wide; j <= m + wide; j++) lowest = Math.min(lowest, level[row + ((j + frames) % frames)]);
  }
  return lowest;
}

/**
 * 2DFT の背景：峰だけを残して戻したものの大きさ。
 * @param {object} transform `ft2dTransform` の結果。
 * @param {Uint8Array} peaks `ft2dPeaks` の結果。
 * @param {Float32Array|Float64Array} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。
 */
export function ft2d(transform, peaks, out = new Float64Array(peaks.length)) {
  realIfft2(transform, peaks, out); // 峰は対称なので、前半の行だけを見ればよい
  for (let i = 0; i < out.length; i++) out[i] = Math.abs(out[i]);
  return out;
}

/**
 * 背景を通すマスク。背景は混合音を超えないとみなす。
 * @param {Float32Array|Float64Array} magnitude 混合音の振幅。
 * @param {Float32Array|Float64Array} model 背景の振幅の推定。
 * @param {Float32Array|Float64Array|null} [out] 書き込み先。
 * @returns {Float32Array|Float64Array} min(model, magnitude) / magnitude。magnitude が 0 の点は 1。
 */
export function backgroundMask(magnitude, model, out = null) {
  const mask = matching(out, magnitude);
  for (let i = 0; i < mask.length; i++) mask[i] = model[i] < magnitude[i] ? model[i] / magnitude[i] : 1;
  return mask;
}

/**
 * cutoff より低い周波数の数（はじめの何個か）。歌は低い音を出さないので、そこは背景とする。
 * @param {object} options bins: 周波数の数。nFft: 窓の長さ。sr、cutoff [Hz]。
 * @returns {number} 0 以上 bins 以下。
 */
export function lowBins({ bins, nFft, sr, cutoff }) {
  const spacing = 1 / (nFft * (1 / sr)); // 境目の周波数でも Python と同じになるように、rfftfreq と同じ順に計算する
  let low = 0;
  while (low < bins && low * spacing < cutoff) low++;
  return low;
}
