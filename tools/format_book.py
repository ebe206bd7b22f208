"""章のコードセルを ruff で整える（``--check`` なら、整っていない章を知らせて失敗する）。

本の幅に収まるように、1 行は 80 桁（全角は 2 桁）までにする。

    python tools/format_book.py [--check]
"""

import argparse
import subprocess
import sys
from pathlib import Path

import nbformat

from sstut.sphinxext.exec_deps import CELL, CELL_OPTIONS

WIDTH = 80
ROOT = Path(__file__).resolve().parents[1]


def format_cells(cells: list[str]) -> list[str]:
    """コードセルを、ノートブックとして（行末の ; を残して）整える。"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    command = [sys.executable, "-m", "ruff", "format", "--line-length", str(WIDTH)]
    done = subprocess.run(
        [*command, "--stdin-filename", "chapter.ipynb", "-"],
        input=nbformat.writes(notebook),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return [cell.source for cell in nbformat.reads(done.stdout, 4).cells]


def format_chapter(text: str) -> str:
    """章の全文を、コードセルだけ整えて返す。"""
    matches = list(CELL.finditer(text))
    heads = [found[0] if (found := CELL_OPTIONS.match(m[1])) else "" for m in matches]
    sources = [m[1][len(head) :].strip("\n") for m, head in zip(matches, heads, strict=True)]
    for m, head, code in reversed(list(zip(matches, heads, format_cells(sources), strict=True))):
        gap = "\n" if head.startswith(":") else ""
        text = f"{text[: m.start(1)]}{head}{gap}{code}\n{text[m.end(1) :]}"
    return text


def main() -> int:
    """整えた（または、整っていない）章を書き出す。"""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="書きかえずに、違いがあれば失敗する")
    check = parser.parse_args().check
    changed = []
    for path in sorted((ROOT / "book").glob("*.md")):
        before = path.read_text("utf-8")
        after = format_chapter(before)
        if after != before:
            changed.append(path)
            if not check:
                path.write_text(after, "utf-8")
    for path in changed:
        print(path.relative_to(ROOT), "を整えてください。" if check else "を整えました。")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
