"""評価の試験：項の直交、不変性、ほかの実装（mir_eval、museval など）との一致、端の場合。"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from hypothesis import example, given
from hypothesis import strategies as st

from sstut import evaluation as ev
from sstut._engine import bss, scale_invariant, toeplitz

WELL = 1e-9  # 条件のよい問題で、ほかの実装と違ってよい dB


def sources_and_estimates(seed, n_sources, n_samples, n_channels=None, noise=0.3):
    """色の付いた音源と、フィルタ・混ざり・雑音のある推定。"""
    rng = np.random.default_rng(seed)
    shape = (n_sources, n_samples) if n_channels is None else (n_sources, n_channels, n_samples)
    white = rng.standard_normal(shape)
    s = np.stack([scipy.signal.lfilter(rng.standard_normal(8), 1, w) for w in white])
    gains = np.eye(n_sources) + 0.2 * rng.standard_normal((n_sources, n_sources))
    leaked = np.tensordot(gains, s, 1)
    e = scipy.signal.lfilter([1, 0.3, -0.2], 1, leaked) + noise * rng.standard_normal(shape)
    return s, e


@st.composite
def problems(draw, fewest=1, most_channels=None):
    """小さな問題と、短いフィルタの長さ。"""
    n_sources = draw(st.integers(fewest, 3))
    n_channels = None if most_channels is None else draw(st.integers(1, most_channels))
    n_taps = draw(st.integers(1, 9))
    n_samples = draw(st.integers(120, 400))
    seed = draw(st.integers(0, 2**32))
    s, e = sources_and_estimates(seed, n_sources, n_samples, n_channels)
    return s, e, n_taps


def mir_eval_call(name, *args, **kwargs):
    """mir_eval を、非推奨の警告を出さずに呼ぶ。"""
    import mir_eval

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(mir_eval.separation, name)(*args, **kwargs)


@pytest.fixture(scope="module")
def museval_metrics():
    """museval の metrics.py だけを読む（パッケージは ffmpeg がないと読めない）。"""
    folder = Path(importlib.util.find_spec("museval").origin).parent
    spec = importlib.util.spec_from_file_location("museval_metrics", folder / "metrics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_db(actual, expected, atol=WELL):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


# ---- 独立な正解：密な最小二乗 ----------------------------------------------------------


def delayed(sources, n_taps):
    """遅らせた信号を列に並べた行列。"""
    rows = [np.pad(s, (d, n_taps - 1 - d)) for s in sources for d in range(n_taps)]
    return np.stack(rows, axis=1)


def dense_projection(sources, signal, n_taps):
    """特異値分解で作った正規直交基底への射影。"""
    columns = delayed(sources, n_taps)
    basis, sizes, _ = np.linalg.svd(columns / np.linalg.norm(columns, axis=0), full_matrices=False)
    basis = basis[:, sizes > 1e-12 * sizes[0]]
    extended = np.pad(signal, (0, n_taps - 1))
    return basis @ (basis.T @ extended), extended


def db(signal, error):
    return 10 * np.log10(np.sum(signal**2) / np.sum(error**2))


def dense_sources(s, e, n_taps):
    """全部の組の SDR、SIR、SAR `(3, n_references, n_estimates)`。"""
    scores = np.empty((3, len(s), len(e)))
    for i, estimate in enumerate(e):
        whole, y = dense_projection(s, estimate, n_taps)
        for j in range(len(s)):
            target, _ = dense_projection(s[j : j + 1], estimate, n_taps)
            with np.errstate(divide="ignore"):
                scores[:, j, i] = (
                    db(target, y - target),
                    db(target, whole - target) if len(s) > 1 else np.inf,
                    db(whole, y - whole),
                )
    return scores


@given(problems())
def test_sources_follow_the_dense_least_squares(problem):
    s, e, n_taps = problem
    order = np.random.default_rng(len(s[0])).permutation(len(s))
    everything = dense_sources(s, e[order], n_taps)
    *scores, perm = ev.bss_eval_sources(s, e[order], filter_length=n_taps)
    assert_db(scores, everything[:, np.arange(len(s)), perm])
    np.testing.assert_array_equal(np.sort(perm), np.arange(len(s)))
    best = everything[1][np.arange(len(s)), perm].sum()
    assert len(s) == 1 or best >= max(
        everything[1][np.arange(len(s)), np.roll(perm, k)].sum() for k in range(len(s))
    )


@given(problems())
def test_plain_version_equals_the_engine(problem):
    s, e, n_taps = problem
    if len(s) == 1:
        with np.errstate(divide="ignore"):
            plain = ev.bss_eval_sources_plain(s, e, n_taps)
    else:
        plain = ev.bss_eval_sources_plain(s, e, n_taps)
    assert_db(ev.bss_eval_sources(s, e, False, n_taps)[:3], plain)


@given(problems(most_channels=3))
def test_images_follow_the_dense_least_squares(problem):
    s, e, n_taps = problem
    *scores, perm = ev.bss_eval_images(s, e, False, n_taps)
    np.testing.assert_array_equal(perm, np.arange(len(s)))
    expected = np.empty((4, len(s)))
    for j in range(len(s)):
        target, whole, y, true = (
            np.stack(parts)
            for parts in zip(
                *(
                    (
                        dense_projection(s[j], channel, n_taps)[0],
                        *dense_projection(s.reshape(-1, s.shape[-1]), channel, n_taps),
                        np.pad(reference, (0, n_taps - 1)),
                    )
                    for channel, reference in zip(e[j], s[j], strict=True)
                ),
                strict=True,
            )
        )
        expected[:, j] = (
            db(true, y - true),
            db(true, target - true),
            db(target, whole - target) if len(s) > 1 else np.inf,
            db(whole, y - whole),
        )
    assert_db(scores, expected)


@given(problems(), st.booleans())
def test_decomposition_is_orthogonal_and_complete(problem, with_noise):
    s, e, n_taps = problem
    target = len(s) - 1
    noise = np.random.default_rng(1).standard_normal((2, s.shape[-1])) if with_noise else None
    terms = ev.decompose(s, e[target], target, noises=noise, filter_length=n_taps)
    parts = np.stack([terms.target, terms.interference, terms.noise, terms.artifact])
    extended = np.pad(e[target], (0, n_taps - 1))
    scale = np.linalg.norm(extended)
    np.testing.assert_allclose(parts.sum(axis=0), extended, atol=1e-12 * scale)
    inner = parts @ parts.T
    np.testing.assert_allclose(inner - np.diag(np.diag(inner)), 0, atol=1e-12 * scale**2)
    # アーティファクトはどの列とも、干渉は目的音のどの列とも直交する
    everything = s if noise is None else np.concatenate([s, noise])
    columns = delayed(everything, n_taps)
    bound = 1e-11 * scale * np.linalg.norm(columns, axis=0).max()
    np.testing.assert_allclose(columns.T @ terms.artifact, 0, atol=bound)
    own = delayed(s[target : target + 1], n_taps)
    np.testing.assert_allclose(own.T @ (terms.interference + terms.noise), 0, atol=bound)
    if noise is None:
        assert not terms.noise.any()
        sdr, sir, sar, _ = ev.bss_eval_sources(s, e, False, n_taps)
        assert sdr[target] == pytest.approx(db(terms.target, extended - terms.target), abs=WELL)
        assert sar[target] == pytest.approx(db(extended - terms.artifact, terms.artifact), abs=WELL)
        if len(s) > 1:
            assert sir[target] == pytest.approx(db(terms.target, terms.interference), abs=WELL)


@given(problems(fewest=2))
def test_scale_invariant_ratios_split_the_distortion(problem):
    s, e, _ = problem
    total = ev.si_sdr(s, e)
    sir, sar = ev.si_sir(s, e), ev.si_sar(s, e)
    np.testing.assert_allclose(10 ** (-sir / 10) + 10 ** (-sar / 10), 10 ** (-total / 10))
    # 干渉は、フィルタの長さ 1 の分解の干渉そのもの
    for j in range(len(s)):
        a, b = s - s.mean(axis=1, keepdims=True), e[j] - e[j].mean()
        terms = ev.decompose(a, b, j)
        assert sir[j] == pytest.approx(db(terms.target, terms.interference), abs=WELL)
        assert sar[j] == pytest.approx(db(terms.target, terms.artifact), abs=WELL)


# ---- 性質 ------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.floats(-40, 40), st.floats(-3, 3))
def test_si_sdr_ignores_gain_and_offset(seed, gain_db, offset):
    (s,), (e,) = sources_and_estimates(seed, 1, 500)
    gain = 10 ** (gain_db / 20)
    assert ev.si_sdr(s, -gain * e + offset) == pytest.approx(ev.si_sdr(s, e), abs=1e-8)
    assert ev.snr(s, gain * e) == pytest.approx(db(s, s - gain * e))
    a = np.dot(e, s) / np.dot(s, s)
    expected = ev.snr(s, e) + 20 * np.log10(abs(a))
    assert ev.sd_sdr(s, e, zero_mean=False) == pytest.approx(expected)
    assert ev.sd_sdr(s, e) <= ev.si_sdr(s, e)


@given(
    st.integers(0, 2**32),
    st.sampled_from(["float32", "float64"]),
    st.floats(-120, 150),
    st.sampled_from([0.0, 1.0, 100.0]),
    st.sampled_from([1e-15, 1.0, 1e12]),
    st.sampled_from([50, 2048, 5000]),
)
@example(28, "float32", -13.0, 100.0, 1.0, 2048)  # 大きな直流で、float32 の内積の桁が落ちた例
def test_si_sdr_engine_equals_the_plain_one(seed, dtype, level, offset, scale, n_samples):
    rng = np.random.default_rng(seed)
    s = rng.standard_normal(n_samples)
    e = 0.7 * s + 10 ** (-level / 20) * rng.standard_normal(n_samples)
    s, e = ((scale * (x + offset)).astype(dtype) for x in (s, e))
    exact_s, exact_e = (x.astype(np.longdouble) for x in (s, e))
    exact = ev.si_sdr_plain(exact_s - exact_s.mean(), exact_e - exact_e.mean())
    atol = 1e-4 if dtype == "float32" or offset else 1e-6
    assert ev.si_sdr(s, e) == pytest.approx(exact, abs=atol)
    kept = ev.si_sdr_plain(exact_s, exact_e)
    assert ev.si_sdr(s, e, zero_mean=False) == pytest.approx(kept, abs=atol)


@given(st.integers(0, 2**32), st.floats(0.3, 3), st.sampled_from([2048, 70001, 300000]))
def test_fast_and_exact_paths_of_si_sdr_agree(seed, level, n_samples):
    rng = np.random.default_rng(seed)
    s, noise = rng.standard_normal((2, n_samples))
    e = s + level * noise + 0.05
    for zero_mean in (False, True):
        fast = scale_invariant._by_inner_products(s, e, zero_mean)
        exact = scale_invariant._by_waveforms(s, e, zero_mean)
        assert fast is not None
        assert fast[1] / fast[2] == pytest.approx(exact[1] / exact[2], rel=1e-10)


def test_v3_forgives_filters_shorter_than_its_own(rng):
    s, _ = sources_and_estimates(0, 2, 30000)
    room = rng.standard_normal((2, 200)) * np.exp(-np.arange(200) / 40)
    filtered = np.stack([scipy.signal.lfilter(h, 1, x) for h, x in zip(room, s, strict=True)])
    sdr, sir, sar, _ = ev.bss_eval_sources(s, filtered)
    assert sdr.min() > 25  # 切り落とした尾の分だけが残る
    assert ev.snr(s, filtered).max() < 0
    assert ev.si_sdr(s, filtered).max() < 0
    # 尾も入るように後ろを無音にしておけば、許されるフィルタはまったく数えられない
    s[:, -512:] = 0
    filtered = np.stack([scipy.signal.lfilter(h, 1, x) for h, x in zip(room, s, strict=True)])
    sdr, sir, sar, _ = ev.bss_eval_sources(s, filtered)
    assert min(sdr.min(), sir.min(), sar.min()) > 200
    longer = np.pad(s, ((0, 0), (600, 0)))[:, : s.shape[1]]  # フィルタより長い遅れは許されない
    assert ev.bss_eval_sources(s, longer, False)[0].max() < 0


@given(problems(fewest=2), st.randoms(use_true_random=False))
def test_scores_follow_the_order_of_the_estimates(problem, random):
    s, e, n_taps = problem
    order = list(range(len(s)))
    random.shuffle(order)
    *scores, perm = ev.bss_eval_sources(s, e, filter_length=n_taps)
    *shuffled, moved = ev.bss_eval_sources(s, e[order], filter_length=n_taps)
    np.testing.assert_array_equal(np.array(order)[moved], perm)
    assert_db(shuffled, scores)


def test_separating_improves_every_ratio():
    """答えの分かる分離：2 つの正弦波は、通過帯域の違うフィルタで分けられる。"""
    t = np.arange(44100) / 44100
    s = np.stack([np.sin(2 * np.pi * 440 * t), 0.5 * np.sin(2 * np.pi * 3000 * t)])
    s += 0.01 * np.random.default_rng(0).standard_normal(s.shape)
    mixture = s.sum(axis=0)
    filters = [scipy.signal.butter(4, 1500, kind, fs=44100) for kind in ("low", "high")]
    e = np.stack([scipy.signal.lfilter(*f, mixture) for f in filters])
    assert ev.improvement(_sdr, s, e, mixture).min() > 15
    table = ev.score(s, e, mixture=mixture, names=["低い音", "高い音"])
    for name, (gain, sir) in {"低い音": (15, 25), "高い音": (15, 25)}.items():
        assert table[name]["SDRi"] > gain
        assert table[name]["SIR"] > sir
    unprocessed = np.broadcast_to(mixture, s.shape)
    expected = ev.si_sdr(s, e) - ev.si_sdr(s, unprocessed)
    np.testing.assert_array_equal(ev.improvement(ev.si_sdr, s, e, mixture), expected)


def _sdr(s, e):
    return ev.bss_eval_sources(s, e, compute_permutation=False)[0]


# ---- ほかの実装 ------------------------------------------------------------------------


@pytest.mark.parametrize("n_sources", [1, 2, 3])
def test_sources_equal_mir_eval(n_sources):
    s, e = sources_and_estimates(n_sources, n_sources, 9000)
    e = e[::-1].copy()
    theirs = mir_eval_call("bss_eval_sources", s, e)
    assert_db(ev.bss_eval_sources(s, e), theirs)
    theirs = mir_eval_call("bss_eval_sources", s, e, compute_permutation=False)
    assert_db(ev.bss_eval_sources(s, e, compute_permutation=False), theirs)
    single = ev.bss_eval_sources(s.astype(np.float32), e.astype(np.float32))
    assert all(x.dtype == np.float64 for x in single[:3])
    assert_db(single, ev.bss_eval_sources(s, e), atol=1e-4)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_images_equal_mir_eval(n_channels):
    s, e = sources_and_estimates(n_channels, 2, 9000, n_channels)
    e = e[::-1].copy()
    turned = s.transpose(0, 2, 1), e.transpose(0, 2, 1)  # (n_sources, n_samples, n_channels)
    for permute in (True, False):
        theirs = mir_eval_call("bss_eval_images", *turned, compute_permutation=permute)
        assert_db(ev.bss_eval_images(s, e, compute_permutation=permute), theirs)


@pytest.mark.parametrize("level", [60, 100])
def test_estimates_close_to_the_reference_equal_mir_eval(level):
    s, _ = sources_and_estimates(3, 2, 9000, 1)
    noise = np.random.default_rng(0).standard_normal(s.shape)
    e = s + 10 ** (-level / 20) * noise
    sources, estimates = s[:, 0], e[:, 0]
    assert_db(
        ev.bss_eval_sources(sources, estimates),
        mir_eval_call("bss_eval_sources", sources, estimates),
        atol=1e-7,
    )
    turned = s.transpose(0, 2, 1), e.transpose(0, 2, 1)
    assert_db(ev.bss_eval_images(s, e), mir_eval_call("bss_eval_images", *turned), atol=1e-7)


@pytest.mark.parametrize(
    ("window", "hop", "n_channels"), [(2000, 1500, 2), (1500, 1500, 1), (20000, 1, 2)]
)
@pytest.mark.parametrize("permute", [False, True])
def test_framewise_equals_museval(museval_metrics, window, hop, n_channels, permute):
    s, e = sources_and_estimates(5, 2, 9000, n_channels)
    s[1, :, 3000:6100] = 0  # 窓によっては無音になる
    if permute:
        e = e[::-1].copy()
    *theirs, their_perm = museval_metrics.bss_eval(
        s.transpose(0, 2, 1),
        e.transpose(0, 2, 1),
        window=window,
        hop=hop,
        filters_len=64,
        compute_permutation=permute and window > 9000,  # 無音の窓があると museval は探せない
    )
    *ours, perm = ev.bss_eval_framewise(
        s, e, window=window, hop=hop, filter_length=64, compute_permutation=permute
    )
    silent = np.isnan(theirs[0][0])
    assert silent.any() == (window < 9000)
    if permute and window < 9000:
        np.testing.assert_array_equal(
            perm[:, ~silent], [[1] * (~silent).sum(), [0] * (~silent).sum()]
        )
        *ours, perm = ev.bss_eval_framewise(s, e, window=window, hop=hop, filter_length=64)
    assert_db(ours, theirs)
    for scores in (*ours, perm):
        np.testing.assert_array_equal(np.isnan(scores), np.broadcast_to(silent, scores.shape))
    np.testing.assert_array_equal(
        perm[:, ~silent], np.broadcast_to(their_perm, perm.shape)[:, ~silent]
    )
    starts = np.arange(ours[0].shape[1]) * hop
    for t in np.flatnonzero(~silent):
        here = slice(starts[t], starts[t] + window)
        matched = e[perm[:, t].astype(int)]
        np.testing.assert_allclose(ours[0][:, t], ev.sdr_mdx(s[..., here], matched[..., here]))


def test_the_three_sdrs_differ(museval_metrics):
    """同じ推定でも、v3、v4、MDX の SDR は違う。どれも museval で確かめる。"""
    s, e = sources_and_estimates(7, 2, 9000)
    as_images = s[:, :, np.newaxis], e[:, :, np.newaxis]
    whole = {"window": np.inf, "hop": np.inf}
    v4 = museval_metrics.bss_eval(*as_images, **whole)[0][:, 0]
    v3 = museval_metrics.bss_eval(*as_images, **whole, bsseval_sources_version=True)[0][:, 0]
    np.testing.assert_allclose(ev.sdr_mdx(s, e), v4, atol=WELL)
    np.testing.assert_allclose(ev.snr(s, e), v4, atol=WELL)
    np.testing.assert_allclose(ev.bss_eval_sources(s, e, False)[0], v3, atol=WELL)
    assert np.all(v3 > v4 + 0.5)


@pytest.mark.parametrize("zero_mean", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pairwise_metrics_equal_torchmetrics(zero_mean, dtype):
    import torch
    from torchmetrics.functional import audio

    s, e = (x.reshape(2, 3, 3000).astype(dtype) + 0.1 for x in sources_and_estimates(11, 6, 3000))
    tensors = torch.from_numpy(e), torch.from_numpy(s)
    theirs = audio.scale_invariant_signal_distortion_ratio(*tensors, zero_mean=zero_mean)
    ours = ev.si_sdr(s, e, zero_mean=zero_mean)
    assert ours.shape == (2, 3)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)
    theirs = audio.signal_noise_ratio(*tensors)
    np.testing.assert_allclose(ev.snr(s, e), theirs.numpy(), atol=1e-4)


def test_torchmetrics_documented_example():
    s, e = np.array([3.0, -0.5, 2.0, 7.0]), np.array([2.5, 0.0, 2.0, 8.0])
    assert ev.si_sdr(s, e, zero_mean=False) == pytest.approx(18.4030, abs=1e-4)
    assert ev.si_sdr(s, e) == pytest.approx(15.0918, abs=1e-4)
    assert ev.snr(s, e) == pytest.approx(16.1805, abs=1e-4)


def test_sources_equal_fast_bss_eval():
    import fast_bss_eval

    s, e = sources_and_estimates(13, 3, 12000)
    theirs = fast_bss_eval.bss_eval_sources(s, e[[2, 0, 1]], filter_length=128)
    assert_db(ev.bss_eval_sources(s, e[[2, 0, 1]], filter_length=128), theirs)


# ---- 端の場合 --------------------------------------------------------------------------


def test_single_source_has_no_interference():
    s, e = sources_and_estimates(0, 1, 3000)
    sdr, sir, sar, perm = ev.bss_eval_sources(s, e)
    assert sir[0] == np.inf
    assert sdr[0] == sar[0]
    assert perm[0] == 0
    assert ev.bss_eval_images(s[np.newaxis], e[np.newaxis])[2][0] == np.inf
    assert (
        ev.bss_eval_framewise(s[np.newaxis], e[np.newaxis], window=900, hop=900)[2].min() == np.inf
    )


def test_perfect_estimates_are_infinitely_good_and_keep_their_order():
    s, _ = sources_and_estimates(0, 3, 6000, 2)
    order = [2, 0, 1]
    gain = np.array([0.5, -3.0, 1e-3])[:, np.newaxis]
    *scores, perm = ev.bss_eval_sources(s[:, 0], gain * s[order, 0])
    assert all(np.all(x == np.inf) for x in scores)
    np.testing.assert_array_equal(perm, [1, 2, 0])
    *scores, perm = ev.bss_eval_images(s, s[order])
    assert all(np.all(x == np.inf) for x in scores)
    np.testing.assert_array_equal(perm, [1, 2, 0])
    sdr, *_, perm = ev.bss_eval_framewise(
        s, s[order], window=2000, hop=1000, filter_length=64, compute_permutation=True
    )
    assert np.all(sdr == np.inf)
    np.testing.assert_array_equal(perm[:, 0], [1, 2, 0])
    for metric in (ev.snr, ev.si_sdr, ev.sd_sdr, ev.sdr_mdx, ev.si_sir, ev.si_sar):
        assert np.all(metric(s[:, 0], s[:, 0]) == np.inf)
    assert ev.si_sdr(s[0, 0], -0.3 * s[0, 0]) == np.inf


def test_leak_free_estimates_have_infinite_sir():
    """推定に加えた雑音がどの音源とも直交すれば、干渉はない。"""
    s, noise = np.random.default_rng(0).standard_normal((2, 2, 6000))
    orthogonal = np.stack([ev.decompose(s, n).artifact for n in noise])
    sdr, sir, sar, _ = ev.bss_eval_sources(s, s + orthogonal, False, filter_length=1)
    assert np.all(sir == np.inf)
    np.testing.assert_allclose(sdr, sar)
    np.testing.assert_allclose(sdr, ev.snr(s, s + orthogonal))


@pytest.mark.parametrize("level", [30, 50, 80, 100, 120])
def test_excellent_estimates_are_measured_exactly(level):
    """引き算で桁が落ちる 100 dB の推定でも、波形の上の射影と同じ値になる。"""
    s, noise = np.random.default_rng(level).standard_normal((2, 2, 3000))
    e = s + 10 ** (-level / 20) * noise
    truth = dense_sources(s, e, 16)[:, [0, 1], [0, 1]]
    assert np.abs(truth[0] - level).max() < 1
    assert_db(ev.bss_eval_sources(s, e, False, 16)[:3], truth, atol=1e-7)


def test_hard_panned_and_antiphase_stereo_are_measured():
    s, e = sources_and_estimates(4, 2, 6000, 2)
    s[0, 1] = 0  # 右が無音
    s[1, 1] = -s[1, 0]  # 左右で符号だけが違う：無音ではない
    for call in (
        lambda: ev.bss_eval_images(s, e, filter_length=32)[:4],
        lambda: ev.bss_eval_framewise(s, e, window=2000, hop=2000, filter_length=32)[:4],
    ):
        assert all(np.isfinite(x).all() for x in call())
    expected = np.empty((4, 2))
    for j in range(2):
        rows = s.reshape(4, -1)[[0, 2]]  # 張る空間は、左 2 本だけで同じ
        own = s[j][:1]
        target = np.stack([dense_projection(own, c, 32)[0] for c in e[j]])
        whole = np.stack([dense_projection(rows, c, 32)[0] for c in e[j]])
        y, true = (np.pad(x[j], ((0, 0), (0, 31))) for x in (e, s))
        expected[:, j] = (
            db(true, y - true),
            db(true, target - true),
            db(target, whole - target),
            db(whole, y - whole),
        )
    assert_db(ev.bss_eval_images(s, e, False, 32)[:4], expected)


def test_silent_estimate_has_documented_values():
    s, e = sources_and_estimates(6, 2, 3000, 2)
    e[0] = 0
    for sdr in ev.bss_eval_sources(s[:, 0], e[:, 0], False, 64)[:3]:
        assert sdr[0] == -np.inf
        assert np.isfinite(sdr[1])
    sdr, isr, sir, sar, _ = ev.bss_eval_images(s, e, False, 64)
    assert (sdr[0], isr[0], sir[0], sar[0]) == (0, 0, -np.inf, -np.inf)
    *_, perm = ev.bss_eval_sources(s[:, 0], e[::-1, 0], filter_length=64)
    np.testing.assert_array_equal(perm, [1, 0])
    assert ev.snr(s[0, 0], e[0, 0]) == 0
    for metric in (ev.si_sdr, ev.sd_sdr):
        assert metric(s[0, 0], e[0, 0]) == -np.inf
    scores = ev.bss_eval_framewise(s, e, window=1000, hop=1000, filter_length=64)
    assert all(np.isnan(x).all() for x in scores)


def test_identical_and_proportional_references():
    """正解どうしが同じ（G が特異）でも、射影は 1 本だけのときと同じ。"""
    (a,), (b,) = sources_and_estimates(8, 1, 4000)
    s, e = np.stack([a, -2 * a]), np.stack([b, b[::-1]])
    sdr, sir, sar, _ = ev.bss_eval_sources(s, e, False, 64)
    assert np.all(sir == np.inf)
    for j in range(2):
        alone = ev.bss_eval_sources(s[j : j + 1], e[j : j + 1], False, 64)
        assert sdr[j] == pytest.approx(alone[0][0], abs=1e-6)
        assert sar[j] == pytest.approx(alone[2][0], abs=1e-6)


@pytest.mark.parametrize("cutoff", [0.5, 0.2])
@pytest.mark.parametrize("attenuation", [8, 10, 14])
def test_band_limited_material_follows_the_dense_projection(cutoff, attenuation):
    """帯域を絞った（G がほぼ特異な）音でも、波形の上の射影に従う。"""
    rng = np.random.default_rng(0)
    band = scipy.signal.firwin(201, cutoff, window=("kaiser", attenuation))
    s, noise = (scipy.signal.lfilter(band, 1, rng.standard_normal((2, 3000))) for _ in range(2))
    e = np.array([[1, 0.3], [0.2, 1]]) @ s + 0.1 * noise
    truth = dense_sources(s, e, 64)[:, [0, 1], [0, 1]]
    atol = 1e-6 if attenuation < 14 else 0.01
    assert_db(ev.bss_eval_sources(s, e, False, 64)[:3], truth, atol=atol)


def test_framewise_is_right_on_ill_conditioned_material(museval_metrics):
    """G がほぼ特異でも、窓が 1 つ（全体）なら images 版と同じ。窓が短ければ museval と 0.01 dB。"""
    rng = np.random.default_rng(0)
    band = scipy.signal.firwin(201, 0.5, window=("kaiser", 10))
    s, noise = scipy.signal.lfilter(band, 1, rng.standard_normal((2, 2, 2, 6000)))
    e = np.tensordot([[1, 0.3], [0.2, 1]], s, 1) + 0.1 * noise
    whole = ev.bss_eval_framewise(s, e, window=6000, hop=6000, filter_length=64)[:4]
    assert_db([x[:, 0] for x in whole], ev.bss_eval_images(s, e, False, 64)[:4], atol=1e-6)
    turned = s.transpose(0, 2, 1), e.transpose(0, 2, 1)
    theirs = museval_metrics.bss_eval(*turned, window=3000, hop=3000, filters_len=64)[:4]
    ours = ev.bss_eval_framewise(s, e, window=3000, hop=3000, filter_length=64)[:4]
    assert_db(ours, theirs, atol=0.01)


def test_ill_conditioned_equations_follow_least_squares(rng):
    """mir_eval が特異なときに使う lstsq と、方程式を解く部品を直に比べる。"""
    x = rng.standard_normal((3, 2000))
    x[2] = x[0] - x[1]
    e = rng.standard_normal((2, 2000))
    R, D = bss.correlations(x, e, 40)
    equations = toeplitz.NormalEquations(R, D)
    assert not equations.reliable
    G, d = toeplitz.gram(R), D.reshape(-1, 2)
    solution = np.linalg.lstsq(G, d)[0]
    expected = np.einsum("ij,ij->j", solution, d)
    np.testing.assert_allclose(equations.energy(), expected, rtol=1e-9)
    np.testing.assert_allclose(G @ equations.taps().reshape(-1, 2), d, atol=1e-8 * np.abs(d).max())


@given(problems())
def test_correlations_and_equations_equal_the_dense_ones(problem):
    x, e, n_lags = problem
    R, D = bss.correlations(x, e, n_lags)
    n = x.shape[1]
    for lag in range(n_lags):
        np.testing.assert_allclose(R[lag], x[:, : n - lag] @ x[:, lag:].T, atol=1e-10)
        np.testing.assert_allclose(D[lag], x[:, : n - lag] @ e[:, lag:].T, atol=1e-10)
    columns = delayed(x, n_lags)
    G = columns.T @ columns
    ordered = G.reshape(len(x), n_lags, len(x), n_lags).transpose(1, 0, 3, 2).reshape(G.shape)
    np.testing.assert_allclose(toeplitz.gram(R), ordered, atol=1e-10)
    twice = toeplitz.NormalEquations(np.stack([R, R]), np.stack([D, 2 * D]))
    taps = np.linalg.solve(ordered, D.reshape(-1, len(e))).reshape(D.shape)
    np.testing.assert_allclose(twice.taps()[0], taps, atol=1e-9 * np.abs(taps).max())
    np.testing.assert_allclose(twice.energy()[1], 4 * twice.energy()[0])


def test_constant_signals():
    s = np.ones((2, 3000))
    s[1, 1500:] = -1
    e = np.array([[1, 0.3], [0.2, 1]]) @ s + 0.1 * np.random.default_rng(0).standard_normal(s.shape)
    assert_db(
        ev.bss_eval_sources(s, e, False, 16)[:3], dense_sources(s, e, 16)[:, [0, 1], [0, 1]], 1e-6
    )
    assert ev.si_sdr(s[0], e[0], zero_mean=False) == pytest.approx(
        ev.si_sdr_plain(s[0], e[0]), abs=WELL
    )


# ---- 対応・中央値・信頼区間・表 ----------------------------------------------------------


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(
            st.lists(
                st.one_of(st.floats(-50, 50), st.sampled_from([np.inf, -np.inf])),
                min_size=n,
                max_size=n,
            ),
            min_size=n,
            max_size=n,
        )
    )
)
def test_best_permutation_is_the_best_of_all(rows):
    from itertools import permutations

    scores = np.array(rows)

    def value(perm):
        picked = scores[np.arange(len(scores)), list(perm)]
        infinite = np.sum(picked == np.inf) - np.sum(picked == -np.inf)
        return infinite, picked[np.isfinite(picked)].sum()

    chosen = value(ev.best_permutation(scores))
    best = max(map(value, permutations(range(len(scores)))))
    assert chosen[0] == best[0]
    if np.isfinite(scores).all():
        assert chosen[1] == pytest.approx(best[1])


@pytest.mark.parametrize("shape", [(4000,), (2, 4000)])
def test_best_order_puts_shuffled_estimates_back(rng, shape):
    sources = rng.normal(size=(4, *shape))
    estimates = sources + 0.3 * rng.normal(size=sources.shape)
    order = rng.permutation(4)
    shuffled = estimates[order]
    np.testing.assert_array_equal(shuffled[ev.best_order(sources, shuffled)], estimates)
    # 余った推定は捨てる
    np.testing.assert_array_equal(shuffled[ev.best_order(sources[:2], shuffled)], estimates[:2])


def test_best_permutation_accepts_more_estimates_than_references():
    np.testing.assert_array_equal(ev.best_permutation([[0, 5, 1], [9, 6, 0]]), [1, 0])
    np.testing.assert_array_equal(ev.best_permutation([[0, 5, 1], [9, 6, np.inf]]), [1, 2])


def test_window_median_ignores_silence():
    scores = np.array([[1.0, np.nan, 3.0, 8.0], [np.nan] * 4, [np.inf, 2.0, np.nan, np.nan]])
    np.testing.assert_array_equal(ev.window_median(scores), [3.0, np.nan, np.inf])
    assert ev.window_median([np.nan]) is not None
    assert np.isnan(ev.window_median([np.nan]))


def test_bootstrap_interval_covers_the_truth():
    """95 % の区間は、くり返せば 95 % ほどの割合で真の平均を含む。"""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = ev.bootstrap_ci(rng.standard_normal(40), n_resamples=499, rng=rng)
        covered += low <= 0 <= high
    assert 180 <= covered <= 199  # 二項分布の ±3 標準偏差
    scores = rng.standard_normal(100)
    narrow = ev.bootstrap_ci(scores, confidence=0.5, rng=1)
    wide = ev.bootstrap_ci(scores, confidence=0.99, rng=1)
    assert wide[0] < narrow[0] < scores.mean() < narrow[1] < wide[1]
    assert ev.bootstrap_ci(scores, rng=1) == ev.bootstrap_ci(scores, rng=1)
    low, high = ev.bootstrap_ci(scores, np.median, rng=1)
    assert low <= np.median(scores) <= high
    assert ev.bootstrap_ci([2.5, 2.5, 2.5]) == (2.5, 2.5)


def test_paired_bootstrap_sees_a_small_but_steady_difference():
    rng = np.random.default_rng(0)
    songs = rng.normal(5, 4, 50)  # 曲による違いは大きい
    ours = songs + 0.3 + 0.2 * rng.standard_normal(50)
    assert ev.bootstrap_ci(ours - songs, rng=1)[0] > 0
    low, high = ev.bootstrap_ci(ours, rng=1)
    assert low < songs.mean() < high


def test_improvement_of_infinities_is_nan():
    s = np.array([[1.0, 2.0, 3.0, -6.0]])
    assert np.isnan(ev.improvement(ev.snr, s, s, s[0]))
    assert ev.improvement(ev.snr, s[0], 0.9 * s[0], 0.5 * s[0]) == pytest.approx(13.979, abs=1e-3)


def test_score_is_one_tidy_table():
    s, e = sources_and_estimates(9, 2, 4000)
    table = ev.score(s, e, mixture=s.sum(axis=0), names=["歌", "Bass & drums"])
    assert list(table.rows) == ["歌", "Bass & drums"]
    assert list(table["歌"]) == ["SNR", "SI-SDR", "SDR", "SIR", "SAR", "SI-SDRi", "SDRi"]
    sdr, sir, sar, _ = ev.bss_eval_sources(s, e, compute_permutation=False)
    assert [table["歌"][k] for k in ("SNR", "SI-SDR", "SDR", "SIR", "SAR")] == [
        ev.snr(s[0], e[0]),
        ev.si_sdr(s[0], e[0]),
        sdr[0],
        sir[0],
        sar[0],
    ]
    lines = str(table).splitlines()
    assert len(lines) == 3
    assert {sum(1 + (c > "\u2fff") for c in line) for line in lines} == {
        sum(1 + (c > "\u2fff") for c in lines[0])
    }
    assert repr(table) == str(table)
    page = table._repr_html_()
    assert page.count("<tr>") == 3
    assert "Bass &amp; drums" in page
    assert f"{sdr[0]:.2f}" in page
    plain = ev.score(s, e)
    assert list(plain.rows) == ["音源 0", "音源 1"]
    assert "SDRi" not in plain["音源 0"]


# ---- だめな入力 ------------------------------------------------------------------------

GOOD = np.random.default_rng(0).standard_normal((2, 3000))
STEREO = np.random.default_rng(1).standard_normal((2, 2, 3000))
NAN = np.where(np.arange(3000) == 5, np.nan, GOOD)
SILENT = GOOD * [[1.0], [0.0]]
PAIR_METRICS = [ev.snr, ev.si_sdr, ev.sd_sdr]
SOURCE_METRICS = [ev.si_sir, ev.si_sar, ev.bss_eval_sources, ev.score]


def framewise(s, e, **kwargs):
    return ev.bss_eval_framewise(s, e, **({"window": 1000, "hop": 1000} | kwargs))


@pytest.mark.parametrize("metric", PAIR_METRICS)
@pytest.mark.parametrize(
    ("s", "e", "message"),
    [
        (GOOD[0], GOOD[0, :-1], r"\(3000,\).*\(2999,\).*長さをそろえて"),
        (GOOD[0, :-1], GOOD[0], r"\(2999,\).*\(3000,\)"),
        (GOOD, GOOD[0], r"\(2, 3000\).*\(3000,\) が違います"),
        (NAN[0], GOOD[0], "reference に NaN"),
        (GOOD[0], NAN[0], "estimate に NaN"),
        (SILENT, GOOD, "reference に無音"),
        (np.arange(5), GOOD[0], "reference は浮動小数点"),
        (GOOD[0], np.array([]), "estimate が空"),
        (GOOD[0].astype(complex), GOOD[0], "complex128"),
    ],
)
def test_pairs_are_refused_in_japanese(metric, s, e, message):
    with pytest.raises(ValueError, match=message):
        metric(s, e)


@pytest.mark.parametrize("metric", [ev.si_sdr, ev.sd_sdr])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.1, -3e5])
def test_constant_reference_is_silent_without_its_mean(metric, dtype, value):
    constant = np.full(3000, value, dtype)
    with pytest.raises(ValueError, match="定数"):
        metric(constant, GOOD[0].astype(dtype))
    assert np.isfinite(metric(constant, GOOD[0].astype(dtype) + constant, zero_mean=False))


@pytest.mark.parametrize("metric", SOURCE_METRICS)
@pytest.mark.parametrize(
    ("s", "e", "message"),
    [
        (GOOD.T, GOOD.T, r"reference_sources の軸が逆.*\(3000, 2\)"),
        (GOOD, GOOD.T, "estimated_sources の軸が逆"),
        (GOOD[0], GOOD[0], r"\(n_sources, n_samples\).*\(3000,\)"),
        (STEREO, STEREO, r"\(2, 2, 3000\)"),
        (GOOD, GOOD[:, :-1], r"\(2, 3000\).*\(2, 2999\).*長さをそろえて"),
        (GOOD, GOOD[:1], r"\(2, 3000\).*\(1, 3000\)"),
        (NAN, GOOD, "reference_sources に NaN"),
        (GOOD, NAN, "estimated_sources に NaN"),
        (SILENT, GOOD, r"無音の音源.*\[1\]"),
        (GOOD.astype(int), GOOD, "浮動小数点"),
    ],
)
def test_sources_are_refused_in_japanese(metric, s, e, message):
    with pytest.raises(ValueError, match=message):
        metric(s, e)


@pytest.mark.parametrize("metric", [ev.bss_eval_images, framewise])
@pytest.mark.parametrize(
    ("s", "e", "message"),
    [
        (STEREO.transpose(0, 2, 1), STEREO.transpose(0, 2, 1), r"軸が逆.*\(2, 3000, 2\)"),
        (GOOD, GOOD, r"\(n_sources, n_channels, n_samples\).*\(2, 3000\)"),
        (STEREO, STEREO[:, :1], r"\(2, 1, 3000\)"),
        (STEREO * [[[1.0]], [[0.0]]], STEREO, "無音の音源"),
        (np.where(STEREO > 3, np.inf, STEREO), STEREO, "NaN か無限大"),
    ],
)
def test_images_are_refused_in_japanese(metric, s, e, message):
    with pytest.raises(ValueError, match=message):
        metric(s, e)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ev.bss_eval_sources(GOOD, GOOD, filter_length=0), "filter_length は 1 以上"),
        (lambda: ev.bss_eval_sources(GOOD[:, :500], GOOD[:, :500]), "短すぎます"),
        (lambda: framewise(STEREO, STEREO, window=0), "window は 1 以上"),
        (lambda: framewise(STEREO, STEREO, hop=1.5), "hop は 1 以上の整数"),
        (lambda: ev.decompose(GOOD, GOOD), r"\(2, 3000\)"),
        (lambda: ev.decompose(GOOD, GOOD[0], 2), "target=2"),
        (lambda: ev.decompose(SILENT, GOOD[0]), "無音の音源"),
        (lambda: ev.decompose(GOOD, GOOD[0], noises=GOOD[:, :9]), "noises の長さ"),
        (lambda: ev.decompose(GOOD, GOOD[0], filter_length=-1), "filter_length"),
        (lambda: ev.sdr_mdx(GOOD, GOOD[:1]), "違います"),
        (lambda: ev.improvement(ev.snr, GOOD, GOOD, GOOD[:, :9]), "mixture の形"),
        (lambda: ev.improvement(ev.bss_eval_sources, GOOD, GOOD, GOOD[0]), "値を 1 つだけ"),
        (lambda: ev.best_permutation([[1.0, np.nan], [0.0, 1.0]]), "nan"),
        (lambda: ev.best_permutation([[1.0], [2.0]]), r"\(2, 1\)"),
        (lambda: ev.best_order(np.eye(2, 5), np.eye(1, 5)), r"\(2, 1\)"),
        (lambda: ev.best_order(np.zeros((2, 5)), np.ones((2, 5))), "無音"),
        (lambda: ev.best_permutation([1.0, 2.0]), r"\(2,\)"),
        (lambda: ev.window_median(np.empty((2, 0))), "窓が 1 つも"),
        (lambda: ev.bootstrap_ci([1.0]), "2 つ以上"),
        (lambda: ev.bootstrap_ci([1.0, np.nan]), "scores に NaN"),
        (lambda: ev.bootstrap_ci([1.0, 2.0], confidence=95), "confidence"),
        (lambda: ev.bootstrap_ci([1.0, 2.0], n_resamples=0), "n_resamples"),
        (lambda: ev.score(GOOD, GOOD, names=["歌"]), "names"),
        (lambda: ev.score(GOOD, GOOD, names=["歌", "歌"]), "names"),
        (lambda: ev.score(GOOD, GOOD, mixture=GOOD[0, :9]), "mixture の形"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_extreme_levels_are_not_refused():
    """とても小さい音も、とても大きい音も、無音や無限大とはみなさない。"""
    s, e = sources_and_estimates(0, 2, 3000)
    for dtype, scale in (("float32", 1e-25), ("float32", 1e25), ("float64", 1e-100)):
        a, b = (scale * s).astype(dtype), (scale * e).astype(dtype)
        np.testing.assert_allclose(ev.si_sdr(a, b), ev.si_sdr(s, e), atol=1e-4)
        np.testing.assert_allclose(ev.snr(a, b), ev.snr(s, e), atol=1e-4)
        assert_db(ev.bss_eval_sources(a, b)[:3], ev.bss_eval_sources(s, e)[:3], atol=1e-4)


def test_inputs_are_not_changed():
    s, e = sources_and_estimates(0, 2, 3000, 2)
    kept = s.copy(), e.copy()
    ev.bss_eval_images(s, e)
    framewise(s, e)
    ev.score(s[:, 0], e[:, 0])
    ev.decompose(s[:, 0], e[0, 0], filter_length=8)
    np.testing.assert_array_equal(s, kept[0])
    np.testing.assert_array_equal(e, kept[1])
    turned = np.asfortranarray(s[:, 0]), np.repeat(e[:, 0], 2, axis=1)[:, ::2]
    assert_db(ev.bss_eval_sources(*turned), ev.bss_eval_sources(s[:, 0], e[:, 0]))
    assert_db([ev.si_sdr(*turned)], [ev.si_sdr(s[:, 0], e[:, 0])])
