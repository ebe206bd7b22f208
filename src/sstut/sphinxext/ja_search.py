"""複合語も見つかる日本語検索の Sphinx 拡張。

Sphinx は本文を単語に切って索引を作るが、検索する語は切らない。そのため「音源分離」は
「音源」「分離」と索引にあっても見つからない。ここでは本文も検索語も、日本語の並びを隣りあう
2 文字ずつ（バイグラム）に切る。切り方が同じなので、2 文字以上ならどんな部分文字列も見つかる。
漢字は 1 文字でも引けるように、1 文字の見出しも作る。
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

# 々〇、ひらがな、カタカナ、漢字、半角カナ。Python と JavaScript の両方がこの文字列を使う。
_JAPANESE = r"\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
_LATIN = r"A-Za-z0-9_\u00c0-\u024f\u0370-\u03ff"
_RUN = re.compile(f"([{_JAPANESE}]+)|[{_LATIN}]+")
_KANJI = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


class JapaneseBigram(SearchLanguage):
    """日本語を 2 文字ずつに切る検索。"""

    lang = "ja"
    language_name = "Japanese"
    js_splitter_code = f"""
var splitQuery = (query) => {{
  const out = [];
  for (const m of query.matchAll(/([{_JAPANESE}]+)|[{_LATIN}]+/g)) {{
    if (!m[1] || m[1].length < 2) out.push(m[0]);
    else for (let i = 0; i + 1 < m[1].length; i++) out.push(m[1].slice(i, i + 2));
  }}
  return out;
}};
"""

    def split(self, input: str) -> list[str]:
        """本文を索引の見出しに切る。"""
        words: list[str] = []
        for match in _RUN.finditer(input):
            run = match[0]
            if match[1] is None:
                words.append(run)
            else:
                words += [run[i : i + 2] for i in range(len(run) - 1)]
                words += _KANJI.findall(run)
        return words

    def word_filter(self, word: str) -> bool:
        """どの見出しも捨てない。"""
        return bool(word)

    def stem(self, word: str) -> str:
        """語尾は切らず、英字の大文字と小文字だけをそろえる。"""
        return word.lower()


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.add_search_language(JapaneseBigram)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
