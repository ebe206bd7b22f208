"""章「学習」の部品を本のページで動かし、PyTorch と突き合わせる。"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch

from sstut.evaluation import improvement, si_sdr
from sstut.networks import MaskInference
from sstut.widgets.training import NetworkExplorer, TrainingExplorer

torch.set_num_threads(1)
SR = 8000
MODEL = "document.querySelector('.sstut-widget').sstutModel"
STEPS = (0, 3, 40)


def network(seed: int = 0) -> MaskInference:
    """重みを半精度に丸めたネットワーク。"""
    torch.manual_seed(seed)
    net = MaskInference(n_fft=256, hop_length=64, hidden=16)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_((3 * p).half())
    return net.eval()


@pytest.fixture
def sources(rng: np.random.Generator) -> np.ndarray:
    t = np.arange(2 * SR) / SR
    voice = 0.2 * np.sin(2 * np.pi * 300 * t) * (1 + np.sin(2 * np.pi * 3 * t))
    drum = rng.uniform(-0.4, 0.4, t.size) * np.exp(-(np.arange(t.size) % 2000) / 500)
    return np.stack([voice, drum]).astype(np.float32)


def record(sources: np.ndarray, **options: Any) -> TrainingExplorer:
    snapshots = {step: network(step).state_dict() for step in STEPS}
    history = {"loss": list(-np.arange(40) / 4), "validation_step": [20, 40], "validation": [1, 2]}
    options = {"title": "学習の記録", "credit": "本書", "history": history, **options}
    return TrainingExplorer(network(), sources, SR, snapshots=snapshots, **options)


def page_network(sources: np.ndarray, **options: Any) -> NetworkExplorer:
    songs = {"甲": sources, "乙": sources[:, ::-1].copy()}
    return NetworkExplorer(network(), songs, SR, title="ページの中のネットワーク", **options)


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def wav(y: np.ndarray, sr: int) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, sr, format="WAV", subtype="FLOAT")
    return file.getvalue()


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_every_record_is_heard(open_widget, sources, scheme):
    widget = record(sources)
    view = open_widget(widget, scheme)
    for step, score in zip(STEPS, widget.scores, strict=True):
        put(view, step=step)
        state = view.state()
        assert state["step"] == step
        assert state["score"] == pytest.approx(score)
        np.testing.assert_array_equal(view.sound("estimate"), widget.sound(f"step {step}"))
        assert np.abs(view.render()[0] - widget.sound(f"step {step}")).max() < 1e-6
        assert f"{step} 回" in view.root().locator(".sst-facts").inner_text()
    put(view, listen="target")
    assert np.abs(view.render()[0] - widget.sound("target")).max() < 1e-6


def test_slider_buttons_and_keys_choose_the_record(open_widget, sources):
    view = open_widget(record(sources))
    view.root().get_by_role("slider", name="重みを直した回数").focus()
    view.page.keyboard.press("ArrowRight")
    view.wait("w.state().step === 3")
    view.root().get_by_role("button", name="次の記録").click()
    view.wait("w.state().step === 40")
    view.page.keyboard.press("[")
    view.wait("w.state().step === 3")
    view.page.keyboard.press("2")
    view.wait("w.state().listen === 'mixture'")
    assert view.page.evaluate(f"{MODEL}.get('step')") == 3


def test_tour_plays_from_the_start(open_widget, sources):
    view = open_widget(record(sources, step=40, listen="mixture"))
    view.root().get_by_role("button", name="聴きながら進める").click()
    view.wait("w.state().touring && w.state().step === 0 && w.state().listen === 'estimate'")
    view.wait("w.state().step === 3")
    view.root().get_by_role("button", name="進めるのをやめる").click()
    view.wait("!w.state().touring")


def expected(y: np.ndarray) -> np.ndarray:
    return network().separate(y)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_network_in_the_page_equals_pytorch(open_widget, sources, scheme):
    widget = page_network(sources)
    view = open_widget(widget, scheme)
    for name in ("甲", "乙"):
        put(view, selected=name)
        view.wait("!w.state().busy && w.state().selected === a", name)
        references = np.stack([widget.sound(f"{name}/{j}") for j in (0, 1)])
        mixture = references.sum(axis=0)
        np.testing.assert_allclose(view.sound("mixture"), mixture, atol=1e-7)
        estimates = expected(mixture)
        for j, part in enumerate(("first", "second")):
            np.testing.assert_allclose(view.sound(part), estimates[j], atol=1e-3)
        facts = view.root().locator(".sst-facts").inner_text()
        score = np.mean(improvement(si_sdr, references, estimates, mixture))
        assert f"{score:.1f} dB".replace("-", "−") in facts
    put(view, listen="second")
    assert np.abs(view.render()[0] - view.sound("second")).max() < 1e-6


def test_own_sound_is_separated(open_widget, sources):
    view = open_widget(page_network(sources))
    own = sources.sum(axis=0)[::-1].copy()
    view.drop("私の音.wav", wav(own, SR))
    view.wait("w.state().selected === 'own' && !w.state().busy")
    np.testing.assert_allclose(view.sound("mixture"), own, atol=1e-6)
    np.testing.assert_allclose(view.sound("first"), expected(own)[0], atol=1e-3)
    assert "正解がない" in view.root().locator(".sst-facts").inner_text()
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    view.root().get_by_text("甲", exact=True).click()
    view.wait("w.state().selected === '甲' && !w.state().busy")


def test_other_rates_are_converted(open_widget, sources):
    view = open_widget(page_network(sources))
    t = np.arange(3 * 44100) / 44100
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    view.drop("高い標本化周波数.wav", wav(np.stack([tone, tone], 1), 44100))
    view.wait("w.state().selected === 'own' && !w.state().busy")
    y = view.sound("mixture")
    assert y.size == 3 * SR
    inside = slice(SR, 2 * SR)
    truth = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * SR) / SR)
    assert np.abs(y[inside] - truth[inside]).max() < 0.01


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("make", [record, page_network])
def test_phone_width_and_accessibility(open_widget, axe, sources, make, dark):
    view = open_widget(make(sources), viewport=(375, 800), dark=dark, touch=True)
    view.wait("!w.state().busy")
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


@pytest.mark.parametrize("make", [record, page_network])
def test_keyboard_alone_reaches_everything(open_widget, sources, make):
    view = open_widget(make(sources))
    view.wait("!w.state().busy")
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())
