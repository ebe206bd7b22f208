"""章「分離のネットワーク」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sstut.architectures import trace
from sstut.networks import build
from sstut.representations import istft, stft
from sstut.widgets.architectures import MIXTURE, ArchitectureExplorer

SR = 8000
MODEL = "document.querySelector('.sstut-widget').sstutModel"


@pytest.fixture
def mixture() -> np.ndarray:
    """低い音と高い音が、半分ずつ鳴る音。"""
    t = np.arange(SR) / SR
    low, high = np.sin(2 * np.pi * 400 * t), np.sin(2 * np.pi * 1800 * t) * (t > 0.5)
    noise = np.random.default_rng(0).normal(size=SR)
    return (0.2 * low + 0.2 * high + 0.005 * noise).astype(np.float32)


def explorer(mixture: np.ndarray, **options: Any) -> ArchitectureExplorer:
    torch.manual_seed(0)
    networks = {
        "U-Net": build("unet", channels=(4, 8, 8)),
        "深層クラスタリング": build("deep_clustering", hidden=8),
        "TasNet": build("tasnet", bottleneck=8, hidden=8),
    }
    embedding = networks["深層クラスタリング"]
    return ArchitectureExplorer(
        networks, mixture, SR, **{"embedding": embedding, "title": "ネットワーク", **options}
    )


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def trait(view: Any, name: str) -> Any:
    return view.page.evaluate(f"(name) => {MODEL}.get(name)", name)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_selected_bins_sound_as_python_computes(open_widget, mixture, scheme):
    widget = explorer(mixture)
    view = open_widget(widget, scheme)
    heard = widget.sound(MIXTURE)
    X = stft(heard, n_fft=512, hop_length=128)
    for traits in [
        {"selection": "group1"},
        {"selection": "region", "region": [0.4, 0.6, 0.2]},
    ]:
        put(view, **traits)
        for name, value in traits.items():
            setattr(widget, name, value)
        expected = istft(widget.mask * X, n_fft=512, hop_length=128, length=SR)
        assert 0 < widget.mask.sum() == view.state()["embedding"]["selected"] < widget.mask.size
        assert np.abs(view.sound("selected") - expected).max() < 1e-4
        assert np.abs(view.sound("rest") + view.sound("selected") - heard).max() < 1e-6


def test_steps_show_the_traced_blocks(open_widget, mixture):
    torch.manual_seed(0)
    network = build("unet", channels=(4, 8, 8))
    blocks = trace(network, torch.from_numpy(mixture))
    view = open_widget(ArchitectureExplorer({"U-Net": network}, mixture, SR))
    view.root().get_by_role("button", name="次の段 →").focus()
    for i, block in enumerate(blocks):
        facts = view.root().locator(".sst-arch-words dd").all_inner_texts()
        assert facts[0] == " × ".join(map(str, block.shape_in))
        assert facts[1] == " × ".join(map(str, block.shape_out))
        assert facts[5] == ("、".join(block.sources) or "入力の波形")
        if i + 1 < len(blocks):
            view.page.keyboard.press("Enter")
            view.wait("w.state().block === a", i + 1)
            view.page.evaluate("new Promise((f) => requestAnimationFrame(f))")
    assert view.root().get_by_role("button", name="次の段 →").is_disabled()
    assert view.state()["embedding"] is None


def test_arrows_and_clicks_on_the_diagram(open_widget, mixture):
    view = open_widget(explorer(mixture))
    diagram = view.root().get_by_role("slider", name="見ている段")
    diagram.focus()
    view.page.keyboard.press("End")
    view.wait("w.state().name === 'inverse'")
    view.page.keyboard.press("ArrowLeft")
    view.wait("w.state().name === 'masks'")
    diagram.click(position={"x": 5, "y": 90})
    view.wait("w.state().block === 0")
    view.root().get_by_role("radio", name="TasNet").check(force=True)
    view.wait("w.state().name === 'filterbank.encoder'")
    assert trait(view, "network") == 2


def test_dragging_the_circle_selects_bins(open_widget, mixture):
    view = open_widget(explorer(mixture))
    scatter = view.root().get_by_role("application", name="埋め込みの散布図")
    scatter.scroll_into_view_if_needed()
    box = scatter.bounding_box()
    view.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    view.page.mouse.up()
    view.wait("w.state().embedding.selection === 'region'")
    assert trait(view, "region")[0] == pytest.approx(0.6, abs=0.02)
    view.page.keyboard.press("Shift+ArrowUp")
    view.wait("w.state().embedding.region[1] > 0.55")
    before = view.state()["embedding"]["selected"]
    view.root().get_by_label("円の半径").fill("0.7")
    view.wait("w.state().embedding.selected > a", before)


def test_a_bin_points_to_its_place_in_the_scatter(open_widget, mixture):
    widget = explorer(mixture)
    view = open_widget(widget)
    picture = view.root().get_by_role("application", name="混合音のビン")
    picture.hover(position={"x": 40, "y": 60})
    view.wait("w.state().embedding.point >= 0")
    picture.focus()
    first = view.state()["embedding"]["point"]
    view.page.keyboard.press("ArrowRight")
    view.wait("w.state().embedding.point === a", first + 257)
    points = np.frombuffer(widget.points, np.uint8).reshape(-1, 2)
    assert view.state()["embedding"]["place"] == points[first + 257].tolist()


def test_listens_to_the_selected_bins(open_widget, mixture):
    view = open_widget(explorer(mixture, selection="group1"))
    view.root().get_by_role("button", name="次の段 →").focus()
    view.page.keyboard.press("2")
    view.wait("w.state().listen === 'selected'")
    assert trait(view, "listen") == "selected"
    heard = view.render(0.9)[0]
    assert np.abs(heard - view.sound("selected")[: heard.size]).max() < 2e-2
    put(view, listen="rest")
    view.wait("w.state().listen === 'rest'")


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, mixture, dark):
    view = open_widget(
        explorer(mixture, selection="region"), viewport=(375, 800), dark=dark, touch=True
    )
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_keyboard_alone_reaches_everything(open_widget, mixture):
    view = open_widget(explorer(mixture))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(name and outline != "none" for name, outline in reached.values())
