"""正規化。違いは、どの軸で平均と分散を取るかだけである。

入力は `(batch, n_channels, ...)`。`weight` と `bias` は、正規化した後の大きさと中心を学ぶ。
"""

import torch
from torch import Tensor

from sstut import _validate
from sstut._tensors import real_tensor

CHANNELS = "(batch, n_channels, ...)"


def normalize(x: Tensor, dims: tuple[int, ...], eps: float = 1e-5) -> Tensor:
    """軸 dims で平均を 0、分散を 1 にする。

    Parameters
    ----------
    x : (...) の実数
        入力。
    dims : int の組
        平均と分散を取る軸。
    eps : float
        分散に足す小さい数。値がどれも同じでも 0 で割らない。

    Returns
    -------
    x と同じ形
        分散は `v / (v + eps)`（v はもとの分散）になる。

    章: layers
    """
    mean = x.mean(dims, keepdim=True)
    variance = (x - mean).square().mean(dims, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """バッチ正規化：チャネルごとに、batch と位置のすべての軸で正規化する。

    Parameters
    ----------
    x : (batch, n_channels, ...) の実数
        入力。
    running_mean, running_var : (n_channels,)
        これまでの平均と分散。
    weight, bias : (n_channels,), optional
        正規化した後に掛ける数と足す数。
    training : bool
        True なら x の平均と分散で正規化し、running を更新する。
        False なら running で正規化する。ほかの例の影響を受けない。
    momentum : float
        0〜1。更新のとき、新しい値を混ぜる割合。
    eps : float
        分散に足す小さい数。

    Returns
    -------
    y, running_mean, running_var
        正規化した値（x と同じ形）と、更新した平均と分散。`torch.nn.BatchNorm1d` と同じ値。

    Raises
    ------
    ValueError
        学習のとき、チャネルごとの値が 1 つしかないとき（分散が決まらない）。

    Notes
    -----
    running_var には不偏分散（個数 − 1 で割る）を混ぜる。引数は書き換えない。

    章: layers
    """
    x = real_tensor(x, "x", CHANNELS)
    dims = (0, *range(2, x.ndim))
    if not training:
        scale = torch.rsqrt(running_var + eps)
        return (
            _affine(_affine(x, scale, -running_mean * scale), weight, bias),
            running_mean,
            running_var,
        )
    if x.numel() == x.shape[1]:
        raise ValueError(
            "バッチ正規化の学習には、チャネルごとに 2 つ以上の値が要ります"
            f"（shape={tuple(x.shape)} が来ました）。"
        )
    mean, variance = x.mean(dims), x.var(dims)
    running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
    running_var = (1 - momentum) * running_var + momentum * variance.detach()
    return _affine(normalize(x, dims, eps), weight, bias), running_mean, running_var


def instance_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, eps: float = 1e-5
) -> Tensor:
    """インスタンス正規化：例ごと、チャネルごとに、位置の軸で正規化する。

    Parameters
    ----------
    x : (batch, n_channels, ...) の実数
        入力。位置の軸が 1 つ以上要る。
    weight, bias, eps
        `batch_norm` と同じ。

    Returns
    -------
    x と同じ形
        `torch.nn.functional.instance_norm` と同じ値。学習と推論で変わらない。

    章: layers
    """
    x = real_tensor(x, "x", "(batch, n_channels, n_positions, ...)")
    return _affine(normalize(x, tuple(range(2, x.ndim)), eps), weight, bias)


def group_norm(
    x: Tensor,
    n_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    eps: float = 1e-5,
) -> Tensor:
    """グループ正規化：例ごとに、チャネルを n_groups 組に分け、組の中のすべての値で正規化する。

    Parameters
    ----------
    x : (batch, n_channels, ...) の実数
        入力。
    n_groups : int
        組の数。n_channels を割り切る。1 なら例ごとに全部の値で、
        n_channels なら `instance_norm` と同じ。
    weight, bias, eps
        `batch_norm` と同じ。

    Returns
    -------
    x と同じ形
        `torch.nn.functional.group_norm` と同じ値。

    章: layers
    """
    x = real_tensor(x, "x", CHANNELS)
    n_groups = _validate.positive_int(n_groups, "n_groups")
    if x.shape[1] % n_groups:
        raise ValueError(f"n_groups={n_groups} は n_channels={x.shape[1]} の約数にしてください。")
    groups = x.reshape(len(x), n_groups, -1)
    return _affine(normalize(groups, (2,), eps).reshape(x.shape), weight, bias)


def layer_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, eps: float = 1e-5
) -> Tensor:
    """レイヤー正規化：最後の軸（特徴）だけで、ほかのどの位置とも別々に正規化する。

    Parameters
    ----------
    x : (..., n_features) の実数
        入力。
    weight, bias : (n_features,), optional
        正規化した後に掛ける数と足す数。
    eps : float
        分散に足す小さい数。

    Returns
    -------
    x と同じ形
        `torch.nn.functional.layer_norm` と同じ値。

    章: layers
    """
    x = real_tensor(x, "x", "(..., n_features)")
    y = normalize(x, (-1,), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def standardize(features: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """標準化：学習データから前もって求めた平均と標準偏差で、周波数ごとの大きさをそろえる。

    Parameters
    ----------
    features : (batch, n_freq, n_frames) の実数
        特徴（対数振幅など）。
    mean, std : (n_freq,)
        学習データの平均と標準偏差。学習では変えない。

    Returns
    -------
    features と同じ形
        学習データ全体で、どの周波数も平均 0、分散 1。std が 0 の周波数は 0 のまま。

    章: layers
    """
    x = real_tensor(features, "features", "(batch, n_freq, n_frames)")
    if mean.shape != std.shape or mean.shape != x.shape[1:2]:
        raise ValueError(
            f"mean と std は (n_freq,) = {tuple(x.shape[1:2])} にしてください"
            f"（{tuple(mean.shape)} と {tuple(std.shape)} が来ました）。"
        )
    scale = torch.where(std > 0, 1 / std, 0.0)
    return (x - mean[:, None]) * scale[:, None]


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """チャネルごとに weight を掛け、bias を足す。"""
    for value in (weight, bias):
        if value is not None and value.shape != x.shape[1:2]:
            raise ValueError(
                f"weight と bias は (n_channels,) = {tuple(x.shape[1:2])} にしてください"
                f"（{tuple(value.shape)} が来ました）。"
            )
    shape = (-1, *[1] * (x.ndim - 2))
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)
