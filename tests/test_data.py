"""付属の音、MUSDB18-HQ の読み込み、音のファイルの読み込みを確かめる。"""

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

import sstut
from sstut._loudness import loudness
from sstut.data import (
    HELD_OUT,
    Song,
    clip,
    load_audio,
    load_musdb,
    load_song,
    load_speech,
)

SOUNDS = Path(sstut.__file__).parent / "sounds"
STEMS = ("vocals", "drums", "bass", "other")
FILES = ("mixture", *STEMS)
PERIOD = 98304  # 「夜風」の伴奏の1小節 [サンプル]。22.05 kHz でホップ長 512 の 96 フレーム
LENGTHS = {
    "sakura": 13 * 44100,
    "yokaze": 4096 + 12 * PERIOD + 73728,
    "haru": 291060,
    "hashire": 273000,
    "yuki": 323400,
    "kakeru": 249900,
}
HELD_OUT_STEMS = {
    "haru": ["vocals", "bass", "other"],
    "hashire": ["vocals", "drums", "bass", "other"],
    "yuki": ["vocals", "other"],
    "kakeru": ["drums", "bass", "other"],
}


def read_pcm(name):
    """FLAC を 16 bit の整数のまま読む（sstut を通さない）。"""
    return sf.read(SOUNDS / name, dtype="int16", always_2d=True)


def db(x):
    return 20 * np.log10(x)


# 付属のファイル


def test_files_match_their_sha256():
    lines = (SOUNDS / "SHA256SUMS").read_text().splitlines()
    table = dict(reversed(line.split()) for line in lines)
    assert set(table) == {p.name for p in SOUNDS.iterdir()} - {"SHA256SUMS", "CREDITS.md"}
    for name, expected in table.items():
        assert hashlib.sha256((SOUNDS / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("stem", STEMS)
def test_song_files_have_the_promised_format(stem):
    info = sf.info(SOUNDS / f"sakura_{stem}.flac")
    assert (info.samplerate, info.channels, info.subtype) == (44100, 2, "PCM_16")
    assert info.frames == 13 * 44100


@pytest.mark.parametrize("speaker", ["female", "male"])
def test_speech_files_have_the_promised_format(speaker):
    info = sf.info(SOUNDS / f"speech_{speaker}.flac")
    assert (info.samplerate, info.channels, info.subtype) == (24000, 1, "PCM_16")
    assert 6.0 < info.duration < 6.1


@pytest.mark.parametrize(
    "names",
    [[f"sakura_{s}.flac" for s in STEMS], ["speech_female.flac", "speech_male.flac"]],
    ids=["song", "speech"],
)
def test_sum_fits_16_bit_without_clipping(names):
    pcm = [read_pcm(name)[0].astype(np.int64) for name in names]
    total = sum(pcm)
    # 頭打ちになった波形は最大値に張り付く。余裕が 0.5 dB 以上あれば、張り付いていない
    assert db(abs(total).max() / 32768) < -0.5
    assert all(db(abs(y).max() / 32768) < -0.5 for y in pcm)
    assert db(abs(total).max() / 32768) > -3


def test_stems_start_and_end_in_silence():
    # 切り口に段差があると、繰り返し再生でプツッと鳴る
    for stem in STEMS:
        pcm, _ = read_pcm(f"sakura_{stem}.flac")
        assert abs(pcm[0]).max() <= 1
        assert abs(pcm[-1]).max() <= 1


def test_every_stem_is_heard_in_the_mixture():
    song = load_song(mono=True)
    power = {name: float(np.mean(y.astype(np.float64) ** 2)) for name, y in song.stems.items()}
    share = {name: 10 * np.log10(p / sum(power.values())) for name, p in power.items()}
    assert min(share.values()) > -12, share
    assert share["vocals"] == max(share.values())


def test_credits_name_every_material():
    text = (SOUNDS / "CREDITS.md").read_text(encoding="utf-8")
    for word in ("CC BY 4.0", "CC BY 3.0", "Apache License 2.0", "MIT License", "Public domain"):
        assert word in text
    for word in ("日本古謡", "Mei", "FluidR3", "Frank Wen", "Kokoro-82M", "Koniwa", "合成"):
        assert word in text
    assert "The above copyright notice and this permission notice shall be" in text
    for p in SOUNDS.iterdir():
        assert p.name == "CREDITS.md" or p.name in text


# load_song


def test_song_is_the_files_divided_by_32768_and_sums_exactly():
    song = load_song()
    assert list(song.stems) == list(STEMS)
    assert (song.sr, song.duration) == (44100, 13.0)
    total = 0
    for stem, y in song.stems.items():
        pcm, _ = read_pcm(f"sakura_{stem}.flac")
        assert y.dtype == np.float32
        assert y.flags.c_contiguous
        np.testing.assert_array_equal(y * 32768, pcm.T)
        total = total + pcm.T.astype(np.int64)
    np.testing.assert_array_equal(song.mixture * 32768, total)
    np.testing.assert_array_equal(song.accompaniment + song.stems["vocals"], song.mixture)
    assert song.mixture.dtype == np.float32


def test_song_float64_and_mono():
    song, mono = load_song(dtype=np.float64), load_song(mono=True)
    for stem in STEMS:
        assert song.stems[stem].dtype == np.float64
        np.testing.assert_array_equal(song.stems[stem], load_song().stems[stem])
        np.testing.assert_array_equal(mono.stems[stem], song.stems[stem].mean(axis=0))
    np.testing.assert_array_equal(mono.mixture, song.mixture.mean(axis=0))


@pytest.mark.parametrize("mono", [False, True])
@pytest.mark.parametrize("sr", [16000, 22050])
def test_resampled_stems_still_sum_to_the_resampled_mixture(sr, mono):
    from sstut.representations import resample

    song = load_song(sr=sr, mono=mono)
    assert song.sr == sr
    assert song.mixture.shape[-1] == 13 * sr
    assert song.mixture.dtype == np.float32
    whole = resample(load_song(mono=mono).mixture, 44100, sr)
    np.testing.assert_allclose(song.mixture, whole, rtol=0, atol=2e-6)


def test_results_are_not_shared_between_calls():
    first = load_song()
    before = first.stems["vocals"].copy()
    first.mixture[...] = 0
    first.accompaniment[...] = 0
    np.testing.assert_array_equal(first.stems["vocals"], before)
    first.stems["vocals"][...] = 0
    first.score.f0[...] = 0
    second = load_song()
    np.testing.assert_array_equal(second.stems["vocals"], before)
    assert second.score.f0.max() > 0
    speech = load_speech()
    speech.texts["male"] = ""
    assert load_speech().texts["male"]


def test_accompaniment_of_two_stems_is_a_copy():
    y = np.ones(4, np.float32)
    song = Song("x", {"vocals": y, "other": y}, 8000)
    song.accompaniment[...] = 0
    np.testing.assert_array_equal(y, 1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"name": "usagi"}, "usagi"),
        ({"sr": 0}, "sr"),
        ({"sr": 22050.5}, "sr"),
        ({"sr": True}, "sr"),
        ({"dtype": np.int16}, "int16"),
    ],
)
def test_load_song_refuses_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        load_song(**kwargs)


# 「夜風」と、評価に取っておく曲


def test_held_out_songs_are_the_promised_ones():
    assert tuple(HELD_OUT_STEMS) == HELD_OUT
    for name, stems in HELD_OUT_STEMS.items():
        assert list(load_song(name).stems) == stems
    assert list(load_song("yokaze").stems) == list(STEMS)


@pytest.mark.parametrize("name", LENGTHS)
def test_every_song_is_stereo_16_bit_and_sums_exactly(name):
    song = load_song(name)
    assert (song.name, song.sr) == (name, 44100)
    total = 0
    for stem, y in song.stems.items():
        info = sf.info(SOUNDS / f"{name}_{stem}.flac")
        assert (info.samplerate, info.channels, info.subtype) == (44100, 2, "PCM_16")
        assert (y.shape, y.dtype) == ((2, LENGTHS[name]), np.float32)
        pcm = y.astype(np.float64) * 32768
        np.testing.assert_array_equal(pcm, np.round(pcm))
        total = total + pcm
    np.testing.assert_array_equal(song.mixture.astype(np.float64) * 32768, total)
    assert db(abs(song.mixture).max()) < -0.9


@pytest.mark.parametrize("name", ["yokaze", *HELD_OUT])
def test_new_songs_are_clean(name):
    """直流がなく、端で途切れず、モノラルにしても痩せず、聞きやすい大きさである。"""
    song = load_song(name, dtype=np.float64)
    assert -20.5 < loudness(song.mixture, 44100) < -15.5
    for y in song.stems.values():
        assert abs(y[:, [0, -1]]).max() <= 1 / 32768
        assert abs(y.mean()) < 1e-5
        assert np.mean(y.mean(axis=0) ** 2) > 0.9 * np.mean(y**2)


@pytest.mark.parametrize("name", ["yokaze", *HELD_OUT])
def test_new_scores_are_consistent(name):
    song = load_song(name)
    score = song.score
    np.testing.assert_allclose(np.diff(score.beats), 60 / score.tempo, atol=2e-4)
    assert set(score.parts) == set(song.stems) - {"vocals"}
    for spans in (score.notes, score.lyrics, score.phones, score.chords):
        ends = [s.onset + s.duration for s in spans]
        assert all(s.duration > 0 for s in spans)
        assert all(s.onset >= e - 2e-4 for s, e in zip(spans[1:], ends[:-1], strict=True))
        assert not ends or ends[-1] <= song.duration + 0.5
    assert bool(score.notes) == ("vocals" in song.stems) == bool(len(score.f0))
    assert "".join(s.label for s in score.lyrics) == "".join(n.label for n in score.notes)
    assert song.credit.startswith("音：「")
    assert song.score.period == (PERIOD / 44100 if name == "yokaze" else None)


@pytest.mark.parametrize("name", ["yokaze", "haru", "hashire", "yuki"])
def test_new_vocals_agree_with_their_scores(name):
    song = load_song(name, sr=22050, mono=True)
    f0, voiced, _ = librosa.pyin(song.stems["vocals"], fmin=110, fmax=700, sr=22050, hop_length=256)
    times = np.arange(len(f0)) * 256 / 22050
    truth = song.score.f0[np.minimum(np.round(times / 0.005).astype(int), len(song.score.f0) - 1)]
    assert voiced[truth > 0].mean() > 0.97
    both = (truth > 0) & voiced
    assert np.median(abs(cents(f0[both], truth[both]))) < 15
    for note in song.score.notes:
        start, end = note.onset + 0.4 * note.duration, note.onset + 0.8 * note.duration
        inside = (times >= start) & (times <= end) & voiced
        deviation = cents(np.median(f0[inside]), 440 * 2 ** ((note.pitch - 69) / 12))
        assert abs(deviation) < 100, note  # しゃくりで低めになる。隣の音までは外れない


@pytest.mark.parametrize("name", ["yokaze", *HELD_OUT])
def test_new_accompaniment_notes_agree_with_onsets(name):
    song = load_song(name, mono=True)
    for part, notes in song.score.parts.items():
        strength = librosa.onset.onset_strength(
            y=song.stems[part], sr=44100, hop_length=256, n_fft=1024
        )
        frames = {round(note.onset * 44100 / 256) for note in notes}
        at_notes = np.mean([strength[max(f - 1, 0) : f + 4].max() for f in frames])
        assert at_notes > 2 * strength.mean(), part


def test_repeating_accompaniment_repeats_to_the_sample():
    song = load_song("yokaze")
    start, stop = 4096 + PERIOD, 4096 + 12 * PERIOD
    for stem in ("drums", "bass", "other"):
        bars = song.stems[stem][:, start:stop].reshape(2, 11, PERIOD)
        assert (bars == bars[:, :1]).all()
        # 最初の1小節に足りないのは、前の小節の余韻だけである
        first = song.stems[stem][:, 4096:start]
        assert np.sum((first - bars[:, 0]) ** 2) < 0.05 * np.sum(first**2)
        # つなぎ目の段差は、ふつうの隣どうしの差を越えない
        steps = abs(np.diff(song.stems[stem]))
        seams = steps[:, np.arange(start, stop + 1, PERIOD) - 1]
        assert seams.max() < 0.5 * steps.max()
    vocals = song.stems["vocals"][:, start:stop].reshape(2, 11, PERIOD)
    assert np.sum((vocals[:, 1:] - vocals[:, :-1]) ** 2) > 0.5 * np.sum(vocals**2)


def test_period_is_measured_from_the_sound():
    """伴奏の自己相関は、0.8 秒より後では楽譜の周期で最大になる。"""
    song = load_song("yokaze", mono=True, dtype=np.float64)
    y = song.accompaniment
    power = abs(np.fft.rfft(y, 2 * len(y))) ** 2
    correlation = np.fft.irfft(power)[: len(y)] / np.arange(len(y), 0, -1)
    first = round(0.8 * 44100)
    lag = first + correlation[first : 3 * 44100].argmax()
    assert lag == round(song.score.period * 44100) == PERIOD


@pytest.mark.parametrize("mono", [False, True])
def test_repeating_song_resamples_as_a_whole(mono):
    from sstut.representations import resample

    song = load_song("yokaze", sr=22050, mono=mono)
    whole = resample(load_song("yokaze", mono=mono).mixture, 44100, 22050)
    np.testing.assert_allclose(song.mixture, whole, rtol=0, atol=2e-6)
    same = load_song("yokaze", sr=44100, mono=mono)
    np.testing.assert_array_equal(same.mixture, load_song("yokaze", mono=mono).mixture)


def test_median_over_the_true_period_recovers_the_vocals():
    """周期が分かっていれば、繰り返しの中央値（REPET）で歌が出てくる。間違った周期では出てこない。"""
    song = load_song("yokaze", sr=22050, mono=True)
    S = librosa.stft(song.mixture, n_fft=2048, hop_length=512)
    V = abs(S)

    def vocals_si_sdr(period):
        n = -(-V.shape[1] // period)
        padded = np.full((len(V), n * period), np.nan, np.float32)
        padded[:, : V.shape[1]] = V
        model = np.nanmedian(padded.reshape(len(V), n, period), axis=1)
        background = np.minimum(np.tile(model, n)[:, : V.shape[1]], V)
        estimate = librosa.istft(
            S * (1 - background / (V + 1e-9)), hop_length=512, length=len(song.mixture)
        )
        return si_sdr(song.stems["vocals"], estimate)

    before = si_sdr(song.stems["vocals"], song.mixture)
    assert vocals_si_sdr(96) - before > 10
    assert vocals_si_sdr(96) - vocals_si_sdr(97) > 5


def si_sdr(reference, estimate):
    target = (reference @ estimate) / (reference @ reference) * reference
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


# 楽譜（正解）と音の一致


@pytest.fixture(scope="module")
def measured_f0():
    """歌の F0 を librosa の pYIN で測る：(時刻、F0、有声か)。"""
    song = load_song(mono=True)
    y = librosa.resample(song.stems["vocals"], orig_sr=44100, target_sr=22050)
    f0, voiced, _ = librosa.pyin(y, fmin=120, fmax=600, sr=22050, hop_length=256)
    return np.arange(len(f0)) * 256 / 22050, f0, voiced


def cents(a, b):
    return 1200 * np.log2(a / b)


def test_f0_curve_agrees_with_pyin(measured_f0):
    times, f0, voiced = measured_f0
    score = load_song().score
    truth = score.f0[np.round(times / 0.005).astype(int)]
    assert voiced[truth > 0].mean() > 0.97
    both = (truth > 0) & voiced
    assert np.median(abs(cents(f0[both], truth[both]))) < 10
    # pYIN は 93 ms の窓の中の高さを1つの値にまとめる。窓の中で半音より動く所は比べない
    width = round(0.093 / 0.005) // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(score.f0, width), 2 * width + 1)
    moves = cents(np.maximum(around.max(axis=1), 1), np.maximum(around.min(axis=1), 1))
    steady = both & (moves[np.round(times / 0.005).astype(int)] < 100)
    assert steady.sum() > 0.75 * both.sum()
    assert (abs(cents(f0[steady], truth[steady])) < 50).mean() > 0.95


def test_f0_curve_is_not_late_or_early(measured_f0):
    times, f0, voiced = measured_f0
    score = load_song().score

    def error(lag):
        truth = score.f0[np.clip(np.round((times - lag) / 0.005), 0, 2600).astype(int)]
        both = (truth > 0) & voiced
        return np.median(abs(cents(f0[both], truth[both])))

    assert error(0.0) < min(error(-0.02), error(0.02))


def test_notes_agree_with_pyin(measured_f0):
    times, f0, voiced = measured_f0
    score = load_song().score
    deviations = []
    for note in score.notes:
        # しゃくりと次の音への滑りを避け、音符の中ほどで比べる
        start, end = note.onset + 0.4 * note.duration, note.onset + 0.8 * note.duration
        inside = (times >= start) & (times <= end) & voiced
        assert inside.any(), note
        deviations.append(cents(np.median(f0[inside]), 440 * 2 ** ((note.pitch - 69) / 12)))
        assert abs(deviations[-1]) < 60, note  # 半音の 0.6 倍。隣の音とは間違えない
    assert abs(np.median(deviations)) < 20


def test_vowel_onsets_carry_energy():
    """母音の中は、息継ぎの間より 15 dB 以上強い。"""
    song = load_song(mono=True)
    y = song.stems["vocals"].astype(np.float64)

    def level(start, end):
        return db(np.sqrt(np.mean(y[round(start * 44100) : round(end * 44100)] ** 2)))

    vowels = [level(s.onset + 0.03, s.onset + s.duration - 0.03) for s in song.score.lyrics]
    rests = [
        # 残響が消えるので、休みの最後だけを見る
        level(s.onset + s.duration - 0.03, s.onset + s.duration)
        for s in song.score.phones
        if s.label == "pau"
    ]
    assert len(rests) == 3
    assert min(vowels) - max(rests) > 15


@pytest.mark.parametrize("part", ["drums", "bass", "other"])
def test_accompaniment_notes_agree_with_onsets(part):
    """音符の時刻では、スペクトルの増え方（オンセット強度）が平均よりはっきり大きい。"""
    song = load_song(mono=True)
    hop = 256
    strength = librosa.onset.onset_strength(
        y=song.stems[part], sr=44100, hop_length=hop, n_fft=1024
    )
    frames = {round(note.onset * 44100 / hop) for note in song.score.parts[part]}
    at_notes = np.mean([strength[max(f - 1, 0) : f + 4].max() for f in frames])
    assert at_notes > 3 * strength.mean()


def test_bass_notes_agree_with_the_spectrum():
    """いちばん強いピークは音符の高さの整数倍にあり、半整数倍の所は弱い。"""
    song = load_song(mono=True, dtype=np.float64)
    frequencies = np.fft.rfftfreq(1 << 17, 1 / 44100)
    for note in song.score.parts["bass"]:
        start = round((note.onset + 0.03) * 44100)
        end = round((note.onset + note.duration) * 44100)
        y = song.stems["bass"][start:end] * np.hanning(end - start)
        power = abs(np.fft.rfft(y, 1 << 17)) ** 2
        pitch = 440 * 2 ** ((note.pitch - 69) / 12)
        ratio = frequencies[power.argmax()] / pitch
        assert abs(cents(ratio, max(round(ratio), 1))) < 30, note
        # オクターブの取り違え：高すぎれば半整数倍が強く、低すぎれば奇数倍が弱くなる
        k = np.arange(1, 7)
        harmonics = np.interp(k * pitch, frequencies, power).sum()
        between = np.interp((k - 0.5) * pitch, frequencies, power).sum()
        assert harmonics > 10 * between, note
        odd = np.interp(k[::2] * pitch, frequencies, power).sum()
        assert odd > 0.05 * harmonics, note


def test_score_is_consistent():
    song = load_song()
    score = song.score
    assert score.tempo == 120
    np.testing.assert_allclose(np.diff(score.beats), 0.5, atol=1e-9)
    text = "".join(s.label for s in score.lyrics)
    assert text == "さくらさくらやよいのそらはみわたすかぎり"
    assert "".join(n.label for n in score.notes).replace("ー", "") == text
    assert set(score.parts) == {"drums", "bass", "other"}
    for spans in (score.notes, score.lyrics, score.phones, score.chords):
        ends = [s.onset + s.duration for s in spans]
        assert all(s.duration > 0 for s in spans)
        assert all(s.onset >= e - 1e-6 for s, e in zip(spans[1:], ends[:-1], strict=True))
        assert ends[-1] <= song.duration
    assert sum(n.duration for n in score.notes) == pytest.approx(12.0)
    assert score.f0.shape == score.f0_times.shape
    np.testing.assert_allclose(np.diff(score.f0_times), 0.005)
    assert score.f0_times[-1] == pytest.approx(song.duration)
    assert score.f0[score.f0 > 0].min() > 150
    json.loads((SOUNDS / "sakura.json").read_text(encoding="utf-8"))


# load_speech


def test_speech_is_the_files_and_sums_exactly():
    speech = load_speech()
    assert list(speech.sources) == ["female", "male"]
    assert (speech.sr, set(speech.texts)) == (24000, {"female", "male"})
    total = 0
    for name, y in speech.sources.items():
        pcm, _ = read_pcm(f"speech_{name}.flac")
        assert y.shape == (len(pcm),)
        np.testing.assert_array_equal(y * 32768, pcm[:, 0])
        total = total + pcm[:, 0].astype(np.int64)
    np.testing.assert_array_equal(speech.mixture * 32768, total)
    assert speech.duration == pytest.approx(6.045, abs=0.001)


def test_two_speakers_differ_in_pitch():
    medians = {}
    for name, y in load_speech(sr=16000).sources.items():
        f0, voiced, _ = librosa.pyin(y, fmin=60, fmax=400, sr=16000, hop_length=256)
        medians[name] = np.median(f0[voiced])
    assert 180 < medians["female"] < 300
    assert 70 < medians["male"] < 130


# load_audio


@pytest.mark.parametrize(
    ("extension", "subtype", "channels"),
    [
        ("wav", "PCM_16", 2),
        ("wav", "PCM_24", 1),
        ("wav", "FLOAT", 3),
        ("flac", "PCM_16", 2),
        ("flac", "PCM_24", 1),
        ("ogg", "VORBIS", 2),
        ("mp3", "MPEG_LAYER_III", 2),
        ("mp3", "MPEG_LAYER_III", 1),
    ],
)
def test_load_audio_equals_soundfile(tmp_path, extension, subtype, channels):
    rng = np.random.default_rng(0)
    path = tmp_path / f"日本語の名前.{extension}"
    sf.write(path, 0.2 * rng.standard_normal((8000, channels)), 8000, subtype=subtype)
    expected, sr = sf.read(path, dtype="float32", always_2d=True)
    y, out_sr = load_audio(path)
    assert (out_sr, y.dtype) == (sr, np.float32)
    np.testing.assert_array_equal(y, expected.T)
    mono, _ = load_audio(str(path), mono=True)
    np.testing.assert_allclose(mono, expected.mean(axis=1), atol=1e-7)
    part, _ = load_audio(path, start=0.25, duration=0.5)
    # 圧縮した音では、途中から復号すると最下位の桁が変わりうる
    np.testing.assert_allclose(part, expected.T[:, 2000:6000], atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_load_audio_reads_any_part(tmp_path_factory, data):
    n = data.draw(st.integers(1, 500))
    sr = data.draw(st.sampled_from([1, 8000, 44100]))
    channels = data.draw(st.integers(1, 3))
    first = data.draw(st.integers(0, n - 1))
    length = data.draw(st.none() | st.integers(1, 2 * n))
    pcm = np.random.default_rng(n).integers(-32768, 32768, (n, channels)).astype(np.int16)
    path = tmp_path_factory.mktemp("part") / "a.wav"
    sf.write(path, pcm, sr)
    y, _ = load_audio(path, start=first / sr, duration=None if length is None else length / sr)
    end = n if length is None else min(first + length, n)
    np.testing.assert_array_equal(y * 32768, pcm[first:end].T)


def test_load_audio_resamples(tmp_path):
    from sstut.representations import resample

    y = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    sf.write(tmp_path / "a.wav", y, 44100, subtype="FLOAT")
    out, sr = load_audio(tmp_path / "a.wav", sr=16000)
    assert (sr, out.shape) == (16000, (1, 16000))
    np.testing.assert_array_equal(out[0], resample(y, 44100, 16000))
    same, _ = load_audio(tmp_path / "a.wav", sr=44100)
    np.testing.assert_array_equal(same[0], y)


def write_tone(path, n=4000, sr=8000):
    sf.write(path, 0.5 * np.sin(np.arange(n)), sr)
    return path


def test_load_audio_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"ない\.wav というファイルがありません"):
        load_audio(tmp_path / "ない.wav")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.mkdir(), "フォルダー"),
        (lambda p: p.write_bytes(b""), "0 バイト"),
        (lambda p: p.write_text("これは音ではない"), "音のファイルとして読めません"),
        (lambda p: sf.write(p, np.zeros((0, 2)), 8000), "サンプルが1つも"),
        (lambda p: sf.write(p, [0.0, np.nan], 8000, subtype="FLOAT"), "NaN"),
        (lambda p: sf.write(p, [0.0, np.inf], 8000, subtype="FLOAT"), "無限大"),
    ],
)
def test_load_audio_refuses_what_is_not_a_sound(tmp_path, make, message):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(ValueError, match=message):
        load_audio(path)


def test_load_audio_refuses_raw(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(ValueError, match="音のファイルとして読めません"):
        load_audio(tmp_path / "a.raw")


@pytest.mark.parametrize("extension", ["wav", "aiff", "au", "flac", "mp3"])
def test_load_audio_refuses_a_truncated_file(tmp_path, extension):
    path = write_tone(tmp_path / f"a.{extension}", n=40000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="途中で"):
        load_audio(path)


def test_load_audio_reads_a_wav_of_unknown_length(tmp_path):
    # 長さを決めずに書き始めた WAV（パイプで作ったものなど）は、データの長さが 0xFFFFFFFF になる
    path = write_tone(tmp_path / "a.wav")
    expected, _ = load_audio(path)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(raw)
    np.testing.assert_array_equal(load_audio(path)[0], expected)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"start": -0.1}, "start"),
        ({"start": 0.5}, "start"),
        ({"start": float("nan")}, "start"),
        ({"duration": 0}, "duration"),
        ({"duration": -1.0}, "duration"),
        ({"duration": float("nan")}, "duration"),
        ({"sr": -8000}, "sr"),
        ({"sr": 8000.0}, "sr"),
        ({"dtype": np.complex64}, "complex64"),
    ],
)
def test_load_audio_refuses_bad_arguments(tmp_path, kwargs, message):
    path = write_tone(tmp_path / "a.wav")
    with pytest.raises(ValueError, match=message):
        load_audio(path, **kwargs)


# clip


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(20, 400),
    channels=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
    data=st.data(),
)
def test_clip_keeps_the_middle_and_the_sum(n, channels, dtype, data):
    length = data.draw(st.integers(10, n))
    first = data.draw(st.integers(0, n - length))
    n_fade = data.draw(st.integers(0, length // 2))
    sources = np.random.default_rng(n).standard_normal((2, channels, n)).astype(dtype)
    before = sources.copy()
    sr = 1000
    out = clip(sources, sr, first / sr, length / sr, fade=n_fade / sr)
    assert (out.shape, out.dtype) == ((2, channels, length), dtype)
    middle = slice(n_fade, length - n_fade)
    np.testing.assert_array_equal(
        out[..., middle], sources[..., first : first + length][..., middle]
    )
    assert (abs(out) <= abs(sources[..., first : first + length])).all()
    of_sum = clip(sources.sum(axis=0), sr, first / sr, length / sr, fade=n_fade / sr)
    np.testing.assert_allclose(out.sum(axis=0), of_sum, atol=1e-5)
    np.testing.assert_array_equal(sources, before)


def test_clip_fades_a_constant_smoothly():
    out = clip(np.ones(1000), 1000, 0.0, 1.0, fade=0.1)
    assert 0 < out[0] < 0.001
    assert (np.diff(out[:100]) > 0).all()
    np.testing.assert_allclose(out, out[::-1])
    # フェードの入りと終わりを重ねると 1 になる（つなぎ目が聞こえない）
    np.testing.assert_allclose(out[:100] + out[-100:], 1)


@pytest.mark.parametrize(
    ("start", "duration", "fade"),
    [
        (-0.1, 0.5, 0.01),
        (0.6, 0.5, 0.01),
        (0.0, 0.0, 0.0),
        (0.0, 0.5, 0.26),
        (0.0, 0.5, -0.01),
        (float("nan"), 0.5, 0.01),
        (0.0, float("inf"), 0.01),
        (0.0, 0.5, float("nan")),
    ],
)
def test_clip_refuses_bad_ranges(start, duration, fade):
    with pytest.raises(ValueError, match="が来ました"):
        clip(np.zeros(1000), 1000, start, duration, fade=fade)


@pytest.mark.parametrize("y", [np.zeros(1000, np.int16), np.zeros((2, 0)), np.float64(0)])
def test_clip_refuses_bad_arrays(y):
    with pytest.raises(ValueError, match=r"が来ました|が空です"):
        clip(y, 1000, 0.0, 0.5)


# load_musdb


@pytest.fixture
def musdb(tmp_path):
    """MUSDB18-HQ と同じ形のフォルダーを作る。混合音はステムの和を 16 bit に丸めたもの。"""
    rng = np.random.default_rng(0)
    for subset, names in {"train": ["B - 2", "A - 1"], "test": ["C - 3"]}.items():
        for name in names:
            folder = tmp_path / subset / name
            folder.mkdir(parents=True)
            stems = 0.1 * rng.standard_normal((4, 11025, 2))
            for stem, y in zip(STEMS, stems, strict=True):
                sf.write(folder / f"{stem}.wav", y, 44100)
            sf.write(folder / "mixture.wav", stems.sum(axis=0), 44100)
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "メモ.txt").write_text("曲ではない")
    return tmp_path


def test_musdb_lists_tracks_in_order(musdb):
    assert [t.name for t in load_musdb(musdb)] == ["A - 1", "B - 2"]
    assert [t.name for t in load_musdb(str(musdb), subset="test")] == ["C - 3"]


def test_musdb_track_loads_a_part(musdb):
    track = load_musdb(musdb)[0]
    song = track.load(start=0.1, duration=0.05)
    assert (song.name, song.sr, list(song.stems)) == ("A - 1", 44100, list(STEMS))
    assert song.score is None
    for stem in STEMS:
        expected, _ = sf.read(track.path / f"{stem}.wav", dtype="float32")
        np.testing.assert_array_equal(song.stems[stem], expected[4410 : 4410 + 2205].T)
    np.testing.assert_allclose(song.mixture, sum(song.stems.values()), atol=1e-6)
    assert track.load(mono=True).mixture.shape == (11025,)
    assert track.load(sr=22050).mixture.shape[0] == 2
    assert track.load().duration == 0.25


def test_musdb_listing_reads_no_sound(musdb):
    (musdb / "train" / "A - 1" / "bass.wav").write_text("音ではない")
    track = load_musdb(musdb)[0]
    with pytest.raises(ValueError, match=r"bass\.wav"):
        track.load()


def test_mixture_error_tells_right_from_wrong(musdb):
    track = load_musdb(musdb)[0]
    assert track.mixture_error() < -70  # 16 bit への丸めだけ
    assert track.mixture_error(start=0.1, duration=0.05) < -70
    bass = track.path / "bass.wav"
    y, sr = sf.read(bass)
    sf.write(bass, np.zeros_like(y), sr)
    # 同じ強さの4つのうち1つが欠けた：10 log10(1/4) = -6 dB
    assert track.mixture_error() == pytest.approx(-6.02, abs=0.3)


def test_mixture_error_at_its_ends(musdb):
    folder = musdb / "train" / "A - 1"
    for name in FILES:
        sf.write(folder / f"{name}.wav", np.zeros((100, 2)), 44100)
    track = load_musdb(musdb)[0]
    assert track.mixture_error() == -np.inf
    sf.write(folder / "bass.wav", np.full((100, 2), 0.5), 44100)
    assert track.mixture_error() == np.inf


@pytest.mark.parametrize(
    ("n", "channels", "sr"), [(11024, 2, 44100), (11025, 1, 44100), (11025, 2, 48000)]
)
def test_musdb_refuses_mismatched_stems(musdb, n, channels, sr):
    track = load_musdb(musdb)[0]
    sf.write(track.path / "drums.wav", np.zeros((n, channels)), sr)
    with pytest.raises(ValueError, match=f"drums は {sr} Hz・{channels} チャネル・{n} サンプル"):
        track.load()


def test_musdb_names_what_is_missing(musdb, tmp_path):
    with pytest.raises(ValueError, match="valid"):
        load_musdb(musdb, subset="valid")
    with pytest.raises(FileNotFoundError, match="フォルダーがありません"):
        load_musdb(tmp_path / "ない")
    (musdb / "train" / "B - 2" / "other.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"B - 2 に other\.wav がありません"):
        load_musdb(musdb)


def test_musdb_explains_an_empty_or_compressed_folder(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(ValueError, match="1つもありません"):
        load_musdb(tmp_path)
    (tmp_path / "train" / "A - 1.stem.mp4").write_bytes(b"x")
    with pytest.raises(ValueError, match="WAV の MUSDB18-HQ"):
        load_musdb(tmp_path)


def test_import_stays_light():
    code = (
        "import sys, sstut.data;"
        "print({'librosa', 'torch', 'matplotlib', 'anywidget'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
