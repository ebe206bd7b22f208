"""本文が使うコードが変わったとき、そのページだけを実行しなおすための Sphinx 拡張。

jupyter-cache は「コードセルと ``metadata.kernelspec``」が同じなら前の結果を使い、Sphinx はページの
更新時刻だけを見る。そのままでは ``src/sstut`` を直しても古い結果が残る。そこで、ページのセルが
（間接的にでも）import する ``sstut`` のファイルをたどり、

1. Sphinx に依存ファイルとして知らせ（変わればページを読みなおす）、
2. その中身のハッシュを ``kernelspec`` に書きこむ（変われば実行しなおす）。

文章だけを直したときはハッシュが同じなので、実行はしない。
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PACKAGE = Path(__file__).resolve().parents[1]

# 結果の数値や図を変えうるもの。版が変われば実行しなおす。
_PINNED = ("anywidget", "librosa", "matplotlib", "mir_eval", "numpy", "scipy", "soundfile", "torch")
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```\s*$", re.M | re.S)
CELL_OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)", re.M | re.S)
_KERNELSPEC = re.compile(r"\A---\n(?:.*\n)*?kernelspec:\n(?=(?:.*\n)*?---\n)")


def page_code(text: str) -> str:
    """MyST のページから、コードセルの中身だけを取り出す。"""
    cells = (CELL_OPTIONS.sub("", cell) for cell in CELL.findall(text))
    # マジックコマンドは Python の文法ではないので、読みとばす。
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", "\n".join(cells), flags=re.M)


def _imported_names(code: str, package: str) -> Iterator[str]:
    """``code`` が import しうる名前。``package`` は相対 import の起点。"""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _module_files(name: str) -> Iterator[tuple[str, Path]]:
    """``sstut.a.b`` を import したとき読まれる ``(パッケージ名, ファイル)``。"""
    parts = name.split(".")
    if parts[0] != "sstut":
        return
    for i in range(1, len(parts) + 1):
        place = PACKAGE.joinpath(*parts[1:i])
        if (place / "__init__.py").is_file():
            yield ".".join(parts[:i]), place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            yield ".".join(parts[: i - 1]), place.with_suffix(".py")


def _companions(module: Path) -> list[Path]:
    """モジュールが実行時に読む、Python でないファイル。"""
    if module.parent == PACKAGE / "data":
        return sorted(p for p in (PACKAGE / "sounds").iterdir() if p.is_file())
    if module.parent == PACKAGE / "widgets":
        if module.stem == "_base":
            return sorted((PACKAGE / "widgets" / "css").glob("*.css"))
        if (PACKAGE / "widgets" / "js" / f"{module.stem}.js").is_file():
            from sstut.widgets._base import bundle_files

            return bundle_files(f"{module.stem}.js")
    return []


def dependencies(code: str) -> list[Path]:
    """``code`` が直接・間接に使う ``sstut`` のファイルを、名前順に返す。"""
    found: set[Path] = set()
    todo = [(code, "sstut")]
    while todo:
        for name in _imported_names(*todo.pop()):
            for package, path in _module_files(name):
                if path not in found:
                    found.add(path)
                    found.update(_companions(path))
                    todo.append((path.read_text("utf-8"), package))
    return sorted(found)


def fingerprint(files: list[Path]) -> str:
    """ファイルの中身と主なライブラリの版で決まる、短いハッシュ。"""
    h = hashlib.sha256()
    for path in files:
        h.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    for name in _PINNED:
        try:
            h.update(f"{name}={importlib.metadata.version(name)};".encode())
        except importlib.metadata.PackageNotFoundError:
            continue
    return h.hexdigest()[:16]


def _source_read(app: Sphinx, _docname: str, source: list[str]) -> None:
    head = _KERNELSPEC.match(source[0])
    if head is None:
        return
    files = dependencies(page_code(source[0]))
    for path in files:
        app.env.note_dependency(str(path))
    at = head.end()
    source[0] = f"{source[0][:at]}  fingerprint: {fingerprint(files)}\n{source[0][at:]}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("source-read", _source_read)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
