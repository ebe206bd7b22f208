"""章「音の表現」の部品：STFT、窓と重なり、標本化と量子化。"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut import representations
from sstut.widgets._base import AudioWidget, bundle

_ESM = bundle("representations.js")
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css")
)
WINDOWS = ("hann", "hamming", "blackman", "blackmanharris", "bartlett", "boxcar")
WIN_LENGTHS = tuple(2**k for k in range(8, 15))  # 256 … 16384
PADDINGS = (1, 2, 4)  # n_fft は win_length の何倍か


def _window(default: str) -> Any:
    return t.Enum(WINDOWS, default).tag(sync=True)


class StftExplorer(AudioWidget):
    """STFT の窓・窓長・ホップ長・目盛りを動かし、点や帯域の音を聴く部品。

    Parameters
    ----------
    sounds : mapping of str to array_like
        名前 → 波形 ``(n_samples,)``、30 秒以下。2 チャネルなら左右の平均を分析する。
    sr : int
        標本化周波数 [Hz]。
    n_fft : int
        フレームの長さ [サンプル]。``win_length`` の 1、2、4 倍（ゼロ詰め）。
    win_length : int, optional
        窓長 [サンプル]。256 から 16384 の 2 のべき乗。省略すると ``n_fft``。
    hop_length : int, optional
        ホップ長 [サンプル]。1 以上 ``win_length`` 以下。省略すると ``win_length // 4``。
    window : str
        窓の名前。``WINDOWS`` のどれか。
    labels, credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``selected``（分析する音の名前）、``listen``（original、kept、removed）、``loop``
        - ``hop_mode``（窓長を動かしたとき保つもの。samples：ホップ長、ratio：窓長に対する割合）
        - ``scale``（amplitude、power、log、mel）、``axis``（linear、log、mel）、``db_range`` [dB]
        - ``zoom``（絵の下端と上端 [Hz]）、``band``（残す帯域の下限と上限 [Hz]）。既定はどちらも全体
        - ``point``（選んだ点 [Hz, 秒]。空なら最大の点）

    Raises
    ------
    ValueError
        音、長さの組、帯域が合わない。

    Examples
    --------
    >>> StftExplorer({"曲": y}, sr=22050, n_fft=4096, hop_length=512)  # doctest: +SKIP

    章: representations
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("stft", read_only=True).tag(sync=True)
    selected = t.Unicode("").tag(sync=True)
    window = _window("hann")
    win_length = t.Enum(WIN_LENGTHS, 2048).tag(sync=True)
    n_fft = t.Int(2048).tag(sync=True)
    hop_length = t.Int(512).tag(sync=True)
    hop_mode = t.Enum(["samples", "ratio"], "samples").tag(sync=True)
    scale = t.Enum(["amplitude", "power", "log", "mel"], "log").tag(sync=True)
    axis = t.Enum(["linear", "log", "mel"], "linear").tag(sync=True)
    db_range = t.Int(80, min=20, max=120).tag(sync=True)
    zoom = t.List(t.Float()).tag(sync=True)
    band = t.List(t.Float()).tag(sync=True)
    point = t.List(t.Float()).tag(sync=True)
    listen = t.Enum(["original", "kept", "removed"], "original").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        sounds: Mapping[str, ArrayLike],
        sr: int,
        *,
        n_fft: int = 2048,
        win_length: int | None = None,
        hop_length: int | None = None,
        window: str = "hann",
        labels: Mapping[str, str] | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        win_length = n_fft if win_length is None else win_length
        hop_length = win_length // 4 if hop_length is None else hop_length
        _check_choice("window", window, WINDOWS)
        _check_lengths(n_fft, win_length, hop_length)
        _check_nola(window, win_length, hop_length)
        traits.setdefault("selected", next(iter(sounds), ""))
        _check_choice("selected", traits["selected"], tuple(sounds) or ("",))
        for name in ("zoom", "band"):
            traits[name] = _check_band(name, traits.get(name, (0, sr / 2)), sr)
        super().__init__(
            sounds,
            sr,
            labels=labels,
            credit=credit,
            title=title,
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window=window,
            **traits,
        )

    @t.validate("zoom", "band")
    def _valid_band(self, proposal: Any) -> list[float]:
        return _check_band(proposal["trait"].name, proposal["value"], self.sr)

    @property
    def settings(self) -> dict[str, Any]:
        """いまの設定。`sstut.representations.stft` にそのまま渡せる。

        章: representations
        """
        names = ("n_fft", "win_length", "hop_length", "window")
        return {name: getattr(self, name) for name in names}

    def kept(self) -> NDArray[np.float32]:
        """いまの設定で、帯域の中だけを残して戻した音。``listen="kept"`` で聞こえる音と同じ。

        Returns
        -------
        ndarray, shape (n_samples,), float32
            波形。

        Raises
        ------
        ValueError
            長さの組が成り立たない、または NOLA が成り立たない。

        章: representations
        """
        y = np.atleast_2d(self.sound(self.selected)).mean(axis=0)
        X = representations.stft(y, **self.settings)
        hz = np.arange(X.shape[0]) * self.sr / self.n_fft
        X[(hz < self.band[0]) | (hz > self.band[1])] = 0
        result: NDArray[np.float32] = representations.istft(X, **self.settings, length=len(y))
        return result


class WindowExplorer(anywidget.AnyWidget):
    """窓の形とスペクトル、漏れ、窓の重なり（COLA と NOLA）を見て聴く部品。

    Parameters
    ----------
    **traits
        次の traits の初期値。

        - ``window``、``compare``（比べる 2 つの窓の名前。``WINDOWS`` のどれか）
        - ``frequency``（漏れを見る正弦波の周波数 [ビン]、18〜22）、``weak``（弱い音を加えるか）
        - ``hop_length``（窓長 1024 のときのホップ長 [サンプル]、64〜1024）
        - ``listen``（original、added：足すだけ、divided：割る）、``loop``
        - ``title``、``credit``

    Raises
    ------
    ValueError
        窓の名前か、値の範囲が合わない。

    章: representations
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("window", read_only=True).tag(sync=True)
    sr = t.Int(22050, read_only=True).tag(sync=True)
    window = _window("hann")
    compare = _window("boxcar")
    frequency = t.Float(20.5, min=18, max=22).tag(sync=True)
    weak = t.Bool(False).tag(sync=True)
    hop_length = t.Int(683, min=64, max=1280).tag(sync=True)
    listen = t.Enum(["original", "added", "divided"], "added").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    credit = t.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        for name in ("window", "compare"):
            if name in traits:
                _check_choice(name, traits[name], WINDOWS)
        hop_length = traits.get("hop_length", 683)
        if not 64 <= hop_length <= 1024:
            raise ValueError(f"hop_length は 64 から 1024 です（渡された値：{hop_length}）。")
        _check_nola(traits.get("window", "hann"), 1024, hop_length)
        if not 18 <= traits.get("frequency", 20) <= 22:
            raise ValueError(f"frequency は 18 から 22 です（渡された値：{traits['frequency']}）。")
        super().__init__(**traits)


class SamplingExplorer(AudioWidget):
    """標本化周波数とビット数を下げて、折り返しと量子化の雑音を見て聴く部品。

    Parameters
    ----------
    sound : array_like
        波形 ``(n_samples,)``、30 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    label : str
        音の名前。
    credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``selected``（sound：渡した音、sweep：低い音から高い音へ動く正弦波）
        - ``listen``（original、result）
        - ``factor``（標本化周波数を何分の 1 にするか。2 kHz を下回らない範囲）、``antialias``
        - ``bits``（量子化ビット数、1〜16）、``dither``
        - ``look``（波形を拡大する時刻 [秒]。負なら最も大きい音の時刻）、``loop``

    Raises
    ------
    ValueError
        音か値の範囲が合わない。

    章: representations
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("sampling", read_only=True).tag(sync=True)
    selected = t.Unicode("sound").tag(sync=True)
    factor = t.Int(1, min=1, max=24).tag(sync=True)
    antialias = t.Bool(True).tag(sync=True)
    bits = t.Int(16, min=1, max=16).tag(sync=True)
    dither = t.Bool(False).tag(sync=True)
    look = t.Float(-1.0).tag(sync=True)
    listen = t.Enum(["original", "result"], "result").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        sound: ArrayLike,
        sr: int,
        *,
        label: str = "用意した音",
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        _check_choice("selected", traits.get("selected", "sound"), ("sound", "sweep"))
        if not 1 <= traits.get("factor", 1) <= sr // 2000:
            raise ValueError(
                f"factor は 1 から {sr // 2000} です（渡された値：{traits['factor']}）。"
            )
        if not 1 <= traits.get("bits", 16) <= 16:
            raise ValueError(f"bits は 1 から 16 です（渡された値：{traits['bits']}）。")
        super().__init__(
            {"sound": sound}, sr, labels={"sound": label}, credit=credit, title=title, **traits
        )


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} は {list(allowed)} のどれかです（渡された値：{value!r}）。")


def _check_lengths(n_fft: int, win_length: int, hop_length: int) -> None:
    if win_length not in WIN_LENGTHS:
        raise ValueError(
            f"win_length は {list(WIN_LENGTHS)} のどれかです（渡された値：{win_length}）。"
        )
    if n_fft not in [p * win_length for p in PADDINGS]:
        raise ValueError(
            f"n_fft は win_length = {win_length} の 1、2、4 倍のどれかです（渡された値：{n_fft}）。"
        )
    if not 1 <= hop_length <= win_length:
        raise ValueError(
            f"hop_length は 1 以上 win_length = {win_length} 以下です（渡された値：{hop_length}）。"
        )


def _check_nola(window: str, win_length: int, hop_length: int) -> None:
    if not representations.check_nola(window, win_length, hop_length):
        raise ValueError(
            f"{window} 窓、窓長 {win_length} では NOLA が成り立つ短い hop_length が要ります。"
            f"窓の端は 0 なので、重ならないと戻せないからです（渡された値：{hop_length}）。"
        )


def _check_band(name: str, band: Any, sr: int) -> list[float]:
    edges = [float(v) for v in band]
    if len(edges) != 2 or not 0 <= edges[0] < edges[1] <= sr / 2:
        raise ValueError(
            f"{name} は 0 以上 sr / 2 = {sr / 2:g} 以下の [下限, 上限] です（渡された値：{band}）。"
        )
    return edges
