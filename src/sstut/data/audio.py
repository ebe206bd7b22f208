"""音のファイルを読む、一部を切り出す。

章: introduction
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import DTypeLike, NDArray

from sstut._validate import check_finite, positive_int, real_array
from sstut.representations import resample

Array = NDArray[Any]

PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


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
        y, orig_sr = _read(f, n_samples, dtype, first), f.samplerate
    y = y.mean(axis=0) if mono else np.ascontiguousarray(y)
    if sr is None or sr == orig_sr:
        return y, orig_sr
    return resample(y, orig_sr, sr), sr


def read_blocks(f: sf.SoundFile, plan: Callable[[int, int], list[slice]]) -> Iterator[Array]:
    """開いたファイルを先頭から 1 度だけ読み、ブロックに切って順に返す。

    `plan(n_samples, sr)` はブロックの範囲で、始まりの順に並び、すき間がない（重なってよい）。
    1 度に持つのは 1 ブロックだけなので、どんなに長いファイルでも読める。
    """
    _, n_samples = _sample_range(f, 0.0, None)
    blocks = plan(n_samples, f.samplerate)
    held = np.empty((f.channels, 0), np.float32)  # 前のブロックと重なる分
    for here, following in zip(blocks, [*blocks[1:], slice(n_samples, n_samples)], strict=True):
        fresh = _read(f, here.stop - here.start - held.shape[1], np.dtype(np.float32))
        block = np.concatenate([held, fresh], axis=1)
        yield block
        held = block[:, following.start - here.start :]


def save_audio(path: str | Path, y: Array, sr: int, *, subtype: str | None = None) -> int:
    """音をファイルに書く。形式は拡張子（.wav、.flac、.ogg、.mp3 など）で決まる。

    Parameters
    ----------
    path : str or Path
        書く場所
    y : Array
        音、`(n_samples,)` か `(n_channels, n_samples)`、float32 か float64
    sr : int
        標本化周波数 [Hz]
    subtype : str, optional
        値の表し方（`"PCM_16"`、`"PCM_24"`、`"FLOAT"` など）。省くと形式ごとの既定値で、
        WAV と FLAC では 16 bit の整数

    Returns
    -------
    int
        ±1 に切り詰めた値の数。`"FLOAT"` と `"DOUBLE"` では切り詰めないので 0

    Raises
    ------
    ValueError
        知らない拡張子のとき、その形式で書けない設定のとき、フォルダーがないとき、
        `y` が空、整数、非有限のとき

    Notes
    -----
    書き終わるまで `path` には触らない。途中で失敗しても、書きかけのファイルは残らず、
    前からあったファイルも変わらない。

    章: audio_signal
    """
    y = real_array(y, "y")
    if y.ndim > 2:
        raise ValueError(
            "y は (n_samples,) か (n_channels, n_samples) にしてください"
            f"（shape={y.shape} が来ました）。"
        )
    y = np.atleast_2d(y)
    with create_audio(Path(path), positive_int(sr, "sr"), y.shape[0], subtype=subtype) as f:
        return write_samples(f, y)


@contextmanager
def create_audio(
    path: Path, sr: int, n_channels: int, *, subtype: str | None = None
) -> Iterator[sf.SoundFile]:
    """書くための音のファイルを開く。うまく終わったときだけ `path` に現れる。

    隣に作った一時ファイルへ書き、閉じてから名前を変える。名前の変更は 1 度に済むので、
    いつ止まっても `path` にあるのは、前のファイルか、書き終えたファイルのどちらかである。
    """
    kind = path.suffix.lstrip(".").upper()
    if kind not in sf.available_formats():
        raise ValueError(
            f"{path.name} の拡張子からは、音の形式が分かりません。"
            ".wav、.flac、.ogg、.mp3 などにしてください。"
        )
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} というフォルダーがありません。")
    if not sf.check_format(kind, subtype or sf.default_subtype(kind)):
        raise ValueError(f"{kind} には {subtype!r} という表し方がありません。")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        try:
            with sf.SoundFile(unfinished, "w", sr, n_channels, subtype, format=kind) as f:
                yield f
        except sf.LibsndfileError as e:
            raise ValueError(
                f"{path.name} を {sr} Hz、{n_channels} チャネルの {kind} では"
                f"書けません（{e.error_string}）。"
            ) from e
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_samples(f: sf.SoundFile, y: Array) -> int:
    """開いたファイルに `(n_channels, n_samples)` を書き足し、±1 に切り詰めた値の数を返す。

    整数の形式では自分で丸める。こうすると、読みなおした値（整数 / 2**(ビット数 − 1)）がいちばん
    近い段になる。soundfile は 2**(ビット数 − 1) − 1 倍してから丸めるので、往復で値が変わる。
    """
    if f.subtype in ("FLOAT", "DOUBLE"):
        f.write(y.T)
        return 0
    clipped = int(np.count_nonzero(np.abs(y) > 1))
    if f.subtype in PCM_BITS:
        half = 2.0 ** (PCM_BITS[f.subtype] - 1)
        level = np.clip(np.rint(y.T * np.float64(half)), -half, half - 1)
        # 32 bit の整数を渡すと、soundfile は上の桁から使う
        f.write(level.astype(np.int32) << (32 - PCM_BITS[f.subtype]))
    else:
        f.write(np.clip(y.T, -1.0, 1.0))
    return clipped


def _umask() -> int:
    """いまの umask。mkstemp は持ち主だけが読めるファイルを作るので、ふつうの許可に戻すのに使う。"""
    mask = os.umask(0)
    os.umask(mask)
    return mask


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


def _read(f: sf.SoundFile, n_samples: int, dtype: np.dtype[Any], first: int | None = None) -> Array:
    """続き（first を渡せば、そこから）の `(n_channels, n_samples)` を読む。足りなければ断る。"""
    try:
        if first is not None:
            f.seek(first)
        y: Array = f.read(n_samples, dtype=dtype.name, always_2d=True).T
    except sf.LibsndfileError as e:
        raise ValueError(f"{f.name} は途中で壊れていて読めません（{e}）。") from e
    if y.shape[-1] < n_samples:
        raise ValueError(
            f"{f.name} は途中で切れています"
            f"（{n_samples} サンプルのうち {y.shape[-1]} しかありません）。"
        )
    check_finite(y, f"{f.name} の音")
    return y


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
