"""NMF と RPCA の試験：損失は増えない、scikit-learn と等しい、分けられるはずの音が分かれる。"""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import NMF

from sstut import nmf as module
from sstut.data import clip, load_song
from sstut.evaluation import si_sdr
from sstut.masking import apply_mask
from sstut.nmf import (
    component_masks,
    divergence,
    nmf,
    nmf_plain,
    rpca,
    separate_rpca,
    separate_timbre,
    supervised_nmf,
    timbre_clusters,
)
from sstut.representations import istft, magnitude, stft

LOSSES = {"euclidean": "frobenius", "kl": "kullback-leibler", "is": "itakura-saito"}


@st.composite
def problems(draw, zeros=True):
    """V と初期値。大きさ（とても小さい値から大きい値まで）、形、0 の混じり方を変える。"""
    f, t, k = draw(st.integers(1, 90)), draw(st.integers(1, 30)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1.0, 1e-6, 1e5]))
    V = rng.random((f, t)) ** 3 * scale
    if zeros and draw(st.booleans()):
        V[rng.random(V.shape) < 0.4] = 0
    return V, (rng.random((f, k)) + 0.1) * scale, rng.random((k, t)) + 0.1


# ---- 理論 ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@given(problem=problems(zeros=False), update_W=st.booleans())
def test_loss_never_rises(loss, problem, update_W):
    V, W, H = problem
    result = nmf(V, W=W, H=H, loss=loss, n_iter=15, update_W=update_W)
    assert result.losses.shape == (16,)
    slack = 1e-9 * result.losses[0] + 1e-12 * V.size
    assert np.all(np.diff(result.losses) <= slack)
    assert result.W.min() >= 0
    assert result.H.min() >= 0


@pytest.mark.parametrize("loss", LOSSES)
@given(problem=problems(zeros=False))
def test_reported_losses_are_the_divergences(loss, problem):
    V, W, H = problem
    result = nmf(V, W=W, H=H, loss=loss, n_iter=4)
    if loss == "is":
        V = np.maximum(V, 1e-10 * V.max())
    floor = np.finfo(np.float32).eps * V.max()
    scale = V.size * {"euclidean": V.max() ** 2, "kl": V.max(), "is": 1.0}[loss]
    for k, reported in ((0, W @ H), (4, result.W @ result.H)):
        expected = divergence(V, reported + floor, loss)
        np.testing.assert_allclose(result.losses[k], expected, rtol=1e-9, atol=1e-12 * scale)


@given(problems())
def test_zeros_stay_zero_and_everything_stays_finite(problem):
    V, W, H = problem
    W[:, 0] = 0
    result = nmf(V, W=W, H=H, n_iter=10)
    assert np.all(result.W[:, 0] == 0)
    assert np.isfinite(result.W).all()
    assert np.isfinite(result.H).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_an_exact_factorisation_is_found(rng, loss):
    """重なりのない 3 つの音は、3 成分でちょうど表せる。"""
    W = np.kron(np.eye(3), np.array([[1.0], [2.0], [0.5], [1.5]])) + 1e-3
    H = rng.random((3, 60)) ** 4 + 1e-3
    best = min(
        nmf(W @ H, 3, loss=loss, n_iter=1500, loss_every=1500, rng=seed).losses[-1]
        for seed in range(4)
    )
    worst = divergence(W @ H, np.full(H.shape[1], (W @ H).mean()) + np.zeros((12, 1)), loss)
    assert best < 1e-3 * worst


def test_learned_bases_sum_to_one_and_float32_stays(rng):
    V = rng.random((40, 30)).astype(np.float32)
    result = nmf(V, 5, n_iter=5, rng=1)
    assert result.W.dtype == result.H.dtype == np.float32
    np.testing.assert_allclose(result.W.sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_array_equal(result.W, nmf(V, 5, n_iter=5, rng=1).W)


def test_fixed_bases_are_left_alone(rng):
    V, W = rng.random((40, 30)), rng.random((40, 5))
    result = nmf(V, W=W, update_W=False, n_iter=5, rng=1)
    np.testing.assert_array_equal(result.W, W)


def test_loss_every_only_thins_the_losses(rng):
    V = rng.random((70, 30))
    every, third = nmf(V, 4, n_iter=9, rng=0), nmf(V, 4, n_iter=9, loss_every=3, rng=0)
    np.testing.assert_array_equal(third.W, every.W)
    np.testing.assert_array_equal(third.losses, every.losses[::3])


@pytest.mark.parametrize("loss", LOSSES)
def test_silence_gives_silence(loss):
    result = nmf(np.zeros((8, 5)), 2, loss=loss, n_iter=3, rng=0)
    assert np.isfinite(result.W).all()
    assert np.isfinite(result.losses).all()
    assert (result.W @ result.H).max() < 1e-6


@given(problems(zeros=False), st.sampled_from(list(LOSSES)))
def test_divergence_is_zero_only_at_equality(problem, loss):
    V, W, H = problem
    V = V + 1e-3 * V.max()
    assert divergence(V, V, loss) == 0
    assert divergence(V, V * 1.1, loss) > 0
    if loss == "is":
        Q = W @ H
        np.testing.assert_allclose(
            divergence(3 * V, 3 * Q, loss), divergence(V, Q, loss), rtol=1e-9
        )


# ---- ほかの実装 ----------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_scikit_learn(rng, loss, dtype):
    V = (rng.random((130, 6)) @ rng.random((6, 80)) * rng.random((130, 80)) + 1e-3).astype(dtype)
    W, H = (rng.random((130, 4)) + 0.1).astype(dtype), (rng.random((4, 80)) + 0.1).astype(dtype)
    peer = NMF(4, init="custom", solver="mu", beta_loss=LOSSES[loss], max_iter=60, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 収束していないという警告
        expected = peer.fit_transform(V, W=W.copy(), H=H.copy()) @ peer.components_
    ours = nmf(V, W=W, H=H, loss=loss, n_iter=60)
    tolerance = 2e-3 if dtype == np.float32 else 2e-5
    np.testing.assert_allclose(ours.W @ ours.H, expected, rtol=tolerance)


def test_equals_the_plain_one(rng):
    V, W, H = rng.random((150, 40)) + 0.01, rng.random((150, 5)) + 0.1, rng.random((5, 40)) + 0.1
    plain_W, plain_H = nmf_plain(V, W, H, 30)
    ours = nmf(V, W=W, H=H, n_iter=30)
    np.testing.assert_allclose(ours.W @ ours.H, plain_W @ plain_H, rtol=1e-4)


# ---- マスクと組 ----------------------------------------------------------------------


@given(problems(), st.integers(1, 4))
def test_masks_sum_to_one(problem, n_groups):
    V, W, H = problem
    groups = np.arange(W.shape[1]) % n_groups
    masks = component_masks(W, H, groups)
    assert masks.shape == (groups.max() + 1, *V.shape)
    np.testing.assert_allclose(masks.sum(axis=0), 1, rtol=1e-9)
    assert masks.min() >= 0


def test_group_masks_are_sums_of_component_masks(rng):
    W, H = rng.random((9, 4)), rng.random((4, 7))
    single, pair = component_masks(W, H), component_masks(W, H, [0, 1, 0, 1])
    np.testing.assert_allclose(pair[0], single[0] + single[2])
    silent = component_masks(np.zeros_like(W), H)
    np.testing.assert_array_equal(silent, 0.25)


def test_timbre_groups_bright_and_dark_bases(rng):
    """低いほうに偏った基底と、高いほうに偏った基底を分ける。番号は低い順。"""
    f = np.linspace(0, 1, 513)[:, np.newaxis]
    dark = np.exp(-f * rng.uniform(25, 30, 4))
    bright = np.exp(-(1 - f) * rng.uniform(25, 30, 5))
    labels = timbre_clusters(np.hstack([bright, dark]), 2, sr=16000, rng=0)
    np.testing.assert_array_equal(labels, [1] * 5 + [0] * 4)


# ---- RPCA ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(60, 90), (90, 60)])
def test_rpca_recovers_a_low_rank_and_a_sparse_matrix(rng, shape):
    """条件のよい問題では、低ランクとまばらの和が正確に分かれる（Candès ら 2011 の定理）。"""
    L = rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))
    S = np.where(rng.random(shape) < 0.05, rng.uniform(-10, 10, shape), 0)
    result = rpca(L + S, tol=1e-8)
    np.testing.assert_allclose(result.low_rank, L, atol=1e-4)
    np.testing.assert_allclose(result.sparse, S, atol=1e-4)
    assert result.losses[-1] < 1e-8


def test_rpca_singular_value_shrinkage_equals_the_svd(rng):
    X = rng.standard_normal((20, 33))
    U, sigma, Vt = np.linalg.svd(X, full_matrices=False)
    expected = (U * np.maximum(sigma - 3, 0)) @ Vt
    np.testing.assert_allclose(module._shrink_singular_values(X, 3.0), expected, atol=1e-9)
    np.testing.assert_allclose(module._shrink_singular_values(X.T, 3.0), expected.T, atol=1e-9)


def test_rpca_of_silence():
    result = rpca(np.zeros((4, 5)))
    assert not result.low_rank.any()
    assert not result.sparse.any()


# ---- 分離 ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def song():
    return load_song(sr=22050, mono=True)


def test_supervised_nmf_separates_drums_from_bass(song):
    """曲の後半で基底を学び、前半を分ける。混合音のままより 5 dB 以上よくなる。"""
    stems = np.stack([song.stems["drums"], song.stems["bass"]])
    learn, test = clip(stems, song.sr, 6.5, 6.0), clip(stems, song.sr, 0.1, 6.0)
    mixture = test.sum(axis=0)
    bases = [nmf(magnitude(stft(y)), 16, n_iter=100, loss_every=100, rng=0).W for y in learn]
    X = stft(mixture)
    masks, result = supervised_nmf(magnitude(X), bases, rng=0)
    assert np.all(np.diff(result.losses) <= 1e-6 * result.losses[0])
    estimates = istft(apply_mask(masks, X), length=mixture.shape[-1])
    np.testing.assert_allclose(estimates.sum(axis=0), mixture, atol=1e-5)
    for reference, estimate in zip(test, estimates, strict=True):
        assert si_sdr(reference, estimate) - si_sdr(reference, mixture) > 5


def test_timbre_clustering_separates_unlike_instruments(song):
    """正解も学習も使わずに、低い音（ベース）と、ほかの音を分ける。"""
    stems = np.stack([song.stems["bass"], song.stems["drums"]])
    stems = clip(stems, song.sr, 0.1, 6.0)
    mixture = stems.sum(axis=0)
    low, high = separate_timbre(mixture, song.sr, n_components=16, n_iter=100)
    np.testing.assert_allclose(low + high, mixture, atol=1e-5)
    assert si_sdr(stems[0], low) - si_sdr(stems[0], mixture) > 3


def test_rpca_separates_a_voice_from_a_loop(song):
    """くり返す伴奏は低ランクに、歌はまばらな成分に入る。"""
    loop = np.tile(clip(song.accompaniment, song.sr, 8.0, 1.0), 6)
    vocals = clip(song.stems["vocals"], song.sr, 0.5, 6.0)
    mixture = loop + vocals
    background, foreground = separate_rpca(mixture)
    np.testing.assert_allclose(background + foreground, mixture, atol=1e-5)
    assert si_sdr(vocals, foreground) - si_sdr(vocals, mixture) > 3
    assert si_sdr(loop, background) - si_sdr(loop, mixture) > 2


@pytest.mark.parametrize("separate", [lambda x: separate_timbre(x, 8000), separate_rpca])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_any_channels_and_silence(rng, separate, n_channels):
    for mixture in (rng.standard_normal((n_channels, 9000)), np.zeros((n_channels, 9000))):
        sources = separate(mixture.astype(np.float32))
        assert sources.shape == (2, n_channels, 9000)
        assert sources.dtype == np.float32
        np.testing.assert_allclose(sources.sum(axis=0), mixture, atol=1e-5)


# ---- だめな入力 ----------------------------------------------------------------------

V = np.ones((9, 7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nmf(V - 2, 2), "V に負の値 -1"),
        (lambda: nmf(V[0], 2), "2 次元"),
        (lambda: nmf(np.where(V > 0, np.nan, 0), 2), "NaN"),
        (lambda: nmf(V.astype(int), 2), "浮動小数点"),
        (lambda: nmf(V), "成分の数を決められません"),
        (lambda: nmf(V, 2, W=np.ones((9, 3))), r"\[2, 3\]"),
        (lambda: nmf(V, 0), "n_components は 1 以上"),
        (lambda: nmf(V, 2, loss="l2"), "loss.*l2"),
        (lambda: nmf(V, 2, n_iter=0), "n_iter は 1 以上"),
        (lambda: nmf(V, 2, loss_every=0), "loss_every は 1 以上"),
        (lambda: nmf(V, W=np.ones((8, 2))), r"W の形は \(9, 2\)"),
        (lambda: nmf(V, H=-np.ones((2, 7))), "H に負の値"),
        (lambda: divergence(V, V[1:]), "違います"),
        (lambda: component_masks(np.ones((9, 2)), np.ones((3, 7))), "成分の数が違います"),
        (lambda: component_masks(np.ones((9, 2)), np.ones((2, 7)), [0]), "groups"),
        (lambda: component_masks(np.ones((9, 2)), np.ones((2, 7)), [0, -1]), "groups"),
        (lambda: supervised_nmf(V, [np.ones((9, 2))]), "2 つ以上"),
        (lambda: supervised_nmf(V, [np.ones((9, 2)), np.ones((8, 2))]), "周波数の数"),
        (lambda: timbre_clusters(np.ones((9, 2)), 3, sr=8000), "n_clusters=3"),
        (lambda: rpca(V[0]), "2 次元"),
        (lambda: rpca(V, sparsity=-1), "sparsity は正"),
        (lambda: rpca(V[np.newaxis]), r"\(1, 9, 7\)"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()
