"""章「評価」の部品（誤差を足す、名前を伏せて聴く、MUSHRA）を、本のページの形で動かす。"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sstut import evaluation
from sstut.widgets._base import level_match
from sstut.widgets.evaluation import ANCHOR, REFERENCE, BlindTest, ErrorExplorer, Mushra

SR = 16000
SECONDS = 1.5
MODEL = "document.querySelector('.sstut-widget').sstutModel"
TERMS = ("target", "interference", "noise", "artifact")
SOUNDS = {"こもった音": 2.0, "雑音の多い音": 7.5, "割れた音": 4.0}  # 名前 → SDR


@pytest.fixture
def waves(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """歌、伴奏、雑音、プツプツいう音のような 4 つ。"""
    n = round(SECONDS * SR)
    t = np.arange(n) / SR
    voice = np.sum([np.sin(2 * np.pi * 330 * h * t + h) / h for h in range(1, 9)], axis=0)
    backing = np.sin(2 * np.pi * 110 * t) + 0.3 * rng.standard_normal(n) * np.exp(-(t % 0.25) * 40)
    clicks = rng.standard_normal(n) * (rng.random(n) > 0.995)
    waves = dict(zip(TERMS, (voice, backing, rng.standard_normal(n), clicks), strict=True))
    return {k: (0.3 * y / np.max(np.abs(y))).astype(np.float32) for k, y in waves.items()}


@pytest.fixture
def sounds(rng: np.random.Generator, waves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    voice = waves["target"]
    low = np.convolve(voice, np.ones(6) / 6, "same")
    noisy = voice + 0.05 * rng.standard_normal(voice.size)
    parts = (low, noisy, np.clip(voice, -0.1, 0.1))
    return {k: y.astype(np.float32) for k, y in zip(SOUNDS, parts, strict=True)}


def explorer(waves: dict[str, np.ndarray], **options: Any) -> ErrorExplorer:
    return ErrorExplorer(sr=SR, **(waves | options))


def blind(waves: dict[str, np.ndarray], sounds: dict[str, np.ndarray], **options: Any) -> BlindTest:
    scores = {name: {"SNR": 10.0, "SDR (v3)": sdr} for name, sdr in SOUNDS.items()}
    return BlindTest(waves["target"], sounds, SR, **({"scores": scores, "seed": 1} | options))


def mushra(waves: dict[str, np.ndarray], sounds: dict[str, np.ndarray], **options: Any) -> Mushra:
    return Mushra(waves["target"], sounds, SR, **({"seed": 2} | options))


WIDGETS: dict[str, Callable[..., Any]] = {
    "errors": lambda waves, _sounds: explorer(waves, title="誤差を足す", credit="音：本書制作"),
    "blind": lambda waves, sounds: blind(waves, sounds, title="耳で採点する"),
    "mushra": lambda waves, sounds: mushra(waves, sounds, title="小さな MUSHRA"),
}


def open_ready(open_widget: Callable, widget: Any, **options: Any) -> Any:
    view = open_widget(widget, **options)
    if isinstance(widget, ErrorExplorer):
        view.wait("w.timing.length > 0")
    return view


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをし、数値がそろうまで待つ。"""
    count = view.call("w.timing.length")
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.wait("w.timing.length > a", count)


def trait(view: Any, name: str) -> Any:
    return view.page.evaluate(f"{MODEL}.get('{name}')")


def press(view: Any, name: str) -> None:
    view.root().get_by_role("button", name=name, exact=True).click()


def rate(view: Any, score: int, name: str) -> None:
    """キーボードだけで点を付ける。"""
    slider = view.root().get_by_role("slider", name=f"{name} の評点")
    slider.focus()
    view.page.keyboard.press("Home")
    for _ in range(score // 10):
        view.page.keyboard.press("PageUp")
    for _ in range(score % 10):
        view.page.keyboard.press("ArrowRight")
    assert slider.input_value() == str(score)


def finish(view: Any, scores: dict[str, int]) -> None:
    """すべて聴き、本当の名前で決めた点を付けて、答えを開く。"""
    for i, name in enumerate(view.state()["order"]):
        letter = chr(65 + i)
        press(view, letter)
        view.wait("w.state().playing")
        rate(view, scores[name], letter)
    press(view, "答えを見る")


def visible_text(view: Any) -> str:
    """画面・読み上げ・属性に出ているすべての文字。"""
    return view.root().evaluate("(el) => el.outerHTML")


# ---- 共通


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("kind", WIDGETS)
def test_mounts_without_a_kernel(
    open_widget: Callable, waves: dict, sounds: dict, kind: str, scheme: str
) -> None:
    view = open_ready(open_widget, WIDGETS[kind](waves, sounds), scheme=scheme)
    assert "試してみよう" in view.root().inner_text()
    assert not view.state()["playing"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", WIDGETS)
def test_no_serious_accessibility_violation(
    open_widget: Callable, axe: Callable, waves: dict, sounds: dict, kind: str, dark: bool
) -> None:
    widget = WIDGETS[kind](waves, sounds)
    view = open_ready(open_widget, widget, dark=dark)
    view.root().locator("summary").click()
    if kind == "errors":
        put(view, interference_db=0.0)  # 動いた量と説明が出ている
        assert view.state()["reason"]
    assert axe(view.page) == []
    if kind != "errors":
        finish(view, dict.fromkeys(widget._conditions(), 50))
        assert axe(view.page) == []


@pytest.mark.parametrize("kind", WIDGETS)
def test_fits_a_phone(open_widget: Callable, waves: dict, sounds: dict, kind: str) -> None:
    widget = WIDGETS[kind](waves, sounds)
    view = open_ready(open_widget, widget, viewport=(375, 812), touch=True, scale=2)
    view.root().locator("summary").click()
    if kind != "errors":
        finish(view, dict.fromkeys(widget._conditions(), 50))
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []


# ---- 誤差を足す部品


def python_scores(widget: ErrorExplorer, estimate: np.ndarray) -> dict[str, float]:
    """同じ推定信号を `sstut.evaluation` で測る。"""
    target, interference, noise = (widget.sound(name) for name in TERMS[:3])
    sources = np.stack([target, interference]).astype(np.float64)
    estimate = estimate.astype(np.float64)
    scores = {
        "snr": evaluation.snr(sources[0], estimate),
        "siSdr": evaluation.si_sdr(sources[0], estimate),
        "sdSdr": evaluation.sd_sdr(sources[0], estimate),
    }
    noises = noise.astype(np.float64) if widget.noise_known else None
    for key, length in [("gain", 1), ("filter", 512)]:
        parts = evaluation.decompose(sources, estimate, noises=noises, filter_length=length)
        s, i, n, a = (np.sum(getattr(parts, name) ** 2) for name in TERMS)
        with np.errstate(divide="ignore"):
            ratios = {"sdr": s / (i + n + a), "sir": s / i, "sar": (s + i + n) / a}
            ratios["snr"] = (s + i) / n
            scores |= {f"{key}.{name}": 10 * np.log10(value) for name, value in ratios.items()}
    return scores


def flat(scores: dict[str, Any]) -> dict[str, float]:
    result = {}
    for name, value in scores.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        result |= {f"{name}.{k}" if k else name: float(v) for k, v in inner}
    return result


SETTINGS: list[dict[str, Any]] = [
    {},
    {"gain_db": -6.0, "inverted": True},
    {"delay": 1, "noise_db": None, "artifact_db": None, "interference_db": None},
    {"delay": 50, "interference_db": 5.0},
    {"noise_known": False, "noise_db": -3.0, "delay": 3},
    {"interference_db": None, "noise_db": None, "artifact_db": -40.0, "gain_db": 12.0},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_numbers_and_sounds_equal_python(
    open_widget: Callable, waves: dict, settings: dict[str, Any]
) -> None:
    widget = explorer(waves)
    view = open_ready(open_widget, widget)
    if settings:
        put(view, **settings)
        for name, value in settings.items():
            setattr(widget, name, value)
    estimate = view.sound("estimate")
    np.testing.assert_allclose(estimate, widget.estimate(), atol=1e-6)
    for name in TERMS:
        np.testing.assert_allclose(view.sound(name), widget.term(name), atol=1e-6)
    np.testing.assert_allclose(view.sound("error"), estimate - widget.sound("target"), atol=1e-6)
    np.testing.assert_array_equal(view.sound("reference"), widget.sound("target"))

    actual, expected = flat(view.state()["scores"]), python_scores(widget, estimate)
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if name.endswith(".snr") and not widget.noise_known:
            continue
        # 100 dB より良い値は画面でも「>100」。float32 の推定信号の丸めで決まる
        a, b = np.clip([actual[name], value], -90, 90)
        assert a == pytest.approx(b, abs=1e-3), name


def shown(view: Any) -> dict[str, list[str]]:
    """画面の指標：まとまり → 「名前 値」の並び。"""
    groups = view.root().locator(".sst-meter-group")
    result = {}
    for i in range(groups.count()):
        rows = groups.nth(i).locator(".sst-meter-row:visible").all()
        texts = [
            f"{row.locator('dt').inner_text()} {row.locator('dd').nth(1).inner_text()}"
            for row in rows
        ]
        result[groups.nth(i).get_attribute("aria-label")] = texts
    return result


def test_shown_numbers_are_the_scores(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves))
    scores = view.state()["scores"]
    text = {name: f"{value:.1f}".replace("-", "−") for name, value in flat(scores).items()}
    groups = shown(view)
    assert next(iter(groups.values())) == [
        f"SNR {text['snr']}",
        f"SD-SDR {text['sdSdr']}",
        f"SI-SDR {text['siSdr']}",
    ]
    assert list(groups.values())[2][3] == f"SAR {text['filter.sar']}"
    put(view, interference_db=None, noise_db=None, artifact_db=None)
    assert all(row.endswith(" >100") for rows in shown(view).values() for row in rows)
    press(view, "雑音の正解を渡す")
    view.wait("w.state().knob === 'noise_known'")
    assert [len(rows) for rows in shown(view).values()] == [3, 3, 3]


def test_delay_breaks_si_sdr_but_not_v3(open_widget: Callable, waves: dict) -> None:
    view = open_ready(
        open_widget, explorer(waves, interference_db=None, noise_db=None, artifact_db=None)
    )
    slider = view.root().get_by_role("slider", name="目的音の遅れ")
    slider.focus()
    view.page.keyboard.press("ArrowRight")
    view.wait("w.state().knob === 'delay'")
    scores = view.state()["scores"]
    assert scores["siSdr"] < 30
    assert scores["filter"]["sdr"] > scores["siSdr"] + 15
    view.wait("w.state().why.includes('下がった')")
    assert "SI-SDR" in view.state()["why"].split("。")[0]
    assert "512 タップ" in view.state()["reason"]
    assert slider.get_attribute("aria-valuetext") == "1 サンプル（0.06 ミリ秒）"


def test_gain_and_polarity_are_explained(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves))
    before = flat(view.state()["scores"])
    put(view, gain_db=-6.0)
    after = flat(view.state()["scores"])
    assert after["snr"] < before["snr"] - 1
    for name in ("siSdr", "gain.sdr", "gain.sir", "filter.sdr", "filter.sar"):
        assert after[name] == pytest.approx(before[name], abs=1e-6)
    why = view.state()["why"]
    assert "下がった：SNR、SD-SDR。" in why
    assert "動かない：SI-SDR、SDR、SIR、論文の SNR、SAR。" in why
    assert flat(view.state()["before"]) == before
    changed = view.root().locator(".sst-meter-row[data-moved=down] dt").all_inner_texts()
    assert changed == ["SNR", "SD-SDR"]
    press(view, "符号を反転")
    view.wait("w.state().knob === 'inverted'")
    assert flat(view.state()["scores"])["siSdr"] == pytest.approx(before["siSdr"], abs=1e-6)
    assert "−1 倍" in view.state()["reason"]


def test_noise_is_counted_where_it_is_told(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves, artifact_db=-35.0))
    before = flat(view.state()["scores"])
    put(view, noise_db=-5.0)
    known = flat(view.state()["scores"])
    assert known["gain.sar"] > before["gain.sar"] - 0.5
    assert known["gain.snr"] < before["gain.snr"] - 10
    put(view, noise_known=False)
    assert flat(view.state()["scores"])["gain.sar"] < before["gain.sar"] - 10
    assert "推定信号は同じ" in view.state()["reason"]


def test_buttons_clean_and_restore(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves, delay=5, noise_db=-10.0, inverted=True))
    press(view, "誤差をすべて消す")
    view.wait("w.state().scores.snr === Infinity")
    assert trait(view, "noise_db") is None
    assert view.root().get_by_role("slider", name="雑音").get_attribute("aria-valuetext") == (
        "足さない"
    )
    press(view, "はじめの設定に戻す")
    view.wait("w.state().scores.snr < 0")
    assert (trait(view, "delay"), trait(view, "noise_db"), trait(view, "inverted")) == (5, -10, 1)


def test_error_sounds_switch_by_key_without_a_gap(open_widget: Callable, waves: dict) -> None:
    widget = explorer(waves)
    view = open_ready(open_widget, widget)
    view.root().focus()
    for i, name in enumerate(["estimate", "reference", *TERMS, "error"]):
        view.page.keyboard.press(str(i + 1))
        view.wait("w.state().listen === a && w.state().gains[a] > 0", name)
        gains = view.state()["gains"]
        assert [k for k, g in gains.items() if g] == [name]
        np.testing.assert_allclose(view.render()[0], view.sound(name), atol=1e-5)
    a, b = view.sound("estimate"), view.sound("reference")
    gains = dict.fromkeys(view.state()["gains"], 0.0)
    start, change = gains | {"estimate": 1.0}, gains | {"reference": 1.0}
    mixed = view.render({"gains": start, "events": [{"at": 0.5, "gains": change}]})[0]
    edge = round(0.5 * SR)
    np.testing.assert_allclose(mixed[:edge], a[:edge], atol=1e-5)
    np.testing.assert_allclose(mixed[edge + 170 :], b[edge + 170 :], atol=1e-5)


def test_loud_sounds_are_kept_from_clipping(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves))
    put(view, gain_db=12.0, interference_db=10.0)
    heard = view.render()[0]
    assert np.max(np.abs(view.sound("estimate"))) > 1
    assert np.max(np.abs(heard)) <= 0.981
    assert "割れないように" in view.root().inner_text()
    put(view, listen="reference")  # 基準も同じだけ小さくなり、大きさの関係は変わらない
    ratio = np.max(np.abs(view.render()[0])) / np.max(np.abs(view.sound("reference")))
    assert ratio == pytest.approx(
        np.max(np.abs(heard)) / np.max(np.abs(view.sound("estimate"))), rel=1e-3
    )


def test_slider_changes_the_playing_sound(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves))
    view.root().focus()
    view.page.keyboard.press(" ")
    view.wait("w.state().playing && w.state().position > 0.05")
    slider = view.root().get_by_role("slider", name="アーティファクト")
    slider.focus()
    view.page.keyboard.press("End")
    view.wait("w.state().scores.siSdr < -5")
    assert view.state()["playing"]
    assert trait(view, "artifact_db") == 10


def test_similar_references_leave_the_other_metrics(open_widget: Callable, waves: dict) -> None:
    view = open_ready(open_widget, explorer(waves, interference=waves["target"]))
    assert view.state()["scores"]["filter"] is None
    assert np.isfinite(view.state()["scores"]["siSdr"])
    assert "似すぎている" in view.status()
    assert list(shown(view).values())[2][0] == "SDR —"


# ---- 名前を伏せる部品


def test_order_is_random_and_seeded(open_widget: Callable, waves: dict, sounds: dict) -> None:
    orders = set()
    for seed in (1, 1, 2, 3, 4, 5):
        view = open_ready(open_widget, blind(waves, sounds, seed=seed))
        order = tuple(view.state()["order"])
        assert sorted(order) == sorted(SOUNDS)
        orders.add((seed, order))
    assert len(orders) == 5  # 同じ種なら同じ並び
    assert len({order for _, order in orders}) > 1
    free = {
        tuple(open_ready(open_widget, blind(waves, sounds, seed=None)).state()["order"])
        for _ in range(8)
    }
    assert len(free) > 1  # 8 回とも同じになるのは 6^-7


@pytest.mark.parametrize("kind", ["blind", "mushra"])
def test_names_stay_hidden_until_the_answer(
    open_widget: Callable, waves: dict, sounds: dict, kind: str
) -> None:
    widget = WIDGETS[kind](waves, sounds)
    view = open_ready(open_widget, widget)
    hidden = [*SOUNDS, ANCHOR, "隠れ基準", "SDR (v3)", ">7.5<"]
    for step in range(2):
        html = visible_text(view)
        assert not [name for name in hidden if name in html]
        if step == 0:  # 鳴らして、点を付けても
            press(view, "B")
            rate(view, 70, "B")
    assert view.root().get_by_role("button", name="答えを見る").is_disabled()
    finish(view, dict.fromkeys(widget._conditions(), 60))
    html = visible_text(view)
    assert all(name in html for name in SOUNDS)
    press(view, "もう一度（順番を変えて）")
    assert not [name for name in hidden if name in visible_text(view)]


def test_answer_opens_only_when_all_is_done(
    open_widget: Callable, waves: dict, sounds: dict
) -> None:
    view = open_ready(open_widget, blind(waves, sounds))
    answer = view.root().get_by_role("button", name="答えを見る")
    message = view.root().locator(".sst-rate-foot .sst-status")
    assert "すべての音を聴いて" in message.inner_text()
    for name in "ABC":
        rate(view, 40, name)
    assert message.inner_text() == "あとは：A、B、C を聴く。"
    press(view, "A")
    press(view, "C")
    assert message.inner_text() == "あとは：B を聴く。"
    assert answer.is_disabled()
    press(view, "B")
    assert answer.is_enabled()
    answer.click()
    assert trait(view, "revealed")
    assert view.root().get_by_role("slider", name="A の評点").is_disabled()  # 答えのあとは変えない


def test_blind_answer_shows_ratings_beside_metrics(
    open_widget: Callable, waves: dict, sounds: dict
) -> None:
    widget = blind(waves, sounds)
    view = open_ready(open_widget, widget)
    given = {"こもった音": 20, "雑音の多い音": 60, "割れた音": 90}
    finish(view, given)
    assert trait(view, "ratings") == given
    widget.ratings = trait(view, "ratings")  # Python でも読める
    rows = view.root().locator("tbody tr")
    texts = [rows.nth(i).inner_text().split() for i in range(rows.count())]
    assert [[*row[1:2], float(row[2])] for row in texts] == [
        ["割れた音", 90],
        ["雑音の多い音", 60],
        ["こもった音", 20],
    ]
    assert [float(row[4]) for row in texts] == [4.0, 7.5, 2.0]
    letters = [row[0] for row in texts]
    assert [view.state()["order"][ord(a) - 65] for a in letters] == [r[1] for r in texts]
    captions = view.root().locator("figcaption").all_inner_texts()
    assert "順位相関 —" in captions[0]  # SNR はどれも同じ値
    assert "順位相関 0.50" in captions[1]


def test_blind_sounds_are_level_matched(open_widget: Callable, waves: dict, sounds: dict) -> None:
    widget = blind(waves, sounds)
    view = open_ready(open_widget, widget)
    match = level_match({name: widget.sound(name) for name in widget.names}, SR)
    for i, name in enumerate(view.state()["order"]):
        view.root().focus()
        view.page.keyboard.press(str(i + 1))
        heard = view.render()[0]
        np.testing.assert_allclose(heard, 10 ** (match[name] / 20) * widget.sound(name), atol=2e-5)
        np.testing.assert_array_equal(view.sound(chr(65 + i)), widget.sound(name))
    view.page.keyboard.press("r")
    expected = 10 ** (match[REFERENCE] / 20) * widget.sound(REFERENCE)
    np.testing.assert_allclose(view.render()[0], expected, atol=2e-5)


def test_keyboard_alone_is_enough(open_widget: Callable, waves: dict, sounds: dict) -> None:
    view = open_ready(open_widget, blind(waves, sounds))
    view.root().focus()
    keys = view.page.keyboard
    keys.press("0")
    keys.press(" ")
    view.wait("w.state().playing")
    for i, ups in enumerate([3, -2, 1]):
        keys.press(str(i + 1))
        for _ in range(abs(ups)):
            keys.press("ArrowUp" if ups > 0 else "ArrowDown")
    ratings = view.state()["ratings"]
    assert [ratings[name] for name in view.state()["order"]] == [65, 40, 55]
    assert len(view.state()["heard"]) == 3  # 鳴らしたまま切りかえれば、聴いたことになる
    keys.press("R")
    assert view.state()["selected"] == "reference"
    keys.press(" ")
    assert not view.state()["playing"]
    answer = view.root().get_by_role("button", name="答えを見る")
    answer.focus()
    keys.press("Enter")
    assert trait(view, "revealed")


def test_the_middle_can_be_chosen(open_widget: Callable, waves: dict, sounds: dict) -> None:
    view = open_ready(open_widget, blind(waves, sounds))
    slider = view.root().get_by_role("slider", name="A の評点")
    assert slider.get_attribute("aria-valuetext") == "まだ"
    slider.focus()
    view.page.keyboard.press("Enter")
    assert slider.get_attribute("aria-valuetext") == "50"
    slider = view.root().get_by_role("slider", name="B の評点")
    slider.click()  # つまみの真ん中を押すだけ
    assert slider.get_attribute("aria-valuetext") == "50"


def test_again_forgets_everything(open_widget: Callable, waves: dict, sounds: dict) -> None:
    view = open_ready(open_widget, blind(waves, sounds))
    orders = [view.state()["order"]]
    for _ in range(4):
        finish(view, dict.fromkeys(SOUNDS, 30))
        press(view, "もう一度（順番を変えて）")
        state = view.state()
        assert (state["ratings"], state["heard"], state["revealed"]) == ({}, [], False)
        assert not state["playing"]
        orders.append(state["order"])
        for i, name in enumerate(state["order"]):  # 音も新しい並びになっている
            expected = view.call("w.sound(a)[5000]", chr(65 + i))
            assert expected == pytest.approx(float(sounds[name][5000]), abs=1e-4)
    assert len({tuple(order) for order in orders}) > 1


def test_state_from_python_is_shown(open_widget: Callable, waves: dict, sounds: dict) -> None:
    order = list(SOUNDS)[::-1]
    view = open_ready(
        open_widget, blind(waves, sounds, order=order, ratings={order[0]: 33.0}, heard=order)
    )
    assert view.state()["order"] == order
    assert view.root().get_by_role("slider", name="A の評点").input_value() == "33"
    assert "B、C に点を付ける" in view.root().locator(".sst-rate-foot").inner_text()


# ---- MUSHRA


def test_mushra_results_and_screening(open_widget: Callable, waves: dict, sounds: dict) -> None:
    widget = mushra(waves, sounds)
    view = open_ready(open_widget, widget)
    assert sorted(view.state()["order"]) == sorted([REFERENCE, ANCHOR, *SOUNDS])
    labels = view.root().locator(".sst-rate-scale span").all_inner_texts()
    assert labels == ["非常に悪い", "悪い", "普通", "良い", "非常に良い"]
    given = {REFERENCE: 85, ANCHOR: 9, "こもった音": 25, "雑音の多い音": 45, "割れた音": 65}
    finish(view, given)
    rows = view.root().locator(".sst-results li").all_inner_texts()
    words = ["隠れ基準", "割れた音", "雑音の多い音", "こもった音", ANCHOR]
    grades = ["非常に良い", "良い", "普通", "悪い", "非常に悪い"]
    for row, word, grade, score in zip(rows, words, grades, (85, 65, 45, 25, 9), strict=True):
        assert word in row
        assert grade in row
        assert str(score) in row
    note = view.root().locator(".sst-screening")
    assert "85 点" in note.inner_text()
    assert "90 点未満" in note.inner_text()
    press(view, "もう一度（順番を変えて）")
    finish(view, given | {REFERENCE: 90})
    assert "聴き分けられています" in note.inner_text()


def test_csv_is_saved(open_widget: Callable, waves: dict, sounds: dict, tmp_path: Path) -> None:
    renamed = dict(zip(["手法, その 1", *list(SOUNDS)[1:]], sounds.values(), strict=True))
    view = open_ready(open_widget, Mushra(waves["target"], renamed, SR, seed=2))
    given = dict(zip([REFERENCE, ANCHOR, *renamed], [100, 5, 40, 60, 80], strict=True))
    finish(view, given)
    with view.page.expect_download() as download:
        press(view, "結果を保存（CSV）")
    assert download.value.suggested_filename == "mushra.csv"
    path = tmp_path / "mushra.csv"
    download.value.save_as(path)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == ["condition", "kind", "rating", "order", "time"]
    assert {row["condition"]: int(row["rating"]) for row in rows} == given
    kinds = {row["condition"]: row["kind"] for row in rows}
    assert kinds.pop(REFERENCE) == "hidden_reference"
    assert kinds.pop(ANCHOR) == "anchor"
    assert set(kinds.values()) == {"test"}
    order = view.state()["order"]
    assert all(order[int(row["order"]) - 1] == row["condition"] for row in rows)
    assert all(datetime.fromisoformat(row["time"]).tzinfo for row in rows)


def test_hidden_reference_is_the_reference(
    open_widget: Callable, waves: dict, sounds: dict
) -> None:
    widget = mushra(waves, sounds)
    view = open_ready(open_widget, widget)
    order = view.state()["order"]
    view.root().focus()
    view.page.keyboard.press("0")
    reference = view.render()
    view.page.keyboard.press(str(order.index(REFERENCE) + 1))
    np.testing.assert_array_equal(view.render(), reference)
    np.testing.assert_allclose(reference[0], widget.sound(REFERENCE), atol=1e-6)
    view.page.keyboard.press(str(order.index(ANCHOR) + 1))
    np.testing.assert_allclose(view.render()[0], widget.sound(ANCHOR), atol=1e-6)


def test_part_of_the_sound_is_looped(open_widget: Callable, waves: dict, sounds: dict) -> None:
    widget = mushra(waves, sounds)
    view = open_ready(open_widget, widget)
    slider = view.root().get_by_role("slider", name="聴く範囲の始め")
    slider.focus()
    for _ in range(5):
        view.page.keyboard.press("ArrowRight")
    assert view.state()["range"] == [8000, 24000]
    assert view.state()["duration"] == pytest.approx(1.0)
    full = widget.sound(REFERENCE)[8000:]
    heard = view.render({"seconds": 2.0})[0]  # くり返して 2 周
    edge = 80  # 端の 5 ミリ秒はなめらかに消える
    np.testing.assert_allclose(heard[edge : 16000 - edge], full[edge:-edge], atol=1e-6)
    np.testing.assert_allclose(heard[16000:], heard[:16000], atol=1e-6)
    assert abs(heard[0]) < 1e-3 * np.max(np.abs(full))
    slider.focus()
    view.page.keyboard.press("End")  # 0.5 秒より短くはできない
    assert view.state()["range"] == [16000, 24000]
    view.page.keyboard.press("Home")
    assert view.state()["range"] == [0, 24000]
    np.testing.assert_allclose(view.render()[0], widget.sound(REFERENCE), atol=1e-6)


def test_stereo_sounds_are_accepted(open_widget: Callable, waves: dict, sounds: dict) -> None:
    stereo = {name: np.stack([y, 0.5 * y]) for name, y in sounds.items()}
    reference = np.stack([waves["target"], 0.5 * waves["target"]])
    widget = Mushra(reference, stereo, SR, seed=1)
    view = open_ready(open_widget, widget)
    view.root().focus()
    view.page.keyboard.press(str(view.state()["order"].index(ANCHOR) + 1))
    np.testing.assert_allclose(view.render(), widget.sound(ANCHOR), atol=1e-6)
