// 長い計算を、画面を止めないように、少しずつ進める。file:// のページでは、ふつう Web Worker を作れないため。

const SLICE = 30; // 1 度に続けて計算する時間 [ミリ秒]

/**
 * ジェネレーターを終わりまで進める。
 * @param {Iterator<number>} steps 進み具合（0〜1）を返すもの。
 * @param {object} options onProgress: (進み具合) => void。cancelled: () => boolean、やめるなら true。
 * @returns {Promise<{value: any, milliseconds: number}|null>} 計算にかけた時間。やめたら null。
 */
export async function runInSlices(steps, { onProgress, cancelled }) {
  let milliseconds = 0;
  for (;;) {
    const begun = performance.now();
    let next;
    do next = steps.next();
    while (!next.done && performance.now() - begun < SLICE);
    milliseconds += performance.now() - begun;
    if (next.done) return { value: next.value, milliseconds };
    onProgress(next.value);
    await new Promise((resume) => { setTimeout(resume, 0); });
    if (cancelled()) return null;
  }
}
