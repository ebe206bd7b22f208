"""評価値の表と、その見た目。"""

import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Scores:
    """音源ごとの評価値。表示すると表になる。

    Attributes
    ----------
    rows : {音源の名前: {指標の名前: 値 [dB]}}
        `scores["歌"]["SDR"]` のようにも取り出せる。

    章: evaluation
    """

    rows: dict[str, dict[str, float]]

    def __getitem__(self, name: str) -> dict[str, float]:
        return self.rows[name]

    def _table(self) -> list[list[str]]:
        header = ["[dB]", *next(iter(self.rows.values()))]
        return [header, *([n, *(f"{v:.2f}" for v in r.values())] for n, r in self.rows.items())]

    def __str__(self) -> str:
        return text_table(self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = "padding:.25em .7em;text-align:right;border:0"
        head, *body = self._table()
        columns = "".join(f'<th scope="col" style="{cell}">{html.escape(c)}</th>' for c in head[1:])
        lines = "".join(
            f'<tr><th scope="row" style="{cell};text-align:left">{html.escape(name)}</th>'
            + "".join(f'<td style="{cell}">{value}</td>' for value in values)
            + "</tr>"
            for name, *values in body
        )
        return (
            '<div class="sstut-scores" role="region" aria-label="評価値の表" tabindex="0" '
            'style="overflow-x:auto;margin:.2em 0"><table style="'
            "border-collapse:collapse;color:inherit;font-variant-numeric:tabular-nums;"
            'border:1px solid #5b7fb5;border-left-width:.4em;background:#5b7fb51f">'
            f'<thead><tr><th scope="col" style="{cell};text-align:left">{head[0]}</th>{columns}'
            f"</tr></thead><tbody>{lines}</tbody></table></div>"
        )


def text_table(rows: Sequence[Sequence[str]], *, right: bool = True) -> str:
    """等幅の表。2 列目からは、right なら右にそろえる。"""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        spaces = [" " * (w - _width(c)) for c, w in zip(cells, widths, strict=True)]
        padded = [s + c if right else c + s for c, s in zip(cells[1:], spaces[1:], strict=True)]
        return "  ".join([cells[0] + spaces[0], *padded]).rstrip()

    return "\n".join(map(line, rows))


def _width(text: str) -> int:
    """等幅で表示したときの幅。全角は 2。"""
    return sum(2 if unicodedata.east_asian_width(c) in "FW" else 1 for c in text)
