"""評価：分離した音が正解にどれだけ近いかを測る。

どの関数も `(正解, 推定)` の順に受け取り、デシベル [dB] を返す。音源は先頭の軸に並べる。
float32 を渡しても、結果は float64。`bss_eval_sources_plain` は読むための実装、
`bss_eval_sources` は同じ値を速く計算する実装である。

どの比でも、誤差が信号の 10^-28 倍（−280 dB）より小さければ丸め誤差と区別できないので +inf、
反対に信号がそれより小さければ −inf とする。信号も誤差も 0 なら −inf とする（無音の推定など）。
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine import bss as engine
from sstut._engine import scale_invariant
from sstut._scores import Scores

Array: TypeAlias = NDArray[Any]


def snr(reference: ArrayLike, estimate: ArrayLike) -> Any:
    """SNR（信号対雑音比）：正解のエネルギーと、正解と推定の差のエネルギーの比。

    Parameters
    ----------
    reference, estimate : (..., n_samples) の float32 / float64
        正解と推定。同じ形。

    Returns
    -------
    (...) の float64。1 組なら float
        デシベル。完全に一致すれば +inf、推定が無音なら 0。

    Raises
    ------
    ValueError
        形が違うとき、正解が無音のとき、NaN があるとき。

    Notes
    -----
    Vincent et al. (2006) が SNR と呼ぶ量（`decompose` の雑音の項だけを見る比）とは別のもの。

    Examples
    --------
    >>> round(snr([1.0, -1.0, 1.0, -1.0], [0.5, -0.5, 0.5, -0.5]), 2)
    6.02

    章: evaluation
    """
    s, e = _pair(reference, estimate)
    return _number(engine.decibels(_energy(s), _energy(e - s)))


def si_sdr_plain(reference: Array, estimate: Array) -> float:
    """SI-SDR を定義どおりに計算する（1 組、平均は引いてあるものとする）。

    Parameters
    ----------
    reference, estimate : (n_samples,) の実数配列
        正解と推定。

    Returns
    -------
    float
        デシベル。

    章: evaluation
    """
    gain = np.dot(estimate, reference) / np.dot(reference, reference)
    target = gain * reference  # 推定の、正解への正射影
    distortion = estimate - target
    return float(10 * np.log10(np.sum(target**2) / np.sum(distortion**2)))


def si_sdr(reference: ArrayLike, estimate: ArrayLike, *, zero_mean: bool = True) -> Any:
    """SI-SDR（スケール不変 SDR）：推定の音量に左右されない SDR。

    推定を正解に正射影した `a * reference` を目的音、残りを歪みとする。

    Parameters
    ----------
    reference, estimate : (..., n_samples) の float32 / float64
        正解と推定。同じ形。
    zero_mean : bool
        True なら、先にそれぞれの平均を引く。

    Returns
    -------
    (...) の float64。1 組なら float
        デシベル。推定が正解の定数倍なら +inf、無音か正解と直交するなら −inf。

    Raises
    ------
    ValueError
        形が違うとき、正解が無音のとき（zero_mean=True では定数のときも）、NaN があるとき。

    Notes
    -----
    音量と正負の間違いは見えない（`-reference` でも +inf）。1 サンプルの遅れでも大きく下がる。
    float32 では、速さのために短い区間の内積を float32 で計算する（誤差は 10^-4 dB より小さい）。

    References
    ----------
    J. Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019.

    Examples
    --------
    >>> reference = np.sin(np.arange(100.0))
    >>> si_sdr(reference, 0.5 * reference)
    inf
    >>> round(si_sdr(reference, reference + 0.1 * np.cos(np.arange(100.0))), 1)
    20.0

    章: evaluation
    """
    # 有限で無音でないことは、求めたエネルギーから分かる。先に調べると、その分だけ遅くなる
    s = _validate.real_array(reference, "reference", finite=False)
    e = _validate.real_array(estimate, "estimate", finite=False)
    _check_same_shape(s, e, "reference", "estimate")
    own, target, distortion = scale_invariant.energies(s, e, zero_mean)
    if not (np.all(own > 0) and np.isfinite(own + target + distortion).all()):
        _pair(reference, estimate, zero_mean)  # 理由を言って断る
    return _number(engine.decibels(target, distortion))


def sd_sdr(reference: ArrayLike, estimate: ArrayLike, *, zero_mean: bool = True) -> Any:
    """SD-SDR（スケール依存 SDR）：SI-SDR の目的音を、正解そのものとの差で割った比。

    Parameters
    ----------
    reference, estimate, zero_mean
        `si_sdr` と同じ。

    Returns
    -------
    (...) の float64。1 組なら float
        デシベル。`snr(…) + 20 * log10(abs(a))`（a は射影の倍率）に等しく、SI-SDR を超えない。

    References
    ----------
    J. Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019.

    章: evaluation
    """
    s, e = _pair(reference, estimate, zero_mean)
    return _number(engine.decibels(_energy(_gain(s, e) * s), _energy(e - s)))


def si_sir(
    reference_sources: ArrayLike, estimated_sources: ArrayLike, *, zero_mean: bool = True
) -> Array:
    """SI-SIR：SI-SDR の歪みのうち、ほかの音源で説明できる部分（干渉）との比。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_samples) の float32 / float64
        正解と推定。同じ順に並べる。
    zero_mean : bool
        True なら、先にそれぞれの平均を引く。

    Returns
    -------
    (n_sources,) の float64
        デシベル。

    Notes
    -----
    干渉は、歪みを全音源の張る空間に正射影したもの。残りが `si_sar` のアーティファクトで、
    `10**(-SI_SDR/10) = 10**(-SI_SIR/10) + 10**(-SI_SAR/10)` が成り立つ。

    References
    ----------
    J. Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019.

    章: evaluation
    """
    return _scale_invariant(reference_sources, estimated_sources, zero_mean)[0]


def si_sar(
    reference_sources: ArrayLike, estimated_sources: ArrayLike, *, zero_mean: bool = True
) -> Array:
    """SI-SAR：SI-SDR の歪みのうち、どの音源でも説明できない部分（アーティファクト）との比。

    Parameters
    ----------
    reference_sources, estimated_sources, zero_mean
        `si_sir` と同じ。

    Returns
    -------
    (n_sources,) の float64
        デシベル。

    Notes
    -----
    分子は目的音だけで、干渉も足す `bss_eval_sources` の SAR とは違う。

    章: evaluation
    """
    return _scale_invariant(reference_sources, estimated_sources, zero_mean)[1]


@dataclass(frozen=True)
class Decomposition:
    """推定信号の分解。4 つとも `(n_samples + filter_length − 1,)` で、足すと推定信号に戻る。

    Attributes
    ----------
    target : 目的音（正解で説明できる部分）
    interference : 干渉（ほかの音源で説明できる部分）
    noise : 雑音（与えた雑音で説明できる部分）
    artifact : アーティファクト（どれでも説明できない残り）

    章: evaluation
    """

    target: Array
    interference: Array
    noise: Array
    artifact: Array


def decompose(
    reference_sources: ArrayLike,
    estimate: ArrayLike,
    target: int = 0,
    *,
    noises: ArrayLike | None = None,
    filter_length: int = 1,
) -> Decomposition:
    """推定信号を、目的音・干渉・雑音・アーティファクトに分ける。

    Parameters
    ----------
    reference_sources : (n_sources, n_samples) の float32 / float64
        正解の音源。
    estimate : (n_samples,) の float32 / float64
        推定信号。
    target : int
        estimate が推定しようとした音源の番号。
    noises : (n_noises, n_samples) か (n_samples,), optional
        混合音に入っていた雑音。省略すると noise の項は 0。
    filter_length : int
        許すフィルタの長さ。1 なら定数倍だけ、512 なら BSS Eval v3 と同じ。

    Returns
    -------
    Decomposition
        target, interference, noise, artifact。

    Raises
    ------
    ValueError
        形が合わないとき、無音の音源があるとき、番号が範囲の外のとき。

    Notes
    -----
    0〜filter_length − 1 サンプル遅らせた信号の張る空間への正射影を、目的音、全音源、
    全音源と雑音の順に広げ、その差を取る。1 つ前の空間に入らない分だけが次の項になる。

    References
    ----------
    E. Vincent, R. Gribonval, and C. Févotte, "Performance measurement in blind audio source
    separation", 2006. doi:10.1109/TSA.2005.858005

    Examples
    --------
    >>> sources = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    >>> terms = decompose(sources, np.array([0.8, 0.1, 0.0, -0.2]))
    >>> for term in (terms.target, terms.interference, terms.artifact):
    ...     print(term.round(3) + 0.0)
    [0.8 0.  0.  0. ]
    [0.  0.1 0.  0. ]
    [ 0.   0.   0.  -0.2]

    章: evaluation
    """
    sources = _sources(reference_sources, "reference_sources", 2).astype(np.float64, copy=False)
    e = _validate.real_array(estimate, "estimate").astype(np.float64, copy=False)
    n_taps = _validate.positive_int(filter_length, "filter_length")
    if e.shape != sources.shape[1:]:
        raise ValueError(
            f"estimate の形 {e.shape} が音源 1 つの形 {sources.shape[1:]} と合いません。"
        )
    if not -len(sources) <= target < len(sources):
        raise ValueError(
            f"target={target} という音源はありません（音源は 0〜{len(sources) - 1} 番）。"
        )
    everything = sources
    if noises is not None:
        noise_rows = np.atleast_2d(_validate.real_array(noises, "noises"))
        if noise_rows.ndim != 2 or noise_rows.shape[1:] != sources.shape[1:]:
            raise ValueError(f"noises の長さが音源の長さと合いません（shape={noise_rows.shape}）。")
        everything = np.concatenate([sources, noise_rows])
    own = engine.project(sources[[target]], e[np.newaxis], n_taps)[0]
    all_sources = engine.project(sources, e[np.newaxis], n_taps)[0] if len(sources) > 1 else own
    with_noise = (
        all_sources if noises is None else engine.project(everything, e[np.newaxis], n_taps)[0]
    )
    rest = np.pad(e, (0, n_taps - 1)) - with_noise
    return Decomposition(own, all_sources - own, with_noise - all_sources, rest)


def bss_eval_sources_plain(
    reference_sources: Array, estimated_sources: Array, filter_length: int = 512
) -> tuple[Array, Array, Array]:
    """BSS Eval v3 を定義どおりに計算する（順番は決まっているものとする）。

    遅らせた正解を列に並べた行列を作り、最小二乗で射影する。短い信号でしか使えない。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_samples) の実数配列
        正解と推定。
    filter_length : int
        許すフィルタの長さ。

    Returns
    -------
    sdr, sir, sar : (n_sources,) の float64
        デシベル。

    章: evaluation
    """

    def delayed(sources: Array) -> Array:
        last = filter_length - 1
        copies = [np.pad(s, (d, last - d)) for s in sources for d in range(filter_length)]
        return np.stack(copies, axis=1)  # (n_samples + last, n_sources * filter_length)

    def project(columns: Array, signal: Array) -> Array:
        coefficients = np.linalg.lstsq(columns, signal)[0]
        projected: Array = columns @ coefficients
        return projected

    def db(signal: Array, error: Array) -> Any:
        return 10 * np.log10(np.sum(signal**2) / np.sum(error**2))

    everything = delayed(reference_sources)
    scores = []
    for reference, estimate in zip(reference_sources, estimated_sources, strict=True):
        extended = np.pad(estimate, (0, filter_length - 1))
        target = project(delayed(reference[np.newaxis]), extended)
        all_sources = project(everything, extended)
        interference = all_sources - target
        artifact = extended - all_sources
        scores.append(
            (
                db(target, interference + artifact),
                db(target, interference),
                db(target + interference, artifact),
            )
        )
    sdr, sir, sar = np.array(scores).T
    return sdr, sir, sar


def bss_eval_sources(
    reference_sources: ArrayLike,
    estimated_sources: ArrayLike,
    compute_permutation: bool = True,
    filter_length: int = 512,
) -> tuple[Array, Array, Array, Array]:
    """BSS Eval v3（sources 版）の SDR、SIR、SAR。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_samples) の float32 / float64
        正解と推定。
    compute_permutation : bool
        True なら、SIR の平均が最大になる対応を探す。
    filter_length : int
        許すフィルタの長さ（サンプル）。これより短いフィルタの違いは歪みと数えない。

    Returns
    -------
    sdr, sir, sar : (n_sources,) の float64
        正解の順に並べたデシベル。音源が 1 つなら SIR は +inf。無音の推定は 3 つとも −inf。
    perm : (n_sources,) の int
        正解 j に対応する推定の番号 perm[j]。

    Raises
    ------
    ValueError
        形が違うとき、軸が逆のとき、無音の正解があるとき、短すぎるとき、NaN があるとき。

    Notes
    -----
    値は mir_eval.separation.bss_eval_sources と同じ。

    References
    ----------
    E. Vincent, R. Gribonval, and C. Févotte, "Performance measurement in blind audio source
    separation", 2006. doi:10.1109/TSA.2005.858005

    章: evaluation
    """
    s, e, n_taps = _bss_inputs(reference_sources, estimated_sources, 2, filter_length)
    scores = engine.ratios(
        s[:, np.newaxis], e[:, np.newaxis], n_taps, images=False, permute=compute_permutation
    )
    perm = best_permutation(scores[engine.SIR]) if compute_permutation else np.arange(len(s))
    sdr, _, sir, sar = scores[:, np.arange(len(s)), perm]
    return sdr, sir, sar, perm


def bss_eval_images(
    reference_sources: ArrayLike,
    estimated_sources: ArrayLike,
    compute_permutation: bool = True,
    filter_length: int = 512,
) -> tuple[Array, Array, Array, Array, Array]:
    """BSS Eval v3（images 版）の SDR、ISR、SIR、SAR。多チャネルの音源の像どうしを比べる。

    フィルタの違いも空間の歪みとして数えるので、SDR は正解と推定の差だけで決まる。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_channels, n_samples) の float32 / float64
        正解と推定。
    compute_permutation : bool
        True なら、SIR の平均が最大になる対応を探す。
    filter_length : int
        許すフィルタの長さ（サンプル）。

    Returns
    -------
    sdr, isr, sir, sar : (n_sources,) の float64
        正解の順に並べたデシベル。無音の推定は SDR と ISR が 0、SIR と SAR が −inf。
    perm : (n_sources,) の int
        正解 j に対応する推定の番号 perm[j]。

    Raises
    ------
    ValueError
        `bss_eval_sources` と同じ。無音のチャネルと、左右で符号だけが違う音は断らない。

    Notes
    -----
    値は mir_eval.separation.bss_eval_images と同じ（あちらの形は (n_sources, n_samples,
    n_channels)）。

    References
    ----------
    E. Vincent et al., "The signal separation evaluation campaign (2007–2010)", 2012.

    章: evaluation
    """
    s, e, n_taps = _bss_inputs(reference_sources, estimated_sources, 3, filter_length)
    scores = engine.ratios(s, e, n_taps, images=True, permute=compute_permutation)
    perm = best_permutation(scores[engine.SIR]) if compute_permutation else np.arange(len(s))
    sdr, isr, sir, sar = scores[:, np.arange(len(s)), perm]
    return sdr, isr, sir, sar, perm


def bss_eval_framewise(
    reference_sources: ArrayLike,
    estimated_sources: ArrayLike,
    *,
    window: int,
    hop: int,
    filter_length: int = 512,
    compute_permutation: bool = False,
) -> tuple[Array, Array, Array, Array, Array]:
    """BSS Eval v4（museval）：フィルタは全体で 1 つ、SDR、ISR、SIR、SAR は窓ごと。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_channels, n_samples) の float32 / float64
        正解と推定。
    window, hop : int
        窓の長さと間隔（サンプル）。SiSEC 2018 ではどちらも 1 秒。信号より長い窓は全体になる。
    filter_length : int
        許すフィルタの長さ（サンプル）。
    compute_permutation : bool
        True なら、全部の窓の SIR の平均が最大になる対応を 1 つ探す。

    Returns
    -------
    sdr, isr, sir, sar, perm : (n_sources, n_windows) の float64
        正解の順に並べたデシベルと、正解 j に対応する推定の番号。
        正解か推定のどれかが無音の窓は、5 つとも nan。

    Raises
    ------
    ValueError
        `bss_eval_images` と同じ。

    Notes
    -----
    値は museval.metrics.bss_eval と同じ。SDR は窓ごとの SNR に等しい。
    帯域をひどく絞った音では、フィルタの利得が帯域の外でとても大きくなり、窓の切れ目で増幅される
    ので、ISR、SIR、SAR は当てにならない（どの実装でも同じ）。
    曲の値には `window_median` を使う。

    References
    ----------
    F.-R. Stöter, A. Liutkus, and N. Ito, "The 2018 signal separation evaluation campaign", 2018.

    章: evaluation
    """
    s, e, n_taps = _bss_inputs(reference_sources, estimated_sources, 3, filter_length)
    window, hop = _validate.positive_int(window, "window"), _validate.positive_int(hop, "hop")
    n_samples = s.shape[-1]
    window = min(window, n_samples)
    frames = [slice(t, t + window) for t in range(0, n_samples - window + 1, hop)]
    scores = engine.framewise(s, e, frames, n_taps, permute=compute_permutation)
    order = np.arange(len(s))
    sounding = ~np.isnan(scores[engine.SDR, 0, 0])
    perm = order
    if compute_permutation and sounding.any():
        # 平均に ∞ − ∞ が出ないよう、測れる上限で打ち切る
        sir = np.clip(scores[engine.SIR][..., sounding], -280.0, 280.0)
        perm = best_permutation(sir.mean(axis=-1))
    sdr, isr, sir, sar = scores[:, order, perm]
    return sdr, isr, sir, sar, np.where(sounding, perm[:, np.newaxis], np.nan)


def window_median(scores: ArrayLike) -> Any:
    """窓ごとの値の中央値（nan の窓は除く）。全部が nan なら nan。

    Parameters
    ----------
    scores : (..., n_windows) の実数配列
        `bss_eval_framewise` の出力。

    Returns
    -------
    (...) の float64。1 組なら float
        中央値。

    Examples
    --------
    >>> window_median([3.0, np.nan, 5.0, 4.0])
    4.0

    章: evaluation
    """
    values = np.atleast_1d(np.asarray(scores, np.float64))
    if values.shape[-1] == 0:
        raise ValueError(f"窓が 1 つもありません（shape={values.shape}）。")
    silent: Array = np.all(np.isnan(values), axis=-1)
    median = np.nanmedian(np.where(silent[..., np.newaxis], 0.0, values), axis=-1)
    return _number(np.where(silent, np.nan, median))


def sdr_mdx(reference_sources: ArrayLike, estimated_sources: ArrayLike) -> Array:
    """MDX（Music Demixing Challenge）の SDR：曲全体、全チャネルをまとめた SNR。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, [n_channels,] n_samples)
        正解と推定。

    Returns
    -------
    (n_sources,) の float64
        デシベル。

    Notes
    -----
    大会の実装は、無音で割らないように分子と分母へ 1e-7 を足す。ここでは足さず、
    無音の正解を断る。

    References
    ----------
    Y. Mitsufuji et al., "Music Demixing Challenge 2021", 2022. doi:10.3389/frsip.2021.808395

    章: evaluation
    """
    ndim = 3 if np.ndim(reference_sources) == 3 else 2
    s, e = _both_sources(reference_sources, estimated_sources, ndim)
    return np.atleast_1d(snr(s.reshape(len(s), -1), e.reshape(len(e), -1)))


def improvement(
    metric: Callable[..., Any],
    reference: ArrayLike,
    estimate: ArrayLike,
    mixture: ArrayLike,
    **kwargs: Any,
) -> Any:
    """改善量：推定の値から、何もしない混合音の値を引く（SI-SDRi など）。

    Parameters
    ----------
    metric : 関数
        `metric(reference, estimate, **kwargs)` が数か配列を 1 つ返すもの（`si_sdr` など）。
    reference, estimate
        metric に渡す正解と推定。
    mixture : reference の後ろの軸に合う配列
        混合音。音源の軸がなければ、どの音源にも同じものを使う。
    **kwargs
        metric に渡す。

    Returns
    -------
    metric の戻り値と同じ形
        デシベルの差。どちらも同じ無限大なら nan。

    Examples
    --------
    >>> sources = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    >>> print(improvement(snr, sources, 0.9 * sources, sources.sum(axis=0)))
    [20. 20.]

    章: evaluation
    """
    s = _validate.real_array(reference, "reference")
    x = _validate.real_array(mixture, "mixture")
    try:
        x = np.broadcast_to(x, s.shape)
    except ValueError:
        raise ValueError(
            f"mixture の形 {x.shape} が reference の形 {s.shape} と合いません。"
        ) from None
    after, before = metric(s, estimate, **kwargs), metric(s, x, **kwargs)
    if isinstance(after, tuple):
        raise ValueError(
            "値を 1 つだけ返す関数を渡してください。例:"
            " lambda s, e: bss_eval_sources(s, e, compute_permutation=False)[0]"
        )
    with np.errstate(invalid="ignore"):
        return _number(np.asarray(after) - np.asarray(before))


def best_permutation(scores: ArrayLike) -> Array:
    """値の和が最大になる、正解と推定の対応を探す（ハンガリー法）。

    Parameters
    ----------
    scores : (n_references, n_estimates) の実数配列
        大きいほどよい値。推定は正解と同じ数か、それより多く要る。
        +inf の組はできるだけ多く、−inf の組はできるだけ少なく使う。

    Returns
    -------
    (n_references,) の int
        正解 j に対応する推定の番号。

    Examples
    --------
    >>> print(best_permutation([[0.0, np.inf], [20.0, 30.0]]))
    [1 0]

    章: evaluation
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.size == 0 or values.shape[0] > values.shape[1]:
        raise ValueError(
            "scores は (n_references, n_estimates) の形で、推定の数を正解の数以上にしてください"
            f"（shape={values.shape} が来ました）。"
        )
    if np.isnan(values).any():
        raise ValueError("scores に nan があり、大小を比べられません。")
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    # どんな有限の値の和よりも、∞ を 1 つ取る方が大きくなるようにする
    beyond = (high - low + 1) * len(values)
    replaced = np.nan_to_num(values, posinf=high + beyond, neginf=low - beyond)
    perm: Array = scipy.optimize.linear_sum_assignment(replaced, maximize=True)[1]
    return perm


def best_order(reference_sources: ArrayLike, estimated_sources: ArrayLike) -> Array:
    """SI-SDR の和が最大になる、推定の順。

    Parameters
    ----------
    reference_sources : (n_sources, ..., n_samples) の実数配列
        正解の音源。
    estimated_sources : (n_estimates, ..., n_samples) の実数配列
        推定。正解と同じ数か、それより多く要る。

    Returns
    -------
    (n_sources,) の int
        正解 j に対応する推定の番号。`estimated_sources[order]` が、正解の順に並ぶ。

    Raises
    ------
    ValueError
        推定が正解より少ないとき、正解が無音のとき、形が合わないとき。

    章: evaluation
    """
    s = _validate.real_array(reference_sources, "reference_sources", min_ndim=2)
    e = _validate.real_array(estimated_sources, "estimated_sources", min_ndim=2)
    s, e = s.reshape(len(s), -1), e.reshape(len(e), -1)  # 複数チャネルなら、つないで 1 つと見る
    # (正解, 推定) のすべての組
    pairs = si_sdr(np.repeat(s[:, None], len(e), 1), np.repeat(e[None], len(s), 0))
    return best_permutation(pairs)


def bootstrap_ci(
    scores: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    *,
    confidence: float = 0.95,
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
) -> tuple[float, float]:
    """ブートストラップ法による信頼区間。

    Parameters
    ----------
    scores : (n,) の実数配列
        独立な値（曲ごとの値など）。2 つの方式を同じ曲で比べるなら、曲ごとの差を渡す。
    statistic : 関数
        求めたい量。np.mean, np.median など。
    confidence : float
        0〜1。
    n_resamples : int
        復元抽出の回数。
    rng : Generator, int, optional
        乱数。

    Returns
    -------
    low, high : float
        区間。差の区間が 0 を含まなければ、平均の差は偶然では説明しにくい。

    Raises
    ------
    ValueError
        値が 2 つより少ないとき、nan や無限大があるとき。

    Notes
    -----
    偏りと歪みを直す BCa 法を使う。直し方が決まらないときはパーセンタイル法に替える。
    値が 10 個ほどしかないと、どちらも区間が狭すぎ、信用できない。同じ曲の窓どうしは独立でない
    ので、窓ごとの値を n 個の独立な値とみなしてもいけない。

    References
    ----------
    B. Efron, "Better bootstrap confidence intervals", 1987. doi:10.1080/01621459.1987.10478410

    章: evaluation
    """
    import warnings

    import scipy.stats

    values = _validate.real_array(scores, "scores")
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"scores は 2 つ以上の値を並べた 1 次元の配列にしてください（{values.shape}）。"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence は 0 と 1 の間にしてください（{confidence!r} が来ました）。")
    n_resamples = _validate.positive_int(n_resamples, "n_resamples")
    generator = np.random.default_rng(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 値がどれも同じときの警告。下で替える
        for method in ("BCa", "percentile"):
            interval = scipy.stats.bootstrap(
                (values,),
                statistic,
                confidence_level=confidence,
                n_resamples=n_resamples,
                method=method,
                random_state=generator,
            ).confidence_interval
            if np.isfinite(interval.low) and np.isfinite(interval.high):
                break
    return float(interval.low), float(interval.high)


def score(
    reference_sources: ArrayLike,
    estimated_sources: ArrayLike,
    *,
    mixture: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Scores:
    """おもな評価値を 1 つの表にまとめる。

    Parameters
    ----------
    reference_sources, estimated_sources : (n_sources, n_samples) の float32 / float64
        正解と推定。同じ順に並べる。
    mixture : (n_samples,), optional
        混合音。渡すと、SI-SDR と SDR の改善量（SI-SDRi、SDRi）も表に入る。
    names : 文字列の並び, optional
        音源の名前。

    Returns
    -------
    Scores
        SNR、SI-SDR と、BSS Eval v3（512 タップ）の SDR、SIR、SAR。

    章: evaluation
    """
    s, e = _both_sources(reference_sources, estimated_sources, 2)
    names = [f"音源 {j}" for j in range(len(s))] if names is None else list(names)
    if len(set(names)) != len(s):
        raise ValueError(
            f"names は音源の数 {len(s)} だけ、重ならないように並べてください（{names}）。"
        )
    sdr, sir, sar, _ = bss_eval_sources(s, e, compute_permutation=False)
    columns = {"SNR": snr(s, e), "SI-SDR": si_sdr(s, e), "SDR": sdr, "SIR": sir, "SAR": sar}
    if mixture is not None:
        columns["SI-SDRi"] = improvement(si_sdr, s, e, mixture)
        columns["SDRi"] = improvement(
            lambda a, b: bss_eval_sources(a, b, compute_permutation=False)[0], s, e, mixture
        )
    rows = {n: {k: float(v[j]) for k, v in columns.items()} for j, n in enumerate(names)}
    return Scores(rows)


def _number(values: Array) -> Any:
    """0 次元なら float にする。"""
    return values if values.ndim else float(values)


def _energy(y: Array) -> Array:
    """最後の軸の 2 乗和。"""
    total: Array = np.einsum("...n,...n->...", y, y)
    return total


def _gain(s: Array, e: Array) -> Array:
    """推定 e を正解 s に正射影する倍率 `(..., 1)`。"""
    gain: Array = np.einsum("...n,...n->...", s, e) / _energy(s)
    return gain[..., np.newaxis]


def _pair(
    reference: ArrayLike, estimate: ArrayLike, zero_mean: bool = False
) -> tuple[Array, Array]:
    """同じ形の正解と推定を float64 にして返す。"""
    s = _validate.real_array(reference, "reference").astype(np.float64)
    e = _validate.real_array(estimate, "estimate").astype(np.float64)
    _check_same_shape(s, e, "reference", "estimate")
    silent = ~np.any(s, axis=-1)
    if silent.any():
        raise ValueError(
            "reference に無音の信号があり、比が決まりません。無音の区間は除いてください。"
        )
    if zero_mean:
        power = _energy(s)
        s = s - s.mean(axis=-1, keepdims=True)
        e = e - e.mean(axis=-1, keepdims=True)
        if np.any(_energy(s) <= engine.ROUNDING * power):
            raise ValueError("reference が定数なので、平均を引くと無音になり、比が決まりません。")
    return s, e


def _check_same_shape(s: Array, e: Array, s_name: str, e_name: str) -> None:
    if s.shape == e.shape:
        return
    hint = ""
    if s.shape[:-1] == e.shape[:-1]:
        hint = "長さをそろえてください（黙って切りそろえると、ずれに気づけません）。"
    raise ValueError(f"{s_name} の形 {s.shape} と {e_name} の形 {e.shape} が違います。{hint}")


def _sources(sources: ArrayLike, name: str, ndim: int) -> Array:
    """音源を先頭に並べた、無音の音源のない配列にして返す。"""
    shape = "(n_sources, n_samples)" if ndim == 2 else "(n_sources, n_channels, n_samples)"
    array = _validate.real_array(sources, name)
    if array.ndim != ndim:
        raise ValueError(f"{name} は {shape} にしてください（shape={array.shape} が来ました）。")
    if max(array.shape[:-1]) > array.shape[-1]:
        raise ValueError(
            f"{name} の軸が逆のようです（shape={array.shape} が来ました）。"
            f"{shape} の順に並べてください。"
        )
    if name == "reference_sources":
        silent = [j for j, source in enumerate(array) if not source.any()]
        if silent:
            raise ValueError(f"{name} に無音の音源があり、比が決まりません（{silent} 番）。")
    return array


def _both_sources(
    reference_sources: ArrayLike, estimated_sources: ArrayLike, ndim: int
) -> tuple[Array, Array]:
    s = _sources(reference_sources, "reference_sources", ndim)
    e = _sources(estimated_sources, "estimated_sources", ndim)
    _check_same_shape(s, e, "reference_sources", "estimated_sources")
    return s, e


def _bss_inputs(
    reference_sources: ArrayLike, estimated_sources: ArrayLike, ndim: int, filter_length: int
) -> tuple[Array, Array, int]:
    s, e = _both_sources(reference_sources, estimated_sources, ndim)
    n_taps = _validate.positive_int(filter_length, "filter_length")
    n_samples = s.shape[-1]
    if s.size // n_samples * n_taps >= n_samples + n_taps - 1:
        raise ValueError(
            f"信号（{n_samples} サンプル）が filter_length={n_taps} に対して短すぎます。"
            "遅らせた正解の組み合わせで、どんな信号でも作れてしまいます。"
        )
    return s.astype(np.float64, copy=False), e.astype(np.float64, copy=False), n_taps


def _scale_invariant(
    reference_sources: ArrayLike, estimated_sources: ArrayLike, zero_mean: bool
) -> tuple[Array, Array]:
    """SI-SIR と SI-SAR。"""
    s, e = _pair(*_both_sources(reference_sources, estimated_sources, 2), zero_mean)
    target = _gain(s, e) * s
    distortion = e - target
    interference = np.stack([engine.project(s, d[np.newaxis], 1)[0] for d in distortion])
    sir = engine.decibels(_energy(target), _energy(interference))
    return sir, engine.decibels(_energy(target), _energy(distortion - interference))
