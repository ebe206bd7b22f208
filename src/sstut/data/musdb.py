"""MUSDB18-HQ（研究でよく使う、ステムに分かれた150曲）を読む。

章: introduction
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sstut.data.audio import load_audio, open_audio
from sstut.data.songs import STEMS, Song

FILES = ("mixture", *STEMS)


@dataclass(frozen=True)
class MusdbTrack:
    """MUSDB18-HQ の1曲。`load` を呼ぶまで音は読まない。"""

    name: str
    path: Path

    def load(
        self,
        *,
        start: float = 0.0,
        duration: float | None = None,
        sr: int | None = None,
        mono: bool = False,
    ) -> Song:
        """4つのステムを読む。引数の意味は `load_audio` と同じ。

        Returns
        -------
        Song
            `mixture` はステムの和であり、`mixture.wav` とはわずかに違うことがある
            （`mixture_error` で測れる）

        Raises
        ------
        ValueError
            ファイルどうしの長さ、標本化周波数、チャネル数がそろっていないとき

        章: introduction
        """
        self._check_headers()
        stems = {}
        for stem in STEMS:
            stems[stem], out_sr = load_audio(
                self.path / f"{stem}.wav", sr=sr, mono=mono, start=start, duration=duration
            )
        return Song(self.name, stems, out_sr)

    def mixture_error(self, *, start: float = 0.0, duration: float | None = None) -> float:
        """`mixture.wav` とステムの和の差が、混合音に対して何 dB か。

        Returns
        -------
        float
            差のエネルギーと混合音のエネルギーの比 [dB]。一致すれば `-inf`、混合音が無音なら `inf`

        Notes
        -----
        `mixture.wav` は別に書き出されたファイルなので、16 bit への丸めの分は違いうる。
        -40 dB を超えるようなら、ステムが欠けているか、時刻がずれていると疑う。

        章: introduction
        """
        song = self.load(start=start, duration=duration)
        mixture, _ = load_audio(self.path / "mixture.wav", start=start, duration=duration)
        error = float(np.sum((mixture - song.mixture) ** 2, dtype=np.float64))
        energy = float(np.sum(mixture**2, dtype=np.float64))
        if error == 0:
            return -np.inf
        return float(10 * np.log10(error / energy)) if energy > 0 else np.inf

    def _check_headers(self) -> None:
        headers = {}
        for name in FILES:
            with open_audio(self.path / f"{name}.wav") as f:
                headers[name] = (f.samplerate, f.channels, f.frames)
        if len(set(headers.values())) > 1:
            found = "、".join(
                f"{name} は {sr} Hz・{ch} チャネル・{n} サンプル"
                for name, (sr, ch, n) in headers.items()
            )
            raise ValueError(f"{self.name} のファイルがそろっていません（{found}）。")


def load_musdb(root: str | Path, *, subset: str = "train") -> tuple[MusdbTrack, ...]:
    """MUSDB18-HQ のフォルダーから曲の一覧を作る。音はまだ読まない。

    Parameters
    ----------
    root : str or Path
        `train` と `test` の入ったフォルダー。曲ごとに
        `train/アーティスト - 曲名/{mixture,vocals,drums,bass,other}.wav` が並んでいるもの
    subset : {"train", "test"}
        どちらの曲を使うか

    Returns
    -------
    tuple of MusdbTrack
        名前の順。`track.load(start=30, duration=5)` で音を読む

    Raises
    ------
    FileNotFoundError
        フォルダーや、曲の中のファイルがないとき
    ValueError
        `subset` が正しくないとき、曲が1つもないとき

    References
    ----------
    Rafii et al., "MUSDB18-HQ - an uncompressed version of MUSDB18", 2019,
    doi:10.5281/zenodo.3338373

    章: introduction
    """
    if subset not in ("train", "test"):
        raise ValueError(f"subset は 'train' か 'test' にしてください（{subset!r} が来ました）。")
    folder = Path(root) / subset
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} というフォルダーがありません。MUSDB18-HQ を展開した場所を指定してください。"
        )
    folders = [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    if not folders and any(folder.glob("*.mp4")):
        raise ValueError(
            f"{folder} にあるのは圧縮版（.mp4）です。WAV の MUSDB18-HQ を用意してください。"
        )
    if not folders:
        raise ValueError(f"{folder} に曲のフォルダーが1つもありません。")
    for p in folders:
        missing = [name for name in FILES if not (p / f"{name}.wav").is_file()]
        if missing:
            raise FileNotFoundError(f"{p} に {missing[0]}.wav がありません。")
    return tuple(MusdbTrack(p.name, p) for p in folders)
