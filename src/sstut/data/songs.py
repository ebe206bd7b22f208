"""付属の曲（4つのステムと楽譜）と、付属の話し声。

章: introduction
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sstut.data.audio import load_audio
from sstut.representations import resample

Array = NDArray[Any]

SONG_SR = 44100
STEMS = ("vocals", "drums", "bass", "other")
SPEECH_TEXTS = {
    "female": "混ざった音から、聞きたい声だけを取り出すことを、音源分離と呼びます。",
    "male": "にぎやかな部屋でも、人は相手の声を聞き分けることができます。",
}

# 評価に取っておく短い曲。方法やパラメータを選ぶときには使わない
HELD_OUT = ("haru", "hashire", "yuki", "kakeru")
SONG_TITLES = {
    "sakura": "さくらさくら",
    "yokaze": "夜風",
    "haru": "春の朝",
    "hashire": "走れ",
    "yuki": "雪の夜",
    "kakeru": "駆ける",
}
SONG_CREDIT = "音：「{title}」本書制作、CC BY 4.0（素材の表示は「付属の音について」）"
SPEECH_CREDIT = "音：本書制作の合成音声、CC BY 4.0（素材の表示は「付属の音について」）"

_SOUNDS = files("sstut") / "sounds"


@dataclass(frozen=True)
class Note:
    """楽譜の1音。時刻の単位は秒、`pitch` は MIDI ノート番号（69 が 440 Hz）。"""

    onset: float
    duration: float
    pitch: int
    label: str


@dataclass(frozen=True)
class Span:
    """名前の付いた区間（歌詞の1モーラ、音素、和音）。時刻の単位は秒。"""

    onset: float
    duration: float
    label: str


@dataclass(frozen=True, eq=False)
class Score:
    """曲を作るときに使った楽譜。推定した値ではなく、正解である。

    Attributes
    ----------
    tempo : float
        1分あたりの拍数
    beats : Array
        拍の時刻 [秒]、shape `(n_beats,)`
    notes : tuple of Note
        歌の旋律。`label` は歌詞のモーラで、前の母音を伸ばす音では「ー」
    lyrics : tuple of Span
        歌詞の1モーラずつ。`onset` は母音の始まりで、子音はその前にある
    phones : tuple of Span
        音素（`pau` と `sil` は休み）
    chords : tuple of Span
        和音の名前
    parts : dict of str to tuple of Note
        伴奏 `drums`、`bass`、`other` の音符。`label` は楽器の名前
    f0 : Array
        歌の基本周波数 [Hz]、shape `(n_times,)`。声帯の震えない所は 0
    f0_times : Array
        `f0` の時刻 [秒]、shape `(n_times,)`
    period : float or None
        伴奏が正確にくり返す周期 [秒]。そのような曲でなければ None
    """

    tempo: float
    beats: Array
    notes: tuple[Note, ...]
    lyrics: tuple[Span, ...]
    phones: tuple[Span, ...]
    chords: tuple[Span, ...]
    parts: dict[str, tuple[Note, ...]]
    f0: Array
    f0_times: Array
    period: float | None = None


@dataclass(frozen=True, eq=False)
class Song:
    """ステムに分かれた1曲。混合音は保存せず、ステムの和として定める。

    Attributes
    ----------
    name : str
        曲の名前
    stems : dict of str to Array
        `vocals`、`drums`、`bass`、`other` のうち、その曲にあるものをこの順に並べる。
        それぞれ `(n_channels, n_samples)`、モノラルでは `(n_samples,)`
    sr : int
        標本化周波数 [Hz]
    score : Score or None
        楽譜。付属の曲にだけある
    credit : str
        出どころと使用条件。部品の下に出す
    """

    name: str
    stems: dict[str, Array]
    sr: int
    score: Score | None = None
    credit: str = ""

    @property
    def mixture(self) -> Array:
        """全ステムの和。"""
        return _total(self.stems.values())

    @property
    def accompaniment(self) -> Array:
        """歌以外のステムの和（伴奏、カラオケ）。"""
        return _total(y for name, y in self.stems.items() if name != "vocals")

    @property
    def duration(self) -> float:
        """長さ [秒]。"""
        return _duration(self.stems, self.sr)


@dataclass(frozen=True, eq=False)
class Speech:
    """2人の話し声。`sources` は `female`、`male` の順で、それぞれ `(n_samples,)`。"""

    sources: dict[str, Array]
    sr: int
    texts: dict[str, str]
    credit: str = ""

    @property
    def mixture(self) -> Array:
        """2人の声の和。"""
        return _total(self.sources.values())

    @property
    def duration(self) -> float:
        """長さ [秒]。"""
        return _duration(self.sources, self.sr)


def load_song(
    name: str = "sakura",
    *,
    sr: int | None = None,
    mono: bool = False,
    dtype: DTypeLike = np.float32,
) -> Song:
    """付属の曲を、ステムと楽譜とともに読む。

    Parameters
    ----------
    name : str
        曲の名前。`"sakura"`（さくらさくら、13.0 秒）、`"yokaze"`（夜風、28.5 秒。
        同じ伴奏をくり返す）、評価に取っておく短い曲 `HELD_OUT`（`"haru"`、`"hashire"`、
        `"yuki"`、`"kakeru"`、5.7-7.3 秒）
    sr : int, optional
        変換先の標本化周波数 [Hz]。省くと元の 44100
    mono : bool
        真なら左右の平均をとり、`(n_samples,)` にする
    dtype : dtype
        float32 か float64

    Returns
    -------
    Song
        `stems`、`mixture`、`accompaniment`、`sr`、`score` を持つ

    Raises
    ------
    ValueError
        その名前の曲がないとき、`sr` や `dtype` が正しくないとき

    Notes
    -----
    混合音はステムの和であり、元の標本化ではどちらも 16 bit の整数として誤差なく表せる。
    標本化の変換は線形なので、変換してから足しても混合音を変換しても丸めの差しかない。

    章: introduction
    """
    if name not in SONG_TITLES:
        raise ValueError(f"付属の曲は {', '.join(SONG_TITLES)} です（{name!r} が来ました）。")
    raw = json.loads((_SOUNDS / f"{name}.json").read_text(encoding="utf-8"))
    stems = {}
    for stem in raw.get("stems", STEMS):
        loop = None if stem == "vocals" else raw.get("loop")
        stems[stem], out_sr = _load_bundled(f"{name}_{stem}.flac", sr, mono, dtype, loop)
    credit = SONG_CREDIT.format(title=SONG_TITLES[name])
    return Song(name, stems, out_sr, _parse_score(raw), credit)


def load_speech(*, sr: int | None = None, dtype: DTypeLike = np.float32) -> Speech:
    """付属の話し声（女声と男声、日本語、6.04 秒）を読む。

    Parameters
    ----------
    sr : int, optional
        変換先の標本化周波数 [Hz]。省くと元の 24000
    dtype : dtype
        float32 か float64

    Returns
    -------
    Speech
        `sources`（それぞれ `(n_samples,)`）、`mixture`、`sr`、`texts` を持つ

    Raises
    ------
    ValueError
        `sr` や `dtype` が正しくないとき

    章: introduction
    """
    sources = {}
    for speaker in SPEECH_TEXTS:
        sources[speaker], out_sr = _load_bundled(f"speech_{speaker}.flac", sr, True, dtype)
    return Speech(sources, out_sr, dict(SPEECH_TEXTS), SPEECH_CREDIT)


def _load_bundled(
    filename: str,
    sr: int | None,
    mono: bool,
    dtype: DTypeLike,
    loop: tuple[int, int, int] | None = None,
) -> tuple[Array, int]:
    """付属の音を読む。`loop` は、ファイルの中でくり返す区間 [サンプル] とくり返す回数。"""
    with as_file(_SOUNDS / filename) as path:
        if loop is None:
            return load_audio(path, sr=sr, mono=mono, dtype=dtype)
        y, orig_sr = load_audio(path, mono=mono, dtype=dtype)
    start, end, times = loop
    repeated = np.tile(y[..., start:end], times)
    y = np.concatenate([y[..., :start], repeated, y[..., end:]], axis=-1)
    return (y, orig_sr) if sr is None else (resample(y, orig_sr, sr), sr)


def _parse_score(raw: dict[str, Any]) -> Score:
    f0 = np.array(raw["f0"]["hz"], dtype=np.float64)
    loop = raw.get("loop")
    return Score(
        tempo=raw["tempo"],
        beats=np.array(raw["beats"]),
        notes=tuple(Note(*row) for row in raw["notes"]),
        lyrics=tuple(Span(*row) for row in raw["lyrics"]),
        phones=tuple(Span(*row) for row in raw["phones"]),
        chords=tuple(Span(*row) for row in raw["chords"]),
        parts={part: tuple(Note(*row) for row in rows) for part, rows in raw["parts"].items()},
        f0=f0,
        f0_times=np.arange(len(f0)) * raw["f0"]["hop"],
        period=None if loop is None else (loop[1] - loop[0]) / SONG_SR,
    )


def _total(arrays: Iterable[Array]) -> Array:
    # 16 bit の値をいくつか足した和は float32 の仮数 24 bit に収まるので、誤差が出ない
    first, *rest = arrays
    total = first.copy()
    for y in rest:
        total += y
    return total


def _duration(sources: dict[str, Array], sr: int) -> float:
    return float(next(iter(sources.values())).shape[-1] / sr)
