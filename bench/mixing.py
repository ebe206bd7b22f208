"""学習データを作る速さを測る。

    python -m bench mixing [sounds batch] [--reps 7]

- `sounds`：歌・話し声・伴奏を 8 秒作るのにかかる時間。「倍」は実時間の何倍の速さか。
- `batch`：8 組 × 2 秒のバッチを作る時間。素直な実装（毎回クリップを種から作り直す）と比べる。

時間は 1 スレッドの CPU 時間の中央値。
"""

import argparse
import itertools
from collections.abc import Callable

from bench import _timing
from sstut import mixing
from sstut.mixing import clips

SECONDS = 8.0
GOAL = 150.0  # 8 kHz で、1 曲（歌と伴奏）が実時間の何倍か
SIZE, STEP = 8, 125.0  # バッチの大きさと、1 秒に 8 回学習するときの 1 回の時間 [ms]
SHARE = 0.1  # そのうち、データ作りに使ってよい割合


def bench_sounds(args: argparse.Namespace) -> None:
    for sr in (8000, 16000, 22050, 44100):
        contenders: dict[str, Callable[[], object]] = {}
        for task in clips.TASKS:
            # 曲によって音の数が違うので、測るたびに種を変える
            seeds = itertools.count()
            contenders[task] = lambda s=seeds, t=task, sr=sr: make_clip(t, next(s), sr)
        times = _timing.cpu(contenders, args.reps)
        print(f"\n{sr} Hz、{SECONDS:g} 秒\n  {'CPU ms':>9} {'倍':>7}")
        for name, value in times.items():
            print(f"  {value:>9.1f} {1e3 * SECONDS / value:>8.0f}  {name}")
        if sr == 8000:
            speed = 1e3 * SECONDS / times["vocals"]
            reached = "達成" if speed >= GOAL else "未達"
            print(f"  歌と伴奏は実時間の {speed:.0f} 倍（目標 {GOAL:g}）: {reached}")


def make_clip(task: str, seed: int, sr: int) -> None:
    for name in clips.TASKS[task]:
        clips.make_source(task, name, seed, sr=sr, duration=SECONDS)


def bench_batch(args: argparse.Namespace) -> None:
    for task in ("vocals", "stems", "speakers"):
        contenders: dict[str, Callable[[], object]] = {}
        for title, augment in (
            ("既定の変化", ("gain", "polarity", "filter")),
            ("すべての変化", mixing.AUGMENTATIONS),
        ):
            mixer = mixing.Mixer(task, n_clips=32, augment=augment)
            steps = itertools.count()
            contenders[title] = lambda mixer=mixer, steps=steps: mixer.batch(next(steps), SIZE)
        plain = mixing.Mixer(task, n_clips=32)
        contenders["毎回クリップから作り直す"] = lambda plain=plain: [
            mixing.render(plain[i].annotation) for i in range(SIZE)
        ]
        times = _timing.cpu(contenders, args.reps)
        ours = times["既定の変化"]
        print(f"\n{task} {SIZE} 組 × 2 秒、8 kHz\n  {'CPU ms':>9} {'倍':>7}")
        for name, value in times.items():
            print(f"  {value:>9.2f} {value / ours:>8.1f}  {name}")
        reached = "達成" if ours < SHARE * STEP else "未達"
        print(f"  学習 1 回 {STEP:g} ms の {100 * SHARE:g} % 未満（既定の変化）: {reached}")


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "sounds": bench_sounds,
    "batch": bench_batch,
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench mixing")
    parser.add_argument("sections", nargs="*", help=f"{', '.join(SECTIONS)}。省略すると全部")
    parser.add_argument("--reps", type=int, default=7)
    args = parser.parse_args(argv)
    for name in args.sections or SECTIONS:
        if name not in SECTIONS:
            parser.error(f"{name} という計測はありません（{', '.join(SECTIONS)}）。")
        SECTIONS[name](args)
