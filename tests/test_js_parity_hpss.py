"""ページの中の中央値フィルタとマスクが、`sstut.hpss` と同じ値になる。"""

from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from tests._js import from_js, js_many, need_node, request, to_js

from sstut import hpss
from sstut.representations import stft

AXES = {"time": -1, "frequency": -2}
# (n_freq, n_frames)。窓より短い軸、1 点の軸、32 の倍数（ビットの列の境目）を含む
SHAPES = [(33, 64), (65, 7), (1, 1), (1, 40), (40, 1), (257, 100)]
SIZES = [1, 3, 31, 101]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["continuous", "ties"])
def test_median_filter_is_bit_equal(dtype: Any, kind: str) -> None:
    rng = np.random.default_rng(0)
    cases, requests = [], []
    for shape in SHAPES:
        x = rng.standard_normal(shape) if kind == "continuous" else rng.integers(0, 4, shape)
        x = x.astype(dtype)
        for size in SIZES:
            for name, axis in AXES.items():
                cases.append((x, size, axis))
                requests.append(request("median", "medianFilter", to_js(x), len(x), size, name))
    for (x, size, axis), flat in zip(cases, js_many(requests), strict=True):
        actual = from_js(flat, len(x))
        assert actual.dtype == dtype
        np.testing.assert_array_equal(actual, hpss.median_filter(x, size, axis))


def test_median_filter_equals_scipy() -> None:
    x = np.random.default_rng(1).random((65, 50)).astype(np.float32)
    flat = js_many([request("median", "medianFilter", to_js(x), 65, 17, "time")])[0]
    np.testing.assert_array_equal(from_js(flat, 65), scipy.ndimage.median_filter(x, (1, 17)))


def magnitude(dtype: Any) -> np.ndarray:
    """正弦波・打撃・無音の入った混合音の振幅。"""
    rng = np.random.default_rng(2)
    n = np.arange(12000)
    tone = np.sin(0.2 * n) + 0.5 * np.sin(0.61 * n)
    hits = rng.standard_normal(n.size) * np.exp(-(n % 3000) / 150)
    y = np.where(n < 9000, tone + hits, 0)
    return np.abs(stft(y, n_fft=512, hop_length=128)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("margins", [(1.0, 1.0), (2.0, 2.0), (1.0, 3.5)])
@pytest.mark.parametrize("power", [0.5, 1.0, 1.7, 2.0, 4.0, 8.0, np.inf])
def test_masks(dtype: Any, margins: tuple[float, float], power: float) -> None:
    S = magnitude(dtype)
    for kernels in [(31, 31), (9, 45)]:
        options = {"kernels": kernels, "margins": margins, "power": power}
        if power == np.inf:  # JSON に無限大はないので、無限大を返す呼び出しで渡す（誤差のない SNR）
            options["power"] = {"call": request("metrics", "snr", [1.0], [1.0])}
        result = js_many([request("hpss", "hpss", to_js(S), len(S), options)])[0]
        masks = hpss.hpss(S, kernel_size=kernels, power=power, margin=margins, mask=True)
        names = ["harmonic", "percussive", "rest"][: len(masks)]
        assert (result["rest"] is None) == (len(masks) == 2)
        for name, mask in zip(names, masks, strict=True):
            actual = from_js(result[name], len(S))
            tolerance = 1e-12 if dtype == np.float64 else 2e-6
            np.testing.assert_allclose(actual, mask, atol=0 if power == np.inf else tolerance)
