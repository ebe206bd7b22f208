"""夜風：この本のために書いた歌。同じ1小節の伴奏を 12 回くり返し、その上で歌だけが変わっていく。

伴奏は1小節（98304 サンプル、2.229 秒）の周期で正確にくり返す。この長さは 22.05 kHz で
ホップ長 512 の 96 フレームにちょうど等しいので、周期をフレームの数に丸めても誤差が出ない。
"""

from score import (
    HAT,
    HIGH_CONGA,
    KICK,
    LOW_CONGA,
    OPEN_HAT,
    REST,
    SHAKER,
    SNARE,
    Piece,
    Voice,
    hits,
    strum,
)

N_BARS = 12
BEAT = 24576  # 約 107.67 BPM
LYRICS = (
    "夜風にゆれる街のあかり、かさなる音に耳をすます、"
    "君の歌がひとつだけ、ほどけて届くこの胸に、夜風にとけて"
)

# 2小節の前奏、2小節ずつの4行、2小節の結び。ハ長調で書き、短3度下げる
MELODY = [
    (REST, 0, 8.5),
    ("よ", 64, 0.5), ("か", 67, 0.5), ("ぜ", 69, 0.5), ("に", 67, 1),
    ("ゆ", 64, 0.5), ("れ", 67, 0.25), ("る", 69, 0.75),
    ("ま", 67, 0.5), ("ち", 64, 0.5), ("の", 62, 0.5),
    ("あ", 64, 0.5), ("か", 62, 0.25), ("り", 60, 1), (REST, 0, 0.75),

    ("か", 64, 0.5), ("さ", 67, 0.5), ("な", 69, 0.5), ("る", 71, 1),
    ("お", 69, 0.5), ("と", 67, 0.25), ("に", 69, 0.75),
    ("み", 67, 0.5), ("み", 64, 0.5), ("を", 67, 0.5),
    ("す", 64, 0.5), ("ま", 67, 0.25), ("す", 69, 1), (REST, 0, 0.75),

    ("き", 69, 0.5), ("み", 72, 0.5), ("の", 72, 0.5), ("う", 71, 0.75),
    ("た", 69, 1), ("が", 67, 0.75),
    ("ひ", 69, 0.5), ("と", 72, 0.5), ("つ", 72, 0.5),
    ("だ", 71, 0.75), ("け", 69, 1), (REST, 0, 0.75),

    ("ほ", 69, 0.5), ("ど", 72, 0.5), ("け", 72, 0.5), ("て", 71, 0.75),
    ("と", 69, 0.5), ("ど", 67, 0.5), ("く", 69, 0.75),
    ("こ", 67, 0.5), ("の", 64, 0.5), ("む", 62, 0.5),
    ("ね", 64, 0.75), ("に", 60, 1), (REST, 0, 0.75),

    ("よ", 64, 0.5), ("か", 67, 0.5), ("ぜ", 69, 0.5), ("に", 67, 1),
    ("と", 64, 0.5), ("け", 62, 0.25), ("て", 64, 3.25), (REST, 0, 1),
]  # fmt: skip

CHORDS = [(2, "Dmaj9"), (0.75, "C#m7"), (1.25, "F#m7")]
DMAJ9, CSHARP_M7, FSHARP_M7 = (54, 57, 61, 64), (52, 56, 59, 64), (52, 57, 61, 64)


def drum_bar(start):
    """16 ビートの1小節。2拍目と4拍目のスネアの間を、弱いゴーストノートでつなぐ。"""
    hats = [(0.25 * i, 0.2, HAT, (82, 44, 64, 48)[i % 4] - 6 * (i % 8 == 7)) for i in range(14)]
    shaker = [(0.25 * i, 0.2, SHAKER, (40, 26, 52, 30)[i % 4]) for i in range(16)]
    return hits(
        "drums",
        [
            (0, 0.2, KICK, 112), (0.75, 0.2, KICK, 78), (2.75, 0.2, KICK, 104),
            (1, 0.2, SNARE, 100), (3, 0.2, SNARE, 104),
            (1.75, 0.2, SNARE, 36), (2.25, 0.2, SNARE, 44), (3.75, 0.2, SNARE, 32),
            (3.5, 0.25, OPEN_HAT, 66), (3.75, 0.2, HAT, 46),
            (1.5, 0.2, HIGH_CONGA, 52), (2.5, 0.2, HIGH_CONGA, 44),
            (3.25, 0.2, LOW_CONGA, 60), (3.5, 0.2, LOW_CONGA, 66),
            *hats, *shaker,
        ],
        start,
    )  # fmt: skip


def bass_bar(start):
    """根音と5度から入り、F# から D へ半音ずつ下りて次の小節につなぐ。"""
    return hits(
        "bass",
        [
            (0, 0.68, 38, 106), (0.75, 0.2, 38, 84), (1.25, 0.22, 45, 88), (1.5, 0.4, 50, 96),
            (2, 0.66, 37, 102), (2.75, 0.68, 42, 106), (3.5, 0.22, 40, 92), (3.75, 0.22, 39, 96),
        ],
        start,
    )  # fmt: skip


def chord_bar(start):
    """エレクトリックピアノの刻み、ギターの分散和音、どの和音にも合う2音のパッド。"""
    comp = [
        (0, 1.15, DMAJ9, 76), (1.5, 0.35, DMAJ9, 62), (2, 0.6, CSHARP_M7, 72),
        (2.75, 0.7, FSHARP_M7, 78), (3.5, 0.3, FSHARP_M7, 56),
    ]  # fmt: skip
    notes = []
    for onset, length, keys, vel in comp:
        notes += strum("rhodes", start + onset, length, keys, vel)
    arpeggio = [
        (0.25, 69, 58), (0.5, 73, 66), (0.75, 76, 74), (1.25, 73, 60), (1.75, 78, 70),
        (2.25, 71, 62), (2.5, 76, 70), (3, 73, 66), (3.25, 76, 60), (3.5, 69, 68), (3.75, 73, 58),
    ]  # fmt: skip
    notes += hits("guitar", [(t, 0.45, key, vel) for t, key, vel in arpeggio], start)
    return notes + hits("pad", [(0, 3.6, 61, 54), (0, 3.6, 64, 54)], start)


def accompaniment():
    """12 小節と、結びの1打。"""
    end = 4 * N_BARS
    parts = {
        "drums": hits("drums", [(0, 0.2, KICK, 112), (0, 0.2, HAT, 60)], end),
        "bass": hits("bass", [(0, 2.2, 38, 100)], end),
        "other": strum("rhodes", end, 2.2, DMAJ9, 76, spread=0.03)
        + strum("guitar", end + 0.15, 2, (69, 73, 76, 78), 62, spread=0.12),
    }
    for bar in range(N_BARS):
        parts["drums"] += drum_bar(4 * bar)
        parts["bass"] += bass_bar(4 * bar)
        parts["other"] += chord_bar(4 * bar)
    return parts


YOKAZE = Piece(
    name="yokaze",
    title="夜風",
    beat=BEAT,
    n_beats=4 * N_BARS,
    lead_in=4096,
    tail=73728,
    ring=73728,
    chords=CHORDS * N_BARS + [(3, "Dmaj9")],
    parts=accompaniment(),
    loudness={"vocals": -16.5, "drums": -20.5, "bass": -21.5, "other": -20.5},
    reverb={"vocals": (0.18, 0.9, 3), "drums": (0.05, 0.4, 4), "other": (0.1, 0.7, 5)},
    melody=MELODY,
    lyrics=LYRICS,
    transpose=-3,
    voice=Voice(dynamics=0.35, glide=8.0),
    period=4 * BEAT,
    target=-18.0,
    mono=frozenset({"vocals"}),
    drum_kit=8,
)
