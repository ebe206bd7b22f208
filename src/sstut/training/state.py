"""学習の途中の状態：保存して、同じところから再開する。"""

import io
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sstut.networks import Separator
from sstut.training.checkpoint import write_atomically
from sstut.training.config import Config

History: TypeAlias = dict[str, list[float]]

KEYS = ("loss", "lr", "gradient_norm", "validation_step", "validation")


@dataclass
class State:
    """学習の途中の状態。

    Attributes
    ----------
    network : 学んでいるネットワーク
    optimizer : 勾配から重みを直すもの
    history : これまでの記録（`Trained`）
    best : 検証の値が最もよかったときの重み。検証していなければ空
    cpu_seconds : 学習に使った CPU の時間 [秒]。データを作る時間と検証は含まない

    章: training
    """

    network: Separator
    optimizer: torch.optim.Optimizer
    history: History = field(default_factory=lambda: {key: [] for key in KEYS})
    best: dict[str, Tensor] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    @property
    def step(self) -> int:
        """これまでに重みを直した回数。"""
        return len(self.history["loss"])


def save_state(path: Path, state: State, config: Config) -> None:
    """再開に要るものを、すべて書く：重み、最適化の状態、乱数の状態、記録。

    章: training
    """
    on_gpu = config.device == "cuda"
    content = {
        "config": _key(config),
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state() if on_gpu else None,
        "history": state.history,
        "best": state.best,
        "cpu_seconds": state.cpu_seconds,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue())


def load_state(path: Path, state: State, config: Config) -> None:
    """`save_state` が書いた状態に戻す。

    Raises
    ------
    ValueError
        ファイルが壊れているとき、別の設定の状態であるとき。

    章: training
    """
    try:
        # weights_only：テンソルや数のほかは読まない。知らない人のファイルでも、勝手な命令は動かない
        content = torch.load(path, map_location=config.device, weights_only=True)
    except Exception as error:  # 壊れ方によって、いろいろな例外が出る
        raise ValueError(f"途中の状態 {path.name} が読めません。壊れています：{error}") from None
    if not isinstance(content, dict) or content.get("config") != _key(config):
        raise ValueError(
            f"{path} は、別の設定で学習した途中の状態です。"
            "out を変えるか、resume=False にしてください。"
        )
    state.network.load_state_dict(content["network"])
    state.optimizer.load_state_dict(content["optimizer"])
    torch.set_rng_state(content["rng"].cpu())
    if content["cuda_rng"] is not None and config.device == "cuda":
        torch.cuda.set_rng_state(content["cuda_rng"].cpu())
    state.history = content["history"]
    state.best = content["best"]
    state.cpu_seconds = content["cpu_seconds"]


def model_card(state: State, config: Config, size: int = 1) -> dict[str, Any]:
    """モデルカード：どの設定、どのデータ、どの版で学んだか。

    Parameters
    ----------
    state : State
        学習の状態。
    config : Config
        学習の設定。
    size : int
        使ったプロセスの数。

    Returns
    -------
    dict
        JSON に書ける。`save_checkpoint` にそのまま渡せる。

    章: training
    """
    scores = state.history["validation"]
    return {
        "config": config.to_dict(),
        "data": {"task": config.task, "sr": config.sr, "split": "train", "seed": config.seed},
        "parameters": sum(p.numel() for p in state.network.parameters()),
        "steps": state.step,
        "processes": size,
        "cpu_seconds": round(state.cpu_seconds, 1),
        "metrics": {"validation_si_sdr_improvement": max(scores)} if scores else {},
        "versions": {
            "sstut": _version("sstut"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }


def _key(config: Config) -> str:
    """学習の結果を決める設定。保存の間隔と機械は、変えて再開してもよい。"""
    values = config.to_dict()
    del values["save_every"], values["device"]
    return json.dumps(values, sort_keys=True)


def _version(name: str) -> str:
    """入っているパッケージの版。ソースのまま使っているときは "source"。"""
    try:
        return version(name)
    except PackageNotFoundError:
        return "source"
