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

    def table(self) -> "Table":
        """指標を列に、音源を行にした表。"""
        header = ("[dB]", *next(iter(self.rows.values())))
        body = [(name, *(f"{v:.2f}" for v in row.values())) for name, row in self.rows.items()]
        return Table((header, *body), "評価値の表")

    def __str__(self) -> str:
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


@dataclass(frozen=True, repr=False)
class Table:
    """文字列の表。端末では等幅の文字で、ノートブックでは HTML の表として見せる。

    Attributes
    ----------
    rows : 見出しの行と、中身の行。1 列目は行の名前
    label : 表の説明（読み上げに使う）

    章: evaluation
    """

    rows: tuple[tuple[str, ...], ...]
    label: str

    def __str__(self) -> str:
        return text_table(self.rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = "padding:.25em .7em;text-align:right;border:0;white-space:nowrap"
        head, *body = self.rows
        columns = "".join(f'<th scope="col" style="{cell}">{html.escape(c)}</th>' for c in head[1:])
        lines = "".join(
            f'<tr><th scope="row" style="{cell};text-align:left">{html.escape(name)}</th>'
            + "".join(f'<td style="{cell}">{html.escape(value)}</td>' for value in values)
            + "</tr>"
            for name, *values in body
        )
        return (
            f'<div class="sstut-scores" role="region" aria-label="{html.escape(self.label)}" '
            'tabindex="0" style="overflow-x:auto;margin:.2em 0"><table style="'
            "border-collapse:collapse;color:inherit;font-variant-numeric:tabular-nums;"
            'border:1px solid #5b7fb5;border-left-width:.4em;background:#5b7fb51f">'
            f'<thead><tr><th scope="col" style="{cell};text-align:left">{html.escape(head[0])}</th>'
            f"{columns}</tr></thead><tbody>{lines}</tbody></table></div>"
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
