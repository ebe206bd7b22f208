"""章「成績表」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sstut._loudness import level_match
from sstut.widgets.leaderboard import MIXTURE, TRUTH, LeaderboardExplorer

SR = 8000
N = 20
SOUNDED = (2, 11, 7)
MODEL = "document.querySelector('.sstut-widget').sstutModel"
SPEC = [  # 名前、種類、平均、時間、重みの数
    ("そのまま", "mixture", 0.0, 0.0, 0),
    ("甲", "classical", 2.0, 0.004, 0),
    ("乙", "classical", 1.0, 0.3, 40_000),
    ("丙", "network", 6.0, 0.02, 120_000),
    ("丁", "network", 6.1, 0.1, 900_000),
    ("上限", "oracle", 12.0, 0.002, 0),
]
NAMES = [name for name, *_ in SPEC]


@pytest.fixture
def results(rng: np.random.Generator) -> list[Any]:
    hard = rng.normal(0, 2, (N, 1))  # 混合音ごとの難しさは、どの手法にも共通
    return [
        SimpleNamespace(
            name=name,
            kind=kind,
            scores=mean + (kind != "mixture") * (hard + rng.normal(0, 1, (N, 2))),
            seconds=seconds,
            parameters=parameters,
        )
        for name, kind, mean, seconds, parameters in SPEC
    ]


@pytest.fixture
def sounds(rng: np.random.Generator) -> dict[int, dict[str, np.ndarray]]:
    t = np.arange(SR) / SR
    made = {}
    for i in SOUNDED:
        voice = 0.2 * np.sin(2 * np.pi * (200 + 30 * i) * t)
        rest = rng.uniform(-0.2, 0.2, t.size)
        made[i] = {MIXTURE: voice + rest, TRUTH: voice}
        for k, name in enumerate(NAMES[1:], 2):
            made[i][name] = (1 + 0.2 * k) * (0.5 * voice + rest / k)
    return made


@pytest.fixture
def explorer(results: Any, sounds: Any) -> Any:
    def make(**options: Any) -> LeaderboardExplorer:
        options = {"title": "手法の成績", "credit": "本書", **options}
        return LeaderboardExplorer(results, sounds, SR, **options)

    return make


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def by_python(widget: LeaderboardExplorer, i: int, source: str) -> dict[str, np.ndarray]:
    """部品の音から、聴くはずの音を作る。そろえる前。"""
    mixture = widget.sound(f"{i}/{MIXTURE}")
    made = {MIXTURE: mixture}
    for name in [TRUTH, *NAMES]:
        first = mixture if name == "そのまま" else widget.sound(f"{i}/{name}")
        made[name] = first if source == "target" or name == "そのまま" else mixture - first
    return made


def click(view: Any, name: str, i: int) -> None:
    """図の点を押す。"""
    x, y = view.call("w.place(...a)", [name, i])
    view.root().locator(".sst-lb-plot").first.click(position={"x": x, "y": y})


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_every_sound_is_heard_at_one_loudness(open_widget, explorer, scheme):
    widget = explorer()
    view = open_widget(widget, scheme)
    for i, source in [(2, "target"), (11, "rest")]:
        put(view, mixture=i, source=source, listen="estimate")
        expected = by_python(widget, i, source)
        gains = {n: 10 ** (db / 20) for n, db in level_match(expected, SR).items()}
        for name in NAMES:
            put(view, method=name)
            np.testing.assert_allclose(view.sound(name), expected[name], atol=1e-6)
            np.testing.assert_allclose(view.render()[0], gains[name] * expected[name], atol=1e-4)
        for listen, name in [("mixture", MIXTURE), ("reference", TRUTH)]:
            put(view, listen=listen)
            assert view.state()["heard"] == name
            np.testing.assert_allclose(view.render()[0], gains[name] * expected[name], atol=1e-4)


def test_means_intervals_ranks_and_pairs_equal_numpy(open_widget, explorer, results):
    view = open_widget(explorer(seed=9, resamples=300, method="丁", rival="丙"))
    scores = {r.name: r.scores.mean(axis=1) for r in results}
    drawn = np.floor(np.random.default_rng(9).random((2000, N)) * N).astype(int)
    means = {name: values[drawn].mean(axis=1) for name, values in scores.items()}
    state = view.state()
    for name in NAMES:
        expected = np.quantile(means[name], [0.025, 0.975])
        np.testing.assert_allclose(state["intervals"][name], expected, atol=1e-12)
    table = np.stack(list(means.values()))[:, :300]
    ranks = 1 + (table[None] > table[:, None]).sum(axis=1)
    expected = [[(row == k + 1).sum() for k in range(len(NAMES))] for row in ranks]
    np.testing.assert_array_equal(state["counts"], expected)
    low, high = np.quantile(means["丁"] - means["丙"], [0.025, 0.975])
    versus = state["versus"]
    np.testing.assert_allclose([versus["low"], versus["high"]], [low, high], atol=1e-12)
    assert versus["wins"] == (scores["丁"] > scores["丙"]).sum()
    put(view, seed=10)
    assert view.state()["counts"] != state["counts"]


def test_clicking_a_dot_chooses_it_and_again_plays_it(open_widget, explorer):
    view = open_widget(explorer())
    click(view, "甲", 7)
    view.wait("w.state().method === '甲' && w.state().mixture === 7")
    assert not view.state()["playing"]
    click(view, "甲", 7)
    view.wait("w.state().playing")
    click(view, "丙", 7)  # 手法を変えても、鳴りつづける
    view.wait("w.state().method === '丙' && w.state().playing")
    view.wait("w.state().position > 0.3 && w.state().position < 0.8")
    code = f"(() => {{ const p = w.state().position; {MODEL}.set('method', '乙'); return p; }})()"
    before, after = view.call(f"[{code}, w.state().position]")
    assert 0 <= after - before < 0.1  # 先頭に戻らない
    put(view, method="丙")
    click(view, "丙", 7)
    view.wait("!w.state().playing")


def test_switching_keeps_the_position_without_a_gap(open_widget, explorer):
    view = open_widget(explorer(mixture=2))
    before, after = ("甲", "丙")
    put(view, method=after)
    second = view.render()[0]
    put(view, method=before)
    first = view.render()[0]
    code = "w.render({ events: [{ at: 0.5, replace: 'estimate', channels: [a] }] })"
    mixed = view.call(
        f"(await (async (a) => {code})(Float32Array.from(a))).channels.map((x) => [...x])",
        second.tolist(),
    )
    y = np.array(mixed[0])
    half = SR // 2
    np.testing.assert_allclose(y[:half], first[:half], atol=1e-6)
    np.testing.assert_allclose(y[half + 200 :], second[half + 200 :], atol=1e-6)


def test_arrow_keys_walk_over_methods_and_sounded_mixtures(open_widget, explorer, results):
    view = open_widget(explorer(method="丙", mixture=2))
    view.root().locator(".sst-lb-plot").first.focus()
    order = view.state()["order"]
    view.page.keyboard.press("ArrowDown")
    lower = order[order.index("丙") + 1]
    view.wait("w.state().method === a", lower)
    scores = next(r.scores.mean(axis=1) for r in results if r.name == lower)
    row = sorted(SOUNDED, key=lambda i: scores[i])
    for _ in row:
        view.page.keyboard.press("ArrowLeft")
    view.wait("w.state().mixture === a", row[0])
    for i in row[1:]:
        view.page.keyboard.press("ArrowRight")
        view.wait("w.state().mixture === a", i)
    view.page.keyboard.press(" ")
    view.wait("w.state().playing")


def test_a_mixture_without_sound_says_so(open_widget, explorer):
    view = open_widget(explorer())
    view.root().locator(".sst-lb-plot").first.focus()
    view.page.keyboard.press(" ")
    view.wait("w.state().playing")
    view.root().get_by_role("combobox", name="混合音").select_option("0")
    view.wait("w.state().mixture === 0 && !w.state().playing")
    assert view.root().locator(".sst-lb-silent").is_visible()
    assert not view.root().get_by_role("button", name="再生").is_visible()
    view.root().locator(".sst-lb-plot").first.focus()
    view.page.keyboard.press(" ")
    view.wait("w.state().heard === null && !w.state().playing")
    assert "音は入っていません" in view.status()
    view.root().get_by_role("combobox", name="混合音").select_option("11")
    view.wait("w.state().heard !== null")
    assert view.root().get_by_role("button", name="再生").is_visible()


def test_rows_follow_the_sorting_and_the_table_agrees(open_widget, explorer, results):
    view = open_widget(explorer())
    view.root().get_by_text("表で見る").click()
    values = {
        "median": lambda r: -np.median(r.scores.mean(axis=1)),
        "worst": lambda r: -r.scores.mean(axis=1).min(),
        "seconds": lambda r: r.seconds,
    }
    for sort, value in values.items():
        view.root().get_by_role("combobox", name="並べ方").select_option(sort)
        expected = [r.name for r in sorted(results, key=value)]
        view.wait("w.state().sort === a", sort)
        assert view.state()["order"] == expected
        view.page.evaluate("new Promise((f) => requestAnimationFrame(() => setTimeout(f)))")
        rows = view.root().locator(".sst-lb-table tbody th").all_inner_texts()
        assert rows == expected
        head = view.root().locator(".sst-lb-table th[aria-sort]")
        assert head.get_attribute("aria-sort") == (
            "ascending" if sort == "seconds" else "descending"
        )


def test_resampling_buttons_count_and_stop_at_the_limit(open_widget, explorer):
    view = open_widget(explorer())
    one = view.root().get_by_role("button", name="混合音を選びなおす")
    many = view.root().get_by_role("button", name="100 回まとめて")
    one.click()
    view.wait("w.state().resamples === 1")
    assert np.sum(view.state()["counts"]) == len(NAMES)
    many.click()
    view.wait("w.state().resamples === 101")
    assert np.sum(view.state()["counts"], axis=1).tolist() == [101] * len(NAMES)
    put(view, resamples=1950)
    many.click()
    view.wait("w.state().resamples === 2000")
    assert one.is_disabled()
    assert many.is_disabled()
    view.root().get_by_role("button", name="はじめから").click()
    view.wait("w.state().resamples === 0")
    assert np.sum(view.state()["counts"]) == 0


def test_head_to_head_says_what_the_data_tell(open_widget, explorer):
    view = open_widget(explorer(method="丙"))
    panel = view.root().get_by_role("group", name="2 つの手法を比べる")
    panel.get_by_role("combobox").select_option("乙")
    view.wait("w.state().versus?.verdict === 1")
    assert "「丙」のほうが「乙」より平均が高い" in panel.inner_text()
    click(view, "乙", 2)  # 比べる手法を選ぶと、入れかわる
    view.wait("w.state().method === '乙' && w.state().rival === '丙'")
    assert view.state()["versus"]["verdict"] == -1
    assert "「丙」のほうが「乙」より平均が高い" in panel.inner_text()
    put(view, method="丁")
    assert view.state()["versus"]["verdict"] == 0
    assert "区間が 0 を含みます" in panel.inner_text()
    view.root().get_by_text("比べる手法", exact=True).first.click()
    view.wait("w.state().listen === 'rival' && w.state().heard === '丙'")
    panel.get_by_role("combobox").select_option("")
    view.wait("w.state().versus === null && w.state().listen === 'estimate'")


def front(results: list[Any], cost: str) -> list[str]:
    """正解を使わない手法のうち、安くて点の高いものがほかにないもの。費用の順。"""
    fair = [(getattr(r, cost), r.scores.mean(), r.name) for r in results if r.kind != "oracle"]

    def better(p: Any, q: Any) -> bool:
        return p[0] <= q[0] and p[1] >= q[1] and p[:2] != q[:2]

    return [q[2] for q in sorted(fair) if not any(better(p, q) for p in fair)]


def test_tradeoff_front_and_its_keys(open_widget, explorer, results):
    view = open_widget(explorer(view="tradeoff", method="甲"))
    assert view.state()["front"] == front(results, "seconds")
    plot = view.root().locator(".sst-lb-plot").nth(1)
    plot.focus()
    view.page.keyboard.press("ArrowRight")  # 時間の順
    view.wait("w.state().method === '丙'")
    view.page.keyboard.press("ArrowUp")  # 平均の順
    order = view.state()["order"]
    view.wait("w.state().method === a", order[order.index("丙") - 1])
    view.root().get_by_role("group", name="横軸").get_by_text("重みの数").click()
    view.wait("w.state().cost === 'parameters'")
    assert view.state()["front"] == front(results, "parameters")
    view.root().get_by_text("点の分布", exact=True).click()
    view.wait("w.state().view === 'strip'")
    plot.wait_for(state="hidden")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("look", ["strip", "tradeoff"])
def test_phone_width_and_accessibility(open_widget, axe, explorer, look, dark):
    widget = explorer(view=look, rival="甲", resamples=50)
    view = open_widget(widget, viewport=(375, 800), dark=dark, touch=True)
    view.root().get_by_text("表で見る").click()
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


@pytest.mark.parametrize("look", ["strip", "tradeoff"])
def test_keyboard_alone_reaches_everything(open_widget, explorer, look):
    view = open_widget(explorer(view=look, rival="甲", resamples=50))
    view.root().locator(".sst-lb-table").evaluate("(el) => { el.open = true; }")
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())
