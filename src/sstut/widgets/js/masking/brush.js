// マスクに塗る形。画面を使わない。位置はフレームの番号 t と周波数の番号 k（どちらも小数でよい）。
//
//   const ink = { mask, frames, bins, value };
//   stroke(ink, [t0, k0], [t1, k1], [rt, rk])     楕円のブラシを直線に動かす
//   harmonics(ink, t, k, half)                    フレーム t に、基本周波数 k とその整数倍を塗る
//   rectangle(ink, [t0, k0], [t1, k1])            2 点を角とする長方形
//   snapPitch(db, bins, t, k)                 近くで、倍音の列がいちばん強い k
// どれも、書きかえたフレームの範囲 [from, to) を返す。

/** 1 本の縦線：フレーム t の、k0 から k1 まで（はみ出しは切る）。 */
function column({ mask, bins, value }, t, k0, k1) {
  const from = Math.max(0, Math.ceil(k0));
  const to = Math.min(bins - 1, Math.floor(k1));
  if (from <= to) mask.fill(value, t * bins + from, t * bins + to + 1);
}

/** 楕円 1 つ。半径が点より小さくても、いちばん近い点は必ず塗る。 */
function dab(ink, t, k, rt, rk) {
  const from = Math.max(0, Math.min(Math.round(t), Math.ceil(t - rt)));
  const to = Math.min(ink.frames - 1, Math.max(Math.round(t), Math.floor(t + rt)));
  for (let f = from; f <= to; f++) {
    const half = rk * Math.sqrt(Math.max(0, 1 - ((f - t) / rt) ** 2));
    column(ink, f, Math.min(Math.round(k), k - half), Math.max(Math.round(k), k + half));
  }
  return [from, to + 1];
}

/**
 * 楕円のブラシを、a から b まで直線に動かす。
 * @param {object} ink mask、frames、bins: 塗る先。value: 塗る値。
 * @param {number[]} a はじめの [t, k]。
 * @param {number[]} b おわりの [t, k]。
 * @param {number[]} radius 半径 [フレーム, 周波数の番号]。
 */
export function stroke(ink, [t0, k0], [t1, k1], [rt, rk]) {
  // 半径の 1/4 ずつ進めると、縁がなめらかにつながる
  const steps = Math.max(1, Math.ceil(4 * Math.hypot((t1 - t0) / Math.max(rt, 0.5), (k1 - k0) / Math.max(rk, 0.5))));
  let range = [ink.frames, 0];
  for (let i = 0; i <= steps; i++) {
    const u = i / steps;
    const [from, to] = dab(ink, t0 + u * (t1 - t0), k0 + u * (k1 - k0), rt, rk);
    range = [Math.min(range[0], from), Math.max(range[1], to)];
  }
  return range;
}

/**
 * フレーム t に、基本周波数と、その整数倍を一度に塗る。
 * @param {object} ink `stroke` と同じ。
 * @param {number} t フレームの番号。
 * @param {number} k 基本周波数の番号（小数）。
 * @param {number} half 帯の半分の幅 [周波数の番号]。倍音が高いほど揺れも大きいので、少しずつ広げる。
 */
export function harmonics(ink, t, k, half) {
  const f = Math.round(t);
  const f0 = Math.max(4, k);
  for (let h = 1; h * f0 < ink.bins; h++) {
    const width = Math.min(half + 0.12 * (h - 1), 0.3 * f0); // 隣の倍音とはつながらない
    column(ink, f, Math.min(Math.round(h * f0), h * f0 - width), Math.max(Math.round(h * f0), h * f0 + width));
  }
  return [f, f + 1];
}

/** 2 点を角とする長方形を塗る。 */
export function rectangle(ink, [t0, k0], [t1, k1]) {
  const from = Math.max(0, Math.round(Math.min(t0, t1)));
  const to = Math.min(ink.frames - 1, Math.round(Math.max(t0, t1)));
  const [low, high] = [Math.round(Math.min(k0, k1)), Math.round(Math.max(k0, k1))];
  for (let f = from; f <= to; f++) column(ink, f, low, high);
  return [from, to + 1];
}

/**
 * k の近く（上下 1 半音半）で、倍音の列がいちばん強い基本周波数。
 * @param {Float32Array} db デシベルのスペクトログラム [dB]。点 (t, k) は t * bins + k 番目。
 * @param {number} bins 周波数の数。
 * @param {number} t フレームの番号。
 * @param {number} k 探しはじめる周波数の番号。
 * @returns {number} 周波数の番号（小数）。
 */
export function snapPitch(db, bins, t, k) {
  const base = t * bins;
  const at = (x) => {
    const i = Math.floor(x);
    return i + 1 < bins ? db[base + i] + (x - i) * (db[base + i + 1] - db[base + i]) : -120;
  };
  let best = -Infinity;
  let found = k;
  for (let cents = -150; cents <= 150; cents += 10) {
    const f0 = k * 2 ** (cents / 1200);
    let sum = -0.04 * Math.abs(cents); // 同じくらいなら、指した所に近いほう
    for (let h = 1; h <= 8; h++) sum += at(h * f0) / Math.sqrt(h);
    if (sum > best) { best = sum; found = f0; }
  }
  return found;
}
