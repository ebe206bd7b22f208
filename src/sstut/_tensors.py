"""PyTorch のテンソルの確かめ（`_validate` のテンソル版）。

NaN と無限大は調べない。学習の 1 歩ごとに全部の値を見直すと遅くなるうえ、NaN は損失まで伝わるので
見落とさない。
"""

import torch
from torch import Tensor


def real_tensor(x: Tensor, name: str, layout: str) -> Tensor:
    """空でない実数のテンソルにして返す。半精度は float32 にする。

    `layout` は "(batch, n_samples)" のような形の名前で、軸の数もここから読む。
    "(batch, ..., n_samples)" なら、間に軸がいくつあってもよい。
    """
    _check(x, name, layout)
    if not x.is_floating_point():
        raise ValueError(f"{name} は実数のテンソルにしてください（{x.dtype} が来ました）。")
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def complex_tensor(x: Tensor, name: str, layout: str) -> Tensor:
    """空でない複素数のテンソルにして返す。"""
    _check(x, name, layout)
    if not x.is_complex():
        raise ValueError(f"{name} は複素数のテンソルにしてください（{x.dtype} が来ました）。")
    return x


def check_same_shape(a: Tensor, a_name: str, b: Tensor, b_name: str) -> None:
    """形が同じことを確かめる。違う形のまま引き算すると、黙って広げられてしまう。"""
    if a.shape != b.shape:
        raise ValueError(
            f"{a_name} の形 {tuple(a.shape)} と {b_name} の形 {tuple(b.shape)} が違います。"
        )


def _check(x: Tensor, name: str, layout: str) -> None:
    """テンソルであること、軸の数、空でないことを確かめる。"""
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{name} は torch.Tensor にしてください（{type(x).__name__} が来ました）。"
            "NumPy の配列は torch.from_numpy で直せます。"
        )
    axes = layout.strip("()").split(", ")
    too_few = x.ndim < len(axes) - ("..." in axes)
    too_many = x.ndim > len(axes) and "..." not in axes
    if too_few or too_many:
        raise ValueError(
            f"{name} は {layout} にしてください（shape={tuple(x.shape)} が来ました）。"
        )
    if x.numel() == 0:
        raise ValueError(f"{name} が空です（shape={tuple(x.shape)}）。1 つ以上の値が要ります。")
