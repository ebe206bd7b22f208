"""ページの中の乱数と NMF が、NumPy と `sstut.nmf` と同じ値になる。"""

from typing import Any

import numpy as np
import pytest
from tests._js import from_js, js_many, need_node, request, to_js

from sstut.nmf import component_masks, divergence, nmf
from sstut.representations import stft

LOSSES = ["euclidean", "kl", "is"]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def test_random_numbers_are_bit_equal() -> None:
    seeds = [0, 1, 42, 2**31, 2**32 - 1]
    requests = [request("random", "uniform", seed, 300) for seed in seeds]
    for seed, values in zip(seeds, js_many(requests), strict=True):
        np.testing.assert_array_equal(values, np.random.default_rng(seed).random(300))


def target(dtype: Any = np.float64, *, zeros: bool = True) -> np.ndarray:
    """和音と打撃と無音の入った混合音の振幅 (129, n_frames)。"""
    rng = np.random.default_rng(2)
    n = np.arange(6000)
    tone = np.sin(0.2 * n) * (n < 3000) + 0.5 * np.sin(0.61 * n) * (n > 2000)
    y = tone + rng.standard_normal(n.size) * np.exp(-(n % 1500) / 100)
    V = np.abs(stft(np.where(n < 5000, y, 0), n_fft=256, hop_length=64)).astype(dtype)
    return V if zeros else V + dtype(1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_divergence(loss: str) -> None:
    V = target()
    Q = np.random.default_rng(0).random(V.shape) + 0.1
    if loss == "is":
        V = V + 1e-6
    actual = js_many([request("nmf", "divergence", to_js(V), to_js(Q), loss)])[0]
    assert actual == pytest.approx(divergence(V, Q, loss), rel=1e-10)


@pytest.mark.parametrize("seed", [0, 7])
def test_random_start_is_the_one_of_python(seed: int) -> None:
    V = target(np.float32)
    start = js_many([request("nmf", "randomStart", to_js(V), len(V), 5, seed)])[0]
    rng = np.random.default_rng(seed)
    level = np.sqrt(float(V.mean()) / 5)
    for name, shape in (("W", (len(V), 5)), ("H", (5, V.shape[1]))):
        expected = ((rng.random(shape) + 0.5) * level).astype(np.float32)
        np.testing.assert_allclose(from_js(start[name], shape[0]), expected, rtol=1e-6)


def both(V: np.ndarray, n: int, **options: Any) -> tuple[Any, Any]:
    """同じ設定の、Python と JavaScript の結果。"""
    loss, n_iter = options["loss"], options["n_iter"]
    js_options = {"loss": loss, "nIter": n_iter, "seed": options.get("rng", 0)}
    js_options |= {name: to_js(options[name]) for name in ("W", "H") if name in options}
    if "update_W" in options:
        js_options["updateW"] = options["update_W"]
    actual = js_many([request("nmf", "nmf", to_js(V), len(V), n, js_options)])[0]
    return nmf(V, n, **options), actual


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_nmf_from_the_same_start(loss: str, zeros: bool, n: int) -> None:
    V = target(zeros=zeros)
    V = V**2 if loss == "is" else V
    rng = np.random.default_rng(1)
    W, H = rng.random((len(V), n)) + 0.1, rng.random((n, V.shape[1])) + 0.1
    W[:, 0] *= W[:, 0] > 0.3  # 0 は 0 のまま残る
    for n_iter in (1, 30):
        expected, actual = both(V, n, loss=loss, n_iter=n_iter, W=W, H=H)
        np.testing.assert_allclose(from_js(actual["W"], len(V)), expected.W, rtol=1e-7, atol=1e-12)
        limit = 1e-12 * expected.H.max()
        np.testing.assert_allclose(from_js(actual["H"], n), expected.H, rtol=1e-7, atol=limit)
        np.testing.assert_allclose(actual["losses"], expected.losses, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_fixed_bases(loss: str) -> None:
    V = target(zeros=False)
    W = np.random.default_rng(1).random((len(V), 4)) + 0.1
    H = np.random.default_rng(2).random((4, V.shape[1])) + 0.1
    expected, actual = both(V, 4, loss=loss, n_iter=20, W=W, H=H, update_W=False)
    np.testing.assert_array_equal(from_js(actual["W"], len(V)), W)
    np.testing.assert_allclose(from_js(actual["H"], 4), expected.H, rtol=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_float32_from_the_seed(loss: str) -> None:
    """float32 では丸めの順が違うので、近似と損失で比べる。"""
    V = target(np.float32)
    V = V**2 if loss == "is" else V
    expected, actual = both(V, 4, loss=loss, n_iter=50, rng=3)
    np.testing.assert_allclose(actual["losses"], expected.losses, rtol=1e-3)
    Q = from_js(actual["W"], len(V)).astype(float) @ from_js(actual["H"], 4)
    assert np.abs(Q - expected.W @ expected.H).max() < 1e-3 * V.max()


def test_silence() -> None:
    expected, actual = both(np.zeros((8, 5)), 2, loss="kl", n_iter=3, rng=0)
    np.testing.assert_allclose(from_js(actual["H"], 2), expected.H, atol=1e-12)
    np.testing.assert_allclose(actual["losses"], expected.losses, atol=1e-12)


def test_component_masks() -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((33, 5)), rng.random((5, 20))
    H[:, 3] = 0  # 近似がすべて 0 のフレーム
    groups = [[0, 3], [1, 2, 4]]
    factors = {"W": to_js(W), "H": to_js(H)}
    each = [[k] for k in range(5)]
    requests = [request("nmf", "componentMasks", factors, 33, g) for g in (groups, each)]
    grouped, single = js_many(requests)
    for mask, expected in zip(single, component_masks(W, H), strict=True):
        np.testing.assert_allclose(from_js(mask, 33), expected, atol=1e-14)
    sounding = np.arange(20) != 3
    for mask, expected in zip(grouped, component_masks(W, H, [0, 1, 1, 0, 1]), strict=True):
        np.testing.assert_allclose(from_js(mask, 33)[:, sounding], expected[:, sounding])
    assert from_js(grouped[0], 33)[0, 3] == pytest.approx(2 / 5)  # 成分の数に比例する
