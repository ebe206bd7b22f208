// 数の見せ方。
//   formatTime(秒)  0:03.2      formatDb(dB)  +3.1 dB / 0 dB / −∞      formatHz(Hz)  440 Hz / 1.2 kHz
//   dbToGain(dB)

/** 秒を「分:秒.1桁」にする。 */
export function formatTime(seconds) {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** デシベルを符号つきで書く。負の符号は、数字と幅のそろう U+2212。 */
export function formatDb(db) {
  if (db === -Infinity) return "−∞ dB";
  const text = Math.abs(db).toFixed(1).replace(/\.0$/, "");
  return `${text === "0" ? "" : db > 0 ? "+" : "−"}${text} dB`;
}

/** 周波数を Hz か kHz で書く。 */
export function formatHz(hz) {
  return hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(hz < 10000 ? 2 : 1)} kHz`;
}

/** デシベルを振幅の倍率にする。 */
export function dbToGain(db) {
  return 10 ** (db / 20);
}
