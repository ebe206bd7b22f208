"""コマンドが共に使う、ファイルの読み書き。"""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from sstut.data.audio import load_audio

Array: TypeAlias = NDArray[Any]

BITS = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
SUFFIXES = ("wav", "flac", "ogg", "mp3")


def subtype_for(suffix: str, bits: str | None) -> str | None:
    """形式とビットの指定を、soundfile の表し方にする。"""
    if suffix not in SUFFIXES:
        raise ValueError(f"形式 {suffix!r} では書けません。使えるのは {'、'.join(SUFFIXES)} です。")
    if bits is None:
        return {"wav": "FLOAT", "flac": "PCM_24"}.get(suffix)
    if bits not in BITS:
        raise ValueError(f"ビット {bits!r} はありません。使えるのは {'、'.join(BITS)} です。")
    return BITS[bits]


@contextlib.contextmanager
def folder_for(folder: Path | None) -> Iterator[None]:
    """フォルダーを用意する。失敗したら、作った空のフォルダーを消す。"""
    if folder is None:
        yield
        return
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


def same_file(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def warn_clipped(clipped: int) -> None:
    if clipped:
        click.echo(
            f"注意：{clipped} 個の値を ±1 に切り詰めました。"
            "和が元に戻りません。--bits float なら切り詰めません。",
            err=True,
        )


def named(files: Iterable[Path]) -> dict[str, Path]:
    """拡張子を除いた名前 → ファイル。"""
    named: dict[str, Path] = {}
    for path in files:
        if path.stem in named:
            raise ValueError(f"{named[path.stem]} と {path} の名前が同じで、区別できません。")
        named[path.stem] = path
    return named


def load_all(
    paths: Sequence[Path], sr: int | None = None, shape: tuple[int, ...] | None = None
) -> tuple[Array, int]:
    """同じ標本化周波数と形のファイルを読み、`(n_sources, n_channels, n_samples)` に並べる。"""
    loaded: list[Array] = []
    for path in paths:
        y, found = load_audio(path)
        sr, shape = sr or found, shape or y.shape
        if found != sr:
            raise ValueError(
                f"{path} は {found} Hz で、ほかの {sr} Hz と違います。先に変換してください。"
            )
        if y.shape != shape:
            raise ValueError(
                f"{path} は {y.shape[0]} チャネル・{y.shape[1]} サンプルで、"
                f"ほかの {shape[0]} チャネル・{shape[1]} サンプルと違います。"
            )
        loaded.append(y)
    assert sr is not None
    return np.stack(loaded), sr


def echo_json(value: Any) -> None:
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    """JSON にない値（無限大、NaN）を文字列にする。"""
    if isinstance(value, Mapping):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
