// 色の表。明るさ（OKLab の L）が値に比例して増えるので、どこでも同じ差が同じ濃さの差に見え、
// 白黒で印刷しても、色の見え方が人と違っても読める。
//   heatColors()   暗い紫 → 赤 → 明るい黄。スペクトログラム用
//                  Uint32Array(256)、ImageData にそのまま書ける並び（ABGR）

const LIGHTNESS = [0.14, 0.97]; // 0 の色と 255 の色の明るさ

/** OKLab → 線形 sRGB。Björn Ottosson の定義式（2020）。 */
function toLinearRgb(L, a, b) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function toByte(linear) {
  const v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.max(0, Math.min(1, v)));
}

/** 明るさと色相を保ち、表せない色なら鮮やかさを落とす。 */
export function pack(L, chroma, hue) {
  const fits = (c) => toLinearRgb(L, c * Math.cos(hue), c * Math.sin(hue)).every((v) => v >= 0 && v <= 1);
  let low = 0;
  let high = chroma;
  if (fits(chroma)) low = chroma;
  else for (let i = 0; i < 20; i++) if (fits((low + high) / 2)) low = (low + high) / 2; else high = (low + high) / 2;
  const [r, g, b] = toLinearRgb(L, low * Math.cos(hue), low * Math.sin(hue)).map(toByte);
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

function table(chroma, hue) {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const v = i / 255;
    return pack(LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * v, chroma(v), hue(v));
  });
}

/** スペクトログラム用の色の表。 */
export function heatColors() {
  const degrees = (v) => 285 + 175 * v ** 0.9; // 青紫 → 赤紫 → 橙 → 黄
  return table((v) => 0.05 + 0.19 * Math.sin(Math.PI * Math.min(1, 0.15 + 0.8 * v)), (v) => (degrees(v) * Math.PI) / 180);
}

/** 表を CSS の linear-gradient にする（カラーバー用）。下が小さい値。 */
export function gradient(colors) {
  const stops = Array.from({ length: 17 }, (_, i) => {
    const c = colors[Math.min(255, 16 * i)];
    return `rgb(${c & 255} ${(c >> 8) & 255} ${(c >> 16) & 255})`;
  });
  return `linear-gradient(to top, ${stops.join(", ")})`;
}
