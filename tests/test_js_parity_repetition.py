"""ページの中の REPET・REPET-SIM・2DFT が、`sstut.repetition` と同じ値になる。"""

from typing import Any

import numpy as np
import pytest
import scipy.fft
from tests._js import assert_same, from_js, js_many, need_node, request, to_js

from sstut import repetition

# (n_freq, n_frames)。奇数・偶数・素数・2 のべき乗・1 を含む
SHAPES = [(33, 64), (65, 61), (32, 40), (1, 1), (1, 40), (40, 1), (8, 7), (257, 100)]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def magnitude(shape: tuple[int, int], seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    """0 の行と 0 の列のある振幅。"""
    S = np.random.default_rng(seed).exponential(size=shape)
    if min(shape) > 9:
        S[2, :] = 0
        S[:, 7] = 0
    return S.astype(dtype)


def lines(S: np.ndarray) -> dict[str, Any]:
    return {"call": request("median", "sortLines", to_js(S), len(S), "time")}


def call(name: str, *args: Any) -> dict[str, Any]:
    return request("repetition", name, *args)


def test_fft2_equals_scipy() -> None:
    inputs = [magnitude(shape) for shape in SHAPES]
    requests = []
    for S in inputs:
        forward = request("fft2", "realFft2", to_js(S), len(S))
        requests += [forward, request("fft2", "realIfft2", {"call": forward})]
    results = iter(js_many(requests))
    for S in inputs:
        forward, back = next(results), next(results)
        rows = forward["rows"]
        assert rows == len(S) // 2 + 1
        actual = (forward["re"] + 1j * forward["im"]).reshape(rows, -1)
        assert_same(actual, scipy.fft.fft2(S)[:rows])
        assert_same(from_js(back, len(S)), S)


def test_fft_of_any_length_equals_scipy() -> None:
    """2 次元の片側を 1 点か 2 点にすると、1 次元の FFT になる。"""
    sizes = [1, 2, 3, 4, 5, 16, 17, 25, 61, 64, 575, 1025]
    inputs = [np.random.default_rng(n).standard_normal(n) for n in sizes]
    requests = []
    for x in inputs:
        requests.append(request("fft2", "realFft2", x, len(x)))
        requests.append(request("fft2", "realFft2", np.repeat(x, 2), 2))
    results = iter(js_many(requests))
    for x in inputs:
        column, row = next(results), next(results)
        spectrum = scipy.fft.fft(x)
        assert_same(column["re"] + 1j * column["im"], spectrum[: len(x) // 2 + 1])
        assert_same((row["re"] + 1j * row["im"])[: len(x)], 2 * spectrum)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beat_spectrum_and_period(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for period, n_frames in [(7, 64), (12, 61), (20, 100)]:
        S = np.tile(rng.exponential(size=(33, period)), n_frames // period + 1)[:, :n_frames]
        S = (S + 0.2 * rng.exponential(size=S.shape)).astype(dtype)
        expected = repetition.beat_spectrum(S)
        bounds = {"minPeriod": 3, "maxPeriod": 25}
        beat, found, default, silent = js_many(
            [
                call("beatSpectrum", to_js(S), len(S)),
                call("findPeriod", expected, bounds),
                call("findPeriod", expected),
                call("beatSpectrum", to_js(0 * S), len(S)),
            ]
        )
        overlap = np.arange(n_frames, 0, -1)
        assert_same(beat * overlap, expected * overlap, 1e-12 if dtype == np.float64 else 1e-5)
        assert found == repetition.find_period(expected, min_period=3, max_period=25) == period
        assert default == repetition.find_period(expected)
        assert not silent.any()


def test_period_of_slopes_and_of_equal_peaks() -> None:
    combs = np.zeros(60)
    combs[[4, 6, 12, 18]] = 0.6, 0.97, 1.0, 0.99
    beats = [combs, np.linspace(1, 0, 60), np.linspace(0, 1, 60), np.zeros(60)]
    cases = [(b, low, tol) for b in beats for low in (1, 3, 7, 13) for tol in (0.0, 0.05, 0.5)]
    actual = js_many(
        [call("findPeriod", b, {"minPeriod": low, "tolerance": tol}) for b, low, tol in cases]
    )
    assert actual == [
        repetition.find_period(b, min_period=low, tolerance=tol) for b, low, tol in cases
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_repet_is_bit_equal(dtype: Any) -> None:
    cases = [
        (magnitude(shape, dtype=dtype), period)
        for shape in SHAPES
        for period in range(1, shape[1] // 2 + 1, 5)
    ]
    models = js_many([call("repet", lines(S), period) for S, period in cases])
    masks = js_many(
        [
            call("backgroundMask", to_js(S), model)
            for (S, _), model in zip(cases, models, strict=True)
        ]
    )
    for (S, period), model, mask in zip(cases, models, masks, strict=True):
        expected = repetition.repet(S, period)
        np.testing.assert_array_equal(from_js(model, len(S)), expected.model)
        np.testing.assert_array_equal(from_js(mask, len(S)), expected.mask)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_distance": 3},
        {"min_distance": 200},
        {"max_repeats": 5},
        {"max_repeats": 1},
        {"min_similarity": 0.6, "min_distance": 2},
        {"min_similarity": 0.999},
    ],
)
def test_similar_frames_and_repet_sim(options: dict[str, Any]) -> None:
    names = {
        "max_repeats": "maxRepeats", "min_distance": "minDistance",
        "min_similarity": "minSimilarity",
    }  # fmt: skip
    translated = {names[name]: value for name, value in options.items()}
    inputs, requests = [], []
    for shape in [(33, 64), (65, 61), (1, 40), (257, 100)]:
        S = magnitude(shape, seed=3)
        S[:, 20] = S[:, 11]  # まったく同じフレーム
        inputs.append(S)
        matrix = call("similarityMatrix", to_js(S), len(S))
        similar = call("similarFrames", {"call": matrix}, translated)
        requests += [matrix, similar, call("repetSim", lines(S), {"call": similar})]
    results = iter(js_many(requests))
    for S in inputs:
        similarity, frames, model = next(results), next(results), next(results)
        unit = S / np.maximum(np.linalg.norm(S, axis=0), 1e-300)
        assert_same(similarity.reshape(S.shape[1], -1), unit.T @ unit)
        if len(S) > 1:  # 周波数が 1 つだけなら、類似度がすべて 1 で、丸め誤差が順を決める
            expected = repetition.similar_frames(S, **options)
            assert frames == [list(chosen) for chosen in expected]
            background = repetition.repet_sim(S, **options)
            np.testing.assert_array_equal(from_js(model, len(S)), background.model)


@pytest.mark.parametrize("neighborhood", [(1, 1), (1, 25), (3, 5), (5, 1), (101, 101)])
def test_ft2d(neighborhood: tuple[int, int]) -> None:
    inputs = [magnitude(shape, seed=4) for shape in SHAPES]
    requests = []
    for S in inputs:
        transform = {"call": call("ft2dTransform", to_js(S), len(S))}
        peaks = call("ft2dPeaks", transform, list(neighborhood))
        requests += [peaks, call("ft2d", transform, {"call": peaks})]
    results = iter(js_many(requests))
    for S in inputs:
        flat, model = next(results), next(results)
        actual = np.frombuffer(flat, np.uint8).reshape(S.shape).astype(bool)
        np.testing.assert_array_equal(actual, repetition.ft2d_peaks(S, neighborhood))
        expected = repetition.ft2d(S, neighborhood).model
        scale = max(np.abs(expected).max(), 1e-3)
        assert np.abs(from_js(model, len(S)) - expected).max() < 1e-12 * scale


def test_low_frequencies_are_background() -> None:
    """境目の周波数でも、`scipy.fft.rfftfreq` と同じビンから下が背景になる。"""
    cases = [(1024, sr, cutoff) for sr in (8000, 16000, 22050) for cutoff in (0, 100, 500, 1000)]
    cases += [(512, 16000, 31.25 * k) for k in range(1, 30)]
    options = [
        {"bins": n_fft // 2 + 1, "nFft": n_fft, "sr": sr, "cutoff": cutoff}
        for n_fft, sr, cutoff in cases
    ]
    actual = js_many([call("lowBins", option) for option in options])
    assert actual == [
        np.sum(scipy.fft.rfftfreq(n_fft, 1 / sr) < cutoff) for n_fft, sr, cutoff in cases
    ]
