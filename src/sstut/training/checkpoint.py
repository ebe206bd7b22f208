"""学んだ重みの保存：safetensors の 1 つのファイルに、重みと、その来歴のカードを入れる。

カードは重みのファイルの中にあり、同じものを人が読むための `.json` にも書く。
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sstut.networks import NETWORKS, Separator, build

FORMAT = "sstut-checkpoint-1"


def save_checkpoint(
    path: str | Path, network: Separator, card: Mapping[str, Any], *, half: bool = False
) -> Path:
    """重みとモデルカードを保存する。書きかけのファイルが残ることはない。

    Parameters
    ----------
    path : str または Path
        `.safetensors` のファイル。となりに、カードだけを書いた `.json` もできる。
    network : Separator
        保存するネットワーク。
    card : dict
        JSON に書ける来歴（設定、データの種、版、評価の値など）。
    half : bool
        True なら、実数の重みを半精度 (float16) に丸めて保存する。ファイルは半分になる。

    Returns
    -------
    Path
        書いたファイル。

    Raises
    ------
    ValueError
        拡張子が .safetensors でないとき、カードが JSON に書けないとき、
        half で半精度に収まらない重みがあるとき。

    章: training
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(
            f"チェックポイントは .safetensors に保存します（{path.name} が来ました）。"
        )
    names = {kind: name for name, kind in NETWORKS.items()}
    # channels_last の重みも、保存するときは普通の並びに直す
    weights = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    if half:
        weights = {k: _halved(k, v) if v.is_floating_point() else v for k, v in weights.items()}
    full = dict(card) | {
        "format": FORMAT,
        "network": names[type(network)],
        "network_config": network.config,
        "sha256": _digest(weights),
    }
    try:
        text = json.dumps(full, ensure_ascii=False, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"カードが JSON に書けません：{error}") from None
    write_atomically(path, save(weights, metadata={"card": text}))
    write_atomically(path.with_suffix(".json"), (text + "\n").encode())
    return path


def read_card(path: str | Path) -> dict[str, Any]:
    """チェックポイントのモデルカードを読む。

    Parameters
    ----------
    path : str または Path
        `save_checkpoint` で書いたファイル。

    Returns
    -------
    dict
        保存したカードに、network、network_config、重みの sha256 を加えたもの。

    Raises
    ------
    ValueError
        ファイルがないとき、壊れているとき、本書のチェックポイントでないとき。

    章: training
    """
    return _read(Path(path))[0]


def load_checkpoint(path: str | Path) -> Separator:
    """チェックポイントからネットワークを作り直す。評価モード (`eval`) で返す。

    Parameters
    ----------
    path : str または Path
        `save_checkpoint` で書いたファイル。

    Returns
    -------
    Separator
        重みは、保存した値とビットまで同じ。半精度で保存した重みも、単精度に戻して使う。

    Raises
    ------
    ValueError
        ファイルがないとき、壊れているとき、本書のチェックポイントでないとき。

    章: training
    """
    card, weights = _read(Path(path))
    if _digest(weights) != card["sha256"]:
        raise ValueError(f"{Path(path).name} の重みが、保存したときと違います。壊れています。")
    network = build(card["network"], **card["network_config"])
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{Path(path).name} の重みの形が合いません：{error}") from None
    return network.eval()


def write_atomically(path: Path, data: bytes) -> None:
    """別の名前で書き終えてから、名前を替える。途中で止まっても、前のファイルが残る。

    章: training
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # 名前を替える前に、中身をディスクまで届ける
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """カードと重みを読む。"""
    if not path.is_file():
        raise ValueError(f"チェックポイント {path} がありません。")
    try:
        with safe_open(path, framework="pt") as file:
            card = json.loads((file.metadata() or {}).get("card", "{}"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise ValueError(
            f"{path.name} は safetensors として読めません。途中で切れたか、壊れています：{error}"
        ) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(f"{path.name} は、本書のチェックポイントではありません（カードがない）。")
    return card, weights


def _halved(name: str, values: Tensor) -> Tensor:
    """半精度に丸める。大きすぎて無限大になる値は断る。"""
    rounded = values.to(torch.float16)
    if not torch.isfinite(rounded).all():
        raise ValueError(f"重み {name} に、半精度 (float16) で表せない値があります。")
    return rounded


def _digest(weights: Mapping[str, Tensor]) -> str:
    """重みの名前、型、形、値から作る要約。1 ビットでも変われば、違う値になる。"""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
