// 本のページで、カーネルなしに部品を動かす。ふつうのスクリプトなので file:// でも読める
// （file:// では <script type="module" src> も fetch も断られる）。
//
// ページには <div class="sstut-widget" data-spec="…"> があり、spec が指すモジュール・スタイル・音は、
// このあとに読まれる w/<hash>.js が sstutStatic.esm["<hash>"]="…" のように置く。
// 部品は anywidget と同じ render({ model, el, signal }) を持つので、JupyterLab と同じものが動く。
(() => {
  "use strict";
  const esm = {};
  const css = {};
  const data = {};
  const flac = {};
  const modules = new Map();
  const sounds = new Map();
  const styles = new Set();
  const page = { esm, css, data, flac, mounted: 0, errors: [], mountAll };
  window.sstutStatic = page;

  function bytes(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64);
    const out = new Uint8Array(text.length);
    for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
    return out;
  }

  /** 名前の指す部分。読めていなければ、何が足りないかを言う。 */
  function part(kind, name) {
    if (!(name in page[kind])) throw new Error(`ファイル _static/w/${name}.js を読めませんでした`);
    return page[kind][name];
  }

  /** anywidget のモデルのうち、カーネルが要らない部分。 */
  class Model {
    constructor(state) {
      this.state = state;
      this.handlers = new Map();
    }

    get(name) { return this.state[name]; }

    set(name, value) {
      const changes = typeof name === "object" ? name : { [name]: value };
      let changed = false;
      for (const [key, v] of Object.entries(changes)) {
        if (this.state[key] === v) continue;
        this.state[key] = v;
        changed = true;
        this.emit(`change:${key}`, v);
      }
      if (changed) this.emit("change");
    }

    save_changes() {}

    send() {}

    emit(type, value) { for (const f of [...(this.handlers.get(type) ?? [])]) f(this, value); }

    on(types, f) {
      for (const type of types.split(" ")) this.handlers.set(type, [...(this.handlers.get(type) ?? []), f]);
    }

    off(types, f) {
      if (!types) this.handlers.clear();
      else for (const type of types.split(" ")) this.handlers.set(type, f ? (this.handlers.get(type) ?? []).filter((g) => g !== f) : []);
    }
  }

  /** 同じモジュールを使う部品がいくつあっても、読むのは 1 回。 */
  function load(name) {
    if (!modules.has(name)) {
      const url = URL.createObjectURL(new Blob([part("esm", name)], { type: "text/javascript" }));
      const loading = import(url).then((module) => (typeof module.default === "function" ? module.default() : module.default));
      modules.set(name, loading.finally(() => URL.revokeObjectURL(url)));
    }
    return modules.get(name);
  }

  function addStyle(name) {
    if (!name || styles.has(name)) return;
    styles.add(name);
    const style = document.createElement("style");
    style.textContent = part("css", name);
    document.head.append(style);
  }

  /** 復号した音の正の値は、32768 で割るブラウザと 32767 で割るブラウザがある。整数に戻るほうを選ぶ。 */
  function positiveScale(x) {
    const error = (scale) => x.reduce((worst, v) => (v > 0 ? Math.max(worst, Math.abs(v * scale - Math.round(v * scale))) : worst), 0);
    return error(32767) < error(32768) ? 32767 : 32768;
  }

  /** FLAC を、Python が送るのと同じ int16 の列（LLL…RRR…）に戻す。 */
  async function decode(name, sr) {
    const context = new OfflineAudioContext(1, 1, sr); // 音と同じ標本化周波数なら、変換が入らない
    const sound = await context.decodeAudioData(bytes(part("flac", name)).buffer);
    const out = new Int16Array(sound.numberOfChannels * sound.length);
    for (let c = 0, k = 0; c < sound.numberOfChannels; c++) {
      const x = sound.getChannelData(c);
      const scale = positiveScale(x);
      for (const v of x) out[k++] = Math.round(v * (v > 0 ? scale : 32768));
    }
    return new DataView(out.buffer);
  }

  /** 部分をバイト列にする。同じ音は、いくつの部品が使っても 1 回だけ戻す。 */
  function buffer(kind, name, sr) {
    if (kind !== "flac") return new DataView(bytes(part(kind, name)).buffer);
    if (!sounds.has(name)) sounds.set(name, decode(name, sr));
    return sounds.get(name);
  }

  /** JSON に入らない値を、辞書の中の元の場所（例：["audio", "vocals"]）へ戻す。 */
  async function putBuffers(state, buffers) {
    const values = await Promise.all(buffers.map(([, name, kind]) => buffer(kind, name, state.sr)));
    buffers.forEach(([path], i) => {
      let place = state;
      for (const key of path.slice(0, -1)) place = place[key] ??= {};
      place[path.at(-1)] = values[i];
    });
  }

  async function mount(el) {
    if (el.dataset.mounted !== undefined) return;
    el.dataset.mounted = "";
    try {
      const spec = JSON.parse(el.dataset.spec);
      addStyle(spec.css);
      await putBuffers(spec.state, spec.buffers);
      const model = new Model(spec.state);
      const { signal } = new AbortController(); // ページが閉じるまで消えない
      const widget = await load(spec.esm);
      await widget.initialize?.({ model, signal });
      el.textContent = "";
      await widget.render?.({ model, el, signal });
      el.sstutModel = model;
      el.dataset.done = "";
      page.mounted += 1;
    } catch (error) {
      page.errors.push(String(error?.stack ?? error));
      const note = document.createElement("p");
      note.className = "sstut-error";
      note.setAttribute("role", "alert");
      note.textContent = `この部品を表示できませんでした。ページを読みこみなおしてください。（${error?.message ?? error}）`;
      el.replaceChildren(note);
      el.dataset.done = "";
    }
  }

  function mountAll() {
    return Promise.all([...document.querySelectorAll(".sstut-widget")].map(mount));
  }

  // できあがるまで場所を空けておく。あとから伸びると、読んでいる行が動き、下の部品まで近く見えてしまう。
  const room = document.createElement("style");
  room.textContent = ".sstut-widget:not([data-done]) { min-height: 26rem }";
  document.head.append(room);

  // 近づいた部品から順に用意する。読まない節の音まで初めに展開しないため。
  document.addEventListener("DOMContentLoaded", () => {
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        mount(target);
      }
    }, { rootMargin: "600px" });
    document.querySelectorAll(".sstut-widget").forEach((el) => near.observe(el));
    addEventListener("beforeprint", mountAll);
  });
})();
