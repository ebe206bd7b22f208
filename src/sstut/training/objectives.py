"""学習の目的：名前から、ネットワークと音源に対する損失を選ぶ。

どの関数も、混合音 `(batch, n_samples)` と正解 `(batch, n_sources, n_samples)` を受け取り、損失を
1 つ返す。出力の順番が決まっていないネットワーク（`ordered=False`）では、順列不変学習にする。
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from sstut.losses import (
    Loss,
    chimera_loss,
    deep_clustering_loss,
    ideal_assignment,
    lp_loss,
    magnitude_loss,
    magnitude_weights,
    multi_resolution_stft_loss,
    permutation_invariant,
    phase_sensitive_loss,
    si_sdr_loss,
    snr_loss,
    whitened_deep_clustering_loss,
)
from sstut.networks import Chimera, DeepClustering, Separator, SpectralSeparator

Objective: TypeAlias = Callable[..., Tensor]


def waveform_objective(
    network: Separator, mixture: Tensor, sources: Tensor, *, loss: Loss, **options: Any
) -> Tensor:
    """推定した波形と正解の波形を比べる。

    Parameters
    ----------
    network : Separator
        学習するネットワーク。
    mixture, sources : Tensor
        混合音 `(batch, n_samples)` と正解 `(batch, n_sources, n_samples)`。
    loss : 関数
        `snr_loss` など、推定と正解を受け取るもの。
    **options
        loss に渡す引数。

    章: training
    """
    measure = partial(loss, **options)
    estimates = network(mixture)
    if network.ordered:
        return measure(estimates, sources)
    return permutation_invariant(measure, estimates, sources)[0]


def spectral_objective(
    network: Separator, mixture: Tensor, sources: Tensor, *, loss: Loss, **options: Any
) -> Tensor:
    """マスクを掛けた振幅と、正解のスペクトログラムを比べる。引数は `waveform_objective` と同じ。

    章: training
    """
    if not isinstance(network, SpectralSeparator):
        raise _unfit(network, "マスクを作るネットワーク")
    X = network.stft(mixture)
    return _spectral(network, network.masks(X), X, network.stft(sources), loss, **options)


def clustering_objective(
    network: Separator,
    mixture: Tensor,
    sources: Tensor,
    *,
    loss: Loss,
    n_frames: int = 32,
    **options: Any,
) -> Tensor:
    """ビンごとの埋め込みと、どの音源のビンかを比べる。音源の順番には最初からよらない。

    Parameters
    ----------
    network, mixture, sources, loss, **options
        `waveform_objective` と同じ。
    n_frames : int
        損失に使うフレームの数の上限。乱数で選ぶ。全部を使うより 2 倍ほど速い。

    章: training
    """
    if not isinstance(network, DeepClustering | Chimera):
        raise _unfit(network, "埋め込みを作るネットワーク")
    X = network.stft(mixture)
    frames = _choose_frames(X, n_frames)
    V = network.embed(X, frames)
    return loss(V, *_clustering_target(X, network.stft(sources), frames), **options)


def chimera_objective(
    network: Separator,
    mixture: Tensor,
    sources: Tensor,
    *,
    alpha: float = 0.1,
    whitened: bool = True,
    n_frames: int = 32,
) -> Tensor:
    """Chimera の 2 つの出力の損失を混ぜる。

    Parameters
    ----------
    network, mixture, sources
        `waveform_objective` と同じ。
    alpha : float
        クラスタリングの損失の重み（`chimera_loss`）。
    whitened : bool
        True なら、白色化した損失を使う。
    n_frames : int
        `clustering_objective` と同じ。

    章: training
    """
    if not isinstance(network, Chimera):
        raise _unfit(network, "Chimera")
    X, S = network.stft(mixture), network.stft(sources)
    frames = _choose_frames(X, n_frames)
    masks, V = network.both(X, frames)
    loss = whitened_deep_clustering_loss if whitened else deep_clustering_loss
    return chimera_loss(
        loss(V, *_clustering_target(X, S, frames)),
        _spectral(network, masks, X, S, phase_sensitive_loss),
        alpha,
    )


def multi_resolution_loss(estimate: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """多解像度 STFT 損失に、波形の平均絶対誤差（正解の大きさに対する比）を足す。

    振幅だけの損失では、波形の正負が決まらない。

    章: training
    """
    level = target.square().mean(dim=-1, keepdim=True).sqrt() + 1e-4
    waveform = lp_loss(estimate / level, target / level, reduction=reduction)
    return waveform + multi_resolution_stft_loss(estimate, target, reduction=reduction)


LOSSES: dict[str, Objective] = {
    "magnitude": partial(spectral_objective, loss=magnitude_loss),
    "phase_sensitive": partial(spectral_objective, loss=phase_sensitive_loss),
    "lp": partial(waveform_objective, loss=lp_loss),
    "snr": partial(waveform_objective, loss=snr_loss),
    "si_sdr": partial(waveform_objective, loss=si_sdr_loss),
    "multi_resolution": partial(waveform_objective, loss=multi_resolution_loss),
    "deep_clustering": partial(clustering_objective, loss=deep_clustering_loss),
    "whitened": partial(clustering_objective, loss=whitened_deep_clustering_loss),
    "chimera": chimera_objective,
}


def _spectral(
    network: Separator, masks: Tensor, X: Tensor, S: Tensor, loss: Loss, **options: Any
) -> Tensor:
    """マスクの損失。振幅は例ごとの平均で割り、損失が音量によらないようにする。"""
    measure = partial(loss, relative=True, **options)
    if network.ordered:
        return measure(masks, X, S)

    def one(mask: Tensor, source: Tensor, *, reduction: str) -> Tensor:
        return measure(mask[:, None], X, source[:, None], reduction=reduction)

    return permutation_invariant(one, masks, S)[0]


def _choose_frames(X: Tensor, n_frames: int) -> Tensor:
    """埋め込みを求めるフレームの番号を、乱数で選ぶ。"""
    return torch.randperm(X.shape[-1])[:n_frames].to(X.device)


def _clustering_target(X: Tensor, S: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """選んだフレームの、ビンがどの音源のものか (ワンホット) と、ビンの重み（混合音の振幅）。"""
    return ideal_assignment(S[..., frames]), magnitude_weights(X)[..., frames]


def _unfit(network: Separator, wanted: str) -> ValueError:
    """損失に合わないネットワークが来たことを言う例外。"""
    return ValueError(f"この損失には{wanted}が要ります（{type(network).__name__} が来ました）。")
