"""ページの中で動くマスク推定のネットワークが、PyTorch の `MaskInference` に等しい。"""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from tests._js import js, js_many, need_node, noise, request

from sstut.data import clip, load_song
from sstut.networks import MaskInference, normalized_log_magnitude
from sstut.widgets.training import half_weights

torch.set_num_threads(1)
SMALL = {"n_fft": 128, "hop_length": 32, "hidden": 12}


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def rounded(gain: float = 3.0, **config: Any) -> MaskInference:
    """重みを半精度に丸めたネットワーク。gain で大きくし、マスクが 0.5 に偏らないようにする。"""
    torch.manual_seed(0)
    network = MaskInference(**config)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_((gain * p).half())
    return network.eval()


def in_torch(network: MaskInference, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        x = torch.from_numpy(y)[None]
        return network.masks(network.stft(x))[0].numpy(), network(x)[0].numpy()


def in_page(network: MaskInference, y: np.ndarray) -> dict[str, Any]:
    weights = np.frombuffer(half_weights(network), np.uint8)
    return dict(js("lstm", "separate", {"bytes": _base64(weights)}, network.config, y))


def _base64(data: np.ndarray) -> str:
    return base64.b64encode(data.tobytes()).decode()


def agree(network: MaskInference, y: np.ndarray) -> None:
    masks, waves = in_torch(network, y)
    actual = in_page(network, y)
    assert masks.std() > 0.05  # どこでも 0.5 のマスクでは、何も確かめていない
    for j, mask in enumerate(masks):
        np.testing.assert_allclose(actual["masks"][j].reshape(-1, len(mask)).T, mask, atol=1e-3)
        np.testing.assert_allclose(actual["waves"][j], waves[j], atol=1e-3 * np.abs(y).max())


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"n_layers": 1},
        {"n_layers": 3, "n_sources": 3},
        {"activation": "sigmoid"},
        {"hidden": 7},
    ],
)
@pytest.mark.parametrize("n_samples", [2000, 333])
def test_random_weights(config: dict[str, Any], n_samples: int) -> None:
    agree(rounded(**SMALL | config), noise(n_samples, np.float32))


def test_book_size_on_a_song() -> None:
    song = load_song(sr=8000, mono=True)
    y = clip(song.mixture, 8000, 1.0, 3.0).astype(np.float32)
    agree(rounded(2.0, n_fft=1024, hop_length=256), y)


def test_silence_is_split_into_silence() -> None:
    actual = in_page(rounded(**SMALL), np.zeros(1000, np.float32))
    assert all(np.isfinite(m).all() for m in actual["masks"])
    assert all((w == 0).all() for w in actual["waves"])


def test_features_and_half_floats() -> None:
    A = np.abs(noise(65 * 20)).astype(np.float32)
    expected = normalized_log_magnitude(torch.from_numpy(A).reshape(1, 20, 65).mT.to(torch.cfloat))
    halves = np.array([0, -0.0, 1, -2.5, 6e-8, 1e-5, 65504, 0.1], np.float16)
    features, floats = js_many(
        [
            request("lstm", "normalizedLogMagnitude", A),
            request("lstm", "halfToFloat", {"bytes": _base64(halves)}),
        ]
    )
    np.testing.assert_allclose(features.reshape(20, 65).T, expected[0].numpy(), atol=2e-4)
    np.testing.assert_array_equal(floats, halves.astype(np.float32))
