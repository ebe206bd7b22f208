"""TasNet：波形を学習するフィルタバンクで表し、その上でマスクを掛ける。"""

from typing import Any

import torch
from torch import Tensor, nn

from sstut.layers import Filterbank
from sstut.networks.base import Separator, activate, check_activation

QUIET = 1e-6  # 対数を取る前に足すパワー。入力は 2 乗平均が 1 になるようにしてある


class ConvTasNet(Separator):
    """Conv-TasNet：学習するフィルタバンク、広い範囲を見る畳み込み、マスクからなるネットワーク。

    Parameters
    ----------
    n_sources : int
        音源の数。
    n_filters, kernel, stride : int
        フィルタの数、長さ、ずらす間隔（サンプル）。
    init : {"random", "stft"}
        フィルタの初期値。"stft" は窓を掛けた余弦と正弦で、学ぶ前から元の波形に戻せる。
    features : {"relu", "log_power"}
        マスクを求めるための入力。"relu" は負の値を 0 にした係数（元の論文）。"log_power" は、
        同じ周波数の余弦と正弦を組にした対数パワーで、init="stft" のときに使う。
    bottleneck, hidden : int
        畳み込みのブロックの、外側と内側のチャネルの数。
    n_blocks, n_repeats : int
        間隔を 1, 2, 4, … と広げるブロックの数と、それをくり返す回数。
    separable : bool
        True なら、内側の畳み込みをチャネルごとに分ける (depthwise)。計算は減るが、CPU では遅い。
    activation : {"softmax", "sigmoid"}
        マスクの作り方（`activate`）。
    ordered : bool
        出力の順番が決まっているか。

    References
    ----------
    Y. Luo and N. Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for
    speech separation", 2019. doi:10.1109/TASLP.2019.2915167

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        n_filters: int = 256,
        kernel: int = 256,
        stride: int = 128,
        init: str = "stft",
        features: str = "log_power",
        bottleneck: int = 128,
        hidden: int = 128,
        n_blocks: int = 6,
        n_repeats: int = 1,
        separable: bool = False,
        activation: str = "softmax",
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        if features not in ("relu", "log_power"):
            raise ValueError(
                f'features は "relu" か "log_power" にしてください（{features!r} が来ました）。'
            )
        self.features = features
        self.activation = check_activation(activation)
        self.filterbank = Filterbank(n_filters, kernel, stride, init=init)
        n_features = n_filters if features == "relu" else n_filters // 2
        self.enter = nn.Sequential(
            nn.GroupNorm(1, n_features), nn.Conv1d(n_features, bottleneck, 1)
        )
        self.blocks = nn.ModuleList(
            _block(bottleneck, hidden, dilation=2**i, separable=separable)
            for _ in range(n_repeats)
            for i in range(n_blocks)
        )
        self.head = nn.Sequential(
            nn.LeakyReLU(0.2), nn.Conv1d(bottleneck, n_sources * n_filters, 1)
        )

    def forward(self, mixture: Tensor) -> Tensor:
        """混合音 `(batch, n_samples)` を、`(batch, n_sources, n_samples)` に分ける。"""
        level = mixture.square().mean(dim=-1, keepdim=True).sqrt() + 1e-8
        w = self.filterbank(mixture / level)  # (batch, n_filters, n_frames)
        w, seen = self._features(w)
        h = self.enter(seen)
        for block in self.blocks:
            h = h + block(h)  # 残差接続：ブロックは、足す分だけを学ぶ
        logits = self.head(h).unflatten(1, (self.n_sources, -1))
        masked = activate(logits, self.activation) * w[:, None]
        return torch.as_tensor(self.filterbank.inverse(masked, mixture.shape[-1]) * level[:, None])

    def _features(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """係数から、マスクを掛ける係数と、マスクを求めるための入力を作る。"""
        if self.features == "relu":
            w = torch.relu(w)
            return w, w
        cosine, sine = w.chunk(2, dim=1)
        # 余弦と正弦の 2 乗の和は、位相が進んでも変わらない
        return w, torch.log(cosine.square() + sine.square() + QUIET)


def _block(outer: int, inner: int, *, dilation: int, separable: bool) -> nn.Sequential:
    """間を空けた畳み込み (dilated convolution) で、離れたフレームを見るブロック。"""
    across: dict[str, Any] = {"padding": dilation, "dilation": dilation}
    if separable:
        first = [
            nn.Conv1d(outer, inner, 1),
            nn.LeakyReLU(0.2),
            nn.GroupNorm(1, inner),
            nn.Conv1d(inner, inner, 3, groups=inner, **across),
        ]
    else:
        first = [nn.Conv1d(outer, inner, 3, **across)]
    return nn.Sequential(
        *first, nn.GroupNorm(1, inner), nn.LeakyReLU(0.2), nn.Conv1d(inner, outer, 1)
    )
