"""`sstut mix`：音源を、決めた大きさで混ぜる。"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from sstut._loudness import loudness
from sstut.cli._app import cli
from sstut.cli._files import folder_for, load_all, named, same_file, subtype_for, warn_clipped
from sstut.data.audio import create_audio, write_samples

Array: TypeAlias = NDArray[Any]


@cli.command(options_metavar="[オプション]")
@click.argument("stems", metavar="音源…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", "-o", required=True, type=click.Path(path_type=Path), metavar="ファイル",
    help="混合音を書くファイル",
)  # fmt: skip
@click.option("--gain", "gains", multiple=True, metavar="名前=dB", help="音源の大きさを変える")
@click.option(
    "--loudness", "levels", multiple=True, metavar="名前=LUFS", help="音源をこの大きさにそろえる"
)
@click.option(
    "--stems", "folder", type=click.Path(path_type=Path), metavar="フォルダー",
    help="混ぜたときの大きさの音源も書く",
)  # fmt: skip
@click.option("--bits", metavar="ビット", help="16、24、float（wav の既定は float）")
def mix(
    stems: Sequence[Path],
    out: Path,
    gains: Sequence[str],
    levels: Sequence[str],
    folder: Path | None,
    bits: str | None,
) -> None:
    """音源のファイルを、決めた大きさで混ぜる。

    名前は、拡張子を除いたファイルの名前。
    """
    files = named(stems)
    by_gain, by_level = (_levels(items, files) for items in (gains, levels))
    both = sorted(set(by_gain) & set(by_level))
    if both:
        raise ValueError(f"{both[0]} に --gain と --loudness の両方があります。")
    sources, sr = load_all(list(files.values()))
    for source, name in zip(sources, files, strict=True):
        source *= 10 ** (_gain_db(source, sr, name, by_gain, by_level) / 20)
    mixture = np.sum(sources, axis=0)
    suffix = out.suffix.lstrip(".").lower()
    written = {out: mixture}
    if folder is not None:
        written |= {folder / f"{n}.{suffix}": y for n, y in zip(files, sources, strict=True)}
    for path in written:
        if any(same_file(path, stem) for stem in stems):
            raise ValueError(f"{path} は入力のファイルです。別の場所を指定してください。")
    subtype = subtype_for(suffix, bits)
    clipped = 0
    with folder_for(folder), ExitStack() as stack:
        for path, y in written.items():
            file = stack.enter_context(create_audio(path, sr, len(y), subtype=subtype))
            clipped += write_samples(file, y)
    warn_clipped(clipped)
    for path in written:
        click.echo(path)


def _levels(items: Iterable[str], names: Iterable[str]) -> dict[str, float]:
    """`名前=数` の並びを読む。"""
    levels: dict[str, float] = {}
    for item in items:
        name, equal, text = item.rpartition("=")
        try:
            level = float(text)
        except ValueError:
            level = math.nan
        if not equal or not math.isfinite(level):
            raise ValueError(f"大きさは 名前=数 の形で書いてください（{item!r}）。")
        if name not in set(names):
            raise ValueError(f"{name!r} という音源はありません（{'、'.join(names)}）。")
        if name in levels:
            raise ValueError(f"{name} の大きさが 2 度あります。")
        levels[name] = level
    return levels


def _gain_db(
    y: Array, sr: int, name: str, gains: Mapping[str, float], levels: Mapping[str, float]
) -> float:
    """音源に掛ける利得 [dB]。"""
    if name not in levels:
        return gains.get(name, 0.0)
    now = loudness(y, sr)
    if not math.isfinite(now):
        raise ValueError(f"{name} は無音（−70 LUFS 以下）なので、大きさをそろえられません。")
    return levels[name] - now
