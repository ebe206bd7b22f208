"""混合音：設計図（注釈）のとおりに、素材を切り出し、変化を付けて足す。

章: mixing
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sstut._loudness import loudness
from sstut.mixing import clips
from sstut.mixing.effects import change_speed, samples_needed, tilt
from sstut.mixing.synthesis import Array

PEAK = 0.99  # 混合音の振幅の上限


@dataclass(frozen=True, eq=False)
class Mixture:
    """混合音と、その正解と、作り方。

    Attributes
    ----------
    mixture : Array
        `(n_samples,)` の float32。`sources.sum(axis=0)` とちょうど等しい
    sources : Array
        `(n_sources, n_samples)` の float32
    sr : int
        標本化周波数 [Hz]
    names : tuple of str
        音源の名前
    annotation : dict
        乱数で決めたことのすべて。JSON にでき、`render` に渡すと同じものができる

    章: mixing
    """

    mixture: Array
    sources: Array
    sr: int
    names: tuple[str, ...]
    annotation: dict[str, Any]


def blend(plan: Mapping[str, Any], wave: Callable[[Any], Array], out: Array) -> float:
    """設計図のとおりに音源を作り、out `(n_sources, n_samples)` に書く。下げた量 [dB] を返す。"""
    n_samples = out.shape[-1]
    for source, y in zip(plan["sources"], out, strict=True):
        offset, speed = source["offset"], source["speed"]
        crop = wave(source)[offset : offset + samples_needed(n_samples, speed)]
        crop = change_speed(crop, speed, n_samples)
        if source["tilt_db"]:
            crop = tilt(crop, source["tilt_db"], plan["sr"])
        gain = source["polarity"] * 10 ** (source["gain_db"] / 20)
        np.multiply(crop, np.float32(gain), out=y)
    peak = float(np.abs(out.sum(axis=0)).max())
    if peak <= PEAK:
        return 0.0
    out *= np.float32(PEAK / peak)
    return float(20 * np.log10(peak / PEAK))


def mix(plan: Mapping[str, Any], wave: Callable[[Any], Array]) -> Mixture:
    """設計図のとおりに混ぜ、できた音の大きさを書き足す。"""
    sr, names = plan["sr"], tuple(source["name"] for source in plan["sources"])
    sources = np.empty((len(names), round(sr * plan["duration"])), np.float32)
    headroom = blend(plan, wave, sources)
    mixture = sources.sum(axis=0)
    measured = [
        {**source, "lufs": measured_lufs(y, sr)}
        for source, y in zip(plan["sources"], sources, strict=True)
    ]
    annotation = {
        **plan,
        "sources": measured,
        "headroom_db": headroom,
        "lufs": measured_lufs(mixture, sr),
    }
    return Mixture(mixture, sources, sr, names, annotation)


def measured_lufs(y: Array, sr: int) -> float | None:
    """ラウドネス [LUFS]。無音なら（JSON に無限大は書けないので）None。"""
    lufs = loudness(y, sr)
    return lufs if np.isfinite(lufs) else None


def render(annotation: Mapping[str, Any], *, tracks: clips.Tracks | None = None) -> Mixture:
    """注釈から、同じ混合音を作り直す。

    Parameters
    ----------
    annotation : mapping
        `Mixture.annotation`（JSON に書いて読み直したものでもよい）
    tracks : sequence of MusdbTrack, or mapping, optional
        `Mixer.from_tracks` で作った混合音なら、そのときの曲

    Returns
    -------
    Mixture
        元とビットまで同じ

    Raises
    ------
    ValueError
        注釈に要る項目がないとき、曲が要るのに渡されないとき

    Notes
    -----
    ビットまで同じになるのは、CPU と NumPy・SciPy の版が同じときである。違えば、丸めの差が出うる。

    章: mixing
    """
    missing = {"task", "sr", "duration", "clip_duration", "domain", "sources"} - set(annotation)
    if missing:
        raise ValueError(f"annotation に {', '.join(sorted(missing))} がありません。")
    task, sr, duration = (annotation[name] for name in ("task", "sr", "clip_duration"))
    named = {} if tracks is None else clips.check_tracks(tracks, task)

    def wave(source: Mapping[str, Any]) -> Array:
        clip = source["clip"]
        if "seed" in clip:
            sound = {"sr": sr, "duration": duration, "domain": annotation["domain"]}
            return clips.make_source(task, source["from"], clip["seed"], **sound)
        if clip["track"] not in named:
            raise ValueError(f"曲 {clip['track']!r} が要ります。tracks に渡してください。")
        stems = clips.cut_track(named[clip["track"]], task, clip["start"], sr=sr, duration=duration)
        return np.asarray(stems[clips.TASKS[task].index(source["from"])])

    return mix(annotation, wave)
