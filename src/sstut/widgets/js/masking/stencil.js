// スペクトログラムに「型紙」を当てた絵の画素。通す点はスペクトログラムの色、止める点は紙の色になる。
// DOM を使わない。
//
//   const stencil = new Stencil(width, height);
//   stencil.layout({ values, frames, bins, toFrame, toBin, maskOnly })   どの画素がどの点を見せるかを決める（重い）
//   stencil.setTheme(dark)
//   stencil.paint(mask, x0, x1)                                      画素を書く（軽い。塗っている間はこれだけ）
//   stencil.pixels                                                    Uint32Array(width * height)

import { heatColors } from "../ui/colormap.js";
import { binEdges } from "../ui/heatmap.js";

const LEVELS = 32; // マスクの濃さの段階
const TILE = 32; // まとめて書く列の数。マスクを読む場所が近くに集まり、速い

const heat = heatColors();

/** 紙の色。明るいテーマでは白い紙に灰色の、暗いテーマでは黒い紙に灰色の刷りあと。 */
function paper(dark, v) {
  const g = dark ? 44 + 74 * v : 242 - 104 * v;
  return [g - 1, g + 1, g + 5].map(Math.round);
}

/** 濃さの段階と色の番号から画素を引く表。(段階 * 256 + 番号) 番目。 */
function shadeTable(dark, maskOnly) {
  const ink = dark ? [141, 178, 255] : [37, 87, 199];
  const table = new Uint32Array(LEVELS * 256);
  for (let level = 0; level < LEVELS; level++) {
    const w = level / (LEVELS - 1);
    for (let i = 0; i < 256; i++) {
      const covered = paper(dark, maskOnly ? 0 : i / 255);
      const open = maskOnly ? ink : [heat[i] & 255, (heat[i] >> 8) & 255, (heat[i] >> 16) & 255];
      const [r, g, b] = covered.map((c, j) => Math.round(c + (open[j] - c) * w));
      table[level * 256 + i] = (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
    }
  }
  return table;
}

/** 型紙を当てた絵。 */
export class Stencil {
  /**
   * @param {number} width 幅 [画素]。
   * @param {number} height 高さ [画素]。
   * @param {Uint32Array} pixels 書き込み先。
   */
  constructor(width, height, pixels) {
    Object.assign(this, { width, height, pixels, dark: false, maskOnly: false });
    this.cells = new Int32Array(width * height); // 画素 → その画素が見せる点の番号
    this.shades = new Uint8Array(width * height); // 画素 → 色の番号
  }

  /**
   * 画素ごとに、見せる点を決める。画素が点より粗ければ、いちばん大きい点を選ぶ。
   * @param {object} view values: 値 [dB]、frames、bins: 大きさ。low、high: 色の両端 [dB]。
   *   toFrame、toBin: 絵の中の位置（左・下が 0、右・上が 1）→ 番号。maskOnly: マスクだけを見せるか。
   */
  layout({ values, frames, bins, low, high, toFrame, toBin, maskOnly }) {
    const { width, height, cells, shades } = this;
    const rows = binEdges(height, bins, toBin);
    const gain = 255 / (high - low);
    this.maskOnly = maskOnly;
    this.table = shadeTable(this.dark, maskOnly);
    for (let x = 0; x < width; x++) {
      const first = Math.max(0, Math.min(frames - 1, Math.round(toFrame(x / width))));
      const last = Math.max(first + 1, Math.min(frames, Math.round(toFrame((x + 1) / width))));
      for (let y = 0; y < height; y++) {
        let at = ((first + last - 1) >> 1) * bins + ((rows.from[y] + rows.to[y] - 1) >> 1);
        for (let t = first; t < last && !maskOnly; t++) {
          const end = t * bins + rows.to[y];
          for (let i = t * bins + rows.from[y]; i < end; i++) if (values[i] > values[at]) at = i;
        }
        cells[y * width + x] = at;
        shades[y * width + x] = Math.max(0, Math.min(255, (values[at] - low) * gain));
      }
    }
  }

  setTheme(dark) {
    this.dark = dark;
    this.table = shadeTable(dark, this.maskOnly);
  }

  /** 列 x0 以上 x1 未満を、いまのマスクで書く。 */
  paint(mask, x0 = 0, x1 = this.width) {
    const { width, height, cells, shades, pixels, table } = this;
    for (let left = x0; left < x1; left += TILE) {
      const right = Math.min(x1, left + TILE);
      for (let y = 0; y < height; y++) {
        for (let p = y * width + left, end = y * width + right; p < end; p++) {
          const level = (mask[cells[p]] * (LEVELS - 1) + 0.5) | 0;
          pixels[p] = table[(level << 8) | shades[p]];
        }
      }
    }
  }
}
