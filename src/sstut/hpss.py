"""調波打楽器音分離 (HPSS)：スペクトログラムの横線と縦線を、中央値フィルタで分ける。

持続する音（調波音）はスペクトログラムの横線に、打楽器の音は縦線になる。横に中央値を取れば縦線が、
縦に取れば横線が消える。スペクトログラムは `(..., n_freq, n_frames)`、音声は `(..., n_samples)`。
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine import median as engine
from sstut.representations import Window, istft, stft

Array: TypeAlias = NDArray[Any]

SEGMENT_SAMPLES = 1 << 19  # 長い曲を切り分けて処理するときの、1 切れの長さ（44.1 kHz で約 12 秒）


def median_filter_plain(x: Array, size: int, axis: int = -1) -> Array:
    """移動中央値を定義どおりに計算する：各点を、その前後 size 点の中央値に置き換える。

    Parameters
    ----------
    x : 実数配列
        スペクトログラムなど。
    size : int
        窓の点数。奇数。
    axis : int
        窓を動かす軸。

    Returns
    -------
    x と同じ形
        端の外は、端で折り返した値（cba|abc|cba）で補う。

    章: hpss
    """
    width = [(0, 0)] * x.ndim
    width[axis] = (size // 2, size // 2)
    padded = np.pad(x, width, mode="symmetric")
    windows = sliding_window_view(padded, size, axis=axis)  # 最後に窓の軸 (size,) が付く
    medians: Array = np.median(windows, axis=-1)
    return medians


def median_filter(x: ArrayLike, size: int, axis: int = -1) -> Array:
    """移動中央値（中央値フィルタ）。値は `median_filter_plain` とまったく同じで、ずっと速い。

    Parameters
    ----------
    x : float32 / float64 の配列
        スペクトログラムなど。
    size : int
        窓の点数。奇数。配列より長くてもよい。
    axis : int
        窓を動かす軸。`(n_freq, n_frames)` なら −1 が時間、−2 が周波数。

    Returns
    -------
    x と同じ形、同じ型
        端の外は、端で折り返した値（cba|abc|cba）で補う。

    Raises
    ------
    ValueError
        size が奇数でないとき。x が空のとき、NaN や無限大があるとき。

    Notes
    -----
    `scipy.ndimage.median_filter(x, (1, size), mode="reflect")` と（2 次元で axis=-1 のとき）
    1 ビットも違わない。scipy の "reflect" は NumPy の "symmetric" にあたる。

    Examples
    --------
    >>> print(median_filter(np.array([1.0, 1.0, 9.0, 1.0, 1.0]), 3))  # 1 点だけの外れ値が消える
    [1. 1. 1. 1. 1.]

    章: hpss
    """
    x = _validate.real_array(x, "x")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis={axis} という軸は、{x.ndim} 次元の配列にありません。")
    return engine.running(x, _odd(size, "size"), axis)


def hpss(
    S: ArrayLike,
    *,
    kernel_size: int | tuple[int, int] = 31,
    power: float = 2.0,
    margin: float | tuple[float, float] = 1.0,
    mask: bool = False,
) -> Array:
    """スペクトログラムを、調波成分と打楽器成分（と、どちらでもない残り）に分ける。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅（0 以上）または複素数のスペクトログラム。
    kernel_size : int または (調波, 打楽器)
        中央値フィルタの点数。調波は時間方向のフレーム数、打楽器は周波数方向のビン数。どちらも奇数。
    power : float
        マスクの鋭さ。2 はパワーの比（ウィーナーフィルタ）、`np.inf` は二値マスク。
    margin : float または (調波, 打楽器)
        相手の何倍より強ければ自分の成分とみなすか。1 以上。
    mask : bool
        True なら、成分の代わりにマスクを返す。

    Returns
    -------
    (n_sources, ..., n_freq, n_frames)
        調波、打楽器の順の 2 つ。margin に 1 より大きい値があれば、残りを加えた 3 つ。
        マスクの和は 1 なので、成分の和は S に戻る。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。点数が奇数でないとき。margin が 1 より小さいとき。

    Notes
    -----
    値は librosa.decompose.hpss と同じ。ただし二値マスクで両者が同点のとき、librosa は
    どちらにも渡さないが、ここでは Driedger らの定義のとおり打楽器に渡す（margin が 1 のとき）。

    References
    ----------
    D. FitzGerald, "Harmonic/percussive separation using median filtering", 2010.
    J. Driedger, M. Müller, and S. Disch, "Extending harmonic-percussive separation of audio
    signals", 2014.

    章: hpss
    """
    S = _validate.spectrogram(S)
    time_size, freq_size = (_odd(size, "kernel_size") for size in _pair(kernel_size))
    harmonic_margin, percussive_margin = (_margin(value) for value in _pair(margin))
    magnitude = np.abs(S) if S.dtype.kind == "c" else S
    horizontal = median_filter(magnitude, time_size, axis=-1)  # 縦線（打撃）が消える
    vertical = median_filter(magnitude, freq_size, axis=-2)  # 横線（持続音）が消える
    with_rest = max(harmonic_margin, percussive_margin) > 1
    masks = _empty(3 if with_rest else 2, magnitude)
    if with_rest:
        _share(horizontal, harmonic_margin * vertical, power, silent=0.0, out=masks[0])
        _share(vertical, percussive_margin * horizontal, power, silent=0.0, out=masks[1])
        masks[2] = 1 - masks[0] - masks[1]  # margin が 1 以上なら 0 以上
    else:
        _share(horizontal, vertical, power, silent=0.5, out=masks[0])
        np.subtract(1, masks[0], out=masks[1])
    return masks if mask else masks * S


def separate_hpss(
    mixture: ArrayLike,
    *,
    kernel_size: int | tuple[int, int] = 31,
    power: float = 2.0,
    margin: float | tuple[float, float] = 1.0,
    n_fft: int = 2048,
    hop_length: int | None = None,
    window: Window = "hann",
) -> Array:
    """混合音の波形を、調波成分と打楽器成分（と残り）の波形に分ける。

    Parameters
    ----------
    mixture : (..., n_samples) の float32 / float64
        混合音。チャネルごとに分ける。
    kernel_size, power, margin
        `hpss` と同じ。
    n_fft, hop_length, window
        `stft` と同じ。

    Returns
    -------
    (n_sources, ..., n_samples)
        調波、打楽器の順の 2 つ。margin に 1 より大きい値があれば、残りを加えた 3 つ。
        和は混合音に戻る。

    Raises
    ------
    ValueError
        mixture が空、整数、非有限のとき。ほかの引数が `hpss` や `stft` の条件を満たさないとき。

    Notes
    -----
    長い曲は、前後に必要な分だけ余分に切り出して、約 12 秒ずつ処理する。使うメモリは曲の長さに
    よらず、値はまとめて処理したときと（丸め誤差を除いて）変わらない。

    章: hpss
    """
    mixture = _validate.real_array(mixture, "mixture")
    n_fft, _, hop = _validate.frame_lengths(n_fft, None, hop_length)
    frames: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop, "window": window}
    options: dict[str, Any] = {"kernel_size": kernel_size, "power": power, "margin": margin}
    n_sources = 2 if max(_pair(margin)) == 1 else 3
    sources = np.empty((n_sources, *mixture.shape), mixture.dtype)
    reach = n_fft + (_pair(kernel_size)[0] // 2 + 1) * hop  # 1 サンプルの値が決まるまでに見る範囲
    for wide, inner, here in _segments(mixture.shape[-1], hop, reach):
        segment = mixture[..., wide]
        spectrogram = stft(segment, **frames)
        masks = hpss(spectrogram, mask=True, **options)[:-1]
        waveforms = istft(masks * spectrogram, length=segment.shape[-1], **frames)
        sources[:-1, ..., here] = waveforms[..., inner]
    sources[-1] = mixture  # マスクの和は 1 で、逆変換は足し算を保つ。最後の 1 つは引き算で求まる
    for source in sources[:-1]:
        sources[-1] -= source
    return sources


def _share(target: Array, rival: Array, power: float, silent: float, out: Array) -> None:
    """マスク target^p / (target^p + rival^p)。p が無限大なら、target が大きい点だけ 1。"""
    if np.isposinf(power):
        np.greater(target, rival, out=out, casting="unsafe")
        return
    power = _validate.positive_number(power, "power")
    # 比にしてから累乗すれば、とても小さな値どうしでも 0 / 0 にならない
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        np.divide(rival, target, out=out)
        out **= power
        out += 1
        np.reciprocal(out, out=out)
    out[np.isnan(out)] = silent  # どちらも 0 の点


def _segments(n: int, hop_length: int, reach: int) -> Iterator[tuple[slice, slice, slice]]:
    """(切り出す範囲, その中で結果を使う範囲, その範囲の全体での位置) を順に返す。

    切り出す位置を hop_length の倍数にすると、フレームの位置が全体を変換したときと一致する。
    """
    length = -(-max(SEGMENT_SAMPLES, 4 * reach) // hop_length) * hop_length
    margin = -(-reach // hop_length) * hop_length
    for start in range(0, n, length):
        stop = min(start + length, n)
        first, last = max(0, start - margin), min(stop + margin, n)
        yield slice(first, last), slice(start - first, stop - first), slice(start, stop)


def _pair(value: Any) -> tuple[Any, Any]:
    """1 つの値なら両方に使い、2 つの組ならそのまま返す。"""
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise ValueError(f"(調波, 打楽器) の 2 つの組にしてください（{value!r} が来ました）。")
    return value[0], value[1]


def _odd(size: Any, name: str) -> int:
    """奇数の点数にして返す。"""
    number = _validate.positive_int(size, name)
    if number % 2 == 0:
        raise ValueError(
            f"{name} は奇数にしてください（{size!r} が来ました）。中央が 1 点に決まります。"
        )
    return number


def _margin(value: Any) -> float:
    """1 以上の倍率にして返す。"""
    number = _validate.positive_number(value, "margin")
    if number < 1:
        raise ValueError(f"margin は 1 以上にしてください（{value!r} が来ました）。")
    return number


def _empty(n: int, like: Array) -> Array:
    """`(n, *like.shape)` の配列。`stft` の出力と同じく、メモリの上では周波数が隣り合う。"""
    *lead, n_freq, n_frames = like.shape
    return np.empty((n, *lead, n_frames, n_freq), like.dtype).swapaxes(-1, -2)
