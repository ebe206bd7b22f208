"""章「非負値行列因子分解」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut.evaluation import si_sdr
from sstut.masking import apply_mask
from sstut.nmf import component_masks, nmf
from sstut.representations import istft, magnitude, stft
from sstut.widgets._base import level_match
from sstut.widgets.nmf import NmfExplorer

SR = 16000
MODEL = "document.querySelector('.sstut-widget').sstutModel"
FRAMES = {"n_fft": 1024, "hop_length": 256}


@pytest.fixture
def sources(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """打撃音と、入れかわる 2 つの音。"""
    t = np.arange(round(1.2 * SR)) / SR
    decay = np.exp(-(np.arange(t.size) % (SR // 2)) / 400)
    notes = np.where(t < 0.6, np.sin(2 * np.pi * 300 * t), np.sin(2 * np.pi * 500 * t))
    return {
        "ドラム": (0.3 * decay * rng.uniform(-1, 1, t.size)).astype(np.float32),
        "笛": (0.2 * notes).astype(np.float32),
    }


def explorer(sources: dict[str, np.ndarray], **options: Any) -> NmfExplorer:
    options = {**FRAMES, "title": "NMF", "n_components": 3, "n_iter": 40, **options}
    return NmfExplorer(sum(sources.values()), SR, sources=sources, **options)


def opened(open_widget: Any, widget: NmfExplorer, *args: Any, **options: Any) -> Any:
    """開いて、はじめの計算が終わるまで待つ。"""
    view = open_widget(widget, *args, **options)
    view.wait("!w.state().busy")
    return view


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    view.wait("!w.state().busy")


def fitted(widget: NmfExplorer, **traits: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """部品と同じ設定で Python が求めた STFT、W、H（重心の低い順）、損失。"""
    for name, value in traits.items():
        setattr(widget, name, value)
    X = stft(widget.sound("混合音"), **widget.stft)
    V = magnitude(X) ** (2 if widget.loss == "is" else 1)
    result = nmf(V, widget.n_components, **widget.settings)
    order = np.argsort(np.arange(len(V)) @ result.W)
    return X, result.W[:, order], result.H[order], result.losses


def components(widget: NmfExplorer, X: np.ndarray, W: np.ndarray, H: np.ndarray) -> np.ndarray:
    """成分ごとの波形。"""
    n = widget.sound("混合音").size
    return istft(apply_mask(component_masks(W, H), X), hop_length=FRAMES["hop_length"], length=n)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_factors_and_sounds_equal_python(open_widget, sources, scheme):
    widget = explorer(sources)
    view = opened(open_widget, widget, scheme)
    for traits in [{}, {"seed": 5}, {"loss": "euclidean"}, {"loss": "is", "n_components": 2}]:
        if traits:
            put(view, **traits)
        X, W, H, losses = fitted(widget, **traits)
        state = view.state()
        np.testing.assert_allclose(state["losses"], losses, rtol=2e-3)
        shown = view.call("Object.values(w.factors()).map((x) => Array.from(x))")
        actual_W = np.reshape(shown[0], W.T.shape).T
        actual_H = np.reshape(shown[1], H.T.shape).T
        approximation = W @ H
        assert np.abs(actual_W @ actual_H - approximation).max() < 5e-3 * approximation.max()
        for k, y in enumerate(components(widget, X, W, H), 1):
            assert np.abs(view.sound(k) - y).max() < 5e-3


def test_iterations_go_back_and_forth(open_widget, sources):
    """どの回も Python の同じ回と等しく、損失は増えず、戻っても番号は変わらない。"""
    widget = explorer(sources)
    view = opened(open_widget, widget)
    order = view.state()["order"]
    for n in (1, 12, 40, 60, 3):
        put(view, n_iter=n)
        state = view.state()
        assert state["shown"] == n
        assert state["order"] == order
        X, _, _, losses = fitted(widget, n_iter=n)
        np.testing.assert_allclose(state["losses"][: n + 1], losses, rtol=2e-3)
        result = nmf(magnitude(X), 3, **widget.settings)
        masks = component_masks(result.W[:, order], result.H[order])
        expected = istft(apply_mask(masks[0], X), hop_length=256, length=view.sound(1).size)
        assert np.abs(view.sound(1) - expected).max() < 5e-3
    assert state["computed"] == 60  # 戻しても、計算した分は残る
    assert np.all(np.diff(state["losses"]) <= 1e-6 * state["losses"][0])


def test_zero_iterations_is_the_random_start(open_widget, sources):
    widget = explorer(sources, n_iter=0, seed=3)
    view = opened(open_widget, widget)
    V = magnitude(stft(widget.sound("混合音"), **FRAMES))
    rng = np.random.default_rng(3)
    level = np.sqrt(float(V.mean()) / 3)
    W, H = rng.random((len(V), 3)) + 0.5, rng.random((3, V.shape[1])) + 0.5
    shown = view.call("Object.values(w.factors()).map((x) => Array.from(x))")
    actual = np.reshape(shown[0], (3, -1)).T @ np.reshape(shown[1], (-1, 3)).T
    np.testing.assert_allclose(actual, level**2 * (W @ H), rtol=1e-4)


def test_buttons_step_run_and_reset(open_widget, sources):
    view = opened(open_widget, explorer(sources, n_iter=5))
    button = view.root().get_by_role("button", name="1 回進める")
    button.click()
    view.wait("w.state().shown === 6")
    view.page.keyboard.press(",")  # 焦点は部品の中にある
    view.wait("w.state().shown === 5")
    view.root().get_by_role("button", name="走らせる").click()
    view.wait("w.state().shown > 20")
    view.root().get_by_role("button", name="止める").click()
    view.wait("!w.state().busy && !w.state().running")
    stopped = view.state()["shown"]
    assert view.page.evaluate(f"{MODEL}.get('n_iter')") == stopped
    view.root().get_by_role("button", name="走らせる").click()
    view.wait("w.state().shown === 200 && !w.state().running")
    view.root().get_by_role("button", name="初めに戻す").click()
    view.wait("w.state().shown === 0 && !w.state().busy")
    assert view.state()["computed"] == 200


def test_keys_and_chips_choose_what_to_hear(open_widget, sources):
    view = opened(open_widget, explorer(sources))
    mixture = view.sound("mixture")
    assert np.abs(view.render()[0] - mixture).max() < 1e-6
    view.root().get_by_role("button", name="再生").focus()
    view.page.keyboard.press("2")
    assert view.state()["heard"] == [1, 3]
    assert np.abs(view.render()[0] - (view.sound(1) + view.sound(3))).max() < 1e-5
    view.root().get_by_role("button", name="逆にする").click()
    assert view.state()["heard"] == [2]
    assert np.abs(view.render()[0] - view.sound(2)).max() < 1e-6
    view.root().get_by_role("button", name="成分 2", exact=True).click()
    assert view.state()["heard"] == []
    assert np.abs(view.render()[0]).max() == 0
    view.page.keyboard.press("Shift+Digit3")
    assert view.state()["heard"] == [3]
    view.page.keyboard.press("0")
    assert np.abs(view.render()[0] - mixture).max() < 1e-6
    put(view, audible=[1, 12])  # 12 はないので、成分 1 だけ
    assert view.state()["heard"] == [1]
    view.root().locator(".sst-nmf-base").nth(1).click()
    assert view.state()["heard"] == [1, 2]
    view.root().locator(".sst-nmf-activation").nth(0).click()
    assert view.state()["heard"] == [2]


def test_everything_stays_heard_when_the_number_grows(open_widget, sources):
    view = opened(open_widget, explorer(sources))
    view.root().get_by_role("slider", name="成分の数 K").fill("5")
    view.wait("!w.state().busy && w.factors().H.length % 5 === 0")
    assert view.state()["heard"] == [1, 2, 3, 4, 5]
    assert view.root().locator(".sst-nmf-activation").count() == 5


def test_level_match_equals_python(open_widget, sources):
    view = opened(open_widget, explorer(sources, matched=True, audible=[1]))
    tracks = {"mixture": view.sound("mixture"), "heard": view.sound(1)}
    gain = 10 ** (level_match(tracks, SR)["heard"] / 20)
    assert abs(gain - 1) > 0.01
    assert np.abs(view.render()[0] - gain * tracks["heard"]).max() < 1e-4


def test_grouping_by_hand_and_by_truth(open_widget, sources):
    widget = explorer(sources)
    view = opened(open_widget, widget)
    view.root().get_by_role("combobox", name="成分 1", exact=True).select_option("笛")
    assert view.page.evaluate(f"{MODEL}.get('groups')") == ["笛", "", ""]
    flute = si_sdr(widget.sound("笛"), view.sound(1))
    assert view.state()["scores"][1] == pytest.approx(flute, abs=0.01)
    view.root().get_by_role("button", name="正解で組分け").click()
    parts = [view.sound(k) for k in (1, 2, 3)]
    truths = [widget.sound(name) for name in sources]

    def mean(owners: tuple[int, ...]) -> float:
        sums = [sum(y for y, o in zip(parts, owners, strict=True) if o == j) for j in (0, 1)]
        return np.mean([si_sdr(s, e) for s, e in zip(truths, sums, strict=True)])

    splits = [o for o in itertools.product((0, 1), repeat=3) if 0 < sum(o) < 3]
    best = max(splits, key=mean)
    state = view.state()
    assert state["groups"] == [list(sources)[j] for j in best]
    assert np.mean(state["scores"]) == pytest.approx(mean(best), abs=0.01)
    view.root().get_by_role("button", name="ドラムの組を聴く").click()
    assert state["heard"] != view.state()["heard"]
    assert np.abs(view.render()[0] - view.sound("ドラム")).max() < 1e-6


def test_picture_and_point_tell_the_sum(open_widget, sources):
    """絵の値が W H で、選んだ点の内訳が、Python と同じ。W・H・絵の軸がそろう。"""
    widget = explorer(sources, point=[500.0, 0.9], max_khz=2)
    view = opened(open_widget, widget)
    X, W, H, _ = fitted(widget)
    V = magnitude(X)
    k, t = round(500 * 1024 / SR), round(0.9 * SR / 256)
    shown = np.reshape(view.call("Array.from(w.shown())"), V.T.shape).T
    wanted = 20 * np.log10((W @ H)[k, t] / V.max())
    assert shown[k, t] == pytest.approx(wanted, abs=0.05)
    share = W[k] * H[:, t] / (W[k] @ H[:, t])
    top = int(np.argmax(share))
    verdict = view.root().locator(".sst-nmf-verdict").inner_text()
    assert verdict.startswith(f"W H の内訳は、成分 {top + 1} が {round(100 * share[top])}%")
    plot, bases, rows = (
        view.root().locator(name).first.bounding_box()
        for name in (".sst-plot", ".sst-nmf-bases", ".sst-nmf-activations")
    )
    assert (bases["y"], bases["height"]) == pytest.approx((plot["y"], plot["height"]), abs=1)
    assert (rows["x"], rows["width"]) == pytest.approx((plot["x"], plot["width"]), abs=1)
    put(view, picture="heard", audible=[top + 1])
    shown = np.reshape(view.call("Array.from(w.shown())"), V.T.shape).T
    assert shown[k, t] == pytest.approx(20 * np.log10(share[top] * V[k, t] / V.max()), abs=0.1)
    put(view, picture="target")
    shown = np.reshape(view.call("Array.from(w.shown())"), V.T.shape).T
    assert shown[k, t] == pytest.approx(20 * np.log10(V[k, t] / V.max()), abs=0.01)


def test_keyboard_moves_the_point(open_widget, sources):
    view = opened(open_widget, explorer(sources))
    before = view.state()["point"]
    view.root().locator(".sst-layer").focus()
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("ArrowUp")
    view.wait("w.state().point.t === a.t + 1 && w.state().point.k === a.k + 1", before)
    assert view.page.evaluate(f"{MODEL}.get('point')") != []


def test_keyboard_alone_reaches_everything(open_widget, sources):
    view = opened(open_widget, explorer(sources))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, sources, dark):
    widget = explorer(sources, n_components=12, audible=[1, 2, 5])
    view = opened(open_widget, widget, viewport=(375, 800), dark=dark, touch=True)
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_sound_follows_while_it_plays(open_widget, sources):
    view = opened(open_widget, explorer(sources, audible=[1]))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().level > 0.005")
    before = view.render(0.5)
    view.root().get_by_role("slider", name="直した回数").fill("2")
    view.wait("w.state().shown === 2 && !w.state().busy")
    assert view.state()["playing"]
    assert np.abs(view.render(0.5) - before).max() > 1e-3
    assert view.call("w.timing.length") > 0
    view.root().get_by_role("button", name="一時停止").click()


def test_own_sound_and_back(open_widget, sources):
    view = opened(open_widget, explorer(sources))
    original, first = view.sound("mixture"), view.sound(1)
    own = 0.5 * sources["笛"][: SR // 2]
    file = io.BytesIO()
    sf.write(file, own, SR, format="WAV", subtype="FLOAT")
    view.drop("私の音.wav", file.getvalue())
    view.wait("w.state().own && !w.state().busy")
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    assert view.state()["scores"] == []
    assert view.root().get_by_role("button", name="正解で組分け").count() == 0
    assert np.abs(sum(view.sound(k) for k in (1, 2, 3)) - own).max() < 1e-4
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    view.root().get_by_role("button", name="元の音に戻す").click()
    view.wait("!w.state().own && !w.state().busy")
    np.testing.assert_array_equal(view.sound("mixture"), original)
    np.testing.assert_allclose(view.sound(1), first, atol=1e-6)
    assert len(view.state()["scores"]) == 2


def test_without_sources_there_is_no_grouping(open_widget, sources):
    view = opened(open_widget, NmfExplorer(sum(sources.values()), SR, **FRAMES, n_components=2))
    assert view.root().get_by_role("combobox", name="成分 1").count() == 0
    assert view.state()["scores"] == []
