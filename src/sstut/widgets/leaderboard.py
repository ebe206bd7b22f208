"""章「成績表」の部品：手法の順位を、混合音ごとの点に開いて、見て聴く。"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.leaderboard import KINDS
from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_choice,
    check_length,
    check_mono,
    check_range,
    check_sources,
    checked,
)

MIXTURE, TRUTH = "混合音", "正解"  # sounds の中で、手法のほかにある音
MAX_METHODS = 20
MAX_MIXTURES = 100
MAX_SECONDS = 4.0  # 音はたくさんあるので、1 つを短くする
MAX_RESAMPLES = 2000
CHOICES = {
    "sort": ("mean", "median", "p10", "worst", "seconds", "parameters"),
    "source": ("target", "rest"),
    "view": ("strip", "tradeoff"),
    "cost": ("seconds", "parameters"),
    "listen": ("estimate", "rival", "mixture", "reference"),
}
RANGES = {"resamples": (0, MAX_RESAMPLES), "seed": (0, 2**32 - 1)}
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "leaderboard.css")
)


class LeaderboardExplorer(AudioWidget):
    """手法の成績を、混合音 1 つずつの点で見て、その音を聴く部品。

    Parameters
    ----------
    results : 結果の並び
        手法 2 個から 20 個。それぞれが次の値を持つ（`sstut.leaderboard` の結果など）。

        - ``name``（名前）、``kind``（"mixture"：混合音のまま、"classical"：古典手法、
          "network"：ネットワーク、"oracle"：正解を使う手法）
        - ``scores``（形は (n_mixtures, 2)。音源ごとの、SI-SDR の改善量 [dB]）
        - ``seconds``（音 1 秒あたりの計算の時間 [秒]）、``parameters``（重みの数）
    sounds : {混合音の番号: {名前: 波形}}
        聴ける混合音。"混合音"、"正解"（1 つ目の音源）と、手法ごとの 1 つ目の音源の推定を、
        手法の名前で渡す。kind が "mixture" の手法の推定は混合音なので、渡さなくてよい。
        波形は 4 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    source_names : (str, str)
        音源の名前。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``mixture``（選んだ混合音の番号。省略すると、音のあるはじめの番号）
        - ``method``（選んだ手法。省略すると、正解を使わない手法の中で平均がいちばん高いもの）
        - ``rival``（比べる手法。"" なら比べない）
        - ``sort``（行の並べ方。"mean"：平均、"median"：中央値、"p10"：下から 1 割、
          "worst"：最低、"seconds"：時間、"parameters"：重みの数）
        - ``view``（"strip"：点の分布、"tradeoff"：時間や大きさとの兼ね合い）、
          ``cost``（"tradeoff" の横軸。"seconds" か "parameters"）
        - ``listen``（"estimate"：手法の推定、"rival"：比べる手法の推定、"mixture"：混合音、
          "reference"：正解）、``source``（"target"：1 つ目の音源、"rest"：残り）、``loop``
        - ``resamples``（混合音を選びなおした回数、0〜2000）、``seed``（その乱数の種）

    Raises
    ------
    ValueError
        結果、音、traits の値が合わない。

    Notes
    -----
    点の値は、2 つの音源の改善量の平均である。残りの音は、混合音から推定を引いて、ページの中で
    作る。

    区間と順位の揺れは、混合音を重複を許して選びなおす、パーセンタイル法のブートストラップで求める。
    番号は ``floor(np.random.default_rng(seed).random((2000, n_mixtures)) * n_mixtures)`` で、
    どの手法にも同じ混合音を使う。

    Examples
    --------
    >>> LeaderboardExplorer(results, {0: sounds}, 8000)  # doctest: +SKIP

    章: leaderboard
    """

    _esm: ClassVar[str] = bundle("leaderboard.js")
    _css: ClassVar[str] = _CSS

    methods = t.List(t.Dict()).tag(sync=True)  # name、kind、seconds、parameters
    scores = t.Bytes().tag(sync=True)  # 手法、混合音、音源の順の float64（リトルエンディアン）
    source_names = t.List(t.Unicode()).tag(sync=True)
    sort = t.Unicode("mean").tag(sync=True)
    mixture = t.Int(0).tag(sync=True)
    method = t.Unicode("").tag(sync=True)
    rival = t.Unicode("").tag(sync=True)
    view = t.Unicode("strip").tag(sync=True)
    cost = t.Unicode("seconds").tag(sync=True)
    listen = t.Unicode("estimate").tag(sync=True)
    source = t.Unicode("target").tag(sync=True)
    resamples = t.Int(0).tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        results: Sequence[Any],
        sounds: Mapping[int, Mapping[str, ArrayLike]],
        sr: int,
        *,
        source_names: Sequence[str] = ("歌", "伴奏"),
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        if len(source_names) != 2:
            raise ValueError(f"source_names は 2 つにしてください（渡された値：{source_names}）。")
        methods, scores = _check_results(results)
        audio = _check_sounds(sounds, sr, methods, scores.shape[1])
        traits = {"mixture": int(next(iter(sounds))), "method": _best(methods, scores)} | traits
        # 検査は、手法と混合音の数がそろってから行う
        super().__init__(
            audio,
            sr,
            credit=credit,
            title=title,
            methods=methods,
            scores=scores.astype("<f8").tobytes(),
            source_names=list(source_names),
        )
        for name, value in traits.items():
            if not self.has_trait(name):
                raise ValueError(f"{name} という trait はありません。")
            setattr(self, name, value)

    @t.validate(*CHOICES)
    def _check_chosen(self, proposal: Any) -> Any:
        return checked(check_choice, proposal, CHOICES[proposal["trait"].name])

    @t.validate(*RANGES)
    def _check_number(self, proposal: Any) -> Any:
        return checked(check_range, proposal, *RANGES[proposal["trait"].name])

    @t.validate("mixture")
    def _check_mixture(self, proposal: Any) -> Any:
        n_mixtures = len(self.scores) // (8 * 2 * len(self.methods))
        return checked(check_range, proposal, 0, n_mixtures - 1)

    @t.validate("method", "rival")
    def _check_method(self, proposal: Any) -> Any:
        names = [method["name"] for method in self.methods]
        none = [""] if proposal["trait"].name == "rival" else []
        return checked(check_choice, proposal, [*none, *names])


def _check_results(results: Sequence[Any]) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """結果を確かめ、手法の一覧と、(手法, 混合音, 音源) の点にする。"""
    if not 2 <= len(results) <= MAX_METHODS:
        raise ValueError(
            f"results は 2 個から {MAX_METHODS} 個にしてください（渡された数：{len(results)}）。"
        )
    names = [str(result.name) for result in results]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(f"手法の名前は、空でなく、重ならないようにしてください（{names}）。")
    methods, scores = [], []
    for name, result in zip(names, results, strict=True):
        check_choice(f"{name} の kind", result.kind, KINDS)
        if name == TRUTH or (name == MIXTURE and result.kind != "mixture"):
            raise ValueError(f"「{name}」は部品が使うので、手法の名前にできません。")
        for field in ("seconds", "parameters"):
            check_range(f"{name} の {field}", getattr(result, field), 0, 1e15)
        methods.append(
            {
                "name": name,
                "kind": result.kind,
                "seconds": float(result.seconds),
                "parameters": int(result.parameters),
            }
        )
        scores.append(_check_scores(name, result.scores))
    if len({score.shape for score in scores}) > 1:
        shapes = dict(zip(names, [score.shape for score in scores], strict=True))
        raise ValueError(f"どの手法も、同じ混合音で測ってください（scores の形：{shapes}）。")
    return methods, np.stack(scores)


def _check_scores(name: str, scores: ArrayLike) -> NDArray[np.float64]:
    """手法 1 つ分の点。"""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or not 2 <= len(values) <= MAX_MIXTURES:
        raise ValueError(
            f"{name} の scores の形は (n_mixtures, 2) で、混合音は 2 個から {MAX_MIXTURES} 個に"
            f"してください（渡された形：{values.shape}）。"
        )
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} の scores に NaN か無限大があります。")
    return values


def _check_sounds(
    sounds: Mapping[int, Mapping[str, ArrayLike]],
    sr: int,
    methods: list[dict[str, Any]],
    n_mixtures: int,
) -> dict[str, NDArray[np.float32]]:
    """音を確かめ、「番号/名前」→ 波形の辞書にする。"""
    if not sounds:
        raise ValueError("sounds に、聴ける混合音が 1 つもありません。")
    wanted = [MIXTURE, TRUTH, *(m["name"] for m in methods if m["kind"] != "mixture")]
    known = {*wanted, *(m["name"] for m in methods)}
    audio = {}
    for index, waves in sounds.items():
        place = f"sounds[{index}]"
        check_choice("sounds の番号", index, range(n_mixtures))
        if missing := [name for name in wanted if name not in waves]:
            raise ValueError(f"{place} に {missing} の音がありません。")
        if unknown := [name for name in waves if name not in known]:
            raise ValueError(f"{place} の {unknown} という手法は、results にありません。")
        mixture = check_mono(waves[MIXTURE], sr, f"{place}[{MIXTURE!r}]", MAX_SECONDS)
        truth = check_mono(waves[TRUTH], sr, f"{place}[{TRUTH!r}]", MAX_SECONDS)
        check_length(f"{place}[{TRUTH!r}]", truth.size, mixture.size, MIXTURE)
        estimates = check_sources(
            {name: waves[name] for name in wanted[2:]}, sr, place, mixture.size, MIXTURE
        )
        for name, wave in {MIXTURE: mixture, TRUTH: truth, **estimates}.items():
            audio[f"{index}/{name}"] = wave
    return audio


def _best(methods: list[dict[str, Any]], scores: NDArray[np.float64]) -> str:
    """正解を使わない手法の中で、平均がいちばん高いものの名前。"""
    fair = [i for i, m in enumerate(methods) if m["kind"] != "oracle"] or [0]
    return str(methods[max(fair, key=lambda i: scores[i].mean())]["name"])
