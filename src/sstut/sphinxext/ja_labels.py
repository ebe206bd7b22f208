"""テーマに残る英語の表示を日本語にする Sphinx 拡張。

Sphinx とテーマの日本語訳は、新しい表示に追いついていない。足りない分だけを翻訳カタログにして、
組み込みの訳より先に引かせる。
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from sphinx.application import Sphinx
from sphinx.config import Config

LABELS = {
    "Back to top": "先頭へ戻る",
    "Color mode": "画面の明るさ",
    "Copy": "写す",
    "Copied!": "写しました",
    "Dark": "暗い",
    "Light": "明るい",
    "Link to this heading": "この見出しへのリンク",
    "Link to this image": "この図へのリンク",
    "Link to this code": "このコードへのリンク",
    "Link to this table": "この表へのリンク",
    "Link to this term": "この用語へのリンク",
    "Light/Dark": "明るい／暗い",
    "Skip to main content": "本文へ進む",
    "System Settings": "機器の設定に合わせる",
}


def _add_catalog(app: Sphinx, config: Config) -> None:
    catalog = Catalog(locale="ja", domain="sphinx")
    for english, japanese in LABELS.items():
        catalog.add(english, japanese)
    root = Path(app.doctreedir, "locale")
    folder = root / "ja" / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sphinx.mo").open("wb") as file:
        write_mo(file, catalog)
    config.locale_dirs = [*config.locale_dirs, str(root)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("config-inited", _add_catalog)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
