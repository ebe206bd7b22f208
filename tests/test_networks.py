"""ネットワークの試験：どんな長さでも動き、和が混合音に戻り、数え方が独立した実装と一致する。"""

import doctest
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sstut import networks as module
from sstut.evaluation import snr
from sstut.networks import (
    NETWORKS,
    Chimera,
    ConditionedMaskInference,
    ConvTasNet,
    DeepClustering,
    Demucs,
    FiLM,
    MaskInference,
    OpenUnmix,
    Separator,
    UNet,
    activate,
    build,
    cluster,
    describe,
    kmeans,
    lstm_input,
    normalized_log_magnitude,
)
from sstut.training import Config, train

torch.set_num_threads(1)

STFT = {"n_fft": 64, "hop_length": 16}
SMALL = {
    "mask_inference": {**STFT, "hidden": 6},
    "conditioned": {**STFT, "hidden": 6, "activation": "softmax"},
    "unet": {**STFT, "channels": [4, 6, 8]},
    "deep_clustering": {**STFT, "hidden": 6, "n_dims": 4},
    "chimera": {**STFT, "hidden": 6, "n_dims": 4},
    "open_unmix": {**STFT, "hidden": 6, "wiener": True},
    "tasnet": {
        "n_filters": 32,
        "kernel": 32,
        "stride": 16,
        "bottleneck": 8,
        "hidden": 8,
        "n_blocks": 3,
    },
    "demucs": {"channels": 4, "depth": 3},
}
VARIANTS = {
    **{name: (name, config) for name, config in SMALL.items()},
    "mask_inference_causal": ("mask_inference", {**SMALL["mask_inference"], "causal": True}),
    "conditioned_deep": ("conditioned", {**SMALL["conditioned"], "n_sources": 4, "n_layers": 3}),
    "unet_group": ("unet", {**SMALL["unet"], "norm": "group", "skip": False, "n_sources": 3}),
    "chimera_cluster": ("chimera", {**SMALL["chimera"], "inference": "cluster", "n_sources": 3}),
    "tasnet_separable": ("tasnet", {**SMALL["tasnet"], "separable": True, "n_repeats": 2}),
    "demucs_recurrent": ("demucs", {**SMALL["demucs"], "recurrent": True, "n_sources": 4}),
}


def make(name, **changes):
    """小さいネットワークを、いつも同じ重みで作る。"""
    kind, config = VARIANTS[name]
    torch.manual_seed(1)
    return build(kind, **(config | changes)).eval()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 0.1


# ---- どのネットワークにも共通の約束 ------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=12)
@given(n_samples=st.integers(1, 700), seed=st.integers(0, 9))
def test_any_length_comes_back_and_the_estimates_sum_to_the_mixture(name, n_samples, seed):
    network = make(name)
    mixture = noise(2, n_samples, seed=seed)
    with torch.no_grad():
        estimates = network(torch.from_numpy(mixture)).numpy()
    assert estimates.shape == (2, network.n_sources, n_samples)
    # どれもマスクの和が 1（Demucs は残りを等分する）なので、足すと混合音に戻る
    np.testing.assert_allclose(estimates.sum(axis=1), mixture, atol=2e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_louder_input_gives_the_same_separation_louder(name):
    network, mixture = make(name), noise(600)
    np.testing.assert_allclose(
        network.separate(8 * mixture), 8 * network.separate(mixture), atol=2e-4
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_silence_stays_silent(name):
    estimates = make(name).separate(np.zeros(500, np.float32))
    assert np.abs(estimates).max() <= 1e-7


@pytest.mark.parametrize("name", VARIANTS)
def test_config_rebuilds_the_same_network(name):
    network = make(name)
    config = json.loads(json.dumps(network.config))
    again = build(VARIANTS[name][0], **config)
    assert again.config == network.config
    again.load_state_dict(network.state_dict())
    mixture = noise(400)
    np.testing.assert_array_equal(again.separate(mixture), network.separate(mixture))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_weight_receives_a_gradient(name):
    network = make(name).train()
    mixture = torch.from_numpy(noise(2, 800))
    # 埋め込みの側には k 平均法を通した勾配が来ないので、埋め込みから直接求める
    output = network(mixture).square().sum()
    if hasattr(network, "embed"):
        masks, V = (
            network.both(network.stft(mixture))
            if isinstance(network, Chimera)
            else (torch.zeros(()), network.embed(network.stft(mixture)))
        )
        output = (masks * torch.rand(masks.shape)).sum() + (V * torch.rand(V.shape)).sum()
    output.backward()
    for weight_name, weight in network.named_parameters():
        assert weight.grad is not None, weight_name
        # 打ち消し合うはずの値も、丸め誤差で 0 ちょうどにはならない
        assert weight.grad.abs().max() > 0, weight_name


# ---- separate ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_separate_keeps_leading_axes_and_treats_them_independently(name):
    network = make(name)
    mixture = noise(3, 4, 500).astype(np.float64)
    estimates = network.separate(mixture)
    assert estimates.shape == (2, 3, 4, 500)
    assert estimates.dtype == np.float32
    np.testing.assert_allclose(estimates[:, 1, 2], network.separate(mixture[1, 2]), atol=1e-6)


def test_separate_restores_the_mode_and_makes_no_gradient():
    network = make("unet").train()
    statistics = network.down[0][1].running_mean.clone()
    network.separate(noise(500))
    assert network.training
    assert network.down[0][1].training
    torch.testing.assert_close(network.down[0][1].running_mean, statistics, rtol=0, atol=0)
    assert all(p.grad is None for p in network.parameters())
    network.eval().separate(noise(500))
    assert not network.training


def test_separate_restores_the_mode_after_an_error():
    class Broken(Separator):
        def forward(self, mixture):
            raise RuntimeError

    network = Broken({"n_sources": 2, "ordered": True})
    network.weight = nn.Parameter(torch.zeros(1))
    with pytest.raises(RuntimeError):
        network.separate(noise(10))
    assert network.training


class Tones(Separator):
    """試験のための分離：固定した 2 つの帯域に分ける。呼ぶたびに、順番が入れ替わる。"""

    def __init__(self, *, ordered):
        super().__init__({"n_sources": 2, "ordered": ordered})
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls = 0

    def forward(self, mixture):
        spectrum = torch.fft.rfft(mixture)
        low = torch.arange(spectrum.shape[-1]) < 0.25 * spectrum.shape[-1]
        parts = [torch.fft.irfft(spectrum * band, mixture.shape[-1]) for band in (low, ~low)]
        self.calls += 1
        order = parts if self.calls % 2 or self.ordered else parts[::-1]
        return torch.stack(order, dim=1)


@pytest.mark.parametrize("ordered", [True, False])
def test_long_input_is_cut_joined_smoothly_and_kept_in_order(ordered):
    n = np.arange(5000)
    sources = np.stack([np.sin(2 * np.pi * 0.02 * n), np.sin(2 * np.pi * 0.31 * n)])
    network = Tones(ordered=ordered)
    estimates = network.separate(sources.sum(axis=0), chunk=1000, overlap=200)
    assert network.calls > 5
    error = np.sqrt(np.mean((estimates - sources) ** 2))
    assert error < 0.05
    # つなぎ目で和が変わらない：前の重みと次の重みの和は、いつも 1
    np.testing.assert_allclose(estimates.sum(axis=0), sources.sum(axis=0), atol=1e-5)


@settings(max_examples=20)
@given(n_samples=st.integers(1, 900), overlap=st.integers(1, 60), chunk=st.integers(120, 300))
def test_chunks_cover_every_sample_once(n_samples, overlap, chunk):
    network = Tones(ordered=True)
    mixture = noise(n_samples)
    estimates = network.separate(mixture, chunk=chunk, overlap=overlap)
    np.testing.assert_allclose(estimates.sum(axis=0), mixture, atol=1e-6)


def test_unknown_order_is_not_kept_without_matching():
    """順番をそろえる処理が要ることの確かめ：そろえなければ、途中で入れ替わる。"""
    n = np.arange(5000)
    sources = np.stack([np.sin(2 * np.pi * 0.02 * n), np.sin(2 * np.pi * 0.31 * n)])
    network = Tones(ordered=False)
    first = network(torch.from_numpy(sources.sum(axis=0, keepdims=True)))
    second = network(torch.from_numpy(sources.sum(axis=0, keepdims=True)))
    torch.testing.assert_close(first, second.flip(1))


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(0, np.float32), "空"),
        (np.zeros(5, np.int16), "浮動小数点"),
        (np.array([0.0, np.nan]), "NaN"),
    ],
)
def test_separate_refuses_bad_waveforms(waveform, message):
    with pytest.raises(ValueError, match=message):
        make("mask_inference").separate(waveform)


def test_separate_refuses_overlapping_overlaps():
    with pytest.raises(ValueError, match="2 倍以上"):
        make("mask_inference").separate(noise(10), chunk=100, overlap=51)


# ---- 因果性と遅れ -----------------------------------------------------------------------


def test_causal_network_ignores_the_future_beyond_its_latency():
    network = make("mask_inference_causal")
    latency = int(network.latency_samples)
    assert describe(network, 8000).latency == latency / 8000
    mixture, changed_at = noise(1200), 800
    other = mixture.copy()
    other[changed_at:] = noise(400, seed=1) * 20
    difference = np.abs(network.separate(mixture) - network.separate(other)).max(axis=0)
    assert difference[: changed_at - latency].max() == 0
    # 遅れは長めに言っているのではない：直前の 1 フレームには効く
    assert difference[changed_at - latency : changed_at].max() > 0


@pytest.mark.parametrize("name", SMALL)
def test_other_networks_look_at_the_future(name):
    network = make(name)
    assert not network.causal
    assert describe(network, 8000, seconds=0.05).latency == np.inf
    mixture = noise(1200)
    other = mixture.copy()
    other[900:] = noise(300, seed=1) * 20
    difference = np.abs(network.separate(mixture) - network.separate(other))
    assert difference[:, :800].max() > 0


# ---- 数え方 ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unet", "unet_group", "tasnet", "tasnet_separable", "demucs"])
def test_macs_of_convolutions_match_torch(name):
    network = make(name)
    seconds = 0.2
    mixture = torch.from_numpy(noise(1, 1600))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(mixture)
    # torch は、掛け算と足し算を別々に数える
    assert describe(network, 8000, seconds=seconds).macs_per_second * seconds == pytest.approx(
        counter.get_total_flops() / 2
    )


def test_macs_of_recurrent_layers_follow_the_equations():
    network = MaskInference(n_fft=64, hop_length=16, hidden=5, n_layers=2)
    n_frames, n_freq, hidden = 1 + 1600 // 16, 33, 5
    # 4 つの門が、それぞれ入力と前の状態に行列を掛ける。2 層目の入力は、両方の向きの状態
    lstm = sum(2 * 4 * hidden * (n_in + hidden) for n_in in (n_freq, 2 * hidden))
    head = 2 * hidden * 2 * n_freq
    description = describe(network, 8000, seconds=0.2)
    assert description.macs_per_second * 0.2 == pytest.approx(n_frames * (lstm + head))
    assert description.parameters == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("n_sources", [2, 4])
def test_macs_of_the_conditioned_network_follow_the_equations(n_sources):
    network = ConditionedMaskInference(
        n_sources=n_sources, n_fft=64, hop_length=16, hidden=5, n_layers=2
    )
    n_frames, n_freq, hidden = 1 + 1600 // 16, 33, 5
    first, second = (2 * 4 * hidden * (n_in + hidden) for n_in in (n_freq, 2 * hidden))
    head = 2 * hidden * n_freq
    # はじめの層は 1 度だけ、条件を受けた後は音源の数だけ計算する
    expected = n_frames * (first + n_sources * (second + head))
    assert describe(network, 8000, seconds=0.2).macs_per_second * 0.2 == pytest.approx(expected)


def test_a_new_source_adds_only_its_scales_and_shifts():
    sizes = [
        sum(p.numel() for p in build("conditioned", n_sources=n, hidden=6, n_layers=3).parameters())
        for n in (2, 3)
    ]
    assert sizes[1] - sizes[0] == 3 * 2 * 12  # 3 層の、γ と β が 12 チャネルずつ


def test_book_settings_have_the_stated_sizes():
    """設計の文書に書いた大きさ。設定の既定値を変えたら気づく。"""
    assert describe(build("mask_inference"), 8000).parameters == pytest.approx(595e3, rel=0.01)
    assert describe(build("unet"), 8000).parameters == pytest.approx(347e3, rel=0.01)
    assert describe(build("tasnet"), 8000).parameters == pytest.approx(610e3, rel=0.01)


# ---- 部品 ------------------------------------------------------------------------------


def spectrogram(n_frames=20, seed=0):
    rng = np.random.default_rng(seed)
    S = rng.normal(size=(2, 33, n_frames)) + 1j * rng.normal(size=(2, 33, n_frames))
    return torch.from_numpy(S.astype(np.complex64))


def test_features_have_zero_mean_and_unit_deviation():
    features = normalized_log_magnitude(spectrogram())
    torch.testing.assert_close(features.mean(dim=(1, 2)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.std(dim=(1, 2)), torch.ones(2), atol=0.03, rtol=0)


def test_lstm_input_keeps_the_gates_of_a_new_lstm_open():
    """1025 ビンの和でも、初めの重みのゲートの入力は 1 より小さい。縮めなければ、飽和する。"""
    torch.manual_seed(0)
    X = torch.randn(2, 1025, 50, dtype=torch.complex64)
    weight = MaskInference(n_fft=2048, hop_length=512).rnn.weight_ih_l0
    gates = lstm_input(X) @ weight.T
    assert gates.shape == (2, 50, 4 * 96)
    assert gates.std() < 0.6
    assert (normalized_log_magnitude(X).transpose(1, 2) @ weight.T).std() > 1.5


def test_causal_features_use_only_the_past():
    S = spectrogram()
    features = normalized_log_magnitude(S, causal=True)
    for n in (1, 7, 20):
        head = normalized_log_magnitude(S[..., :n], causal=True)
        torch.testing.assert_close(head, features[..., :n])
    assert not torch.allclose(features, normalized_log_magnitude(S))


def test_softmax_masks_sum_to_one_and_sigmoid_masks_are_free():
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(activate(logits, "softmax").sum(1), torch.ones(2, 4, 5))
    torch.testing.assert_close(activate(logits, "sigmoid"), 1 / (1 + torch.exp(-logits)))


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), n_clusters=st.integers(1, 4))
def test_kmeans_is_as_good_as_scikit_learn(seed, n_clusters):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_clusters, 3)) * 10
    points = np.concatenate([c + 0.3 * rng.normal(size=(40, 3)) for c in centers])
    weights = rng.random(len(points)) + 0.05
    generator = torch.Generator().manual_seed(0)
    found = kmeans(torch.from_numpy(points), torch.from_numpy(weights), n_clusters, generator)

    def spread(c):
        distance = np.square(points[:, None] - c[None]).sum(-1).min(axis=1)
        return float(np.sum(weights * distance))

    expected = KMeans(n_clusters, n_init=5, random_state=0).fit(points, sample_weight=weights)
    assert spread(found.numpy()) <= 1.001 * spread(expected.cluster_centers_)


@pytest.mark.parametrize("sharpness", [0.0, 5.0])
def test_ideal_embeddings_give_the_ideal_masks(sharpness):
    rng = np.random.default_rng(0)
    owner = torch.from_numpy(rng.integers(0, 3, (33, 20)))
    embeddings = nn.functional.one_hot(owner, 4).float()  # 4 次元のうち、3 つの向きだけを使う
    masks = cluster(embeddings, torch.from_numpy(rng.random((33, 20)) + 0.5), 3, sharpness)
    torch.testing.assert_close(masks.sum(0), torch.ones(33, 20))
    # 集まりの番号は決まっていないので、どのビンの組も、同じ音源かどうかだけを比べる
    chosen = masks.argmax(0).flatten()
    same = owner.flatten()[:, None] == owner.flatten()[None]
    assert torch.equal(chosen[:, None] == chosen[None], same)
    if sharpness == 0:
        assert set(masks.unique().tolist()) == {0.0, 1.0}


def test_quiet_bins_do_not_move_the_centers():
    embeddings = torch.zeros(10, 30, 3)
    embeddings[:, :10, 0] = 1
    embeddings[:, 10:20, 1] = 1
    embeddings[:, 20:, 2] = 1  # 数は同じでも、ほとんど聞こえない
    magnitude = torch.ones(10, 30)
    magnitude[:, 20:] = 1e-3
    masks = cluster(embeddings, magnitude, 2, 0.0)
    assert torch.equal(masks[:, :, :10].mean(dim=(1, 2)).sort().values, torch.tensor([0.0, 1.0]))
    assert torch.equal(masks[:, :, :10], 1 - masks[:, :, 10:20])


@pytest.mark.parametrize("kind", [DeepClustering, Chimera])
def test_embeddings_have_unit_length(kind):
    network = kind(n_fft=64, hop_length=16, hidden=6, n_dims=4)
    V = network.embed(spectrogram())
    assert V.shape == (2, 33, 20, 4)
    torch.testing.assert_close(V.norm(dim=-1), torch.ones(2, 33, 20))


def test_chimera_computes_both_heads_consistently():
    network = make("chimera")
    masks, V = network.both(spectrogram())
    torch.testing.assert_close(masks, network.masks(spectrogram()))
    torch.testing.assert_close(V, network.embed(spectrogram()))


def test_the_number_of_sources_of_deep_clustering_can_change_after_training():
    network = make("deep_clustering")
    network.n_sources = 3
    mixture = noise(600)
    estimates = network.separate(mixture)
    assert estimates.shape == (3, 600)
    np.testing.assert_allclose(estimates.sum(axis=0), mixture, atol=1e-6)


def test_film_follows_its_equation():
    torch.manual_seed(0)
    film = FiLM(3, 5)
    h, conditions = torch.randn(2, 7, 5), torch.rand(2, 3)
    y = film(h, conditions)
    for b in range(2):
        gamma = 1 + sum(conditions[b, k] * film.scale[k] for k in range(3))
        beta = sum(conditions[b, k] * film.shift[k] for k in range(3))
        for n in range(7):
            torch.testing.assert_close(y[b, n], gamma * h[b, n] + beta)


def test_film_changes_nothing_when_gamma_is_one_and_beta_is_zero():
    film = FiLM(3, 5)
    nn.init.zeros_(film.scale)
    nn.init.zeros_(film.shift)
    h = torch.randn(3, 7, 5)
    assert torch.equal(film(h, torch.eye(3)), h)


def conditioned(**changes):
    return make("conditioned", n_sources=3, activation="sigmoid", **changes)


def test_without_film_every_condition_gives_the_same_mask():
    network = conditioned()
    masks = network.masks(spectrogram())
    for a, b in [(0, 1), (1, 2), (0, 2)]:
        assert (masks[:, a] - masks[:, b]).abs().max() > 1e-3  # 条件が、出力を変えている
    for film in network.films:
        nn.init.zeros_(film.scale)
        nn.init.zeros_(film.shift)
    masks = network.masks(spectrogram())
    torch.testing.assert_close(masks, masks[:, :1].expand_as(masks))


def test_permuting_the_conditions_permutes_the_outputs():
    network = conditioned()
    mixture = torch.from_numpy(noise(2, 700))
    before, order = network(mixture), [2, 0, 1]
    with torch.no_grad():
        for film in network.films:
            film.scale.copy_(film.scale[order])
            film.shift.copy_(film.shift[order])
    torch.testing.assert_close(network(mixture), before[:, order])


def test_extract_computes_one_source_of_all():
    network = conditioned()
    mixture = torch.from_numpy(noise(2, 333))
    estimates = network(mixture)
    calls = []
    network.head.register_forward_hook(lambda _layer, _inputs, output: calls.append(len(output)))
    for source in range(3):
        one = network.extract(mixture, source)
        torch.testing.assert_close(one, estimates[:, source])
    assert calls == [2, 2, 2]  # 条件 1 つ分（混合音 2 つ）だけを計算した


def test_the_conditioned_network_learns_which_source_is_which():
    """低い音と高い音を、条件で選び分けることを学ぶ。"""
    rng = np.random.default_rng(0)
    band = np.fft.rfftfreq(800) < 0.25

    class Bands:
        def batch(self, index, size):
            spectrum = np.fft.rfft(rng.normal(size=(size, 800)))
            parts = [np.fft.irfft(spectrum * part) for part in (band, ~band)]
            return np.stack(parts, axis=1).astype(np.float32)

    config = Config(
        "conditioned",
        network_config={**STFT, "hidden": 8},
        steps=60,
        batch=4,
        lr=2e-2,
        warmup=0,
    )
    network = train(config, mixer=Bands(), progress=False).network
    sources = Bands().batch(0, 1)[0]
    estimates = network.separate(sources.sum(axis=0))
    for j in range(2):
        assert snr(sources[j], estimates[j]) > 10
        assert snr(sources[j], estimates[1 - j]) < 1


def test_unet_skips_matter_and_norm_is_checked():
    torch.manual_seed(0)
    with_skip = UNet(**SMALL["unet"])
    without = UNet(**SMALL["unet"], skip=False)
    sizes = [sum(p.numel() for p in n.parameters()) for n in (with_skip, without)]
    assert sizes[0] > sizes[1]
    with pytest.raises(ValueError, match="norm"):
        UNet(norm="layer")


@pytest.mark.parametrize("n_frames", [1, 2, 7, 8, 9, 31])
def test_unet_takes_any_number_of_frames(n_frames):
    masks = make("unet").masks(spectrogram(n_frames))
    assert masks.shape == (2, 2, 33, n_frames)


def test_open_unmix_does_not_look_above_its_bandwidth():
    network = make("open_unmix", sr=8000, bandwidth=2000, wiener=False)
    S = spectrogram()
    S /= S.abs().mean(dim=(1, 2), keepdim=True)
    other = S.clone()
    # 2000 Hz はビン 16。それより上を、振幅の平均を変えずに並べ替える
    other[:, 17:] = S[:, 17:].flip(1)
    torch.testing.assert_close(network.masks(other), network.masks(S))
    assert network.masks(S).shape == S[:, None].expand(2, 2, -1, -1).shape
    other[:, 16] = 3 * S[:, 16]
    assert not torch.allclose(network.masks(other), network.masks(S))


def test_tasnet_features_do_not_depend_on_the_sign():
    network = make("tasnet")
    mixture = noise(600)
    np.testing.assert_allclose(network.separate(-mixture), -network.separate(mixture), atol=1e-6)


def test_tasnet_with_relu_features_runs_from_random_filters():
    network = ConvTasNet(**SMALL["tasnet"], init="random", features="relu").eval()
    assert network.separate(noise(333)).shape == (2, 333)
    with pytest.raises(ValueError, match="features"):
        ConvTasNet(features="power")


# ---- 引数の間違い -------------------------------------------------------------------------


def test_build_names_what_came():
    with pytest.raises(ValueError, match="wavenet"):
        build("wavenet")
    with pytest.raises(ValueError, match="hiden"):
        build("mask_inference", hiden=3)
    assert set(NETWORKS) == set(SMALL)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: MaskInference(activation="relu"), "activation"),
        (lambda: MaskInference(n_sources=0), "n_sources"),
        (lambda: Chimera(inference="both"), "inference"),
        (lambda: ConditionedMaskInference(ordered=False), "ordered=True"),
        (lambda: ConditionedMaskInference(n_layers=0), "n_layers"),
        (lambda: ConditionedMaskInference(activation="relu"), "activation"),
        (lambda: conditioned().extract(torch.zeros(1, 99), 3), "0 以上 3 未満"),
        (lambda: conditioned().extract(torch.zeros(1, 99), -1), "source"),
        (lambda: make("conditioned").extract(torch.zeros(1, 99), 0), "sigmoid"),
        (lambda: DeepClustering(sharpness=-1), "sharpness"),
        (lambda: Demucs(kernel=7), "偶数"),
        (lambda: OpenUnmix(bandwidth=0), "bandwidth"),
        (lambda: describe(MaskInference(hidden=4), 0), "sr"),
    ],
)
def test_bad_arguments_are_refused(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it()


def test_examples_in_docstrings():
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
