"""ページの中の損失が、`sstut.losses` と同じ値になる。"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from tests._js import js_many, need_node, noise, request

from sstut import losses
from sstut.representations import stft

N = 4000


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """推定と正解。等しい、定数倍、直流つき、正負が逆、雑音だけ、無音の推定。"""
    n = np.arange(N)
    target = np.sin(0.21 * n) * np.exp(-(n % 1000) / 300) + 0.1 * noise(N, seed=1)
    estimates = [target, 0.3 * target, 0.7 * target + 0.05, -target, noise(N, seed=2), 0 * target]
    return [(estimate, target) for estimate in estimates]


def test_waveform_losses() -> None:
    results = js_many([request("losses", "waveformLosses", e, s) for e, s in pairs()])
    functions = {
        "l1": losses.lp_loss,
        "mse": partial(losses.lp_loss, p=2),
        "snr": losses.snr_loss,
        "si_sdr": losses.si_sdr_loss,
    }
    for (e, s), values in zip(pairs(), results, strict=True):
        for name, loss in functions.items():
            expected = loss(torch.from_numpy(e)[None], torch.from_numpy(s)[None]).item()
            assert values[name] == pytest.approx(expected, rel=1e-6, abs=1e-6), name


def test_multi_resolution_loss() -> None:
    results = js_many([request("losses", "multiResolutionLoss", e, s) for e, s in pairs()])
    for (e, s), value in zip(pairs(), results, strict=True):
        pair = (torch.from_numpy(e)[None], torch.from_numpy(s)[None])
        assert value == pytest.approx(losses.multi_resolution_stft_loss(*pair).item(), abs=1e-9)
    e, s = pairs()[4]
    options = {"nFfts": [64, 2048], "floor": 1e-2}
    value = js_many([request("losses", "multiResolutionLoss", e, s, options)])[0]
    pair = (torch.from_numpy(e)[None], torch.from_numpy(s)[None])
    expected = losses.multi_resolution_stft_loss(*pair, n_ffts=(64, 2048), floor=1e-2)
    assert value == pytest.approx(expected.item(), abs=1e-9)


def test_magnitude_loss() -> None:
    """マスクが 1 の magnitude_loss と同じ。"""
    spectra = [(stft(e, n_fft=512), stft(s, n_fft=512)) for e, s in pairs()]
    flat = [(np.abs(E).ravel(), np.abs(S).ravel()) for E, S in spectra]
    results = js_many([request("losses", "magnitudeLoss", *pair) for pair in flat])
    for (E, S), value in zip(spectra, results, strict=True):
        X, one = torch.from_numpy(E)[None], torch.ones(1, 1, *E.shape, dtype=torch.float64)
        expected = losses.magnitude_loss(one, X, torch.from_numpy(S)[None, None])
        assert value == pytest.approx(expected.item(), abs=1e-12)


def test_degrade() -> None:
    x, v = noise(10, seed=1), noise(10, seed=2)
    cases = [(3, 0.5), (-4, -2.0), (0, 1.0)]
    requests = [
        request("losses", "degrade", x, {"gain": g, "delay": d, "noise": v, "noiseGain": 0.1})
        for d, g in cases
    ]
    for (d, g), y in zip(cases, js_many(requests), strict=True):
        shifted = np.roll(np.pad(x, 10), d)[10:20]
        np.testing.assert_allclose(y, g * shifted + 0.1 * v, atol=1e-15)
