// 音を鳴らす装置。部品ごとに 1 つ作る。どれかが鳴りはじめると、同じページのほかの部品は止まる。
//
//   const player = new AudioEngine({ sr, tracks, gains, loop });
//     tracks: [{ name, channels: [Float32Array…] }]、gains: { 名前: 倍率 }
//   player.play() pause() toggle() seek(秒) rewind()   player.playing position duration
//   player.setGains({ 名前: 倍率 })           10 ms で切りかわる（鳴っていてもいなくても）
//   player.replace(名前, channels)            鳴らしたまま中身を差しかえる（マスクを動かしたとき）
//   player.add({ name, channels }, gain)      音を加える（鳴っていれば続きから鳴る）
//   player.level()                            いまの出力の最大振幅（メーター用）
//   await player.render({ seconds, from, events })   同じグラフを書き出す → { sr, channels }
//     events: [{ at: 秒, gains: {…} } | { at: 秒, replace: 名前, channels }]
//   player.dispose()

import { FADE, TrackGraph } from "./graph.js";

const LEAD = 0.02; // 予約から鳴りはじめるまで [秒]。すべての音を同じサンプルから始める余裕

// 部品のモジュールは別々に読まれるので、ページに 1 つの記録は大域の記号に置く。
const page = (globalThis[Symbol.for("sstut.audio")] ??= { contexts: new Map(), current: null });

/**
 * ページで共有する AudioContext。標本化周波数ごとに 1 つ。
 * 音と同じ周波数の context なら、ブラウザの粗い補間を通らず、書き出した音と同じサンプルが鳴る。
 * @param {number} sr 標本化周波数 [Hz]。
 * @returns {AudioContext}
 */
export function sharedContext(sr) {
  if (!page.contexts.has(sr)) {
    let context;
    try {
      context = new AudioContext({ sampleRate: sr, latencyHint: "interactive" });
    } catch {
      context = new AudioContext(); // この周波数に応じないブラウザでは、機器の周波数で鳴らす
    }
    page.contexts.set(sr, context);
  }
  return page.contexts.get(sr);
}

/** 長さのそろった音を、同時に鳴らす装置。 */
export class AudioEngine {
  #graph = null;
  #analyser = null;
  #samples = null;
  #offset = 0; // 止まっているときの位置 [秒]
  #timer = 0;

  /**
   * @param {object} options sr: 標本化周波数 [Hz]。tracks: { name, channels } の配列。gains: 名前 → 倍率。
   *   loop: くり返すか。
   */
  constructor({ sr, tracks, gains = {}, loop = false }) {
    this.sr = sr;
    this.tracks = new Map(tracks.map(({ name, channels }) => [name, channels]));
    this.gains = { ...gains };
    this.onState = () => {}; // 再生・停止・位置の変更のたびに呼ぶ関数
    this.looping = loop;
  }

  /** 聞こえている音のうち、いちばん長いものの長さ [秒]。どれも聞こえなければ、全部の中で。 */
  get duration() {
    const audible = [...this.tracks].filter(([name]) => this.gains[name] !== 0);
    const from = audible.length ? audible : [...this.tracks];
    return Math.max(...from.map(([, channels]) => channels[0].length)) / this.sr;
  }

  get playing() { return this.#graph !== null; }
  get loop() { return this.looping; }

  set loop(loop) {
    this.looping = Boolean(loop);
    this.#graph?.setLoop(this.looping, this.context.currentTime);
    this.#watchEnd();
  }

  get context() { return sharedContext(this.sr); }

  /** 試験用：まだ 1 度も鳴らしていなければ、context を作らずに null を返す。 */
  get clock() {
    return this.#analyser ? { state: this.context.state, time: this.context.currentTime } : null;
  }

  /** いま耳に届いている位置 [秒]。 */
  get position() {
    if (!this.#graph) return this.#offset;
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    return this.#graph.position(this.context.currentTime - latency);
  }

  play() {
    if (this.playing) return;
    if (page.current && page.current !== this) page.current.pause();
    page.current = this;
    const { context } = this;
    context.resume();
    if (this.#offset >= this.duration - FADE) this.#offset = 0;
    if (!this.#analyser) {
      this.#analyser = context.createAnalyser();
      this.#analyser.fftSize = 2048;
      this.#samples = new Float32Array(2048);
      this.#analyser.connect(context.destination);
    }
    this.#graph = this.#build(context, this.#analyser);
    // サンプルの境目から始める。ずれると、ブラウザがサンプルの間を補間してしまう。
    this.#graph.start(Math.ceil((context.currentTime + LEAD) * context.sampleRate) / context.sampleRate, this.#offset);
    this.#watchEnd();
    this.onState();
  }

  pause() {
    if (!this.playing) return;
    this.#offset = Math.min(this.position, this.duration);
    this.#silence();
    if (page.current === this) page.current = null;
    this.onState();
    // しばらく何も鳴らなければ、電池のために止めておく。
    setTimeout(() => { if (page.current === null) this.context.suspend(); }, 3000);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    const wasPlaying = this.playing;
    if (wasPlaying) this.#silence();
    this.#offset = Math.max(0, Math.min(seconds, this.duration));
    if (wasPlaying) this.play();
    else this.onState();
  }

  rewind() { this.seek(0); }

  setGains(gains) {
    const before = this.duration;
    Object.assign(this.gains, gains);
    if (this.duration !== before) this.seek(this.position); // 長さが変わったら、グラフを組みなおす
    else this.#graph?.setGains(gains, this.context.currentTime + FADE / 2);
  }

  replace(name, channels) {
    const before = this.duration;
    this.tracks.set(name, channels);
    if (this.duration !== before) this.seek(this.position);
    else this.#graph?.replace(name, channels, this.context.currentTime + FADE / 2);
  }

  add({ name, channels }, gain = 1) {
    this.tracks.set(name, channels);
    this.gains[name] = gain;
    this.seek(this.position);
  }

  remove(name) {
    this.tracks.delete(name);
    delete this.gains[name];
    this.seek(this.position);
  }

  /** いまの出力の最大振幅。1 を超えると音が割れる。 */
  level() {
    if (!this.playing) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return this.#samples.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  }

  /**
   * 鳴らすのと同じグラフを書き出す。
   * @param {object} [options] seconds: 長さ [秒]（既定は終わりまで）。from: 始める位置 [秒]。
   *   gains: いまの代わりに使う倍率。events: 途中で起こす変化（冒頭の説明を参照）。
   * @returns {Promise<{sr: number, channels: Float32Array[]}>}
   */
  async render({ from = 0, seconds = this.duration - from, gains = this.gains, events = [] } = {}) {
    const nChannels = Math.max(...[...this.tracks.values()].map((channels) => channels.length));
    const context = new OfflineAudioContext(nChannels, Math.max(1, Math.round(seconds * this.sr)), this.sr);
    const graph = this.#build(context, context.destination, gains);
    graph.start(0, from);
    for (const event of events) {
      if (event.gains) graph.setGains(event.gains, event.at);
      if (event.replace) graph.replace(event.replace, event.channels, event.at);
    }
    const buffer = await context.startRendering();
    return { sr: this.sr, channels: Array.from({ length: nChannels }, (_, c) => buffer.getChannelData(c)) };
  }

  dispose() {
    this.pause();
    this.#analyser?.disconnect();
  }

  #build(context, destination, gains = this.gains) {
    const tracks = [...this.tracks].map(([name, channels]) => ({ name, channels }));
    return new TrackGraph(context, { sr: this.sr, duration: this.duration, tracks, gains, loop: this.looping, destination });
  }

  #silence() {
    clearTimeout(this.#timer);
    this.#graph.stop(this.context.currentTime);
    this.#graph = null;
  }

  /** 終わりまで鳴ったら止める。context が止まっている間は時計も進まないので、時刻を見なおして待つ。 */
  #watchEnd() {
    clearTimeout(this.#timer);
    if (!this.playing || this.looping) return;
    const left = this.duration - this.#graph.position(this.context.currentTime);
    if (left > 0) {
      this.#timer = setTimeout(() => this.#watchEnd(), Math.max(20, 1000 * left));
      return;
    }
    this.pause();
    this.#offset = 0;
    this.onState();
  }
}
