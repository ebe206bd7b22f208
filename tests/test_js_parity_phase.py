"""ページの中の位相の計算（Griffin–Lim、MISI など）が、`sstut.phase` と同じ値になる。"""

from typing import Any

import librosa
import numpy as np
import pytest
from tests._js import from_js, js, js_many, need_node, noise, request, to_js

from sstut import phase
from sstut.representations import stft

# (n_fft, hop_length, window, n_samples)。ホップ長で割り切れない長さと、半分の重なりを含む
SETTINGS = [
    (512, 128, "hann", 8000),
    (1024, 256, "hann", 9000),
    (256, 100, "hamming", 3210),
    (512, 256, "hann", 8192),
]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def voice(n: int, seed: int = 0) -> np.ndarray:
    """高さの揺れる倍音と、少しの雑音。"""
    i = np.arange(n)
    angle = 0.06 * i + 8 * np.sin(i / (1500 + 300 * seed))
    harmonics = sum(np.sin(h * (1 + 0.4 * seed) * angle) / h for h in range(1, 6))
    return 0.2 * harmonics + 0.02 * noise(n, seed=seed)


def options(setting: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """同じ設定の、JavaScript と Python での書き方。"""
    n_fft, hop, window, _ = setting
    for_py = {"n_fft": n_fft, "hop_length": hop, "window": window}
    return {"nFft": n_fft, "hop": hop, "window": window}, for_py


def start(magnitude: np.ndarray, angles: np.ndarray) -> dict[str, Any]:
    return {"call": request("phase", "polar", to_js(magnitude), to_js(angles))}


def relative(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def test_princarg_and_phase_advance() -> None:
    edges = np.pi * np.arange(-9, 10) / 2
    values = np.concatenate([edges, noise(100, seed=1) * 100])
    wrapped = np.array(js_many([request("phase", "princarg", float(v)) for v in values]))
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * values), atol=1e-12)
    inside = np.abs(np.abs(values / np.pi % 2) - 1) > 1e-9  # ±π の境目は、丸めでどちらにもなる
    np.testing.assert_allclose(wrapped[inside], phase.princarg(values)[inside], atol=1e-12)
    cases = [(440.0, 512, 22050), (0.0, 256, 16000), (7999.0, 1, 16000)]
    advances = js_many([request("phase", "phaseAdvance", *case) for case in cases])
    np.testing.assert_allclose(advances, [phase.phase_advance(*case) for case in cases])


def test_phase_deviation_is_the_wrapped_difference() -> None:
    S = stft(voice(6000), n_fft=512, hop_length=100)
    parts = {
        "re": to_js(S.real), "im": to_js(S.imag), "frames": S.shape[1], "bins": S.shape[0],
        "nFft": 512, "hop": 100,
    }  # fmt: skip
    actual = from_js(js("phase", "phaseDeviation", parts), 257)
    advance = 2 * np.pi * np.arange(257)[:, None] * 100 / 512
    expected = phase.princarg(np.diff(np.angle(S), axis=1) - advance)
    assert np.all(actual[:, 0] == 0)
    # 角度は、±π をまたいでも近いものどうしとして比べる
    np.testing.assert_allclose(phase.princarg(actual[:, 1:] - expected), 0, atol=1e-9)


def test_phase_deviation_tells_the_frequency_of_a_sinusoid() -> None:
    frequency, sr, hop = 1012.0, 16000, 128
    y = np.sin(2 * np.pi * frequency * np.arange(8000) / sr)
    S = js("stft", "stft", y, {"nFft": 512, "hop": hop})
    deviation = from_js(js("phase", "phaseDeviation", S), 257)
    for k in (31, 32, 33, 34):
        estimated = k * sr / 512 + deviation[k, 10:50] * sr / (2 * np.pi * hop)
        np.testing.assert_allclose(estimated, frequency, atol=0.5)


def test_spectral_convergence() -> None:
    S = stft(voice(4000), n_fft=256, hop_length=64)
    magnitude = np.abs(S) * (1 + 0.1 * np.random.default_rng(2).random(S.shape))
    parts = {"re": to_js(S.real), "im": to_js(S.imag)}
    actual = js("phase", "spectralConvergence", to_js(magnitude), parts)
    np.testing.assert_allclose(actual, phase.spectral_convergence(magnitude, S), rtol=1e-12)


def test_mixture_phase() -> None:
    X = stft(voice(4000) + noise(4000, seed=3), n_fft=256, hop_length=64)
    magnitude = np.abs(stft(voice(4000), n_fft=256, hop_length=64))
    parts = {"re": to_js(X.real), "im": to_js(X.imag)}
    actual = js("phase", "withMagnitude", to_js(magnitude), parts)
    expected = phase.mixture_phase(magnitude, X)
    assert relative(actual["re"] + 1j * actual["im"], to_js(expected)) <= 1e-12


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_griffin_lim(setting: tuple[Any, ...], momentum: float) -> None:
    for_js, for_py = options(setting)
    y = voice(setting[3])
    magnitude = np.abs(stft(y, **for_py))
    angles = np.random.default_rng(4).uniform(-np.pi, np.pi, magnitude.shape)
    counts = [0, 1, 2, 30]
    results = js_many(
        [
            request("phase", "griffinLim", to_js(magnitude), {
                **for_js, "nIter": n, "momentum": momentum, "length": y.size,
                "start": start(magnitude, angles),
            })
            for n in counts
        ]
    )  # fmt: skip
    for n, result in zip(counts, results, strict=True):
        expected = phase.griffin_lim(
            magnitude, n_iter=n, momentum=momentum, init=angles, length=y.size,
            hop_length=setting[1], window=setting[2],
        )  # fmt: skip
        assert relative(result["waveform"], expected.waveform) <= 1e-6
        np.testing.assert_allclose(result["losses"], expected.losses, rtol=1e-6)
    assert results[-1]["losses"][-1] < 0.6 * results[-1]["losses"][0]


def test_griffin_lim_equals_librosa() -> None:
    magnitude = np.abs(stft(voice(8000), n_fft=512, hop_length=128))
    angles = np.zeros_like(magnitude)
    result = js("phase", "griffinLim", to_js(magnitude), {
        "nFft": 512, "hop": 128, "nIter": 8, "momentum": 0.99, "length": 8000,
        "start": start(magnitude, angles),
    })  # fmt: skip
    expected = librosa.griffinlim(
        magnitude, n_iter=8, hop_length=128, momentum=0.99, init=None, length=8000,
        pad_mode="constant", dtype=np.float64,
    )  # fmt: skip
    assert relative(result["waveform"], expected) <= 1e-6


@pytest.mark.parametrize("n_sources", [2, 3])
@pytest.mark.parametrize("setting", SETTINGS[:3], ids=str)
def test_misi(setting: tuple[Any, ...], n_sources: int) -> None:
    for_js, for_py = options(setting)
    sources = np.stack([voice(setting[3], seed) for seed in range(n_sources)])
    mixture = sources.sum(axis=0)
    magnitudes = np.abs(stft(sources, **for_py))
    angles = np.angle(stft(mixture, **for_py))
    for n in (1, 2, 15):
        result = js("phase", "misi", [to_js(m) for m in magnitudes], mixture, {
            **for_js, "nIter": n, "start": [start(m, angles) for m in magnitudes],
        })  # fmt: skip
        waveforms = np.stack(result["waveforms"])
        expected = phase.misi(
            magnitudes, mixture, n_iter=n, hop_length=setting[1], window=setting[2]
        )
        assert relative(waveforms, expected.waveform) <= 1e-6
        np.testing.assert_allclose(waveforms.sum(axis=0), mixture, atol=1e-12)
        # Python の値は全音源を合わせたもの。音源ごとの値を、エネルギーの重みで合わせる
        energy = np.sum(magnitudes**2, axis=(1, 2))
        losses = np.array([[float(v) for v in row] for row in result["losses"]])
        total = np.sqrt(np.sum(losses**2 * energy, axis=1) / energy.sum())
        np.testing.assert_allclose(total, expected.losses, rtol=1e-6)
