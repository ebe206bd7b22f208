"""音を扱う部品の土台：音の詰め方、入力の検査、まとめた JavaScript。

新しい部品は `AudioWidget` を継ぎ、``_esm = bundle("<名前>.js")`` と自分の traits を足す。
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut._loudness import level_match, loudness
from sstut.widgets._bundle import bundle, bundle_files

__all__ = ["AudioWidget", "Encoded", "bundle", "bundle_files", "decode", "encode"]
__all__ += ["level_match", "loudness"]

MAX_SECONDS = 30.0  # 1 つの音の長さの上限 [秒]。ページの重さを守る
MAX_ABS = 8.0  # 振幅がこれを超えたら、整数のまま渡されたと見なす
_CSS = Path(__file__).resolve().parent / "css" / "widgets.css"


class Encoded(NamedTuple):
    """部品に渡す形にした音。

    ``data`` は int16（リトルエンディアン）で、チャネルごとに続けて並ぶ（LLL…RRR…）。
    波形は ``int16 / 32768 * scale`` で元に戻る。
    """

    data: bytes
    n_channels: int
    scale: float


def check_audio(y: ArrayLike, sr: float, name: str = "y", max_seconds: float = MAX_SECONDS) -> Any:
    """部品に渡せる音かどうかを確かめ、``(n_channels, n_samples)`` の float32 にする。

    Parameters
    ----------
    y : array_like, shape (n_samples,) or (n_channels, n_samples)
        波形。チャネルは 1 または 2、値は実数の小数で、ふつう -1 から 1。
    sr : float
        標本化周波数 [Hz]。8000 以上 48000 以下。
    name : str
        エラーに書く名前。
    max_seconds : float
        長さの上限 [秒]。

    Returns
    -------
    ndarray, shape (n_channels, n_samples), float32
        検査した波形。

    Raises
    ------
    ValueError
        空、NaN、次元・型・長さ・大きさが合わない。

    章: index
    """
    x = np.asarray(y)
    if x.dtype.kind != "f":
        raise ValueError(
            f"{name} は -1 から 1 の小数の波形にしてください（渡された型：{x.dtype}）。"
            "int16 なら 32768 で割ります。"
        )
    if x.ndim not in (1, 2) or (x.ndim == 2 and x.shape[0] not in (1, 2)):
        raise ValueError(
            f"{name} の形は (n_samples,) か (1 または 2, n_samples) にしてください"
            f"（渡された形：{x.shape}）。"
        )
    if not 8000 <= sr <= 48000:
        raise ValueError(f"sr は 8000 から 48000 [Hz] にしてください（渡された値：{sr}）。")
    if x.size == 0:
        raise ValueError(f"{name} が空です。1 サンプル以上の波形を渡してください。")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{name} に NaN か無限大が {np.sum(~np.isfinite(x))} 個あります。")
    if x.shape[-1] > max_seconds * sr:
        raise ValueError(
            f"{name} は {x.shape[-1] / sr:.1f} 秒あります。"
            f"部品に渡せるのは {max_seconds:g} 秒までです。"
        )
    if np.max(np.abs(x)) > MAX_ABS:
        raise ValueError(
            f"{name} の振幅が {np.max(np.abs(x)):.3g} あります。-1 から 1 の波形を渡してください。"
        )
    return np.atleast_2d(x).astype(np.float32)


def check_mono(
    y: ArrayLike, sr: float, name: str, max_seconds: float = MAX_SECONDS
) -> NDArray[np.float32]:
    """渡せる音で、無音でないことを確かめ、チャネルを平均した ``(n_samples,)`` にする。"""
    mono: NDArray[np.float32] = check_audio(y, sr, name, max_seconds).mean(axis=0)
    check_sounding(name, mono)
    return mono


def check_sounding(name: str, wave: NDArray[Any]) -> None:
    """無音（16 bit の整数で、すべて 0 になる音）を断る。"""
    if not np.any(np.abs(wave) > 0.5 / 32768):
        raise ValueError(f"{name} が無音です。鳴っている音を渡してください。")


def check_length(name: str, n_samples: int, wanted: int, other: str) -> None:
    """波形の長さが、`other` の長さ `wanted` と同じことを確かめる。"""
    if n_samples != wanted:
        raise ValueError(f"{name} の長さ {n_samples} が {other} の長さ {wanted} と違います。")


def check_sources(
    sources: Mapping[str, ArrayLike], sr: float, argument: str, wanted: int, other: str
) -> dict[str, NDArray[np.float32]]:
    """引数 `argument` の波形を 1 チャネルにし、`other` の長さ `wanted` と同じことを確かめる。"""
    checked = {}
    for name, y in sources.items():
        x = check_audio(y, sr, f"{argument}[{name!r}]").mean(axis=0)
        check_length(f"{argument}[{name!r}]", x.size, wanted, other)
        checked[name] = x
    return checked


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """値が、選べるもののどれかであることを確かめる。"""
    if value not in allowed:
        raise ValueError(
            f"{name} は {list(allowed)} のどれかにしてください（渡された値：{value!r}）。"
        )


def check_range(name: str, value: Any, low: float, high: float) -> None:
    """値が範囲に入ることを確かめる。"""
    if not low <= value <= high:
        raise ValueError(
            f"{name} は {low:.4g} 以上 {high:.4g} 以下にしてください（渡された値：{value}）。"
        )


def check_points(n_fft: int, n_frames: int, limit: int) -> None:
    """時間周波数点の数が上限に収まることを確かめる。"""
    n_points = n_frames * (n_fft // 2 + 1)
    if n_points > limit:
        raise ValueError(
            f"時間周波数点が {n_points:,} 個あり、上限 {limit:,} を超えます。"
            "音を短くするか、hop_length を大きくしてください。"
        )


class TraitValueError(ValueError, t.TraitError):
    """traits の値が合わない。TraitError でもあるので、まとめて変えている途中なら元に戻る。"""


def checked(check: Callable[..., None], proposal: Any, *args: Any) -> Any:
    """Traits に代入された値を `check(名前, 値, *args)` で確かめて返す（`t.validate` の中身）。"""
    try:
        check(proposal["trait"].name, proposal["value"], *args)
    except ValueError as error:
        raise TraitValueError(str(error)) from None
    return proposal["value"]


def encode(y: ArrayLike, sr: float = 22050, name: str = "y") -> Encoded:
    """波形を int16 の列にする。

    Parameters
    ----------
    y : array_like, shape (n_samples,) or (n_channels, n_samples)
        波形。
    sr : float
        標本化周波数 [Hz]。長さの検査に使う。
    name : str
        エラーに書く名前。

    Returns
    -------
    Encoded
        `decode` で元に戻せる。誤差は ``scale / 65536`` 以下（+1.0 の近くだけは
        ``scale / 32768`` 以下）。

    Raises
    ------
    ValueError
        `check_audio` を参照。

    Notes
    -----
    振幅が 1 を超える音は切りつめず、``scale`` を 2 のべき乗にして全体を縮めて運ぶ。
    分離の推定信号は 1 を少し超えることがあり、切りつめると別の音になるからである。

    章: index
    """
    x = check_audio(y, sr, name).astype(np.float64)
    peak = float(np.max(np.abs(x)))
    scale = 1.0 if peak <= 1 else float(2 ** np.ceil(np.log2(peak)))
    q = np.clip(np.round(x / scale * 32768), -32768, 32767).astype("<i2")
    return Encoded(q.tobytes(), x.shape[0], scale)


def decode(encoded: Encoded) -> NDArray[np.float32]:
    """`encode` の逆。

    Parameters
    ----------
    encoded : Encoded
        int16 の列と、チャネル数、倍率。

    Returns
    -------
    ndarray, shape (n_samples,) or (2, n_samples), float32
        波形。1 チャネルなら 1 次元。

    章: index
    """
    x = np.frombuffer(encoded.data, "<i2").reshape(encoded.n_channels, -1)
    y = (x.astype(np.float32) * np.float32(encoded.scale / 32768)).astype(np.float32)
    return y[0] if encoded.n_channels == 1 else y


class AudioWidget(anywidget.AnyWidget):
    """音を持つ部品の土台。

    Parameters
    ----------
    audio : mapping of str to array_like
        名前 → 波形 ``(n_samples,)`` または ``(2, n_samples)``。並び順がそのまま表示の順になる。
    sr : int
        標本化周波数 [Hz]。すべての音に共通。
    labels : mapping of str to str, optional
        名前 → 画面に出す日本語。なければ名前をそのまま出す。
    credit : str
        音の出どころとライセンスの 1 行。部品の下に小さく出る。
    title : str
        部品の見出し。読み上げソフトもこの名前で呼ぶ。
    **traits
        子クラスの traits の初期値。

    Raises
    ------
    ValueError
        音が 1 つもない、または `check_audio` を通らない。

    章: index
    """

    _css: ClassVar[Path | str] = _CSS.read_text("utf-8")

    names = t.List(t.Unicode()).tag(sync=True)  # 表示の順
    audio = t.Dict(key_trait=t.Unicode(), value_trait=t.Bytes()).tag(sync=True)
    packing = t.Dict().tag(sync=True)  # 名前 → [チャネル数, scale]
    labels = t.Dict(key_trait=t.Unicode(), value_trait=t.Unicode()).tag(sync=True)
    sr = t.Int(22050).tag(sync=True)
    credit = t.Unicode("").tag(sync=True)
    title = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        audio: Mapping[str, ArrayLike],
        sr: int,
        *,
        labels: Mapping[str, str] | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        if not audio:
            raise ValueError("audio に音が 1 つもありません。{名前: 波形} の辞書を渡してください。")
        unknown = set(labels or {}) - set(audio)
        if unknown:
            raise ValueError(f"labels の {sorted(unknown)} にあたる音が audio にありません。")
        packed = {name: encode(y, sr, f"audio[{name!r}]") for name, y in audio.items()}
        super().__init__(
            names=list(packed),
            audio={n: e.data for n, e in packed.items()},
            packing={n: [e.n_channels, e.scale] for n, e in packed.items()},
            labels={n: (labels or {}).get(n, n) for n in packed},
            sr=int(sr),
            credit=credit,
            title=title,
            **traits,
        )

    def sound(self, name: str) -> NDArray[np.float32]:
        """部品が持っている音。JavaScript が鳴らすのと同じ値（int16 に丸めたあと）。

        Parameters
        ----------
        name : str
            音の名前。

        Returns
        -------
        ndarray, shape (n_samples,) or (2, n_samples), float32
            波形。

        Raises
        ------
        ValueError
            その名前の音がない。

        章: index
        """
        if name not in self.audio:
            raise ValueError(f"{name!r} という音はありません。あるのは {self.names} です。")
        return decode(Encoded(self.audio[name], *self.packing[name]))
