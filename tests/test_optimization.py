"""勾配降下法の試験：PyTorch と 1 歩ずつ同じで、2 次の損失の理論どおりに収束し、発散する。"""

from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sstut.evaluation import si_sdr
from sstut.optimization import (
    adam,
    autoclip_threshold,
    clip_by_norm,
    gradient_descent,
    max_stable_lr,
    minibatches,
    numerical_gradient,
    quadratic_bowl,
    rmsprop,
    rosenbrock,
    unmixing_moments,
    unmixing_mse,
    unmixing_si_sdr,
    warmup_cosine,
)

SEEDS = st.integers(0, 2**32 - 1)
START = [-1.2, 1.5]
N_SAMPLES, BLOCK = 4000, 400
A = np.array([[1.0, 0.7], [0.5, 1.0]])


def recording(seed=0, noise=0.01):
    rng = np.random.default_rng(seed)
    sources = rng.standard_normal((2, N_SAMPLES)) * np.linspace(0.2, 1, N_SAMPLES)
    return A @ sources + noise * rng.standard_normal((2, N_SAMPLES)), sources[0]


def moments(seed=0, noise=0.01):
    return unmixing_moments(*recording(seed, noise), BLOCK)


SURFACES = {
    "bowl": quadratic_bowl(20, 0.5),
    "rosenbrock": rosenbrock(),
    "mse": unmixing_mse(moments()),
    "si_sdr": unmixing_si_sdr(moments()),
}

# ---- PyTorch と同じ ----

PAIRS = {
    "gradient descent": (gradient_descent, torch.optim.SGD, {}, {}),
    "momentum": (gradient_descent, torch.optim.SGD, {"momentum": 0.9}, {"momentum": 0.9}),
    "nesterov": (
        gradient_descent,
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True},
        {"momentum": 0.8, "nesterov": True},
    ),
    "rmsprop": (rmsprop, torch.optim.RMSprop, {"decay": 0.95}, {"alpha": 0.95}),
    "adam": (adam, torch.optim.Adam, {"betas": (0.8, 0.95)}, {"betas": (0.8, 0.95)}),
}


def torch_path(make, start, gradient, n_iter, rates, max_norm=None, **options):
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([theta], lr=1.0, **options)
    path = [theta.detach().numpy().copy()]
    for rate in np.broadcast_to(rates, n_iter):
        theta.grad = torch.tensor(gradient(theta.detach().numpy()))
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_([theta], max_norm)
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.step()
        path.append(theta.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("schedule", [False, True])
def test_every_step_equals_torch(name, schedule):
    ours, make, options, torch_options = PAIRS[name]
    lr = warmup_cosine(40, lr=0.01, warmup=5, floor=0.1) if schedule else 0.01
    gradient = SURFACES["rosenbrock"].gradient
    expected = torch_path(make, START, gradient, 40, lr, **torch_options)
    actual = ours(gradient, START, lr=lr, n_iter=40, **options)
    assert not actual.diverged
    np.testing.assert_allclose(actual.path, expected, rtol=1e-12, atol=1e-14)


def test_clipped_steps_equal_torch():
    gradient = SURFACES["rosenbrock"].gradient
    expected = torch_path(torch.optim.SGD, START, gradient, 40, 0.02, max_norm=1.5)
    actual = gradient_descent(gradient, START, lr=0.02, n_iter=40, clip=1.5)
    assert actual.gradient_norms.max() > 1.5
    # PyTorch は長さに 1e-6 を足してから割る
    np.testing.assert_allclose(actual.path, expected, rtol=1e-5)


# ---- 2 次の損失の理論 ----


@given(st.floats(1, 100), st.floats(-3, 3), st.floats(0.01, 0.99), SEEDS)
def test_plain_descent_shrinks_each_direction_by_its_own_factor(condition, angle, part, seed):
    """固有ベクトルの向きの成分は、1 回に (1 − lr·曲率) 倍になる。"""
    bowl = quadratic_bowl(condition, angle)
    lr = part * 2 / condition
    start = np.random.default_rng(seed).standard_normal(2)
    run = gradient_descent(bowl.gradient, start, lr=lr, n_iter=30, loss=bowl.loss)
    steep = np.array([np.cos(angle), np.sin(angle)])
    gentle = np.array([-np.sin(angle), np.cos(angle)])
    for direction, curvature in [(steep, condition), (gentle, 1.0)]:
        factor = (1 - lr * curvature) ** np.arange(31)
        np.testing.assert_allclose(run.path @ direction, factor * (start @ direction), atol=1e-9)
    assert np.all(np.diff(run.losses) <= 1e-12)


@given(st.floats(1, 100), SEEDS)
def test_two_over_the_largest_curvature_is_the_border(condition, seed):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 3)
    bowl = quadratic_bowl(condition, angle)
    hessian = np.array([bowl.gradient(e) for e in np.eye(2)])
    limit = max_stable_lr(hessian)
    np.testing.assert_allclose(limit, 2 / condition)
    start = np.array([np.cos(angle), np.sin(angle)])  # 急な向きに 1 だけ離れた点
    below = gradient_descent(bowl.gradient, start, lr=0.97 * limit, n_iter=200)
    above = gradient_descent(bowl.gradient, start, lr=1.03 * limit, n_iter=200)
    assert np.linalg.norm(below.path[-1]) < 1e-3
    assert np.linalg.norm(above.path[-1]) > 1e3


def test_best_rate_and_momentum_need_condition_and_its_root():
    """よい学習率での速さは (κ−1)/(κ+1)、慣性を付けると (√κ−1)/(√κ+1)。"""
    condition = 100.0
    bowl = quadratic_bowl(condition, 0.3)
    run = gradient_descent(bowl.gradient, [1.0, 1.0], lr=2 / (condition + 1), n_iter=60)
    lengths = np.linalg.norm(run.path, axis=1)
    expected = ((condition - 1) / (condition + 1)) ** np.arange(61)
    np.testing.assert_allclose(lengths / lengths[0], expected, rtol=1e-9)
    root = np.sqrt(condition)
    heavy = gradient_descent(
        bowl.gradient,
        [1.0, 1.0],
        lr=(2 / (root + 1)) ** 2,
        momentum=((root - 1) / (root + 1)) ** 2,
        n_iter=400,
    )
    # 限界では重根になり、率に (1 + 定数·n) が掛かる
    end = np.linalg.norm(heavy.path[-1])
    assert end < 1000 * ((root - 1) / (root + 1)) ** 400
    assert end < 1e-20 < np.linalg.norm(run.path[-1])


def test_divergence_is_reported_and_stops():
    bowl = quadratic_bowl(10)
    run = gradient_descent(bowl.gradient, [1.0, 1.0], lr=3.0, n_iter=5000, loss=bowl.loss)
    assert run.diverged
    assert len(run.path) == len(run.losses) == len(run.gradient_norms) + 1 < 5001
    assert np.isfinite(run.path).all()
    assert np.isfinite(run.gradient_norms).all()


@given(SEEDS, st.floats(0.1, 1e3))
def test_adam_and_rmsprop_ignore_the_scale_of_the_loss(seed, scale):
    start = np.random.default_rng(seed).uniform(5, 6, 2)  # 勾配が 0 に近づかない所
    gradient = quadratic_bowl(5, 0.1).gradient
    for method in (adam, rmsprop):
        plain = method(gradient, start, lr=0.003, n_iter=20).path
        scaled = method(lambda x: scale * gradient(x), start, lr=0.003, n_iter=20).path
        np.testing.assert_allclose(scaled, plain, atol=1e-7)


def test_bias_correction_makes_the_first_step_the_learning_rate():
    gradient = quadratic_bowl(50).gradient
    step = np.diff(adam(gradient, [3.0, -2.0], lr=0.1, n_iter=1).path, axis=0)[0]
    np.testing.assert_allclose(step, [-0.1, 0.1], rtol=1e-6)
    raw = np.diff(adam(gradient, [3.0, -2.0], lr=0.1, n_iter=1, bias_correction=False).path, axis=0)
    np.testing.assert_allclose(raw[0], step * 0.1 / np.sqrt(0.001), rtol=1e-5)


# ---- 勾配、損失 ----


@pytest.mark.parametrize("name", SURFACES)
@given(seed=SEEDS)
def test_gradients_equal_numerical_gradients(name, seed):
    surface = SURFACES[name]
    theta = np.random.default_rng(seed).uniform(-2, 2, 2)
    expected = numerical_gradient(surface.loss, theta)
    np.testing.assert_allclose(surface.gradient(theta), expected, rtol=1e-4, atol=1e-5)


def test_numerical_gradient_takes_any_shape_and_computes_in_double_precision():
    target = np.random.default_rng(0).normal(size=(3, 1, 4))
    seen = []

    def loss(x):
        seen.append((x.shape, x.dtype))
        return np.sum((x - target) ** 3)

    theta = np.random.default_rng(1).normal(size=target.shape).astype(np.float32)
    expected = 3 * (theta - target) ** 2
    np.testing.assert_allclose(numerical_gradient(loss, theta), expected, rtol=1e-6, atol=1e-8)
    assert seen == [(target.shape, np.float64)] * (2 * target.size)
    # 誤差は幅の 2 乗に比例する（3 乗の損失では、ちょうど幅の 2 乗）
    for width in (0.1, 0.01):
        error = numerical_gradient(loss, theta, width=width) - expected
        np.testing.assert_allclose(error, width**2, rtol=1e-6)


@given(SEEDS)
def test_unmixing_losses_are_those_of_the_sound(seed):
    mixtures, reference = recording(seed, noise=0.1)
    # 正の重みなら、推定に正解が必ず入り、値を抑える小さな数は効かない
    theta = np.random.default_rng(seed).uniform(0.1, 2, 2)
    estimate = theta @ mixtures
    M = unmixing_moments(mixtures, reference, BLOCK)
    s, e = reference - reference.mean(), estimate - estimate.mean()
    ratio = np.sum((s - e) ** 2) / np.sum(s**2)
    assert unmixing_mse(M).loss(theta) == pytest.approx(ratio, rel=1e-9)
    assert unmixing_si_sdr(M).loss(theta) == pytest.approx(-si_sdr(reference, estimate), abs=1e-3)


@given(SEEDS, st.floats(0.1, 100))
def test_si_sdr_gradient_is_orthogonal_and_fades_with_the_distance(seed, scale):
    theta = np.random.default_rng(seed).uniform(0.5, 2, 2)
    surface = unmixing_si_sdr(moments(seed, noise=0.1))
    gradient = surface.gradient(theta)
    assert abs(gradient @ theta) < 1e-4 * np.linalg.norm(gradient) * np.linalg.norm(theta) + 1e-5
    np.testing.assert_allclose(surface.gradient(scale * theta) * scale, gradient, rtol=2e-3)


@given(SEEDS)
def test_mean_of_the_minibatch_gradients_is_the_gradient(seed):
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(2)
    surface = unmixing_mse(moments(seed))
    n_blocks = N_SAMPLES // BLOCK
    batches = minibatches(n_blocks, 2, rng)
    parts = [surface.gradient(theta, next(batches)) for _ in range(n_blocks // 2)]
    np.testing.assert_allclose(np.mean(parts, axis=0), surface.gradient(theta), rtol=1e-9)


def test_descending_the_loss_separates_the_sources():
    mixtures, reference = recording(noise=0.001)
    surface = unmixing_mse(moments(noise=0.001))
    hessian = np.array([surface.gradient(e) - surface.gradient(np.zeros(2)) for e in np.eye(2)])
    lr = 0.5 * max_stable_lr(hessian)
    run = gradient_descent(surface.gradient, [1.0, 0.0], lr=lr, n_iter=500, loss=surface.loss)
    np.testing.assert_allclose(run.path[-1], np.linalg.inv(A)[0], atol=1e-2)
    before, after = (si_sdr(reference, theta @ mixtures) for theta in run.path[[0, -1]])
    assert after > before + 30


# ---- 切り詰め、予定、ミニバッチ ----


@given(SEEDS, st.floats(0, 10), st.integers(1, 5))
def test_clipping_keeps_the_direction_and_never_lengthens(seed, limit, n_dims):
    g = np.random.default_rng(seed).standard_normal(n_dims) * 5
    clipped = clip_by_norm(g, limit)
    norm, new = np.linalg.norm(g), np.linalg.norm(clipped)
    assert new == pytest.approx(min(norm, limit), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(clipped * norm, g * new, atol=1e-9)


def test_autoclip_uses_only_the_past_and_the_present():
    bowl = quadratic_bowl(3)
    calls = []

    def clip(norms):
        calls.append(list(norms))
        return autoclip_threshold(norms, 25)

    run = gradient_descent(bowl.gradient, [4.0, 3.0], lr=0.1, n_iter=10, clip=clip)
    for step, norms in enumerate(calls):
        np.testing.assert_array_equal(norms, run.gradient_norms[: step + 1])
        limit = np.sort(norms)[0] + 0 if len(norms) == 1 else np.quantile(norms, 0.25)
        moved = np.linalg.norm(run.path[step + 1] - run.path[step])
        assert moved == pytest.approx(0.1 * min(limit, norms[-1]))


def test_autoclip_survives_a_spike():
    """1 区間だけに大きな雑音が入っても、AutoClip なら谷から飛び出さない。"""
    mixtures, reference = recording()
    mixtures = mixtures.copy()
    mixtures[0, 1200:1210] += 300
    M = unmixing_moments(mixtures, reference, BLOCK)
    surface = unmixing_mse(M)
    farthest = {}
    for name, clip in {"off": None, "auto": partial(autoclip_threshold, percentile=50)}.items():
        batches = minibatches(len(M.energy), 1, np.random.default_rng(0))
        run = gradient_descent(
            lambda theta, b=batches: surface.gradient(theta, next(b)),
            [1.0, 0.0], lr=0.02, n_iter=60, clip=clip,
        )  # fmt: skip
        farthest[name] = np.abs(run.path).max()
    assert farthest["auto"] < 3 < 100 < farthest["off"]


@given(st.integers(1, 60), st.integers(0, 30), st.floats(0, 1))
def test_warmup_rises_and_cosine_falls(n_steps, warmup, floor):
    rates = warmup_cosine(n_steps, lr=0.5, warmup=warmup, floor=floor)
    assert rates.shape == (n_steps,)
    assert rates.max() <= 0.5
    assert rates.min() > 0
    assert np.all(np.diff(rates[max(warmup - 1, 0) :]) <= 1e-15)
    steps = np.arange(n_steps)
    plain = warmup_cosine(n_steps, lr=0.5, floor=floor)
    theory = 0.5 * (floor + (1 - floor) * np.cos(np.pi * steps / (2 * n_steps)) ** 2)
    np.testing.assert_allclose(plain, theory)
    np.testing.assert_allclose(rates[:warmup], (plain * (steps + 1) / max(warmup, 1))[:warmup])


@given(st.integers(1, 30), SEEDS, st.data())
def test_every_epoch_uses_every_item_once(n_items, seed, data):
    size = data.draw(st.integers(1, n_items))
    batches = minibatches(n_items, size, np.random.default_rng(seed))
    for _ in range(3):
        epoch = [next(batches) for _ in range(-(-n_items // size))]
        assert Counter(np.concatenate(epoch).tolist()) == Counter(range(n_items))


# ---- 誤った使い方 ----

SLOPE = quadratic_bowl().gradient


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_descent(SLOPE, [], lr=0.1, n_iter=1), r"start は \(n_dims,\)"),
        (lambda: gradient_descent(SLOPE, [np.nan, 0], lr=0.1, n_iter=1), "start に NaN"),
        (lambda: gradient_descent(SLOPE, START, lr=0.0, n_iter=1), "lr は正の数"),
        (lambda: gradient_descent(SLOPE, START, lr=[0.1, 0.1], n_iter=3), "lr は正の数"),
        (lambda: gradient_descent(SLOPE, START, lr=0.1, n_iter=-1), "n_iter は 0 以上"),
        (lambda: gradient_descent(SLOPE, START, lr=0.1, n_iter=1, momentum=1.0), "momentum は 0"),
        (lambda: gradient_descent(SLOPE, START, lr=0.1, n_iter=1, nesterov=True), "nesterov=True"),
        (lambda: gradient_descent(lambda t: t[:1], START, lr=0.1, n_iter=1), "勾配の形"),
        (lambda: gradient_descent(lambda t: t * np.inf, START, lr=0.1, n_iter=1), "有限でありま"),
        (lambda: rmsprop(SLOPE, START, lr=0.1, n_iter=1, decay=1.5), "decay は 0"),
        (lambda: adam(SLOPE, START, lr=0.1, n_iter=1, betas=(0.9, 1.0)), r"betas\[1\]"),
        (lambda: clip_by_norm([1.0], -1.0), "max_norm は 0 以上"),
        (lambda: autoclip_threshold([], 10), "norms が空"),
        (lambda: autoclip_threshold([1.0], 101), "percentile は 0〜100"),
        (lambda: warmup_cosine(0, lr=0.1), "n_steps は 1 以上"),
        (lambda: warmup_cosine(5, lr=0.1, floor=2.0), "floor は 0〜1"),
        (lambda: numerical_gradient(sum, [1.0], width=0.0), "width は正の数"),
        (lambda: numerical_gradient(np.sum, []), r"theta は \(n_dims,\)"),
        (lambda: numerical_gradient(np.sum, [[np.inf]]), "theta に NaN か無限大"),
        (lambda: minibatches(3, 4, np.random.default_rng(0)), "batch_size=4 がデータの数 3"),
        (lambda: max_stable_lr(np.ones((2, 3))), "正方の対称行列"),
        (lambda: max_stable_lr(-np.eye(2)), "最大の固有値 -1"),
        (lambda: quadratic_bowl(0.5), "condition は 1 以上"),
        (lambda: rosenbrock(-1.0), "steepness は正の数"),
        (lambda: unmixing_moments(np.ones((2, 9)), np.ones(8), 2), "mixtures は"),
        (lambda: unmixing_moments(np.ones((2, 9)), np.ones(9), 10), "block_length=10 が"),
        (lambda: unmixing_moments(np.ones((2, 9)), np.zeros(9), 3), "reference が無音"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(norms=st.lists(st.floats(0, 1e6), min_size=1, max_size=50), percentile=st.floats(0.1, 100))
def test_autoclip_threshold_keeps_the_right_share_below(norms, percentile):
    limit = autoclip_threshold(norms, percentile)
    assert min(norms) <= limit <= max(norms)
    # 補間するので、割合は 1 個分までずれる
    below = sum(n <= limit * (1 + 1e-12) for n in norms)
    assert below >= int(percentile / 100 * (len(norms) - 1)) + 1
