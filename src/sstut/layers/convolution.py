"""畳み込み、転置畳み込み、プーリングと、その出力の長さ、受容野の計算。

`conv1d` などは、カーネルの 1 点ごとに足していく、読むための実装である。
速く計算する `torch.nn.functional` の同じ名前の関数と、値が等しい。
深層学習の「畳み込み」はカーネルを裏返さないので、信号処理の言葉では相互相関にあたる。
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from sstut import _validate
from sstut._tensors import real_tensor


@dataclass(frozen=True)
class Conv:
    """畳み込み（かプーリング）の大きさ。

    Attributes
    ----------
    kernel : カーネルの長さ
    stride : 出力を取る間隔
    padding : 左端に補う 0 の数（右端にも同じだけ補う）
    dilation : カーネルの点と点の間隔。1 なら隣どうし

    章: layers
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True)
class ReceptiveField:
    """受容野：出力の 1 点が見る、入力の範囲。

    出力 i は、入力の `start + i * stride` から `size` 個を見る。

    Attributes
    ----------
    size : 範囲の長さ（サンプル）
    stride : 出力が 1 つ進むと、入力の上で進む量（サンプル）
    start : 出力 0 が見る最初の位置。負なら、補った 0 から見始める

    章: layers
    """

    size: int
    stride: int
    start: int


def conv_output_length(
    length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """畳み込みの出力の長さ：`(length + 2 * padding − 広げたカーネルの長さ) // stride + 1`。

    Parameters
    ----------
    length : int
        入力の長さ。
    kernel, stride, padding, dilation : int
        `Conv` と同じ。

    Returns
    -------
    int
        1 以上。

    Raises
    ------
    ValueError
        広げたカーネル（`dilation * (kernel − 1) + 1`）が、補った入力より長いとき。

    Examples
    --------
    >>> conv_output_length(16, kernel=4, stride=2, padding=1)
    8

    章: layers
    """
    span = _span(kernel, stride, padding, dilation)
    padded = _validate.positive_int(length, "length") + 2 * padding
    if span > padded:
        raise ValueError(
            f"カーネルが広がる長さ {span} が、補った入力の長さ {padded} を超えています。"
        )
    return (padded - span) // stride + 1


def conv_transpose_output_length(
    length: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    output_padding: int = 0,
) -> int:
    """転置畳み込みの出力の長さ：入力を stride ずつずらして重ねた長さから、両端の padding を引く。

    Parameters
    ----------
    length : int
        入力の長さ。
    kernel, stride, padding, dilation : int
        `Conv` と同じ。ただし padding は、両端から取り除く数。
    output_padding : int
        右端だけ、取り除く数を減らす量。stride か dilation より小さい。

    Returns
    -------
    int
        1 以上。

    Raises
    ------
    ValueError
        取り除くと何も残らないとき、output_padding が大きすぎるとき。

    Notes
    -----
    stride > 1 の畳み込みでは、違う長さの入力が同じ長さになる。output_padding は、その端数を補い、
    もとの長さに戻すためにある。

    Examples
    --------
    >>> conv_transpose_output_length(8, kernel=4, stride=2, padding=1)
    16

    章: layers
    """
    span = _span(kernel, stride, padding, dilation)
    output_padding = _validate.non_negative_int(output_padding, "output_padding")
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding={output_padding} は stride={stride} か dilation={dilation} より"
            "小さくしてください。"
        )
    full = (_validate.positive_int(length, "length") - 1) * stride + span
    if full - 2 * padding + output_padding < 1:
        raise ValueError(f"両端から {padding} ずつ取り除くと、長さ {full} の出力に何も残りません。")
    return full - 2 * padding + output_padding


def receptive_field(layers: Sequence[Conv]) -> ReceptiveField:
    """層を重ねたときの受容野。

    Parameters
    ----------
    layers : Conv の並び
        入力に近い方から並べた層。

    Returns
    -------
    ReceptiveField
        最後の層の出力 1 点が見る、入力の範囲。

    Notes
    -----
    1 層ごとに `(kernel − 1) * dilation` だけ広がる。単位は、手前の層までの stride の積。

    Examples
    --------
    >>> receptive_field([Conv(3, dilation=d) for d in (1, 2, 4, 8)]).size
    31

    章: layers
    """
    size, stride, start = 1, 1, 0
    for layer in layers:
        span = _span(layer.kernel, layer.stride, layer.padding, layer.dilation)
        size += (span - 1) * stride
        start -= layer.padding * stride
        stride *= layer.stride
    return ReceptiveField(size, stride, start)


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Tensor:
    """1 次元の畳み込み：カーネルを滑らせ、重なった値に重みを掛けて足す。

    Parameters
    ----------
    x : (batch, n_in, length) の実数
        入力。
    weight : (n_out, n_in, kernel)
        カーネル。どの位置にも同じものを使う。
    bias : (n_out,), optional
        バイアス。
    stride, padding, dilation : int
        `Conv` と同じ。

    Returns
    -------
    (batch, n_out, 出力の長さ)
        長さは `conv_output_length`。`torch.nn.functional.conv1d` と同じ値。

    章: layers
    """
    _check_channels(x, weight, 1, "(batch, n_in, length)")
    kernel = weight.shape[-1]
    n = conv_output_length(x.shape[-1], kernel, stride, padding, dilation)
    padded = pad(x, (padding, padding))
    y = x.new_zeros(len(x), len(weight), n)
    for k in range(kernel):
        # カーネルの k 番目の点が、n 個の出力のそれぞれで重なる入力
        seen = padded[..., k * dilation :: stride][..., :n]
        y = y + weight[:, :, k] @ seen  # (n_out, n_in) @ (batch, n_in, n)
    return y if bias is None else y + bias[:, None]


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> Tensor:
    """2 次元の畳み込み：スペクトログラムを絵のように見て、周波数と時間の両方へ滑らせる。

    Parameters
    ----------
    x : (batch, n_in, n_freq, n_frames) の実数
        入力。
    weight : (n_out, n_in, kernel_freq, kernel_frames)
        カーネル。
    bias : (n_out,), optional
        バイアス。
    stride, padding, dilation : (int, int)
        周波数と時間の `Conv`。

    Returns
    -------
    (batch, n_out, 周波数の長さ, 時間の長さ)
        `torch.nn.functional.conv2d` と同じ値。

    章: layers
    """
    _check_channels(x, weight, 1, "(batch, n_in, n_freq, n_frames)")
    n_freq, n_frames = (
        conv_output_length(*sizes)
        for sizes in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    )
    padded = pad(x, (padding[1], padding[1], padding[0], padding[0]))
    y = x.new_zeros(len(x), len(weight), n_freq, n_frames)
    for i in range(weight.shape[2]):
        rows = padded[:, :, i * dilation[0] :: stride[0]][:, :, :n_freq]
        for j in range(weight.shape[3]):
            seen = rows[..., j * dilation[1] :: stride[1]][..., :n_frames]
            y = y + torch.einsum("oc,bcft->boft", weight[:, :, i, j], seen)
    return y if bias is None else y + bias[:, None, None]


def conv_transpose1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    output_padding: int = 0,
) -> Tensor:
    """1 次元の転置畳み込み：入力の値ごとにカーネルを置き、stride ずつずらして重ねる。

    Parameters
    ----------
    x : (batch, n_in, length) の実数
        入力。
    weight : (n_in, n_out, kernel)
        カーネル。軸の順が `conv1d` と逆である。
    bias : (n_out,), optional
        バイアス。
    stride, padding, dilation, output_padding : int
        `conv_transpose_output_length` と同じ。

    Returns
    -------
    (batch, n_out, 出力の長さ)
        `torch.nn.functional.conv_transpose1d` と同じ値。

    Notes
    -----
    畳み込みを行列で書いたときの、転置行列を掛けるのと同じである。逆行列ではない。
    kernel が stride で割り切れないと、重なる数が位置によって変わり、市松模様の雑音が出やすい。

    章: layers
    """
    _check_channels(x, weight, 0, "(batch, n_in, length)")
    kernel, n = weight.shape[-1], x.shape[-1]
    length = conv_transpose_output_length(n, kernel, stride, padding, dilation, output_padding)
    y = x.new_zeros(len(x), weight.shape[1], length + 2 * padding)
    for k in range(kernel):
        # k 番目の点は、k * dilation から stride おきに落ちる
        landed = slice(k * dilation, k * dilation + (n - 1) * stride + 1, stride)
        y[..., landed] += weight[:, :, k].T @ x
    y = y[..., padding : padding + length]
    return y if bias is None else y + bias[:, None]


def max_pool1d(x: Tensor, kernel: int, stride: int | None = None) -> Tensor:
    """最大値プーリング：重なった値のうち最大のものを取り、細かい位置を捨てる。

    Parameters
    ----------
    x : (batch, n_channels, length) の実数
        入力。
    kernel : int
        見る長さ。
    stride : int, optional
        出力を取る間隔。省略すると kernel。

    Returns
    -------
    (batch, n_channels, 出力の長さ)
        `torch.nn.functional.max_pool1d` と同じ値。

    章: layers
    """
    x = real_tensor(x, "x", "(batch, n_channels, length)")
    stride = kernel if stride is None else stride
    conv_output_length(x.shape[-1], kernel, stride)  # 引数を確かめる
    return x.unfold(-1, kernel, stride).amax(-1)


def _span(kernel: int, stride: int, padding: int, dilation: int) -> int:
    """値を確かめ、広げたカーネルの長さ `dilation * (kernel − 1) + 1` を返す。"""
    _validate.positive_int(stride, "stride")
    _validate.non_negative_int(padding, "padding")
    kernel = _validate.positive_int(kernel, "kernel")
    return _validate.positive_int(dilation, "dilation") * (kernel - 1) + 1


def _check_channels(x: Tensor, weight: Tensor, axis: int, layout: str) -> None:
    """入力のチャネルの数が、カーネルの axis 番目の軸と同じことを確かめる。"""
    real_tensor(x, "x", layout)
    if weight.ndim != x.ndim or weight.shape[axis] != x.shape[1]:
        raise ValueError(
            f"weight の形 {tuple(weight.shape)} の {axis} 番の軸を、x の形 {tuple(x.shape)} の"
            "チャネルの数にそろえてください。"
        )
