"""できた音を測る：音量、帯域、左右の相関、歌の高さと楽譜のずれ、声部ごとのエネルギー比。

python tools/audio/measure.py src/sstut/sounds
"""

import json
import sys
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
import soundfile as sf

SONGS = ("sakura", "yokaze", "haru", "hashire", "yuki", "kakeru")
STEMS = ("vocals", "drums", "bass", "other")


def main(folder):
    folder = Path(folder)
    for song in SONGS:
        measure_song(folder, song)
    voices = {}
    for name in ("female", "male"):
        voices[name], sr = sf.read(folder / f"speech_{name}.flac", dtype="int16")
    for name, y in voices.items():
        print(f"{name:8s}" + level_row(np.stack([y, y], axis=1) / 32768, sr))


def measure_song(folder, song):
    document = json.loads((folder / f"{song}.json").read_text(encoding="utf-8"))
    stems = {}
    for name in document.get("stems", STEMS):
        y, sr = sf.read(folder / f"{song}_{name}.flac", dtype="int16")
        stems[name] = unfolded(y, document.get("loop") if name != "vocals" else None)
    mixture = sum(y.astype(np.int32) for y in stems.values())
    print(f"{song}: {len(mixture) / sr:.3f} 秒、16 bit に収まる: {abs(mixture).max() <= 32767}")
    print("        peak    RMS    LUFS   重心   95%   左右の相関   混合音の SDR")
    for name, y in {**stems, "mixture": mixture}.items():
        print(f"{name:8s}" + level_row(y / 32768, sr) + sdr_cell(y, mixture))
    if "vocals" in stems:
        print(pitch_row(stems["vocals"] / 32768, sr, document))


def unfolded(y, loop):
    """くり返しを1回だけ残したファイルを、もとの長さに並べる。"""
    if loop is None:
        return y
    start, end, times = loop
    return np.concatenate([y[:start], np.tile(y[start:end], (times, 1)), y[end:]])


def level_row(y, sr):
    spectrum = abs(np.fft.rfft(y.mean(axis=1))) ** 2
    frequencies = np.fft.rfftfreq(len(y), 1 / sr)
    centroid = (spectrum * frequencies).sum() / spectrum.sum()
    rolloff = frequencies[np.searchsorted(spectrum.cumsum(), 0.95 * spectrum.sum())]
    loudness = pyloudnorm.Meter(sr).integrated_loudness(y)
    correlation = np.corrcoef(y.T)[0, 1]
    return (
        f"{db(abs(y).max() ** 2):6.1f} {db((y**2).mean()):6.1f} {loudness:6.1f} "
        f"{centroid:6.0f} {rolloff:6.0f} {correlation:6.2f}"
    )


def sdr_cell(y, mixture):
    """混合音をそのまま推定値としたときの SDR。"""
    noise = ((mixture - y.astype(np.float64)) ** 2).sum()
    return f"{db((y.astype(np.float64) ** 2).sum() / noise):7.1f}" if noise else ""


def pitch_row(vocals, sr, document):
    """歌の F0 を pYIN で測り、楽譜の音、合成に使った曲線と比べる（単位はセント）。"""
    hop = 256
    measured, voiced, _ = librosa.pyin(
        vocals.mean(axis=1).astype(np.float32), fmin=110, fmax=700, sr=sr, hop_length=hop
    )
    times = np.arange(len(measured)) * hop / sr
    intended = np.interp(times, np.arange(len(document["f0"]["hz"])) * 0.005, document["f0"]["hz"])
    score = np.zeros(len(times))
    for onset, duration, pitch, _ in document["notes"]:
        score[(times >= onset) & (times < onset + duration)] = 440 * 2 ** ((pitch - 69) / 12)
    both = voiced & (intended > 150)
    to_score = abs(1200 * np.log2(measured / np.where(score > 0, score, np.nan)))[both]
    to_curve = abs(1200 * np.log2(measured[both] / intended[both]))
    return (
        f"歌の高さ: 有声の一致 {voiced[intended > 150].mean():.3f}、"
        f"楽譜とのずれの中央値 {np.nanmedian(to_score):.0f} セント、"
        f"50 セント以内 {(to_score[~np.isnan(to_score)] < 50).mean():.2f}、"
        f"曲線とのずれの中央値 {np.median(to_curve):.0f} セント"
    )


def db(power):
    return 10 * np.log10(power)


if __name__ == "__main__":
    main(sys.argv[1])
