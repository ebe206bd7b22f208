// いまの進みかたを、言葉で説明する。画面を使わない。

import { short } from "./controls.js";

/**
 * 経路の説明。
 * @param {object} run `descend` の結果。
 * @param {object} options surface: 曲面。lr、method、stochastic: ミニバッチか。clip: 勾配クリッピングをするか。
 * @returns {string} 1 文か 2 文。
 */
export function explain(run, { surface, lr, method, stochastic, clip }) {
  const losses = run.losses;
  const last = losses[losses.length - 1];
  if (run.diverged) return "発散しました。値があふれたので、ここで止めています。学習率を下げましょう。";
  if (run.norms.length === 0) return "出発点です。地図を押すか、矢印キーで動かせます。「走らせる」で坂を下ります。";
  const grew = surface.db ? last > losses[0] + 10 : last > 10 * losses[0];
  if (clip) {
    const clipped = run.norms.filter((norm, i) => norm > run.limits[i]).length;
    return `${run.norms.length} 歩のうち ${clipped} 歩で、勾配を上限まで縮めました。向きは変えていません。`;
  }
  if (method === "sgd" && surface.curvatures && !stochastic) {
    const [steep, gentle] = surface.curvatures;
    const factor = (curvature) => short(1 - lr * curvature);
    const facts = `1 歩ごとに、谷を横切る向きのずれは ${factor(steep)} 倍、谷に沿う向きのずれは ${factor(gentle)} 倍になります。`;
    if (lr * steep > 2) return `学習率が限界 2/λ₁ = ${short(2 / steep)} を超えています。${facts}`;
    return facts + (lr * steep > 1 ? "符号が変わるので、谷を左右に飛びこえながら進みます。" : "");
  }
  if (grew) return "損失が、出発点より大きくなりました。学習率が大きすぎないかを、勾配の長さの曲線で確かめましょう。";
  if (stochastic) return "1 歩ごとに違う区間の勾配を使うので、経路が揺れます。谷底でも止まりません。";
  if (method === "adam" || method === "rmsprop") return "勾配をその大きさで割るので、急な向きにもゆるい向きにも、1 歩は学習率くらいの長さです。";
  if (method === "momentum" || method === "nesterov") return "前の歩みの μ 倍を足します。谷を横切る動きは打ち消しあい、谷に沿う動きは積み重なります。";
  return "勾配の向きは、等高線といつも直交します。";
}
