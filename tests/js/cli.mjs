// Python から信号処理の関数を呼ぶための口（tests/test_js_parity.py が使う）。
//
// 標準入力: JSON。[{"module": "stft", "name": "stft", "args": [...]}, …]
// 標準出力: 返り値の並びの JSON。
// 数値の配列は {"float64": base64}、{"float32": base64}、{"bytes": base64} と書く（値を1ビットも変えない）。
// 引数に {"call": {…}} と書くと、その呼び出しの返り値を渡す。
import { readFileSync, writeSync } from "node:fs";

const types = { float64: Float64Array, float32: Float32Array, bytes: Uint8Array };

async function decode(value) {
  if (Array.isArray(value)) return Promise.all(value.map(decode));
  if (value === null || typeof value !== "object") return value;
  if (value.call) return call(value.call);
  for (const [key, Type] of Object.entries(types)) {
    if (typeof value[key] === "string") return new Type(Uint8Array.from(Buffer.from(value[key], "base64")).buffer);
  }
  return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([k, v]) => [k, await decode(v)])));
}

function encode(_key, value) {
  if (value instanceof ArrayBuffer) return { bytes: Buffer.from(value).toString("base64") };
  for (const [key, Type] of Object.entries(types)) {
    if (value instanceof Type) {
      return { [key]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
    }
  }
  if (ArrayBuffer.isView(value)) return [...value];
  return Number.isFinite(value) || typeof value !== "number" ? value : String(value);
}

async function call({ module, name, args }) {
  const functions = await import(`../../src/sstut/widgets/js/dsp/${module}.js`);
  return functions[name](...(await decode(args)));
}

const results = [];
for (const request of JSON.parse(readFileSync(0, "utf8"))) results.push(await call(request));
const output = Buffer.from(JSON.stringify(results, encode));
for (let sent = 0; sent < output.length; ) sent += writeSync(1, output, sent);
