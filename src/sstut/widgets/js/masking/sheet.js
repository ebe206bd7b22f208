// マスクの本体と、元に戻す・やり直すための記録。画面を使わない。
//
//   const sheet = new MaskSheet(frames, bins);
//   sheet.begin(); … sheet.mask を書きかえ、sheet.touch(t0, t1) … sheet.commit()   塗る 1 筆
//   sheet.rewrite((mask) => …, "exponent")        全体を書きかえる。同じつまみの動きは 1 回分にまとめる
//   sheet.undo() / sheet.redo() → 変わったフレームの範囲 [t0, t1) か null
//   packMask(mask) / unpackMask(bytes, out)        Python と行き来する 16 ビットの列

const LEVELS = 65535; // sstut.widgets.masking.LEVELS と同じ
const TOGETHER = 1500; // これより間を空けずに同じつまみを動かせば、1 回分とみなす [ミリ秒]
const MAX_BYTES = 96 * 1024 * 1024; // 記録が使う記憶の上限

/** マスク 1 枚。0 は止める、1 は通す。 */
export class MaskSheet {
  /**
   * @param {number} frames フレームの数。
   * @param {number} bins 周波数の数。
   */
  constructor(frames, bins) {
    this.frames = frames;
    this.bins = bins;
    this.mask = new Float32Array(frames * bins).fill(1);
    this.past = []; // { from, to, values, name }：フレーム from 以上 to 未満の、変わる前の値
    this.future = [];
    this.before = null;
  }

  get canUndo() { return this.past.length > 0; }
  get canRedo() { return this.future.length > 0; }

  /** どの点も通しているか。 */
  get isOpen() { return this.mask.every((v) => v === 1); }

  /** 1 筆を始める。どこまで塗るかはまだ分からないので、全体を写しておく。 */
  begin() {
    this.before = this.mask.slice();
    this.from = this.frames;
    this.to = 0;
  }

  /** フレーム from 以上 to 未満を書きかえたことを記す。 */
  touch(from, to) {
    this.from = Math.min(this.from, from);
    this.to = Math.max(this.to, to);
  }

  /** 1 筆を終える。変わった範囲だけを記録に残す。 */
  commit() {
    if (this.before && this.to > this.from) {
      const values = this.before.slice(this.from * this.bins, this.to * this.bins);
      this.#push({ from: this.from, to: this.to, values, name: null });
    }
    this.before = null;
  }

  /** 1 筆を取りやめ、始める前に戻す。 */
  cancel() {
    if (this.before) this.mask.set(this.before);
    this.before = null;
  }

  /** 全体を書きかえる。name（動かしたつまみの名前）が続けて同じなら、記録を増やさない。 */
  rewrite(write, name = null) {
    this.commit();
    const now = performance.now();
    const last = this.past.at(-1);
    const again = name !== null && last?.name === name && now - last.time < TOGETHER;
    if (again) {
      last.time = now;
      this.future = [];
    } else this.#push({ from: 0, to: this.frames, values: this.mask.slice(), name, time: now });
    write(this.mask);
  }

  undo() { return this.#swap(this.past, this.future); }

  redo() { return this.#swap(this.future, this.past); }

  #push(entry) {
    this.past.push(entry);
    this.future = [];
    let bytes = this.past.reduce((sum, { values }) => sum + values.byteLength, 0);
    while (bytes > MAX_BYTES && this.past.length > 1) bytes -= this.past.shift().values.byteLength;
  }

  #swap(source, target) {
    this.commit();
    const entry = source.pop();
    if (!entry) return null;
    const { from, to, values } = entry;
    const current = this.mask.slice(from * this.bins, to * this.bins);
    this.mask.set(values, from * this.bins);
    target.push({ from, to, values: current, name: null });
    return [from, to];
  }
}

/**
 * マスクを 16 ビットの列にする（リトルエンディアン、フレームの順）。
 * @param {Float32Array} mask 0〜1。
 * @returns {DataView}
 */
export function packMask(mask) {
  const view = new DataView(new ArrayBuffer(2 * mask.length));
  for (let i = 0; i < mask.length; i++) view.setUint16(2 * i, Math.round(mask[i] * LEVELS), true);
  return view;
}

/**
 * `packMask` の逆。
 * @param {DataView} bytes 2 * n バイト。空ならすべて通すマスク。
 * @param {Float32Array} out 書き込み先。長さ n。
 * @returns {boolean} 長さが合い、書き込んだか。
 */
export function unpackMask(bytes, out) {
  if (bytes.byteLength === 0) {
    out.fill(1);
    return true;
  }
  if (bytes.byteLength !== 2 * out.length) return false;
  for (let i = 0; i < out.length; i++) out[i] = bytes.getUint16(2 * i, true) / LEVELS;
  return true;
}

/** 2 つの列が同じか。 */
export function sameBytes(a, b) {
  if (!a || !b || a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a.getUint8(i) !== b.getUint8(i)) return false;
  return true;
}
