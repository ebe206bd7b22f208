"""章「分離のネットワーク」の部品の Python の側：段の表、埋め込み、引数と traits の検査。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sstut.architectures import trace
from sstut.networks import build
from sstut.widgets.architectures import SIZE, ArchitectureExplorer

SR = 8000
torch.set_num_threads(1)


def noise(n: int = SR // 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.3, 0.3, n).astype(np.float32)


def explorer(**options: Any) -> ArchitectureExplorer:
    network = build("mask_inference", hidden=4)
    return ArchitectureExplorer({"小さい網": network}, noise(), SR, **options)


def test_blocks_are_those_of_trace() -> None:
    network = build("unet", channels=(4, 8))
    widget = ArchitectureExplorer({"U-Net": network}, noise(), SR)
    blocks = trace(network, torch.from_numpy(noise()))
    rows = widget.networks[0]["blocks"]
    assert [row["name"] for row in rows] == [block.name for block in blocks]
    for row, block in zip(rows, blocks, strict=True):
        assert row["shape_out"] == list(block.shape_out)
        assert [rows[i]["name"] for i in row["sources"]] == list(block.sources)
        assert row["channels"] * row["positions"] == np.prod(block.shape_out[1:])
        assert row["rows"] <= SIZE[0]
        assert row["columns"] <= SIZE[1]
    assert len(widget.pictures["0"]) == sum(row["rows"] * row["columns"] for row in rows)


def test_mask_picture_shows_the_mask() -> None:
    widget = explorer()
    rows = widget.networks[0]["blocks"]
    start = sum(row["rows"] * row["columns"] for row in rows[:3])
    row = rows[3]
    assert row["name"] == "masks"
    part = np.frombuffer(widget.pictures["0"], np.uint8)[start:][: row["rows"] * row["columns"]]
    # 学習していない softmax のマスクは、どこでも 1/2 に近い
    assert abs(part.mean() / 255 - 0.5) < 0.05


def test_groups_are_those_of_kmeans() -> None:
    torch.manual_seed(0)
    network = build("deep_clustering", hidden=4, sharpness=0.0)
    widget = ArchitectureExplorer({"DC": network}, noise(), SR, embedding=network)
    with torch.no_grad():
        X = network.stft(torch.from_numpy(noise())[None])
        masks = network.masks(X)[0].numpy()
    for i in range(2):
        widget.selection = f"group{i}"
        assert np.array_equal(widget.mask, masks[i] > 0.5)


def test_region_selects_the_points_inside() -> None:
    network = build("chimera", hidden=4)
    widget = ArchitectureExplorer(
        {"Chimera": network}, noise(), SR, embedding=network, selection="region"
    )
    widget.region = [0.5, 0.5, 0.7]
    everything = widget.mask.sum()
    widget.region = [0.5, 0.5, 0.2]
    assert 0 < widget.mask.sum() < everything
    with pytest.raises(ValueError, match="embedding"):
        _ = explorer().mask


BAD: list[tuple[dict[str, Any], str]] = [
    ({"network": 1}, "network は 0 以上 0 以下"),
    ({"selection": "group2"}, "selection は.*group2"),
    ({"region": [0.5, 0.5]}, "region は"),
    ({"region": [0.5, 2, 0.1]}, "region の y"),
    ({"listen": "vocals"}, "listen は.*vocals"),
    ({"embedding": build("unet")}, "DeepClustering か Chimera"),
    ({"embedding": build("deep_clustering", n_sources=3, hidden=4)}, "2 音源"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_bad_sound_and_networks_are_refused() -> None:
    network = build("mask_inference", hidden=4)
    with pytest.raises(ValueError, match="無音"):
        ArchitectureExplorer({"a": network}, np.zeros(SR, np.float32), SR)
    with pytest.raises(ValueError, match="1 個以上"):
        ArchitectureExplorer({}, noise(), SR)


def test_bad_change_leaves_the_state() -> None:
    widget = explorer()
    with pytest.raises(ValueError, match="listen"):
        widget.listen = "drums"
    with pytest.raises(ValueError, match="半径"):
        widget.region = [0.5, 0.5, 3.0]
    assert (widget.listen, widget.region) == ("mixture", [0.3, 0.5, 0.15])
