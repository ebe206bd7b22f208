"""Open-Unmix 風：音源ごとに、低い帯域だけを見る BLSTM で振幅を推定する。"""

import torch
from torch import Tensor, nn

from sstut import _validate
from sstut.networks.base import SpectralSeparator


class OpenUnmix(SpectralSeparator):
    """Open-Unmix に似たネットワーク。音源ごとに別の BLSTM が、混合音に掛けるマスクを出す。

    Parameters
    ----------
    n_sources : int
        音源の数。
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。
    sr : float
        標本化周波数 [Hz]。bandwidth をビンの数に直すのに使う。
    bandwidth : float
        BLSTM に見せる周波数の上限 [Hz]。マスクはすべての周波数について出す。
    hidden, n_layers : int
        途中の層の大きさと、BLSTM の層の数。
    wiener : bool
        True なら、推定したパワーの比をマスクにする。推定の和は混合音に等しくなる。
    ordered : bool
        出力の順番が決まっているか。

    Notes
    -----
    元の Open-Unmix は、音源ごとに別々に学んだネットワークの推定を、多チャネルのウィーナーフィルタで
    そろえる（EM 法で空間の共分散も直す）。ここの wiener=True は、その最初の段の、1 チャネルの式
    `P_j / Σ P` にあたる。

    References
    ----------
    F.-R. Stöter, S. Uhlich, A. Liutkus and Y. Mitsufuji, "Open-Unmix - A Reference Implementation
    for Music Source Separation", 2019. doi:10.21105/joss.01667

    章: architectures
    """

    def __init__(
        self,
        *,
        n_sources: int = 2,
        n_fft: int = 512,
        hop_length: int = 128,
        sr: float = 8000,
        bandwidth: float = 16000,
        hidden: int = 128,
        n_layers: int = 3,
        wiener: bool = False,
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        sr = _validate.positive_number(sr, "sr")
        bandwidth = _validate.positive_number(bandwidth, "bandwidth")
        n_seen = min(self.n_freq, 1 + int(bandwidth * n_fft / sr))
        self.wiener = wiener
        self.targets = nn.ModuleList(
            _Target(self.n_freq, n_seen, hidden, n_layers) for _ in range(n_sources)
        )

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT `(batch, n_freq, n_frames)` から、マスクを作る。

        章: architectures
        """
        A = mixture_stft.abs().transpose(1, 2)  # (batch, n_frames, n_freq)
        # 音量によらないように、平均の振幅で割る
        A = A / (A.mean(dim=(1, 2), keepdim=True) + torch.finfo(A.dtype).tiny)
        masks = torch.stack([target(A) for target in self.targets], dim=1).float()
        if self.wiener:
            power = masks.square() + 1e-10  # どの推定も 0 なら、等分する
            masks = power / power.sum(dim=1, keepdim=True)
        return masks.transpose(-1, -2)


class _Target(nn.Module):
    """1 つの音源のマスク `(batch, n_frames, n_freq)` を出す。0 以上で、上限はない。"""

    def __init__(self, n_freq: int, n_seen: int, hidden: int, n_layers: int) -> None:
        super().__init__()
        # 周波数ごとの平均と大きさも、学習で決める
        self.input_shift = nn.Parameter(-torch.ones(n_seen))
        self.input_scale = nn.Parameter(torch.ones(n_seen))
        self.compress = nn.Linear(n_seen, hidden, bias=False)
        self.compress_norm = nn.BatchNorm1d(hidden)
        self.rnn = nn.LSTM(hidden, hidden // 2, n_layers, batch_first=True, bidirectional=True)
        self.expand = nn.Linear(hidden + 2 * (hidden // 2), hidden, bias=False)
        self.expand_norm = nn.BatchNorm1d(hidden)
        self.head = nn.Linear(hidden, n_freq, bias=False)
        self.head_norm = nn.BatchNorm1d(n_freq)
        self.output_scale = nn.Parameter(torch.ones(n_freq))
        self.output_shift = nn.Parameter(torch.ones(n_freq))

    def forward(self, magnitude: Tensor) -> Tensor:
        """混合音の振幅 `(batch, n_frames, n_freq)` から、マスクを求める。"""
        x = (magnitude[..., : len(self.input_shift)] + self.input_shift) * self.input_scale
        x = torch.tanh(_over_frames(self.compress_norm, self.compress(x)))
        h = torch.cat([x, self.rnn(x)[0]], dim=-1)  # 近道：再帰の層を飛ばした値も渡す
        h = torch.relu(_over_frames(self.expand_norm, self.expand(h)))
        h = _over_frames(self.head_norm, self.head(h))
        return torch.relu(h * self.output_scale + self.output_shift)


def _over_frames(norm: nn.Module, x: Tensor) -> Tensor:
    """バッチ正規化の軸に合わせて、(batch, n_frames, 特徴) を (batch, 特徴, n_frames) に直す。"""
    return torch.as_tensor(norm(x.transpose(1, 2)).transpose(1, 2))
