// 反復を、画面を止めずに進める。1 回の描画のあいだに、決まった時間だけ計算する。
//
//   const runner = createRunner({ step, onFrame, limit });
//   runner.advance(10)  runner.goTo(50)  runner.run()  runner.stop()  runner.running

const BUDGET = 20; // 1 回の描画のあいだに計算する時間 [ミリ秒]

/**
 * 反復を進める道具。
 * @param {object} options step: 1 回進める関数。count: いまの回数を返す関数。
 *   onFrame: (終わったか) => void。描画ごとに呼ぶ。limit: 回数の上限。
 */
export function createRunner({ step, count, onFrame, limit }) {
  let target = 0;
  let request = 0;
  const timing = []; // 1 回にかかった時間 [ミリ秒]。新しいものから 500 個

  function tick() {
    request = 0;
    const begin = performance.now();
    let before = begin;
    while (count() < target && before - begin < BUDGET) {
      step();
      const now = performance.now();
      timing.push(now - before);
      if (timing.length > 500) timing.shift();
      before = now;
    }
    const more = count() < target;
    onFrame(!more);
    if (more) request = requestAnimationFrame(tick);
  }
  function goTo(n) {
    target = Math.min(n, limit);
    if (count() < target && !request) request = requestAnimationFrame(tick);
  }
  return {
    timing, goTo,
    get running() { return count() < target; },
    advance: (n) => goTo(Math.max(count(), target) + n), // 進めている途中に押されたら、その先へ
    run: () => goTo(limit),
    stop() {
      cancelAnimationFrame(request);
      const was = count() < target;
      request = 0;
      target = 0;
      if (was) onFrame(true);
    },
  };
}
