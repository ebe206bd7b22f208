"""ページの中で動く JavaScript の信号処理が、Python のパッケージと同じ値になることを確かめる。

誤差（最大値に対する比）は、float64 で保存した値なら 1e-10 以下、float32 なら 1e-6 以下。
"""

import io
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
from tests._js import (
    assert_same,
    from_js,
    js,
    js_many,
    need_node,
    noise,
    request,
    spectrum,
    to_js,
)

import sstut
from sstut import masking, representations

WINDOWS = ["hann", "hamming", "blackman", "boxcar", "bartlett", "blackmanharris"]

# (n_fft, win_length, hop_length, window, center)
SETTINGS = [
    (2048, 2048, 512, "hann", True),
    (512, 512, 128, "hamming", True),
    (1024, 1024, 333, "blackman", True),
    (1024, 601, 150, "hann", True),
    (256, 256, 256, "boxcar", True),
    (512, 400, 100, "bartlett", False),
    (4096, 4096, 1024, "blackmanharris", True),
]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def options(setting: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """同じ設定の、JavaScript と Python での書き方。"""
    n_fft, win, hop, window, center = setting
    for_js = {"nFft": n_fft, "winLength": win, "hop": hop, "window": window, "center": center}
    for_py = {
        "n_fft": n_fft, "win_length": win, "hop_length": hop, "window": window, "center": center,
    }  # fmt: skip
    return for_js, for_py


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    lengths = [1, 2, 3, 5, 16, 33, 2048]
    for n, w in zip(
        lengths, js_many([request("windows", "getWindow", name, n) for n in lengths]), strict=True
    ):
        np.testing.assert_allclose(w, scipy.signal.get_window(name, n), atol=1e-15)
        np.testing.assert_allclose(w, representations.get_window(name, n), atol=1e-15)


def test_sqrt_hann_is_the_square_root_of_hann() -> None:
    expected = np.sqrt(scipy.signal.get_window("hann", 512))
    np.testing.assert_allclose(js("windows", "getWindow", "sqrt_hann", 512), expected, atol=1e-15)


def test_cola_and_nola_agree() -> None:
    cases = [(w, n, hop) for w in WINDOWS for n, hop in
             [(64, 16), (64, 32), (64, 64), (63, 21), (60, 25), (64, 1)]]  # fmt: skip
    nola = js_many([request("windows", "isNola", *case) for case in cases])
    ripple = js_many([request("windows", "colaRipple", *case) for case in cases])
    assert nola == [representations.check_nola(*case) for case in cases]
    assert [r < 1e-10 for r in ripple] == [representations.check_cola(*case) for case in cases]
    assert 0 < sum(nola) < len(cases)
    assert 0 < sum(r < 1e-10 for r in ripple) < len(cases)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_stft(setting: tuple[Any, ...], dtype: Any) -> None:
    y = noise(30001, dtype)
    for_js, for_py = options(setting)
    S = js("stft", "stft", y, for_js)
    assert S["re"].dtype == dtype
    assert_same(spectrum(S), representations.stft(y, **for_py))
    exact = librosa.stft(y.astype(np.float64), pad_mode="constant", dtype=np.complex128, **for_py)
    assert_same(spectrum(S), exact)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_istft_after_a_mask(setting: tuple[Any, ...], dtype: Any) -> None:
    n_samples = 30 * 1024  # どの設定でも最後までフレームが届く
    y = noise(n_samples, dtype)
    for_js, for_py = options(setting)
    S = representations.stft(y, **for_py)
    mask = np.random.default_rng(1).random(S.shape).astype(dtype)
    expected = representations.istft(S * mask, length=n_samples, **for_py)
    analysed = {"call": request("stft", "stft", y, for_js)}
    actual = js("stft", "istft", analysed, {"mask": to_js(mask)})
    assert actual.dtype == dtype
    # 窓の端の小さな値で割るサンプルでは、float32 の丸めが大きくなる。そこは float64 でだけ比べる。
    weight = librosa.filters.window_sumsquare(
        window=for_py["window"], n_frames=S.shape[1], win_length=for_py["win_length"],
        n_fft=for_py["n_fft"], hop_length=for_py["hop_length"], dtype=np.float64,
    )[for_py["n_fft"] // 2 if for_py["center"] else 0 :]  # fmt: skip
    weight = np.pad(weight, (0, n_samples))[:n_samples]
    safe = weight > (1e-3 if dtype == np.float32 else 0) * weight.max()
    assert safe.mean() > 0.9
    assert_same(actual[safe], expected[safe])


def test_random_settings_round_trip_and_equal_python() -> None:
    rng = np.random.default_rng(2)
    cases = []
    for _ in range(30):
        n_fft = int(2 ** rng.integers(1, 11))
        win = int(rng.integers(1, n_fft + 1))
        setting = (n_fft, win, int(rng.integers(1, win + 1)), str(rng.choice(WINDOWS)), True)
        cases.append((noise(int(rng.integers(1, 3000)), seed=3), *options(setting)))
    spectra = js_many([request("stft", "stft", y, for_js) for y, for_js, _ in cases])
    checked = 0
    for (y, _, for_py), S in zip(cases, spectra, strict=True):
        assert_same(spectrum(S), representations.stft(y, **for_py))
    solvable = [
        (y, for_js)
        for y, for_js, for_py in cases
        if for_py["hop_length"] <= for_py["win_length"] // 4
        and representations.check_nola(for_py["window"], for_py["win_length"], for_py["hop_length"])
    ]
    waves = js_many(
        [
            request("stft", "istft", {"call": request("stft", "stft", y, for_js)})
            for y, for_js in solvable
        ]
    )
    for (y, _), wave in zip(solvable, waves, strict=True):
        assert_same(wave, y)
        checked += 1
    assert checked > 3


def test_bundled_speech_in_single_precision() -> None:
    path = Path(sstut.__file__).parent / "sounds" / "speech_female.flac"
    y, _ = soundfile.read(path, frames=48000, dtype="float32", always_2d=True)
    y = np.ascontiguousarray(y[:, 0])
    S = js("stft", "stft", y, {"nFft": 2048, "hop": 512})
    assert_same(spectrum(S), representations.stft(y, n_fft=2048, hop_length=512))
    assert_same(js("stft", "istft", {"call": request("stft", "stft", y, {"hop": 512})}), y)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_decibels(dtype: Any) -> None:
    S = representations.stft(noise(5000, dtype), n_fft=256, hop_length=64)
    magnitude, power = representations.magnitude(S), representations.power(S)
    parts = {"re": to_js(S.real), "im": to_js(S.imag)}
    a, p, db, db_max, raw, of_power = js_many(
        [
            request("spectrogram", "magnitude", parts),
            request("spectrogram", "power", parts),
            request("spectrogram", "magnitudeDb", parts, {"ref": 0.5}),
            request("spectrogram", "magnitudeDb", parts),
            request("spectrogram", "amplitudeToDb", to_js(magnitude), {"topDb": None}),
            request("spectrogram", "powerToDb", to_js(power), {"amin": 1e-3, "topDb": 20}),
        ]
    )
    assert_same(a, to_js(magnitude))
    assert_same(p, to_js(power))
    to_db = representations.amplitude_to_db
    assert_same(db, to_js(to_db(magnitude, ref=0.5)))
    assert_same(db_max, to_js(to_db(magnitude, ref=np.max)))
    assert_same(raw, to_js(to_db(magnitude, top_db=None)))
    assert_same(of_power, to_js(representations.power_to_db(power, amin=1e-3, top_db=20)))
    assert_same(of_power, to_js(librosa.power_to_db(power, amin=1e-3, top_db=20)))


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(
    ("sr", "n_fft", "n_mels", "fmin", "fmax"),
    [(22050, 2048, 128, 0.0, 11025.0), (16000, 512, 40, 50.0, 7600.0), (44100, 4096, 80, 0, 16000)],
)
def test_mel(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float, htk: bool) -> None:
    wanted = {"sr": sr, "nFft": n_fft, "nMels": n_mels, "fMin": fmin, "fMax": fmax, "htk": htk}
    for_py = {
        "sr": sr, "n_fft": n_fft, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "htk": htk,
        "dtype": np.float64,
    }  # fmt: skip
    bank = js("mel", "melFilterbank", wanted)
    weights = bank["weights"].reshape(n_mels, -1)
    assert_same(weights, representations.mel_filterbank(**for_py))
    assert_same(weights, librosa.filters.mel(**for_py))
    power = np.random.default_rng(4).random((n_fft // 2 + 1, 7))
    mel = js("mel", "applyMel", {"call": request("mel", "melFilterbank", wanted)}, to_js(power))
    assert_same(from_js(mel, n_mels), weights @ power)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "rates",
    [
        (44100, 22050),
        (48000, 22050),
        (22050, 44100),
        (16000, 24000),
        (8000, 8000),
        (24000, 8000),
        (33000, 3000),
        (3000, 33000),
        (4801, 2400),  # 公約数のない比
    ],
)
def test_resample(rates: tuple[int, int], dtype: Any) -> None:
    y = noise(3001, dtype)
    assert_same(js("resample", "resample", y, *rates), representations.resample(y, *rates), 1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bits", [1, 2, 5, 8, 16, 24])
def test_quantize_is_identical(bits: int, dtype: Any) -> None:
    ties = np.arange(-4, 4.25, 0.25) * 2.0 ** (1 - bits)  # 段のちょうど中間
    y = np.concatenate([noise(2000), ties, [-1.0, 1.0, -2.0, 3.0]]).astype(dtype)
    np.testing.assert_array_equal(
        js("quantize", "quantize", y, bits), representations.quantize(y, bits)
    )


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_masks(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    S = (rng.standard_normal((3, 65, 20)) + 1j * rng.standard_normal((3, 65, 20))).astype(dtype)
    S[:, :4] = 0  # 無音のビン
    S[1, 4:8] = S[0, 4:8]  # 同点
    S[2, 8:12] = 0
    S[1, 8:10] = -S[0, 8:10]  # 和が消えるビン
    X = S.sum(axis=0)
    level = [to_js(np.abs(s)) for s in S]
    parts = [{"re": to_js(s.real), "im": to_js(s.imag)} for s in S]
    mixture = {"re": to_js(X.real), "im": to_js(X.imag)}
    ratio = masking.ideal_ratio_mask(S, power=1)

    pairs = [
        (request("masks", "idealBinaryMask", level, db), masking.ideal_binary_mask(S, db))
        for db in (-7, 0, 3)
    ] + [
        (request("masks", "idealRatioMask", level, p), masking.ideal_ratio_mask(S, power=p))
        for p in (0.5, 1, 2, 30)
    ]
    pairs += [
        (request("masks", "softExponent", [to_js(m) for m in ratio], 3),
         ratio**3 / (ratio**3).sum(axis=0)),
    ]  # fmt: skip
    actual = js_many([r for r, _ in pairs])
    for masks, (_, expected) in zip(actual, pairs, strict=True):
        for mask, wanted in zip(masks, expected, strict=True):
            assert_same(mask, to_js(wanted))

    psm = masking.phase_sensitive_mask(S, X)
    cirm = masking.complex_ideal_ratio_mask(S, X)
    for n in range(len(S)):
        free, cut, whole, back, half, rest = js_many(
            [
                request("masks", "phaseSensitiveMask", parts[n], mixture),
                request("masks", "phaseSensitiveMask", parts[n], mixture, [0, 1]),
                request("masks", "complexIdealRatioMask", parts[n], mixture),
                request("masks", "applyMask", mixture, to_js(ratio[n])),
                request("masks", "binarize", to_js(ratio[n]), 0.4),
                request("masks", "invert", to_js(ratio[n])),
            ]
        )
        assert_same(free, to_js(psm[n]))
        assert_same(cut, to_js(masking.phase_sensitive_mask(S, X, clip=(0, 1))[n]))
        assert_same(whole["re"] + 1j * whole["im"], to_js(cirm[n]))
        assert_same(back["re"] + 1j * back["im"], to_js(masking.apply_mask(ratio[n], X)))
        np.testing.assert_array_equal(half, to_js(masking.binarize(ratio[n], 0.4)))
        assert_same(rest, to_js(masking.invert_mask(ratio[n])))


def test_separation_in_the_page_is_separation_in_python() -> None:
    """波形 → STFT → 理想比率マスク → 波形、の全体。"""
    y = np.stack([noise(8000, seed=6), np.sin(np.arange(8000) * 0.05)])
    params = {"n_fft": 512, "hop_length": 128}
    masks = masking.ideal_ratio_mask(representations.stft(y, **params), power=2)
    expected = masking.separate(y.sum(axis=0), masks, **params)

    def analysed(wave: np.ndarray) -> dict[str, Any]:
        return {"call": request("stft", "stft", wave, {"nFft": 512, "hop": 128})}

    levels = [{"call": request("spectrogram", "magnitude", analysed(wave))} for wave in y]
    js_masks = js("masks", "idealRatioMask", levels, 2)
    for n in range(2):
        assert_same(
            js("stft", "istft", analysed(y.sum(axis=0)), {"mask": js_masks[n]}), expected[n]
        )


def test_metrics() -> None:
    s, noise_part = noise(4000, seed=7) + 0.1, noise(4000, seed=8)
    e = 0.7 * s + 0.2 * noise_part - 0.05
    s0, e0 = s - s.mean(), e - e.mean()
    projection = (e0 @ s0) / (s0 @ s0) * s0
    si_sdr = 10 * np.log10(np.sum(projection**2) / np.sum((projection - e0) ** 2))
    snr = 10 * np.log10(np.sum(s**2) / np.sum((s - e) ** 2))
    np.testing.assert_allclose(js("metrics", "siSdr", s, e), si_sdr, rtol=1e-10)
    np.testing.assert_allclose(js("metrics", "snr", s, e), snr, rtol=1e-10)


def test_wav_is_readable() -> None:
    y = np.clip(np.stack([noise(1000, np.float32, 9), noise(1000, np.float32, 10)]), -1, 0.99)
    content = js("pcm", "encodeWav", list(y), 22050)
    read, sr = soundfile.read(io.BytesIO(content), dtype="float32")
    assert sr == 22050
    assert np.abs(read.T - y).max() <= 0.5 / 32768
