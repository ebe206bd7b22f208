"""付属の曲を作る：伴奏（SoundFont）と歌を合成し、音量をそろえて FLAC と楽譜の JSON に書く。

python tools/audio/make_song.py FluidR3_GM.sf2 src/sstut/sounds
"""

import json
import sys
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
import scipy.signal
import score
import singing
import soundfile as sf
import soundfont

SR = score.SR
N_SAMPLES = round(score.DURATION * SR)
LOUDNESS = {"vocals": -18.0, "drums": -21.0, "bass": -22.0, "other": -23.0}  # LUFS
REVERB = {"drums": (0.06, 0.5, 2), "bass": (0, 0, 0), "other": (0.12, 0.9, 1)}  # (量, 秒, 種)
PEAK = 10 ** (-1 / 20)  # 混合音のピークは -1 dBFS
INSTRUMENT_NAMES = {
    "bass": "ベース", "koto": "琴", "piano": "エレクトリックピアノ", "strings": "ストリングス"
}  # fmt: skip


def main(soundfont_path, folder):
    vocal = singing.sing()
    parts = score.accompaniment()
    stems = build_stems(vocal, parts, soundfont_path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, y in stems.items():
        sf.write(folder / f"sakura_{name}.flac", y, SR, subtype="PCM_16")
    write_json(folder / "sakura.json", score_document(vocal, parts))


def build_stems(vocal, parts, soundfont_path):
    """4つのステム。それぞれ `(n_samples, 2)` の int16 で、和も 16 bit に収まる。"""
    stems = {"vocals": vocal_stem(vocal)}
    for name, (wet, t60, seed) in REVERB.items():
        y = soundfont.render(parts[name], soundfont_path).astype(np.float64)
        y = fit(np.pad(y, ((int(score.LEAD_IN * SR), 0), (0, 0))))
        stems[name] = y + wet * reverb(y, t60, seed) if wet else y
    n_fade = int(0.3 * SR)
    meter = pyloudnorm.Meter(SR)
    for name, y in stems.items():
        y *= 10 ** ((LOUDNESS[name] - meter.integrated_loudness(y)) / 20)
        y[-n_fade:] *= np.linspace(1, 0, n_fade)[:, None] ** 2
    gain = PEAK / abs(sum(stems.values())).max()
    # ステムを先に 16 bit にする。混合音はその和と定めるので、和は整数のまま正確である
    return {name: np.round(y * gain * 32767).astype(np.int16) for name, y in stems.items()}


def vocal_stem(vocal):
    """歌に、低域カット、軽い圧縮、残響をかけて両チャネルに置く。"""
    y = librosa.resample(vocal.y, orig_sr=vocal.sr, target_sr=SR, res_type="soxr_hq")
    y = fit(y)
    y = scipy.signal.sosfilt(scipy.signal.butter(2, 120, "high", fs=SR, output="sos"), y)
    smoother = scipy.signal.butter(1, 8, fs=SR, output="sos")
    envelope = np.sqrt(scipy.signal.sosfiltfilt(smoother, y**2).clip(1e-8))
    y = y * (np.maximum(envelope, 0.03) / 0.15) ** -0.35
    y = np.stack([y, y], axis=1)
    return y + 0.22 * reverb(y, 0.9, seed=0)


def reverb(y, t60, seed, pre_delay=0.02):
    """指数減衰する雑音（250 Hz から 7 kHz）を畳み込んだ、ステレオの残響。"""
    rng = np.random.default_rng(seed)
    n = int(t60 * SR)
    response = rng.normal(0, 1, (n, 2)) * 10 ** (-3 * np.arange(n) / n)[:, None]
    band = scipy.signal.butter(2, [250, 7000], "band", fs=SR, output="sos")
    response = scipy.signal.sosfilt(band, response, axis=0)
    response = np.vstack([np.zeros((int(pre_delay * SR), 2)), response])
    response /= np.sqrt((response**2).sum(axis=0))
    return scipy.signal.fftconvolve(y, response, axes=0)[: len(y)]


def fit(y):
    """曲の長さに切りそろえる。足りなければ 0 を足す。"""
    y = y[:N_SAMPLES]
    return np.pad(y, [(0, N_SAMPLES - len(y))] + [(0, 0)] * (y.ndim - 1))


def score_document(vocal, parts):
    """楽譜の JSON。時刻と長さの単位は秒、音符は [時刻, 長さ, ノート番号, 名前]。"""
    onsets = score.melody_onsets()
    notes = [
        [onset, beats * score.BEAT, key + score.TRANSPOSE, mora]
        for onset, (mora, key, beats) in zip(onsets[:-1], score.MELODY, strict=True)
    ]
    vowels = [p for p in vocal.phones if p[2] in singing.VOWELS]
    moras = [mora for mora, _, _ in score.MELODY if mora != "ー"]
    half_bar = 2 * score.BEAT
    return {
        "title": "さくらさくら（日本古謡）",
        "tempo": score.BPM,
        "beats": list(score.LEAD_IN + np.arange(score.N_BARS * 4 + 1) * score.BEAT),
        "notes": notes,
        "lyrics": [[a, b - a, mora] for mora, (a, b, _) in zip(moras, vowels, strict=True)],
        "phones": [[a, b - a, name] for a, b, name in vocal.phones],
        "chords": [
            [onsets[0] + i * half_bar, half_bar, name]
            for i, (name, _, _) in enumerate(score.CHORDS)
        ],
        "parts": {part: [part_row(n) for n in sorted_notes(ns)] for part, ns in parts.items()},
        "f0": {"hop": singing.FRAME, "hz": [round(float(hz), 2) for hz in padded_f0(vocal.f0)]},
    }


def sorted_notes(notes):
    return sorted(notes, key=lambda n: (n.onset, n.pitch))


def part_row(note):
    names = INSTRUMENT_NAMES | {"drums": score.DRUM_NAMES.get(note.pitch)}
    onset = score.LEAD_IN + note.onset * score.BEAT
    return [onset, note.duration * score.BEAT, note.pitch, names[note.instrument]]


def padded_f0(f0):
    """曲の終わりまで 0（無声）で埋める。"""
    n_frames = round(score.DURATION / singing.FRAME) + 1
    return np.pad(f0, (0, n_frames - len(f0)))


def write_json(path, document):
    """1行に1音ずつ書く。差分が読みやすい。数は 0.1 ms に丸める。"""

    def text(value):
        if isinstance(value, float):
            value = round(float(value), 4)
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[\n" + ",\n".join(text(row) for row in value) + "\n]"
        if isinstance(value, list):
            return "[" + ",".join(text(v) for v in value) + "]"
        if isinstance(value, dict):
            return "{\n" + ",\n".join(f'"{k}": {text(v)}' for k, v in value.items()) + "\n}"
        return json.dumps(value, ensure_ascii=False)

    path.write_text(text(document) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
