"""短時間フーリエ変換と逆変換を速く計算する部品。

計算しているものは `sstut.representations` の `stft_plain` / `istft_plain` と同じである。
速さは次の考えから来る。

1. **かたまりで計算する**: 窓を掛けたフレームを一度に全部作ると大きな配列になり、
   CPU はメモリ待ちになる。キャッシュに収まる数のフレームずつ、同じ作業領域を使い回して処理する。
2. **信号を写さない**: 信号の内側のフレームは元の配列を覗くだけ（ビュー）にし、
   端の穴埋め（padding）は端にかかるフレームの分だけ行う。
3. **割り算を窓に畳み込む**: 逆変換の「窓の二乗和で割る」は、信号の内側では hop_length ごとの
   くり返しになる。そこで合成窓を先に割っておき、サンプルごとの割り算を端だけに減らす。
4. **窓掛けと重ね合わせを 1 度に**: キャッシュの中で積和を取り、できたサンプルだけを出力へ書く。
5. **仕事を決まった長さに切る**: 切れ目は `workers` によらないので、何本のスレッドでも
   同じ値になる。FFT の間は Python の大域ロックが外れるので、Python のスレッドで並列に進む。
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]
Task = TypeVar("Task")

BLOCK_SAMPLES = 1 << 17  # 1 かたまりのサンプル数。入力と出力が L2 キャッシュ（1 MiB ほど）に収まる
SEGMENT_FRAMES = 1024  # 1 つの仕事のフレーム数。逆変換の重複計算（数フレーム）が無視できる長さ


def forward(y: Array, window: Array, hop_length: int, pad: int, mode: Any, workers: int) -> Array:
    """`(..., n_samples)` の信号を `(..., n_freq, n_frames)` の複素数にする。

    メモリの上では 1 フレームの周波数が隣り合う（最後の 2 軸だけを見れば Fortran 順）。
    """
    n_fft = len(window)
    n_frames = 1 + (y.shape[-1] + 2 * pad - n_fft) // hop_length
    dtype = np.result_type(y.dtype, np.complex64)
    frames_first = np.empty((*y.shape[:-1], n_frames, n_fft // 2 + 1), dtype)
    block = block_length(n_fft)

    def transform(task: tuple[Array, Array]) -> None:
        frames, out = task
        buffer = np.empty((min(block, len(frames)), n_fft), y.dtype)
        for first in range(0, len(frames), block):
            windowed = buffer[: len(frames) - first]
            np.multiply(frames[first : first + block], window, out=windowed)
            if y.dtype == np.float64:  # numpy は出力先へ直に書ける
                np.fft.rfft(windowed, out=out[first : first + block])
            else:  # float32 は、フレームを束ねて SIMD で計算する scipy の方が速い
                out[first : first + block] = scipy.fft.rfft(windowed)

    def tasks() -> Iterator[tuple[Array, Array]]:
        for channel in np.ndindex(y.shape[:-1]):
            out, done = frames_first[channel], 0
            for frames in _framed(y[channel], n_fft, hop_length, pad, n_frames, mode):
                for first in range(0, len(frames), SEGMENT_FRAMES):
                    part = frames[first : first + SEGMENT_FRAMES]
                    yield part, out[done : done + len(part)]
                    done += len(part)

    _run(transform, tasks(), workers)
    return frames_first.swapaxes(-1, -2)


def inverse(
    spectrogram: Array,
    window: Array,
    hop_length: int,
    pad: int,
    length: int,
    edges: list[tuple[slice, Array]],
    workers: int,
) -> Array:
    """`(..., n_freq, n_frames)` を重ね合わせて `(..., length)` の信号に戻す。

    `pad` は先頭から捨てるサンプル数、`edges` は `edge_gain` の戻り値。
    """
    dtype = np.empty(0, spectrogram.dtype).real.dtype
    folded = synthesis_window(window, hop_length).astype(dtype)
    y = np.empty((*spectrogram.shape[:-2], length), dtype)

    def synthesise(task: tuple[tuple[int, ...], int]) -> None:
        channel, first = task
        last = min(first + SEGMENT_FRAMES * hop_length, length)
        _overlap_add(
            spectrogram[channel].T, folded, hop_length, first + pad, y[channel][first:last]
        )

    starts = range(0, length, SEGMENT_FRAMES * hop_length)
    _run(synthesise, ((c, s) for c in np.ndindex(y.shape[:-1]) for s in starts), workers)
    for edge, gain in edges:
        y[..., edge] *= gain.astype(dtype)
    return y


def synthesis_window(window: Array, hop_length: int) -> Array:
    """重ねるだけで済むように、くり返しの二乗和で先に割った窓 `(n_fft,)`。"""
    folded: Array = window / np.resize(overlap_sum(window**2, hop_length), len(window))
    return folded


def overlap_sum(weights: Array, hop_length: int) -> Array:
    """窓を hop_length ずつずらして無限に重ねた和の 1 周期分 `(hop_length,)`。"""
    rows = -(-len(weights) // hop_length)
    padded = np.zeros(rows * hop_length)
    padded[: len(weights)] = weights
    total: Array = padded.reshape(rows, hop_length).sum(axis=0)
    return total


def coverage(window: Array, hop_length: int, n_frames: int, start: int, stop: int) -> Array:
    """サンプル `start` から `stop` の手前までの、窓の二乗和（`n_frames` 個のフレームの分）。"""
    total = np.zeros(stop - start)
    lowest = max(0, -(-(start - len(window) + 1) // hop_length))
    highest = min(n_frames - 1, (stop - 1) // hop_length)
    for frame in range(lowest, highest + 1):
        offset = frame * hop_length - start
        a, b = max(0, offset), min(len(total), offset + len(window))
        total[a:b] += window[a - offset : b - offset] ** 2
    return total


def edge_gain(
    window: Array, hop_length: int, n_frames: int, pad: int, length: int, eps: float
) -> list[tuple[slice, Array]]:
    """重なりが足りない端のサンプルに掛ける倍率（くり返しの二乗和 / そこでの二乗和）。

    窓の振幅が丸め誤差 `eps` に埋もれるサンプルは、どのフレームも覆わないとみなして 0 とする。
    """
    head = min(max(0, len(window) - hop_length - pad), length)
    tail = min(max(head, n_frames * hop_length - pad), length)
    periodic = overlap_sum(window**2, hop_length)
    edges = []
    for start, stop in ((0, head), (tail, length)):
        if start < stop:
            here = coverage(window, hop_length, n_frames, start + pad, stop + pad)
            steady = periodic[np.arange(start + pad, stop + pad) % hop_length]
            covered = here > eps**2 * steady
            gain = np.divide(steady, here, out=np.zeros_like(here), where=covered)
            edges.append((slice(start, stop), gain))
    return edges


def block_length(n_fft: int) -> int:
    """1 かたまりのフレーム数。少なすぎると FFT を複数本まとめて進める SIMD が働かない。"""
    return max(8, BLOCK_SAMPLES // n_fft)


def _framed(
    y: Array, n_fft: int, hop_length: int, pad: int, n_frames: int, mode: Any
) -> Iterator[Array]:
    """フレームを `(いくつか, n_fft)` のビューに分けて順に返す（端、内側、端）。"""
    inner = min(-(-pad // hop_length), n_frames)  # 信号の中に収まる最初のフレーム
    outer = max(inner, (len(y) + pad - n_fft) // hop_length + 1)
    for first, last in ((0, inner), (inner, outer), (outer, n_frames)):
        if first < last:
            start = first * hop_length - pad
            samples = _samples(y, start, (last - 1) * hop_length - pad + n_fft, mode)
            yield sliding_window_view(samples, n_fft)[::hop_length]


def _samples(y: Array, start: int, stop: int, mode: Any) -> Array:
    """`y[start:stop]`。はみ出すところは、はみ出す分だけを `np.pad` で埋める。"""
    left, right = max(0, -start), max(0, stop - len(y))
    if left == right == 0:
        return y[start:stop]
    # reflect は端から内側へ数える。はみ出す長さより長く添えれば、全体を埋めたのと同じになる
    margin = stop - start
    near, far = max(0, start - margin), min(len(y), stop + margin)
    padded = np.pad(y[near:far], (left, right), mode=mode)
    skipped = start - near + left
    return padded[skipped : skipped + margin]


def _overlap_add(frames: Array, window: Array, hop_length: int, start: int, out: Array) -> None:
    """逆変換したフレームを重ね、サンプル `start` からの `len(out)` 個を `out` に書く。"""
    stop = start + len(out)
    depth = -(-len(window) // hop_length)  # 1 フレームがまたがる行の数
    first, last = max(0, start // hop_length - depth + 1), -(-stop // hop_length)
    block = min(max(block_length(len(window)), depth), max(1, last - first))
    adder = OverlapAdd(window, hop_length, block, out.dtype)
    total = np.empty((block, hop_length), out.dtype)
    for begin in range(first, last, block):
        adder.add(frames[begin : begin + block], total)
        origin = begin * hop_length
        low, high = max(origin, start), min(origin + total.size, stop)
        if low < high:
            out[low - start : high - start] = total.reshape(-1)[low - origin : high - origin]


class OverlapAdd:
    """スペクトルを何フレームかずつ受け取り、逆変換して窓を掛け、重ねていく。

    信号を hop_length サンプルずつの行に切ると、行 r は「フレーム r の 1 つ目の区間」
    「フレーム r − 1 の 2 つ目の区間」…に窓を掛けた和になる。バッファを斜めに覗くビューを
    作れば、窓掛けと足し算が 1 回の積和（einsum）で済む。
    """

    def __init__(self, window: Array, hop_length: int, block: int, dtype: Any) -> None:
        n_fft = len(window)
        depth = -(-n_fft // hop_length)
        self._weights = np.zeros((depth, hop_length), dtype)
        self._weights.reshape(-1)[:n_fft] = window
        self._buffer = np.zeros((depth - 1 + block, depth * hop_length), dtype)
        self._recent = self._buffer[depth - 1 :]  # 手前の行には、前のかたまりの終わりが残る
        self._n_fft = n_fft
        row, step = self._recent.strides
        self._slanted = as_strided(
            self._recent,
            (block, depth, hop_length),
            (row, hop_length * step - row, step),
            writeable=False,
        )

    def add(self, part: Array, rows: Array) -> None:
        """`part` のフレームを足し、できあがった行を `rows` `(len(rows), hop_length)` に書く。

        `rows` が `part` より長ければ、足りないフレームは無音とみなす。
        """
        recent, kept = self._recent, len(self._buffer) - len(self._recent)
        if len(part):
            np.fft.irfft(part, n=self._n_fft, out=recent[: len(part), : self._n_fft])
        recent[len(part) : len(rows)] = 0
        np.einsum("rdh,dh->rh", self._slanted[: len(rows)], self._weights, out=rows)
        self._buffer[:kept] = self._buffer[len(rows) : len(rows) + kept]

    def reset(self) -> None:
        """残っているフレームを捨て、最初に戻す。"""
        self._buffer[:] = 0


def _run(work: Callable[[Task], None], tasks: Iterable[Task], workers: int) -> None:
    """仕事を順に、または `workers` 本のスレッドで片付ける。"""
    if workers == 1:
        for task in tasks:
            work(task)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, tasks))
