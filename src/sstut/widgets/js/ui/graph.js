// 音の流れ図（Web Audio のグラフ）。鳴らす AudioContext でも、書き出す OfflineAudioContext でも
// 同じものを組むので、試験と「保存」は、耳に届くのとまったく同じ音を扱う。
//
//   音ごとに   source → fade（差しかえ用）→ gain（音量）┐
//                                                        ├→ out → destination
//
//   const graph = new TrackGraph(context, { sr, duration, tracks, gains, loop });
//   graph.start(when, offset);  graph.setGains({ 名前: 倍率 }, when);
//   graph.replace(名前, channels, when);  graph.stop(when);  graph.position(now);

import { fitLength } from "./tracks.js";

/** 音量の切りかえと差しかえにかける時間 [秒]。短すぎるとプツッと鳴り、長すぎると鈍く感じる。 */
export const FADE = 0.01;

/** 直線で動かす AudioParam。いまの値を自分で計算できる（Firefox に cancelAndHoldAtTime がないため）。 */
class Ramp {
  constructor(param, value) {
    this.param = param;
    this.from = value;
    this.to = value;
    this.begin = 0;
    this.end = 0;
    param.setValueAtTime(value, 0);
  }

  /** when から FADE 秒で target へ。前の動きが途中なら、それが終わってから始める。 */
  move(target, when) {
    const begin = Math.max(when, this.end);
    if (target === this.to) return;
    this.param.setValueAtTime(this.to, begin);
    this.param.linearRampToValueAtTime(target, begin + FADE);
    Object.assign(this, { from: this.to, to: target, begin, end: begin + FADE });
  }
}

const buffers = new WeakMap(); // 波形 → AudioBuffer。位置を動かすたびに写しなおさないため

function toBuffer(context, channels, length, sr) {
  const old = buffers.get(channels);
  if (old?.length === length) return old;
  const buffer = context.createBuffer(channels.length, length, sr);
  fitLength(channels, length).forEach((x, c) => buffer.copyToChannel(x, c));
  buffers.set(channels, buffer);
  return buffer;
}

/** 同時に鳴る（長さのそろった）音の組。1 回の再生に 1 つ作る。 */
export class TrackGraph {
  /**
   * @param {BaseAudioContext} context 鳴らす先。
   * @param {object} options sr: 標本化周波数 [Hz]。duration: 全体の長さ [秒]。
   *   tracks: { name, channels } の配列。gains: 名前 → 倍率。loop: くり返すか。destination: つなぐ先。
   */
  constructor(context, { sr, duration, tracks, gains, loop = false, destination = context.destination }) {
    Object.assign(this, { context, sr, loop });
    this.length = Math.round(duration * sr);
    this.anchor = { when: 0, frame: 0 }; // when 秒に、frame 番目のサンプルが鳴る
    this.out = context.createGain();
    this.out.connect(destination);
    this.master = new Ramp(this.out.gain, 1);
    this.tracks = new Map();
    for (const { name, channels } of tracks) {
      const node = context.createGain();
      node.connect(this.out);
      this.tracks.set(name, { node, level: new Ramp(node.gain, gains[name] ?? 1), channels, voice: null });
    }
  }

  /** すべての音を同じ時刻に始める。途中からなら、プツッと鳴らないように 10 ms で立ち上げる。 */
  start(when, offset = 0) {
    this.anchor = { when, frame: Math.round(offset * this.sr) % Math.max(this.length, 1) };
    if (this.anchor.frame > 0) {
      this.master = new Ramp(this.out.gain, 0);
      this.master.move(1, when);
    }
    for (const track of this.tracks.values()) track.voice = this.#voice(track, when, this.anchor.frame, 1);
  }

  /** いま鳴っている位置 [秒]。くり返すときは先頭へ戻る。 */
  position(now) {
    const frame = this.anchor.frame + Math.max(0, now - this.anchor.when) * this.sr;
    return (this.loop ? frame % this.length : Math.min(frame, this.length)) / this.sr;
  }

  /** 名前 → 倍率。渡した音だけ変える。すべて同じ時刻に動くので、切りかえても合計は途切れない。 */
  setGains(gains, when) {
    const ends = Object.keys(gains).map((name) => this.tracks.get(name)?.level.end ?? 0);
    const begin = Math.max(when, ...ends);
    for (const [name, gain] of Object.entries(gains)) this.tracks.get(name)?.level.move(gain, begin);
  }

  /** 鳴らしたまま、音の中身を差しかえる。位置はそのまま、10 ms で入れかわる。 */
  replace(name, channels, when) {
    const track = this.tracks.get(name);
    track.channels = channels;
    const old = track.voice;
    if (!old) return;
    const begin = Math.ceil(Math.max(when, old.fade.end, this.anchor.when) * this.sr) / this.sr;
    const frame = Math.round(this.anchor.frame + (begin - this.anchor.when) * this.sr);
    if (!this.loop && frame >= this.length) return;
    track.voice = this.#voice(track, begin, frame % this.length, 0);
    track.voice.fade.move(1, begin);
    old.fade.move(0, begin);
    old.source.stop(begin + FADE);
  }

  /** くり返しを、鳴らしたまま切りかえる。 */
  setLoop(loop, now) {
    const position = this.position(now);
    this.anchor = { when: Math.max(now, this.anchor.when), frame: position * this.sr };
    this.loop = loop;
    for (const { voice } of this.tracks.values()) if (voice) voice.source.loop = loop;
  }

  /** 10 ms で消して止める。 */
  stop(when) {
    this.master.move(0, when);
    for (const { voice } of this.tracks.values()) voice?.source.stop(when + 2 * FADE);
    const last = this.tracks.values().next().value?.voice?.source;
    if (last) last.onended = () => this.out.disconnect();
  }

  #voice(track, when, frame, gain) {
    const source = this.context.createBufferSource();
    source.buffer = toBuffer(this.context, track.channels, this.length, this.sr);
    source.loop = this.loop;
    const node = this.context.createGain();
    source.connect(node).connect(track.node);
    source.start(when, frame / this.sr);
    return { source, fade: new Ramp(node.gain, gain) };
  }
}
