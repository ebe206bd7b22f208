"""本の中で学習する設定。どれも 1 スレッドの CPU で 2 分以内に終わる。

8 kHz の音に 1024 サンプルの長い窓を使う。歌と伴奏は調が同じで倍音が重なりやすく、周波数を細かく見た
ほうがよく分かれる。フレームの数も半分になり、1 回の計算が速い。話者の声には 512 サンプルを使う。
"""

from sstut.training.config import Config

LONG = {"n_fft": 1024, "hop_length": 256}

RECIPES: dict[str, Config] = {
    "mask_inference": Config("mask_inference", network_config=LONG, steps=1800, lr=3e-3),
    "unet": Config("unet", network_config=LONG, steps=1280, batch=4, lr=4e-3, weight_decay=1e-2),
    "deep_clustering": Config(
        "deep_clustering", loss="whitened", task="speakers", steps=750, lr=2e-3
    ),
    "tasnet": Config(
        "tasnet",
        network_config={"n_filters": 512, "kernel": 512, "stride": 256},
        steps=1900,
        lr=4e-3,
    ),
}
