"""学習のくり返し：混合音を作る、損失を求める、勾配の向きに重みを直す。"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sstut.mixing import Mixer, evaluation_set
from sstut.networks import Separator, build
from sstut.training.checkpoint import save_checkpoint
from sstut.training.config import Config
from sstut.training.distributed import average_gradients, average_value, process_group, share
from sstut.training.objectives import LOSSES
from sstut.training.optimizer import clip_gradients, learning_rate
from sstut.training.scoring import evaluate
from sstut.training.state import History, State, load_state, model_card, save_state

Array: TypeAlias = NDArray[Any]
OnStep: TypeAlias = Callable[[int, Separator, History], None]

STATE = "state.pt"  # 途中の状態
NETWORK = "network.safetensors"  # 学び終えた重み


class Batches(Protocol):
    """`batch(index, size)` で、混合音 size 個分の音源を返すもの（`Mixer` など）。

    章: training
    """

    def batch(self, index: int, size: int) -> Array:
        """混合音 index * size 番から size 個の音源 `(size, n_sources, n_samples)`。"""
        ...


@dataclass(frozen=True)
class Trained:
    """学習の結果。

    Attributes
    ----------
    network : 学んだネットワーク（評価モード）
    history : 回ごとの "loss"、"lr"、"gradient_norm"（切る前の勾配の大きさ）と、
        検証した回 "validation_step" とその値 "validation"（SI-SDR の改善量 [dB]）
    card : モデルカード。設定、版、回数など、JSON に書けるもの

    章: training
    """

    network: Separator
    history: History
    card: dict[str, Any]


def train(
    config: Config,
    *,
    mixer: Batches | None = None,
    out: str | Path | None = None,
    resume: bool = True,
    progress: bool = True,
    on_step: OnStep | None = None,
) -> Trained:
    """設定のとおりに、ネットワークを学習する。

    Parameters
    ----------
    config : Config
        学習の設定。
    mixer : Mixer, optional
        混合音を作るもの。省略すると `Mixer(config.task, …)`。
    out : str または Path, optional
        保存するフォルダー。途中の状態 `state.pt` と、終わりに `network.safetensors` を書く。
    resume : bool
        True なら、out に途中の状態があればそこから続ける。
    progress : bool
        進み具合を表示するか。
    on_step : 関数, optional
        重みを直すたびに `on_step(step, network, history)` と呼ぶ。step は 1 から。

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        設定が正しくないとき、out の途中の状態が壊れているか、別の設定のものであるとき。
    FloatingPointError
        損失が有限でなくなったとき。

    Notes
    -----
    CPU では 1 スレッドで計算し、同じ設定なら同じ重みになる。データは回の番号だけで決まるので、
    途中から再開しても、止めずに学習したときと同じ値になる。`torchrun` から起動すると、バッチを
    プロセスで分け、勾配を平均する。

    章: training
    """
    with _reproducible(config), process_group(config.device) as (rank, size):
        state = _start(config)
        folder = None if out is None else Path(out)
        if folder is not None and resume and (folder / STATE).exists():
            load_state(folder / STATE, state, config)
        source = make_mixer(config) if mixer is None else mixer
        validation = _validation_set(config)
        for step in _with_bar(range(state.step, config.steps), progress and rank == 0):
            if _stopped_improving(state.history["validation"], config.patience):
                break
            # プロセスの番号の順に並べると、1 つのプロセスで作ったバッチと同じになる
            sources = source.batch(step * size + rank, share(config.batch, size))
            train_step(state, config, torch.from_numpy(sources).to(config.device), size)
            if validation is not None and state.step % config.validate_every == 0:
                _validate(state, validation, size)
            if folder is not None and rank == 0 and _is_saved(state.step, config):
                save_state(folder / STATE, state, config)
            if on_step is not None:
                on_step(state.step, state.network, state.history)
        if config.patience and state.best:
            state.network.load_state_dict(state.best)
        trained = Trained(state.network.eval(), state.history, model_card(state, config, size))
        if folder is not None and rank == 0:
            save_checkpoint(folder / NETWORK, trained.network, trained.card)
        return trained


def train_step(state: State, config: Config, sources: Tensor, size: int = 1) -> None:
    """1 回分の学習：損失と勾配を求め、重みを 1 度だけ直し、history に書き足す。

    Parameters
    ----------
    state : State
        学習の状態。書き換える。
    config : Config
        学習の設定。
    sources : (batch, n_sources, n_samples) の Tensor
        正解の音源。和が混合音になる。
    size : int
        バッチを分け合うプロセスの数。

    Raises
    ------
    FloatingPointError
        損失が有限でなくなったとき。重みは直さない。

    章: training
    """
    started = time.process_time()
    network, optimizer, history = state.network.train(), state.optimizer, state.history
    lr = learning_rate(config, state.step)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(config.device, torch.bfloat16, enabled=config.amp):
        objective = LOSSES[config.loss]
        loss = objective(network, sources.sum(dim=1), sources, **config.loss_options)
    loss.backward()  # type: ignore[no-untyped-call]
    average_gradients(network, size)
    value = average_value(loss.item(), size)
    if not isfinite(value):
        raise FloatingPointError(
            f"{state.step + 1} 回目の損失が {value} になりました。"
            "学習率 lr か、勾配の上限 clip を小さくしてください。"
        )
    norm = clip_gradients(network, history["gradient_norm"], config)
    optimizer.step()
    for key, number in (("loss", value), ("lr", lr), ("gradient_norm", norm)):
        history[key].append(number)
    state.cpu_seconds += time.process_time() - started


def make_mixer(config: Config) -> Mixer:
    """設定のとおりに混合音を作る `Mixer`。学習用の分割だけを使う。

    章: training
    """
    return Mixer(config.task, **({"sr": config.sr, "seed": config.seed} | config.mixer))


def _start(config: Config) -> State:
    """重みが乱数のネットワークと、最適化の道具。"""
    network = build(config.network, **({"ordered": config.ordered} | config.network_config))
    network.to(config.device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    return State(network, optimizer)


def _validation_set(config: Config) -> Array | None:
    """検証に使う混合音。学習にも、最後の評価にも使わない。"""
    if not config.validate_every:
        return None
    return np.asarray(
        evaluation_set(config.task, n=config.n_validation, split="validation", sr=config.sr)
    )


def _validate(state: State, validation: Array, size: int) -> None:
    """検証用の混合音で SI-SDR の改善量を測り、これまでで最もよければ重みを控える。"""
    score = average_value(float(evaluate(state.network, validation).mean()), size)
    if score > max(state.history["validation"], default=-float("inf")):
        state.best = {k: v.detach().clone() for k, v in state.network.state_dict().items()}
    state.history["validation_step"].append(state.step)
    state.history["validation"].append(score)


def _stopped_improving(scores: list[float], patience: int) -> bool:
    """最もよい値が出てから、patience 回続けて、それを超えていない。"""
    if not patience or len(scores) <= patience:
        return False
    return max(scores[-patience:]) <= max(scores[:-patience])


def _is_saved(step: int, config: Config) -> bool:
    """途中の状態を保存する回か。"""
    return step % config.save_every == 0 or step == config.steps


def _with_bar(steps: range, show: bool) -> Iterable[int]:
    """進み具合を表示しながら数える。"""
    if not show:
        return steps
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    bar: Iterable[int] = tqdm(steps, initial=steps.start, total=steps.stop, desc="学習", unit="回")
    return bar


@contextmanager
def _reproducible(config: Config) -> Iterator[None]:
    """乱数の種とスレッドの数を決める。終わったら元に戻す。"""
    threads = torch.get_num_threads()
    devices = [torch.cuda.current_device()] if config.device == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(config.seed)
        if config.device == "cpu":
            torch.set_num_threads(1)  # 足す順番が変わらないので、ビットまで同じ値になる
        try:
            yield
        finally:
            torch.set_num_threads(threads)
