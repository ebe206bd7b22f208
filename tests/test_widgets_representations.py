"""章「音の表現」の部品の Python の側：引数の検査と、帯域を残した音。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets

from sstut.representations import istft, stft
from sstut.widgets.representations import SamplingExplorer, StftExplorer, WindowExplorer

SR = 16000


@pytest.fixture
def noise(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-0.5, 0.5, SR).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"win_length": 1000}, ["win_length", "1000"]),
        ({"n_fft": 2048, "win_length": 256}, ["n_fft", "256", "2048"]),
        ({"hop_length": 4096}, ["hop_length", "2048", "4096"]),
        ({"hop_length": 0}, ["hop_length", "0"]),
        ({"hop_length": 2048}, ["hop_length", "NOLA", "2048"]),
        ({"window": "hanning"}, ["window", "hann", "hanning"]),
        ({"selected": "b"}, ["selected", "a", "b"]),
        ({"band": [500, 100]}, ["band", "500"]),
        ({"band": [0, 9000]}, ["band", "8000", "9000"]),
        ({"zoom": [100]}, ["zoom", "100"]),
    ],
)
def test_stft_explorer_refuses_in_japanese(
    noise: np.ndarray, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ValueError, match="（渡された値：") as error:
        StftExplorer({"a": noise}, SR, **options)
    assert all(word in str(error.value) for word in words)


def test_stft_explorer_refuses_bad_sounds(noise: np.ndarray) -> None:
    with pytest.raises(ValueError, match="音が 1 つもありません"):
        StftExplorer({}, SR)
    with pytest.raises(ValueError, match=r"audio\['a'\] が空です"):
        StftExplorer({"a": noise[:0]}, SR)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (2048, 2048, 512)),
        ({"win_length": 1024}, (2048, 1024, 256)),
        ({"n_fft": 4096}, (4096, 4096, 1024)),
        ({"n_fft": 4096, "win_length": 1024, "hop_length": 300}, (4096, 1024, 300)),
    ],
)
def test_defaults_follow_stft(
    noise: np.ndarray, given: dict[str, int], expected: tuple[int, int, int]
) -> None:
    settings = StftExplorer({"a": noise}, SR, **given).settings
    assert (settings["n_fft"], settings["win_length"], settings["hop_length"]) == expected
    np.testing.assert_array_equal(stft(noise, **given), stft(noise, **settings, center=True))


def test_kept_is_the_band_and_bands_add_up(noise: np.ndarray) -> None:
    widget = StftExplorer({"a": noise}, SR, n_fft=1024, hop_length=200)
    y = widget.sound("a")
    np.testing.assert_allclose(widget.kept(), y, atol=1e-6)
    parts = []
    for band in ([0, 999], [1000, 3999], [4000, 8000]):
        widget.band = band
        parts.append(widget.kept())
        hz = np.fft.rfftfreq(1024, 1 / SR)
        X = stft(y, n_fft=1024, hop_length=200) * ((hz >= band[0]) & (hz <= band[1]))[:, None]
        expected = istft(X, hop_length=200, length=SR)
        np.testing.assert_allclose(parts[-1], expected, atol=1e-6)
    np.testing.assert_allclose(np.sum(parts, axis=0), y, atol=1e-5)


def test_bad_band_leaves_the_old_one(noise: np.ndarray) -> None:
    widget = StftExplorer({"a": noise}, SR, band=[100, 200])
    with pytest.raises(ValueError, match="band"):
        widget.band = [300, 200]
    assert widget.band == [100, 200]


def test_broken_settings_are_told_when_the_sound_is_asked(noise: np.ndarray) -> None:
    widget = StftExplorer({"a": noise}, SR)
    widget.hop_length = 2048  # ハン窓の端の 0 が重なる
    with pytest.raises(ValueError, match="NOLA"):
        widget.kept()


@pytest.mark.parametrize(
    "options",
    [
        {"window": "hanning"},
        {"compare": "x"},
        {"hop_length": 2000},
        {"hop_length": 1024},
        {"frequency": 30.0},
    ],
)
def test_window_explorer_refuses_in_japanese(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="（渡された値："):
        WindowExplorer(**options)


@pytest.mark.parametrize("options", [{"factor": 9}, {"factor": 0}, {"bits": 17}, {"selected": "x"}])
def test_sampling_explorer_refuses_in_japanese(noise: np.ndarray, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="です（渡された値："):
        SamplingExplorer(noise, SR, **options)
    with pytest.raises(ValueError, match="NaN"):
        SamplingExplorer(np.full(100, np.nan, np.float32), SR)


def test_view_cannot_be_changed(noise: np.ndarray) -> None:
    widgets = [StftExplorer({"a": noise}, SR), WindowExplorer(), SamplingExplorer(noise, SR)]
    assert [w.view for w in widgets] == ["stft", "window", "sampling"]
    assert len({w._esm for w in widgets}) == 1  # 3 つの部品は、同じモジュールを分けあう
    with pytest.raises(traitlets.TraitError):
        widgets[0].view = "window"
