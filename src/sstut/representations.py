"""音の表現：短時間フーリエ変換とその逆、スペクトログラム、メル、標本化と量子化。

音声は `(..., n_samples)`、スペクトログラムは `(..., n_freq, n_frames)`。float32 を渡せば
float32 / complex64、float64 を渡せば float64 / complex128 で返す。
名前と既定値は librosa に合わせてある。`stft_plain` と `istft_plain` は読むための実装、
`stft` と `istft` は同じ値を速く計算する実装である。
"""

import warnings
from collections.abc import Callable
from math import gcd, log10
from typing import Any, TypeAlias

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sstut import _validate
from sstut._engine import stft as engine

Array: TypeAlias = NDArray[Any]
Window: TypeAlias = str | float | tuple[Any, ...] | ArrayLike | Callable[[int], ArrayLike]

PAD_MODES = ("constant", "edge", "reflect", "symmetric")


def stft_plain(y: Array, window: Array, hop_length: int) -> Array:
    """短時間フーリエ変換を定義どおりに計算する（1 チャネル、両端に 0 を補う）。

    Parameters
    ----------
    y : (n_samples,) の実数配列
        音声。
    window : (n_fft,) の実数配列
        窓。
    hop_length : int
        フレームの間隔（サンプル）。

    Returns
    -------
    (n_freq, n_frames) の複素数配列
        n_freq = n_fft // 2 + 1。

    章: representations
    """
    n_fft = len(window)
    # 前後に 0 を補い、フレーム t の中央をサンプル t * hop_length に合わせる
    padded = np.pad(y, n_fft // 2)
    n_frames = 1 + (len(padded) - n_fft) // hop_length
    starts = hop_length * np.arange(n_frames)
    frames = np.stack([padded[s : s + n_fft] * window for s in starts], axis=-1)
    return np.fft.rfft(frames, axis=0)  # (n_fft, n_frames) → (n_freq, n_frames)


def istft_plain(S: Array, window: Array, hop_length: int, length: int) -> Array:
    """逆短時間フーリエ変換を定義どおりに計算する（`stft_plain` の逆）。

    各フレームを波形に戻し、もう一度窓を掛けて重ね、重なった窓の二乗和で割る。

    Parameters
    ----------
    S : (n_freq, n_frames) の複素数配列
        `stft_plain` の出力、またはそれにマスクを掛けたもの。
    window : (n_fft,) の実数配列
        変換に使った窓。
    hop_length : int
        フレームの間隔（サンプル）。
    length : int
        戻すサンプル数。

    Returns
    -------
    (length,) の実数配列
        波形。どの窓にも覆われないサンプルは 0。

    章: representations
    """
    n_fft = len(window)
    frames = np.fft.irfft(S, n_fft, axis=0)  # (n_freq, n_frames) → (n_fft, n_frames)
    total = np.zeros(n_fft // 2 + length + n_fft)
    weight = np.zeros_like(total)
    for t, frame in enumerate(frames.T):
        here = slice(t * hop_length, t * hop_length + n_fft)
        if here.stop <= len(total):
            total[here] += window * frame
            weight[here] += window**2
    y = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return y[n_fft // 2 : n_fft // 2 + length]  # 両端に補った分を取り除く


def stft(
    y: ArrayLike,
    *,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    workers: int = 1,
) -> Array:
    """短時間フーリエ変換 (STFT)。

    Parameters
    ----------
    y : (..., n_samples) の float32 / float64
        音声。整数の PCM は先に −1〜1 の実数に直しておく。
    n_fft : int
        フレームの長さ（サンプル）。奇数でもよい。
    hop_length : int, optional
        フレームの間隔（サンプル）。1〜win_length。省略すると win_length // 4。
    win_length : int, optional
        窓の長さ（サンプル）。n_fft より短ければ前後に 0 を補う。省略すると n_fft。
    window : str, tuple, float, 関数, 配列
        窓。`get_window` を見よ。
    center : bool
        True なら両端に n_fft // 2 サンプルずつ補い、
        フレーム t の中央をサンプル t * hop_length に合わせる。
    pad_mode : {"constant", "edge", "reflect", "symmetric"}
        補い方（`np.pad` の mode）。"constant" は 0。
    workers : int
        使うスレッドの数。値は変わらない。

    Returns
    -------
    (..., n_fft // 2 + 1, n_frames) の complex64 / complex128
        n_frames = 1 + (n_samples + 2 * (n_fft // 2) − n_fft) // hop_length（center=True のとき）。

    Raises
    ------
    ValueError
        y が空、整数、非有限のとき。長さの組が成り立たないとき。

    Notes
    -----
    値は librosa.stft と同じ。ただし hop_length > win_length は断る。
    メモリの上では 1 フレームの周波数が隣り合う（librosa と同じ）。FFT の結果を並べ替えずに済む。

    Examples
    --------
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> S = stft(y)
    >>> S.shape  # (n_freq, n_frames)
    (1025, 44)
    >>> bool(np.allclose(istft(S, length=len(y)), y))
    True

    章: representations
    """
    y = _validate.real_array(y, "y")
    n_fft, win_length, hop_length = _validate.frame_lengths(n_fft, win_length, hop_length)
    workers = _validate.positive_int(workers, "workers")
    if pad_mode not in PAD_MODES:
        raise ValueError(
            f"pad_mode は {PAD_MODES} のどれかにしてください（{pad_mode!r} が来ました）。"
        )
    if not center and y.shape[-1] < n_fft:
        raise ValueError(
            f"center=False では n_fft={n_fft} サンプル以上の音声が要ります"
            f"（{y.shape[-1]} サンプルが来ました）。"
        )
    padded = _padded_window(window, win_length, n_fft).astype(y.dtype)
    pad = n_fft // 2 if center else 0
    return engine.forward(y, padded, hop_length, pad, pad_mode, workers)


def istft(
    S: ArrayLike,
    *,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Window = "hann",
    center: bool = True,
    length: int | None = None,
    workers: int = 1,
) -> Array:
    """逆短時間フーリエ変換 (ISTFT)。`istft(stft(y), length=n)` は元の y に戻る。

    Parameters
    ----------
    S : (..., n_freq, n_frames) の complex64 / complex128
        スペクトログラム。
    hop_length, win_length, window, center
        `stft` に渡したのと同じ値。
    n_fft : int, optional
        フレームの長さ。省略すると 2 * (n_freq − 1)。奇数で変換したときは要る。
    length : int, optional
        戻すサンプル数。省略すると、最後のフレームの中心まで（center=True）か終わりまで（False）。
    workers : int
        使うスレッドの数。値は変わらない。

    Returns
    -------
    (..., length) の float32 / float64
        波形。

    Raises
    ------
    ValueError
        窓とホップの組が NOLA を満たさないとき（元に戻せないサンプルがある）。length の中に、
        どのフレームも覆わないサンプルがあるとき。S に NaN や無限大があるとき。

    Notes
    -----
    値は librosa.istft と同じ（重ね合わせを窓の二乗和で割る最小二乗解）。ただし librosa が黙って
    0 にするサンプルは断る。center=False の両端だけは、librosa と同じく 0 にする。
    S を書き換えてから戻すなら hop_length ≦ win_length / 4 がよい。二乗和が小さいサンプルでは、
    書き換えた分が割り算で拡大される。

    References
    ----------
    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", 1984.

    章: representations
    """
    S = _validate.complex_array(S, "S")
    n_fft = 2 * (S.shape[-2] - 1) if n_fft is None else _validate.positive_int(n_fft, "n_fft")
    if S.shape[-2] != n_fft // 2 + 1:
        raise ValueError(
            f"S の周波数の数 {S.shape[-2]} が n_fft={n_fft} と合いません"
            f"（n_fft // 2 + 1 = {n_fft // 2 + 1} が要ります）。"
        )
    n_fft, win_length, hop_length = _validate.frame_lengths(n_fft, win_length, hop_length)
    workers = _validate.positive_int(workers, "workers")
    padded = _padded_window(window, win_length, n_fft)
    if not _nola(padded, hop_length):
        raise ValueError(
            f"window={window!r}, win_length={win_length}, hop_length={hop_length} は"
            " NOLA を満たさず、元に戻せないサンプルがあります。hop_length を短くしてください。"
        )
    pad = n_fft // 2 if center else 0
    length = _output_length(length, n_fft, hop_length, S.shape[-1], pad)
    edges = engine.edge_gain(
        padded, hop_length, S.shape[-1], pad, length, float(np.finfo(S.dtype).eps)
    )
    if center:
        _check_covered(edges, length)
    y = engine.inverse(S, padded, hop_length, pad, length, edges, workers)
    _check_inverse(y, S)
    return y


def get_window(window: Window, win_length: int, fftbins: bool = True) -> Array:
    """窓を作る。

    Parameters
    ----------
    window : str, tuple, float, 関数, 配列
        "hann" などの名前、("kaiser", 8.6) のような名前と係数の組、カイザー窓の β、
        長さを受け取る関数、または長さ win_length の配列。
    win_length : int
        長さ（サンプル）。
    fftbins : bool
        True なら周期的な窓（フーリエ変換用）、False なら左右対称な窓（フィルタ設計用）。

    Returns
    -------
    (win_length,) の float64
        窓。

    Raises
    ------
    ValueError
        知らない名前、長さの違う配列、有限でない値が来たとき。

    章: representations
    """
    win_length = _validate.positive_int(win_length, "win_length")
    if callable(window):
        values = np.asarray(window(win_length))
    elif isinstance(window, (str, tuple)) or np.isscalar(window):
        try:
            values = scipy.signal.get_window(window, win_length, fftbins=fftbins)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"window={window!r} という窓は作れません（{error}）。") from error
    else:
        values = np.asarray(window)
    if values.shape != (win_length,) or values.dtype.kind not in "fiu":
        raise ValueError(
            f"窓は長さ win_length={win_length} の実数配列にしてください"
            f"（shape={values.shape}, dtype={values.dtype} が来ました）。"
        )
    _validate.check_finite(values, "window")
    return values.astype(np.float64)


def check_cola(window: Window, win_length: int, hop_length: int, *, tol: float = 1e-10) -> bool:
    """窓を hop_length ずつずらして足すと一定になるか（COLA 条件）。

    Parameters
    ----------
    window, win_length, hop_length
        `stft` と同じ。n_fft で 0 を補っても答えは変わらないので、n_fft は要らない。
    tol : float
        和の中央値からのずれをどこまで許すか。

    Returns
    -------
    bool
        満たせば True。合成窓を掛けずに重ねるだけで戻せる。

    Notes
    -----
    意味と既定の許容差は scipy.signal.check_COLA と同じ（noverlap = win_length − hop_length）。

    Examples
    --------
    >>> check_cola("hann", 1024, 512), check_cola("hann", 1024, 768)
    (True, False)

    章: representations
    """
    hop_length = _validate.check_hop(hop_length, _validate.positive_int(win_length, "win_length"))
    total = engine.overlap_sum(get_window(window, win_length), hop_length)
    return bool(np.max(np.abs(total - np.median(total))) < tol)


def check_nola(window: Window, win_length: int, hop_length: int, *, tol: float = 1e-10) -> bool:
    """窓の二乗を hop_length ずつずらして足すと、どこも 0 でないか（NOLA 条件）。

    Parameters
    ----------
    window, win_length, hop_length
        `stft` と同じ。n_fft で 0 を補っても答えは変わらないので、n_fft は要らない。
    tol : float
        これ以下の和を 0 とみなす。

    Returns
    -------
    bool
        満たせば True。`istft` で元に戻せる。

    Notes
    -----
    意味と既定の許容差は scipy.signal.check_NOLA と同じ（noverlap = win_length − hop_length）。

    Examples
    --------
    >>> check_nola("hann", 1024, 512), check_nola("hann", 1024, 1024)
    (True, False)

    章: representations
    """
    hop_length = _validate.check_hop(hop_length, _validate.positive_int(win_length, "win_length"))
    return _nola(get_window(window, win_length), hop_length, tol)


def magnitude(S: ArrayLike) -> Array:
    """振幅スペクトログラム `abs(S)`（位相を捨てた、0 以上の実数）。

    章: representations
    """
    return np.abs(_validate.number_array(S, "S"))


def power(S: ArrayLike) -> Array:
    """パワースペクトログラム `abs(S)**2`（複素数の `S**2` ではない）。

    章: representations
    """
    S = _validate.number_array(S, "S")
    squared: Array = S.real**2 + S.imag**2
    return squared


def power_to_db(
    S: ArrayLike,
    *,
    ref: float | Callable[[Array], Any] = 1.0,
    amin: float = 1e-10,
    top_db: float | None = 80.0,
) -> Array:
    """パワーをデシベルにする：10 log10(S / ref)。

    Parameters
    ----------
    S : 実数配列
        パワー。
    ref : float または関数
        0 dB とするパワー。関数なら ref(S)（`np.max` など）。
    amin : float
        S と ref の下限。log 0 を避ける。
    top_db : float, optional
        最大値からこの値 [dB] より下を切り上げる。None なら切らない。

    Returns
    -------
    S と同じ形の実数配列
        デシベル値。

    Notes
    -----
    librosa.power_to_db と同じ値。ただし複素数は（警告でなく）断る。

    Examples
    --------
    >>> print(power_to_db(np.array([1.0, 0.1, 0.0])))
    [  0. -10. -80.]

    章: representations
    """
    return _to_db(_real_spectrogram(S), 10.0, ref, amin, top_db)


def amplitude_to_db(
    S: ArrayLike,
    *,
    ref: float | Callable[[Array], Any] = 1.0,
    amin: float = 1e-5,
    top_db: float | None = 80.0,
) -> Array:
    """振幅をデシベルにする：20 log10(S / ref)。

    `power_to_db(S**2)` と同じ値になる：対数は 2 乗を 2 倍に変えるだけだからである。

    Parameters
    ----------
    S : 実数配列
        振幅。
    ref, amin, top_db
        `power_to_db` と同じ。ただし ref と amin は振幅で与える。

    Returns
    -------
    S と同じ形の実数配列
        デシベル値。

    Notes
    -----
    librosa.amplitude_to_db と同じ値。ただし複素数は（警告でなく）断る。

    章: representations
    """
    S = _real_spectrogram(S)
    return _to_db(np.abs(S), 20.0, ref, amin, top_db)


def mel_filterbank(
    *,
    sr: float,
    n_fft: int,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
    dtype: DTypeLike = np.float32,
) -> Array:
    """メル尺度で等間隔に並べた三角形のフィルタ群。

    Parameters
    ----------
    sr : float
        標本化周波数 [Hz]。
    n_fft : int
        フレームの長さ（サンプル）。
    n_mels : int
        フィルタの数。
    fmin, fmax : float
        下端と上端の周波数 [Hz]。fmax を省略すると sr / 2。
    htk : bool
        True なら HTK の式 2595 log10(1 + f / 700)、
        False なら 1 kHz までは直線、その上は対数の Slaney の式。
    norm : {"slaney", None}
        "slaney" なら各三角形の面積をそろえる。None なら頂点を 1 にする。
    dtype : dtype
        戻り値の型。

    Returns
    -------
    (n_mels, n_fft // 2 + 1) の実数配列
        パワースペクトログラムに左から掛ける行列。

    Notes
    -----
    librosa.filters.mel と同じ値。行の数が n_freq より少ないので、掛けると元には戻せない。

    章: representations
    """
    sr, n_fft = _validate.positive_number(sr, "sr"), _validate.positive_int(n_fft, "n_fft")
    n_mels = _validate.positive_int(n_mels, "n_mels")
    fmax = sr / 2 if fmax is None else fmax
    if not 0 <= fmin < fmax <= sr / 2:
        raise ValueError(f"0 ≦ fmin={fmin} < fmax={fmax} ≦ sr / 2 = {sr / 2} にしてください。")
    if norm not in ("slaney", None):
        raise ValueError(f'norm は "slaney" か None にしてください（{norm!r} が来ました）。')
    freqs = np.fft.rfftfreq(n_fft, 1 / sr)  # (n_freq,)
    ends = hz_to_mel(np.array([fmin, fmax]), htk=htk)
    edges = mel_to_hz(np.linspace(ends[0], ends[1], n_mels + 2), htk=htk)[:, np.newaxis]
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]  # どれも (n_mels, 1)
    triangles = np.minimum((freqs - low) / (peak - low), (high - freqs) / (high - peak))
    weights = np.maximum(0.0, triangles)
    if not np.all((low[:, 0] == 0) | (weights.max(axis=1) > 0)):
        warnings.warn(
            "空のメルフィルタがあります。n_mels を減らすか n_fft を増やしてください。", stacklevel=2
        )
    if norm == "slaney":
        weights *= 2 / (high - low)
    filters: Array = weights.astype(dtype)
    return filters


def hz_to_mel(f: ArrayLike, *, htk: bool = False) -> Array:
    """周波数 [Hz] をメル尺度に直す（htk の意味は `mel_filterbank` と同じ）。

    章: representations
    """
    f = np.asarray(f, dtype=float)
    if htk:
        return 2595.0 * np.log10(1.0 + f / 700.0)
    return np.where(
        f < 1000.0, 3 * f / 200, 15 + 27 * np.log(np.maximum(f, 1000.0) / 1000) / np.log(6.4)
    )


def mel_to_hz(mel: ArrayLike, *, htk: bool = False) -> Array:
    """`hz_to_mel` の逆。

    章: representations
    """
    mel = np.asarray(mel, dtype=float)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((np.maximum(mel, 15.0) - 15) / 27))


def mel_spectrogram(
    y: ArrayLike,
    *,
    sr: float,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 2.0,
    **mel_params: Any,
) -> Array:
    """メルスペクトログラム：STFT の絶対値の power 乗に `mel_filterbank` を掛ける。

    Parameters
    ----------
    y : (..., n_samples) の float32 / float64
        音声。
    sr : float
        標本化周波数 [Hz]。取り違えを防ぐため、必ず指定する。
    n_fft, hop_length, win_length, window, center, pad_mode
        `stft` と同じ。ただし hop_length の既定値は librosa に合わせて 512。
    power : float
        1 なら振幅、2 ならパワー。
    **mel_params
        `mel_filterbank` に渡す（n_mels, fmin, fmax, htk, norm）。

    Returns
    -------
    (..., n_mels, n_frames) の実数配列
        librosa.feature.melspectrogram と同じ値。

    章: representations
    """
    power = _validate.positive_number(power, "power")
    S = stft(
        y,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
    )
    spectrogram = S.real**2 + S.imag**2 if power == 2 else np.abs(S) ** power
    filters = mel_filterbank(sr=sr, n_fft=n_fft, dtype=spectrogram.dtype, **mel_params)
    return filters @ spectrogram  # (n_mels, n_freq) @ (..., n_freq, n_frames)


def resample(y: ArrayLike, orig_sr: int, target_sr: int) -> Array:
    """標本化周波数を変える（折り返しを防ぐ低域フィルタを通す）。

    Parameters
    ----------
    y : (..., n_samples) の float32 / float64
        音声。
    orig_sr, target_sr : int
        元の、および求める標本化周波数 [Hz]。

    Returns
    -------
    (..., ceil(n_samples * target_sr / orig_sr)) の実数配列
        変換した音声。

    Notes
    -----
    フィルタはカイザー窓（β = 10.06）を掛けた sinc で、低い方のナイキスト周波数 f_N に対し、
    0.9 f_N までをほぼ変えず（±0.0002 dB）、f_N 以上を 100 dB 下げる。遅れはない。

    Examples
    --------
    >>> resample(np.zeros(44100), 44100, 16000).shape
    (16000,)

    章: representations
    """
    y = _validate.real_array(y, "y")
    orig_sr = _validate.positive_int(orig_sr, "orig_sr")
    target_sr = _validate.positive_int(target_sr, "target_sr")
    if orig_sr == target_sr:
        return y.copy()
    common = gcd(orig_sr, target_sr)
    up, down = target_sr // common, orig_sr // common
    # 標本化周波数を up 倍にした所で設計する。そこでのナイキスト周波数を 1 とすると f_N は 1 / rate
    rate = max(up, down)
    taps = scipy.signal.firwin(2 * 64 * rate + 1, 0.95 / rate, window=("kaiser", 10.06))
    resampled: Array = scipy.signal.resample_poly(y, up, down, axis=-1, window=taps.astype(y.dtype))
    return resampled


def quantize(
    y: ArrayLike,
    n_bits: int,
    *,
    dither: bool = False,
    rng: np.random.Generator | int | None = None,
) -> Array:
    """−1 以上 1 未満の音声を n_bits ビットで量子化する（0 を含む等間隔、mid-tread 型）。

    Parameters
    ----------
    y : 実数配列
        音声。
    n_bits : int
        1〜24。段は 2**n_bits 個、幅は Δ = 2**(1 − n_bits)。
    dither : bool
        True なら丸める前に三角分布（−Δ〜Δ）の雑音を足し、誤差を信号と無関係な雑音に変える。
    rng : Generator, int, optional
        dither に使う乱数。

    Returns
    -------
    y と同じ形の実数配列
        −1, −1 + Δ, …, 1 − Δ のどれか。範囲の外は端の値になる（クリッピング）。

    Examples
    --------
    >>> print(quantize(np.array([-1.0, -0.3, 0.1, 0.9]), 2))  # 段は −1, −0.5, 0, 0.5
    [-1.  -0.5  0.   0.5]

    章: representations
    """
    y = _validate.real_array(y, "y", min_ndim=0)
    if _validate.positive_int(n_bits, "n_bits") > 24:
        raise ValueError(f"n_bits は 1〜24 にしてください（{n_bits} が来ました）。")
    half = 2.0 ** (n_bits - 1)
    level = np.clip(y, -1.0, 1.0) * half  # Δ を 1 と数えた値
    if dither:
        rng = np.random.default_rng(rng)
        level += rng.triangular(-1.0, 0.0, 1.0, y.shape).astype(y.dtype)
    quantized: Array = np.clip(np.rint(level), -half, half - 1) / half
    return quantized


def _padded_window(window: Window, win_length: int, n_fft: int) -> Array:
    """窓の前後に 0 を補って n_fft にする。半端は後ろに付く（librosa と同じ）。"""
    before = (n_fft - win_length) // 2
    return np.pad(get_window(window, win_length), (before, n_fft - win_length - before))


def _nola(window: Array, hop_length: int, tol: float = 1e-10) -> bool:
    return bool(engine.overlap_sum(window**2, hop_length).min() > tol)


def _output_length(length: int | None, n_fft: int, hop_length: int, n_frames: int, pad: int) -> int:
    """戻すサンプル数。フレームがまったく届かない長さは断る。"""
    span = n_fft + hop_length * (n_frames - 1) - 2 * pad
    longest = span + hop_length - 1 + pad
    if length is None and span > 0:
        return span
    if length is None:
        raise ValueError(
            "フレームが 1 つしかないので長さが決まりません。length を指定してください。"
        )
    if _validate.positive_int(length, "length") > longest:
        raise ValueError(
            f"length={length} が長すぎます。"
            f"{n_frames} フレームから戻せるのは {longest} サンプルまでです。"
        )
    return int(length)


def _check_covered(edges: list[tuple[slice, Array]], length: int) -> None:
    """どのフレームも覆わないサンプルがあれば断る（黙って 0 にしない）。"""
    lost = [where.start + int(i) for where, gain in edges for i in np.flatnonzero(gain == 0)]
    if lost:
        raise ValueError(
            f"length={length} のうち {len(lost)} サンプル（{lost[0]} 番から）は"
            "どの窓にも覆われず、元に戻せません。"
            "hop_length を win_length の半分以下にするか、length を短くしてください。"
        )


def _check_inverse(y: Array, S: Array) -> None:
    """結果が有限なら入力も有限なので、大きい S でなく小さい y を調べる。"""
    try:
        _validate.check_finite(y, "逆変換の結果")
    except ValueError:
        _validate.check_finite(S, "S")
        raise


def _real_spectrogram(S: ArrayLike) -> Array:
    S = _validate.number_array(S, "S")
    if S.dtype.kind == "c":
        raise ValueError("S が複素数です。先に magnitude(S) か power(S) で実数にしてください。")
    return S


def _to_db(
    S: Array,
    scale: float,
    ref: float | Callable[[Array], Any],
    amin: float,
    top_db: float | None,
) -> Array:
    amin = _validate.positive_number(amin, "amin")
    if top_db is not None and top_db < 0:
        raise ValueError(f"top_db は 0 以上か None にしてください（{top_db} が来ました）。")
    reference = max(amin, abs(float(ref(S) if callable(ref) else ref)))
    db: Array = scale * np.log10(np.maximum(amin, S)) - scale * log10(reference)
    return db if top_db is None else np.maximum(db, db.max() - top_db)
