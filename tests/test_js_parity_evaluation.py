"""ページの中の指標（SI-SDR、BSS Eval など）が、`sstut.evaluation` と同じ値になる。"""

from typing import Any

import numpy as np
import pytest
import scipy.stats
from tests._js import js, js_many, need_node, request

from sstut import evaluation
from sstut.data import load_song

DB = 1e-6  # 許す差 [dB]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def random_case(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """色のついた 2 つの音源、雑音、フィルタと遅れとアーティファクトの入った推定。"""
    white = rng.standard_normal((3, n))
    sources = np.stack([np.convolve(x, rng.standard_normal(8), "same") for x in white[:2]])
    sources += rng.uniform(-0.2, 0.2, (2, 1))  # 平均が 0 でない
    filtered = np.convolve(sources[0], rng.standard_normal(5))[:n]
    mixed = filtered + 0.3 * np.roll(sources[1], 2) + 0.2 * white[2]
    estimate = rng.uniform(0.2, 2) * mixed + 0.1 * rng.standard_normal(n)
    return sources, white[2], estimate


def python_terms(
    sources: np.ndarray, estimate: np.ndarray, noise: np.ndarray | None, filter_length: int
) -> dict[str, float]:
    parts = evaluation.decompose(sources, estimate, noises=noise, filter_length=filter_length)
    names = ("target", "interference", "noise", "artifact")
    return {name: float(np.sum(getattr(parts, name) ** 2)) for name in names}


def assert_decibels(actual: dict[str, Any], expected: dict[str, float]) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if value == 0:
            assert actual[name] == 0
        else:
            assert 10 * abs(np.log10(actual[name] / value)) <= DB, name


def test_whole_waveform_metrics() -> None:
    rng = np.random.default_rng(0)
    for n in (50, 3001):
        sources, _, estimate = random_case(rng, n)
        names = {"snr": evaluation.snr, "siSdr": evaluation.si_sdr, "sdSdr": evaluation.sd_sdr}
        actual = js_many([request("metrics", name, sources[0], estimate) for name in names])
        expected = [metric(sources[0], estimate) for metric in names.values()]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=DB)


@pytest.mark.parametrize("with_noise", [True, False])
@pytest.mark.parametrize("filter_length", [1, 2, 33, 512])
def test_decomposition(filter_length: int, with_noise: bool) -> None:
    rng = np.random.default_rng(filter_length)
    for n in (2000, 5003):
        sources, noise, estimate = random_case(rng, n)
        noises = noise if with_noise else None
        options = {"filterLength": filter_length, "noises": [noise] if with_noise else []}
        actual = js("bss", "decompositionEnergies", list(sources), estimate, options)
        assert_decibels(actual, python_terms(sources, estimate, noises, filter_length))


def test_ratios_are_those_of_bss_eval() -> None:
    rng = np.random.default_rng(3)
    sources, _, estimate = random_case(rng, 4000)
    pair = np.stack([estimate, sources[1]])
    sdr, sir, sar, _ = evaluation.bss_eval_sources(sources, pair, False)
    energies = {
        "call": request(
            "bss", "decompositionEnergies", list(sources), estimate, {"filterLength": 512}
        )
    }
    actual = js("bss", "bssRatios", energies)
    assert actual["snr"] == "Infinity"  # 雑音の正解がなければ、雑音の項は 0
    np.testing.assert_allclose(
        [actual["sdr"], actual["sir"], actual["sar"]], [sdr[0], sir[0], sar[0]], rtol=0, atol=DB
    )


def test_music_of_the_book() -> None:
    """帯域の限られた本物の音では、グラム行列が特異に近くなる。"""
    song = load_song(sr=16000, mono=True, dtype=np.float64)
    span = slice(4 * 16000, 6 * 16000)
    sources = [song.stems["vocals"][span], song.accompaniment[span]]
    sources = np.round(np.stack(sources) * 32768) / 32768  # 部品が運ぶ int16 の音
    estimate = 0.8 * sources[0] + 0.3 * sources[1]
    estimate += 0.01 * np.random.default_rng(4).standard_normal(estimate.size)
    actual = js("bss", "decompositionEnergies", list(sources), estimate, {"filterLength": 512})
    for name, value in python_terms(sources, estimate, None, 512).items():
        if name != "noise":
            assert 10 * abs(np.log10(actual[name] / value)) <= 1e-4, name


def test_rank_correlation() -> None:
    rng = np.random.default_rng(5)
    cases = [(rng.standard_normal(n).tolist(), rng.integers(0, 5, n).tolist()) for n in (4, 9, 30)]
    cases = [(x, y) for x, y in cases if len(set(y)) > 1]
    actual = js_many([request("ranks", "rankCorrelation", x, y) for x, y in cases])
    expected = [scipy.stats.spearmanr(x, y).statistic for x, y in cases]
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    assert js("ranks", "rankCorrelation", [1, 2, 3], [5, 5, 5]) == "NaN"
