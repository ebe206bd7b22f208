"""登録簿：どの手法も和が混合音に戻り、ブロックに分けても結果が変わらない。"""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sstut import separators
from sstut.data import load_song
from sstut.evaluation import improvement, si_sdr
from sstut.hpss import separate_hpss
from sstut.separators import (
    METHODS,
    get_method,
    overlap_samples,
    plan_blocks,
    separate,
    separate_blocks,
)

SR = 8000
QUICK = {"nmf": {"n_iter": 5, "n_components": 4}, "rpca": {"n_iter": 10}}


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((2, 5 * SR)).astype(np.float32)


@pytest.mark.parametrize("name", METHODS)
def test_sources_sum_to_the_mixture(name, noise):
    sources = separate(name, noise, SR, **QUICK.get(name, {}))
    assert len(sources) >= 2
    for source in sources.values():
        assert source.shape == noise.shape
        assert source.dtype == np.float32
    np.testing.assert_allclose(sum(sources.values()), noise, atol=2e-6)


@pytest.mark.parametrize("name", METHODS)
def test_silence_stays_silent(name):
    sources = separate(name, np.zeros(5 * SR), SR, **QUICK.get(name, {}))
    assert not any(np.any(source) for source in sources.values())


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_reaches_the_method(name, noise):
    """既定と違う値を渡すと、結果が変わる。"""
    other = {
        "kernel_size": 5, "power": np.inf, "margin": 2.0,
        "period": 1.0, "min_period": 1.2, "max_period": 0.85, "high_pass_cutoff": 1000.0,
        "max_repeats": 2, "min_distance": 2.0, "min_similarity": 1.0, "neighborhood": (1, 3),
        "n_sources": 3, "n_components": 6, "n_iter": 2, "seed": 1, "sparsity": 0.5,
    }  # fmt: skip
    quick = QUICK.get(name, {})
    before = list(separate(name, noise, SR, **quick).values())
    for parameter in METHODS[name].parameters:
        after = list(separate(name, noise, SR, **quick | {parameter: other[parameter]}).values())
        assert len(after) != len(before) or not np.allclose(after, before), parameter


def test_hpss_in_blocks_equals_hpss_at_once():
    """HPSS は前後の短い範囲だけで決まる。ブロックの継ぎ目が見えてはならない。"""
    rng = np.random.default_rng(1)
    mixture = rng.standard_normal(150 * SR).astype(np.float32)
    assert len(plan_blocks(mixture.size, SR)) > 1
    whole = separate_hpss(mixture, n_fft=separators.frame_length(SR))
    joined = np.stack(list(separate("hpss", mixture, SR).values()))
    np.testing.assert_allclose(joined, whole, atol=1e-5)


def test_nmf_keeps_its_sources_in_order_across_blocks():
    """音源の順が決まらない手法でも、ブロックの境で入れかわらない。"""
    sr, seconds = 4000, 118
    t = np.arange(seconds * sr) / sr
    rng = np.random.default_rng(2)
    low = np.sin(2 * np.pi * 150 * t) * np.repeat(rng.random(seconds * 4), sr // 4)
    high = np.sin(2 * np.pi * 1100 * t) * np.repeat(rng.random(seconds * 4), sr // 4)
    flipped = iter([0, 1, 0, 1])

    def cheat(block, sr, **_):
        """低い音と高い音に分けるが、呼ばれるたびに順を変える。"""
        S = np.fft.rfft(block)
        S[np.fft.rfftfreq(len(block), 1 / sr) > 500] = 0
        parts = np.stack([np.fft.irfft(S, len(block)), block - np.fft.irfft(S, len(block))])
        return parts[::-1] if next(flipped) else parts

    nmf = get_method("nmf")
    method = separators.Method("x", "", (), cheat, {}, ordered=False, chapter=nmf.chapter)
    blocks = [(low + high)[here] for here in plan_blocks(t.size, sr)]
    assert len(blocks) == 2
    sources = np.concatenate(list(separate_blocks(method, blocks, sr, {})), axis=-1)
    assert si_sdr(low, sources[0]) > 30
    assert si_sdr(high, sources[1]) > 30


@settings(max_examples=200, deadline=None)
@given(
    n_samples=st.integers(1, 50_000_000),
    sr=st.sampled_from([1, 8, 8000, 11025, 22050, 44100, 96000, 192000]),
)
def test_blocks_cover_everything_and_overlap(n_samples, sr):
    blocks = plan_blocks(n_samples, sr)
    assert blocks[0].start == 0
    assert blocks[-1].stop == n_samples
    for before, after in itertools.pairwise(blocks):
        assert before.stop - after.start == overlap_samples(sr)
        assert after.start % separators.ALIGN == 0
        assert after.stop - after.start > overlap_samples(sr)
    longest = separators.BLOCK * sr + 2 * separators.ALIGN
    assert all(here.stop - here.start <= 1.5 * longest for here in blocks)


def test_one_block_is_held_at_a_time(noise):
    """結果を 1 つ受け取るまで、次のブロックを読まない。"""
    read = []
    blocks = [noise] * 3

    def reader():
        for k, block in enumerate(blocks):
            read.append(k)
            yield block

    stream = separate_blocks(METHODS["hpss"], reader(), SR, {})
    next(stream)
    assert read == [0]


def test_memory_does_not_grow_with_the_length():
    def peak(seconds):
        block = np.zeros(60 * SR, np.float32)
        tracemalloc.start()
        for _ in separate_blocks(METHODS["hpss"], [block] * (seconds // 60), SR, {}):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(480) < 1.2 * peak(120)


def test_repet_beats_the_mixture_on_the_song():
    song = load_song("yokaze", sr=22050, mono=True)
    parts = separate("repet", song.mixture, song.sr)
    vocals = improvement(si_sdr, song.stems["vocals"], parts["foreground"], song.mixture)
    assert vocals > 5


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (["power"], "名前=値"),
        (["powr=2"], "power のことですか"),
        (["power=2", "power=3"], "2 度"),
        (["power=two"], "マスクの鋭さ"),
        (["power=nan"], "マスクの鋭さ"),
        (["kernel_size=3,5,7"], "読めません"),
    ],
)
def test_unreadable_parameters_are_refused(items, words):
    with pytest.raises(ValueError, match=words):
        get_method("hpss").parse(items)


def test_parameters_are_read_as_written():
    values = get_method("hpss").parse(["kernel_size=31,17", "power=inf", "margin=2"])
    assert values == {"kernel_size": (31, 17), "power": np.inf, "margin": 2.0}
    assert get_method("repet").parse(["period=auto"]) == {"period": None}


def test_unknown_names_are_refused(noise):
    with pytest.raises(ValueError, match="hpss のことですか"):
        get_method("hps")
    with pytest.raises(ValueError, match="パラメータに 'n_fft'"):
        separate("hpss", noise, SR, n_fft=512)


@pytest.mark.parametrize(
    ("sr", "n_fft"), [(44100, 2048), (48000, 2048), (22050, 1024), (8000, 512), (10, 64)]
)
def test_window_is_about_46_milliseconds(sr, n_fft):
    assert separators.frame_length(sr) == n_fft


@pytest.mark.parametrize("path", sorted(separators.CHECKPOINTS.glob("*.safetensors")), ids=str)
def test_checkpoints_reproduce_their_stated_scores(path):
    """付属のネットワークを読み直すと、カードに書いた改善量がまた得られる。"""
    from sstut.mixing import evaluation_set
    from sstut.training import evaluate, load_checkpoint, read_card

    card = read_card(path)
    network, task = load_checkpoint(path), card["config"]["task"]
    for domain, stated in card["metrics"]["si_sdr_improvement"].items():
        found = evaluate(
            network, evaluation_set(task, domain=domain, sr=card["config"]["sr"])
        ).mean()
        assert found == pytest.approx(stated, abs=0.1)
    assert path.stat().st_size < 5e6


def test_the_network_separates_the_bundled_song_at_its_own_rate():
    """付属の曲は学習に使っていない。44.1 kHz のステレオのまま分ける。"""
    song = load_song("yokaze")
    end = 12 * song.sr
    parts = separate("mask-inference", song.mixture[:, :end], song.sr)
    for name, truth in (("vocals", song.stems["vocals"]), ("accompaniment", song.accompaniment)):
        gain = improvement(si_sdr, truth[:, :end], parts[name], song.mixture[:, :end])
        assert gain.mean() > 4


@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if m.checkpoint])
def test_networks_take_any_rate(name):
    """ネットワークより低い標本化周波数の音も、高い音も、和が混合音に戻るように分ける。"""
    method = METHODS[name]
    for sr in (4000, 11025, 48000):
        noise = np.random.default_rng(0).standard_normal(2 * sr)
        sources = method.separate(noise, sr)
        assert sources.shape == (len(method.sources), len(noise))
        np.testing.assert_allclose(sources.sum(axis=0), noise, atol=1e-9)
        assert np.all(sources.std(axis=-1) > 1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_cards_belong_to_networks(name):
    method = METHODS[name]
    if method.checkpoint is None:
        assert method.card is None
    else:
        assert method.card["parameters"] > 1e4
        assert len(method.sources) == method.card["network_config"].get("n_sources", 2)
