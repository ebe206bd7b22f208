"""引数の確かめ。だめなときは「何が来て、何が要るか」を日本語で言う `ValueError` を投げる。"""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def real_array(x: ArrayLike, name: str, *, min_ndim: int = 1, finite: bool = True) -> Array:
    """空でなく、有限な float32 / float64 の配列にして返す（finite=False なら有限かは見ない）。"""
    array = np.asarray(x)
    if array.dtype.kind in "iub":
        raise ValueError(
            f"{name} は浮動小数点の配列にしてください（dtype={array.dtype} が来ました）。"
            f"整数の PCM は最大値で割って −1〜1 に直します。例: {name}.astype(np.float32) / 32768"
        )
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(
            f"{name} は float32 か float64 の実数配列にしてください"
            f"（dtype={array.dtype} が来ました）。"
        )
    _check_shape(array, name, min_ndim)
    if finite:
        check_finite(array, name)
    return array


def non_negative_array(x: ArrayLike, name: str, *, min_ndim: int = 0) -> Array:
    """空でなく、有限で、0 以上の float32 / float64 の配列にして返す。"""
    array = real_array(x, name, min_ndim=min_ndim)
    if array.min() < 0:
        raise ValueError(f"{name} に負の値 {array.min():.3g} があります。0 以上にしてください。")
    return array


def spectrogram(S: ArrayLike, name: str = "S") -> Array:
    """複素数か、0 以上の実数（振幅）の `(..., n_freq, n_frames)` にして返す。"""
    array = number_array(S, name)
    if array.ndim < 2:
        raise ValueError(
            f"{name} は (..., n_freq, n_frames) にしてください（shape={array.shape}）。"
        )
    if array.dtype.kind == "f" and array.min() < 0:
        raise ValueError(f"{name} は振幅なので 0 以上にしてください（最小は {array.min()}）。")
    return array


def complex_array(x: ArrayLike, name: str, *, min_ndim: int = 2) -> Array:
    """空でない complex64 / complex128 の配列にして返す（有限かどうかは見ない）。"""
    array = np.asarray(x)
    if array.dtype not in (np.complex64, np.complex128):
        raise ValueError(
            f"{name} は complex64 か complex128 の複素数配列にしてください"
            f"（dtype={array.dtype} が来ました）。振幅だけからは位相が分からず、音に戻せません。"
        )
    _check_shape(array, name, min_ndim)
    return array


def number_array(x: ArrayLike, name: str) -> Array:
    """空でなく、有限な数の配列にして返す（実数でも複素数でもよい）。"""
    array = np.asarray(x)
    if array.dtype.kind not in "fc":
        raise ValueError(
            f"{name} は浮動小数点か複素数の配列にしてください（dtype={array.dtype} が来ました）。"
        )
    _check_shape(array, name, 0)
    check_finite(array, name)
    return array


def check_finite(array: Array, name: str) -> None:
    """NaN と無限大がないことを確かめる。

    和は 1 回の走査で済み、NaN や無限大が 1 つでもあれば有限にならない。
    有限な数の和があふれただけのこともあるので、そのときだけ 1 つずつ見直す。
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name} に NaN か無限大が {len(bad)} 個あります"
            f"（最初は {name}[{', '.join(map(str, bad[0]))}]）。有限な値だけにしてください。"
        )


def positive_int(value: Any, name: str) -> int:
    """1 以上の整数にして返す。"""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} は 1 以上の整数にしてください（{value!r} が来ました）。")
    return int(value)


def positive_number(value: Any, name: str) -> float:
    """正の有限な実数にして返す。"""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
        raise ValueError(f"{name} は正の数にしてください（{value!r} が来ました）。")
    return float(value)


def non_negative_int(value: Any, name: str) -> int:
    """0 以上の整数にして返す。"""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise ValueError(f"{name} は 0 以上の整数にしてください（{value!r} が来ました）。")
    return int(value)


def non_negative_number(value: Any, name: str) -> float:
    """0 以上の有限な実数にして返す。"""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"{name} は 0 以上の数にしてください（{value!r} が来ました）。")
    return float(value)


def frame_lengths(
    n_fft: Any, win_length: Any | None, hop_length: Any | None
) -> tuple[int, int, int]:
    """`(n_fft, win_length, hop_length)` を、省略された分を補って返す（librosa と同じ既定値）。"""
    n_fft = positive_int(n_fft, "n_fft")
    win_length = n_fft if win_length is None else positive_int(win_length, "win_length")
    if win_length > n_fft:
        raise ValueError(
            f"win_length={win_length} が n_fft={n_fft} より長いです。"
            "win_length ≦ n_fft にしてください。"
        )
    if hop_length is None:
        hop_length = max(1, win_length // 4)
    return n_fft, win_length, check_hop(hop_length, win_length)


def check_hop(hop_length: Any, win_length: int) -> int:
    """窓より長い hop_length を断る（どの窓にも入らないサンプルができる）。"""
    hop = positive_int(hop_length, "hop_length")
    if hop > win_length:
        raise ValueError(
            f"hop_length={hop} が窓の長さ win_length={win_length} を超えています。"
            "どの窓にも入らないサンプルができるので、hop_length ≦ win_length にしてください。"
        )
    return hop


def _check_shape(array: Array, name: str, min_ndim: int) -> None:
    if array.ndim < min_ndim:
        raise ValueError(
            f"{name} には {min_ndim} 次元以上の配列が要ります（shape={array.shape} が来ました）。"
        )
    if array.size == 0:
        raise ValueError(f"{name} が空です（shape={array.shape}）。1 つ以上の値が要ります。")
