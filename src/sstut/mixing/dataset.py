"""混合音を PyTorch の DataLoader へ渡す。torch が要るので、`Mixer.dataset` の中でだけ読み込む。

章: mixing
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.utils.data import IterableDataset, get_worker_info

from sstut import _validate

if TYPE_CHECKING:
    from sstut.mixing.mixer import Mixer


class MixtureDataset(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """`(mixture, sources)` を順に返す、終わりのないデータセット。

    番号 step のバッチは、どのプロセスが作っても同じになる。そこで、プロセス（DDP の rank）は
    バッチの中の自分の分を、DataLoader の働き手（worker）は自分の番の step を受け持つ。

    章: mixing
    """

    def __init__(self, mixer: "Mixer", batch_size: int | None = None, start: int = 0) -> None:
        super().__init__()
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        # 働き手の中では分散学習の状態が見えないことがあるので、ここで調べておく
        self.rank = torch.distributed.get_rank() if distributed else 0
        self.world_size = torch.distributed.get_world_size() if distributed else 1
        self.mixer = mixer
        self.start = _validate.non_negative_int(start, "start")
        self.batch_size = batch_size
        if batch_size is not None and (
            _validate.positive_int(batch_size, "batch_size") % self.world_size
        ):
            raise ValueError(
                f"batch_size={batch_size} が、プロセスの数 {self.world_size} で割り切れません。"
            )
        _ = mixer.bank  # 素材を先に作り、fork した働き手と共有する

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """自分の番の `(mixture, sources)` を返し続ける。"""
        info = get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        size = 1 if self.batch_size is None else self.batch_size // self.world_size
        step = self.start + worker
        while True:
            sources = self.mixer.batch(step * self.world_size + self.rank, size)
            pair = torch.from_numpy(sources.sum(axis=1)), torch.from_numpy(sources)
            yield pair if self.batch_size is not None else (pair[0][0], pair[1][0])
            step += n_workers
