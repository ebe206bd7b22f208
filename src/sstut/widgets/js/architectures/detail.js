// 選んだ段：形、計算量、つながり、出力の絵。

import { h } from "../ui/dom.js";
import { createHeatgrid } from "../ui/heatgrid.js";
import { factList } from "../ui/parts.js";
import { imagePart } from "./bins.js";

const NOTES = {
  STFT: "波形を、時間と周波数の表に変えます。学習しません。",
  再帰: "フレームを順に読み、過去（両方向なら未来も）を状態に要約します。",
  全結合: "フレームごとに同じ重みを掛けます。",
  畳み込み: "近くの値に、場所によらない重みを掛けて足します。",
  転置畳み込み: "間隔を広げながら重ねて、細かい表や波形に戻します。",
  正規化: "平均と大きさをそろえます。",
  埋め込み: "ビンごとに、長さ 1 のベクトルを作ります。",
  マスク: "音源ごとに、ビンを通す割合を決めます。",
  波形に戻す: "マスクを掛けた表を、逆 STFT で波形に戻します。",
};

/** 大きな数を、3 桁ごとに区切る。100 万以上は「百万」で書く。 */
export function big(n) {
  return n >= 1e6 ? `${(n / 1e6).toPrecision(3)} 百万` : n.toLocaleString("en");
}

/** 選んだ段を見せる部分。 */
export function createDetail({ duration, signal }) {
  const name = h("strong");
  const note = h("p", { class: "sst-arch-note" });
  const facts = factList(["入力の形", "出力の形", "パラメータ", "積和演算", "値の数", "つながる段"]);
  const grid = createHeatgrid({ label: "選んだ段の出力の絵", height: 150, signal, describe: ({ x }) => `${x.toFixed(2)} 秒` });
  const caption = h("p", { class: "sst-arch-caption" });
  return {
    el: h("div", { class: "sst-columns sst-arch-detail" }, h("div", { class: "sst-arch-words" }, h("p", { class: "sst-arch-name" }, name), note, facts.el), h("figure", { class: "sst-arch-picture" }, grid.el, caption)),
    show(blocks, index, bytes) {
      const block = blocks[index];
      const total = blocks.reduce((sum, { macs }) => sum + macs, 0);
      const shape = (sizes) => sizes.join(" × ");
      name.textContent = `${index + 1}／${blocks.length}　${block.kind}　${block.name}`;
      note.textContent = NOTES[block.kind] ?? "";
      facts.show(shape(block.shape_in), shape(block.shape_out), big(block.parameters),
        block.macs === 0 ? "0" : `${big(block.macs)}（${((100 * block.macs) / total).toFixed(0)} %）`,
        big(block.channels * block.positions), block.sources.map((i) => blocks[i].name).join("、") || "入力の波形");
      caption.textContent = block.what;
      const rows = { min: 0, max: block.rows, ticks: [], label: "出力" };
      const seconds = { min: 0, max: duration, ticks: [0, duration / 2, duration], format: (v) => Number(v.toFixed(2)).toString(), label: "時間 [秒]" };
      grid.setData({ values: imagePart(bytes, blocks, index), columns: block.columns, rows: block.rows, low: 0, high: 255, x: seconds, y: rows });
    },
  };
}
