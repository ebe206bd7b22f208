"""混ぜる前の素材（クリップ）：種から作った音か、ステムに分かれた本物の曲の一部。

章: mixing
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sstut import _validate
from sstut._loudness import loudness
from sstut.data import MusdbTrack
from sstut.data.audio import open_audio
from sstut.mixing.instruments import accompany, play_bass, play_chords, play_drums
from sstut.mixing.synthesis import Array, check_sound, compose, stream
from sstut.mixing.voices import sing, speak

Tracks: TypeAlias = Sequence[MusdbTrack] | Mapping[str, Mapping[str, ArrayLike]]

SPLITS = ("train", "validation", "test")
SEEDS_PER_SPLIT = 10_000_000  # それぞれの分割が使う種の数。範囲が重ならない
TASKS = {
    "vocals": ("vocals", "accompaniment"),
    "stems": ("vocals", "drums", "bass", "other"),
    "speakers": ("speaker_1", "speaker_2"),
    "speakers_hard": ("speaker_1", "speaker_2"),
}
PLAYERS = {
    "vocals": sing,
    "accompaniment": accompany,
    "drums": play_drums,
    "bass": play_bass,
    "other": play_chords,
}
# 2 人の声の高さ：範囲 [Hz]、少なくとも何半音離すか、抑揚
PAIRS = {"speakers": (85, 300, 7, 0.5), "speakers_hard": (90, 260, 3, 1.0)}
SILENCE = -50.0  # これより静かなステム [LUFS] は、鳴っていないとみなす
TRIES = 8  # 本物の曲から、全部のステムが鳴っている所を探す回数


@dataclass(frozen=True, eq=False)
class ClipBank:
    """クリップを並べたもの。

    Attributes
    ----------
    waves : Array
        `(n_clips, n_sources, n_samples)` の float32
    lufs : Array
        音源ごとのラウドネス [LUFS]、`(n_clips, n_sources)`。無音は `-inf`
    labels : list of dict
        クリップの素性。種 `seed` と曲の設計、または曲名 `track` と始まり `start` [秒]

    章: mixing
    """

    waves: Array
    lufs: Array
    labels: list[dict[str, Any]]


def clip_seed(split: str, index: int) -> int:
    """分割の index 番目のクリップの種。分割ごとの範囲は重ならない。

    Raises
    ------
    ValueError
        分割の名前が正しくないとき、index が 0 以上 `SEEDS_PER_SPLIT` 未満でないとき

    Examples
    --------
    >>> clip_seed("train", 3), clip_seed("validation", 3), clip_seed("test", 3)
    (3, 10000003, 20000003)

    章: mixing
    """
    if split not in SPLITS:
        raise ValueError(f"split は {', '.join(SPLITS)} のどれかです（{split!r} が来ました）。")
    index = _validate.non_negative_int(index, "index")
    if index >= SEEDS_PER_SPLIT:
        raise ValueError(f"index は {SEEDS_PER_SPLIT} 未満にしてください（{index} が来ました）。")
    return SPLITS.index(split) * SEEDS_PER_SPLIT + index


def check_task(task: str) -> tuple[str, ...]:
    """課題の名前を確かめ、音源の名前を返す。"""
    if task not in TASKS:
        raise ValueError(f"task は {', '.join(TASKS)} のどれかです（{task!r} が来ました）。")
    return TASKS[task]


def make_source(
    task: str, name: str, seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A"
) -> Array:
    """課題の音源を 1 つ、種から作る。"""
    if task not in PAIRS:
        return PLAYERS[name](seed, sr=sr, duration=duration, domain=domain)
    low, high, gap, intonation = PAIRS[task]
    k = TASKS[task].index(name)
    pitch = draw_pair(stream(seed, "pair"), low, high, gap)[k]
    say = partial(speak, 2 * seed + k, pitch=pitch, intonation=intonation)
    return say(sr=sr, duration=duration, domain=domain)


def draw_pair(rng: np.random.Generator, low: float, high: float, gap: float) -> list[float]:
    """2 人の声の高さ [Hz] を、gap 半音以上離れるまで選び直す。"""
    while True:
        a, b = np.exp(rng.uniform(np.log(low), np.log(high), 2)).tolist()
        if abs(12 * np.log2(a / b)) >= gap:
            return [a, b]


@lru_cache(maxsize=4)
def make_bank(
    task: str, split: str, n_clips: int, *, sr: int, duration: float, domain: str
) -> ClipBank:
    """クリップを n_clips 個、種から作る。同じ設定の Mixer が使い回すので、書き換えられない。"""
    names = check_task(task)
    waves = np.empty((n_clips, len(names), check_sound(sr, duration, domain)), np.float32)
    labels = []
    for i in range(n_clips):
        seed = clip_seed(split, i)
        for k, name in enumerate(names):
            waves[i, k] = make_source(task, name, seed, sr=sr, duration=duration, domain=domain)
        tune = compose(seed)
        song = {"key": tune.key, "scale": tune.scale, "tempo": tune.tempo}
        labels.append({"seed": seed, **({} if task in PAIRS else song)})
    waves.setflags(write=False)
    return ClipBank(waves, measure(waves, sr), labels)


def measure(waves: Array, sr: int) -> Array:
    """最後の軸の波形ごとのラウドネス [LUFS]。"""
    flat = [loudness(y, sr) for y in waves.reshape(-1, waves.shape[-1])]
    return np.array(flat).reshape(waves.shape[:-1])


# ---- 本物の曲 --------------------------------------------------------------------------


def check_tracks(tracks: Tracks, task: str) -> dict[str, Any]:
    """曲の集まりを確かめ、名前 → 曲 の辞書にする。"""
    if task in PAIRS:
        raise ValueError(f"曲から作れる課題は vocals と stems です（{task!r} が来ました）。")
    if isinstance(tracks, Mapping):
        named: dict[str, Any] = dict(tracks)
    else:
        named = {track.name: track for track in tracks}
    if not named:
        raise ValueError("tracks が空です。曲が 1 つ以上要ります。")
    for name, track in named.items():
        if isinstance(track, MusdbTrack):
            continue
        if not isinstance(track, Mapping):
            raise ValueError(
                f"曲 {name!r} は MusdbTrack か、ステム名 → 波形 の辞書にしてください"
                f"（{type(track).__name__} が来ました）。付属の曲は評価に取っておきます。"
            )
        missing = [stem for stem in TASKS["stems"] if stem not in track]
        if missing:
            raise ValueError(f"曲 {name!r} に {', '.join(missing)} がありません。")
        shapes = {np.shape(track[stem]) for stem in TASKS["stems"]}
        if len(shapes) > 1:
            raise ValueError(f"曲 {name!r} のステムの形がそろっていません（{sorted(shapes)}）。")
    return named


def track_seconds(track: Any, sr: int) -> float:
    """曲の長さ [秒]。"""
    if isinstance(track, MusdbTrack):
        with open_audio(track.path / "vocals.wav") as f:
            return float(f.frames / f.samplerate)
    return float(np.shape(track["vocals"])[-1] / sr)


def cut_track(track: Any, task: str, start: float, *, sr: int, duration: float) -> Array:
    """曲の start 秒から duration 秒を、モノラルの `(n_sources, n_samples)` で切り出す。"""
    n = round(sr * duration)
    if isinstance(track, MusdbTrack):
        stems = track.load(start=start, duration=duration, sr=sr, mono=True).stems
    else:
        first = round(start * sr)
        stems = {}
        for name in TASKS["stems"]:
            y = _validate.real_array(np.asarray(track[name])[..., first : first + n], name)
            stems[name] = y if y.ndim == 1 else y.mean(axis=0)
    out = np.zeros((len(TASKS[task]), n), np.float32)
    for k, name in enumerate(TASKS["stems"]):
        y = stems[name][:n]
        out[min(k, len(out) - 1), : len(y)] += y  # 音源が 2 つなら、歌のほかはまとめて伴奏
    return out


def fingerprint(tracks: Mapping[str, Any]) -> dict[str, str]:
    """曲名 → 中身を見分ける文字列。"""
    marks = {}
    for name, track in tracks.items():
        if isinstance(track, MusdbTrack):
            marks[name] = str(track.path)
        else:
            stems = b"".join(np.asarray(track[stem]).tobytes() for stem in TASKS["stems"])
            marks[name] = hashlib.sha256(stems).hexdigest()
    return marks


def record_bank(
    tracks: Mapping[str, Any], task: str, n_clips: int, *, sr: int, duration: float, seed: int
) -> ClipBank:
    """曲から n_clips 個のクリップを切り出す。曲は順に回り、始まりは乱数で決める。"""
    names = list(tracks)
    waves = np.empty((n_clips, len(check_task(task)), round(sr * duration)), np.float32)
    lufs, labels = np.empty(waves.shape[:2]), []
    for i in range(n_clips):
        name = names[i % len(names)]
        slack = track_seconds(tracks[name], sr) - duration
        if slack < 0:
            raise ValueError(f"曲 {name!r} が clip_duration={duration:g} 秒より短いです。")
        rng = np.random.default_rng([seed, i])
        for _ in range(TRIES):
            start = float(rng.uniform(0, slack))
            waves[i] = cut_track(tracks[name], task, start, sr=sr, duration=duration)
            lufs[i] = measure(waves[i], sr)
            if lufs[i].min() > SILENCE:
                break
        labels.append({"track": name, "start": start})
    return ClipBank(waves, lufs, labels)


# ---- ディスクに置く --------------------------------------------------------------------


def cached_bank(
    folder: str | Path | None, config: Mapping[str, Any], build: Callable[[], ClipBank]
) -> ClipBank:
    """同じ設定のクリップがフォルダーにあれば読み、なければ作って置く。

    ファイルの名前は、設定と、音を作るコードの要約値なので、どちらかが変われば作り直す。
    """
    if folder is None:
        return build()
    folder = Path(folder)
    code = b"".join(
        (files("sstut.mixing") / name).read_bytes()
        for name in ("synthesis.py", "voices.py", "instruments.py", "clips.py")
    )
    key = hashlib.sha256(json.dumps(config, sort_keys=True).encode() + code).hexdigest()[:16]
    waves_path, notes_path = folder / f"clips-{key}.npy", folder / f"clips-{key}.json"
    if not notes_path.is_file():
        bank = build()
        folder.mkdir(parents=True, exist_ok=True)
        levels = [[v if np.isfinite(v) else None for v in row] for row in bank.lufs.tolist()]
        notes = json.dumps({"lufs": levels, "labels": bank.labels})
        replace(waves_path, lambda path: np.save(path, bank.waves))
        replace(notes_path, lambda path: path.write_text(notes))
    saved = json.loads(notes_path.read_text())
    levels = [[-np.inf if v is None else v for v in row] for row in saved["lufs"]]
    return ClipBank(np.load(waves_path, mmap_mode="r"), np.array(levels), saved["labels"])


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """別の名前で書いてから名前を変える。途中で止まっても、書きかけのファイルは残らない。"""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        write(temporary)
        temporary.replace(path)
