"""各章を、きれいな ``.ipynb``（出力なし、セルの ID は固定）としても配る Sphinx 拡張。

``make lab`` が開くノートブックも、ここの ``to_ipynb`` が作る。JupyterLab は MyST の書き方を
知らないので、``{term}`` のような印は太字に、``literalinclude`` は本物のコードに、ほかの
ページへのリンクはその題に直す。解答と、答えの書いてあるクイズのセルは畳んでおく。
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from sphinx.application import Sphinx

FOLDED = {"hide-input", "remove-input", "solution"}  # 入力を畳むセルの印

_HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.S)
_ROLE = re.compile(r"\{(?:term|ref|doc|abbr|py:\w+)\}`([^`<]+?)(?:\s*<[^`>]*>)?`")
_EQUATION = re.compile(r"\{eq\}`([^`]+)`")
_LINK = re.compile(r"\[([^\]\n]*)\]\(([\w./-]+\.md)\)")
_INCLUDE = re.compile(
    r"^```\{literalinclude\} (\S+)\n(?:^:(?!pyobject)[^\n]*\n)*:pyobject: (\w+)\n```$", re.M
)
_FENCE = re.compile(r"^:{3,}(?:\{[\w-]+\} *([^\n]*))?\n(?::[\w-]+:[^\n]*\n)*", re.M)


def _source(path: Path, name: str) -> str:
    """Python のファイルから、関数かクラス ``name`` のコードを取り出す。"""
    text = path.read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise ValueError(f"{path} に {name} がありません。")


def _title(path: Path) -> str:
    """ページの題（最初の ``# `` の行）。取りこんだページなら、取りこむ先の題。"""
    text = path.read_text("utf-8")
    heading = re.search(r"^# (.+)$", text, re.M)
    if heading:
        return heading[1]
    included = re.search(r"^```\{include\} (\S+)$", text, re.M)
    return _title(path.parent / included[1]) if included else path.stem


def plain_markdown(text: str, folder: Path) -> str:
    """MyST の書き方を、ふつうの Markdown に直す。``folder`` は相対パスの起点。"""
    text = _INCLUDE.sub(lambda m: f"```python\n{_source(folder / m[1], m[2])}\n```", text)
    text = _LINK.sub(lambda m: m[1] or f"「{_title(folder / m[2])}」", text)
    text = _FENCE.sub(
        lambda m: f"**{m[1]}**\n\n" if m[1] and m[1].strip("0123456789 ") else "", text
    )
    text = _EQUATION.sub(r"(\1)", text)
    return _ROLE.sub(r"**\1**", text)


def is_notebook(text: str) -> bool:
    """実行するページ（前書きに ``kernelspec`` がある）かどうか。"""
    head = _HEADER.match(text)
    return head is not None and re.search(r"^kernelspec:", head[1], re.M) is not None


def to_ipynb(text: str, folder: Path) -> str:
    """MyST のページを ``.ipynb`` の文字列にする。``folder`` はページのあるフォルダー。"""
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata.pop("source_map", None)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = hashlib.sha256(f"{i}\0{cell.source}".encode()).hexdigest()[:8]
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source, folder)
        if FOLDED.intersection(cell.metadata.get("tags", [])):
            cell.metadata["jupyter"] = {"source_hidden": True}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def _add_download(
    app: Sphinx, pagename: str, _template: str, context: dict[str, Any], doctree: object
) -> None:
    if doctree is None or app.builder.format != "html":
        return
    source = Path(app.env.doc2path(pagename))
    text = source.read_text("utf-8")
    if source.suffix != ".md" or not is_notebook(text):
        return
    out = Path(app.outdir, "_sources", f"{pagename}.ipynb")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_ipynb(text, source.parent), "utf-8")
    context["ipynb_source"] = f"{pagename}.ipynb"  # テーマがこの名前でボタンを出す


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("html-page-context", _add_download, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main() -> None:
    """``book/*.md`` から、まだ手元にないノートブックを作る（``make lab`` が呼ぶ）。"""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("book", type=Path, help="章の .md があるフォルダー")
    parser.add_argument("out", type=Path, help="ノートブックを置くフォルダー")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in sorted(args.book.glob("*.md")):
        text, target = source.read_text("utf-8"), args.out / f"{source.stem}.ipynb"
        # 読者が書きこんだノートブックは上書きしない。
        if is_notebook(text) and not target.exists():
            target.write_text(to_ipynb(text, source.parent), "utf-8")


if __name__ == "__main__":
    main()
