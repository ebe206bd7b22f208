"""ブロックテプリッツ行列の連立方程式を速く解く部品（BSS Eval の最小二乗に使う）。

m 個の信号を 0〜L−1 サンプルずつ遅らせて並べると、その内積の行列 G は「ずれ」だけで決まる
ブロックテプリッツ行列になる。`G[a, b] = R[a − b]`、`R[−k] = R[k].T`、R は `(L, m, m)`。

1. **再帰で分解する**: ブロックレビンソン法は、前向きと後ろ向きの予測フィルタを 1 次ずつ伸ばす。
   密な行列の分解が (mL)^3 の計算をするところを、m^3 L^2 で済ませ、G そのものを作らない。
2. **逆行列は畳み込み**: G の逆行列は、2 つの予測フィルタを並べた三角行列の積の差になる
   （Gohberg–Semencul の公式）。掛け算は FFT でできるので、右辺がいくつあっても速い。
3. **確かめてから使う**: G がほぼ特異だと、再帰の丸め誤差が育つ。答えを方程式に戻して残りを調べ、
   大きければ、密な行列をごくわずかに正則化したコレスキー分解に替える。
"""

from typing import Any

import numpy as np
import scipy.fft
import scipy.linalg
from numpy.typing import NDArray

Array = NDArray[Any]

EPS = float(np.finfo(np.float64).eps)
LARGEST_REST = 1e-9  # 方程式に残った誤差がこの割合を超えたら、再帰の答えは使わない


class NormalEquations:
    """連立方程式 `Σ_b R[a − b] @ C[b] = D[a]`。

    R は `(..., L, m, m)`、D は `(..., L, m, p)`。先頭の軸に並べた問題は、まとめて解く。

    Attributes
    ----------
    reliable : (...) の bool
        再帰で解けたか。偽なら G がほぼ特異で、答えの誤差は丸め誤差よりずっと大きい。
    """

    def __init__(self, R: Array, D: Array) -> None:
        norm = np.sqrt(np.diagonal(R[..., 0, :, :], axis1=-2, axis2=-1))  # (..., m)
        scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
        self._scale = scale[..., np.newaxis, :, np.newaxis]
        R = R * self._scale * self._scale.swapaxes(-1, -2)
        everyone = np.arange(R.shape[-1])
        R[..., 0, everyone, everyone] = 1  # 無音の信号は、どれとも無関係な信号に置き換えてよい
        stack = R.reshape(-1, *R.shape[-3:])
        self._symbol = _spectrum(_both_sides(stack), R.shape[-3])
        self._predictors = _levinson(stack)
        self._factors: dict[int, Any] = {}
        self._D = self._scaled(D)
        self._C = self._inverse(self._D)
        self._rest = self._D - self._product(self._C)
        size = np.abs(self._D).max(axis=(1, 2, 3), initial=0)
        # 残りを調べれば、再帰の誤差がどれだけ育ったかが分かる（NaN も通さない）
        reliable = np.abs(self._rest).max(axis=(1, 2, 3), initial=0) <= LARGEST_REST * size
        for i in np.flatnonzero(~reliable):
            self._factors[int(i)] = _cholesky(stack[i])
        if self._factors:
            self._C = self._inverse(self._D)
            self._rest = self._D - self._product(self._C)
        self.reliable: Array = reliable.reshape(R.shape[:-3])

    def taps(self) -> Array:
        """解 C `(..., L, m, p)`。特異なら最小二乗解の 1 つ。"""
        # 残りをもう 1 度解いて足すと、丸め誤差が減る
        refined = self._C + self._inverse(self._rest)
        taps: Array = refined.reshape(*self._scale.shape[:-3], *refined.shape[1:]) * self._scale
        return taps

    def energy(self) -> Array:
        """射影のエネルギー `(..., p)`：D の列 d ごとの `d.T @ inv(G) @ d`。"""
        # 停留点の値 C.T @ (2 D − G C) なので、C の誤差は 2 乗でしか効かない
        explained = np.einsum("nlmp,nlmp->np", self._C, self._D + self._rest)
        positive: Array = np.maximum(explained, 0)
        return positive.reshape(*self._scale.shape[:-3], -1)

    def solve(self, D: Array) -> Array:
        """別の右辺 D に対する解。"""
        taps: Array = self._inverse(self._scaled(D)).reshape(D.shape) * self._scale
        return taps

    def _scaled(self, D: Array) -> Array:
        scaled: Array = D * self._scale
        return scaled.reshape(-1, *D.shape[-3:])

    def _product(self, C: Array) -> Array:
        n_lags = C.shape[1]
        return _series(self._symbol @ _spectrum(C, n_lags), n_lags)

    def _inverse(self, D: Array) -> Array:
        n_lags = D.shape[1]
        C = np.zeros_like(D)
        spectrum = _spectrum(D, n_lags)
        with np.errstate(all="ignore"):
            for triangle, weight in self._predictors:
                upper = _series(triangle.conj().swapaxes(-1, -2) @ spectrum, n_lags)
                C += _series(triangle @ _spectrum(weight @ upper, n_lags), n_lags)
        for i, factor in self._factors.items():
            flat = D[i].reshape(-1, D.shape[-1])
            C[i] = scipy.linalg.cho_solve(factor, flat, check_finite=False).reshape(D[i].shape)
        return C


def _levinson(R: Array) -> list[tuple[Array, Array]]:
    """ブロックレビンソン法。Gohberg–Semencul の公式の 2 項（三角行列のスペクトルと重み）を返す。

    予測フィルタは転置して `(n, m, L * m)` に置く。前向きは左端から右へ、後ろ向きは右端から左へ
    伸びるので、1 次上げるときにずらす手間がない。
    """
    n, n_lags, m, _ = R.shape
    columns = R[:, 1:].reshape(n, (n_lags - 1) * m, m)  # R[1], …, R[L−1] を縦に並べる
    forward, backward = np.zeros((2, n, m, n_lags * m))
    forward[..., :m] = backward[..., -m:] = np.eye(m)
    buffer = np.empty((2, n, m, n_lags * m))
    invert = np.linalg.inv if m > 1 else np.reciprocal
    F = R[:, 0].copy()  # 後ろ向きの予測誤差の共分散（前向きは逆行列 E_inv だけを持つ）
    with np.errstate(all="ignore"):
        try:
            E_inv = F_inv = invert(F)
            for k in range(1, n_lags):
                delta = backward[..., -k * m :] @ columns[:, : k * m]
                to_forward = delta.swapaxes(-1, -2) @ F_inv
                to_backward = delta @ E_inv
                size = (k + 1) * m
                a, b = forward[..., :size], backward[..., -size:]
                np.matmul(to_forward, b, out=buffer[0, ..., :size])
                np.matmul(to_backward, a, out=buffer[1, ..., :size])
                a -= buffer[0, ..., :size]
                b -= buffer[1, ..., :size]
                F -= to_backward @ delta.swapaxes(-1, -2)
                F_inv = invert(F)
                E_inv = E_inv + to_backward.swapaxes(-1, -2) @ F_inv @ to_backward
        except np.linalg.LinAlgError:  # ちょうど特異
            E_inv = F_inv = np.full_like(F, np.nan)
    blocks = [f.reshape(n, m, n_lags, m).transpose(0, 2, 3, 1) for f in (forward, backward)]
    blocks[1] = np.concatenate([np.zeros((n, 1, m, m)), blocks[1][:, :-1]], axis=1)
    return [
        (_spectrum(block, n_lags), weight[:, np.newaxis])
        for block, weight in zip(blocks, (E_inv, -F_inv), strict=True)
    ]


def _cholesky(R: Array) -> Any:
    """密な G を分解する。正定値になるまで、対角にごく小さい値を足す。"""
    G = gram(R)
    ridge = EPS * 8
    while True:
        try:
            return scipy.linalg.cho_factor(G + ridge * np.eye(len(G)), check_finite=False)
        except np.linalg.LinAlgError:
            ridge *= 4


def gram(R: Array) -> Array:
    """密な G `(L * m, L * m)`。遅れが外側、信号が内側。"""
    n_lags, m, _ = R.shape
    both = np.concatenate([R[:0:-1].transpose(0, 2, 1), R])  # ずれ −(L−1)〜L−1
    lag = np.subtract.outer(np.arange(n_lags), np.arange(n_lags)) + n_lags - 1
    G: Array = both[lag].transpose(0, 2, 1, 3).reshape(n_lags * m, n_lags * m)
    return G


def _both_sides(R: Array) -> Array:
    """ずれ 0〜L−1、0、−(L−1)〜−1 の順に並べた、巡回行列の最初の列 `(n, 2L, m, m)`。"""
    n_lags = R.shape[1]
    around = np.zeros((len(R), 2 * n_lags, *R.shape[2:]))
    around[:, :n_lags] = R
    around[:, n_lags + 1 :] = R[:, :0:-1].swapaxes(-1, -2)
    return around


def _spectrum(blocks: Array, n_lags: int) -> Array:
    """長さ 2L の FFT。畳み込みが折り返さないよう、短ければ 0 を補う。"""
    spectrum: Array = scipy.fft.rfft(blocks, 2 * n_lags, axis=1)
    return spectrum


def _series(spectrum: Array, n_lags: int) -> Array:
    """逆変換の、はじめの L 個。"""
    series: Array = scipy.fft.irfft(spectrum, 2 * n_lags, axis=1)[:, :n_lags]
    return series
