"""音のファイルを読む、一部を切り出す。

章: introduction
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import DTypeLike, NDArray

from sstut._validate import check_finite, positive_int, real_array
from sstut.representations import resample

Array = NDArray[Any]


def load_audio(
    path: str | Path,
    *,
    sr: int | None = None,
    mono: bool = False,
    start: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
) -> tuple[Array, int]:
    """WAV、FLAC、OGG、MP3 など、soundfile で読める音のファイルを読む。

    Parameters
    ----------
    path : str or Path
        ファイルの場所
    sr : int, optional
        変換先の標本化周波数 [Hz]。省くとファイルのまま
    mono : bool
        真ならチャネルの平均をとる
    start : float
        読み始める時刻 [秒]、0 以上
    duration : float, optional
        読む長さ [秒]。ファイルの終わりを越える分は切り詰める。省くと終わりまで
    dtype : dtype
        float32 か float64

    Returns
    -------
    y : Array
        `(n_channels, n_samples)`、`mono` なら `(n_samples,)`
    sr : int
        標本化周波数 [Hz]

    Raises
    ------
    FileNotFoundError
        ファイルがないとき
    ValueError
        フォルダーや音でないファイル、空のファイル、途中で切れたファイル、NaN や無限大を含む
        ファイルを渡したとき、時刻や周波数が正しくないとき

    Notes
    -----
    librosa.load と違い、既定では標本化周波数もチャネル数も変えない。
    途中で切れた OGG は、録音を途中で止めた OGG と区別できないので、残っている所まで読む。

    章: introduction
    """
    dtype = _check_dtype(dtype)
    if sr is not None:
        sr = positive_int(sr, "sr")
    with open_audio(Path(path)) as f:
        first, n_samples = _sample_range(f, start, duration)
        try:
            f.seek(first)
            y = f.read(n_samples, dtype=dtype.name, always_2d=True).T  # (n_channels, n_samples)
        except sf.LibsndfileError as e:
            raise ValueError(f"{path} は途中で壊れていて読めません（{e}）。") from e
        orig_sr = f.samplerate
    if y.shape[-1] < n_samples:
        raise ValueError(
            f"{path} は途中で切れています"
            f"（{n_samples} サンプルのうち {y.shape[-1]} しかありません）。"
        )
    check_finite(y, f"{path} の音")
    y = y.mean(axis=0) if mono else np.ascontiguousarray(y)
    if sr is None or sr == orig_sr:
        return y, orig_sr
    return resample(y, orig_sr, sr), sr


def clip(y: Array, sr: int, start: float, duration: float, *, fade: float = 0.01) -> Array:
    """音の一部を切り出し、両端をなめらかに 0 にする。

    Parameters
    ----------
    y : Array
        音、`(..., n_samples)`
    sr : int
        標本化周波数 [Hz]
    start, duration : float
        切り出す所の始まりと長さ [秒]。音の中に収まること
    fade : float
        両端のフェードの長さ [秒]。`duration` の半分以下

    Returns
    -------
    Array
        `(..., round(duration * sr))`、新しい配列

    Raises
    ------
    ValueError
        切り出す所が音からはみ出すとき、フェードが長すぎるとき

    Notes
    -----
    急に切ると波形に段差ができ、プツッという雑音が聞こえる。フェードは振幅の掛け算なので、
    切り出したステムの和は、切り出した混合音に等しい。

    章: introduction
    """
    y, sr = real_array(y, "y"), positive_int(sr, "sr")
    length = y.shape[-1] / sr
    if not (start >= 0 and duration > 0 and start + duration <= length + 0.5 / sr):
        raise ValueError(
            f"長さ {length:.3f} 秒の音からは切り出せません"
            f"（start={start}、duration={duration} が来ました）。"
        )
    if not 0 <= fade <= duration / 2:
        raise ValueError(
            f"fade は 0 秒以上、duration の半分以下にしてください（{fade!r} が来ました）。"
        )
    first = round(start * sr)
    n_samples = max(round(duration * sr), 1)
    n_fade = min(round(fade * sr), n_samples // 2)
    out = np.array(y[..., first : first + n_samples])
    ramp = np.sin(np.pi / 2 * (np.arange(n_fade) + 0.5) / max(n_fade, 1)) ** 2
    ramp = ramp.astype(out.dtype)
    out[..., :n_fade] *= ramp
    out[..., n_samples - n_fade :] *= ramp[::-1]
    return out


def open_audio(path: Path) -> sf.SoundFile:
    """音のファイルを開く。開けない理由ごとに、別の文で断る。"""
    if path.is_dir():
        raise ValueError(f"{path} はフォルダーです。音のファイルを指定してください。")
    if not path.exists():
        raise FileNotFoundError(f"{path} というファイルがありません。")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} は中身のない（0 バイトの）ファイルです。")
    try:
        return sf.SoundFile(path)
    except (sf.LibsndfileError, TypeError) as e:  # 拡張子が .raw だと TypeError になる
        raise ValueError(f"{path} は音のファイルとして読めません（{e}）。") from e


def _sample_range(f: sf.SoundFile, start: float, duration: float | None) -> tuple[int, int]:
    """読む範囲を（最初のサンプル、サンプル数）で返す。切れた WAV はここで断る。"""
    # libsndfile は切れた WAV の長さを残っている分に直してしまうので、ヘッダーの宣言を見る。
    # 長さを決めずに書き始めた WAV は 0xFFFFFFFF などの大きな値を持つ。これは切れたのではない
    size = r"^ *(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)"  # WAV、AIFF、AU
    declared = re.search(size, f.extra_info, re.MULTILINE)
    if declared and int(declared[2]) < int(declared[1]) < 0x7FFF0000:
        raise ValueError(
            f"{f.name} は途中で切れています"
            f"（{declared[1]} バイトのうち {declared[2]} バイトしかありません）。"
        )
    if f.frames == 0:
        raise ValueError(f"{f.name} にはサンプルが1つも入っていません。")
    length = f.frames / f.samplerate
    if not 0 <= start < length:
        raise ValueError(
            f"start は 0 秒以上、音の長さ {length:.3f} 秒未満にしてください"
            f"（{start!r} が来ました）。"
        )
    first = min(round(start * f.samplerate), f.frames - 1)
    if duration is None:
        return first, f.frames - first
    if not duration > 0:
        raise ValueError(f"duration は正の秒数にしてください（{duration!r} が来ました）。")
    n_samples = max(round(min(duration, length) * f.samplerate), 1)
    return first, min(n_samples, f.frames - first)


def _check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    dtype = np.dtype(dtype)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype は float32 か float64 にしてください（{dtype} が来ました）。")
    return dtype
