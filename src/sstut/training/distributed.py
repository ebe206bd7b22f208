"""分散学習：プロセスごとに勾配を計算し、平均をそろえる。`torchrun` で起動する。"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed as dist
from torch import nn


@contextmanager
def process_group(device: str) -> Iterator[tuple[int, int]]:
    """`torchrun` から起動されていれば仲間とつなぎ、(自分の番号, プロセスの数) を返す。

    章: training
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield 0, 1
        return
    started_here = not dist.is_initialized()
    if started_here:
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield dist.get_rank(), dist.get_world_size()
    finally:
        if started_here:
            dist.destroy_process_group()


def share(batch: int, size: int) -> int:
    """1 つのプロセスが受け持つ混合音の数。

    Raises
    ------
    ValueError
        バッチがプロセスの数で割り切れないとき（勾配の平均が、全体の平均と変わってしまう）。

    章: training
    """
    if batch % size:
        raise ValueError(f"batch={batch} がプロセスの数 {size} で割り切れません。")
    return batch // size


def average_gradients(network: nn.Module, size: int) -> None:
    """勾配を、全プロセスの平均に置き換える。

    損失がバッチについての平均なら、同じ大きさに分けたバッチの勾配の平均は、全体の勾配に等しい。
    ただしバッチ正規化の統計は、プロセスごとの値のままである。

    章: training
    """
    if size == 1:
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    joined = torch.cat([g.flatten() for g in gradients])  # まとめて 1 度で送る
    dist.all_reduce(joined)
    parts = torch.split(joined / size, [g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def average_value(value: float, size: int) -> float:
    """数を、全プロセスの平均に置き換える。どのプロセスでも同じ値になる。

    章: training
    """
    if size == 1:
        return value
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    total = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total) / size
