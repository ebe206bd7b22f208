"""マスク推定：再帰型ニューラルネットワーク (BLSTM) で、混合音からマスクを求める。"""

from torch import Tensor, nn

from sstut.networks.base import (
    SpectralSeparator,
    activate,
    check_activation,
    lstm_input,
)


class MaskInference(SpectralSeparator):
    """双方向 LSTM (BLSTM) でマスクを推定するネットワーク (mask inference)。

    Parameters
    ----------
    n_sources : int
        音源の数。
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。
    hidden : int
        LSTM の状態の大きさ（片方の向き）。
    n_layers : int
        LSTM の層の数。
    activation : {"softmax", "sigmoid"}
        マスクの作り方（`activate`）。
    dropout : float
        LSTM の層と層の間で、学習のときに値を 0 にする割合。
    causal : bool
        True なら、過去から未来への LSTM だけを使い、先の音を見ない。
    ordered : bool
        出力の順番が決まっているか。同じ種類の音源（話者 2 人など）を分けるなら False。

    References
    ----------
    F. Weninger, J. R. Hershey, J. Le Roux and B. Schuller, "Discriminatively trained recurrent
    neural networks for single-channel speech separation", 2014.

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
        activation: str = "softmax",
        dropout: float = 0.0,
        causal: bool = False,
        ordered: bool = True,
    ) -> None:
        super().__init__(locals())
        self.causal = causal
        self.activation = check_activation(activation)
        directions = 1 if causal else 2
        self.rnn = nn.LSTM(
            self.n_freq,
            hidden,
            n_layers,
            batch_first=True,
            bidirectional=not causal,
            dropout=dropout,
        )
        self.head = nn.Linear(directions * hidden, n_sources * self.n_freq)

    def masks(self, mixture_stft: Tensor) -> Tensor:
        """混合音の STFT `(batch, n_freq, n_frames)` から、マスクを作る。

        章: architectures
        """
        h, _ = self.rnn(lstm_input(mixture_stft, causal=self.causal))  # (batch, n_frames, hidden)
        logits = self.head(h).unflatten(-1, (self.n_sources, self.n_freq))
        # (batch, n_frames, n_sources, n_freq) → (batch, n_sources, n_freq, n_frames)
        return activate(logits.permute(0, 2, 3, 1), self.activation)

    @property
    def latency_samples(self) -> float:
        """因果的なら、1 フレームがそろうまで。"""
        return float(self.config["n_fft"]) if self.causal else super().latency_samples
