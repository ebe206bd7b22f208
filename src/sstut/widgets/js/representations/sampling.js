// 標本化周波数とビット数を下げた音を作る。画面を知らない計算だけを置く。

import { snr } from "../dsp/metrics.js";
import { rms } from "../dsp/pcm.js";
import { quantize } from "../dsp/quantize.js";
import { decimate, resample } from "../dsp/resample.js";

const DITHER_SEED = 1;

/**
 * 下げた音を作る道具。標本化の結果を覚えておき、ビット数だけが変わったときは計算しない。
 * @returns {(x: Float32Array, options: object) => object}
 */
export function createSampler() {
  let memory = { x: null };
  /**
   * @param {Float32Array} x もとの音。
   * @param {{factor: number, antialias: boolean, bits: number, dither: boolean}} options
   *   factor: 標本化周波数を何分の 1 にするか。
   * @returns {{low: Float32Array, coded: Float32Array, result: Float32Array, snr: number, codingSnr: number, gain: number}}
   *   low: 標本化した列。coded: さらに量子化した列。result: もとの標本化周波数で鳴らす波形、形は x と同じ。
   *   snr: もとの音と result の SNR [dB]。codingSnr: low と coded の SNR [dB]。
   *   gain: 雑音で音量が増えたとき、もとの音と同じ大きさに下げる倍率。
   */
  return (x, { factor, antialias, bits, dither }) => {
    const same = memory.x === x && memory.factor === factor && memory.antialias === antialias;
    if (!same) {
      const low = factor === 1 ? x : antialias ? resample(x, factor, 1) : decimate(x, factor);
      memory = { x, factor, antialias, low };
    }
    const { low } = memory;
    const coded = quantize(low, bits, { ditherSeed: dither ? DITHER_SEED : null });
    // もとの標本化周波数の格子に戻す。標本化定理のとおり、新しいナイキスト周波数より下だけが残る。
    const result = factor === 1 ? coded : resample(coded, 1, factor).subarray(0, x.length);
    const silent = rms(x) === 0;
    return {
      low, coded, result,
      snr: silent ? NaN : snr(x, result), codingSnr: rms(low) === 0 ? NaN : snr(low, coded),
      gain: Math.min(1, rms(x) / (rms(result) || 1) || 1),
    };
  };
}

/** いちばん大きいサンプルの番号。 */
export function loudestSample(x) {
  let at = 0;
  for (let i = 0; i < x.length; i++) if (Math.abs(x[i]) > Math.abs(x[at])) at = i;
  return at;
}
