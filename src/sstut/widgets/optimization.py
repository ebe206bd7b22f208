"""章「勾配降下法」の部品：損失の坂を下る点を見て、その点の分離を聴く。"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_audio,
    check_choice,
    check_length,
    check_range,
    check_sounding,
    checked,
)

NAMES = ("マイク 1", "マイク 2", "正解")  # 部品の中での音の名前
MAX_STEPS = 300  # 画面で進められる歩数
MIN_BLOCKS = 16  # 1 歩に使う区間の数の上限より、区間が多くなるように
CHOICES = {
    "surface": ("mse", "si_sdr", "bowl", "valley"),
    "method": ("sgd", "momentum", "nesterov", "rmsprop", "adam"),
    "batch": (0, 16, 4, 1),
    "clip": ("off", "norm", "auto"),
    "listen": ("estimate", "mixture", "reference"),
}
RANGES = {
    "lr": (1e-4, 10.0),
    "momentum": (0.0, 0.99),
    "max_norm": (0.01, 100.0),
    "percentile": (0.0, 100.0),
    "condition": (1.0, 100.0),
    "n_iter": (0, MAX_STEPS),
}
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "optimization.css")
)


class OptimizationExplorer(AudioWidget):
    """損失の等高線の上で、出発点・方法・学習率を変えながら坂を下り、分離を聴く部品。

    推定は theta[0]・マイク 1 + theta[1]・マイク 2。下りるほど、ほかの音が消える。

    Parameters
    ----------
    mixtures : (2, n_samples)
        2 つのマイクの信号、30 秒以下。
    reference : (n_samples,)
        取り出したい音。
    sr : int
        標本化周波数 [Hz]。
    block_length : int
        ミニバッチの 1 区間の長さ [サンプル]。省略すると 50 ミリ秒。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``surface``（損失。"mse"：分離の 二乗誤差、"si_sdr"：分離の負の SI-SDR、"bowl"：2 次の
          おわん、"valley"：曲がった谷）、``condition``（おわんの条件数）
        - ``method``（"sgd"、"momentum"、"nesterov"、"rmsprop"、"adam"）、``lr``（学習率）、
          ``momentum``（勢い。Adam では勾配をならす割合）
        - ``batch``（1 歩に使う区間の数。0 なら全部）、``seed``（区間を選ぶ乱数の種）
        - ``clip``（"off"、"norm"：上限 ``max_norm``、"auto"：AutoClip、``percentile`` %）
        - ``start``（出発点。空なら損失ごとの既定値）、``n_iter``（進んだ歩数）
        - ``listen``（"estimate"、"mixture"：マイク 1、"reference"：正解）、``loop``

    Raises
    ------
    ValueError
        音、traits の値が合わない。

    Examples
    --------
    >>> OptimizationExplorer(mixtures, vocals, 8000, method="adam")  # doctest: +SKIP

    章: optimization
    """

    _esm: ClassVar[str] = bundle("optimization.js")
    _css: ClassVar[str] = _CSS

    block_length = t.Int(400).tag(sync=True)
    surface = t.Unicode("mse").tag(sync=True)
    condition = t.Float(10.0).tag(sync=True)
    method = t.Unicode("sgd").tag(sync=True)
    lr = t.Float(0.1).tag(sync=True)
    momentum = t.Float(0.9).tag(sync=True)
    batch = t.Int(0).tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    clip = t.Unicode("off").tag(sync=True)
    max_norm = t.Float(1.0).tag(sync=True)
    percentile = t.Float(10.0).tag(sync=True)
    start = t.List(t.Float()).tag(sync=True)
    n_iter = t.Int(0).tag(sync=True)
    listen = t.Unicode("estimate").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        mixtures: ArrayLike,
        reference: ArrayLike,
        sr: int,
        *,
        block_length: int | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        sounds = _check_sounds(mixtures, reference, sr)
        size = sr // 20 if block_length is None else block_length
        if not 1 <= size <= sounds.shape[1] // MIN_BLOCKS:
            raise ValueError(
                f"block_length は 1 以上 {sounds.shape[1] // MIN_BLOCKS} 以下にしてください"
                f"（渡された値：{size}）。区間が {MIN_BLOCKS} 個以上要ります。"
            )
        for name, value in traits.items():
            _check(name, value)
        super().__init__(
            dict(zip(NAMES, sounds, strict=True)),
            sr,
            credit=credit,
            title=title,
            block_length=int(size),
            **traits,
        )

    @t.validate(*CHOICES, *RANGES, "start")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal)


def _check(name: str, value: Any) -> None:
    """値が、選べるものか。"""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    if name == "start" and (len(value) not in (0, 2) or not np.all(np.abs(value) < 1e3)):
        raise ValueError(f"start は空か、有限な数 2 個にしてください（渡された値：{value}）。")


def _check_sounds(mixtures: ArrayLike, reference: ArrayLike, sr: float) -> NDArray[np.float32]:
    """マイク 1、マイク 2、正解の順の波形 `(3, n_samples)`。"""
    x = check_audio(mixtures, sr, "mixtures")
    s = check_audio(reference, sr, "reference")
    if len(x) != 2 or len(s) != 1:
        raise ValueError(
            "mixtures は (2, n_samples)、reference は (n_samples,) にしてください"
            f"（渡された形：{np.shape(mixtures)} と {np.shape(reference)}）。"
        )
    check_length("reference", s.shape[1], x.shape[1], "mixtures")
    sounds: NDArray[np.float32] = np.vstack([x, s])
    for name, y in zip(NAMES, sounds, strict=True):
        check_sounding(f"{name}の音", y)
    return sounds
