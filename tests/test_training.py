"""学習の試験：損失が下がる、止めても続きから同じ値になる、分けても同じ、壊れたファイルを断る。"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sstut.evaluation import si_sdr
from sstut.losses import (
    magnitude_loss,
    phase_sensitive_loss,
    snr_loss,
    whitened_deep_clustering_loss,
)
from sstut.networks import Separator, build
from sstut.training import (
    LOSSES,
    RECIPES,
    Config,
    checkpoint,
    clip_gradients,
    evaluate,
    learning_rate,
    load_checkpoint,
    load_config,
    loop,
    read_card,
    save_checkpoint,
    train,
)

torch.set_num_threads(1)

STFT = {"n_fft": 128, "hop_length": 32}
TINY = Config(
    "mask_inference",
    network_config={**STFT, "hidden": 12, "n_layers": 1},
    mixer={"n_clips": 3, "clip_duration": 1.0, "duration": 0.4},
    steps=8,
    batch=2,
    warmup=2,
    save_every=3,
)


class Bands:
    """低い雑音と高い雑音の混合音。番号だけで決まる。"""

    def batch(self, index, size):
        rows = range(index * size, (index + 1) * size)
        return np.stack([self.sources(i) for i in rows])

    def sources(self, i, n_samples=2000):
        spectra = np.fft.rfft(np.random.default_rng(i).normal(size=(2, n_samples)))
        low = np.arange(spectra.shape[-1]) < 0.3 * spectra.shape[-1]
        waves = np.fft.irfft(spectra * np.stack([low, ~low]), n_samples)
        return (waves / waves.std(axis=-1, keepdims=True) * 0.1).astype(np.float32)


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


# ---- 学習 ------------------------------------------------------------------------------


def test_loss_falls_and_unseen_mixtures_are_separated():
    config = dataclasses.replace(TINY, steps=60, lr=1e-2, batch=4)
    trained = train(config, mixer=Bands(), progress=False)
    losses = trained.history["loss"]
    assert len(losses) == len(trained.history["lr"]) == 60
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 5
    unseen = np.stack([Bands().sources(i) for i in range(10**6, 10**6 + 5)])
    before = build("mask_inference", **TINY.network_config)
    assert evaluate(trained.network, unseen).min() > 8
    assert evaluate(before, unseen).max() < 2
    assert not trained.network.training
    json.dumps(trained.card, allow_nan=False)


def test_same_config_gives_the_same_weights_and_the_caller_is_left_alone():
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    runs = [train(TINY, progress=False) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert same_weights(runs[0].network, runs[1].network)
    assert runs[0].history == runs[1].history
    other = train(dataclasses.replace(TINY, seed=1), progress=False)
    assert not same_weights(runs[0].network, other.network)


def test_on_step_sees_every_step():
    seen = []
    train(
        TINY, mixer=Bands(), progress=False, on_step=lambda s, n, h: seen.append((s, h["loss"][-1]))
    )
    assert [s for s, _ in seen] == list(range(1, 9))
    assert len({loss for _, loss in seen}) == 8


def test_progress_bar_counts_the_steps(capsys):
    train(TINY, mixer=Bands(), progress=True)
    assert "8/8" in capsys.readouterr().err


def test_amp_stays_close_to_single_precision():
    network = {"network": "tasnet", "network_config": {"n_blocks": 2, "bottleneck": 16}}
    exact, half = (
        train(dataclasses.replace(TINY, **network, amp=amp), mixer=Bands(), progress=False)
        for amp in (False, True)
    )
    assert all(p.dtype == torch.float32 for p in half.network.parameters())
    assert exact.history["loss"] != half.history["loss"]
    np.testing.assert_allclose(half.history["loss"], exact.history["loss"], atol=0.2)


def test_broken_data_stops_the_training():
    class Broken(Bands):
        def batch(self, index, size):
            return super().batch(index, size) * (np.nan if index == 2 else 1)

    with pytest.raises(FloatingPointError, match="3 回目の損失が nan"):
        train(TINY, mixer=Broken(), progress=False)


def test_every_recipe_takes_a_step():
    for name, recipe in RECIPES.items():
        config = dataclasses.replace(recipe, steps=1, batch=2, mixer=TINY.mixer, validate_every=0)
        trained = train(config, progress=False)
        assert np.isfinite(trained.history["loss"]).all(), name
        assert trained.network.config == build(config.network, **trained.network.config).config


# ---- 検証と早期終了 ----------------------------------------------------------------------


def test_early_stopping_keeps_the_best_weights(monkeypatch):
    scores, weights = iter([1.0, 3.0, 2.0, 3.0, 99.0]), []

    def scripted(network, sources):
        weights.append([p.detach().clone() for p in network.parameters()])
        return np.full(2, next(scores))

    monkeypatch.setattr(loop, "evaluate", scripted)
    config = dataclasses.replace(TINY, steps=30, validate_every=2, patience=2, n_validation=2)
    trained = train(config, mixer=Bands(), progress=False)
    # 2 番目が最もよく、そのあと 2 回続けて超えなかったので、4 番目で止まる
    assert trained.history["validation"] == [1.0, 3.0, 2.0, 3.0]
    assert trained.history["validation_step"] == [2, 4, 6, 8]
    assert len(trained.history["loss"]) == 8
    for kept, best in zip(trained.network.parameters(), weights[1], strict=True):
        assert torch.equal(kept, best)
    assert trained.card["metrics"] == {"validation_si_sdr_improvement": 3.0}


def test_validation_uses_its_own_split_and_does_not_change_the_training(monkeypatch):
    asked = []
    original = loop.evaluation_set
    monkeypatch.setattr(
        loop,
        "evaluation_set",
        lambda *a, **k: asked.append(k) or original(*a, **(k | {"duration": 1.0})),
    )
    watched = train(
        dataclasses.replace(TINY, validate_every=4, n_validation=2), mixer=Bands(), progress=False
    )
    assert [k["split"] for k in asked] == ["validation"]
    assert len(watched.history["validation"]) == 2
    plain = train(TINY, mixer=Bands(), progress=False)
    assert same_weights(watched.network, plain.network)


# ---- 止めて、続ける -----------------------------------------------------------------------

KILLED = """
import dataclasses, json, os, signal, sys
from sstut.training import Config, train
config = Config(**json.loads(sys.argv[1]))
def die(step, network, history):
    if step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
train(config, out=sys.argv[2], progress=False, on_step=die)
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"network_config": {**STFT, "hidden": 12, "n_layers": 2, "dropout": 0.3}},
        {
            "network": "deep_clustering",
            "network_config": {**STFT, "hidden": 8, "n_dims": 4},
            "loss": "whitened",
            "loss_options": {"n_frames": 9},
            "task": "speakers",
            "autoclip": 50.0,
            "validate_every": 2,
            "n_validation": 1,
        },
    ],
    ids=["dropout", "random frames, autoclip, validation"],
)
def test_resume_after_sigkill_continues_to_the_same_bits(tmp_path, changes):
    config = dataclasses.replace(TINY, **changes)
    code = [sys.executable, "-c", KILLED, json.dumps(config.to_dict()), str(tmp_path)]
    killed = subprocess.run(code, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "state.pt").exists()
    assert not (tmp_path / "network.safetensors").exists()
    steps = []
    resumed = train(config, out=tmp_path, progress=False, on_step=lambda s, n, h: steps.append(s))
    assert steps == [4, 5, 6, 7, 8]  # 3 回目の後に保存されていた
    whole = train(config, progress=False)
    assert resumed.history == whole.history
    assert same_weights(resumed.network, whole.network)
    assert same_weights(load_checkpoint(tmp_path / "network.safetensors"), whole.network)


def test_finished_training_is_not_repeated_unless_asked(tmp_path):
    steps = []

    def note(step, network, history):
        steps.append(step)

    first = train(TINY, mixer=Bands(), out=tmp_path, progress=False)
    again = train(TINY, mixer=Bands(), out=tmp_path, progress=False, on_step=note)
    assert steps == []
    assert same_weights(first.network, again.network)
    train(TINY, mixer=Bands(), out=tmp_path, resume=False, progress=False, on_step=note)
    assert steps == list(range(1, 9))


def test_state_of_another_config_or_a_torn_state_is_refused(tmp_path):
    train(TINY, mixer=Bands(), out=tmp_path, progress=False)
    with pytest.raises(ValueError, match="別の設定"):
        train(dataclasses.replace(TINY, lr=2e-3), mixer=Bands(), out=tmp_path, progress=False)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ValueError, match="壊れています"):
        train(TINY, mixer=Bands(), out=tmp_path, progress=False)


# ---- 分散学習 ----------------------------------------------------------------------------


def test_two_processes_equal_one(tmp_path):
    config = dataclasses.replace(TINY, steps=4, batch=4, validate_every=2, n_validation=1)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.to_dict()), "utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    code = [*launch, "-m", "sstut", "train", str(path), "--out", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(code, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    card = read_card(tmp_path / "network.safetensors")
    assert card["processes"] == 2
    one = train(config, progress=False)
    two = torch.load(tmp_path / "state.pt", weights_only=True)["history"]
    for key in ("loss", "gradient_norm", "validation"):
        np.testing.assert_allclose(two[key], one.history[key], rtol=1e-4, atol=1e-4)
    network = load_checkpoint(tmp_path / "network.safetensors")
    for a, b in zip(network.parameters(), one.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_batch_must_divide_among_processes():
    from sstut.training.distributed import share

    assert share(8, 2) == 4
    with pytest.raises(ValueError, match="割り切れません"):
        share(7, 2)


# ---- 学習率と勾配の切り詰め ---------------------------------------------------------------


@given(steps=st.integers(1, 500), warmup=st.integers(0, 50), floor=st.floats(0, 1))
def test_learning_rate_rises_then_falls(steps, warmup, floor):
    config = dataclasses.replace(TINY, steps=steps, warmup=warmup, lr_floor=floor, lr=0.1)
    rates = np.array([learning_rate(config, step) for step in range(steps)])
    assert np.all(rates >= 0)
    assert np.all(rates <= 0.1)
    falling = rates[max(warmup - 1, 0) :]
    assert np.all(np.diff(falling) <= 1e-12)
    if warmup <= 1:
        assert rates[0] == pytest.approx(0.1)
    if steps > 50:
        assert rates[-1] == pytest.approx(0.1 * floor, abs=1e-3 * 0.1 * 20)


@pytest.mark.parametrize("limit", [0.0, 1e-3, 1e6])
def test_clipping_matches_torch(limit):
    pair = [build("demucs", channels=4, depth=2) for _ in range(2)]
    pair[1].load_state_dict(pair[0].state_dict())
    for network in pair:
        network(torch.ones(1, 100)).square().sum().backward()
    norm = clip_gradients(pair[0], [], dataclasses.replace(TINY, clip=limit))
    expected = torch.nn.utils.clip_grad_norm_(pair[1].parameters(), limit or float("inf"))
    assert norm == pytest.approx(float(expected))
    for a, b in zip(pair[0].parameters(), pair[1].parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-9)


def test_autoclip_uses_the_past():
    network = build("demucs", channels=4, depth=2)
    network(torch.ones(1, 100)).square().sum().backward()
    config = dataclasses.replace(TINY, autoclip=50.0)
    norm = clip_gradients(network, [1e-6, 1e-6, 1e-6], config)
    clipped = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
    assert norm > 1e-3
    assert float(clipped) == pytest.approx(1e-6, rel=1e-4)


# ---- 損失 ------------------------------------------------------------------------------


def network_for(loss, *, ordered):
    kind = {"deep_clustering": "deep_clustering", "whitened": "deep_clustering"}.get(
        loss, "chimera" if loss == "chimera" else "mask_inference"
    )
    size = {"hidden": 6} | ({"n_dims": 4} if kind != "mask_inference" else {})
    torch.manual_seed(0)
    return build(kind, **STFT, **size, ordered=ordered)


@pytest.mark.parametrize("loss", LOSSES)
def test_unordered_losses_ignore_the_order_of_the_sources(loss):
    sources = torch.from_numpy(Bands().batch(0, 3))
    values = {}
    for ordered in (True, False):
        network = network_for(loss, ordered=ordered)
        for flipped in (False, True):
            torch.manual_seed(0)  # フレームの選び方をそろえる
            target = sources.flip(1) if flipped else sources
            value = LOSSES[loss](network, sources.sum(dim=1), target)
            value.backward()
            assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
            values[ordered, flipped] = value.item()
    assert values[False, False] == pytest.approx(values[False, True], rel=1e-4)
    assert values[False, False] <= values[True, False] + 1e-5
    if loss in ("deep_clustering", "whitened"):  # もともと順番によらない
        assert values[True, False] == pytest.approx(values[True, True], rel=1e-4)
    else:
        assert abs(values[True, False] - values[True, True]) > 1e-4


def test_losses_are_those_of_the_losses_chapter():
    sources = torch.from_numpy(Bands().batch(0, 3))
    mixture = sources.sum(dim=1)
    network = network_for("snr", ordered=True)
    X, S = network.stft(mixture), network.stft(sources)
    masks = network.masks(X)
    expected = {
        "snr": snr_loss(network(mixture), sources),
        "magnitude": magnitude_loss(masks, X, S, relative=True),
        "phase_sensitive": phase_sensitive_loss(masks, X, S, relative=True),
    }
    for name, value in expected.items():
        torch.testing.assert_close(LOSSES[name](network, mixture, sources), value)


def test_clustering_loss_over_all_frames_is_the_plain_one():
    from sstut.losses import ideal_assignment, magnitude_weights

    sources = torch.from_numpy(Bands().batch(0, 2))
    network = network_for("whitened", ordered=False)
    X, S = network.stft(sources.sum(dim=1)), network.stft(sources)
    expected = whitened_deep_clustering_loss(
        network.embed(X), ideal_assignment(S), magnitude_weights(X)
    )
    value = LOSSES["whitened"](network, sources.sum(dim=1), sources, n_frames=10**9)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "network"),
    [("magnitude", "demucs"), ("whitened", "mask_inference"), ("chimera", "deep_clustering")],
)
def test_losses_name_the_network_they_need(loss, network):
    sources = torch.from_numpy(Bands().batch(0, 1))
    with pytest.raises(ValueError, match="要ります"):
        LOSSES[loss](build(network), sources.sum(dim=1), sources)


# ---- 評価 ------------------------------------------------------------------------------


class Leaky(Separator):
    """試験のための分離：正解に、ほかの音源を 1/10 だけ混ぜて、逆の順に返す。"""

    def __init__(self, sources, *, ordered):
        super().__init__({"n_sources": sources.shape[1], "ordered": ordered})
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.sources = torch.from_numpy(sources)

    def forward(self, mixture):
        mixed = 0.9 * self.sources + 0.1 * mixture[:, None]
        return mixed.flip(1)


def test_evaluate_is_the_improvement_with_the_best_order():
    rng = np.random.default_rng(0)
    sources = rng.normal(size=(4, 3, 500)).astype(np.float32)
    mixtures = sources.sum(axis=1, keepdims=True)
    estimates = 0.9 * sources + 0.1 * mixtures
    gain = si_sdr(sources, estimates) - si_sdr(sources, np.broadcast_to(mixtures, sources.shape))
    scores = evaluate(Leaky(sources, ordered=False), sources)
    np.testing.assert_allclose(scores, gain.mean(axis=1), atol=1e-3)
    # 順番が決まっているなら、逆の順に返すのは間違い
    assert evaluate(Leaky(sources, ordered=True), sources).max() < scores.min() - 5


def test_evaluate_refuses_other_shapes():
    network = build("demucs", channels=4, depth=2)
    for shape in [(2, 100), (3, 4, 100), (1, 2, 2, 100)]:
        with pytest.raises(ValueError, match="n_samples"):
            evaluate(network, np.ones(shape))


# ---- チェックポイント ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(0)
    network = build("unet", **STFT, channels=[4, 6])  # channels_last の重みを持つ
    path = tmp_path_factory.mktemp("saved") / "unet.safetensors"
    return network, save_checkpoint(path, network, {"題": "試し", "metrics": {"a": 1.5}})


def test_checkpoint_round_trip(saved):
    network, path = saved
    loaded = load_checkpoint(path)
    assert type(loaded) is type(network)
    assert loaded.config == network.config
    assert not loaded.training
    for (name, a), (_, b) in zip(
        network.state_dict().items(), loaded.state_dict().items(), strict=True
    ):
        assert torch.equal(a, b), name
    mixture = Bands().sources(0).sum(axis=0)
    np.testing.assert_array_equal(loaded.separate(mixture), network.separate(mixture))


def test_card_is_kept_inside_and_beside(saved):
    card = read_card(saved[1])
    assert card["題"] == "試し"
    assert card["metrics"] == {"a": 1.5}
    assert card["network"] == "unet"
    assert json.loads(saved[1].with_suffix(".json").read_text("utf-8")) == card


def test_half_precision_halves_the_file_and_rounds_once(saved, tmp_path):
    network, full = saved
    path = save_checkpoint(tmp_path / "half.safetensors", network, {}, half=True)
    loaded = load_checkpoint(path)
    for name, weight in network.state_dict().items():
        kept = loaded.state_dict()[name]
        assert kept.dtype == weight.dtype
        expected = weight.half().float() if weight.is_floating_point() else weight
        assert torch.equal(kept, expected), name
    # 丸めた重みは、もう 1 度丸めても変わらない
    again = load_checkpoint(save_checkpoint(tmp_path / "again.safetensors", loaded, {}, half=True))
    assert same_weights(again, loaded)
    weights = sum(w.numel() for w in network.state_dict().values() if w.is_floating_point())
    assert full.stat().st_size - path.stat().st_size == pytest.approx(2 * weights, abs=200)


def test_weights_too_large_for_half_precision_are_refused(tmp_path):
    network = build("mask_inference", **STFT, hidden=2)
    with torch.no_grad():
        network.head.bias[0] = 1e6
    with pytest.raises(ValueError, match=r"head\.bias.*半精度"):
        save_checkpoint(tmp_path / "half.safetensors", network, {}, half=True)
    assert not list(tmp_path.iterdir())


@settings(max_examples=30)
@given(data=st.data())
def test_torn_checkpoints_are_refused(saved, data):
    content = saved[1].read_bytes()
    path = saved[1].with_name("torn.safetensors")
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ValueError, match="読めません"):
        load_checkpoint(path)


@settings(max_examples=30)
@given(data=st.data())
def test_a_flipped_bit_in_the_weights_is_found(saved, data):
    content = bytearray(saved[1].read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(header, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = saved[1].with_name("flipped.safetensors")
    path.write_bytes(content)
    with pytest.raises(ValueError, match="壊れています"):
        load_checkpoint(path)


def test_foreign_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="ありません"):
        load_checkpoint(tmp_path / "nothing.safetensors")
    path = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="本書の"):
        read_card(path)
    path.write_text("これは文章です", "utf-8")
    with pytest.raises(ValueError, match="読めません"):
        load_checkpoint(path)


def test_save_refuses_what_cannot_be_kept(tmp_path):
    network = build("demucs", channels=4, depth=2)
    with pytest.raises(ValueError, match="safetensors"):
        save_checkpoint(tmp_path / "model.pt", network, {})
    for card in ({"x": object()}, {"x": float("nan")}):
        with pytest.raises(ValueError, match="JSON"):
            save_checkpoint(tmp_path / "model.safetensors", network, card)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    checkpoint.write_atomically(path, b"old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.write_atomically(path, b"new, longer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# ---- 設定 ------------------------------------------------------------------------------


def test_config_files(tmp_path):
    as_json, as_toml = tmp_path / "c.json", tmp_path / "c.toml"
    as_json.write_text(json.dumps(TINY.to_dict()), "utf-8")
    assert load_config(as_json) == TINY
    as_toml.write_text(
        'network = "unet"\nsteps = 3\n[network_config]\nchannels = [4, 8]\n'
        "[mixer]\nlevel_range = [-3.0, 3.0]\n",
        "utf-8",
    )
    assert load_config(as_toml) == Config(
        "unet",
        steps=3,
        network_config={"channels": [4, 8]},
        mixer={"level_range": [-3.0, 3.0]},
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.toml", "network = ", "読めません"),
        ("c.json", "{", "読めません"),
        ("c.yaml", "", "toml"),
        ("c.toml", "steps = 3", "network"),
        ("c.json", "[1]", "network"),
        ("c.toml", 'network = "unet"\nstep = 3', r"\['step'\]"),
        ("c.toml", 'network = "wavenet"', "wavenet"),
        ("c.toml", 'network = "unet"\nlr = -1', "lr"),
        ("c.toml", 'network = "unet"\nsteps = 0', "steps"),
        ("c.toml", 'network = "unet"\nautoclip = 101', "autoclip"),
        ("c.toml", 'network = "unet"\npatience = 3', "validate_every"),
        ("c.toml", 'network = "unet"\nloss = "l0"', "l0"),
        ("c.toml", 'network = "unet"\ndevice = "tpu"', "device"),
    ],
)
def test_bad_config_files_are_refused(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        load_config(path)


def test_missing_config_file(tmp_path):
    with pytest.raises(ValueError, match="読めません"):
        load_config(Path(tmp_path) / "none.toml")
