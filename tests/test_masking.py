"""マスクの試験：和が 1 になること、和が混合音に戻ること、理想マスクの階段。"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sstut import masking
from sstut.data import load_song
from sstut.representations import stft


@st.composite
def spectrograms(draw, min_sources=1):
    """音源を並べたスペクトログラム。0 のビン、同点のビン、非正規化数も混ざる。"""
    n_sources = draw(st.integers(min_sources, 4))
    lead = draw(st.sampled_from([(), (1,), (2,)]))
    dtype = draw(st.sampled_from(["complex64", "complex128"]))
    scale = draw(st.sampled_from([1.0, 1e-30, 1e15]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (n_sources, *lead, 5, 7)
    S = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * scale
    S[:, ..., 0, :] = 0  # どの音源も 0
    S[..., 1, :] = S[:1, ..., 1, :]  # 全音源が同点
    S[0, ..., 2, :] = 0  # 1 つだけ 0
    S[..., 3, :] *= 1e-10
    return S.astype(dtype)


def eps(x):
    return np.finfo(x.dtype).eps


# ---- 理想マスク ----------------------------------------------------------------------


@given(spectrograms(), st.sampled_from([1, 2, 0.5, 20.0]))
def test_ideal_masks_sum_to_one(S, power):
    for mask in (masking.ideal_binary_mask(S), masking.ideal_ratio_mask(S, power)):
        assert mask.shape == S.shape
        assert mask.dtype == S.real.dtype
        assert mask.min() >= 0
        np.testing.assert_allclose(mask.sum(axis=0), 1, rtol=8 * eps(S))


@given(spectrograms())
def test_binary_mask_passes_the_strongest_source(S):
    mask = masking.ideal_binary_mask(S)
    assert set(np.unique(mask)) <= {0.0, 1.0}
    np.testing.assert_array_equal(mask.argmax(axis=0), np.abs(S).argmax(axis=0))
    assert mask[0, ..., :2, :].all()  # 無音と同点のビンは、先の音源に渡る


@given(spectrograms(min_sources=2), st.floats(0.5, 20))
def test_threshold_of_the_binary_mask_is_the_local_snr(S, threshold_db):
    level = np.abs(S)
    rival = np.stack([np.delete(level, i, axis=0).max(axis=0) for i in range(len(S))])
    strict = masking.ideal_binary_mask(S, threshold_db)
    np.testing.assert_array_equal(strict, level > 10 ** (threshold_db / 20) * rival)
    lenient = masking.ideal_binary_mask(S, -threshold_db)
    middle = masking.ideal_binary_mask(S)
    assert np.all(strict <= middle)
    assert np.all(middle <= lenient)
    clear = rival > 0
    np.testing.assert_array_equal(
        (lenient - middle)[clear] > 0,
        ((level > 10 ** (-threshold_db / 20) * rival) & (middle == 0))[clear],
    )


def test_ratio_masks_are_the_textbook_ones():
    S = np.array([[[3.0 + 0j]], [[4.0j]]])
    np.testing.assert_allclose(masking.ideal_ratio_mask(S).ravel(), [3 / 7, 4 / 7])
    np.testing.assert_allclose(masking.ideal_ratio_mask(S, 2).ravel(), [9 / 25, 16 / 25])
    np.testing.assert_allclose(masking.ideal_ratio_mask(S, 200).ravel(), [0, 1], atol=1e-20)
    np.testing.assert_allclose(masking.phase_sensitive_mask(S).ravel(), [9 / 25, 16 / 25])
    np.testing.assert_allclose(masking.complex_ideal_ratio_mask(S).ravel(), S.ravel() / (3 + 4j))


@given(spectrograms())
def test_silent_bins_are_shared_equally_by_ratio_masks(S):
    mask = masking.ideal_ratio_mask(S, 2)
    np.testing.assert_array_equal(mask[..., 0, :], mask.dtype.type(1 / len(S)))


@given(spectrograms())
def test_complex_mask_gives_the_sources_back(S):
    X = S.sum(axis=0)
    mask = masking.complex_ideal_ratio_mask(S)
    restored = masking.apply_mask(mask, X)
    np.testing.assert_allclose(restored, S, rtol=0, atol=20 * eps(S) * np.abs(S).max())
    assert not mask[..., 0, :].any()


@given(spectrograms())
def test_phase_sensitive_mask_is_the_best_real_mask(S):
    X = S.sum(axis=0)
    scale = np.abs(S).max()
    mask = masking.phase_sensitive_mask(S)
    best = np.abs(masking.apply_mask(mask, X) - S)
    for change in (-0.1, 0.1):
        moved = np.abs(masking.apply_mask(mask + mask.dtype.type(change), X) - S)
        assert np.all(best <= moved + 20 * eps(S) * scale)
    sounding = np.abs(X) > np.maximum(1e-3 * np.abs(S).max(axis=0), 1e-37)
    np.testing.assert_allclose(mask.sum(axis=0)[sounding], 1, atol=4e4 * eps(S))
    clipped = masking.phase_sensitive_mask(S, X, clip=(0, 1))
    np.testing.assert_array_equal(clipped, np.clip(mask, 0, 1))


@given(spectrograms())
def test_compression_bounds_the_mask_and_comes_back(S):
    mask = masking.complex_ideal_ratio_mask(S).astype(complex)
    small = np.where(np.abs(mask) < 100, mask, 0)
    compressed = masking.compress_mask(small)
    assert max(np.abs(compressed.real).max(), np.abs(compressed.imag).max()) < 10
    np.testing.assert_allclose(masking.expand_mask(compressed), small, rtol=1e-9, atol=1e-12)


# ---- 掛ける・反転・二値化 --------------------------------------------------------------


def test_masks_are_broadcast_over_channels(rng):
    mono, stereo = rng.standard_normal((5, 7)) + 0j, rng.standard_normal((2, 5, 7)) + 0j
    one, three, full = rng.random((5, 7)), rng.random((3, 5, 7)), rng.random((3, 2, 5, 7))
    np.testing.assert_array_equal(masking.apply_mask(one, mono), one * mono)
    np.testing.assert_array_equal(masking.apply_mask(one, stereo), one * stereo)
    np.testing.assert_array_equal(masking.apply_mask(three, mono), three * mono)
    np.testing.assert_array_equal(masking.apply_mask(three, stereo), three[:, None] * stereo)
    np.testing.assert_array_equal(masking.apply_mask(full, stereo), full * stereo)
    # 音源の数とチャネルの数が同じでも、先頭はいつも音源
    assert masking.apply_mask(three[:2], stereo).shape == (2, 2, 5, 7)
    assert masking.apply_mask(one, stereo.astype(np.complex64)).dtype == np.complex64
    assert masking.apply_mask(one > 0.5, np.abs(mono).astype(np.float32)).dtype == np.float32


def test_invert_and_binarize(rng):
    mask = rng.random((5, 7)).astype(np.float32)
    np.testing.assert_array_equal(masking.invert_mask(mask), 1 - mask)
    np.testing.assert_array_equal(masking.invert_mask(mask > 0.5), ~(mask > 0.5))
    assert masking.invert_mask(mask).dtype == np.float32
    np.testing.assert_array_equal(masking.binarize([0.0, 0.5, 0.51, 1.0]), [0, 0, 1, 1])
    np.testing.assert_array_equal(masking.binarize(mask, 0.2), mask > 0.2)


# ---- W-disjoint orthogonality --------------------------------------------------------


def test_disjoint_sources_have_wdo_one():
    S = np.zeros((2, 4, 4), complex)
    S[0, :2], S[1, 2:] = 1.0, 2.0j
    measured = masking.w_disjoint_orthogonality(masking.ideal_binary_mask(S), S)
    np.testing.assert_array_equal(measured.wdo, [1, 1])
    np.testing.assert_array_equal(measured.psr, [1, 1])
    np.testing.assert_array_equal(measured.sir, [np.inf, np.inf])


@given(spectrograms(min_sources=2))
def test_wdo_follows_the_definition_and_the_ibm_maximises_it(S):
    S = S.astype(complex) / np.abs(S).max()
    # 0 dB のマスク（相手は「ほかの和」）が WDO を最大にする：Yilmaz & Rickard の定理
    interference = S.sum(axis=0) - S
    best = (np.abs(S) > np.abs(interference)).astype(float)
    measured = masking.w_disjoint_orthogonality(best, S)
    np.testing.assert_allclose(measured.wdo, measured.psr - measured.psr / measured.sir)
    rng = np.random.default_rng(0)
    for _ in range(5):
        other = (rng.random(S.shape) < 0.5).astype(float)
        mixed = masking.w_disjoint_orthogonality(
            np.where(rng.random(S.shape) < 0.7, best, other), S
        )
        assert np.all(mixed.wdo <= measured.wdo + 1e-12)


# ---- 波形から波形へ --------------------------------------------------------------------


@given(
    st.integers(200, 3000),
    st.sampled_from([(), (1,), (2,)]),
    st.integers(1, 4),
    st.sampled_from([{}, {"n_fft": 255, "hop_length": 60}, {"n_fft": 256, "win_length": 200}]),
    st.sampled_from(["float32", "float64"]),
)
def test_separated_waveforms_add_up_to_the_mixture(n, lead, n_sources, params, dtype):
    rng = np.random.default_rng(n)
    mixture = rng.standard_normal((*lead, n)).astype(dtype)
    shape = stft(mixture, **params).shape
    masks = masking.ideal_ratio_mask(rng.random((n_sources, *shape)).astype(dtype))
    for m in (masks, masks if not lead else masks[:, 0]):
        waveforms = masking.separate(mixture, m, **params)
        assert waveforms.shape == (n_sources, *mixture.shape)
        assert waveforms.dtype == mixture.dtype
        np.testing.assert_allclose(
            waveforms.sum(axis=0), mixture, rtol=0, atol=200 * eps(mixture) * np.abs(mixture).max()
        )


def test_one_mask_gives_one_waveform(rng):
    mixture = rng.standard_normal((2, 4000))
    mask = np.ones(stft(mixture).shape[-2:])
    np.testing.assert_allclose(masking.separate(mixture, mask), mixture, atol=1e-12)
    assert not masking.separate(mixture, 0 * mask).any()


def test_silence_stays_silent():
    silence = np.zeros((2, 5000), np.float32)
    S = stft(np.stack([silence] * 3))
    for masks in (
        masking.ideal_binary_mask(S),
        masking.ideal_ratio_mask(S),
        masking.phase_sensitive_mask(S),
        masking.complex_ideal_ratio_mask(S),
    ):
        assert np.isfinite(masks).all()
        assert not masking.separate(silence, masks).any()


def test_two_tones_are_separated():
    """答えの分かる分離：440 Hz と 1 kHz の混合から、二値マスクがそれぞれを取り出す。"""
    t = np.arange(22050) / 22050
    tones = np.stack([np.sin(2 * np.pi * 440 * t), 0.5 * np.sin(2 * np.pi * 1000 * t)])
    masks = masking.ideal_binary_mask(stft(tones))
    for tone, waveform in zip(tones, masking.separate(tones.sum(axis=0), masks), strict=True):
        assert si_sdr(waveform[2048:-2048], tone[2048:-2048]) > 40


def si_sdr(estimate, reference):
    """SI-SDR [dB]。チャネルはつないで 1 本とみなす（平均は引かない）。"""
    estimate, reference = estimate.ravel().astype(float), reference.ravel().astype(float)
    target = reference * (estimate @ reference) / (reference @ reference)
    return 10 * np.log10(target @ target / ((estimate - target) @ (estimate - target)))


def test_oracle_masks_form_a_ladder_on_the_song():
    """付属の曲で、混合音 < IBM・IRM・Wiener < PSM < cIRM（ほぼ正解）。どの音源でも成り立つ。"""
    song = load_song()
    sources = np.stack(list(song.stems.values())).astype(np.float64)
    mixture = sources.sum(axis=0)
    S = stft(sources)
    ladder = {
        "ibm": masking.ideal_binary_mask(S),
        "irm": masking.ideal_ratio_mask(S),
        "wiener": masking.ideal_ratio_mask(S, power=2),
        "psm": masking.phase_sensitive_mask(S),
        "cirm": masking.complex_ideal_ratio_mask(S),
    }
    scores = {
        name: [si_sdr(*pair) for pair in zip(masking.separate(mixture, m), sources, strict=True)]
        for name, m in ladder.items()
    }
    for i, source in enumerate(sources):
        unprocessed = si_sdr(mixture, source)
        real = [scores[name][i] for name in ("ibm", "irm", "wiener")]
        assert unprocessed + 3 < min(real)
        assert max(real) < scores["psm"][i]
        assert scores["psm"][i] + 20 < scores["cirm"][i]
        assert scores["cirm"][i] > 100


# ---- だめな入力 ----------------------------------------------------------------------

X = np.ones((5, 7), complex)
S2 = np.ones((2, 5, 7), complex)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: masking.apply_mask(np.ones((5, 8)), X), r"\(5, 8\).*\(5, 7\)"),
        (lambda: masking.apply_mask(np.ones((2, 2, 5, 7)), X), r"\(2, 2, 5, 7\)"),
        (lambda: masking.apply_mask(np.ones((2, 3, 5, 7)), S2), r"\(2, 3, 5, 7\)"),
        (lambda: masking.apply_mask(np.ones(7), X), r"mask の形 \(7,\)"),
        (lambda: masking.apply_mask(np.full((5, 7), np.nan), X), "mask に NaN"),
        (
            lambda: masking.apply_mask(np.ones((5, 7)), np.full((5, 7), np.inf)),
            "spectrogram に NaN",
        ),
        (lambda: masking.apply_mask([["a"]], X), "mask は浮動小数点"),
        (lambda: masking.invert_mask([]), "mask が空"),
        (lambda: masking.binarize(X), "複素数のマスク"),
        (lambda: masking.ideal_binary_mask(X), "n_sources"),
        (lambda: masking.ideal_ratio_mask(S2, power=0), "power は正の数"),
        (lambda: masking.ideal_ratio_mask(S2 * np.nan), "sources に NaN"),
        (lambda: masking.phase_sensitive_mask(np.abs(S2)), "複素数"),
        (lambda: masking.complex_ideal_ratio_mask(S2, X[:, :3]), r"\(5, 3\).*\(5, 7\)"),
        (lambda: masking.expand_mask([10.0]), "10.0 より小さく"),
        (lambda: masking.w_disjoint_orthogonality(np.abs(S2), 0 * S2), r"無音の音源.*\[0, 1\]"),
        (lambda: masking.w_disjoint_orthogonality(np.ones((5, 7)), S2), "masks の形"),
        (lambda: masking.separate(np.ones((1, 2, 9)), np.ones((5, 7))), "mixture は"),
        (lambda: masking.separate(np.ones(4000), np.ones((2, 5, 7))), r"\(2, 5, 7\).*\(1025, 8\)"),
        (lambda: masking.separate(np.array([0, 1]), np.ones((5, 7))), "mixture は浮動小数点"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()
