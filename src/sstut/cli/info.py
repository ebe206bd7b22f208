"""`sstut info`：音のファイルを調べる。"""

import math
from pathlib import Path
from typing import Any

import click
import numpy as np

from sstut._loudness import Meter
from sstut._scores import text_table
from sstut.cli._app import cli
from sstut.cli._files import echo_json
from sstut.data.audio import open_audio, read_blocks


@cli.command(options_metavar="[オプション]")
@click.argument("source", metavar="ファイル", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON で出す")
def info(source: Path, as_json: bool) -> None:
    """音のファイルの形式、長さ、大きさを調べる。"""
    with open_audio(source) as f:
        meter, peak, energy, n_samples = Meter(f.samplerate), 0.0, 0.0, 0
        for y in read_blocks(f, _seconds_by_seconds):
            meter.feed(y)
            peak = max(peak, float(np.abs(y).max()))
            energy += float(np.sum(y.astype(np.float64) ** 2))
            n_samples += y.shape[-1]
        facts: dict[str, Any] = {
            "format": f.format,
            "subtype": f.subtype,
            "sr": f.samplerate,
            "n_channels": f.channels,
            "n_samples": n_samples,
            "duration": n_samples / f.samplerate,
            "peak_dbfs": _decibels(peak),
            "rms_dbfs": _decibels(math.sqrt(energy / (n_samples * f.channels))),
            "loudness_lufs": meter.loudness(),
        }
    if as_json:
        echo_json(facts)
        return
    rows = [
        ["形式", f"{facts['format']}（{facts['subtype']}）"],
        ["標本化周波数", f"{facts['sr']} Hz"],
        ["チャネル", f"{facts['n_channels']}"],
        ["長さ", f"{facts['duration']:.3f} 秒（{facts['n_samples']} サンプル）"],
        ["最大振幅", f"{facts['peak_dbfs']:.2f} dBFS"],
        ["実効値", f"{facts['rms_dbfs']:.2f} dBFS"],
        ["ラウドネス", f"{facts['loudness_lufs']:.2f} LUFS"],
    ]
    click.echo(text_table(rows, right=False))


def _seconds_by_seconds(n_samples: int, sr: int) -> list[slice]:
    """重ならない 10 秒ごとのブロック。"""
    size = 10 * sr
    return [slice(a, min(a + size, n_samples)) for a in range(0, n_samples, size)]


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
