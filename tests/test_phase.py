"""位相の試験：定義・librosa との一致、誤差が増えないこと、和が混合音に戻ること。"""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from sstut import masking, phase
from sstut.data import load_speech
from sstut.representations import istft, stft


@st.composite
def frame_params(draw):
    """波形に戻せることが確かな条件（hop_length ≦ win_length / 2）。奇数の n_fft もある。"""
    win_length = draw(st.integers(4, 64))
    return {
        "n_fft": draw(st.integers(win_length, 80)),
        "win_length": win_length,
        "hop_length": draw(st.integers(1, win_length // 2)),
        "window": draw(st.sampled_from(["hann", "hamming", "boxcar", ("kaiser", 8.0)])),
    }


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def random_phase(M, seed=0):
    """librosa.griffinlim(random_state=default_rng(seed)) と同じ位相。"""
    return 2 * np.pi * np.random.default_rng(seed).random(M.shape)


def padded_window(*, n_fft, win_length, window, hop_length=None):
    return librosa.util.pad_center(scipy.signal.get_window(window, win_length), size=n_fft)


def other_magnitude(seed, n, params, lead=()):
    """どの波形の振幅でもない（マスクを掛けた）振幅。"""
    M = np.abs(stft(noise(seed, *lead, n), **params))
    return M * np.random.default_rng(seed).uniform(0.1, 1.0, M.shape)


def squared_error(M, y, params):
    """振幅の二乗誤差を、負の周波数のビンまで数えたもの。減ることが証明できるのはこの量である。"""
    error = (np.abs(stft(y, **params)) - M) ** 2
    twice = np.full(error.shape[-2], 2.0)
    twice[0] = 1.0
    if params["n_fft"] % 2 == 0:
        twice[-1] = 1.0
    return float(np.sum(twice[:, np.newaxis] * error))


def si_sdr(estimate, reference):
    estimate, reference = estimate.astype(float), reference.astype(float)
    target = reference * (estimate @ reference) / (reference @ reference)
    return 10 * np.log10(target @ target / ((estimate - target) @ (estimate - target)))


# ---- 位相の式 ------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.sampled_from([np.float32, np.float64]))
def test_princarg_is_in_range_and_differs_by_turns(angle, dtype):
    angle = dtype(angle)
    wrapped = phase.princarg(angle)
    assert wrapped.dtype == dtype
    assert -dtype(np.pi) < wrapped <= dtype(np.pi)
    assert phase.princarg(wrapped) == wrapped
    turns = (float(angle) - float(wrapped)) / (2 * np.pi)
    assert abs(turns - round(turns)) <= 4 * np.finfo(dtype).eps * max(1, abs(float(angle)))


@given(st.floats(-3.14, 3.14), st.integers(-1000, 1000))
def test_princarg_forgets_whole_turns(angle, turns):
    assert phase.princarg(angle) == angle
    np.testing.assert_allclose(phase.princarg(angle + 2 * np.pi * turns), angle, atol=1e-11)
    np.testing.assert_allclose(phase.princarg(angle), np.angle(np.exp(1j * angle)), atol=1e-15)


def test_princarg_keeps_plus_pi_at_the_seam():
    odd = np.pi * np.array([-3.0, -1.0, 1.0, 3.0])
    np.testing.assert_array_equal(phase.princarg(odd), np.pi)
    assert phase.princarg(np.nextafter(np.pi, 4)) < 0
    assert phase.princarg([0, 7]).dtype == np.float64


@pytest.mark.parametrize("frequency", [300.0, 440.0, 1234.5, 3000.0])
@pytest.mark.parametrize("hop_length", [64, 100, 256])
def test_phase_advance_is_the_step_of_a_tone_from_frame_to_frame(frequency, hop_length):
    sr, n_fft = 8000, 1024
    y = np.cos(2 * np.pi * frequency * np.arange(sr) / sr + 0.7)
    S = stft(y, n_fft=n_fft, hop_length=hop_length, window="blackmanharris")
    inner = S[:, n_fft // hop_length : -n_fft // hop_length]  # 端の穴埋めにかからないフレーム
    peak = np.angle(inner[round(frequency * n_fft / sr)])
    expected = phase.princarg(phase.phase_advance(frequency, hop_length, sr))
    step = phase.princarg(np.diff(peak) - expected)
    assert np.abs(step).max() < 1e-3


def test_phase_advance_of_many_frequencies():
    np.testing.assert_allclose(
        phase.phase_advance(np.array([0.0, 1000.0, 4000.0]), 4, 8000), [0, np.pi, 4 * np.pi]
    )


# ---- 混合音の位相 ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mixture_phase_is_a_real_mask_on_the_complex_spectrogram(dtype):
    sources = noise(0, 3, 4000).astype(dtype)
    X = stft(sources.sum(axis=0), n_fft=256)
    M = np.abs(stft(sources, n_fft=256))
    phased = phase.mixture_phase(M, X)
    assert phased.dtype == X.dtype
    masked = masking.apply_mask(M / np.abs(X), X)
    np.testing.assert_allclose(phased, masked, rtol=0, atol=8 * np.finfo(dtype).eps * M.max())
    np.testing.assert_allclose(np.abs(phased), M, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(phased[1], phase.mixture_phase(M[1], X))


# ---- つじつまと収束度 --------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(100, 400), frame_params(), st.sampled_from([(), (2,)]))
def test_only_the_transform_of_a_waveform_is_consistent(seed, n, params, lead):
    S = stft(noise(seed, *lead, n), **params)
    assert phase.consistency(S, **params, length=n) < 1e-10
    mask = np.random.default_rng(seed).uniform(0, 1, S.shape)
    inconsistency = phase.consistency(S * mask, **params, length=n)
    rebuilt = stft(istft(S * mask, **params, length=n), **params)
    expected = np.linalg.norm(rebuilt - S * mask) / np.linalg.norm(S * mask)
    np.testing.assert_allclose(inconsistency, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_fft", [256, 255])
def test_consistency_equals_its_definition_by_librosa(n_fft):
    S = stft(noise(1, 3000), n_fft=n_fft, hop_length=64) * (noise(2, n_fft // 2 + 1, 47) > 0)
    params = {"n_fft": n_fft, "hop_length": 64}
    y = librosa.istft(S, **params, length=3000)
    rebuilt = librosa.stft(y, **params)
    expected = np.linalg.norm(rebuilt - S) / np.linalg.norm(S)
    assert expected > 0.1
    np.testing.assert_allclose(phase.consistency(S, **params, length=3000), expected, rtol=1e-10)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spectral_convergence_is_a_ratio_of_norms(scale, dtype):
    M, S = np.abs(noise(3, 2, 9, 7)), noise(4, 2, 9, 7) + 1j * noise(5, 2, 9, 7)
    expected = np.sqrt(np.sum((np.abs(S) - M) ** 2) / np.sum(M**2))
    scaled = (M * scale).astype(dtype), (S * scale).astype(np.result_type(dtype, np.complex64))
    rtol = 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(phase.spectral_convergence(*scaled), expected, rtol=rtol)
    np.testing.assert_allclose(
        phase.spectral_convergence(scaled[0], np.abs(scaled[1])), expected, rtol=rtol
    )


def test_ratios_to_silence():
    zero, one = np.zeros((5, 4)), np.ones((5, 4))
    assert phase.spectral_convergence(zero, zero) == 0
    assert phase.spectral_convergence(zero, one) == np.inf
    assert phase.spectral_convergence(one, zero) == 1
    assert phase.consistency(0j * zero) == 0


# ---- Griffin–Lim ---------------------------------------------------------------------


@given(
    st.integers(0, 10**6),
    st.integers(100, 400),
    frame_params(),
    st.sampled_from([0.0, 0.3, 0.99]),
    st.integers(0, 4),
)
def test_griffin_lim_equals_the_plain_one(seed, n, params, momentum, n_iter):
    M = other_magnitude(seed, n, params)
    start = random_phase(M, seed)
    fast = phase.griffin_lim(M, init=start, n_iter=n_iter, momentum=momentum, length=n, **params)
    plain = phase.griffin_lim_plain(
        M, start, padded_window(**params), params["hop_length"], n, n_iter, momentum
    )
    np.testing.assert_allclose(fast.waveform, plain.waveform, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fast.spectrogram, plain.spectrogram, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fast.losses, plain.losses, rtol=0, atol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
@pytest.mark.parametrize(
    ("n_fft", "hop_length", "win_length", "window", "center", "length"),
    [
        (512, 128, 512, "hann", True, 40_000),
        (512, 128, 400, "hann", True, None),
        (511, 90, 511, "blackman", True, 40_007),
        (2048, 512, 2048, "hann", True, 40_000),
        (256, 128, 256, "hamming", True, 40_001),
        (256, 60, 256, "hamming", False, None),
    ],
)
def test_griffin_lim_equals_librosa_from_the_same_start(
    momentum, n_fft, hop_length, win_length, window, center, length
):
    params = {"n_fft": n_fft, "hop_length": hop_length, "win_length": win_length}
    params |= {"window": window, "center": center}
    M = np.abs(stft(noise(6, 2, length or 40_000), **params))
    expected = librosa.griffinlim(
        M,
        n_iter=6,
        momentum=momentum,
        length=length,
        random_state=np.random.default_rng(8),
        **params,
    )
    result = phase.griffin_lim(
        M, n_iter=6, momentum=momentum, length=length, init=random_phase(M, 8), **params
    )
    np.testing.assert_allclose(result.waveform, expected, rtol=0, atol=1e-7)
    ours, theirs = (
        phase.spectral_convergence(M, stft(y, **params)) for y in (result.waveform, expected)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(100, 400), frame_params())
def test_error_never_rises_without_momentum(seed, n, params):
    M = other_magnitude(seed, n, params)
    errors = [
        squared_error(
            M,
            phase.griffin_lim(
                M, n_iter=k, momentum=0, init=random_phase(M), length=n, **params
            ).waveform,
            params,
        )
        for k in range(6)
    ]
    assert np.all(np.diff(errors) <= 1e-12 * errors[0])


@given(st.integers(0, 10**6), st.integers(100, 400), frame_params(), st.sampled_from([0.0, 0.99]))
def test_losses_are_those_of_the_waveforms_on_the_way(seed, n, params, momentum):
    M = other_magnitude(seed, n, params, lead=(2,))

    def run(n_iter):
        return phase.griffin_lim(
            M, n_iter=n_iter, momentum=momentum, init=random_phase(M), length=n, **params
        )

    losses = run(4).losses
    for k, loss in enumerate(losses):
        rebuilt = stft(run(k).waveform, **params)
        np.testing.assert_allclose(phase.spectral_convergence(M, rebuilt), loss, rtol=1e-8)


def speech_magnitude():
    speech = load_speech()
    y = next(iter(speech.sources.values()))[: 2 * speech.sr].astype(np.float32)
    return y, np.abs(stft(y, n_fft=1024, hop_length=256))


def test_losses_fall_on_speech_and_momentum_is_faster():
    y, M = speech_magnitude()
    params = {"hop_length": 256, "length": len(y), "rng": 0}
    classic = phase.griffin_lim(M, momentum=0, **params)
    fast = phase.griffin_lim(M, **params)
    assert np.all(np.diff(classic.losses) <= 0)
    assert classic.losses[-1] < 0.5 * classic.losses[0]
    assert fast.losses[-1] < 0.9 * classic.losses[-1]
    assert fast.losses[0] == classic.losses[0]  # 同じ初期値から始めている


@given(st.integers(0, 10**6), st.integers(100, 400), frame_params(), st.sampled_from([0.0, 0.99]))
def test_true_phase_is_a_fixed_point(seed, n, params, momentum):
    y = noise(seed, n)
    S = stft(y, **params)
    result = phase.griffin_lim(np.abs(S), init=S, momentum=momentum, n_iter=3, length=n, **params)
    np.testing.assert_allclose(result.waveform, y, atol=1e-9)
    np.testing.assert_allclose(result.spectrogram, S, atol=1e-7)
    assert result.losses.max() < 1e-10


@given(st.integers(0, 10**6), st.integers(100, 400), frame_params(), st.integers(0, 3))
def test_spectrogram_has_the_given_magnitude_and_gives_the_waveform(seed, n, params, n_iter):
    M = other_magnitude(seed, n, params, lead=(2,))
    result = phase.griffin_lim(M, n_iter=n_iter, length=n, rng=seed, **params)
    np.testing.assert_allclose(np.abs(result.spectrogram), M, rtol=1e-12)
    np.testing.assert_allclose(
        istft(result.spectrogram, length=n, **params), result.waveform, atol=1e-10
    )


def test_classic_run_can_be_continued():
    M = other_magnitude(0, 3000, {"n_fft": 256})
    params = {"momentum": 0, "length": 3000}
    whole = phase.griffin_lim(M, n_iter=7, rng=0, **params)
    half = phase.griffin_lim(M, n_iter=3, rng=0, **params)
    rest = phase.griffin_lim(M, n_iter=4, init=half.spectrogram, **params)
    np.testing.assert_allclose(rest.waveform, whole.waveform, atol=1e-9)
    np.testing.assert_allclose(np.r_[half.losses, rest.losses], whole.losses, rtol=1e-9)


def test_init_takes_names_phases_and_spectrograms():
    M = other_magnitude(0, 3000, {"n_fft": 256}, lead=(2,))
    angle = random_phase(M)

    def run(init, **more):
        return phase.griffin_lim(M, n_iter=3, init=init, length=3000, **more).waveform

    np.testing.assert_array_equal(run("zero"), run(np.zeros(M.shape)))
    np.testing.assert_allclose(run(angle), run(5 * np.exp(1j * angle)), atol=1e-10)
    np.testing.assert_array_equal(run("random", rng=3), run("random", rng=np.random.default_rng(3)))
    assert np.abs(run("random", rng=3) - run("random", rng=4)).max() > 0.01
    np.testing.assert_array_equal(run(angle)[1], run(np.broadcast_to(angle[1], M.shape))[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n_fft", "hop_length"), [(2048, 512), (1023, 300), (64, 3)])
def test_many_blocks_keep_the_precision(dtype, n_fft, hop_length):
    """かたまりをいくつもまたぐ長さで、精度を保ち、float64 の読むための実装と一致する。"""
    y = noise(7, 300 * hop_length + 17).astype(dtype)
    M = np.abs(stft(y, n_fft=n_fft, hop_length=hop_length))
    start = random_phase(M)
    params = {"n_iter": 2, "length": len(y)}
    result = phase.griffin_lim(M, init=start, n_fft=n_fft, hop_length=hop_length, **params)
    plain = phase.griffin_lim_plain(
        M.astype(float), start, scipy.signal.get_window("hann", n_fft), hop_length, **params
    )
    assert result.waveform.dtype == dtype
    assert result.spectrogram.dtype == np.result_type(dtype, np.complex64)
    error = np.linalg.norm(result.waveform - plain.waveform) / np.linalg.norm(plain.waveform)
    assert error < 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(result.losses, plain.losses, rtol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [2.0**-90, 2.0**110])
def test_scale_changes_nothing_but_the_scale(scale):
    M = other_magnitude(0, 3000, {"n_fft": 256}).astype(np.float32)
    one = phase.griffin_lim(M, n_iter=3, rng=0, length=3000)
    other = phase.griffin_lim(M * np.float32(scale), n_iter=3, rng=0, length=3000)
    np.testing.assert_array_equal(other.waveform, one.waveform * np.float32(scale))
    np.testing.assert_array_equal(other.losses, one.losses)
    mixture = noise(1, 3000).astype(np.float32)
    one = phase.misi(M[np.newaxis], mixture, n_iter=3)
    other = phase.misi(M[np.newaxis] * np.float32(scale), mixture * np.float32(scale), n_iter=3)
    np.testing.assert_array_equal(other.waveform, one.waveform * np.float32(scale))
    np.testing.assert_array_equal(other.losses, one.losses)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
@pytest.mark.parametrize("init", ["random", "zero"])
def test_silence_stays_silent(init, momentum):
    M = np.zeros((2, 129, 20), np.float32)
    result = phase.griffin_lim(M, init=init, momentum=momentum)
    assert not result.waveform.any()
    assert not result.spectrogram.any()
    np.testing.assert_array_equal(result.losses, 0)


def test_silent_bins_stay_silent():
    """振幅が 0 のビンと、0 が並ぶフレームがあっても、警告も NaN もない。"""
    M = other_magnitude(0, 4000, {"n_fft": 256})
    M[:, 20:40] = 0
    M[::3] = 0
    result = phase.griffin_lim(M, rng=0)
    assert np.isfinite(result.waveform).all()
    np.testing.assert_array_equal(result.spectrogram[M == 0], 0)


def test_inputs_are_left_as_they_were():
    M, start = other_magnitude(0, 3000, {"n_fft": 256}), noise(1, 129, 47)
    copies = M.copy(), start.copy()
    phase.griffin_lim(M, init=start, n_iter=2)
    np.testing.assert_array_equal(M, copies[0])
    np.testing.assert_array_equal(start, copies[1])
    reordered = phase.griffin_lim(np.ascontiguousarray(M), init=start, n_iter=2)
    np.testing.assert_array_equal(
        reordered.waveform, phase.griffin_lim(np.asfortranarray(M), init=start, n_iter=2).waveform
    )


# ---- MISI ----------------------------------------------------------------------------


def misi_plain(magnitudes, mixture, n_iter, params):
    """論文の手順どおりの MISI。"""
    n = len(mixture)
    angle = np.angle(stft(mixture, **params)) * np.ones(magnitudes.shape)
    losses = []
    for k in range(n_iter + 1):
        S = magnitudes * np.exp(1j * angle)
        y = istft(S, length=n, **params)
        y = y + (mixture - y.sum(axis=0)) / len(y)
        if k < n_iter:
            rebuilt = stft(y, **params)
            losses.append(phase.spectral_convergence(magnitudes, rebuilt))
            angle = np.angle(rebuilt)
    return y, S, losses


@given(
    st.integers(0, 10**6),
    st.integers(100, 400),
    frame_params(),
    st.integers(1, 4),
    st.integers(0, 4),
)
def test_misi_follows_the_paper(seed, n, params, n_sources, n_iter):
    mixture = noise(seed, n_sources, n).sum(axis=0)
    M = other_magnitude(seed, n, params, lead=(n_sources,))
    result = phase.misi(M, mixture, n_iter=n_iter, **params)
    y, S, losses = misi_plain(M, mixture, n_iter, params)
    np.testing.assert_allclose(result.waveform, y, atol=1e-8)
    np.testing.assert_allclose(result.spectrogram, S, atol=1e-6)
    np.testing.assert_allclose(result.losses, losses, atol=1e-10)


@given(
    st.integers(0, 10**6),
    st.integers(100, 400),
    frame_params(),
    st.integers(1, 4),
    st.sampled_from([(), (2,)]),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([None, "random", "zero"]),
)
def test_misi_adds_up_to_the_mixture(seed, n, params, n_sources, lead, dtype, init):
    mixture = noise(seed, *lead, n).astype(dtype)
    M = other_magnitude(seed, n, params, lead=(n_sources, *lead)).astype(dtype)
    result = phase.misi(M, mixture, n_iter=2, init=init, rng=0, **params)
    assert result.waveform.shape == (n_sources, *lead, n)
    assert result.waveform.dtype == dtype
    assert result.spectrogram.shape == M.shape
    size = max(np.abs(result.waveform).max(), np.abs(mixture).max())
    np.testing.assert_allclose(
        result.waveform.sum(axis=0), mixture, rtol=0, atol=20 * np.finfo(dtype).eps * size
    )


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(100, 400), frame_params(), st.integers(2, 4))
def test_error_of_misi_never_rises(seed, n, params, n_sources):
    mixture = noise(seed, n)
    M = other_magnitude(seed, n, params, lead=(n_sources,))
    errors = [
        squared_error(M, phase.misi(M, mixture, n_iter=k, **params).waveform, params)
        for k in range(6)
    ]
    assert np.all(np.diff(errors) <= 1e-12 * errors[0])


def test_misi_of_channels_is_misi_of_each():
    mixture = noise(0, 2, 3000)
    M = other_magnitude(1, 3000, {"n_fft": 256}, lead=(3, 2))
    both = phase.misi(M, mixture, n_iter=3)
    for channel in (0, 1):
        alone = phase.misi(M[:, channel], mixture[channel], n_iter=3)
        np.testing.assert_allclose(both.waveform[:, channel], alone.waveform, atol=1e-12)


def test_misi_beats_griffin_lim_and_the_mixture_phase_on_speech():
    """振幅の正解を与えると、MISI はどの話者でも、混合音の位相と Griffin–Lim より元の声に近い。"""
    speech = load_speech()
    n = 3 * speech.sr
    sources = np.stack([y[:n] for y in speech.sources.values()]).astype(np.float64)
    mixture = sources.sum(axis=0)
    params = {"n_fft": 1024, "hop_length": 256}
    X, M = stft(mixture, **params), np.abs(stft(sources, **params))
    borrowed = istft(phase.mixture_phase(M, X), length=n, **params)
    start = np.broadcast_to(X, M.shape)
    alone = phase.griffin_lim(M, init=start, length=n, n_iter=50, **params).waveform
    together = phase.misi(M, mixture, n_iter=50, **params).waveform
    for i, source in enumerate(sources):
        scores = [si_sdr(y[i], source) for y in (borrowed, alone, together)]
        assert scores[2] > scores[1] + 1
        assert scores[2] > scores[0] + 3


def test_misi_of_silent_sources_shares_the_mixture():
    mixture = noise(0, 3000).astype(np.float32)
    M = np.zeros((2, *stft(mixture, n_fft=256).shape), np.float32)
    result = phase.misi(M, mixture, n_iter=2)
    np.testing.assert_allclose(result.waveform, np.stack([mixture / 2] * 2), rtol=1e-6)
    np.testing.assert_array_equal(result.losses, np.inf)
    assert not phase.misi(M, 0 * mixture).waveform.any()


# ---- だめな入力 ----------------------------------------------------------------------

M = np.ones((513, 9))
X = np.ones((513, 9), complex)
Y = np.ones(2048)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: phase.princarg(1j), "phase は実数.*complex128"),
        (lambda: phase.princarg(np.nan), "phase に NaN"),
        (lambda: phase.phase_advance(440, 0, 8000), "hop_length は 1 以上"),
        (lambda: phase.phase_advance(440, 4, 0), "sr は正の数"),
        (lambda: phase.phase_advance(np.inf, 4, 8000), "frequency に NaN か無限大"),
        (lambda: phase.mixture_phase(-M, X), "magnitude に負の値"),
        (lambda: phase.mixture_phase(M, M), "mixture_stft は complex64"),
        (lambda: phase.mixture_phase(M[:, 1:], X), r"\(513, 9\).*\(513, 8\)"),
        (lambda: phase.mixture_phase(M, np.stack([X] * 2)), r"\(2, 513, 9\).*\(513, 9\)"),
        (lambda: phase.mixture_phase(M, X * np.nan), "mixture_stft に NaN"),
        (lambda: phase.spectral_convergence(M, M[1:]), r"\(513, 9\).*\(512, 9\)"),
        (lambda: phase.spectral_convergence(M, M * np.nan), "estimate に NaN"),
        (lambda: phase.spectral_convergence(X, X), "magnitude は float32 か float64"),
        (lambda: phase.consistency(M), "S は complex64"),
        (lambda: phase.consistency(X * np.nan), "S に NaN"),
        (lambda: phase.consistency(X, length=1000), "length=1000.*4 フレーム.*9 フレーム"),
        (lambda: phase.griffin_lim(X), "magnitude は float32 か float64"),
        (lambda: phase.griffin_lim(M[0]), "2 次元以上"),
        (lambda: phase.griffin_lim(M[:, :0]), "magnitude が空"),
        (lambda: phase.griffin_lim(-M), "magnitude に負の値.*-1"),
        (lambda: phase.griffin_lim(M * np.nan), "magnitude に NaN"),
        (lambda: phase.griffin_lim(M, n_iter=-1), "n_iter は 0 以上の整数"),
        (lambda: phase.griffin_lim(M, n_iter=1.5), "n_iter は 0 以上の整数.*1.5"),
        (lambda: phase.griffin_lim(M, momentum=-0.1), "momentum は 0 以上.*-0.1"),
        (lambda: phase.griffin_lim(M, momentum=np.nan), "momentum は 0 以上"),
        (lambda: phase.griffin_lim(M, init="乱数"), "init は.*乱数"),
        (lambda: phase.griffin_lim(M, init=None), "init は浮動小数点"),
        (lambda: phase.griffin_lim(M, init=M[1:]), r"init の形 \(512, 9\)"),
        (lambda: phase.griffin_lim(M, init=M[0]), r"init の形 \(9,\)"),
        (lambda: phase.griffin_lim(M, init=M * np.inf), "init に NaN か無限大"),
        (lambda: phase.griffin_lim(M, n_fft=1000), "n_fft=1000.*501"),
        (lambda: phase.griffin_lim(M, hop_length=1024), "NOLA"),
        (lambda: phase.griffin_lim(M, length=1000), "length=1000.*4 フレーム.*9 フレーム"),
        (lambda: phase.griffin_lim(M, length=10**6), "length=1000000 が長すぎます"),
        (lambda: phase.griffin_lim(M[:, :1]), "length を指定"),
        (lambda: phase.misi(M, Y), "magnitudes には 3 次元以上"),
        (lambda: phase.misi(np.stack([M, -M]), Y), "magnitudes に負の値"),
        (lambda: phase.misi(np.stack([M] * 2), np.stack([Y] * 2)), r"\(2, 2048\).*\(2, 513, 9\)"),
        (lambda: phase.misi(np.stack([M] * 2), Y[:1000]), r"init の形.*\(2, 513, 9\)"),
        (lambda: phase.misi(np.stack([M] * 2), Y[:1000], init="zero"), "4 フレーム.*9 フレーム"),
        (lambda: phase.misi(np.stack([M] * 2), Y * np.nan), "mixture に NaN"),
        (lambda: phase.misi(np.stack([M] * 2), Y, n_iter=-1), "n_iter は 0 以上の整数"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()
