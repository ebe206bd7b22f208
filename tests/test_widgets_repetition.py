"""章「くり返しによる分離」の部品の Python の側：引数の検査と、いまの設定。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sstut.repetition import separate_ft2d, separate_repet, separate_repet_sim
from sstut.widgets.repetition import MAX_FRAMES, MAX_POINTS, MIXTURE, RepetitionExplorer

SR = 8000
N = 3 * SR


def noise(n: int = N, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> RepetitionExplorer:
    return RepetitionExplorer(noise(), SR, **options)


def test_holds_the_mixture_and_the_sources() -> None:
    left, right = noise(seed=1), noise(seed=2)
    sources = {"伴奏": left, "歌": right}
    widget = RepetitionExplorer(np.stack([left, right]), SR, sources=sources)
    assert widget.names == [MIXTURE, "伴奏", "歌"]
    assert np.max(np.abs(widget.sound(MIXTURE) - (left + right) / 2)) <= 0.5 / 32768 + 1e-7
    assert np.max(np.abs(widget.sound("歌") - right)) <= 0.5 / 32768 + 1e-7


def test_settings_separate_the_mixture() -> None:
    widget = explorer(n_fft=1024, hop_length=256, high_pass_cutoff=50.0)
    shared = {"high_pass_cutoff": 50.0, "n_fft": 1024, "hop_length": 256}
    mixture = widget.sound(MIXTURE)
    assert widget.settings == shared
    assert separate_repet(mixture, SR, **widget.settings).shape == (2, N)
    widget.period = 30
    assert widget.settings == {"period": 30 * 256 / SR, **shared}
    seconds = separate_repet(mixture, SR, **widget.settings)
    np.testing.assert_array_equal(seconds, separate_repet(mixture, SR, period=0.96, **shared))
    widget.method = "repet_sim"
    widget.min_distance = 0.5
    own = {"max_repeats": 100, "min_distance": 0.5, "min_similarity": 0.0}
    assert widget.settings == {**own, **shared}
    assert separate_repet_sim(mixture, SR, **widget.settings).shape == (2, N)
    widget.method = "ft2d"
    assert widget.settings == {"neighborhood": (1, 25), **shared}
    assert separate_ft2d(mixture, SR, **widget.settings).shape == (2, N)


@pytest.mark.parametrize("hop_length", [100, 128, 441, 512])
def test_period_survives_the_trip_through_seconds(hop_length: int) -> None:
    for period in range(1, (1 + N // hop_length) // 2):
        seconds = explorer(hop_length=hop_length, period=period).settings["period"]
        assert round(seconds / (hop_length / SR)) == period


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": {"短い": noise(4000), "歌": noise()}}, "短い.*4000.*24000"),
        ({"sources": {"悪い": noise() * np.nan, "歌": noise()}}, "悪い.*NaN"),
        ({"sources": {MIXTURE: noise(), "歌": noise()}}, f"「{MIXTURE}」は混合音の名前"),
        ({"sources": {"歌": noise()}}, "2 つの音.*歌"),
        ({"sources": {}}, "2 つの音"),
        ({"n_fft": 1000}, "n_fft は.*1000"),
        ({"hop_length": 0}, "hop_length は 1 以上、n_fft の 1/4 の 512 以下.*0"),
        ({"hop_length": 513}, "hop_length は.*513"),
        ({"method": "hpss"}, "method は.*hpss"),
        ({"period": -1}, "period は.*-1"),
        ({"period": 24}, "47 フレームの半分 23 以下.*24"),
        ({"max_repeats": 0}, "max_repeats は 1 以上 200 以下.*0"),
        ({"min_distance": 0.0}, "min_distance は"),
        ({"min_distance": 3.5}, "min_distance は、mixture の長さ 3.01 秒より短く.*3.5"),
        ({"min_similarity": 1.5}, "min_similarity は 0 以上 1 以下.*1.5"),
        ({"min_similarity": float("nan")}, "min_similarity は"),
        ({"neighborhood": [1, 24]}, "neighborhood は.*奇数.*24"),
        ({"neighborhood": [1]}, "neighborhood は"),
        ({"neighborhood": [1, 103]}, "neighborhood は.*101 以下.*103"),
        ({"high_pass_cutoff": -1.0}, "high_pass_cutoff は"),
        ({"audible": ["vocals"]}, "audible は.*vocals"),
        ({"picture": "phase"}, "picture は.*phase"),
        ({"max_khz": 3}, "max_khz は.*3"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_mixture_is_refused() -> None:
    with pytest.raises(ValueError, match="mixture が空"):
        RepetitionExplorer(np.zeros(0, np.float32), SR)
    with pytest.raises(ValueError, match="mixture が無音"):
        RepetitionExplorer(np.zeros(N, np.float32), SR)
    with pytest.raises(ValueError, match=r"短すぎます（2.00 秒）.*2.4 秒"):
        RepetitionExplorer(noise(2 * SR), SR)
    with pytest.raises(ValueError, match=f"上限 {MAX_POINTS:,}"):
        RepetitionExplorer(noise(30 * SR), SR, hop_length=128)
    with pytest.raises(ValueError, match=f"フレームが 3,751 個.*{MAX_FRAMES:,}"):
        RepetitionExplorer(noise(30 * SR), SR, n_fft=512, hop_length=64)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("method", "x", "ft2d"),
        ("period", -5, 20),
        ("period", 118, 117),  # 読者の音は 15 秒まで
        ("max_repeats", 300, 4),
        ("min_distance", 20.0, 0.3),
        ("min_similarity", -0.1, 0.8),
        ("neighborhood", [2, 3], [3, 15]),
        ("high_pass_cutoff", 5000.0, 0.0),
        ("audible", ["background", "x"], ["foreground"]),
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
        widget.set_state({"period": 5, "picture": "x"})
    assert (widget.period, widget.picture) == (0, "model")
