"""各章を、きれいな ``.ipynb``（出力なし、セルの ID は固定）としても配る Sphinx 拡張。

``make lab`` が開くノートブックも、ここの ``to_ipynb`` が作る。JupyterLab は MyST の
ロールを知らないので、``{term}`` のような印は太字に直す。解答のセルは畳んでおく。
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from sphinx.application import Sphinx

_ROLE = re.compile(r"\{(?:term|ref|doc|abbr|py:\w+)\}`([^`<]+?)(?:\s*<[^`>]*>)?`")
_HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.S)


def is_notebook(text: str) -> bool:
    """実行するページ（前書きに ``kernelspec`` がある）かどうか。"""
    head = _HEADER.match(text)
    return head is not None and re.search(r"^kernelspec:", head[1], re.M) is not None


def to_ipynb(text: str) -> str:
    """MyST のページを ``.ipynb`` の文字列にする。"""
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata.pop("source_map", None)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = hashlib.sha256(f"{i}\0{cell.source}".encode()).hexdigest()[:8]
        if cell.cell_type == "markdown":
            cell.source = _ROLE.sub(r"**\1**", cell.source)
        if "solution" in cell.metadata.get("tags", []):
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
    out.write_text(to_ipynb(text), "utf-8")
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
            target.write_text(to_ipynb(text), "utf-8")


if __name__ == "__main__":
    main()
