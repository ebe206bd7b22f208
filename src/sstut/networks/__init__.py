"""音源分離のネットワーク：波形を受け取り、音源の数だけ波形を返す。

どれも `nn.Module` で、引数はすべてキーワードである。テンソルの形は、混合音 `(batch, n_samples)`、
推定 `(batch, n_sources, n_samples)`、STFT `(batch, n_freq, n_frames)`、マスク
`(batch, n_sources, n_freq, n_frames)`、埋め込み `(batch, n_freq, n_frames, n_dims)`。
"""

from typing import Any

from sstut.networks.base import (
    Description,
    Separator,
    SpectralSeparator,
    activate,
    describe,
    layer_macs,
    lstm_input,
    normalized_log_magnitude,
)
from sstut.networks.conditioned import ConditionedMaskInference, FiLM
from sstut.networks.deep_clustering import Chimera, DeepClustering, cluster, kmeans
from sstut.networks.demucs import Demucs
from sstut.networks.mask_inference import MaskInference
from sstut.networks.open_unmix import OpenUnmix
from sstut.networks.tasnet import ConvTasNet
from sstut.networks.unet import UNet

__all__ = [
    "NETWORKS",
    "Chimera",
    "ConditionedMaskInference",
    "ConvTasNet",
    "DeepClustering",
    "Demucs",
    "Description",
    "FiLM",
    "MaskInference",
    "OpenUnmix",
    "Separator",
    "SpectralSeparator",
    "UNet",
    "activate",
    "build",
    "cluster",
    "describe",
    "kmeans",
    "layer_macs",
    "lstm_input",
    "normalized_log_magnitude",
]

NETWORKS: dict[str, type[Separator]] = {
    "mask_inference": MaskInference,
    "conditioned": ConditionedMaskInference,
    "unet": UNet,
    "deep_clustering": DeepClustering,
    "chimera": Chimera,
    "open_unmix": OpenUnmix,
    "tasnet": ConvTasNet,
    "demucs": Demucs,
}


def build(name: str, **config: Any) -> Separator:
    """名前と引数から、ネットワークを作る。

    Parameters
    ----------
    name : str
        `NETWORKS` にある名前。
    **config
        ネットワークの引数。`network.config` をそのまま渡せる。

    Returns
    -------
    Separator
        重みは乱数（`torch.manual_seed` で決まる）。

    Raises
    ------
    ValueError
        知らない名前や引数が来たとき。

    Examples
    --------
    >>> network = build("mask_inference", hidden=8)
    >>> build("mask_inference", **network.config).config == network.config
    True

    章: architectures
    """
    if name not in NETWORKS:
        raise ValueError(
            f"name は {tuple(NETWORKS)} のどれかにしてください（{name!r} が来ました）。"
        )
    try:
        return NETWORKS[name](**config)
    except TypeError as error:
        raise ValueError(f"{name} に渡せない引数があります：{error}") from None
