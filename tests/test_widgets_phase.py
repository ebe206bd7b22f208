"""章「位相」の部品の Python の側：引数の検査と、混合音。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets

from sstut.widgets.phase import MAX_POINTS, MIXTURE, PhaseExplorer, PhasorExplorer

SR = 8000


def noise(n: int = SR, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> PhaseExplorer:
    return PhaseExplorer(noise(), SR, **({"others": {"伴奏": noise(seed=1)}} | options))


def test_mixture_is_the_sum_of_the_sources() -> None:
    others = {"太鼓": noise(seed=1), "低音": noise(seed=2)}
    widget = explorer(others=others, name="声")
    assert widget.names == ["声", "太鼓", "低音"]
    expected = noise() + others["太鼓"] + others["低音"]
    assert widget.mixture.dtype == np.float32
    assert np.max(np.abs(widget.mixture - expected)) <= 1.5 / 32768 + 1e-6


def test_stereo_becomes_the_mean() -> None:
    left, right = noise(seed=3), noise(seed=4)
    widget = PhaseExplorer(np.stack([left, right]), SR, others={"伴奏": noise()})
    assert np.max(np.abs(widget.sound("歌") - (left + right) / 2)) <= 0.5 / 32768 + 1e-7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"others": {}}, "others が空"),
        ({"others": {"短い": noise(4000)}}, "短い.*4000.*8000"),
        ({"others": {"悪い": noise() * np.nan}}, "悪い.*NaN"),
        ({"others": {"歌": noise()}}, "重なっています.*歌"),
        ({"others": {MIXTURE: noise()}}, f"重なっています.*{MIXTURE}"),
        ({"name": MIXTURE}, f"重なっています.*{MIXTURE}"),
        ({"n_fft": 1000}, "n_fft は.*1000"),
        ({"hop_length": 0}, "hop_length は 1 から.*0"),
        ({"hop_length": 600}, "hop_length は 1 から n_fft / 2 = 512.*600"),
        ({"start": "noisy"}, "start は.*noisy"),
        ({"method": "gl"}, "method は.*gl"),
        ({"momentum": 1.0}, "momentum は 0 以上 0.99 以下.*1"),
        ({"momentum": float("nan")}, "momentum は"),
        ({"n_iter": -1}, "n_iter は 0 以上"),
        ({"n_iter": 501}, "n_iter は 0 以上 500 以下.*501"),
        ({"listen": "rest"}, "listen は.*rest"),
        ({"picture": "magnitude"}, "picture は.*magnitude"),
        ({"max_khz": 3}, "max_khz は.*3"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_target_is_refused() -> None:
    others = {"伴奏": noise()}
    with pytest.raises(ValueError, match="target が空"):
        PhaseExplorer(np.zeros(0, np.float32), SR, others=others)
    with pytest.raises(ValueError, match="target が無音"):
        PhaseExplorer(np.zeros(SR, np.float32), SR, others=others)
    with pytest.raises(ValueError, match=r"n_fft = 1024 サンプル以上.*1000"):
        PhaseExplorer(noise(1000), SR, others={"伴奏": noise(1000)})
    with pytest.raises(ValueError, match=f"上限 {MAX_POINTS:,}"):
        PhaseExplorer(noise(), SR, others=others, n_fft=4096, hop_length=16)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("start", "noise", "random"),
        ("method", "istft", "misi"),
        ("momentum", -0.1, 0.5),
        ("n_iter", 1000, 20),
        ("listen", "noise", "mixture"),
        ("picture", "x", "phase"),
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
    with pytest.raises(ValueError, match="start は"):
        widget.set_state({"momentum": 0.2, "start": "x"})
    assert (widget.momentum, widget.start) == (0.99, "mixture")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency": 10.0}, "frequency は 20 以上.*10"),
        ({"frequency": 440.5}, "整数.*440.5"),
        ({"frequency": 8000.0, "sr": 16000}, "sr / 2 = 8000 未満.*8000"),
        ({"frequency": float("nan")}, "frequency は"),
        ({"phase": 4.0}, "phase は -3.142 以上 3.142 以下.*4"),
        ({"hop_length": 0}, "hop_length は 1 以上.*0"),
        ({"sr": 96000}, "sr は 8000 以上"),
        ({"ratio": 1.5}, "ratio は 0 以上 1 以下.*1.5"),
        ({"offset": -4.0}, "offset は"),
        ({"shift": 11}, "shift は 0 以上 10 以下.*11"),
        ({"listen": "third"}, "listen は.*third"),
    ],
)
def test_bad_phasor_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PhasorExplorer(**options)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("frequency", 30000.0, 1000.0),
        ("phase", 3.5, -1.0),
        ("ratio", -0.1, 0.5),
        ("offset", 7.0, np.pi),
        ("hop_length", 5000, 256),
        ("shift", -1, 3),
        ("listen", "x", "sum"),
    ],
)
def test_bad_phasor_change_leaves_the_state(name: str, bad: Any, good: Any) -> None:
    widget = PhasorExplorer()
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=r"[ぁ-ん]"):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good


def test_phasor_listens_to_the_sum_when_there_are_two() -> None:
    assert PhasorExplorer().listen == "first"
    assert PhasorExplorer(second=True).listen == "sum"
    assert PhasorExplorer(second=True, listen="second").listen == "second"


def test_two_widgets_share_one_module() -> None:
    widgets = [PhasorExplorer(), explorer()]
    assert [w.view for w in widgets] == ["phasor", "phase"]
    assert len({w._esm for w in widgets}) == 1
    with pytest.raises(traitlets.TraitError):
        widgets[0].view = "phase"
