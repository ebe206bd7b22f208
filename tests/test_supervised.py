"""教師あり学習の試験：勾配は差分と、解は scikit-learn か SciPy と合い、知らない曲の歌を分ける。"""

import dataclasses

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from sstut.masking import ideal_ratio_mask
from sstut.mixing import Mixer, evaluation_set
from sstut.representations import stft
from sstut.supervised import (
    SR,
    STFT,
    Dataset,
    MaskModel,
    average_mask,
    descend,
    features,
    fit,
    improvements,
    learning_curve,
    loss_and_gradient,
    make_dataset,
    separate_supervised,
)


def toy(seed, n_frames=40, n_freq=3, n_context=1):
    """小さな、float64 のデータとモデル。"""
    rng = np.random.default_rng(seed)
    n_inputs = (2 * n_context + 1) * n_freq
    data = Dataset(
        rng.standard_normal((n_frames, n_inputs)),
        rng.random((n_frames, n_freq)),
        rng.exponential(size=(n_frames, n_freq)),
    )
    weights = rng.standard_normal((n_inputs, n_freq))
    return data, MaskModel(weights, rng.standard_normal(n_freq))


def parts(data):
    return data.X, data.target, data.weight


@pytest.fixture(scope="module")
def mixtures():
    return Mixer("vocals", n_clips=40, clip_duration=4.0, duration=2.0).batch(0, 40)


@pytest.fixture(scope="module")
def validation():
    return make_dataset(evaluation_set("vocals", n=5, duration=2.0, split="validation"))


@pytest.fixture(scope="module")
def unseen():
    return evaluation_set("vocals", n=12, duration=3.0)


@pytest.fixture(scope="module")
def fitted(mixtures, validation):
    return fit(make_dataset(mixtures), validation, n_steps=200, validate_every=50)


# ---- 特徴量とデータ --------------------------------------------------------------------


@given(st.integers(0, 3), st.integers(1, 6), st.integers(0, 2**32))
def test_features_are_the_neighbouring_frames_side_by_side(n_context, n_frames, seed):
    S = np.random.default_rng(seed).random((4, n_frames)) + 0.1
    X = features(S, n_context)
    assert X.shape == (n_frames, (2 * n_context + 1) * 4)
    alone = features(S, 0)
    for t in range(n_frames):
        for k, block in enumerate(np.split(X[t], 2 * n_context + 1)):
            near = np.clip(t + k - n_context, 0, n_frames - 1)
            np.testing.assert_array_equal(block, alone[near])


@given(st.floats(1e-3, 1e3), st.integers(0, 2**32))
def test_features_do_not_see_the_volume_or_the_phase(gain, seed):
    rng = np.random.default_rng(seed)
    S = rng.standard_normal((5, 7)) + 1j * rng.standard_normal((5, 7))
    np.testing.assert_allclose(features(gain * S), features(np.abs(S)), rtol=1e-9, atol=1e-9)


def test_dataset_rows_are_the_frames_of_every_mixture(mixtures):
    data = make_dataset(mixtures[:2])
    S = stft(mixtures[1], **STFT)
    n_frames = S.shape[-1]
    assert data.X.shape == (2 * n_frames, 3 * 257)
    assert data.X.dtype == data.target.dtype == data.weight.dtype == np.float32
    np.testing.assert_allclose(data.X[n_frames:], features(S.sum(axis=0)), atol=1e-5)
    np.testing.assert_array_equal(data.target[n_frames:].T, ideal_ratio_mask(S, power=2)[0])
    np.testing.assert_allclose(data.weight[:n_frames].mean(), 1, rtol=1e-5)


# ---- 損失と勾配 ------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_gradient_equals_central_differences(seed):
    data, model = toy(seed)
    _, gradient = loss_and_gradient(model, *parts(data))
    h = 1e-5
    for name in ("weights", "bias"):
        values = getattr(model, name)
        numeric = np.empty_like(values)
        for index in np.ndindex(values.shape):
            step = np.zeros_like(values)
            step[index] = h
            up, down = (
                loss_and_gradient(dataclasses.replace(model, **{name: v}), *parts(data))[0]
                for v in (values + step, values - step)
            )
            numeric[index] = (up - down) / (2 * h)
        np.testing.assert_allclose(getattr(gradient, name), numeric, rtol=1e-5, atol=1e-8)


def test_loss_and_gradient_equal_autograd():
    data, model = toy(0)
    W, b = (torch.tensor(v, requires_grad=True) for v in (model.weights, model.bias))
    X, target, weight = map(torch.from_numpy, parts(data))
    each = torch.nn.functional.binary_cross_entropy_with_logits(X @ W + b, target, reduction="none")
    expected = (weight * each).sum() / weight.sum()
    expected.backward()
    loss, gradient = loss_and_gradient(model, *parts(data))
    np.testing.assert_allclose(loss, expected.item())
    np.testing.assert_allclose(gradient.weights, W.grad)
    np.testing.assert_allclose(gradient.bias, b.grad)


def test_untrained_model_says_half_and_its_loss_is_log_two():
    data, _ = toy(1)
    model, loss = next(descend(data, batch_size=8))
    assert (model.predict(data.X) == 0.5).all()
    np.testing.assert_allclose(loss, np.log(2))


def test_huge_values_do_not_overflow():
    X, one = np.array([[1e4], [-1e4]]), np.ones((2, 1))
    loss, gradient = loss_and_gradient(MaskModel(np.ones((1, 1)), np.zeros(1)), X, one, one)
    np.testing.assert_allclose(loss, 5e3)  # 2 つめの点だけが、z の分だけ外れる
    assert np.isfinite(gradient.weights).all()


# ---- 学習 ------------------------------------------------------------------------------


def test_gradient_descent_reaches_the_minimum_found_by_scipy():
    """凸な損失なので、解は 1 つ。SciPy の L-BFGS と同じ所に着く。"""
    data, _ = toy(2, n_frames=60, n_freq=2, n_context=0)
    shape = (2, 2)

    def flat(v):
        loss, g = loss_and_gradient(MaskModel(v[:4].reshape(shape), v[4:]), *parts(data))
        return loss, np.concatenate([g.weights.ravel(), g.bias])

    options = {"ftol": 1e-15, "gtol": 1e-10}
    best = scipy.optimize.minimize(
        flat, np.zeros(6), jac=True, method="L-BFGS-B", options=options
    ).x
    model = MaskModel(np.zeros(shape), np.zeros(2))
    for _ in range(3000):
        _, g = loss_and_gradient(model, *parts(data))
        model = MaskModel(model.weights - 2 * g.weights, model.bias - 2 * g.bias)
    np.testing.assert_allclose(np.concatenate([model.weights.ravel(), model.bias]), best, atol=1e-5)


def test_minimum_equals_scikit_learn():
    data, _ = toy(3, n_frames=80, n_freq=1, n_context=1)
    target = (data.target > 0.5).astype(float)
    answer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    answer.fit(data.X, target[:, 0], sample_weight=data.weight[:, 0])
    model = MaskModel(answer.coef_.T, answer.intercept_)
    _, gradient = loss_and_gradient(model, data.X, target, data.weight)
    np.testing.assert_allclose(gradient.weights, 0, atol=1e-5)
    np.testing.assert_allclose(gradient.bias, 0, atol=1e-5)
    np.testing.assert_allclose(model.predict(data.X)[:, 0], answer.predict_proba(data.X)[:, 1])


def test_loss_falls(fitted):
    assert fitted.train_losses[0] == pytest.approx(np.log(2), rel=1e-5)
    assert fitted.train_losses[-20:].mean() < 0.55 * fitted.train_losses[0]
    assert fitted.validation_losses[-1] < 0.7 * fitted.validation_losses[0]


def test_same_seed_gives_the_same_model(mixtures):
    data = make_dataset(mixtures[:3])
    a, b, c = (fit(data, n_steps=5, seed=seed).model for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.weights, b.weights)
    assert (a.weights != c.weights).any()


def test_more_steps_continue_the_same_path(mixtures):
    data = make_dataset(mixtures[:3])
    short, long = fit(data, n_steps=4), fit(data, n_steps=9)
    np.testing.assert_array_equal(short.train_losses, long.train_losses[:4])
    assert short.best is short.model
    assert short.best_step == 4
    assert len(short.validation_losses) == 0


def test_best_model_is_the_one_with_the_lowest_validation_loss(mixtures, validation):
    few = fit(make_dataset(mixtures[:2]), validation, n_steps=120, validate_every=20)
    assert few.validation_steps.tolist() == [0, 20, 40, 60, 80, 100, 120]
    lowest = few.validation_losses.argmin()
    assert few.best_step == few.validation_steps[lowest]
    loss, _ = loss_and_gradient(few.best, *parts(validation))
    assert loss == few.validation_losses[lowest]
    # 2 つの混合音だけでは、過学習する
    assert few.best_step < 120
    assert few.train_losses[-10:].mean() < 0.5 * few.validation_losses[-1]


# ---- 分離 ------------------------------------------------------------------------------


def test_unseen_songs_are_separated(fitted, mixtures, unseen):
    def separator(model):
        return lambda x: separate_supervised(x, SR, model)

    learned = improvements(separator(fitted.model), unseen)
    average = improvements(separator(average_mask(make_dataset(mixtures))), unseen)
    assert learned.shape == (12, 2)
    assert learned.mean() > 5.0
    assert learned.mean() > average.mean() + 2.0
    assert average.mean() > 1.0  # 平均のマスクも、何もしないよりは良い


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_estimates_add_up_to_the_mixture(fitted, unseen, dtype):
    x = unseen[0].sum(axis=0).astype(dtype)
    estimates = separate_supervised(x, SR, fitted.model)
    assert estimates.shape == (2, len(x))
    assert estimates.dtype == dtype
    np.testing.assert_allclose(estimates.sum(axis=0), x, atol=1e-6)
    mask = fitted.model.predict(features(stft(x, **STFT)))
    assert 0 <= mask.min() < 0.1
    assert 0.9 < mask.max() <= 1


def test_volume_does_not_change_the_separation(fitted, unseen):
    x = unseen[0].sum(axis=0).astype(np.float64)
    quiet = separate_supervised(x / 100, SR, fitted.model)
    np.testing.assert_allclose(100 * quiet, separate_supervised(x, SR, fitted.model), atol=1e-7)


def test_silence_stays_silent(fitted):
    assert not separate_supervised(np.zeros(2000, np.float32), SR, fitted.model).any()


def test_average_mask_is_the_weighted_mean_everywhere():
    data, _ = toy(4)
    model = average_mask(data)
    expected = np.average(data.target, axis=0, weights=data.weight)
    np.testing.assert_allclose(model.predict(data.X), np.tile(expected, (40, 1)))


def test_more_mixtures_help(mixtures, validation, unseen):
    options = {"n_steps": 60, "validate_every": 20}
    curve = learning_curve([1, 30], mixtures, validation, unseen, **options)
    assert curve.shape == (2, 12)
    assert curve[1].mean() > curve[0].mean() + 1.0


# ---- 誤った引数 ------------------------------------------------------------------------


def test_bad_input_is_refused(fitted, mixtures, validation):
    data, _ = toy(5)
    x = np.zeros(2000)
    cases = [
        (lambda: features(np.ones((2, 3, 4))), "n_freq, n_frames"),
        (lambda: features(np.ones((3, 4)), -1), "n_context"),
        (lambda: make_dataset(mixtures[:, :1]), "n_mixtures, 2"),
        (lambda: make_dataset(mixtures[0]), "3 次元"),
        (lambda: make_dataset(np.full((1, 2, 2000), np.nan)), "NaN"),
        (lambda: fit(data, lr=0), "lr"),
        (lambda: fit(data, n_steps=0), "n_steps"),
        (lambda: fit(data, batch_size=1.5), "batch_size"),
        (lambda: fit(data, seed=-1), "seed"),
        (lambda: fit(data, validation), "特徴量の数"),
        (lambda: fit(dataclasses.replace(data, X=data.X[:5])), "形が合いません"),
        (lambda: fit(dataclasses.replace(data, target=data.target + 1)), "0〜1"),
        (lambda: fit(dataclasses.replace(data, weight=-data.weight)), "0 以上"),
        (lambda: separate_supervised(x, 16000, fitted.model), "resample"),
        (lambda: separate_supervised(np.zeros((2, 2000)), SR, fitted.model), "n_samples"),
        (lambda: separate_supervised(np.zeros(2000, np.int16), SR, fitted.model), "32768"),
        (lambda: learning_curve([99], mixtures, validation, mixtures), "40 個しか"),
        (lambda: learning_curve([0], mixtures, validation, mixtures), "1 以上"),
    ]
    for call, words in cases:
        with pytest.raises(ValueError, match=words):
            call()
