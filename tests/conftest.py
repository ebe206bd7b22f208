"""試験が共有するもの。"""

import numpy as np
import pytest
from hypothesis import settings

# 遅い機械で落ちないように、1 例ごとの制限時間（既定は 200 ミリ秒）をなくす
settings.register_profile("sstut", deadline=None)
settings.load_profile("sstut")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)
