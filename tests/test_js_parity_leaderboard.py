"""ページの中の順位の計算が、NumPy と同じ値になる。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests._js import js_many, need_node, request

WORK = "../leaderboard/work"
N_MIXTURES, N_METHODS, COUNT = 23, 5, 400


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def work(name: str, *args: Any) -> Any:
    return js_many([request(WORK, name, *args)])[0]


def scores() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(np.linspace(0, 1, N_METHODS)[:, None], 1, (N_METHODS, N_MIXTURES))


def indices(seed: int = 5) -> np.ndarray:
    u = np.random.default_rng(seed).random((COUNT, N_MIXTURES))
    return np.floor(u * N_MIXTURES).astype(int)


def means() -> np.ndarray:
    return scores()[:, indices()].mean(axis=-1)


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_resampled_mixtures_are_those_of_numpy(seed: int) -> None:
    drawn = work("resampleIndices", seed, N_MIXTURES, COUNT)
    np.testing.assert_array_equal(np.reshape(drawn, (COUNT, N_MIXTURES)), indices(seed))


def test_resampled_means_and_interval() -> None:
    drawn = js_many([request(WORK, "resampledMeans", s, list(indices().flat)) for s in scores()])
    np.testing.assert_allclose(np.stack(drawn), means(), atol=1e-13)
    for values in means():
        result = work("interval", values)
        expected = np.quantile(values, [0.025, 0.975])
        np.testing.assert_allclose([result["low"], result["high"]], expected, atol=1e-13)


def test_summary() -> None:
    for values in scores():
        expected = [values.mean(), np.median(values), np.quantile(values, 0.1), values.min()]
        result = work("summary", values)
        actual = [result[name] for name in ("mean", "median", "p10", "worst")]
        np.testing.assert_allclose(actual, expected, atol=1e-13)


def test_rank_counts_and_their_range() -> None:
    ranks = 1 + np.argsort(np.argsort(-means(), axis=0), axis=0)
    counts = work("rankCounts", list(means()), COUNT)
    expected = [[(row == k + 1).sum() for k in range(N_METHODS)] for row in ranks]
    np.testing.assert_array_equal(counts, expected)
    for row in ranks:
        drawn = np.bincount(row, minlength=N_METHODS + 1)[1:]
        result = work("rankRange", list(drawn))
        low, high = np.quantile(row, [0.025, 0.975], method="inverted_cdf")
        assert (result["low"], result["high"]) == (low, high)
        assert result["mode"] == 1 + drawn.argmax()
        assert result["share"] == pytest.approx(drawn.max() / COUNT)


def test_head_to_head() -> None:
    a, b = scores()[3], scores()[1]
    difference = a - b
    result = work("headToHead", a, b, means()[3], means()[1])
    low, high = np.quantile(difference[indices()].mean(axis=1), [0.025, 0.975])
    np.testing.assert_allclose(result["differences"], difference, atol=1e-15)
    expected = [difference.mean(), low, high]
    np.testing.assert_allclose([result[k] for k in ("mean", "low", "high")], expected, atol=1e-12)
    assert (result["wins"], result["losses"]) == ((difference > 0).sum(), (difference < 0).sum())
