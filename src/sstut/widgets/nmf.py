"""章「非負値行列因子分解」の部品：成分に分け、成分を選んで聴く。"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
N_FFTS = (512, 1024, 2048, 4096)
# 窓 1 つの長さに入るフレームの数。2 だと、マスクを掛けた音の末尾で、窓の 2 乗の重なりが 0 に近く、
# 割り算で大きな音になる
HOPS = (4, 8, 16)
MAX_COMPONENTS = 12
MAX_SECONDS = 15.0  # これより長い音では、くり返しが遅くなる
MAX_POINTS = 1_000_000  # 時間周波数点の数の上限
CHOICES = {
    "loss": ("euclidean", "kl", "is"),
    "picture": ("target", "approximation", "heard"),
    "max_khz": (0, 1, 2, 4, 8),
}
RANGES = {"n_components": (1, MAX_COMPONENTS), "n_iter": (0, 200), "seed": (0, 2**32 - 1)}
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "hpss.css", "nmf.css")
)


class NmfExplorer(AudioWidget):
    """非負値行列因子分解 (NMF) を 1 回ずつ進めながら、見て、成分を選んで聴く部品。

    Parameters
    ----------
    mixture : (n_samples,) か (2, n_samples)
        混合音、15 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    sources : mapping of str to array_like, optional
        画面に出す名前 → 正解の音源（mixture と同じ長さ）。渡すと、成分を音源に組分けでき、
        組ごとの SI-SDR を出す。
    n_fft : int
        STFT の窓の長さ [サンプル]。`N_FFTS` のどれか。窓はハン窓。
    hop_length : int
        フレームの間隔 [サンプル]。n_fft の 1/4、1/8、1/16 のどれか。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``n_components``（成分の数、1〜12）
        - ``loss``（"kl"、"euclidean"、"is"。"is" はパワースペクトログラムに使う）
        - ``n_iter``（何回直した結果を見せるか、0〜200。0 は乱数の初期値）
        - ``seed``（初期値の乱数の種、0 以上 2**32 未満）
        - ``audible``（聞こえる成分の番号。n_components より大きい番号は使わない。すべてなら混合音）
        - ``groups``（成分ごとの音源の名前。"" はどこにも入れない。足りない分は "" とみなす）
        - ``picture``（真ん中の絵。"target"：V、"approximation"：W H、"heard"：聞こえる成分）
        - ``max_khz``（見せる上限 [kHz]、0 は全部）、``point``（選んだ点 [Hz, 秒]。空なら最大の点）
        - ``matched``（音量をそろえるか）、``loop``

    Raises
    ------
    ValueError
        音、STFT の設定、traits の値が合わない。

    Notes
    -----
    成分の番号は 1 から、基底の重心が低い順に付ける。``n_iter`` 回目（30 回より前なら 30 回目）の
    基底で決め、``n_iter`` を動かしても変えない。成分の数、損失、種が変わると決めなおす。

    Examples
    --------
    >>> NmfExplorer(mixture, 22050, n_components=7, n_iter=100)  # doctest: +SKIP

    章: nmf
    """

    _esm: ClassVar[str] = bundle("nmf.js")
    _css: ClassVar[str] = _CSS

    stft = t.Dict().tag(sync=True)  # n_fft と hop_length
    n_components = t.Int(7).tag(sync=True)
    loss = t.Unicode("kl").tag(sync=True)
    n_iter = t.Int(100).tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    audible = t.List(t.Int(), list(range(1, MAX_COMPONENTS + 1))).tag(sync=True)
    groups = t.List(t.Unicode()).tag(sync=True)
    picture = t.Unicode("approximation").tag(sync=True)
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
        mono = check_mono(mixture, sr, "mixture", MAX_SECONDS)
        _check_frames(n_fft, hop_length, mono.size)
        sources = sources or {}
        if {MIXTURE, ""} & set(sources):
            raise ValueError(f"音源の名前に「{MIXTURE}」と空の文字列は使えません。")
        for name, value in traits.items():
            _check(name, value, list(sources))
        super().__init__(
            {MIXTURE: mono} | check_sources(sources, sr, "sources", mono.size, "mixture"),
            sr,
            credit=credit,
            title=title,
            stft={"n_fft": n_fft, "hop_length": hop_length},
            **traits,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """いまの設定。`sstut.nmf.nmf(V, explorer.n_components, **settings)` に渡せる。

        V は `magnitude(stft(explorer.sound("混合音"), **explorer.stft))`。loss が "is" なら、
        その 2 乗。n_iter が 0（乱数の初期値）のときは、`nmf` が断る。

        章: nmf
        """
        return {"loss": self.loss, "n_iter": self.n_iter, "rng": self.seed}

    @t.validate(*CHOICES, *RANGES, "audible", "groups")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal, self.names[1:])


def _check(name: str, value: Any, sources: Sequence[str]) -> None:
    """値が、選べるものか。"""
    if name in CHOICES:
        check_choice(name, value, CHOICES[name])
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    if name == "audible":
        for number in value:
            check_range("audible の番号", number, 1, MAX_COMPONENTS)
    if name == "groups":
        if len(value) > MAX_COMPONENTS:
            raise ValueError(f"groups は {MAX_COMPONENTS} 個までです（渡された数：{len(value)}）。")
        for source in value:
            check_choice("groups の要素", source, [*sources, ""])


def _check_frames(n_fft: int, hop_length: int, n_samples: int) -> None:
    """STFT の設定を確かめる。"""
    check_choice("n_fft", n_fft, N_FFTS)
    check_choice("hop_length", hop_length, [n_fft // hops for hops in HOPS])
    if n_samples < n_fft:
        raise ValueError(
            f"mixture は n_fft = {n_fft} サンプル以上にしてください（渡された長さ：{n_samples}）。"
        )
    check_points(n_fft, 1 + n_samples // hop_length, MAX_POINTS)
