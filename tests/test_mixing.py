"""学習データの試験：音は種だけで決まり、分割は重ならず、注釈から同じ混合音ができる。"""

import dataclasses
import doctest
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.signal
import soundfile as sf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from sstut._loudness import loudness
from sstut.data import load_musdb, load_song
from sstut.evaluation import si_sdr
from sstut.masking import ideal_binary_mask
from sstut.mixing import (
    AUGMENTATIONS,
    SPLITS,
    TASKS,
    Mixer,
    accompany,
    change_speed,
    clip_seed,
    clips,
    compose,
    evaluation_set,
    instruments,
    play_bass,
    play_chords,
    play_drums,
    render,
    sing,
    speak,
    synthesis,
    tilt,
    voices,
)
from sstut.representations import istft, stft

SOUNDS = [sing, speak, accompany, play_drums, play_bass, play_chords]
MUSIC = [sing, accompany, play_drums, play_bass, play_chords]
SEEDS = st.integers(0, 2**31)
STEMS = ("vocals", "drums", "bass", "other")
SMALL = {"n_clips": 6, "clip_duration": 3.0, "duration": 0.5}


def small(task="vocals", **options):
    return Mixer(task, **{**SMALL, **options})


def power(y, sr, low, high):
    """low〜high [Hz] のエネルギーの割合。"""
    spectrum = np.abs(np.fft.rfft(y)) ** 2
    frequencies = np.fft.rfftfreq(len(y), 1 / sr)
    return spectrum[(frequencies >= low) & (frequencies < high)].sum() / spectrum.sum()


# ---- 音の素 ----------------------------------------------------------------------------


@given(SEEDS, st.sampled_from([8000, 16000, 44100]))
def test_pulse_train_is_the_sum_of_the_harmonics(seed, sr):
    rng = np.random.default_rng(seed)
    f0 = np.interp(np.arange(400), [0, 399], rng.uniform(70, 700, 2))
    theta = np.cumsum(2 * np.pi * f0 / sr)
    count = 0.46 * sr / f0
    k = np.arange(1, int(count.max()) + 2)[:, None]
    expected = np.sum(np.clip(count - k + 1, 0, 1) * np.cos(k * theta), axis=0)
    pulses = synthesis.pulse_train(f0, sr)
    np.testing.assert_allclose(pulses, expected, rtol=0, atol=1e-3 * count.max())


@given(st.floats(-np.pi, np.pi), st.floats(0, 0.9))
def test_tones_are_geometric_series_of_harmonics(theta, r):
    k = np.arange(400)
    every, odd = np.sum(r**k * np.sin((k + 1) * theta)), np.sum(r**k * np.sin((2 * k + 1) * theta))
    assert synthesis.harmonic_tone(np.array(theta), r) == pytest.approx(every, abs=1e-9)
    assert synthesis.odd_tone(np.array(theta), r) == pytest.approx(odd, abs=1e-9)


@pytest.mark.parametrize("kind", ["pluck", "keys", "strings", "bell", "organ"])
@pytest.mark.parametrize("f", [130.8, 440.0, 1046.5])
def test_notes_have_their_pitch_and_do_not_alias(kind, f):
    y = instruments.chord_note(kind, f, 1.0, 8000, 0.8, 0.5)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    harmonic = np.zeros(len(spectrum), bool)
    for k in range(1, int(4000 / f) + 1):
        harmonic[round(k * f) - 8 : round(k * f * 1.006) + 9] = True
    assert harmonic[np.argmax(spectrum)]
    # 周波数変調のベルは、Nyquist 周波数を超える成分がわずかにあってよい
    limit = 3e-2 if kind == "bell" else 1e-3
    assert np.sum(spectrum[~harmonic] ** 2) < limit * np.sum(spectrum**2)


def test_a_vocal_tract_resonates_at_its_formants():
    frequencies = np.arange(0, 4001, 10.0)
    speaker = voices.draw_singer(np.random.default_rng(0), True, "A")
    for formants in voices.VOWELS["A"]:
        response = np.abs(voices.vocal_tract(formants[None].astype(float), speaker, frequencies))[0]
        peaks = frequencies[scipy.signal.find_peaks(response)[0]]
        for formant in formants:
            assert np.abs(peaks - formant).min() <= 60


def test_wandering_has_unit_deviation():
    x = synthesis.wander(np.random.default_rng(0), 100_000, 0.05, 125)
    assert x.std() == pytest.approx(1, abs=0.02)
    correlation = np.corrcoef(x[:-6], x[6:])[0, 1]
    assert correlation == pytest.approx(np.exp(-6 / 6.25), abs=0.03)


@given(SEEDS, st.integers(-20, 30))
def test_a_tune_stays_in_its_scale(seed, degree):
    tune = compose(seed)
    steps = synthesis.SCALES[tune.scale]
    assert (tune.pitch(degree) - tune.key) % 12 in steps
    assert tune.pitch(degree + len(steps)) == tune.pitch(degree) + 12
    assert 85 <= tune.tempo <= 150
    assert set(tune.chords) <= set(range(len(steps)))


def test_examples_in_docstrings():
    results = [doctest.testmod(module) for module in (clips, synthesis)]
    assert all(r.attempted > 0 and r.failed == 0 for r in results)


# ---- 声と楽器 --------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["A", "B"])
@pytest.mark.parametrize("make", SOUNDS)
def test_sounds_depend_on_the_seed_alone(make, domain):
    y = make(5, duration=1.0, domain=domain)
    assert y.dtype == np.float32
    assert y.shape == (8000,)
    np.testing.assert_array_equal(y, make(5, duration=1.0, domain=domain))
    assert np.sqrt(np.mean(y.astype(float) ** 2)) == pytest.approx(0.1, rel=1e-3)
    assert abs(np.corrcoef(y, make(6, duration=1.0, domain=domain))[0, 1]) < 0.5


@pytest.mark.parametrize("make", SOUNDS)
def test_sounds_are_never_silent_or_broken(make):
    assert make(0, duration=1 / 8000).shape == (1,)
    assert make(0, duration=0.01, sr=48000).shape == (480,)
    for seed in range(12):
        y = make(seed, duration=1.0)
        assert np.isfinite(y).all()
        assert y.std() == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("make", MUSIC)
def test_domain_b_sounds_different_with_the_same_seed(make):
    a, b = (make(3, duration=2.0, domain=domain) for domain in "AB")
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.9


@pytest.mark.parametrize("sr", [8000, 11025, 16000, 22050, 44100])
def test_the_same_seed_is_the_same_music_at_every_rate(sr):
    """声の強弱の曲線と音の鳴る時刻は、標本化周波数によらない。"""
    for make in (sing, play_bass, play_chords):
        y, reference = make(2, sr=sr, duration=4.0), make(2, sr=16000, duration=4.0)
        assert len(y) == 4 * sr
        envelopes = [
            np.array([np.sqrt(np.mean(x**2)) for x in np.array_split(s, 40)])
            for s in (y, reference)
        ]
        assert np.corrcoef(envelopes)[0, 1] > 0.9


@given(st.integers(50, 72), st.integers(-12, 12), SEEDS)
@settings(max_examples=15)
def test_a_voice_sings_the_written_notes(first, step, seed):
    rng = np.random.default_rng(seed)
    singer = dataclasses.replace(voices.draw_singer(rng, True, "A"), vibrato=(5.0, 0.0))
    notes = [
        voices.Syllable(onset, 1.0, pitch, voices.VOWELS["A"][0], "n", 1.0, 0.0)
        for onset, pitch in ((0.0, first), (1.0, first + step))
    ]
    y = voices.render_voice(notes, singer, 16000, 8000, rng)
    for onset, pitch in ((0, first), (8000, first + step)):
        middle = y[onset + 4000 : onset + 7000]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(3000), 32768))
        f = synthesis.hertz(pitch)
        # 倍音の上のエネルギーが、倍音と倍音の間よりずっと大きい
        on, off = (
            np.median(
                [spectrum[b - 12 : b + 13].max() for b in np.round(h * f * 4.096).astype(int)]
            )
            for h in (np.arange(1, 5), np.arange(1, 5) + 0.5)
        )
        assert on > 5 * off


@given(st.floats(4, 7), st.floats(0.1, 1.0), SEEDS)
def test_vibrato_starts_late_and_has_its_rate_and_depth(speed, depth, seed):
    rng = np.random.default_rng(seed)
    singer = dataclasses.replace(voices.draw_singer(rng, True, "A"), vibrato=(speed, depth))
    age = np.arange(1000) / 125
    vibrato, _ = voices.draw_pitch_moves(rng, age, singer, 125)
    assert not vibrato[age < 0.12].any()
    assert np.abs(vibrato).max() == pytest.approx(depth, rel=0.05)
    turns = np.sum(np.diff(np.sign(vibrato[age > 0.4])) != 0)
    assert turns / 2 / 7.6 == pytest.approx(speed, rel=0.08)


@given(st.floats(80, 400), SEEDS)
@settings(max_examples=15)
def test_speech_has_the_asked_pitch(pitch, seed):
    y = speak(seed, pitch=pitch, intonation=0.0, duration=2.0)
    # 自己相関の、0 を除くいちばん高い峰
    correlation = np.fft.irfft(np.abs(np.fft.rfft(y, 32768)) ** 2)[:8000]
    lags = np.arange(int(8000 / 450), int(8000 / 70))
    period = lags[np.argmax(correlation[lags])]
    octaves = np.log2(8000 / period / pitch)
    assert abs(octaves - np.round(octaves)) < 0.1  # 峰が 2 周期目のこともある


def test_voices_move_their_pitch_and_the_band_does_not():
    """歌の倍音は上下に動き、和音の楽器の倍音は動かない（ネットワークの手がかり）。"""

    def steadiness(y):
        S = np.abs(stft(y, n_fft=1024, hop_length=256)) + 1e-6
        a, b = S[:, :-4], S[:, 4:]
        return np.mean(np.sum(a * b, 0) / np.sqrt(np.sum(a**2, 0) * np.sum(b**2, 0)))

    seeds = range(20)
    voice = np.mean([steadiness(sing(s, duration=4.0)) for s in seeds])
    chords = np.mean([steadiness(play_chords(s, duration=4.0)) for s in seeds])
    assert voice < chords - 0.1


def test_instruments_live_where_they_should():
    for seed in range(8):
        assert power(play_bass(seed, duration=4.0), 8000, 20, 500) > 0.8
        assert power(sing(seed, duration=4.0), 8000, 90, 4000) > 0.98
        assert power(play_drums(seed, sr=44100, duration=4.0), 44100, 4000, 22050) > 1e-3


@pytest.mark.parametrize("make", SOUNDS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"sr": 4000}, "8000"),
        ({"duration": 0.0}, "duration"),
        ({"domain": "C"}, "'C'"),
    ],
)
def test_sounds_reject_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**{"seed": 0, "duration": 0.5, **options})


# ---- 変化 ------------------------------------------------------------------------------


@given(st.floats(-6, 6), st.sampled_from([8000, 44100]), st.sampled_from(["float32", "float64"]))
def test_tilt_raises_highs_and_lowers_lows(difference, sr, dtype):
    impulse = np.zeros(4096, dtype)
    impulse[0] = 1
    tilted = tilt(impulse, difference, sr)
    response = 20 * np.log10(np.abs(np.fft.rfft(tilted)))
    assert tilted.dtype == dtype
    assert response[0] == pytest.approx(-difference / 2, abs=0.01)
    assert np.sign(response[-1] - response[0]) == np.sign(difference) or abs(difference) < 1e-3
    if sr == 44100:
        assert response[-1] == pytest.approx(difference / 2, abs=0.15 * abs(difference) + 0.01)


@pytest.mark.parametrize("semitones", [-2, -0.5, 0, 1.3, 2])
def test_speed_moves_the_pitch(semitones):
    speed = 2 ** (semitones / 12)
    t = np.arange(9000) / 8000
    y = change_speed(np.sin(2 * np.pi * 500 * t), speed, 7000)
    start = 0 if speed == 1 else 1  # 補間は 1 つ先のサンプルから始まる
    expected = np.sin(2 * np.pi * 500 * (np.arange(7000) * speed + start) / 8000)
    np.testing.assert_allclose(y, expected, atol=3e-3)


# ---- 素材 ------------------------------------------------------------------------------


@given(st.integers(0, clips.SEEDS_PER_SPLIT - 1), st.integers(0, clips.SEEDS_PER_SPLIT - 1))
def test_splits_never_share_a_seed(i, j):
    seeds = [clip_seed(split, i) for split in SPLITS] + [clip_seed(split, j) for split in SPLITS]
    assert len(set(seeds)) == (3 if i == j else 6)
    assert sorted(seeds[:3]) == seeds[:3]


def test_splits_never_share_a_sound():
    banks = [small(split=split).bank.waves.reshape(-1, 24000) for split in SPLITS]
    waves = np.concatenate(banks)
    assert len({y.tobytes() for y in waves}) == len(waves)


@pytest.mark.parametrize(("task", "gap"), [("speakers", 7), ("speakers_hard", 3)])
def test_two_speakers_keep_their_distance(task, gap, monkeypatch):
    pitches = []
    monkeypatch.setattr(clips, "speak", lambda seed, **k: pitches.append((seed, k["pitch"])))
    for seed in range(200):
        for name in TASKS[task]:
            clips.make_source(task, name, seed)
    seeds, hertz = np.array(pitches).T
    assert len(set(seeds)) == 400
    distances = np.abs(12 * np.log2(hertz[::2] / hertz[1::2]))
    assert gap <= distances.min() < gap + 1
    assert np.mean(hertz[::2] > hertz[1::2]) == pytest.approx(0.5, abs=0.15)


def test_clips_of_one_seed_are_one_song():
    bank = small("stems").bank
    for k, make in enumerate((sing, play_drums, play_bass, play_chords)):
        np.testing.assert_array_equal(bank.waves[2, k], make(clip_seed("train", 2), duration=3.0))
    assert bank.labels[2]["tempo"] == compose(clip_seed("train", 2)).tempo
    assert bank.lufs[2, 1] == loudness(bank.waves[2, 1], 8000)
    with pytest.raises(ValueError, match="read-only"):
        bank.waves[0] = 0


def test_a_cache_is_read_back_and_follows_the_settings(tmp_path, monkeypatch):
    fresh, stored = small(), small(cache=tmp_path)
    np.testing.assert_array_equal(fresh.batch(0, 4), stored.batch(0, 4))
    assert len(list(tmp_path.iterdir())) == 2

    def refuse(*args, **options):
        raise AssertionError("2 度目は作らない")

    monkeypatch.setattr(clips, "make_bank", refuse)
    np.testing.assert_array_equal(small(cache=tmp_path).batch(0, 4), fresh.batch(0, 4))
    with pytest.raises(AssertionError):
        small(cache=tmp_path, split="test").batch(0, 4)


# ---- 混ぜる ----------------------------------------------------------------------------


@given(
    st.sampled_from(list(TASKS)),
    st.booleans(),
    st.sets(st.sampled_from(AUGMENTATIONS)),
    st.integers(0, 500),
    st.sampled_from(SPLITS),
)
@settings(max_examples=25)
def test_a_mixture_is_the_sum_and_is_made_again_from_its_annotation(
    task, coherent, augment, index, split
):
    mixer = small(task, coherent=coherent, augment=tuple(sorted(augment)), split=split)
    mixture = mixer[index]
    assert mixture.names == TASKS[task]
    assert mixture.sources.shape == (len(TASKS[task]), 4000)
    assert mixture.sources.dtype == mixture.mixture.dtype == np.float32
    np.testing.assert_array_equal(mixture.mixture, mixture.sources.sum(axis=0))
    assert np.abs(mixture.mixture).max() <= 0.9901
    again = render(json.loads(json.dumps(mixture.annotation, allow_nan=False)))
    np.testing.assert_array_equal(again.sources, mixture.sources)
    assert again.annotation == mixture.annotation


def test_a_batch_is_the_mixtures_in_order_and_a_function_of_the_settings():
    mixer = small("stems", augment=AUGMENTATIONS)
    batch = mixer.batch(3, 5)
    for row, i in zip(batch, range(15, 20), strict=True):
        np.testing.assert_array_equal(row, mixer[i].sources)
    np.testing.assert_array_equal(small("stems", augment=AUGMENTATIONS).batch(3, 5), batch)
    assert not np.array_equal(small("stems", augment=AUGMENTATIONS, seed=1).batch(3, 5), batch)
    assert not np.array_equal(mixer.batch(2, 5), batch)


@pytest.mark.parametrize(
    ("name", "key", "neutral"),
    [("gain", "gain_db", None), ("polarity", "polarity", 1), ("filter", "tilt_db", 0),
     ("speed", "speed", 1)],
)  # fmt: skip
def test_each_augmentation_changes_one_thing(name, key, neutral):
    with_it, without = (small(augment=augment, duration=1.0) for augment in ((name,), ()))
    values = [{s[key] for i in range(20) for s in m.plan(i)["sources"]} for m in (with_it, without)]
    assert len(values[0]) > len(values[1])
    assert neutral is None or values[1] == {neutral}
    assert not np.array_equal(with_it.batch(0, 4), without.batch(0, 4))


def test_levels_follow_the_settings():
    mixer = small("stems", level_range=(-4, 7), loudness=(-30, -20), augment=("gain",))
    levels = []
    for i in range(400):
        plan = mixer.plan(i)
        gains = [s["gain_db"] for s in plan["sources"]]
        picks = [s["clip"]["index"] for s in plan["sources"]]
        levels.append(np.array(gains) + mixer.bank.lufs[picks, range(4)])
    levels = np.array(levels)
    difference, mean = levels[:, 1:] - levels[:, :1], levels.mean(axis=1)
    assert (difference.min() > -4) & (difference.max() < 7)
    assert (mean.min() > -30) & (mean.max() < -20)
    # 一様分布なので、範囲のほぼ全体に広がる
    assert np.ptp(difference, axis=0).min() > 10.5
    assert np.ptp(mean) > 9.5


def test_the_annotated_gain_gives_the_asked_loudness():
    """クリップの全体を混ぜれば、できた音のラウドネスはねらったとおりになる。"""
    levels = {"level_range": (2, 2), "loudness": (-25, -25)}
    mixer = small(duration=3.0, coherent=True, augment=("gain",), **levels)
    for i in range(6):
        lufs = [s["lufs"] for s in mixer[i].annotation["sources"]]
        assert lufs == pytest.approx([-26, -24], abs=0.01)


def test_loud_mixtures_are_turned_down_together():
    quiet, loud = small(loudness=(-25, -25)), small(loudness=(-5, -5))
    a, b = quiet[0], loud[0]
    assert a.annotation["headroom_db"] == 0
    assert b.annotation["headroom_db"] > 0
    assert np.abs(b.mixture).max() == pytest.approx(0.99, rel=1e-5)
    gain = 20 - b.annotation["headroom_db"]
    np.testing.assert_allclose(b.sources, a.sources * 10 ** (gain / 20), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("augment", [(), AUGMENTATIONS])
def test_coherent_means_one_song_at_one_offset(augment):
    together, apart = (small("stems", coherent=c, augment=augment) for c in (True, False))
    for i in range(12):
        sources = together.plan(i)["sources"]
        assert len({(s["clip"]["seed"], s["offset"], s["speed"]) for s in sources}) == 1
    songs = [len({s["clip"]["seed"] for s in apart.plan(i)["sources"]}) for i in range(12)]
    assert max(songs) == 4
    assert len({s["offset"] for s in apart.plan(0)["sources"]}) == 4


def test_speakers_stay_a_pair_in_random_order():
    plans = [small("speakers").plan(i)["sources"] for i in range(40)]
    assert all(p[0]["clip"] == p[1]["clip"] for p in plans)
    assert all({p[0]["from"], p[1]["from"]} == set(TASKS["speakers"]) for p in plans)
    assert 5 < sum(p[0]["from"] == "speaker_1" for p in plans) < 35
    assert sum(p[0]["offset"] == p[1]["offset"] for p in plans) < 3


def test_every_clip_is_used_equally_often():
    mixer = small()
    first = [mixer.plan(i)["sources"][0]["clip"]["index"] for i in range(12)]
    assert first == 2 * list(range(6))


def test_silence_stays_silent():
    silent = {name: np.zeros(24000, np.float32) for name in STEMS}
    mixture = Mixer.from_tracks({"無音": silent}, **SMALL, augment=AUGMENTATIONS)[0]
    assert not mixture.mixture.any()
    assert mixture.annotation["lufs"] is None
    json.dumps(mixture.annotation, allow_nan=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "drums"}, "'drums'"),
        ({"split": "dev"}, "'dev'"),
        ({"domain": "C"}, "'C'"),
        ({"n_clips": 0}, "n_clips"),
        ({"duration": 4.0}, "clip_duration=3"),
        ({"duration": 3.0, "augment": ("speed",)}, "clip_duration=3"),
        ({"level_range": (5, -5)}, "level_range"),
        ({"loudness": (np.nan, -20)}, "loudness"),
        ({"augment": ("reverb",)}, "reverb"),
        ({"seed": -1}, "seed"),
        ({"sr": 100}, "8000"),
    ],
)
def test_mixer_rejects_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        Mixer(**{**SMALL, **options})


def test_mixer_rejects_bad_indices():
    mixer = small()
    for call in (lambda: mixer[-1], lambda: mixer[1.0], lambda: mixer.batch(-1, 2)):
        with pytest.raises(ValueError, match="index"):
            call()
    with pytest.raises(ValueError, match="size"):
        mixer.batch(0, 0)
    with pytest.raises(ValueError, match="index"):
        clip_seed("train", clips.SEEDS_PER_SPLIT)
    with pytest.raises(ValueError, match="sources"):
        render({"task": "vocals"})


# ---- 評価用の混合音 --------------------------------------------------------------------


def test_the_evaluation_set_is_fixed_and_separable():
    sources = evaluation_set("vocals", n=6, duration=3.0)
    assert sources.shape == (6, 2, 24000)
    np.testing.assert_array_equal(sources, evaluation_set("vocals", n=6, duration=3.0))
    np.testing.assert_array_equal(sources[:3], evaluation_set("vocals", n=3, duration=3.0))
    levels = np.array([[loudness(y, 8000) for y in pair] for pair in sources])
    assert np.abs(levels[:, 0] - levels[:, 1]).max() < 3.01
    assert levels.mean(axis=1) == pytest.approx(np.full(6, -25), abs=0.01)
    # 理想マスクで大きく改善する：歌と伴奏は、時間周波数の点で分かれている
    improvements = []
    for pair in sources:
        S = stft(pair, n_fft=512, hop_length=128)
        masks = ideal_binary_mask(S)
        estimate = istft(masks * S.sum(axis=0), hop_length=128, length=24000)
        for source, found in zip(pair, estimate, strict=True):
            improvements.append(si_sdr(source, found) - si_sdr(source, pair.sum(axis=0)))
    assert np.mean(improvements) > 10


def test_evaluation_uses_other_songs_than_training():
    seeds = {s: {small(split=s).bank.labels[i]["seed"] for i in range(6)} for s in SPLITS}
    assert all(a.isdisjoint(b) for a, b in itertools.combinations(seeds.values(), 2))
    a, b = (evaluation_set("vocals", n=2, duration=2.0, domain=d) for d in "AB")
    assert not np.array_equal(a, b)


# ---- 本物の曲 --------------------------------------------------------------------------


def tracks(n=2, seconds=5.0, sr=8000):
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * sr)) / sr
    return {
        f"曲{i}": {
            name: (0.1 * np.sin(2 * np.pi * 100 * (4 * i + k + 1) * t)).astype(np.float32)
            + 0.01 * rng.standard_normal((2, len(t))).astype(np.float32)
            for k, name in enumerate(STEMS)
        }
        for i in range(n)
    }


@pytest.mark.parametrize("task", ["vocals", "stems"])
@pytest.mark.parametrize("coherent", [False, True])
def test_real_stems_are_mixed_the_same_way(task, coherent):
    songs = tracks()
    augment = ("gain", "polarity")
    mixer = Mixer.from_tracks(songs, task, **SMALL, coherent=coherent, augment=augment)
    mixture = mixer[4]
    assert mixture.sources.shape == (len(TASKS[task]), 4000)
    np.testing.assert_array_equal(mixture.mixture, mixture.sources.sum(axis=0))
    np.testing.assert_array_equal(mixer.batch(1, 4)[0], mixture.sources)
    text = json.dumps(mixture.annotation, allow_nan=False)
    np.testing.assert_array_equal(render(json.loads(text), tracks=songs).sources, mixture.sources)
    names = {s["clip"]["track"] for i in range(6) for s in mixer.plan(i)["sources"]}
    assert names == set(songs)
    # 切り出した歌は、元の曲のモノラルの歌の定数倍
    source = mixture.annotation["sources"][0]
    start = round(source["clip"]["start"] * 8000) + source["offset"]
    original = songs[source["clip"]["track"]]["vocals"].mean(axis=0)[start : start + 4000]
    gain = source["polarity"] * 10 ** (source["gain_db"] / 20)
    np.testing.assert_allclose(mixture.sources[0], gain * original, rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match="tracks"):
        render(mixture.annotation)


def test_accompaniment_is_everything_but_the_vocals():
    songs = tracks(1)
    four, two = (Mixer.from_tracks(songs, task, **SMALL).bank.waves for task in ("stems", "vocals"))
    np.testing.assert_allclose(two[:, 0], four[:, 0])
    np.testing.assert_allclose(two[:, 1], four[:, 1:].sum(axis=1), atol=1e-6)


def test_musdb_folders_are_read(tmp_path):
    for i, (name, stems) in enumerate(tracks(2, 4.0, 44100).items()):
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        waves = {**stems, "mixture": sum(stems.values())}
        for stem, y in waves.items():
            sf.write(folder / f"{stem}.wav", y.T * (1 + i), 44100, subtype="PCM_16")
    songs = load_musdb(tmp_path)
    mixer = Mixer.from_tracks(songs, "stems", **SMALL, coherent=True)
    mixture = mixer[1]
    assert {s["clip"]["track"] for s in mixture.annotation["sources"]} == {"曲1"}
    for k, y in enumerate(mixture.sources):  # ステムは 500, 600, 700, 800 Hz の正弦波
        spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 8000))
        assert np.argmax(spectrum) == pytest.approx(100 * (4 + k + 1), abs=2)
    np.testing.assert_array_equal(render(mixture.annotation, tracks=songs).sources, mixture.sources)


def test_clips_are_taken_where_every_stem_sounds():
    songs = tracks(1, 20.0)
    songs["曲0"]["vocals"][:, : 12 * 8000] = 0  # 前奏
    bank = Mixer.from_tracks(songs, **{**SMALL, "n_clips": 20}).bank
    assert np.isfinite(bank.lufs).all()
    assert min(label["start"] for label in bank.labels) > 9


def test_a_changed_song_is_not_read_from_the_cache(tmp_path):
    songs = tracks()
    before = Mixer.from_tracks(songs, **SMALL, cache=tmp_path).batch(0, 2)
    np.testing.assert_array_equal(
        Mixer.from_tracks(songs, **SMALL, cache=tmp_path).batch(0, 2), before
    )
    songs["曲0"]["vocals"] = songs["曲0"]["vocals"][:, ::-1]
    assert not np.array_equal(Mixer.from_tracks(songs, **SMALL, cache=tmp_path).batch(0, 2), before)


@pytest.mark.parametrize(
    ("songs", "options", "message"),
    [
        ({}, {}, "空"),
        (tracks(), {"task": "speakers"}, "speakers"),
        ({"a": {"vocals": np.zeros(24000)}}, {}, "drums"),
        ({"a": dict.fromkeys(STEMS, np.zeros(24000)) | {"bass": np.zeros(9)}}, {}, "形"),
        ([load_song(sr=8000)], {}, "Song"),
    ],
)
def test_from_tracks_rejects_bad_songs(songs, options, message):
    with pytest.raises(ValueError, match=message):
        Mixer.from_tracks(songs, **options)


def test_from_tracks_rejects_short_songs():
    with pytest.raises(ValueError, match="短い"):
        Mixer.from_tracks(tracks(1, 2.0), **SMALL)[0]


# ---- PyTorch へ渡す --------------------------------------------------------------------


def take(iterable, n):
    return list(itertools.islice(iterable, n))


def test_the_dataset_yields_the_batches():
    mixer = small()
    for i, (mixture, sources) in enumerate(take(mixer.dataset(batch_size=4), 3)):
        assert sources.dtype == mixture.dtype == torch.float32
        np.testing.assert_array_equal(sources.numpy(), mixer.batch(i, 4))
        np.testing.assert_array_equal(mixture.numpy(), sources.numpy().sum(axis=1))
    for i, (mixture, sources) in enumerate(take(mixer.dataset(start=7), 3)):
        np.testing.assert_array_equal(sources.numpy(), mixer[7 + i].sources)
        np.testing.assert_array_equal(mixture.numpy(), mixer[7 + i].mixture)
    resumed = take(mixer.dataset(batch_size=4, start=2), 1)[0][1]
    np.testing.assert_array_equal(resumed.numpy(), mixer.batch(2, 4))


@pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process")
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_loader_workers_do_not_change_the_order(workers):
    mixer = small()
    loader = DataLoader(mixer.dataset(batch_size=2, start=1), None, num_workers=workers)
    for i, (_, sources) in enumerate(take(loader, 5)):
        np.testing.assert_array_equal(sources.numpy(), mixer.batch(1 + i, 2))


def test_ranks_split_a_batch_between_them(monkeypatch):
    mixer = small()
    halves = []
    for rank in range(2):
        state = {"is_available": True, "is_initialized": True, "get_world_size": 2}
        fake = {name: lambda value=value: value for name, value in state.items()}
        monkeypatch.setattr(
            torch, "distributed", SimpleNamespace(**fake, get_rank=lambda rank=rank: rank)
        )
        dataset = mixer.dataset(batch_size=4, start=3)
        with pytest.raises(ValueError, match="割り切れません"):
            mixer.dataset(batch_size=3)
        halves.append(take(dataset, 2))
    for step in range(2):
        whole = torch.cat([half[step][1] for half in halves])
        np.testing.assert_array_equal(whole.numpy(), mixer.batch(3 + step, 4))
