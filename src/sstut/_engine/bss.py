"""BSS Eval を速く計算する部品。

計算しているものは `sstut.evaluation.bss_eval_sources_plain` と同じである。速さは次の考えから来る。

1. **相関はかたまりで**: 要るのは filter_length 個の「ずれ」の相関だけなので、信号全体の長い FFT は
   要らない。キャッシュに収まるかたまりの FFT で、相互スペクトルを足し合わせる。
2. **波形を作らない**: 射影は直交するので、4 つの項のエネルギーはどれも 2 次形式
   `d.T @ inv(G) @ d` の引き算で求まる。連立方程式はテプリッツ行列の再帰（`toeplitz.py`）で解く。
3. **桁が落ちるときだけ波形を作る**: 比が大きい（誤差の項が小さい）組と、G がほぼ特異な組は、
   射影の波形を作って誤差を直に測る。
"""

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sstut._engine.toeplitz import NormalEquations

Array = NDArray[Any]

BLOCKS = 8  # フィルタを掛けるとき、まとめる区間の数
N_FFT = 8192  # 10 本ほどの信号のスペクトルが L2 キャッシュ（1 MiB ほど）に収まる
ROUNDING = 1e-28  # エネルギーの比がこれより小さい誤差（−280 dB）は、丸め誤差と区別できない
DIRECT_DB = 40.0  # これより大きい比は、引き算でなく波形から測る
MOST_PASSES = 6

SDR, ISR, SIR, SAR = range(4)


def decibels(signal: Any, error: Any) -> Array:
    """エネルギーの比 [dB]。誤差が丸め誤差なみなら +inf、信号がそうなら（0 / 0 も）−inf。"""
    signal, error = np.broadcast_arrays(
        np.maximum(np.asarray(signal, np.float64), 0), np.maximum(np.asarray(error, np.float64), 0)
    )
    db = np.full(signal.shape, np.inf)
    lost = signal <= ROUNDING * error
    db[lost] = -np.inf
    usable = ~lost & (error > ROUNDING * signal)
    db[usable] = 10 * (np.log10(signal[usable]) - np.log10(error[usable]))
    return db


def energy(y: Array) -> float:
    """すべての要素の 2 乗和。"""
    y = y.reshape(-1)
    return float(np.dot(y, y))


def correlations(x: Array, e: Array, n_lags: int) -> tuple[Array, Array]:
    """正解どうしの相関 R `(n_lags, m, m)` と、正解と推定の相関 D `(n_lags, m, p)`。

    `R[l, i, j] = Σ_n x[i, n] x[j, n + l]`、`D[l, i, j] = Σ_n x[i, n] e[j, n + l]`。
    x を重ならない区間に切り、e はその先 n_lags サンプルまで見る。R は区間の中だけなら
    エルミート対称で半分で済み、区間をまたぐ組は境目の前後だけの短い FFT で足す。
    """
    (m, n_samples), p = x.shape, len(e)
    n_fft = _fft_length(n_samples, n_lags)
    hop = n_fft - n_lags
    segments = np.zeros((m + p, n_fft))
    cross = np.zeros((m, m + p, n_fft // 2 + 1), complex)
    product = np.empty_like(cross[0])
    seam = np.zeros((m, m, n_lags + 1), complex)
    for start in range(0, n_samples, hop):
        _fill(segments[:m, :hop], x, start)
        _fill(segments[m:], e, start)
        spectra = scipy.fft.rfft(segments)
        conjugate = spectra[:m].conj()
        for i in range(m):
            np.multiply(conjugate[i], spectra[i:], out=product[i:])
            cross[i, i:] += product[i:]
        if start + hop < n_samples:
            seam += _seam(x, start + hop, n_lags)
    series = scipy.fft.irfft(cross, n=n_fft)
    lagged = series[..., :n_lags]
    lower = np.tril_indices(m, -1)
    lagged[lower] = series[lower[::-1]][:, -np.arange(n_lags)]  # r_ji[l] = r_ij[−l]
    lagged[:, :m] += scipy.fft.irfft(seam, n=2 * n_lags)[..., :n_lags]
    both = lagged.transpose(2, 0, 1)
    return both[..., :m], both[..., m:]


def _fft_length(n_samples: int, n_lags: int) -> int:
    """かたまりの長さ。短い信号では短く、長いフィルタでは長く。"""
    wanted = max(4 * n_lags, min(N_FFT, n_samples + n_lags))
    length: int = scipy.fft.next_fast_len(wanted, real=True)
    return length + length % 2


def _fill(buffer: Array, y: Array, start: int) -> None:
    """作業領域に y の `start` からを写す。足りない所は 0。"""
    part = y[:, start : start + buffer.shape[1]]
    buffer[:, : part.shape[1]] = part
    buffer[:, part.shape[1] :] = 0


def _seam(x: Array, edge: int, n_lags: int) -> Array:
    """境目 edge をまたぐ組の相互スペクトル `(m, m, n_lags + 1)`。"""
    around = np.zeros((2, len(x), 2 * n_lags))
    around[0, :, :n_lags] = x[:, edge - n_lags : edge]
    after = x[:, edge : edge + n_lags]
    around[1, :, n_lags : n_lags + after.shape[1]] = after
    before_spectrum, after_spectrum = scipy.fft.rfft(around)
    crossed: Array = before_spectrum.conj()[:, np.newaxis] * after_spectrum
    return crossed


class Filters:
    """いくつもの信号に掛けて足すフィルタ `(n_lags, m, p)`。スペクトルを使い回す。"""

    def __init__(self, taps: Array, n_samples: int) -> None:
        self.n_lags = len(taps)
        self.n_fft = _fft_length(n_samples, self.n_lags)
        self.spectra = scipy.fft.rfft(taps, n=self.n_fft, axis=0)  # (n_freq, m, p)

    def __call__(self, x: Array) -> Array:
        """`y[j, t] = Σ_i Σ_l taps[l, i, j] x[i, t − l]`、`(p, n_samples + n_lags − 1)`。"""
        n_samples = x.shape[-1]
        hop = self.n_fft - self.n_lags + 1
        y = np.zeros((self.spectra.shape[2], n_samples + self.n_lags - 1))
        starts = range(0, n_samples, hop)
        for first in range(0, len(starts), BLOCKS):
            group = starts[first : first + BLOCKS]
            blocks = np.zeros((len(x), len(group), self.n_fft))
            for k, start in enumerate(group):
                _fill(blocks[:, k, :hop], x, start)
            # 周波数ごとの行列の積にまとめる：(n_freq, 区間, m) @ (n_freq, m, p)
            spectra = scipy.fft.rfft(blocks.transpose(2, 1, 0), axis=0) @ self.spectra
            filtered = scipy.fft.irfft(spectra.transpose(2, 1, 0), n=self.n_fft)
            for k, start in enumerate(group):
                part = y[:, start : start + self.n_fft]
                part += filtered[:, k, : part.shape[1]]
        return y


def project(x: Array, e: Array, n_lags: int) -> Array:
    """信号 e の各行を、x の各行を 0〜n_lags − 1 遅らせた信号の張る空間へ射影する。

    戻り値は `(len(e), n_samples + n_lags − 1)`。
    """
    return fit(x, e, n_lags)[1]


def fit(x: Array, e: Array, n_lags: int) -> tuple[Array, Array]:
    """射影のフィルタ `(n_lags, len(x), len(e))` と、射影の波形。

    残差をくり返し射影して足すので、とても小さい残差も、ほぼ特異な G でも正しく求まる。
    """
    equations = NormalEquations(*correlations(x, e, n_lags))
    total = np.zeros((n_lags, len(x), len(e)))
    y = np.zeros((len(e), x.shape[-1] + n_lags - 1))
    residual = np.pad(e, ((0, 0), (0, n_lags - 1)))
    taps = equations.taps()
    for _ in range(MOST_PASSES):
        part = Filters(taps, x.shape[-1])(x)
        total += taps
        y += part
        residual -= part
        if energy(part) <= ROUNDING * energy(y):
            break
        taps = equations.solve(correlations(x, residual, n_lags)[1])
    return total, y


def ratios(
    references: Array, estimates: Array, n_lags: int, *, images: bool, permute: bool
) -> Array:
    """組ごとの SDR, ISR, SIR, SAR [dB] `(4, n_references, n_estimates)`（v3）。

    references と estimates は `(n_sources, n_channels, n_samples)`。images が偽なら、
    SDR はフィルタの違いを許す bss_eval_sources の定義になる。
    permute が偽なら、同じ番号の組だけを正しく求める。
    """
    n, n_channels, n_samples = references.shape
    x, e = references.reshape(-1, n_samples), estimates.reshape(-1, n_samples)
    R, D = correlations(x, e, n_lags)
    everyone, alone = NormalEquations(R, D), NormalEquations(_own(R, n), _own_rows(D, n))
    whole = everyone.energy().reshape(n, n_channels).sum(axis=-1)  # (n_estimates,)
    target = alone.energy().reshape(n, n, n_channels).sum(axis=-1)
    true = np.diagonal(R[0]).reshape(n, n_channels).sum(axis=-1)[:, np.newaxis]
    overlap = np.einsum("jcic->ji", D[0].reshape(n, n_channels, n, n_channels))
    total = np.array([energy(estimate) for estimate in estimates])
    difference = total - 2 * overlap + true
    scores = np.stack(
        [
            decibels(true, difference) if images else decibels(target, total - target),
            decibels(true, target - 2 * overlap + true),  # 射影は正解との内積を変えない
            decibels(target, whole - target),
            np.broadcast_to(decibels(whole, total - whole), (n, n)),
        ]
    )
    used = [SDR, ISR, SIR, SAR] if images else [SDR, SIR, SAR]
    doubtful = (scores[used] > DIRECT_DB).any(axis=0) | ~(alone.reliable & everyone.reliable)[
        :, None
    ]
    if not permute:
        doubtful &= np.eye(n, dtype=bool)
    for i in np.flatnonzero(doubtful.any(axis=0)):
        wholly = project(x, estimates[i], n_lags)
        for j in np.flatnonzero(doubtful[:, i]):
            solo = project(references[j], estimates[i], n_lags) if n > 1 else wholly
            scores[:, j, i] = _direct(references[j], estimates[i], solo, wholly, images)
    return scores


def framewise(
    references: Array, estimates: Array, frames: list[slice], n_lags: int, *, permute: bool
) -> Array:
    """窓ごとの SDR, ISR, SIR, SAR [dB] `(4, n_references, n_estimates, n_windows)`（v4）。

    フィルタは信号全体から 1 度だけ求める。無音の窓と、求めない組は nan。
    """
    n, n_channels, n_samples = references.shape
    x, e = references.reshape(-1, n_samples), estimates.reshape(-1, n_samples)
    R, D = correlations(x, e, n_lags)
    everyone, alone = NormalEquations(R, D), NormalEquations(_own(R, n), _own_rows(D, n))
    if everyone.reliable and alone.reliable.all():
        whole_taps, own_taps = everyone.taps(), alone.taps()
    else:
        whole_taps = fit(x, e, n_lags)[0]
        own_taps = np.stack([fit(source, e, n_lags)[0] for source in references])
    pairs = [(j, i) for j in range(n) for i in range(n) if permute or i == j]
    channels = [slice(i * n_channels, (i + 1) * n_channels) for i in range(n)]
    taps = np.zeros((n_lags, len(x), len(x) + len(pairs) * n_channels))
    taps[..., : len(x)] = whole_taps  # (n_lags, 全正解, 全推定)
    for k, (j, i) in enumerate(pairs, n):  # 自分だけへの射影も、ほかの音源の係数を 0 にして並べる
        taps[:, channels[j], k * n_channels : (k + 1) * n_channels] = own_taps[j][..., channels[i]]
    filters = Filters(taps, frames[0].stop)
    scores = np.full((4, n, n, len(frames)), np.nan)
    for t, frame in enumerate(frames):
        s, y = references[..., frame], estimates[..., frame]
        if not (_sounding(s) and _sounding(y)):
            continue
        filtered = filters(x[:, frame])
        projections = filtered.reshape(-1, n_channels, filtered.shape[-1])
        whole, targets = projections[:n], projections[n:] if n > 1 else projections[:n]
        for (j, i), target in zip(pairs, targets, strict=True):
            scores[:, j, i, t] = _direct(s[j], y[i], target, whole[i], images=True)
    return scores


def _own(R: Array, n: int) -> Array:
    """音源ごとの R `(n, L, n_channels, n_channels)`。"""
    blocks = R.reshape(len(R), n, R.shape[1] // n, n, -1)
    return np.moveaxis(np.diagonal(blocks, axis1=1, axis2=3), -1, 0)


def _own_rows(D: Array, n: int) -> Array:
    """音源ごとの D `(n, L, n_channels, p)`。"""
    return D.reshape(len(D), n, -1, D.shape[-1]).swapaxes(0, 1)


def _sounding(sources: Array) -> bool:
    """どの音源にも、0 でないサンプルがあるか。"""
    return bool(np.any(sources, axis=(1, 2)).all())


def _direct(s: Array, e: Array, target: Array, whole: Array, images: bool) -> Array:
    """射影の波形から SDR, ISR, SIR, SAR を測る。"""
    tail = ((0, 0), (0, target.shape[-1] - s.shape[-1]))
    s, e = np.pad(s, tail), np.pad(e, tail)
    true = s if images else target
    return decibels(
        [energy(true), energy(s), energy(target), energy(whole)],
        [energy(e - true), energy(target - s), energy(whole - target), energy(e - whole)],
    )
