"""非負値行列因子分解 (NMF) と頑健主成分分析 (RPCA)：スペクトログラムを、くり返す部品に分ける。

振幅（かパワー）スペクトログラム V `(n_freq, n_frames)` を、基底 W `(n_freq, n_components)` と
アクティベーション H `(n_components, n_frames)` の積で近似する。`nmf_plain` は読むための実装、
`nmf` は同じ値を速く計算する実装である。
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine import nmf as engine
from sstut._engine.threads import one_thread
from sstut.masking import separate
from sstut.representations import mel_filterbank, stft

Array: TypeAlias = NDArray[Any]
Seed: TypeAlias = int | np.random.Generator | None

BETAS = {"euclidean": 2, "kl": 1, "is": 0}


@dataclass(frozen=True)
class NMFResult:
    """NMF の結果。`W @ H` が V の近似になる。

    Attributes
    ----------
    W : 基底（周波数の形） `(n_freq, n_components)`。学習したなら、各列の和は 1
    H : アクティベーション（時間の強さ） `(n_components, n_frames)`
    losses : 損失 `(n_iter // loss_every + 1,)`。`losses[k]` は k * loss_every 回直した後の値

    章: nmf
    """

    W: Array
    H: Array
    losses: Array


def divergence(V: ArrayLike, approximation: ArrayLike, loss: str = "kl") -> float:
    """近似の悪さ：ユークリッド距離、KL ダイバージェンス、板倉・斎藤 (IS) ダイバージェンス。

    Parameters
    ----------
    V, approximation : 同じ形の 0 以上の実数配列
        目標と近似 Q。
    loss : {"kl", "euclidean", "is"}
        "euclidean" は `sum((V − Q)**2) / 2`、"kl" は `sum(V log(V / Q) − V + Q)`、
        "is" は `sum(V / Q − log(V / Q) − 1)`。

    Returns
    -------
    float
        0 以上。V = Q のときだけ 0。"is" は V と Q を同じ倍率で変えても変わらない。

    References
    ----------
    C. Févotte, N. Bertin, and J.-L. Durrieu, "Nonnegative matrix factorization with the
    Itakura-Saito divergence", 2009. doi:10.1162/neco.2008.04-08-771

    Examples
    --------
    >>> V = np.array([[1.0, 2.0]])
    >>> print(divergence(V, V), divergence(V, 2 * V, "euclidean"))
    0.0 2.5

    章: nmf
    """
    V, Q = _non_negative(V, "V", 0), _non_negative(approximation, "approximation", 0)
    if V.shape != Q.shape:
        raise ValueError(f"V の形 {V.shape} と approximation の形 {Q.shape} が違います。")
    beta = _beta(loss)
    V, Q = V.astype(np.float64), Q.astype(np.float64)
    if beta == 2:
        return float(0.5 * np.sum((V - Q) ** 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(V == Q, 1.0, V / Q)
        if beta == 1:
            return float(np.sum(np.where(V > 0, V * np.log(ratio), 0.0) - V + Q))
        return float(np.sum(ratio - np.log(ratio) - 1))


def nmf_plain(V: Array, W: Array, H: Array, n_iter: int) -> tuple[Array, Array]:
    """KL ダイバージェンスの NMF を、乗法更新の式のとおりに計算する。

    Parameters
    ----------
    V : (n_freq, n_frames) の正の実数配列
        目標。
    W, H : (n_freq, n_components), (n_components, n_frames) の正の実数配列
        初期値。書き換えない。
    n_iter : int
        くり返す回数。

    Returns
    -------
    W, H
        直した後の値。

    章: nmf
    """
    for _ in range(n_iter):
        W = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
        H = H * (W.T @ (V / (W @ H))) / W.sum(axis=0)[:, np.newaxis]
    return W, H


def nmf(
    V: ArrayLike,
    n_components: int | None = None,
    *,
    loss: str = "kl",
    n_iter: int = 200,
    W: ArrayLike | None = None,
    H: ArrayLike | None = None,
    update_W: bool = True,
    loss_every: int = 1,
    rng: Seed = None,
) -> NMFResult:
    """非負値行列因子分解：V を、0 以上の行列の積 W H で近似する（乗法更新）。

    Parameters
    ----------
    V : (n_freq, n_frames) の float32 / float64、0 以上
        振幅かパワーのスペクトログラム。
    n_components : int, optional
        基底の数。W か H を渡すなら省ける。
    loss : {"kl", "euclidean", "is"}
        近似の悪さの測り方（`divergence`）。
    n_iter : int
        くり返す回数。
    W, H : 配列, optional
        初期値。省くと乱数。0 の要素は、いつまでも 0 のまま残る。
    update_W : bool
        False なら W を固定し、H だけを直す（教師あり NMF の 2 段階目）。W が要る。
    loss_every : int
        何回に 1 度、損失を測るか。対数の計算は更新と同じくらい重い。
    rng : int, Generator, optional
        初期値の乱数の種、または生成器。

    Returns
    -------
    NMFResult
        W, H, losses。update_W なら、W の列の和が 1 になるように大きさを H へ移す。

    Raises
    ------
    ValueError
        V に負の値があるとき、形が合わないとき、知らない loss が来たとき。

    Notes
    -----
    0 で割らないように、近似には V の最大値の 1.2e-7 倍（float32 の丸め）を足す。losses はその近似に
    ついての値で、決して増えない。更新式は scikit-learn の `NMF(solver="mu")` と同じで、"is" では
    増えないことを証明できるように指数 1/2 を付ける。"is" は 0 で決まらないので、V の下限を
    最大値の 1e-10 倍にする。答えは初期値で変わる。

    References
    ----------
    D. D. Lee and H. S. Seung, "Algorithms for non-negative matrix factorization", 2001.
    C. Févotte and J. Idier, "Algorithms for nonnegative matrix factorization with the
    β-divergence", 2011. doi:10.1162/NECO_a_00168

    Examples
    --------
    >>> V = np.outer([1.0, 0.0, 2.0], [0.0, 1.0, 3.0]) + np.outer([0.0, 1.0, 0.0], [2.0, 0.0, 1.0])
    >>> result = nmf(V, 2, rng=0)
    >>> bool(np.allclose(result.W @ result.H, V, atol=1e-3))
    True

    章: nmf
    """
    V = _non_negative(V, "V", 2)
    target: Array = np.ascontiguousarray(V)
    beta = _beta(loss)
    bases, activations = _start(target, n_components, W, H, np.random.default_rng(rng))
    if beta == 0:
        target = np.maximum(target, target.dtype.type(1e-10 * (target.max() or 1.0)))
    updates = engine.Updates(target, bases, activations, beta, update_W)
    loss_every = _validate.positive_int(loss_every, "loss_every")
    losses = []
    with one_thread():
        for k in range(_validate.positive_int(n_iter, "n_iter")):
            measured = updates.sweep(measure=k % loss_every == 0)
            losses += [measured] if k % loss_every == 0 else []
        if n_iter % loss_every == 0:
            losses.append(updates.sweep(update=False))
    if update_W:
        weight = bases.sum(axis=0)
        weight[weight == 0] = 1
        bases /= weight
        activations *= weight[:, np.newaxis]
    return NMFResult(bases, activations, np.array(losses))


def component_masks(W: ArrayLike, H: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """成分ごと（か成分の組ごと）のウィーナーマスク `W_k H_k / W H`。

    Parameters
    ----------
    W, H : (n_freq, n_components), (n_components, n_frames)
        `nmf` の結果。
    groups : (n_components,) の整数, optional
        成分が属する組の番号（0 から）。省くと、成分 1 つが 1 つの組になる。

    Returns
    -------
    (n_groups, n_freq, n_frames)
        和が 1 のマスク。近似がすべて 0 の点では等分する。

    Examples
    --------
    >>> W, H = np.array([[1.0, 3.0]]), np.array([[1.0], [1.0]])
    >>> print(component_masks(W, H)[:, 0, 0])
    [0.25 0.75]

    章: nmf
    """
    W, H = _non_negative(W, "W", 2), _non_negative(H, "H", 2)
    if W.shape[1] != H.shape[0]:
        raise ValueError(f"W の形 {W.shape} と H の形 {H.shape} で、成分の数が違います。")
    labels = np.arange(len(H)) if groups is None else np.asarray(groups)
    if labels.shape != (len(H),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"groups は 0 以上の整数を成分の数 {len(H)} だけ並べてください"
            f"（shape={labels.shape}, dtype={labels.dtype} が来ました）。"
        )
    parts = np.stack(
        [W[:, labels == g] @ H[labels == g] for g in range(int(labels.max()) + 1)]
    )  # (n_groups, n_freq, n_frames)
    total = parts.sum(axis=0)
    empty = total <= np.finfo(total.dtype).tiny
    parts[:, empty] = 1
    parts /= np.where(empty, len(parts), total)
    return parts


def supervised_nmf(
    V: ArrayLike,
    bases: Sequence[ArrayLike],
    *,
    loss: str = "kl",
    n_iter: int = 100,
    rng: Seed = None,
) -> tuple[Array, NMFResult]:
    """教師あり NMF：音源ごとに学んでおいた基底を並べて固定し、アクティベーションだけを求める。

    Parameters
    ----------
    V : (n_freq, n_frames) の float32 / float64、0 以上
        混合音のスペクトログラム。
    bases : (n_freq, n_components_j) の配列の並び
        音源ごとの基底。単独の音に `nmf` を使うと得られる（`nmf(...).W`）。
    loss, n_iter, rng
        `nmf` と同じ。

    Returns
    -------
    masks : (n_sources, n_freq, n_frames)
        音源ごとのウィーナーマスク。和は 1。
    result : NMFResult
        並べた W と、求めた H、損失。

    References
    ----------
    P. Smaragdis, B. Raj, and M. Shashanka, "Supervised and semi-supervised separation of sounds
    from single-channel mixtures", 2007.

    章: nmf
    """
    V = _non_negative(V, "V", 2)
    if len(bases) < 2:
        raise ValueError(f"bases には音源ごとの基底が 2 つ以上要ります（{len(bases)} 個でした）。")
    columns = [_non_negative(W, f"bases[{j}]", 2) for j, W in enumerate(bases)]
    wrong = [W.shape for W in columns if W.shape[0] != V.shape[0]]
    if wrong:
        raise ValueError(f"基底の周波数の数が V の {V.shape[0]} と合いません（{wrong}）。")
    result = nmf(V, W=np.hstack(columns), loss=loss, n_iter=n_iter, update_W=False, rng=rng)
    groups = np.repeat(np.arange(len(columns)), [W.shape[1] for W in columns])
    return component_masks(result.W, result.H, groups), result


def timbre_clusters(
    W: ArrayLike,
    n_clusters: int,
    *,
    sr: float,
    n_mfcc: int = 13,
    rng: Seed = None,
) -> Array:
    """基底を音色の近さで組に分ける：MFCC にしてから k 平均法。

    Parameters
    ----------
    W : (n_freq, n_components) の 0 以上の実数配列
        振幅の基底。
    n_clusters : int
        組の数。成分の数以下。
    sr : float
        標本化周波数 [Hz]。
    n_mfcc : int
        MFCC の次数。音量を表す 0 次は使わない。
    rng : int, Generator, optional
        k 平均法の初期値の乱数。

    Returns
    -------
    (n_components,) の int
        組の番号 0〜n_clusters − 1。番号は、組の重心の周波数が低い順に付ける。

    Notes
    -----
    MFCC は、メル尺度にまとめた対数パワーを離散コサイン変換したもの。低い次数ほど、
    スペクトルの大まかな形（音色）を表す。

    References
    ----------
    M. Spiertz and V. Gnann, "Source-filter based clustering for monaural blind source
    separation", 2009.

    章: nmf
    """
    from scipy.cluster.vq import kmeans2

    W = _non_negative(W, "W", 2).astype(np.float64)
    n_clusters = _validate.positive_int(n_clusters, "n_clusters")
    if n_clusters > W.shape[1]:
        raise ValueError(f"n_clusters={n_clusters} が成分の数 {W.shape[1]} より多いです。")
    n_fft = 2 * (W.shape[0] - 1)
    mel = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=min(40, n_fft // 16), dtype=np.float64) @ W**2
    level = 10 * np.log10(np.maximum(mel, 1e-8 * np.maximum(mel.max(axis=0), 1e-300)))
    features = scipy.fft.dct(level, axis=0, norm="ortho")[1 : n_mfcc + 1].T  # (n_components, …)
    distinct, labels = np.unique(features, axis=0, return_inverse=True)
    if len(distinct) > n_clusters:
        seeds = np.random.default_rng(rng).integers(2**32, size=10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 空の組ができたという警告。選ばれるのは別の回になる
            runs = [kmeans2(features, n_clusters, minit="++", rng=int(s)) for s in seeds]
        # k 平均法は初期値しだいなので、組の中のばらつきがいちばん小さい結果を選ぶ
        spread = [np.sum((features - centers[labels]) ** 2) for centers, labels in runs]
        labels = runs[int(np.argmin(spread))][1]
    pitch = np.arange(len(W)) @ W / np.maximum(W.sum(axis=0), 1e-300)
    centroid = [
        pitch[labels == c].mean() if np.any(labels == c) else np.inf for c in range(n_clusters)
    ]
    rank: Array = np.argsort(np.argsort(centroid))[labels]
    return rank


@dataclass(frozen=True)
class RPCAResult:
    """RPCA の結果。`low_rank + sparse` が、求めた精度で元の行列に戻る。

    Attributes
    ----------
    low_rank : 低ランクの成分（くり返す伴奏） `(n_freq, n_frames)`
    sparse : まばらな成分（歌など） `(n_freq, n_frames)`
    losses : 元の行列とのずれ `‖M − L − S‖ / ‖M‖`、くり返しごと

    章: nmf
    """

    low_rank: Array
    sparse: Array
    losses: Array


def rpca(
    M: ArrayLike, *, sparsity: float | None = None, n_iter: int = 100, tol: float = 1e-5
) -> RPCAResult:
    """頑健主成分分析 (RPCA)：行列を、低ランクの行列とまばらな行列の和に分ける。

    `‖L‖_* + sparsity * ‖S‖_1`（核ノルムと絶対値の和）を、L + S = M のもとで最小にする。

    Parameters
    ----------
    M : (n_freq, n_frames) の float32 / float64
        振幅スペクトログラムなど。
    sparsity : float, optional
        まばらさの重み λ。大きいほど S がまばらになる。省くと 1 / sqrt(max(n_freq, n_frames))。
    n_iter : int
        くり返す回数の上限。
    tol : float
        `‖M − L − S‖ / ‖M‖` がこれを下回ったら止める。

    Returns
    -------
    RPCAResult
        low_rank, sparse, losses。

    Notes
    -----
    不正確な拡張ラグランジュ法（inexact ALM）による。特異値を縮める計算は、小さいほうの辺の
    グラム行列の固有値分解で行う。

    References
    ----------
    E. J. Candès et al., "Robust principal component analysis?", 2011. doi:10.1145/1970392.1970395
    P.-S. Huang et al., "Singing-voice separation from monaural recordings using robust principal
    component analysis", 2012. doi:10.1109/ICASSP.2012.6287816

    章: nmf
    """
    M = _validate.real_array(M, "M", min_ndim=2)
    if M.ndim != 2:
        raise ValueError(f"M は 2 次元にしてください（shape={M.shape} が来ました）。")
    weight = 1 / np.sqrt(max(M.shape)) if sparsity is None else sparsity
    weight = _validate.positive_number(weight, "sparsity")
    norm = float(np.linalg.norm(M))
    if norm == 0:
        return RPCAResult(M.copy(), np.zeros_like(M), np.zeros(1))
    n_iter = _validate.positive_int(n_iter, "n_iter")
    S, losses = np.zeros_like(M), []
    with one_thread():
        largest = float(np.linalg.norm(M, 2))
        Y = M / max(largest, float(np.abs(M).max()) / weight)  # 双対変数
        mu = 1.25 / largest
        for _ in range(n_iter):
            L = _shrink_singular_values(M - S + Y / mu, 1 / mu)
            T = M - L + Y / mu
            S = np.sign(T) * np.maximum(np.abs(T) - weight / mu, 0)
            residual = M - L - S
            Y += mu * residual
            mu *= 1.5
            losses.append(float(np.linalg.norm(residual)) / norm)
            if losses[-1] < tol:
                break
    return RPCAResult(L, S, np.array(losses))


def _shrink_singular_values(X: Array, threshold: float) -> Array:
    """特異値を threshold だけ縮める（負になる分は 0）。"""
    if X.shape[0] > X.shape[1]:
        return _shrink_singular_values(X.T, threshold).T
    # X = U Σ V' の U と Σ**2 は、小さい X X' の固有値分解で求まる
    eigenvalues, U = np.linalg.eigh(X @ X.T)
    sigma = np.sqrt(np.maximum(eigenvalues, 0))
    keep = sigma > threshold
    U = U[:, keep]
    shrunk: Array = (U * (1 - threshold / sigma[keep])) @ (U.T @ X)
    return shrunk


def separate_timbre(
    mixture: ArrayLike,
    sr: float,
    *,
    n_sources: int = 2,
    n_components: int = 24,
    n_iter: int = 200,
    n_fft: int = 2048,
    hop_length: int = 512,
    rng: Seed = 0,
) -> Array:
    """混合音を NMF で成分に分け、音色の近い成分を集めて音源にする（正解も学習も要らない）。

    Parameters
    ----------
    mixture : (n_samples,) か (n_channels, n_samples)
        混合音。
    sr : float
        標本化周波数 [Hz]。
    n_sources, n_components, n_iter
        音源の数、成分の数、NMF のくり返し。
    n_fft, hop_length
        STFT の設定。
    rng : int, Generator, optional
        NMF と k 平均法の乱数。

    Returns
    -------
    (n_sources, ..., n_samples)
        重心の低い順に並べた音源。和は混合音に戻る。どれがどの楽器かは、聴いて決める。

    章: nmf
    """
    V, params = _mean_magnitude(mixture, n_fft, hop_length)
    generator = np.random.default_rng(rng)
    result = nmf(V, n_components, n_iter=n_iter, loss_every=n_iter, rng=generator)
    labels = timbre_clusters(result.W, n_sources, sr=sr, rng=generator)
    masks = component_masks(result.W, result.H, labels)
    missing = n_sources - len(masks)  # 最後の組が空なら、何も通さないマスクを足す
    masks = np.concatenate([masks, np.zeros((missing, *V.shape), V.dtype)])
    return separate(mixture, masks, **params)


def separate_rpca(
    mixture: ArrayLike,
    *,
    sparsity: float | None = None,
    n_iter: int = 100,
    n_fft: int = 2048,
    hop_length: int = 512,
) -> Array:
    """RPCA で、くり返す伴奏（低ランク）と、そうでない音（まばら）に分ける。

    Parameters
    ----------
    mixture : (n_samples,) か (n_channels, n_samples)
        混合音。
    sparsity, n_iter
        `rpca` を見よ。
    n_fft, hop_length
        STFT の設定。

    Returns
    -------
    (2, ..., n_samples)
        低ランクの音、まばらな音の順。和は混合音に戻る。

    Notes
    -----
    マスクは 2 つの成分の絶対値の比。

    章: nmf
    """
    V, params = _mean_magnitude(mixture, n_fft, hop_length)
    result = rpca(V, sparsity=sparsity, n_iter=n_iter)
    low, sparse = np.abs(result.low_rank), np.abs(result.sparse)
    total = low + sparse
    mask = np.divide(low, total, out=np.ones_like(low), where=total > 0)
    return separate(mixture, np.stack([mask, 1 - mask]), **params)


def _mean_magnitude(
    mixture: ArrayLike, n_fft: int, hop_length: int
) -> tuple[Array, dict[str, Any]]:
    """チャネルで平均した振幅と、マスクを掛けるときの STFT の設定。"""
    params: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop_length}
    V = np.abs(stft(mixture, **params))
    if V.ndim == 3:
        V = V.mean(axis=0)
    return np.ascontiguousarray(V), params


def _beta(loss: str) -> int:
    if loss not in BETAS:
        raise ValueError(f"loss は {tuple(BETAS)} のどれかにしてください（{loss!r} が来ました）。")
    return BETAS[loss]


def _non_negative(x: ArrayLike, name: str, ndim: int) -> Array:
    """0 以上で有限な、`ndim` 次元（0 なら何次元でも）の実数配列にする。"""
    array = _validate.non_negative_array(x, name, min_ndim=ndim)
    if ndim and array.ndim != ndim:
        raise ValueError(f"{name} は {ndim} 次元にしてください（shape={array.shape} が来ました）。")
    return array


def _start(
    V: Array, n_components: int | None, W: Any, H: Any, rng: np.random.Generator
) -> tuple[Array, Array]:
    """W と H の初期値（新しい配列）。乱数なら、積の平均が V の平均ほどになる大きさにする。"""
    given = [
        int(np.shape(x)[axis]) for x, axis in ((W, 1), (H, 0)) if x is not None and np.ndim(x) == 2
    ]
    sizes = set(given + ([] if n_components is None else [n_components]))
    if len(sizes) != 1:
        raise ValueError(
            "成分の数を決められません。n_components か、2 次元の W か H を渡し、"
            f"数をそろえてください（{sorted(sizes)} が来ました）。"
        )
    n = _validate.positive_int(sizes.pop(), "n_components")
    level = np.sqrt(float(V.mean()) / n)
    started = []
    for name, x, shape in (("W", W, (V.shape[0], n)), ("H", H, (n, V.shape[1]))):
        if x is None:
            start = (rng.random(shape) + 0.5) * level  # 0 から離しておく
        else:
            start = _non_negative(x, name, 2)
            if start.shape != shape:
                raise ValueError(
                    f"{name} の形は {shape} にしてください（{start.shape} が来ました）。"
                )
        started.append(start.astype(V.dtype))
    return started[0], started[1]
