"""本の原稿と、できあがった HTML を読む道具。"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
HTML = Path(os.environ.get("SSTUT_HTML", ROOT / "_build" / "html"))

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.S)
_FENCE = re.compile(r"^(`{3,}|:{3,})(?:\{([\w-]+)\})?(.*)$")
_OPTIONS = re.compile(r"\A(?:---\n(.*?)\n---\n|((?::[\w-]+:[^\n]*\n)+))", re.S)


@dataclass(frozen=True)
class Heading:
    """見出し。``level`` は ``#`` の数。"""

    level: int
    title: str


@dataclass(frozen=True)
class Prose:
    """地の文の 1 行（表と箇条書きも含む）。"""

    text: str


@dataclass(frozen=True)
class Block:
    """ディレクティブやコード。``kind`` は ``code-cell`` など、名前がなければ空。"""

    kind: str
    argument: str
    options: dict[str, Any]
    body: str

    @property
    def tags(self) -> list[str]:
        return self.options.get("tags") or []

    @property
    def alt(self) -> str:
        """図の代わりの文。"""
        return ((self.options.get("mystnb") or {}).get("image") or {}).get("alt") or ""

    @property
    def is_solution(self) -> bool:
        return "solution" in self.tags


Item = Heading | Prose | Block


@dataclass(frozen=True, repr=False)
class Page:
    """1 ページの原稿。"""

    name: str  # "01_representations"
    text: str
    front: dict[str, Any]
    items: tuple[Item, ...]

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def stem(self) -> str:
        """番号を除いた名前。章・モジュール・試験をつなぐ鍵。"""
        return re.sub(r"^\d+_", "", self.name)

    @property
    def is_notebook(self) -> bool:
        return "kernelspec" in self.front

    @property
    def has_module(self) -> bool:
        """実装のある章か。はじめのページと導入は、実行はするが、手法の実装を持たない。"""
        return self.is_notebook and self.stem not in ("index", "introduction")

    @property
    def cells(self) -> list[Block]:
        return [i for i in self.items if isinstance(i, Block) and i.kind == "code-cell"]

    def headings(self, level: int = 2) -> list[str]:
        return [i.title for i in self.items if isinstance(i, Heading) and i.level == level]

    def sections(self, level: int) -> dict[str, list[Item]]:
        """見出し → その下の中身（同じ深さか、より浅い次の見出しの前まで）。"""
        found: dict[str, list[Item]] = {}
        now: list[Item] | None = None
        for item in self.items:
            if isinstance(item, Heading) and item.level <= level:
                now = found.setdefault(item.title, []) if item.level == level else None
            elif now is not None:
                now.append(item)
        return found


def parse_page(name: str, text: str) -> Page:
    """MyST の原稿を、見出し・地の文・ブロックの並びにする。"""
    front = _FRONT.match(text)
    lines = text[front.end() :].splitlines() if front else text.splitlines()
    items: list[Item] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        if fence := _FENCE.match(line):
            mark, kind, argument = fence.groups()
            if mark[0] == ":":  # 中身も地の文として読む枠
                continue
            start = i
            while i < len(lines) and lines[i].rstrip() != mark:
                i += 1
            assert i < len(lines), f"{name}：「{line}」の枠が閉じていません。"
            items.append(_block(kind or "", argument.strip(), lines[start:i]))
            i += 1
        elif heading := re.match(r"(#+) (.+)", line):
            items.append(Heading(len(heading[1]), heading[2].strip()))
        elif line.strip():
            items.append(Prose(line))
    return Page(name, text, yaml.safe_load(front[1]) if front else {}, tuple(items))


def _block(kind: str, argument: str, lines: list[str]) -> Block:
    body = "\n".join(lines) + "\n"
    options: dict[str, Any] = {}
    if kind and (head := _OPTIONS.match(body)):
        body = body[head.end() :]
        short = re.sub(r"^:([\w-]+):", r"\1:", head[2] or "", flags=re.M)
        options = yaml.safe_load(head[1] or short) or {}
    return Block(kind, argument, options, body)


@functools.cache
def _pages() -> tuple[Page, ...]:
    paths = sorted(BOOK.glob("*.md"), key=lambda p: (p.stem != "index", p.stem))
    return tuple(parse_page(p.stem, p.read_text("utf-8")) for p in paths)


@functools.cache
def _soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``page``（全ページ）、``notebook``（実行するページ）、``chapter``（実装のある章）をくり返す。"""
    groups = {
        "page": lambda p: True,
        "notebook": lambda p: p.is_notebook,
        "chapter": lambda p: p.has_module,
    }
    for name, wanted in groups.items():
        if name in metafunc.fixturenames:
            chosen = [p for p in _pages() if wanted(p)]
            metafunc.parametrize(name, chosen, ids=[p.name for p in chosen])


@pytest.fixture(scope="session")
def pages() -> tuple[Page, ...]:
    """全ページ。index が先頭で、あとは読む順。"""
    return _pages()


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def parse():
    """原稿の文字列を読む関数（規則そのものの試験に使う）。"""
    return parse_page


@pytest.fixture(scope="session")
def html() -> Path:
    """できあがった本のフォルダー。まだなければ、手元では飛ばし、CI では失敗させる。"""
    if not (HTML / "index.html").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("CI なのに本ができていません。先に make book を動かします。")
        pytest.skip("本がまだないので、HTML の検査を飛ばします（make book で作れます）。")
    return HTML


@pytest.fixture(scope="session")
def soup():
    """HTML を読む関数（同じファイルは 1 回だけ読む）。"""
    return _soup
