"""損失関数の試験：定義どおりの計算、評価の値、総当たり、数値微分との一致。"""

import doctest
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sstut import evaluation, losses, masking

torch.set_num_threads(1)
few = settings(max_examples=30)
seeds = st.integers(0, 2**31)


def draw(seed, *shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def spectra(seed, n_sources=2, batch=3, shape=(4, 5)):
    """混合音、音源、0〜1 のマスク。"""
    sources = draw(seed, batch, n_sources, *shape, dtype=torch.complex128)
    return sources.sum(1), sources, draw(seed + 1, batch, n_sources, *shape).sigmoid()


def clusters(seed, n_sources=2, n_dims=4, batch=2, shape=(5, 7)):
    """単位長の埋め込み、ワンホットの正解（どの音源も鳴る）、正の重み。"""
    V = torch.nn.functional.normalize(draw(seed, batch, *shape, n_dims), dim=-1)
    Y = losses.ideal_assignment(
        draw(seed + 1, batch, n_sources, *shape, dtype=torch.complex128)
        + 9 * torch.eye(n_sources, shape[0] * shape[1]).reshape(n_sources, *shape)
    )
    return V, Y, draw(seed + 2, batch, *shape).exp()


def flat(V, Y, w):
    """1 例の `(n_bins, …)` と、和が 1 の重み。"""
    return V.flatten(0, -2), Y.flatten(1).T, (w / w.sum()).flatten()


def test_examples_in_docstrings():
    result = doctest.testmod(losses)
    assert result.attempted > 0
    assert result.failed == 0


# ---- Lp 損失とスペクトログラムの損失 --------------------------------------------------


@given(seeds, st.sampled_from([1, 2, 1.5, 3]))
@few
def test_lp_loss_is_the_mean_of_powers(seed, p):
    e, s = draw(seed, 3, 2, 50), draw(seed + 1, 3, 2, 50)
    each = losses.lp_loss(e, s, p, reduction="none")
    expected = np.mean(np.abs(e.numpy() - s.numpy()) ** p, axis=(1, 2))
    np.testing.assert_allclose(each, expected)
    assert losses.lp_loss(e, s, p) == pytest.approx(expected.mean())
    assert losses.lp_loss(s, s, p) == 0
    torch_loss = {1: torch.nn.L1Loss(), 2: torch.nn.MSELoss()}.get(p)
    if torch_loss:
        assert losses.lp_loss(e, s, p).item() == pytest.approx(torch_loss(e, s).item())


@given(seeds, st.integers(1, 3), st.sampled_from([1, 2]))
@few
def test_spectral_losses_follow_the_formula(seed, n_sources, p):
    X, S, M = spectra(seed, n_sources)
    x, s, m = X.numpy()[:, None], S.numpy(), M.numpy()
    magnitude = np.abs(m * np.abs(x) - np.abs(s)) ** p
    assert losses.magnitude_loss(M, X, S, p).item() == pytest.approx(magnitude.mean())
    # 角度の差の余弦と、内積を割った値は同じ
    target = np.abs(s) * np.cos(np.angle(s) - np.angle(x))
    untruncated = np.abs(m * np.abs(x) - target) ** p
    got = losses.phase_sensitive_loss(M, X, S, p, truncated=False)
    assert got.item() == pytest.approx(untruncated.mean())
    truncated = np.abs(m * np.abs(x) - np.clip(target, 0, np.abs(x))) ** p
    assert losses.phase_sensitive_loss(M, X, S, p).item() == pytest.approx(truncated.mean())


def test_oracle_masks_reach_the_minimum():
    """損失が最小の 0 になるマスクは、振幅比と PSM（`sstut.masking`）である。"""
    X, S, _ = spectra(0)
    assert losses.magnitude_loss(S.abs() / X.abs()[:, None], X, S) < 1e-15
    for clip in (None, (0, 1)):
        psm = [
            masking.phase_sensitive_mask(s, x, clip=clip)
            for s, x in zip(S.numpy(), X.numpy(), strict=True)
        ]
        mask = torch.from_numpy(np.stack(psm))
        assert losses.phase_sensitive_loss(mask, X, S, truncated=clip is not None) < 1e-15
        assert losses.magnitude_loss(mask, X, S) > 0.1


@given(seeds)
@few
def test_psa_differs_from_the_complex_error_by_a_constant(seed):
    """位相を考えた損失を下げることは、複素数の誤差を下げることと同じ。"""
    X, S, M = spectra(seed)
    other = draw(seed + 5, *M.shape).sigmoid()

    def gap(mask):
        error = (mask * X[:, None] - S).abs().square().mean()
        return (error - losses.phase_sensitive_loss(mask, X, S, 2, truncated=False)).item()

    assert gap(M) == pytest.approx(gap(other))


def test_phase_sensitive_targets_add_up_to_the_mixture():
    X, S, _ = spectra(3, n_sources=3)
    target = losses.phase_sensitive_target(X, S, truncated=False)
    torch.testing.assert_close(target.sum(1), X.abs())
    assert target.min() < 0
    truncated = losses.phase_sensitive_target(X, S)
    assert truncated.min() == 0
    assert (truncated <= X.abs()[:, None]).all()
    assert not losses.phase_sensitive_target(0 * X, S).any()


@given(seeds, st.floats(-60, 60), st.sampled_from([1, 2]))
@few
def test_relative_losses_ignore_the_level(seed, level, p):
    X, S, M = spectra(seed)
    gain = 10 ** (level / 20)
    for loss in (losses.magnitude_loss, losses.phase_sensitive_loss):
        reference = loss(M, X, S, p)
        relative = loss(M, X, S, p, relative=True, reduction="none")
        louder = loss(M, gain * X, gain * S, p, relative=True, reduction="none")
        torch.testing.assert_close(louder, relative)
        torch.testing.assert_close(loss(M, gain * X, gain * S, p), gain**p * reference)
        mean = X.abs().mean((1, 2))
        torch.testing.assert_close(relative * mean**p, loss(M, X, S, p, reduction="none"))
        assert loss(M, 0 * X, 0 * S, p, relative=True) == 0


# ---- 深層クラスタリング --------------------------------------------------------------


@given(seeds, st.integers(1, 4))
@few
def test_assignment_is_one_hot_at_the_loudest_source(seed, n_sources):
    S = draw(seed, 2, n_sources, 4, 5, dtype=torch.complex128)
    Y = losses.ideal_assignment(S)
    assert (Y.sum(1) == 1).all()
    assert (Y.argmax(1) == S.abs().argmax(1)).all()
    # 同じ大きさなら、番号の小さい音源の 1 つだけ
    np.testing.assert_array_equal(losses.ideal_assignment(torch.ones_like(S))[:, 0], 1)


def test_weights_drop_quiet_bins():
    X = torch.tensor([[[1.0, 0.011, 0.009]], [[100.0, 1.1, 0.9]]]).to(torch.complex64)
    kept = losses.magnitude_weights(X, threshold_db=40)
    torch.testing.assert_close(kept, torch.tensor([[[1, 0.011, 0]], [[100, 1.1, 0]]]))
    assert losses.magnitude_weights(X, threshold_db=60).count_nonzero() == 6
    assert not losses.magnitude_weights(0 * X).any()


@given(seeds, st.integers(1, 3), st.integers(1, 6))
@few
def test_low_rank_form_equals_the_gram_matrices(seed, n_sources, n_dims):
    V, Y, w = clusters(seed, n_sources, n_dims)
    each = losses.deep_clustering_loss(V, Y, w, reduction="none")
    plain = [losses.deep_clustering_loss_plain(*flat(*one)) for one in zip(V, Y, w, strict=True)]
    torch.testing.assert_close(each, torch.stack(plain))
    assert (each <= 4).all()
    unweighted = losses.deep_clustering_loss(V, Y)
    torch.testing.assert_close(
        losses.deep_clustering_loss(V, Y, 5 * torch.ones_like(w)), unweighted
    )
    # ビンを 1 列に並べて渡しても同じ
    as_list = losses.deep_clustering_loss(V.flatten(1, 2), Y.flatten(2), w.flatten(1))
    torch.testing.assert_close(as_list, each.mean())


def test_deep_clustering_minimum_and_maximum():
    _, Y, w = clusters(0)
    Q = torch.linalg.qr(draw(1, 5, 5)).Q
    ideal = Y.movedim(1, -1) @ Q[:2]  # 音源ごとに、直交する向き。回しても損失は同じ
    assert losses.deep_clustering_loss(ideal, Y, w).item() == pytest.approx(0, abs=1e-12)
    alone = torch.ones(1, 1, 1, 2, dtype=torch.float64)
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64).reshape(1, 1, 2, 2)
    same = losses.deep_clustering_loss_plain(opposite[0, 0], alone[0, 0].T, torch.full((2,), 0.5))
    assert same.item() == pytest.approx(2)  # 4 が半分の組で起こる


def test_dropping_a_source_from_the_assignment_is_another_loss():
    """正解は全音源のワンホットでなければならない。1 列では、ほかの音源どうしが「違う」になる。"""
    _, Y, _ = clusters(0)
    ideal = Y.movedim(1, -1)
    assert losses.deep_clustering_loss(ideal, Y).item() == pytest.approx(0, abs=1e-12)
    assert losses.deep_clustering_loss(ideal, Y[:, :1]) > 0.2


@given(seeds, st.integers(1, 3), st.integers(1, 5))
@few
def test_whitened_form_equals_the_residual(seed, n_sources, n_dims):
    V, Y, w = clusters(seed, n_sources, n_dims)
    each = losses.whitened_deep_clustering_loss(V, Y, w, ridge=0, reduction="none")
    plain = [
        losses.whitened_deep_clustering_loss_plain(*flat(*one)) for one in zip(V, Y, w, strict=True)
    ]
    torch.testing.assert_close(each, torch.stack(plain))
    assert (each >= n_dims - min(n_dims, n_sources) - 1e-9).all()
    assert (each <= n_dims + 1e-9).all()
    # 埋め込みをどんな正則行列で伸び縮みさせても変わらない
    mixed = V @ (draw(seed + 3, n_dims, n_dims) + 9 * torch.eye(n_dims))
    torch.testing.assert_close(
        losses.whitened_deep_clustering_loss(mixed, Y, w, ridge=0), each.mean()
    )
    ridged = losses.whitened_deep_clustering_loss(V, Y, w, ridge=1e-3, reduction="none")
    assert (ridged > each).all()


def test_whitened_minimum_and_degenerate_inputs():
    V, Y, w = clusters(0, n_sources=2, n_dims=2)
    assert losses.whitened_deep_clustering_loss(Y.movedim(1, -1), Y, w, ridge=0) < 1e-12
    constant = torch.ones_like(V) / math.sqrt(2)
    for embeddings, assignment, weights in (
        (constant, Y, w),  # 埋め込みが 1 次元につぶれている
        (V, torch.stack([Y.sum(1), 0 * Y[:, 0]], 1), w),  # 鳴らない音源がある
        (V, Y, 0 * w),  # 混合音が無音
    ):
        embeddings = embeddings.clone().requires_grad_()
        loss = losses.whitened_deep_clustering_loss(embeddings, assignment, weights)
        loss.backward()
        assert 0 < loss.item() <= 2
        assert embeddings.grad.isfinite().all()
    assert losses.deep_clustering_loss(V, Y, 0 * w) == 0


def test_gradient_descent_on_embeddings_finds_the_sources():
    """答えの分かる学習：どちらの損失も、下げればビンが音源ごとに分かれる。"""
    start, Y, w = clusters(7, n_dims=3, batch=1, shape=(8, 10))
    same = (Y.flatten(2).mT @ Y.flatten(2))[0] > 0.5
    for loss in (losses.deep_clustering_loss, losses.whitened_deep_clustering_loss):
        V = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([V], lr=0.1)
        for _ in range(150):
            optimizer.zero_grad()
            loss(torch.nn.functional.normalize(V, dim=-1), Y, w).backward()
            optimizer.step()
        unit = torch.nn.functional.normalize(V.detach().flatten(1, 2)[0], dim=-1)
        inner = unit @ unit.T
        assert inner[same].min() > inner[~same].max() + 0.2


def test_chimera_is_a_weighted_mean():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([5.0, 4.0])
    torch.testing.assert_close(losses.chimera_loss(a, b, 0.25), torch.tensor([4.0, 3.5]))
    assert torch.equal(losses.chimera_loss(a, b, 1.0), a)
    assert torch.equal(losses.chimera_loss(a, b, 0.0), b)


# ---- 波形の損失 ----------------------------------------------------------------------


@given(seeds, st.booleans(), st.floats(-30, 30))
@few
def test_waveform_losses_equal_the_evaluation(seed, zero_mean, level):
    s = draw(seed, 2, 3, 200) + 0.5
    e = 10 ** (level / 20) * (s + 0.3 * draw(seed + 1, 2, 3, 200))
    si = losses.si_sdr_loss(e, s, zero_mean, limit=150, reduction="none")
    expected = evaluation.si_sdr(s.numpy(), e.numpy(), zero_mean=zero_mean).mean(axis=1)
    np.testing.assert_allclose(si, -expected, atol=1e-6)
    assert losses.si_sdr_loss(e, s, zero_mean).item() == pytest.approx(-expected.mean(), abs=1e-5)
    snr = losses.snr_loss(e, s, floor=1e-20)
    assert snr.item() == pytest.approx(-np.mean(evaluation.snr(s.numpy(), e.numpy())), abs=1e-6)


@given(seeds, st.floats(-100, 100), st.sampled_from([-1, 1]), st.sampled_from([30.0, 80.0]))
@few
def test_si_sdr_ignores_the_scale_and_stays_within_the_limit(seed, level, sign, limit):
    gain = sign * 10 ** (level / 20)
    s, e = draw(seed, 2, 100), draw(seed + 1, 2, 100)
    loss = partial(losses.si_sdr_loss, limit=limit)
    torch.testing.assert_close(loss(gain * e, s), loss(e, s))
    torch.testing.assert_close(loss(e, gain * s), loss(e, s))
    assert loss(gain * s, s).item() == pytest.approx(-limit, abs=1e-3)
    assert abs(loss(e, s)) <= limit
    orthogonal = e - (e * s).sum(-1, keepdim=True) / (s * s).sum(-1, keepdim=True) * s
    assert loss(orthogonal, s, zero_mean=False).item() == pytest.approx(limit, abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_silence_gives_finite_values_and_gradients(dtype):
    sound, silence = draw(0, 2, 400, dtype=dtype), torch.zeros(2, 400, dtype=dtype)
    for loss in (losses.si_sdr_loss, losses.snr_loss, losses.multi_resolution_stft_loss):
        for estimate, target in ((sound, silence), (silence, sound), (silence, silence)):
            e = estimate.clone().requires_grad_()
            value = loss(e, target)
            value.backward()
            assert value.isfinite()
            assert e.grad.isfinite().all()
    # 決まらない比は 0 とし、推定を動かさない。決まる比の上限は「無音」
    assert losses.si_sdr_loss(sound, silence) == 0
    assert losses.si_sdr_loss(sound, silence + 0.3) == 0  # 直流だけでも、平均を引けば無音
    assert losses.si_sdr_loss(silence, sound).item() == pytest.approx(80, abs=1e-3)
    assert losses.snr_loss(silence, sound).item() == 0
    assert losses.snr_loss(silence, silence).item() == 0


def test_snr_pulls_an_estimate_of_silence_to_silence():
    e = draw(0, 1, 400).requires_grad_()
    losses.snr_loss(e, torch.zeros(1, 400, dtype=e.dtype)).backward()
    quieter = (e - 1e-3 * e.grad / e.grad.abs().max()).detach()
    assert quieter.square().sum() < e.square().sum()
    power = 0.25
    perfect = losses.snr_loss(torch.full((1, 9), 0.5), torch.full((1, 9), 0.5), floor=1e-4)
    assert perfect.item() == pytest.approx(-10 * math.log10(1 + power / 1e-4))


def test_multi_resolution_loss_follows_the_formula():
    import librosa

    e, s = draw(0, 2, 3, 1500), draw(1, 2, 3, 1500)
    total = np.zeros((2, 3))
    for n_fft in (64, 256):
        E, S = (
            np.abs(librosa.stft(y.numpy(), n_fft=n_fft, hop_length=n_fft // 4)) / (n_fft / 2)
            for y in (e, s)
        )
        total += np.linalg.norm(E - S, axis=(-2, -1)) / np.linalg.norm(S, axis=(-2, -1))
        total += np.abs(np.log(E) - np.log(S)).mean(axis=(-2, -1))
    loss = partial(losses.multi_resolution_stft_loss, n_ffts=(64, 256), floor=1e-12)
    np.testing.assert_allclose(loss(e, s, reduction="none"), total.mean(axis=1) / 2, rtol=1e-6)
    assert loss(s, s) == 0
    assert loss(-s, s) < 1e-12  # 位相を見ない


def test_resolutions_notice_different_errors():
    """クリックのずれは短いフレームが、正弦波のずれは長いフレームが、大きく咎める。"""
    click, moved = torch.zeros(2, 1, 4096).unbind(0)
    click[:, 2000], moved[:, 2100] = 1.0, 1.0
    time = torch.arange(4096) / 8000
    tone, shifted = (torch.sin(2 * math.pi * f * time)[None] for f in (1000.0, 1008.0))
    loss = losses.multi_resolution_stft_loss
    short, long = {"n_ffts": (64,)}, {"n_ffts": (2048,)}
    assert loss(moved, click, **short) > 2 * loss(moved, click, **long)
    assert loss(shifted, tone, **long) > 1.5 * loss(shifted, tone, **short)


# ---- 順列不変学習 --------------------------------------------------------------------


@given(seeds, st.integers(1, 6), st.integers(1, 3))
@example(0, 5, 2)
@few
def test_pit_equals_brute_force(seed, n_sources, batch):
    pairwise = draw(seed, batch, n_sources, n_sources)
    loss, permutation = losses.pit(pairwise, reduction="none")
    for one, value, order in zip(pairwise, loss, permutation, strict=True):
        expected, expected_order = losses.pit_plain(one)
        assert value.item() == pytest.approx(expected.item())
        assert tuple(order.tolist()) == expected_order
        assert order.tolist() == evaluation.best_permutation(-one.T.numpy()).tolist()
    assert losses.pit(pairwise)[0].item() == pytest.approx(loss.mean().item())


@given(seeds, st.integers(2, 6))
@few
def test_pit_ignores_the_order_of_the_estimates(seed, n_sources):
    rng = np.random.default_rng(seed)
    s = draw(seed, 2, n_sources, 60)
    e = s + 0.1 * draw(seed + 1, 2, n_sources, 60)
    order = torch.from_numpy(np.stack([rng.permutation(n_sources) for _ in range(2)]))
    shuffled = losses.permute_sources(e, order)
    for loss in (losses.si_sdr_loss, losses.snr_loss, partial(losses.lp_loss, p=2)):
        value, permutation = losses.permutation_invariant(loss, shuffled, s)
        torch.testing.assert_close(value, loss(e, s))
        assert torch.equal(losses.permute_sources(shuffled, permutation), e)


@given(seeds, st.integers(1, 4))
@few
def test_pit_equals_fast_bss_eval(seed, n_sources):
    import fast_bss_eval

    s = draw(seed, 2, n_sources, 100)
    e = s.flip(1) + 0.5 * draw(seed + 1, 2, n_sources, 100)
    loss, permutation = losses.permutation_invariant(losses.si_sdr_loss, e, s, reduction="none")
    expected, order = fast_bss_eval.si_sdr(s, e, zero_mean=True, return_perm=True)
    torch.testing.assert_close(loss, -expected.mean(-1), atol=1e-4, rtol=0)
    assert torch.equal(permutation, order)


def test_pit_with_spectral_losses():
    """混合音を固定すれば、マスクと音源の組にも使える。"""
    X, S, _ = spectra(0, n_sources=3)
    M = S.abs() / X.abs()[:, None]

    def pair(mask, source, reduction):
        return losses.magnitude_loss(mask[:, None], X, source[:, None], reduction=reduction)

    loss, permutation = losses.permutation_invariant(pair, M[:, [1, 2, 0]], S)
    assert loss < 1e-15
    assert permutation.tolist() == 3 * [[2, 0, 1]]


def test_only_the_chosen_pairs_receive_gradients():
    pairwise = torch.tensor([[[0.0, 5.0], [5.0, 1.0]]], requires_grad=True)
    losses.pit(pairwise)[0].backward()
    torch.testing.assert_close(pairwise.grad, torch.eye(2)[None] / 2)


def test_permutation_flip():
    """入れ替えた推定も、PIT なら罰を受けない。ふつうの損失は、両方を混ぜた推定の方を褒める。"""
    s = draw(0, 1, 2, 400)
    swapped, mixed = s.flip(1), s.mean(1, keepdim=True).expand_as(s)
    assert losses.lp_loss(mixed, s, 2) < losses.lp_loss(swapped, s, 2)
    pit = partial(losses.permutation_invariant, partial(losses.lp_loss, p=2))
    assert pit(swapped, s)[0] == 0 < pit(mixed, s)[0]


# ---- 勾配 ----------------------------------------------------------------------------

X0, S0, M0 = spectra(11, batch=2, shape=(3, 2))
V0, Y0, W0 = clusters(12, shape=(3, 4))
E0, T0 = draw(13, 2, 2, 40), draw(14, 2, 2, 40)
GRADIENTS = {
    "lp": (lambda e: losses.lp_loss(e, T0), E0),
    "lp3": (lambda e: losses.lp_loss(e, T0, 3), E0),
    "magnitude": (lambda m: losses.magnitude_loss(m, X0, S0, relative=True), M0),
    "phase_sensitive": (lambda m: losses.phase_sensitive_loss(m, X0, S0, 2), M0),
    "deep_clustering": (lambda v: losses.deep_clustering_loss(v, Y0, W0), V0),
    "whitened": (lambda v: losses.whitened_deep_clustering_loss(v, Y0, W0), V0),
    "snr": (lambda e: losses.snr_loss(e, T0), E0),
    "si_sdr": (lambda e: losses.si_sdr_loss(e, T0, limit=30), E0),
    "multi_resolution": (
        lambda e: losses.multi_resolution_stft_loss(e, T0, n_ffts=(8, 16)),
        E0,
    ),
    "pit": (lambda e: losses.permutation_invariant(losses.si_sdr_loss, e, T0)[0], E0),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_equal_finite_differences(name):
    loss, at = GRADIENTS[name]
    assert torch.autograd.gradcheck(loss, at.clone().requires_grad_())


@pytest.mark.parametrize(
    ("fast", "plain"),
    [
        (losses.deep_clustering_loss, losses.deep_clustering_loss_plain),
        (
            partial(losses.whitened_deep_clustering_loss, ridge=0),
            losses.whitened_deep_clustering_loss_plain,
        ),
    ],
)
def test_gradients_equal_those_of_the_plain_forms(fast, plain):
    V = V0[:1].clone().requires_grad_()
    (expected,) = torch.autograd.grad(plain(*flat(V[0], Y0[0], W0[0])), V)
    (got,) = torch.autograd.grad(fast(V, Y0[:1], W0[:1]), V)
    torch.testing.assert_close(got, expected)


def test_si_sdr_gradient_is_orthogonal_to_the_estimate():
    """倍率を変えても値が同じなので、勾配は推定と直交する。"""
    e = E0.clone().requires_grad_()
    losses.si_sdr_loss(e, T0, zero_mean=False).backward()
    inner = (e.grad * e).sum(-1)
    torch.testing.assert_close(inner, torch.zeros_like(inner), atol=1e-10, rtol=0)


def test_half_precision_is_computed_in_single():
    e, s = E0.bfloat16(), T0.bfloat16()
    assert losses.si_sdr_loss(e, s) == losses.si_sdr_loss(e.float(), s.float())


def test_autocast_leaves_the_gram_matrices_in_single():
    V, Y, w = V0.float(), Y0.float(), W0.float()
    for loss in (losses.deep_clustering_loss, losses.whitened_deep_clustering_loss):
        with torch.autocast("cpu", torch.bfloat16):
            inside = loss(V, Y, w)
        assert inside == loss(V, Y, w)


# ---- だめな入力 ----------------------------------------------------------------------

E, S2 = torch.zeros(2, 3, 100), torch.zeros(2, 2, 4, 5, dtype=torch.complex64)
X2, M2 = torch.zeros(2, 4, 5, dtype=torch.complex64), torch.zeros(2, 2, 4, 5)
V2 = torch.zeros(2, 4, 5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.lp_loss(E, E[:, :1]), r"\(2, 3, 100\).*\(2, 1, 100\)"),
        (lambda: losses.lp_loss(E, E, p=0.5), "p は 1 以上"),
        (lambda: losses.lp_loss(E, E, p=math.nan), "p は 1 以上"),
        (lambda: losses.lp_loss(E, E, reduction="sum"), "reduction は"),
        (lambda: losses.lp_loss(E.numpy(), E), "torch.from_numpy"),
        (lambda: losses.lp_loss(E.int(), E.int()), "実数のテンソル"),
        (lambda: losses.lp_loss(E[:, :0], E[:, :0]), "estimate が空"),
        (lambda: losses.si_sdr_loss(E[0, 0], E[0, 0]), r"n_samples.*\(100,\)"),
        (lambda: losses.si_sdr_loss(E, E, limit=0), "limit は 0 より大きく"),
        (lambda: losses.snr_loss(E, E, floor=0), "floor は正"),
        (lambda: losses.multi_resolution_stft_loss(E, E, n_ffts=()), "n_ffts"),
        (lambda: losses.multi_resolution_stft_loss(E, E, n_ffts=(2, 8)), "4 以上"),
        (lambda: losses.magnitude_loss(M2, X2.abs(), S2), "mixture_stft は複素数"),
        (lambda: losses.magnitude_loss(M2, X2[:, :3], S2), r"\(2, 3, 5\).*\(2, 4, 5\)"),
        (lambda: losses.magnitude_loss(M2[:, :1], X2, S2), r"masks の形 \(2, 1, 4, 5\)"),
        (lambda: losses.phase_sensitive_loss(M2, X2[0], S2), "mixture_stft は"),
        (lambda: losses.phase_sensitive_target(X2, S2[:, 0]), "source_stfts は"),
        (lambda: losses.ideal_assignment(M2), "複素数"),
        (lambda: losses.magnitude_weights(X2, -1), "threshold_db"),
        (lambda: losses.deep_clustering_loss(V2, M2.movedim(1, -1)), "assignment の形"),
        (lambda: losses.deep_clustering_loss(V2, M2, M2), "weights の形"),
        (lambda: losses.whitened_deep_clustering_loss(V2, M2, ridge=-1), "ridge"),
        (lambda: losses.whitened_deep_clustering_loss(V2, M2, ridge=0), "ridge=0 では"),
        (lambda: losses.chimera_loss(E, E, 1.5), "alpha は 0 以上 1 以下"),
        (lambda: losses.chimera_loss(E, E[0], 0.5), "形"),
        (lambda: losses.pit(E), "推定の数 3 と正解の数 100"),
        (lambda: losses.pit(torch.full((1, 2, 2), math.nan)), "NaN"),
        (lambda: losses.permutation_invariant(losses.lp_loss, E, E[:, :2]), "形"),
        (lambda: losses.permutation_invariant(losses.lp_loss, E[0], E[0]), "n_sources"),
        (lambda: losses.permute_sources(E, torch.zeros(2, 2, dtype=int)), "permutation の形"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()
