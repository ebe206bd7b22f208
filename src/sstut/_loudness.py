"""聴き比べの音量をそろえるための、耳の感じ方に近い音の大きさ。

JavaScript の ``js/ui/loudness.js`` は同じ計算をする（試験が値を突き合わせる）。
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

BLOCK = 0.4  # 測る区間の長さ [秒]
MAX_GAIN_DB = 20.0  # これより大きくは上げ下げしない（ほぼ無音の音を雑音まで持ち上げないため）
PEAK = 0.98  # そろえたあとの振幅の上限


def k_weighting(sr: float) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """K 特性（頭の影響の高域上げと、低域を落とすフィルタ）の係数。

    Parameters
    ----------
    sr : float
        標本化周波数 [Hz]。

    Returns
    -------
    list of (b, a)
        2 次のフィルタ 2 個の、分子と分母の係数（``a[0] == 1``）。

    Notes
    -----
    規格は 48 kHz の係数だけを表で示す。ここでは同じアナログ特性を双一次変換し、どの ``sr`` でも
    使えるようにする。

    References
    ----------
    ITU-R BS.1770-5 (2023), Annex 1.

    章: index
    """
    # 高域シェルフ：中心 1682 Hz、+4 dB
    k, q = np.tan(np.pi * 1681.974450955533 / sr), 0.7071752369554196
    vh = 10 ** (3.999843853973347 / 20)
    vb = vh**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf_b = np.array([vh + vb * k / q + k * k, 2 * (k * k - vh), vh - vb * k / q + k * k]) / a0
    shelf_a = np.array([1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    # 低域を落とす：遮断 38 Hz
    k, q = np.tan(np.pi * 38.13547087602444 / sr), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_b = np.array([1.0, -2.0, 1.0])
    high_a = np.array([1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    return [(shelf_b, shelf_a), (high_b, high_a)]


def loudness(y: NDArray[np.floating], sr: float) -> float:
    """ラウドネス [LUFS]。0.4 秒ごとに測り、静かな区間を除いて平均する。

    Parameters
    ----------
    y : ndarray, shape (n_samples,) or (n_channels, n_samples)
        波形。
    sr : float
        標本化周波数 [Hz]。

    Returns
    -------
    float
        ラウドネス [LUFS]。どの区間も -70 LUFS 以下なら ``-inf``。

    Notes
    -----
    0.4 秒に満たない音は、全体を 1 区間として測る。

    References
    ----------
    ITU-R BS.1770-5 (2023), Annex 1.

    章: index
    """
    meter = Meter(sr)
    meter.feed(y)
    return meter.loudness()


class Meter:
    """波形を少しずつ渡して、ラウドネスを測る。

    Parameters
    ----------
    sr : float
        標本化周波数 [Hz]。

    章: index
    """

    def __init__(self, sr: float) -> None:
        self._filters = k_weighting(sr)
        self._states: list[NDArray[np.float64]] = []  # フィルタの途中の値
        self._size = max(round(BLOCK * sr), 1)
        self._step = max(round(BLOCK * sr / 4), 1)
        self._rest: NDArray[np.float64] | None = None  # 次の区間に使う、フィルタを通した波形
        self._powers: list[float] = []

    def feed(self, y: NDArray[np.floating]) -> None:
        """続きの波形 `(n_samples,)` か `(n_channels, n_samples)` を渡す。"""
        x = np.atleast_2d(np.asarray(y, dtype=np.float64))
        if self._rest is None:
            self._rest = x[:, :0]
            self._states = [np.zeros((len(x), 2)) for _ in self._filters]
        for k, (b, a) in enumerate(self._filters):
            x, self._states[k] = lfilter(b, a, x, axis=-1, zi=self._states[k])
        x = np.concatenate([self._rest, x], axis=-1)
        starts = range(0, x.shape[-1] - self._size + 1, self._step)
        self._powers += [_power(x[:, s : s + self._size]) for s in starts]
        self._rest = x[:, len(starts) * self._step :]

    def loudness(self) -> float:
        """渡した波形全体のラウドネス [LUFS]。"""
        power = np.array(self._powers)
        if power.size == 0 and self._rest is not None and self._rest.size:
            power = np.array([_power(self._rest)])
        for floor in (-70.0, None):  # まず -70 LUFS、次に平均 -10 LU より静かな区間を除く
            level = -0.691 + 10 * np.log10(np.maximum(power, 1e-30))
            if floor is None:
                floor = -0.691 + 10 * np.log10(power.mean()) - 10
            power = power[level > floor]
            if power.size == 0:
                return -np.inf
        return float(-0.691 + 10 * np.log10(power.mean()))


def _power(x: NDArray[np.float64]) -> float:
    """2 乗平均の、チャネルについての和。"""
    return float(np.sum(np.mean(x**2, axis=-1)))


def level_match(tracks: Mapping[str, NDArray[np.floating]], sr: float) -> dict[str, float]:
    """最初の音と同じ大きさに聞こえるように、それぞれへ掛ける利得 [dB]。

    Parameters
    ----------
    tracks : mapping of str to ndarray
        名前 → 波形 ``(n_samples,)`` または ``(n_channels, n_samples)``。
    sr : float
        標本化周波数 [Hz]。

    Returns
    -------
    dict of str to float
        名前 → 利得 [dB]。±20 dB に収める。無音の音は 0 dB。

    Notes
    -----
    上げた結果どれかの振幅が 0.98 を超えるなら、すべてを同じだけ下げる（比は変わらない）。

    章: index
    """
    level = {name: loudness(y, sr) for name, y in tracks.items()}
    target = next((v for v in level.values() if np.isfinite(v)), 0.0)
    gain = {
        n: float(np.clip(target - v, -MAX_GAIN_DB, MAX_GAIN_DB)) if np.isfinite(v) else 0.0
        for n, v in level.items()
    }
    peak = max((float(np.max(np.abs(tracks[n]))) * 10 ** (g / 20) for n, g in gain.items()))
    excess = 20 * np.log10(peak / PEAK) if peak > PEAK else 0.0
    return {name: float(g - excess) for name, g in gain.items()}
