// サンプル値の型の変換と WAV への書き出し。

const FULL_SCALE = 32768; // 16ビット整数の -32768 を -1.0 とする

/**
 * 16ビット整数（リトルエンディアン）の並びを [-1, 1) の実数にする。
 * @param {DataView|ArrayBuffer|ArrayBufferView} bytes 2 * n バイト。
 * @returns {Float32Array} 形 (n,)。
 */
export function int16ToFloat(bytes) {
  const view =
    bytes instanceof ArrayBuffer ? new DataView(bytes) : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength % 2 !== 0) {
    throw new RangeError(`16ビット音声のバイト数は偶数のはずです（渡されたのは ${view.byteLength} バイト）。`);
  }
  const x = new Float32Array(view.byteLength / 2);
  for (let i = 0; i < x.length; i++) x[i] = view.getInt16(2 * i, true) / FULL_SCALE;
  return x;
}

/**
 * [-1, 1) の実数を16ビット整数にする。はみ出した値は端に切りそろえる（クリップ）。
 * @param {ArrayLike<number>} x 形 (n,)。
 * @returns {Int16Array} 形 (n,)。
 */
export function floatToInt16(x) {
  const y = new Int16Array(x.length);
  for (let i = 0; i < x.length; i++) {
    y[i] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(x[i] * FULL_SCALE)));
  }
  return y;
}

/**
 * 二乗平均平方根。
 * @param {ArrayLike<number>} x 形 (n,)。
 * @returns {number} 0以上。空なら 0。
 */
export function rms(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return x.length ? Math.sqrt(sum / x.length) : 0;
}

/**
 * 絶対値の最大。
 * @param {ArrayLike<number>} x 形 (n,)。
 * @returns {number} 0以上。空なら 0。
 */
export function peak(x) {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]));
  return largest;
}

/**
 * 16ビット PCM の WAV ファイルを作る。
 * @param {ArrayLike<number>[]} channels チャネルごとの波形。どれも同じ長さ。
 * @param {number} sr 標本化周波数 [Hz]。
 * @returns {ArrayBuffer} ファイルの中身。
 */
export function encodeWav(channels, sr) {
  const length = channels[0]?.length;
  if (!channels.length || channels.some((x) => x.length !== length)) {
    throw new RangeError("WAV にするには、同じ長さのチャネルが1つ以上要ります。");
  }
  const frameBytes = 2 * channels.length;
  const dataBytes = length * frameBytes;
  const view = new DataView(new ArrayBuffer(44 + dataBytes));
  writeText(view, 0, "RIFF");
  view.setUint32(4, 36 + dataBytes, true);
  writeText(view, 8, "WAVEfmt ");
  view.setUint32(16, 16, true); // fmt チャンクの大きさ
  view.setUint16(20, 1, true); // 1 = 整数 PCM
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sr, true);
  view.setUint32(28, sr * frameBytes, true); // 1秒のバイト数
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, 16, true); // 量子化ビット数
  writeText(view, 36, "data");
  view.setUint32(40, dataBytes, true);
  channels.map(floatToInt16).forEach((samples, c) => {
    for (let i = 0; i < length; i++) view.setInt16(44 + i * frameBytes + 2 * c, samples[i], true);
  });
  return view.buffer;
}

function writeText(view, offset, text) {
  for (let i = 0; i < text.length; i++) view.setUint8(offset + i, text.charCodeAt(i));
}
