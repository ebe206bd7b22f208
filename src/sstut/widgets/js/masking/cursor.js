// 絵の上に重ねる線：筆の輪郭、引いている長方形、キーボードの十字。

/**
 * 重ねる線を描く。
 * @param {CanvasRenderingContext2D} context 描く先。単位は CSS px。
 * @param {object} at 番号と場所の対応（picture.at）。
 * @param {object} look tool: いまの道具。spot: 筆の場所か null。cross: 十字の場所か null。
 *   box: 引いている長方形の 2 つの角か null。settle: 倍音のブラシが塗る場所を返す関数。
 */
export function drawCursor(context, at, { tool, spot, cross, box, settle }) {
  if (box) {
    const [[t0, k0], [t1, k1]] = box;
    outline(context, () => context.rect(at.x(t0), at.y(k0), at.x(t1) - at.x(t0), at.y(k1) - at.y(k0)));
  }
  if (spot && tool.painting) drawBrush(context, at, { tool, spot, settle, box });
  if (cross) drawCross(context, at.x(cross.t), at.y(cross.k));
}

function drawBrush(context, at, { tool, spot, settle, box }) {
  const { canvas } = context;
  if (tool.brush === "brush") {
    outline(context, () => context.arc(at.x(spot.t), at.y(spot.k), tool.size / 2, 0, 2 * Math.PI));
  } else if (tool.brush === "harmonic") {
    const { k } = settle(spot);
    const x = at.x(spot.t);
    outline(context, () => {
      for (let h = 1; h * k <= at.top; h++) {
        context.moveTo(x - 9, at.y(h * k));
        context.lineTo(x + 9, at.y(h * k));
      }
    });
  } else if (tool.brush === "band" && !box) {
    outline(context, () => {
      context.moveTo(0, at.y(spot.k));
      context.lineTo(canvas.width, at.y(spot.k));
    });
  }
}

function drawCross(context, x, y) {
  outline(context, () => {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 13 * dx, y + 13 * dy);
    }
  });
}

/** どんな色の上でも見える、黒い縁つきの白い線。 */
function outline(context, trace) {
  context.beginPath();
  trace();
  context.lineWidth = 3.5;
  context.strokeStyle = "rgb(0 0 0 / 65%)";
  context.stroke();
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.stroke();
}
