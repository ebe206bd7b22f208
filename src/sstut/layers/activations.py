"""活性化関数。どれも値ごとに働き（softmax と glu を除く）、形を変えない。"""

import torch
from torch import Tensor


def sigmoid(x: Tensor) -> Tensor:
    """シグモイド関数 `1 / (1 + exp(−x))`。範囲は 0〜1。傾きは最大で 1/4。

    Notes
    -----
    x が大きな負の数でも `exp` があふれないように、`exp(x) / (1 + exp(x))` と使い分ける。

    章: layers
    """
    return torch.exp(torch.minimum(x, torch.zeros_like(x))) / (1 + torch.exp(-x.abs()))


def tanh(x: Tensor) -> Tensor:
    """双曲線正接。シグモイドを引き伸ばした `2 * sigmoid(2x) − 1` で、範囲は −1〜1。

    章: layers
    """
    return 2 * sigmoid(2 * x) - 1


def relu(x: Tensor) -> Tensor:
    """ReLU：負の値を 0 にする。負の側では傾きも 0 で、学習が進まない。

    章: layers
    """
    return torch.where(x > 0, x, 0.0)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """Leaky ReLU：負の値を slope 倍する。slope は決めておく数で、学習しない。

    章: layers
    """
    return torch.where(x > 0, x, slope * x)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """PReLU：負の値を slope 倍する。slope も学習する。

    Parameters
    ----------
    x : (batch, n_channels, ...) の実数
        入力。
    slope : (1,) か (n_channels,)
        負の側の傾き。全チャネルに共通か、チャネルごと。

    Returns
    -------
    x と同じ形
        `torch.nn.functional.prelu` と同じ値。

    章: layers
    """
    if x.ndim < 2 or slope.shape not in ((1,), (x.shape[1],)):
        raise ValueError(
            f"slope の形 {tuple(slope.shape)} は (1,) か (n_channels,) にしてください"
            f"（x の形は {tuple(x.shape)}）。"
        )
    return torch.where(x > 0, x, slope.reshape(1, -1, *[1] * (x.ndim - 2)) * x)


def softmax(x: Tensor, dim: int) -> Tensor:
    """ソフトマックス：正の数に直して、dim の軸で和が 1 になるように割る。

    Parameters
    ----------
    x : (...) の実数
        入力。同じ数をすべてに足しても、値は変わらない。
    dim : int
        和を 1 にする軸。音源の軸にすると、マスクの和が 1 になる。

    Returns
    -------
    x と同じ形
        0〜1。

    章: layers
    """
    powers = torch.exp(x - x.amax(dim, keepdim=True))  # 最大値を引けば、あふれない
    return powers / powers.sum(dim, keepdim=True)


def glu(x: Tensor, dim: int = 1) -> Tensor:
    """GLU (gated linear unit)：前半に、後半のシグモイドを門（ゲート）として掛ける。

    Parameters
    ----------
    x : (...) の実数
        入力。dim の軸の長さは偶数。
    dim : int
        2 つに分ける軸。

    Returns
    -------
    dim の軸が半分の長さになった実数
        `torch.nn.functional.glu` と同じ値。

    章: layers
    """
    if x.shape[dim] % 2:
        raise ValueError(
            f"2 つに分ける軸の長さは偶数にしてください（shape={tuple(x.shape)}, dim={dim}）。"
        )
    value, gate = x.chunk(2, dim)
    return value * sigmoid(gate)
