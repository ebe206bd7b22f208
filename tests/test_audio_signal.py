"""入れ物 AudioSignal の試験：波形と STFT が食い違わない、書き換わらない、黙って直さない。"""

import warnings

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sstut import masking, representations
from sstut.audio_signal import AudioSignal, StftParams
from sstut.data import load_song, save_audio


def noise(n_channels=2, n_samples=6000, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((n_channels, n_samples))).astype(dtype)


@pytest.fixture
def signal():
    return AudioSignal(noise(), 22050, label="雑音", stft_params=StftParams(512, 128))


# ---- 作る ----------------------------------------------------------------------------


def test_mono_arrays_become_one_channel():
    signal = AudioSignal(noise()[0], 16000)
    assert signal.audio_data.shape == (1, 6000)
    assert (signal.n_channels, signal.n_samples, len(signal)) == (1, 6000, 6000)
    assert signal.duration == 6000 / 16000


def test_short_wide_arrays_keep_their_axes():
    """4 チャネル 4 サンプルまでは、そのまま（nussl は黙って転置した）。"""
    y = noise(4, 4)
    np.testing.assert_array_equal(AudioSignal(y, 8000).audio_data, y)


def test_the_array_is_copied(rng):
    y = noise()
    signal = AudioSignal(y, 22050)
    expected = y.copy()
    y[:] = 0
    np.testing.assert_array_equal(signal.audio_data, expected)


@pytest.mark.parametrize("name", ["audio_data", "stft_data"])
def test_the_data_cannot_be_written(signal, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(signal, name)[0, 0] = 1
    with pytest.raises(AttributeError):
        signal.audio_data = noise()


def test_another_signal_gives_its_data_and_settings(signal):
    again = AudioSignal(signal)
    assert again == signal
    assert again.label == "雑音"
    assert again.stft_params == signal.stft_params
    other = AudioSignal(signal, stft_params=StftParams(1024, 256))
    assert other.stft_data.shape[1] == 513


def test_a_file_gives_its_own_rate_or_the_one_asked_for(signal, tmp_path):
    signal.write(tmp_path / "a.wav", subtype="FLOAT")
    read = AudioSignal(tmp_path / "a.wav")
    assert read == signal
    assert read.label == "a.wav"
    half = AudioSignal(tmp_path / "a.wav", 11025)
    expected = representations.resample(signal.audio_data, 22050, 11025)
    np.testing.assert_array_equal(half.audio_data, expected)
    part = AudioSignal(str(tmp_path / "a.wav"), offset=0.1, duration=0.05)
    first = round(0.1 * 22050)
    np.testing.assert_array_equal(
        part.audio_data, signal.audio_data[:, first : first + round(0.05 * 22050)]
    )


# ---- STFT は波形と食い違わない --------------------------------------------------------


def test_stft_is_that_of_the_book(signal):
    expected = representations.stft(signal.audio_data, n_fft=512, hop_length=128)
    np.testing.assert_array_equal(signal.stft_data, expected)
    np.testing.assert_array_equal(signal.magnitude_spectrogram_data, np.abs(expected))
    np.testing.assert_allclose(signal.power_spectrogram_data, np.abs(expected) ** 2, rtol=1e-5)
    np.testing.assert_allclose(
        signal.log_magnitude_spectrogram_data,
        20 * np.log10(np.maximum(np.abs(expected), 1e-6)),
        atol=1e-3,
    )


def test_axes_are_exact(signal):
    assert signal.times[-1] == (6000 - 1) / 22050
    assert len(signal.frame_times) == signal.stft_data.shape[-1]
    np.testing.assert_allclose(
        signal.frame_times,
        librosa.frames_to_time(np.arange(len(signal.frame_times)), sr=22050, hop_length=128),
    )
    np.testing.assert_allclose(signal.frequencies, librosa.fft_frequencies(sr=22050, n_fft=512))
    odd = AudioSignal(noise(), 11025)
    assert odd.frequencies[-1] == 11025 / 2


@given(st.integers(1, 500), st.integers(2, 40), st.integers(1, 10))
def test_axes_match_the_stft_for_any_window(n_samples, n_fft, hops):
    hop = max(1, n_fft // (2 * hops))
    signal = AudioSignal(
        noise(1, n_samples), 8000, stft_params=StftParams(n_fft, hop, window="hamming")
    )
    assert signal.stft_data.shape == (1, len(signal.frequencies), len(signal.frame_times))


EDITS = {
    "足す": lambda s: s + s,
    "引く": lambda s: s - s,
    "掛ける": lambda s: 0.5 * s,
    "割る": lambda s: s / 3,
    "反転": lambda s: -s,
    "利得": lambda s: s.apply_gain(-6),
    "正規化": lambda s: s.peak_normalize(),
    "モノラル": lambda s: s.to_mono(),
    "チャネル": lambda s: s.get_channel(1),
    "切り出す": lambda s: s.crop(0.05, 0.2),
    "切り詰める": lambda s: s.truncate_samples(3000),
    "秒で切り詰める": lambda s: s.truncate_seconds(0.1),
    "無音を足す": lambda s: s.zero_pad(100, 200),
    "つなぐ": lambda s: s.concat(s),
    "リサンプリング": lambda s: s.resample(16000),
    "マスク": lambda s: s.apply_mask(np.full(s.stft_data.shape[-2:], 0.5)),
    "設定": lambda s: s.with_stft_params(n_fft=1024),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_every_edit_returns_a_new_signal_with_a_fresh_stft(signal, edit):
    before, S_before = signal.audio_data.copy(), signal.stft_data.copy()
    edited = edit(signal)
    assert edited is not signal
    assert edited.audio_data.dtype == np.float32
    assert edited.label == signal.label
    np.testing.assert_array_equal(
        edited.stft_data, representations.stft(edited.audio_data, **edited.stft_params.kwargs)
    )
    np.testing.assert_array_equal(signal.audio_data, before)
    np.testing.assert_array_equal(signal.stft_data, S_before)


@given(st.integers(1, 3000), st.sampled_from([(64, 16), (512, 128), (400, 100)]), st.booleans())
def test_istft_comes_back_at_the_same_length(n_samples, params, double):
    y = noise(1, n_samples, np.float64 if double else np.float32)
    signal = AudioSignal(y, 8000, stft_params=StftParams(*params))
    restored = signal.istft(signal.stft_data)
    assert restored.audio_data.dtype == y.dtype
    np.testing.assert_allclose(restored.audio_data, y, atol=1e-12 if double else 1e-6)


def test_masks_are_those_of_the_book(signal):
    mask = np.random.default_rng(1).random(signal.stft_data.shape[-2:])
    masked, rest = signal.apply_mask(mask), signal.apply_mask(1 - mask)
    expected = masking.separate(signal.audio_data, mask, n_fft=512, hop_length=128)
    np.testing.assert_array_equal(masked.audio_data, expected)
    np.testing.assert_allclose((masked + rest).audio_data, signal.audio_data, atol=1e-6)
    left_only = np.stack([np.ones_like(mask), np.zeros_like(mask)])
    panned = signal.apply_mask(left_only)
    np.testing.assert_allclose(panned.audio_data[0], signal.audio_data[0], atol=1e-6)
    np.testing.assert_array_equal(panned.audio_data[1], 0)


def test_ipd_and_ild_measure_a_delay_and_a_gain():
    """1 サンプル遅れ、6 dB 小さい右：位相差は −2πf/sr、レベル差は −6 dB。"""
    left = noise(1, 44100, np.float64)[0]
    right = np.r_[0.0, left[:-1]] * 10 ** (-6 / 20)
    signal = AudioSignal(np.stack([left, right]), 44100)
    ipd, ild = signal.ipd_ild_features()
    expected = -2 * np.pi * signal.frequencies / 44100
    inner = slice(4, -4)
    error = np.angle(np.exp(1j * (ipd[inner, inner] - expected[inner, np.newaxis])))
    assert np.median(np.abs(error)) < 0.02
    assert abs(np.median(ild[inner, inner]) + 6) < 0.1
    back, louder = signal.ipd_ild_features(1, 0)
    np.testing.assert_allclose(np.exp(1j * back), np.exp(-1j * ipd), atol=1e-9)
    np.testing.assert_allclose(louder, -ild, atol=1e-9)


def test_silence_has_no_phase_difference():
    silent = AudioSignal(np.zeros((2, 3000)), 8000)
    ipd, ild = silent.ipd_ild_features()
    assert not ipd.any()
    assert not ild.any()


# ---- 大きさ --------------------------------------------------------------------------


def test_levels():
    t = np.arange(48000) / 48000
    tone = AudioSignal(0.5 * np.sin(2 * np.pi * 997 * t), 48000)
    np.testing.assert_allclose(tone.rms(), 0.5 / np.sqrt(2), rtol=1e-4)
    np.testing.assert_allclose(tone.loudness(), -3.01 - 6.02, atol=0.05)  # BS.1770 の校正音
    np.testing.assert_allclose(np.abs(tone.peak_normalize(0.9).audio_data).max(), 0.9)
    louder = tone.apply_gain(6).rms() / tone.rms()
    np.testing.assert_allclose(20 * np.log10(louder), 6)


def test_normalising_then_writing_never_wraps(signal, tmp_path):
    """最大を 1 にして 16 bit で書いても、符号が反転しない（nussl は −32768 になった）。"""
    peak = signal.peak_normalize()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        peak.write(tmp_path / "peak.wav")
    read = AudioSignal(tmp_path / "peak.wav")
    assert np.abs(read.audio_data - peak.audio_data).max() <= 1.01 / 32768
    with pytest.warns(UserWarning, match="切り詰めました"):
        (4 * peak).write(tmp_path / "loud.wav")
    loud = AudioSignal(tmp_path / "loud.wav").audio_data
    np.testing.assert_allclose(loud, np.clip(4 * peak.audio_data, -1, 1), atol=1.01 / 32768)


# ---- 書き出す ------------------------------------------------------------------------


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24), ("PCM_U8", 8)])
def test_integer_files_come_back_exactly(tmp_path, subtype, bits):
    half = 2 ** (bits - 1)
    levels = np.random.default_rng(0).integers(-half, half, (2, 500))
    y = levels / half
    assert save_audio(tmp_path / "a.wav", y, 8000, subtype=subtype) == 0
    read, sr = soundfile.read(tmp_path / "a.wav", dtype="float64")
    assert sr == 8000
    np.testing.assert_array_equal(read.T, y)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_every_format_can_be_written_and_read(signal, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    signal.write(path)
    read = AudioSignal(path)
    assert (read.sample_rate, read.n_channels) == (22050, 2)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(signal, tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    signal.write(path)
    old = path.read_bytes()

    def fail(*_args):
        raise OSError("ディスクがいっぱい")

    monkeypatch.setattr("soundfile.SoundFile.write", fail)
    with pytest.raises(OSError, match="いっぱい"):
        (0.5 * signal).write(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_written_files_have_ordinary_permissions(signal, tmp_path):
    signal.write(tmp_path / "a.wav")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "b").stat().st_mode


# ---- 演算 ----------------------------------------------------------------------------


def test_arithmetic_is_that_of_the_arrays(signal):
    y = signal.audio_data
    other = AudioSignal(noise(seed=1), 22050)
    for ours, expected in [
        (signal + other, y + other.audio_data),
        (signal - other, y - other.audio_data),
        (2 * signal, 2 * y),
        (signal * np.float64(0.3), y * np.float32(0.3)),
        (np.float32(0.5) * signal, 0.5 * y),
        (signal / 4, y / 4),
        (-signal, -y),
        (sum([signal, other, signal]), y + other.audio_data + y),
    ]:
        np.testing.assert_array_equal(ours.audio_data, expected)
        assert ours.audio_data.dtype == np.float32


def test_stems_of_the_song_add_up_to_the_mixture():
    song = load_song()
    stems = [AudioSignal(y, song.sr, label=name) for name, y in song.stems.items()]
    assert sum(stems) == AudioSignal(song.mixture, song.sr)


def test_equality_compares_sound_and_never_raises(signal):
    assert signal == AudioSignal(noise(), 22050)
    assert signal != AudioSignal(noise(), 44100)
    assert signal != AudioSignal(noise(seed=1), 22050)
    assert signal != signal.truncate_samples(10)
    assert signal != 3
    signal.stft()  # STFT を計算してあるかどうかは、音の等しさと関係がない
    assert signal == AudioSignal(noise(), 22050)
    with pytest.raises(TypeError, match="unhashable"):
        hash(signal)


def test_channels_come_one_by_one(signal):
    channels = list(signal)
    assert [c.n_channels for c in channels] == [1, 1]
    np.testing.assert_array_equal(
        np.concatenate([c.audio_data for c in channels]), signal.audio_data
    )


def test_editing_equals_numpy(signal):
    y = signal.audio_data
    np.testing.assert_array_equal(signal.to_mono().audio_data, y.mean(axis=0, keepdims=True))
    np.testing.assert_array_equal(signal.zero_pad(3, 5).audio_data, np.pad(y, ((0, 0), (3, 5))))
    np.testing.assert_array_equal(signal.concat(signal).audio_data, np.c_[y, y])
    np.testing.assert_array_equal(signal.crop(0.1).audio_data, y[:, 2205:])
    np.testing.assert_array_equal(signal.truncate_seconds(0.1).audio_data, y[:, :2205])
    halved = signal.resample(11025)
    assert halved.sample_rate == 11025
    np.testing.assert_array_equal(halved.audio_data, representations.resample(y, 22050, 11025))


def test_embedding_makes_a_player(signal):
    player = signal.embed_audio()
    assert (player.names, player.mode) == (["雑音"], "mix")
    both = signal.embed_audio(half=0.5 * signal)
    assert (both.names, both.mode) == (["雑音", "half"], "switch")


# ---- だめな入力 ----------------------------------------------------------------------

SIGNAL = AudioSignal(noise(), 22050)
OTHER = AudioSignal(noise(1, 500), 8000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AudioSignal(noise()), "sample_rate"),
        (lambda: AudioSignal(noise(), 0), "sample_rate は 1 以上"),
        (lambda: AudioSignal(noise().T, 8000), r"\(6000, 2\).*\.T"),
        (lambda: AudioSignal(noise()[np.newaxis], 8000), "shape"),
        (lambda: AudioSignal(np.zeros(5, np.int16), 8000), "int16.*32768"),
        (lambda: AudioSignal(np.zeros(0), 8000), "空"),
        (lambda: AudioSignal([0.0, np.nan], 8000), "NaN"),
        (lambda: AudioSignal("どこにもない.txt", duration=-1), "どこにもない"),
        (lambda: AudioSignal(noise(), 8000, offset=1.0), "offset"),
        (lambda: AudioSignal(SIGNAL, 8000), "22050 Hz.*resample"),
        (lambda: StftParams(512, 512), "戻せません"),
        (lambda: StftParams(512, 600), "hop_length=600"),
        (lambda: SIGNAL + OTHER, "22050 と 8000、チャネル数 2 と 1、サンプル数 6000 と 500"),
        (lambda: SIGNAL - OTHER, "引けません"),
        (lambda: SIGNAL.concat(OTHER), "つなげません"),
        (lambda: SIGNAL.embed_audio(a=OTHER), "並べられません"),
        (lambda: SIGNAL * np.inf, "有限"),
        (lambda: SIGNAL / 0, "0 で割る"),
        (lambda: SIGNAL.get_channel(2), "0〜1.*2"),
        (lambda: SIGNAL.get_channel(-1), "0〜1"),
        (lambda: SIGNAL.crop(0.1, 9), "0.272"),
        (lambda: SIGNAL.crop(0.2, 0.1), "start < stop"),
        (lambda: SIGNAL.truncate_samples(6001), "6001.*zero_pad"),
        (lambda: SIGNAL.zero_pad(-1), "0 以上"),
        (lambda: SIGNAL.apply_mask(np.ones((3, 4))), r"\(3, 4\)"),
        (lambda: SIGNAL.istft(np.ones((2, 3, 4), complex)), r"\(2, 3, 4\)"),
        (lambda: OTHER.ipd_ild_features(), "2 つ以上のチャネル"),
        (lambda: (0 * SIGNAL).peak_normalize(), "無音"),
        (lambda: SIGNAL.peak_normalize(0), "peak は正"),
        (lambda: SIGNAL.resample(-1), "target_sr"),
        (lambda: SIGNAL.write("a.xyz"), "拡張子"),
        (lambda: SIGNAL.write("ないフォルダー/a.wav"), "フォルダーがありません"),
        (lambda: SIGNAL.write("a.flac", subtype="FLOAT"), "FLAC.*FLOAT"),
    ],
)
def test_bad_input_is_refused_in_japanese(call, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        call()


@pytest.mark.parametrize("other", [1, "a", None, 1.5])
def test_adding_something_else_is_a_type_error(other):
    with pytest.raises(TypeError):
        SIGNAL + other


def test_an_impossible_rate_is_refused_without_leaving_a_file(tmp_path):
    with pytest.raises(ValueError, match=r"96000 Hz.*MP3"):
        AudioSignal(noise(), 96000).write(tmp_path / "a.mp3")
    assert list(tmp_path.iterdir()) == []
