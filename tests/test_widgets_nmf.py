"""章「非負値行列因子分解」の部品の Python の側：引数の検査と、いまの設定。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.nmf import nmf
from sstut.representations import magnitude, stft
from sstut.widgets.nmf import MAX_COMPONENTS, MIXTURE, NmfExplorer

SR = 8000


def noise(n: int = SR, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> NmfExplorer:
    return NmfExplorer(noise(), SR, **options)


def test_holds_the_mixture_and_the_sources() -> None:
    left, right = noise(seed=1), noise(seed=2)
    widget = NmfExplorer(np.stack([left, right]), SR, sources={"太鼓": left, "笛": right})
    assert widget.names == [MIXTURE, "太鼓", "笛"]
    assert np.max(np.abs(widget.sound(MIXTURE) - (left + right) / 2)) <= 0.5 / 32768 + 1e-7
    assert np.max(np.abs(widget.sound("笛") - right)) <= 0.5 / 32768 + 1e-7


def test_settings_factorise_the_mixture() -> None:
    widget = explorer(n_components=3, loss="euclidean", n_iter=5, seed=9, n_fft=512, hop_length=128)
    V = magnitude(stft(widget.sound(MIXTURE), **widget.stft))
    result = nmf(V, widget.n_components, **widget.settings)
    assert result.W.shape == (257, 3)
    assert len(result.losses) == 6
    expected = nmf(V, 3, loss="euclidean", n_iter=5, rng=9)
    np.testing.assert_array_equal(result.W, expected.W)


def test_everything_is_heard_at_first() -> None:
    assert explorer(n_components=MAX_COMPONENTS).audible == list(range(1, MAX_COMPONENTS + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": {"短い": noise(4000)}}, "短い.*4000.*8000"),
        ({"sources": {"悪い": noise() * np.nan}}, "悪い.*NaN"),
        ({"sources": {MIXTURE: noise()}}, f"「{MIXTURE}」と空の文字列は使えません"),
        ({"sources": {"": noise()}}, "空の文字列は使えません"),
        ({"n_fft": 1000}, "n_fft は.*1000"),
        ({"hop_length": 500}, r"hop_length は \[512, 256, 128\].*500"),
        ({"n_components": 0}, "n_components は 1 以上 12 以下.*0"),
        ({"n_components": 13}, "n_components は.*13"),
        ({"n_iter": 201}, "n_iter は 0 以上 200 以下.*201"),
        ({"seed": -1}, "seed は.*-1"),
        ({"loss": "KL"}, "loss は.*KL"),
        ({"audible": [0]}, "audible の番号 は 1 以上.*0"),
        ({"groups": ["太鼓"]}, "groups の要素 は.*太鼓"),
        ({"groups": [""] * 13}, "groups は 12 個まで.*13"),
        ({"picture": "phase"}, "picture は.*phase"),
        ({"max_khz": 3}, "max_khz は.*3"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_mixture_is_refused() -> None:
    with pytest.raises(ValueError, match="mixture が空"):
        NmfExplorer(np.zeros(0, np.float32), SR)
    with pytest.raises(ValueError, match="mixture が無音"):
        NmfExplorer(np.zeros(SR, np.float32), SR)
    with pytest.raises(ValueError, match=r"2048 サンプル以上.*2000"):
        NmfExplorer(noise(2000), SR)
    with pytest.raises(ValueError, match=r"16\.0 秒.*15 秒まで"):
        NmfExplorer(noise(16 * SR), SR)
    with pytest.raises(ValueError, match="上限 1,000,000"):
        NmfExplorer(noise(15 * 22050), 22050, hop_length=128)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("n_components", 20, 2),
        ("loss", "x", "is"),
        ("n_iter", -1, 0),
        ("seed", 2**32, 2**32 - 1),
        ("audible", [1, 13], []),
        ("groups", ["笛"], ["", "太鼓"]),
        ("picture", "x", "heard"),
        ("max_khz", 5, 0),
    ],
)
def test_bad_change_leaves_the_state(name: str, bad: Any, good: Any) -> None:
    widget = explorer(sources={"太鼓": noise(seed=3)})
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=r"[ぁ-ん]"):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good
