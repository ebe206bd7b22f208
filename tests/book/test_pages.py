"""原稿の作法：章の型、練習と解答、図の代替文、打ちこんだ数値。"""

from __future__ import annotations

import itertools
import re

import pytest

CHAPTER = [
    "まず聴く",
    "できるようになること",
    "予想する、確かめる",
    "定式化",
    "実装",
    "限界を聴く",
    "練習",
    "まとめ",
    "参考文献",
]
KINDS = {"確認", "実装", "発展"}

EXERCISE = re.compile(r"練習 (\d+)（(\w+)）：\S.*")
CHECK = re.compile(r"\bcheck\.\w+\(")
SELF_CHECK = re.compile(r"\bcheck\.\w+\(|\bQuiz\.(?:choice|number)\(")
DRAWS = re.compile(r"\bplots\.figure\(|\bplt\.|\.imshow\(|\.plot\(")
# 小数に付いた dB・%・倍・秒は、測った値とみなす（理論の値は、整数か数式で書く）
MEASURED = re.compile(r"\d+\.\d+ ?(?:dB|%|倍|秒|ミリ秒)")


def kind_of(heading):
    """見出しから「：副題」を除く。"""
    return heading.split("：")[0]


def exercises(page):
    """練習の見出し → 中身。"""
    inside, found = False, {}
    for item in page.items:
        level = getattr(item, "level", None)
        if level in (1, 2):
            inside = item.title == "練習"
        elif level == 3 and inside:
            found[item.title] = []
        elif found and inside:
            found[list(found)[-1]].append(item)
    return found


def heading_problems(page):
    """章の型から外れている所。"""
    wanted = CHAPTER
    kinds = [kind_of(h) for h in page.headings()]
    problems = [f"「## {name}」がありません。" for name in wanted if name not in kinds]
    once = [k for k in wanted if k not in ("定式化", "実装")]
    problems += [f"「## {name}」が 2 回あります。" for name in once if kinds.count(name) > 1]
    if page.has_module:
        problems += [f"「## {k}」は章の型にありません。" for k in kinds if k not in CHAPTER]
    order = [k for i, k in enumerate(kinds) if k in wanted and k not in kinds[:i]]
    if not problems and order != wanted:
        problems.append(f"見出しの順が {order} です。")
    return problems


def exercise_problems(page):
    """練習の番号、種類、自己採点、解答の足りない所。"""
    problems = []
    found = exercises(page)
    kinds = set()
    if len(found) < 3:
        problems.append(f"練習が {len(found)} 個しかありません。")
    for number, (title, items) in enumerate(found.items(), 1):
        match = EXERCISE.fullmatch(title)
        if not match or int(match[1]) != number or match[2] not in KINDS:
            problems.append(
                f"「{title}」は「練習 {number}（確認｜実装｜発展）：題」の形でありません。"
            )
            continue
        kinds.add(match[2])
        cells = [i for i in items if getattr(i, "kind", "") == "code-cell"]
        solutions = [c for c in cells if c.is_solution]
        if not any(SELF_CHECK.search(c.body) for c in cells if not c.is_solution):
            problems.append(f"{title}：自己採点（check か Quiz）がありません。")
        if not solutions:
            problems.append(f"{title}：解答のセルがありません。")
        for cell in solutions:
            if not CHECK.search(cell.body):
                problems.append(f"{title}：解答が check で確かめられていません。")
            if "hide-cell" not in cell.tags:
                problems.append(f"{title}：解答のセルに hide-cell がありません。")
    return problems + [f"（{k}）の練習がありません。" for k in sorted(KINDS - kinds)]


def figure_problems(page):
    return [
        f"代替文のない図：{cell.body.strip().splitlines()[-1]}"
        for cell in page.cells
        if DRAWS.search(cell.body) and not cell.alt.strip()
    ]


def typed_numbers(page):
    """地の文（表、数式、引用を除く）に打ちこまれた、測定値らしい数。"""
    texts = [i.text for i in page.items if type(i).__name__ == "Prose" and i.text[0] != "|"]
    plain = [re.sub(r"\$[^$]*\$|`[^`]*`|\[[^\]]*\]\([^)]*\)", "", text) for text in texts]
    return [m[0] for text in plain for m in MEASURED.finditer(text)]


def test_page_has_one_title_and_no_skipped_level(page):
    levels = [i.level for i in page.items if type(i).__name__ == "Heading"]
    if [getattr(i, "kind", "") for i in page.items] == ["include"]:
        return  # 中身は別のファイルにある
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_headings(notebook):
    if notebook.stem != "index":
        assert heading_problems(notebook) == []


def test_goals_tell_time_and_prerequisites(notebook):
    if notebook.stem == "index":
        return
    section = notebook.sections(2)["できるようになること"]
    texts = [i.text for i in section if type(i).__name__ == "Prose"]
    assert sum(t.startswith("- ") for t in texts) == 3
    assert re.search(r"所要時間は \d+ 分", "".join(texts))
    assert "前提" in "".join(texts)


def test_every_chapter_starts_with_sound(notebook):
    """はじめの見出し（index では題）の下に、鳴る部品がある。"""
    if notebook.stem == "index":
        cells = notebook.cells[:1]
    else:
        first = notebook.sections(2)["まず聴く"]
        cells = [i for i in first if getattr(i, "kind", "") == "code-cell"]
    assert any("Player(" in cell.body for cell in cells)


def test_prediction_comes_before_a_widget(chapter):
    section = chapter.sections(2)["予想する、確かめる"]
    code = "\n".join(i.body for i in section if getattr(i, "kind", "") == "code-cell")
    assert "Quiz.predict(" in code
    assert re.search(r"\b[A-Z]\w+(?:Explorer|Player)\(|\bPlayer\(", code[code.index("predict(") :])


def test_exercises(notebook):
    if notebook.stem != "index":
        assert exercise_problems(notebook) == []


def test_solutions_are_folded_and_only_in_exercises(notebook):
    inside = [i for items in exercises(notebook).values() for i in items]
    for cell in notebook.cells:
        if cell.is_solution:
            assert cell in inside
            assert cell.options["mystnb"]["code_prompt_show"] == "解答を見る"


def test_figures_have_alt_text(notebook):
    assert figure_problems(notebook) == []


def test_images_in_prose_have_alt_text(page):
    assert re.findall(r"!\[\s*\]\(", page.text) == []
    for item in page.items:
        if getattr(item, "kind", "") in ("image", "figure"):
            assert item.options.get("alt", "").strip()


def test_measured_numbers_come_from_cells(notebook):
    assert typed_numbers(notebook) == []


def test_hidden_errors_are_not_allowed(notebook):
    """失敗するセルを、わざと通す印を使わない。"""
    for cell in notebook.cells:
        assert not {"raises-exception", "skip-execution"} & set(cell.tags)


# --- 規則そのものの試験 ---------------------------------------------------------------

CELL = "```{code-cell} ipython3\n%s\n```\n"
SOLUTION = (
    "```{code-cell} ipython3\n---\ntags: [hide-cell, solution]\n---\ncheck.value(1, 1)\n```\n"
)


def exercise(number, kind):
    ask = CELL % "check.value(..., 1)"
    return f"### 練習 {number}（{kind}）：題\n\n文。\n\n{ask}\n{SOLUTION}\n"


@pytest.fixture
def chapter_text():
    kinds = enumerate(["確認", "実装", "発展"], 1)
    tasks = "".join(exercise(i, kind) for i, kind in kinds)
    body = "".join(f"## {h}\n\n{tasks if h == '練習' else '文。'}\n\n" for h in CHAPTER)
    return f"---\nkernelspec:\n  name: python3\n---\n\n# 題\n\n{body}"


def test_a_good_chapter_passes(parse, chapter_text):
    page = parse("01_sample", chapter_text)
    assert heading_problems(page) == []
    assert exercise_problems(page) == []
    assert len(exercises(page)) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("## 限界を聴く", "## 限界", "「## 限界を聴く」がありません"),
        ("## まとめ", "## まとめ\n\n## まとめ", "2 回"),
        ("## まとめ", "## おまけ\n\n## まとめ", "「## おまけ」は"),
        ("## 実装\n\n文。\n\n## 限界を聴く", "## 限界を聴く\n\n文。\n\n## 実装", "順"),
        ("練習 2（", "練習 5（", "練習 2"),
        ("（発展）", "（応用）", "応用"),
        ("（発展）", "（確認）", "（発展）の練習"),
        (CELL % "check.value(..., 1)", CELL % "print(1)", "自己採点"),
        (SOLUTION, "", "解答のセル"),
        (SOLUTION, SOLUTION.replace("check.value(1, 1)", "print(1)"), "check で"),
        ("[hide-cell, solution]", "[solution]", "hide-cell"),
        (exercise(3, "発展"), "", "2 個しか"),
    ],
)
def test_planted_faults_are_found(parse, chapter_text, old, new, words):
    assert old in chapter_text
    page = parse("01_sample", chapter_text.replace(old, new))
    assert any(words in p for p in heading_problems(page) + exercise_problems(page))


def test_figures_without_alt_text_are_found(parse):
    alt = "---\nmystnb:\n  image:\n    alt: 説明\n---\n"
    assert figure_problems(parse("01_a", CELL % (alt + "ax.plot(x)"))) == []
    assert figure_problems(parse("01_a", CELL % "fig, ax = plots.figure()")) != []
    assert figure_problems(parse("01_a", CELL % (alt.replace("説明", '" "') + "ax.plot(x)"))) != []


def test_typed_numbers_are_found(parse):
    assert typed_numbers(parse("01_a", "SDR は 5.3 dB 良くなりました。")) == ["5.3 dB"]
    text = "1 ビットで 6 dB、$6.02$ dB、44.1 kHz、`5.3 dB` です。\n\n| 9.8 dB |\n"
    assert typed_numbers(parse("01_a", text)) == []
