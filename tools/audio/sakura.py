"""さくらさくら（日本古謡）の楽譜：旋律、歌詞、和音と、伴奏の譜面。

旋律と歌詞は『箏曲集』（1888年）にある伝承曲で、和音と伴奏はこの本のために書いた。
"""

import numpy as np
from score import (
    CRASH,
    HAT,
    HIGH_TOM,
    KICK,
    LOW_TOM,
    MID_TOM,
    OPEN_HAT,
    SNARE,
    Note,
    Piece,
    delay,
    velocity,
)

N_BARS = 6

# (モーラ, ノート番号, 拍数)。「ー」は前の母音を伸ばしたまま高さを変える
MELODY = [
    ("さ", 69, 1), ("く", 69, 1), ("ら", 71, 2),
    ("さ", 69, 1), ("く", 69, 1), ("ら", 71, 2),
    ("や", 69, 1), ("よ", 71, 1), ("い", 72, 1), ("の", 71, 1),
    ("そ", 69, 1), ("ら", 71, 0.5), ("ー", 69, 0.5), ("は", 65, 2),
    ("み", 64, 1), ("わ", 60, 1), ("た", 64, 1), ("す", 65, 1),
    ("か", 64, 1), ("ぎ", 64, 0.5), ("ー", 60, 0.5), ("り", 59, 2),
]  # fmt: skip
LYRICS = "さくら、さくら、弥生の空は、見渡す限り"
BREATHS = frozenset({2, 5, 13, 21})  # 息を継ぐ直前の音（MELODY の番号）

# 半小節ごとの (名前, ベースの音, 和音)。移調した後の高さ
EM7 = ("Em7", 40, (55, 59, 62, 64))
CMAJ7 = ("Cmaj7", 36, (55, 59, 60, 64))
CHORDS = [
    EM7, EM7,
    CMAJ7, CMAJ7,
    EM7, ("D", 38, (54, 57, 62, 66)),
    CMAJ7, CMAJ7,
    ("G", 43, (55, 59, 62, 67)), ("C", 36, (55, 60, 64, 67)),
    ("Em", 40, (55, 59, 64, 67)), ("B7", 35, (54, 57, 59, 63)),
]  # fmt: skip


def accompaniment(seed=0):
    """伴奏3パートの音符。強さと時刻を乱数でわずかに揺らし、機械らしさを減らす。"""
    rng = np.random.default_rng(seed)
    parts = {"drums": [], "bass": [], "other": []}
    for bar in range(N_BARS):
        parts["drums"] += drum_bar(bar, rng)
        for half in (0, 1):
            _, root, chord = CHORDS[2 * bar + half]
            beat = 4 * bar + 2 * half
            parts["bass"] += bass_half_bar(beat, root, is_last(bar) and half == 1, half, rng)
            parts["other"] += chord_half_bar(beat, chord, rng)
    return parts


def drum_bar(bar, rng):
    """8ビートの1小節。最後の小節は4拍目がフィルインになる。"""
    start = 4 * bar
    notes = [
        Note(start + beat, 0.2, KICK, velocity(108, rng), "drums")
        for beat in ((0, 1.5, 2.5) if bar % 2 else (0, 2, 2.75))
    ]
    notes += [
        Note(start + beat, 0.2, SNARE, velocity(104, rng), "drums")
        for beat in (1, 3)
        if not (is_last(bar) and beat == 3)
    ]
    for beat in np.arange(0, 4, 0.5):
        key = OPEN_HAT if beat == 3.5 and bar % 2 else HAT
        onset = start + beat + delay(0.006, rng)
        notes.append(Note(onset, 0.2, key, velocity(84 if beat % 1 == 0 else 62, rng), "drums"))
    if bar in (0, 4):
        notes.append(Note(start, 1, CRASH, 92, "drums"))
    if is_last(bar):
        fill = (SNARE, HIGH_TOM, HIGH_TOM, MID_TOM, MID_TOM, LOW_TOM, LOW_TOM, KICK)
        for i, key in enumerate(fill):
            notes.append(Note(start + 3 + i / 8, 0.2, key, 84 + 4 * i, "drums"))
    return notes


def bass_half_bar(beat, root, ending, half, rng):
    """根音を中心に、5度上（前半の3つ目）とオクターブ上（4つ目）を挟む。"""
    pattern = ((0, 0.7, 0), (0.75, 0.2, 0), (1, 0.45, 0 if half else 7), (1.5, 0.45, 12))
    return [
        Note(beat + offset, length, root + up, velocity(100, rng), "bass")
        for offset, length, up in pattern
        if not (ending and offset >= 1)
    ]


def chord_half_bar(beat, chord, rng):
    """琴の分散和音、エレクトリックピアノの刻み、弱いストリングスを重ねる。"""
    notes = []
    for i, offset in zip((0, 2, 1, 3), np.arange(0, 2, 0.5), strict=True):
        onset = beat + offset + delay(0.012, rng)
        notes.append(Note(onset, 0.9, chord[i] + 12, velocity(86, rng), "koto"))
    for offset, length in ((0, 0.8), (1.25, 0.6)):
        for key in chord:
            onset = beat + offset + delay(0.006, rng)
            notes.append(Note(onset, length, key, velocity(70, rng), "piano"))
    notes += [Note(beat, 1.95, key, 46, "strings") for key in chord[:3]]
    return notes


def is_last(bar):
    return bar == N_BARS - 1


SAKURA = Piece(
    name="sakura",
    title="さくらさくら（日本古謡）",
    beat=22050,  # 120 BPM
    n_beats=4 * N_BARS,
    lead_in=8820,  # 最初の子音は、1拍目より前に歌い始める
    tail=35280,
    chords=[(2, name) for name, _, _ in CHORDS],
    parts=accompaniment(),
    loudness={"vocals": -18.0, "drums": -21.0, "bass": -22.0, "other": -23.0},
    reverb={"vocals": (0.22, 0.9, 0), "drums": (0.06, 0.5, 2), "other": (0.12, 0.9, 1)},
    melody=MELODY,
    lyrics=LYRICS,
    breaths=BREATHS,
    transpose=-5,  # イ調で書いて、女声の楽な高さへ移す
)
