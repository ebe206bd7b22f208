"""成績表：どの手法も同じ混合音を分け、良さ、確かさ、時間、大きさを並べる。

混合音は `(n_mixtures, n_sources, n_samples)` の正解の音源で渡し、手法には和だけを見せる。正解を
見てよいのは、種類が "oracle" のものだけである。
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import process_time
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._scores import Table
from sstut.evaluation import best_order, bootstrap_ci, improvement, si_sdr
from sstut.masking import ideal_binary_mask, ideal_ratio_mask, phase_sensitive_mask
from sstut.masking import separate as separate_by_masks
from sstut.representations import stft
from sstut.separators import get_method
from sstut.separators import separate as separate_by_name

Array: TypeAlias = NDArray[Any]

KINDS = ("mixture", "classical", "network", "oracle")
LOWEST = 10.0  # 悪いほうの成績として見る、パーセンタイル
# 「背景と前景」のように名付ける手法の、どの音源をどの正解と比べるか
ROLES = {
    "foreground": "vocals",
    "background": "accompaniment",
    "harmonic": "vocals",
    "percussive": "accompaniment",
}


@dataclass(frozen=True)
class Contestant:
    """成績表に載せる手法。

    Attributes
    ----------
    name : 表に書く名前
    kind : `KINDS` のどれか。何もしない混合音、古典的な手法、学んだネットワーク、正解を使うもの
    separate : `(mixture, sr)` から推定 `(n_sources, n_samples)` を返す関数。
        kind が "mixture" か "oracle" なら `(mixture, sr, sources)` を受け取る
    parameters : 学習で決めた値の数
    ordered : 推定の順番が、正解の順番と同じか。違うなら、最もよい対応で測る

    章: leaderboard
    """

    name: str
    kind: str
    separate: Callable[..., Array]
    parameters: int = 0
    ordered: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind は {KINDS} のどれかにしてください（{self.kind!r}）。")


@dataclass(frozen=True)
class Result:
    """1 つの手法の成績。

    Attributes
    ----------
    name, kind, parameters : `Contestant` と同じ
    scores : (n_mixtures, n_sources) の、SI-SDR の改善量 [dB]
    seconds : 音 1 秒を分けるのにかかった CPU の時間 [秒]。混合音ごとの値の中央値
    estimates : 混合音の番号 → 推定 `(n_sources, n_samples)`。`compete` の keep で選んだもの

    章: leaderboard
    """

    name: str
    kind: str
    parameters: int
    scores: Array
    seconds: float
    estimates: dict[int, Array] = field(default_factory=dict, repr=False)

    @property
    def means(self) -> Array:
        """混合音ごとの、音源についての平均 `(n_mixtures,)`。"""
        return np.asarray(self.scores.mean(axis=1))


@dataclass(frozen=True)
class Difference:
    """同じ混合音での、2 つの手法の差。

    Attributes
    ----------
    mean : 差の平均 [dB]
    low, high : 差の平均の 95 % 信頼区間 [dB]
    wins : 1 番目の手法が上回った混合音の数
    n : 混合音の数

    章: leaderboard
    """

    mean: float
    low: float
    high: float
    wins: int
    n: int


def compete(
    contestants: Iterable[Contestant],
    sources: ArrayLike,
    sr: int,
    *,
    keep: Collection[int] = (),
) -> list[Result]:
    """すべての手法で、同じ混合音を分けて測る。

    Parameters
    ----------
    contestants : Contestant を並べたもの
        手法。名前は重ならないこと。
    sources : (n_mixtures, n_sources, n_samples) の float32 / float64
        正解の音源。無音の音源は入れない。
    sr : int
        標本化周波数 [Hz]。
    keep : int の集まり
        推定を結果に残す混合音の番号。

    Returns
    -------
    list of Result
        contestants の順。

    Raises
    ------
    ValueError
        sources の形が合わないか無音のとき、名前が重なるとき、keep の番号がないとき、
        推定の形が正解と違うとき。

    章: leaderboard
    """
    contestants = list(contestants)
    references = _references(sources)
    sr = _validate.positive_int(sr, "sr")
    names = [c.name for c in contestants]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"同じ名前の手法 {repeated} があります。名前は 1 つずつにしてください。")
    if missing := sorted(set(keep) - set(range(len(references)))):
        raise ValueError(f"keep の番号 {missing} の混合音はありません（{len(references)} 個）。")
    return [measure(contestant, references, sr, keep) for contestant in contestants]


def measure(
    contestant: Contestant, references: Array, sr: int, keep: Collection[int] = ()
) -> Result:
    """1 つの手法で、すべての混合音を分けて測る。引数は `compete` と同じ。

    章: leaderboard
    """
    scores, seconds, estimates = [], [], {}
    duration = references.shape[-1] / sr
    if contestant.kind == "network":
        contestant.separate(references[0].sum(axis=0), sr)  # 重みを読む時間は数えない
    for i, sources in enumerate(references):
        x = sources.sum(axis=0)
        extra = (sources,) if contestant.kind in ("oracle", "mixture") else ()
        started = process_time()
        estimate = np.asarray(contestant.separate(x, sr, *extra))
        seconds.append((process_time() - started) / duration)
        if estimate.shape != sources.shape:
            raise ValueError(
                f"{contestant.name} の推定の形 {estimate.shape} が、"
                f"正解の形 {sources.shape} と違います。"
            )
        if not contestant.ordered:
            estimate = estimate[best_order(sources, estimate)]
        scores.append(improvement(si_sdr, sources, estimate, x))
        if i in keep:
            estimates[i] = estimate
    return Result(
        contestant.name,
        contestant.kind,
        contestant.parameters,
        np.array(scores),
        float(np.median(seconds)),
        estimates,
    )


def mixture() -> Contestant:
    """何もしない手法：どの音源にも、混合音を返す。改善量は 0 になる。

    章: leaderboard
    """

    def separate(mixture: Array, sr: int, sources: Array) -> Array:
        return np.repeat(mixture[None], len(sources), axis=0)

    return Contestant("混合音のまま", "mixture", separate)


def method(name: str, sources: Sequence[str] = ("vocals", "accompaniment")) -> Contestant:
    """登録簿 `separators.METHODS` の手法を、成績表に載せられる形にする。

    Parameters
    ----------
    name : str
        登録簿の名前。
    sources : sequence of str
        正解の名前の順。

    Returns
    -------
    Contestant
        パラメータは既定値。学んだネットワークなら、学習で決めた値の数も入る。

    Raises
    ------
    ValueError
        知らない名前のとき、この正解と比べられない手法のとき。

    章: leaderboard
    """
    chosen = get_method(name)
    given = [ROLES.get(s, s) for s in chosen.source_names(len(sources))]
    if chosen.ordered and not set(sources) <= set(given):
        raise ValueError(f"{name} が分けるのは {given} で、{list(sources)} ではありません。")
    order = [given.index(s) for s in sources] if chosen.ordered else list(range(len(sources)))

    def separate(mixture: Array, sr: int) -> Array:
        return np.stack(list(separate_by_name(name, mixture, sr).values()))[order]

    card = chosen.card
    if card is None:
        return Contestant(name, "classical", separate, ordered=chosen.ordered)
    return Contestant(name, "network", separate, card["parameters"], chosen.ordered)


def oracles(n_fft: int = 1024, hop_length: int = 256) -> list[Contestant]:
    """正解から作った理想マスク：二値 (IBM)、比率 (IRM)、位相を考えたもの (PSM)。

    Parameters
    ----------
    n_fft, hop_length : int
        STFT のフレームの長さと間隔（サンプル）。

    Returns
    -------
    list of Contestant
        その種類のマスクの目安。どんな手法も超えられない上限ではない。

    章: leaderboard
    """
    frames: Any = {"n_fft": n_fft, "hop_length": hop_length}

    def oracle(name: str, mask: Callable[[Array], Array]) -> Contestant:
        def separate(mixture: Array, sr: int, sources: Array) -> Array:
            return separate_by_masks(mixture, mask(stft(sources, **frames)), **frames)

        return Contestant(name, "oracle", separate)

    return [
        oracle("IBM", ideal_binary_mask),
        oracle("IRM", ideal_ratio_mask),
        oracle("PSM", phase_sensitive_mask),
    ]


def compare(a: Result, b: Result, *, rng: np.random.Generator | int | None = 0) -> Difference:
    """同じ混合音での差 a − b を、混合音ごとに取って比べる。

    Parameters
    ----------
    a, b : Result
        同じ `compete` の結果。
    rng : Generator または int, optional
        信頼区間の乱数。

    Returns
    -------
    Difference
        区間が 0 を含まなければ、平均の差は、混合音の選び方の偶然では説明しにくい。

    Raises
    ------
    ValueError
        混合音の数が違うとき、1 つしかないとき。

    Notes
    -----
    混合音には、易しいものと難しいものがある。同じ混合音どうしの差を取れば、その違いは消える。

    章: leaderboard
    """
    if len(a.means) != len(b.means):
        raise ValueError(
            f"混合音の数が違います（{len(a.means)} 個と {len(b.means)} 個）。"
            "同じ混合音を分けた結果を渡してください。"
        )
    difference = a.means - b.means
    low, high = bootstrap_ci(difference, rng=rng)
    return Difference(
        float(difference.mean()), low, high, int(np.sum(difference > 0)), len(difference)
    )


def rank_intervals(
    results: Sequence[Result],
    *,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator | int | None = 0,
) -> Array:
    """混合音を選びなおしたときの、順位の範囲。

    Parameters
    ----------
    results : sequence of Result
        同じ `compete` の結果。
    n_resamples : int
        選びなおす回数。
    confidence : float
        0〜1。
    rng : Generator または int, optional
        乱数。

    Returns
    -------
    (n_results, 2) の int
        平均の順位（1 が最も良い）の、中央の confidence が入る範囲。

    Raises
    ------
    ValueError
        結果がないとき、混合音の数がそろっていないとき、confidence が 0〜1 でないとき。

    References
    ----------
    H. Goldstein and D. J. Spiegelhalter, "League tables and their limitations: Statistical
    issues in comparisons of institutional performance", 1996. doi:10.2307/2983325

    章: leaderboard
    """
    if not results or len({len(r.means) for r in results}) > 1:
        raise ValueError("results は、同じ混合音を分けた結果を 1 つ以上並べてください。")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence は 0 と 1 の間にしてください（{confidence!r} が来ました）。")
    means = np.stack([r.means for r in results])  # (n_results, n_mixtures)
    n = means.shape[1]
    generator = np.random.default_rng(rng)
    picks = generator.integers(0, n, (_validate.positive_int(n_resamples, "n_resamples"), n))
    # 混合音を何度ずつ選んだか。どの手法にも、同じ選び方を使う
    counts = np.stack([np.bincount(pick, minlength=n) for pick in picks])
    drawn = means @ counts.T  # (n_results, n_resamples)
    ranks = 1 + (drawn[None] > drawn[:, None]).sum(axis=1)  # 自分より上の数
    tail = (1 - confidence) / 2
    edges = np.quantile(ranks, [tail, 1 - tail], axis=1, method="inverted_cdf")
    return np.asarray(edges.T, dtype=int)


def pareto_front(results: Sequence[Result], cost: str = "seconds") -> list[Result]:
    """良さと費用の両方で負ける相手のいない手法（パレートフロント）。

    Parameters
    ----------
    results : sequence of Result
        正解を使うもの ("oracle") は、手法ではないので数えない。
    cost : {"seconds", "parameters"}
        費用。時間か、大きさ。

    Returns
    -------
    list of Result
        費用の小さい順。費用を増やすごとに、平均が上がる。

    Raises
    ------
    ValueError
        cost の名前が違うとき。

    Examples
    --------
    >>> gains = {"遅い": (5.0, 2.0), "速い": (6.0, 1.0), "安い": (3.0, 0.5)}
    >>> results = [
    ...     Result(name, "classical", 0, np.array([[gain]]), seconds)
    ...     for name, (gain, seconds) in gains.items()
    ... ]
    >>> [r.name for r in pareto_front(results)]
    ['安い', '速い']

    章: leaderboard
    """
    if cost not in ("seconds", "parameters"):
        raise ValueError(f'cost は "seconds" か "parameters" にしてください（{cost!r}）。')
    real = [r for r in results if r.kind != "oracle"]
    front: list[Result] = []
    # 費用が同じなら、良いほうを先に見る
    for result in sorted(real, key=lambda r: (getattr(r, cost), -r.means.mean())):
        if not front or result.means.mean() > front[-1].means.mean():
            front.append(result)
    return front


def table(results: Iterable[Result], *, rng: int = 0) -> Table:
    """成績を、平均の良い順に並べた表。

    列は、平均と 95 % 信頼区間、中央値、下から 1 割 [dB]、音 1 秒あたりの CPU の時間 [秒]、
    学習で決めた値の数。

    章: leaderboard
    """
    rows: list[tuple[str, ...]] = [
        ("[dB]", "平均", "95 % 区間", "中央値", "下から 1 割", "秒/秒", "値の数")
    ]
    for r in sorted(results, key=lambda r: -r.means.mean()):
        low, high = bootstrap_ci(r.means, rng=rng)
        lowest, middle = np.percentile(r.means, [LOWEST, 50])
        gains = (f"{v:.1f}" for v in (middle, lowest))
        interval = f"{low:.1f} ～ {high:.1f}"
        costs = (f"{r.seconds:.3f}", f"{r.parameters:,}")
        rows.append((r.name, f"{r.means.mean():.1f}", interval, *gains, *costs))
    return Table(tuple(rows), "成績表")


def _references(sources: ArrayLike) -> Array:
    """正解の形と音量を確かめる。"""
    array = _validate.real_array(sources, "sources")
    if array.ndim != 3:
        raise ValueError(
            "sources は (n_mixtures, n_sources, n_samples) にしてください"
            f"（shape={array.shape} が来ました）。"
        )
    silent = np.argwhere(~array.any(axis=-1))
    if len(silent):
        i, k = silent[0]
        raise ValueError(f"混合音 {i} の音源 {k} が無音です。SI-SDR を測れません。")
    return array
