"""評価に取っておく短い曲。どれもこの本のために書き、調、拍子、テンポ、楽器、声を変えてある。

1曲でうまくいく方法が、ほかの曲でもうまくいくとは限らない。方法やパラメータを選ぶときには使わず、
選び終えてから、ここで比べる。
"""

from score import (
    CRASH,
    HAT,
    HIGH_TOM,
    KICK,
    LOW_TOM,
    MID_TOM,
    OPEN_HAT,
    REST,
    SHAKER,
    SNARE,
    Piece,
    Voice,
    hits,
    strum,
)

TARGET = -19.5
MONO = frozenset({"vocals", "drums", "bass", "other"})


def haru():
    """春の朝：ト長調、3拍子。共鳴を低くした声、コントラバス、ナイロン弦ギター。"""
    melody = [
        ("は", 55, 1), ("る", 55, 0.5), ("の", 57, 0.5), ("ひ", 59, 1),
        ("か", 62, 1), ("り", 59, 0.5), ("が", 57, 1), (REST, 0, 0.5),
        ("ま", 57, 0.5), ("ど", 60, 0.5), ("を", 60, 0.5), ("た", 59, 0.5), ("た", 57, 1),
        ("く", 55, 2.5), (REST, 0, 0.5),
    ]  # fmt: skip
    chords = [(3, "G"), (3, "Em7"), (2, "Am7"), (1, "D7"), (3, "G")]
    bars = [
        (43, 50, (55, 59, 62, 67)), (40, 47, (55, 59, 62, 64)),
        (45, 52, (55, 60, 64, 67)), (43, 50, (55, 59, 62, 67)),
    ]  # fmt: skip
    bass, guitar = [], []
    for bar, (root, fifth, keys) in enumerate(bars):
        start = 3 * bar
        walk = [(0, 1.7, root, 100), (2, 0.9, 38 if bar == 2 else fifth, 84)]
        bass += hits("double_bass", walk if bar < 3 else [(0, 2.6, root, 96)], start)
        upper = (54, 57, 60, 62) if bar == 2 else keys
        order = [(0, keys[0]), (0.5, keys[2]), (1, keys[1]), (1.5, keys[3])]
        order += [(2, upper[1]), (2.5, upper[2])]
        guitar += hits("guitar", [(t, 0.9, k + 12 * (t == 1.5), 84 - 8 * (t % 1 > 0)) for t, k in
                                  order], start)  # fmt: skip
        guitar += strum("guitar", start + 1, 0.7, keys[1:], 54)
    return Piece(
        name="haru",
        title="春の朝",
        beat=22050,
        n_beats=12,
        lead_in=8820,
        tail=17640,
        ring=17640,
        chords=chords,
        parts={"bass": bass, "other": guitar},
        loudness={"vocals": -19.0, "bass": -23.0, "other": -22.0},
        reverb={"vocals": (0.16, 0.7, 6), "other": (0.1, 0.6, 7)},
        melody=melody,
        lyrics="春の光が、窓をたたく",
        voice=Voice(formant=0.86, vibrato_depth=0.35, vibrato_rate=5.0, dynamics=0.3, glide=8.0),
        target=TARGET,
        mono=MONO,
    )


def hashire():
    """走れ：ロ短調、126 BPM のファンク。明るい声、チョッパーのベース、クラビネットとブラス。"""
    melody = [
        (REST, 0, 0.5), ("は", 66, 0.5), ("し", 66, 0.25), ("れ", 69, 1.25),
        ("は", 66, 0.5), ("し", 64, 0.25), ("れ", 66, 0.75), (REST, 0, 0.5),
        ("あ", 69, 0.5), ("め", 71, 0.5), ("の", 69, 0.5),
        ("な", 66, 0.75), ("か", 64, 0.75), ("を", 66, 2.5), (REST, 0, 2),
    ]  # fmt: skip
    drums, bass, other = [], [], []
    roots = (35, 40, 35)
    shapes = ((57, 61, 62, 66), (56, 59, 62, 66), (57, 61, 62, 66))
    for bar, (root, keys) in enumerate(zip(roots, shapes, strict=True)):
        start = 4 * bar
        last = bar == 2
        kicks = (0, 0.75, 2.5) if last else (0, 0.75, 2.25, 2.5)
        rows = [(t, 0.2, KICK, 110 - 14 * (t == 0.75)) for t in kicks]
        rows += [(1, 0.2, SNARE, 106), (2.75, 0.2, SNARE, 40), (1.75, 0.2, SNARE, 38)]
        rows += [(0.5 * i, 0.2, HAT, 86 - 24 * (i % 2)) for i in range(6 if last else 7)]
        rows += [(0.25 + 0.5 * i, 0.2, HAT, 42) for i in range(6)]
        if last:
            fill = (SNARE, SNARE, HIGH_TOM, LOW_TOM)
            rows += [(3 + 0.25 * i, 0.2, key, 88 + 6 * i) for i, key in enumerate(fill)]
        else:
            rows += [(3, 0.2, SNARE, 108), (3.5, 0.3, OPEN_HAT, 72)]
        drums += hits("drums", rows, start)
        bass += hits(
            "slap_bass",
            [
                (0, 0.4, root, 112), (0.75, 0.18, root + 12, 100), (1.5, 0.2, root, 92),
                (1.75, 0.2, root + 10, 96), (2.25, 0.2, root + 12, 104), (2.5, 0.4, root, 108),
                (3.25, 0.2, root + 3, 92), (3.5, 0.4, root + 5, 98),
            ],
            start,
        )  # fmt: skip
        for t, length, vel in ((0.25, 0.15, 70), (0.5, 0.2, 92), (1.25, 0.15, 72), (1.75, 0.2, 88),
                               (2.75, 0.15, 74), (3.25, 0.2, 90)):  # fmt: skip
            other += strum("clavinet", start + t, length, keys, vel, spread=0.004)
        stab = tuple(k + 12 for k in keys[1:])
        other += strum("brass", start + 3.5, 0.3, stab, 84, spread=0.0)
    return Piece(
        name="hashire",
        title="走れ",
        beat=21000,
        n_beats=12,
        lead_in=4200,
        tail=16800,
        ring=16800,
        chords=[(4, "Bm9"), (4, "E9"), (4, "Bm9")],
        parts={"drums": drums, "bass": bass, "other": other},
        loudness={"vocals": -17.0, "drums": -20.0, "bass": -21.5, "other": -22.0},
        reverb={"vocals": (0.12, 0.5, 8), "drums": (0.04, 0.3, 9), "other": (0.06, 0.4, 10)},
        melody=melody,
        lyrics="はしれはしれ、雨の中を",
        voice=Voice(formant=1.03, vibrato_depth=0.6, vibrato_rate=6.1, dynamics=0.3),
        target=TARGET,
        mono=MONO,
        drum_kit=16,
    )


def yuki():
    """雪の夜：変イ長調、72 BPM のバラード。子どものような声、ピアノとストリングス。"""
    melody = [
        ("ゆ", 63, 0.5), ("き", 65, 0.5), ("の", 67, 0.5), ("よ", 68, 0.5), ("る", 70, 1.5),
        (REST, 0, 0.5), ("し", 68, 0.5), ("ず", 67, 0.5), ("か", 65, 0.5), ("に", 63, 0.5),
        ("ね", 65, 0.5), ("む", 68, 0.5), ("る", 65, 1), (REST, 0, 0.5),
    ]  # fmt: skip
    chords = [
        ("Abmaj7", 44, (60, 63, 67)), ("Eb/G", 43, (58, 63, 67)),
        ("Fm7", 41, (60, 63, 68)), ("Dbmaj7", 37, (60, 65, 68)),
    ]  # fmt: skip
    notes = []
    for i, (_, root, keys) in enumerate(chords):
        start = 2 * i
        notes += hits("grand", [(0, 1.9, root, 76), (1, 0.9, root + 12, 58)], start)
        notes += strum("grand", start, 1.9, keys, 62, spread=0.02)
        figure = (keys[1] + 12, keys[2] + 12, keys[0] + 12)
        notes += [
            note
            for j, key in enumerate(figure)
            for note in hits("grand", [(0.5 * (j + 1), 0.6, key, 50 + 5 * (j == 1))], start)
        ]
        notes += hits("strings", [(0, 1.95, key - 12 * (key > 66), 46) for key in keys], start)
    return Piece(
        name="yuki",
        title="雪の夜",
        beat=36750,
        n_beats=8,
        lead_in=7350,
        tail=22050,
        ring=22050,
        chords=[(2, name) for name, _, _ in chords],
        parts={"other": notes},
        loudness={"vocals": -19.0, "other": -21.0},
        reverb={"vocals": (0.25, 1.1, 11), "other": (0.1, 1.0, 12)},
        melody=melody,
        lyrics="雪の夜、静かに眠る",
        voice=Voice(formant=1.1, vibrato_depth=0.7, vibrato_rate=5.3, dynamics=0.3),
        target=TARGET,
        mono=MONO,
    )


def kakeru():
    """駆ける：ホ短調、140 BPM のロック。歌はなく、オルガンが旋律を弾く。"""
    roots = (40, 36, 43, 38)
    drums, bass, other = hits("drums", [(0, 1, CRASH, 84)]), [], []
    for half, root in enumerate(roots):
        start = 3 * half
        rows = [(0.5 * i, 0.2, HAT, 84 - 20 * (i % 2)) for i in range(6)]
        rows += [(0, 0.2, KICK, 110), (1.5, 0.2, KICK, 96), (1, 0.2, SNARE, 104)]
        fill = [(2 + 0.25 * i, 0.2, k, 92) for i, k in enumerate((SNARE, SNARE, MID_TOM, LOW_TOM))]
        rows += fill if half == 3 else [(2, 0.2, KICK, 88), (2.5, 0.2, SNARE, 60)]
        rows += [(0.25 + 0.5 * i, 0.2, SHAKER, 44) for i in range(6)]
        drums += hits("drums", rows, start)
        bass += hits(
            "bass",
            [(0.5 * i, 0.42, root + (0, 0, 12, 0, 7, 10)[i], 104 - 8 * (i % 2)) for i in range(6)],
            start,
        )
        power = (root + 12, root + 19)
        for t, length in ((0, 0.9), (1.5, 0.4), (2, 0.8)):
            other += strum("overdrive", start + t, length, power, 74, spread=0.004)
    lead = [
        (0.5, 0.5, 71), (1, 0.5, 74), (1.5, 1, 76), (2.5, 0.5, 74), (3, 1, 72), (4, 0.5, 71),
        (4.5, 1, 67), (6, 0.5, 71), (6.5, 0.5, 74), (7, 1, 79), (8, 0.5, 78), (8.5, 0.5, 76),
        (9, 1, 74), (10, 0.5, 69), (10.5, 1.3, 71),
    ]  # fmt: skip
    other += hits("organ", [(t, 0.95 * length, key, 88) for t, length, key in lead])
    return Piece(
        name="kakeru",
        title="駆ける",
        beat=18900,
        n_beats=12,
        lead_in=4200,
        tail=18900,
        ring=18900,
        chords=[(3, "Em"), (3, "C"), (3, "G"), (3, "D")],
        parts={"drums": drums, "bass": bass, "other": other},
        loudness={"drums": -19.5, "bass": -20.5, "other": -20.0},
        reverb={"drums": (0.05, 0.4, 13), "other": (0.08, 0.5, 14)},
        target=TARGET,
        mono=MONO,
        drum_kit=0,
    )


CLIPS = (haru(), hashire(), yuki(), kakeru())
