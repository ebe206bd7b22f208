// 読者の音：ファイルを選ぶ・落とす、マイクで録る。音はページの外へ出ない。
//
//   const source = createSource({ sr, maxSeconds: 15, dropTarget: frame.root, say: frame.say, signal,
//     onSound: ({ name, channels }) => … });
//   frame.tools.append(...source.buttons);
// うまくいかないときは say に理由を日本語で出し、onSound は呼ばない（前の音はそのまま残る）。

import { button, h } from "./dom.js";
import { peak } from "../dsp/pcm.js";

const RECORD_SECONDS = 10;
const MAX_BYTES = 200 * 1024 * 1024; // これより大きいファイルは、読むだけで端末の記憶を使いきりかねない
export const PRIVACY = "音はこのページの中だけで使われ、どこにも送られません。";

/**
 * ファイルの中身を、標本化周波数 sr の波形にする。
 * @param {Blob} blob 音のファイル。
 * @param {number} sr 標本化周波数 [Hz]。
 * @param {number} maxSeconds これより長ければ先頭だけ使う [秒]。
 * @returns {Promise<{channels: Float32Array[], trimmedFrom: number|null}>} trimmedFrom は元の長さ [秒]。
 */
export async function decodeSound(blob, sr, maxSeconds) {
  if (blob.size === 0) throw new Error("ファイルの中身が空です。");
  if (blob.size > MAX_BYTES) throw new Error("ファイルが大きすぎます（200 MB まで）。短く切ったものを使ってください。");
  let buffer;
  try {
    // sr の OfflineAudioContext で読むと、ブラウザが sr に変換してくれる
    buffer = await new OfflineAudioContext(1, 1, sr).decodeAudioData(await blob.arrayBuffer());
  } catch {
    throw new Error("音として読めませんでした。WAV、MP3、FLAC、M4A などの音声ファイルを選んでください。");
  }
  const n = Math.min(buffer.length, Math.round(maxSeconds * sr));
  const channels = Array.from({ length: Math.min(2, buffer.numberOfChannels) }, (_, c) => buffer.getChannelData(c).slice(0, n));
  if (n === 0) throw new Error("長さが 0 秒の音です。");
  if (Math.max(...channels.map(peak)) === 0) throw new Error("音が入っていません（先頭から全部が無音です）。");
  return { channels, trimmedFrom: buffer.length > n ? buffer.length / sr : null };
}

/** getUserMedia が断られた理由。 */
function microphoneError(error) {
  if (error.name === "NotAllowedError") return "マイクの使用が許可されませんでした。ブラウザの設定で許可すると録音できます。";
  if (error.name === "NotFoundError") return "マイクが見つかりません。";
  return `マイクを使えませんでした（${error.name}）。`;
}

/**
 * 読者の音を受けとる道具。
 * @param {object} options sr: 波形の標本化周波数 [Hz]。maxSeconds: 使う長さの上限 [秒]。
 *   onSound: ({ name, channels }) => void。dropTarget: ファイルを落とせる場所。say: 知らせる関数。
 *   signal: 部品が消えるときの合図。
 * @returns {{buttons: HTMLElement[], load: (file: File) => Promise<void>}}
 */
export function createSource({ sr, maxSeconds = 15, onSound, dropTarget, say, signal }) {
  async function load(blob, name = blob.name) {
    say(`「${name}」を読んでいます…`);
    try {
      const { channels, trimmedFrom } = await decodeSound(blob, sr, maxSeconds);
      if (signal.aborted) return;
      onSound({ name, channels });
      const cut = trimmedFrom ? `${trimmedFrom.toFixed(1)} 秒のうち、はじめの ${maxSeconds} 秒を使います。` : "";
      say(`「${name}」を読みこみました。${cut}${PRIVACY}`);
    } catch (error) {
      say(`「${name}」を使えません。${error.message}前の音はそのままです。`, "error");
    }
  }

  const picker = h("input", { type: "file", accept: "audio/*,.wav,.mp3,.flac,.m4a,.ogg,.opus", class: "sst-hidden", tabindex: "-1", "aria-label": "自分の音のファイル" });
  picker.addEventListener("change", () => {
    if (picker.files[0]) load(picker.files[0]);
    picker.value = ""; // 同じファイルをもう一度選べるように
  });
  const choose = button({ label: "自分の音を使う", iconName: "file", kind: "quiet", title: `ファイルを選ぶか、ここへ落とします。${PRIVACY}`, onClick: () => picker.click() });

  let depth = 0; // 子の要素に入るたびに dragenter が来るので、数えて本当に出たときを知る
  const drag = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = () => dropTarget.toggleAttribute("data-drop", depth > 0);
  dropTarget.addEventListener("dragenter", (event) => { if (drag(event)) { depth += 1; mark(); } }, { signal });
  dropTarget.addEventListener("dragleave", (event) => { if (drag(event)) { depth -= 1; mark(); } }, { signal });
  dropTarget.addEventListener("dragover", (event) => { if (drag(event)) event.preventDefault(); }, { signal });
  dropTarget.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    const file = event.dataTransfer.files[0];
    if (file) load(file);
    else say("ファイルではないものが落とされました。音声ファイルを落としてください。", "error");
  }, { signal });

  const record = createRecorder({ say, signal, onRecorded: (blob) => load(blob, "録音した音") });
  return { buttons: [choose.el, picker, record], load };
}

/** マイクで録るボタン。もう一度押すか、10 秒たつと終わる。 */
function createRecorder({ say, signal, onRecorded }) {
  let recorder = null;
  const mic = button({ label: "録音する", iconName: "mic", kind: "quiet", title: `${RECORD_SECONDS} 秒まで。${PRIVACY}`, onClick: () => (recorder ? recorder.stop() : start()) });

  async function start() {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      say("このブラウザでは、この開き方のページでマイクを使えません。録音したファイルを選んでください。", "error");
      return;
    }
    let stream;
    try {
      // ブラウザの雑音除去も音源分離の一種。元の音が変わらないように切っておく。
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      say(microphoneError(error), "error");
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      clearInterval(clock);
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      mic.setLabel("録音する", "mic");
      if (!signal.aborted) onRecorded(new Blob(parts));
    };
    recorder.start();
    let left = RECORD_SECONDS;
    const show = () => mic.setLabel(`録音を終える（あと ${left} 秒）`, "mic");
    show();
    say("録音しています。");
    const clock = setInterval(() => {
      left -= 1;
      if (left > 0) show();
      else recorder?.stop();
    }, 1000);
  }
  signal.addEventListener("abort", () => recorder?.stop());
  return mic.el;
}
