"""くり返しによる分離：くり返す伴奏を背景、その上の歌や独奏を前景として分ける。

REPET、REPET-SIM、2 次元フーリエ変換 (2DFT) の 3 つを扱う。スペクトログラムは
`(..., n_freq, n_frames)` で、前の軸は 1 つの録音のチャネルとみなす。音声は `(..., n_samples)`。
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine import median as engine
from sstut.representations import Window, istft, stft

Array: TypeAlias = NDArray[Any]

BLOCK = 1 << 22  # 1 度に持つ値の数の目安。長い曲でも、使うメモリが増えすぎないようにする


@dataclass(frozen=True, eq=False)
class Background:
    """くり返す背景の推定。

    Attributes
    ----------
    mask : 背景を通すマスク `(..., n_freq, n_frames)`。0〜1。前景のマスクは 1 − mask
    model : 背景の振幅の推定 `(..., n_freq, n_frames)`

    章: repetition
    """

    mask: Array
    model: Array


def beat_spectrum(S: ArrayLike) -> Array:
    """ビートスペクトル：スペクトログラムを時間方向にずらしたとき、元とどれだけ重なるか。

    パワースペクトログラムの行（周波数）ごとの自己相関を、周波数とチャネルで平均したもの。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。

    Returns
    -------
    (n_frames,) の float64
        ずれ l フレームでの値。重なるフレームの数で割り、b[0] が 1 になるようにしてある。
        くり返しの周期とその倍数に峰ができる。無音ならすべて 0。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。

    References
    ----------
    J. Foote and S. Uchihashi, "The beat spectrum: a new approach to rhythm analysis", 2001.

    章: repetition
    """
    magnitude = np.abs(_validate.spectrogram(S))
    n_freq, n_frames = magnitude.shape[-2:]
    size = scipy.fft.next_fast_len(2 * n_frames, real=True)  # 0 を補い、端が回りこまないようにする
    spectrum = np.zeros(size // 2 + 1)
    peak = magnitude.max() or 1.0  # 2 乗してもあふれないように、最大を 1 にそろえる
    rows = max(1, BLOCK // size)
    for channel in np.ndindex(magnitude.shape[:-2]):
        for first in range(0, n_freq, rows):
            power = (magnitude[channel][first : first + rows] / peak) ** 2
            # 自己相関はパワースペクトルの逆変換。逆変換は足し算を保つので、先に周波数で足してよい
            F = scipy.fft.rfft(power, size, axis=-1)
            spectrum += np.sum(F.real**2 + F.imag**2, axis=0, dtype=np.float64)
    overlap = np.arange(n_frames, 0, -1)
    beat: Array = scipy.fft.irfft(spectrum, size)[:n_frames] / overlap
    return beat / beat[0] if beat[0] > 0 else beat


def find_period(
    beat: ArrayLike,
    *,
    min_period: int = 1,
    max_period: int | None = None,
    tolerance: float = 0.05,
) -> int:
    """ビートスペクトルの峰から、くり返しの周期を決める。

    範囲の中の峰（両どなり以上の点）のうち、最も高いものを選ぶ。ただし、ほぼ同じ高さの峰が
    もっと短い周期にあれば、最も短いものにする（周期の 2 倍、3 倍にも、同じ高さの峰ができるから）。

    Parameters
    ----------
    beat : (n_frames,)
        `beat_spectrum` の出力。
    min_period, max_period : int
        探す範囲（フレーム）。max_period を省略すると n_frames // 3（3 回はくり返す）。
    tolerance : float
        「ほぼ同じ高さ」の幅。範囲の中の最大と最小の差に対する割合で、0〜1。

    Returns
    -------
    int
        周期（フレーム）。範囲に峰がなければ、値が最大の点。

    Raises
    ------
    ValueError
        範囲が空のとき、または n_frames − 1 を超えるとき。

    Notes
    -----
    tolerance=0 なら、範囲の中の最大の峰そのもの（nussl は、峰かどうかを見ずに最大の点を選ぶ）。
    周期の 2 倍を選んでも背景は求まるが、重ねる回数が半分になり、歌が背景に残りやすい。

    章: repetition
    """
    beat = _validate.real_array(beat, "beat")
    if beat.ndim != 1:
        raise ValueError(f"beat は (n_frames,) にしてください（shape={beat.shape} が来ました）。")
    low = _validate.positive_int(min_period, "min_period")
    high = (
        len(beat) // 3 if max_period is None else _validate.positive_int(max_period, "max_period")
    )
    if not low <= high < len(beat):
        raise ValueError(
            f"周期を探す範囲 {low}〜{high} フレームが、長さ {len(beat)} フレームの中に取れません。"
            "音を長くするか、min_period と max_period を短くしてください。"
        )
    if not 0 <= tolerance <= 1:
        raise ValueError(f"tolerance は 0〜1 にしてください（{tolerance!r} が来ました）。")
    padded = np.append(beat, -np.inf)
    here = padded[low : high + 1]
    peaks = (here >= padded[low - 1 : high]) & (here >= padded[low + 1 : high + 2])
    if not peaks.any():
        return low + int(np.argmax(here))
    enough = here[peaks].max() - tolerance * np.ptp(here)
    return low + int(np.argmax(peaks & (here >= enough)))  # 条件を満たす最初の（最短の）点


def repet(S: ArrayLike, period: int) -> Background:
    """REPET：周期ごとに切って重ね、中央値を背景とする。

    くり返すものはどの周期にも同じ大きさで現れ、中央値に残る。たまに重なる歌は中央値に残らない。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。
    period : int
        くり返しの周期（フレーム）。`find_period` で求める。

    Returns
    -------
    Background
        mask は min(背景, `abs(S)`) / `abs(S)`。`abs(S)` が 0 の点は 1。

    Raises
    ------
    ValueError
        周期が 2 回分に足りないとき。S が空、負、非有限のとき。

    References
    ----------
    Z. Rafii and B. Pardo, "REpeating Pattern Extraction Technique (REPET): a simple method for
    music/voice separation", 2013.

    Examples
    --------
    >>> S = np.tile([[1.0, 0.0], [0.0, 2.0]], 4)  # 2 フレームごとにくり返す
    >>> S[0, 3] = 5  # 1 度だけ鳴る音
    >>> print(repet(S, 2).mask[0, 2:5])
    [1. 0. 1.]

    章: repetition
    """
    magnitude = np.abs(_validate.spectrogram(S))
    n_frames = magnitude.shape[-1]
    period = _validate.positive_int(period, "period")
    if 2 * period > n_frames:
        raise ValueError(
            f"周期 {period} フレームが、全体の {n_frames} フレームの半分を超えています。"
            "2 回以上くり返す長さが要ります。"
        )
    frames = np.moveaxis(magnitude, -1, 0)  # (n_frames, ..., n_freq)
    segments = [frames[start : start + period] for start in range(0, n_frames, period)]
    left = len(segments[-1])  # 最後の切れ端の長さ。そこまでは 1 つ多く重なる
    pattern = np.concatenate(
        [
            engine.across([segment[:left] for segment in segments]),
            engine.across([segment[left:] for segment in segments[:-1]]),
        ]
    )  # (period, ..., n_freq)
    model = pattern[np.arange(n_frames) % period]
    return _background(magnitude, np.moveaxis(model, 0, -1))


def similar_frames(
    S: ArrayLike,
    *,
    max_repeats: int = 100,
    min_distance: int = 1,
    min_similarity: float = 0.0,
) -> list[Array]:
    """フレームごとに、よく似たフレームを探す。

    似ている度合いは、フレームの振幅を並べたベクトルのコサイン類似度（向きの近さ、0〜1）。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。
    max_repeats : int
        選ぶ数の上限。自分自身も数える。
    min_distance : int
        選ぶフレームどうしの間隔（フレーム）。前後 min_distance フレームの中で
        類似度が最大のフレームだけを選ぶ。1 なら、両どなりより大きければよい。
    min_similarity : float
        これより似ていないフレームは選ばない。

    Returns
    -------
    長さ n_frames のリスト
        t 番目は、フレーム t に似たフレームの番号（小さい順の整数の配列）。t 自身を必ず含む。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。引数が範囲の外にあるとき。

    Notes
    -----
    類似度の行列 `(n_frames, n_frames)` は、長い曲では大きすぎる。行をいくつかずつ計算する。

    章: repetition
    """
    magnitude = np.abs(_validate.spectrogram(S))
    max_repeats = _validate.positive_int(max_repeats, "max_repeats")
    distance = _validate.positive_int(min_distance, "min_distance")
    if not 0 <= min_similarity <= 1:
        raise ValueError(f"min_similarity は 0〜1 にしてください（{min_similarity!r}）。")
    unit = _unit_frames(magnitude)
    n_frames = len(unit)
    similar = []
    rows = max(1, BLOCK // n_frames)
    for first in range(0, n_frames, rows):
        similarity = unit[first : first + rows] @ unit.T  # (rows, n_frames)
        here = np.arange(len(similarity))
        similarity[here, first + here] = np.inf  # 自分自身は必ず選ぶ
        peaks = _local_maxima(similarity, distance) & (similarity >= min_similarity)
        for row, is_peak in zip(similarity, peaks, strict=True):
            chosen = np.flatnonzero(is_peak)
            if len(chosen) > max_repeats:
                order = np.argsort(-row[chosen], kind="stable")
                chosen = np.sort(chosen[order[:max_repeats]])
            similar.append(chosen)
    return similar


def repet_sim(
    S: ArrayLike,
    *,
    max_repeats: int = 100,
    min_distance: int = 1,
    min_similarity: float = 0.0,
) -> Background:
    """REPET-SIM：フレームごとに似たフレームを集め、中央値を背景とする。

    周期がそろっていなくても、似たフレームがどこかに何度も現れればよい。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。
    max_repeats, min_distance, min_similarity
        `similar_frames` と同じ。

    Returns
    -------
    Background
        mask は min(背景, `abs(S)`) / `abs(S)`。`abs(S)` が 0 の点は 1。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。引数が範囲の外にあるとき。

    References
    ----------
    Z. Rafii and B. Pardo, "Music/voice separation using the similarity matrix", 2012.

    章: repetition
    """
    magnitude = np.abs(_validate.spectrogram(S))
    similar = similar_frames(
        magnitude,
        max_repeats=max_repeats,
        min_distance=min_distance,
        min_similarity=min_similarity,
    )
    frames = np.moveaxis(magnitude, -1, 0)  # (n_frames, ..., n_freq)
    model = np.empty_like(frames)
    counts = np.array([len(chosen) for chosen in similar])
    for count in np.unique(counts):  # 集まった数が同じフレームは、まとめて中央値を取る
        members = np.flatnonzero(counts == count)
        rows = max(1, BLOCK // (count * frames[0].size))
        for first in range(0, len(members), rows):
            here = members[first : first + rows]
            index = np.stack([similar[t] for t in here], axis=1)  # (count, len(here))
            model[here] = engine.across([frames[i] for i in index])
    return _background(magnitude, np.moveaxis(model, 0, -1))


def ft2d_peaks(S: ArrayLike, neighborhood: tuple[int, int] = (1, 25)) -> Array:
    """スペクトログラムの 2 次元フーリエ変換の峰：時間方向に周期的なものがここに集まる。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。
    neighborhood : (scale, rate)
        近傍の大きさ（点）。scale は周波数方向、rate は時間方向の変化の速さの軸。どちらも奇数。

    Returns
    -------
    (..., n_freq, n_frames) の真偽値の配列
        `np.fft.fft2` の出力と同じ並び（先頭が 0）。近傍の中で最大で、しかも近傍の最大と最小の
        差が、全体の標準偏差より大きい点が True。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。近傍の大きさが奇数でないとき。

    章: repetition
    """
    magnitude, neighborhood = np.abs(_validate.spectrogram(S)), _odd_pair(neighborhood)
    peaks = np.empty(magnitude.shape, bool)
    for channel in np.ndindex(magnitude.shape[:-2]):
        peaks[channel] = _peaks(np.abs(scipy.fft.fft2(magnitude[channel])), neighborhood)
    return peaks


def ft2d(S: ArrayLike, neighborhood: tuple[int, int] = (1, 25)) -> Background:
    """2DFT：2 次元フーリエ変換の峰だけを残して戻したものを背景とする。

    Parameters
    ----------
    S : (..., n_freq, n_frames)
        振幅または複素数のスペクトログラム。
    neighborhood : (scale, rate)
        `ft2d_peaks` と同じ。

    Returns
    -------
    Background
        mask は min(背景, `abs(S)`) / `abs(S)`。`abs(S)` が 0 の点は 1。

    Raises
    ------
    ValueError
        S が空、負、非有限のとき。近傍の大きさが奇数でないとき。

    Notes
    -----
    論文は背景と前景の大きい方に渡す二値マスクを使う。ここでは REPET と同じソフトマスクを使う。

    References
    ----------
    P. Seetharaman, F. Pishdadian, and B. Pardo, "Music/voice separation using the 2D Fourier
    transform", 2017.

    章: repetition
    """
    magnitude, neighborhood = np.abs(_validate.spectrogram(S)), _odd_pair(neighborhood)
    model = np.empty_like(magnitude)
    for channel in np.ndindex(magnitude.shape[:-2]):
        F = scipy.fft.fft2(magnitude[channel])
        F *= _peaks(np.abs(F), neighborhood)  # 峰のほかは 0 にする
        model[channel] = np.abs(scipy.fft.ifft2(F, overwrite_x=True))
    return _background(magnitude, model)


def separate_repet(
    mixture: ArrayLike,
    sr: float,
    *,
    period: float | None = None,
    min_period: float = 0.8,
    max_period: float = 8.0,
    **options: Any,
) -> Array:
    """REPET で、混合音の波形を背景（伴奏）と前景（歌）に分ける。

    Parameters
    ----------
    mixture : (..., n_samples) の float32 / float64
        混合音。前の軸は 1 つの録音のチャネル。
    sr : float
        標本化周波数 [Hz]。
    period : float, optional
        くり返しの周期 [秒]。省略すると `find_period` で探す。
    min_period, max_period : float
        周期を探す範囲 [秒]。上限は、全体の長さの 1/3 まで。
    **options
        `high_pass_cutoff=100.0`：歌は低い音を出さないので、これより低い周波数 [Hz] は背景とする。
        `n_fft=2048`、`hop_length=None`、`window="hann"`：`stft` と同じ。

    Returns
    -------
    (2, ..., n_samples)
        背景、前景の順。和は混合音に戻る。

    Raises
    ------
    ValueError
        mixture が空、整数、非有限のとき。周期や範囲が、全体の長さに合わないとき。

    章: repetition
    """

    def mask(S: Array, seconds: float) -> Array:  # seconds は 1 フレームの間隔
        if period is not None:
            return repet(S, _n_frames(period, seconds, "period")).mask
        n_frames = S.shape[-1]
        low = _n_frames(min_period, seconds, "min_period")
        high = min(_n_frames(max_period, seconds, "max_period"), n_frames // 3)
        if low > high:
            raise ValueError(
                f"周期を {low * seconds:.2f} 秒以上で探すには、その 3 倍以上の長さの音と、"
                f"それ以上の max_period が要ります（音は {n_frames * seconds:.2f} 秒、"
                f"max_period は {max_period:g} 秒）。"
            )
        return repet(S, find_period(beat_spectrum(S), min_period=low, max_period=high)).mask

    return _separate(mixture, sr, mask, **options)


def separate_repet_sim(
    mixture: ArrayLike,
    sr: float,
    *,
    max_repeats: int = 100,
    min_distance: float = 1.0,
    min_similarity: float = 0.0,
    **options: Any,
) -> Array:
    """REPET-SIM で、混合音の波形を背景（伴奏）と前景（歌）に分ける。

    Parameters
    ----------
    mixture : (..., n_samples) の float32 / float64
        混合音。前の軸は 1 つの録音のチャネル。
    sr : float
        標本化周波数 [Hz]。
    max_repeats, min_similarity
        `similar_frames` と同じ。
    min_distance : float
        選ぶフレームどうしの間隔 [秒]。
    **options
        `separate_repet` と同じ。

    Returns
    -------
    (2, ..., n_samples)
        背景、前景の順。和は混合音に戻る。

    Raises
    ------
    ValueError
        mixture が空、整数、非有限のとき。間隔が全体の長さを超えるとき。

    章: repetition
    """

    def mask(S: Array, seconds: float) -> Array:
        distance = _n_frames(min_distance, seconds, "min_distance")
        if distance >= S.shape[-1]:
            raise ValueError(
                f"min_distance={min_distance:g} 秒が、音の長さ {S.shape[-1] * seconds:.2f} 秒を"
                "超えています。似たフレームを、自分のほかに選べません。"
            )
        return repet_sim(
            S, max_repeats=max_repeats, min_distance=distance, min_similarity=min_similarity
        ).mask

    return _separate(mixture, sr, mask, **options)


def separate_ft2d(
    mixture: ArrayLike,
    sr: float,
    *,
    neighborhood: tuple[int, int] = (1, 25),
    **options: Any,
) -> Array:
    """2DFT で、混合音の波形を背景（伴奏）と前景（歌）に分ける。

    Parameters
    ----------
    mixture : (..., n_samples) の float32 / float64
        混合音。チャネルごとに分ける。
    sr : float
        標本化周波数 [Hz]。
    neighborhood : (scale, rate)
        `ft2d_peaks` と同じ。
    **options
        `separate_repet` と同じ。

    Returns
    -------
    (2, ..., n_samples)
        背景、前景の順。和は混合音に戻る。

    Raises
    ------
    ValueError
        mixture が空、整数、非有限のとき。近傍の大きさが奇数でないとき。

    章: repetition
    """
    return _separate(mixture, sr, lambda S, _: ft2d(S, neighborhood).mask, **options)


def _separate(
    mixture: ArrayLike,
    sr: float,
    background_mask: Callable[[Array, float], Array],
    *,
    high_pass_cutoff: float = 100.0,
    n_fft: int = 2048,
    hop_length: int | None = None,
    window: Window = "hann",
) -> Array:
    """背景のマスクを作る関数から、背景と前景の波形を作る。"""
    mixture = _validate.real_array(mixture, "mixture")
    sr = _validate.positive_number(sr, "sr")
    if not 0 <= high_pass_cutoff <= sr / 2:
        raise ValueError(
            f"high_pass_cutoff={high_pass_cutoff!r} は 0〜{sr / 2:g} Hz にしてください。"
        )
    n_fft, _, hop = _validate.frame_lengths(n_fft, None, hop_length)
    frames: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop, "window": window}
    S = stft(mixture, **frames)
    mask = background_mask(S, hop / sr)
    mask[..., scipy.fft.rfftfreq(n_fft, 1 / sr) < high_pass_cutoff, :] = 1
    background = istft(mask * S, length=mixture.shape[-1], **frames)
    # 前景のマスクは 1 − mask。逆変換は足し算を保つので、引き算で求められる
    return np.stack([background, mixture - background])


def _background(magnitude: Array, model: Array) -> Background:
    """背景は混合音を超えないとみなし、マスクにする。"""
    kept = np.minimum(model, magnitude)
    mask = np.divide(kept, magnitude, out=np.ones_like(magnitude), where=magnitude > 0)
    return Background(mask, model)


def _unit_frames(magnitude: Array) -> Array:
    """長さを 1 にそろえたフレーム `(n_frames, n_channels * n_freq)`。無音のフレームは 0。"""
    frames = np.moveaxis(magnitude, -1, 0).reshape(magnitude.shape[-1], -1)
    frames = frames / (magnitude.max() or 1.0)  # 2 乗してもあふれないようにする
    norm = np.sqrt(np.sum(frames**2, axis=1, keepdims=True))
    unit: Array = np.divide(frames, norm, out=np.zeros_like(frames), where=norm > 0)
    return unit


def _local_maxima(x: Array, distance: int) -> Array:
    """行ごとに、前の distance 個より大きく、後ろの distance 個以上の点。

    前だけを「より大きい」にすると、同じ値が近くに並んでも、最初の 1 つだけが選ばれる。
    """
    n = x.shape[-1]
    padded = np.pad(x, ((0, 0), (distance, distance)), constant_values=-np.inf)
    # i から distance 個の最大。窓の中央から数えた値を、窓の先頭から数え直す
    highest = scipy.ndimage.maximum_filter1d(padded, distance, axis=-1)[:, distance // 2 :]
    before, after = highest[:, :n], highest[:, distance + 1 : distance + 1 + n]
    maxima: Array = (x > before) & (x >= after)
    return maxima


def _peaks(level: Array, neighborhood: tuple[int, int]) -> Array:
    """近傍の中で最大で、近傍の最大と最小の差が全体の標準偏差より大きい点。"""
    # 離散フーリエ変換は周期的なので、端の先は反対の端へつながる
    highest = scipy.ndimage.maximum_filter(level, neighborhood, mode="wrap")
    lowest = scipy.ndimage.minimum_filter(level, neighborhood, mode="wrap")
    peaks: Array = (level == highest) & (highest - lowest > level.std(dtype=np.float64))
    return peaks


def _odd_pair(neighborhood: Any) -> tuple[int, int]:
    """2 つの奇数の組にして返す。"""
    sizes = tuple(neighborhood) if isinstance(neighborhood, (tuple, list)) else ()
    if len(sizes) != 2 or any(
        _validate.positive_int(size, "neighborhood") % 2 == 0 for size in sizes
    ):
        raise ValueError(
            f"neighborhood は (scale, rate) の奇数 2 つの組にしてください（{neighborhood!r}）。"
        )
    return sizes[0], sizes[1]


def _n_frames(duration: Any, seconds: float, name: str) -> int:
    """秒をフレームの数に直す（1 以上）。"""
    return max(1, round(_validate.positive_number(duration, name) / seconds))
