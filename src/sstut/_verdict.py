"""採点の結果と、その見た目。"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

OK, ALMOST, NOT_YET = "正解", "あと少し", "まだ"
# 色だけに頼らないよう、印と言葉を必ず添える。文字は周りの色のままなので、明るい画面でも
# 暗い画面でも読める
_LOOK = {OK: ("○", "#1f9d63"), ALMOST: ("△", "#c98a06"), NOT_YET: ("…", "#5b7fb5")}


@dataclass(frozen=True, repr=False)
class Verdict:
    """採点の結果。セルの最後に置くと、色の付いた枠で表示される。

    Attributes
    ----------
    level : {"正解", "あと少し", "まだ"}
        判定
    message : str
        理由と手がかり
    """

    level: str
    message: str

    def __post_init__(self) -> None:
        if self.level not in _LOOK:
            raise ValueError(f"level は {'、'.join(_LOOK)} のどれかです（指定は {self.level!r}）。")

    @property
    def ok(self) -> bool:
        """正解かどうか。"""
        return self.level == OK

    def __str__(self) -> str:
        return f"{_LOOK[self.level][0]} {self.level}：{self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        icon, color = _LOOK[self.level]
        # 明暗のどちらでも、地の色に合う文字の色にする
        code = r'<code style="color:inherit">\1</code>'
        text = re.sub(r"`([^`]+)`", code, html.escape(self.message))
        return (
            f'<div class="sstut-verdict" data-level="{self.level}" role="status" style="'
            f"border:1px solid {color};border-left-width:.4em;border-radius:.4em;color:inherit;"
            f'background:{color}1f;padding:.5em .8em;margin:.2em 0;line-height:1.7">'
            f'<strong><span aria-hidden="true">{icon}</span> {self.level}</strong>　{text}</div>'
        )
