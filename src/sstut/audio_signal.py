"""音の入れ物 `AudioSignal`：波形、標本化周波数、STFT の設定を 1 つにまとめて持ち運ぶ。

信号処理は、ほかの章の関数（`stft`、`apply_mask`、`resample` など）をそのまま使う。入れ物が守るのは
次の 3 つである。

1. **波形だけが本物**：STFT はいつも波形から計算する。波形と食い違うスペクトログラムは残らない。
2. **書き換えない**：どの操作も新しい `AudioSignal` を返し、元の音は変わらない。
3. **黙って直さない**：標本化周波数、長さ、チャネル数の違う音は混ぜず、何が違うかを言って断る。
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate, masking, representations
from sstut._loudness import loudness
from sstut.data.audio import load_audio, save_audio

if TYPE_CHECKING:
    from sstut.widgets.player import Player

Array = NDArray[Any]
SILENCE_DB = -120.0  # 対数スペクトログラムで、0 の点に付ける値 [dB]


@dataclass(frozen=True)
class StftParams:
    """STFT の設定。`stft` と `istft` の引数と同じ名前と意味をもつ。

    章: audio_signal
    """

    n_fft: int = 2048
    hop_length: int = 512
    win_length: int | None = None
    window: str = "hann"

    def __post_init__(self) -> None:
        win_length = self.win_length or self.n_fft
        _validate.frame_lengths(self.n_fft, self.win_length, self.hop_length)
        if not representations.check_nola(self.window, win_length, self.hop_length):
            raise ValueError(
                f"{self} では、STFT から音に戻せません。hop_length を短くしてください。"
            )

    @property
    def kwargs(self) -> dict[str, Any]:
        """`stft` に渡す引数の辞書。"""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class AudioSignal:
    """波形と標本化周波数を、STFT の設定とともに持つ、書き換えられない入れ物。

    Parameters
    ----------
    source : str, Path, AudioSignal, (n_samples,) か (n_channels, n_samples) の配列
        音のファイル、別の `AudioSignal`、または float32 / float64 の波形。配列は写しをとる。
    sample_rate : int, optional
        標本化周波数 [Hz]。配列なら必ず要る。ファイルなら、その周波数に変えてから入れる。
    stft_params : StftParams, optional
        STFT の設定。省くと、元の `AudioSignal` の設定か、既定値。
    label : str
        名前。ファイルなら、省くとファイル名になる。
    offset, duration : float, optional
        ファイルの一部だけを読むときの、始まりと長さ [秒]。

    Raises
    ------
    ValueError
        波形が空、整数、非有限のとき。3 次元以上のとき。チャネルがサンプルより多いとき
        （軸の取り違え）。sample_rate がないとき。

    Examples
    --------
    >>> tone = AudioSignal(np.sin(0.05 * np.arange(44100)), 44100)
    >>> tone
    <AudioSignal 1 チャネル × 44100 サンプル、44100 Hz、1.000 秒>
    >>> quiet = 0.5 * tone
    >>> len(quiet), quiet.stft_data.shape
    (44100, (1, 1025, 87))

    章: audio_signal
    """

    __hash__ = None  # type: ignore[assignment]  # == が値を比べるので、辞書の鍵にはしない
    __array_ufunc__ = None  # np.float32(0.5) * signal も __rmul__ に任せる

    def __init__(
        self,
        source: str | Path | ArrayLike | AudioSignal,
        sample_rate: int | None = None,
        *,
        stft_params: StftParams | None = None,
        label: str = "",
        offset: float = 0.0,
        duration: float | None = None,
    ) -> None:
        if isinstance(source, AudioSignal):
            _only_for_files(offset, duration)
            if sample_rate not in (None, source.sample_rate):
                raise ValueError(
                    f"{source.sample_rate} Hz の音です（sample_rate={sample_rate} が来ました）。"
                    "変えるには resample を使ってください。"
                )
            data, rate = source.audio_data, source.sample_rate
            stft_params = stft_params or source.stft_params
            label = label or source.label
        elif isinstance(source, str | Path):
            data, rate = load_audio(source, sr=sample_rate, start=offset, duration=duration)
            label = label or Path(source).name
        else:
            _only_for_files(offset, duration)
            if sample_rate is None:
                raise ValueError("波形には sample_rate（標本化周波数 [Hz]）が要ります。")
            data, rate = _waveform(source), _validate.positive_int(sample_rate, "sample_rate")
        self._data = _locked(data)
        self._sample_rate = rate
        self._stft_params = stft_params or StftParams()
        self.label: str = label

    # ---- 形と時間 ----------------------------------------------------------------------

    @property
    def audio_data(self) -> Array:
        """波形 `(n_channels, n_samples)`。書き換えられない。直すには、写しから作りなおす。"""
        return self._data

    @property
    def sample_rate(self) -> int:
        """標本化周波数 [Hz]。"""
        return self._sample_rate

    @property
    def stft_params(self) -> StftParams:
        """STFT の設定。変えるには `with_stft_params`。"""
        return self._stft_params

    @property
    def n_channels(self) -> int:
        """チャネルの数。"""
        return int(self._data.shape[0])

    @property
    def n_samples(self) -> int:
        """1 チャネルのサンプル数。`len()` と同じ。"""
        return int(self._data.shape[1])

    @property
    def duration(self) -> float:
        """長さ [秒]。"""
        return self.n_samples / self.sample_rate

    @property
    def times(self) -> Array:
        """サンプルの時刻 [秒]、`(n_samples,)`。最後は `duration` より 1 サンプル手前。"""
        return np.arange(self.n_samples) / self.sample_rate

    @property
    def frame_times(self) -> Array:
        """STFT のフレームの中央の時刻 [秒]、`(n_frames,)`。"""
        params = self._stft_params
        span = self.n_samples + 2 * (params.n_fft // 2) - params.n_fft  # 奇数の窓では 1 だけ短い
        frames = np.arange(1 + span // params.hop_length)
        return frames * params.hop_length / self.sample_rate

    @property
    def frequencies(self) -> Array:
        """周波数ビンの中央の周波数 [Hz]、`(n_freq,)`。"""
        return np.fft.rfftfreq(self._stft_params.n_fft, 1 / self.sample_rate)

    # ---- STFT --------------------------------------------------------------------------

    @cached_property
    def stft_data(self) -> Array:
        """STFT `(n_channels, n_freq, n_frames)`。初めて使うときに計算し、書き換えられない。"""
        return _locked(self.stft(), copy=False)

    def stft(self) -> Array:
        """STFT `(n_channels, n_freq, n_frames)` を計算する。値は `representations.stft` と同じ。"""
        return representations.stft(self._data, **self._stft_params.kwargs)

    def istft(self, stft_data: ArrayLike) -> AudioSignal:
        """STFT `(n_channels, n_freq, n_frames)` を、この音と同じ長さの `AudioSignal` に戻す。"""
        S = np.asarray(stft_data)
        shape = (len(self.frequencies), len(self.frame_times))
        if S.shape[-2:] != shape:
            raise ValueError(
                f"STFT の形は (…, {shape[0]}, {shape[1]}) にしてください（{S.shape} が来ました）。"
            )
        y = representations.istft(S, **self._stft_params.kwargs, length=self.n_samples)
        return self._like(y)

    def with_stft_params(
        self, stft_params: StftParams | None = None, **changes: Any
    ) -> AudioSignal:
        """STFT の設定だけを変えた音（例：`signal.with_stft_params(n_fft=4096)`）。"""
        signal = self._like(self._data)
        signal._stft_params = replace(stft_params or self._stft_params, **changes)
        return signal

    @property
    def magnitude_spectrogram_data(self) -> Array:
        """振幅スペクトログラム `abs(STFT)`。"""
        return representations.magnitude(self.stft_data)

    @property
    def power_spectrogram_data(self) -> Array:
        """パワースペクトログラム `abs(STFT)**2`。"""
        return representations.power(self.stft_data)

    @property
    def log_magnitude_spectrogram_data(self) -> Array:
        """対数振幅スペクトログラム [dB]。振幅 1 が 0 dB、下限は −120 dB。"""
        return representations.amplitude_to_db(
            self.magnitude_spectrogram_data, amin=10 ** (SILENCE_DB / 20), top_db=None
        )

    def apply_mask(self, mask: ArrayLike) -> AudioSignal:
        """マスク `(n_freq, n_frames)` か `(n_channels, n_freq, n_frames)` を掛けた音。

        2 次元のマスクは、どのチャネルにも同じように掛かる。
        """
        mask = np.asarray(mask)
        if mask.shape not in (self.stft_data.shape[-2:], self.stft_data.shape):
            raise ValueError(
                f"マスクの形は {self.stft_data.shape[-2:]} か {self.stft_data.shape} に"
                f"してください（{mask.shape} が来ました）。"
            )
        channels = np.broadcast_to(mask, self.stft_data.shape)[np.newaxis]
        return self.istft(masking.apply_mask(channels, self.stft_data)[0])

    def ipd_ild_features(self, first: int = 0, second: int = 1) -> tuple[Array, Array]:
        """2 つのチャネルの位相差 (IPD) [ラジアン] とレベル差 (ILD) [dB]。

        Returns
        -------
        ipd, ild : (n_freq, n_frames)
            `first` から見た `second` の、位相の進み（−π〜π）と大きさ。どちらかが 0 の点では、
            位相差は 0、レベル差は ±∞（両方 0 なら 0）。
        """
        if self.n_channels < 2:
            raise ValueError("位相差とレベル差には、2 つ以上のチャネルが要ります。")
        a, b = self.stft_data[self._channel(first)], self.stft_data[self._channel(second)]
        near, far = np.abs(a), np.abs(b)
        with np.errstate(divide="ignore", invalid="ignore"):
            ild = 20 * np.log10(far / near)
        return np.angle(b * np.conj(a)), np.where((near == 0) & (far == 0), 0, ild)

    # ---- 大きさ ------------------------------------------------------------------------

    def rms(self) -> Array:
        """チャネルごとの実効値 `(n_channels,)`。"""
        power: Array = np.mean(self._data.astype(np.float64) ** 2, axis=-1)
        return np.sqrt(power)

    def loudness(self) -> float:
        """ラウドネス [LUFS]（ITU-R BS.1770）。無音なら −∞。"""
        return loudness(self._data, self.sample_rate)

    def peak_normalize(self, peak: float = 1.0) -> AudioSignal:
        """最大の振幅を `peak` にした音。無音は大きくしようがないので断る。"""
        largest = float(np.abs(self._data).max())
        if largest == 0:
            raise ValueError("無音なので、最大の振幅をそろえられません。")
        return self * (_validate.positive_number(peak, "peak") / largest)

    def apply_gain(self, gain_db: float) -> AudioSignal:
        """`gain_db` [dB] だけ大きくした音。"""
        return self * 10 ** (float(gain_db) / 20)

    # ---- 編集（どれも新しい音を返す） ---------------------------------------------------

    def resample(self, sample_rate: int) -> AudioSignal:
        """標本化周波数を `sample_rate` [Hz] に変えた音。STFT の設定はそのまま引き継ぐ。"""
        y = representations.resample(self._data, self.sample_rate, sample_rate)
        return AudioSignal(y, sample_rate, stft_params=self.stft_params, label=self.label)

    def to_mono(self) -> AudioSignal:
        """チャネルの平均をとった、1 チャネルの音。"""
        return self._like(self._data.mean(axis=0, keepdims=True))

    def get_channel(self, n: int) -> AudioSignal:
        """`n` 番目（0 から数える）のチャネルだけの音。"""
        return self._like(self._data[self._channel(n)])

    def crop(self, start: float, stop: float | None = None) -> AudioSignal:
        """`start` 秒から `stop` 秒の手前まで。音からはみ出す範囲は断る。"""
        stop = self.duration if stop is None else stop
        if not 0 <= start < stop <= self.duration + 0.5 / self.sample_rate:
            raise ValueError(
                f"0 ≦ start < stop ≦ {self.duration:.3f} 秒にしてください"
                f"（start={start}、stop={stop} が来ました）。"
            )
        first, last = round(start * self.sample_rate), round(stop * self.sample_rate)
        return self._like(self._data[:, first : max(last, first + 1)])

    def truncate_samples(self, n_samples: int) -> AudioSignal:
        """先頭の `n_samples` サンプル。もとより長くはできない。"""
        if _validate.positive_int(n_samples, "n_samples") > self.n_samples:
            raise ValueError(
                f"{self.n_samples} サンプルの音は {n_samples} サンプルに切り詰められません。"
                "長くするには zero_pad を使ってください。"
            )
        return self._like(self._data[:, :n_samples])

    def truncate_seconds(self, seconds: float) -> AudioSignal:
        """先頭の `seconds` 秒。"""
        return self.crop(0.0, seconds)

    def zero_pad(self, before: int = 0, after: int = 0) -> AudioSignal:
        """前に `before`、後ろに `after` サンプルの無音を足した音。"""
        if before < 0 or after < 0:
            raise ValueError(
                f"before と after は 0 以上にしてください（{before}、{after} が来ました）。"
            )
        return self._like(np.pad(self._data, ((0, 0), (before, after))))

    def concat(self, other: AudioSignal) -> AudioSignal:
        """後ろに `other` をつないだ音。標本化周波数とチャネル数が同じこと。"""
        self._check_same(other, "つなげません", length=False)
        return self._like(np.concatenate([self._data, other.audio_data], axis=-1))

    # ---- 演算 --------------------------------------------------------------------------

    def __add__(self, other: AudioSignal) -> AudioSignal:
        if not isinstance(other, AudioSignal):
            return NotImplemented
        self._check_same(other, "足せません")
        return self._like(self._data + other.audio_data)

    def __radd__(self, other: Any) -> AudioSignal:
        # sum(signals) は 0 から足し始める
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: AudioSignal) -> AudioSignal:
        if not isinstance(other, AudioSignal):
            return NotImplemented
        self._check_same(other, "引けません")
        return self._like(self._data - other.audio_data)

    def __mul__(self, gain: Any) -> AudioSignal:
        if not isinstance(gain, Real):
            return NotImplemented
        if not np.isfinite(float(gain)):
            raise ValueError(f"倍率は有限な数にしてください（{gain} が来ました）。")
        return self._like(self._data * self._data.dtype.type(gain))

    __rmul__ = __mul__

    def __truediv__(self, gain: Any) -> AudioSignal:
        if not isinstance(gain, Real):
            return NotImplemented
        if gain == 0:
            raise ValueError("音を 0 で割ることはできません。")
        return self._like(self._data / self._data.dtype.type(gain))

    def __neg__(self) -> AudioSignal:
        return self * -1.0

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AudioSignal)
            and self.sample_rate == other.sample_rate
            and np.array_equal(self._data, other.audio_data)
        )

    def __len__(self) -> int:
        return self.n_samples

    def __iter__(self) -> Iterator[AudioSignal]:
        """チャネルを 1 つずつ、1 チャネルの音として返す。"""
        return (self.get_channel(n) for n in range(self.n_channels))

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label else ""
        return (
            f"<AudioSignal{label} {self.n_channels} チャネル × {self.n_samples} サンプル、"
            f"{self.sample_rate} Hz、{self.duration:.3f} 秒>"
        )

    # ---- 聴く、書き出す ----------------------------------------------------------------

    def embed_audio(self, **others: AudioSignal) -> Player:
        """聴くための部品。ほかの音も名前を付けて渡すと、切り替えて聴き比べられる。"""
        from sstut.widgets.player import Player

        for other in others.values():
            self._check_same(other, "並べられません", channels=False, length=False)
        sounds = {self.label or "音": self, **others}
        mode = "switch" if others else "mix"
        return Player({n: s.audio_data for n, s in sounds.items()}, self.sample_rate, mode=mode)

    def write(self, path: str | Path, *, subtype: str | None = None) -> None:
        """ファイルに書き出す。形式は拡張子（.wav、.flac、.ogg、.mp3）で決まる。

        振幅が 1 を超えるサンプルは ±1 に切り詰め、その数を警告で知らせる（値は反転しない）。
        超えたまま残すには、`subtype="FLOAT"` の WAV にする。途中で失敗しても、書きかけの
        ファイルは残らない。
        """
        clipped = save_audio(path, self._data, self.sample_rate, subtype=subtype)
        if clipped:
            warnings.warn(
                f"{path} に書くとき、振幅が 1 を超える {clipped} サンプルを切り詰めました。",
                stacklevel=2,
            )

    # ---- 内側 --------------------------------------------------------------------------

    def _like(self, data: Array) -> AudioSignal:
        """波形だけが違う音。`data` は作りたての配列か、書き換えられない配列。"""
        data.setflags(write=False)  # もう誰も書き換えないので、写しをとらずに済む
        return AudioSignal(data, self.sample_rate, stft_params=self._stft_params, label=self.label)

    def _channel(self, n: int) -> int:
        if not 0 <= n < self.n_channels:
            raise ValueError(
                f"チャネルの番号は 0〜{self.n_channels - 1} にしてください（{n} が来ました）。"
            )
        return n

    def _check_same(
        self, other: AudioSignal, verb: str, *, channels: bool = True, length: bool = True
    ) -> None:
        """`other` と条件がそろっているか。違うものがあれば、そのすべてを言って断る。"""
        rows = [
            ("標本化周波数", self.sample_rate, other.sample_rate, True),
            ("チャネル数", self.n_channels, other.n_channels, channels),
            ("サンプル数", self.n_samples, other.n_samples, length),
        ]
        wrong = [f"{name} {a} と {b}" for name, a, b, needed in rows if needed and a != b]
        if wrong:
            raise ValueError(f"2 つの音は{verb}：{'、'.join(wrong)} が違います。")


def _waveform(source: ArrayLike) -> Array:
    """配列を `(n_channels, n_samples)` にする。軸の取り違えらしい形は、黙って直さずに断る。"""
    y = _validate.real_array(source, "波形")
    if y.ndim > 2 or (y.ndim == 2 and y.shape[0] > y.shape[1]):
        raise ValueError(
            "波形は (n_samples,) か (n_channels, n_samples) にしてください"
            f"（shape={y.shape} が来ました）。軸が逆なら .T で入れ替えます。"
        )
    return np.atleast_2d(y)


def _locked(data: Array, *, copy: bool = True) -> Array:
    """書き換えられない配列にする。"""
    locked = data.copy() if copy and data.flags.writeable else data
    locked.setflags(write=False)
    return locked


def _only_for_files(offset: float, duration: float | None) -> None:
    if offset != 0 or duration is not None:
        raise ValueError("offset と duration は、ファイルから読むときだけ使えます。")
