"""コマンド `sstut`：手元の録音を分ける、測る、混ぜる。ネットワークを学習する。

まちがった入力には、日本語の文を 1 つ標準エラーに出し、終了コード 2 で終わる。
ファイルは、書き終えたときにだけ現れる。
"""

from sstut.cli import evaluate, info, mix, separate, train
from sstut.cli._app import cli, main

__all__ = ["cli", "evaluate", "info", "main", "mix", "separate", "train"]
