"""損失関数：スペクトログラムの損失、深層クラスタリング、波形の損失、順列不変学習。

波形は `(batch, n_sources, n_samples)`、STFT は `(batch, n_freq, n_frames)` の複素数、
マスクは `(batch, n_sources, n_freq, n_frames)`、埋め込みは `(batch, n_freq, n_frames, n_dims)`。
どの損失も小さいほどよく、例（batch の 1 つ）ごとに平均してから、例について平均する。
`reduction="none"` なら例ごとの値 `(batch,)` を返す。
名前が `_plain` で終わる関数は、論文の式のまま計算する、読むための実装である。
"""

import itertools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from sstut import _validate
from sstut._tensors import check_same_shape, complex_tensor, real_tensor

Loss: TypeAlias = Callable[..., Tensor]

MASKS = "(batch, n_sources, n_freq, n_frames)"
MIXTURE = "(batch, n_freq, n_frames)"
WAVEFORMS = "(batch, ..., n_samples)"


def lp_loss(estimate: Tensor, target: Tensor, p: float = 1, *, reduction: str = "mean") -> Tensor:
    """Lp 損失：差の絶対値の p 乗の平均。p=1 は平均絶対誤差、p=2 は平均二乗誤差 (MSE)。

    Parameters
    ----------
    estimate, target : (batch, ...) の実数
        推定と正解。同じ形の波形か振幅。
    p : float
        1 以上。大きいほど、大きな誤差を重く見る。
    reduction : {"mean", "none"}
        "mean" なら 1 つの数、"none" なら例ごとの値 `(batch,)`。

    Returns
    -------
    Tensor
        0 以上。最小は推定と正解が等しいときの 0。

    Raises
    ------
    ValueError
        形が違うとき、p が 1 より小さいとき。

    Notes
    -----
    平均なので長さによらない。p 乗根は取らないので、数学の Lp ノルムではない。

    Examples
    --------
    >>> estimate, target = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 5.0]])
    >>> lp_loss(estimate, target).item(), lp_loss(estimate, target, p=2).item()
    (2.0, 5.0)

    章: losses
    """
    e, s = _pair(estimate, target, "(batch, ...)")
    return _reduce(_power(e - s, p), reduction)


def magnitude_loss(
    masks: Tensor,
    mixture_stft: Tensor,
    source_stfts: Tensor,
    p: float = 1,
    *,
    relative: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """振幅の損失 (magnitude spectrum approximation, MSA)：`abs(M * abs(X) - abs(S))**p` の平均。

    Parameters
    ----------
    masks : (batch, n_sources, n_freq, n_frames) の実数
        推定したマスク M。
    mixture_stft : (batch, n_freq, n_frames) の複素数
        混合音 X。
    source_stfts : (batch, n_sources, n_freq, n_frames) の複素数
        正解の音源 S。
    p : float
        1 以上。
    relative : bool
        True なら、振幅を例ごとの `abs(X)` の平均で割り、損失が音量によらないようにする。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    Tensor
        0 以上。最小は、マスクを掛けた振幅が正解の振幅に等しいときの 0。

    Notes
    -----
    正解の位相を見ない。混合音の位相を借りて音に戻すなら、`phase_sensitive_loss` の方が合っている。

    章: losses
    """
    X, S = _spectra(masks, mixture_stft, source_stfts)
    return _spectral_loss(masks, X, S.abs(), p, relative, reduction)


def phase_sensitive_target(
    mixture_stft: Tensor, source_stfts: Tensor, *, truncated: bool = True
) -> Tensor:
    """位相を考えた目標の振幅：音源を混合音の向きに射影した長さ `abs(S) * cos(∠S - ∠X)`。

    Parameters
    ----------
    mixture_stft : (batch, n_freq, n_frames) の複素数
        混合音 X。
    source_stfts : (batch, n_sources, n_freq, n_frames) の複素数
        音源 S。
    truncated : bool
        True なら 0 以上 `abs(X)` 以下に切る。0〜1 のマスクで表せる範囲である。

    Returns
    -------
    (batch, n_sources, n_freq, n_frames) の実数
        目標の振幅。切らなければ負にもなり、音源について足すと `abs(X)` に戻る。X が 0 なら 0。

    章: losses
    """
    X, S = _spectra(None, mixture_stft, source_stfts)
    magnitude = X.abs()
    # |S| cos(∠S − ∠X) = Re(S X*) / |X|。複素数を掛けるだけなので、角度を求めるより速い
    direction = X.conj() / magnitude.clamp(min=torch.finfo(magnitude.dtype).tiny)
    target = S.real * direction.real - S.imag * direction.imag
    return target.clamp(min=0).minimum(magnitude) if truncated else target


def phase_sensitive_loss(
    masks: Tensor,
    mixture_stft: Tensor,
    source_stfts: Tensor,
    p: float = 1,
    truncated: bool = True,
    *,
    relative: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """位相を考えた損失 (truncated phase-sensitive spectrum approximation, tPSA)。

    Parameters
    ----------
    masks, mixture_stft, source_stfts, p, relative, reduction
        `magnitude_loss` と同じ。
    truncated : bool
        `phase_sensitive_target` と同じ。False なら PSA。

    Returns
    -------
    Tensor
        0 以上。最小は、マスクを掛けた振幅が `phase_sensitive_target` に等しいときの 0。

    Notes
    -----
    p=2、truncated=False のとき、複素数の誤差 `abs(M X - S)**2` との差はマスクによらない。
    つまり、混合音の位相を使うと決めたときの、最小二乗のマスクを学ぶ。

    References
    ----------
    H. Erdogan et al., "Phase-sensitive and recognition-boosted speech separation using deep
    recurrent neural networks", 2015. doi:10.1109/ICASSP.2015.7178061
    M. Kolbæk et al., "Multitalker speech separation with utterance-level permutation invariant
    training of deep recurrent neural networks", 2017. doi:10.1109/TASLP.2017.2726762

    章: losses
    """
    X, S = _spectra(masks, mixture_stft, source_stfts)
    target = phase_sensitive_target(mixture_stft, S, truncated=truncated)
    return _spectral_loss(masks, X, target, p, relative, reduction)


def ideal_assignment(source_stfts: Tensor) -> Tensor:
    """深層クラスタリングの正解：各ビンで最も大きい音源だけが 1 の、ワンホット表現。

    Parameters
    ----------
    source_stfts : (batch, n_sources, n_freq, n_frames) の複素数
        音源。

    Returns
    -------
    (batch, n_sources, n_freq, n_frames) の実数
        どのビンでも、音源について足すと 1。同じ大きさなら番号の小さい音源。

    章: losses
    """
    magnitude = complex_tensor(source_stfts, "source_stfts", MASKS).abs()
    # 2、3 個の音源では、音源の軸に沿った argmax より、順に大小を比べる方が速い
    loudest, owner = magnitude[:, 0], torch.zeros_like(magnitude[:, 0])
    for j in range(1, magnitude.shape[1]):
        owner = torch.where(magnitude[:, j] > loudest, float(j), owner)
        loudest = loudest.maximum(magnitude[:, j])
    return torch.stack([owner == j for j in range(magnitude.shape[1])], 1).to(magnitude.dtype)


def magnitude_weights(mixture_stft: Tensor, threshold_db: float = 40.0) -> Tensor:
    """深層クラスタリングの重み：混合音の振幅。ごく小さいビンは 0 にする。

    Parameters
    ----------
    mixture_stft : (batch, n_freq, n_frames) の複素数
        混合音。
    threshold_db : float
        例ごとの最大の振幅より、この値 [dB] を超えて小さいビンの重みを 0 にする。

    Returns
    -------
    (batch, n_freq, n_frames) の実数
        0 以上。

    Notes
    -----
    ほとんど無音のビンでは、どの音源が大きいかに意味がない。

    章: losses
    """
    magnitude = complex_tensor(mixture_stft, "mixture_stft", MIXTURE).abs()
    ratio = 10 ** (-_validate.non_negative_number(threshold_db, "threshold_db") / 20)
    peak = magnitude.amax((1, 2), keepdim=True)
    return torch.where(magnitude >= ratio * peak, magnitude, 0.0)


def deep_clustering_loss_plain(V: Tensor, Y: Tensor, w: Tensor) -> Tensor:
    """深層クラスタリングの損失を定義どおりに計算する（1 例）。

    すべてのビンの組 (i, j) について、埋め込みの内積を、同じ音源なら 1、違えば 0 に近づける。

    Parameters
    ----------
    V : (n_bins, n_dims) の実数
        埋め込み。
    Y : (n_bins, n_sources) の実数
        どの音源のビンかを表すワンホット表現。
    w : (n_bins,) の実数
        重み。和は 1。

    Returns
    -------
    スカラー
        `deep_clustering_loss` と同じ値。

    章: losses
    """
    difference = V @ V.T - Y @ Y.T  # (n_bins, n_bins)：ビンの数の 2 乗のメモリが要る
    return torch.sum(torch.outer(w, w) * difference**2)


def deep_clustering_loss(
    embeddings: Tensor,
    assignment: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """深層クラスタリングの損失：ビンの組の内積と「同じ音源か」との、二乗誤差の重み付き平均。

    Parameters
    ----------
    embeddings : (batch, n_freq, n_frames, n_dims) の実数
        単位長の埋め込み V。
    assignment : (batch, n_sources, n_freq, n_frames)
        全音源のワンホット表現 Y（`ideal_assignment`）。
    weights : (batch, n_freq, n_frames) の 0 以上の実数, optional
        ビンの重み。和が 1 になるように割って使う。省略するとどのビンも同じ重み。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    Tensor
        0 以上、単位長の埋め込みなら 4 以下。最小は、同じ音源のビンが同じ向き、違う音源のビンが直交
        するときの 0。重みがすべて 0 の例では 0。

    Notes
    -----
    ビンの組ごとの表は作らず、`‖VᵀWV‖² − 2‖VᵀWY‖² + ‖YᵀWY‖²` と展開する。行列の大きさは埋め込みの
    次元と音源の数だけで決まる。丸め誤差で、0 よりわずかに小さくなることがある。
    論文の損失は和で、ここではビンの組の数（重みの和の 2 乗）で割っている。
    ビンの軸はいくつでもよい。抜き出したビン `(batch, n_bins, n_dims)` も渡せる。

    References
    ----------
    J. R. Hershey et al., "Deep clustering: Discriminative embeddings for segmentation and
    separation", 2016. doi:10.1109/ICASSP.2016.7471631

    章: losses
    """
    VV, VY, YY = _grams(embeddings, assignment, weights)
    total = VV.square().sum((1, 2)) - 2 * VY.square().sum((1, 2)) + YY.square().sum((1, 2))
    return _reduce(total, reduction)


def whitened_deep_clustering_loss_plain(V: Tensor, Y: Tensor, w: Tensor) -> Tensor:
    """白色化した深層クラスタリングの損失を定義どおりに計算する（1 例、ridge=0）。

    白色化した埋め込みのうち、音源ごとの平均で表せない分のエネルギーを測る。

    Parameters
    ----------
    V, Y, w
        `deep_clustering_loss_plain` と同じ。

    Returns
    -------
    スカラー
        `whitened_deep_clustering_loss` の ridge=0 の値。

    章: losses
    """
    V, Y = torch.sqrt(w)[:, None] * V, torch.sqrt(w)[:, None] * Y
    variance, axes = torch.linalg.eigh(V.T @ V)
    whitened = V @ axes @ torch.diag(variance**-0.5) @ axes.T  # V (VᵀV)^(-1/2)
    centroids = torch.linalg.inv(Y.T @ Y) @ Y.T @ whitened  # (n_sources, n_dims)
    return torch.sum((whitened - Y @ centroids) ** 2)


def whitened_deep_clustering_loss(
    embeddings: Tensor,
    assignment: Tensor,
    weights: Tensor | None = None,
    *,
    ridge: float = 1e-3,
    reduction: str = "mean",
) -> Tensor:
    """白色化した深層クラスタリングの損失：`D − tr((VᵀV)⁻¹ VᵀY (YᵀY)⁻¹ YᵀV)`。

    Parameters
    ----------
    embeddings, assignment, weights, reduction
        `deep_clustering_loss` と同じ。
    ridge : float
        VᵀV と YᵀY（重みの和は 1）の対角に足す、小さい正の数。埋め込みが線形従属でも、
        鳴らない音源があっても、逆行列を計算できるようにする。

    Returns
    -------
    Tensor
        埋め込みの次元を D、音源の数を C とすると、`D − min(C, D)` 以上 D 以下。
        最小になるのは、V と Y のどちらかの列が張る空間に、もう一方の列が収まるとき（ridge=0 の
        とき）。ridge を足すと、値は少し増える。

    Raises
    ------
    ValueError
        形が合わないとき、ridge が小さすぎて逆行列がないとき。

    Notes
    -----
    もとの損失は、どの組の内積も同じくらいの値で、長く止まることがある。こちらは V の列を
    どう伸び縮みさせても回しても値が変わらず（ridge=0 のとき）、音源を見分ける向きがあるか
    どうかだけを見る。

    References
    ----------
    Z.-Q. Wang, J. Le Roux and J. R. Hershey, "Alternative objective functions for deep
    clustering", 2018. doi:10.1109/ICASSP.2018.8462507

    章: losses
    """
    ridge = _validate.non_negative_number(ridge, "ridge")
    VV, VY, YY = _grams(embeddings, assignment, weights)
    VV = VV + ridge * torch.eye(VV.shape[-1], dtype=VV.dtype, device=VV.device)
    YY = YY + ridge * torch.eye(YY.shape[-1], dtype=YY.dtype, device=YY.device)
    A, A_failed = torch.linalg.solve_ex(VV, VY)  # (VᵀV)⁻¹ VᵀY
    B, B_failed = torch.linalg.solve_ex(YY, VY.mT)  # (YᵀY)⁻¹ YᵀV
    if A_failed.any() or B_failed.any():
        raise ValueError(
            f"ridge={ridge:g} では、VᵀV か YᵀY の逆行列がありません。ridge を大きくしてください。"
        )
    # 行列の積のトレース tr(A B) は、A と Bᵀ の要素ごとの積の和
    return _reduce(VV.shape[-1] - (A * B.mT).sum((1, 2)), reduction)


def chimera_loss(clustering_loss: Tensor, inference_loss: Tensor, alpha: float) -> Tensor:
    """Chimera の損失：クラスタリングの損失とマスクの損失を `alpha : 1 − alpha` で混ぜる。

    Parameters
    ----------
    clustering_loss : Tensor
        `deep_clustering_loss` か `whitened_deep_clustering_loss` の値。
    inference_loss : 同じ形の Tensor
        `phase_sensitive_loss` などの値。
    alpha : float
        0〜1。0 ならマスクの損失だけ、1 ならクラスタリングの損失だけ。

    Returns
    -------
    Tensor
        重み付き平均。2 つの損失は単位が違うので、alpha は大きさを見て決める。

    References
    ----------
    Y. Luo et al., "Deep clustering and conventional networks for music separation: Stronger
    together", 2017. doi:10.1109/ICASSP.2017.7952118

    章: losses
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha は 0 以上 1 以下にしてください（{alpha!r} が来ました）。")
    check_same_shape(clustering_loss, "clustering_loss", inference_loss, "inference_loss")
    return alpha * clustering_loss + (1 - alpha) * inference_loss


def snr_loss(
    estimate: Tensor, target: Tensor, *, floor: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    """負の信号対雑音比 (SNR) [dB]：波形の誤差のパワーの、正解のパワーに対する比。

    Parameters
    ----------
    estimate, target : (batch, ..., n_samples) の実数
        推定と正解の波形。
    floor : float
        分子と分母に足すパワー（1 サンプルあたり）。既定の 1e-8 は、最大振幅 1 に対して −80 dB。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    Tensor
        デシベル。最小は推定が正解に等しいときの `−10 log10(1 + P / floor)`（P は正解のパワー）。
        上限はない。無音を返すと 0 dB。

    Notes
    -----
    floor のおかげで、正解が無音の例でも値と勾配が有限で、推定を無音へ近づける。
    floor を 0 に近づけると `−sstut.evaluation.snr` に近づく。

    章: losses
    """
    e, s = _pair(estimate, target, WAVEFORMS)
    floor = _validate.positive_number(floor, "floor")
    error, power = (e - s).square().mean(-1), s.square().mean(-1)
    return _reduce(10 * torch.log10((error + floor) / (power + floor)), reduction)


def si_sdr_loss(
    estimate: Tensor,
    target: Tensor,
    zero_mean: bool = True,
    *,
    limit: float = 80.0,
    reduction: str = "mean",
) -> Tensor:
    """負の SI-SDR [dB]：推定を正解に正射影した分と、残りの歪みとのパワーの比。

    Parameters
    ----------
    estimate, target : (batch, ..., n_samples) の実数
        推定と正解の波形。
    zero_mean : bool
        True なら、先にそれぞれの平均を引く。
    limit : float
        値を ±limit [dB] の中に滑らかに収める。0 より大きく 150 以下。30 くらいにすると、
        もう十分よい例の勾配が小さくなり、まだ悪い例に学習が向かう。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    Tensor
        デシベル。最小は、推定が正解の定数倍のときの −limit。最大は、推定が無音か、正解と直交する
        ときの limit。

    Notes
    -----
    推定を何倍しても（負の数でも）値は変わらないので、音量と正負は学べない。
    正解が無音だと SI-SDR は決まらない。そのような例は、値も勾配も 0 とする。
    limit を大きくすると `−sstut.evaluation.si_sdr` に近づく。

    References
    ----------
    J. Le Roux et al., "SDR – half-baked or well done?", 2019. doi:10.1109/ICASSP.2019.8683855

    章: losses
    """
    e, s = _pair(estimate, target, WAVEFORMS)
    if not 0 < limit <= 150:
        raise ValueError(f"limit は 0 より大きく 150 以下にしてください（{limit!r} が来ました）。")
    share = 10 ** (-limit / 10)
    rounding = (8 * torch.finfo(s.dtype).eps) ** 2 * s.square().sum(-1)
    if zero_mean:
        e, s = e - e.mean(-1, keepdim=True), s - s.mean(-1, keepdim=True)
    energy = s.square().sum(-1)
    silent = energy <= rounding  # 平均を引いた残りが丸め誤差しかない
    gain = (e * s).sum(-1) / torch.where(silent, 1.0, energy)
    projected = gain.square() * energy  # 正射影 gain * s のエネルギー
    # ごくわずかな歪みを足す。推定が無音なら、比は 0 / 0 でなく 0 になる
    distortion = (e - gain[..., None] * s).square().sum(-1) + 1e-22
    # 互いに相手の share 倍を含めると、どちらかが 0 でも、比は share と 1 / share の間に収まる
    loss = 10 * torch.log10(distortion + share * projected)
    loss = loss - 10 * torch.log10(projected + share * distortion)
    return _reduce(torch.where(silent, 0.0, loss), reduction)


def multi_resolution_stft_loss(
    estimate: Tensor,
    target: Tensor,
    *,
    n_ffts: Sequence[int] = (256, 512, 1024),
    floor: float = 1e-4,
    reduction: str = "mean",
) -> Tensor:
    """多解像度 STFT 損失：いくつかのフレーム長で、振幅の違いを比と対数の両方で測る。

    Parameters
    ----------
    estimate, target : (batch, ..., n_samples) の実数
        推定と正解の波形。
    n_ffts : 整数の並び
        フレームの長さ（サンプル、4 以上）。間隔はその 1/4、窓はハン窓。
    floor : float
        振幅に足す小さな数。振幅 1 の正弦波の山が 0.5 になる単位で、既定の 1e-4 は −80 dB。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    Tensor
        0 以上。スペクトル収束度（比）と、振幅の自然対数の平均絶対誤差との和を、解像度について
        平均した値。最小は振幅がどの解像度でも等しいときの 0。

    Notes
    -----
    長いフレームは周波数の違いに、短いフレームは時刻の違いに敏感である。位相は直接には見ないので、
    波形の正負を入れ替えても値は変わらない。

    References
    ----------
    R. Yamamoto, E. Song and J.-M. Kim, "Parallel WaveGAN", 2020.
    doi:10.1109/ICASSP40776.2020.9053795

    章: losses
    """
    e, s = _pair(estimate, target, WAVEFORMS)
    floor = _validate.positive_number(floor, "floor")
    if not n_ffts or min(n_ffts) < 4:
        raise ValueError(f"n_ffts には 4 以上の整数を並べてください（{n_ffts!r} が来ました）。")
    total = torch.zeros(s.shape[:-1], dtype=s.dtype, device=s.device)
    for n_fft in n_ffts:
        E, S = _magnitude_stft(e, n_fft), _magnitude_stft(s, n_fft)
        largest = torch.linalg.vector_norm(S + floor, dim=(-2, -1))
        convergence = torch.linalg.vector_norm(E - S, dim=(-2, -1)) / largest
        logarithm = (torch.log(E + floor) - torch.log(S + floor)).abs().mean((-2, -1))
        total = total + convergence + logarithm
    return _reduce(total / len(n_ffts), reduction)


def pit_plain(pairwise: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """順列不変学習 (PIT) を定義どおりに計算する：すべての順列を試し、最も小さい損失を選ぶ（1 例）。

    Parameters
    ----------
    pairwise : (n_sources, n_sources) の実数
        `pairwise[i, j]` は推定 i と正解 j の損失。

    Returns
    -------
    loss : スカラー
        最もよい順列での、音源についての平均。
    permutation : int の組
        正解 j に対応する推定の番号。

    章: losses
    """
    sources = range(len(pairwise))
    losses = {
        permutation: torch.stack([pairwise[permutation[j], j] for j in sources]).mean()
        for permutation in itertools.permutations(sources)
    }
    best = min(losses, key=lambda permutation: losses[permutation].item())
    return losses[best], best


def pit(pairwise: Tensor, *, reduction: str = "mean") -> tuple[Tensor, Tensor]:
    """順列不変学習 (permutation invariant training)：推定と正解の、最も損失の小さい対応を選ぶ。

    Parameters
    ----------
    pairwise : (batch, n_sources, n_sources) の実数
        `pairwise[b, i, j]` は推定 i と正解 j の損失。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    loss : Tensor
        最もよい対応での損失の、音源についての平均。勾配は選んだ対応だけを通る。
    permutation : (batch, n_sources) の整数
        正解 j に対応する推定の番号（`sstut.evaluation.best_permutation` と同じ向き）。

    Raises
    ------
    ValueError
        形が合わないとき、NaN や無限大があって比べられないとき。

    Notes
    -----
    順列は音源の数の階乗だけあるので、全部は試さず、ハンガリー法で同じ最小値を探す。

    References
    ----------
    D. Yu et al., "Permutation invariant training of deep models for speaker-independent
    multi-talker speech separation", 2017. doi:10.1109/ICASSP.2017.7952154

    Examples
    --------
    >>> loss, permutation = pit(torch.tensor([[[9.0, 1.0], [2.0, 9.0]]]))
    >>> loss.item(), permutation.tolist()
    (1.5, [[1, 0]])

    章: losses
    """
    pairwise = real_tensor(pairwise, "pairwise", "(batch, n_estimates, n_sources)")
    if pairwise.shape[1] != pairwise.shape[2]:
        raise ValueError(
            f"推定の数 {pairwise.shape[1]} と正解の数 {pairwise.shape[2]} をそろえてください。"
        )
    if not pairwise.isfinite().all():
        raise ValueError("pairwise に NaN か無限大があり、大小を比べられません。")
    permutation = _hungarian(pairwise.detach())
    chosen = pairwise.gather(1, permutation[:, None]).squeeze(1)  # (batch, n_sources)
    return _reduce(chosen, reduction), permutation


def permutation_invariant(
    loss: Loss, estimate: Tensor, target: Tensor, *, reduction: str = "mean"
) -> tuple[Tensor, Tensor]:
    """どんな損失でも順列不変にする：推定と正解のすべての組で損失を測り、`pit` に渡す。

    Parameters
    ----------
    loss : 関数
        `loss(estimate[:, i], target[:, j], reduction="none")` が例ごとの値 `(batch,)` を返すもの。
        この章の損失は、`functools.partial` で引数を決めたものも、そのまま渡せる。
    estimate, target : (batch, n_sources, ...)
        推定と正解。音源の数は同じ。
    reduction : {"mean", "none"}
        `lp_loss` と同じ。

    Returns
    -------
    loss, permutation
        `pit` と同じ。

    Notes
    -----
    発話の全体で 1 つの対応を選ぶ（utterance-level PIT）。フレームごとに選び直すと、
    途中で音源が入れ替わりうる。

    References
    ----------
    M. Kolbæk et al., "Multitalker speech separation with utterance-level permutation invariant
    training of deep recurrent neural networks", 2017. doi:10.1109/TASLP.2017.2726762

    Examples
    --------
    >>> sources = torch.eye(3)[None]  # (batch, n_sources, n_samples)
    >>> loss, permutation = permutation_invariant(lp_loss, sources[:, [2, 0, 1]], sources)
    >>> loss.item(), permutation.tolist()
    (0.0, [[1, 2, 0]])

    章: losses
    """
    check_same_shape(estimate, "estimate", target, "target")
    if estimate.ndim < 3:
        raise ValueError(
            "estimate は (batch, n_sources, ...) にしてください"
            f"（shape={tuple(estimate.shape)} が来ました）。"
        )
    estimates, targets = estimate.unbind(1), target.unbind(1)
    rows = [torch.stack([loss(e, s, reduction="none") for s in targets], -1) for e in estimates]
    return pit(torch.stack(rows, 1), reduction=reduction)  # (batch, 推定, 正解)


def permute_sources(estimate: Tensor, permutation: Tensor) -> Tensor:
    """推定を正解の順に並べ替える。

    Parameters
    ----------
    estimate : (batch, n_sources, ...)
        推定。
    permutation : (batch, n_sources) の整数
        `pit` の戻り値。

    Returns
    -------
    estimate と同じ形
        音源 j が正解 j に対応する。

    章: losses
    """
    if estimate.shape[:2] != permutation.shape:
        raise ValueError(
            f"permutation の形 {tuple(permutation.shape)} を、estimate の最初の 2 軸"
            f" {tuple(estimate.shape[:2])} に合わせてください。"
        )
    batch = torch.arange(len(estimate), device=estimate.device)[:, None]
    return estimate[batch, permutation]


def _pair(estimate: Tensor, target: Tensor, layout: str) -> tuple[Tensor, Tensor]:
    """同じ形の推定と正解。"""
    e, s = real_tensor(estimate, "estimate", layout), real_tensor(target, "target", layout)
    check_same_shape(e, "estimate", s, "target")
    return e, s


def _spectra(
    masks: Tensor | None, mixture_stft: Tensor, source_stfts: Tensor
) -> tuple[Tensor, Tensor]:
    """音源の軸を足した混合音 `(batch, 1, n_freq, n_frames)` と、音源。"""
    X = complex_tensor(mixture_stft, "mixture_stft", MIXTURE)[:, None]
    S = complex_tensor(source_stfts, "source_stfts", MASKS)
    check_same_shape(mixture_stft, "mixture_stft", S[:, 0], "source_stfts[:, 0]")
    if masks is not None:
        check_same_shape(real_tensor(masks, "masks", MASKS), "masks", S, "source_stfts")
    return X, S


def _spectral_loss(
    masks: Tensor, X: Tensor, target: Tensor, p: float, relative: bool, reduction: str
) -> Tensor:
    """マスクを掛けた振幅と、目標の振幅との Lp 損失。"""
    magnitude = X.abs()
    scale = magnitude.new_ones(())
    if relative:
        mean = magnitude.mean((1, 2, 3), keepdim=True)
        scale = torch.where(mean > 0, mean, 1.0)
    return _reduce(_power((masks * magnitude - target) / scale, p), reduction)


def _power(difference: Tensor, p: float) -> Tensor:
    """絶対値の p 乗。よく使う 1 と 2 は、遅い累乗を避ける。"""
    if not p >= 1:
        raise ValueError(f"p は 1 以上にしてください（{p!r} が来ました）。")
    if p == 2:
        return difference.square()
    magnitude = difference.abs()
    return magnitude if p == 1 else magnitude**p


def _reduce(values: Tensor, reduction: str) -> Tensor:
    """例ごとに平均し、"mean" なら例についても平均する。"""
    if reduction not in ("mean", "none"):
        raise ValueError(f'reduction は "mean" か "none" にしてください（{reduction!r}）。')
    per_example = values.flatten(1).mean(1) if values.ndim > 1 else values
    return per_example.mean() if reduction == "mean" else per_example


def _grams(
    embeddings: Tensor, assignment: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """重みを掛けた内積の行列 `VᵀWV`、`VᵀWY`、`YᵀWY`（どれも batch の軸が先頭）。"""
    V = real_tensor(embeddings, "embeddings", "(batch, ..., n_bins, n_dims)")
    bins = (V.shape[0], *V.shape[1:-1])
    if assignment.ndim < 3 or (assignment.shape[0], *assignment.shape[2:]) != bins:
        raise ValueError(
            f"assignment の形 {tuple(assignment.shape)} が embeddings の形 {tuple(V.shape)} と"
            "合いません。(batch, n_sources, n_freq, n_frames) と"
            " (batch, n_freq, n_frames, n_dims) にしてください。"
        )
    if weights is not None and tuple(weights.shape) != bins:
        raise ValueError(
            f"weights の形 {tuple(weights.shape)} が embeddings の形 {tuple(V.shape)} と"
            "合いません。"
        )
    V = V.flatten(1, -2)  # (batch, n_bins, n_dims)
    Y = assignment.flatten(2).mT.to(V.dtype)  # (batch, n_bins, n_sources)
    w = V.new_ones(V.shape[:2]) if weights is None else weights.flatten(1).to(V.dtype)
    total = w.sum(1, keepdim=True)
    w = (w / torch.where(total > 0, total, 1.0))[..., None]
    with torch.autocast(V.device.type, enabled=False):  # 半精度では、差を取ると何も残らない
        weighted = w * V
        return weighted.mT @ V, weighted.mT @ Y, (w * Y).mT @ Y


def _magnitude_stft(y: Tensor, n_fft: int) -> Tensor:
    """振幅 1 の正弦波の山が 0.5 になるように割った、振幅スペクトログラム。"""
    window = torch.hann_window(n_fft, dtype=y.dtype, device=y.device)
    S = torch.stft(
        y.reshape(-1, y.shape[-1]),
        n_fft,
        n_fft // 4,
        window=window / window.sum(),
        pad_mode="constant",
        return_complex=True,
    )
    return S.abs().reshape(*y.shape[:-1], *S.shape[-2:])


def _hungarian(pairwise: Tensor) -> Tensor:
    """ハンガリー法で、和が最小の対応を探す `(batch, n_sources)`。"""
    orders = [scipy.optimize.linear_sum_assignment(cost.T)[1] for cost in pairwise.cpu().numpy()]
    return torch.from_numpy(np.stack(orders)).to(pairwise.device)
