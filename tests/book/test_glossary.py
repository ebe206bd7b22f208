"""用語：用語集の形と並び、初出でのリンク、使わない書き方。"""

from __future__ import annotations

import re
import unicodedata

import pytest
import yaml

KANJI = re.compile(r"[\u3400-\u9fff]")
KANA = re.compile(r"[\u3041-\u30ffー]+")
READING = re.compile(r"（([^（）]*[\u3041-\u30ff][^（）]*)）")
TERM_ROLE = re.compile(r"\{term\}`([^`<]+?)(?:\s*<([^`>]+)>)?`")
CODE = re.compile(r"(\{term\}`[^`]*`)|\$[^$]*\$|`[^`]*`|\]\([^)]*\)")
JAPANESE = re.compile(r"[\u3041-\u9fff]")
# 用語を説明する前に名前を挙げてよい所
PREVIEW = ("できるようになること", "参考文献")


def entries(page):
    """用語集の見出し語 → 説明。"""
    (block,) = [i for i in page.items if getattr(i, "kind", "") == "glossary"]
    found = {}
    for part in re.split(r"\n\s*\n", block.body.strip()):
        lines = part.splitlines()
        terms = [line for line in lines if not line[0].isspace()]
        text = " ".join(line.strip() for line in lines if line[0].isspace())
        found |= dict.fromkeys(terms, text)
    return found


def reading(term, text):
    """並べるための読み（ひらがな）。仮名だけの語は、語そのものが読みになる。"""
    match = READING.search(text.split("。")[0])
    kana = match[1] if match and not KANA.fullmatch(term) else term
    # 片仮名を平仮名に、濁点を除き、長音は並びに数えない
    hira = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in kana if c != "ー")
    return unicodedata.normalize("NFD", hira).replace("\u3099", "").replace("\u309a", "")


def prose(page):
    """用語の初出を見る文。見出し、コード、数式、前触れの節は除く。"""
    section, texts = "", []
    for item in page.items:
        if getattr(item, "level", None):
            section = item.title if item.level == 2 else section
        elif type(item).__name__ == "Prose" and section not in PREVIEW:
            texts.append(CODE.sub(lambda m: m[1] or " ", item.text))
    return "\n".join(texts)


def _whole(term):
    """複合語（「音源」に対する「音源分離」）の一部でない所だけに合う式。"""
    joined = "\u3400-\u9fffァ-ヶーA-Za-z"
    return f"(?<![{joined}]){re.escape(term)}(?![{joined}])"


def unlinked_first_uses(terms, texts):
    """用語 → 読む順で最初に出てきたのにリンクのない、前後の文。"""
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile("|".join([TERM_ROLE.pattern, *map(_whole, longest_first)]))
    seen, found = set(), {}
    for text in texts:
        for match in pattern.finditer(text):
            linked = match[0].startswith("{term}")
            term = (match[2] or match[1]) if linked else match[0]
            if term not in seen and not linked and term in terms:
                found[term] = text[max(0, match.start() - 15) : match.end() + 10]
            seen.add(term)
    return found


def banned(root):
    """prh.yml の、使わない書き方 → この本の書き方。"""
    rules = yaml.safe_load((root / "prh.yml").read_text("utf-8"))["rules"]
    for rule in rules:
        for pattern in rule["patterns"]:
            is_regex = pattern[0] == pattern[-1] == "/"
            yield re.compile(pattern[1:-1] if is_regex else re.escape(pattern)), rule["expected"]


@pytest.fixture(scope="module")
def glossary(pages):
    (page,) = [p for p in pages if p.stem == "glossary"]
    return entries(page)


def test_entries_have_english_reading_and_meaning(glossary):
    assert len(glossary) >= 30
    for term, text in glossary.items():
        assert re.match(r"[A-Za-z]", text), f"{term}：英語から始めます。"
        assert not KANJI.search(term) or READING.search(text), f"{term}：読みがありません。"
        assert text.endswith("。"), f"{term}：説明が「。」で終わっていません。"
        assert len(text.split("。")[1]) >= 2, f"{term}：説明がありません。"


def test_entries_are_in_kana_order(glossary):
    order = [reading(term, text) for term, text in glossary.items()]
    assert order == sorted(order)


def test_links_point_to_entries(pages, glossary):
    for page in pages:
        for match in TERM_ROLE.finditer(page.text):
            assert (match[2] or match[1]) in glossary, f"{page.name}：{match[0]}"


def test_terms_are_linked_where_they_first_appear(pages, glossary):
    chapters = [prose(p) for p in pages if p.is_notebook and p.stem != "index"]
    assert unlinked_first_uses(set(glossary), chapters) == {}


def test_every_entry_is_used(pages, glossary):
    used = {m[2] or m[1] for p in pages for m in TERM_ROLE.finditer(p.text)}
    assert set(glossary) - used == set()


def test_no_banned_wording(pages, root):
    """地の文だけでなく、セルの中の題や手がかりも読者の目に入るので、ページ全体を見る。"""
    texts = {p.name: re.sub(r"\n## 参考文献\n.*", "", p.text, flags=re.S) for p in pages}
    for name in ("README.md", "CONTRIBUTING.md"):
        texts[name] = (root / name).read_text("utf-8")
    found = [
        f"{name}：{match[0]} → {expected}"
        for pattern, expected in banned(root)
        for name, text in texts.items()
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_no_banned_wording_on_the_widgets(root):
    """部品の文字と、本文に写すコードの docstring も、読者が読む。"""
    files = [*(root / "src").rglob("*.py"), *(root / "src").rglob("*.js")]
    found = [
        f"{path.name}：{match[0]} → {expected}"
        for pattern, expected in banned(root)
        if JAPANESE.search(expected)  # 英字の規則は、変数の名前に当たってしまう
        for path in files
        if "egg-info" not in str(path)
        for match in pattern.finditer(path.read_text("utf-8"))
    ]
    assert found == []


# --- 規則そのものの試験 ---------------------------------------------------------------


def test_dictionary_rules_hold_their_own_examples(root):
    rules = yaml.safe_load((root / "prh.yml").read_text("utf-8"))["rules"]
    assert len({r["expected"] for r in rules}) == len(rules)
    for pattern, expected in banned(root):
        assert not pattern.search(expected), f"{expected} 自身が、使わない書き方に当たります。"


def test_planted_variant_is_found(root):
    hits = [e for p, e in banned(root) if p.search("ウィンドウ長とシフト長（シフト長ともいう）")]
    assert hits == ["窓長", "ホップ長"]


def test_planted_unlinked_term_is_found():
    terms = {"窓", "窓長", "フレーム"}
    good = ["{term}`窓長`を選び、{term}`枠 <フレーム>`に切ります。窓長とフレームです。"]
    assert unlinked_first_uses(terms, good) == {}
    assert unlinked_first_uses({"音源", "マスク"}, ["音源分離と二値マスクです。"]) == {}
    bad = ["窓長を選びます。", "{term}`窓長`と{term}`窓`です。"]
    assert list(unlinked_first_uses(terms, bad)) == ["窓長"]


def test_code_and_math_are_not_uses(parse):
    text = "{term}`窓長`、`フレーム`、$窓$、[窓](窓.md)。\n\n## できるようになること\n\n- 窓\n"
    found = unlinked_first_uses({"窓", "窓長", "フレーム"}, [prose(parse("01_a", text))])
    assert list(found) == ["窓"]  # 4 つめの、リンクの見える文字だけ
    assert "窓 " in found["窓"]


def test_reading_order_ignores_voicing_and_script():
    assert reading("ゼロ詰め", "zero padding（ゼロづめ）。説明。") == "せろつめ"
    assert reading("NOLA", "nonzero overlap-add（ノーラ）。説明。") == "のら"
    assert reading("マスク", "mask。表（ひょう）です。") == "ますく"
