// メルフィルタバンク。値は librosa.filters.mel（Slaney の目盛りと正規化が既定）と同じ。

const SLANEY_HZ_PER_MEL = 200 / 3; // 1 kHz までは直線
const SLANEY_BREAK_HZ = 1000;
const SLANEY_LOG_STEP = Math.log(6.4) / 27; // 1 kHz から上は対数

/**
 * 周波数をメルにする。
 * @param {number} hz 周波数 [Hz]。0以上。
 * @param {boolean} [htk] true なら HTK の式 2595 log10(1 + f/700)。
 * @returns {number} メル。
 */
export function hzToMel(hz, htk = false) {
  if (htk) return 2595 * Math.log10(1 + hz / 700);
  if (hz < SLANEY_BREAK_HZ) return hz / SLANEY_HZ_PER_MEL;
  return SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL + Math.log(hz / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP;
}

/**
 * `hzToMel` の逆。
 * @param {number} mel メル。
 * @param {boolean} [htk] HTK の式か。
 * @returns {number} 周波数 [Hz]。
 */
export function melToHz(mel, htk = false) {
  if (htk) return 700 * (10 ** (mel / 2595) - 1);
  const breakMel = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;
  if (mel < breakMel) return mel * SLANEY_HZ_PER_MEL;
  return SLANEY_BREAK_HZ * Math.exp(SLANEY_LOG_STEP * (mel - breakMel));
}

/**
 * メルフィルタバンク。三角形のフィルタを、面積がそろうように帯域幅で割る。
 * @param {object} options sr: 標本化周波数 [Hz]。nFft: FFT 長。nMels: フィルタの数。
 *   fMin、fMax: 端の周波数 [Hz]（fMax の既定は sr/2）。htk: HTK の式か。
 * @returns {{weights: Float64Array, nMels: number, bins: number, first: Int32Array,
 *   end: Int32Array, hz: Float64Array}} weights は形 (nMels * bins,) で m * bins + k 番目が
 *   フィルタ m の重み。フィルタ m は first[m] ≤ k < end[m] の外で 0（幅が狭すぎると空になる）。
 *   hz は各フィルタの下端・中心・上端に使う nMels + 2 個の周波数 [Hz]。
 */
export function melFilterbank({ sr, nFft, nMels = 128, fMin = 0, fMax = sr / 2, htk = false }) {
  if (!(sr > 0) || !(fMin >= 0) || !(fMin < fMax) || !(fMax <= sr / 2)) {
    throw new RangeError(`0 ≤ fMin < fMax ≤ sr/2 にしてください（fMin = ${fMin}、fMax = ${fMax}、sr = ${sr}）。`);
  }
  if (!Number.isInteger(nMels) || nMels < 1) {
    throw new RangeError(`メルフィルタの数は1以上の整数にしてください（渡された値: ${nMels}）。`);
  }
  const bins = Math.floor(nFft / 2) + 1;
  const low = hzToMel(fMin, htk);
  const step = (hzToMel(fMax, htk) - low) / (nMels + 1);
  const hz = Float64Array.from({ length: nMels + 2 }, (_, m) => melToHz(low + m * step, htk));
  const weights = new Float64Array(nMels * bins);
  const first = new Int32Array(nMels);
  const end = new Int32Array(nMels);
  for (let m = 0; m < nMels; m++) {
    const [left, centre, right] = hz.subarray(m, m + 3);
    for (let k = 0; k < bins; k++) {
      const f = (k * sr) / nFft;
      const triangle = Math.min((f - left) / (centre - left), (right - f) / (right - centre));
      if (triangle <= 0) continue;
      weights[m * bins + k] = (triangle * 2) / (right - left);
      if (end[m] === 0) first[m] = k;
      end[m] = k + 1;
    }
  }
  return { weights, nMels, bins, first, end, hz };
}

/**
 * パワースペクトログラムをメルスペクトログラムにする。
 * @param {ReturnType<typeof melFilterbank>} bank メルフィルタバンク。
 * @param {Float32Array|Float64Array} power 形 (frames * bins,)。
 * @returns {Float32Array|Float64Array} 形 (frames * nMels,)。点 (t, m) は t * nMels + m 番目。
 */
export function applyMel(bank, power) {
  const { weights, nMels, bins, first, end } = bank;
  const frames = frameCount(power, bins);
  const mel = new power.constructor(frames * nMels);
  for (let t = 0; t < frames; t++) {
    for (let m = 0; m < nMels; m++) {
      let sum = 0;
      for (let k = first[m]; k < end[m]; k++) sum += weights[m * bins + k] * power[t * bins + k];
      mel[t * nMels + m] = sum;
    }
  }
  return mel;
}

/**
 * メルスペクトログラムを線形周波数へ広げる。
 *
 * メルへの変換は情報を捨てるので、正確な逆はない。ここでは、各フィルタの出力を重みの和で割って
 * 「帯域の平均パワー」に直し、三角形で補間する。周波数について一定のパワーは元に戻る。
 * 非負最小二乗（librosa.feature.inverse.mel_to_stft）より粗いが、ずっと軽く、0以上になる。
 * どのフィルタも覆わない周波数は 0 になる。
 * @param {ReturnType<typeof melFilterbank>} bank メルフィルタバンク。
 * @param {Float32Array|Float64Array} mel 形 (frames * nMels,)。
 * @returns {Float32Array|Float64Array} パワー。形 (frames * bins,)。
 */
export function melToLinear(bank, mel) {
  const { weights, nMels, bins, first, end, hz } = bank;
  const frames = frameCount(mel, nMels);
  // Σ_k W[m, k] と、頂点を 1 に戻した三角形の和 Σ_m T[m, k]
  const area = new Float64Array(nMels);
  const cover = new Float64Array(bins);
  for (let m = 0; m < nMels; m++) {
    for (let k = first[m]; k < end[m]; k++) {
      area[m] += weights[m * bins + k];
      cover[k] += weights[m * bins + k] * (hz[m + 2] - hz[m]);
    }
  }
  const linear = new Float64Array(frames * bins);
  for (let t = 0; t < frames; t++) {
    for (let m = 0; m < nMels; m++) {
      if (area[m] === 0) continue;
      const average = (mel[t * nMels + m] / area[m]) * (hz[m + 2] - hz[m]);
      for (let k = first[m]; k < end[m]; k++) {
        linear[t * bins + k] += (average * weights[m * bins + k]) / cover[k];
      }
    }
  }
  return mel.constructor.from(linear);
}

/**
 * メルを経由した音を聴くための振幅マスク √(P̂/P)。混合音の位相のまま、包絡だけがメルの粗さになる。
 * @param {ReturnType<typeof melFilterbank>} bank メルフィルタバンク。
 * @param {Float32Array|Float64Array} power 元のパワー P。形 (frames * bins,)。
 * @returns {Float32Array|Float64Array} 形 (frames * bins,)。P = 0 の点は 0。
 */
export function melRoundTripMask(bank, power) {
  const linear = melToLinear(bank, applyMel(bank, power));
  return linear.map((p, i) => (power[i] > 0 ? Math.sqrt(p / power[i]) : 0));
}

function frameCount(values, perFrame) {
  if (values.length % perFrame !== 0) {
    throw new RangeError(`大きさ ${values.length} が、1フレームの ${perFrame} 個で割り切れません。`);
  }
  return values.length / perFrame;
}
