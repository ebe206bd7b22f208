"""章「層」の部品：層を重ねて、長さ、ストライド、受容野、先読みを調べる。"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets as t

from sstut.widgets._base import bundle, check_choice, check_range, checked

if TYPE_CHECKING:
    from sstut.layers import Conv

MAX_LAYERS = 32
MAX_SAMPLES = 48_000
# 種類 → 大きさの名前と、はじめの値
SIZES: dict[str, dict[str, int]] = {
    "conv": {"kernel": 3, "stride": 1, "padding": 0, "dilation": 1},
    "transpose": {
        "kernel": 4, "stride": 2, "padding": 0, "dilation": 1, "output_padding": 0
    },
    "pool": {"kernel": 2, "stride": 2},
    "skip": {"source": 0},
}  # fmt: skip
RANGES = {
    "kernel": (1, 2048),
    "stride": (1, 1024),
    "padding": (0, 2048),
    "dilation": (1, 1024),
    "output_padding": (0, 1024),
}
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "layers.css")
)


def _conv(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> dict[str, Any]:
    """畳み込みの 1 層。"""
    sizes = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return {"kind": "conv", **sizes}


def _up(kernel: int, stride: int, padding: int) -> dict[str, Any]:
    """転置畳み込みの 1 層。"""
    sizes = {"kernel": kernel, "stride": stride, "padding": padding}
    return {"kind": "transpose", **SIZES["transpose"], **sizes}


def _skip(source: int) -> dict[str, Any]:
    """Source 番の層の出力（0 は入力）をつなぐ、スキップ接続。"""
    return {"kind": "skip", "source": source}


def _unet(depth: int, kernel: int, stride: int, padding: int) -> list[dict[str, Any]]:
    """縮める層を depth 段、広げてスキップ接続する層を depth 段。"""
    down = [_conv(kernel, stride, padding)] * depth
    up = [[_up(kernel, stride, padding), _skip(depth - 1 - i)] for i in range(depth)]
    return [*down, *(layer for pair in up for layer in pair)]


def _wave_unet(depth: int) -> list[dict[str, Any]]:
    """畳み込みと間引きを depth 段、戻しながらつなぐ層を depth 段。"""
    thin = {"kind": "pool", "kernel": 1, "stride": 2}
    down = [_conv(15, padding=7), thin] * depth
    up = [[_up(4, 2, 1), _skip(2 * (depth - 1 - i) + 1), _conv(5, padding=2)] for i in range(depth)]
    return [*down, _conv(15, padding=7), *(layer for group in up for layer in group)]


PRESETS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "conv": ("畳み込み 1 層", [_conv(5, padding=2)]),
    "strided": ("縮める 3 層", [_conv(4, 2, 1)] * 3),
    "tcn": ("TCN", [_conv(3, padding=2**i, dilation=2**i) for i in range(5)]),
    "unet": ("U-Net", _unet(4, 4, 2, 1)),
    "waveunet": ("Wave-U-Net", _wave_unet(3)),
    "demucs": ("Demucs の形", _unet(4, 8, 4, 2)),
    "stft": ("STFT", [_conv(512, 128, 256)]),
}


class LayerExplorer(anywidget.AnyWidget):
    """層を重ねて、出力の長さと、出力の 1 点が見る入力の範囲を調べる部品。

    Parameters
    ----------
    layers : str か、層の並び
        `PRESETS` の名前か、入力に近い方から並べた層（`MAX_LAYERS` 個まで）。層は、
        `sstut.layers.Conv` か、``kind`` と大きさの辞書。``kind`` は次のどれか。

        - "conv"（畳み込み）、"transpose"（転置畳み込み）、"pool"（プーリング）
        - "skip"（スキップ接続。``source`` 番の層の出力をチャネルに並べる。0 は入力）
    n_samples : int
        入力の長さ [サンプル]。1 以上 `MAX_SAMPLES` 以下。
    sr : int
        標本化周波数 [Hz]。
    causal : bool
        True なら、補う 0 をすべて左（過去）に寄せる。長さは変わらない。
    position : int
        選んだ出力の番号。−1 なら中央。
    title : str
        部品の見出し。

    Raises
    ------
    ValueError
        層の種類か大きさが合わない。長さの規則に合わない並びは、部品が説明する。

    Examples
    --------
    >>> LayerExplorer("tcn", causal=True)  # doctest: +SKIP

    章: layers
    """

    _esm: ClassVar[str] = bundle("layers.js")
    _css: ClassVar[str] = _CSS

    presets = t.List(t.Dict(), read_only=True).tag(sync=True)
    layers = t.List(t.Dict()).tag(sync=True)
    n_samples = t.Int(8000).tag(sync=True)
    sr = t.Int(16000).tag(sync=True)
    causal = t.Bool(False).tag(sync=True)
    position = t.Int(-1).tag(sync=True)
    selected = t.Int(0).tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    credit = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        layers: str | Sequence[Conv | Mapping[str, Any]] = "tcn",
        *,
        n_samples: int = 8000,
        sr: int = 16000,
        causal: bool = False,
        position: int = -1,
        title: str = "",
    ) -> None:
        if isinstance(layers, str):
            check_choice("layers", layers, list(PRESETS))
            layers = PRESETS[layers][1]
        values = {
            "layers": [_as_dict(layer) for layer in layers],
            "n_samples": n_samples, "sr": sr, "causal": causal, "position": position
        }  # fmt: skip
        for name, value in values.items():
            _check(name, value)
        super().__init__(**values, title=title)
        self.set_trait(
            "presets",
            [{"name": n, "label": label, "layers": rows} for n, (label, rows) in PRESETS.items()],
        )

    @property
    def convs(self) -> list[Conv]:
        """いまの層の並び。`sstut.layers.receptive_field(explorer.convs)` に渡せる。

        Raises
        ------
        ValueError
            転置畳み込みかスキップ接続があるとき（1 つの範囲では表せない）。

        章: layers
        """
        from sstut.layers import Conv

        kinds = {layer["kind"] for layer in self.layers} - {"conv", "pool"}
        if kinds:
            raise ValueError(
                f"畳み込みとプーリングだけの並びにしてください（{kinds} があります）。"
            )
        rows = [{k: v for k, v in layer.items() if k != "kind"} for layer in self.layers]
        if self.causal and any(row.get("padding") for row in rows):
            raise ValueError("causal=True の片側だけの 0 は、Conv の padding では表せません。")
        return [Conv(**row) for row in rows]

    @t.validate("layers", "n_samples", "sr", "position")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal)


def _as_dict(layer: Any) -> dict[str, Any]:
    """層を、種類とすべての大きさの辞書にする。"""
    if is_dataclass(layer) and not isinstance(layer, type):
        return {"kind": "conv", **asdict(layer)}
    if not isinstance(layer, Mapping):
        raise ValueError(f"層は Conv か辞書にしてください（渡された値：{layer!r}）。")
    return {**SIZES.get(layer.get("kind", ""), {}), **layer}


def _check(name: str, value: Any) -> None:
    """Traits の値を確かめる。"""
    if name == "n_samples":
        check_range(name, value, 1, MAX_SAMPLES)
    if name == "sr":
        check_range(name, value, 8000, 48000)
    if name == "position":
        check_range(name, value, -1, 2**31 - 1)
    if name != "layers":
        return
    if len(value) > MAX_LAYERS:
        raise ValueError(f"層は {MAX_LAYERS} 個までにしてください（渡された数：{len(value)}）。")
    for i, layer in enumerate(value):
        check_choice(f"layers[{i}]['kind']", layer.get("kind"), list(SIZES))
        wanted = {"kind", *SIZES[layer["kind"]]}
        if set(layer) != wanted:
            raise ValueError(f"layers[{i}] の名前は {sorted(wanted)} です（{sorted(layer)}）。")
        for size in SIZES[layer["kind"]]:
            low, high = (0, i) if size == "source" else RANGES[size]
            if not isinstance(layer[size], int):
                raise ValueError(f"layers[{i}]['{size}'] は整数です（{layer[size]!r}）。")
            check_range(f"layers[{i}]['{size}']", layer[size], low, high)
