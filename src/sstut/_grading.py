"""採点の内側：答えを読み、正解と比べて、判定と理由を決める。`check` だけが使う。"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sstut import _near_miss
from sstut._verdict import ALMOST, NOT_YET, OK

Array = NDArray[Any]
Graded = tuple[str, str]  # 判定と理由

BLANK = "「...」のところに、答えを書いてください。"
_SAME = "期待どおりの値です。"


def require(condition: bool, message: str) -> None:
    """問題を作る側の誤りを `ValueError` にする。"""
    if not condition:
        raise ValueError(message)


def read(actual: Any) -> tuple[Array | None, str]:
    """答えを数の配列にする。できないときは `(None, 理由)`。"""
    if actual is ... or actual is None:
        return None, BLANK
    try:
        answer = np.asarray(actual)
    except Exception as e:  # 学習者の答えは何でもありうる
        return None, f"数の配列にできません（{type(e).__name__}）。"
    if answer.dtype.kind not in "biufc":
        return None, f"数か、数の配列を答えてください（いまは {type(actual).__name__} です）。"
    # 真偽値と整数は、引き算や符号の反転ができる型にそろえる
    return (answer if answer.dtype.kind in "fc" else answer.astype(np.float64)), ""


def truth_array(expected: Any, rtol: float, atol: float | None) -> Array:
    """正解を数の配列にする。できないのは問題の側の誤りである。"""
    require(rtol >= 0 and (atol is None or atol >= 0), "rtol と atol は 0 以上です。")
    truth, problem = read(expected)
    if truth is None or truth.size == 0:
        raise ValueError(f"expected は空でない数か配列です。{problem}")
    return truth


def compare(
    answer: Array, truth: Array, rtol: float, atol: float | None, *, unit: str = ""
) -> Graded:
    """値を比べる。合わないときは、よくある間違いかどうかを調べる。"""
    if atol is None:
        atol = rtol * float(np.max(np.abs(truth[np.isfinite(truth)]), initial=0.0))
    same_shape = answer.shape == truth.shape
    if same_shape and np.allclose(answer, truth, rtol=rtol, atol=atol, equal_nan=True):
        if np.iscomplexobj(answer) and not np.iscomplexobj(truth):
            return ALMOST, "値は合っていますが、虚部が 0 の複素数です。実数に直しましょう。"
        return OK, _SAME
    n_bad = np.count_nonzero(~np.isfinite(answer)) - np.count_nonzero(~np.isfinite(truth))
    if n_bad > 0:
        return NOT_YET, f"NaN か無限大が {n_bad} 個あります。0 での割り算などを疑いましょう。"
    if told := _near_miss.explain(answer, truth, unit=unit):
        return ALMOST, told
    if not same_shape:
        return NOT_YET, f"shape が違います（いまは {answer.shape}、正しくは {truth.shape}）。"
    return NOT_YET, "値が合いません。" if np.any(answer) else "値がすべて 0 です。"


def same_precision(answer: Any, truth: Any) -> Graded:
    """値が合ったあとで、float32 と float64 の違いを見る。"""
    have, want = np.asarray(answer).dtype, np.asarray(truth).dtype
    if have.kind == want.kind and have.kind in "fc" and have != want:
        return ALMOST, f"値は合っていますが、dtype が {have} です（正しくは {want}）。"
    return OK, _SAME


def compare_arrays(actual: Any, expected: Any, rtol: float, atol: float | None) -> Graded:
    """配列どうしを、値、型の順に比べる。"""
    truth = truth_array(expected, rtol, atol)
    answer, problem = read(actual)
    if answer is None:
        return NOT_YET, problem
    level, message = compare(answer, truth, rtol, atol)
    if level == OK and truth.ndim and isinstance(expected, np.ndarray):
        return same_precision(actual, expected)
    return level, message


def run_case(
    candidate: Callable[..., Any],
    reference: Callable[..., Any],
    case: tuple[Any, ...] | Mapping[str, Any],
    rtol: float,
    atol: float | None,
) -> Graded:
    """1 つの例で、学習者の関数と手本を動かして比べる。"""
    try:
        expected = _call(reference, copy.deepcopy(case))
    except Exception as e:
        raise ValueError(f"手本が {describe(case)} で動きません（{e}）。") from e
    given = copy.deepcopy(case)
    try:
        actual = _call(candidate, given)
    except NotImplementedError:
        return NOT_YET, BLANK
    except (Exception, SystemExit) as e:  # 学習者の関数は何を出すかわからない
        reason = f"（{str(e).splitlines()[0][:100]}）" if str(e) else ""
        return NOT_YET, f"{type(e).__name__} が出て止まりました{reason}。"
    graded = _compare_results(actual, expected, rtol, atol)
    if graded[0] == OK and not _unchanged(given, case):
        return ALMOST, "値は合っていますが、引数の配列を書きかえています。写しを作りましょう。"
    return graded


def describe(case: tuple[Any, ...] | Mapping[str, Any]) -> str:
    """例の引数を 1 行で表す。配列は shape だけを書く。"""
    items = case.items() if isinstance(case, Mapping) else ((None, arg) for arg in case)
    words = []
    for name, arg in items:
        text = f"shape {arg.shape}" if isinstance(arg, np.ndarray) and arg.ndim else repr(arg)
        text = text if len(text) <= 40 else text[:39] + "…"
        words.append(f"{name}={text}" if name else text)
    return "、".join(words)


def choices(answer: Any) -> frozenset[str]:
    """選んだ答えを、表記をそろえた集合にする。"""
    if answer is ... or answer is None:
        return frozenset()
    several = isinstance(answer, AbstractSet | list | tuple)
    return frozenset(normal(item) for item in (answer if several else [answer]))


def normal(item: Any) -> str:
    """全角と半角、大文字と小文字、前後の空白の違いをなくす。"""
    return unicodedata.normalize("NFKC", str(item)).strip().casefold()


def _call(function: Callable[..., Any], case: tuple[Any, ...] | Mapping[str, Any]) -> Any:
    return function(**case) if isinstance(case, Mapping) else function(*case)


def _compare_results(actual: Any, expected: Any, rtol: float, atol: float | None) -> Graded:
    if not isinstance(expected, tuple):
        return compare_arrays(actual, expected, rtol, atol)
    if not isinstance(actual, tuple) or len(actual) != len(expected):
        return NOT_YET, f"戻り値は {len(expected)} 個の組です。"
    for i, (a, e) in enumerate(zip(actual, expected, strict=True), 1):
        level, message = compare_arrays(a, e, rtol, atol)
        if level != OK:
            return level, f"{i} 番目の戻り値：{message}"
    return OK, _SAME


def _unchanged(given: Any, case: Any) -> bool:
    pairs = zip(
        given.values() if isinstance(given, Mapping) else given,
        case.values() if isinstance(case, Mapping) else case,
        strict=True,
    )
    return all(
        np.array_equal(g, c, equal_nan=c.dtype.kind in "fc")
        for g, c in pairs
        if isinstance(c, np.ndarray)
    )
