"""付属の曲を作る：伴奏（SoundFont）と歌を合成し、音量をそろえて FLAC と楽譜の JSON に書く。

python tools/audio/make_song.py FluidR3_GM.sf2 src/sstut/sounds [曲の名前 ...]
"""

import json
import sys
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
import scipy.signal
import singing
import soundfile as sf
import soundfont
from clips import CLIPS
from sakura import SAKURA
from score import DRUM_NAMES, HOLD, REST, SR
from yokaze import YOKAZE

PIECES = {piece.name: piece for piece in (SAKURA, YOKAZE, *CLIPS)}
PEAK = 10 ** (-1 / 20)  # 混合音のピークの上限は -1 dBFS
FADE_OUT = 0.3  # 秒
# 録音された楽器の音に残る直流を除く
DC_CUT = scipy.signal.butter(2, 25, "high", fs=SR, output="sos")


def main(soundfont_path, folder, *names):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for piece in [PIECES[name] for name in names or PIECES]:
        vocal = singing.sing(piece) if piece.melody else None
        stems = build_stems(piece, vocal, soundfont_path)
        for name, y in stems.items():
            path = folder / f"{piece.name}_{name}.flac"
            sf.write(path, folded(piece, name, y), SR, subtype="PCM_16", **compression(piece))
        write_json(folder / f"{piece.name}.json", score_document(piece, vocal))


def build_stems(piece, vocal, soundfont_path):
    """ステム。それぞれ `(n_samples, 2)` の int16 で、和も 16 bit に収まる。"""
    stems = {"vocals": vocal_stem(piece, vocal)} if vocal else {}
    for name, notes in piece.parts.items():
        y = soundfont.render(notes, soundfont_path, piece).astype(np.float64)
        y = fit(piece, np.pad(y, ((piece.lead_in, 0), (0, 0))))
        if piece is not SAKURA:
            y = scipy.signal.sosfilt(DC_CUT, y, axis=0)
        stems[name] = repeated(piece, with_reverb(piece, name, y))
    n_fade = int(FADE_OUT * SR)
    meter = pyloudnorm.Meter(SR)
    for name, y in stems.items():
        if name in piece.mono:
            y[:] = y.mean(axis=1, keepdims=True)
        y *= 10 ** ((piece.loudness[name] - meter.integrated_loudness(y)) / 20)
        y[-n_fade:] *= np.linspace(1, 0, n_fade)[:, None] ** 2
    mixture = sum(stems.values())
    gain = PEAK / abs(mixture).max()
    if piece.target is not None:
        gain = min(gain, 10 ** ((piece.target - meter.integrated_loudness(mixture)) / 20))
    # ステムを先に 16 bit にする。混合音はその和と定めるので、和は整数のまま正確である
    return {name: np.round(y * gain * 32767).astype(np.int16) for name, y in stems.items()}


def repeated(piece, y):
    """伴奏を正確なくり返しにする：3小節目から後を、2小節目の写しで置き換える。

    もとの音も同じ譜面を鳴らしているので、置き換えで変わるのは1周期より長く残る余韻だけである。
    """
    if piece.period is None:
        return y
    start, stop = piece.lead_in + piece.period, piece.lead_in + piece.n_beats * piece.beat
    loop = y[start : start + piece.period].copy()
    for first in range(start, stop, piece.period):
        y[first : first + piece.period] = loop
    return y


def folded(piece, name, y):
    """ファイルに入れる部分：正確にくり返す伴奏では、くり返しを1回だけ残す。"""
    if piece.period is None or name == "vocals":
        return y
    start, stop, times = loop_points(piece)
    return np.concatenate([y[:stop], y[start + times * (stop - start) :]])


def loop_points(piece):
    """ファイルの中でくり返す区間 [サンプル] と、くり返す回数。"""
    start = piece.lead_in + piece.period
    return [start, start + piece.period, piece.n_beats * piece.beat // piece.period - 1]


def compression(piece):
    """FLAC の圧縮の強さ。「さくらさくら」は公開したファイルを変えないよう、初めの設定のまま。"""
    return {} if piece is SAKURA else {"compression_level": 1.0}


def vocal_stem(piece, vocal):
    """歌に、低域カット、軽い圧縮、残響をかけて両チャネルに置く。"""
    y = librosa.resample(vocal.y, orig_sr=vocal.sr, target_sr=SR, res_type="soxr_hq")
    y = fit(piece, y)
    y = scipy.signal.sosfilt(scipy.signal.butter(2, 120, "high", fs=SR, output="sos"), y)
    smoother = scipy.signal.butter(1, 8, fs=SR, output="sos")
    envelope = np.sqrt(scipy.signal.sosfiltfilt(smoother, y**2).clip(1e-8))
    y = y * (np.maximum(envelope, 0.03) / 0.15) ** -0.35
    return with_reverb(piece, "vocals", np.stack([y, y], axis=1))


def with_reverb(piece, name, y):
    if name not in piece.reverb:
        return y
    wet, t60, seed = piece.reverb[name]
    return y + wet * reverb(y, t60, seed)


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


def fit(piece, y):
    """曲の長さに切りそろえる。足りなければ 0 を足す。"""
    y = y[: piece.n_samples]
    return np.pad(y, [(0, piece.n_samples - len(y))] + [(0, 0)] * (y.ndim - 1))


def score_document(piece, vocal):
    """楽譜の JSON。時刻と長さの単位は秒、音符は [時刻, 長さ, ノート番号, 名前]。"""
    document = {"title": piece.title, "tempo": tempo(piece)}
    if piece is not SAKURA:
        document["stems"] = [*(["vocals"] if vocal else []), *piece.parts]
    if piece.period is not None:
        document["loop"] = loop_points(piece)
    return document | {
        "beats": list(piece.seconds(np.arange(piece.n_beats + 1))),
        **vocal_rows(piece, vocal),
        "chords": chord_rows(piece),
        "parts": {part: part_rows(piece, notes) for part, notes in piece.parts.items()},
        "f0": {"hop": singing.FRAME, "hz": f0_row(piece, vocal)},
    }


def tempo(piece):
    """1分あたりの拍数。割り切れるときは整数で書く。"""
    exact = 60 * SR / piece.beat
    return int(exact) if exact.is_integer() else exact


def vocal_rows(piece, vocal):
    """旋律、歌詞、音素。歌のない曲では空にする。"""
    if not vocal:
        return {"notes": [], "lyrics": [], "phones": []}
    notes = [
        [onset, beats * piece.beat / SR, key + piece.transpose, mora]
        for onset, (mora, key, beats) in zip(piece.melody_onsets()[:-1], piece.melody, strict=True)
        if mora != REST
    ]
    vowels = [p for p in vocal.phones if p[2] in singing.VOWELS]
    moras = [mora for mora, _, _ in piece.melody if mora not in (HOLD, REST)]
    return {
        "notes": notes,
        "lyrics": [[a, b - a, mora] for mora, (a, b, _) in zip(moras, vowels, strict=True)],
        "phones": [[a, b - a, name] for a, b, name in vocal.phones],
    }


def chord_rows(piece):
    rows, position = [], 0.0
    for beats, name in piece.chords:
        rows.append([float(piece.seconds(position)), beats * piece.beat / SR, name])
        position += beats
    return rows


def part_rows(piece, notes):
    rows = []
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        name = soundfont.INSTRUMENTS[note.instrument][0]
        label = DRUM_NAMES[note.pitch] if note.instrument == "drums" else name
        onset = float(piece.seconds(note.onset))
        rows.append([onset, note.duration * piece.beat / SR, note.pitch, label])
    return rows


def f0_row(piece, vocal):
    """F0 の曲線を、曲の終わりまで 0（無声）で埋める。"""
    if not vocal:
        return []
    f0 = np.zeros(round(piece.duration / singing.FRAME) + 1)
    n = min(len(f0), len(vocal.f0))
    f0[:n] = vocal.f0[:n]
    return [round(float(hz), 2) for hz in f0]


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
    main(*sys.argv[1:])
