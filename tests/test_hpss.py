"""HPSS の試験：中央値は scipy と 1 ビットも違わず、成分は librosa と同じで、和は混合音に戻る。"""

import warnings

import librosa
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import example, given
from hypothesis import strategies as st

from sstut import hpss as module
from sstut.data import load_song
from sstut.evaluation import si_sdr
from sstut.hpss import hpss, median_filter, median_filter_plain, separate_hpss
from sstut.representations import stft

ODD = st.integers(0, 40).map(lambda k: 2 * k + 1)
DTYPES = st.sampled_from(["float32", "float64"])


def values(seed, shape, dtype, ties=False):
    """符号も桁もさまざまな値。ties なら同じ値が何度も出てくる。"""
    rng = np.random.default_rng(seed)
    if ties:
        return rng.integers(-2, 3, shape).astype(dtype)
    return (rng.standard_normal(shape) * 10.0 ** rng.integers(-20, 20, shape)).astype(dtype)


def spectrogram(seed, shape=(2, 40, 60), dtype="float32"):
    """0 の行、0 の列、同じ値の並ぶ所のある、振幅スペクトログラム。"""
    S = np.abs(values(seed, shape, dtype))
    S[..., 3, :] = 0
    S[..., :, 5:30] = 0
    S[..., 10:20, 30:50] = 1
    return S


# ---- 移動中央値 ------------------------------------------------------------------------


@given(
    st.lists(st.integers(1, 45), min_size=1, max_size=3),
    ODD,
    st.integers(0, 2),
    DTYPES,
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
@example([862, 9], 31, 0, "float32", False, False, 0)  # 2 の冪 − 1 の窓は、別の道を通る
@example([3, 9000], 31, 0, "float32", False, False, 0)  # 列が 1 かたまりに収まらない
@example([9000, 2], 15, 0, "float64", False, True, 0)  # 行が 1 かたまりに収まらない
def test_median_is_the_middle_of_the_sorted_window(shape, size, axis, dtype, ties, fortran, seed):
    x = values(seed, shape, dtype, ties)
    x = np.asfortranarray(x) if fortran else x
    axis = axis % x.ndim
    filtered = median_filter(x, size, axis)
    assert filtered.dtype == x.dtype
    np.testing.assert_array_equal(filtered, median_filter_plain(x, size, axis))
    np.testing.assert_array_equal(filtered, median_filter(x, size, axis - x.ndim))


@given(ODD, st.integers(0, 1), DTYPES, st.booleans(), st.integers(0, 2**32))
def test_median_is_bit_equal_to_scipy(size, axis, dtype, ties, seed):
    # 窓が配列よりずっと長いときの scipy（1.17）は正しい中央値を返さないので、長い配列で比べる
    x = values(seed, (83, 90), dtype, ties)
    reference = scipy.ndimage.median_filter(x, size, mode="reflect", axes=axis)
    np.testing.assert_array_equal(median_filter(x, size, axis), reference)


def test_median_of_the_real_thing_is_bit_equal_to_scipy():
    magnitude = np.abs(stft(load_song(mono=True).mixture))
    for axis in (0, 1):
        reference = scipy.ndimage.median_filter(magnitude, 31, mode="reflect", axes=axis)
        np.testing.assert_array_equal(median_filter(magnitude, 31, axis), reference)


def test_median_removes_an_outlier_and_keeps_a_step():
    step = np.repeat([0.0, 1.0], 10)
    np.testing.assert_array_equal(median_filter(step, 5), step)
    spiked = step.copy()
    spiked[3], spiked[14] = 9.0, -9.0
    np.testing.assert_array_equal(median_filter(spiked, 5), step)
    np.testing.assert_array_equal(median_filter(spiked, 1), spiked)


# ---- マスクと成分 ----------------------------------------------------------------------


@given(
    st.integers(0, 2**32),
    st.sampled_from([3, 31, (13, 5), [5, 17]]),
    st.sampled_from([0.5, 1.0, 2.0, 3.3]),
    st.sampled_from([1.0, 2.0, (1.0, 5.0), [3.0, 1.0]]),
    DTYPES,
    st.booleans(),
)
def test_components_and_soft_masks_equal_librosa(
    seed, kernel, power, margin, dtype, complex_valued
):
    S = spectrogram(seed, dtype=dtype)
    if complex_valued:
        S = S * np.exp(1j * np.arange(60)).astype(f"complex{8 * 2 * S.itemsize}")
    options = {"kernel_size": kernel, "power": power, "margin": margin}
    masks, components = hpss(S, mask=True, **options), hpss(S, **options)
    assert masks.shape == components.shape
    assert components.dtype == S.dtype
    assert masks.dtype == dtype
    tolerance = 20 * np.finfo(dtype).eps
    for ours, theirs in zip(masks, librosa.decompose.hpss(S, mask=True, **options), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    scale = np.abs(S) + np.finfo(dtype).smallest_normal
    for ours, theirs in zip(components, librosa.decompose.hpss(S, **options), strict=False):
        assert np.max(np.abs(ours - theirs) / scale) < tolerance


@given(st.integers(0, 2**32), st.sampled_from([1.0, 2.0, (1.0, 5.0)]), DTYPES)
def test_binary_masks_equal_librosa_except_that_ties_are_percussive(seed, margin, dtype):
    S = spectrogram(seed, dtype=dtype)
    masks = hpss(S, power=np.inf, margin=margin, mask=True)
    assert set(np.unique(masks)) <= {0.0, 1.0}
    horizontal, vertical = median_filter(S, 31, -1), median_filter(S, 31, -2)
    tie = (horizontal == vertical) & (margin == 1.0)
    assert tie.any() == (margin == 1.0)
    for ours, theirs in zip(
        masks, librosa.decompose.hpss(S, power=np.inf, margin=margin, mask=True), strict=False
    ):
        np.testing.assert_array_equal(ours[~tie], theirs[~tie])
    assert not masks[0][tie].any()
    assert masks[1][tie].all()


@given(
    st.integers(0, 2**32),
    st.sampled_from([1.0, 2.0, np.inf]),
    st.sampled_from([1.0, 1.5, (1.0, 5.0), (4.0, 1.0)]),
    DTYPES,
)
def test_masks_sum_to_one(seed, power, margin, dtype):
    S = spectrogram(seed, dtype=dtype)
    masks = hpss(S, power=power, margin=margin, mask=True)
    assert len(masks) == (2 if margin == 1.0 else 3)
    eps = np.finfo(dtype).eps
    assert masks.min() >= -2 * eps
    np.testing.assert_allclose(masks.sum(axis=0), 1, rtol=0, atol=2 * eps)
    total = hpss(S, power=power, margin=margin).sum(axis=0)
    np.testing.assert_allclose(total, S, rtol=4 * eps)


def test_masks_follow_the_definition():
    """時間と周波数を入れ替えると、調波と打楽器が入れ替わる。大きさを変えてもマスクは変わらない。"""
    S = spectrogram(1, (50, 50), "float64")
    masks = hpss(S, mask=True)
    np.testing.assert_allclose(hpss(S.T, mask=True)[::-1], masks.swapaxes(-1, -2), atol=1e-15)
    np.testing.assert_allclose(hpss(4 * S, mask=True), masks, atol=1e-15)
    wide = hpss(S, mask=True, margin=(1.0, 3.0))
    np.testing.assert_allclose(wide[0][S > 0], masks[0][S > 0], atol=1e-15)
    assert np.all(wide[1] <= masks[1] + 1e-15)
    line = np.zeros((50, 50))
    line[20] = 1  # 横線は調波、縦線は打楽器
    np.testing.assert_array_equal(hpss(line, mask=True)[0][20], 1)
    np.testing.assert_array_equal(hpss(line.T, mask=True)[1][:, 20], 1)


# ---- 波形から波形へ --------------------------------------------------------------------


@given(
    st.integers(1, 6000),
    st.sampled_from([(), (1,), (2,), (2, 3)]),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([{}, {"n_fft": 255, "hop_length": 60}, {"n_fft": 256, "window": "hamming"}]),
    DTYPES,
)
def test_waveforms_add_up_to_the_mixture(n, lead, margin, frames, dtype):
    mixture = np.random.default_rng(n).standard_normal((*lead, n)).astype(dtype)
    sources = separate_hpss(mixture, margin=margin, **frames)
    assert sources.shape == (2 if margin == 1 else 3, *mixture.shape)
    assert sources.dtype == mixture.dtype
    np.testing.assert_allclose(
        sources.sum(axis=0), mixture, rtol=0, atol=20 * np.finfo(dtype).eps * np.abs(mixture).max()
    )


def test_waveforms_are_those_of_librosa():
    mixture = load_song().mixture
    ours = separate_hpss(mixture)
    theirs = librosa.effects.hpss(mixture)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("frames", [{}, {"n_fft": 255, "hop_length": 60}, {"hop_length": 700}])
def test_long_recordings_are_processed_in_pieces_with_the_same_result(monkeypatch, frames):
    mixture = np.random.default_rng(0).standard_normal((2, 300_000))
    whole = separate_hpss(mixture, margin=2.0, **frames)
    monkeypatch.setattr(module, "SEGMENT_SAMPLES", 1)
    lengths = [wide.stop - wide.start for wide, _, _ in module._segments(300_000, 512, 10_000)]
    assert max(lengths) < 100_000
    pieces = separate_hpss(mixture, margin=2.0, **frames)
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-12)


def test_silence_stays_silent():
    silence = np.zeros((2, 5000), np.float32)
    for power in (2.0, np.inf):
        for margin in (1.0, 3.0):
            assert not separate_hpss(silence, power=power, margin=margin).any()
    assert np.isfinite(hpss(np.zeros((9, 9)), mask=True)).all()


# ---- 分離 ----------------------------------------------------------------------------


def test_tones_and_clicks_are_separated():
    """答えの分かる分離：和音の持続音とクリックの列。どちらも 15 dB 以上よくなる。"""
    sr = 22050
    t = np.arange(4 * sr) / sr
    tones = sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330, 1109))
    clicks = np.zeros_like(t)
    clicks[sr // 4 :: sr // 2] = 60
    mixture = tones + clicks
    for estimate, source in zip(separate_hpss(mixture), (tones, clicks), strict=True):
        assert si_sdr(source, estimate) > si_sdr(source, mixture) + 15


def test_drums_are_separated_from_the_song():
    song = load_song(mono=True)
    drums, rest = song.stems["drums"], song.mixture - song.stems["drums"]
    harmonic, percussive = separate_hpss(song.mixture)
    assert si_sdr(drums, percussive) > si_sdr(drums, song.mixture) + 5
    assert si_sdr(rest, harmonic) > si_sdr(rest, song.mixture) + 2.5


# ---- だめな入力 ----------------------------------------------------------------------

S = np.ones((5, 7))
Y = np.ones(4000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: median_filter(S, 4), "size は奇数.*4"),
        (lambda: median_filter(S, 0), "size は 1 以上の整数"),
        (lambda: median_filter(S, 3, axis=2), "axis=2"),
        (lambda: median_filter([1, 2, 3], 3), "x は浮動小数点"),
        (lambda: median_filter([np.nan], 3), "x に NaN"),
        (lambda: median_filter(np.ones((0, 3)), 3), "x が空"),
        (lambda: hpss(np.ones(5)), r"n_freq, n_frames.*\(5,\)"),
        (lambda: hpss(-S), r"0 以上.*-1\.0"),
        (lambda: hpss(S * np.inf), "S に NaN か無限大"),
        (lambda: hpss(S.astype(int)), "S は浮動小数点か複素数"),
        (lambda: hpss(S, kernel_size=(31, 30)), "kernel_size は奇数.*30"),
        (lambda: hpss(S, kernel_size=(31, 31, 31)), "2 つの組"),
        (lambda: hpss(S, margin=0.5), r"margin は 1 以上.*0\.5"),
        (lambda: hpss(S, margin=np.nan), "margin は正の数"),
        (lambda: hpss(S, power=0), "power は正の数"),
        (lambda: hpss(S, power=np.nan), "power は正の数"),
        (lambda: separate_hpss(np.ones(9, int)), "mixture は浮動小数点"),
        (lambda: separate_hpss([]), "mixture が空"),
        (lambda: separate_hpss(Y, margin=(1.0, 0.0)), "margin は正の数"),
        (lambda: separate_hpss(Y, kernel_size=2.5), "kernel_size は 1 以上の整数"),
        (lambda: separate_hpss(Y, hop_length=4096), "hop_length=4096"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            call()
