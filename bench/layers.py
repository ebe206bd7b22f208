"""読むための層と、torch の速い層の時間を比べる。

    python -m bench layers [--reps 9]

8 kHz の 2 秒を 8 例まとめて計算する。時間は 1 スレッドの CPU 時間の中央値。
`STFT` の層と torch.stft の差は、引数の確かめの重さである。
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from bench import _timing
from sstut import layers

BATCH, N_SAMPLES, N_FFT, HOP = 8, 16000, 512, 128


def comparisons() -> dict[str, dict[str, Callable[[], Any]]]:
    """題 → 名前 → 測る関数。先頭が速い方。"""
    y = torch.randn(BATCH, N_SAMPLES)
    stft, convolution = layers.STFT(N_FFT, HOP), layers.stft_as_convolution(N_FFT, HOP)
    window = layers.root_hann(N_FFT)
    x = torch.randn(BATCH, 126, 257)
    lstm = torch.nn.LSTM(257, 96, batch_first=True, bidirectional=True)
    h, kernel = torch.randn(BATCH, 64, 1000), torch.randn(64, 64, 3)
    return {
        "STFT": {
            "torch.stft": lambda: torch.stft(
                y, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True
            ),
            "STFT の層": lambda: stft(y),
            "畳み込み": lambda: convolution(y[:, None]),
        },
        "双方向 LSTM": {
            "torch": lambda: lstm(x),
            "読むための実装": lambda: layers.run_bidirectional(
                layers.lstm_step, x, *lstm.all_weights
            ),
        },
        "1 次元の畳み込み": {
            "torch": lambda: functional.conv1d(h, kernel, padding=1),
            "読むための実装": lambda: layers.conv1d(h, kernel, padding=1),
        },
        "1 次元の転置畳み込み": {
            "torch": lambda: functional.conv_transpose1d(h, kernel, stride=2),
            "読むための実装": lambda: layers.conv_transpose1d(h, kernel, stride=2),
        },
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench layers")
    parser.add_argument("--reps", type=int, default=9)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.no_grad():
        for title, contenders in comparisons().items():
            times = _timing.cpu(contenders, args.reps)
            fast, *others = times
            ratios = "、".join(f"{name} {times[name] / times[fast]:.2f} 倍" for name in others)
            print(f"{title}: {fast} {times[fast]:.2f} ms、{ratios}")
