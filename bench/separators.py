"""古典的な分離の手法を、ほかの実装と比べる。

    python -m bench separators [hpss repetition nmf] [--reps 7] [--seconds 30] [--memory]

- `hpss`：1025 × 862（44.1 kHz の 10 秒、n_fft=2048, hop_length=512）の float32 を、
  librosa.decompose.hpss と、その中身の scipy.ndimage.median_filter 2 回と比べる。
- `repetition`：44.1 kHz ステレオ 30 秒の REPET・REPET-SIM・2DFT を、nussl（あれば）と、
  numpy と scipy の関数をそのまま並べた実装と比べる。nussl の REPET-SIM は数分かかるので、
  `--slow` を付けたときだけ 1 回測る。
- `nmf`：1025 × 1300 の float32 を、16 成分に分ける。scikit-learn と、同じ初期値から同じ回数
  （200 回）直す。ユークリッド距離と、横に長い行列（1025 × 5200、50 回）でも測る。

時間は 1 スレッドの CPU 時間の中央値、「倍」は相手の時間 / sstut の時間。
"""

import argparse
import time
import types
import warnings
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from sklearn.decomposition import non_negative_factorization

from bench import _timing
from sstut.hpss import hpss, median_filter, separate_hpss
from sstut.nmf import divergence, nmf
from sstut.repetition import separate_ft2d, separate_repet, separate_repet_sim
from sstut.representations import istft, stft

SR, N_FFT, HOP = 44100, 2048, 512
HPSS_GOALS = (15.0, 45.0)  # librosa の何倍速いか（必ず, できれば）
REPETITION_GOALS = {"REPET": 2.0, "2DFT": 1.4}  # nussl の何倍速いか
NMF_GOALS = (1.1, 1.7)  # KL の NMF が scikit-learn の何倍速いか（必ず, できれば）
MEMORY_GOAL, REALTIME_GOAL = 1024.0, 40.0  # 10 分のステレオでの MiB と、実時間の何倍か


def music(seconds: float, dtype: str = "float64") -> np.ndarray:
    """2 秒ごとにくり返す打楽器と和音に、くり返さない旋律を重ねた `(2, n_samples)`。種は固定。"""
    rng = np.random.default_rng(0)
    n = int(seconds * SR)
    t = np.arange(n) / SR
    chord = sum(np.sin(2 * np.pi * f * t) for f in (110, 165, 220, 277)) * np.exp(-2 * (t % 0.5))
    drums = rng.standard_normal(SR // 2)[np.arange(n) % (SR // 2)] * np.exp(-30 * (t % 0.5))
    pitch = np.repeat(rng.choice([392, 440, 494, 587], n // (SR // 4) + 1), SR // 4)[:n]
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.01 * np.sin(2 * np.pi * 5 * t))) / SR
    lead = sum(np.sin(h * phase) / h for h in range(1, 10))
    parts = np.stack([chord, drums, lead])
    gains = np.array([[0.1, 0.2, 0.1], [0.12, 0.1, 0.1]])
    return (gains @ parts + 1e-4 * rng.standard_normal((2, n))).astype(dtype)


def report(title: str, times: dict[str, float], notes: dict[str, str]) -> None:
    """表を 1 つ書く。1 行目を基準に、ほかが何倍かかるかを示す。"""
    ours = next(iter(times.values()))
    print(f"\n{title}\n  {'CPU ms':>9} {'倍':>7}")
    for name, value in times.items():
        print(f"  {value:>9.1f} {value / ours:>8.2f}  {name} {notes.get(name, '')}")


# ---- HPSS ------------------------------------------------------------------------------


def bench_hpss(args: argparse.Namespace) -> None:
    S = np.abs(stft(music(862 * HOP / SR, "float32")[0], n_fft=N_FFT, hop_length=HOP)[:, :862])
    start = time.perf_counter()
    hpss(S, mask=True)
    first = time.perf_counter() - start

    def scipy_medians() -> list[np.ndarray]:
        return [
            scipy.ndimage.median_filter(S, size=size, mode="reflect") for size in ((1, 31), (31, 1))
        ]

    def ours() -> list[np.ndarray]:
        return [median_filter(S, 31, axis) for axis in (-1, -2)]

    equal = all(map(np.array_equal, ours(), scipy_medians()))
    error = np.abs(hpss(S, mask=True) - librosa.decompose.hpss(S, mask=True)).max()
    times = _timing.cpu(
        {
            "sstut.hpss": lambda: hpss(S, mask=True),
            "librosa.decompose.hpss": lambda: librosa.decompose.hpss(S, mask=True),
            "sstut.median_filter 2 回": ours,
            "scipy.ndimage.median_filter 2 回": scipy_medians,
        },
        args.reps,
    )
    notes = {
        "librosa.decompose.hpss": f"（マスクの差 {error:.0e}）",
        "scipy.ndimage.median_filter 2 回": "（1 ビットも違わない）" if equal else "（値が違う）",
    }
    report(f"HPSS {S.shape} float32 マスクまで", times, notes)
    ratio = times["librosa.decompose.hpss"] / times["sstut.hpss"]
    floor, stretch = HPSS_GOALS
    reached = "できれば も達成" if ratio >= stretch else "達成" if ratio >= floor else "未達"
    print(f"  librosa の {ratio:.1f} 倍速い（目標 {floor:g}、できれば {stretch:g}）: {reached}")
    print(f"  1 回目の呼び出し {1e3 * first:.0f} ms（コンパイルはしない）")
    if args.memory:
        print(_timing.in_new_process("separators", "--long-file"))


def long_file() -> None:
    """10 分のステレオを分けるときの、入力を除いたメモリと速さ。子プロセスが使う。"""
    mixture = np.tile(music(10, "float32"), 60)
    separate_hpss(mixture[:, : 2 * SR])  # 読み込みを済ませる
    start = time.process_time()
    peak = _timing.peak_memory(lambda: separate_hpss(mixture))
    speed = mixture.shape[-1] / SR / (time.process_time() - start)
    total = (peak or np.nan) + mixture.nbytes / 2**20
    reached = "達成" if total <= MEMORY_GOAL and speed >= REALTIME_GOAL else "未達"
    print(
        f"  10 分のステレオ: 入力と出力も入れて {total:.0f} MiB（目標 {MEMORY_GOAL:g}）、"
        f"実時間の {speed:.0f} 倍（目標 {REALTIME_GOAL:g}）: {reached}"
    )


# ---- くり返し --------------------------------------------------------------------------


def bench_repetition(args: argparse.Namespace) -> None:
    mixture = music(args.seconds)
    single = mixture.astype("float32")
    rows: dict[str, tuple[Callable[..., Any], str, Callable[[], Any]]] = {
        "REPET": (separate_repet, "Repet", lambda: plain(mixture, repet_mask)),
        "REPET-SIM": (separate_repet_sim, "RepetSim", lambda: plain(mixture, repet_sim_mask)),
        "2DFT": (separate_ft2d, "FT2D", lambda: plain(mixture, ft2d_mask)),
    }
    nussl = import_nussl()
    if nussl is None:
        print("\nnussl は読み込めませんでした。numpy と scipy の関数を並べた実装とだけ比べます。")
    for title, (separate, name, equivalent) in rows.items():
        contenders: dict[str, Callable[[], Any]] = {
            "sstut float64": lambda separate=separate: separate(mixture, SR),
            "sstut float32": lambda separate=separate: separate(single, SR),
            "numpy と scipy float64": equivalent,
        }
        if nussl is not None and title in REPETITION_GOALS:
            contenders["nussl float64"] = lambda name=name: run_nussl(nussl, name, mixture)
        times = _timing.cpu(contenders, args.reps)
        if nussl is not None and title not in REPETITION_GOALS and args.slow:
            start = time.process_time()
            run_nussl(nussl, name, mixture)
            times["nussl float64（1 回）"] = 1e3 * (time.process_time() - start)
        report(f"{title} ステレオ {args.seconds:g} 秒", times, {})
        if nussl is not None and title in REPETITION_GOALS:
            ratio, goal = times["nussl float64"] / times["sstut float64"], REPETITION_GOALS[title]
            reached = "達成" if ratio >= goal else "未達"
            print(f"  nussl の {ratio:.2f} 倍速い（目標 {goal}）: {reached}")


def plain(mixture: np.ndarray, background_mask: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """変換、マスク、逆変換。変換は sstut のものなので、差はマスクを作る所にだけ出る。"""
    S = stft(mixture)
    mask = background_mask(np.abs(S))
    mask[..., np.fft.rfftfreq(N_FFT, 1 / SR) < 100, :] = 1
    return istft(np.stack([mask * S, (1 - mask) * S]), length=mixture.shape[-1])


def soft(model: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    return np.minimum(model, magnitude) / np.maximum(magnitude, 1e-300)


def repet_mask(magnitude: np.ndarray) -> np.ndarray:
    n = magnitude.shape[-1]
    F = scipy.fft.rfft(magnitude**2, 2 * n, axis=-1)
    beat = scipy.fft.irfft(np.abs(F) ** 2, axis=-1)[..., :n].mean(axis=(0, 1)) / np.arange(n, 0, -1)
    low, high = round(0.8 * SR / HOP), min(round(8 * SR / HOP), n // 3)
    period = low + int(np.argmax(beat[low : high + 1]))
    repeats = -(-n // period)
    padded = np.pad(
        magnitude, ((0, 0), (0, 0), (0, repeats * period - n)), constant_values=np.nan
    ).reshape(*magnitude.shape[:-1], repeats, period)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pattern = np.nanmedian(padded, axis=-2)
    return soft(np.tile(pattern, repeats)[..., :n], magnitude)


def repet_sim_mask(magnitude: np.ndarray) -> np.ndarray:
    frames = magnitude.reshape(-1, magnitude.shape[-1])
    unit = frames / np.maximum(np.linalg.norm(frames, axis=0), 1e-300)
    similarity = unit.T @ unit
    distance = round(SR / HOP)
    model = np.empty_like(magnitude)
    for t, row in enumerate(similarity):
        peaks, _ = scipy.signal.find_peaks(row, distance=distance)
        model[..., t] = np.median(magnitude[..., np.union1d(peaks[:99], t)], axis=-1)
    return soft(model, magnitude)


def ft2d_mask(magnitude: np.ndarray) -> np.ndarray:
    model = np.empty_like(magnitude)
    for channel, spectrogram in enumerate(magnitude):
        F = np.fft.fft2(spectrogram)
        level = np.abs(F)
        high = scipy.ndimage.maximum_filter(level, (1, 25), mode="wrap")
        low = scipy.ndimage.minimum_filter(level, (1, 25), mode="wrap")
        peaks = (level == high) & (high - low > level.std())
        model[channel] = np.abs(np.fft.ifft2(F * peaks))
    return soft(model, magnitude)


def import_nussl() -> types.ModuleType | None:
    """最後の版（1.1.9）の nussl。今の SciPy では消えた名前を 3 つ補うと読み込める。"""
    for name in ("hamming", "hann", "blackman"):
        if not hasattr(scipy.signal, name):
            setattr(scipy.signal, name, getattr(scipy.signal.windows, name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nussl
    except Exception:  # 要る部品が多く、どれが足りないかは環境によって違う
        return None
    return nussl


def run_nussl(nussl: Any, name: str, mixture: np.ndarray) -> Any:
    signal = nussl.AudioSignal(audio_data_array=mixture, sample_rate=SR)
    return [e.audio_data for e in getattr(nussl.separation.primitive, name)(signal)()]


# ---- NMF -------------------------------------------------------------------------------


def bench_nmf(args: argparse.Namespace) -> None:
    ratio = compare_nmf("kl", "kullback-leibler", 1300, 200, args.reps)
    floor, stretch = NMF_GOALS
    reached = "できれば も達成" if ratio >= stretch else "達成" if ratio >= floor else "未達"
    print(f"  KL の目標は {floor:g} 倍、できれば {stretch:g} 倍: {reached}")
    compare_nmf("euclidean", "frobenius", 1300, 200, args.reps)
    compare_nmf("kl", "kullback-leibler", 5200, 50, args.reps)


def compare_nmf(loss: str, beta_loss: str, n_frames: int, n_iter: int, reps: int) -> float:
    """同じ初期値から同じ回数だけ直す。scikit-learn の何倍速いかを返す。"""
    rng = np.random.default_rng(0)
    n_freq, k = 1025, 16
    V = rng.random((n_freq, k)) @ rng.random((k, n_frames)) * rng.random((n_freq, n_frames))
    W, H = rng.random((n_freq, k)) + 0.1, rng.random((k, n_frames)) + 0.1
    V, W, H = (x.astype(np.float32) for x in (V, W, H))

    def ours() -> tuple[np.ndarray, np.ndarray]:
        result = nmf(V, W=W, H=H, loss=loss, n_iter=n_iter, loss_every=n_iter)
        return result.W, result.H

    def theirs() -> tuple[np.ndarray, np.ndarray]:
        options = {"init": "custom", "solver": "mu", "beta_loss": beta_loss, "tol": 0}
        return non_negative_factorization(
            V, W=W.copy(), H=H.copy(), n_components=k, max_iter=n_iter, **options
        )[:2]

    contenders = {"sstut.nmf": ours, "scikit-learn": theirs}
    notes = {}
    for name, run in contenders.items():
        bases, activations = run()
        notes[name] = f"（最後の損失 {divergence(V, bases @ activations, loss):.6e}）"
    times = _timing.cpu(contenders, reps)
    report(f"NMF {loss} {V.shape} float32、{k} 成分、{n_iter} 回", times, notes)
    ratio = times["scikit-learn"] / times["sstut.nmf"]
    print(f"  scikit-learn の {ratio:.2f} 倍速い")
    return ratio


# ---- 入口 ------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "hpss": bench_hpss,
    "repetition": bench_repetition,
    "nmf": bench_nmf,
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench separators")
    parser.add_argument("sections", nargs="*", help=f"{', '.join(SECTIONS)}。省略すると全部")
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=30.0, help="くり返しの曲の長さ")
    parser.add_argument("--slow", action="store_true", help="nussl の REPET-SIM も測る")
    parser.add_argument("--memory", action="store_true", help="長い曲のメモリと速さも測る")
    parser.add_argument("--long-file", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.long_file:
        long_file()
        return
    for name in args.sections or SECTIONS:
        if name not in SECTIONS:
            parser.error(f"{name} という計測はありません（{', '.join(SECTIONS)}）。")
        SECTIONS[name](args)
