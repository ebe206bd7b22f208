"""その場で答え合わせのできる小さな問題。カーネルのないページでも動く。

文字列には `` `コード` ``、`**太字**`、`$数式$` を書ける。数式は、本のページでは MathJax が組む。
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets as t

from sstut.widgets._base import bundle

_CSS = Path(__file__).resolve().parent / "css"


class Quiz(anywidget.AnyWidget):
    """問題 1 つ。`Quiz.choice`、`Quiz.number`、`Quiz.predict` のどれかで作る。

    Attributes
    ----------
    response : int, float or None
        読者の答え。選択肢の番号（0 から）か、数。まだなら None
    correct : bool or None
        正解したか。まだ答えていないか、答えのない問題なら None
    """

    _esm: ClassVar[str] = bundle("quiz.js")
    _css: ClassVar[str] = "\n".join(
        (_CSS / name).read_text("utf-8") for name in ("widgets.css", "quiz.css")
    )

    kind = t.Enum(["choice", "number", "predict"]).tag(sync=True)
    question = t.Unicode().tag(sync=True)
    choices = t.List(t.Unicode()).tag(sync=True)
    answer = t.Float(None, allow_none=True).tag(sync=True)
    why = t.Unicode("").tag(sync=True)
    hints: t.List[list[Any]] = t.List().tag(sync=True)  # [番号か値, 手がかり] の並び
    unit = t.Unicode("").tag(sync=True)
    rtol = t.Float(0.0).tag(sync=True)
    atol = t.Float(0.0).tag(sync=True)
    then = t.Unicode("").tag(sync=True)
    response = t.Float(None, allow_none=True).tag(sync=True)
    correct = t.Bool(None, allow_none=True).tag(sync=True)

    @classmethod
    def choice(
        cls,
        question: str,
        choices: Sequence[str],
        *,
        answer: int,
        why: str,
        hints: Mapping[int, str] | None = None,
    ) -> Quiz:
        """1 つを選ぶ問題。

        Parameters
        ----------
        question : str
            問い
        choices : sequence of str
            選択肢、2 つ以上。この順に並ぶ
        answer : int
            正しい選択肢の番号（0 から）
        why : str
            解説。正解のあと、または一度答えたあとに読める
        hints : mapping of int to str, optional
            誤った選択肢の番号 → 手がかり

        Returns
        -------
        Quiz
            部品

        Raises
        ------
        ValueError
            選択肢が足りない、番号が範囲の外、正解に手がかりがある、文が空のとき

        章: introduction
        """
        hints = dict(hints or {})
        _check_choices(choices, answer, *hints)
        _require(answer not in hints, f"hints に正解の番号 {answer} が入っています。")
        _check_texts(question=question, why=why)
        return cls(
            kind="choice",
            question=question,
            choices=list(choices),
            answer=answer,
            why=why,
            hints=[[i, text] for i, text in hints.items()],
        )

    @classmethod
    def number(
        cls,
        question: str,
        *,
        answer: float,
        why: str,
        rtol: float = 0.005,
        atol: float = 0.0,
        unit: str = "",
        hints: Sequence[tuple[float, str]] = (),
    ) -> Quiz:
        """数を入れる問題。

        Parameters
        ----------
        question : str
            問い
        answer : float
            正解
        why : str
            解説
        rtol, atol : float
            許す相対誤差と絶対誤差、0 以上。既定では 3 桁ほど合えば正解
        unit : str
            欄の後ろに出す単位
        hints : sequence of (float, str)
            よくある誤りの値と、そのときの手がかり。「あと少し」になる

        Returns
        -------
        Quiz
            部品

        Raises
        ------
        ValueError
            数が有限でない、誤差が負、正解とみなす範囲に手がかりがある、文が空のとき

        章: introduction
        """
        _check_texts(question=question, why=why)
        _require(rtol >= 0 and atol >= 0, f"rtol と atol は 0 以上です（{rtol}、{atol} でした）。")
        for value in (answer, *(value for value, _ in hints)):
            _require(isfinite(value), f"答えと手がかりの値は有限な数です（{value} でした）。")
        margin = max(atol, rtol * abs(answer))
        for value, _ in hints:
            _require(abs(value - answer) > margin, f"手がかりの値 {value} は正解になります。")
        return cls(
            kind="number",
            question=question,
            answer=answer,
            why=why,
            rtol=rtol,
            atol=atol,
            unit=unit,
            hints=[[float(value), text] for value, text in hints],
        )

    @classmethod
    def predict(
        cls,
        question: str,
        choices: Sequence[str],
        *,
        then: str,
        answer: int | None = None,
        why: str = "",
    ) -> Quiz:
        """結果を見る前に、予想を決める問題。選んだだけでは、正誤を言わない。

        Parameters
        ----------
        question : str
            問い
        choices : sequence of str
            選択肢、2 つ以上
        then : str
            予想を決めたあとに、何をして確かめるか
        answer : int, optional
            正しい選択肢の番号。与えると、あとで答え合わせができる
        why : str
            答え合わせのときに出す解説

        Returns
        -------
        Quiz
            部品

        Raises
        ------
        ValueError
            選択肢が足りない、番号が範囲の外、文が空のとき

        章: introduction
        """
        _check_choices(choices, *([] if answer is None else [answer]))
        _check_texts(question=question, then=then)
        return cls(
            kind="predict",
            question=question,
            choices=list(choices),
            then=then,
            answer=answer,
            why=why,
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_texts(**texts: Any) -> None:
    for name, text in texts.items():
        _require(isinstance(text, str) and bool(text.strip()), f"{name} に文を書いてください。")


def _check_choices(choices: Sequence[str], *indices: int) -> None:
    texts = list(choices)
    _require(not isinstance(choices, str) and len(texts) >= 2, "選択肢は 2 つ以上の文の並びです。")
    _check_texts(**{f"choices[{i}]": text for i, text in enumerate(texts)})
    _require(len(set(texts)) == len(texts), "同じ選択肢が 2 つあります。")
    for i in indices:
        in_range = isinstance(i, int) and 0 <= i < len(texts)
        _require(in_range, f"選択肢の番号は 0 から {len(texts) - 1} です（{i!r} でした）。")
