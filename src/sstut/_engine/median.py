"""中央値を速く求める部品。

計算しているものは `np.median` と同じである。奇数個の中央値は元の値のどれかで、1 ビットも違わない。
速さは次の考えから来る。

1. **比べる順番を先に決める**: 「2 つを比べて、小さい方と大きい方に分ける」だけで並べ替える手順
   （ソーティングネットワーク）は、値によらず同じ順に比べる。そこで 1 回の比較を、
   何万点もの配列どうしの `np.minimum` と `np.maximum` にできる。要らない比較は省く。
2. **となりの窓と分け合う**: となり合う T 個の窓は、どれも size − T + 1 個の値を共有する。
   共有分を 1 度だけ並べ、残りを半分ずつ加えて T / 2 個の窓へ、さらにその半分へと分ける。
   途中で残すのは「まだ中央になれる値」だけでよい。31 点の窓なら、窓 1 つにつき約 22 回で済む。
3. **並べた結果を使い回す**: あとから加える値は、となりの T 個の窓では共有分の一部になっている。

参考文献
A. Adams, "Fast median filters using separable sorting networks", 2021（2 の考え）.
K. E. Batcher, "Sorting networks and their applications", 1968（併合の手順）.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Wires = list[Array]  # 小さい順に並んだ値。1 本が、同時に処理する何万点もの配列

BLOCK = 1 << 15  # 1 回の比較で扱う点の数。呼び出しの手間が目立たず、作業領域も数 MiB で済む
MAX_TILES = 256  # 1 度に扱うタイル（となり合う T 個の窓）の数

# 窓の点数が 2 の冪 − 1 に足りなければ、「どの値よりも小さい値」と「大きい値」を同じ数ずつ補う。
# 中央は変わらない。比べなくても結果が分かるので、これは比較を省く目印である
LOW, HIGH = np.array(-np.inf), np.array(np.inf)


def running(x: Array, size: int, axis: int) -> Array:
    """`axis` に沿った、奇数 `size` 点の移動中央値。端の外は折り返して補う（cba|abc|cba）。"""
    out = np.empty_like(x)
    source, target = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
    if x.ndim == 1:
        source, target = source[:, np.newaxis], target[:, np.newaxis]
    for lead in np.ndindex(source.shape[1:-1]):
        plane = (slice(None), *lead)  # (n, m)
        _running_plane(source[plane], size, target[plane])
    return out


def across(arrays: Sequence[Array]) -> Array:
    """同じ形の配列どうしの、同じ位置の値の中央値（`np.median(arrays, axis=0)`）。"""
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    network = _median_network(len(arrays))
    rows = max(1, BLOCK // max(1, out[:1].size))
    for first in range(0, len(out), rows):
        wires = [array[first : first + rows] for array in arrays]
        for i, j, keep_low, keep_high in network:
            low, high = wires[i], wires[j]
            if keep_low:
                wires[i] = np.minimum(low, high)
            if keep_high:
                wires[j] = np.maximum(low, high)
        middle, n = out[first : first + rows], len(wires)
        if n % 2:
            middle[:] = wires[n // 2]
        else:
            np.add(wires[n // 2 - 1], wires[n // 2], out=middle)
            middle /= 2
    return out


def _running_plane(x: Array, size: int, out: Array) -> None:
    """`(n, m)` の配列の、縦の移動中央値。"""
    n, m = x.shape
    tile = 1 << (size // 2).bit_length()  # size ≦ 2 * tile − 1 となる、最小の 2 の冪
    tiles = min(-(-n // tile), MAX_TILES)
    columns = max(1, BLOCK // tiles)
    for top in range(0, n, tiles * tile):
        for left in range(0, m, columns):
            here = np.s_[top : top + tiles * tile, left : left + columns]
            target = out[here]
            count = -(-len(target) // tile)
            # タイルの窓が読むのは、タイルの先頭から 3 * tile 行より手前まで
            rows = _reflected(x[:, here[1]], top - size // 2, (count + 2) * tile)
            medians = np.empty((count * tile, rows.shape[1]), x.dtype)
            shape = (-1, tile, rows.shape[1])
            _running_block(rows.reshape(shape), size, medians.reshape(shape))
            target[:] = medians[: len(target)]


def _reflected(x: Array, start: int, length: int) -> Array:
    """行 `start` からの `length` 行。端の外は折り返す。"""
    n = len(x)
    index = np.arange(start, start + length)
    inside = np.flatnonzero((index >= 0) & (index < n))
    first, last = inside[0], inside[-1] + 1
    index %= 2 * n
    index = np.minimum(index, 2 * n - 1 - index)
    rows = np.empty((length, x.shape[1]), x.dtype)
    rows[:first] = x[index[:first]]
    rows[first:last] = x[start + first : start + last]
    rows[last:] = x[index[last:]]
    return rows


def _running_block(x: Array, size: int, out: Array) -> None:
    """`x` は `(count + 2, tile, m)`、`out` は `(count, tile, m)`。行 r の窓は行 r から size 行。"""
    tiles = _Tiles(x, size, out)
    tile = out.shape[1]
    if size == 2 * tile - 1:
        core = tiles.rows(tile - 1, tile)
    else:
        shared = [tiles.rows(row, 1)[0] for row in range(tile - 1, size)]
        spare = (tile - len(shared)) // 2
        core = _sort([LOW] * spare + shared + [HIGH] * spare)
    tiles.split(core, 0)


class _Tiles:
    """同じ形のタイルを並べたものの、窓どうしで共有する並べかえの結果。

    入れ子の関数の再帰で書くと、参照が輪になり、途中の配列がすぐには解放されない。
    """

    def __init__(self, x: Array, size: int, out: Array) -> None:
        self._x, self._size, self._out = x, size, out
        self._blocks: dict[tuple[int, int], Wires] = {}

    def rows(self, start: int, n: int) -> Wires:
        return [wire[: len(self._out)] for wire in self._ordered(start, n)]

    def _ordered(self, start: int, n: int) -> Wires:
        """各タイルの行 start からの n 行（n は 2 の冪）を、小さい順に並べる。"""
        tile = self._out.shape[1]
        skip, first = divmod(start, tile)  # 先のタイルの行なら、そのタイルの結果をずらして見る
        if (first, n) not in self._blocks:
            if n == 1:
                self._blocks[first, n] = [self._x[:, first]]
            else:
                upper = self._ordered(first + n // 2, n // 2)
                lower = [wire[: len(upper[0])] for wire in self._ordered(first, n // 2)]
                self._blocks[first, n] = _merge(lower, upper)
        return [wire[skip:] for wire in self._blocks[first, n]]

    def split(self, core: Wires, first: int) -> None:
        """行 first からの窓 len(core) 個の中央値を書く（core は共有分のうち中央になれる値）。"""
        half = len(core) // 2
        if half == 0:
            self._out[:, first] = core[0]
        else:  # 前半の窓だけが読む half 行と、後半の窓だけが読む half 行を、それぞれに加える
            self.split(_middle(core, self.rows(first + half - 1, half)), first)
            self.split(_middle(core, self.rows(first + self._size, half)), first + half)


def _sort(wires: Wires) -> Wires:
    """2 の冪の本数を、小さい順に並べる（マージソート）。"""
    half = len(wires) // 2
    return _merge(_sort(wires[:half]), _sort(wires[half:])) if half else wires


def _merge(a: Wires, b: Wires) -> Wires:
    """どちらも小さい順の、同じ本数の 2 組を、1 組に並べる。"""
    wires = a + b
    _exchange(wires, _odd_even_merge(len(wires)))
    return wires


def _middle(core: Wires, extra: Wires) -> Wires:
    """小さい順の 2n 本と n 本を合わせた 3n 本のうち、まん中の n 本を小さい順に返す。"""
    n = len(extra)
    # 小さい方の 2n 本は、core の前半と、core の後半を extra の逆順と突き合わせた小さい方
    tail = [_minimum(c, e) for c, e in zip(core[n:], reversed(extra), strict=True)]
    # そのうち大きい方の n 本。並びは「上がって下がる」（バイトニック）形になる
    wires = [_maximum(c, t) for c, t in zip(core[:n], tail, strict=True)]
    distance = n // 2
    while distance:
        _exchange(wires, ((i, i + distance) for i in range(n) if not i & distance))
        distance //= 2
    return wires


def _exchange(wires: Wires, pairs: Iterable[tuple[int, int]]) -> None:
    """組 (i, j) ごとに、小さい方を i に、大きい方を j に置く。"""
    for i, j in pairs:
        wires[i], wires[j] = _minimum(wires[i], wires[j]), _maximum(wires[i], wires[j])


def _minimum(a: Array, b: Array) -> Array:
    if a is LOW or b is HIGH:
        return a
    if a is HIGH or b is LOW:
        return b
    low: Array = np.minimum(a, b)
    return low


def _maximum(a: Array, b: Array) -> Array:
    if a is HIGH or b is LOW:
        return a
    if a is LOW or b is HIGH:
        return b
    high: Array = np.maximum(a, b)
    return high


@lru_cache
def _odd_even_merge(n: int) -> list[tuple[int, int]]:
    """前半と後半がそれぞれ並んだ n 個（n は 2 の冪）を並べる比較の列（Batcher の奇偶併合）。"""
    pairs = [(i, i + n // 2) for i in range(n // 2)]
    distance = n // 4
    while distance:
        pairs += [
            (i, i + distance) for i in range(distance, n - distance) if (i // distance) % 2 == 1
        ]
        distance //= 2
    return pairs


@lru_cache
def _median_network(n: int) -> list[tuple[int, int, bool, bool]]:
    """中央（偶数個なら 2 つ）を決める比較 (i, j, 小さい方が要るか, 大きい方が要るか) の列。"""
    width = 1 << (n - 1).bit_length()
    pairs = []
    size = 2
    while size <= width:
        for start in range(0, width, size):
            pairs += [(start + i, start + j) for i, j in _odd_even_merge(size)]
        size *= 2
    # n 番より先には、どの値よりも大きい値があると思えばよい。比べても入れ替わらない
    pairs = [(i, j) for i, j in pairs if j < n]
    # 後ろから見て、答えに届かない比較と、片方しか届かない比較の残りを捨てる
    needed, network = {(n - 1) // 2, n // 2}, []
    for i, j in reversed(pairs):
        if i in needed or j in needed:
            network.append((i, j, i in needed, j in needed))
            needed |= {i, j}
    return network[::-1]
