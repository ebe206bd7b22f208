"""音を読み込む：付属の曲と話し声、MUSDB18-HQ の曲、手元のファイル。

どの関数も librosa と同じ軸の順で返す。音は `(n_channels, n_samples)` で、モノラルにしたときは
`(n_samples,)` である。値は 16 bit の整数を 32768 で割ったものにちょうど等しい。
毎回新しい配列を返すので、書き換えてもほかの呼び出しには影響しない。
付属の音の由来と使用条件は `sounds/CREDITS.md` にある。

章: introduction
"""

from sstut.data.audio import clip, load_audio, save_audio
from sstut.data.musdb import MusdbTrack, load_musdb
from sstut.data.songs import HELD_OUT, Note, Score, Song, Span, Speech, load_song, load_speech

__all__ = [
    "HELD_OUT",
    "MusdbTrack",
    "Note",
    "Score",
    "Song",
    "Span",
    "Speech",
    "clip",
    "load_audio",
    "load_musdb",
    "load_song",
    "load_speech",
    "save_audio",
]
