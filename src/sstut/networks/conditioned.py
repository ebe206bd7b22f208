"""条件付け：1 つのネットワークに「どの音源がほしいか」を渡し、その音源のマスクを求める。"""

import torch
from torch import Tensor, nn

from sstut import _validate
from sstut.networks.base import (
    SpectralSeparator,
    activate,
    check_activation,
    lstm_input,
)


class FiLM(nn.Module):
    """FiLM (feature-wise linear modulation)：条件から決めた倍率と平行移動で、途中の値を変える層。

    Parameters
    ----------
    n_conditions : int
        条件のベクトルの長さ。
    n_channels : int
        変える値のチャネルの数。

    Attributes
    ----------
    scale, shift : (n_conditions, n_channels)
        学習する値。条件ごとの、倍率の 1 との差と、平行移動。どちらも 0 なら、何も変えない。

    References
    ----------
    E. Perez, F. Strub, H. de Vries, V. Dumoulin and A. Courville, "FiLM: Visual reasoning with a
    general conditioning layer", 2018.

    章: architectures
    """

    def __init__(self, n_conditions: int, n_channels: int) -> None:
        super().__init__()
        # 乱数で、条件による違いを、はじめから付けておく。小さすぎると、学習がずっと遅くなる
        self.scale = nn.Parameter(0.5 * torch.randn(n_conditions, n_channels))
        self.shift = nn.Parameter(0.5 * torch.randn(n_conditions, n_channels))

    def forward(self, h: Tensor, conditions: Tensor) -> Tensor:
        """途中の値 `(batch, n_frames, n_channels)` を、条件 `(batch, n_conditions)` で変える。"""
        gamma = 1 + conditions @ self.scale  # (batch, n_channels)
        beta = conditions @ self.shift
        return gamma[:, None] * h + beta[:, None]  # どのフレームにも、同じ γ と β を使う


class ConditionedMaskInference(SpectralSeparator):
    """条件付きのマスク推定：BLSTM の途中の値を FiLM で変え、選んだ音源のマスクを出すネットワーク。

    Parameters
    ----------
    n_sources : int
        選べる音源の数。
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。
    hidden, n_layers : int
        BLSTM の状態の大きさ（片方の向き）と、層の数。層ごとに、後ろに FiLM が付く。
    activation : {"sigmoid", "softmax"}
        マスクの作り方（`activate`）。"sigmoid" なら、1 つの音源だけを計算できる。
    ordered : bool
        条件が音源を名指すので、True のままにする。

    Raises
    ------
    ValueError
        ordered が False のとき（同じ種類の音源は、名前で選べない）。

    Notes
    -----
    元の Conditioned-U-Net は、U-Net の縮める側の各段に FiLM を置く。ここでは BLSTM の各層の後ろに
    置く。条件のベクトルから倍率と平行移動を作る計算は、元の論文では何層かのネットワーク、ここでは
    行列 1 つである。条件がワンホット表現なら、行列の 1 行を選ぶことになる。

    References
    ----------
    G. Meseguer-Brocal and G. Peeters, "Conditioned-U-Net: Introducing a control mechanism in the
    U-Net for multiple source separations", 2019.

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
        activation: str = "sigmoid",
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        if not self.ordered:
            raise ValueError(
                "条件付きのネットワークは、音源を番号で選びます。ordered=True にしてください。"
            )
        self.activation = check_activation(activation)
        n_layers = _validate.positive_int(n_layers, "n_layers")
        sizes = [self.n_freq, *[2 * hidden] * (n_layers - 1)]
        self.rnns = nn.ModuleList(
            nn.LSTM(size, hidden, batch_first=True, bidirectional=True) for size in sizes
        )
        self.films = nn.ModuleList(FiLM(n_sources, 2 * hidden) for _ in sizes)
        self.head = nn.Linear(2 * hidden, self.n_freq)  # 音源の数によらず、1 つ

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT `(batch, n_freq, n_frames)` から、すべての音源のマスクを作る。

        章: architectures
        """
        everyone = torch.eye(self.n_sources, device=mixture_stft.device)
        return activate(self._logits(mixture_stft, everyone), self.activation)

    def extract(self, mixture: Tensor, source: int) -> Tensor:
        """1 つの音源だけを求める。

        Parameters
        ----------
        mixture : (batch, n_samples)
            混合音。
        source : int
            音源の番号、0 以上 n_sources 未満。

        Returns
        -------
        (batch, n_samples)
            `forward` の出力の source 番と等しい。

        Raises
        ------
        ValueError
            source が範囲の外のとき、activation が "softmax" のとき（ほかの音源の値も要る）。

        章: architectures
        """
        if _validate.non_negative_int(source, "source") >= self.n_sources:
            raise ValueError(
                f"source は 0 以上 {self.n_sources} 未満にしてください（{source} が来ました）。"
            )
        if self.activation == "softmax":
            raise ValueError(
                "softmax のマスクは、すべての音源から決まります。"
                '1 つだけを求めるには activation="sigmoid" にしてください。'
            )
        X = self.stft(mixture)
        condition = torch.eye(self.n_sources, device=X.device)[[source]]  # (1, n_sources)
        mask = activate(self._logits(X, condition), self.activation)[:, 0]
        return torch.as_tensor(self.stft.inverse(mask * X, mixture.shape[-1]))

    def _logits(self, mixture_stft: Tensor, conditions: Tensor) -> Tensor:
        """条件 `(n_chosen, n_sources)` ごとの、マスクになる前の実数。"""
        features = lstm_input(mixture_stft)
        n_batch, n_chosen = len(features), len(conditions)
        conditions = conditions.repeat(n_batch, 1)  # (batch * n_chosen, n_sources)
        # 1 つめの BLSTM は、条件によらない。1 度だけ計算し、条件の数だけ並べる
        h = self.rnns[0](features)[0].repeat_interleave(n_chosen, dim=0)
        h = self.films[0](h, conditions)
        for rnn, film in zip(self.rnns[1:], self.films[1:], strict=True):
            h = film(rnn(h)[0], conditions)  # (batch * n_chosen, n_frames, 2 * hidden)
        logits = self.head(h).unflatten(0, (n_batch, n_chosen))
        # (batch, n_chosen, n_frames, n_freq) → (batch, n_chosen, n_freq, n_frames)
        return torch.as_tensor(logits.transpose(-1, -2))
