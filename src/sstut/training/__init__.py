"""ネットワークの学習：設定、くり返し、保存と再開、評価。

コマンド `sstut train 設定.toml --out フォルダー` でも学習できる。2 つのプロセスに分けるなら
`torchrun --nproc-per-node=2 -m sstut train …` とする。
"""

from sstut.training.checkpoint import load_checkpoint, read_card, save_checkpoint
from sstut.training.config import Config, load_config
from sstut.training.loop import Batches, Trained, make_mixer, train, train_step
from sstut.training.objectives import LOSSES
from sstut.training.optimizer import clip_gradients, learning_rate
from sstut.training.recipes import RECIPES
from sstut.training.scoring import evaluate

__all__ = [
    "LOSSES",
    "RECIPES",
    "Batches",
    "Config",
    "Trained",
    "clip_gradients",
    "evaluate",
    "learning_rate",
    "load_checkpoint",
    "load_config",
    "make_mixer",
    "read_card",
    "save_checkpoint",
    "train",
    "train_step",
]
