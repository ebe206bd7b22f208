"""再帰型ニューラルネットワーク：1 時刻の計算（RNN、GRU、LSTM）と、それを順に、両方向に動かす関数。

重みの並べ方は torch.nn と同じで、`nn.LSTM(...).all_weights[0]` をそのまま渡せる。
状態の大きさ n_hidden は系列の長さと無関係で、どんな長さの系列にも使える。
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from sstut._tensors import real_tensor
from sstut.layers.activations import sigmoid, tanh
from sstut.layers.dense import _check_features, linear

State: TypeAlias = Tensor | tuple[Tensor, Tensor]
Step: TypeAlias = Callable[..., State]


def rnn_step(
    x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> Tensor:
    """単純な RNN の 1 時刻：入力と前の状態を混ぜ、tanh に通して新しい状態にする。

    Parameters
    ----------
    x : (batch, n_in)
        この時刻の入力。
    h : (batch, n_hidden)
        前の時刻の状態。
    weight_ih, weight_hh : (n_hidden, n_in) と (n_hidden, n_hidden)
        入力に掛ける重みと、状態に掛ける重み。
    bias_ih, bias_hh : (n_hidden,)
        バイアス。

    Returns
    -------
    (batch, n_hidden)
        新しい状態。そのまま出力でもある。`torch.nn.RNNCell` と同じ値。

    章: layers
    """
    return tanh(linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh))


def gru_step(
    x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> Tensor:
    """GRU の 1 時刻：候補に過去をどれだけ混ぜるか、過去をどれだけ残すかを、ゲートで決める。

    Parameters
    ----------
    x, h
        `rnn_step` と同じ。
    weight_ih, weight_hh : (3 * n_hidden, n_in) と (3 * n_hidden, n_hidden)
        リセットゲート r、更新ゲート z、候補 n の順に並べた重み。
    bias_ih, bias_hh : (3 * n_hidden,)
        同じ順に並べたバイアス。

    Returns
    -------
    (batch, n_hidden)
        新しい状態。`torch.nn.GRUCell` と同じ値。

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", 2014. doi:10.3115/v1/D14-1179

    章: layers
    """
    from_x = linear(x, weight_ih, bias_ih).chunk(3, dim=-1)
    from_h = linear(h, weight_hh, bias_hh).chunk(3, dim=-1)
    reset = sigmoid(from_x[0] + from_h[0])
    update = sigmoid(from_x[1] + from_h[1])
    candidate = tanh(from_x[2] + reset * from_h[2])
    return update * h + (1 - update) * candidate


def lstm_step(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> tuple[Tensor, Tensor]:
    """LSTM の 1 時刻：足し算で更新する記憶 c を、3 つのゲートで守る。

    Parameters
    ----------
    x : (batch, n_in)
        この時刻の入力。
    state : h と c の組、どちらも (batch, n_hidden)
        前の時刻の出力と記憶。
    weight_ih, weight_hh : (4 * n_hidden, n_in) と (4 * n_hidden, n_hidden)
        入力ゲート i、忘却ゲート f、候補 g、出力ゲート o の順に並べた重み。
    bias_ih, bias_hh : (4 * n_hidden,)
        同じ順に並べたバイアス。

    Returns
    -------
    h, c
        新しい出力と記憶。`torch.nn.LSTMCell` と同じ値。

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997.
    doi:10.1162/neco.1997.9.8.1735

    章: layers
    """
    h, c = state
    gates = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)
    write, keep, candidate, show = gates.chunk(4, dim=-1)
    c = sigmoid(keep) * c + sigmoid(write) * tanh(candidate)
    return sigmoid(show) * tanh(c), c


def run(
    step: Step, x: Tensor, parameters: Sequence[Tensor], state: State | None = None
) -> tuple[Tensor, State]:
    """系列を先頭から 1 時刻ずつ step に通す。過去だけを見る（因果的）。

    Parameters
    ----------
    step : 関数
        `rnn_step`、`gru_step`、`lstm_step` のどれか。
    x : (batch, n_steps, n_in) の実数
        系列。
    parameters : Tensor の並び
        step に渡す `weight_ih, weight_hh, bias_ih, bias_hh`。
    state : step の状態, optional
        最初の状態。省略すると 0。

    Returns
    -------
    outputs : (batch, n_steps, n_hidden)
        各時刻の出力。
    state
        最後の状態。続きの系列に渡せば、つなげて計算したのと同じになる。

    章: layers
    """
    x = real_tensor(x, "x", "(batch, n_steps, n_in)")
    _check_features(x, parameters[0])
    if state is None:
        h = x.new_zeros(len(x), parameters[1].shape[1])
        state = (h, h) if step is lstm_step else h
    outputs = []
    for x_t in x.unbind(1):
        state = step(x_t, state, *parameters)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(outputs, 1), state


def run_bidirectional(
    step: Step, x: Tensor, forward: Sequence[Tensor], backward: Sequence[Tensor]
) -> Tensor:
    """系列を前からと後ろからの両方に通し、出力を並べる。未来も見るので、実時間では使えない。

    Parameters
    ----------
    step, x
        `run` と同じ。
    forward, backward : Tensor の並び
        前向きと後ろ向きの重み。

    Returns
    -------
    (batch, n_steps, 2 * n_hidden)
        前半が前向き、後半が後ろ向きの出力。`bidirectional=True` の torch.nn と同じ値。

    章: layers
    """
    past, _ = run(step, x, forward)
    future, _ = run(step, x.flip(1), backward)
    return torch.cat([past, future.flip(1)], -1)
