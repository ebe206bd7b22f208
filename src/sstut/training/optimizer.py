"""学習率の予定と、勾配の切り詰め。"""

from collections.abc import Sequence

from torch import nn
from torch.nn.utils import get_total_norm

from sstut.optimization import autoclip_threshold, warmup_cosine
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
    rates = warmup_cosine(config.steps, lr=config.lr, warmup=config.warmup, floor=config.lr_floor)
    return float(rates[step])


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
        limit = autoclip_threshold([*past, norm], config.autoclip)
    if limit and norm > limit:
        for gradient in gradients:
            gradient.mul_(limit / norm)
    return norm
