// 手法の順位を、混合音ごとの点に開いて、見て聴く部品。操作の状態はモデルにある。

import { choice, h, onFrame, select } from "../ui/dom.js";
import { formatDb } from "../ui/format.js";
import { createFrame } from "../ui/frame.js";
import { factList, tryThis } from "../ui/parts.js";
import { createListen } from "./listen.js";
import { createRanks } from "./ranks.js";
import { drawMeans, readResults, SORTS } from "./results.js";
import { kindLegend } from "./shapes.js";
import { createStrip } from "./strip.js";
import { createTable } from "./table.js";
import { createTradeoff } from "./tradeoff.js";
import { createVersus } from "./versus.js";
import { inOrder, ranksOf } from "./work.js";

const SETTINGS = ["sort", "mixture", "method", "rival", "view", "cost", "resamples"];
const VIEWS = [["strip", "点の分布"], ["tradeoff", "費用との兼ね合い"]];
const COSTS = [["seconds", "計算の時間"], ["parameters", "重みの数"]];

/** 並んだ list の中で、item から step だけ離れたもの。端で止まる。 */
function stepIn(list, item, step) {
  return list[Math.max(0, Math.min(list.length - 1, list.indexOf(item) + step))];
}

/** 部品を el に作る。返り値は後始末の関数。 */
export function renderLeaderboard({ model, el, signal }) {
  const frame = createFrame({ model, el, signal, kind: "leaderboard" });
  const get = (name) => model.get(name);
  const methods = readResults(model);
  const n = methods[0].scores.length;
  const named = (name) => methods.find((method) => method.name === name);
  const order = () => inOrder(methods, get("sort"));
  const listen = createListen({ model, frame, methods });

  /** 選ぶ。比べる手法を選んだら、入れかえる。聴く音は、選んだ手法にする。 */
  function choose({ method = get("method"), mixture = get("mixture") }) {
    const rival = method === get("rival") ? get("method") : get("rival");
    frame.save({ method, mixture, rival, listen: "estimate" });
  }
  /** 図の点を押した。選んでいる点なら、鳴らす・止める。 */
  function pick(method, mixture) {
    const again = method === get("method") && (mixture ?? get("mixture")) === get("mixture");
    if (again && get("listen") === "estimate") listen.toggle();
    else choose({ method, mixture: mixture ?? get("mixture") });
  }
  /** 点の分布の図の矢印：上下で手法、左右で、音のある混合音を、その行の点の順に移る。 */
  function moveDot(right, up) {
    if (up) choose({ method: stepIn(order(), named(get("method")), -up).name });
    if (!right) return;
    const { scores } = named(get("method"));
    const row = [...new Set([...listen.sounded, get("mixture")])].sort((a, b) => scores[a] - scores[b]);
    choose({ mixture: stepIn(row, get("mixture"), right) });
  }
  const moveCost = (right, up) => choose({ method: stepIn(inOrder(methods, right ? get("cost") : "mean"), named(get("method")), right || -up).name });

  const strip = createStrip({ methods, sounded: listen.sounded, signal: frame.signal, onPick: pick, onMove: moveDot });
  const tradeoff = createTradeoff({ methods, signal: frame.signal, onPick: pick, onMove: moveCost });
  const ranks = createRanks({ methods, frame, model });
  const versus = createVersus({ methods, frame, model });
  const table = createTable();

  const methodPick = select({ label: "手法", options: methods.map(({ name }) => [name, name]), value: get("method"), onChange: (method) => choose({ method }) });
  const mixturePick = select({
    label: "混合音", value: get("mixture"), onChange: (i) => choose({ mixture: Number(i) }),
    options: Array.from({ length: n }, (_, i) => [i, listen.sounded.has(i) ? `${i}（音あり）` : String(i)]),
  });
  const save = (name) => (value) => frame.save({ [name]: value });
  const sortPick = select({ label: "並べ方", options: Object.entries(SORTS), value: get("sort"), onChange: save("sort") });
  const viewPick = choice({ label: "図", options: VIEWS, value: get("view"), onChange: save("view") });
  const costPick = choice({ label: "横軸", options: COSTS, value: get("cost"), onChange: save("cost") });
  const facts = factList(["選んだ点", ...get("source_names"), "平均", "この混合音での順位"]);
  const spoken = h("p", { class: "sst-hidden", role: "status" });
  const key = h("p", { class: "sst-lb-caption" });

  /** 選んだ点の数と、読み上げる文。 */
  function showPoint() {
    const [method, i] = [named(get("method")), get("mixture")];
    const rank = ranksOf(methods.map(({ scores }) => scores[i]))[methods.indexOf(method)];
    const sounds = listen.sounded.has(i) ? "" : "、音なし";
    facts.show(`${method.name}、混合音 ${i}${sounds}`, ...method.perSource(i).map(formatDb), formatDb(method.scores[i]), `${rank} 位 / ${methods.length}`);
    const text = `${method.name}、混合音 ${i}、${formatDb(method.scores[i])}、${rank} 位${sounds}`;
    if (spoken.textContent !== text) spoken.textContent = text;
    return text;
  }
  function refresh() {
    const [method, mixture, cost] = ["method", "mixture", "cost"].map(get);
    const isStrip = get("view") === "strip";
    const text = showPoint();
    Object.assign(methodPick, { value: method });
    Object.assign(mixturePick, { value: mixture });
    for (const [item, name] of [[sortPick, "sort"], [viewPick, "view"], [costPick, "cost"]]) item.value = get(name);
    strip.el.hidden = sortPick.el.hidden = !isStrip;
    tradeoff.el.hidden = costPick.el.hidden = isStrip;
    key.textContent = isStrip
      ? "点：混合音（大きい点は聴ける）　線：選んだ混合音　下の棒：平均と 95 % の区間　○：最後に選びなおした平均"
      : "印：平均　縦の棒：95 % の区間　階段：費用も点もほかに負けない手法（正解を使う手法は除く）　名前のない点も、押すと選べる";
    strip.show({ order: order(), method, mixture, draw: get("resamples") - 1 }, text);
    tradeoff.show({ cost, method, rival: get("rival") });
    table.show(order(), get("sort"), method);
  }
  const refreshSoon = onFrame(() => { if (!frame.signal.aborted) refresh(); });
  for (const name of SETTINGS) frame.onTrait(name, refreshSoon);
  frame.onTrait("resamples", ranks.show);
  for (const name of ["method", "rival"]) frame.onTrait(name, versus.show);
  frame.onTrait("seed", (seed) => {
    drawMeans(methods, seed);
    ranks.show();
    versus.show();
    refreshSoon();
  });

  frame.body.append(
    tryThis("大きい点を選んで再生し、上下に動いて、同じ混合音を手法ごとに聴きくらべます。平均の高い手法は、どの混合音でも良い音でしょうか。"),
    listen.el,
    h("div", { class: "sst-lb-picks" }, methodPick.el, mixturePick.el, viewPick.el, sortPick.el, costPick.el),
    h("div", { class: "sst-lb-figure" }, strip.el, tradeoff.el, kindLegend(methods), key),
    facts.el, h("div", { class: "sst-columns" }, ranks.el, versus.el), table.el, spoken,
  );
  frame.keys([...listen.keys, { keys: [], show: "点を押す", label: "選ぶ。選んだ点をもう一度押すと、再生・一時停止" }, { keys: [], show: "矢印", label: "（図の上で）↑↓ で手法、←→ で聴ける混合音を選ぶ" }]);
  ranks.show();
  versus.show();
  refresh();

  frame.ready({
    state: () => ({
      ...listen.state(), ...Object.fromEntries([...SETTINGS, "listen", "source", "seed"].map((name) => [name, get(name)])),
      order: order().map(({ name }) => name), sounded: [...listen.sounded], counts: ranks.counts(), versus: versus.result(),
      intervals: Object.fromEntries(methods.map(({ name, low, high }) => [name, [low, high]])), front: tradeoff.front(get("cost")),
    }),
    render: (how) => listen.engine.render(typeof how === "number" ? { seconds: how } : how),
    sound: listen.sound,
    place: strip.place,
  });
  return frame.dispose;
}
