// 実験用の小さな信号。どれも Float32Array で、形 (length,)、振幅はおよそ ±1 以内。
// 雑音は種（seed）が同じなら、どのブラウザでも同じ値になる。

/**
 * 種つきの一様乱数（mulberry32）。Math.random は種を選べないので使わない。
 * @param {number} seed 32ビットの整数。
 * @returns {() => number} 呼ぶたびに [0, 1) の数を返す関数。
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * 正弦波 A sin(2πft + φ)。
 * @param {object} options frequency [Hz]、sr [Hz]、length [サンプル]、amplitude、phase [rad]。
 * @returns {Float32Array} 形 (length,)。
 */
export function sine({ frequency, sr, length, amplitude = 0.5, phase = 0 }) {
  return generate(length, (i) => amplitude * Math.sin((2 * Math.PI * frequency * i) / sr + phase));
}

/**
 * 2つの正弦波の和。周波数分解能を比べるためのもの。
 * @param {object} options frequencies: [f1, f2] [Hz]、sr [Hz]、length [サンプル]、amplitude: 1つ分の振幅。
 * @returns {Float32Array} 形 (length,)。
 */
export function twoTone({ frequencies, sr, length, amplitude = 0.3 }) {
  const [a, b] = frequencies.map((f) => (2 * Math.PI * f) / sr);
  return generate(length, (i) => amplitude * (Math.sin(a * i) + Math.sin(b * i)));
}

/**
 * 周波数が時間に比例して from から to へ動くチャープ（スイープ音）。
 * @param {object} options from、to [Hz]、sr [Hz]、length [サンプル]、amplitude。
 * @returns {Float32Array} 形 (length,)。
 */
export function chirp({ from, to, sr, length, amplitude = 0.5 }) {
  // 位相は瞬時周波数の積分: 2π (f0 t + (f1 - f0) t² / 2T)
  const slope = (to - from) / (2 * length);
  return generate(length, (i) => amplitude * Math.sin((2 * Math.PI * (from + slope * i) * i) / sr));
}

/**
 * 一定間隔のクリック（1サンプルだけの音）。
 * @param {object} options period: 間隔 [サンプル]、length [サンプル]、amplitude、start: 最初の位置。
 * @returns {Float32Array} 形 (length,)。
 */
export function clickTrain({ period, length, amplitude = 0.9, start = 0 }) {
  if (!(period >= 1)) throw new RangeError(`クリックの間隔は1以上にしてください（渡された値: ${period}）。`);
  const x = new Float32Array(length);
  for (let i = start; i < length; i += period) x[Math.round(i)] = amplitude;
  return x;
}

/**
 * 白色雑音（一様分布）。
 * @param {object} options length [サンプル]、amplitude: 値は [-amplitude, amplitude)、seed: 種。
 * @returns {Float32Array} 形 (length,)。
 */
export function noise({ length, amplitude = 0.5, seed = 0 }) {
  const random = seededRandom(seed);
  return generate(length, () => amplitude * (2 * random() - 1));
}

function generate(length, sample) {
  const x = new Float32Array(length);
  for (let i = 0; i < length; i++) x[i] = sample(i);
  return x;
}
