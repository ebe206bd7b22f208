"""章「調波打楽器音分離」の部品：中央値フィルタの窓とマスクを変えながら聴く。"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_choice,
    check_mono,
    check_points,
    check_range,
    check_sources,
    checked,
)

MIXTURE = "混合音"  # 部品の中での混合音の名前
N_FFTS = (512, 1024, 2048, 4096)
PARTS = ("harmonic", "percussive", "rest")
MAX_KERNEL = 101  # 画面で選べる窓の点数の上限
MAX_POINTS = 1_000_000  # 時間周波数点の数の上限。つまみを動かすたびに計算しなおすため
# 窓 1 つの長さに入るフレームの数。2 だと、マスクを掛けた音の末尾で、窓の 2 乗の重なりが 0 に近く、
# 割り算で大きな音になる
HOPS = (4, 8, 16)
CHOICES = {
    "n_fft": N_FFTS,
    "hops_per_window": HOPS,
    "picture": ("median", "mask", "component"),
    "max_khz": (0, 1, 2, 4, 8),
}
RANGES = {"power": (0.5, 8.0), "margin_harmonic": (1.0, 10.0), "margin_percussive": (1.0, 10.0)}
KERNELS = ("kernel_time", "kernel_freq")
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "hpss.css")
)


class HpssExplorer(AudioWidget):
    """調波打楽器音分離を、窓とマスクを変えながら、見て聴く部品。

    Parameters
    ----------
    mixture : (n_samples,) か (2, n_samples)
        混合音、30 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    sources : mapping of str to array_like, optional
        画面に出す名前 → 正解の音源（mixture と同じ長さ）。渡すと、成分ごとの SI-SDR を出す。
    n_fft : int
        STFT の窓の長さ [サンプル]。`N_FFTS` のどれか。窓はハン窓。
    hop_length : int
        フレームの間隔 [サンプル]。n_fft の 1/4、1/8、1/16 のどれか。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``kernel_time``（時間方向の中央値の点数 [フレーム]）、``kernel_freq``（周波数方向の
          中央値の点数 [ビン]）。どちらも 1 以上 `MAX_KERNEL` 以下の奇数
        - ``power``（マスクの鋭さ、0.5〜8。`np.inf` なら二値）、``binary``（二値マスクにするか）
        - ``margin_harmonic``、``margin_percussive``（倍率、1〜10。1 より大きいと残りができる）
        - ``audible``（足し合わせて聴く成分。`PARTS` から選ぶ。すべてなら混合音）
        - ``picture``（下の 2 枚の絵。"median"：中央値、"mask"：マスク、"component"：成分）
        - ``max_khz``（見せる上限 [kHz]、0 は全部）、``point``（選んだ点 [Hz, 秒]。空なら最大の点）
        - ``matched``（音量をそろえるか）、``loop``

    Raises
    ------
    ValueError
        音、STFT の設定、traits の値が合わない。

    Notes
    -----
    読者が画面で n_fft を変えると、hop_length も同じ割合で変わる。

    Examples
    --------
    >>> HpssExplorer(mixture, 22050, sources={"ドラム": drums, "ほか": rest})  # doctest: +SKIP

    章: hpss
    """

    _esm: ClassVar[str] = bundle("hpss.js")
    _css: ClassVar[str] = _CSS

    n_fft = t.Int(2048).tag(sync=True)
    hops_per_window = t.Int(4).tag(sync=True)
    kernel_time = t.Int(31).tag(sync=True)
    kernel_freq = t.Int(31).tag(sync=True)
    power = t.Float(2.0).tag(sync=True)
    binary = t.Bool(False).tag(sync=True)
    margin_harmonic = t.Float(1.0).tag(sync=True)
    margin_percussive = t.Float(1.0).tag(sync=True)
    audible = t.List(t.Unicode(), list(PARTS)).tag(sync=True)
    picture = t.Unicode("median").tag(sync=True)
    max_khz = t.Int(4).tag(sync=True)
    point = t.List(t.Float()).tag(sync=True)
    matched = t.Bool(False).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        mixture: ArrayLike,
        sr: int,
        *,
        sources: Mapping[str, ArrayLike] | None = None,
        n_fft: int = 2048,
        hop_length: int = 512,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        mono = check_mono(mixture, sr, "mixture")
        _check_frames(n_fft, hop_length, mono.size)
        if np.isposinf(traits.get("power", 2.0)):
            traits = {**traits, "power": 2.0, "binary": True}
        for name, value in traits.items():
            _check(name, value)
        super().__init__(
            {MIXTURE: mono} | _check_sources(sources or {}, mono.size, sr),
            sr,
            credit=credit,
            title=title,
            n_fft=n_fft,
            hops_per_window=n_fft // hop_length,
            **traits,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """いまの設定。`sstut.hpss.separate_hpss(mixture, **settings)` に渡せる。

        章: hpss
        """
        return {
            "kernel_size": (self.kernel_time, self.kernel_freq),
            "power": np.inf if self.binary else self.power,
            "margin": (self.margin_harmonic, self.margin_percussive),
            "n_fft": self.n_fft,
            "hop_length": self.n_fft // self.hops_per_window,
        }

    @t.validate(*CHOICES, *RANGES, *KERNELS, "audible")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal)


def _check(name: str, value: Any) -> None:
    """値が、選べるものか。"""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    if name in KERNELS and (not 1 <= value <= MAX_KERNEL or value % 2 != 1):
        raise ValueError(
            f"{name} は 1 以上 {MAX_KERNEL} 以下の奇数にしてください（渡された値：{value}）。"
        )
    if name == "audible" and not set(value) <= set(PARTS):
        raise ValueError(
            f"audible は {list(PARTS)} から選んでください（渡された値：{list(value)}）。"
        )


def _check_frames(n_fft: int, hop_length: int, n_samples: int) -> None:
    """STFT の設定を確かめる。"""
    _check("n_fft", n_fft)
    if hop_length not in [n_fft // hops for hops in HOPS]:
        raise ValueError(
            f"hop_length は n_fft = {n_fft} の 1/4、1/8、1/16 のどれかにしてください"
            f"（渡された値：{hop_length}）。"
        )
    if n_samples < max(N_FFTS):
        raise ValueError(
            f"mixture は {max(N_FFTS)} サンプル以上にしてください（渡された長さ：{n_samples}）。"
            "読者が選ぶ、いちばん長い窓の長さです。"
        )
    check_points(n_fft, 1 + n_samples // hop_length, MAX_POINTS)


def _check_sources(
    sources: Mapping[str, ArrayLike], n_samples: int, sr: float
) -> dict[str, NDArray[np.float32]]:
    """正解の音源を 1 チャネルにし、混合音と長さが同じことを確かめる。"""
    if MIXTURE in sources:
        raise ValueError(f"音源の名前に「{MIXTURE}」は使えません。混合音の名前です。")
    return check_sources(sources, sr, "sources", n_samples, "mixture")
