"""深層クラスタリングと Chimera：ビンごとの埋め込みを学び、k 平均法で音源に分ける。"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sstut import _validate
from sstut.networks.base import (
    SpectralSeparator,
    activate,
    check_activation,
    normalized_log_magnitude,
)

LOUD = 1e-2  # 最大の振幅の 1/100（−40 dB）より小さいビンは、集まりを決めるのに使わない
N_POINTS = 8192  # k 平均法で中心を決めるときに使うビンの数の上限


class _Embedder(SpectralSeparator):
    """BLSTM の出力から、ビンごとの長さ 1 のベクトル（埋め込み）を作る。"""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__(arguments)
        hidden, self.n_dims = self.config["hidden"], self.config["n_dims"]
        self.sharpness = _validate.non_negative_number(self.config["sharpness"], "sharpness")
        self.rnn = nn.LSTM(
            self.n_freq, hidden, self.config["n_layers"], batch_first=True, bidirectional=True
        )
        self.embedding = nn.Linear(2 * hidden, self.n_freq * self.n_dims)

    def recur(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT から、BLSTM の出力 `(batch, n_frames, 2 * hidden)` を求める。

        章: architectures
        """
        h, _ = self.rnn(normalized_log_magnitude(mixture_stft).transpose(1, 2))
        return torch.as_tensor(h)

    def embed(self, mixture_stft: Tensor, frames: Tensor | None = None) -> Tensor:
        """ビンごとの埋め込み。

        Parameters
        ----------
        mixture_stft : (batch, n_freq, n_frames) の複素数
            混合音の STFT。
        frames : (n_chosen,) の整数, optional
            埋め込みを求めるフレームの番号。省略すると全部。

        Returns
        -------
        (batch, n_freq, n_frames または n_chosen, n_dims)
            長さ 1 のベクトル。同じ音源のビンは近く、違う音源のビンは遠くなるように学ぶ。

        章: architectures
        """
        return self._embed(self.recur(mixture_stft), frames)

    def cluster_masks(self, mixture_stft: Tensor) -> Tensor:
        """埋め込みを k 平均法で分け、マスクにする。音源の和は 1。

        Parameters
        ----------
        mixture_stft : (batch, n_freq, n_frames) の複素数
            混合音の STFT。

        Returns
        -------
        (batch, n_sources, n_freq, n_frames)
            音源の順番は、音ごとに決まっていない。勾配は通らない。

        章: architectures
        """
        with torch.no_grad():
            pairs = zip(self.embed(mixture_stft), mixture_stft.abs(), strict=True)
            return torch.stack([cluster(v, a, self.n_sources, self.sharpness) for v, a in pairs])

    def _embed(self, h: Tensor, frames: Tensor | None) -> Tensor:
        """BLSTM の出力から、長さ 1 のベクトルを作る。"""
        h = h if frames is None else h[:, frames]
        vectors = self.embedding(h).float().unflatten(-1, (self.n_freq, self.n_dims))
        # (batch, n_frames, n_freq, n_dims) → (batch, n_freq, n_frames, n_dims)
        return functional.normalize(vectors, dim=-1).transpose(1, 2)


class DeepClustering(_Embedder):
    """深層クラスタリング：埋め込みだけを学び、k 平均法でマスクを作るネットワーク。

    Parameters
    ----------
    n_sources : int
        音源の数。学んだ後で変えられる（`network.n_sources`）。
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。
    hidden, n_layers : int
        BLSTM の状態の大きさ（片方の向き）と、層の数。
    n_dims : int
        埋め込みの次元。
    sharpness : float
        マスクの切り替わりの鋭さ。0 なら、近い方の音源だけを 1 にする（二値マスク）。
    ordered : bool
        k 平均法の集まりには順番がないので、False のままにする。

    References
    ----------
    J. R. Hershey, Z. Chen, J. Le Roux and S. Watanabe, "Deep clustering: discriminative
    embeddings for segmentation and separation", 2016. doi:10.1109/ICASSP.2016.7471631

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        n_fft: int = 512,
        hop_length: int = 128,
        hidden: int = 96,
        n_layers: int = 2,
        n_dims: int = 12,
        sharpness: float = 5.0,
        ordered: bool = False,
    ) -> None:
        super().__init__(locals())

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT から、k 平均法でマスクを作る（`cluster_masks`）。

        章: architectures
        """
        return self.cluster_masks(mixture_stft)


class Chimera(_Embedder):
    """Chimera：1 つの BLSTM から、マスクと埋め込みの両方を出すネットワーク。

    Parameters
    ----------
    n_sources, n_fft, hop_length, hidden, n_layers, n_dims, sharpness
        `DeepClustering` と同じ。
    activation : {"softmax", "sigmoid"}
        マスクの作り方（`activate`）。
    inference : {"mask", "cluster"}
        分けるときに、マスクの側と、埋め込みの側のどちらを使うか。
    ordered : bool
        マスクの側の順番が決まっているか。

    References
    ----------
    Y. Luo et al., "Deep clustering and conventional networks for music separation: stronger
    together", 2017. doi:10.1109/ICASSP.2017.7952118

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        n_fft: int = 512,
        hop_length: int = 128,
        hidden: int = 96,
        n_layers: int = 2,
        n_dims: int = 12,
        sharpness: float = 5.0,
        activation: str = "softmax",
        inference: str = "mask",
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        self.activation = check_activation(activation)
        if inference not in ("mask", "cluster"):
            raise ValueError(
                f'inference は "mask" か "cluster" にしてください（{inference!r} が来ました）。'
            )
        self.inference = inference
        self.ordered = ordered and inference == "mask"
        self.head = nn.Linear(2 * hidden, n_sources * self.n_freq)

    def both(self, mixture_stft: Tensor, frames: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """BLSTM を 1 度だけ計算して、マスクと埋め込みを返す（学習に使う）。

        Parameters
        ----------
        mixture_stft, frames
            `embed` と同じ。frames は埋め込みだけに効く。

        Returns
        -------
        masks : (batch, n_sources, n_freq, n_frames)
        embeddings : (batch, n_freq, n_frames または n_chosen, n_dims)

        章: architectures
        """
        h = self.recur(mixture_stft)
        logits = self.head(h).unflatten(-1, (self.n_sources, self.n_freq)).permute(0, 2, 3, 1)
        return activate(logits, self.activation), self._embed(h, frames)

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT から、inference が示す側のマスクを作る。

        章: architectures
        """
        if self.inference == "cluster":
            return self.cluster_masks(mixture_stft)
        return self.both(mixture_stft)[0]


def cluster(embeddings: Tensor, magnitude: Tensor, n_sources: int, sharpness: float) -> Tensor:
    """1 つの音の埋め込みを k 平均法で分け、マスクにする。

    Parameters
    ----------
    embeddings : (n_freq, n_frames, n_dims)
        ビンごとの埋め込み。
    magnitude : (n_freq, n_frames)
        混合音の振幅。大きいビンほど、中心を決めるときに重く見る。
    n_sources : int
        集まりの数。
    sharpness : float
        マスクは `softmax(−sharpness × 中心までの距離の 2 乗)`。0 なら一番近い中心だけを 1 にする。

    Returns
    -------
    (n_sources, n_freq, n_frames)
        音源についての和は 1。

    章: architectures
    """
    points, weights = embeddings.flatten(0, 1), magnitude.flatten().to(embeddings.dtype)
    # 小さい数を足しておくと、無音でも重みの和が 0 にならない
    weights = weights * (weights >= LOUD * weights.max()) + torch.finfo(weights.dtype).tiny
    generator = torch.Generator().manual_seed(0)  # 同じ音は、いつも同じに分ける
    chosen = torch.randperm(len(points), generator=generator)[:N_POINTS].to(points.device)
    centers = kmeans(points[chosen], weights[chosen], n_sources, generator)
    distance = torch.cdist(points, centers).square()  # (n_bins, n_sources)
    if sharpness > 0:
        masks = torch.softmax(-sharpness * distance, dim=1)
    else:
        masks = functional.one_hot(distance.argmin(dim=1), n_sources).to(distance.dtype)
    return masks.T.reshape(n_sources, *magnitude.shape)


def kmeans(
    points: Tensor,
    weights: Tensor,
    n_clusters: int,
    generator: torch.Generator,
    *,
    n_iter: int = 15,
    n_restarts: int = 3,
) -> Tensor:
    """重み付きの k 平均法。何度か始め直し、中心までの距離の 2 乗の和が最小のものを選ぶ。

    Parameters
    ----------
    points : (n_points, n_dims)
        分ける点。
    weights : (n_points,)
        点の重さ。0 以上で、和は正。
    n_clusters : int
        集まりの数。
    generator : torch.Generator
        最初の中心を選ぶ乱数。
    n_iter, n_restarts : int
        直す回数と、始め直す回数。

    Returns
    -------
    (n_clusters, n_dims)
        集まりの中心。

    章: architectures
    """
    best, lowest = points[:n_clusters], float("inf")
    for _ in range(n_restarts):
        centers = _spread_centers(points, weights, n_clusters, generator)
        for _ in range(n_iter):
            nearest = torch.cdist(points, centers).argmin(dim=1)
            # (n_points, n_clusters)：点ごとに、選んだ中心の列だけが重み、ほかは 0
            member = functional.one_hot(nearest, n_clusters) * weights[:, None]
            total = member.sum(dim=0)[:, None]
            # だれも選ばなかった中心は、動かさない
            centers = torch.where(total > 0, member.T @ points / total.clamp(min=1e-30), centers)
        spread = float((torch.cdist(points, centers).amin(dim=1).square() * weights).sum())
        if spread < lowest:
            best, lowest = centers, spread
    return best


def _spread_centers(
    points: Tensor, weights: Tensor, n_clusters: int, generator: torch.Generator
) -> Tensor:
    """最初の中心を、すでに選んだ中心から遠い点ほど選ばれやすくして決める (k-means++)。"""
    chance = weights
    centers: list[Tensor] = []
    for _ in range(n_clusters):
        index = torch.multinomial(chance.cpu().double(), 1, generator=generator)
        centers.append(points[int(index)])
        distance = torch.cdist(points, torch.stack(centers)).amin(dim=1)
        chance = weights * distance.square() + torch.finfo(weights.dtype).tiny
    return torch.stack(centers)
