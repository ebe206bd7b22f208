"""NMF の乗法更新を速く計算する部品。

計算しているものは `sstut.nmf.nmf_plain` と同じである。速さは次の考えから来る。

1. **行のかたまりで計算する**: 近似 `W @ H` や商 `V / (W @ H)` を全部作ると、大きな配列を何度も
   読み書きして、CPU はメモリ待ちになる。W の更新は行ごとに独立なので、キャッシュに収まる行数ずつ、
   商を作り、W を直し、直した W で H の分子を足しこむ。V を読むのは 1 回のくり返しで 1 度で済む。
2. **同じ作業領域を使い回す**: 途中の配列は、最初に 1 度だけ確保する。
3. **損失はついでに**: 損失に要る `W @ H` は、次の更新の初めにどうせ作る。それでも対数の計算は
   更新と同じくらい重いので、何回に 1 度測るかを選べる。
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BLOCK = 64  # 1 かたまりの行数。1300 フレームの float32 なら 330 KB で、L2 キャッシュに収まる
EPS = float(np.finfo(np.float32).eps)


class Updates:
    """V ≈ W H の乗法更新。`beta` は 2（ユークリッド）、1（KL）、0（板倉・斎藤）。"""

    def __init__(self, V: Array, W: Array, H: Array, beta: int, update_W: bool) -> None:
        self.V, self.W, self.H = V, W, H
        self.beta, self.update_W = beta, update_W
        # 近似に足して、0 で割らないようにする。決まった成分が 1 つ増えただけなので、足した近似に
        # ついて損失が増えないことは変わらない。大きさは V に合わせる
        self.floor = V.dtype.type(EPS * (V.max() or 1.0))
        self.tiny = np.finfo(V.dtype).tiny
        shape = (min(BLOCK, len(V)), V.shape[1])
        self.tile, self.quotient, self.inverse = (np.empty(shape, V.dtype) for _ in range(3))
        self.numerator, self.denominator = np.empty_like(H), np.empty_like(H)

    def sweep(self, *, measure: bool = True, update: bool = True) -> float:
        """W と H を 1 度ずつ直し、直す前の損失を返す。どちらかだけを行うこともできる。"""
        loss = 0.0 if measure else np.nan
        self.numerator[:] = 0
        self.denominator[:] = 0
        row_sums = self.H.sum(axis=1)
        gram = self.H @ self.H.T if self.beta == 2 else None
        for start in range(0, len(self.V), BLOCK):
            v, w = self.V[start : start + BLOCK], self.W[start : start + BLOCK]
            # ユークリッド距離の更新には、近似が要らない
            q = self._approximate(w) if measure or self.beta != 2 else self.tile
            if measure:
                loss += self._loss(v, q)
            if not update:
                continue
            if self.update_W:
                self._update_bases(v, w, q, row_sums, gram)
                q = self._approximate(w) if self.beta != 2 else self.tile
            self._accumulate_activations(v, w, q)
        if update:
            self._update_activations()
        return loss

    def _approximate(self, w: Array) -> Array:
        q = np.matmul(w, self.H, out=self.tile[: len(w)])
        q += self.floor
        return q

    def _loss(self, v: Array, q: Array) -> float:
        """かたまり 1 つの損失。"""
        work = self.quotient[: len(v)]
        if self.beta == 2:
            np.subtract(v, q, out=work)
            return 0.5 * _dot(work, work)
        np.divide(v, q, out=work)
        log = self.inverse[: len(v)]
        if self.beta == 1:
            # V log(V / Q) − V + Q。V が 0 の所は Q だけ残る（0 log 0 = 0）
            np.log(np.maximum(work, self.tiny, out=log), out=log)
            return _dot(v, log) - _total(v) + _total(q)
        return _total(work) - _total(np.log(work, out=log)) - v.size

    def _update_bases(
        self, v: Array, w: Array, q: Array, row_sums: Array, gram: Array | None
    ) -> None:
        if self.beta == 2:
            w *= _ratio(v @ self.H.T, w @ gram)
        elif self.beta == 1:
            np.divide(v, q, out=q)
            w *= _ratio(q @ self.H.T, row_sums)
        else:
            inverse, quotient = self._powers(v, q)
            w *= np.sqrt(_ratio(quotient @ self.H.T, inverse @ self.H.T))

    def _accumulate_activations(self, v: Array, w: Array, q: Array) -> None:
        if self.beta == 2:
            self.numerator += w.T @ v
        elif self.beta == 1:
            np.divide(v, q, out=q)
            self.numerator += w.T @ q
        else:
            inverse, quotient = self._powers(v, q)
            self.numerator += w.T @ quotient
            self.denominator += w.T @ inverse

    def _update_activations(self) -> None:
        if self.beta == 2:
            self.H *= _ratio(self.numerator, (self.W.T @ self.W) @ self.H)
        elif self.beta == 1:
            self.H *= _ratio(self.numerator, self.W.sum(axis=0)[:, np.newaxis])
        else:
            self.H *= np.sqrt(_ratio(self.numerator, self.denominator))

    def _powers(self, v: Array, q: Array) -> tuple[Array, Array]:
        """1 / q と v / q**2。"""
        inverse = np.divide(1, q, out=self.inverse[: len(v)])
        quotient = np.multiply(v, inverse, out=self.quotient[: len(v)])
        quotient *= inverse
        return inverse, quotient


def _dot(x: Array, y: Array) -> float:
    """行ごとの内積（BLAS）を float64 で足す。1 行は短いので、float32 でも丸め誤差はたまらない。"""
    return float(np.vecdot(x, y).sum(dtype=np.float64))


def _total(x: Array) -> float:
    return float(x.sum(axis=1).sum(dtype=np.float64))


def _ratio(numerator: Array, denominator: Array) -> Array:
    """比。分母が 0 なら（その成分はもう使われていないので）0。"""
    ratio: Array = numerator / np.where(denominator > 0, denominator, np.inf)
    return ratio
