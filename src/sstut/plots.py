"""本書の図の体裁と、くり返し使う図。

計算はしない。章のコードから `from sstut import plots` と読みこむと、日本語の書体と
本書の体裁が matplotlib に設定される。
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import matplotlib_fontja  # noqa: F401  読みこむだけで日本語の書体になる
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh


def figure(rows: int = 1, columns: int = 1, *, height: float = 2.8, **kwargs: Any) -> Any:
    """本書の幅の図を作る。

    Parameters
    ----------
    rows, columns : int
        並べる図の数。
    height : float
        図全体の高さ [インチ]。幅は本文の幅にそろえる。
    **kwargs
        ``matplotlib.pyplot.subplots`` に渡す。

    Returns
    -------
    Figure, Axes または Axes の配列
        ``matplotlib.pyplot.subplots`` と同じ。
    """
    return plt.subplots(rows, columns, figsize=(7.2, height), **kwargs)


def spectrogram(
    ax: Axes,
    level: npt.NDArray[np.floating[Any]],
    sr: float,
    hop_length: int,
    *,
    title: str = "",
    fmax: float | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    label: str | None = "レベル [dB]",
) -> QuadMesh:
    """スペクトログラムを、時間 [秒] と周波数 [kHz] の軸つきで描く。

    Parameters
    ----------
    ax : Axes
        描く場所。
    level : ndarray, (n_freq, n_frames)
        色にする値。dB とは限らない。
    sr : float
        標本化周波数 [Hz]。
    hop_length : int
        ホップ長 [サンプル]。
    title : str
        図の題。
    fmax : float, optional
        描く周波数の上限 [Hz]。省くと sr/2 まで。
    vmin, vmax : float, optional
        色の下限と上限。
    label : str or None
        カラーバーの説明。None なら描かない。

    Returns
    -------
    QuadMesh
        描いた図形。
    """
    f = np.linspace(0, sr / 2, len(level))
    if fmax is not None:
        f = f[f <= fmax]
    t = np.arange(level.shape[1]) * hop_length / sr
    mesh = ax.pcolormesh(t, f / 1000, level[: len(f)], vmin=vmin, vmax=vmax, rasterized=True)
    ax.set(xlabel="時間 [秒]", ylabel="周波数 [kHz]", title=title)
    if label is not None:
        ax.figure.colorbar(mesh, ax=ax, label=label, pad=0.02)
    return mesh


def waveform(
    ax: Axes, y: npt.NDArray[np.floating[Any]], sr: float, *, title: str = "", **kwargs: Any
) -> None:
    """波形 ``y``（形は ``(n_samples,)``）を、時間 [秒] の軸つきで描く。"""
    ax.plot(np.arange(y.shape[-1]) / sr, y, **{"linewidth": 0.6, **kwargs})
    ax.set(xlabel="時間 [秒]", ylabel="振幅", title=title, xlim=(0, y.shape[-1] / sr))


__all__ = ["figure", "spectrogram", "waveform"]

plt.style.use("sstut.book")
