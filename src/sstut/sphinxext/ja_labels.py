"""テーマに残る英語の表示を日本語にする Sphinx 拡張。

Sphinx とテーマの日本語訳は、新しい表示に追いついていない。足りない分だけを翻訳カタログにして、
組み込みの訳より先に引かせる。
"""

from __future__ import annotations

from gettext import GNUTranslations
from io import BytesIO
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.locale import translators

LABELS = {
    "Back to top": "先頭へ戻る",
    # 読み上げの名前には、見えている表示（明るい、暗い…）も含める
    "Color mode": "画面の明るさ：明るい 暗い 機器の設定に合わせる",
    "Copy": "写す",
    "Copied!": "写しました",
    "Dark": "暗い",
    "Light": "明るい",
    "Link to this heading": "この見出しへのリンク",
    "Link to this image": "この図へのリンク",
    "Link to this code": "このコードへのリンク",
    "Link to this equation": "この式へのリンク",
    "Link to this table": "この表へのリンク",
    "Link to this term": "この用語へのリンク",
    "Light/Dark": "明るい／暗い",
    "Skip to main content": "本文へ進む",
    "System Settings": "機器の設定に合わせる",
    "Toggle primary sidebar": "目次を開く／閉じる",
    "Toggle secondary sidebar": "ページの内容を開く／閉じる",
}


def _add_catalog(app: Sphinx, _config: Config) -> None:
    # Sphinx は拡張より先に翻訳を読みこむので、できあがった翻訳の前に、自分の分を差しこむ
    catalog = Catalog(locale="ja", domain="sphinx")
    for english, japanese in LABELS.items():
        catalog.add(english, japanese)
    file = BytesIO()
    write_mo(file, catalog)
    file.seek(0)
    ours = GNUTranslations(file)
    ours.add_fallback(app.translator)
    app.translator = translators["general", "sphinx"] = ours


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("config-inited", _add_catalog)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
