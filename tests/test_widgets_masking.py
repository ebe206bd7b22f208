"""マスクを塗る部品（masking）の Python の側：引数の検査と、マスクの受け渡し。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sstut.representations import stft
from sstut.widgets.masking import LEVELS, MAX_POINTS, MIXTURE, WINDOWS, MaskExplorer

SR = 8000
SMALL = {"n_fft": 256, "hop_length": 64}


def noise(n: int = SR, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> MaskExplorer:
    return MaskExplorer(noise(), SR, **(SMALL | options))


def test_mask_has_the_shape_of_the_stft() -> None:
    widget = explorer()
    assert widget.mask.shape == stft(noise(), **SMALL).shape
    assert widget.mask.dtype == np.float32
    assert np.all(widget.mask == 1)  # はじめは、すべて通す


@given(hnp.arrays(np.float32, (129, 126), elements=st.floats(0, 1, width=32)))
def test_mask_comes_back_within_the_documented_error(mask: np.ndarray) -> None:
    widget = explorer(mask=mask)
    assert np.max(np.abs(widget.mask - mask)) <= 0.5 / LEVELS + 1e-7
    exact = (mask == 0) | (mask == 1)
    np.testing.assert_array_equal(widget.mask[exact], mask[exact])
    again = widget.mask
    widget.mask = again  # 一度丸めた値は、もう変わらない
    np.testing.assert_array_equal(widget.mask, again)


def test_boolean_mask_is_accepted() -> None:
    widget = explorer()
    mask = np.arange(129)[:, None] < 40 + np.zeros(126)
    widget.mask = mask
    np.testing.assert_array_equal(widget.mask, mask)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((126, 129)), r"\(129, 126\).*渡された形：\(126, 129\)"),
        (np.ones(129), "渡された形"),
        (np.full((129, 126), np.nan), "NaN か無限大が 16254 個"),
        (np.full((129, 126), 1.01), "0 以上 1 以下.*1.01"),
        (np.full((129, 126), -0.1), "0 以上 1 以下.*-0.1"),
        (np.ones((129, 126), complex), "実数"),
    ],
)
def test_bad_mask_is_refused_and_nothing_changes(mask: np.ndarray, message: str) -> None:
    before = np.linspace(0, 1, 129 * 126, dtype=np.float32).reshape(129, 126)
    widget = explorer(mask=before)
    data = widget.mask_data
    with pytest.raises(ValueError, match=message):
        widget.mask = mask
    assert widget.mask_data == data
    with pytest.raises(ValueError, match=message):
        explorer(mask=mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_fft": 1000}, "n_fft は 64 から 16384 の 2 のべき乗.*1000"),
        ({"hop_length": 0}, "hop_length は 1 から"),
        ({"hop_length": 512}, "hop_length は 1 から"),
        ({"hop_length": 256}, "NOLA"),
        ({"window": "kaiser"}, "window は.*kaiser"),
        ({"sources": {"声": noise()}}, "2 つ以上"),
        ({"sources": {"声": noise(), "短い": noise(100)}}, "短い.*100.*8000"),
        ({"sources": {MIXTURE: noise(), "声": noise()}}, "使えません"),
        ({"sources": {"声": noise(), "悪い": noise() * np.nan}}, "悪い.*NaN"),
        ({"tool": "magic"}, "tool は.*magic"),
        ({"kind": "irm"}, "kind は.*irm"),
        ({"exponent": 0}, "exponent は 0.25 以上"),
        ({"exponent": float("nan")}, "exponent は"),
        ({"threshold_db": 3.0}, "threshold_db は -80 以上 0 以下.*3"),
        ({"source": "声"}, "声.*という音源はありません"),
        ({"max_khz": 3}, "max_khz は"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_mixture_is_refused() -> None:
    with pytest.raises(ValueError, match="mixture が空"):
        MaskExplorer(np.zeros(0, np.float32), SR)
    with pytest.raises(ValueError, match=r"mixture は 31\.0 秒"):
        MaskExplorer(noise(31 * SR), SR)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match=f"上限 {MAX_POINTS:,}"):
        MaskExplorer(noise(20 * SR), SR, n_fft=2048, hop_length=16)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("tool", "erase", "oracle"),
        ("brush", "pen", "band"),
        ("kind", "wiener", "psm"),
        ("listen", "noise", "rest"),
        ("value", 1.5, 0.25),
        ("size", 0.0, 40.0),
        ("threshold_db", -90.0, -12.5),
        ("exponent", -1.0, 2.0),
        ("snr_db", 50.0, -6.0),
        ("source", "笛", "雑音"),
        ("max_khz", 5, 2),
    ],
)
def test_bad_change_leaves_the_state(name: str, bad: Any, good: Any) -> None:
    widget = explorer(sources={"声": noise(seed=1), "雑音": noise(seed=2)})
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=r"[ぁ-ん]"):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good


def test_bad_change_among_several_takes_all_of_them_back() -> None:
    widget = explorer()
    with pytest.raises(ValueError, match="listen は"):
        widget.set_state({"threshold_db": -10.0, "listen": "noise"})
    assert (widget.threshold_db, widget.listen) == (-30.0, "masked")


def test_mask_painted_on_the_screen_is_read_in_python() -> None:
    """JupyterLab は、変わった値をバイト列への窓（memoryview）で送ってくる。"""
    painted = np.random.default_rng(3).uniform(0, 1, (129, 200)).astype(np.float32)
    widget = explorer()
    levels = np.round(painted.T * LEVELS).astype("<u2")
    widget.set_state({"n_frames": 200, "mask_data": memoryview(levels.tobytes())})
    assert np.max(np.abs(widget.mask - painted)) <= 0.5 / LEVELS + 1e-7
    widget.mask = 1 - painted  # 読者が替えた音の長さで代入できる
    with pytest.raises(ValueError, match=r"\(129, 200\)"):
        widget.mask = np.ones((129, 126))


def test_stereo_becomes_the_mean() -> None:
    left, right = noise(seed=1), noise(seed=2)
    widget = MaskExplorer(np.stack([left, right]), SR, **SMALL)
    assert np.max(np.abs(widget.sound(MIXTURE) - (left + right) / 2)) <= 0.5 / 32768 + 1e-7


def test_every_listed_window_can_be_used() -> None:
    for window in WINDOWS:
        assert explorer(window=window).window == window
