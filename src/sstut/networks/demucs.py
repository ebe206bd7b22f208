"""Demucs 風：波形を縮めてから広げる、1 次元の畳み込みのネットワーク。"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sstut.networks.base import Separator


class Demucs(Separator):
    """波形から波形を直接求める、Demucs（最初の版）に似た U-Net。

    Parameters
    ----------
    n_sources : int
        音源の数。
    channels : int
        最初の段のチャネルの数。
    depth : int
        縮める段の数。
    kernel, stride : int
        畳み込みの窓の長さと、ずらす間隔。kernel − stride は偶数にする。
    growth : int
        1 段ごとにチャネルを何倍にするか。
    recurrent : bool
        True なら、一番縮めたところに双方向 GRU を置き、遠くの音まで見る。
    consistent : bool
        True なら、推定の和と混合音との差を等分して足し、和を混合音に等しくする。
    ordered : bool
        出力の順番が決まっているか。

    Notes
    -----
    長さは stride**depth の倍数になるように後ろへ 0 を補い、最後に切り戻す。元の Demucs は両端を
    縮むままにして中央だけを使い、近道を足し算ではなく、切り取ってから足す。Wave-U-Net は、近道を
    つなげ（連結）、広げるときに転置畳み込みの代わりに補間を使う。

    References
    ----------
    A. Défossez, N. Usunier, L. Bottou and F. Bach, "Music source separation in the waveform
    domain", 2019.
    D. Stoller, S. Ewert and S. Dixon, "Wave-U-Net: a multi-scale neural network for end-to-end
    audio source separation", 2018.

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        channels: int = 24,
        depth: int = 4,
        kernel: int = 8,
        stride: int = 4,
        growth: int = 2,
        recurrent: bool = False,
        consistent: bool = True,
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        if (kernel - stride) % 2 or kernel < stride:
            raise ValueError(
                "kernel − stride は 0 以上の偶数にしてください"
                f"（kernel={kernel}, stride={stride}）。"
            )
        self.consistent = consistent
        self.multiple = stride**depth
        self.encoders, self.decoders = nn.ModuleList(), nn.ModuleList()
        shape: dict[str, Any] = {
            "kernel_size": kernel,
            "stride": stride,
            "padding": (kernel - stride) // 2,
        }
        before = 1
        for level in range(depth):
            width = channels * growth**level
            self.encoders.append(
                nn.Sequential(nn.Conv1d(before, width, **shape), nn.ReLU(), *_gate(width, 1))
            )
            after = before if level else n_sources
            up = nn.ConvTranspose1d(width, after, **shape)
            # 波形は負にもなるので、最後の段には ReLU を付けない
            last = [nn.ReLU()] if level else []
            self.decoders.insert(0, nn.Sequential(*_gate(width, 3), up, *last))
            before = width
        self.rnn = (
            nn.GRU(before, before // 2, 2, batch_first=True, bidirectional=True)
            if recurrent
            else None
        )

    def forward(self, mixture: Tensor) -> Tensor:
        """混合音 `(batch, n_samples)` を、`(batch, n_sources, n_samples)` に分ける。"""
        n_samples = mixture.shape[-1]
        level = mixture.square().mean(dim=-1, keepdim=True).sqrt() + 1e-8
        h = functional.pad(mixture / level, (0, -n_samples % self.multiple))[:, None]
        memory = []
        for encoder in self.encoders:
            h = encoder(h)
            memory.append(h)
        if self.rnn is not None:
            h = h + self.rnn(h.transpose(1, 2))[0].transpose(1, 2)
        for decoder in self.decoders:
            h = decoder(h + memory.pop())
        estimates = h[..., :n_samples].float() * level[:, None]
        if self.consistent:
            rest = mixture[:, None] - estimates.sum(dim=1, keepdim=True)
            estimates = estimates + rest / self.n_sources
        return torch.as_tensor(estimates)


def _gate(width: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    """チャネルを 2 倍にし、半分をもう半分の門 (GLU) にする。"""
    return nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2), nn.GLU(dim=1)
