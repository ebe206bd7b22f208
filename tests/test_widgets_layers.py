"""章「層」の部品の Python の側：層の並びの受けとり方と検査。"""

from __future__ import annotations

from typing import Any

import pytest

from sstut.layers import Conv, receptive_field
from sstut.widgets.layers import MAX_LAYERS, MAX_SAMPLES, PRESETS, LayerExplorer

SKIP = {"kind": "skip", "source": 0}


def test_takes_convs_dicts_and_presets() -> None:
    widget = LayerExplorer([Conv(8, stride=4), {"kind": "transpose", "kernel": 8, "stride": 4}])
    first, second = widget.layers
    assert first == {"kind": "conv", "kernel": 8, "stride": 4, "padding": 0, "dilation": 1}
    assert (second["kernel"], second["stride"], second["output_padding"]) == (8, 4, 0)
    for name, (_, rows) in PRESETS.items():
        assert LayerExplorer(name).layers == rows
    assert [preset["name"] for preset in widget.presets] == list(PRESETS)


def test_convs_go_to_the_package() -> None:
    widget = LayerExplorer("tcn")
    assert receptive_field(widget.convs).size == 63
    pools = LayerExplorer([Conv(3), {"kind": "pool", "kernel": 4, "stride": 4}])
    assert pools.convs == [Conv(3), Conv(4, 4)]
    with pytest.raises(ValueError, match="skip"):
        _ = LayerExplorer([Conv(3, padding=1), SKIP]).convs
    with pytest.raises(ValueError, match="causal"):
        _ = LayerExplorer("tcn", causal=True).convs


BAD: list[tuple[dict[str, Any], str]] = [
    ({"layers": "resnet"}, "resnet"),
    ({"layers": [3]}, "Conv か辞書.*3"),
    ({"layers": [{"kind": "dense"}]}, r"layers\[0\]\['kind'\].*dense"),
    ({"layers": [Conv(0)]}, r"layers\[0\]\['kernel'\] は 1 以上 2048 以下.*0"),
    ({"layers": [Conv(3, padding=-1)]}, r"layers\[0\]\['padding'\] は 0 以上"),
    ({"layers": [Conv(3), {**SKIP, "source": 2}]}, r"layers\[1\]\['source'\] は 0 以上 1 以下"),
    ({"layers": [{"kind": "conv", "width": 3}]}, "width"),
    ({"layers": [{"kind": "conv", "kernel": 2.5}]}, "整数です.*2.5"),
    ({"layers": [Conv(3)] * (MAX_LAYERS + 1)}, f"{MAX_LAYERS} 個まで.*{MAX_LAYERS + 1}"),
    ({"n_samples": 0}, "n_samples は 1 以上"),
    ({"n_samples": MAX_SAMPLES + 1}, f"n_samples は.*{MAX_SAMPLES + 1}"),
    ({"sr": 100}, "sr は 8000 以上"),
    ({"position": -2}, "position は -1 以上"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LayerExplorer(**options)


def test_bad_change_leaves_the_state() -> None:
    widget = LayerExplorer("strided")
    before = widget.layers
    with pytest.raises(ValueError, match="kernel"):
        widget.layers = [{**before[0], "kernel": 0}]
    with pytest.raises(ValueError, match="n_samples"):
        widget.n_samples = -5
    assert (widget.layers, widget.n_samples) == (before, 8000)
