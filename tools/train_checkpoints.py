"""付属のネットワークを学習し、`src/sstut/checkpoints/` に書く。

    python tools/train_checkpoints.py [名前 …] [--work フォルダー]

1 つあたり、2 コアの CPU で 10〜30 分かかる。途中で止めても、同じコマンドで続きから始まる。
終わりに、評価用の混合音で SI-SDR の改善量を測り、モデルカードに書く。
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from sstut.mixing import evaluation_set
from sstut.separators import CHECKPOINTS
from sstut.training import RECIPES, Config, evaluate, load_checkpoint, save_checkpoint, train

LONGER = {"validate_every": 500, "save_every": 250}

# 本の中の学習より長く、多くの素材で学ぶ
CONFIGS: dict[str, Config] = {
    "mask-inference-8k": dataclasses.replace(
        RECIPES["mask_inference"],
        network_config=RECIPES["mask_inference"].network_config | {"hidden": 112},
        mixer={"n_clips": 1500},
        steps=14000,
        **LONGER,
    ),
    "deep-clustering-8k": dataclasses.replace(
        RECIPES["deep_clustering"], mixer={"n_clips": 1500}, steps=5000, **LONGER
    ),
    "tasnet-8k": dataclasses.replace(
        RECIPES["tasnet"], mixer={"n_clips": 1500}, steps=10000, **LONGER
    ),
    "unet-8k": dataclasses.replace(
        RECIPES["unet"], mixer={"n_clips": 1500}, steps=9000, lr=3e-3, **LONGER
    ),
    # 窓の長さも間隔も、8 kHz のときと同じ秒数になる。曲ごとの違いに備え、高さと速さも変える
    "stems-16k": Config(
        "mask_inference",
        network_config={"n_sources": 4, "n_fft": 2048, "hop_length": 512, "hidden": 120},
        task="stems",
        sr=16000,
        mixer={"n_clips": 800, "augment": ["gain", "polarity", "filter", "speed"]},
        steps=14000,
        batch=4,
        lr=3e-3,
        **LONGER,
    ),
}


def measure(config: Config, network: Any) -> dict[str, float]:
    """学習に使っていない混合音での、SI-SDR の改善量の平均 [dB]。A は同じ音色、B は違う音色。"""
    return {
        domain: round(
            float(
                np.mean(evaluate(network, evaluation_set(config.task, domain=domain, sr=config.sr)))
            ),
            2,
        )
        for domain in ("A", "B")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CONFIGS), choices=list(CONFIGS))
    parser.add_argument("--work", type=Path, default=Path("_build/checkpoints"))
    arguments = parser.parse_args()
    for name in arguments.names:
        config = CONFIGS[name]
        trained = train(config, out=arguments.work / name)
        network = trained.network
        path = CHECKPOINTS / f"{name}.safetensors"
        save_checkpoint(path, network, trained.card, half=True)
        network = load_checkpoint(path)  # 半精度に丸めた重みで測る
        metrics = trained.card["metrics"] | {"si_sdr_improvement": measure(config, network)}
        save_checkpoint(path, network, trained.card | {"metrics": metrics}, half=True)
        print(path, metrics)


if __name__ == "__main__":
    main()
