"""練習の自己採点：答えを入れると「正解」「あと少し」「まだ」と、次の手がかりを返す。

学習者がどんな間違いをしても例外は出さない。例外（`ValueError`）を出すのは、問題を作る側の
使い方が誤っているときだけである。比べ方は `_grading`、よくある間違いの見つけ方は
`_near_miss` にある。
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sstut._grading import (
    BLANK,
    choices,
    compare,
    compare_arrays,
    describe,
    normal,
    read,
    require,
    run_case,
    truth_array,
)
from sstut._verdict import ALMOST, NOT_YET, OK, Verdict

__all__ = ["Verdict", "array", "at_least", "choice", "function", "value"]


def value(
    actual: Any,
    expected: complex,
    *,
    rtol: float = 1e-6,
    atol: float = 0.0,
    unit: str = "",
    hint: str = "",
) -> Verdict:
    """数 1 個の答えを確かめる。

    Parameters
    ----------
    actual : scalar
        学習者の答え。`...` や None なら「まだ」
    expected : scalar
        正解（実数か複素数）
    rtol, atol : float
        許す相対誤差と絶対誤差、0 以上
    unit : str
        単位。`"dB"` のときは 10 log10 と 20 log10 の取り違えも見る
    hint : str
        合わないときに添える手がかり

    Returns
    -------
    Verdict
        判定と理由

    Raises
    ------
    ValueError
        `expected` が数でないとき、誤差が負のとき

    章: introduction
    """
    truth = truth_array(expected, rtol, atol)
    require(not truth.ndim, f"expected は数 1 個です（shape {truth.shape} の配列でした）。")
    answer, problem = read(actual)
    if answer is None:
        return _verdict(NOT_YET, problem, hint)
    if answer.size != 1:
        message = f"数 1 個を答えてください（いまは shape {answer.shape} の配列です）。"
        return _verdict(NOT_YET, message, hint)
    level, message = compare(answer.reshape(()), truth, rtol, atol, unit=unit)
    if level == OK and answer.ndim:
        return _verdict(ALMOST, "値は合っていますが、配列です。中の数を取り出しましょう。", hint)
    got = f"{answer.item():.6g} {unit}".strip()
    if level == OK:
        return _verdict(OK, f"{got} です。")
    return _verdict(level, f"いまの答えは {got} です。{message}", hint)


def at_least(actual: Any, target: float, *, unit: str = "", hint: str = "") -> Verdict:
    """数 1 個が、目標の値に届いたかを確かめる。

    Parameters
    ----------
    actual : scalar
        学習者の結果。`...` や None なら「まだ」
    target : float
        目標。これ以上なら正解、目標の大きさの 1 割だけ足りなければ「あと少し」
    unit : str
        単位
    hint : str
        届かないときに添える手がかり

    Returns
    -------
    Verdict
        判定と、結果と目標の値

    Raises
    ------
    ValueError
        `target` が有限な実数でないとき

    章: introduction
    """
    goal = truth_array(target, 0, 0)
    real = not goal.ndim and not np.iscomplexobj(goal) and bool(np.isfinite(goal))
    require(real, f"target は有限な実数 1 個です（{target!r} でした）。")
    answer, problem = read(actual)
    if answer is None:
        return _verdict(NOT_YET, problem, hint)
    if answer.size != 1 or np.iscomplexobj(answer) or np.isnan(answer).any():
        return _verdict(NOT_YET, f"実数 1 個を答えてください（いまは {actual!r:.60} です）。", hint)
    got, want = answer.item(), goal.item()
    message = f"{got:.4g} {unit}".rstrip() + f" です（目標は {want:g} {unit}".rstrip() + " 以上）。"
    if got >= want:
        return _verdict(OK, message)
    return _verdict(ALMOST if got >= want - 0.1 * abs(want) else NOT_YET, message, hint)


def array(
    actual: Any,
    expected: ArrayLike,
    *,
    rtol: float = 1e-5,
    atol: float | None = None,
    hint: str = "",
) -> Verdict:
    """配列の答えを、形・型・値の順に確かめる。

    Parameters
    ----------
    actual : array_like
        学習者の答え。`...` や None なら「まだ」
    expected : array_like
        正解。`np.ndarray` なら float32 と float64 の違いも見る。NaN は NaN と等しいとみなす
    rtol : float
        許す相対誤差、0 以上
    atol : float, optional
        許す絶対誤差。省くと、正解の最大の絶対値の `rtol` 倍（丸めで 0 にならない値を許す）
    hint : str
        合わないときに添える手がかり

    Returns
    -------
    Verdict
        判定と理由

    Raises
    ------
    ValueError
        `expected` が数の配列でないとき、誤差が負のとき

    章: introduction
    """
    level, message = compare_arrays(actual, expected, rtol, atol)
    return _verdict(level, message, hint)


def function(
    candidate: Any,
    reference: Callable[..., Any],
    cases: Sequence[tuple[Any, ...] | Mapping[str, Any]],
    *,
    rtol: float = 1e-5,
    atol: float | None = None,
    hint: str = "",
) -> Verdict:
    """学習者の関数を、手本の関数と同じ引数で動かし、全部の例で結果を比べる。

    Parameters
    ----------
    candidate : callable
        学習者の関数。例外が出ても「まだ」になるだけで、採点は止まらない
    reference : callable
        手本の関数
    cases : sequence of tuple or dict
        引数の組。タプルは位置で、辞書は名前で渡す
    rtol, atol : float
        `array` と同じ
    hint : str
        合わないときに添える手がかり

    Returns
    -------
    Verdict
        最初に合わなかった例についての判定。全部合えば「正解」

    Raises
    ------
    ValueError
        `cases` が空のとき、手本が動かないとき、手本の結果が数でないとき

    章: introduction
    """
    require(callable(reference), f"reference は関数です（{type(reference).__name__} でした）。")
    require(len(cases) > 0, "cases が空です。引数の組を 1 つ以上渡してください。")
    for case in cases:
        require(isinstance(case, tuple | Mapping), f"cases の中身はタプルか辞書です（{case!r}）。")
    if candidate is ... or candidate is None:
        return _verdict(NOT_YET, BLANK, hint)
    if not callable(candidate):
        message = f"関数を渡してください（いまは {type(candidate).__name__} です）。"
        return _verdict(NOT_YET, message, hint)
    # 後の例で手本が動かない誤りも見つかるよう、先に全部の例を比べる
    graded = [run_case(candidate, reference, case, rtol, atol) for case in cases]
    for i, (level, message) in enumerate(graded):
        if level != OK:
            where = f"{i + 1} 番目の例 `{describe(cases[i])}`：" if message != BLANK else ""
            return _verdict(level, where + message, hint)
    return _verdict(OK, f"{len(cases)} 個の例のすべてで、手本と同じ結果になりました。")


def choice(
    actual: Any,
    expected: Any,
    *,
    hints: Mapping[Any, str] | None = None,
    hint: str = "",
) -> Verdict:
    """記号や言葉で選んだ答えを確かめる。全角と半角、大文字と小文字は区別しない。

    Parameters
    ----------
    actual : str, int or set
        学習者の答え
    expected : str, int or set
        正解。集合なら、その全部を選ぶ問題（順番は問わない）
    hints : mapping, optional
        誤った選択肢ごとの手がかり。`{"イ": "…"}`
    hint : str
        ほかの誤りに添える手がかり

    Returns
    -------
    Verdict
        判定と理由。集合の一部だけが合うときは「あと少し」

    Raises
    ------
    ValueError
        `expected` が空のとき、`hints` に正解が入っているとき

    章: introduction
    """
    truth, answer = choices(expected), choices(actual)
    told = {normal(key): text for key, text in (hints or {}).items()}
    require(bool(truth) and "" not in truth, "expected が空です。")
    require(not truth & told.keys(), "hints に正解が入っています。")
    hint = "".join(text for key, text in told.items() if key in answer) or hint
    if not answer or "" in answer:
        return _verdict(NOT_YET, BLANK, hint)
    if answer == truth:
        return _verdict(OK, "そのとおりです。")
    if answer < truth:
        return _verdict(ALMOST, "選んだものは合っていますが、ほかにもあります。", hint)
    if answer & truth:
        return _verdict(ALMOST, "合っているものと、違うものが混ざっています。", hint)
    return _verdict(NOT_YET, "ほかの答えを考えてみましょう。", hint)


def _verdict(level: str, message: str, hint: str = "") -> Verdict:
    return Verdict(level, message + (f"（手がかり：{hint}）" if hint and level != OK else ""))
