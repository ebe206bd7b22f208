// 3 つの使い方（塗る・しきい値・理想マスク）の道具と、マスク全体への操作。
//
//   const panels = createPanels({ model, frame, sources, actions });
//   panels.el         入れる要素
//   panels.refresh({ canUndo, canRedo, oracleReason })   モデルの値を画面に映す
// actions は { make(), invert(), binarize(境目), fill(0 か 1), undo(), redo() }。
// つまみはモデルの値を変えるだけで、マスクを作るのは入口（masking.js）の仕事。

import { button, choice, h, select, slider, toggle, uniqueId } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";

const TABS = [["paint", "塗る"], ["threshold", "しきい値"], ["oracle", "理想マスク"]];
// 左が硬い（二値）、右がやわらかい。∞ は理想二値マスク
const EXPONENTS = [Infinity, 16, 8, 4, 3, 2, 1.5, 1, 0.75, 0.5];
const PRESETS = { irm: { kind: "ratio", exponent: 1 }, wiener: { kind: "ratio", exponent: 2 }, ibm: { kind: "ibm" }, psm: { kind: "psm" } };

/** 見せる値：kind と exponent に合う、選択肢の名前。p が 1 でも 2 でもなければ、どれでもない。 */
export function presetName(kind, exponent) {
  if (kind !== "ratio") return kind;
  return { 1: "irm", 2: "wiener" }[exponent] ?? "";
}

/** kind と exponent の日本語の名前。 */
export function oracleLabel(kind, exponent) {
  const names = { ibm: "理想二値マスク", irm: "理想比率マスク", wiener: "ウィーナーマスク", psm: "位相感応マスク" };
  return names[presetName(kind, exponent)] ?? `p = ${exponent} の比率マスク`;
}

function describeExponent(p) {
  const extra = { 1: "（振幅の比）", 2: "（パワーの比）" }[p] ?? "";
  return p === Infinity ? "p = ∞（二値）" : `p = ${p}${extra}`;
}

/** タブ。左右の矢印キーで移れる。 */
function createTabs(value, onChange) {
  const base = uniqueId();
  const buttons = TABS.map(([name, text]) => h("button", {
    type: "button", role: "tab", class: "sst-tab", id: `${base}-${name}`, "aria-controls": `${base}-${name}-panel`, text,
    on: { click: () => onChange(name) },
  }));
  const panels = TABS.map(([name]) => h("div", {
    role: "tabpanel", class: "sst-panel", id: `${base}-${name}-panel`, "aria-labelledby": `${base}-${name}`,
  }));
  const list = h("div", { class: "sst-tabs", role: "tablist", "aria-label": "マスクの作り方" }, ...buttons);
  list.addEventListener("keydown", (event) => {
    const shift = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!shift) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (buttons.indexOf(document.activeElement) + shift + TABS.length) % TABS.length;
    buttons[next].focus();
    onChange(TABS[next][0]);
  });
  const set = (name) => TABS.forEach(([tab], i) => {
    buttons[i].setAttribute("aria-selected", String(tab === name));
    buttons[i].tabIndex = tab === name ? 0 : -1;
    panels[i].hidden = tab !== name;
  });
  set(value);
  return { list, panels, set };
}

export function createPanels({ model, frame, sources, actions }) {
  const get = (name) => model.get(name);
  const change = (values) => frame.save(values);
  const row = (...children) => h("div", { class: "sst-row" }, ...children);
  const tabs = createTabs(get("tool"), (tool) => change({ tool }));

  // 塗る
  const brush = choice({
    label: "筆", value: get("brush"), onChange: (v) => change({ brush: v }),
    options: [["brush", "ブラシ"], ["harmonic", "倍音"], ["rectangle", "長方形"], ["band", "横の帯"]],
  });
  const inks = { 1: "pass", 0: "stop" };
  const ink = choice({
    label: "塗ると", value: inks[get("value")] ?? "part",
    options: [["pass", "通す"], ["stop", "消す"], ["part", "割合で通す"]],
    onChange: (v) => change({ value: { pass: 1, stop: 0, part: 0.5 }[v] }),
  });
  const value = slider({ label: "通す割合", min: 0.05, max: 0.95, step: 0.05, value: 0.5, format: (v) => v.toFixed(2), onInput: (v) => change({ value: v }) });
  const size = slider({ label: "太さ", min: 4, max: 80, step: 2, value: get("size"), format: (v) => `${v}`, onInput: (v) => change({ size: v }) });
  const snap = toggle({ label: "強い倍音に寄せる", title: "指した所の近くで、倍音の列がいちばん強い高さに合わせます。", pressed: get("snap"), onToggle: (on) => change({ snap: on }) });
  const brushHint = h("p", { class: "sst-help" });
  tabs.panels[0].append(row(brush.el, ink.el), row(size.el, value.el, snap.el), brushHint);

  // しきい値
  const threshold = slider({
    label: "しきい値（いちばん大きい点が 0 dB）", min: -80, max: 0, step: 1, value: get("threshold_db"), format: formatDb,
    onInput: (v) => change({ threshold_db: v }),
  });
  const above = choice({
    label: "通す点", value: get("above") ? "above" : "below", onChange: (v) => change({ above: v === "above" }),
    options: [["above", "しきい値以上"], ["below", "しきい値未満"]],
  });
  const makeThreshold = button({ label: "このしきい値で作る", onClick: () => actions.make() });
  tabs.panels[1].append(row(threshold.el), row(above.el, makeThreshold.el));

  // 理想マスク
  const reason = h("p", { class: "sst-note" });
  const target = choice({ label: "取り出す音", value: get("source"), onChange: (v) => change({ source: v }), options: sources.map(({ name, label }) => [name, label]) });
  const kind = choice({
    label: "種類", value: presetName(get("kind"), get("exponent")), onChange: (v) => change(PRESETS[v]),
    options: [["ibm", "二値 IBM"], ["irm", "比率 IRM"], ["wiener", "ウィーナー"], ["psm", "位相感応 PSM"]],
  });
  const softness = slider({
    label: "やわらかさ", steps: EXPONENTS, value: get("exponent"), format: describeExponent,
    onInput: (p) => change(p === Infinity ? { kind: "ibm" } : { kind: "ratio", exponent: p }),
  });
  const snr = slider({
    label: "何 dB 強ければ通すか", min: -20, max: 20, step: 1, value: get("snr_db"), format: formatDb,
    onInput: (v) => change({ snr_db: v }),
  });
  const makeOracle = button({ label: "この設定で作る", onClick: () => actions.make() });
  const oracle = h("div", { class: "sst-panel-body" }, row(target.el, kind.el), row(softness.el, snr.el, makeOracle.el));
  tabs.panels[2].append(reason, oracle);

  // マスク全体
  const edge = select({ label: "二値にする境目", hideLabel: true, value: "0.5", options: ["0.1", "0.3", "0.5", "0.7", "0.9"].map((v) => [v, `${v} より上`]), onChange: () => {} });
  const quiet = (label, onClick, title = null) => button({ label, kind: "quiet", title, onClick });
  const undo = quiet("元に戻す", () => actions.undo(), "Ctrl + Z");
  const redo = quiet("やり直す", () => actions.redo(), "Ctrl + Shift + Z");
  const whole = h("div", { class: "sst-whole", role: "group", "aria-label": "マスク全体" },
    undo.el, redo.el, h("span", { class: "sst-split", "aria-hidden": "true" }),
    quiet("全部通す", () => actions.fill(1)).el, quiet("全部消す", () => actions.fill(0)).el,
    quiet("反転", () => actions.invert(), "1 からマスクを引きます。").el,
    h("span", { class: "sst-binarize" }, quiet("二値にする", () => actions.binarize(Number(edge.value))).el, edge.el));

  const HINTS = {
    brush: "通したい点をなぞります。",
    harmonic: "歌のいちばん下の縞（基本周波数）をなぞると、上の倍音も一度に塗れます。",
    rectangle: "角から角へ引きます。",
    band: "上下に引くと、その高さの音を始めから終わりまで塗ります。",
  };

  return {
    el: h("div", { class: "sst-workbench" }, tabs.list, ...tabs.panels, whole),
    refresh({ canUndo, canRedo, oracleReason }) {
      tabs.set(get("tool"));
      brush.value = get("brush");
      ink.value = inks[get("value")] ?? "part";
      value.el.hidden = ink.value !== "part";
      if (ink.value === "part") value.value = get("value");
      size.el.hidden = !["brush", "harmonic"].includes(get("brush"));
      size.value = get("size");
      snap.el.hidden = get("brush") !== "harmonic";
      snap.pressed = get("snap");
      brushHint.textContent = HINTS[get("brush")];
      threshold.value = get("threshold_db");
      above.value = get("above") ? "above" : "below";
      reason.hidden = oracleReason === "";
      reason.textContent = oracleReason;
      oracle.hidden = oracleReason !== "";
      if (sources.length) target.value = get("source");
      kind.value = presetName(get("kind"), get("exponent"));
      softness.value = get("kind") === "ibm" ? Infinity : get("exponent");
      snr.el.hidden = get("kind") !== "ibm";
      snr.value = get("snr_db");
      undo.el.disabled = !canUndo;
      redo.el.disabled = !canRedo;
    },
  };
}
