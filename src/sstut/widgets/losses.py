"""章「損失関数」の部品：推定を少しずつ悪くして、6 つの損失の面を見くらべる。"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import traitlets as t
from numpy.typing import ArrayLike

from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_audio,
    check_choice,
    check_sounding,
    checked,
)

TARGET = "正解"  # 部品の中での名前
MAX_SECONDS = 2.0  # 長いと、面の計算を待たせる
MIN_SAMPLES = 1024  # 多解像度 STFT 損失の、いちばん長い窓
CHOICES = {
    "loss": ("l1", "mse", "snr", "si_sdr", "magnitude", "multi_resolution"),
    "gain_db": range(-18, 7),
    "delay": range(-64, 65),
    "noise_db": (-60, -40, -30, -20, -10, 0),
    "listen": ("target", "estimate", "error"),
}
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "losses.css")
)


class LossExplorer(AudioWidget):
    """損失の面を、推定を悪くしながら見て聴く部品。

    推定は、正解に利得と遅れをつけたもの。雑音を足し、正負を逆にすることもできる。
    損失は、波形の L1 と MSE、負の SNR と SI-SDR、振幅の L1、多解像度 STFT の 6 つで、値は
    `sstut.losses` と同じ。振幅の L1 は、長さ 512、間隔 128 の STFT で測る。

    Parameters
    ----------
    target : (n_samples,) か (2, n_samples)
        正解の音、2 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``gain_db``（利得 [dB]、−18〜6 の整数）、``delay``（遅れ [サンプル]、±64 の整数）
        - ``inverted``（正負を逆にするか）、``noise_db``（正解に対する雑音の大きさ [dB]。
          −60 なら加えない。ほかに −40、−30、−20、−10、0）
        - ``loss``（断面を見る損失。`CHOICES` を参照）
        - ``listen``（"target"：正解、"estimate"：推定、"error"：誤差）、``loop``

    Raises
    ------
    ValueError
        音か traits の値が合わない、正解が無音。

    Notes
    -----
    振幅の L1 と多解像度 STFT の面は、遅れ 4 サンプル、利得 2 dB おきに求め、間を直線で結ぶ。
    選んだ点の値は、どの損失も、その点で計算する。

    Examples
    --------
    >>> LossExplorer(target, 8000, delay=10)  # doctest: +SKIP

    章: losses
    """

    _esm: ClassVar[str] = bundle("losses.js")
    _css: ClassVar[str] = _CSS

    gain_db = t.Int(0).tag(sync=True)
    delay = t.Int(0).tag(sync=True)
    inverted = t.Bool(False).tag(sync=True)
    noise_db = t.Int(-60).tag(sync=True)
    loss = t.Unicode("l1").tag(sync=True)
    listen = t.Unicode("estimate").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        target: ArrayLike,
        sr: int,
        *,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        mono = check_audio(target, sr, "target", MAX_SECONDS).mean(axis=0)
        if mono.size < MIN_SAMPLES:
            raise ValueError(
                f"target は {MIN_SAMPLES} サンプル以上にしてください（渡された長さ：{mono.size}）。"
            )
        check_sounding("target", mono)
        for name, value in traits.items():
            _check(name, value)
        super().__init__({TARGET: mono}, sr, credit=credit, title=title, **traits)

    @t.validate(*CHOICES)
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal)


def _check(name: str, value: Any) -> None:
    """値が、選べるものか。"""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
