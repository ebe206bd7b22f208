"""章「学習」の部品の Python の側：引数の検査、記録の作り方、重みの運び方。"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from sstut.networks import MaskInference, UNet
from sstut.training import evaluate
from sstut.widgets.training import NetworkExplorer, TrainingExplorer, half_weights

torch.set_num_threads(1)
SR = 8000


def network(seed: int = 0, **config: Any) -> MaskInference:
    torch.manual_seed(seed)
    return MaskInference(**{"n_fft": 128, "hop_length": 32, "hidden": 8, **config})


def sources(n: int = SR) -> np.ndarray:
    return (0.2 * np.random.default_rng(0).standard_normal((2, n))).astype(np.float32)


def snapshots() -> dict[int, Any]:
    return {step: network(step).state_dict() for step in (5, 0, 20)}


def test_records_hold_the_estimates_masks_and_scores() -> None:
    given, s = network(9), sources()
    before = copy.deepcopy(given.state_dict())
    history = {"loss": [1.234, 0.5], "validation_step": [2], "validation": [3.456]}
    widget = TrainingExplorer(given, s, SR, snapshots=snapshots(), history=history, step=5)
    assert all(torch.equal(v, before[k]) for k, v in given.state_dict().items())
    assert widget.steps == [0, 5, 20]
    assert widget.history == {"loss": [1.23, 0.5], "validation_step": [2], "validation": [3.46]}
    np.testing.assert_allclose(widget.sound("mixture"), s.sum(axis=0), atol=1e-4)
    n_frames = 1 + SR // 32
    masks = np.frombuffer(widget.masks, np.uint8).reshape(3, n_frames, 65)
    for i, step in enumerate(widget.steps):
        net = network(step)
        np.testing.assert_allclose(
            widget.sound(f"step {step}"), net.separate(s.sum(axis=0))[0], atol=1e-4
        )
        with torch.no_grad():
            mask = net.masks(net.stft(torch.from_numpy(s.sum(axis=0))[None]))[0, 0].numpy()
        assert np.abs(masks[i].T / 255 - mask).max() <= 0.5 / 255 + 1e-6
        assert widget.scores[i] == pytest.approx(evaluate(net, s[None])[0])


def test_fine_masks_are_thinned() -> None:
    net = network(n_fft=1024, hop_length=256)
    widget = TrainingExplorer(
        net, sources(), SR, snapshots={0: net.state_dict(), 1: net.state_dict()}
    )
    assert widget.frames == [1024, 256, 256]
    assert len(widget.masks) == 2 * (1 + SR // 256) * 256


def test_network_travels_as_half_floats_in_order() -> None:
    net = network()
    widget = NetworkExplorer(net, {"曲": sources()}, SR)
    values = np.frombuffer(widget.weights, np.float16)
    flat = torch.cat([w.flatten() for w in net.state_dict().values()]).numpy()
    np.testing.assert_array_equal(values, flat.astype(np.float16))
    assert widget.architecture == net.config
    assert widget.names == ["曲/0", "曲/1"]
    assert widget.selected == "曲"
    with torch.no_grad():
        net.head.bias[0] = 1e6
    with pytest.raises(ValueError, match="float16"):
        half_weights(net)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NetworkExplorer(UNet(), {"曲": sources()}, SR), "MaskInference に.*UNet"),
        (lambda: NetworkExplorer(network(causal=True), {"曲": sources()}, SR), "因果的でない"),
        (lambda: NetworkExplorer(network(n_sources=3), {"曲": sources()}, SR), "音源が 2 つ"),
        (lambda: NetworkExplorer(network(), {}, SR), "1 つ以上"),
        (lambda: NetworkExplorer(network(), {"own": sources()}, SR), "own"),
        (lambda: NetworkExplorer(network(), {"曲": sources()[0]}, SR), r"\(2, n_samples\)"),
        (lambda: NetworkExplorer(network(), {"曲": sources(21 * SR)}, SR), "20 秒まで"),
        (lambda: NetworkExplorer(network(), {"曲": 0 * sources()}, SR), "歌.*無音"),
        (
            lambda: TrainingExplorer(network(), sources(), SR, snapshots={0: {}}),
            "2 つ以上",
        ),
        (
            lambda: TrainingExplorer(network(), sources(), SR, snapshots=snapshots(), step=3),
            "step は.*3",
        ),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [("step", 4, 20), ("listen", "second", "target")],
)
def test_bad_values_leave_the_record(name: str, bad: Any, good: Any) -> None:
    widget = TrainingExplorer(network(), sources(), SR, snapshots=snapshots())
    setattr(widget, name, good)
    with pytest.raises(ValueError, match=name):
        setattr(widget, name, bad)
    assert getattr(widget, name) == good


def test_bad_values_leave_the_network() -> None:
    widget = NetworkExplorer(network(), {"曲": sources()}, SR, listen="second")
    for name, bad in (("selected", "別の曲"), ("listen", "target")):
        before = getattr(widget, name)
        with pytest.raises(ValueError, match=name):
            setattr(widget, name, bad)
        assert getattr(widget, name) == before
