"""位相：混合音の位相を借りる、振幅から位相を探す（Griffin–Lim、MISI）、つじつまを測る。

振幅と複素数のスペクトログラムは `(..., n_freq, n_frames)`、音源は先頭の軸に並べる。
位相の単位はラジアン。`griffin_lim_plain` は読むための実装、`griffin_lim` は同じ値を速く計算する
実装である。
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine import griffin_lim as engine
from sstut._engine.stft import edge_gain
from sstut.representations import (
    Window,
    _padded_window,
    istft,
    istft_plain,
    stft,
    stft_plain,
)

Array: TypeAlias = NDArray[Any]
Seed: TypeAlias = int | np.random.Generator | None


@dataclass(frozen=True)
class PhaseResult:
    """位相を求めた結果。

    Attributes
    ----------
    waveform : 波形 `(..., n_samples)`
    spectrogram : 与えた振幅に、求めた位相を付けた複素数 `(..., n_freq, n_frames)`
    losses : くり返しごとのスペクトル収束度（比）`(n_iter,)`。
        `losses[k]` は位相を k 回直した後の値で、`losses[0]` は初期の位相のままの値

    章: phase
    """

    waveform: Array
    spectrogram: Array
    losses: Array


def mixture_phase(magnitude: ArrayLike, mixture_stft: ArrayLike) -> Array:
    """推定した振幅に、混合音の位相を付ける：`magnitude * exp(1j * angle(X))`。

    Parameters
    ----------
    magnitude : (..., n_freq, n_frames) の 0 以上の実数配列
        推定した振幅。先頭に音源の軸があってもよい。
    mixture_stft : (..., n_freq, n_frames) の複素数配列
        混合音 X。形は magnitude の後ろの軸に合わせる。

    Returns
    -------
    magnitude と同じ形の複素数配列
        `istft` に渡せば波形になる。

    Raises
    ------
    ValueError
        振幅が負のとき、X が複素数でないとき、形が合わないとき。

    Notes
    -----
    実数のマスク `magnitude / abs(X)` を X に掛けるのと同じである。

    Examples
    --------
    >>> X = np.array([[3 + 4j]])  # (n_freq, n_frames)
    >>> print(mixture_phase(np.array([[10.0]]), X))
    [[6.+8.j]]

    章: phase
    """
    magnitude = _validate.non_negative_array(magnitude, "magnitude", min_ndim=2)
    X = _validate.complex_array(mixture_stft, "mixture_stft")
    _validate.check_finite(X, "mixture_stft")
    _check_shape(magnitude, "magnitude", X, "mixture_stft")
    phased: Array = magnitude * np.exp(1j * np.angle(X))
    return phased


def phase_advance(frequency: ArrayLike, hop_length: int, sr: float) -> Any:
    """周波数 f の正弦波の位相が、1 フレームごとに進む量 `2π f hop_length / sr` [rad]。

    Parameters
    ----------
    frequency : float または実数配列
        周波数 [Hz]。
    hop_length : int
        フレームの間隔（サンプル）。
    sr : float
        標本化周波数 [Hz]。

    Returns
    -------
    frequency と同じ形の float64
        何周分も含む量。−π〜π に直すには `princarg` に渡す。

    Examples
    --------
    >>> print(phase_advance(250, hop_length=8, sr=8000) / np.pi)  # 1/4 周
    0.5

    章: phase
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    _validate.check_finite(frequency, "frequency")
    hop_length = _validate.positive_int(hop_length, "hop_length")
    return 2 * np.pi * frequency * hop_length / _validate.positive_number(sr, "sr")


def princarg(phase: ArrayLike) -> Any:
    """位相を −π < φ ≦ π に直す（主値、principal argument）。

    Parameters
    ----------
    phase : float または実数配列
        位相 [rad]。

    Returns
    -------
    phase と同じ形
        2π の整数倍だけ違う値。もともと範囲の中にあれば、ちょうど同じ値。

    Examples
    --------
    >>> print(princarg(np.array([0.5, 1.5, -1.0]) * np.pi) / np.pi)
    [ 0.5 -0.5  1. ]

    章: phase
    """
    wrapped = np.asarray(phase)
    if wrapped.dtype.kind in "iu":
        wrapped = wrapped.astype(np.float64)
    if wrapped.dtype.kind != "f":
        raise ValueError(f"phase は実数にしてください（dtype={wrapped.dtype} が来ました）。")
    _validate.check_finite(wrapped, "phase")
    wrapped = wrapped - 2 * np.pi * np.rint(wrapped / (2 * np.pi))
    # 丸め誤差で境目をわずかに越えた値と、ちょうど −π の値を直す
    wrapped = np.where(wrapped > np.pi, wrapped - 2 * np.pi, wrapped)
    return np.where(wrapped <= -np.pi, wrapped + 2 * np.pi, wrapped)[()]


def spectral_convergence(magnitude: ArrayLike, estimate: ArrayLike) -> float:
    """スペクトル収束度：振幅の誤差の大きさの、目標の振幅に対する比。

    Parameters
    ----------
    magnitude : (..., n_freq, n_frames) の 0 以上の実数配列
        目標の振幅 M。
    estimate : magnitude と同じ形の配列
        比べるスペクトログラム。複素数なら絶対値を取る。

    Returns
    -------
    float
        `‖abs(estimate) − M‖ / ‖M‖`。0 なら振幅がちょうど一致する。デシベルではない。
        M がすべて 0 のときは、estimate も 0 なら 0、そうでなければ inf。

    References
    ----------
    N. Sturmel and L. Daudet, "Signal reconstruction from STFT magnitude: a state of the art",
    2011.

    章: phase
    """
    magnitude = _validate.non_negative_array(magnitude, "magnitude", min_ndim=1)
    estimate = _validate.number_array(estimate, "estimate")
    if magnitude.shape != estimate.shape:
        raise ValueError(
            f"magnitude の形 {magnitude.shape} と estimate の形 {estimate.shape} が違います。"
        )
    return _ratio(_norm(np.abs(estimate) - magnitude), _norm(magnitude))


def consistency(
    S: ArrayLike,
    *,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Window = "hann",
    center: bool = True,
    length: int | None = None,
) -> float:
    """つじつまの合わなさ：波形に戻して変換し直したときの変化の、もとに対する比。

    Parameters
    ----------
    S : (..., n_freq, n_frames) の複素数配列
        スペクトログラム。
    hop_length, win_length, n_fft, window, center, length
        `istft` と同じ。

    Returns
    -------
    float
        `‖STFT(ISTFT(S)) − S‖ / ‖S‖`。ある波形の変換そのものなら 0（丸め誤差を除く）。
        S がすべて 0 なら 0。

    Raises
    ------
    ValueError
        `istft` が断るとき。length から決まるフレームの数が S と違うとき。

    References
    ----------
    J. Le Roux, N. Ono and S. Sagayama, "Explicit consistency constraints for STFT spectrograms
    and their application to phase reconstruction", 2008.

    章: phase
    """
    S = _validate.complex_array(S, "S")
    _validate.check_finite(S, "S")
    n_fft = 2 * (S.shape[-2] - 1) if n_fft is None else n_fft
    params: dict[str, Any] = {"hop_length": hop_length, "win_length": win_length, "n_fft": n_fft}
    params |= {"window": window, "center": center}
    y = istft(S, length=length, **params)
    rebuilt = stft(y, **params)
    _check_frames(rebuilt.shape[-1], S.shape[-1], y.shape[-1])
    return _ratio(_norm(rebuilt - S), _norm(S))


def griffin_lim_plain(
    magnitude: Array,
    phase: Array,
    window: Array,
    hop_length: int,
    length: int,
    n_iter: int = 32,
    momentum: float = 0.99,
) -> PhaseResult:
    """Griffin–Lim 法を定義どおりに計算する（1 チャネル、両端に 0 を補う）。

    Parameters
    ----------
    magnitude : (n_freq, n_frames) の実数配列
        目標の振幅。
    phase : (n_freq, n_frames) の実数配列
        位相の初期値 [rad]。
    window : (n_fft,) の実数配列
        窓。
    hop_length, length, n_iter, momentum
        `griffin_lim` と同じ。

    Returns
    -------
    PhaseResult
        `griffin_lim` と同じ。

    章: phase
    """
    S = magnitude * np.exp(1j * phase)
    previous = np.zeros_like(S)
    losses = np.empty(n_iter)
    for k in range(n_iter):
        y = istft_plain(S, window, hop_length, length)
        rebuilt = stft_plain(y, window, hop_length)  # ある波形の変換になった（つじつまが合った）
        losses[k] = np.linalg.norm(np.abs(rebuilt) - magnitude) / np.linalg.norm(magnitude)
        # 前回から動いた向きへ、少し先まで進む。使うのは位相だけで、振幅は目標に戻す
        ahead = rebuilt + momentum * (rebuilt - previous)
        S = magnitude * np.exp(1j * np.angle(ahead))
        previous = rebuilt
    return PhaseResult(istft_plain(S, window, hop_length, length), S, losses)


def griffin_lim(
    magnitude: ArrayLike,
    *,
    n_iter: int = 32,
    momentum: float = 0.99,
    init: str | ArrayLike = "random",
    length: int | None = None,
    rng: Seed = None,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Window = "hann",
    center: bool = True,
) -> PhaseResult:
    """Griffin–Lim 法：振幅だけから、つじつまの合う位相をくり返しで探す。

    Parameters
    ----------
    magnitude : (..., n_freq, n_frames) の float32 / float64、0 以上
        目標の振幅。チャネルごとに独立に解く。
    n_iter : int
        位相を直す回数。0 なら初期の位相のまま波形に戻す。
    momentum : float
        加速の強さ。0 なら元の Griffin–Lim 法、正なら高速版。1 を超えると安定しないことがある。
    init : {"random", "zero"} または配列
        位相の初期値。magnitude と同じ形の実数なら位相 [rad]、複素数ならその位相を使う。
    length : int, optional
        戻すサンプル数。省略すると最後のフレームの中心まで（`istft` と同じ）。
    rng : int, Generator, optional
        init="random" の乱数の種、または生成器。
    hop_length, win_length, n_fft, window, center
        `istft` と同じ。振幅を作ったときの値にする。

    Returns
    -------
    PhaseResult
        波形 `(..., length)`、スペクトログラム、くり返しごとのスペクトル収束度。
        損失はすべてのチャネルを合わせた値。

    Raises
    ------
    ValueError
        振幅が負か有限でないとき、窓とホップの組で元に戻せないとき、length や init が合わないとき。

    Notes
    -----
    同じ初期値なら librosa.griffinlim（pad_mode="constant"）と同じ値になる。momentum=0 なら、
    振幅の誤差の二乗和（負の周波数も数える）は増えない。すべて 0 の振幅からは無音が返り、
    losses は 0。振幅からは符号を反転した波形さえ区別できないので、元の波形とは違う答えに着くのが
    普通である。

    References
    ----------
    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", 1984.
    N. Perraudin, P. Balazs and P. Søndergaard, "A fast Griffin-Lim algorithm", 2013.

    Examples
    --------
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> M = np.abs(stft(y))
    >>> result = griffin_lim(M, rng=0, length=len(y))
    >>> result.waveform.shape, result.losses.shape
    ((22050,), (32,))
    >>> bool(spectral_convergence(M, stft(result.waveform)) < result.losses[0])
    True

    章: phase
    """
    M = _validate.non_negative_array(magnitude, "magnitude", min_ndim=2)
    n_iter = _validate.non_negative_int(n_iter, "n_iter")
    alpha = _validate.non_negative_number(momentum, "momentum") / (1 + momentum)
    scale = _power_of_two(M)
    M = M / scale
    S = _with_phase(M, init, rng)
    waveform, plan = _invert(S, length, n_fft, hop_length, win_length, window, center)
    errors = np.zeros(n_iter)
    for channel in np.ndindex(M.shape[:-2]):
        run = engine.Inversion(M[channel].T, S[channel].T, waveform[channel], plan)
        for k in range(n_iter):
            errors[k] += run.sweep(alpha, last=k == n_iter - 1)
        waveform[channel] = run.waveform
    waveform *= scale
    S *= scale
    return PhaseResult(waveform, S, _losses(errors, M))


def misi(
    magnitudes: ArrayLike,
    mixture: ArrayLike,
    *,
    n_iter: int = 32,
    init: str | ArrayLike | None = None,
    rng: Seed = None,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Window = "hann",
    center: bool = True,
) -> PhaseResult:
    """MISI：全音源の位相を、波形の和が混合音に戻るように、そろって探す。

    Parameters
    ----------
    magnitudes : (n_sources, ..., n_freq, n_frames) の float32 / float64、0 以上
        音源ごとの目標の振幅。
    mixture : (..., n_samples) の実数配列
        混合音の波形。精度（float32 / float64）は magnitudes に合わせる。
    n_iter : int
        位相を直す回数。0 なら初期の位相のまま波形に戻し、残りを等分する。
    init : None, {"random", "zero"} または配列
        位相の初期値。None なら混合音の位相。ほかは `griffin_lim` と同じ。
    rng : int, Generator, optional
        init="random" の乱数の種、または生成器。
    hop_length, win_length, n_fft, window, center
        `stft` に渡して振幅を作ったときの値。

    Returns
    -------
    PhaseResult
        波形 `(n_sources, ..., n_samples)`、スペクトログラム `(n_sources, ..., n_freq, n_frames)`、
        全音源を合わせたスペクトル収束度 `(n_iter,)`。波形の和は混合音に等しい。

    Raises
    ------
    ValueError
        `griffin_lim` と同じとき。mixture の形か長さが magnitudes と合わないとき。

    Notes
    -----
    くり返すたびに、混合音と波形の和との差を n_sources 等分して各音源に配る
    （multiple input spectrogram inversion）。

    References
    ----------
    D. Gunawan and D. Sen, "Iterative phase estimation for the synthesis of separated sources
    from single-channel mixtures", 2010.

    章: phase
    """
    M = _validate.non_negative_array(magnitudes, "magnitudes", min_ndim=3)
    x = _validate.real_array(mixture, "mixture")
    if x.shape[:-1] != M.shape[1:-2]:
        raise ValueError(
            f"mixture の形 {x.shape} が magnitudes の形 {M.shape} と合いません。"
            "音源の軸を除いた残りのチャネルをそろえてください。"
        )
    n_iter = _validate.non_negative_int(n_iter, "n_iter")
    x = x.astype(M.dtype, copy=False)
    if init is None:
        n_fft = 2 * (M.shape[-2] - 1) if n_fft is None else n_fft
        params: dict[str, Any] = {"hop_length": hop_length, "win_length": win_length}
        init = stft(x, n_fft=n_fft, window=window, center=center, **params)
    scale = _power_of_two(M)
    M, x = M / scale, x / scale
    S = _with_phase(M, init, rng)
    waveform, plan = _invert(S, x.shape[-1], n_fft, hop_length, win_length, window, center)
    errors = np.zeros(n_iter)
    for channel in np.ndindex(x.shape[:-1]):
        here = (slice(None), *channel)
        parts = zip(M[here], S[here], waveform[here], strict=True)
        runs = [engine.Inversion(m.T, s.T, y, plan) for m, s, y in parts]
        _share_error(runs, x[channel])
        for k in range(n_iter):
            errors[k] += sum(run.sweep(last=k == n_iter - 1) for run in runs)
            _share_error(runs, x[channel])
        waveform[here] = [run.waveform for run in runs]
    waveform *= scale
    S *= scale
    return PhaseResult(waveform, S, _losses(errors, M))


def _power_of_two(magnitude: Array) -> float:
    """最大値に近い 2 の累乗。割っておくと、float32 でも誤差の二乗があふれたり消えたりしない。"""
    peak = float(magnitude.max())
    return float(2.0 ** (np.frexp(peak)[1] - 1)) if peak > 0 else 1.0


def _with_phase(magnitude: Array, init: str | ArrayLike, rng: Seed) -> Array:
    """振幅に位相の初期値を付ける。メモリの上では `stft` と同じく、1 フレームの周波数が隣り合う。"""
    M = magnitude.swapaxes(-1, -2)
    phase: Array = np.zeros((1, 1), M.dtype)
    if isinstance(init, str):
        if init not in ("random", "zero"):
            raise ValueError(
                'init は "random"、"zero"、位相の配列のどれかにしてください'
                f"（{init!r} が来ました）。"
            )
        if init == "random":
            phase = 2 * np.pi * np.random.default_rng(rng).random(M.shape, M.dtype)
    else:
        given = _validate.number_array(init, "init")
        _check_shape(magnitude, "magnitude", given, "init")
        angle = np.angle(given) if given.dtype.kind == "c" else given
        phase = angle.astype(M.dtype, copy=False).swapaxes(-1, -2)
    S = np.empty(M.shape, np.result_type(M.dtype, np.complex64))
    np.multiply(M, np.cos(phase), out=S.real)
    np.multiply(M, np.sin(phase), out=S.imag)
    return S.swapaxes(-1, -2)


def _invert(
    S: Array,
    length: int | None,
    n_fft: int | None,
    hop_length: int | None,
    win_length: int | None,
    window: Window,
    center: bool,
) -> tuple[Array, engine.Plan]:
    """初期の位相のまま波形に戻し（引数はここで確かめられる）、くり返しの条件をまとめる。"""
    y = istft(
        S,
        hop_length=hop_length,
        win_length=win_length,
        n_fft=n_fft,
        window=window,
        center=center,
        length=length,
    )
    n_fft = 2 * (S.shape[-2] - 1) if n_fft is None else n_fft
    n_fft, win_length, hop_length = _validate.frame_lengths(n_fft, win_length, hop_length)
    pad = n_fft // 2 if center else 0
    n_frames = S.shape[-1]
    _check_frames(1 + (y.shape[-1] + 2 * pad - n_fft) // hop_length, n_frames, y.shape[-1])
    padded = _padded_window(window, win_length, n_fft)
    eps = float(np.finfo(S.dtype).eps)
    edges = edge_gain(padded, hop_length, n_frames, pad, y.shape[-1], eps)
    return y, engine.Plan(padded, hop_length, pad, edges)


def _share_error(runs: list[engine.Inversion], mixture: Array) -> None:
    """混合音と波形の和との差を、全音源に等分して足す。"""
    share = mixture.copy()
    for run in runs:
        share -= run.waveform
    share /= len(runs)
    for run in runs:
        run.waveform += share


def _losses(errors: Array, magnitude: Array) -> Array:
    """くり返しごとの二乗誤差の和から、スペクトル収束度を求める。"""
    size = _norm(magnitude)
    return np.array([_ratio(float(np.sqrt(error)), size) for error in errors])


def _ratio(above: float, below: float) -> float:
    """割り算。0 / 0 は 0 とする。"""
    if below == 0:
        return 0.0 if above == 0 else float("inf")
    return above / below


def _norm(x: Array) -> float:
    """要素の二乗和の平方根。2 乗があふれたり消えたりしないように、最大値で割ってから計算する。"""
    level = np.abs(x).astype(np.float64)
    peak = float(level.max())
    return peak * float(np.linalg.norm(level / peak)) if peak > 0 else 0.0


def _check_frames(n_frames: int, wanted: int, length: int) -> None:
    if n_frames != wanted:
        raise ValueError(
            f"length={length} サンプルを変換すると {n_frames} フレームになり、"
            f"与えられた {wanted} フレームと合いません。"
            "振幅を作ったときの音の長さを length に渡してください。"
        )


def _check_shape(magnitude: Array, name: str, other: Array, other_name: str) -> None:
    """形が、magnitude の後ろの軸の形と同じことを確かめる。"""
    if other.ndim < 2 or magnitude.shape[-other.ndim :] != other.shape:
        raise ValueError(
            f"{other_name} の形 {other.shape} が {name} の形 {magnitude.shape} と合いません。"
        )
