"""行列計算（BLAS）のスレッドを 1 本にする。

小さな行列を何千回も掛けるとき、スレッドどうしの待ち合わせは計算そのものより高くつく。ほかの
プログラムがコアを 1 つ使っているだけで、NMF は何十倍も遅くなる。
"""

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """`with` の中だけ、BLAS のスレッドを 1 本にする。"""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
