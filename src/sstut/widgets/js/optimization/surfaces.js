// 損失の曲面ごとの、見せる範囲、はじめの値、色にする値。

import { bestUnmixing, createSurface, curvatures } from "../dsp/optimization.js";

export const SURFACE_NAMES = { mse: "分離：二乗誤差", si_sdr: "分離：−SI-SDR", bowl: "おわん（2 次式）", valley: "曲がった谷" };
const FLOOR = 1e-12; // 曲線に描く損失の下限
const DARKEST = 0.005; // 地図でいちばん暗い損失。これより下は、どれも谷底に見える
const DB_RANGE = [-30, 10]; // 地図に描く −SI-SDR の範囲 [dB]

/** 曲面を変えたときの、学習率と出発点。 */
export const DEFAULTS = {
  mse: { lr: 0.1, start: [1, 0] },
  si_sdr: { lr: 0.02, start: [1, 0] },
  bowl: { lr: 0.05, start: [-2, 1.2] },
  valley: { lr: 0.01, start: [-1.2, 1.5] },
};

/** 音の損失か（その点の分離を聴けるか）。 */
export const hasSound = (kind) => kind === "mse" || kind === "si_sdr";

/**
 * 曲面 1 つ分。
 * @param {string} kind 種類。
 * @param {object} options moments、condition。
 * @returns {object} loss、gradient、window: { x、y: [下端, 上端] }、best: 最小の点か null、axes: 軸の名前、
 *   toColor: 損失 → 色と等高線にする値、toChart: 損失 → 曲線の縦の値、curvatures。
 */
export function openSurface(kind, { moments, condition }) {
  const surface = createSurface(kind, { moments, condition });
  const db = kind === "si_sdr";
  const toLog = (floor) => (loss) => Math.log10(Math.max(loss, floor));
  const common = {
    kind, db, ...surface, curvatures: curvatures(kind, { moments, condition }),
    toColor: db ? (loss) => Math.max(DB_RANGE[0], Math.min(DB_RANGE[1], loss)) : toLog(DARKEST), toChart: db ? (loss) => loss : toLog(FLOOR),
  };
  if (hasSound(kind)) {
    const best = bestUnmixing(moments);
    const half = Math.max(1.5, 0.5 * Math.max(...best.map(Math.abs)) + 1);
    const [x, y] = best.map((v) => [v / 2 - half, v / 2 + half]);
    return { ...common, x, y, best: db ? null : best, axes: ["θ₁（マイク 1 の倍率）", "θ₂（マイク 2 の倍率）"] };
  }
  const centre = kind === "bowl" ? [0, 0] : [0, 0.8];
  const [x, y] = centre.map((v) => [v - 2.4, v + 2.4]);
  return { ...common, x, y, best: kind === "bowl" ? [0, 0] : [1, 1], axes: ["θ₁", "θ₂"] };
}
