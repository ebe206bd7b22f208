"""ネットワークをのぞく道具：記録した形と数が、ネットワークそのものと一致する。"""

from __future__ import annotations

import math

import pytest
import torch

from sstut.architectures import compare, length_multiple, receptive_samples, trace
from sstut.layers import Conv, receptive_field
from sstut.networks import NETWORKS, build, describe

SR = 8000
SMALL = {
    "mask_inference": {"hidden": 8},
    "conditioned": {"hidden": 8, "activation": "softmax"},
    "unet": {"channels": (4, 8, 8)},
    "deep_clustering": {"hidden": 8, "n_dims": 4},
    "chimera": {"hidden": 8, "n_dims": 4},
    "open_unmix": {"hidden": 8},
    "tasnet": {"bottleneck": 8, "hidden": 8, "n_blocks": 4},
    "demucs": {"channels": 4, "depth": 3},
}
torch.set_num_threads(1)


@pytest.mark.parametrize("name", NETWORKS)
def test_trace_counts_everything_once(name: str) -> None:
    network = build(name, **SMALL[name])
    network.train()
    blocks = trace(network, torch.randn(2, 3000))
    loose = sum(p.numel() for n, p in network.named_parameters() if "put_s" in n)
    assert sum(b.parameters for b in blocks) + loose == sum(p.numel() for p in network.parameters())
    seconds = 3000 / SR
    macs = describe(network, SR, seconds=seconds).macs_per_second * seconds
    assert sum(b.macs for b in blocks) == pytest.approx(2 * macs)
    assert network.training
    assert "masks" not in vars(network)  # 包んだメソッドは、元に戻っている
    assert blocks[-1].shape_out[-1] >= 3000  # フィルタバンクと Demucs は、補った長さのまま


@pytest.mark.parametrize("name", NETWORKS)
def test_trace_records_what_the_network_computes(name: str) -> None:
    network = build(name, **SMALL[name]).eval()
    x = torch.randn(1, 2000)
    blocks = {block.name: block for block in trace(network, x)}
    for block in blocks.values():
        assert tuple(block.output.shape) == block.shape_out
        assert not block.output.requires_grad
    if "inverse" in blocks:
        with torch.no_grad():
            assert torch.allclose(blocks["inverse"].output, network(x), atol=1e-5)


def test_links_are_the_skips_of_the_unet() -> None:
    channels = (4, 8, 8)
    x = torch.randn(1, 4000)
    links = {b.name: b.sources for b in trace(build("unet", channels=channels), x)}
    assert links["up.0"] == ("middle",)
    assert links["up.1"] == ("up.0", "down.1")
    assert links["up.2"] == ("up.1", "down.0")
    assert links["head"] == ("up.2", "stft")
    plain = {b.name: b.sources for b in trace(build("unet", channels=channels, skip=False), x)}
    assert plain["up.1"] == ("up.0",)


def test_clustering_is_followed_across_the_gradient_free_part() -> None:
    blocks = trace(build("deep_clustering", hidden=4), torch.randn(1, 2000))
    assert [b.name for b in blocks] == ["stft", "rnn", "embedding", "embed", "masks", "inverse"]
    assert blocks[-1].sources == ("masks", "stft")
    assert blocks[4].sources == ("embed",)


def test_trace_refuses_bad_shapes() -> None:
    for shape in [(0,), (1, 1, 100)]:
        with pytest.raises(ValueError, match="mixture"):
            trace(build("demucs", channels=4), torch.zeros(shape))


@pytest.mark.parametrize("depth", [2, 3])
def test_receptive_field_of_demucs_is_where_the_gradient_reaches(depth: int) -> None:
    network = build("demucs", channels=3, depth=depth, consistent=False).eval()
    for parameter in network.parameters():
        parameter.data.abs_()  # ReLU が 0 にならないようにする
    size = receptive_samples(network)
    multiple = length_multiple(network)
    n = 64 * multiple
    reached = torch.zeros(n, dtype=torch.bool)
    # 1 周期分の出力を調べる。入力が 0 の所では、音量をそろえる割り算の勾配も 0
    for at in range(n // 2, n // 2 + multiple):
        x = torch.zeros(1, n)
        x[0, at] = 1
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(network(x)[0, 0, at], x)
        reached |= torch.roll(gradient[0] != 0, n // 2 - at)
    # 位置によって 1 周期分ずれるので、測った広さは size 以上、size + 周期以下
    assert size - multiple <= reached.sum() <= size + 2 * multiple


def test_receptive_field_of_the_dilated_stack() -> None:
    network = build("tasnet", n_blocks=5, bottleneck=4, hidden=4)
    stack = [Conv(256, stride=128), *(Conv(3, dilation=2**i) for i in range(5))]
    # 戻すときに 2 フレームが重なるので、1 フレーム分広い
    assert receptive_samples(network) == receptive_field(stack).size + 128


def test_recurrent_networks_reach_everywhere() -> None:
    assert receptive_samples(build("mask_inference", hidden=4)) == math.inf
    assert receptive_samples(build("demucs", channels=4, recurrent=True)) == math.inf


def test_compare_measures_each_network() -> None:
    networks = {name: build(name, **SMALL[name]) for name in NETWORKS}
    networks["causal"] = build("mask_inference", hidden=8, causal=True)
    networks["sigmoid"] = build("mask_inference", hidden=8, activation="sigmoid")
    rows = {row.label: row for row in compare(networks, SR, seconds=0.5)}
    assert list(rows) == list(networks)
    for name, row in rows.items():
        assert row.parameters == sum(p.numel() for p in networks[name].parameters())
    assert {name for name, row in rows.items() if row.causal} == {"causal"}
    assert rows["causal"].latency == 512 / SR
    # softmax のマスクは和が 1。Demucs は残りを分けて足す
    assert {n for n, row in rows.items() if not row.consistent} == {"open_unmix", "sigmoid"}
    assert rows["unet"].multiple == 128 * 8
    assert rows["demucs"].multiple == 4**3
    assert rows["tasnet"].domain == "学習フィルタバンク"
    for sr, seconds in [(0, 1), (SR, 0)]:
        with pytest.raises(ValueError, match="正"):
            compare(networks, sr, seconds=seconds)
