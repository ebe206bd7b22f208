// 埋め込みの部分：散布図と、選んだビンが光るスペクトログラム。両方で、同じビンに印が付く。
//
//   const embedding = createEmbedding({ frame, model, mixture, onMask });
//   embedding.el、embedding.update()、embedding.setPosition(秒)、embedding.state()

import { magnitude, magnitudeDb, maximum } from "../dsp/spectrogram.js";
import { istft, stft } from "../dsp/stft.js";
import { heatColors, pack } from "../ui/colormap.js";
import { choice, h, onFrame, slider } from "../ui/dom.js";
import { formatHz } from "../ui/format.js";
import { loudestPoints } from "../ui/heatmap.js";
import { movePoint } from "../ui/keys.js";
import { createSpectrogram } from "../ui/spectrogram.js";
import { selectBins, shareOf, toBytes } from "./bins.js";
import { createScatter } from "./scatter.js";

const FLOOR = -40; // これより小さいビンの点は、散布図に描かない [dB]
const LIT = heatColors();
const DARK = Uint32Array.from({ length: 256 }, (_, i) => pack(0.14 + (0.42 * i) / 255, 0, 0)); // 選ばれないビンは灰色

/** 選んだビンだけに色が付く塗りかた。 */
function litPainter(getMask) {
  return (width, height, pixels) => {
    let view = null;
    let points = null;
    return {
      layout(next) {
        view = next;
        points = loudestPoints(next, width, height);
      },
      paint(x0, x1) {
        const mask = getMask();
        const gain = 255 / (view.high - view.low);
        for (let y = 0; y < height; y++) {
          for (let n = y * width + x0; n < y * width + x1; n++) {
            const v = Math.max(0, Math.min(255, (view.values[points[n]] - view.low) * gain)) | 0;
            pixels[n] = (mask[points[n]] > 0.5 ? LIT : DARK)[v];
          }
        }
      },
    };
  };
}

export function createEmbedding({ frame, model, mixture, onSound }) {
  const get = (name) => model.get(name);
  const sr = get("sr");
  const [nFft, hop] = get("frames");
  const S = stft(mixture, { nFft, hop });
  const db = magnitudeDb(S);
  const size = magnitude(S);
  const data = { points: toBytes(get("points")), groups: toBytes(get("groups")) };
  const loud = Array.from(db.keys()).filter((i) => db[i] > FLOOR);
  let mask = new Float32Array(data.groups.length);
  let waves = null;
  let point = db.indexOf(maximum(db)); // 印の付いたビン

  const scatter = createScatter({ data, loud, signal: frame.signal, onRegion: (x, y) => frame.save({ selection: "region", region: [x, y, get("region")[2]] }) });
  const view = createSpectrogram({ height: 220, signal: frame.signal, colorbar: false, createPainter: litPainter(() => mask), describe: (event) => words(indexOf(view.toPoint(event))) });
  const mark = h("div", { class: "sst-point" });
  const layer = h("div", { class: "sst-layer", tabindex: "0", role: "application", "aria-roledescription": "点を選ぶ絵", "aria-label": "混合音のビン。矢印キーで印を動かす" }, mark);
  view.plot.append(layer);
  const indexOf = ({ t, k }) => t * S.bins + k;
  const words = (i) => `${((Math.floor(i / S.bins) * hop) / sr).toFixed(2)} 秒　${formatHz(((i % S.bins) * sr) / nFft)}　集まり ${data.groups[i] + 1}`;

  function showPoint() {
    const [t, k] = [Math.floor(point / S.bins), point % S.bins];
    Object.assign(mark.style, { left: `${(100 * t * hop) / mixture.length}%`, bottom: `${(100 * k) / (S.bins - 1)}%` });
    scatter.setPoint(point);
    place.textContent = words(point);
  }
  function choosePoint(i) {
    point = i;
    showPoint();
  }
  layer.addEventListener("pointermove", (event) => choosePoint(indexOf(view.toPoint(event))), { signal: frame.signal });
  layer.addEventListener("pointerdown", (event) => choosePoint(indexOf(view.toPoint(event))), { signal: frame.signal });
  movePoint(layer, (dt, dk) => {
    const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
    choosePoint(indexOf({ t: clamp(Math.floor(point / S.bins) + dt, S.frames), k: clamp((point % S.bins) + dk, S.bins) }));
  }, frame.signal);

  const pick = choice({ label: "選ぶビン", options: [["group0", "集まり 1"], ["group1", "集まり 2"], ["region", "円の中"]], value: get("selection"), onChange: (v) => frame.save({ selection: v }) });
  const radius = slider({ label: "円の半径", min: 0.02, max: 0.7, step: 0.01, value: get("region")[2], format: (v) => v.toFixed(2), onInput: (v) => frame.save({ selection: "region", region: [...get("region").slice(0, 2), v] }) });
  const share = h("p", { class: "sst-arch-share" });
  const place = h("p", { class: "sst-arch-share", role: "status" });

  function update() {
    const selection = { selection: get("selection"), region: get("region") };
    mask = selectBins(data, selection, mask);
    const selected = istft(S, { mask });
    waves = { mixture, selected, rest: mixture.map((v, i) => v - selected[i]) };
    pick.value = selection.selection;
    [, , radius.value] = selection.region;
    scatter.show(mask, selection);
    view.redraw();
    const { count, percent } = shareOf(mask, size);
    share.textContent = `選んだビン ${count.toLocaleString("en")} 個、混合音のエネルギーの ${percent.toFixed(0)} %`;
    onSound(waves);
  }
  const updateSoon = onFrame(update);
  for (const name of ["selection", "region"]) frame.onTrait(name, updateSoon);

  return {
    el: h("div", { class: "sst-panel", role: "group", "aria-label": "埋め込みとビン" },
      h("p", { class: "sst-panel-title", "aria-hidden": "true", text: "埋め込みとビン" }),
      h("div", { class: "sst-arch-choices" }, pick.el, radius.el),
      h("div", { class: "sst-columns sst-arch-pair" },
        h("figure", { class: "sst-arch-figure" }, h("figcaption", { text: "埋め込み（1 点が 1 ビン）" }), scatter.el),
        h("figure", { class: "sst-arch-figure" }, h("figcaption", { text: "混合音（選んだビンに色）" }), view.el)),
      share, place),
    start() {
      view.setData({ values: db, frames: S.frames, bins: S.bins, hop, sr, duration: mixture.length / sr });
      update();
      showPoint();
    },
    setPosition: view.setPosition,
    state: () => ({ selection: get("selection"), region: get("region"), point, place: [data.points[2 * point], data.points[2 * point + 1]], selected: mask.reduce((sum, v) => sum + v, 0) }),
    sound: (name) => waves[name].slice(),
  };
}
