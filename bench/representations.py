"""`stft` と `istft` を、librosa・scipy・torch と、はだかの FFT と比べる。

    python -m bench representations [--seconds 60] [--reps 9] [--no-memory]

どれも同じ音（44.1 kHz）を n_fft=2048, hop_length=512 のハン窓で変換して戻す。時間は 1 スレッドの
CPU 時間の中央値、「対 最速」はほかの実装のうち最も速いものとの比。「はだかの FFT」は、
切り出し済みのフレームを新しい配列へ変換して戻すだけの時間で、窓掛けも重ね合わせもしない。
"""

import argparse
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import scipy.fft
import scipy.signal
import torch

from bench import _timing
from sstut.representations import istft, stft

N_FFT, HOP, SR = 2048, 512, 44100
PEERS = ("librosa", "scipy ShortTimeFFT", "torch")
BARE = "はだかの FFT"
GOALS = {"float32": (0.45, 0.30), "float64": (0.65, 0.42)}  # (必ず, できれば)
WORKERS_GOAL = 0.75


def signal(n_channels: int, seconds: float, dtype: str) -> np.ndarray:
    """減衰する音の並びに雑音を足した、種を固定した信号。"""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SR)) / SR
    tone = np.sin(2 * np.pi * 220 * t) * np.exp(-4 * (t % 0.5))
    y = tone * rng.uniform(0.3, 1, (n_channels, 1)) + 0.05 * rng.standard_normal(
        (n_channels, t.size)
    )
    return y.astype(dtype)


def contenders(y: np.ndarray) -> dict[str, Callable[[], Any]]:
    """名前 → 変換して戻す関数。窓などの用意は測らない（sstut と librosa は中で毎回作る）。"""
    n = y.shape[-1]
    window = scipy.signal.get_window("hann", N_FFT).astype(y.dtype)
    tensor, tensor_window = torch.from_numpy(y), torch.from_numpy(window)
    transform = scipy.signal.ShortTimeFFT(window, HOP, SR)

    def ours() -> Any:
        return istft(stft(y, n_fft=N_FFT, hop_length=HOP), hop_length=HOP, length=n)

    def with_librosa() -> Any:
        S = librosa.stft(y, n_fft=N_FFT, hop_length=HOP)
        return librosa.istft(S, hop_length=HOP, length=n)

    def with_scipy() -> Any:
        return transform.istft(transform.stft(y), k1=n)

    def with_torch() -> Any:
        S = torch.stft(
            tensor, N_FFT, HOP, window=tensor_window, pad_mode="constant", return_complex=True
        )
        return torch.istft(S, N_FFT, HOP, window=tensor_window, length=n).numpy()

    return {"sstut": ours, **dict(zip(PEERS, (with_librosa, with_scipy, with_torch), strict=True))}


def bare_fft(y: np.ndarray) -> Callable[[], Any]:
    n_frames = y.shape[0] * (1 + y.shape[-1] // HOP)
    frames = np.random.default_rng(1).standard_normal((n_frames, N_FFT)).astype(y.dtype)

    def run() -> Any:
        return scipy.fft.irfft(scipy.fft.rfft(frames), n=N_FFT)

    return run


def compare(n_channels: int, dtype: str, seconds: float, reps: int, memory: bool) -> None:
    y = signal(n_channels, seconds, dtype)
    runs = contenders(y)
    errors = {name: float(np.abs(run() - y).max()) for name, run in runs.items()}
    times = _timing.cpu(runs | {BARE: bare_fft(y)}, reps)
    fastest = min(times[name] for name in PEERS)
    print(f"\n{seconds:g} 秒 {'モノラル' if n_channels == 1 else 'ステレオ'} {dtype}")
    print(f"  {'CPU ms':>9} {'対 最速':>7} {'対 FFT':>7} {'MiB':>7} {'往復誤差':>7}")
    for name, value in times.items():
        peak = ""
        if memory and name != BARE:
            args = ("--peak", name, "--channels", str(n_channels), "--dtype", dtype)
            peak = _timing.in_new_process("representations", *args, "--seconds", str(seconds))
        error = f"{errors[name]:.1e}" if name in errors else ""
        print(
            f"  {value:>9.1f} {value / fastest:>9.3f} {value / times[BARE]:>9.2f}"
            f" {peak:>7} {error:>9}  {name}"
        )
    floor, stretch = GOALS[dtype]
    ratio = times["sstut"] / fastest
    reached = "できれば も達成" if ratio <= stretch else "達成" if ratio <= floor else "未達"
    print(f"  最速のほかの実装の {ratio:.3f} 倍（目標 {floor}、できれば {stretch}）: {reached}")


def compare_workers(dtype: str, seconds: float, reps: int) -> None:
    y = signal(2, seconds, dtype)

    def run(workers: int) -> Callable[[], Any]:
        return lambda: istft(stft(y, workers=workers), length=y.shape[-1], workers=workers)

    times = _timing.wall({"1": run(1), "2": run(2)}, reps)
    ratio = times["2"] / times["1"]
    print(
        f"workers=2 / 1（ステレオ {dtype}、実時間）: {times['2']:.1f} / {times['1']:.1f} ms"
        f" = {ratio:.3f}（目標 {WORKERS_GOAL}）: {'達成' if ratio <= WORKERS_GOAL else '未達'}"
    )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench representations")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--reps", type=int, default=9)
    parser.add_argument("--no-memory", action="store_true", help="メモリを測らない（速い）")
    # 以下はメモリを測る子プロセスが使う
    parser.add_argument("--peak", choices=("sstut", *PEERS), help=argparse.SUPPRESS)
    parser.add_argument("--channels", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    if args.peak:
        contenders(signal(args.channels, 0.5, args.dtype))[args.peak]()  # 読み込みを済ませる
        run = contenders(signal(args.channels, args.seconds, args.dtype))[args.peak]
        peak = _timing.peak_memory(run)
        print("—" if peak is None else f"{peak:.0f}")
        return
    for n_channels in (1, 2):
        for dtype in GOALS:
            compare(n_channels, dtype, args.seconds, args.reps, not args.no_memory)
    print()
    for dtype in GOALS:
        compare_workers(dtype, args.seconds, args.reps)
