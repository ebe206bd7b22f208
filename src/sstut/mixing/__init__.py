"""学習データを作る：種から音を作り、切り出し、音量をそろえ、変化を付けて混ぜる。

`Mixer` は番号を渡すと混合音と正解の組を返す。乱数はすべて種と番号から決まるので、保存しなくても
同じデータを何度でも作れる。付属の曲と話し声 (`sstut.data`) は、素材に使わない。

- `synthesis.py`：曲の設計と、音の素
- `voices.py`、`instruments.py`：歌声と話し声、伴奏
- `clips.py`：素材を並べる（作った音、または MUSDB18-HQ の曲）
- `effects.py`、`mixture.py`、`mixer.py`：変化を付けて混ぜる
- `dataset.py`：PyTorch の DataLoader へ渡す

Examples
--------
>>> mixer = Mixer("vocals", n_clips=3, clip_duration=2.0, duration=1.0)
>>> mixture = mixer[0]
>>> mixture.names, mixture.sources.shape
(('vocals', 'accompaniment'), (2, 8000))
>>> bool((mixture.mixture == mixture.sources.sum(axis=0)).all())
True

章: mixing
"""

from sstut.mixing.clips import SPLITS, TASKS, ClipBank, clip_seed
from sstut.mixing.effects import change_speed, tilt
from sstut.mixing.instruments import accompany, play_bass, play_chords, play_drums
from sstut.mixing.mixer import AUGMENTATIONS, Mixer, evaluation_set
from sstut.mixing.mixture import Mixture, render
from sstut.mixing.synthesis import Tune, compose
from sstut.mixing.voices import sing, speak

__all__ = [
    "AUGMENTATIONS",
    "SPLITS",
    "TASKS",
    "ClipBank",
    "Mixer",
    "Mixture",
    "Tune",
    "accompany",
    "change_speed",
    "clip_seed",
    "compose",
    "evaluation_set",
    "play_bass",
    "play_chords",
    "play_drums",
    "render",
    "sing",
    "speak",
    "tilt",
]
