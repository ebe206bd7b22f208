"""REPET・REPET-SIM・2DFT の試験：定義どおりの素朴な計算と同じで、くり返す伴奏と旋律を分ける。"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sstut import repetition as module
from sstut.data import load_song
from sstut.evaluation import si_sdr
from sstut.repetition import (
    beat_spectrum,
    find_period,
    ft2d,
    ft2d_peaks,
    repet,
    repet_sim,
    separate_ft2d,
    separate_repet,
    separate_repet_sim,
    similar_frames,
)
from sstut.representations import stft

SEEDS = st.integers(0, 2**32)
LEADS = st.sampled_from([(), (1,), (2,)])
DTYPES = st.sampled_from(["float32", "float64"])
SEPARATORS = [separate_repet, separate_repet_sim, separate_ft2d]


def spectrogram(seed, lead=(), n_freq=9, n_frames=40, dtype="float64"):
    """0 の列と 0 の行のある、振幅スペクトログラム。"""
    S = np.random.default_rng(seed).exponential(size=(*lead, n_freq, n_frames))
    S[..., 2, :] = 0
    S[..., :, 7] = 0
    return S.astype(dtype)


def periodic(seed, period, n_frames, lead=(), n_freq=9):
    one = np.random.default_rng(seed).exponential(size=(*lead, n_freq, period))
    return one[..., np.arange(n_frames) % period]


# ---- ビートスペクトルと周期 --------------------------------------------------------------


@given(SEEDS, LEADS, st.integers(1, 40), DTYPES)
def test_beat_spectrum_is_the_autocorrelation_of_the_power(seed, lead, n_frames, dtype):
    S = np.random.default_rng(seed).exponential(size=(*lead, 9, n_frames)).astype(dtype)
    power = S.astype(float).reshape(-1, n_frames) ** 2
    expected = np.array(
        [
            np.mean([row[: n_frames - lag] @ row[lag:] / (n_frames - lag) for row in power])
            for lag in range(n_frames)
        ]
    )
    # FFT の丸め誤差は、ずれ 0 の和に比例する。重なりの数で割る前の和で比べる
    overlap = np.arange(n_frames, 0, -1)
    tolerance = 20 * np.finfo(dtype).eps * n_frames
    for given_as in (S, S * 1e-15, S * np.exp(1j)):
        beat = beat_spectrum(given_as)
        np.testing.assert_allclose(
            beat * overlap, expected / expected[0] * overlap, rtol=0, atol=tolerance
        )


@given(SEEDS, st.integers(5, 20), LEADS)
def test_beat_spectrum_peaks_at_the_period(seed, period, lead):
    S = periodic(seed, period, 8 * period, lead)
    beat = beat_spectrum(S)
    np.testing.assert_allclose(beat[: 7 * period : period][1:], 1, atol=0.5)
    for bounds in ({}, {"min_period": 2}, {"max_period": 3 * period}):
        assert find_period(beat, **bounds) == period


def test_period_is_the_highest_peak_or_a_shorter_one_of_nearly_the_same_height():
    beat = np.zeros(60)
    beat[[4, 6, 12, 18]] = 0.6, 0.97, 1.0, 0.99
    assert find_period(beat) == 6
    assert find_period(beat, tolerance=0) == 12
    assert find_period(beat, tolerance=0.5) == 4
    assert find_period(beat, min_period=7) == 12
    assert find_period(beat, min_period=13) == 18
    assert find_period(beat, max_period=5) == 4


def test_a_slope_is_not_a_peak():
    """ずれが小さい所の坂は、範囲の端で最も高くても周期ではない。"""
    beat = np.linspace(1, 0, 60)
    beat[15] = 0.8
    assert np.argmax(beat[3:21]) == 0
    assert find_period(beat, min_period=3) == 15
    assert find_period(np.linspace(1, 0, 60), min_period=3) == 3  # 峰がなければ最大の点
    assert find_period(np.linspace(0, 1, 60)) == 20


# ---- REPET -----------------------------------------------------------------------------


@given(SEEDS, LEADS, st.integers(1, 20), DTYPES, st.booleans())
def test_repet_is_the_median_over_the_periods(seed, lead, period, dtype, complex_valued):
    S = spectrogram(seed, lead, dtype=dtype)
    background = repet(S * np.exp(1j * S).astype("complex64") if complex_valued else S, period)
    model = np.empty(S.shape)
    for t in range(40):
        model[..., t] = np.median(S[..., t % period :: period], axis=-1)
    tolerance = 1e-5 if complex_valued else 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(background.model, model, rtol=tolerance)
    # nussl の式：両方に小さな数を足して割る。0 の点は 1 になる
    mask = (np.minimum(model, S) + 1e-16) / (S + 1e-16)
    np.testing.assert_allclose(background.mask, mask, rtol=0, atol=10 * tolerance + 1e-13)
    assert background.model.shape == background.mask.shape == S.shape
    assert complex_valued or background.mask.dtype == dtype


@given(SEEDS, st.integers(3, 13), LEADS)
def test_a_strict_repetition_is_all_background_and_a_rare_guest_is_foreground(seed, period, lead):
    S = periodic(seed, period, 5 * period + 2, lead)
    np.testing.assert_array_equal(repet(S, period).mask, 1)
    np.testing.assert_allclose(
        repet_sim(S, min_distance=period - 1, min_similarity=1 - 1e-9).mask, 1, atol=1e-12
    )
    guest = S.copy()
    guest[..., 4, period + 1] += 10  # どの周期にも 1 度だけ現れる
    found = repet(guest, period)
    np.testing.assert_array_equal(found.model, S)
    np.testing.assert_allclose(found.mask * guest, S, rtol=1e-12)


# ---- REPET-SIM -------------------------------------------------------------------------


@given(
    SEEDS,
    LEADS,
    st.integers(1, 12),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.5, 0.7, 1.0]),
    st.booleans(),
)
def test_similar_frames_follow_the_definition(seed, lead, distance, most, least, repeating):
    S = periodic(seed, 6, 40, lead) if repeating else spectrogram(seed, lead)
    S = np.round(S, 1)  # 同じフレームが並ぶこともあるようにする
    S[..., 20:24] = S[..., 20:21]
    frames = S.reshape(-1, 40).T
    norm = np.linalg.norm(frames, axis=1)
    norm[norm == 0] = 1
    similarity = (frames / norm[:, None]) @ (frames / norm[:, None]).T
    found = similar_frames(S, max_repeats=most, min_distance=distance, min_similarity=least)
    assert len(found) == 40
    for t, chosen in enumerate(found):
        assert t in chosen
        assert 1 <= len(chosen) <= most
        assert np.all(np.diff(chosen) > 0)
        row = similarity[t].copy()
        row[t] = np.inf
        for i in chosen:
            near = row[max(0, i - distance) : i + distance + 1]
            assert row[i] >= near.max() - 1e-12
            assert row[i] >= least - 1e-12
        assert np.all(np.diff(chosen) >= min(distance, 1))
        if not repeating and distance == 1 and least == 0 and most == 20:
            inner = np.array(
                [row[0] > row[1]]
                + [row[i] > row[i - 1] and row[i] >= row[i + 1] for i in range(1, 39)]
                + [row[39] > row[38]]
            )
            if not (np.abs(np.diff(similarity[t])) < 1e-12).any() and inner.sum() <= most:
                np.testing.assert_array_equal(chosen, np.flatnonzero(inner))


def test_the_most_similar_frames_are_kept():
    t = np.arange(30)
    S = np.stack([np.ones(30), 0.02 * t * (t % 5 == 0), 5.0 * (t % 5 != 0)])  # 5 ごとに似ている
    np.testing.assert_array_equal(similar_frames(S)[0], [0, 5, 10, 15, 20, 25])
    np.testing.assert_array_equal(similar_frames(S, max_repeats=3)[0], [0, 5, 10])
    np.testing.assert_array_equal(similar_frames(S, max_repeats=3)[25], [15, 20, 25])
    np.testing.assert_array_equal(similar_frames(S, min_distance=7)[0], [0])
    np.testing.assert_array_equal(similar_frames(S, min_similarity=0.99)[0], [0, 5])


@given(SEEDS, LEADS, st.integers(1, 9), st.integers(1, 20), DTYPES)
def test_repet_sim_is_the_median_of_the_similar_frames(seed, lead, distance, most, dtype):
    S = spectrogram(seed, lead, dtype=dtype)
    options = {"min_distance": distance, "max_repeats": most}
    background = repet_sim(S, **options)
    for t, chosen in enumerate(similar_frames(S, **options)):
        np.testing.assert_array_equal(
            background.model[..., t], np.median(S[..., chosen], axis=-1).astype(dtype)
        )
    assert background.mask.dtype == dtype
    assert background.mask.min() >= 0
    assert background.mask.max() <= 1
    np.testing.assert_array_equal(background.mask[S == 0], 1)


def test_long_recordings_are_processed_in_blocks_with_the_same_result(monkeypatch):
    S = spectrogram(0, (2,), 17, 300)
    whole = beat_spectrum(S), repet_sim(S, min_distance=5).model
    monkeypatch.setattr(module, "BLOCK", 1)
    np.testing.assert_allclose(beat_spectrum(S), whole[0], rtol=1e-12)
    np.testing.assert_array_equal(repet_sim(S, min_distance=5).model, whole[1])


# ---- 2DFT ------------------------------------------------------------------------------


@given(
    SEEDS,
    LEADS,
    st.sampled_from([(1, 5), (1, 25), (3, 5), (1, 1), [5, 3]]),
    st.integers(9, 12),
    st.integers(25, 28),
)
def test_peaks_follow_the_definition(seed, lead, neighborhood, n_freq, n_frames):
    S = spectrogram(seed, lead, n_freq, n_frames)
    level = np.abs(np.fft.fft2(S))
    a, b = neighborhood[0] // 2, neighborhood[1] // 2
    moved = np.stack(
        [np.roll(level, (i, j), (-2, -1)) for i in range(-a, a + 1) for j in range(-b, b + 1)]
    )
    span = moved.max(axis=0) - moved.min(axis=0)
    deviation = level.std(axis=(-2, -1), keepdims=True)
    clear = np.abs(span - deviation) > 1e-9 * level.max()
    expected = np.isclose(level, moved.max(axis=0), rtol=1e-12) & (span > deviation)
    found = ft2d_peaks(S, neighborhood)
    np.testing.assert_array_equal(found[clear], expected[clear])
    model = np.abs(np.fft.ifft2(np.fft.fft2(S) * found))
    background = ft2d(S, neighborhood)
    np.testing.assert_allclose(background.model, model, rtol=0, atol=1e-12 * S.max())
    mask = (np.minimum(model, S) + 1e-16) / (S + 1e-16)
    sounding = S > 1e-6
    np.testing.assert_allclose(background.mask[sounding], mask[sounding], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(background.mask[S == 0], 1)


@given(SEEDS, st.sampled_from([5, 8, 20]))
def test_a_periodic_spectrogram_has_peaks_only_at_the_harmonics_of_its_rate(seed, period):
    S = periodic(seed, period, 40 * period)
    peaks = ft2d_peaks(S)
    assert peaks.any()
    assert not np.delete(peaks, np.arange(0, 40 * period, 40), axis=-1).any()
    model = ft2d(S).model
    np.testing.assert_allclose(model[..., period:], model[..., :-period], atol=1e-9 * S.max())


# ---- 波形から波形へ --------------------------------------------------------------------

OPTIONS = [{}, {"n_fft": 255, "hop_length": 60, "high_pass_cutoff": 0.0}, {"window": "hamming"}]


@settings(max_examples=25)
@given(st.integers(9000, 12000), LEADS, st.sampled_from(OPTIONS), DTYPES)
def test_background_and_foreground_add_up_to_the_mixture(n, lead, options, dtype):
    mixture = np.random.default_rng(n).standard_normal((*lead, n)).astype(dtype)
    for separate in SEPARATORS:
        sources = separate(mixture, 2000, **options)
        assert sources.shape == (2, *mixture.shape)
        assert sources.dtype == mixture.dtype
        np.testing.assert_allclose(
            sources.sum(axis=0),
            mixture,
            rtol=0,
            atol=4 * np.finfo(dtype).eps * np.abs(mixture).max(),
        )
        assert np.abs(sources[1]).max() > 0.1


@pytest.mark.parametrize("separate", SEPARATORS)
def test_silence_stays_silent(separate):
    assert not separate(np.zeros((2, 20000), np.float32), 4000).any()


@pytest.mark.parametrize("separate", SEPARATORS)
def test_frequencies_below_the_cutoff_are_background(separate, rng):
    sr = 8000
    t = np.arange(12 * sr) / sr
    once = np.sin(2 * np.pi * 60 * t) * np.exp(-(((t - 6) / 0.3) ** 2))  # 低い音が 1 度だけ鳴る
    mixture = 0.01 * rng.standard_normal(t.size) + once
    kept, removed = (
        np.sum((separate(mixture, sr, high_pass_cutoff=cutoff)[0] @ once) / (once @ once))
        for cutoff in (120.0, 0.0)
    )
    assert kept > 0.999
    assert removed < 0.7
    everything = separate(mixture, sr, high_pass_cutoff=sr / 2)[1]
    assert np.abs(everything).max() < 0.02  # 残るのは、ちょうど sr / 2 の 1 本だけ


def test_durations_are_in_seconds():
    back, lead, sr, period = piece()
    mixture = back + lead
    S = stft(mixture)
    given_period = separate_repet(mixture, sr, period=period)
    np.testing.assert_array_equal(separate_repet(mixture, sr, min_period=1.5), given_period)
    frames = round(period * sr / 512)
    np.testing.assert_array_equal(
        repet(S, frames).mask, repet(S, find_period(beat_spectrum(S), min_period=50)).mask
    )
    twice = separate_repet(mixture, sr, period=2 * period)
    np.testing.assert_array_equal(separate_repet(mixture, sr, min_period=2.5), twice)


# ---- 分離 ----------------------------------------------------------------------------


def piece():
    """約 2 秒ごとに厳密にくり返す伴奏と、くり返さない旋律。(伴奏, 旋律, sr, 周期 [秒])。"""
    rng = np.random.default_rng(0)
    sr, period, n = 22050, 86 * 512, 16 * 22050
    t = np.arange(period // 4) / sr
    bar = np.concatenate(
        [
            sum(np.sin(2 * np.pi * f * h * t) / h for h in range(1, 8)) * np.exp(-3 * t)
            for f in (131, 165, 196, 147)
        ]
    )
    for start in range(0, period - 1500, period // 8):
        hit = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 300)
        bar[start : start + 1500] += 1.5 * hit
    steps = np.arange(n) * 32 // n
    t = np.arange(n) / sr
    pitch = rng.choice([440, 494, 523, 587, 659, 698, 784], 32)[steps]
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * t))) / sr
    sung = np.convolve((rng.random(32) < 0.7)[steps], np.ones(400) / 400, "same")
    lead = sum(np.sin(h * phase) / h for h in range(1, 9)) * sung
    return np.resize(bar, n), lead, sr, period / sr


@pytest.mark.parametrize(
    ("separate", "options", "gains"),
    [
        (separate_repet, {}, (12, 12)),
        (separate_repet_sim, {"max_repeats": 10}, (4, 1.5)),
        (separate_ft2d, {"neighborhood": (1, 15)}, (6, 6)),
    ],
)
def test_a_repeating_accompaniment_is_separated_from_the_lead(separate, options, gains):
    """答えの分かる分離。背景と前景の SI-SDR が、混合音よりどれだけ [dB] よくなるか。"""
    back, lead, sr, _ = piece()
    mixture = back + lead
    for estimate, source, gain in zip(
        separate(mixture, sr, **options), (back, lead), gains, strict=True
    ):
        assert si_sdr(source, estimate) > si_sdr(source, mixture) + gain


@pytest.mark.parametrize(
    ("separate", "gains"),
    [(separate_repet, (9, 12)), (separate_repet_sim, (5, 8)), (separate_ft2d, (5, 7))],
)
def test_the_voice_is_separated_from_a_song_with_a_repeating_accompaniment(separate, gains):
    song = load_song("yokaze", mono=True)
    sources = (song.accompaniment, song.stems["vocals"])
    for estimate, source, gain in zip(separate(song.mixture, song.sr), sources, gains, strict=True):
        assert si_sdr(source, estimate) > si_sdr(source, song.mixture) + gain


def test_the_period_of_the_song_is_the_shortest_one_of_the_score():
    """最大の峰は周期の 2 倍にある。ほぼ同じ高さの短い方が、楽譜の 4 拍（1 小節）に一致する。"""
    song = load_song("yokaze", mono=True)
    frame = 512 / song.sr
    beat = beat_spectrum(stft(song.mixture))
    low, high = round(0.8 / frame), round(8 / frame)
    bar = 4 * 60 / song.score.tempo
    assert find_period(beat, min_period=low, max_period=high) == round(bar / frame)
    highest = find_period(beat, min_period=low, max_period=high, tolerance=0)
    assert highest == low + np.argmax(beat[low : high + 1]) == round(2 * bar / frame)


# ---- だめな入力 ----------------------------------------------------------------------

S = np.ones((5, 12))
Y = np.sin(np.arange(20000.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: beat_spectrum(np.ones(5)), r"n_freq, n_frames.*\(5,\)"),
        (lambda: beat_spectrum(-S), r"0 以上.*-1\.0"),
        (lambda: repet(S * np.nan, 3), "S に NaN"),
        (lambda: repet(S, 7), "周期 7 フレームが、全体の 12 フレームの半分"),
        (lambda: repet(S, 0), "period は 1 以上の整数"),
        (lambda: repet(S, 2.5), "period は 1 以上の整数"),
        (lambda: find_period(S), r"beat は \(n_frames,\)"),
        (lambda: find_period(np.ones(2)), "範囲 1〜0 フレームが、長さ 2 フレーム"),
        (lambda: find_period(np.ones(9), min_period=5, max_period=4), "範囲 5〜4"),
        (lambda: find_period(np.ones(9), max_period=9), "範囲 1〜9"),
        (lambda: find_period(np.ones(9), tolerance=2), "tolerance は 0〜1"),
        (lambda: similar_frames(S, max_repeats=0), "max_repeats は 1 以上の整数"),
        (lambda: similar_frames(S, min_distance=0), "min_distance は 1 以上の整数"),
        (lambda: repet_sim(S, min_similarity=1.1), "min_similarity は 0〜1"),
        (lambda: ft2d(S, (1, 4)), r"奇数 2 つの組.*\(1, 4\)"),
        (lambda: ft2d(S, 25), "奇数 2 つの組.*25"),
        (lambda: ft2d_peaks(S, (1, 3, 5)), "奇数 2 つの組"),
        (lambda: separate_repet(Y, 44100), "その 3 倍以上の長さ"),
        (lambda: separate_repet(Y, 4000, max_period=0.5), "0.5 秒"),
        (lambda: separate_repet(Y, 4000, period=3.0), "半分を超えて"),
        (lambda: separate_repet(Y, 4000, period=-1), "period は正の数"),
        (lambda: separate_repet(Y, 0), "sr は正の数"),
        (lambda: separate_repet_sim(Y, 44100), "min_distance=1 秒が、音の長さ"),
        (lambda: separate_ft2d(Y.astype(int), 4000), "mixture は浮動小数点"),
        (lambda: separate_ft2d([], 4000), "mixture が空"),
        (lambda: separate_ft2d(Y, 4000, high_pass_cutoff=2001), "0〜2000 Hz"),
        (lambda: separate_ft2d(Y, 4000, hop_length=4096), "hop_length=4096"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            call()
