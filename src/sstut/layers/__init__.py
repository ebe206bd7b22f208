"""ニューラルネットワークの層を、部品から作る。

`linear` や `lstm_step` や `conv1d` は、式のまま計算する、読むための実装である。値は torch.nn と
等しく、学習には速い torch.nn を使う。`STFT` と `Filterbank` は、そのまま学習に使う層である。
"""

from sstut.layers.activations import glu, leaky_relu, prelu, relu, sigmoid, softmax, tanh
from sstut.layers.convolution import (
    Conv,
    ReceptiveField,
    conv1d,
    conv2d,
    conv_output_length,
    conv_transpose1d,
    conv_transpose_output_length,
    max_pool1d,
    receptive_field,
)
from sstut.layers.dense import dropout, linear, linear_backward
from sstut.layers.filterbank import STFT, Filterbank, root_hann, stft_as_convolution
from sstut.layers.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    normalize,
    standardize,
)
from sstut.layers.recurrent import gru_step, lstm_step, rnn_step, run, run_bidirectional

__all__ = [
    "STFT",
    "Conv",
    "Filterbank",
    "ReceptiveField",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv_output_length",
    "conv_transpose1d",
    "conv_transpose_output_length",
    "dropout",
    "glu",
    "group_norm",
    "gru_step",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "linear",
    "linear_backward",
    "lstm_step",
    "max_pool1d",
    "normalize",
    "prelu",
    "receptive_field",
    "relu",
    "rnn_step",
    "root_hann",
    "run",
    "run_bidirectional",
    "sigmoid",
    "softmax",
    "standardize",
    "stft_as_convolution",
    "tanh",
]
