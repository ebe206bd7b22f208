/** 小さい順に並んだ値の、割合 q（0〜1）の点。間は直線で補う（np.quantile の既定）。 */
export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
