"""学習率の予定と、勾配の切り詰め。"""

from collections.abc import Sequence
from math import cos, pi

import numpy as np
from torch import nn
from torch.nn.utils import get_total_norm

from sstut.training.config import Config


def learning_rate(config: Config, step: int) -> float:
    """学習率の予定：0 から直線で上げ、余弦の形で lr * lr_floor まで下げる。

    Parameters
    ----------
    config : Config
        lr, warmup, lr_floor, steps を使う。
    step : int
        何回目か（0 から）。0 以上 steps 未満。

    Returns
    -------
    float
        0 より大きく lr 以下。

    章: training
    """
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    fall = (1 + cos(pi * step / config.steps)) / 2  # 1 から 0 へ
    return config.lr * rise * (config.lr_floor + (1 - config.lr_floor) * fall)


def autoclip(norms: Sequence[float], percentile: float) -> float:
    """AutoClip：勾配の大きさの上限を、これまでの大きさのパーセンタイルから決める。

    Parameters
    ----------
    norms : sequence of float
        最初から今回までの、切る前の勾配の大きさ。
    percentile : float
        0 より大きく 100 以下。100 なら、これまでの最大なので切らない。

    Returns
    -------
    float
        今回の勾配の大きさの上限。

    Raises
    ------
    ValueError
        norms が空のとき。

    References
    ----------
    P. Seetharaman, G. Wichern, B. Pardo and J. Le Roux, "AutoClip: Adaptive gradient clipping for
    source separation networks", 2020. doi:10.1109/MLSP49062.2020.9231926

    Examples
    --------
    >>> autoclip([1.0, 2.0, 3.0, 100.0], 50)
    2.5

    章: training
    """
    if not norms:
        raise ValueError("norms が空です。今回の勾配の大きさを入れてください。")
    return float(np.percentile(norms, percentile))


def clip_gradients(network: nn.Module, past: Sequence[float], config: Config) -> float:
    """勾配が上限より大きければ、向きを変えずに縮める。

    Parameters
    ----------
    network : nn.Module
        勾配を持つネットワーク。
    past : sequence of float
        これまでの勾配の大きさ。autoclip のときに使う。
    config : Config
        clip と autoclip を使う。

    Returns
    -------
    float
        切る前の勾配の大きさ（全パラメータをつないだベクトルの長さ）。

    章: training
    """
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    norm = float(get_total_norm(gradients))
    limit = config.clip
    if config.autoclip is not None:
        limit = autoclip([*past, norm], config.autoclip)
    if limit and norm > limit:
        for gradient in gradients:
            gradient.mul_(limit / norm)
    return norm
