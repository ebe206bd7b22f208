"""音の表現の試験：定義・ほかの実装（librosa, scipy, torch）・もとに戻ること。"""

import warnings

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sstut import representations as rep
from sstut._engine import stft as engine

WINDOWS = ("hann", "hamming", "blackman", "boxcar", ("kaiser", 8.0), ("tukey", 0.3))
EPS = {"float32": np.finfo(np.float32).eps, "float64": np.finfo(np.float64).eps}


@st.composite
def frame_params(draw):
    n_fft = draw(st.integers(1, 96))
    win_length = draw(st.integers(1, n_fft))
    return {
        "n_fft": n_fft,
        "win_length": win_length,
        "hop_length": draw(st.integers(1, win_length)),
        "window": draw(st.sampled_from(WINDOWS)),
    }


@st.composite
def signals(draw, max_size=400):
    """形・精度・大きさ（非正規化数まで）・中身（雑音・一定・1 点）を引いた音声。"""
    lead = draw(st.sampled_from([(), (1,), (2,), (2, 3)]))
    n = draw(st.integers(1, max_size))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    scale = draw(st.sampled_from([1.0, 1e-40, 1e-12, 1e12]))
    kind = draw(st.sampled_from(["noise", "constant", "impulse", "silence"]))
    y = np.zeros((*lead, n))
    if kind == "noise":
        y[:] = np.random.default_rng(draw(st.integers(0, 2**32))).standard_normal(y.shape)
    elif kind == "constant":
        y[:] = -0.5
    elif kind == "impulse":
        y[..., draw(st.integers(0, n - 1))] = 1.0
    return (y * scale).astype(dtype)


def plain(y, *, n_fft, win_length, hop_length, window):
    """`stft_plain` を、n_fft まで 0 を補った窓で、すべてのチャネルについて計算する。"""
    values = padded_window(window, win_length, n_fft)
    rows = y.reshape(-1, y.shape[-1]).astype(float)
    S = np.stack([rep.stft_plain(row, values, hop_length) for row in rows])
    return S.reshape(*y.shape[:-1], *S.shape[1:])


def padded_window(window, win_length, n_fft):
    return librosa.util.pad_center(scipy.signal.get_window(window, win_length), size=n_fft)


def tolerance(y, dtype, factor=40.0):
    """丸め誤差の目安。1 フレームの大きさは最大振幅と窓の長さで決まる。"""
    smallest = np.finfo(dtype).smallest_normal  # これより小さい数は桁が減る
    return factor * (EPS[dtype] * np.abs(y).max(initial=0.0).astype(float) + smallest)


# ---- 短時間フーリエ変換 --------------------------------------------------------------


@given(signals(), frame_params())
@example(
    np.ones(1, np.float32), {"n_fft": 96, "win_length": 96, "hop_length": 24, "window": "hann"}
)
def test_stft_equals_the_plain_one(y, params):
    S = rep.stft(y, **params)
    expected = plain(y, **params)
    assert S.dtype == np.result_type(y.dtype, np.complex64)
    np.testing.assert_allclose(
        S, expected, rtol=0, atol=tolerance(y, y.dtype.name) * params["n_fft"]
    )


@given(signals(), frame_params(), st.booleans(), st.sampled_from(["constant", "edge"]))
def test_stft_equals_librosa(y, params, center, pad_mode):
    assume(center or y.shape[-1] >= params["n_fft"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa は短い信号で警告する
        expected = librosa.stft(y, **params, center=center, pad_mode=pad_mode)
    S = rep.stft(y, **params, center=center, pad_mode=pad_mode)
    assert S.shape == expected.shape
    assert S.dtype == expected.dtype
    np.testing.assert_allclose(
        S, expected, rtol=0, atol=tolerance(y, y.dtype.name) * params["n_fft"]
    )


@given(signals(), frame_params(), st.sampled_from(["reflect", "symmetric"]))
def test_stft_pads_as_numpy_pads_the_whole_signal(y, params, pad_mode):
    """librosa は短いフレームの reflect でここからずれるので、np.pad した信号と比べる。"""
    padded = np.pad(y, [(0, 0)] * (y.ndim - 1) + [(params["n_fft"] // 2,) * 2], mode=pad_mode)
    assume(padded.shape[-1] >= params["n_fft"])
    expected = librosa.stft(padded, **params, center=False)
    S = rep.stft(y, **params, pad_mode=pad_mode)
    np.testing.assert_allclose(
        S, expected, rtol=0, atol=tolerance(y, y.dtype.name) * params["n_fft"]
    )


@given(signals(), frame_params())
def test_stft_equals_torch(y, params):
    expected = torch.stft(
        torch.from_numpy(y.reshape(-1, y.shape[-1])),
        params["n_fft"],
        params["hop_length"],
        window=torch.from_numpy(
            padded_window(params["window"], params["win_length"], params["n_fft"])
        ).to(torch.from_numpy(y).dtype),
        center=True,
        pad_mode="constant",
        return_complex=True,
    ).numpy()
    S = rep.stft(y, **params)
    np.testing.assert_allclose(
        S.reshape(expected.shape),
        expected,
        rtol=0,
        atol=tolerance(y, y.dtype.name) * params["n_fft"],
    )


@given(signals(), st.integers(1, 48).map(lambda half: 2 * half), st.data())
def test_stft_equals_scipy(y, n_fft, data):
    assume(2 * y.shape[-1] >= n_fft)  # scipy はこれより短い信号を断る
    hop_length = data.draw(st.integers(1, n_fft))
    transform = scipy.signal.ShortTimeFFT(
        scipy.signal.get_window("hamming", n_fft), hop_length, fs=1.0, phase_shift=None
    )
    S = rep.stft(y, n_fft=n_fft, hop_length=hop_length, window="hamming")
    # scipy の p 番目のフレームも、中心がサンプル p * hop_length にある
    expected = transform.stft(y.astype(float), p0=0, p1=S.shape[-1])
    np.testing.assert_allclose(S, expected, rtol=0, atol=tolerance(y, y.dtype.name) * n_fft)


def test_defaults_are_librosas(rng):
    y = rng.standard_normal((2, 30000)).astype(np.float32)
    S = rep.stft(y)
    assert S.shape == (2, 1025, 1 + 30000 // 512)
    np.testing.assert_allclose(S, librosa.stft(y), atol=1e-4)
    np.testing.assert_allclose(rep.istft(S), librosa.istft(S), atol=1e-6)


def test_frequencies_of_a_frame_are_neighbours_in_memory(rng):
    assert rep.stft(rng.standard_normal(5000), n_fft=512).T.flags.c_contiguous


# ---- 逆変換 --------------------------------------------------------------------------


@given(signals(), frame_params())
@example(np.ones(5), {"n_fft": 96, "win_length": 31, "hop_length": 7, "window": "hann"})
@example(np.ones(300), {"n_fft": 64, "win_length": 64, "hop_length": 63, "window": "hamming"})
def test_istft_of_stft_is_the_signal_or_an_error(y, params):
    """NOLA を満たし、どのサンプルも窓に覆われていれば、ちょうど元に戻る。そうでなければ断る。"""
    n_fft, hop_length = params["n_fft"], params["hop_length"]
    window = padded_window(params["window"], params["win_length"], n_fft)
    S = rep.stft(y, **params)
    n, pad = y.shape[-1], n_fft // 2
    covered = np.zeros(S.shape[-1] * hop_length + n_fft + n)
    for m in range(S.shape[-1]):
        covered[m * hop_length : m * hop_length + n_fft] += window**2
    covered = covered[pad : pad + n]
    nola = scipy.signal.check_NOLA(
        scipy.signal.get_window(params["window"], params["win_length"]),
        params["win_length"],
        params["win_length"] - hop_length,
    )
    assume(abs(np.log10(covered.min() + 1e-300) + 14) > 3 or not nola)  # 境目は dtype による
    if not nola or covered.min() < 1e-17:
        with pytest.raises(ValueError, match=r"NOLA|覆われず"):
            rep.istft(S, **params, length=n)
        return
    restored = rep.istft(S, **params, length=n)
    assert restored.shape == y.shape
    assert restored.dtype == y.dtype
    # 窓の値が小さいサンプルほど、スペクトログラムの丸め誤差が割り算で拡大される
    error = np.abs(restored.astype(float) - y) * np.sqrt(np.minimum(covered, 1.0))
    assert error.max() <= tolerance(y, y.dtype.name)


@given(st.integers(1, 300), st.integers(2, 64), st.data())
def test_hop_of_half_a_window_or_less_always_comes_back(n, win_length, data):
    """覆われないサンプルで断られるのは、hop_length が窓の半分を超えるときだけ。"""
    params = {
        "n_fft": data.draw(st.integers(win_length, 96)),
        "win_length": win_length,
        "hop_length": data.draw(st.integers(1, win_length // 2)),
        "window": data.draw(st.sampled_from(["hann", "hamming", "boxcar", ("kaiser", 8.0)])),
    }
    y = np.random.default_rng(n).standard_normal(n)
    np.testing.assert_allclose(rep.istft(rep.stft(y, **params), **params, length=n), y, atol=1e-9)


@given(frame_params(), st.integers(1, 12), st.booleans(), st.integers(0, 2**32))
def test_istft_of_any_spectrogram_equals_librosa(params, n_frames, center, seed):
    """stft の像でないもの（マスクを掛けた後など）でも、最小二乗解として一致する。"""
    rng = np.random.default_rng(seed)
    n_fft, hop_length = params["n_fft"], params["hop_length"]
    shape = (2, n_fft // 2 + 1, n_frames)
    S = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    assume(rep.check_nola(params["window"], params["win_length"], hop_length))
    window = padded_window(params["window"], params["win_length"], n_fft)
    pad = n_fft // 2 if center else 0
    length = n_fft + hop_length * (n_frames - 1) - 2 * pad
    assume(length > 0)
    covered = engine.coverage(window, hop_length, n_frames, pad, pad + length)
    clear = covered > 1e-12  # librosa は 1e-300 ほどの二乗和でも割るので、そこは比べない
    assume(not center or clear.all())
    y = rep.istft(S, **params, center=center)
    expected = librosa.istft(S, **params, center=center)
    assert y.shape == expected.shape
    scaled = np.abs(y - expected) * np.sqrt(covered)
    assert scaled[:, clear].max(initial=0.0) < 1e-12 * np.abs(expected[:, clear]).max(initial=1.0)


@given(st.integers(2, 64), st.integers(2, 12), st.data(), st.integers(0, 2**32))
def test_istft_of_any_spectrogram_equals_torch(n_fft, n_frames, data, seed):
    rng = np.random.default_rng(seed)
    win_length = data.draw(st.integers(2, n_fft))
    hop_length = data.draw(st.integers(1, win_length // 2))
    shape = (2, n_fft // 2 + 1, n_frames)
    S = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    window = padded_window("hamming", win_length, n_fft)
    expected = torch.istft(
        torch.from_numpy(S), n_fft, hop_length, window=torch.from_numpy(window), center=True
    ).numpy()
    y = rep.istft(S, n_fft=n_fft, hop_length=hop_length, win_length=win_length, window="hamming")
    np.testing.assert_allclose(y[:, : expected.shape[1]], expected, rtol=0, atol=1e-11)


@given(signals(), frame_params())
def test_istft_equals_the_plain_one(y, params):
    assume(rep.check_nola(params["window"], params["win_length"], params["hop_length"]))
    y = y.reshape(-1, y.shape[-1])[0].astype(float)
    window = padded_window(params["window"], params["win_length"], params["n_fft"])
    S = rep.stft(y, **params)
    try:
        restored = rep.istft(S, **params, length=len(y))
    except ValueError:
        assume(False)
    expected = rep.istft_plain(S, window, params["hop_length"], len(y))
    covered = engine.coverage(
        window,
        params["hop_length"],
        S.shape[-1],
        params["n_fft"] // 2,
        params["n_fft"] // 2 + len(y),
    )
    error = np.abs(restored - expected) * np.sqrt(np.minimum(covered, 1.0))
    assert error.max() <= tolerance(y, "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n_fft", "hop_length"), [(2048, 512), (1023, 300), (512, 3)])
def test_many_blocks_and_workers_change_nothing(rng, dtype, n_fft, hop_length):
    """かたまりや仕事の切れ目をいくつもまたぐ長さで、元に戻り、スレッドの数によらない。"""
    y = rng.standard_normal((2, 2500 * hop_length + 17)).astype(dtype)
    S = rep.stft(y, n_fft=n_fft, hop_length=hop_length)
    restored = rep.istft(S, n_fft=n_fft, hop_length=hop_length, length=y.shape[-1])
    assert np.abs(restored - y).max() < tolerance(y, dtype)
    parallel = rep.stft(y, n_fft=n_fft, hop_length=hop_length, workers=3)
    np.testing.assert_array_equal(parallel, S)
    again = rep.istft(S, n_fft=n_fft, hop_length=hop_length, length=y.shape[-1], workers=3)
    np.testing.assert_array_equal(again, restored)


def test_istft_reads_any_memory_layout(rng):
    y = rng.standard_normal((2, 9000)).astype(np.float32)
    S = rep.stft(y, n_fft=256)
    np.testing.assert_array_equal(rep.istft(np.ascontiguousarray(S)), rep.istft(S))
    np.testing.assert_allclose(
        rep.stft(y[:, ::2], n_fft=256), librosa.stft(y[:, ::2].copy(), n_fft=256), atol=1e-4
    )


def test_inputs_are_left_as_they_were(rng):
    y = rng.standard_normal(5000)
    S = rep.stft(y)
    before, S_before = y.copy(), S.copy()
    rep.istft(rep.stft(y), length=5000)
    rep.istft(S)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(S, S_before)


# ---- 窓 ------------------------------------------------------------------------------


@given(st.sampled_from(WINDOWS), st.integers(1, 65), st.booleans())
def test_get_window_equals_scipy(window, win_length, fftbins):
    np.testing.assert_array_equal(
        rep.get_window(window, win_length, fftbins=fftbins),
        scipy.signal.get_window(window, win_length, fftbins=fftbins),
    )


def test_get_window_takes_values_functions_and_beta():
    np.testing.assert_array_equal(rep.get_window([1, 2, 3], 3), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(rep.get_window(np.hanning, 7), np.hanning(7))
    np.testing.assert_array_equal(rep.get_window(4.0, 9), scipy.signal.get_window(4.0, 9))


@given(st.sampled_from(WINDOWS), st.integers(1, 64), st.data())
def test_cola_and_nola_equal_scipy(window, win_length, data):
    hop_length = data.draw(st.integers(1, win_length))
    overlap = win_length - hop_length
    values = scipy.signal.get_window(window, win_length)
    expected_cola = bool(scipy.signal.check_COLA(values, win_length, overlap))
    expected_nola = bool(scipy.signal.check_NOLA(values, win_length, overlap))
    assert rep.check_cola(window, win_length, hop_length) is expected_cola
    assert rep.check_nola(window, win_length, hop_length) is expected_nola


def test_hann_is_cola_at_its_textbook_hops():
    assert [h for h in range(1, 17) if rep.check_cola("hann", 16, h)] == [1, 2, 4, 8]
    assert not rep.check_nola("hann", 16, 16)  # 端の値が 0 なので、重ねないと戻せない


# ---- 振幅・パワー・デシベル ------------------------------------------------------------


def test_log_power_is_twice_log_magnitude(rng):
    S = rep.stft(rng.standard_normal(3000), n_fft=256)
    np.testing.assert_allclose(rep.power(S), rep.magnitude(S) ** 2, rtol=1e-12)
    np.testing.assert_allclose(
        rep.power_to_db(rep.power(S)), rep.amplitude_to_db(rep.magnitude(S)), atol=1e-10
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(
    st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=20),
    st.sampled_from([1.0, 1e-7, 3.5, np.max, np.median]),
    st.sampled_from([None, 0.0, 30.0, 80.0]),
)
def test_decibels_equal_librosa(dtype, values, ref, top_db):
    S = np.array(values, dtype)
    for ours, theirs in (
        (rep.power_to_db, librosa.power_to_db),
        (rep.amplitude_to_db, librosa.amplitude_to_db),
    ):
        db = ours(S, ref=ref, top_db=top_db)
        assert db.dtype == S.dtype
        np.testing.assert_allclose(db, theirs(S, ref=ref, top_db=top_db), atol=400 * EPS[dtype])


def test_silence_has_a_finite_level():
    np.testing.assert_array_equal(rep.power_to_db(np.zeros(3)), [-100.0] * 3)
    np.testing.assert_array_equal(rep.amplitude_to_db(np.zeros(3)), [-100.0] * 3)


# ---- メル ----------------------------------------------------------------------------


@given(
    st.sampled_from([8000, 16000, 22050, 44100]),
    st.integers(512, 2049),
    st.integers(1, 20),
    st.booleans(),
    st.sampled_from(["slaney", None]),
    st.sampled_from([(0.0, None), (50.0, 3999.0)]),
)
def test_mel_filterbank_equals_librosa(sr, n_fft, n_mels, htk, norm, band):
    params = {"sr": sr, "n_fft": n_fft, "n_mels": n_mels, "htk": htk}
    params |= {"fmin": band[0], "fmax": band[1], "dtype": np.float64}
    expected = librosa.filters.mel(**params, norm="slaney" if norm else np.inf)
    ours = rep.mel_filterbank(**params, norm=norm)
    if (
        norm is None
    ):  # librosa の norm=None も inf も頂点を 1 にそろえる基準が違うので、行の比で比べる
        expected = librosa.filters.mel(**params, norm=None)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


def test_mel_spectrogram_equals_librosa(rng):
    y = rng.standard_normal((2, 8000)).astype(np.float32)
    for power in (1.0, 2.0):
        mel = rep.mel_spectrogram(y, sr=16000, n_fft=1024, n_mels=40, power=power)
        expected = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=1024, n_mels=40, power=power)
        assert mel.dtype == np.float32
        np.testing.assert_allclose(mel, expected, rtol=1e-4)


def test_empty_mel_filters_are_announced():
    with pytest.warns(UserWarning, match="空のメルフィルタ"):
        rep.mel_filterbank(sr=22050, n_fft=256, n_mels=128)


@given(st.floats(0, 48000), st.booleans())
def test_mel_scale_comes_back(f, htk):
    np.testing.assert_allclose(rep.mel_to_hz(rep.hz_to_mel(f, htk=htk), htk=htk), f, atol=1e-8)


# ---- 標本化 --------------------------------------------------------------------------


@given(st.integers(1, 300), st.sampled_from([8000, 11025, 16000, 44100]), st.integers(1, 9))
def test_resample_length_is_the_ceiling(n, orig_sr, factor):
    target_sr = 1000 * factor
    resampled = rep.resample(np.ones((2, n), np.float32), orig_sr, target_sr)
    assert resampled.shape == (2, -(-n * target_sr // orig_sr))
    assert resampled.dtype == np.float32


@pytest.mark.parametrize(("orig_sr", "target_sr"), [(44100, 16000), (16000, 44100), (24000, 22050)])
def test_resample_keeps_the_passband_and_removes_the_rest(orig_sr, target_sr):
    """0.9 f_N までの正弦波はそのまま、f_N より上は −100 dB 以下（折り返さない）。"""
    nyquist = min(orig_sr, target_sr) / 2
    t_in, t_out = np.arange(orig_sr) / orig_sr, np.arange(target_sr) / target_sr
    middle = slice(target_sr // 4, -target_sr // 4)  # 端は信号が途切れた影響を受ける
    for f in (0.0, 0.1 * nyquist, 0.5 * nyquist, 0.9 * nyquist):
        y = rep.resample(np.cos(2 * np.pi * f * t_in + 0.3), orig_sr, target_sr)
        expected = np.cos(2 * np.pi * f * t_out + 0.3)
        assert np.abs(y - expected)[middle].max() < 3e-5
    if target_sr < orig_sr:
        for f in (1.001 * nyquist, 0.99 * orig_sr / 2):
            y = rep.resample(np.cos(2 * np.pi * f * t_in), orig_sr, target_sr)
            assert np.abs(y)[middle].max() < 1e-5


def test_resample_to_the_same_rate_copies():
    y = np.ones(3)
    resampled = rep.resample(y, 8000, 8000)
    np.testing.assert_array_equal(resampled, y)
    assert not np.shares_memory(resampled, y)


# ---- 量子化 --------------------------------------------------------------------------


@given(signals(), st.integers(1, 24))
def test_quantize_rounds_to_the_nearest_level(y, n_bits):
    step = 2.0 ** (1 - n_bits)
    quantized = rep.quantize(y, n_bits)
    assert quantized.dtype == y.dtype
    levels = quantized.astype(float) / step
    np.testing.assert_array_equal(levels, np.rint(levels))
    assert quantized.min() >= -1
    assert quantized.max() <= 1 - step
    inside = np.clip(y.astype(float), -1, 1 - step)
    assert np.abs(quantized - inside).max() <= step / 2
    np.testing.assert_array_equal(rep.quantize(quantized, n_bits), quantized)


def test_each_bit_is_worth_six_decibels(rng):
    y = 0.9 * rng.uniform(-1, 1, 200_000)
    noise = [np.mean((rep.quantize(y, n) - y) ** 2) for n in (6, 7, 8)]
    np.testing.assert_allclose(10 * np.log10(np.array(noise[:-1]) / noise[1:]), 6.02, atol=0.1)
    np.testing.assert_allclose(noise[0], (2.0**-5) ** 2 / 12, rtol=0.02)  # Δ²/12


def test_dither_frees_the_error_from_the_signal(rng):
    """1 段より小さい正弦波は、そのまま丸めると消えるが、ディザを足すと雑音の中に残る。"""
    y = 0.3 * 2.0**-7 * np.sin(0.05 * np.arange(100_000))
    assert not rep.quantize(y, 8).any()
    dithered = rep.quantize(y, 8, dither=True, rng=rng)
    gain = dithered @ y / (y @ y)
    np.testing.assert_allclose(gain, 1.0, atol=0.05)
    again = rep.quantize(y, 8, dither=True, rng=7)
    np.testing.assert_array_equal(again, rep.quantize(y, 8, dither=True, rng=7))


# ---- だめな入力 ----------------------------------------------------------------------

Y = np.ones(4096)
S = np.ones((513, 9), complex)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rep.stft(np.zeros(0)), r"y が空です（shape=\(0,\)）"),
        (lambda: rep.stft(np.float64(1)), "y には 1 次元以上"),
        (lambda: rep.stft(np.zeros(9, np.int16)), "int16.*32768"),
        (lambda: rep.stft(Y + 0j), "complex128"),
        (lambda: rep.stft(Y.astype(np.float16)), "float16"),
        (lambda: rep.stft(["a"]), "float32 か float64"),
        (lambda: rep.stft(np.where(Y > 0, np.nan, 0)), r"NaN か無限大が 4096 個.*y\[0\]"),
        (lambda: rep.stft(np.r_[Y, -np.inf]), r"NaN か無限大が 1 個.*y\[4096\]"),
        (lambda: rep.stft(Y, n_fft=0), "n_fft は 1 以上"),
        (lambda: rep.stft(Y, n_fft=512.0), "n_fft は 1 以上の整数.*512.0"),
        (lambda: rep.stft(Y, n_fft=512, win_length=513), "win_length=513 が n_fft=512"),
        (lambda: rep.stft(Y, win_length=400, hop_length=401), "hop_length=401.*win_length=400"),
        (lambda: rep.stft(Y, hop_length=0), "hop_length は 1 以上"),
        (lambda: rep.stft(Y, pad_mode="wrap"), "pad_mode.*wrap"),
        (lambda: rep.stft(Y[:99], n_fft=100, center=False), "n_fft=100 サンプル以上.*99"),
        (lambda: rep.stft(Y, workers=0), "workers"),
        (lambda: rep.stft(Y, window="はん"), "はん"),
        (lambda: rep.stft(Y, window=np.ones(3)), "win_length=2048"),
        (lambda: rep.stft(Y, window=lambda n: np.full(n, np.nan)), "window に NaN"),
        (lambda: rep.istft(abs(S)), "位相"),
        (lambda: rep.istft(S[0]), "2 次元以上"),
        (lambda: rep.istft(S[:, :0]), "S が空"),
        (lambda: rep.istft(S, n_fft=1000), "n_fft=1000.*501"),
        (lambda: rep.istft(S, hop_length=1024), "NOLA"),
        (lambda: rep.istft(S, hop_length=1025), "hop_length=1025.*win_length=1024"),
        (lambda: rep.istft(S, length=0), "length は 1 以上"),
        (lambda: rep.istft(S, length=10**6), "length=1000000 が長すぎます"),
        (lambda: rep.istft(S, length=2700), "覆われず"),
        (lambda: rep.istft(S[:, :1]), "length を指定"),
        (lambda: rep.istft(S * np.nan), "S に NaN"),
        (lambda: rep.check_nola("hann", 16, 17), "hop_length=17.*win_length=16"),
        (lambda: rep.check_cola("hann", 16, 17), "hop_length=17.*win_length=16"),
        (lambda: rep.power_to_db(S), "複素数"),
        (lambda: rep.amplitude_to_db(S), "複素数"),
        (lambda: rep.power_to_db(Y, top_db=-1), "top_db"),
        (lambda: rep.power_to_db(Y, amin=0), "amin"),
        (lambda: rep.mel_filterbank(sr=8000, n_fft=512, fmax=5000), "fmax=5000"),
        (lambda: rep.mel_filterbank(sr=8000, n_fft=512, norm="l2"), "norm"),
        (lambda: rep.mel_filterbank(sr=-1, n_fft=512), "sr は正の数"),
        (lambda: rep.resample(Y, 44100, 0), "target_sr"),
        (lambda: rep.resample(Y, 44100.5, 8000), "orig_sr"),
        (lambda: rep.quantize(Y, 25), "n_bits は 1〜24"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_large_finite_values_are_not_mistaken_for_infinity():
    y = np.full(100, 3e38, np.float32)  # 和は float32 では無限大になる
    assert np.isfinite(rep.quantize(y, 8)).all()


def test_center_false_leaves_uncovered_edges_silent(rng):
    """center=False の最初のサンプルはハン窓の 0 だけに覆われる。librosa と同じく 0 にする。"""
    y = rng.standard_normal(1000)
    params = {"n_fft": 64, "hop_length": 16, "center": False}
    restored = rep.istft(rep.stft(y, **params), **params, length=1000)
    last = 64 + 16 * ((1000 - 64) // 16)
    assert restored[0] == 0
    np.testing.assert_array_equal(restored[last:], 0)
    np.testing.assert_allclose(restored[1:last], y[1:last], atol=1e-9)
