"""音を作る部品：曲の設計、音の素（パルス列、倍音、雑音）、時間の上に並べる道具。

音は種 (seed) だけで決まる。同じ種の歌と伴奏は、同じ曲（調、テンポ、和音）になる。
領域 A は学習と評価に、領域 B（ほかの音色と残響）は「学習になかった音」での評価に使う。

章: mixing
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from sstut import _validate

Array: TypeAlias = NDArray[Any]

DOMAINS = ("A", "B")
STREAMS = ("tune", "vocals", "drums", "bass", "other", "accompaniment", "speech", "pair")
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "pentatonic": (0, 2, 4, 7, 9),
}
LEVEL = 0.1  # できた音の RMS
A4 = 69  # 440 Hz の MIDI ノート番号


@dataclass(frozen=True)
class Tune:
    """曲の設計。歌も伴奏も、これに合わせて作る。

    Attributes
    ----------
    key : int
        主音。ハ (C) から数えた半音の数 0〜11
    scale : str
        音階の名前。`SCALES` の鍵
    tempo : float
        1 分あたりの拍数 (BPM)
    chords : tuple of int
        くり返す和音の進行。2 拍ごとの根音を、音階の何番目の音か（0 が主音）で表す

    章: mixing
    """

    key: int
    scale: str
    tempo: float
    chords: tuple[int, ...]

    @property
    def beat(self) -> float:
        """1 拍の長さ [秒]。"""
        return 60 / self.tempo

    def pitch(self, degree: int) -> int:
        """音階の degree 番目の音の、ハ (C) から数えた半音の数。"""
        octave, step = divmod(int(degree), len(SCALES[self.scale]))
        return self.key + SCALES[self.scale][step] + 12 * octave


def compose(seed: int) -> Tune:
    """曲の設計を、種から決める。

    Parameters
    ----------
    seed : int
        種。0 以上の整数

    Returns
    -------
    Tune
        調、音階、テンポ（85〜150 BPM）、2 個か 4 個の和音

    Raises
    ------
    ValueError
        種が 0 以上の整数でないとき

    Examples
    --------
    >>> compose(7) == compose(7)
    True

    章: mixing
    """
    rng = stream(seed, "tune")
    scale = str(rng.choice(list(SCALES)))
    chords = rng.integers(0, len(SCALES[scale]), rng.choice([2, 4]))
    return Tune(
        key=int(rng.integers(0, 12)),
        scale=scale,
        tempo=float(rng.uniform(85, 150)),
        chords=tuple(int(c) for c in chords),
    )


def stream(seed: int, name: str) -> np.random.Generator:
    """種と名前から乱数を作る。名前ごとに独立なので、ドラムを作らなくてもベースは変わらない。"""
    return np.random.default_rng([STREAMS.index(name), _validate.non_negative_int(seed, "seed")])


def check_sound(sr: int, duration: float, domain: str) -> int:
    """音を作る引数を確かめ、サンプル数を返す。"""
    sr = _validate.positive_int(sr, "sr")
    duration = _validate.positive_number(duration, "duration")
    if not 8000 <= sr <= 48000:
        raise ValueError(f"sr は 8000〜48000 Hz にしてください（{sr} が来ました）。")
    if domain not in DOMAINS:
        raise ValueError(f"domain は 'A' か 'B' にしてください（{domain!r} が来ました）。")
    return max(1, round(sr * duration))


# ---- 音の素 ----------------------------------------------------------------------------


def hertz(pitch: Any) -> Any:
    """MIDI ノート番号を周波数 [Hz] に直す。"""
    return 440 * 2 ** ((np.asarray(pitch) - A4) / 12)


def pulse_train(f0: Array, sr: int) -> Array:
    """声帯のパルス列：基本周波数 f0 [Hz] の倍音を、同じ振幅で Nyquist 周波数の手前まで足す。

    倍音は何十本もあるが、余弦の和の公式を使えば、1 本ずつ足さなくてよい::

        Σ_{k=1}^{K} cos kθ = sin((K + 1/2) θ) / (2 sin(θ/2)) − 1/2

    音が高くなって倍音が 1 本減るときに「プチ」と鳴らないよう、いちばん上の 1 本は少しずつ弱める。
    """
    theta = np.cumsum(f0) * (2 * np.pi / sr)
    theta = (theta - 2 * np.pi * np.round(theta / (2 * np.pi))).astype(np.float32)
    theta = np.where(np.abs(theta) < 1e-5, np.float32(1e-5), theta)  # 0 割りを避ける
    count = (0.46 * sr / f0).astype(np.float32)  # 入る倍音の数（小数）
    whole = np.floor(count)
    pulses = np.sin((whole + 0.5) * theta) / (2 * np.sin(theta / 2)) - 0.5
    top = (count - whole) * np.cos((whole + 1) * theta)
    return np.asarray(pulses + top, dtype=np.float32)


def harmonic_tone(theta: Array, brightness: Any) -> Array:
    """位相 theta の倍音の和 Σ r^{k−1} sin kθ。明るさ r（0 以上 1 未満）が大きいほど高い倍音が強い。

    等比数列なので、和は 1 つの式になる。r を時間とともに小さくすると、弾いた弦のように丸くなる。
    """
    r = brightness
    return np.asarray(np.sin(theta) / (1 - 2 * r * np.cos(theta) + r * r))


def odd_tone(theta: Array, brightness: Any) -> Array:
    """奇数の倍音だけの和 Σ r^k sin (2k+1)θ。クラリネットや矩形波に近い音になる。"""
    r = brightness
    return np.asarray((1 + r) * np.sin(theta) / (1 - 2 * r * np.cos(2 * theta) + r * r))


def band_shape(frequencies: Array, low: float, high: float, slope: float = 300.0) -> Array:
    """low〜high [Hz] を通し、外側はなだらかに（正規分布の形で）弱める重み。"""
    outside = np.maximum(low - frequencies, 0) + np.maximum(frequencies - high, 0)
    return np.asarray(np.exp(-0.5 * (outside / slope) ** 2))


def band_noise(rng: np.random.Generator, n: int, low: float, high: float, sr: int) -> Array:
    """low〜high [Hz] の雑音。RMS は 1。"""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= band_shape(np.fft.rfftfreq(n, 1 / sr), low, high)
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / (noise.std() + 1e-12))


# ---- 時間の上に並べる ------------------------------------------------------------------


def smooth(x: Array, seconds: float, rate: float) -> Array:
    """1 次の低域通過。値の変わり目が、時定数 seconds でなめらかになる。"""
    a = np.exp(-1 / (seconds * rate))
    return np.asarray(scipy.signal.lfilter([1 - a], [1, -a], x, zi=[a * x[0]])[0])


def wander(rng: np.random.Generator, n: int, seconds: float, rate: float) -> Array:
    """時定数 seconds でゆっくり揺れる乱数。標準偏差は 1。"""
    a = np.exp(-1 / (seconds * rate))
    return np.asarray(smooth(rng.standard_normal(n), seconds, rate) * np.sqrt((1 + a) / (1 - a)))


def place(y: Array, sound: Array, onset: float, sr: int) -> None:
    """時刻 onset [秒] から sound を y に足す。はみ出す分は捨てる。"""
    start = round(onset * sr)
    if 0 <= start < len(y):
        end = min(start + len(sound), len(y))
        y[start:end] += sound[: end - start]


def reverberate(rng: np.random.Generator, y: Array, sr: int, seconds: float = 0.35) -> Array:
    """指数的に減る雑音を部屋の響きとみなして畳み込む（領域 B）。"""
    n = round(seconds * sr)
    # 標本化周波数が高いほど反射の本数が増えるので、響きのエネルギーが変わらないように弱める
    room = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n) * 0.08 * np.sqrt(8000 / sr)
    room[0] = 1
    return np.asarray(scipy.signal.fftconvolve(y, room)[: len(y)])


def finish(y: Array) -> Array:
    """直流を除き、RMS を `LEVEL` にそろえて float32 にする。"""
    y = y - y.mean()
    return np.asarray(LEVEL * y / (np.sqrt(np.mean(y * y)) + 1e-9), dtype=np.float32)
