"""章「損失関数」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch

from sstut import losses
from sstut.representations import stft
from sstut.widgets.losses import TARGET, LossExplorer

SR = 8000
MODEL = "document.querySelector('.sstut-widget').sstutModel"


@pytest.fixture
def target(rng: np.random.Generator) -> np.ndarray:
    """400 Hz の倍音つきの音。"""
    t = np.arange(SR // 2) / SR
    tone = sum(np.sin(2 * np.pi * 400 * k * t) / k for k in (1, 2, 3))
    return (0.2 * tone + 0.002 * rng.standard_normal(t.size)).astype(np.float32)


def explorer(target: np.ndarray, **options: Any) -> LossExplorer:
    return LossExplorer(target, SR, **{"title": "損失の面", "credit": "本書", **options})


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    view.wait("!w.state().busy")


def by_python(estimate: np.ndarray, target: np.ndarray) -> dict[str, float]:
    e, s = (torch.from_numpy(y.astype(np.float64))[None] for y in (estimate, target))
    E, S = (torch.from_numpy(stft(y[0].numpy(), n_fft=512))[None] for y in (e, s))
    values = {
        "l1": losses.lp_loss(e, s),
        "mse": losses.lp_loss(e, s, 2),
        "snr": losses.snr_loss(e, s),
        "si_sdr": losses.si_sdr_loss(e, s),
        "magnitude": losses.magnitude_loss(torch.ones_like(S.abs())[:, None], E, S[:, None]),
        "multi_resolution": losses.multi_resolution_stft_loss(e, s),
    }
    return {name: value.item() for name, value in values.items()}


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_sounds_and_values_equal_python(open_widget, target, scheme):
    widget = explorer(target)
    view = open_widget(widget, scheme)
    truth = widget.sound(TARGET)
    for traits in [
        {"gain_db": -6, "delay": 7},
        {"inverted": True},
        {"noise_db": -20, "delay": -30},
    ]:
        put(view, **traits)
        state = view.state()
        estimate = view.sound("estimate")
        assert np.abs(view.sound("error") - (estimate - truth)).max() < 1e-6
        if state["noise_db"] == -60:
            shifted = np.roll(np.pad(truth, 100), state["delay"])[100:-100]
            gain = 10 ** (state["gain_db"] / 20) * (-1 if state["inverted"] else 1)
            assert np.abs(estimate - gain * shifted).max() < 1e-6
        for name, value in by_python(estimate, truth).items():
            assert state["values"][name] == pytest.approx(value, rel=1e-4, abs=1e-4), name


def test_surface_holds_the_values_of_its_points(open_widget, target):
    view = open_widget(explorer(target, delay=20, gain_db=-4))
    view.wait("!w.state().busy")
    state = view.state()
    for name, value in state["values"].items():
        surface = np.reshape(view.call("Array.from(w.map(a))", name), (129, 25))
        assert surface[64 + 20, 18 - 4] == pytest.approx(value, abs=1e-9)


def test_chosen_sound_is_heard(open_widget, target):
    view = open_widget(explorer(target, delay=10, noise_db=-20))
    for name in ("target", "estimate", "error"):
        put(view, listen=name)
        assert np.abs(view.render()[0] - view.sound(name)).max() < 1e-6
    view.root().get_by_role("button", name="再生").focus()
    view.page.keyboard.press("1")
    assert view.state()["listen"] == "target"


def test_pointer_and_keys_move_the_point(open_widget, target):
    view = open_widget(explorer(target))
    layer = view.root().locator(".sst-layer").nth(3)
    layer.scroll_into_view_if_needed()
    box = layer.bounding_box()
    view.page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    state = view.state()
    assert state["loss"] == "si_sdr"
    assert abs(state["delay"] - 32) <= 1
    assert state["gain_db"] in (-6, -5)
    view.page.keyboard.press("ArrowLeft")
    view.page.keyboard.press("Shift+ArrowUp")
    view.wait("w.state().gain_db === a.g && w.state().delay === a.d", {
        "g": min(6, state["gain_db"] + 10), "d": state["delay"] - 1,
    })  # fmt: skip
    assert view.root().locator("figure[data-selected]").inner_text().startswith("負の SI-SDR")


def test_sliders_and_toggle_change_the_estimate(open_widget, target):
    view = open_widget(explorer(target))
    for label, key, name in [
        ("利得", "ArrowLeft", "gain_db"),
        ("遅れ", "ArrowRight", "delay"),
        ("雑音", "ArrowRight", "noise_db"),
    ]:
        before = view.state()[name]
        view.root().get_by_role("slider", name=label).focus()
        view.page.keyboard.press(key)
        view.wait("w.state()[a[0]] !== a[1]", [name, before])
    view.root().get_by_role("button", name="正負を逆にする").click()
    view.wait("w.state().inverted && !w.state().busy && w.state().values.snr > 5")
    assert view.page.evaluate(f"{MODEL}.get('inverted')") is True


def test_own_sound_and_back(open_widget, target):
    view = open_widget(explorer(target))
    original = view.sound("target")
    own = np.zeros(3 * SR, np.float32)
    own[SR : 2 * SR] = 0.3 * np.sin(np.arange(SR))
    file = io.BytesIO()
    sf.write(file, own, SR, format="WAV", subtype="FLOAT")
    view.drop("私の音.wav", file.getvalue())
    view.wait("w.state().own && !w.state().busy")
    np.testing.assert_allclose(view.sound("target"), own[SR : 2 * SR], atol=1e-6)
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    view.root().get_by_role("button", name="元の音に戻す").click()
    view.wait("!w.state().own")
    np.testing.assert_array_equal(view.sound("target"), original)


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, target, dark):
    view = open_widget(explorer(target), viewport=(375, 800), dark=dark, touch=True)
    view.wait("!w.state().busy")
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_keyboard_alone_reaches_everything(open_widget, target):
    view = open_widget(explorer(target))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())
