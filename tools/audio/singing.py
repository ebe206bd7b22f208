"""歌を合成する：HTS の声を楽譜の時刻で話させ、WORLD で旋律の高さに変える。

声は Open JTalk の「Mei」（CC BY 3.0）で、pyopenjtalk-plus に入っている。
hts_engine に音素ごとの時刻を渡す（-vp）ので、歌詞の時刻は楽譜のとおりになる。
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyopenjtalk
import pyworld
import soundfile as sf
from score import HOLD, REST, SR

FRAME = 0.005  # WORLD のフレーム間隔 [秒]
BREATH = 0.16  # 息継ぎの長さ [秒]
# 子音の長さ [秒]。母音の始まりを拍に合わせ、子音はその前に置く
CONSONANTS = {
    "s": 0.10, "sh": 0.10, "k": 0.075, "t": 0.07, "ts": 0.09, "ch": 0.09, "h": 0.08, "f": 0.08,
    "p": 0.07, "g": 0.055, "d": 0.05, "b": 0.055, "z": 0.07, "j": 0.07, "r": 0.04, "m": 0.065,
    "n": 0.06, "y": 0.06, "w": 0.06, "N": 0.08,
}  # fmt: skip
VOWELS = set("aiueoAIUEO")  # 大文字は無声化した母音
SILENCES = {"pau", "sil"}
UNVOICED = {"s", "sh", "k", "t", "ts", "ch", "h", "f", "p"} | SILENCES


@dataclass(frozen=True)
class Vocal:
    """合成した歌。

    f0 は 5 ms ごとの基本周波数 [Hz]（無声は 0）、phones は (始まり, 終わり, 音素) である。
    """

    y: np.ndarray
    sr: int
    f0: np.ndarray
    phones: list[tuple[float, float, str]]


def sing(piece):
    """楽譜の旋律を歌詞で歌う。"""
    labels = pyopenjtalk.extract_fullcontext(piece.lyrics)
    names = [label.split("-")[1].split("+")[0] for label in labels]
    starts = phone_starts(names, piece)
    speech, sr = run_hts(timed_labels(labels, names, starts))

    spoken_f0, times = pyworld.harvest(
        speech, sr, f0_floor=90, f0_ceil=500, frame_period=1000 * FRAME
    )
    envelope = pyworld.cheaptrick(speech, spoken_f0, times, sr)
    aperiodicity = pyworld.d4c(speech, spoken_f0, times, sr, threshold=0.5)
    envelope = shift_formants(envelope, piece.voice.formant)
    aperiodicity = shift_formants(aperiodicity, piece.voice.formant)

    index = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(names) - 1)
    unvoiced = np.array([names[i] in UNVOICED for i in index])
    f0 = f0_curve(len(times), piece)
    f0[unvoiced] = 0
    # 有声音に息の成分は残すが、すっかり雑音になるフレームは作らない
    frequencies = np.linspace(0, sr / 2, aperiodicity.shape[1])
    cap = np.interp(frequencies, [0, 2000, 4000, 8000, sr / 2], [0.02, 0.1, 0.35, 0.8, 1.0])
    aperiodicity[~unvoiced] = np.minimum(aperiodicity[~unvoiced], cap)

    y = pyworld.synthesize(f0, envelope, aperiodicity, sr, 1000 * FRAME)
    y *= dynamics(f0, piece, len(y), sr)
    phones = [
        (float(a), float(b), name.lower() if name in VOWELS else name)
        for a, b, name in zip(starts[:-1], starts[1:], names, strict=True)
    ]
    return Vocal(y / abs(y).max() * 0.8, sr, f0, phones)


def shift_formants(spectrum, ratio):
    """周波数の軸を ratio 倍に伸ばす。1 より小さいと、声道の長い（体の大きい）人の声になる。"""
    if ratio == 1:
        return spectrum
    source = np.minimum(np.arange(spectrum.shape[1]) / ratio, spectrum.shape[1] - 1)
    low = source.astype(int)
    high = np.minimum(low + 1, spectrum.shape[1] - 1)
    part = source - low
    log = np.log(spectrum)
    return np.ascontiguousarray(np.exp((1 - part) * log[:, low] + part * log[:, high]))


def dynamics(f0, piece, n_samples, sr):
    """旋律が高いほど強く歌う。急に変わらないように、声の高さを 0.3 秒ならして使う。"""
    voiced = f0 > 0
    if piece.voice.dynamics == 0:
        return 1.0
    frames = np.arange(len(f0))
    semitones = np.interp(frames, frames[voiced], 12 * np.log2(f0[voiced]))
    window = np.hanning(round(0.3 / FRAME))
    padded = np.pad(semitones - semitones.mean(), len(window), mode="edge")
    smooth = np.convolve(padded, window / window.sum(), "same")[len(window) : -len(window)]
    level = np.interp(np.arange(n_samples) / sr, frames * FRAME, smooth)
    return 10 ** (piece.voice.dynamics * level / 20)


def phone_starts(names, piece):
    """音素の始まりの時刻 [秒]。母音が音符の始まりに来る。最後に全体の終わりを足す。"""
    onsets, moras = piece.melody_onsets(), [mora for mora, _, _ in piece.melody]
    sung = [i for i, mora in enumerate(moras) if mora not in (HOLD, REST)]
    vowels = [i for i, name in enumerate(names) if name in VOWELS]
    starts = np.full(len(names) + 1, np.nan)
    starts[0] = 0.0
    for n, (note, vowel) in enumerate(zip(sung, vowels, strict=True)):
        starts[vowel] = time = onsets[note]
        before = vowel - 1
        while before > 0 and names[before] not in VOWELS | SILENCES:
            time -= CONSONANTS[names[before]]
            starts[before] = time
            before -= 1
        # この母音で歌う最後の音。「ー」が続けばその音まで伸ばす
        last = (sung[n + 1] if n + 1 < len(sung) else len(moras)) - 1
        if moras[last] == REST:
            starts[vowel + 1] = onsets[last]
        elif last in piece.breaths:
            room = 0 if last == len(moras) - 1 else CONSONANTS["s"]
            starts[vowel + 1] = onsets[last + 1] - BREATH - room
    starts[-1] = onsets[-1] + 0.5
    if np.isnan(starts).any() or (np.diff(starts) <= 0).any():
        raise RuntimeError(f"音素の時刻が決まりません: {list(zip(names, starts, strict=False))}")
    return starts


def timed_labels(labels, names, starts):
    """フルコンテキストラベルに時刻（100 ns 単位、5 ms 刻み）を付ける。"""
    lines = []
    for label, name, a, b in zip(labels, names, starts[:-1], starts[1:], strict=True):
        if name in "AIUEO":  # 歌では母音を無声化しない
            label = label.replace(f"-{name}+", f"-{name.lower()}+", 1)
        lines.append(f"{round(a / FRAME) * 50000} {round(b / FRAME) * 50000} {label}")
    return lines


def run_hts(lines):
    voice = Path(pyopenjtalk.__file__).parent / "htsvoice" / "mei_normal.htsvoice"
    with tempfile.TemporaryDirectory() as folder:
        label_path, wav_path = Path(folder) / "song.lab", Path(folder) / "song.wav"
        label_path.write_text("\n".join(lines) + "\n")
        subprocess.run(["hts_engine", "-m", voice, "-vp", "-ow", wav_path, label_path], check=True)
        return sf.read(wav_path)


def f0_curve(n_frames, piece, seed=1):
    """旋律から F0 [Hz] の曲線を作る。量の単位は半音、時間は秒。

    ビブラート、しゃくり、ゆらぎは飾りではない。まっすぐな F0 では、人にも分離モデルにも
    楽器の音に聞こえる（Spleeter で歌を取り出すと SDR が 10.3 dB から 5 dB ほどに落ちた）。
    """
    vibrato_depth, vibrato_rate = piece.voice.vibrato_depth, piece.voice.vibrato_rate
    vibrato_delay = 0.15
    scoop_depth, drift, jitter, fall_depth = 1.2, 0.1, 0.02, 0.8
    onsets, melody = piece.melody_onsets(), piece.melody
    first = next(key for mora, key, _ in melody if mora != REST)
    t = np.arange(n_frames) * FRAME
    target = np.full(n_frames, float(first))
    vibrato, offset = np.zeros(n_frames), np.zeros(n_frames)
    for i, (mora, key, beats) in enumerate(melody):
        if mora == REST:
            continue
        seconds = beats * piece.beat / SR
        since = t - onsets[i]
        inside = (since >= -0.03) & (t < onsets[i + 1] - 0.03)
        target[t >= onsets[i] - 0.03] = key
        if seconds >= 0.45:
            depth = vibrato_depth if seconds >= 0.9 else 0.6 * vibrato_depth
            phase = 2 * np.pi * vibrato_rate * since + 0.3 * np.sin(2 * np.pi * 0.7 * t)
            growth = np.clip((since - vibrato_delay) / 0.25, 0, 1)
            vibrato += inside * depth * growth * np.sin(phase)
        if mora != HOLD:  # しゃくり：低い所から滑り込む
            offset -= inside * scoop_depth * np.exp(-np.clip(since + 0.03, 0, None) / 0.07)
        if (
            i in piece.breaths or i + 1 == len(melody) or melody[i + 1][0] == REST
        ):  # 句の終わりで力が抜ける
            to_end = np.clip((t - (onsets[i + 1] - 0.4)) / 0.25, 0, 1)
            offset -= inside * fall_depth * to_end**2
    rng = np.random.default_rng(seed)
    pitch = (
        glide(target + piece.transpose + offset, first + piece.transpose - 1.0, piece.voice.glide)
        + vibrato
        + drift * smooth_noise(n_frames, 80, rng)
        + jitter * smooth_noise(n_frames, 7, rng)
    )
    return 440 * 2 ** ((pitch - 69) / 12)


def glide(pitch, start, frequency, damping=0.75):
    """2次系の低域通過。音の変わり目が滑らかになり、わずかに行き過ぎる。"""
    w = 2 * np.pi * frequency
    position, speed = start, 0.0
    out = np.empty(len(pitch))
    for i, goal in enumerate(pitch):
        speed += FRAME * (w * w * (goal - position) - 2 * damping * w * speed)
        position += FRAME * speed
        out[i] = position
    return out


def smooth_noise(n, width, rng):
    window = np.hanning(width)
    return np.convolve(rng.normal(0, 1, n), window / np.sqrt((window**2).sum()), "same")
