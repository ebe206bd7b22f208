"""章「勾配降下法」の部品の Python の側：引数の検査。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.widgets.optimization import NAMES, OptimizationExplorer

SR = 8000


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).uniform(-0.3, 0.3, shape).astype(np.float32)


def explorer(**options: Any) -> OptimizationExplorer:
    return OptimizationExplorer(noise(2, SR), noise(SR), SR, **options)


def test_holds_the_microphones_and_the_reference() -> None:
    widget = explorer(method="adam", lr=0.03)
    assert tuple(widget.names) == NAMES
    for name, y in zip(NAMES, [*noise(2, SR), noise(SR)], strict=True):
        assert np.max(np.abs(widget.sound(name) - y)) <= 0.5 / 32768 + 1e-7
    assert (widget.method, widget.lr, widget.block_length) == ("adam", 0.03, SR // 20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "newton"}, "method は.*newton"),
        ({"surface": "hill"}, "surface は.*hill"),
        ({"lr": 0.0}, "lr は 0.0001 以上 10 以下"),
        ({"momentum": 1.0}, "momentum は 0 以上 0.99"),
        ({"n_iter": 301}, "n_iter は 0 以上 300"),
        ({"start": [1.0]}, "start は空か"),
        ({"start": [np.nan, 0.0]}, "start は空か"),
        ({"block_length": 4000}, "block_length は 1 以上 500"),
        ({"percentile": 101.0}, "percentile は 0 以上 100"),
        ({"batch": 2}, "batch は.*2"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)
    name, value = next(iter(options.items()))
    if name != "block_length":
        widget = explorer()
        before = getattr(widget, name)
        with pytest.raises(ValueError, match=message):
            setattr(widget, name, value)
        assert getattr(widget, name) == before


@pytest.mark.parametrize(
    ("mixtures", "reference", "message"),
    [
        (noise(SR), noise(SR), r"mixtures は \(2, n_samples\)"),
        (noise(2, SR), noise(2, SR), r"reference は \(n_samples,\)"),
        (noise(2, SR), noise(SR - 1), "reference の長さ 7999"),
        (noise(2, SR), np.zeros(SR, np.float32), "正解の音 が無音"),
        (noise(2, SR) * np.nan, noise(SR), "mixtures に NaN"),
    ],
)
def test_bad_sounds_are_refused(mixtures: Any, reference: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OptimizationExplorer(mixtures, reference, SR)
