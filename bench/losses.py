"""式のままの損失と、速い損失の時間を比べる。

    python -m bench losses [--reps 9]

8 kHz の 2 秒（257 × 126 ビン）を 8 例まとめて、値と勾配を求める。ビンの組の表を作る式のままの
深層クラスタリングだけは、1 例の 32 × 32 ビンで比べる。時間は 1 スレッドの CPU 時間の中央値。
"""

import argparse
from collections.abc import Callable
from typing import Any

import fast_bss_eval
import torch
from torch import Tensor

from bench import _timing
from sstut import losses

BATCH, N_SOURCES, N_FREQ, N_FRAMES, N_DIMS, N_SAMPLES = 8, 2, 257, 126, 12, 16000


def with_gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Callable[[], Any]:
    """値と、at についての勾配を求める関数。"""
    leaf = at.clone().requires_grad_()
    return lambda: torch.autograd.grad(loss(leaf), leaf)


def clusters(batch: int, n_freq: int, n_frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """埋め込み、ワンホットの正解、重み。"""
    S = torch.randn(batch, N_SOURCES, n_freq, n_frames, dtype=torch.complex64)
    V = torch.nn.functional.normalize(torch.randn(batch, n_freq, n_frames, N_DIMS), dim=-1)
    return V, losses.ideal_assignment(S), losses.magnitude_weights(S.sum(1))


def angle_target(X: Tensor, S: Tensor) -> Tensor:
    """位相を考えた目標の振幅を、式のまま角度から求める。"""
    target = S.abs() * torch.cos(S.angle() - X.angle()[:, None])
    return target.clamp(min=0).minimum(X.abs()[:, None])


def comparisons() -> dict[str, dict[str, Callable[[], Any]]]:
    """題 → 名前 → 測る関数。先頭が式のまま（またはほかの実装）。"""
    V, Y, w = clusters(1, 32, 32)
    bins = (Y[0].flatten(1).T, (w / w.sum()).flatten())
    whitened = losses.whitened_deep_clustering_loss
    S = torch.randn(BATCH, N_SOURCES, N_FREQ, N_FRAMES, dtype=torch.complex64)
    X = S.sum(1)
    s = torch.randn(BATCH, N_SOURCES, N_SAMPLES)
    e = s.flip(1) + torch.randn_like(s)
    pairwise = torch.randn(1, 6, 6)
    return {
        "深層クラスタリング（1024 ビン）": {
            "plain": with_gradient(
                lambda v: losses.deep_clustering_loss_plain(v.flatten(0, -2), *bins), V
            ),
            "sstut": with_gradient(lambda v: losses.deep_clustering_loss(v, Y, w), V),
        },
        "白色化した深層クラスタリング（1024 ビン）": {
            "plain": with_gradient(
                lambda v: losses.whitened_deep_clustering_loss_plain(v.flatten(0, -2), *bins), V
            ),
            "sstut": with_gradient(lambda v: whitened(v, Y, w), V),
        },
        "位相を考えた目標": {
            "plain": lambda: angle_target(X, S),
            "sstut": lambda: losses.phase_sensitive_target(X, S),
        },
        "最も大きい音源のワンホット": {
            "argmax": lambda: torch.nn.functional.one_hot(S.abs().argmax(1)).movedim(-1, 1).float(),
            "sstut": lambda: losses.ideal_assignment(S),
        },
        "PIT つき SI-SDR": {
            "fast_bss_eval": with_gradient(
                lambda a: fast_bss_eval.si_sdr_pit_loss(a, s, zero_mean=True).mean(), e
            ),
            "sstut": with_gradient(
                lambda a: losses.permutation_invariant(losses.si_sdr_loss, a, s)[0], e
            ),
        },
        "6 音源の順列": {
            "plain": lambda: losses.pit_plain(pairwise[0]),
            "sstut": lambda: losses.pit(pairwise),
        },
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench losses")
    parser.add_argument("--reps", type=int, default=9)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for title, contenders in comparisons().items():
        times = _timing.cpu(contenders, args.reps)
        other = next(iter(times))
        print(
            f"{title}: {other} {times[other]:.2f} ms、sstut {times['sstut']:.2f} ms、"
            f"比 {times['sstut'] / times[other]:.3f}"
        )
