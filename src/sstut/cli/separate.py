"""`sstut separate` と `sstut methods`：手法を選んで、録音を音源に分ける。"""

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import soundfile as sf

from sstut._scores import text_table
from sstut.cli._app import cli
from sstut.cli._files import echo_json, folder_for, same_file, subtype_for, warn_clipped
from sstut.data.audio import create_audio, open_audio, read_blocks, write_samples
from sstut.separators import METHODS, get_method, plan_blocks, separate_blocks

WAV_LIMIT = 1 << 32  # WAV が表せるのは 4 GiB まで


@cli.command(options_metavar="[オプション]")
@click.argument("source", metavar="入力", type=click.Path(path_type=Path))
@click.option(
    "--method", "-m", "name", required=True, metavar="手法", help="`sstut methods` の名前"
)
@click.option("--param", "-p", "items", multiple=True, metavar="名前=値", help="手法のパラメータ")
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="フォルダー", help="書く場所")
@click.option("--format", "suffix", default="wav", metavar="形式", help="wav、flac、ogg、mp3")
@click.option("--bits", metavar="ビット", help="16、24、float（wav の既定は float）")
def separate(
    source: Path, name: str, items: Sequence[str], out: Path | None, suffix: str, bits: str | None
) -> None:
    """録音を音源に分ける。

    音源は 1 つずつのファイルになり、足すと元の音に戻る。
    フォルダーを省くと、「入力の名前-手法」に書く。
    """
    method = get_method(name)
    parameters = method.parse(items)
    subtype = subtype_for(suffix, bits)
    folder = out if out is not None else Path(f"{source.stem}-{name}")
    with open_audio(source) as f, folder_for(folder), ExitStack() as stack:
        _check_size(f, suffix)
        blocks = read_blocks(f, plan_blocks)
        files: dict[Path, sf.SoundFile] = {}
        clipped = 0
        with _progress(f.frames) as bar:
            for sources in separate_blocks(method, blocks, f.samplerate, parameters):
                if not files:
                    names = method.source_names(len(sources))
                    paths = [folder / f"{stem}.{suffix}" for stem in names]
                    files = _create(stack, paths, f, subtype, keep=source)
                for file, y in zip(files.values(), sources, strict=True):
                    clipped += write_samples(file, y)
                bar.update(sources.shape[-1])
    warn_clipped(clipped)
    for path in files:
        click.echo(path)


@cli.command(options_metavar="[オプション]")
@click.option("--json", "as_json", is_flag=True, help="JSON で出す")
def methods(as_json: bool) -> None:
    """使える手法とパラメータを並べる。"""
    if as_json:
        echo_json(
            {
                method.name: {
                    "summary": method.summary,
                    "sources": method.sources,
                    "chapter": method.chapter,
                    "parameters": {
                        name: {"default": parameter.default, "summary": parameter.summary}
                        for name, parameter in method.parameters.items()
                    },
                }
                for method in METHODS.values()
            }
        )
        return
    for method in METHODS.values():
        click.echo(f"{method.name}  {method.summary}")
        rows = [
            [f"  {name}={_text(parameter.default)}", parameter.summary]
            for name, parameter in method.parameters.items()
        ]
        click.echo(text_table(rows, right=False) + "\n")


def _check_size(f: sf.SoundFile, suffix: str) -> None:
    if suffix == "wav" and 4 * f.frames * f.channels >= WAV_LIMIT:
        raise ValueError("長すぎて WAV では 4 GiB を超えます。--format flac にしてください。")


def _create(
    stack: ExitStack, paths: Iterable[Path], like: sf.SoundFile, subtype: str | None, keep: Path
) -> dict[Path, sf.SoundFile]:
    """音源を書くファイルを開く。入力を上書きするなら断る。"""
    files = {}
    for path in paths:
        if same_file(path, keep):
            raise ValueError(f"{path} は入力のファイルです。--out で別の場所を指定してください。")
        context = create_audio(path, like.samplerate, like.channels, subtype=subtype)
        files[path] = stack.enter_context(context)
    return files


def _progress(n_samples: int) -> Any:
    return click.progressbar(
        length=n_samples, label="分離", file=sys.stderr, hidden=not sys.stderr.isatty()
    )


def _text(value: Any) -> str:
    """パラメータの値を、コマンドに書く形にする。"""
    if value is None:
        return "auto"
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return f"{value:g}"
