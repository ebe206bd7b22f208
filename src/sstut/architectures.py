"""分離のネットワークの中をのぞく：通したときの形、計算量、見る範囲を調べる。

数は式で予想せず、実際に音を通して測る。
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sstut import _validate
from sstut.layers import STFT
from sstut.networks import (
    ConvTasNet,
    Demucs,
    Separator,
    SpectralSeparator,
    UNet,
    describe,
    layer_macs,
)

# nn.Module の呼び出しではないが、図の 1 段として見せる計算
METHODS = {
    "embed": "埋め込み",
    "masks": "マスク",
    "inverse": "波形に戻す",
}
# 段の種類の名前。前から順に、はじめに合ったものを使う
KINDS: list[tuple[type[nn.Module], str]] = [
    (nn.RNNBase, "再帰"),
    (nn.ConvTranspose1d, "転置畳み込み"),
    (nn.ConvTranspose2d, "転置畳み込み"),
    (nn.Conv1d, "畳み込み"),
    (nn.Conv2d, "畳み込み"),
    (nn.Linear, "全結合"),
    (nn.BatchNorm1d, "正規化"),
    (nn.GroupNorm, "正規化"),
]


@dataclass(frozen=True)
class Block:
    """ネットワークを通る途中の 1 段。

    Attributes
    ----------
    name : ネットワークの中での名前（例："down.0"）
    kind : 種類
    shape_in, shape_out : 入力と出力の形
    parameters : 学習する値の数
    macs : この段の積和演算の回数
    sources : 出力のもとになった、手前の段の名前。2 つ以上あれば、スキップ接続などの合流
    output : 出力（勾配は切ってある）

    章: architectures
    """

    name: str
    kind: str
    shape_in: tuple[int, ...]
    shape_out: tuple[int, ...]
    parameters: int
    macs: int
    sources: tuple[str, ...]
    output: Tensor


@dataclass(frozen=True)
class Row:
    """比較の表の 1 行。

    Attributes
    ----------
    label : 表に出す名前
    domain : マスクを掛ける場所（"STFT"、"学習フィルタバンク"、"なし"）
    parameters, macs_per_second, causal, latency : `sstut.networks.describe` と同じ
    context : 受容野 [秒]（`receptive_samples`）
    multiple : 内部で 0 を補ってそろえる長さ（`length_multiple`）[サンプル]
    consistent : 推定の和が混合音に等しいか

    章: architectures
    """

    label: str
    domain: str
    parameters: int
    macs_per_second: float
    causal: bool
    latency: float
    context: float
    multiple: int
    consistent: bool


def trace(network: Separator, mixture: Tensor) -> list[Block]:
    """音を 1 度通して、段ごとの形と計算量を記録する。

    Parameters
    ----------
    network : Separator
        調べるネットワーク。
    mixture : (n_samples,) か (batch, n_samples)
        通す音。

    Returns
    -------
    list of Block
        計算の終わった順。`nn.Sequential` は、まとめて 1 段とする。

    Raises
    ------
    ValueError
        mixture の次元が合わないとき。

    Notes
    -----
    段のつながりは、自動微分のためにテンソルが覚えている「何から計算されたか」をさかのぼって
    調べる。微分しない計算（k 平均法）の中では、1 つ前の段につながるとみなす。

    Examples
    --------
    >>> from sstut.networks import build
    >>> blocks = trace(build("mask_inference", hidden=8), torch.zeros(1, 1000))
    >>> [block.name for block in blocks]
    ['stft', 'rnn', 'head', 'masks', 'inverse']

    章: architectures
    """
    if mixture.ndim not in (1, 2) or mixture.shape[-1] == 0:
        raise ValueError(
            "mixture の形は (n_samples,) か (batch, n_samples) にしてください"
            f"（{tuple(mixture.shape)} が来ました）。"
        )
    x = mixture.detach().reshape(-1, mixture.shape[-1]).clone().requires_grad_()
    blocks: list[Block] = []
    made: dict[Any, str] = {}  # テンソルを作った計算（なければテンソル） → 段の名前
    macs: dict[nn.Module, int] = {}

    def record(name: str, kind: str, module: nn.Module | None, inputs: Any, output: Any) -> None:
        y = output[0] if isinstance(output, tuple) else output
        inside = [] if module is None else list(module.modules())
        blocks.append(
            Block(
                name=name,
                kind=kind,
                shape_in=tuple(inputs[0].shape),
                shape_out=tuple(y.shape),
                parameters=sum(p.numel() for part in inside for p in part.parameters(False)),
                macs=sum(macs.get(part, 0) for part in inside),
                sources=_origins(y, made) or tuple(b.name for b in blocks[-1:]),
                output=y.detach(),
            )
        )
        made[y if y.grad_fn is None else y.grad_fn] = name

    with _watch(network, macs, record):
        network(x)
    return blocks


def receptive_samples(network: Separator) -> float:
    """出力の 1 点に届く入力の範囲（受容野）[サンプル]。

    Parameters
    ----------
    network : Separator
        調べるネットワーク。

    Returns
    -------
    float
        再帰の層があれば、どこまでも届くので無限大。音全体でそろえる正規化の分は、数えない。

    Notes
    -----
    通した順に、畳み込みは (カーネル − 1) × 間隔だけ広げ、ストライドだけ間隔を広げる。転置畳み込みは
    その逆に間隔を縮め、1 点に重なる入力の数だけ広げる。近道は短いので、遠回りの道だけを数える。

    章: architectures
    """
    size, apart = 1.0, 1.0  # 見る範囲と、値と値の間隔
    if isinstance(network, SpectralSeparator):
        n_fft, hop = network.config["n_fft"], network.config["hop_length"]
        # 出力の 1 点には、n_fft / hop 枚のフレームが重なる
        size, apart = n_fft + (math.ceil(n_fft / hop) - 1) * hop, hop
    for layer in _called_layers(network):
        if isinstance(layer, nn.RNNBase):
            return math.inf
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            size += layer.dilation[-1] * (layer.kernel_size[-1] - 1) * apart
            apart *= layer.stride[-1]
        if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
            size += (math.ceil(layer.kernel_size[-1] / layer.stride[-1]) - 1) * apart
            apart /= layer.stride[-1]
    return size


def length_multiple(network: Separator) -> int:
    """ネットワークが、内部で長さをそろえる単位 [サンプル]。

    入力の長さは何でもよい。足りない分は 0 を補い、最後に切り戻す。

    章: architectures
    """
    if isinstance(network, UNet):
        return int(network.config["hop_length"] * 2 ** len(network.config["channels"]))
    if isinstance(network, SpectralSeparator):
        return int(network.config["hop_length"])
    if isinstance(network, Demucs):
        return int(network.config["stride"] ** network.config["depth"])
    return int(network.config["stride"])


def compare(networks: Mapping[str, Separator], sr: float, *, seconds: float = 2.0) -> list[Row]:
    """ネットワークを並べて比べる表を作る。

    Parameters
    ----------
    networks : mapping of str to Separator
        表に出す名前 → ネットワーク。
    sr : float
        標本化周波数 [Hz]。
    seconds : float
        試しに通す雑音の長さ [秒]。

    Returns
    -------
    list of Row
        渡した順。

    Raises
    ------
    ValueError
        sr や seconds が正でないとき。

    章: architectures
    """
    n_samples = max(1, round(_validate.positive_number(seconds, "seconds") * sr))
    noise = torch.randn(1, n_samples, generator=torch.Generator().manual_seed(0))
    rows = []
    for label, network in networks.items():
        facts = describe(network, sr, seconds=seconds)
        with _evaluating(network), torch.no_grad():
            error = (network(noise).sum(dim=1) - noise).abs().max()
        rows.append(
            Row(
                label=label,
                domain=_domain(network),
                parameters=facts.parameters,
                macs_per_second=facts.macs_per_second,
                causal=facts.causal,
                latency=facts.latency,
                context=receptive_samples(network) / sr,
                multiple=length_multiple(network),
                consistent=bool(error < 1e-4 * noise.abs().max()),
            )
        )
    return rows


def _domain(network: Separator) -> str:
    """マスクを掛ける場所の名前。"""
    if isinstance(network, SpectralSeparator):
        return "STFT"
    return "学習フィルタバンク" if isinstance(network, ConvTasNet) else "なし"


def _named_blocks(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """図の 1 段とするモジュール。重ねるだけの `Sequential` と、子のないものは分けない。"""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) or not list(child.children()):
            yield prefix + name, child
        else:
            yield from _named_blocks(child, f"{prefix}{name}.")


def _called_layers(network: Separator) -> list[nn.Module]:
    """子のない層を、計算した順に並べたもの。"""
    called: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda layer, _inputs, _output: called.append(layer))
        for module in network.modules()
        if not list(module.children())
    ]
    try:
        with _evaluating(network), torch.no_grad():
            network(torch.randn(1, 4096, generator=torch.Generator().manual_seed(0)))
    finally:
        for hook in hooks:
            hook.remove()
    return called


def _kind(module: nn.Module) -> str:
    """段の種類の名前。"""
    inside = [m for m in module.modules() if not list(m.children())]
    for wanted, kind in KINDS:
        if any(isinstance(m, wanted) for m in inside):
            return kind
    return "STFT" if isinstance(module, STFT) else "ほか"


def _origins(output: Tensor, made: Mapping[Any, str]) -> tuple[str, ...]:
    """出力から計算をさかのぼり、はじめに出会う段の名前。新しい段が先。"""
    found: set[str] = set()
    waiting, seen = [output.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)  # 計算ではなく、値そのもの（パラメータなど）
        if node in made or leaf in made:
            found.add(made[node if leaf is None else leaf])
        else:
            waiting += [parent for parent, _ in node.next_functions]
    order = list(made.values())
    return tuple(sorted(found, key=order.index, reverse=True))


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """評価モードにして、終わったら元に戻す。"""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


@contextmanager
def _watch(
    network: Separator, macs: dict[nn.Module, int], record: Callable[..., None]
) -> Iterator[None]:
    """段の計算が終わるたびに record を呼ぶ。"""
    hooks, wrapped = [], []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        macs[layer] = layer_macs(layer, inputs[0], output)

    def hook(name: str, module: nn.Module) -> Callable[..., None]:
        return lambda _, inputs, output: record(name, _kind(module), module, inputs, output)

    for module in network.modules():
        if not list(module.children()):
            hooks.append(module.register_forward_hook(count))
    for name, module in _named_blocks(network):
        hooks.append(module.register_forward_hook(hook(name, module)))
    for module in network.modules():
        for name, kind in METHODS.items():
            # 学習するフィルタバンクの inverse は、中の転置畳み込みが 1 段になる
            if hasattr(module, name) and (name != "inverse" or isinstance(module, STFT)):
                wrapped.append((module, name))
                setattr(module, name, _recorded(getattr(module, name), name, kind, record))
    try:
        with _evaluating(network):
            yield
    finally:
        for handle in hooks:
            handle.remove()
        for module, name in wrapped:
            delattr(module, name)


def _recorded(
    method: Callable[..., Any], name: str, kind: str, record: Callable[..., None]
) -> Callable[..., Any]:
    """呼ばれるたびに record を呼ぶメソッド。"""

    def call(*args: Any) -> Any:
        output = method(*args)
        if not output.requires_grad:  # k 平均法のあとでも、つながりをたどれるようにする
            output = output.detach().requires_grad_()
        record(name, kind, None, args, output)
        return output

    return call
