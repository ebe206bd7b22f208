"""章「損失関数」の部品の Python の側：引数の検査と、traits の検査。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.widgets.losses import TARGET, LossExplorer

SR = 8000


def noise(n: int = SR, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def test_holds_the_mean_of_the_channels() -> None:
    left, right = noise(seed=1), noise(seed=2)
    widget = LossExplorer(np.stack([left, right]), SR, gain_db=-6, delay=12)
    assert widget.names == [TARGET]
    assert np.max(np.abs(widget.sound(TARGET) - (left + right) / 2)) <= 0.5 / 32768 + 1e-7
    assert (widget.gain_db, widget.delay) == (-6, 12)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros(SR, np.float32), "target が無音"),
        (noise(500), r"1024 サンプル以上.*500"),
        (noise(3 * SR), r"3\.0 秒.*2 秒まで"),
        (noise() * np.nan, "target に NaN"),
    ],
)
def test_bad_target_is_refused(target: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LossExplorer(target, SR)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("gain_db", 7, -18),
        ("delay", 65, -64),
        ("noise_db", -15, -20),
        ("loss", "l2", "si_sdr"),
        ("listen", "mixture", "error"),
    ],
)
def test_bad_values_are_refused_and_leave_the_state(name: str, bad: Any, good: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} は.*{bad}"):
        LossExplorer(noise(), SR, **{name: bad})
    widget = LossExplorer(noise(), SR)
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=name):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good
