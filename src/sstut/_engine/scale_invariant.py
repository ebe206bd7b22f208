"""SI-SDR の 2 つのエネルギーを速く計算する部品。

計算しているものは `sstut.evaluation.si_sdr_plain` と同じである。速さは次の考えから来る。

1. **1 回の走査で**: 目的音も歪みも波形は作らず、内積 <s, s>、<s, e>、<e, e> だけから求める。
   信号をキャッシュに収まる長さに切れば、3 つの内積がメモリを 1 度読むだけで済む。
2. **短い行の内積を float64 で足す**: float32 の内積でも、行が短ければ丸め誤差はたまらない。
3. **桁が落ちるときだけ波形を作る**: 比がとても大きいか小さいときと、平均が大きいときは、
   内積の引き算では桁が落ちるので、float64 の波形から求め直す。
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROW = 1 << 11
CHUNK_ROWS = 128  # 1 かたまりの行数。2 つの信号が CPU のキャッシュに収まる
ROUNDING = 1e-28  # 平均を引いた残りがこの割合より小さければ、定数とみなす
LARGEST_MEAN = 0.5  # 平均がエネルギーに占める割合がこれを超えたら、先に平均を引く
# 内積の引き算で済ませる、1 − 相関係数の 2 乗（歪みの割合）と相関係数の 2 乗の下限
SMALLEST_SHARE = {"float32": 2e-3, "float64": 1e-4}
WITH_MEAN = 10.0  # 平均を引かないときは、大きな直流が丸め誤差を増やしうるので、下限をこの倍にする


def energies(s: Array, e: Array, zero_mean: bool) -> tuple[Array, Array, Array]:
    """正解、目的音、歪みのエネルギー（どれも `(...)`。大きさはそろえてあり、比だけに意味がある）。

    正解が無音（zero_mean なら定数）のとき、正解のエネルギーは 0。
    NaN か無限大があるとき、どれかが有限でない。
    """
    out = np.empty((3, *s.shape[:-1]))
    for index in np.ndindex(s.shape[:-1]):
        with np.errstate(over="ignore", invalid="ignore"):
            found = _by_inner_products(s[index], e[index], zero_mean)
            if found is None:
                found = _by_waveforms(s[index], e[index], zero_mean)
        out[(slice(None), *index)] = found
    return out[0], out[1], out[2]


def _by_inner_products(s: Array, e: Array, zero_mean: bool) -> tuple[float, float, float] | None:
    """内積から求める。桁が落ちるおそれがあれば None。"""
    ss, se, ee, s_sum, e_sum = _inner_products(s, e, zero_mean)
    share = SMALLEST_SHARE[s.dtype.name] * (1.0 if zero_mean else WITH_MEAN)
    # 2 乗があふれたり消えたりしない大きさで、平均が小さく、比がほどほどなら、桁は落ちない
    if not (1e-20 < ss < 1e20 and 1e-20 < ee < 1e20):
        return None
    if s_sum**2 > LARGEST_MEAN * ss * len(s) or e_sum**2 > LARGEST_MEAN * ee * len(s):
        return None
    ss, se, ee = (
        ss - s_sum**2 / len(s),
        se - s_sum * e_sum / len(s),
        ee - e_sum**2 / len(s),
    )
    target = se**2 / ss
    if not share * ee < target < (1 - share) * ee:
        return None
    return ss, target, ee - target


def _inner_products(s: Array, e: Array, sums: bool) -> list[float]:
    """内積 <s, s>、<s, e>、<e, e> と、s と e の和（sums が偽なら 0）。"""
    n_rows = len(s) // ROW
    whole = n_rows * ROW
    s_rows, e_rows = s[:whole].reshape(-1, ROW), e[:whole].reshape(-1, ROW)
    ones = np.ones(ROW, s.dtype)
    by_row = np.zeros((5, n_rows), s.dtype)
    for start in range(0, n_rows, CHUNK_ROWS):
        here = slice(start, start + CHUNK_ROWS)
        x, y = s_rows[here], e_rows[here]
        np.vecdot(x, x, out=by_row[0, here])
        np.vecdot(x, y, out=by_row[1, here])
        np.vecdot(y, y, out=by_row[2, here])
        if sums:
            np.vecdot(x, ones, out=by_row[3, here])
            np.vecdot(y, ones, out=by_row[4, here])
    x, y = s[whole:], e[whole:]
    rest = [x @ x, x @ y, y @ y, x.sum() if sums else 0, y.sum() if sums else 0]
    return [float(a) + float(b) for a, b in zip(by_row.sum(axis=1, dtype=float), rest, strict=True)]


def _by_waveforms(s: Array, e: Array, zero_mean: bool) -> tuple[float, float, float]:
    """目的音と歪みの波形を float64 で作る。"""
    s, e = _normalised(s), _normalised(e)
    power = float(np.dot(s, s))
    if zero_mean:
        s, e = s - s.mean(), e - e.mean()
    ss = float(np.dot(s, s))
    if ss <= ROUNDING * power:
        return 0.0, 0.0, 0.0
    target = float(np.dot(s, e)) / ss * s
    distortion = e - target
    # 倍率の丸め誤差は、歪みの中の s の成分として残るので、もう 1 度引く
    distortion = distortion - float(np.dot(s, distortion)) / ss * s
    return ss, float(np.dot(target, target)), float(np.dot(distortion, distortion))


def _normalised(x: Array) -> Array:
    """最大の絶対値を 1 にした float64。無音ならそのまま。"""
    peak = float(np.abs(x).max())
    x64: Array = x.astype(np.float64)
    return x64 / peak if peak > 0 else x64
