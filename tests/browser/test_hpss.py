"""章「調波・打楽器音分離」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut.evaluation import si_sdr
from sstut.hpss import hpss, median_filter, separate_hpss
from sstut.representations import stft
from sstut.widgets._base import level_match
from sstut.widgets.hpss import HpssExplorer

SR = 16000
MODEL = "document.querySelector('.sstut-widget').sstutModel"


@pytest.fixture
def sources(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """打撃音と、続く和音。"""
    t = np.arange(round(1.5 * SR)) / SR
    decay = np.exp(-(np.arange(t.size) % (SR // 2)) / 400)
    chord = 0.1 * sum(np.sin(2 * np.pi * f * t) for f in (220, 331, 440, 665))
    return {
        "ドラム": (0.3 * decay * rng.uniform(-1, 1, t.size)).astype(np.float32),
        "和音": chord.astype(np.float32),
    }


def explorer(sources: dict[str, np.ndarray], **options: Any) -> HpssExplorer:
    options = {"n_fft": 1024, "hop_length": 256, "title": "HPSS", **options}
    return HpssExplorer(sum(sources.values()), SR, sources=sources, **options)


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    view.wait("!w.state().busy")


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_sounds_equal_python(open_widget, sources, scheme):
    widget = explorer(sources)
    view = open_widget(widget, scheme)
    mixture = widget.sound("混合音")
    for traits, settings in [
        ({}, {}),
        ({"kernel_time": 9, "kernel_freq": 51}, {"kernel_size": (9, 51)}),
        ({"binary": True}, {"kernel_size": (9, 51), "power": np.inf}),
        (
            {"binary": False, "power": 4.0, "margin_harmonic": 2.0, "margin_percussive": 3.0},
            {"kernel_size": (9, 51), "power": 4.0, "margin": (2.0, 3.0)},
        ),
    ]:
        if traits:
            put(view, **traits)
        expected = separate_hpss(mixture, n_fft=1024, hop_length=256, **settings)
        parts = view.state()["parts"]
        assert len(parts) == len(expected)
        for part, y in zip(parts, expected, strict=True):
            assert np.abs(view.sound(part) - y).max() < 1e-4


def test_window_length_changes_the_frames_too(open_widget, sources):
    widget = explorer(sources)
    view = open_widget(widget)
    put(view, n_fft=512)
    expected = separate_hpss(widget.sound("混合音"), n_fft=512, hop_length=128)
    assert np.abs(view.sound("harmonic") - expected[0]).max() < 1e-4


def test_masks_medians_and_scores_equal_python(open_widget, sources):
    widget = explorer(sources)
    view = open_widget(widget)
    mixture = widget.sound("混合音")
    magnitude = np.abs(stft(mixture, n_fft=1024, hop_length=256))
    medians = view.call("Array.from(w.median('horizontal'))")
    expected = median_filter(magnitude, 31, axis=-1)
    assert np.abs(np.reshape(medians, expected.T.shape).T - expected).max() < 1e-4
    mask = np.reshape(view.call("Array.from(w.mask('harmonic'))"), expected.T.shape).T
    loud = magnitude > 1e-3 * magnitude.max()
    wanted = hpss(magnitude, kernel_size=31, mask=True)[0]
    assert np.abs(mask - wanted)[loud].max() < 1e-3
    percussive = separate_hpss(mixture, n_fft=1024, hop_length=256)[1]
    for name, row in zip(("ドラム", "和音"), view.state()["scores"], strict=True):
        truth = si_sdr(widget.sound(name), percussive)
        assert row["percussive"] == pytest.approx(truth, abs=0.01)


def test_muting_parts_changes_what_is_heard(open_widget, sources):
    widget = explorer(sources)
    view = open_widget(widget)
    put(view, audible=["percussive"])
    heard = view.render(1.0)[0]
    assert np.abs(heard - view.sound("percussive")[: heard.size])[200:-200].max() < 1e-3
    put(view, audible=["harmonic", "percussive", "rest"])
    heard = view.render(1.0)[0]
    assert np.abs(heard - view.sound("mixture")[: heard.size])[200:-200].max() < 1e-3


def test_keyboard_moves_the_point(open_widget, sources):
    view = open_widget(explorer(sources))
    before = view.state()["point"]
    view.root().locator("[tabindex='0'][aria-label*='混合音']").first.focus()
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("ArrowUp")
    view.wait("w.state().point.t !== a.t && w.state().point.k !== a.k", before)


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, sources, dark):
    view = open_widget(explorer(sources), viewport=(375, 800), dark=dark, touch=True)
    assert view.overflow() == 0
    assert axe(view.page) == []


def test_own_sound_has_no_scores(open_widget, sources):
    view = open_widget(explorer(sources))
    data = io.BytesIO()
    sf.write(data, 0.5 * sources["和音"], SR, format="WAV")
    view.drop("mine.wav", data.getvalue(), "audio/wav")
    view.wait("w.state().own")
    assert view.state()["scores"] == []
    assert np.abs(view.sound("mixture")).max() > 0.01


def test_point_follows_the_window_length(open_widget, sources):
    """STFT の窓を変えても、選んだ周波数と時刻を保つ。選ぶ前なら、いちばん大きい点に移る。"""
    widget = explorer(sources)
    view = open_widget(widget)
    mixture = widget.sound("混合音")
    for n_fft in (4096, 512):
        put(view, n_fft=n_fft)
        magnitude = np.abs(stft(mixture, n_fft=n_fft, hop_length=n_fft // 4))
        k, t = np.unravel_index(np.argmax(magnitude), magnitude.shape)
        assert view.state()["point"] == {"t": t, "k": k}
    put(view, point=[1000.0, 1.0])
    assert view.state()["point"] == {"t": round(SR / 128), "k": round(1000 * 512 / SR)}
    put(view, n_fft=2048)
    assert view.state()["point"] == {"t": round(SR / 512), "k": round(1000 * 2048 / SR)}


def test_point_tells_why(open_widget, sources):
    """選んだ点の値・2 つの中央値・マスクの値が、Python と同じ。窓の帯は、窓の範囲を覆う。"""
    widget = explorer(sources, point=[440.0, 0.75], kernel_time=21, kernel_freq=41, max_khz=4)
    view = open_widget(widget)
    magnitude = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    t, k = round(0.75 * SR / 256), round(440 * 1024 / SR)
    horizontal = median_filter(magnitude, 21, axis=-1)[k, t]
    vertical = median_filter(magnitude, 41, axis=-2)[k, t]
    shown = view.root().locator(".sst-facts dd").all_inner_texts()
    levels = [float(text.replace("−", "-").replace(" dB", "")) for text in shown[2:5]]
    wanted = 20 * np.log10(np.array([magnitude[k, t], horizontal, vertical]) / magnitude.max())
    np.testing.assert_allclose(levels, wanted, atol=0.051)
    mask = horizontal**2 / (horizontal**2 + vertical**2)
    verdict = view.root().locator(".sst-hpss-verdict").inner_text()
    assert f"調波に {mask:.2f}、打楽器に {1 - mask:.2f}" in verdict
    assert "横の中央値が" in verdict  # 続く和音の上なので、横の方が大きい
    plot = view.root().locator(".sst-layer").first.bounding_box()
    across = view.root().locator(".sst-hpss-across").first.bounding_box()
    upright = view.root().locator(".sst-hpss-upright").first.bounding_box()
    assert across["width"] == pytest.approx(plot["width"] * 21 * 256 / SR / 1.5, abs=1.5)
    assert upright["height"] == pytest.approx(plot["height"] * 41 * SR / 1024 / 4000, abs=1.5)
    assert across["x"] + across["width"] / 2 == pytest.approx(upright["x"] + 2.5, abs=1.5)


def test_pointer_previews_and_chooses(open_widget, sources):
    view = open_widget(explorer(sources, max_khz=0))
    for index in range(4):
        plot = view.root().locator(".sst-layer").nth(index)
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
        before = view.state()["point"]
        view.page.mouse.move(x, y)
        view.wait("w.state().hovered !== null")
        assert view.state()["point"] == before  # 見ているだけでは、選んだ点は変わらない
        assert view.root().locator(".sst-readout").nth(index).inner_text().startswith("0.5")
        view.page.mouse.click(x, y)
        point = view.state()["point"]
        assert point["t"] * 256 / SR == pytest.approx(0.5, abs=0.02)
        assert point["k"] * SR / 1024 == pytest.approx(SR / 4, abs=60)
        assert view.state()["position"] == pytest.approx(0.5, abs=0.02)
        put(view, point=[100.0, 1.2])


def test_keys_and_switches_choose_what_to_hear(open_widget, sources):
    view = open_widget(explorer(sources, margin_harmonic=2.0, margin_percussive=2.0))
    view.root().get_by_role("button", name="再生").focus()
    for key, name in [("2", "harmonic"), ("3", "percussive"), ("4", "rest"), ("1", "mixture")]:
        view.page.keyboard.press(key)
        assert view.state()["listen"] == name
        assert np.abs(view.render()[0] - view.sound(name)).max() < 1e-6
    view.page.keyboard.press("Shift+Digit2")  # 調波を除く
    assert view.state()["heard"] == ["percussive", "rest"]
    expected = view.sound("percussive") + view.sound("rest")
    assert np.abs(view.render()[0] - expected).max() < 1e-6
    view.root().get_by_role("button", name="残り", exact=True).click()
    assert view.state()["listen"] == "percussive"
    put(view, audible=["rest"])
    put(view, margin_harmonic=1.0, margin_percussive=1.0)  # 残りがなくなれば、混合音に戻る
    assert view.state()["listen"] == "mixture"
    assert view.root().locator("input[value=rest]").is_disabled()


def test_switching_to_the_sum_has_no_gap(open_widget, sources):
    """混合音から、調波＋打楽器の足し合わせに移っても、音は変わらない。"""
    view = open_widget(explorer(sources))
    change = {"mixture": 0, "harmonic": 1, "percussive": 1}
    heard = view.render({"events": [{"at": 0.5, "gains": change}]})[0]
    assert np.abs(heard - view.sound("mixture")).max() < 1e-5


def test_level_match_equals_python(open_widget, sources):
    view = open_widget(explorer(sources, matched=True, audible=["percussive"]))
    tracks = {name: view.sound(name) for name in ("mixture", "harmonic", "percussive")}
    gain = 10 ** (level_match(tracks, SR)["percussive"] / 20)
    assert abs(gain - 1) > 0.01
    assert np.abs(view.render()[0] - gain * tracks["percussive"]).max() < 1e-4


@pytest.mark.parametrize("picture", ["median", "mask", "component"])
def test_lower_pictures_show_what_they_say(open_widget, sources, picture):
    widget = explorer(sources, picture=picture)
    view = open_widget(widget)
    magnitude = np.abs(stft(widget.sound("混合音"), n_fft=1024, hop_length=256))
    masks = hpss(magnitude, kernel_size=31, mask=True)
    for axis, part in [(-1, "harmonic"), (-2, "percussive")]:
        mask = masks[0 if axis == -1 else 1]
        amplitude = median_filter(magnitude, 31, axis=axis) if picture == "median" else None
        if picture == "component":
            amplitude = mask * magnitude
        flat = view.call("Array.from(w.shown(a))", part)
        actual = np.reshape(flat, magnitude.T.shape).T
        loud = magnitude > 1e-2 * magnitude.max()
        if amplitude is None:
            assert np.abs(actual - mask)[loud].max() < 1e-3
        else:
            wanted = 20 * np.log10(np.maximum(amplitude, 1e-5) / magnitude.max())
            loud &= amplitude > 1e-3 * magnitude.max()
            assert np.abs(actual - wanted)[loud].max() < 0.01


def test_keyboard_alone_reaches_everything(open_widget, sources):
    view = open_widget(explorer(sources))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())


def test_slider_changes_picture_and_sound_while_it_plays(open_widget, sources):
    view = open_widget(explorer(sources))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().level > 0.03")
    before = view.sound("harmonic")
    view.root().get_by_role("slider", name="横の窓（時間）").focus()
    for _ in range(5):
        view.page.keyboard.press("ArrowLeft")
    view.wait(f"{MODEL}.get('kernel_time') === 21 && !w.state().busy")
    assert view.state()["playing"]
    assert np.abs(view.sound("harmonic") - before).max() > 1e-3
    assert view.call("w.timing.length") > 0
    view.root().get_by_role("button", name="一時停止").click()


def test_own_sound_and_back(open_widget, sources):
    view = open_widget(explorer(sources))
    original = view.sound("mixture")
    own = 0.5 * sources["和音"][: SR // 2]
    file = io.BytesIO()
    sf.write(file, own, SR, format="WAV", subtype="FLOAT")
    view.drop("私の音.wav", file.getvalue())
    view.wait("w.state().own")
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    expected = separate_hpss(view.sound("mixture"), n_fft=1024, hop_length=256)
    assert np.abs(view.sound("harmonic") - expected[0]).max() < 1e-4
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    view.root().get_by_role("button", name="元の音に戻す").click()
    np.testing.assert_array_equal(view.sound("mixture"), original)
    assert len(view.state()["scores"]) == 2
