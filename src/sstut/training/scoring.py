"""学んだネットワークの評価。"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut.evaluation import best_order, improvement, si_sdr
from sstut.networks import Separator

Array: TypeAlias = NDArray[Any]


def evaluate(network: Separator, sources: ArrayLike) -> Array:
    """混合音ごとの、SI-SDR の改善量 [dB]。

    Parameters
    ----------
    network : Separator
        評価するネットワーク。
    sources : (n, n_sources, n_samples) の float32 / float64
        正解の音源。和を混合音として分ける。無音の音源は入れない。

    Returns
    -------
    (n,) の float64
        音源について平均した改善量。出力の順番が決まっていないネットワーク（`ordered=False`）では、
        改善量の和が最大になる対応で測る。

    Raises
    ------
    ValueError
        形が合わないとき、音源の数がネットワークと違うとき。

    章: training
    """
    references = _validate.real_array(sources, "sources")
    if references.ndim != 3 or references.shape[1] != network.n_sources:
        raise ValueError(
            f"sources は (n, {network.n_sources}, n_samples) にしてください"
            f"（shape={references.shape} が来ました）。"
        )
    mixtures = references.sum(axis=1)
    estimates = network.separate(mixtures)  # (n_sources, n, n_samples)
    scores = np.empty(len(references))
    for i, (s, x) in enumerate(zip(references, mixtures, strict=True)):
        e = estimates[:, i]
        if not network.ordered:
            e = e[best_order(s, e)]
        scores[i] = np.mean(improvement(si_sdr, s, e, x))
    return scores
