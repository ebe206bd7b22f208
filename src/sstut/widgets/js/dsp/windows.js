// 窓関数。scipy.signal.get_window(name, n, fftbins=True) と同じ「周期的な窓」。
// 周期的な窓は n + 1 点の左右対称な窓から最後の1点を除いたもので、
// hop ずつずらして足したときに平らになりやすい（COLA）。

const cosineCoefficients = {
  boxcar: [1],
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
  blackmanharris: [0.35875, 0.48829, 0.14128, 0.01168],
};

/** 使える窓の名前。 */
export const windowNames = [...Object.keys(cosineCoefficients), "bartlett", "sqrt_hann"];

/**
 * 長さ n の周期的な窓。
 * @param {string} name `windowNames` のどれか。"sqrt_hann" はハン窓の平方根。
 * @param {number} n 窓の長さ [サンプル]。1以上。
 * @returns {Float64Array} 窓。形 (n,)、値はおよそ 0 から 1。
 */
export function getWindow(name, n) {
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(`窓の長さは1以上の整数にしてください（渡された値: ${n}）。`);
  }
  if (n === 1) return Float64Array.of(1); // SciPy と同じ約束
  if (name === "bartlett") return Float64Array.from({ length: n }, (_, i) => 1 - Math.abs((2 * i) / n - 1));
  if (name === "sqrt_hann") return getWindow("hann", n).map(Math.sqrt);
  const coefficients = cosineCoefficients[name];
  if (!coefficients) {
    throw new RangeError(`窓「${name}」はありません。使えるのは ${windowNames.join("、")} です。`);
  }
  // w[i] = a0 - a1 cos(2πi/n) + a2 cos(4πi/n) - …
  return Float64Array.from({ length: n }, (_, i) =>
    coefficients.reduce((sum, a, k) => sum + (k % 2 ? -a : a) * Math.cos((2 * Math.PI * k * i) / n), 0),
  );
}

/**
 * 窓を左右に同じだけ 0 で埋めて長さ size にする（librosa.util.pad_center と同じ）。
 * @param {ArrayLike<number>} window 窓。形 (winLength,)。
 * @param {number} size 埋めたあとの長さ。winLength 以上。
 * @returns {Float64Array} 形 (size,)。
 */
export function padCenter(window, size) {
  const padded = new Float64Array(size);
  padded.set(window, Math.floor((size - window.length) / 2));
  return padded;
}

/**
 * 窓を hop ずつずらして無限に足した和の、1周期分。
 * @param {ArrayLike<number>} window 窓。形 (winLength,)。
 * @param {number} hop ずらす幅 [サンプル]。
 * @param {number} [power] 窓を何乗して足すか。COLA は 1、NOLA は 2。
 * @returns {Float64Array} 形 (hop,)。
 */
export function overlapSum(window, hop, power = 1) {
  if (!Number.isInteger(hop) || hop < 1) {
    throw new RangeError(`ホップ長は1以上の整数にしてください（渡された値: ${hop}）。`);
  }
  const sum = new Float64Array(hop);
  for (let i = 0; i < window.length; i++) sum[i % hop] += window[i] ** power;
  return sum;
}

/**
 * NOLA（窓の2乗の重なりがどこでも0にならない）か。成り立てば ISTFT で元の波形に戻せる。
 * 判定は scipy.signal.check_NOLA と同じ。
 * @param {string|ArrayLike<number>} window 窓の名前、または窓。
 * @param {number} winLength 窓の長さ [サンプル]。
 * @param {number} hop ホップ長 [サンプル]。
 * @param {number} [tolerance] これ以下を0とみなす。
 * @returns {boolean}
 */
export function isNola(window, winLength, hop, tolerance = 1e-10) {
  return overlapSum(resolveWindow(window, winLength), hop, 2).every((v) => v > tolerance);
}

/**
 * 窓の重なりの和が平均からどれだけずれるか（比）。0なら COLA が成り立つ。
 * @param {string|ArrayLike<number>} window 窓の名前、または窓。
 * @param {number} winLength 窓の長さ [サンプル]。
 * @param {number} hop ホップ長 [サンプル]。
 * @returns {number} max|s - mean(s)| / mean(s)。
 */
export function colaRipple(window, winLength, hop) {
  const sum = overlapSum(resolveWindow(window, winLength), hop);
  const mean = sum.reduce((a, b) => a + b, 0) / hop;
  return sum.reduce((worst, v) => Math.max(worst, Math.abs(v - mean)), 0) / mean;
}

/**
 * 窓の名前なら窓を作り、窓そのものなら長さを確かめて返す。
 * @param {string|ArrayLike<number>} window 窓の名前、または窓。形 (winLength,)。
 * @param {number} winLength 窓の長さ [サンプル]。
 * @returns {ArrayLike<number>} 形 (winLength,)。
 */
export function resolveWindow(window, winLength) {
  if (typeof window === "string") return getWindow(window, winLength);
  if (window.length !== winLength) {
    throw new RangeError(`窓の長さ ${window.length} が winLength = ${winLength} と合いません。`);
  }
  return window;
}
