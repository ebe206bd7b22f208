"""混ぜる：クリップを切り出し、音量をそろえ、変化を付けて、混合音と正解の組を作る。

章: mixing
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sstut import _validate
from sstut._loudness import MAX_GAIN_DB
from sstut.mixing import clips
from sstut.mixing.effects import SEMITONES, TILT_DB, samples_needed
from sstut.mixing.mixture import Mixture, blend, mix
from sstut.mixing.synthesis import Array, check_sound

if TYPE_CHECKING:
    from sstut.mixing.dataset import MixtureDataset

AUGMENTATIONS = ("gain", "polarity", "filter", "speed")


@dataclass(frozen=True, eq=False)
class Mixer:
    """学習データを、番号から作る。同じ設定と番号からは、いつも同じ混合音ができる。

    Parameters
    ----------
    task : {"vocals", "stems", "speakers", "speakers_hard"}
        何に分けるか。歌と伴奏、4 つのステム、7 半音以上離れた 2 人、3 半音以上離れた 2 人
    sr : int
        標本化周波数 [Hz]
    duration : float
        混合音の長さ [秒]
    split : {"train", "validation", "test"}
        素材の種の範囲
    domain : {"A", "B"}
        素材の音色。"B" は学習に使わない
    n_clips, clip_duration : int, float
        素材の数と長さ [秒]
    coherent : bool
        真なら、同じ曲の同じ時刻の音源を混ぜる。偽なら、別々の曲から取る（話し声では、
        組はそのままで時刻だけを別々に取る）
    level_range : (float, float)
        2 番目からの音源が、1 番目の音源より何 dB 大きいか
    loudness : (float, float)
        音源の音量の平均 [LUFS]
    augment : sequence of {"gain", "polarity", "filter", "speed"}
        付ける変化：音量を範囲の中で動かす（ないときは範囲の中央）、波形を上下に返す、
        音色を傾ける、速さと高さを ±2 半音変える
    seed : int
        混ぜ方の種。素材は変わらない（`from_tracks` では、曲のどこを切り出すかも変わる）
    cache : str or Path, optional
        素材を置いておくフォルダー

    Raises
    ------
    ValueError
        引数が正しくないとき

    Notes
    -----
    音量は、切り出す前のクリップのラウドネスで合わせる。切り出した所が静かなら、静かなまま混ざる。
    混合音の振幅が 0.99 を超えるときは、全体を下げる。素材は初めて使うときに 1 度だけ作り、メモリに
    置く（8 kHz の歌と伴奏 300 組で 154 MB）。

    References
    ----------
    Salamon et al., "Scaper: A library for soundscape synthesis and augmentation", 2017,
    doi:10.1109/WASPAA.2017.8170052

    章: mixing
    """

    task: str = "vocals"
    _: KW_ONLY
    sr: int = 8000
    duration: float = 2.0
    split: str = "train"
    domain: str = "A"
    n_clips: int = 300
    clip_duration: float = 8.0
    coherent: bool = False
    level_range: tuple[float, float] = (-5.0, 5.0)
    loudness: tuple[float, float] = (-29.0, -21.0)
    augment: tuple[str, ...] = ("gain", "polarity", "filter")
    seed: int = 0
    cache: str | Path | None = None
    tracks: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        clips.check_task(self.task)
        clips.clip_seed(self.split, _validate.positive_int(self.n_clips, "n_clips") - 1)
        available = check_sound(self.sr, self.clip_duration, self.domain)
        _validate.non_negative_int(self.seed, "seed")
        for name in ("level_range", "loudness"):
            low, high = getattr(self, name)
            if not -np.inf < low <= high < np.inf:
                raise ValueError(
                    f"{name} は (下限, 上限) にしてください（{(low, high)} が来ました）。"
                )
        unknown = [a for a in self.augment if a not in AUGMENTATIONS]
        if unknown:
            raise ValueError(f"augment に使えるのは {', '.join(AUGMENTATIONS)} です（{unknown}）。")
        n_samples = check_sound(self.sr, self.duration, self.domain)
        fastest = 2 ** (SEMITONES / 12) if "speed" in self.augment else 1.0
        needed = samples_needed(n_samples, fastest)
        if needed > available:
            raise ValueError(
                f"clip_duration={self.clip_duration:g} 秒が短すぎます。"
                f"{needed / self.sr:.2f} 秒以上にしてください。"
            )

    @classmethod
    def from_tracks(cls, tracks: clips.Tracks, task: str = "vocals", **options: Any) -> "Mixer":
        """ステムに分かれた本物の曲を混ぜる Mixer を作る。

        Parameters
        ----------
        tracks : sequence of MusdbTrack, or mapping
            `sstut.data.load_musdb` の返り値か、曲名 → ステム名 → 波形
            （`(n_samples,)` か `(n_channels, n_samples)`、標本化周波数は `sr`）
        task : {"vocals", "stems"}
            何に分けるか
        **options
            `Mixer` の引数。`n_clips` 個のクリップを曲から切り出して使う

        Returns
        -------
        Mixer
            混ぜ方は、種から作った素材と同じ。`split` は混ぜ方の乱数だけを変え、`domain` は
            使わない。学習用と評価用の曲は、別々の Mixer に渡す

        Raises
        ------
        ValueError
            曲がないとき、ステムが足りないとき、曲がクリップより短いとき

        章: mixing
        """
        return cls(task, tracks=clips.check_tracks(tracks, task), **options)

    @property
    def names(self) -> tuple[str, ...]:
        """音源の名前。"""
        return clips.TASKS[self.task]

    @cached_property
    def bank(self) -> clips.ClipBank:
        """素材。初めて使うときに作る（8 kHz で 300 個なら 10 秒ほど）。"""
        sr, duration, tracks = self.sr, self.clip_duration, self.tracks
        config = {"task": self.task, "n_clips": self.n_clips, "sr": sr, "duration": duration}
        if tracks is None:
            config |= {"split": self.split, "domain": self.domain}
            build = partial(clips.make_bank, self.task, self.split, self.n_clips)
            build = partial(build, sr=sr, duration=duration, domain=self.domain)
        else:
            config |= {"tracks": clips.fingerprint(tracks), "seed": self.seed}
            build = partial(clips.record_bank, tracks, self.task, self.n_clips)
            build = partial(build, sr=sr, duration=duration, seed=self.seed)
        return clips.cached_bank(self.cache, config, build)

    def plan(self, index: int) -> dict[str, Any]:
        """混合音の作り方（注釈のもと）を、番号から決めた乱数で選ぶ。

        Parameters
        ----------
        index : int
            混合音の番号

        Returns
        -------
        dict
            `Mixture.annotation` から、混ぜたあとに測る値を除いたもの

        章: mixing
        """
        index = _validate.non_negative_int(index, "index")
        rng = np.random.default_rng([self.seed, clips.SPLITS.index(self.split), index])
        n, paired = len(self.names), self.task in clips.PAIRS
        first = index % self.n_clips  # 1 番目の音源は、どのクリップも同じ回数だけ使う
        others = rng.integers(0, self.n_clips, n - 1).tolist()
        picks = [first] * n if paired or self.coherent else [first, *others]
        order = rng.permutation(n) if paired else np.arange(n)
        # 同じ曲の音源を混ぜるときは、切り出す時刻と速さもそろえる
        positions = np.resize(rng.random(1 if self.coherent else n), n)
        speeds = np.resize(self._draw(rng, "speed", SEMITONES, 1 if self.coherent else n), n)
        tilts = self._draw(rng, "filter", TILT_DB, n)
        levels = self._levels(rng)
        polarities = rng.choice([-1, 1], n) if "polarity" in self.augment else np.ones(n)
        sources = []
        for k, pick in enumerate(picks):
            speed = float(2 ** (speeds[k] / 12))
            slack = self.bank.waves.shape[-1] - samples_needed(
                round(self.sr * self.duration), speed
            )
            lufs = self.bank.lufs[pick, order[k]]
            gain = min(levels[k] - lufs, MAX_GAIN_DB) if np.isfinite(lufs) else 0.0
            sources.append(
                {
                    "name": self.names[k],
                    "from": self.names[order[k]],
                    "clip": {"index": pick, **self.bank.labels[pick]},
                    "offset": int(positions[k] * (slack + 1)),
                    "gain_db": float(gain),
                    "polarity": int(polarities[k]),
                    "tilt_db": float(tilts[k]),
                    "speed": speed,
                }
            )
        return {**self._settings(), "index": index, "sources": sources}

    def _draw(self, rng: np.random.Generator, name: str, width: float, n: int) -> Array:
        """変化の大きさを ±width から n 個選ぶ。使わない変化なら 0。"""
        return rng.uniform(-width, width, n) if name in self.augment else np.zeros(n)

    def _levels(self, rng: np.random.Generator) -> Array:
        """音源ごとの音量 [LUFS]。平均は loudness、1 番目との差は level_range の中。"""
        n = len(self.names)
        if "gain" in self.augment:
            difference, mean = rng.uniform(*self.level_range, n), rng.uniform(*self.loudness)
        else:
            difference = np.full(n, np.mean(self.level_range))
            mean = sum(self.loudness) / 2
        difference[0] = 0
        return np.asarray(mean + difference - difference.mean())

    def _settings(self) -> dict[str, Any]:
        """作り直すのに要る設定。"""
        names = ("task", "sr", "duration", "split", "domain", "clip_duration", "coherent", "seed")
        return {name: getattr(self, name) for name in names}

    def _wave(self, source: Mapping[str, Any]) -> Array:
        """音源のもとになるクリップの波形。"""
        index, name = source["clip"]["index"], source["from"]
        return np.asarray(self.bank.waves[index, self.names.index(name)])

    def __getitem__(self, index: int) -> Mixture:
        """番号の混合音。"""
        return mix(self.plan(index), self._wave)

    def batch(self, index: int, size: int) -> Array:
        """混合音 size 個分の音源を、まとめて作る。

        Parameters
        ----------
        index : int
            何番目のバッチか
        size : int
            混合音の数

        Returns
        -------
        (size, n_sources, n_samples) の float32
            `self[index * size]` から順に並べた `sources` と等しい。混合音は音源の軸で足した和

        Raises
        ------
        ValueError
            引数が正しくないとき

        章: mixing
        """
        index = _validate.non_negative_int(index, "index")
        size = _validate.positive_int(size, "size")
        out = np.empty((size, len(self.names), round(self.sr * self.duration)), np.float32)
        for sources, i in zip(out, range(index * size, (index + 1) * size), strict=True):
            blend(self.plan(i), self._wave, sources)
        return out

    def dataset(self, *, batch_size: int | None = None, start: int = 0) -> "MixtureDataset":
        """PyTorch の DataLoader に渡すデータセット。終わりはない。

        Parameters
        ----------
        batch_size : int, optional
            1 回に返す混合音の数（全プロセスの合計）。DataLoader には `batch_size=None` を渡す。
            省くと 1 つずつ返す
        start : int
            何番目から始めるか。学習の続きでは、済んだバッチの数を渡す

        Returns
        -------
        torch.utils.data.IterableDataset
            `(mixture, sources)` を順に返す。形は `(batch, n_samples)` と
            `(batch, n_sources, n_samples)`（1 つずつなら先頭の軸がない）

        Raises
        ------
        ValueError
            batch_size がプロセスの数で割り切れないとき

        Notes
        -----
        分散学習（DDP）では、プロセスごとにバッチを等分する。DataLoader の `num_workers` を
        変えても、バッチの中身と順番は変わらない。

        章: mixing
        """
        from sstut.mixing.dataset import MixtureDataset

        return MixtureDataset(self, batch_size, start)


def evaluation_set(
    task: str,
    *,
    n: int = 50,
    duration: float = 6.0,
    split: str = "test",
    domain: str = "A",
    sr: int = 8000,
) -> Array:
    """評価用の、いつも同じ混合音の音源。

    Parameters
    ----------
    task : {"vocals", "stems", "speakers", "speakers_hard"}
        何に分けるか
    n : int
        混合音の数
    duration : float
        長さ [秒]
    split : {"train", "validation", "test"}
        素材の種の範囲。途中の確認には "validation"、最後の評価に 1 度だけ "test" を使う
    domain : {"A", "B"}
        素材の音色。"B" は学習になかった音
    sr : int
        標本化周波数 [Hz]

    Returns
    -------
    (n, n_sources, n_samples) の float32
        同じ曲の音源。音量の差は ±3 dB、平均は -25 LUFS。混合音は音源の軸で足した和

    Raises
    ------
    ValueError
        引数が正しくないとき

    章: mixing
    """
    mixer = Mixer(
        task,
        sr=sr,
        duration=duration,
        split=split,
        domain=domain,
        n_clips=n,
        clip_duration=duration,
        coherent=True,
        level_range=(-3.0, 3.0),
        loudness=(-25.0, -25.0),
        augment=("gain",),
    )
    return mixer.batch(0, n)  # i 番目の混合音は、クリップ i の全体になる
