"""マスク：時間周波数の 1 点（ビン）ごとに、混合音のどれだけを通すかを決める。

スペクトログラムは `(n_freq, n_frames)` か `(n_channels, n_freq, n_frames)`。
音源は先頭の軸に並べる。正解の音源から作る理想マスク（オラクル）は、その種類のマスクで届く上限の目安になる。
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut.representations import istft, stft

Array: TypeAlias = NDArray[Any]


def apply_mask(mask: ArrayLike, spectrogram: ArrayLike) -> Array:
    """マスクをスペクトログラムに掛ける（要素積（アダマール積））。

    Parameters
    ----------
    mask : (n_freq, n_frames) か (n_sources, [n_channels,] n_freq, n_frames)
        マスク。3 次元なら先頭は音源で、どのチャネルにも同じマスクを掛ける。
    spectrogram : (n_freq, n_frames) か (n_channels, n_freq, n_frames)
        混合音。複素数でも振幅でもよい。

    Returns
    -------
    spectrogram と同じ形。mask に音源の軸があれば、その前に n_sources が付く
        精度（float32 / float64）は spectrogram に合わせる。

    Raises
    ------
    ValueError
        形が合わないとき、有限でない値があるとき。

    Notes
    -----
    実数のマスクを複素数に掛けると、振幅だけが変わり、混合音の位相が残る。

    章: masking
    """
    spectrogram = _validate.number_array(spectrogram, "spectrogram")
    mask = _mask_array(mask)
    _check_shapes(mask, spectrogram)
    if mask.ndim == 3 and spectrogram.ndim == 3:
        mask = mask[:, np.newaxis]  # (n_sources, 1, n_freq, n_frames)
    kind = np.complex64 if mask.dtype.kind == "c" else np.float32
    masked: Array = spectrogram * mask.astype(
        np.result_type(spectrogram.real.dtype, kind), copy=False
    )
    return masked


def invert_mask(mask: ArrayLike) -> Array:
    """残りを通すマスク 1 − mask（逆行列ではなく、要素ごとの引き算）。

    章: masking
    """
    return 1.0 - _mask_array(mask)


def binarize(mask: ArrayLike, threshold: float = 0.5) -> Array:
    """マスクを二値にする：threshold より大きい所を 1、ほかを 0 とする。

    章: masking
    """
    mask = _mask_array(mask)
    if mask.dtype.kind == "c":
        raise ValueError("複素数のマスクは大小を比べられません。実数のマスクを渡してください。")
    return (mask > threshold).astype(mask.dtype)


def ideal_binary_mask(sources: ArrayLike, threshold_db: float = 0.0) -> Array:
    """理想二値マスク (IBM)：各ビンで、ほかのどの音源よりも強い音源だけを通す。

    Parameters
    ----------
    sources : (n_sources, ..., n_freq, n_frames)
        正解の音源のスペクトログラム（複素数か振幅）。
    threshold_db : float
        ほかで最も強い音源を何 dB 上回れば通すか（局所 SNR の閾値）。

    Returns
    -------
    sources と同じ形の、0 か 1 の実数配列
        0 dB なら和は必ず 1、正なら 1 以下、負なら 1 以上。

    Notes
    -----
    同点のビンと、すべて 0 のビンは、0 dB 以下では先の音源に渡す。正ではどれも通さない。
    2 音源なら局所 SNR そのもの。3 音源以上では「ほかの和」でなく「ほかの最大」と比べる。

    References
    ----------
    D. Wang, "On ideal binary mask as the computational goal of auditory scene analysis", 2005.

    Examples
    --------
    >>> levels = np.array([[[3.0, 1.0]], [[1.0, 4.0]]])  # (n_sources, n_freq, n_frames)
    >>> print(ideal_binary_mask(levels)[0])
    [[1. 0.]]

    章: masking
    """
    level = np.abs(_sources_array(sources))
    owner = np.zeros(level.shape, bool)
    np.put_along_axis(owner, level.argmax(axis=0)[np.newaxis], True, axis=0)
    if threshold_db == 0:
        return owner.astype(level.dtype)
    ranked = np.sort(level, axis=0)
    second = ranked[-2] if len(ranked) > 1 else np.zeros_like(ranked[-1])
    rival = np.where(owner, second, ranked[-1])  # 自分を除いた最大
    above = level > 10.0 ** (threshold_db / 20) * rival
    passed: Array = above if threshold_db > 0 else above | owner
    return passed.astype(level.dtype)


def ideal_ratio_mask(sources: ArrayLike, power: float = 1) -> Array:
    """理想比率マスク (IRM)：各音源の `abs(S)**power` が全体に占める割合。

    Parameters
    ----------
    sources : (n_sources, ..., n_freq, n_frames)
        正解の音源のスペクトログラム（複素数か振幅）。
    power : float
        1 なら振幅の比、2 ならパワーの比（ウィーナーフィルタ）。大きくするほど二値マスクに近づく。

    Returns
    -------
    sources と同じ形の、0〜1 の実数配列
        和は 1。すべて 0 のビンは等分の 1 / n_sources。

    Examples
    --------
    >>> levels = np.array([[[3.0, 0.0]], [[1.0, 0.0]]])  # (n_sources, n_freq, n_frames)
    >>> print(ideal_ratio_mask(levels)[0])
    [[0.75 0.5 ]]
    >>> print(ideal_ratio_mask(levels, power=2)[0])
    [[0.9 0.5]]

    章: masking
    """
    power = _validate.positive_number(power, "power")
    level = np.abs(_sources_array(sources))
    peak = level.max(axis=0)
    # 最大で割っておくと、とても小さな値でも累乗が 0 につぶれない
    share = np.divide(level, peak, out=np.ones_like(level), where=peak > 0) ** power
    ratio: Array = share / share.sum(axis=0)
    return ratio


def phase_sensitive_mask(
    sources: ArrayLike,
    mixture: ArrayLike | None = None,
    *,
    clip: tuple[float, float] | None = None,
) -> Array:
    """位相感応マスク (PSM)：`abs(S) / abs(X) * cos(位相差)`。実数のマスクで S に最も近づく。

    Parameters
    ----------
    sources : (n_sources, ..., n_freq, n_frames) の複素数配列
        正解の音源のスペクトログラム。
    mixture : (..., n_freq, n_frames) の複素数配列, optional
        混合音 X。省略すると音源の和。
    clip : (下限, 上限), optional
        値を収める範囲。(0, 1) なら打ち切り型（tPSM）。

    Returns
    -------
    sources と同じ形の実数配列
        X が音源の和で clip がなければ、和は 1。負にも 1 より大きくもなる。X が 0 のビンは 0。

    References
    ----------
    H. Erdogan et al., "Phase-sensitive and recognition-boosted speech separation", 2015.

    章: masking
    """
    mask: Array = complex_ideal_ratio_mask(sources, mixture).real.copy()
    return mask if clip is None else np.clip(mask, *clip)


def complex_ideal_ratio_mask(sources: ArrayLike, mixture: ArrayLike | None = None) -> Array:
    """複素理想比率マスク (cIRM)：S / X。振幅と位相の両方を直す。

    Parameters
    ----------
    sources, mixture
        `phase_sensitive_mask` と同じ。

    Returns
    -------
    sources と同じ形の複素数配列
        X に掛けると S に戻る。X が（音源の 10^-20 倍より小さく）消えたビンだけは戻せないので 0。

    References
    ----------
    D. S. Williamson et al., "Complex ratio masking for monaural speech separation", 2016.

    章: masking
    """
    S = _validate.complex_array(sources, "sources", min_ndim=3)
    _validate.check_finite(S, "sources")
    X = S.sum(axis=0) if mixture is None else _validate.complex_array(mixture, "mixture")
    if X.shape != S.shape[1:]:
        raise ValueError(f"mixture の形 {X.shape} が音源 1 つの形 {S.shape[1:]} と合いません。")
    _validate.check_finite(X, "mixture")
    # 非正規化数の逆数は無限大になるので、それも「消えた」とみなす
    smallest = np.finfo(S.dtype).smallest_normal
    usable = np.abs(X) > np.maximum(1e-20 * np.abs(S).max(axis=0), smallest)
    return np.divide(S, X, out=np.zeros_like(S), where=usable)


def compress_mask(mask: ArrayLike, limit: float = 10.0, slope: float = 0.1) -> Array:
    """複素マスクの実部と虚部を、tanh で −limit〜limit に収める（ネットワークに学ばせる形）。

    `limit * tanh(slope * x / 2)`。既定値は Williamson et al. (2016) の K と C。

    章: masking
    """
    return _by_parts(mask, lambda x: limit * np.tanh(slope * x / 2))


def expand_mask(mask: ArrayLike, limit: float = 10.0, slope: float = 0.1) -> Array:
    """`compress_mask` の逆。

    章: masking
    """
    compressed = _mask_array(mask)
    if max(np.abs(compressed.real).max(), np.abs(compressed.imag).max()) >= limit:
        raise ValueError(
            f"mask の実部と虚部は −{limit} より大きく {limit} より小さくしてください。"
        )
    return _by_parts(compressed, lambda x: 2 / slope * np.arctanh(x / limit))


@dataclass(frozen=True)
class WDisjointOrthogonality:
    """音源ごとの W-disjoint orthogonality。どれも `(n_sources,)` の比（dB ではない）。

    Attributes
    ----------
    psr : マスクを通った目的音のエネルギーの割合（0〜1、preserved-signal ratio）
    sir : マスクを通った目的音と、通ってしまったほかの音のエネルギー比（0〜∞）
    wdo : psr − psr / sir。1 なら音源がまったく重なっていない

    章: masking
    """

    psr: Array
    sir: Array
    wdo: Array


def w_disjoint_orthogonality(masks: ArrayLike, sources: ArrayLike) -> WDisjointOrthogonality:
    """音源がビンの上でどれだけ重ならないかを、マスクを通して測る。

    Parameters
    ----------
    masks : (n_sources, ..., n_freq, n_frames) の実数配列
        音源ごとのマスク。形は sources と同じ。
    sources : (n_sources, ..., n_freq, n_frames) の複素数配列
        正解の音源のスペクトログラム。

    Returns
    -------
    WDisjointOrthogonality
        psr, sir, wdo。

    Raises
    ------
    ValueError
        無音の音源があるとき（割合が決まらない）。

    References
    ----------
    O. Yilmaz and S. Rickard, "Blind separation of speech mixtures via time-frequency
    masking", 2004.

    章: masking
    """
    S = _validate.complex_array(sources, "sources", min_ndim=3)
    _validate.check_finite(S, "sources")
    M = _mask_array(masks)
    if M.shape != S.shape:
        raise ValueError(f"masks の形 {M.shape} が sources の形 {S.shape} と合いません。")
    total = _energy(S)
    if not np.all(total > 0):
        raise ValueError(f"無音の音源があります（{np.flatnonzero(total == 0).tolist()} 番）。")
    kept, leaked = _energy(M * S), _energy(M * (S.sum(axis=0) - S))
    sir = np.divide(kept, leaked, out=np.full_like(kept, np.inf), where=leaked > 0)
    return WDisjointOrthogonality(kept / total, sir, (kept - leaked) / total)


def separate(mixture: ArrayLike, masks: ArrayLike, **stft_params: Any) -> Array:
    """混合音の波形にマスクを掛け、音源ごとの波形にする（変換 → 分離 → 逆変換）。

    Parameters
    ----------
    mixture : (n_samples,) か (n_channels, n_samples)
        混合音。
    masks : `apply_mask` と同じ形
        `stft(mixture, **stft_params)` に合うマスク。
    **stft_params
        `stft` に渡す値（n_fft, hop_length, window など）。マスクを作ったときと同じにする。

    Returns
    -------
    (n_sources, ..., n_samples)。masks に音源の軸がなければ mixture と同じ形
        どれも混合音とちょうど同じ長さ。マスクの和が 1 なら、波形の和は混合音に戻る。

    章: masking
    """
    mixture = _validate.real_array(mixture, "mixture")
    if mixture.ndim > 2:
        raise ValueError(
            f"mixture は (n_samples,) か (n_channels, n_samples) にしてください"
            f"（shape={mixture.shape} が来ました）。"
        )
    masks = _mask_array(masks)
    spectrogram = stft(mixture, **stft_params)
    _check_shapes(masks, spectrogram)
    inverse_params = {k: v for k, v in stft_params.items() if k != "pad_mode"}
    inverse_params.setdefault("n_fft", 2048)  # 奇数のとき、周波数の数からは決まらない

    def waveform(mask: Array) -> Array:
        masked = apply_mask(mask, spectrogram)
        y = istft(masked, length=mixture.shape[-1], **inverse_params)
        return y.reshape(-1, *mixture.shape)

    if masks.ndim == 2:
        only: Array = waveform(masks)[0]
        return only
    return np.concatenate([waveform(mask) for mask in masks[:, np.newaxis]])


def _mask_array(mask: ArrayLike) -> Array:
    """マスクを浮動小数点（か複素数）の配列にする。真偽値は 0 と 1 にする。"""
    array = np.asarray(mask)
    if array.dtype.kind in "bui":
        array = array.astype(np.float32)
    return _validate.number_array(array, "mask")


def _check_shapes(mask: Array, spectrogram: Array) -> None:
    leading = spectrogram.shape[:-2]
    matched = mask.shape[-2:] == spectrogram.shape[-2:] and len(leading) <= 1
    if not matched or not (mask.ndim in (2, 3) or (mask.ndim == 4 and mask.shape[1:-2] == leading)):
        raise ValueError(
            f"mask の形 {mask.shape} が spectrogram の形 {spectrogram.shape} と合いません。"
            "(n_freq, n_frames)、(n_sources, n_freq, n_frames)、"
            "(n_sources, n_channels, n_freq, n_frames) のどれかにしてください。"
        )


def _sources_array(sources: ArrayLike) -> Array:
    array = _validate.number_array(sources, "sources")
    if array.ndim < 3:
        raise ValueError(
            "sources は音源を先頭に並べた (n_sources, ..., n_freq, n_frames) にしてください"
            f"（shape={array.shape} が来ました）。"
        )
    return array


def _energy(S: Array) -> Array:
    """音源ごとのエネルギー `(n_sources,)`。"""
    total: Array = np.sum(np.abs(S).astype(np.float64) ** 2, axis=tuple(range(1, S.ndim)))
    return total


def _by_parts(mask: ArrayLike, f: Any) -> Array:
    """実部と虚部のそれぞれに f を当てる。"""
    mask = _mask_array(mask)
    result = np.empty_like(mask)
    result.real = f(mask.real)
    if mask.dtype.kind == "c":
        result.imag = f(mask.imag)
    return result
