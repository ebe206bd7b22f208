"""波形とフレームの間の層：微分できる STFT、畳み込みで書いた STFT、学習するフィルタバンク。"""

from math import pi, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sstut import _validate
from sstut._tensors import complex_tensor, real_tensor

WAVEFORM = "(batch, n_samples)"


class STFT(nn.Module):
    """微分できる短時間フーリエ変換の層。窓は、2 回掛けるとハン窓になる、ハン窓の平方根。

    `forward(waveform)` は `(..., n_samples)` の実数を `(..., n_freq, n_frames)` の複素数にする。
    `inverse(S, length)` は波形 `(..., length)` に戻す。

    Parameters
    ----------
    n_fft : int
        フレームの長さ（サンプル）。2 以上。
    hop_length : int, optional
        フレームの間隔（サンプル）。n_fft // 2 以下。省略すると n_fft // 4。

    Raises
    ------
    ValueError
        hop_length が長すぎて元に戻せないとき、入力の形や型が違うとき。

    Notes
    -----
    値は `sstut.representations.stft(..., window=np.sqrt(ハン窓))` と同じで、倍率もない。
    学習する重みはない。窓はチェックポイントに入らない。

    Examples
    --------
    >>> stft = STFT(512, 128)
    >>> S = stft(torch.ones(1, 8000))
    >>> tuple(S.shape)  # (batch, n_freq, n_frames)
    (1, 257, 63)
    >>> bool(torch.allclose(stft.inverse(S, length=8000), torch.ones(1, 8000)))
    True

    章: layers
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int | None = None) -> None:
        super().__init__()
        self.n_fft, _, self.hop_length = _validate.frame_lengths(n_fft, None, hop_length)
        _check_overlap(self.n_fft, self.hop_length)
        self.register_buffer("window", root_hann(self.n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """波形 `(..., n_samples)` を `(..., n_freq, n_frames)` にする。"""
        y = real_tensor(waveform, "waveform", "(..., n_samples)")
        flat, settings = y.reshape(-1, y.shape[-1]), self._settings(y)
        # 両端に 0 を補い、フレーム t の中央をサンプル t * hop_length に合わせる
        S = torch.stft(flat, **settings, pad_mode="constant", return_complex=True)
        return S.reshape(*y.shape[:-1], *S.shape[-2:])

    def inverse(self, S: Tensor, length: int) -> Tensor:
        """スペクトログラム `(..., n_freq, n_frames)` を波形 `(..., length)` に戻す。"""
        S = complex_tensor(S, "S", "(..., n_freq, n_frames)")
        _check_size(S, "S", self.n_fft // 2 + 1, self.n_frames(length), length)
        y = torch.istft(S.reshape(-1, *S.shape[-2:]), **self._settings(S.real), length=length)
        return y.reshape(*S.shape[:-2], length)

    def n_frames(self, n_samples: int) -> int:
        """`n_samples` サンプルの波形から出るフレームの数。"""
        n_samples = _validate.positive_int(n_samples, "n_samples")
        return 1 + (n_samples + 2 * (self.n_fft // 2) - self.n_fft) // self.hop_length

    def _settings(self, like: Tensor) -> dict[str, Any]:
        """torch.stft と torch.istft に共通の引数。窓の精度は信号に合わせる。"""
        window = self.window.to(like.dtype)
        return {"n_fft": self.n_fft, "hop_length": self.hop_length, "window": window}

    def extra_repr(self) -> str:
        """印刷したときに、長さと間隔を見せる。"""
        return f"n_fft={self.n_fft}, hop_length={self.hop_length}"


class Filterbank(nn.Module):
    """学習するフィルタバンク：波形をフィルタの出力に変える畳み込みと、波形に戻す転置畳み込み。

    `forward(waveform)` は `(batch, n_samples)` を `(batch, n_filters, n_frames)` にする。
    `inverse(coefficients, length)` は `(..., n_filters, n_frames)` を `(..., length)` に戻す。

    Parameters
    ----------
    n_filters : int
        フィルタの数。
    kernel : int
        フィルタの長さ（サンプル）。
    stride : int
        フレームの間隔（サンプル）。kernel 以下。
    init : {"random", "stft"}
        "random" なら乱数。"stft" なら、ハン窓の平方根を掛けた余弦（前半）と正弦（後半）で、
        どんな波形も完全に再構成する。k 番の余弦と k 番の正弦は同じ周波数なので、
        出力を 2 乗して足すとパワーになる。

    Raises
    ------
    ValueError
        stride が kernel より長いとき。init="stft" で、n_filters が奇数か kernel より少ないとき、
        stride が kernel // 2 以下の kernel の約数でないとき（完全に再構成するフィルタを作れない）。

    Notes
    -----
    "stft" の周波数は `(k + 1/2) / n_filters`（1 サンプルあたりの周期）で、STFT から半ビンずれる。
    こうすると、0 とナイキスト周波数にだけ正弦がないという例外がなくなる。

    References
    ----------
    Y. Luo and N. Mesgarani, "TasNet: time-domain audio separation network for real-time,
    single-channel speech separation", 2018. doi:10.1109/ICASSP.2018.8462116

    Examples
    --------
    >>> filterbank = Filterbank(64, kernel=32, stride=16, init="stft")
    >>> waveform = torch.randn(2, 1000)
    >>> coefficients = filterbank(waveform)
    >>> tuple(coefficients.shape)  # (batch, n_filters, n_frames)
    (2, 64, 64)
    >>> restored = filterbank.inverse(coefficients, length=1000)
    >>> bool(torch.allclose(restored, waveform, atol=1e-5))
    True

    章: layers
    """

    def __init__(self, n_filters: int, kernel: int, stride: int, init: str = "random") -> None:
        super().__init__()
        self.n_filters = _validate.positive_int(n_filters, "n_filters")
        self.kernel = _validate.positive_int(kernel, "kernel")
        self.stride = _validate.positive_int(stride, "stride")
        if stride > kernel:
            raise ValueError(f"stride={stride} は kernel={kernel} 以下にしてください。")
        self.encoder = nn.Conv1d(1, n_filters, kernel, stride, bias=False)
        self.decoder = nn.ConvTranspose1d(n_filters, 1, kernel, stride, bias=False)
        if init == "stft":
            filters = _sinusoids(n_filters, kernel, stride)[:, None]
            with torch.no_grad():
                self.encoder.weight.copy_(filters)
                self.decoder.weight.copy_(filters)
        elif init != "random":
            raise ValueError(f'init は "random" か "stft" にしてください（{init!r} が来ました）。')

    def forward(self, waveform: Tensor) -> Tensor:
        """波形 `(batch, n_samples)` を `(batch, n_filters, n_frames)` にする。"""
        y = real_tensor(waveform, "waveform", WAVEFORM)
        # どのサンプルも同じ数のフレームに入るように、両端に 0 を補う
        left = self.kernel - self.stride
        total = (self.n_frames(y.shape[-1]) - 1) * self.stride + self.kernel
        padded = pad(y, (left, total - left - y.shape[-1]))
        coefficients: Tensor = self.encoder(padded[:, None])
        return coefficients

    def inverse(self, coefficients: Tensor, length: int) -> Tensor:
        """フィルタの出力 `(..., n_filters, n_frames)` を波形 `(..., length)` に戻す。"""
        c = real_tensor(coefficients, "coefficients", "(..., n_filters, n_frames)")
        _check_size(c, "coefficients", self.n_filters, self.n_frames(length), length)
        y = self.decoder(c.reshape(-1, *c.shape[-2:]))[:, 0]
        left = self.kernel - self.stride
        waveform: Tensor = y[:, left : left + length].reshape(*c.shape[:-2], length)
        return waveform

    def n_frames(self, n_samples: int) -> int:
        """`n_samples` サンプルの波形から出るフレームの数。"""
        n_samples = _validate.positive_int(n_samples, "n_samples")
        return -(-(n_samples + self.kernel - self.stride) // self.stride)


def stft_as_convolution(n_fft: int, hop_length: int | None = None) -> nn.Conv1d:
    """STFT を畳み込みで書く：窓を掛けた余弦と正弦を重みに持つ `nn.Conv1d`。

    Parameters
    ----------
    n_fft, hop_length
        `STFT` と同じ。

    Returns
    -------
    nn.Conv1d
        波形 `(batch, 1, n_samples)` を `(batch, 2 * n_freq, n_frames)` にする層。
        前半のチャネルが `STFT` の実部、後半が虚部に等しい。

    Notes
    -----
    高速フーリエ変換より遅い。STFT が、重みを決めた畳み込みにほかならないことを示すためにある。

    章: layers
    """
    stft = STFT(n_fft, hop_length)  # 引数はここで確かめられる
    n_fft, hop_length = stft.n_fft, stft.hop_length
    time, bins = torch.arange(n_fft), torch.arange(n_fft // 2 + 1)[:, None]
    # k * n が大きくても角度の精度が落ちないように、1 周分の余りを先に取る
    angle = 2 * pi * (bins * time % n_fft).double() / n_fft
    filters = root_hann(n_fft).double() * torch.cat([torch.cos(angle), -torch.sin(angle)])
    layer = nn.Conv1d(1, len(filters), n_fft, hop_length, padding=n_fft // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(filters[:, None])
    return layer


def root_hann(n_fft: int) -> Tensor:
    """ハン窓の平方根 `(n_fft,)`。正弦の半周期に等しい。

    章: layers
    """
    return torch.from_numpy(np.sin(np.pi * np.arange(n_fft) / n_fft)).float()


def _sinusoids(n_filters: int, kernel: int, stride: int) -> Tensor:
    """`Filterbank` の init="stft" のフィルタ `(n_filters, kernel)`。前半が余弦、後半が正弦。

    同じフィルタで分析して合成すると、フィルタの数が長さ以上のとき、違う時刻の間の項が打ち消し合い、
    窓の二乗だけが残る。それを stride ずつ重ねた和が 1 になるように倍率を決める。
    """
    half_overlap = kernel % stride == 0 and kernel >= 2 * stride
    if n_filters % 2 or n_filters < kernel or not half_overlap:
        raise ValueError(
            'init="stft" には、kernel 以上の偶数の n_filters と、kernel // 2 以下の kernel の約数の'
            f" stride が要ります（n_filters={n_filters}, kernel={kernel}, stride={stride}）。"
        )
    frequency = 2 * pi * (torch.arange(n_filters // 2, dtype=torch.float64) + 0.5) / n_filters
    angle = frequency[:, None] * (torch.arange(kernel) - kernel // 2)  # 位相の基準は窓の中央
    scale = sqrt(2 / n_filters) * sqrt(2 * stride / kernel)
    waves = torch.cat([torch.cos(angle), torch.sin(angle)])
    return (scale * root_hann(kernel) * waves).float()


def _check_overlap(n_fft: int, hop_length: int) -> None:
    """両端が 0 に近い窓でも、どのサンプルも 2 つ以上のフレームに入ることを確かめる。"""
    if hop_length > n_fft // 2:
        raise ValueError(
            f"hop_length={hop_length} は n_fft // 2 = {n_fft // 2} 以下にしてください。"
            "窓の端では値が 0 に近く、重なりが足りないと元に戻せません。"
        )


def _check_size(x: Tensor, name: str, n_rows: int, n_frames: int, length: int) -> None:
    """波形に戻す前に、行の数（周波数かフィルタ）とフレームの数を確かめる。"""
    if tuple(x.shape[-2:]) != (n_rows, n_frames):
        raise ValueError(
            f"length={length} に戻すには、{name} は (..., {n_rows}, {n_frames}) にしてください"
            f"（shape={tuple(x.shape)} が来ました）。"
        )
