"""`sstut train`：設定のとおりに、ネットワークを学習する。"""

import importlib.util
from pathlib import Path

import click

from sstut.cli._app import cli


@cli.command(options_metavar="[オプション]")
@click.argument("config", metavar="設定")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), required=True, metavar="フォルダー",
    help="途中の状態と、学び終えた重みを書く場所",
)  # fmt: skip
@click.option("--restart", is_flag=True, help="途中の状態があっても、はじめから学習する")
def train(config: str, out: Path, restart: bool) -> None:
    """設定（.toml か .json のファイル、または本の設定の名前）のとおりに学習する。

    途中で止めても、同じコマンドで続きから始まる。
    2 つのプロセスで分けるには、torchrun --nproc-per-node=2 -m sstut train … とする。
    """
    if importlib.util.find_spec("torch") is None:
        raise ValueError("学習には PyTorch が要ります。requirements.txt を入れてください。")
    from sstut.training import RECIPES, load_config
    from sstut.training import train as run

    settings = RECIPES[config] if config in RECIPES else load_config(config)
    try:
        run(settings, out=out, resume=not restart)
    except FloatingPointError as e:
        raise ValueError(str(e)) from None
