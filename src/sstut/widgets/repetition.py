"""章「くり返しによる分離」の部品：周期や似たフレームの選び方を変えながら聴く。"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import traitlets as t
from numpy.typing import ArrayLike

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
PARTS = ("background", "foreground")
MAX_POINTS = 1_400_000  # 時間周波数点の数の上限。つまみを動かすたびに計算しなおすため
MAX_FRAMES = 2600  # フレームの数の上限。類似度の行列は、その 2 乗の大きさになる
OWN_SECONDS = 15  # 読者の音の長さの上限 [秒]
MIN_PERIOD = 0.8  # 周期を探す範囲の下限 [秒]。`separate_repet` の既定と同じ
CHOICES = {
    "n_fft": (512, 1024, 2048, 4096),
    "method": ("repet", "repet_sim", "ft2d"),
    "picture": ("model", "mask", "background", "foreground"),
    "max_khz": (0, 1, 2, 4, 8),
}
RANGES = {
    "max_repeats": (1, 200),
    "min_distance": (0.01, 10.0),
    "min_similarity": (0.0, 1.0),
    "high_pass_cutoff": (0.0, 1000.0),
}
MAX_NEIGHBORHOOD = 101  # 近傍の点数の上限
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "repetition.css")
)


class RepetitionExplorer(AudioWidget):
    """REPET・REPET-SIM・2DFT で、くり返す背景と前景を分け、見て聴く部品。

    Parameters
    ----------
    mixture : (n_samples,) か (2, n_samples)
        混合音、30 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    sources : mapping of str to array_like, optional
        画面に出す名前 → 正解の音源（mixture と同じ長さ）。ちょうど 2 つで、先が背景、後が前景。
        渡すと、SI-SDR を出す。
    n_fft : int
        STFT の窓の長さ [サンプル]。512、1024、2048、4096 のどれか。窓はハン窓。
    hop_length : int
        フレームの間隔 [サンプル]。n_fft の 1/4 以下。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``method``（"repet"、"repet_sim"、"ft2d"）
        - ``period``（REPET の周期 [フレーム]。0 なら、ビートスペクトルから自動で決める）
        - ``max_repeats``（似たフレームの数の上限）、``min_distance``（似たフレームどうしの
          間隔 [秒]）、``min_similarity``（似ている度合いの下限、0〜1）
        - ``neighborhood``（2DFT の近傍 [scale, rate]。どちらも奇数）
        - ``high_pass_cutoff``（これより低い周波数 [Hz] は背景とする）
        - ``audible``（聴く成分。`PARTS` から選ぶ。両方なら混合音）
        - ``picture``（右の絵。"model"：背景の推定、"mask"：背景のマスク、
          "background"・"foreground"：分けた成分）
        - ``max_khz``（見せる上限 [kHz]、0 は全部）、``point``（選んだ点 [Hz, 秒]。空なら自動）
        - ``matched``（音量をそろえるか）、``loop``

    Raises
    ------
    ValueError
        音、STFT の設定、traits の値が合わない。

    Examples
    --------
    >>> w = RepetitionExplorer(mixture, 22050)  # doctest: +SKIP
    >>> background, foreground = separate_repet(mixture, 22050, **w.settings)  # doctest: +SKIP

    章: repetition
    """

    _esm: ClassVar[str] = bundle("repetition.js")
    _css: ClassVar[str] = _CSS

    n_fft = t.Int(2048, read_only=True).tag(sync=True)
    hop_length = t.Int(512, read_only=True).tag(sync=True)
    method = t.Unicode("repet").tag(sync=True)
    period = t.Int(0).tag(sync=True)
    max_repeats = t.Int(100).tag(sync=True)
    min_distance = t.Float(1.0).tag(sync=True)
    min_similarity = t.Float(0.0).tag(sync=True)
    neighborhood = t.List(t.Int(), [1, 25]).tag(sync=True)
    high_pass_cutoff = t.Float(100.0).tag(sync=True)
    audible = t.List(t.Unicode(), list(PARTS)).tag(sync=True)
    picture = t.Unicode("model").tag(sync=True)
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
        _check_frames(n_fft, hop_length, mono.size, sr)
        for name, value in traits.items():
            _check(name, value)
        n_frames = 1 + mono.size // hop_length
        _check_period("period", traits.get("period", 0), n_frames)
        _check_distance(traits.get("min_distance", 1.0), n_frames, hop_length / sr)
        self.set_trait("n_fft", n_fft)
        self.set_trait("hop_length", hop_length)
        super().__init__(
            {MIXTURE: mono} | _check_pair(sources, sr, mono.size),
            sr,
            credit=credit,
            title=title,
            **traits,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """いまの設定。`method` の関数に、`separate_repet(mixture, sr, **settings)` のように渡す。

        "repet" は `separate_repet`、"repet_sim" は `separate_repet_sim`、"ft2d" は
        `separate_ft2d`。周期と間隔の単位は秒。自動の周期は入れない（関数が同じように探す）。

        章: repetition
        """
        own: dict[str, Any] = {}
        if self.method == "repet" and self.period:
            own = {"period": self.period * self.hop_length / self.sr}
        if self.method == "repet_sim":
            own = {name: getattr(self, name) for name in RANGES if name != "high_pass_cutoff"}
        if self.method == "ft2d":
            own = {"neighborhood": tuple(self.neighborhood)}
        shared = ("high_pass_cutoff", "n_fft", "hop_length")
        return own | {name: getattr(self, name) for name in shared}

    @t.validate(*CHOICES, *RANGES, "neighborhood", "audible")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal)

    @t.validate("period")
    def _check_new_period(self, proposal: Any) -> Any:
        longest = max(len(self.audio[MIXTURE]) // 2, OWN_SECONDS * self.sr)  # 読者の音のこともある
        return checked(_check_period, proposal, 1 + longest // self.hop_length)


def _check(name: str, value: Any) -> None:
    """値が、選べるものか。"""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    if name == "neighborhood" and (
        len(value) != 2 or any(not 1 <= n <= MAX_NEIGHBORHOOD or n % 2 != 1 for n in value)
    ):
        raise ValueError(
            f"neighborhood は [scale, rate] で、どちらも 1 以上 {MAX_NEIGHBORHOOD} 以下の奇数に"
            f"してください（渡された値：{list(value)}）。"
        )
    if name == "audible" and not set(value) <= set(PARTS):
        raise ValueError(
            f"audible は {list(PARTS)} から選んでください（渡された値：{list(value)}）。"
        )


def _check_frames(n_fft: int, hop_length: int, n_samples: int, sr: float) -> None:
    """STFT の設定と、周期を探せる長さがあることを確かめる。"""
    _check("n_fft", n_fft)
    # これより広いと、マスクを掛けた音の末尾で、窓の 2 乗の重なりが 0 に近く、割り算で大きな音になる
    if not 1 <= hop_length <= n_fft // 4:
        raise ValueError(
            f"hop_length は 1 以上、n_fft の 1/4 の {n_fft // 4} 以下にしてください"
            f"（渡された値：{hop_length}）。"
        )
    n_frames = 1 + n_samples // hop_length
    if n_frames < 3 * round(MIN_PERIOD * sr / hop_length):
        raise ValueError(
            f"mixture が短すぎます（{n_samples / sr:.2f} 秒）。{MIN_PERIOD} 秒以上の周期を"
            f"探すには、その 3 倍の {3 * MIN_PERIOD:.1f} 秒が要ります。"
        )
    if n_frames > MAX_FRAMES:
        raise ValueError(
            f"フレームが {n_frames:,} 個あり、上限 {MAX_FRAMES:,} を超えます。"
            "音を短くするか、hop_length を大きくしてください。"
        )
    check_points(n_fft, n_frames, MAX_POINTS)


def _check_period(name: str, value: int, n_frames: int) -> None:
    """周期が、2 回くり返せる長さであることを確かめる。"""
    if not 0 <= value <= n_frames // 2:
        raise ValueError(
            f"{name} は 0（自動）以上、全体の {n_frames} フレームの半分 {n_frames // 2} 以下に"
            f"してください（渡された値：{value}）。"
        )


def _check_distance(min_distance: float, n_frames: int, seconds: float) -> None:
    """似たフレームの間隔が、音より短いことを確かめる（seconds は 1 フレームの間隔）。"""
    if round(min_distance / seconds) >= n_frames:
        raise ValueError(
            f"min_distance は、mixture の長さ {n_frames * seconds:.2f} 秒より短くしてください"
            f"（渡された値：{min_distance}）。"
        )


def _check_pair(sources: Mapping[str, ArrayLike] | None, sr: float, n_samples: int) -> Any:
    """正解の音源が、背景と前景の 2 つで、混合音と同じ長さであることを確かめる。"""
    if sources is None:
        return {}
    if len(sources) != 2 or MIXTURE in sources:
        raise ValueError(
            "sources は、背景、前景の順の 2 つの音にしてください"
            f"（渡された名前：{list(sources)}。「{MIXTURE}」は混合音の名前なので使えません）。"
        )
    return check_sources(sources, sr, "sources", n_samples, "mixture")
