"""U-Net：スペクトログラムを画像とみなし、2 次元の畳み込みでマスクを求める。"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sstut.networks.base import (
    SpectralSeparator,
    activate,
    check_activation,
    normalized_log_magnitude,
)


class UNet(SpectralSeparator):
    """スペクトログラムを縮めてから広げ、同じ大きさの層どうしをつなぐネットワーク (U-Net)。

    Parameters
    ----------
    n_sources : int
        音源の数。
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。
    channels : sequence of int
        縮めるたびのチャネルの数。段の数は len(channels)。
    activation : {"softmax", "sigmoid"}
        マスクの作り方（`activate`）。
    norm : {"batch", "group"}
        正規化。"group" は音ごとに決まるので、学習と評価で同じ計算になる。
    skip : bool
        False なら、縮める側と広げる側をつなぐ近道（スキップ接続）を外す。
    ordered : bool
        出力の順番が決まっているか。

    Notes
    -----
    形の決まり：1 段ごとに周波数とフレームの数が半分になるので、どちらも 2^段数 の倍数が要る。
    周波数は、一番上のビンを除いて n_fft / 2 個にし（マスクは隣のビンと同じにする）、足りなければ
    0 を補う。フレームも 0 を補い、最後に元の数へ切り戻す。このためフレームの数は何でもよい。

    元の論文と違い、ドロップアウトを使わず、最初の畳み込みだけ 5×5 で、1 つのネットワークが
    すべての音源のマスクを出す。

    References
    ----------
    A. Jansson et al., "Singing voice separation with deep U-Net convolutional networks", 2017.

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        n_fft: int = 512,
        hop_length: int = 128,
        channels: Sequence[int] = (16, 32, 64, 96),
        activation: str = "softmax",
        norm: str = "batch",
        skip: bool = True,
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        self.activation = check_activation(activation)
        self.skip = skip
        widths = [1, *channels]
        self.down = nn.ModuleList(
            _block(nn.Conv2d(a, b, 5 if a == 1 else 3, stride=2, padding=2 if a == 1 else 1), norm)
            for a, b in itertools.pairwise(widths)
        )
        self.middle = _block(nn.Conv2d(widths[-1], widths[-1], 3, padding=1), norm)
        self.up = nn.ModuleList()
        # 広げるたびのチャネルの数。最後の段は、値の数が最も多くて遅いので、細くする
        last = max(1, channels[0] // 2)
        outputs = [*widths[-2:0:-1], last]
        inputs = [widths[-1], *((1 + skip) * n for n in outputs[:-1])]
        for a, b in zip(inputs, outputs, strict=True):
            # 4×4 の窓を 2 ずつずらすと、どの出力にも同じ数の入力が届き、市松模様が出にくい
            self.up.append(_block(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1), norm))
        self.head = nn.Conv2d(last + skip, n_sources, 3, padding=1)
        # CPU では、チャネルが隣り合う並びのほうが 2 倍ほど速い
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT `(batch, n_freq, n_frames)` から、マスクを作る。

        章: architectures
        """
        n_freq, n_frames = self.n_freq - 1, mixture_stft.shape[-1]
        features = normalized_log_magnitude(mixture_stft)[:, None, :-1]
        multiple = 2 ** len(self.down)
        x = functional.pad(features, (0, -n_frames % multiple, 0, -n_freq % multiple))
        logits = self._logits(x.contiguous(memory_format=torch.channels_last))
        logits = logits[..., :n_freq, :n_frames]
        logits = torch.cat([logits, logits[..., -1:, :]], dim=-2)  # 除いておいた一番上のビン
        return activate(logits, self.activation)

    def _logits(self, x: Tensor) -> Tensor:
        """縮めながら覚え、広げながら、同じ大きさの記憶をつなぐ。"""
        h, memory = x, [x]
        for layer in self.down:
            h = layer(h)
            memory.append(h)
        h = self.middle(h)
        memory.pop()  # 一番小さい層は、隣なのでつながない
        for layer in self.up:
            h = layer(h)
            skipped = memory.pop()
            if self.skip:
                h = torch.cat([h, skipped], dim=1)
        return torch.as_tensor(self.head(h))


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d, norm: str) -> nn.Sequential:
    """畳み込み → 正規化 → 活性化。"""
    width = convolution.out_channels
    if norm == "batch":
        layer: nn.Module = nn.BatchNorm2d(width)
    elif norm == "group":
        layer = nn.GroupNorm(math.gcd(8, width), width)
    else:
        raise ValueError(f'norm は "batch" か "group" にしてください（{norm!r} が来ました）。')
    return nn.Sequential(convolution, layer, nn.LeakyReLU(0.2, inplace=True))
