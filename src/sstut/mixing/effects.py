"""音の変化（データ拡張）：音色を傾ける、速さと高さを変える。

章: mixing
"""

import numpy as np
import scipy.signal

from sstut.mixing.synthesis import Array

TILT_DB = 6.0  # 高い音と低い音の強さの差を、この範囲 [dB] で変える
TILT_HZ = 1000.0  # 高い音と低い音の境
SEMITONES = 2.0  # 高さを変える範囲 [半音]
MARGIN = 4  # 補間が前後に要るサンプル数


def tilt(y: Array, difference: float, sr: int) -> Array:
    """音色を傾ける：高い音を difference/2 [dB] 強め、低い音を同じだけ弱める。

    Parameters
    ----------
    y : (..., n_samples)
        波形
    difference : float
        高い音と低い音の、強さの比の変化 [dB]。負なら高い音を弱める
    sr : int
        標本化周波数 [Hz]

    Returns
    -------
    y と同じ形と型
        傾けた波形

    Notes
    -----
    1 次の低域通過フィルタ（境は 1 kHz）で低い音を取り出し、残りを高い音とする。

    章: mixing
    """
    y = np.asarray(y)
    a = np.exp(-2 * np.pi * TILT_HZ / sr)
    high_gain = 10 ** (difference / 40)
    # 低い音は L = (1 − a) / (1 − a z⁻¹)。gH (1 − L) + gL L を 1 つのフィルタにまとめる
    b = np.array([high_gain + (1 / high_gain - high_gain) * (1 - a), -a * high_gain])
    return np.asarray(scipy.signal.lfilter(b.astype(y.dtype), np.array([1, -a], y.dtype), y))


def samples_needed(n_samples: int, speed: float) -> int:
    """速さを変えて n_samples にするのに要る、元のサンプル数。"""
    return n_samples if speed == 1 else int(np.ceil(n_samples * speed)) + MARGIN


def change_speed(y: Array, speed: float, n_samples: int) -> Array:
    """速さを speed 倍にする（テープの早回しと同じで、高さも speed 倍になる）。

    Parameters
    ----------
    y : (..., n)
        波形。n は `samples_needed(n_samples, speed)` 以上
    speed : float
        速さの比
    n_samples : int
        出力のサンプル数

    Returns
    -------
    (..., n_samples)
        y と同じ型

    Notes
    -----
    サンプルの間は、前後 4 点を通る 3 次式（Catmull-Rom）で補う。速くするとき、Nyquist 周波数の
    近くの音は折り返すが、±2 半音ではわずかである。

    章: mixing
    """
    y = np.asarray(y)
    if speed == 1:
        return y[..., :n_samples]
    position = np.arange(n_samples) * speed
    i = position.astype(np.intp)
    t = (position - i).astype(y.dtype)
    before, left, right, after = (y[..., i + k] for k in range(4))
    slope, bend = right - before, 2 * before - 5 * left + 4 * right - after
    turn = 3 * (left - right) + after - before
    return np.asarray(left + y.dtype.type(0.5) * t * (slope + t * (bend + t * turn)))
