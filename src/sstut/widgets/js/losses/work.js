// 正解 1 つ分の計算：損失の面（遅れ × 利得）と、選んだ点の推定・値。画面を使わない。
//
//   const work = createWork(target);
//   work.update({ inverted, noiseDb })   推定の作り方を変え、面をはじめから作りなおす
//   work.advance(ミリ秒)                  面を、時間の許すだけ進める。終わったら true
//   work.maps[名前]                       Float64Array。遅れ t、利得 k の値は [t * GAINS.length + k]
//   work.at({ gainDb, delay })           { target, estimate, error, values }
//   work.ranges[名前]                     色と断面の図の [下端, 上端]

import { degrade, magnitudeLoss, N_FFTS, scaledStft, spectralTerms, waveformLosses } from "../dsp/losses.js";
import { magnitude } from "../dsp/spectrogram.js";
import { seededRandom } from "../dsp/testsignals.js";

export const LOSSES = {
  l1: "波形の L1", mse: "波形の MSE", snr: "負の SNR", si_sdr: "負の SI-SDR", magnitude: "振幅の L1", multi_resolution: "多解像度 STFT",
};
export const GAINS = Array.from({ length: 25 }, (_, k) => k - 18); // [dB]
export const MAX_DELAY = 64; // [サンプル]
export const DELAYS = Array.from({ length: 2 * MAX_DELAY + 1 }, (_, t) => t - MAX_DELAY);
export const QUIET = -60; // 雑音の大きさのつまみの左端。加えない
const N_FFT = 512; // 振幅の L1 の窓の長さ
const WAVEFORM = ["l1", "mse", "snr", "si_sdr"];
const SPECTRAL = ["magnitude", "multi_resolution"];
const [DELAY_STEP, GAIN_STEP] = [4, 2]; // STFT の損失は滑らかなので、とびとびに求めて間を直線で結ぶ

const gainOf = (db) => 10 ** (db / 20);

/** 正解と同じパワーの白色雑音。 */
export function matchedNoise(target) {
  const random = seededRandom(22);
  const noise = Float64Array.from(target, () => 2 * random() - 1);
  const power = (x) => x.reduce((sum, v) => sum + v * v, 0);
  const scale = Math.sqrt(power(target) / power(noise));
  return noise.map((v) => scale * v);
}

/** 損失の面を計算する道具。target: 正解の波形（無音でない）。 */
export function createWork(target) {
  const noise = matchedNoise(target);
  const resolutions = N_FFTS.map((n) => ({ n, S: magnitude(scaledStft(Float64Array.from(target), n)), B: scaledStft(noise, n) }));
  // 振幅の L1 には、sstut.representations.stft と同じく、割らない STFT を使う
  const unscaled = N_FFT / 2;
  const maps = Object.fromEntries(Object.keys(LOSSES).map((name) => [name, new Float64Array(DELAYS.length * GAINS.length)]));
  let degradation = { sign: 1, noiseGain: 0 };
  let steps = []; // 面を作る、残りの仕事。波形の損失が先

  const wave = ({ gainDb, delay }, out = null) => degrade(target, {
    gain: degradation.sign * gainOf(gainDb), delay, noise, noiseGain: degradation.noiseGain,
  }, out);

  /** gain * A + noiseGain * B の振幅。 */
  function mixedMagnitude(A, B, gain, out) {
    const g = degradation.noiseGain;
    for (let i = 0; i < out.length; i++) {
      const [re, im] = [gain * A.re[i] + g * B.re[i], gain * A.im[i] + g * B.im[i]];
      out[i] = Math.sqrt(re * re + im * im);
    }
  }
  /** 雑音がなければ、振幅は gain 倍になるだけ。 */
  function scaledTo(A, gain, out) {
    for (let i = 0; i < out.length; i++) out[i] = gain * A[i];
  }
  /** 1 つの遅れの、すべての利得での STFT の損失。 */
  function spectralColumn(delay, gains) {
    const shifted = degrade(target, { delay });
    const values = { magnitude: gains.map(() => 0), multi_resolution: gains.map(() => 0) };
    for (const { n, S, B } of resolutions) {
      const A = scaledStft(shifted, n);
      const plain = magnitude(A);
      const E = new Float64Array(S.length);
      gains.forEach((db, i) => {
        const gain = degradation.sign * gainOf(db);
        if (degradation.noiseGain === 0) scaledTo(plain, Math.abs(gain), E);
        else mixedMagnitude(A, B, gain, E);
        values.multi_resolution[i] += spectralTerms(E, S) / resolutions.length;
        if (n === N_FFT) values.magnitude[i] = unscaled * magnitudeLoss(E, S);
      });
    }
    return values;
  }

  /** 遅れの番号 t の列を、間の利得を結んで書く。前に求めた列との間も結ぶ。 */
  function writeSpectralColumn(t) {
    const coarse = spectralColumn(DELAYS[t], GAINS.filter((_, k) => k % GAIN_STEP === 0));
    const rows = GAINS.length;
    for (const name of SPECTRAL) {
      const map = maps[name];
      for (let k = 0; k < rows; k++) {
        const low = Math.floor(k / GAIN_STEP);
        const part = (k % GAIN_STEP) / GAIN_STEP;
        const next = coarse[name][Math.min(low + 1, coarse[name].length - 1)];
        map[t * rows + k] = (1 - part) * coarse[name][low] + part * next;
        for (let i = 1; i < DELAY_STEP && t > 0; i++) {
          const share = i / DELAY_STEP;
          map[(t - i) * rows + k] = share * map[(t - DELAY_STEP) * rows + k] + (1 - share) * map[t * rows + k];
        }
      }
    }
  }

  const estimate = new Float64Array(target.length);
  function writeWaveformColumn(t) {
    GAINS.forEach((gainDb, k) => {
      const values = waveformLosses(wave({ gainDb, delay: DELAYS[t] }, estimate), target);
      for (const name of WAVEFORM) maps[name][t * GAINS.length + k] = values[name];
    });
  }

  const { S } = resolutions.find(({ n }) => n === N_FFT);
  const zero = new Float64Array(target.length);
  const silence = waveformLosses(zero, target);
  return {
    maps, target, noise,
    // 波形の損失の上端は、正解の正負を逆にしたときの値
    ranges: {
      l1: [0, 2 * silence.l1], mse: [0, 4 * silence.mse], snr: [-12, 6], si_sdr: [-15, 15],
      magnitude: [0, unscaled * magnitudeLoss(new Float64Array(S.length), S)], multi_resolution: [0, 3],
    },
    update({ inverted, noiseDb }) {
      degradation = { sign: inverted ? -1 : 1, noiseGain: noiseDb <= QUIET ? 0 : gainOf(noiseDb) };
      const coarse = DELAYS.map((_, t) => t).filter((t) => t % DELAY_STEP === 0);
      steps = [...DELAYS.map((_, t) => () => writeWaveformColumn(t)), ...coarse.map((t) => () => writeSpectralColumn(t))];
    },
    advance(milliseconds) {
      const end = performance.now() + milliseconds;
      while (steps.length > 0 && performance.now() < end) steps.shift()();
      return steps.length === 0;
    },
    at(point) {
      const heard = wave(point);
      const spectral = spectralColumn(point.delay, [point.gainDb]);
      const values = { ...waveformLosses(heard, target), magnitude: spectral.magnitude[0], multi_resolution: spectral.multi_resolution[0] };
      return {
        values,
        target: Float32Array.from(target), estimate: Float32Array.from(heard), error: Float32Array.from(heard, (v, i) => v - target[i]),
      };
    },
  };
}
