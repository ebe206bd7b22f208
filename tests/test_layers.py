"""層の試験：torch.nn、自動微分、`sstut.representations` との一致と、もとに戻ること。"""

import doctest
import importlib
import math

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sstut import layers
from sstut.optimization import numerical_gradient
from sstut.representations import stft

torch.set_num_threads(1)
few = settings(max_examples=40)
seeds = st.integers(0, 2**31)
close = torch.testing.assert_close


def draw(seed, *shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize(
    "name", ["dense", "activations", "normalization", "recurrent", "convolution", "filterbank"]
)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(f"sstut.layers.{name}")).failed == 0


# ---- 全結合層と勾配 ------------------------------------------------------------------


@given(seeds, st.lists(st.integers(1, 3), max_size=2), st.booleans())
@few
def test_linear_equals_torch(seed, lead, with_bias):
    x, weight, bias = draw(seed, *lead, 4), draw(seed + 1, 3, 4), draw(seed + 2, 3)
    bias = bias if with_bias else None
    close(layers.linear(x, weight, bias), functional.linear(x, weight, bias))


@given(seeds, st.integers(1, 4))
@few
def test_three_ways_to_the_gradient_agree(seed, batch):
    """手で求めた逆伝播、自動微分、差分が一致する。"""
    x, weight, bias = (
        value.requires_grad_()
        for value in (draw(seed, batch, 4), draw(seed + 1, 3, 4), draw(seed + 2, 3))
    )

    def loss(x, weight, bias):
        return layers.tanh(layers.linear(x, weight, bias)).square().sum()

    expected = torch.autograd.grad(loss(x, weight, bias), (x, weight, bias))
    y = layers.linear(x, weight, bias).detach().requires_grad_()
    (grad,) = torch.autograd.grad(layers.tanh(y).square().sum(), y)
    for got, value in zip(layers.linear_backward(x, weight, grad), expected, strict=True):
        close(got.detach(), value)
    numerical = numerical_gradient(
        lambda w: loss(x, torch.from_numpy(w), bias).item(), weight.detach().numpy()
    )
    close(torch.from_numpy(numerical), expected[1], atol=1e-8, rtol=1e-6)


def test_dropout_keeps_the_expectation():
    x = torch.full((200_000,), 3.0)
    y = layers.dropout(x, 0.25, generator=torch.Generator().manual_seed(0))
    assert set(y.unique().tolist()) == {0.0, 4.0}
    assert (y == 0).double().mean().item() == pytest.approx(0.25, abs=0.005)
    assert y.double().mean().item() == pytest.approx(3, abs=0.02)
    assert torch.equal(layers.dropout(x, 0.0), x)
    assert layers.dropout(x, 0.9, training=False) is x


# ---- 活性化関数 ----------------------------------------------------------------------

ELEMENTWISE = [
    (layers.sigmoid, torch.sigmoid),
    (layers.tanh, torch.tanh),
    (layers.relu, torch.relu),
    (layers.leaky_relu, functional.leaky_relu),
    (lambda x: layers.leaky_relu(x, 0.2), lambda x: functional.leaky_relu(x, 0.2)),
    (lambda x: layers.softmax(x, 1), lambda x: torch.softmax(x, 1)),
    (layers.glu, lambda x: functional.glu(x, 1)),
]


@pytest.mark.parametrize(("ours", "theirs"), ELEMENTWISE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activations_and_their_slopes_equal_torch(ours, theirs, dtype):
    values = torch.tensor([-1e4, -700.0, -30.0, -1.0, 0.0, 1e-3, 1.0, 30.0, 700.0, 1e4])
    x = torch.cat([values.to(dtype), draw(0, 30, dtype=dtype)]).reshape(4, 10).requires_grad_()
    close(ours(x), theirs(x), atol=1e-7, rtol=1e-6)
    weights = draw(1, *ours(x).shape, dtype=dtype)
    (got,) = torch.autograd.grad((ours(x) * weights).sum(), x)
    (expected,) = torch.autograd.grad((theirs(x) * weights).sum(), x)
    close(got, expected, atol=1e-6, rtol=1e-5)


def test_prelu_learns_its_slope():
    x = draw(0, 2, 3, 5)
    for slope in (torch.tensor([0.3]), torch.tensor([0.1, -0.2, 0.5])):
        slope = slope.double().requires_grad_()
        close(layers.prelu(x, slope), functional.prelu(x, slope))
        (got,) = torch.autograd.grad(layers.prelu(x, slope).sum(), slope)
        (expected,) = torch.autograd.grad(functional.prelu(x, slope).sum(), slope)
        close(got, expected)


# ---- 正規化 --------------------------------------------------------------------------


@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=2), st.booleans())
@few
def test_normalizations_equal_torch(seed, positions, learned):
    x = 3 * draw(seed, 3, 4, *positions) + 5
    weight, bias = (draw(seed + 1, 4), draw(seed + 2, 4)) if learned else (None, None)
    if math.prod(positions) > 1:  # torch は 1 点の正規化を断る
        expected = functional.instance_norm(x, weight=weight, bias=bias)
        close(layers.instance_norm(x, weight, bias), expected)
    for n_groups in (1, 2, 4):
        expected = functional.group_norm(x, n_groups, weight, bias)
        close(layers.group_norm(x, n_groups, weight, bias), expected)
    last = x.movedim(1, -1)
    expected = functional.layer_norm(last, (4,), weight, bias)
    close(layers.layer_norm(last, weight, bias), expected)


@given(seeds, st.floats(0, 1), st.booleans())
@few
def test_batch_norm_and_its_running_statistics_equal_torch(seed, momentum, two_dimensional):
    shape = (3, 4, 5, 2) if two_dimensional else (3, 4, 5)
    module = (torch.nn.BatchNorm2d if two_dimensional else torch.nn.BatchNorm1d)(
        4, momentum=momentum, dtype=torch.float64
    )
    module.weight.data, module.bias.data = draw(seed, 4), draw(seed + 1, 4)
    mean, var = torch.zeros(4).double(), torch.ones(4).double()
    given_mean = mean
    for k in range(3):
        x = (k + 1) * draw(seed + 2 + k, *shape) + k
        y, mean, var = layers.batch_norm(
            x, mean, var, module.weight, module.bias, training=True, momentum=momentum
        )
        close(y, module(x))
    close(mean, module.running_mean)
    close(var, module.running_var)
    assert not given_mean.any()  # 引数は書き換えない
    y, *_ = layers.batch_norm(x, mean, var, module.weight, module.bias, training=False)
    close(y, module.eval()(x))


def test_normalization_gives_zero_mean_and_unit_variance():
    x = 100 * draw(0, 2, 3, 50) + 7
    y = layers.normalize(x, (2,))
    close(y.mean(2), torch.zeros(2, 3).double(), atol=1e-12, rtol=0)
    close(y.var(2, correction=0), torch.ones(2, 3).double(), atol=1e-7, rtol=0)
    assert not layers.normalize(torch.full((2, 3), 5.0), (1,)).any()


def test_standardize_uses_the_training_data():
    training = 4 * draw(0, 20, 3, 50) + torch.tensor([1.0, 2, 3]).double()[:, None]
    training[:, 2] = 6.0  # いつも同じ値の周波数
    mean, std = training.mean((0, 2)), training.std((0, 2), correction=0)
    y = layers.standardize(training, mean, std)
    close(y.mean((0, 2)), torch.zeros(3).double(), atol=1e-12, rtol=0)
    close(y.var((0, 2), correction=0), torch.tensor([1.0, 1, 0]).double())
    close(layers.standardize(training[:1], mean, std), y[:1])  # ほかの例によらない


# ---- 再帰 ----------------------------------------------------------------------------

CELLS = [
    (layers.rnn_step, torch.nn.RNN),
    (layers.gru_step, torch.nn.GRU),
    (layers.lstm_step, torch.nn.LSTM),
]


@pytest.mark.parametrize(("step", "module"), CELLS)
def test_recurrent_layers_equal_torch(step, module):
    x = draw(0, 3, 7, 5).requires_grad_()
    net = module(5, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    expected, _ = net(x)
    got = layers.run_bidirectional(step, x, *net.all_weights)
    close(got, expected)
    weights = draw(1, *got.shape)
    for a, b in zip(
        torch.autograd.grad((got * weights).sum(), [x, *net.parameters()]),
        torch.autograd.grad((expected * weights).sum(), [x, *net.parameters()]),
        strict=True,
    ):
        close(a, b)
    one_way = module(5, 4, batch_first=True, dtype=torch.float64)
    outputs, state = layers.run(step, x, one_way.all_weights[0])
    expected, last = one_way(x)
    close(outputs, expected)
    state, last = (s if isinstance(s, tuple) else (s,) for s in (state, last))
    for a, b in zip(state, last, strict=True):
        close(a, b[0])


@pytest.mark.parametrize(("step", "module"), CELLS)
def test_a_run_can_be_continued_and_is_causal(step, module):
    x = draw(0, 2, 9, 5)
    net = module(5, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    forward, backward = net.all_weights
    whole, _ = layers.run(step, x, forward)
    first, state = layers.run(step, x[:, :4], forward)
    second, _ = layers.run(step, x[:, 4:], forward, state)
    close(torch.cat([first, second], 1), whole)
    changed = x.clone()
    changed[:, 6] += 1
    after, _ = layers.run(step, changed, forward)
    close(after[:, :6], whole[:, :6])
    assert ((after - whole).abs() > 1e-9).any(2)[:, 6:].all()
    both, both_after = (layers.run_bidirectional(step, y, forward, backward) for y in (x, changed))
    assert ((both_after - both).abs() > 1e-9).any(2).all()  # 過去の出力も変わる


# ---- 畳み込み ------------------------------------------------------------------------


@st.composite
def convolutions(draw_value):
    kernel, dilation = draw_value(st.integers(1, 5)), draw_value(st.integers(1, 4))
    padding = draw_value(st.integers(0, 5))
    length = draw_value(st.integers(1, 30))
    assume(dilation * (kernel - 1) + 1 <= length + 2 * padding)
    sizes = {"stride": draw_value(st.integers(1, 4)), "padding": padding, "dilation": dilation}
    return length, kernel, sizes


@given(seeds, convolutions())
@few
def test_conv1d_and_its_length_equal_torch(seed, convolution):
    length, kernel, sizes = convolution
    x, weight, bias = draw(seed, 2, 3, length), draw(seed + 1, 4, 3, kernel), draw(seed + 2, 4)
    expected = functional.conv1d(x, weight, bias, **sizes)
    close(layers.conv1d(x, weight, bias, **sizes), expected)
    assert layers.conv_output_length(length, kernel, **sizes) == expected.shape[-1]


@given(seeds, convolutions(), convolutions())
@few
def test_conv2d_equals_torch(seed, by_freq, by_frames):
    (n_freq, k_freq, sizes_freq), (n_frames, k_frames, sizes_frames) = by_freq, by_frames
    sizes = {name: (sizes_freq[name], sizes_frames[name]) for name in sizes_freq}
    x, weight = draw(seed, 2, 2, n_freq, n_frames), draw(seed + 1, 3, 2, k_freq, k_frames)
    bias = draw(seed + 2, 3)
    close(layers.conv2d(x, weight, bias, **sizes), functional.conv2d(x, weight, bias, **sizes))


@given(seeds, convolutions(), st.integers(0, 3))
@few
def test_conv_transpose1d_and_its_length_equal_torch(seed, convolution, output_padding):
    length, kernel, sizes = convolution
    sizes = {**sizes, "output_padding": output_padding}
    assume(output_padding < max(sizes["stride"], sizes["dilation"]))
    full = (length - 1) * sizes["stride"] + sizes["dilation"] * (kernel - 1) + 1
    assume(full + output_padding - 2 * sizes["padding"] >= 1)
    x, weight, bias = draw(seed, 2, 3, length), draw(seed + 1, 3, 4, kernel), draw(seed + 2, 4)
    expected = functional.conv_transpose1d(x, weight, bias, **sizes)
    close(layers.conv_transpose1d(x, weight, bias, **sizes), expected)
    assert layers.conv_transpose_output_length(length, kernel, **sizes) == expected.shape[-1]


@given(seeds, convolutions())
@few
def test_transpose_is_the_adjoint(seed, convolution):
    """転置畳み込みは、畳み込みの転置行列：`<conv(x), y> = <x, conv_transpose(y)>`。"""
    length, kernel, sizes = convolution
    x, weight = draw(seed, 1, 3, length), draw(seed + 1, 4, 3, kernel)
    forward = layers.conv1d(x, weight, **sizes)
    span = sizes["dilation"] * (kernel - 1) + 1
    assume((forward.shape[-1] - 1) * sizes["stride"] + span > 2 * sizes["padding"])
    y = draw(seed + 2, *forward.shape)
    shortest = layers.conv_transpose_output_length(forward.shape[-1], kernel, **sizes)
    back = layers.conv_transpose1d(y, weight, **sizes, output_padding=length - shortest)
    assert (forward * y).sum().item() == pytest.approx((x * back).sum().item())


@given(st.lists(convolutions(), min_size=1, max_size=4), st.data())
@few
def test_receptive_field_is_where_the_gradient_reaches(drawn, data):
    convs = [layers.Conv(kernel, **sizes) for _, kernel, sizes in drawn]
    field = layers.receptive_field(convs)
    length = field.size + 3 * field.stride
    x = torch.zeros(1, 1, length, dtype=torch.float64, requires_grad=True)
    y = x
    for conv in convs:
        ones = torch.ones(1, 1, conv.kernel, dtype=torch.float64)
        y = functional.conv1d(y, ones, None, conv.stride, conv.padding, conv.dilation)
    i = data.draw(st.integers(0, y.shape[-1] - 1))
    (grad,) = torch.autograd.grad(y[0, 0, i], x)
    first = field.start + i * field.stride
    seen = grad[0, 0].nonzero()[:, 0]
    assume(len(seen) > 0)  # 補った 0 だけを見る出力もある
    assert seen.min() >= first
    assert seen.max() <= first + field.size - 1
    if first >= 0 and first + field.size <= length:
        assert seen.min() == first
        assert seen.max() == first + field.size - 1


def test_receptive_field_of_known_networks():
    tcn = [layers.Conv(3, dilation=2**i, padding=2**i) for i in range(8)] * 3
    assert layers.receptive_field(tcn) == layers.ReceptiveField(1531, 1, -765)
    strided = [layers.Conv(8, stride=4)] * 4
    assert layers.receptive_field(strided) == layers.ReceptiveField(596, 256, 0)
    assert layers.receptive_field([]) == layers.ReceptiveField(1, 1, 0)


def test_uneven_overlap_makes_the_checkerboard():
    """kernel が stride で割り切れないと、同じ入力でも位置によって出力の大きさが違う。"""
    x = torch.ones(1, 1, 20)
    even = layers.conv_transpose1d(x, torch.ones(1, 1, 4), stride=2)[0, 0, 4:-4]
    uneven = layers.conv_transpose1d(x, torch.ones(1, 1, 3), stride=2)[0, 0, 4:-4]
    assert even.unique().tolist() == [2.0]
    assert uneven.unique().tolist() == [1.0, 2.0]


@given(seeds, st.integers(1, 5), st.integers(1, 4))
@few
def test_max_pool_equals_torch(seed, kernel, stride):
    x = draw(seed, 2, 3, 17)
    close(layers.max_pool1d(x, kernel, stride), functional.max_pool1d(x, kernel, stride))
    close(layers.max_pool1d(x, kernel), functional.max_pool1d(x, kernel))


# ---- STFT とフィルタバンク -----------------------------------------------------------


@st.composite
def frames(draw_value):
    n_fft = draw_value(st.integers(2, 64))
    return n_fft, draw_value(st.integers(1, n_fft // 2)), draw_value(st.integers(1, 200))


@given(seeds, frames(), st.sampled_from([(), (2,), (2, 3)]))
@few
def test_stft_equals_the_numpy_one_and_comes_back(seed, params, lead):
    n_fft, hop_length, n_samples = params
    y = draw(seed, *lead, n_samples, dtype=torch.float32)
    layer = layers.STFT(n_fft, hop_length)
    window = np.sqrt(scipy.signal.get_window("hann", n_fft))
    S = layer(y)
    expected = stft(y.numpy(), n_fft=n_fft, hop_length=hop_length, window=window)
    np.testing.assert_allclose(S, expected, atol=1e-5 * math.sqrt(n_fft))
    close(layer.inverse(S, n_samples), y, atol=1e-5, rtol=0)
    assert layer.state_dict() == {}


@given(seeds, frames())
@few
def test_stft_is_a_convolution(seed, params):
    n_fft, hop_length, n_samples = params
    y = draw(seed, 2, n_samples, dtype=torch.float32)
    S = layers.STFT(n_fft, hop_length)(y)
    convolved = layers.stft_as_convolution(n_fft, hop_length)(y[:, None])
    close(convolved, torch.cat([S.real, S.imag], 1), atol=1e-5 * math.sqrt(n_fft), rtol=0)


def test_stft_is_differentiable():
    layer = layers.STFT(8, 2).double()
    mask = draw(1, 5, 9).sigmoid()

    def separate(y):
        return layer.inverse(mask * layer(y), y.shape[-1])

    assert torch.autograd.gradcheck(separate, draw(0, 2, 17).requires_grad_())


@given(
    seeds,
    st.integers(1, 20),
    st.integers(2, 4),
    st.integers(0, 12),
    st.integers(1, 150),
)
@few
def test_stft_initialised_filterbank_reconstructs_perfectly(seed, stride, overlap, extra, n):
    kernel = stride * overlap
    n_filters = kernel + kernel % 2 + 2 * extra
    filterbank = layers.Filterbank(n_filters, kernel, stride, init="stft")
    y = draw(seed, 2, n, dtype=torch.float32)
    coefficients = filterbank(y)
    assert coefficients.shape == (2, n_filters, filterbank.n_frames(n))
    close(filterbank.inverse(coefficients, n), y, atol=2e-5, rtol=0)
    # 音源の軸を足しても戻せて、マスクの和が 1 なら、和は混合音になる
    masks = draw(seed + 1, 2, 3, n_filters, 1, dtype=torch.float32).softmax(1)
    separated = filterbank.inverse(masks * coefficients[:, None], n)
    close(separated.sum(1), y, atol=2e-5, rtol=0)
    # 逆も掛け算の転置なので、エネルギーが保たれる
    assert coefficients.square().sum().item() == pytest.approx(y.square().sum().item(), rel=1e-4)


def test_quadrature_pairs_measure_the_power_of_a_tone():
    """同じ番号の余弦と正弦を 2 乗して足すと、正弦波のパワーが位相によらず出る。"""
    filterbank = layers.Filterbank(256, 256, 64, init="stft")
    k, time = 20, torch.arange(4000)
    tone = torch.sin(2 * math.pi * (k + 0.5) / 256 * time)[None]
    cosines, sines = filterbank(tone).detach()[0].chunk(2)
    power = (cosines.square() + sines.square())[:, 8:-8]  # 端を除く
    assert (power.argmax(0) == k).all()
    assert power[k].std() < 1e-3 * power[k].mean()


def test_random_filterbank_learns_to_reconstruct():
    """答えの分かる学習：乱数から始めても、誤差を下げれば波形がほぼ戻るようになる。"""
    torch.manual_seed(0)
    filterbank = layers.Filterbank(32, 16, 8)
    optimizer = torch.optim.Adam(filterbank.parameters(), lr=1e-2)
    errors = []
    for k in range(200):
        y = draw(k, 4, 400, dtype=torch.float32)
        error = (filterbank.inverse(filterbank(y), 400) - y).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[0] > 0.5
    assert errors[-1] < 0.01


# ---- だめな入力 ----------------------------------------------------------------------

X, W = torch.zeros(2, 3, 10), torch.zeros(4, 3, 5)
PARAMETERS = torch.nn.GRU(3, 4).all_weights[0]
BANK = layers.Filterbank(8, 4, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.linear(X, W[0]), r"\(2, 3, 10\).*\(3, 5\)"),
        (lambda: layers.linear(X[:, :, :0], W[0]), "空"),
        (lambda: layers.linear_backward(X[0], torch.zeros(4, 10), X[0]), r"\(3, 4\)"),
        (lambda: layers.dropout(X, 1.0), "rate"),
        (lambda: layers.prelu(X, torch.zeros(2)), r"\(2,\)"),
        (lambda: layers.glu(X), "偶数"),
        (
            lambda: layers.batch_norm(X[:1, :, :1], X[0, :, 0], X[0, :, 0], training=True),
            "2 つ以上の値",
        ),
        (lambda: layers.group_norm(X, 2), "n_groups=2 は n_channels=3 の約数"),
        (lambda: layers.instance_norm(X[:, :, 0]), "n_positions"),
        (lambda: layers.instance_norm(X, torch.zeros(1)), r"\(1,\)"),
        (lambda: layers.standardize(X, torch.zeros(1), torch.zeros(1)), r"\(1,\)"),
        (lambda: layers.run(layers.gru_step, X, PARAMETERS), r"\(2, 3, 10\).*\(12, 3\)"),
        (lambda: layers.run(layers.gru_step, X[0], PARAMETERS), "n_steps"),
        (lambda: layers.conv1d(X, torch.zeros(4, 2, 5)), "チャネル"),
        (lambda: layers.conv1d(X, W, dilation=4), "広がる長さ 17 .* 10"),
        (lambda: layers.conv1d(X, W, stride=0), "stride は 1 以上"),
        (lambda: layers.conv1d(X, W, padding=-1), "padding は 0 以上"),
        (lambda: layers.conv1d(X.int(), W), "実数"),
        (lambda: layers.conv2d(X, W), "n_frames"),
        (lambda: layers.conv_transpose1d(X, W), "チャネル"),
        (lambda: layers.conv_transpose_output_length(2, 3, padding=2), "何も残りません"),
        (lambda: layers.conv_transpose_output_length(2, 3, output_padding=1), "output_padding=1"),
        (lambda: layers.max_pool1d(X, 11), "広がる長さ"),
        (lambda: layers.receptive_field([layers.Conv(0)]), "kernel"),
        (lambda: layers.STFT(512, 257), "hop_length=257"),
        (lambda: layers.STFT(1), "hop_length"),
        (lambda: layers.STFT(8, 2)(torch.zeros(3, dtype=int)), "実数"),
        (lambda: layers.STFT(8, 2).inverse(torch.zeros(5, 3) + 0j, 10), r"5, 6.*\(5, 3\)"),
        (lambda: layers.STFT(8, 2).inverse(torch.zeros(5, 6), 10), "複素数"),
        (lambda: layers.stft_as_convolution(8, 5), "hop_length=5"),
        (lambda: layers.Filterbank(8, 4, 5), "stride=5 は kernel=4"),
        (lambda: layers.Filterbank(8, 4, 2, init="dct"), "dct"),
        (lambda: layers.Filterbank(7, 4, 2, init="stft"), "n_filters=7"),
        (lambda: layers.Filterbank(6, 8, 4, init="stft"), "n_filters=6"),
        (lambda: layers.Filterbank(8, 8, 8, init="stft"), "stride=8"),
        (lambda: layers.Filterbank(8, 8, 3, init="stft"), "stride=3"),
        (lambda: BANK(X), "n_samples"),
        (lambda: BANK.inverse(X, 10), r"8, 6.*\(2, 3, 10\)"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises(ValueError, match=message):
        call()
