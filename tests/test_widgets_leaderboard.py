"""章「成績表」の部品の Python の側：結果・音の検査と、traits の検査。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sstut.widgets.leaderboard import MIXTURE, TRUTH, LeaderboardExplorer

SR = 8000
N = 6


def wave(seed: int, n: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def result(name: str, kind: str = "classical", mean: float = 1.0, **fields: Any) -> Any:
    scores = mean + np.random.default_rng(len(name)).normal(size=(N, 2))
    return SimpleNamespace(
        **{"name": name, "kind": kind, "scores": scores, "seconds": 0.1, "parameters": 0} | fields
    )


def results() -> list[Any]:
    raw = result("そのまま", "mixture", scores=np.zeros((N, 2)), seconds=0.0)
    return [raw, result("甲", mean=2), result("乙", "network", 5), result("上限", "oracle", 15)]


def waves() -> dict[str, np.ndarray]:
    return {name: wave(i) for i, name in enumerate([MIXTURE, TRUTH, "甲", "乙", "上限"])}


def explorer(**options: Any) -> LeaderboardExplorer:
    arguments: dict[str, Any] = {"results": results(), "sounds": {4: waves()}, "sr": SR} | options
    return LeaderboardExplorer(
        arguments.pop("results"), arguments.pop("sounds"), arguments.pop("sr"), **arguments
    )


def test_holds_scores_and_sounds() -> None:
    widget = explorer()
    scores = np.frombuffer(widget.scores, "<f8").reshape(4, N, 2)
    np.testing.assert_array_equal(scores, np.stack([r.scores for r in results()]))
    assert [m["name"] for m in widget.methods] == ["そのまま", "甲", "乙", "上限"]
    assert set(widget.names) == {f"4/{name}" for name in waves()}
    assert np.max(np.abs(widget.sound("4/乙") - waves()["乙"])) <= 0.5 / 32768 + 1e-7


def test_default_point_is_heard_and_fair() -> None:
    """はじめに選ばれるのは、音のある混合音と、正解を使わない手法の中で平均がいちばん高いもの。"""
    widget = explorer()
    assert (widget.mixture, widget.method, widget.rival) == (4, "乙", "")


def test_channels_are_averaged_and_the_mixture_method_needs_no_sound() -> None:
    stereo = waves() | {"甲": np.stack([wave(7), wave(8)])}
    widget = explorer(sounds={0: stereo | {"そのまま": wave(0)}})
    assert np.max(np.abs(widget.sound("0/甲") - (wave(7) + wave(8)) / 2)) <= 0.5 / 32768 + 1e-7
    assert "0/そのまま" not in widget.names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r[:1], "2 個から 20 個"),
        (lambda r: [*r, r[1]], "重ならない"),
        (lambda r: [*r, result("")], "空でなく"),
        (lambda r: [*r, result("丙", "deep")], "丙 の kind は.*deep"),
        (lambda r: [*r, result(TRUTH)], "「正解」は部品が使う"),
        (lambda r: [*r, result(MIXTURE)], "「混合音」は部品が使う"),
        (lambda r: [*r, result("丙", seconds=-1.0)], "丙 の seconds"),
        (lambda r: [*r, result("丙", seconds=np.nan)], "丙 の seconds"),
        (lambda r: [*r, result("丙", parameters=-1)], "丙 の parameters"),
        (lambda r: [*r, result("丙", scores=np.zeros((N, 3)))], r"丙 の scores の形.*\(6, 3\)"),
        (lambda r: [*r, result("丙", scores=np.zeros((1, 2)))], "混合音は 2 個から"),
        (lambda r: [*r, result("丙", scores=np.full((N, 2), np.nan))], "丙 の scores に NaN"),
        (lambda r: [*r, result("丙", scores=np.zeros((N - 1, 2)))], "同じ混合音"),
        (lambda r: [*r, result("丙")], r"sounds\[4\] に \['丙'\] の音がありません"),
    ],
)
def test_bad_results_are_refused(change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(results=change(results()))


@pytest.mark.parametrize(
    ("sounds", "message"),
    [
        ({}, "1 つもありません"),
        ({N: waves()}, r"sounds の番号 は.*値：6"),
        ({0: waves() | {"丁": wave(9)}}, "丁.*results にありません"),
        ({0: {k: v for k, v in waves().items() if k != TRUTH}}, r"\['正解'\] の音がありません"),
        ({0: waves() | {"甲": wave(1, 300)}}, r"長さ 300 が 混合音 の長さ 400"),
        ({0: waves() | {TRUTH: 0 * wave(1)}}, r"sounds\[0\]\['正解'\] が無音"),
        ({0: waves() | {"乙": wave(1) * np.nan}}, "NaN"),
        ({0: dict.fromkeys(waves(), wave(1, 5 * SR))}, r"5\.0 秒.*4 秒まで"),
    ],
)
def test_bad_sounds_are_refused(sounds: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(sounds=sounds)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("sort", "max", "p10"),
        ("mixture", N, 2),
        ("mixture", -1, 0),
        ("method", "丙", "甲"),
        ("method", "", "上限"),
        ("rival", "丙", ""),
        ("view", "table", "tradeoff"),
        ("cost", "mean", "parameters"),
        ("listen", "甲", "reference"),
        ("source", "歌", "rest"),
        ("resamples", 2001, 2000),
        ("seed", -1, 7),
    ],
)
def test_bad_values_are_refused_and_leave_the_state(name: str, bad: Any, good: Any) -> None:
    with pytest.raises(ValueError, match=name):
        explorer(**{name: bad})
    widget = explorer(**{name: good})
    with pytest.raises(ValueError, match=f"{name} は"):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good


def test_unknown_traits_and_names_are_refused() -> None:
    with pytest.raises(ValueError, match="sorting という trait"):
        explorer(sorting="mean")
    with pytest.raises(ValueError, match="source_names は 2 つ"):
        explorer(source_names=("歌",))
