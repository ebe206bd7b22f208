"""全結合層、その逆伝播、ドロップアウト。"""

import torch
from torch import Tensor

from sstut._tensors import real_tensor

FEATURES = "(..., n_features)"


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """全結合層：`x @ weight.T + bias`。

    Parameters
    ----------
    x : (..., n_in) の実数
        入力。最後の軸だけを変える。
    weight : (n_out, n_in)
        重み。
    bias : (n_out,), optional
        バイアス。

    Returns
    -------
    (..., n_out)
        `torch.nn.functional.linear` と同じ値。

    Raises
    ------
    ValueError
        x の最後の軸と weight の列の数が違うとき。

    Examples
    --------
    >>> linear(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0]]), torch.tensor([5.0]))
    tensor([16.])

    章: layers
    """
    _check_features(x, weight)
    y = x @ weight.T
    return y if bias is None else y + bias


def linear_backward(x: Tensor, weight: Tensor, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """全結合層の逆伝播：出力についての勾配から、入力と重みとバイアスについての勾配を求める。

    Parameters
    ----------
    x : (batch, n_in)
        `linear` に渡した入力。
    weight : (n_out, n_in)
        重み。
    grad : (batch, n_out)
        損失を出力で微分したもの。

    Returns
    -------
    grad_x, grad_weight, grad_bias
        それぞれ `(batch, n_in)`、`(n_out, n_in)`、`(n_out,)`。autograd が求めるものと同じ。

    章: layers
    """
    _check_features(x, weight)
    if grad.shape != (len(x), len(weight)):
        raise ValueError(
            f"grad は出力と同じ形 {(len(x), len(weight))} にしてください"
            f"（shape={tuple(grad.shape)} が来ました）。"
        )
    return grad @ weight, grad.T @ x, grad.sum(0)


def dropout(
    x: Tensor, rate: float, training: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """ドロップアウト：学習中だけ、値を確率 rate で 0 にし、残りを 1 / (1 − rate) 倍する。

    Parameters
    ----------
    x : (...) の実数
        入力。
    rate : float
        0 以上 1 未満。
    training : bool
        False なら x をそのまま返す。
    generator : torch.Generator, optional
        乱数。

    Returns
    -------
    x と同じ形
        期待値は x に等しい。

    章: layers
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate は 0 以上 1 未満にしてください（{rate!r} が来ました）。")
    if not training:
        return x
    draw = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return torch.where(draw >= rate, x / (1 - rate), 0.0)


def _check_features(x: Tensor, weight: Tensor) -> None:
    """最後の軸の長さが、重みの列の数と同じことを確かめる。"""
    real_tensor(x, "x", FEATURES)
    if weight.ndim != 2 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x の形 {tuple(x.shape)} の最後の軸を、重みの形 {tuple(weight.shape)} の列の数に"
            "そろえてください。"
        )
