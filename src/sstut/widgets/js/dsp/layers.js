// 層の長さ、ストライド、受容野の計算。sstut.layers の conv_output_length、
// conv_transpose_output_length、receptive_field と同じ値になる（試験が確かめる）。
//
// 層は { kind, kernel, stride, padding, dilation, output_padding, source }。kind は
// "conv"、"transpose"、"pool"、"skip"（source 番の層の出力を、チャネルに並べる。0 は入力）。
// 段 i は i 個の層を通した後で、段 0 が入力。

const DEFAULTS = { kernel: 1, stride: 1, padding: 0, dilation: 1, output_padding: 0 };
const MAX_PHASES = 1024; // 受容野を調べる、出力の位置の数の上限

const mod = (a, n) => ((a % n) + n) % n;
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** 穴を空けて広げたカーネルの長さ。 */
function spanOf({ kernel, dilation }) {
  return dilation * (kernel - 1) + 1;
}

/** 畳み込みの出力の長さ。 */
export function convOutputLength(length, sizes) {
  const layer = { ...DEFAULTS, ...sizes };
  const [span, padded] = [spanOf(layer), length + 2 * layer.padding];
  if (span > padded) {
    throw new RangeError(`カーネルが広がる長さ ${span} が、補った入力の長さ ${padded} を超えています。`);
  }
  return Math.floor((padded - span) / layer.stride) + 1;
}

/** 転置畳み込みの出力の長さ。 */
export function convTransposeOutputLength(length, sizes) {
  const { stride, padding, dilation, output_padding: extra, ...rest } = { ...DEFAULTS, ...sizes };
  if (extra >= Math.max(stride, dilation)) {
    throw new RangeError(`output_padding=${extra} は stride=${stride} か dilation=${dilation} より小さくしてください。`);
  }
  const full = (length - 1) * stride + spanOf({ ...rest, dilation });
  if (full - 2 * padding + extra < 1) {
    throw new RangeError(`両端から ${padding} ずつ取り除くと、長さ ${full} の出力に何も残りません。`);
  }
  return full - 2 * padding + extra;
}

/** 畳み込みとプーリングだけを重ねたときの受容野 { size, stride, start }。 */
export function receptiveField(layers) {
  let [size, stride, start] = [1, 1, 0];
  for (const sizes of layers) {
    const layer = { ...DEFAULTS, ...sizes };
    size += (spanOf(layer) - 1) * stride;
    start -= layer.padding * stride;
    stride *= layer.stride;
  }
  return { size, stride, start };
}

/** 1 層の出力の長さ。lengths は、手前までの段の長さ。合わなければ RangeError。 */
function nextLength(layer, lengths) {
  const length = lengths.at(-1);
  if (layer.kind === "transpose") return convTransposeOutputLength(length, layer);
  if (layer.kind !== "skip") return convOutputLength(length, layer);
  const other = lengths[layer.source];
  if (other !== length) {
    const name = layer.source === 0 ? "入力" : `${layer.source} 番の出力`;
    throw new RangeError(`つなぐ相手（${name}）の長さは ${other}、ここまでの長さは ${length} です。長さが違うと並べられません。`);
  }
  return length;
}

/**
 * 段ごとの長さ。合わない層があれば、そこで止まる。
 * @returns {{lengths: number[], error: {layer: number, message: string} | null}} layer は 0 から数える。
 */
export function stackLengths(layers, length) {
  const lengths = [length];
  for (const [layer, sizes] of layers.entries()) {
    try {
      lengths.push(nextLength(sizes, lengths));
    } catch (error) {
      return { lengths, error: { layer, message: error.message } };
    }
  }
  return { lengths, error: null };
}

/** length より長くて、最後の層まで通る、いちばん短い長さ。limit までになければ null。 */
export function nextValidLength(layers, length, limit) {
  for (let n = length + 1; n <= limit; n++) {
    if (!stackLengths(layers, n).error) return n;
  }
  return null;
}

/** 左に補う 0 の数（畳み込み）か、左から取り除く数（転置畳み込み）。causal なら、過去の側に寄せる。 */
function leftOf({ kind, padding }, causal) {
  if (kind === "transpose") return causal ? 0 : padding;
  return causal ? 2 * padding : padding;
}

/** 出力の範囲 [low, high] が見る、手前の段の範囲。見るものがなければ null。 */
function spanBack(sizes, [low, high], causal) {
  const layer = { ...DEFAULTS, ...sizes };
  const [span, left, { stride }] = [spanOf(layer), leftOf(layer, causal), layer];
  if (layer.kind !== "transpose") return [low * stride - left, high * stride - left + span - 1];
  const back = [Math.ceil((low + left - span + 1) / stride), Math.floor((high + left) / stride)];
  return back[0] > back[1] ? null : back;
}

function hull(a, b) {
  if (!a || !b) return a ?? b ?? null;
  return [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
}

/** 端がないとみなしたとき、段 level の出力 index が見る入力の範囲。 */
export function inputSpan(layers, level, index, causal = false) {
  const spans = Array(level + 1).fill(null);
  spans[level] = [index, index];
  for (let i = level; i > 0; i--) {
    if (!spans[i]) continue;
    const layer = layers[i - 1];
    if (layer.kind === "skip") {
      spans[layer.source] = hull(spans[layer.source], spans[i]);
      spans[i - 1] = hull(spans[i - 1], spans[i]);
    } else spans[i - 1] = hull(spans[i - 1], spanBack(layer, spans[i], causal));
  }
  return spans[0];
}

/**
 * 段 level の受容野。転置畳み込みがあると位置によって違うので、いちばん広いものを取る。
 * @returns {{size: number, stride: [number, number], lookahead: number}} stride: 出力が 1 つ進むと入力の上で
 *   進む量（分子と分母）。lookahead: 出力の時刻（番号 × stride）より未来の入力を、いくつ見るか。負なら見ない。
 */
export function fieldOf(layers, level, causal = false) {
  let [up, down] = [1, 1];
  for (const { kind, stride } of layers.slice(0, level)) {
    if (kind === "transpose") up *= stride;
    else if (kind !== "skip") down *= stride;
  }
  let [size, lookahead] = [0, -Infinity];
  for (let index = 0; index < Math.min(up, MAX_PHASES); index++) {
    const span = inputSpan(layers, level, index, causal);
    if (!span) continue;
    size = Math.max(size, span[1] - span[0] + 1);
    lookahead = Math.max(lookahead, span[1] - Math.floor((index * down) / up));
  }
  const common = gcd(down, up);
  return { size, stride: [down / common, up / common], lookahead };
}

/** 1 層の出力 1 点が見る、手前の段の番号（補った 0 の位置も含む）。 */
export function inputsOf(sizes, output, causal = false) {
  const found = [];
  if (sizes.kind === "skip") found.push(output);
  else markBack(sizes, [output], causal, (n) => found.push(n));
  return found;
}

/** 出力の番号の並び（小さい順）から、手前の段の番号へ mark を呼ぶ。 */
function markBack(sizes, outputs, causal, mark) {
  const layer = { ...DEFAULTS, ...sizes };
  const { kernel, stride, dilation } = layer;
  const [left, reach] = [leftOf(layer, causal), spanOf(layer) - 1];
  if (layer.kind === "transpose") {
    for (const o of outputs) {
      for (let i = Math.ceil((o + left - reach) / stride); i <= Math.floor((o + left) / stride); i++) {
        if ((o + left - i * stride) % dilation === 0) mark(i);
      }
    }
    return;
  }
  // 間隔が dilation の列ごとに、もう印をつけた先を飛ばす。重なりの多い層でも、1 つの点は 1 回で済む
  const done = new Float64Array(dilation).fill(-Infinity);
  for (const o of outputs) {
    const first = o * stride - left;
    const line = mod(first, dilation);
    for (let i = Math.max(first, done[line] + dilation); i <= first + dilation * (kernel - 1); i += dilation) mark(i);
    done[line] = first + reach;
  }
}

/**
 * 最後の段の出力 index が見る、それぞれの段の番号。
 * @param {object[]} layers 層。
 * @param {number[]} lengths 段ごとの長さ（`stackLengths`）。層の数より少なければ、そこまでの段。
 * @returns {Array<{seen: number[], zeros: number[]}>} seen: 見る番号。zeros: 見るが、補った 0 である番号。
 */
export function trace(layers, lengths, index, causal = false) {
  const marks = lengths.map((length) => new Uint8Array(length));
  const zeros = lengths.map(() => new Set());
  const seen = Array(lengths.length);
  marks.at(-1)[index] = 1;
  for (let i = lengths.length - 1; i >= 0; i--) {
    seen[i] = [];
    for (let n = marks[i].indexOf(1); n >= 0; n = marks[i].indexOf(1, n + 1)) seen[i].push(n);
    if (i === 0) break;
    const layer = layers[i - 1];
    const into = (level) => (n) => {
      if (n >= 0 && n < lengths[level]) marks[level][n] = 1;
      else zeros[level].add(n);
    };
    if (layer.kind === "skip") for (const level of [i - 1, layer.source]) seen[i].forEach(into(level));
    else if (layer.kind === "transpose") markBack(layer, seen[i], causal, (n) => { if (n >= 0 && n < lengths[i - 1]) marks[i - 1][n] = 1; });
    else markBack(layer, seen[i], causal, into(i - 1));
  }
  return seen.map((list, i) => ({ seen: list, zeros: [...zeros[i]].sort((a, b) => a - b) }));
}

/**
 * 図に描く位置。段 i の番号 n は、入力の上の offset + n * step にある。
 * ふつうは見る範囲の中央、causal なら範囲の右端に置く。
 * @returns {Array<{offset: number, step: number}>}
 */
export function places(layers, levels, causal = false) {
  const list = [{ offset: 0, step: 1 }];
  for (const sizes of layers.slice(0, levels - 1)) {
    const { offset, step } = list.at(-1);
    if (sizes.kind === "skip") {
      list.push({ offset, step });
      continue;
    }
    const layer = { ...DEFAULTS, ...sizes };
    const [left, reach] = [leftOf(layer, causal), spanOf(layer) - 1];
    if (layer.kind === "transpose") list.push({ offset: offset + (step * (left - (causal ? 0 : reach / 2))) / layer.stride, step: step / layer.stride });
    else list.push({ offset: offset + step * ((causal ? reach : reach / 2) - left), step: step * layer.stride });
  }
  return list;
}
