"""分離手法の登録簿：名前で選び、どんな長さの録音も、決まった量のメモリで分ける。

コマンド `sstut separate` と手法の比較は、この登録簿を使う。手法を足すには、`METHODS` に 1 つ書く。
音声は `(..., n_samples)`、結果は音源を先頭に並べた `(n_sources, ..., n_samples)`。
"""

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut.evaluation import best_permutation
from sstut.hpss import separate_hpss
from sstut.nmf import separate_rpca, separate_timbre
from sstut.repetition import separate_ft2d, separate_repet, separate_repet_sim
from sstut.representations import resample

Array: TypeAlias = NDArray[Any]

WINDOW = 0.046  # 窓の長さの目安 [秒]。44.1 kHz で 2048 サンプル
BLOCK = 60.0  # 1 度に分ける長さ [秒]。くり返しが何回も入り、メモリが増えすぎない長さ
OVERLAP = 4.0  # となりのブロックと重ねる長さ [秒]。中央の半分でなめらかに切り替える
CHECKPOINTS = Path(__file__).parent / "checkpoints"  # 付属の、学んだネットワーク
ALIGN = 1 << 14  # ブロックの始まりをそろえる単位。フレームの位置が、全体を変換したときと一致する


@dataclass(frozen=True)
class Parameter:
    """手法のパラメータ。

    Attributes
    ----------
    default : 省いたときの値
    parse : 文字列を値にする関数。読めなければ ValueError
    summary : 1 行の説明

    章: separators
    """

    default: Any
    parse: Callable[[str], Any]
    summary: str


@dataclass(frozen=True)
class Method:
    """分離手法。

    Attributes
    ----------
    name : 名前
    summary : 1 行の説明
    sources : 音源の名前。空なら、音源の数だけ `source1`、`source2`、… と名付ける
    separate : `(mixture, sr, **parameters)` を受け取り、和が混合音になる音源を返す関数
    parameters : パラメータの名前 → `Parameter`
    ordered : 音源の順番が、いつも同じ意味を持つか
    chapter : 説明のある章
    checkpoint : 付属のネットワークを使うなら、`CHECKPOINTS` の中の名前

    章: separators
    """

    name: str
    summary: str
    sources: tuple[str, ...]
    separate: Callable[..., Array]
    parameters: Mapping[str, Parameter]
    ordered: bool
    chapter: str
    checkpoint: str | None = None

    @property
    def card(self) -> dict[str, Any] | None:
        """付属のネットワークのモデルカード。ネットワークを使わない手法なら None。"""
        if self.checkpoint is None:
            return None
        card: dict[str, Any] = json.loads(
            (CHECKPOINTS / f"{self.checkpoint}.json").read_text("utf-8")
        )
        return card

    def source_names(self, n_sources: int) -> tuple[str, ...]:
        """結果の音源につける名前。"""
        return self.sources[:n_sources] or tuple(f"source{k + 1}" for k in range(n_sources))

    def parse(self, items: Iterable[str]) -> dict[str, Any]:
        """`["margin=2", …]` のような文字列から、パラメータの値を読む。

        Raises
        ------
        ValueError
            `名前=値` の形でないとき、知らない名前のとき、同じ名前が 2 度あるとき、
            値が読めないとき。
        """
        values: dict[str, Any] = {}
        for item in items:
            name, equal, text = item.partition("=")
            if not equal:
                raise ValueError(f"パラメータは 名前=値 の形で書いてください（{item!r}）。")
            _known(name, self.parameters, f"{self.name} のパラメータ")
            if name in values:
                raise ValueError(f"パラメータ {name} が 2 度あります。")
            try:
                values[name] = self.parameters[name].parse(text)
            except ValueError:
                summary = self.parameters[name].summary
                raise ValueError(
                    f"パラメータ {name} の値 {text!r} が読めません（{summary}）。"
                ) from None
        return values


def get_method(name: str) -> Method:
    """名前の手法を返す。

    Raises
    ------
    ValueError
        知らない名前のとき。近い名前があれば、それを勧める。

    章: separators
    """
    _known(name, METHODS, "手法")
    return METHODS[name]


def separate(name: str, mixture: ArrayLike, sr: int, **parameters: Any) -> dict[str, Array]:
    """混合音を、名前で選んだ手法で分ける。

    Parameters
    ----------
    name : str
        手法の名前。`METHODS` のどれか。
    mixture : (n_samples,) か (n_channels, n_samples) の float32 / float64
        混合音。
    sr : int
        標本化周波数 [Hz]。
    **parameters
        手法のパラメータ。省いたものは `METHODS[name].parameters` の既定値。

    Returns
    -------
    {音源の名前: mixture と同じ形の波形}
        和は混合音に戻る（丸め誤差を除く）。

    Raises
    ------
    ValueError
        知らない手法やパラメータのとき。mixture が空、整数、非有限のとき。
        音が短すぎるなど、手法の条件を満たさないとき。

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(8000)
    >>> list(separate("hpss", noise, 8000, margin=2.0))
    ['harmonic', 'percussive', 'rest']

    章: separators
    """
    method = get_method(name)
    mixture = _validate.real_array(mixture, "mixture")
    sr = _validate.positive_int(sr, "sr")
    blocks = (mixture[..., here] for here in plan_blocks(mixture.shape[-1], sr))
    sources = np.concatenate(list(separate_blocks(method, blocks, sr, parameters)), axis=-1)
    return dict(zip(method.source_names(len(sources)), sources, strict=True))


def plan_blocks(n_samples: int, sr: int) -> list[slice]:
    """録音を、`overlap_samples(sr)` ずつ重なるブロックに分ける。

    最後の切れ端が短すぎると、くり返しなどが見つからない。半分より短ければ、前のブロックに含める。

    章: separators
    """
    overlap = overlap_samples(sr)
    step = max(1, round((BLOCK - OVERLAP) * sr / ALIGN)) * ALIGN
    starts = list(range(0, max(1, n_samples - overlap), step))
    if len(starts) > 1 and n_samples - starts[-1] < (step + overlap) / 2:
        starts.pop()
    stops = [start + step + overlap for start in starts[:-1]]
    return [slice(a, b) for a, b in zip(starts, [*stops, n_samples], strict=True)]


def overlap_samples(sr: int) -> int:
    """となりのブロックと重ねるサンプルの数。

    章: separators
    """
    return round(OVERLAP * sr)


def separate_blocks(
    method: Method, blocks: Iterable[Array], sr: int, parameters: Mapping[str, Any]
) -> Iterator[Array]:
    """重なったブロックを 1 つずつ分け、つないだ音源を順に返す。

    Parameters
    ----------
    method : Method
        手法。
    blocks : (..., n_samples) を順に返すもの
        `plan_blocks` の範囲で切り出した混合音。
    sr : int
        標本化周波数 [Hz]。
    parameters : mapping
        手法のパラメータ。

    Yields
    ------
    (n_sources, ..., n)
        全部をつなぐと、混合音の長さになる。1 つ返すまで、次のブロックは読まない。

    Notes
    -----
    重なりの中央の半分だけで、直線で切り替える。重みの和は 1 なので、つないでも音源の和は混合音に
    戻る。両端の 1/4 は、ブロックの端の影響を受けるので使わない。

    章: separators
    """
    for name in parameters:
        _known(name, method.parameters, f"{method.name} のパラメータ")
    defaults = {name: parameter.default for name, parameter in method.parameters.items()}
    overlap = overlap_samples(sr)
    ramp = np.clip(np.linspace(-0.5, 1.5, overlap), 0, 1)
    tail: Array | None = None
    for block in blocks:
        sources = method.separate(block, sr, **defaults | dict(parameters))
        if tail is not None:
            head = sources[..., :overlap]
            if not method.ordered:
                order = _same_order(tail, head)
                sources, head = sources[order], head[order]
            joined = tail + (head - tail) * ramp.astype(tail.dtype)
            yield joined
            sources = sources[..., overlap:]
        # 次のブロックと重なる分は、次を分けるまで出さない。どのブロックも overlap より長い
        keep = max(0, sources.shape[-1] - overlap)
        yield sources[..., :keep]
        tail = sources[..., keep:]
    if tail is not None:
        yield tail


def frame_length(sr: float) -> int:
    """`WINDOW` 秒にいちばん近い、2 のべき乗の窓の長さ（64 以上）。

    章: separators
    """
    return int(2 ** max(6, round(np.log2(WINDOW * sr))))


def _same_order(before: Array, after: Array) -> Array:
    """同じ所を分けた前後の音源を、相関の和が最大になるように対応させる。"""
    a, b = before.reshape(len(before), -1), after.reshape(len(after), -1)
    return best_permutation(a.astype(np.float64) @ b.T.astype(np.float64))


def _known(name: str, names: Iterable[str], what: str) -> None:
    """知らない名前を断る。近い名前があれば、それを勧める。"""
    names = list(names)
    if name not in names:
        close = get_close_matches(name, names, 1)
        hint = f"{close[0]} のことですか。" if close else ""
        raise ValueError(f"{what}に {name!r} はありません。{hint}使えるのは {'、'.join(names)}。")


def _number(text: str) -> float:
    """数。`inf` も読む。"""
    value = float(text)
    if np.isnan(value):
        raise ValueError(text)
    return value


def _number_or_auto(text: str) -> float | None:
    """数。`auto` なら、データから決める。"""
    return None if text == "auto" else _number(text)


def _one_or_two(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """`31` のような 1 つの値か、`31,17` のような 2 つの組。"""

    def parse(text: str) -> Any:
        values = tuple(kind(part) for part in text.split(","))
        if len(values) > 2:
            raise ValueError(text)
        return values if len(values) == 2 else values[0]

    return parse


def _hpss(mixture: Array, sr: float, **parameters: Any) -> Array:
    return separate_hpss(mixture, n_fft=frame_length(sr), **parameters)


def _repet(mixture: Array, sr: float, **parameters: Any) -> Array:
    return separate_repet(mixture, sr, n_fft=frame_length(sr), **parameters)


def _repet_sim(mixture: Array, sr: float, **parameters: Any) -> Array:
    return separate_repet_sim(mixture, sr, n_fft=frame_length(sr), **parameters)


def _ft2d(mixture: Array, sr: float, **parameters: Any) -> Array:
    return separate_ft2d(mixture, sr, n_fft=frame_length(sr), **parameters)


def _nmf(mixture: Array, sr: float, *, seed: int, **parameters: Any) -> Array:
    n_fft = frame_length(sr)
    return separate_timbre(mixture, sr, n_fft=n_fft, hop_length=n_fft // 4, rng=seed, **parameters)


def _rpca(mixture: Array, sr: float, **parameters: Any) -> Array:
    n_fft = frame_length(sr)
    return separate_rpca(mixture, n_fft=n_fft, hop_length=n_fft // 4, **parameters)


@cache
def _load(checkpoint: str) -> tuple[Any, int]:
    """付属のネットワークと、その標本化周波数。1 度だけ読む。"""
    if importlib.util.find_spec("torch") is None:
        raise ValueError("この手法には PyTorch が要ります。requirements.txt を入れてください。")
    from sstut.training import load_checkpoint, read_card

    path = CHECKPOINTS / f"{checkpoint}.safetensors"
    return load_checkpoint(path), int(read_card(path)["config"]["sr"])


def _network(
    name: str,
    summary: str,
    sources: tuple[str, ...],
    checkpoint: str,
    *,
    ordered: bool = True,
) -> Method:
    """付属のネットワークで分ける手法。ネットワークの知らない高い音は、最後の音源に入れる。"""

    def separate_network(mixture: Array, sr: int) -> Array:
        network, network_sr = _load(checkpoint)
        estimates = network.separate(resample(mixture, sr, network_sr))
        parts = np.empty((len(estimates), *mixture.shape), mixture.dtype)
        # 戻した長さは、切り上げの分だけ長いことがある
        parts[:-1] = resample(estimates[:-1], network_sr, sr)[..., : mixture.shape[-1]]
        parts[-1] = mixture - parts[:-1].sum(axis=0)
        return parts

    return Method(name, summary, sources, separate_network, {}, ordered, "training", checkpoint)


_HIGH_PASS = Parameter(100.0, _number, "これより低い周波数 [Hz] は、すべて背景とする")
_BACKGROUND = ("background", "foreground")
_SONG = ("vocals", "accompaniment")

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "hpss",
            "調波音（伸びる音）と打楽器音（短い音）に分ける",
            ("harmonic", "percussive", "rest"),
            _hpss,
            {
                "kernel_size": Parameter(
                    31, _one_or_two(int), "中央値フィルタの点数。奇数 1 つか、時間,周波数 の 2 つ"
                ),
                "power": Parameter(2.0, _number, "マスクの鋭さ。inf なら二値マスク"),
                "margin": Parameter(
                    1.0, _one_or_two(_number), "相手の何倍強ければ取るか。1 を超えると残りができる"
                ),
            },
            ordered=True,
            chapter="hpss",
        ),
        Method(
            "repet",
            "一定の周期でくり返す伴奏（背景）と、その上の歌（前景）に分ける",
            _BACKGROUND,
            _repet,
            {
                "period": Parameter(None, _number_or_auto, "周期 [秒]。auto なら音から探す"),
                "min_period": Parameter(0.8, _number, "周期を探す範囲の下限 [秒]"),
                "max_period": Parameter(8.0, _number, "周期を探す範囲の上限 [秒]"),
                "high_pass_cutoff": _HIGH_PASS,
            },
            ordered=True,
            chapter="repetition",
        ),
        Method(
            "repet-sim",
            "よく似た瞬間が何度も現れる伴奏（背景）と、その上の歌（前景）に分ける",
            _BACKGROUND,
            _repet_sim,
            {
                "max_repeats": Parameter(100, int, "似たフレームを集める数の上限"),
                "min_distance": Parameter(1.0, _number, "集めるフレームどうしの間隔 [秒]"),
                "min_similarity": Parameter(0.0, _number, "似ているとみなす下限、0〜1"),
                "high_pass_cutoff": _HIGH_PASS,
            },
            ordered=True,
            chapter="repetition",
        ),
        Method(
            "2dft",
            "2 次元フーリエ変換の峰に集まる伴奏（背景）と、それ以外（前景）に分ける",
            _BACKGROUND,
            _ft2d,
            {
                "neighborhood": Parameter(
                    (1, 25), _one_or_two(int), "峰を探す近傍の点数。scale,rate の奇数 2 つ"
                ),
                "high_pass_cutoff": _HIGH_PASS,
            },
            ordered=True,
            chapter="repetition",
        ),
        Method(
            "nmf",
            "NMF の成分を音色の近さで集める（どの音源が何かは、聴いて決める）",
            (),
            _nmf,
            {
                "n_sources": Parameter(2, int, "音源の数"),
                "n_components": Parameter(24, int, "NMF の成分の数"),
                "n_iter": Parameter(200, int, "NMF のくり返しの回数"),
                "seed": Parameter(0, int, "乱数の種"),
            },
            ordered=False,
            chapter="nmf",
        ),
        Method(
            "rpca",
            "低ランクの伴奏（背景）と、まばらな歌（前景）に分ける",
            _BACKGROUND,
            _rpca,
            {
                "sparsity": Parameter(None, _number_or_auto, "まばらさの重み。auto なら標準の値"),
                "n_iter": Parameter(100, int, "くり返しの回数の上限"),
            },
            ordered=True,
            chapter="nmf",
        ),
        _network(
            "mask-inference",
            "学んだ BLSTM で、歌と伴奏に分ける",
            _SONG,
            "mask-inference-8k",
        ),
        _network("unet", "学んだ U-Net で、歌と伴奏に分ける", _SONG, "unet-8k"),
        _network("tasnet", "学んだ TasNet で、波形のまま、歌と伴奏に分ける", _SONG, "tasnet-8k"),
        _network(
            "stems",
            "学んだ BLSTM で、歌、ドラム、ベース、そのほかに分ける",
            ("vocals", "drums", "bass", "other"),
            "stems-16k",
        ),
        _network(
            "deep-clustering",
            "学んだ深層クラスタリングで、2 人の話し声を分ける",
            ("speaker1", "speaker2"),
            "deep-clustering-8k",
            ordered=False,
        ),
    )
}
