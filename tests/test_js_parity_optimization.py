"""ページの中の勾配降下法が、`sstut.optimization` と 1 歩ずつ同じ値になる。"""

from functools import partial
from typing import Any

import numpy as np
import pytest
from tests._js import js, need_node, noise, request

from sstut import optimization as py

BLOCK = 250
X1, X2, S = (noise(5100, np.float32, seed=seed) for seed in range(3))
X1, X2 = S + 0.7 * X2, 0.5 * S + X2 + 0.05 * X1
MOMENTS = py.unmixing_moments(np.stack([X1, X2]), S, BLOCK)
JS_MOMENTS = {"call": request("optimization", "unmixingMoments", X1, X2, S, BLOCK)}
SURFACES: dict[str, tuple[py.Surface, dict[str, Any], float]] = {
    "mse": (py.unmixing_mse(MOMENTS), {"moments": JS_MOMENTS}, 0.1),
    "si_sdr": (py.unmixing_si_sdr(MOMENTS), {"moments": JS_MOMENTS}, 0.0005),
    "bowl": (py.quadratic_bowl(12, 0.6), {"condition": 12, "angle": 0.6}, 0.05),
    "valley": (py.rosenbrock(10), {"steepness": 10}, 0.01),
}
METHODS: dict[str, Any] = {
    "sgd": py.gradient_descent,
    "momentum": partial(py.gradient_descent, momentum=0.8),
    "nesterov": partial(py.gradient_descent, momentum=0.8, nesterov=True),
    "rmsprop": py.rmsprop,
    "adam": partial(py.adam, betas=(0.8, 0.999)),
}
START = [-0.7, 1.1]


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def check(actual: dict[str, Any], expected: py.Descent) -> None:
    assert actual["diverged"] == expected.diverged
    path = np.reshape(actual["path"], (-1, 2))
    np.testing.assert_allclose(path, expected.path, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(actual["losses"], expected.losses, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(actual["norms"], expected.gradient_norms, rtol=1e-6, atol=1e-7)


def settings(method: str, lr: float, n_iter: int, **more: Any) -> dict[str, Any]:
    return {
        "start": START, "method": method, "lr": lr, "nIter": n_iter, "momentum": 0.8, **more
    }  # fmt: skip


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("method", METHODS)
def test_every_step_is_the_same(name: str, method: str) -> None:
    surface, options, lr = SURFACES[name]
    actual = js("optimization", "run", name, options, settings(method, lr, 40))
    expected = METHODS[method](surface.gradient, START, lr=lr, n_iter=40, loss=surface.loss)
    check(actual, expected)


def test_moments_are_the_same() -> None:
    actual = js("optimization", "unmixingMoments", X1, X2, S, BLOCK)
    assert actual["nBlocks"] == 20
    R, p = MOMENTS.correlation, MOMENTS.cross
    expected = {"r11": R[:, 0, 0], "r12": R[:, 0, 1], "r22": R[:, 1, 1], "p1": p[:, 0]}
    for name, values in (expected | {"p2": p[:, 1], "e": MOMENTS.energy}).items():
        np.testing.assert_allclose(actual[name], values, rtol=1e-9, err_msg=name)
    best = np.linalg.solve(R.mean(axis=0), p.mean(axis=0))
    np.testing.assert_allclose(js("optimization", "bestUnmixing", JS_MOMENTS), best, rtol=1e-9)
    high_low = js("optimization", "curvatures", "mse", {"moments": JS_MOMENTS})
    hessian = 2 * R.mean(axis=0)
    np.testing.assert_allclose(high_low, np.linalg.eigvalsh(hessian)[::-1], rtol=1e-9)
    assert 2 / high_low[0] == pytest.approx(py.max_stable_lr(hessian))


@pytest.mark.parametrize("name", ["mse", "si_sdr"])
@pytest.mark.parametrize("kind", ["off", "norm", "auto"])
def test_minibatches_and_clipping_are_the_same(name: str, kind: str) -> None:
    surface, options, lr = SURFACES[name]
    batches = js("optimization", "minibatches", 20, 3, 30, 7)
    clip = {"kind": kind, "maxNorm": 0.5, "percentile": 30}
    more = {"clip": clip, "batches": batches}
    actual = js("optimization", "run", name, options, settings("sgd", lr, 30, **more))
    limit = {
        "off": None, "norm": 0.5, "auto": lambda norms: py.autoclip_threshold(norms, 30)
    }[kind]  # fmt: skip
    order = iter(batches)
    expected = py.gradient_descent(
        lambda theta: surface.gradient(theta, next(order)),
        START, lr=lr, n_iter=30, loss=surface.loss, clip=limit,
    )  # fmt: skip
    check(actual, expected)
    if kind == "auto":
        norms = expected.gradient_norms
        limits = [py.autoclip_threshold(norms[: n + 1], 30) for n in range(30)]
        np.testing.assert_allclose(actual["limits"], limits, rtol=1e-6)


def test_divergence_stops_at_the_same_step() -> None:
    surface, options, _ = SURFACES["bowl"]
    actual = js("optimization", "run", "bowl", options, settings("sgd", 5.0, 2000))
    expected = py.gradient_descent(surface.gradient, START, lr=5.0, n_iter=2000)
    assert expected.diverged
    assert actual["diverged"]
    assert len(actual["path"]) == 2 * len(expected.path) < 4000


def test_every_epoch_uses_every_block_once() -> None:
    batches = js("optimization", "minibatches", 10, 4, 9, 3)
    assert [len(batch) for batch in batches] == [4, 4, 2] * 3
    for epoch in range(3):
        assert sorted(k for batch in batches[3 * epoch : 3 * epoch + 3] for k in batch) == list(
            range(10)
        )
    assert batches[:3] != batches[3:6]
    assert batches == js("optimization", "minibatches", 10, 4, 9, 3)
