// 明るい・暗いテーマ。色は css/widgets.css の変数にあり、要素は自動で変わる。
// canvas に描くときだけ、いまの色を読みとり、変わったときに描きなおす。
//   isDark(el)                    いま暗いか
//   color(el, "--sst-accent")     変数のいまの色（"rgb(…)"）
//   onThemeChange(f, signal)      変わったら f を呼ぶ

/** el のあたりが暗いテーマか。 */
export function isDark(el) {
  return getComputedStyle(el).colorScheme.includes("dark");
}

/**
 * CSS の変数を、canvas に渡せる色にする。
 * @param {Element} el `.sst` の中の要素。
 * @param {string} name 変数の名前。
 * @returns {string} "rgb(r, g, b)"。
 */
export function color(el, name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  el.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/**
 * テーマが変わるたびに f を呼ぶ。本（html の data-theme）、JupyterLab（body）、OS の設定を見る。
 * @param {() => void} f 描きなおす関数。
 * @param {AbortSignal} signal 部品が消えるときの合図。
 */
export function onThemeChange(f, signal) {
  const observer = new MutationObserver(f);
  const attributeFilter = ["data-theme", "data-mode", "data-jp-theme-light"];
  for (const el of [document.documentElement, document.body]) observer.observe(el, { attributes: true, attributeFilter });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", f, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}
