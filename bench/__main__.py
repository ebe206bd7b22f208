"""`python -m bench NAME [引数…]`：計測を 1 つ走らせる。

計測は `bench/` の中の、下線で始まらないモジュール 1 つが 1 種類で、`main(argv)` を持つ。
"""

import importlib
import os
import pkgutil
import sys

import bench

# 数値計算の部品が勝手にスレッドを増やすと比べられない。読み込まれる前に 1 本に決める
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"


def main(argv: list[str]) -> None:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name[0] != "_")
    if not argv or argv[0] not in names:
        sys.exit(f"使い方: python -m bench {{{' | '.join(names)}}} [引数…]")
    importlib.import_module(f"bench.{argv[0]}").main(argv[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
