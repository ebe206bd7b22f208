"""`griffin_lim` を、librosa と、torch.stft / istft のくり返しと比べる。

    python -m bench phase [--seconds 10] [--reps 9] [--no-memory]

44.1 kHz、float32 の音の振幅（n_fft=2048, hop_length=512 のハン窓）から、同じ乱数の位相で始めて
32 回くり返す。時間は 1 スレッドの CPU 時間の中央値、「対 最速」はほかの実装のうち最も速い
ものとの比。「収束度」は、できた波形のスペクトル収束度をデシベルにしたもの。「はだかの FFT」は、
キャッシュの中で同じ回数だけ変換して戻す時間で、ほかには何もしない。
MISI には比べる相手がないので、目安だけを出す。
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
from bench.representations import signal
from sstut.phase import griffin_lim, misi, spectral_convergence
from sstut.representations import stft

N_FFT, HOP, N_ITER, MOMENTUM = 2048, 512, 32, 0.99
PEERS = ("librosa", "torch")
BARE, MISI = "はだかの FFT", "MISI（2 音源）"
FLOOR, STRETCH = 0.50, 0.33
CLOSE_DB = 0.3  # 収束度の差がこれより小さければ、同じところまで進んだとみなす


def start_phase(M: np.ndarray) -> np.ndarray:
    """どの実装にも渡す位相の初期値（librosa.griffinlim が種 0 の生成器から作るものと同じ）。"""
    phase = 2 * np.pi * np.random.default_rng(0).random(M.shape)
    return phase.astype(M.dtype)


def contenders(y: np.ndarray) -> dict[str, Callable[[], Any]]:
    """名前 → 振幅から波形を作る関数。振幅と位相の用意は測らない。"""
    n = y.shape[-1]
    M = np.abs(stft(y, n_fft=N_FFT, hop_length=HOP))
    phase = start_phase(M)
    window = torch.from_numpy(scipy.signal.get_window("hann", N_FFT).astype(y.dtype))
    target, turn = torch.from_numpy(M), torch.from_numpy(phase)
    alpha = MOMENTUM / (1 + MOMENTUM)

    def ours() -> Any:
        return griffin_lim(
            M, n_iter=N_ITER, momentum=MOMENTUM, init=phase, hop_length=HOP, length=n
        ).waveform

    def with_librosa() -> Any:
        return librosa.griffinlim(
            M,
            n_iter=N_ITER,
            momentum=MOMENTUM,
            hop_length=HOP,
            length=n,
            random_state=np.random.default_rng(0),
        )

    def with_torch() -> Any:
        angle = torch.polar(torch.ones_like(turn), turn)
        previous = torch.zeros_like(angle)
        for _ in range(N_ITER):
            wave = torch.istft(target * angle, N_FFT, HOP, window=window, length=n)
            rebuilt = torch.stft(
                wave, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True
            )
            angle = rebuilt - alpha * previous
            angle = angle / (angle.abs() + 1e-16)
            previous = rebuilt
        return torch.istft(target * angle, N_FFT, HOP, window=window, length=n).numpy()

    return {"sstut": ours, **dict(zip(PEERS, (with_librosa, with_torch), strict=True))}


def bare_fft(n_frames: int) -> Callable[[], Any]:
    frames = np.random.default_rng(1).standard_normal((32, N_FFT)).astype(np.float32)
    spectrum = scipy.fft.rfft(frames)

    def run() -> Any:
        for _ in range((N_ITER + 1) * n_frames // len(frames)):
            scipy.fft.irfft(spectrum, n=N_FFT)
            scipy.fft.rfft(frames)

    return run


def with_misi(y: np.ndarray) -> Callable[[], Any]:
    sources = np.stack([y, y[::-1]])
    M = np.abs(stft(sources, n_fft=N_FFT, hop_length=HOP))
    return lambda: misi(M, sources.sum(axis=0), n_iter=N_ITER, hop_length=HOP)


def compare(seconds: float, reps: int, memory: bool) -> None:
    y = signal(1, seconds, "float32")[0]
    M = np.abs(stft(y, n_fft=N_FFT, hop_length=HOP))
    runs = contenders(y)
    reached = {
        name: 20 * np.log10(spectral_convergence(M, stft(run(), n_fft=N_FFT, hop_length=HOP)))
        for name, run in runs.items()
    }
    times = _timing.cpu(runs | {BARE: bare_fft(M.shape[-1]), MISI: with_misi(y)}, reps)
    fastest = min(times[name] for name in PEERS)
    peaks = {}
    print(f"\n{seconds:g} 秒 モノラル float32、{N_ITER} 回、momentum={MOMENTUM}")
    print(f"  {'CPU ms':>9} {'対 最速':>7} {'対 FFT':>7} {'MiB':>7} {'収束度 dB':>7}")
    for name, value in times.items():
        if memory and name in runs:
            args = ("--peak", name, "--seconds", str(seconds))
            peaks[name] = _timing.in_new_process("phase", *args)
        level = f"{reached[name]:.2f}" if name in reached else ""
        print(
            f"  {value:>9.1f} {value / fastest:>9.3f} {value / times[BARE]:>9.2f}"
            f" {peaks.get(name, ''):>7} {level:>9}  {name}"
        )
    report(times["sstut"] / fastest, reached, peaks)


def report(ratio: float, reached: dict[str, float], peaks: dict[str, str]) -> None:
    """目標に届いたかどうか。"""
    grade = "できれば も達成" if ratio <= STRETCH else "達成" if ratio <= FLOOR else "未達"
    print(f"  最速のほかの実装の {ratio:.3f} 倍（目標 {FLOOR}、できれば {STRETCH}）: {grade}")
    behind = max(reached["sstut"] - reached[name] for name in PEERS)
    grade = "達成" if behind <= CLOSE_DB else "未達"
    print(f"  収束度の遅れは最大 {behind:+.2f} dB（目標 {CLOSE_DB} 以下）: {grade}")
    if peaks and all(value.isdecimal() for value in peaks.values()):
        least = all(int(peaks["sstut"]) < int(peaks[name]) for name in PEERS)
        print(f"  メモリはどの実装よりも少ない: {'達成' if least else '未達'}")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench phase")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--reps", type=int, default=9)
    parser.add_argument("--no-memory", action="store_true", help="メモリを測らない（速い）")
    # 以下はメモリを測る子プロセスが使う
    parser.add_argument("--peak", choices=("sstut", *PEERS), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    if args.peak:
        contenders(signal(1, 0.5, "float32")[0])[args.peak]()  # 読み込みを済ませる
        peak = _timing.peak_memory(contenders(signal(1, args.seconds, "float32")[0])[args.peak])
        print("—" if peak is None else f"{peak:.0f}")
        return
    compare(args.seconds, args.reps, not args.no_memory)
