"""楽譜の型。曲ごとの楽譜は `sakura.py`、`yokaze.py`、`clips.py` にある。

拍の長さを整数のサンプル数で持つので、音符の位置がサンプルの格子からずれない。
時刻の単位は断りのないかぎり拍、音の高さは MIDI ノート番号である。
"""

from dataclasses import dataclass, field

import numpy as np

SR = 44100
HOLD = "ー"  # 前の母音を伸ばしたまま高さを変える音
REST = "、"  # 休符

KICK, STICK, SNARE, HAT, OPEN_HAT, CRASH, SHAKER = 36, 37, 38, 42, 46, 49, 70
HIGH_TOM, MID_TOM, LOW_TOM, HIGH_CONGA, LOW_CONGA = 48, 45, 41, 63, 64
DRUM_NAMES = {
    KICK: "キック", STICK: "リムショット", SNARE: "スネア", HAT: "ハイハット",
    OPEN_HAT: "オープンハイハット", CRASH: "クラッシュシンバル", SHAKER: "シェイカー",
    HIGH_TOM: "タム", MID_TOM: "タム", LOW_TOM: "タム",
    HIGH_CONGA: "コンガ", LOW_CONGA: "コンガ",
}  # fmt: skip


@dataclass(frozen=True)
class Note:
    """伴奏の1音。onset と duration の単位は拍。"""

    onset: float
    duration: float
    pitch: int
    velocity: int
    instrument: str


@dataclass(frozen=True)
class Voice:
    """歌い方。formant は声道の共鳴の周波数に掛ける倍率、vibrato の単位は半音と Hz。

    dynamics は、旋律の高さに応じて付ける強弱 [dB/半音]。glide は音の変わり目の速さ [Hz]。
    """

    formant: float = 1.0
    vibrato_depth: float = 0.5
    vibrato_rate: float = 5.6
    dynamics: float = 0.0
    glide: float = 6.0


@dataclass(frozen=True)
class Piece:
    """1曲の楽譜と、音にするときの設定。

    melody は (モーラ, ノート番号, 拍数) の並び。chords は (拍数, 名前) の並び。
    beat、lead_in、tail、period の単位はサンプル。period があれば伴奏はこの周期で正確にくり返す。
    loudness はステムの LUFS、target は混合音の LUFS（なければピークを -1 dBFS に合わせる）。
    reverb は (量, 残響時間 [秒], 乱数の種)。breaths は終わりで息を継ぐ音の番号（休符の前を除く）。
    """

    name: str
    title: str
    beat: int
    n_beats: int
    lead_in: int
    tail: int
    chords: list[tuple[float, str]]
    parts: dict[str, list[Note]]
    loudness: dict[str, float]
    reverb: dict[str, tuple[float, float, int]]
    melody: list[tuple[str, int, float]] = field(default_factory=list)
    lyrics: str = ""
    breaths: frozenset[int] = frozenset()
    transpose: int = 0
    voice: Voice = field(default_factory=Voice)
    period: int | None = None
    target: float | None = None
    mono: frozenset[str] = frozenset()  # 左右を同じ音にするステム（FLAC が半分の大きさになる）
    drum_kit: int = 8
    ring: int = 26460  # 曲の後に伴奏の余韻を鳴らす長さ [サンプル]

    @property
    def n_samples(self):
        """曲の長さ [サンプル]。"""
        return self.lead_in + self.n_beats * self.beat + self.tail

    @property
    def duration(self):
        """曲の長さ [秒]。"""
        return self.n_samples / SR

    def seconds(self, beats):
        """拍の位置を、曲の頭からの秒にする。"""
        return (self.lead_in + np.asarray(beats) * self.beat) / SR

    def melody_onsets(self):
        """旋律の各音の始まり [秒]。最後に旋律の終わりを足した、音の数 + 1 個の配列。"""
        return self.seconds(np.cumsum([0] + [beats for _, _, beats in self.melody]))


def velocity(center, rng, spread=6):
    return int(np.clip(center + rng.integers(-spread, spread + 1), 1, 127))


def delay(sigma, rng):
    """遅れの拍数。正規分布の絶対値なので、拍より早くは鳴らない。"""
    return abs(float(rng.normal(0, sigma)))


def hits(instrument, rows, start=0.0):
    """(拍, 長さ, ノート番号, 強さ) の並びを音符にする。"""
    return [Note(start + onset, length, key, vel, instrument) for onset, length, key, vel in rows]


def strum(instrument, onset, length, keys, vel, spread=0.012):
    """和音を、低い音から順にわずかに遅らせて鳴らす。"""
    return [Note(onset + i * spread, length, key, vel, instrument) for i, key in enumerate(keys)]
