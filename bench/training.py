"""本の中の学習を、種を変えて確かめる。

    python -m bench training [名前 …] [--seeds 3]

`RECIPES` の設定で学習し、学習に使っていない 50 個の混合音での SI-SDR の改善量と、1 スレッドの
CPU の時間を書く。A は学習と同じ作り方の音、B は学習になかった音色。1 つあたり 2 分ほどかかる。
"""

import argparse
import dataclasses
from time import process_time

from sstut.mixing import evaluation_set
from sstut.training import RECIPES, evaluate, make_mixer, train


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench training")
    parser.add_argument("names", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(argv)
    print(f"{'':16}  種  回数  CPU [秒]   A [dB]   B [dB]")
    for name in args.names:
        for seed in range(args.seeds):
            config = dataclasses.replace(RECIPES[name], seed=seed)
            mixer = make_mixer(config)
            _ = mixer.bank  # 素材を作る時間は数えない
            started = process_time()
            network = train(config, mixer=mixer, progress=False).network
            seconds = process_time() - started
            a, b = (
                evaluate(network, evaluation_set(config.task, domain=domain)).mean()
                for domain in ("A", "B")
            )
            print(f"{name:16} {seed:3d} {config.steps:5d} {seconds:9.0f} {a:8.2f} {b:8.2f}")
