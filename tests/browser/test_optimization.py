"""章「勾配降下法」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.evaluation import si_sdr
from sstut.optimization import (
    Descent,
    Surface,
    adam,
    autoclip_threshold,
    gradient_descent,
    max_stable_lr,
    unmixing_moments,
    unmixing_mse,
    unmixing_si_sdr,
)
from sstut.widgets.optimization import MAX_STEPS, NAMES, OptimizationExplorer

SR = 8000
MODEL = "document.querySelector('.sstut-widget').sstutModel"


@pytest.fixture
def sounds(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """2 つのマイクの信号と、正解。"""
    t = np.arange(2 * SR) / SR
    voice = 0.2 * np.sin(2 * np.pi * 300 * t) * (1 + np.sin(2 * np.pi * 3 * t))
    drum = rng.uniform(-0.5, 0.5, t.size) * np.exp(-(np.arange(t.size) % 2000) / 500)
    mixtures = np.array([[1, 0.8], [0.6, 1]]) @ np.stack([voice, drum])
    mixtures += 0.002 * rng.standard_normal(mixtures.shape)
    return mixtures.astype(np.float32), voice.astype(np.float32)


def explorer(sounds: tuple[np.ndarray, np.ndarray], **options: Any) -> OptimizationExplorer:
    return OptimizationExplorer(*sounds, SR, title="坂を下る", **options)


def surfaces(widget: OptimizationExplorer) -> dict[str, Surface]:
    x1, x2, s = (widget.sound(name) for name in NAMES)
    moments = unmixing_moments(np.stack([x1, x2]), s, widget.block_length)
    return {"mse": unmixing_mse(moments), "si_sdr": unmixing_si_sdr(moments)}


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def check_path(view: Any, expected: Descent, rtol: float = 1e-5) -> None:
    path = np.reshape(view.call("w.path()"), (-1, 2))
    np.testing.assert_allclose(path, expected.path, rtol=rtol, atol=1e-6)
    np.testing.assert_allclose(view.call("w.losses()"), expected.losses, rtol=rtol, atol=1e-5)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_path_and_sound_equal_python(open_widget, sounds, scheme):
    widget = explorer(sounds, n_iter=50)
    view = open_widget(widget, scheme)
    surface = surfaces(widget)["mse"]
    run = gradient_descent(surface.gradient, [1.0, 0.0], lr=0.1, n_iter=50, loss=surface.loss)
    check_path(view, run)
    estimate = run.path[-1] @ np.stack([widget.sound(name) for name in NAMES[:2]])
    assert np.abs(view.sound("estimate") - estimate).max() < 1e-4
    reference = widget.sound("正解")
    assert si_sdr(reference, estimate) > si_sdr(reference, widget.sound("マイク 1")) + 5
    assert np.abs(view.render()[0] - estimate).max() < 1e-4


def test_minibatches_and_autoclip_equal_python(open_widget, sounds):
    widget = explorer(sounds, batch=4, clip="auto", percentile=30.0, n_iter=40, seed=5)
    view = open_widget(widget)
    batches = iter(view.call("w.batches()"))
    surface = surfaces(widget)["mse"]
    run = gradient_descent(
        lambda theta: surface.gradient(theta, next(batches)),
        [1.0, 0.0], lr=0.1, n_iter=40, loss=surface.loss,
        clip=lambda norms: autoclip_threshold(norms, 30),
    )  # fmt: skip
    check_path(view, run)
    norms = run.gradient_norms
    clipped = sum(n > autoclip_threshold(norms[: i + 1], 30) for i, n in enumerate(norms))
    assert f"40 歩のうち {clipped} 歩で" in view.state()["why"]


def test_changing_the_method_redraws_the_whole_path(open_widget, sounds):
    widget = explorer(sounds, n_iter=20)
    view = open_widget(widget)
    put(view, surface="si_sdr", method="adam", lr=0.02, start=[0.5, 0.3])
    surface = surfaces(widget)["si_sdr"]
    run = adam(surface.gradient, [0.5, 0.3], lr=0.02, n_iter=20, loss=surface.loss)
    check_path(view, run, rtol=1e-4)


def test_learning_rate_slider_crosses_the_limit(open_widget, sounds):
    widget = explorer(sounds, n_iter=MAX_STEPS, lr=9.0)
    view = open_widget(widget)
    assert view.state()["diverged"]
    assert "発散" in view.state()["why"]
    assert np.abs(view.sound("estimate")).max() < 0.96  # 耳を守る
    surface = surfaces(widget)["mse"]
    zero = np.zeros(2)
    hessian = np.array([surface.gradient(e) - surface.gradient(zero) for e in np.eye(2)])
    limit = max_stable_lr(hessian)
    for factor, words in [(1.1, "限界"), (0.9, "飛びこえ"), (0.3, "1 歩ごとに")]:
        put(view, lr=factor * limit, n_iter=30)
        assert words in view.state()["why"]
        losses = view.call("w.losses()")
        assert (losses[-1] > losses[0]) == (factor > 1)
    view.root().get_by_role("slider", name="学習率 η").focus()
    view.page.keyboard.press("ArrowRight")
    view.wait(f"{MODEL}.get('lr') > a", 0.3 * limit)


def test_start_moves_by_pointer_and_arrows(open_widget, sounds):
    view = open_widget(explorer(sounds, n_iter=10))
    layer = view.root().locator(".sst-layer")
    layer.focus()
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("Shift+ArrowUp")
    view.wait("w.state().start[0] > 1 && w.state().start[1] > 0.2")
    box = layer.bounding_box()
    view.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    view.wait("w.state().start[1] < 0")
    best = np.linalg.inv(np.array([[1, 0.8], [0.6, 1]]))[0]
    np.testing.assert_allclose(view.state()["start"], best / 2, atol=0.1)


def test_step_run_and_reset(open_widget, sounds):
    view = open_widget(explorer(sounds))
    root = view.root()
    root.get_by_role("button", name="1 歩", exact=True).click()
    view.wait("w.state().nSteps === 1")
    root.get_by_role("button", name="10 歩", exact=True).click()
    view.wait("w.state().nSteps === 11")
    root.get_by_role("button", name="この経路を残す").click()
    assert view.state()["ghost"]
    root.get_by_role("button", name="走らせる").click()
    view.wait("w.state().nSteps > 13")
    root.get_by_role("button", name="止める").click()
    assert not view.state()["running"]
    root.get_by_role("button", name="出発点に戻す").click()
    view.wait("w.state().nSteps === 0")


def test_running_changes_the_sound_while_it_plays(open_widget, sounds):
    view = open_widget(explorer(sounds))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().level > 0.03")
    before = view.sound("estimate")
    view.page.keyboard.press("r")
    view.wait("w.state().nSteps >= 5")
    assert view.state()["playing"]
    assert np.abs(view.sound("estimate") - before).max() > 1e-2
    view.page.keyboard.press("3")
    view.wait("w.state().gains.reference === 1")


def test_surfaces_without_sound_hide_the_transport(open_widget, sounds):
    view = open_widget(explorer(sounds, n_iter=10))
    view.root().get_by_text("曲がった谷").click()
    view.wait("w.state().surface === 'valley' && w.state().nSteps === 0")
    assert not view.root().get_by_role("button", name="再生").is_visible()
    assert view.state()["start"] == [-1.2, 1.5]
    put(view, n_iter=100)
    losses = view.call("w.losses()")
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, sounds, dark):
    traits = {"clip": "auto", "surface": "si_sdr", "n_iter": 20, "lr": 0.01}
    view = open_widget(explorer(sounds, **traits), viewport=(375, 800), dark=dark, touch=True)
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_keyboard_alone_reaches_everything(open_widget, sounds):
    view = open_widget(explorer(sounds, clip="norm", method="adam"))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(outline != "none" for _, outline in reached.values())
