"""振幅だけのスペクトログラムから位相を探すくり返しを、速く計算する部品。

計算しているものは `sstut.phase` の `griffin_lim_plain` と同じである。速さは次の考えから来る。

1. **変換と逆変換を 1 度の掃引で**: フレームを短いかたまりに分け、「変換 → 位相を取り出す →
   逆変換 → 重ねる」までを、そのかたまりがキャッシュにあるうちに済ませる。
2. **波形をその場で書き換える**: フレーム t までを重ねると、行 t（hop_length サンプル）より前は
   もう誰も読まない。そこで次の波形を同じ配列に上書きしていく。
3. **複素数の配列は 1 つだけ**: 覚えておくのは前回の変換結果だけで、それが最後に答えに変わる。
4. **距離はついでに測る**: 変換し直したスペクトログラムが手元にあるときに測る。
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sstut._engine import stft

Array = NDArray[Any]


class Plan(NamedTuple):
    """変換の条件。窓は 0 を補って n_fft の長さにしたもの、`edges` は `stft.edge_gain` の値。"""

    window: Array
    hop_length: int
    pad: int
    edges: list[tuple[slice, Array]]


class Inversion:
    """1 チャネル分のくり返し。

    `magnitude` は目標の振幅 `(n_frames, n_freq)` で、最大が 2 を超えないようにしておく。
    `waveform` は今の波形 `(n_samples,)` で、書き換えれば次の `sweep` に使われる。
    `spectrum` は `magnitude` と同じ形の複素数の作業領域で、`sweep(last=True)` の後に、
    求めたスペクトログラムになる。
    """

    def __init__(self, magnitude: Array, spectrum: Array, waveform: Array, plan: Plan) -> None:
        window, hop_length, self._pad, edges = plan
        n_fft, n_frames, dtype = len(window), len(magnitude), waveform.dtype
        self._magnitude, self._spectrum = np.ascontiguousarray(magnitude), spectrum
        self._started = False
        self._window = window.astype(dtype)
        self._edges = [(where, gain.astype(dtype)) for where, gain in edges]
        depth = -(-n_fft // hop_length)
        self._block = max(depth, stft.block_length(n_fft))
        self._adder = stft.OverlapAdd(
            stft.synthesis_window(window, hop_length), hop_length, self._block, dtype
        )
        # 前後の穴埋めも持つ波形。行 r は hop_length * r サンプルから始まる
        stop = self._pad + len(waveform)
        rows = max(n_frames - 1 + depth, -(-stop // hop_length))
        self._rows = np.zeros((rows, hop_length), dtype)
        self._padded = self._rows.reshape(-1)
        self.waveform = self._padded[self._pad : stop]
        self.waveform[:] = waveform
        self._frames = sliding_window_view(self._padded, n_fft)[::hop_length][:n_frames]

    def sweep(self, alpha: float = 0.0, *, last: bool = False) -> float:
        """今の波形を変換し、その位相に目標の振幅を付けて、次の波形に進む。

        位相は「変換結果 − alpha × 前回の変換結果」から取る（初回は前回を 0 とみなす）。
        今の波形の振幅と目標の振幅との、二乗誤差の和を返す。
        """
        error = 0.0
        n_frames, n_freq = self._magnitude.shape
        frames = np.empty((self._block, self._frames.shape[1]), self._padded.dtype)
        levels = np.empty((self._block, n_freq), self._padded.dtype)
        for first in range(0, n_frames, self._block):
            block = slice(first, min(first + self._block, n_frames))
            target, spectrum = self._magnitude[block], self._spectrum[block]
            windowed, level = frames[: len(target)], levels[: len(target)]
            np.multiply(self._frames[block], self._window, out=windowed)
            rebuilt = scipy.fft.rfft(windowed)
            np.abs(rebuilt, out=level)
            level -= target
            error += float(np.vdot(level, level))
            if alpha:  # spectrum には、前回の変換結果を −alpha 倍して覚えてある
                np.add(rebuilt, spectrum if self._started else 0, out=spectrum)
                _set_magnitude(spectrum, target, level)
                self._adder.add(spectrum, self._rows[block])
                if not last:
                    np.multiply(rebuilt, -alpha, out=spectrum)
            else:
                _set_magnitude(rebuilt, target, level)
                self._adder.add(rebuilt, self._rows[block])
                if last:
                    spectrum[:] = rebuilt
        self._started = True
        self._finish()
        return error

    def _finish(self) -> None:
        """最後のフレームの残りを書き、信号の外を 0 に戻し、重なりの足りない端を直す。"""
        n_frames = len(self._magnitude)
        for first in range(n_frames, len(self._rows), self._block):
            self._adder.add(self._spectrum[:0], self._rows[first : first + self._block])
        self._adder.reset()
        self._padded[: self._pad] = 0
        self._padded[self._pad + len(self.waveform) :] = 0
        for where, gain in self._edges:
            self.waveform[where] *= gain


def _set_magnitude(spectrum: Array, magnitude: Array, work: Array) -> None:
    """位相を残して、振幅を `magnitude` に取り替える。振幅が消えたビンの位相は 0 とする。"""
    np.abs(spectrum, out=work)
    smallest = np.finfo(work.dtype).smallest_normal  # これより小さい数で割ると、あふれる
    if work.min() < smallest:
        lost = work < smallest
        spectrum[lost], work[lost] = 1, 1
    np.divide(magnitude, work, out=work)
    spectrum *= work
