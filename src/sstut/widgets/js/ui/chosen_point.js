// 選んだ点の、周波数と時刻 [Hz, 秒]（trait の point）と、STFT の番号 { t, k } を行き来する。
// S は `stft` の返り値、sr は標本化周波数 [Hz]。

import { maximum } from "../dsp/spectrogram.js";

const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));

/** STFT の中に収めた番号。bins を渡すと、その番号より下に収める。 */
export function insidePoint({ t, k }, S, bins = S.bins) {
  return { t: clamp(t, S.frames), k: clamp(k, Math.min(S.bins, bins)) };
}

/** 番号 → [Hz, 秒]。 */
export function pointToTrait({ t, k }, S, sr) {
  return [(k * sr) / S.nFft, (t * S.hop) / sr];
}

/** [Hz, 秒] → 番号。まだ選ばれていなければ、db がいちばん大きい点。 */
export function traitToPoint([freq, time], S, sr, db) {
  if (freq !== undefined) return insidePoint({ t: Math.round((time * sr) / S.hop), k: Math.round((freq * S.nFft) / sr) }, S);
  const at = db.indexOf(maximum(db));
  return { t: Math.floor(at / S.bins), k: at % S.bins };
}
