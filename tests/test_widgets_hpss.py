"""章「調波打楽器音分離」の部品の Python の側：引数の検査と、いまの設定。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.hpss import separate_hpss
from sstut.widgets.hpss import MAX_POINTS, MIXTURE, HpssExplorer

SR = 8000


def noise(n: int = SR, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> HpssExplorer:
    return HpssExplorer(noise(), SR, **options)


def test_holds_the_mixture_and_the_sources() -> None:
    left, right = noise(seed=1), noise(seed=2)
    widget = HpssExplorer(np.stack([left, right]), SR, sources={"太鼓": left, "笛": right})
    assert widget.names == [MIXTURE, "太鼓", "笛"]
    assert np.max(np.abs(widget.sound(MIXTURE) - (left + right) / 2)) <= 0.5 / 32768 + 1e-7
    assert np.max(np.abs(widget.sound("笛") - right)) <= 0.5 / 32768 + 1e-7


def test_settings_separate_the_mixture() -> None:
    widget = explorer(n_fft=1024, hop_length=128, kernel_time=9, kernel_freq=17, power=4.0)
    assert widget.settings == {
        "kernel_size": (9, 17), "power": 4.0, "margin": (1.0, 1.0), "n_fft": 1024,
        "hop_length": 128,
    }  # fmt: skip
    widget.margin_percussive = 2.0
    widget.n_fft = 2048
    assert widget.settings["hop_length"] == 256
    assert separate_hpss(widget.sound(MIXTURE), **widget.settings).shape == (3, SR)


def test_infinite_power_is_the_binary_mask() -> None:
    widget = explorer(power=np.inf)
    assert widget.binary
    assert widget.settings["power"] == np.inf
    assert np.isfinite(widget.power)  # ページの JSON には、無限大を書けない
    widget.binary = False
    assert widget.settings["power"] == 2.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": {"短い": noise(4000)}}, "短い.*4000.*8000"),
        ({"sources": {"悪い": noise() * np.nan}}, "悪い.*NaN"),
        ({"sources": {MIXTURE: noise()}}, f"「{MIXTURE}」は使えません"),
        ({"n_fft": 1000}, "n_fft は.*1000"),
        ({"hop_length": 500}, "hop_length は n_fft = 2048 の 1/4.*500"),
        ({"hop_length": 1024}, "hop_length は"),
        ({"kernel_time": 30}, "kernel_time は.*奇数.*30"),
        ({"kernel_freq": 0}, "kernel_freq は.*0"),
        ({"kernel_freq": 103}, "kernel_freq は 1 以上 101 以下.*103"),
        ({"power": 0.0}, "power は 0.5 以上 8 以下.*0"),
        ({"power": float("nan")}, "power は"),
        ({"margin_harmonic": 0.5}, "margin_harmonic は 1 以上 10 以下.*0.5"),
        ({"margin_percussive": 11.0}, "margin_percussive は.*11"),
        ({"audible": ["drums"]}, "audible は.*drums"),
        ({"picture": "phase"}, "picture は.*phase"),
        ({"max_khz": 3}, "max_khz は.*3"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_mixture_is_refused() -> None:
    with pytest.raises(ValueError, match="mixture が空"):
        HpssExplorer(np.zeros(0, np.float32), SR)
    with pytest.raises(ValueError, match="mixture が無音"):
        HpssExplorer(np.zeros(SR, np.float32), SR)
    with pytest.raises(ValueError, match=r"4096 サンプル以上.*4000"):
        HpssExplorer(noise(4000), SR)
    with pytest.raises(ValueError, match=f"上限 {MAX_POINTS:,}"):
        HpssExplorer(noise(30 * SR), SR, hop_length=128)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("n_fft", 8192, 512),
        ("hops_per_window", 3, 8),
        ("kernel_time", 4, 5),
        ("kernel_freq", -1, 101),
        ("power", 100.0, 8.0),
        ("margin_harmonic", 0.0, 2.5),
        ("margin_percussive", 20.0, 1.5),
        ("audible", ["harmonic", "x"], ["rest"]),
        ("picture", "x", "mask"),
        ("max_khz", 5, 0),
    ],
)
def test_bad_change_leaves_the_state(name: str, bad: Any, good: Any) -> None:
    widget = explorer()
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=r"[ぁ-ん]"):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good


def test_bad_change_among_several_takes_all_of_them_back() -> None:
    widget = explorer()
    with pytest.raises(ValueError, match="picture は"):
        widget.set_state({"kernel_time": 5, "picture": "x"})
    assert (widget.kernel_time, widget.picture) == (31, "median")
