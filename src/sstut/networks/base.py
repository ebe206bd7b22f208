"""分離ネットワークの土台：波形を受け取り、音源の数だけ波形を返す。

マスクを作るネットワークは `SpectralSeparator` を、波形を直接扱うものは `Separator` を継ぐ。
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sstut import _validate
from sstut.evaluation import best_permutation
from sstut.layers import STFT

Array: TypeAlias = NDArray[Any]

ACTIVATIONS = ("softmax", "sigmoid")
INPUT_SCALE = 0.25  # LSTM の入力の標準偏差
BATCH = 8  # 一度に計算する音の数の上限。使うメモリが増えすぎないようにする


@dataclass(frozen=True)
class Description:
    """ネットワークの大きさと、使える場面。

    Attributes
    ----------
    parameters : 学習する値の数
    macs_per_second : 音 1 秒を分けるのに要る積和演算 (multiply-accumulate) の回数
    causal : 先の音を見ずに出力が決まるなら True
    latency : 入力が出力に効くまでの遅れ [秒]。機械の速さによらない下限。
        因果的でないネットワークは音の終わりまで待つので、無限大

    章: architectures
    """

    parameters: int
    macs_per_second: float
    causal: bool
    latency: float


class Separator(nn.Module):
    """分離ネットワークの土台。

    子クラスは `forward` を書く：混合音 `(batch, n_samples)` → 推定
    `(batch, n_sources, n_samples)`。長さは 1 サンプル以上なら何でもよい。

    Parameters
    ----------
    arguments : dict
        子クラスの `__init__` が受け取った引数（`locals()`）。
        n_sources（音源の数）と ordered（出力の順番が決まっているか）を含む。

    Attributes
    ----------
    config : dict
        作ったときの引数。JSON に書ける。`build` に渡すと、同じ形のネットワークができる。
    causal : bool
        先の音を見ずに出力が決まるなら True。

    章: architectures
    """

    causal = False

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in arguments.items()
            if name not in ("self", "__class__")
        }
        self.n_sources = _validate.positive_int(self.config["n_sources"], "n_sources")
        self.ordered = bool(self.config["ordered"])

    @property
    def latency_samples(self) -> float:
        """出力が決まるまでに要る、先の音の長さ（サンプル）。"""
        return math.inf

    def separate(
        self, waveform: ArrayLike, *, chunk: int = 1 << 18, overlap: int = 1 << 14
    ) -> Array:
        """NumPy の波形を、音源ごとの波形に分ける。

        Parameters
        ----------
        waveform : (..., n_samples) の float32 / float64
            混合音。前の軸（チャネルなど）は、それぞれ独立に分ける。
        chunk, overlap : int
            長い音を区切る長さと、区切りを重ねる長さ（サンプル）。
            重ねた部分は、前の推定を消しながら次の推定につなぐ（クロスフェード）。

        Returns
        -------
        (n_sources, ..., n_samples) の float32

        Raises
        ------
        ValueError
            waveform が空、整数、非有限のとき。chunk が overlap の 2 倍より短いとき。

        Notes
        -----
        計算のあいだだけ評価モード（`eval`）にし、勾配を作らない。出力の順番が決まっていない
        ネットワーク（`ordered=False`）では、重ねた部分がよく合うように、区切りごとに順番をそろえる。

        章: architectures
        """
        y = _validate.real_array(waveform, "waveform")
        chunk, overlap = _check_chunk(chunk, overlap)
        device = next(self.parameters()).device
        rows = torch.from_numpy(y.reshape(-1, y.shape[-1]).astype(np.float32))
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                parts = [
                    self._separate_long(part.to(device), chunk, overlap).cpu()
                    for part in torch.split(rows, BATCH)
                ]
        finally:
            self.train(was_training)
        estimates = torch.cat(parts).transpose(0, 1)  # (n_sources, チャネル, n_samples)
        return estimates.reshape(self.n_sources, *y.shape).numpy()

    def _separate_long(self, mixture: Tensor, chunk: int, overlap: int) -> Tensor:
        """(batch, n_samples) を、必要なら区切って分ける。"""
        n_samples = mixture.shape[-1]
        if n_samples <= chunk:
            return torch.as_tensor(self(mixture))
        fade_in = (torch.arange(overlap, device=mixture.device) + 0.5) / overlap
        total = mixture.new_zeros(len(mixture), self.n_sources, n_samples)
        for start in range(0, n_samples - overlap, chunk - overlap):
            piece = self(mixture[:, start : start + chunk])
            if start > 0:
                tail = total[..., start : start + overlap]
                if not self.ordered:
                    piece = _match_order(piece, tail)
                piece[..., :overlap] *= fade_in
                tail *= 1 - fade_in
            total[..., start : start + chunk] += piece
        return total


class SpectralSeparator(Separator):
    """混合音のスペクトログラムに掛けるマスクを作るネットワークの土台。

    子クラスは `masks` を書く。STFT → マスク → 逆 STFT は、ここで済ませる。

    章: architectures
    """

    stft: STFT

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__(arguments)
        self.stft = STFT(self.config["n_fft"], self.config["hop_length"])
        self.n_freq = self.config["n_fft"] // 2 + 1

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT `(batch, n_freq, n_frames)` から、マスクを作る。

        Returns
        -------
        (batch, n_sources, n_freq, n_frames)

        章: architectures
        """
        raise NotImplementedError

    def forward(self, mixture: Tensor) -> Tensor:
        """混合音 `(batch, n_samples)` を、`(batch, n_sources, n_samples)` に分ける。"""
        X = self.stft(mixture)
        S = self.masks(X) * X.unsqueeze(1)  # (batch, n_sources, n_freq, n_frames)
        estimates: Tensor = self.stft.inverse(S, mixture.shape[-1])
        return estimates


def normalized_log_magnitude(
    mixture_stft: Tensor, *, floor: float = 0.03, causal: bool = False
) -> Tensor:
    """ネットワークの入力：対数振幅を、1 つの音の中で平均 0、標準偏差 1 にそろえたもの。

    Parameters
    ----------
    mixture_stft : (batch, n_freq, n_frames) の複素数
        混合音の STFT。
    floor : float
        振幅の下限。振幅の平均に対する比。これより小さい振幅の違いは、対数を取っても広がらない。
    causal : bool
        True なら、平均と標準偏差を、そのフレームまでの値だけから求める。

    Returns
    -------
    (batch, n_freq, n_frames)

    Notes
    -----
    下限も平均も入力に比例するので、音量を変えても値は変わらない。無音なら 0。

    章: architectures
    """
    A = mixture_stft.abs()
    tiny = torch.finfo(A.dtype).tiny
    log_A = torch.log(A + floor * _mean(A, causal) + tiny)
    centered = log_A - _mean(log_A, causal)
    # 因果的なときは、平均もフレームごとに動く。分散 = 2 乗の平均 − 平均の 2 乗
    variance = _mean(log_A.square(), causal) - _mean(log_A, causal).square()
    return centered / (variance.clamp(min=0).sqrt() + 1e-2)


def lstm_input(mixture_stft: Tensor, *, causal: bool = False) -> Tensor:
    """LSTM の入力：`normalized_log_magnitude` を、標準偏差 `INPUT_SCALE` に縮めたもの。

    LSTM は、数百のビンの重み付きの和を受け取る。縮めておかないと、和が大きくなってゲートが飽和し、
    学び始めが遅い。ビンが多いほど（標本化周波数が高いほど）、よく効く。

    Parameters
    ----------
    mixture_stft : (batch, n_freq, n_frames) の複素数
        混合音の STFT。
    causal : bool
        `normalized_log_magnitude` と同じ。

    Returns
    -------
    (batch, n_frames, n_freq)

    章: architectures
    """
    features = normalized_log_magnitude(mixture_stft, causal=causal)
    return INPUT_SCALE * features.transpose(1, 2)


def activate(logits: Tensor, activation: str) -> Tensor:
    """実数 `(batch, n_sources, n_freq, n_frames)` を、0〜1 のマスクに直す。

    Parameters
    ----------
    logits : (batch, n_sources, n_freq, n_frames)
        最後の層の出力。
    activation : {"softmax", "sigmoid"}
        "softmax" は音源についての和が 1 になり、推定の和は混合音に等しい。
        "sigmoid" は音源ごとに独立に決める。

    章: architectures
    """
    logits = logits.float()  # 半精度 (AMP) で計算した値も、マスクからは単精度に戻す
    return logits.softmax(dim=1) if activation == "softmax" else logits.sigmoid()


def check_activation(activation: str) -> str:
    """マスクの作り方の名前を確かめる。

    章: architectures
    """
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation は {ACTIVATIONS} のどれかにしてください（{activation!r} が来ました）。"
        )
    return activation


def describe(network: Separator, sr: float, *, seconds: float = 4.0) -> Description:
    """パラメータの数、積和演算の回数、因果性、遅れを調べる。

    Parameters
    ----------
    network : Separator
        調べるネットワーク。
    sr : float
        標本化周波数 [Hz]。
    seconds : float
        試しに分ける音の長さ [秒]。長いほど、両端に補う分の影響が減る。

    Returns
    -------
    Description
        積和演算は、畳み込み、全結合、再帰の各層の分。STFT、正規化、活性化、k 平均法は数えない。

    Raises
    ------
    ValueError
        sr や seconds が正でないとき。

    章: architectures
    """
    sr = _validate.positive_number(sr, "sr")
    n_samples = max(1, round(_validate.positive_number(seconds, "seconds") * sr))
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        nonlocal total
        total += layer_macs(layer, inputs[0], output)

    hooks = [m.register_forward_hook(count) for m in network.modules() if not list(m.children())]
    try:
        # 無音では k 平均法が点を選べないので、雑音を分ける
        network.separate(
            np.random.default_rng(0).normal(size=n_samples), chunk=2 * n_samples, overlap=1
        )
    finally:
        for hook in hooks:
            hook.remove()
    return Description(
        parameters=sum(p.numel() for p in network.parameters()),
        macs_per_second=total * sr / n_samples,
        causal=network.causal,
        latency=network.latency_samples / sr,
    )


def layer_macs(layer: nn.Module, x: Tensor, output: Any) -> int:
    """1 つの層の積和演算の回数。重みのない層は 0。

    章: architectures
    """
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        return int(output.numel()) * layer.weight[0].numel()
    if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return x.numel() * layer.weight[0].numel()  # 入力の 1 つが、窓の広さだけ足される
    if isinstance(layer, nn.Linear):
        return int(output.numel()) * layer.in_features
    if isinstance(layer, nn.RNNBase):
        n_steps = x.shape[0] * x.shape[1]
        return n_steps * sum(w.numel() for name, w in layer.named_parameters() if "weight" in name)
    return 0


def _mean(values: Tensor, causal: bool) -> Tensor:
    """周波数とフレームについての平均。causal なら、フレームごとに、そこまでの平均。"""
    if not causal:
        return values.mean(dim=(-2, -1), keepdim=True)
    count = torch.arange(1, values.shape[-1] + 1, device=values.device)
    return values.mean(dim=-2, keepdim=True).cumsum(dim=-1) / count


def _match_order(piece: Tensor, tail: Tensor) -> Tensor:
    """前の区切りの終わり `tail` と最もよく合うように、音源の順番を入れ替える。"""
    head = piece[..., : tail.shape[-1]]
    match = torch.einsum("bin,bjn->bij", tail, head).cpu().numpy()
    return torch.stack([p[best_permutation(m)] for p, m in zip(piece, match, strict=True)])


def _check_chunk(chunk: int, overlap: int) -> tuple[int, int]:
    """3 つの区切りが 1 か所で重ならないことを確かめる。"""
    chunk = _validate.positive_int(chunk, "chunk")
    overlap = _validate.positive_int(overlap, "overlap")
    if chunk < 2 * overlap:
        raise ValueError(
            f"chunk={chunk} は overlap={overlap} の 2 倍以上にしてください。"
            "短いと、3 つの区切りが重なります。"
        )
    return chunk, overlap
