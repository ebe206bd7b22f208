"""比べる相手を公平に測る道具。

- 時間は交互に測って中央値を取る。機械が遅くなった時間帯が、全員に同じように当たる。
- 1 スレッドの比較は CPU 時間で測る。ほかの仕事に割り込まれても変わらない。
- メモリは相手ごとに別のプロセスで、使用量（RSS）の増え方の最大を測る。C++ の中の確保も数えられる。
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


def interleaved(
    contenders: dict[str, Callable[[], Any]], reps: int, clock: Callable[[], float]
) -> dict[str, float]:
    """相手ごとの所要時間 [ms] の中央値。`clock` は `time.process_time` か `time.perf_counter`。"""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()  # 1 回目は読み込みや用意の時間が混ざるので数えない
    for rep in range(reps):
        # 順番の有利不利をなくすため、1 回おきに逆から回る
        for name in list(contenders)[:: 1 if rep % 2 == 0 else -1]:
            start = clock()
            contenders[name]()
            times[name].append(1e3 * (clock() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def cpu(contenders: dict[str, Callable[[], Any]], reps: int) -> dict[str, float]:
    return interleaved(contenders, reps, time.process_time)


def wall(contenders: dict[str, Callable[[], Any]], reps: int) -> dict[str, float]:
    return interleaved(contenders, reps, time.perf_counter)


def peak_memory(run: Callable[[], Any]) -> float | None:
    """`run` の間に増えた使用量の最大 [MiB]。Linux でなければ None。"""
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")  # 最大値の記録（VmHWM）を今の値に戻す
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / 1024


def in_new_process(module: str, *args: str) -> str:
    """`python -m bench MODULE ARGS` を別のプロセスで走らせ、その出力を返す。"""
    command = [sys.executable, "-m", "bench", module, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _status(key: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise KeyError(key)
