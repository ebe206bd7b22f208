"""章「くり返しによる分離」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut import repetition
from sstut.evaluation import si_sdr
from sstut.representations import stft
from sstut.widgets._base import level_match
from sstut.widgets.repetition import RepetitionExplorer

SR = 16000
MODEL = "document.querySelector('.sstut-widget').sstutModel"
SEPARATE = {
    "repet": repetition.separate_repet,
    "repet_sim": repetition.separate_repet_sim,
    "ft2d": repetition.separate_ft2d,
}


@pytest.fixture
def sources(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """1 秒ごとにくり返す伴奏と、くり返さない旋律。4 秒。"""
    t = np.arange(4 * SR) / SR
    notes = np.array([220, 330, 275, 440])[(4 * t).astype(int) % 4]
    beats = rng.uniform(-1, 1, SR)[np.arange(t.size) % SR] * np.exp(-(t % 0.5) / 0.05)
    backing = 0.15 * np.sin(2 * np.pi * notes * t) + 0.2 * beats
    melody = 0.15 * np.sin(2 * np.pi * (700 + 90 * t) * t) * (np.sin(2 * np.pi * 0.7 * t) > 0)
    return {"伴奏": backing.astype(np.float32), "歌": melody.astype(np.float32)}


def explorer(sources: dict[str, np.ndarray], **options: Any) -> RepetitionExplorer:
    options = {"n_fft": 1024, "hop_length": 256, "title": "くり返し", **options}
    return RepetitionExplorer(sum(sources.values()), SR, sources=sources, **options)


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    view.wait("!w.state().busy")


def trait(view: Any, name: str) -> Any:
    return view.page.evaluate(f"{MODEL}.get('{name}')")


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_sounds_equal_python(open_widget, sources, scheme):
    """画面で変えた設定を Python に渡すと、同じ音になる。"""
    widget = explorer(sources)
    view = open_widget(widget, scheme)
    mixture = widget.sound("混合音")
    for traits in [
        {},
        {"period": 31},
        {"high_pass_cutoff": 500.0},
        {"method": "repet_sim"},
        {"min_distance": 0.3, "max_repeats": 5, "min_similarity": 0.5},
        {"method": "ft2d"},
        {"neighborhood": [3, 9], "high_pass_cutoff": 0.0},
    ]:
        if traits:
            put(view, **traits)
        for name, value in traits.items():
            setattr(widget, name, value)
        background, foreground = SEPARATE[widget.method](mixture, SR, **widget.settings)
        assert np.abs(view.sound("background") - background).max() < 1e-4
        assert np.abs(view.sound("foreground") - foreground).max() < 1e-4


def test_period_mask_and_scores_equal_python(open_widget, sources):
    widget = explorer(sources)
    view = open_widget(widget)
    S = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    frames = SR / 256
    bounds = {"min_period": round(0.8 * frames), "max_period": S.shape[1] // 3}
    period = repetition.find_period(repetition.beat_spectrum(S), **bounds)
    state = view.state()
    assert state["periodFrames"] == state["found"] == period
    assert period == pytest.approx(frames, abs=1)  # 1 秒
    expected = repetition.repet(S, period)
    model = np.reshape(view.call("Array.from(w.estimate())"), S.T.shape).T
    assert np.abs(model - expected.model).max() < 1e-4
    mask = np.reshape(view.call("Array.from(w.mask())"), S.T.shape).T
    high = np.fft.rfftfreq(1024, 1 / SR) >= 100
    loud = np.greater(S, 1e-3 * S.max())
    assert np.all(mask[~high] == 1)
    assert np.abs(mask - expected.mask)[loud & high[:, None]].max() < 1e-3
    for i, (name, part) in enumerate([("伴奏", "background"), ("歌", "foreground")]):
        after = si_sdr(widget.sound(name), view.sound(part))
        assert state["scores"][i] == pytest.approx(after, abs=0.01)
        assert after > state["before"][i] + 2
        shown = view.root().locator(".sst-repetition-score td").nth(3 * i + 1).inner_text()
        assert float(shown.replace("−", "-")) == pytest.approx(after, abs=0.06)


def test_marker_moves_by_whole_frames(open_widget, sources):
    view = open_widget(explorer(sources))
    marker = view.root().get_by_role("slider", name="周期の印")
    found = view.state()["found"]
    before = view.sound("background")
    marker.focus()
    for key, period in [("ArrowRight", found + 1), ("Shift+ArrowLeft", found - 9)]:
        view.page.keyboard.press(key)
        assert trait(view, "period") == period
        view.wait("w.state().periodFrames === a && !w.state().busy", period)
        assert marker.get_attribute("aria-valuenow") == str(period)
    assert view.state()["position"] == 0  # 矢印は、再生位置を動かさない
    assert np.abs(view.sound("background") - before).max() > 1e-3
    marker.scroll_into_view_if_needed()
    grid = view.root().locator(".sst-chart-box .sst-grid").first.bounding_box()
    y = grid["y"] + grid["height"] / 2
    view.page.mouse.move(grid["x"] + 0.2 * grid["width"], y)
    view.page.mouse.down()
    view.page.mouse.move(grid["x"] + 0.5 * grid["width"], y, steps=4)
    view.page.mouse.up()
    half = (1 + 4 * SR // 256) // 2
    assert trait(view, "period") == pytest.approx(half / 2, abs=1)
    view.root().get_by_role("button", name="自動", exact=True).click()
    view.wait("w.state().periodFrames === a && !w.state().busy", found)
    assert trait(view, "period") == 0
    np.testing.assert_array_equal(view.sound("background"), before)
    for name, period in [("半分", round(found / 2)), ("＋1 フレーム", round(found / 2) + 1)]:
        view.root().get_by_role("button", name=name, exact=True).click()
        view.wait("w.state().periodFrames === a", period)


def test_similar_frames_equal_python(open_widget, sources):
    widget = explorer(sources, method="repet_sim", min_distance=0.3, point=[1000.0, 1.2])
    view = open_widget(widget)
    S = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    expected = repetition.similar_frames(S, min_distance=round(0.3 * SR / 256))
    t = round(1.2 * SR / 256)
    assert view.state()["point"]["t"] == t
    assert view.state()["gathered"] == list(expected[t])
    # 行列の上で、別のフレームを選ぶ
    matrix = view.root().locator(".sst-heatgrid .sst-layer").first
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=2)
    view.page.mouse.click(box["x"] + 20, box["y"] + 0.25 * box["height"])
    view.wait("w.state().point.t !== a", t)
    t = view.state()["point"]["t"]
    assert t == pytest.approx(0.75 * S.shape[1], abs=2)
    assert view.state()["gathered"] == list(expected[t])
    matrix.focus()
    view.page.keyboard.press("ArrowUp")
    view.wait("w.state().point.t === a", t + 1)


def test_ft2d_peaks_equal_python(open_widget, sources):
    widget = explorer(sources, method="ft2d", neighborhood=[1, 15])
    view = open_widget(widget)
    S = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    count = repetition.ft2d_peaks(S, (1, 15)).sum()
    assert view.call("w.peaks()") == pytest.approx(count, rel=2e-3)
    slider = view.root().get_by_role("slider", name="近傍の幅（rate）")
    put(view, high_pass_cutoff=123.0)  # つまみにない値でも、その値を見せる
    assert view.root().get_by_text("123 Hz より下").count() == 1
    slider.focus()
    view.page.keyboard.press("ArrowRight")
    view.wait("w.state().neighborhood[1] === 17 && !w.state().busy")
    assert trait(view, "neighborhood") == [1, 17]
    assert view.call("w.peaks()") < count
    view.root().get_by_role("button", name="峰だけ見る").click()
    view.root().get_by_text("全体", exact=True).click()


def test_right_picture_shows_what_it_says(open_widget, sources):
    widget = explorer(sources, high_pass_cutoff=0.0)
    view = open_widget(widget)
    S = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    background = repetition.repet(S, view.state()["periodFrames"])
    mask = background.mask
    amplitudes = {"model": background.model, "background": mask * S, "foreground": (1 - mask) * S}
    loud = np.greater(S, 1e-2 * S.max())

    def shown(picture: str) -> np.ndarray:
        put(view, picture=picture)
        return np.reshape(view.call("Array.from(w.shown())"), S.T.shape).T

    assert np.abs(shown("mask") - mask)[loud].max() < 1e-3
    for picture, amplitude in amplitudes.items():
        wanted = 20 * np.log10(np.maximum(amplitude, 1e-5) / S.max())
        clear = loud & (amplitude > 1e-2 * S.max())
        assert np.abs(shown(picture) - wanted)[clear].max() < 0.05


def test_point_tells_why(open_widget, sources):
    widget = explorer(sources, point=[760.0, 0.3])
    view = open_widget(widget)
    S = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    background = repetition.repet(S, view.state()["periodFrames"])
    k, t = round(760 * 1024 / SR), round(0.3 * SR / 256)
    assert view.state()["point"] == {"t": t, "k": k}
    verdict = view.root().locator(".sst-repetition-verdict")
    mask = background.mask[k, t]
    assert mask < 0.9  # 旋律の上なので、前景にも渡る
    assert f"背景に {mask:.2f}、前景に {1 - mask:.2f}" in verdict.inner_text()
    assert "集めた 4 フレームの中央値" in verdict.inner_text()
    view.root().locator("[aria-label*='混合音。']").focus()
    view.page.keyboard.press("ArrowUp")
    view.wait("w.state().point.k === a", k + 1)
    put(view, high_pass_cutoff=1000.0)
    assert "低い周波数なので" in verdict.inner_text()


def test_keys_choose_what_to_hear(open_widget, sources):
    view = open_widget(explorer(sources))
    view.root().get_by_role("button", name="再生").focus()
    for key, name in [("2", "background"), ("3", "foreground"), ("1", "mixture")]:
        view.page.keyboard.press(key)
        assert view.state()["listen"] == name
        assert np.abs(view.render()[0] - view.sound(name)).max() < 1e-6
    assert trait(view, "audible") == ["background", "foreground"]
    put(view, audible=["foreground"])
    assert view.state()["listen"] == "foreground"
    put(view, audible=[])
    assert np.abs(view.render()[0]).max() == 0


def test_level_match_equals_python(open_widget, sources):
    view = open_widget(explorer(sources, matched=True, audible=["foreground"]))
    tracks = {name: view.sound(name) for name in ("mixture", "background", "foreground")}
    gain = 10 ** (level_match(tracks, SR)["foreground"] / 20)
    assert abs(gain - 1) > 0.01
    assert np.abs(view.render()[0] - gain * tracks["foreground"]).max() < 1e-4


def test_presets_while_it_plays(open_widget, sources):
    view = open_widget(explorer(sources))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().level > 0.03")
    found = view.state()["found"]
    for name, traits in [
        ("半分の周期", {"period": round(found / 2), "audible": ["foreground"]}),
        ("1 フレームずらす", {"period": found + 1, "audible": ["foreground"]}),
        ("似たフレーム", {"method": "repet_sim"}),
        ("2 次元の模様", {"method": "ft2d"}),
        ("見つけた周期", {"method": "repet", "period": 0}),
    ]:
        view.root().get_by_role("button", name=name, exact=True).click()
        view.wait("!w.state().busy")
        assert {key: trait(view, key) for key in traits} == traits
        assert view.root().locator(".sst-repetition-note").inner_text()
    assert view.state()["playing"]
    assert view.call("w.timing.length") >= 5
    view.root().get_by_role("button", name="一時停止").click()


@pytest.mark.parametrize("method", list(SEPARATE))
def test_keyboard_alone_reaches_everything(open_widget, sources, method):
    view = open_widget(explorer(sources, method=method))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())


@pytest.mark.parametrize(
    ("method", "dark"), [("repet", False), ("repet_sim", True), ("ft2d", True)]
)
def test_phone_width_and_accessibility(open_widget, axe, sources, method, dark):
    widget = explorer(sources, method=method)
    view = open_widget(widget, viewport=(375, 800), dark=dark, touch=True)
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_own_sound_and_back(open_widget, sources):
    view = open_widget(explorer(sources, period=20))
    original = view.sound("mixture")

    def drop(name: str, y: np.ndarray) -> None:
        file = io.BytesIO()
        sf.write(file, y, SR, format="WAV", subtype="FLOAT")
        view.drop(name, file.getvalue())

    own = np.tile(sources["伴奏"][:SR], 3) + 0.5 * sources["歌"][: 3 * SR]
    drop("私の音.wav", own)
    view.wait("w.state().own")
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    expected = repetition.separate_repet(own, SR, n_fft=1024, hop_length=256)
    assert np.abs(view.sound("background") - expected[0]).max() < 1e-4
    assert view.state()["scores"] == []
    drop("短い.wav", own[: 2 * SR])
    view.root().get_by_text("2.5 秒以上の音が要ります").wait_for()
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    view.root().get_by_role("button", name="元の音に戻す").click()
    np.testing.assert_array_equal(view.sound("mixture"), original)
    assert len(view.state()["scores"]) == 2
