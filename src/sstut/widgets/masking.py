"""マスクを塗り、しきい値や正解から作り、その音を聴く部品。"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.representations import check_nola
from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_audio,
    check_points,
    check_range,
    check_sources,
    checked,
)

MIXTURE = "混合音"  # 部品の中での混合音の名前。ほかの音はすべて正解の音源
MAX_POINTS = 4_000_000  # 時間周波数点の数の上限。塗る速さと、端末の記憶を守る
WINDOWS = ("boxcar", "hann", "hamming", "blackman", "blackmanharris", "bartlett")
LEVELS = 65535  # マスクは 0〜1 を 16 ビットで運ぶ。丸めの誤差は 1 / 131070 以下
CHOICES = {
    "tool": ("paint", "threshold", "oracle"),
    "brush": ("brush", "harmonic", "rectangle", "band"),
    "kind": ("ibm", "ratio", "psm"),
    "listen": ("mixture", "masked", "rest"),
}
RANGES = {
    "value": (0.0, 1.0),
    "size": (4.0, 80.0),
    "threshold_db": (-80.0, 0.0),
    "exponent": (0.25, 32.0),
    "snr_db": (-20.0, 20.0),
}
_CSS = Path(__file__).resolve().parent / "css"


class MaskExplorer(AudioWidget):
    """スペクトログラムの上でマスクを作り、通した音と残りの音を聴く部品。

    Parameters
    ----------
    mixture : (n_samples,) か (2, n_samples)
        混合音、30 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    sources : mapping of str to array_like, optional
        画面に出す名前 → 正解の音源（mixture と同じ長さ）。渡すと理想マスクと SI-SDR を使える。
    n_fft, hop_length : int
        窓の長さ（2 のべき乗、64〜16384）とフレームの間隔 [サンプル]。
    window : str
        窓の名前。`WINDOWS` のどれか。
    mask : (n_freq, n_frames), optional
        はじめのマスク、0〜1。省略するとすべて通す。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``tool``（"paint"、"threshold"、"oracle"）、``listen``（"mixture"、"masked"、"rest"）
        - 塗る：``brush``（"brush"、"harmonic"、"rectangle"、"band"）、``value``（0〜1）、
          ``size``（太さ、4〜80）、``snap``（倍音のブラシを強い倍音に寄せるか）
        - しきい値：``threshold_db``（最大の点を 0 dB とする、-80〜0）、``above``（以上を通すか）
        - 理想マスク：``source``（音源の名前）、``kind``（"ibm"、"ratio"、"psm"）、
          ``exponent``（"ratio" の p。1 は IRM、2 はウィーナー）、``snr_db``（"ibm" のしきい値）
        - ``matched``（音量をそろえるか）、``loop``、``max_khz``（見せる上限 [kHz]、0 は全部）

    Raises
    ------
    ValueError
        音、マスクの形と値、STFT の設定、traits の値が合わない。

    Notes
    -----
    マスクは 0〜65535 の整数で運ぶので、`mask` で読む値の誤差は 1/131070 以下。0 と 1 は正確。
    ``kind="psm"`` は 0〜1 に切りつめたもの（``phase_sensitive_mask(…, clip=(0, 1))``）。
    しきい値や理想マスクの traits は、``tool`` がそれを指しているときに変えると、すぐマスクになる。

    章: masking
    """

    _esm: ClassVar[str] = bundle("masking.js")
    _css: ClassVar[str] = "\n".join(
        (_CSS / name).read_text("utf-8") for name in ("widgets.css", "masking.css")
    )

    n_fft = t.Int(2048).tag(sync=True)
    hop_length = t.Int(512).tag(sync=True)
    window = t.Unicode("hann").tag(sync=True)
    n_frames = t.Int(0).tag(sync=True)  # 読者が自分の音に替えると変わる
    # uint16、(n_frames, n_freq) の順。空ならすべて通す。画面からは memoryview で届く
    mask_data = t.Bytes(b"").tag(sync=True, from_json=lambda data, _widget: bytes(data))
    tool = t.Unicode("paint").tag(sync=True)
    brush = t.Unicode("brush").tag(sync=True)
    size = t.Float(20.0).tag(sync=True)  # ブラシの直径 [CSS px]
    value = t.Float(1.0).tag(sync=True)
    snap = t.Bool(True).tag(sync=True)  # 倍音のブラシを、近くの強い倍音の列に合わせるか
    threshold_db = t.Float(-30.0).tag(sync=True)
    above = t.Bool(True).tag(sync=True)
    source = t.Unicode("").tag(sync=True)
    kind = t.Unicode("ratio").tag(sync=True)
    exponent = t.Float(1.0).tag(sync=True)
    snr_db = t.Float(0.0).tag(sync=True)
    listen = t.Unicode("masked").tag(sync=True)
    matched = t.Bool(False).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)
    max_khz = t.Int(4).tag(sync=True)

    def __init__(
        self,
        mixture: ArrayLike,
        sr: int,
        *,
        sources: Mapping[str, ArrayLike] | None = None,
        n_fft: int = 2048,
        hop_length: int = 512,
        window: str = "hann",
        mask: ArrayLike | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        mono = check_audio(mixture, sr, "mixture").mean(axis=0)
        audio = {MIXTURE: mono} | _check_sources(sources or {}, mono.size, sr)
        n_frames = _check_stft(n_fft, hop_length, window, mono.size)
        data = b"" if mask is None else _pack(mask, (n_fft // 2 + 1, n_frames))
        names = list(audio)[1:]
        traits.setdefault("source", names[0] if names else "")
        for name, given in traits.items():
            _check_trait(name, given, names)
        super().__init__(
            audio,
            sr,
            credit=credit,
            title=title,
            n_fft=n_fft,
            hop_length=hop_length,
            window=window,
            n_frames=n_frames,
            mask_data=data,
            **traits,
        )

    @property
    def mask(self) -> NDArray[np.float32]:
        """いまのマスク ``(n_freq, n_frames)``、float32。代入すると部品が描きなおし、音も変わる。

        章: masking
        """
        n_freq = self.n_fft // 2 + 1
        if not self.mask_data:
            return np.ones((n_freq, self.n_frames), np.float32)
        levels = np.frombuffer(self.mask_data, "<u2").reshape(-1, n_freq)
        return np.ascontiguousarray(levels.T, dtype=np.float32) / np.float32(LEVELS)

    @mask.setter
    def mask(self, value: ArrayLike) -> None:
        self.mask_data = _pack(value, (self.n_fft // 2 + 1, self.n_frames))

    @t.validate(*CHOICES, *RANGES, "source", "max_khz")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check_trait, proposal, self.names[1:])


def _pack(mask: ArrayLike, shape: tuple[int, int]) -> bytes:
    """マスク ``(n_freq, n_frames)`` を確かめ、フレームの順に並べた uint16 の列にする。"""
    values = np.asarray(mask)
    if values.dtype.kind not in "bfiu":
        raise ValueError(f"mask は実数の配列にしてください（渡された型：{values.dtype}）。")
    if values.shape != shape:
        raise ValueError(
            f"mask の形は (n_freq, n_frames) = {shape} にしてください"
            f"（渡された形：{values.shape}）。"
        )
    values = values.astype(np.float64)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"mask に NaN か無限大が {np.sum(~np.isfinite(values))} 個あります。")
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"mask の値は 0 以上 1 以下にしてください"
            f"（渡された範囲：{values.min():.3g}〜{values.max():.3g}）。"
        )
    return np.ascontiguousarray(np.round(values * LEVELS).T, dtype="<u2").tobytes()


def _check_sources(
    sources: Mapping[str, ArrayLike], n_samples: int, sr: float
) -> dict[str, NDArray[np.float32]]:
    """正解の音源を 1 チャネルにし、混合音と長さが同じことを確かめる。"""
    if MIXTURE in sources:
        raise ValueError(f"sources の名前に「{MIXTURE}」は使えません。")
    if len(sources) == 1:
        raise ValueError("sources には 2 つ以上の音源を渡してください（取り出す音と、ほかの音）。")
    return check_sources(sources, sr, "sources", n_samples, "mixture")


def _check_stft(n_fft: int, hop_length: int, window: str, n_samples: int) -> int:
    """STFT の設定を確かめ、フレームの数を返す。"""
    if n_fft not in [2**k for k in range(6, 15)]:
        raise ValueError(
            f"n_fft は 64 から 16384 の 2 のべき乗にしてください（渡された値：{n_fft}）。"
        )
    if window not in WINDOWS:
        raise ValueError(f"window は {WINDOWS} のどれかにしてください（渡された値：{window!r}）。")
    if not isinstance(hop_length, int) or not 1 <= hop_length <= n_fft:
        raise ValueError(
            f"hop_length は 1 から n_fft = {n_fft} の整数にしてください"
            f"（渡された値：{hop_length}）。"
        )
    if not check_nola(window, n_fft, hop_length):
        raise ValueError(
            f"window = {window!r}、hop_length = {hop_length} では、どの窓にも覆われない時刻があり、"
            "波形に戻せません（NOLA 条件）。hop_length を小さくしてください。"
        )
    n_frames = 1 + n_samples // hop_length
    check_points(n_fft, n_frames, MAX_POINTS)
    return n_frames


def _check_trait(name: str, value: Any, sources: list[str]) -> None:
    """操作の traits の値を確かめる。"""
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(
            f"{name} は {CHOICES[name]} のどれかにしてください（渡された値：{value!r}）。"
        )
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    if name == "source" and value not in (sources or [""]):
        raise ValueError(f"{value!r} という音源はありません。あるのは {sources} です。")
    if name == "max_khz" and value not in (0, 2, 4, 8):
        raise ValueError(
            f"max_khz は 0（全部）、2、4、8 のどれかにしてください（渡された値：{value}）。"
        )
