"""評価の関数を、mir_eval・museval・fast_bss_eval・torchmetrics と比べる。

    python -m bench evaluation [--quick] [--reps 5] [--no-memory]

時間は 1 スレッドの CPU 時間の中央値（数秒より長い相手は 1 度だけ測る）。値の違いは、基準の
実装との差の最大 [dB]。--quick は短い音で確かめる（目標は、長い音の値なので比べない）。
"""

import argparse
import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fast_bss_eval
import mir_eval
import numpy as np
import scipy.signal
import torch
from torchmetrics.functional import audio

from bench import _timing
from sstut.evaluation import bss_eval_framewise, bss_eval_sources, si_sdr

SR = 44100
OURS = "sstut"
SLOW = 3.0  # 1 回がこの秒数より長ければ、1 度しか測らない


def museval_metrics() -> Any:
    """パッケージ museval の metrics.py だけを読む（全体は ffmpeg がないと読めない）。"""
    folder = Path(str(importlib.util.find_spec("museval").origin)).parent  # type: ignore[union-attr]
    spec = importlib.util.spec_from_file_location("museval_metrics", folder / "metrics.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def signals(n_channels: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """減衰する和音と雑音の音源 4 つと、フィルタ・漏れ・雑音のある推定。"""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SR)) / SR
    sources = []
    for root in (55.0, 110.0, 220.0, 330.0):
        notes = sum(np.sin(2 * np.pi * root * k * t + rng.uniform(0, 6)) / k for k in (1, 2, 3, 5))
        tone = notes * np.exp(-3 * (t % (0.3 + rng.uniform(0, 0.4))))
        hits = rng.standard_normal((n_channels, t.size)) * np.exp(-20 * (t % 0.25))
        gains = rng.uniform(0.4, 1, (n_channels, 1))
        sources.append(gains * tone + 0.3 * hits)
    s = np.stack(sources)
    leak = np.tensordot(np.eye(4) + 0.1 * rng.standard_normal((4, 4)), s, 1)
    e = scipy.signal.lfilter([0.9, 0.2, -0.1], 1, leak) + 0.02 * rng.standard_normal(s.shape)
    return s, e


def sources_contenders(s: np.ndarray, e: np.ndarray) -> dict[str, Callable[[], Any]]:
    s, e = s[:, 0].copy(), e[:, 0].copy()
    double = torch.from_numpy(s), torch.from_numpy(e)
    single = double[0].float(), double[1].float()
    return {
        "mir_eval": lambda: mir_eval.separation.bss_eval_sources(s, e),
        "fast_bss_eval numpy f64": lambda: fast_bss_eval.bss_eval_sources(s, e),
        "fast_bss_eval torch f64": lambda: fast_bss_eval.bss_eval_sources(*double),
        "fast_bss_eval torch f32": lambda: fast_bss_eval.bss_eval_sources(*single),
        OURS: lambda: bss_eval_sources(s, e),
    }


def framewise_contenders(s: np.ndarray, e: np.ndarray) -> dict[str, Callable[[], Any]]:
    turned = s.transpose(0, 2, 1).copy(), e.transpose(0, 2, 1).copy()
    metrics = museval_metrics()
    return {
        "museval": lambda: metrics.bss_eval(*turned, window=SR, hop=SR),
        OURS: lambda: bss_eval_framewise(s, e, window=SR, hop=SR),
    }


def si_sdr_contenders(s: np.ndarray, e: np.ndarray, dtype: str) -> dict[str, Callable[[], Any]]:
    s, e = s[:, 0].astype(dtype), e[:, 0].astype(dtype)
    tensors = torch.from_numpy(e), torch.from_numpy(s)
    return {
        "exact": lambda: exact_si_sdr(s, e),
        "torchmetrics": lambda: audio.scale_invariant_signal_distortion_ratio(*tensors),
        "fast_bss_eval numpy": lambda: -fast_bss_eval.si_sdr_loss(e, s),
        "fast_bss_eval torch": lambda: -fast_bss_eval.si_sdr_loss(*tensors),
        OURS: lambda: si_sdr(s, e, zero_mean=False),
    }


def exact_si_sdr(s: np.ndarray, e: np.ndarray) -> np.ndarray:
    """80 ビットの浮動小数点で計算した SI-SDR。"""
    s, e = s.astype(np.longdouble), e.astype(np.longdouble)
    gain = (s * e).sum(axis=1) / (s * s).sum(axis=1)
    target = gain[:, np.newaxis] * s
    return 10 * np.log10((target**2).sum(axis=1) / ((e - target) ** 2).sum(axis=1))


def measure(runs: dict[str, Callable[[], Any]], reps: int) -> dict[str, tuple[float, float]]:
    """名前 → (CPU ms, 最初の相手との値の差の最大 dB)。"""
    times: dict[str, list[float]] = {}
    values = {}
    for name, run in runs.items():
        start = time.process_time()
        values[name] = np.stack([np.asarray(v, np.float64) for v in _tuple(run())[:4]])
        times[name] = [1e3 * (time.process_time() - start)]
    quick = {name: run for name, run in runs.items() if times[name][0] < 1e3 * SLOW}
    medians = _timing.cpu(quick, reps)
    truth = next(iter(values.values()))
    shape = min(len(v) for v in values.values())
    return {
        name: (
            medians.get(name, statistics.median(times[name])),
            float(np.nanmax(np.abs(values[name][: min(shape, 3)] - truth[: min(shape, 3)]))),
        )
        for name in runs
    }


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


TASKS: dict[str, Callable[[float], dict[str, Callable[[], Any]]]] = {
    "bss_eval_sources": lambda seconds: sources_contenders(*signals(1, seconds)),
    "bss_eval_framewise": lambda seconds: framewise_contenders(*signals(2, seconds)),
    "si_sdr float32": lambda seconds: si_sdr_contenders(*signals(1, seconds), "float32"),
    "si_sdr float64": lambda seconds: si_sdr_contenders(*signals(1, seconds), "float64"),
}
SECONDS = {"bss_eval_framewise": 10.0}
TITLES = {
    "bss_eval_sources": "BSS Eval v3（4 音源、モノラル、512 タップ、順番も探す）",
    "bss_eval_framewise": "BSS Eval v4（4 音源、ステレオ、1 秒の窓）",
    "si_sdr float32": "SI-SDR（4 音源、モノラル、float32）",
    "si_sdr float64": "SI-SDR（4 音源、モノラル、float64）",
}
# (相手, 何倍速いか：必ず, できれば)。SI-SDR は「最も速い相手の何倍の時間か」の逆数
GOALS = {
    "bss_eval_sources": [("mir_eval", 200, 450), ("fast_bss_eval torch f64", 15, 30)],
    "bss_eval_framewise": [("museval", 10, 35)],
    "si_sdr float32": [("最速", 1 / 0.35, 1 / 0.22)],
    "si_sdr float64": [("最速", 1 / 0.20, 1 / 0.13)],
}


def report(task: str, seconds: float, reps: int, memory: bool, quick: bool) -> None:
    results = measure(TASKS[task](seconds), reps)
    results.pop("exact", None)
    own = results[OURS][0]
    print(f"\n{TITLES[task]}、{seconds:g} 秒")
    print(f"  {'CPU ms':>10} {'sstut の何倍':>9} {'値の差 dB':>8} {'MiB':>6}")
    peaks = {}
    for name, (ms, difference) in results.items():
        peak = ""
        if memory:
            peak = _timing.in_new_process(
                "evaluation", "--peak", name, "--task", task, "--seconds", str(seconds)
            )
            peaks[name] = peak
        print(f"  {ms:>10.1f} {ms / own:>12.1f} {difference:>10.1e} {peak:>6}  {name}")
    if memory and "—" not in peaks.values():
        least = min(float(v) for k, v in peaks.items() if k != OURS)
        verdict = "達成" if float(peaks[OURS]) <= least else "未達"
        print(f"  メモリの増え方は、最も少ない相手（{least:.0f} MiB）以下: {verdict}")
    if quick:
        return
    for peer, floor, stretch in GOALS[task]:
        others = {k: ms for k, (ms, _) in results.items() if k != OURS}
        ratio = (min(others.values()) if peer == "最速" else others[peer]) / own
        reached = "できれば も達成" if ratio >= stretch else "達成" if ratio >= floor else "未達"
        goal = f"目標 {floor:.3g}、できれば {stretch:.3g}"
        print(f"  {peer} の {ratio:.1f} 倍の速さ（{goal}）: {reached}")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench evaluation")
    parser.add_argument("--quick", action="store_true", help="2 秒の音で、すぐ終わらせる")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="メモリを測らない（速い）")
    parser.add_argument("--task", choices=TASKS, help="1 つだけ測る")
    # 以下はメモリを測る子プロセスが使う
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # mir_eval は呼ぶたびに、なくなる予定だと警告する
    if args.peak:
        TASKS[args.task](0.5)[args.peak]()  # 読み込みを済ませる
        peak = _timing.peak_memory(TASKS[args.task](args.seconds)[args.peak])
        print("—" if peak is None else f"{peak:.0f}")
        return
    for task in [args.task] if args.task else TASKS:
        seconds = args.seconds or (2.0 if args.quick else SECONDS.get(task, 30.0))
        report(task, seconds, args.reps, not args.no_memory, args.quick)
