"""章「位相」の部品：回る矢印と、位相だけを取りかえて聴くスペクトログラム。"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.representations import check_nola
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

MIXTURE = "混合音"  # PhaseExplorer の中での混合音の名前
MAX_POINTS = 1_000_000  # 時間周波数点の数の上限。反復を待たせないため
MAX_ITER = 500  # 画面で進められる反復の回数
N_FFTS = (256, 512, 1024, 2048, 4096)
_ESM = bundle("phase.js")
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "phase.css")
)
PHASOR_RANGES = {
    "phase": (-np.pi, np.pi),
    "ratio": (0.0, 1.0),
    "offset": (-np.pi, np.pi),
    "hop_length": (1, 4096),
    "shift": (0, 10),
    "sr": (8000, 48000),
}
EXPLORER_CHOICES = {
    "start": ("true", "mixture", "zero", "random"),
    "method": ("griffin_lim", "misi"),
    "listen": ("true", "now", "mixture"),
    "picture": ("deviation", "phase"),
}
EXPLORER_RANGES = {"momentum": (0.0, 0.99), "n_iter": (0, MAX_ITER)}


class PhasorExplorer(anywidget.AnyWidget):
    """回る矢印（フェーザ）と正弦波、2 つの波の和、フレームごとの位相を見て聴く部品。

    Parameters
    ----------
    frequency : float
        周波数 [Hz]。20 以上 sr / 2 未満の整数（1 秒の音をつなぎ目なくくり返すため）。
    phase : float
        初期位相 φ [rad]。−π 以上 π 以下。
    hop_length : int
        ホップ長 [サンプル]。1 以上 4096 以下。
    sr : int
        標本化周波数 [Hz]。8000 以上 48000 以下。
    title : str
        部品の見出し。
    **traits
        次の traits の初期値。

        - ``second``（2 本目の矢印を足すか）、``ratio``（1 本目に対する振幅の比、0〜1）、
          ``offset``（1 本目からの位相のずれ [rad]、−π〜π）
        - ``shift``（音を遅らせるサンプル数、0〜10）
        - ``listen``（"first"、"second"、"sum"）。省略すると、2 本目があれば和

    Raises
    ------
    ValueError
        値が範囲に入らない。

    Examples
    --------
    >>> PhasorExplorer(frequency=440.0, second=True, offset=3.14)  # doctest: +SKIP

    章: phase
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("phasor", read_only=True).tag(sync=True)
    sr = t.Int(22050).tag(sync=True)
    frequency = t.Float(440.0).tag(sync=True)
    phase = t.Float(0.0).tag(sync=True)
    second = t.Bool(False).tag(sync=True)
    ratio = t.Float(1.0).tag(sync=True)
    offset = t.Float(0.0).tag(sync=True)
    hop_length = t.Int(512).tag(sync=True)
    shift = t.Int(1).tag(sync=True)
    listen = t.Unicode("first").tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    credit = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        *,
        frequency: float = 440.0,
        phase: float = 0.0,
        hop_length: int = 512,
        sr: int = 22050,
        title: str = "",
        **traits: Any,
    ) -> None:
        given = {
            "sr": sr, "frequency": frequency, "phase": phase, "hop_length": hop_length, **traits
        }  # fmt: skip
        given.setdefault("listen", "sum" if given.get("second") else "first")
        for name, value in given.items():
            _check_phasor(name, value, sr)
        super().__init__(**given, title=title)

    @t.validate(*PHASOR_RANGES, "frequency", "listen")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check_phasor, proposal, self.sr)


class PhaseExplorer(AudioWidget):
    """振幅は正解のまま、位相だけを取りかえて聴く部品。Griffin–Lim と MISI を 1 回ずつ進める。

    Parameters
    ----------
    target : (n_samples,) か (2, n_samples)
        正解の音、30 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    others : mapping of str to array_like
        画面に出す名前 → ほかの音源（target と同じ長さ）。1 つ以上。混合音は、すべての和。
    name : str
        正解の音の名前。
    n_fft : int
        窓の長さ [サンプル]。`N_FFTS` のどれか。窓はハン窓。
    hop_length : int
        フレームの間隔 [サンプル]。1 以上 n_fft / 2 以下。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``start``（はじめの位相。"true"：正解、"mixture"：混合音、"zero"：0、"random"：乱数）、
          ``seed``（乱数の種）
        - ``method``（"griffin_lim"、"misi"）、``momentum``（Griffin–Lim の勢い、0〜0.99）、
          ``n_iter``（進める反復の回数、0〜`MAX_ITER`）
        - ``listen``（"true"、"now"、"mixture"）、``matched``（音量をそろえるか）、``loop``
        - ``picture``（"deviation"：位相の進みのずれ、"phase"：位相）、
          ``max_khz``（見せる上限 [kHz]、0 は全部）
        - ``point``（選んだ点 [Hz, 秒]。空なら最大の点）

    Raises
    ------
    ValueError
        音、STFT の設定、traits の値が合わない。

    Notes
    -----
    ``n_iter`` は、画面で進めると増える。``start`` か ``method`` を変えると 0 に戻る。
    MISI のはじめの位相は、どの音源にも同じ決め方（正解、混合音、0、乱数）を使う。
    読者が自分の音に替えると、混合音がないので、``start="mixture"`` と MISI は使えない。

    Examples
    --------
    >>> PhaseExplorer(vocals, 22050, others={"伴奏": karaoke}, start="random")  # doctest: +SKIP

    章: phase
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("phase", read_only=True).tag(sync=True)
    n_fft = t.Int(1024).tag(sync=True)
    hop_length = t.Int(256).tag(sync=True)
    start = t.Unicode("mixture").tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    method = t.Unicode("griffin_lim").tag(sync=True)
    momentum = t.Float(0.99).tag(sync=True)
    n_iter = t.Int(0).tag(sync=True)
    listen = t.Unicode("now").tag(sync=True)
    picture = t.Unicode("deviation").tag(sync=True)
    max_khz = t.Int(2).tag(sync=True)
    point = t.List(t.Float()).tag(sync=True)
    matched = t.Bool(False).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        target: ArrayLike,
        sr: int,
        *,
        others: Mapping[str, ArrayLike],
        name: str = "歌",
        n_fft: int = 1024,
        hop_length: int = 256,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        mono = check_mono(target, sr, "target")
        _check_stft(n_fft, hop_length, mono.size)
        for trait, value in traits.items():
            _check_explorer(trait, value)
        super().__init__(
            {name: mono} | _check_others(others, name, mono.size, sr),
            sr,
            credit=credit,
            title=title,
            n_fft=n_fft,
            hop_length=hop_length,
            **traits,
        )

    @property
    def mixture(self) -> NDArray[np.float32]:
        """混合音 ``(n_samples,)``、float32。部品が持つ音源（int16 に丸めたあと）の和。

        章: phase
        """
        total: NDArray[np.float32] = np.sum([self.sound(name) for name in self.names], axis=0)
        return total

    @t.validate(*EXPLORER_CHOICES, *EXPLORER_RANGES, "max_khz")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check_explorer, proposal)


def _check_phasor(name: str, value: Any, sr: int) -> None:
    """PhasorExplorer の traits の値を確かめる。"""
    if name in PHASOR_RANGES:
        check_range(name, value, *PHASOR_RANGES[name])
    if name == "frequency" and not (20 <= value < sr / 2 and float(value).is_integer()):
        raise ValueError(
            f"frequency は 20 以上 sr / 2 = {sr / 2:g} 未満の整数 [Hz] にしてください"
            f"（渡された値：{value}）。"
        )
    if name == "listen":
        check_choice(name, value, ("first", "second", "sum"))


def _check_explorer(name: str, value: Any) -> None:
    """PhaseExplorer の traits の値を確かめる。"""
    if name in EXPLORER_CHOICES:
        check_choice(name, value, EXPLORER_CHOICES[name])
    if name in EXPLORER_RANGES:
        check_range(name, value, *EXPLORER_RANGES[name])
    if name == "max_khz":
        check_choice(name, value, (0, 1, 2, 4, 8))


def _check_others(
    others: Mapping[str, ArrayLike], target_name: str, n_samples: int, sr: float
) -> dict[str, NDArray[np.float32]]:
    """ほかの音源を 1 チャネルにし、正解の音と長さが同じことを確かめる。"""
    if not others:
        raise ValueError("others が空です。混合音を作る、ほかの音源を 1 つ以上渡してください。")
    reserved = {target_name, MIXTURE} & set(others) or {target_name} & {MIXTURE}
    if reserved:
        raise ValueError(f"音源の名前が重なっています：{sorted(reserved)}。")
    return check_sources(others, sr, "others", n_samples, "target")


def _check_stft(n_fft: int, hop_length: int, n_samples: int) -> None:
    """STFT の設定を確かめる。"""
    check_choice("n_fft", n_fft, N_FFTS)
    if n_samples < n_fft:
        raise ValueError(
            f"target は n_fft = {n_fft} サンプル以上にしてください（渡された長さ：{n_samples}）。"
        )
    if not isinstance(hop_length, int) or not 1 <= hop_length <= n_fft // 2:
        raise ValueError(
            f"hop_length は 1 から n_fft / 2 = {n_fft // 2} の整数にしてください"
            f"（渡された値：{hop_length}）。"
        )
    if not check_nola("hann", n_fft, hop_length):
        raise ValueError(
            f"hop_length = {hop_length} では、どの窓にも覆われない時刻があり、"
            "波形に戻せません（NOLA 条件）。小さくしてください。"
        )
    check_points(n_fft, 1 + n_samples // hop_length, MAX_POINTS)
