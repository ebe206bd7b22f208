"""問題の部品：カーネルのないページで答え合わせができ、キーボードだけで使える。"""

from __future__ import annotations

import pytest

from sstut.sphinxext.offline import mathjax_folder
from sstut.widgets.quiz import Quiz


def choice(**changes):
    options = {
        "question": "`n_fft` が 1024 のとき、周波数ビンは**いくつ**ですか。",
        "choices": ["512", "513", "1024"],
        "answer": 1,
        "why": "$N/2 + 1$ 個です。",
        "hints": {0: "0 Hz も数えます。"},
    }
    return Quiz.choice(**options | changes)


def number(**changes):
    options = {
        "question": "ナイキスト周波数は何 Hz ですか。",
        "answer": 8000.0,
        "why": "標本化周波数の半分です。",
        "unit": "Hz",
        "hints": [(16000, "半分にします。")],
    }
    return Quiz.number(**options | changes)


def predict(**changes):
    options = {
        "question": "窓を長くすると、打音はどう聞こえますか。",
        "choices": ["変わらない", "にじむ"],
        "then": "下の部品で確かめてください。",
        "answer": 1,
        "why": "窓の中に広がります。",
    }
    return Quiz.predict(**options | changes)


def result(opened, index=0):
    return opened.root(index).locator(".sst-quiz-result")


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_wrong_then_right(open_widget, scheme):
    opened = open_widget(choice(), scheme)
    root = opened.root()
    more = root.get_by_role("button", name="解説を見る")
    assert [b.inner_text() for b in root.get_by_role("button").all()] == ["答える"]
    root.get_by_label("512").check()
    root.get_by_role("button", name="答える").click()
    assert result(opened).inner_text().split() == ["…", "まだ", "0", "Hz", "も数えます。"]
    assert opened.state() == {"response": 0, "correct": False}
    assert more.is_visible()
    root.get_by_label("513").check()
    assert result(opened).inner_text() == ""  # 選びなおすと、前の判定は消える
    root.get_by_role("button", name="答える").click()
    assert "正解" in result(opened).inner_text()
    assert opened.state() == {"response": 1, "correct": True}
    assert "個です" in root.locator(".sst-quiz-why").inner_text()
    assert not more.is_visible()


def test_why_can_be_read_after_one_try(open_widget):
    root = open_widget(choice()).root()
    root.get_by_label("1024").check()
    root.get_by_role("button", name="答える").click()
    assert not root.locator(".sst-quiz-why").is_visible()
    root.get_by_role("button", name="解説を見る").click()
    assert root.locator(".sst-quiz-why").is_visible()


def test_answering_nothing_asks_for_a_choice(open_widget):
    opened = open_widget([choice(), number()])
    for i, words in enumerate(["どれか 1 つ", "数を入れて"]):
        opened.root(i).get_by_role("button", name="答える").click()
        assert words in result(opened, i).inner_text()
        assert opened.state(i) == {"response": None, "correct": None}


@pytest.mark.parametrize(
    ("text", "level", "words"),
    [
        ("8000", "正解", ""),
        ("８，０００ Hz", "正解", ""),
        ("16000/2", "正解", ""),
        ("16000", "あと少し", "半分にします"),
        ("8", "あと少し", "キロ"),
        ("-8000", "あと少し", "符号"),
        ("123", "まだ", ""),
    ],
)
def test_number_with_enter_alone(open_widget, text, level, words):
    opened = open_widget(number())
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.type(text)
    opened.page.keyboard.press("Enter")
    assert result(opened).get_attribute("data-level") == level
    assert words in result(opened).inner_text()
    assert opened.state()["correct"] == (level == "正解")


def test_keyboard_alone_answers_a_choice(open_widget):
    opened = open_widget(choice())
    press = opened.page.keyboard.press
    press("Tab")
    press("Space")  # 最初の選択肢
    press("ArrowDown")
    press("Tab")
    press("Enter")
    assert opened.state() == {"response": 1, "correct": True}


def test_prediction_is_kept_and_can_be_checked_later(open_widget):
    opened = open_widget(predict())
    root = opened.root()
    assert not root.get_by_role("button", name="答え合わせをする").is_visible()
    root.get_by_label("変わらない").check()
    root.get_by_role("button", name="この予想に決める").click()
    text = result(opened).inner_text()
    assert "予想は「変わらない」" in text
    assert "下の部品で確かめて" in text
    assert opened.state() == {"response": 0, "correct": None}
    assert root.get_by_label("にじむ").is_disabled()
    root.get_by_role("button", name="予想を変える").click()
    assert opened.state() == {"response": None, "correct": None}
    root.get_by_label("変わらない").check()
    root.get_by_role("button", name="この予想に決める").click()
    root.get_by_role("button", name="答え合わせをする").click()
    assert "「にじむ」でした" in result(opened).inner_text()
    assert "窓の中に広がります" in root.locator(".sst-quiz-why").inner_text()
    assert opened.state() == {"response": 0, "correct": False}


def test_prediction_without_answer_never_judges(open_widget):
    opened = open_widget(predict(answer=None, why=""))
    opened.root().get_by_label("にじむ").check()
    opened.root().get_by_role("button", name="この予想に決める").click()
    assert not opened.root().get_by_role("button", name="答え合わせをする").is_visible()
    assert opened.state() == {"response": 1, "correct": None}


def test_text_is_never_html(open_widget):
    evil = '<img src=x onerror="document.title=1"> `<b>`'
    opened = open_widget(
        choice(question=evil, choices=[evil, "ほか"], answer=1, why=evil, hints={})
    )
    root = opened.root()
    root.get_by_role("radio").nth(1).check()
    root.get_by_role("button", name="答える").click()
    assert root.locator("img, b").count() == 0
    assert root.locator("legend code").inner_text() == "<b>"
    assert opened.page.title() == "部品の試験"


def test_math_stays_readable_without_mathjax(open_widget):
    opened = open_widget(choice())
    opened.root().get_by_label("513").check()
    opened.root().get_by_role("button", name="答える").click()
    assert "N/2 + 1 個です。" in opened.root().locator(".sst-quiz-why").inner_text()


def test_math_is_set_where_mathjax_is(open_widget):
    """本のページと同じ設定の、本物の MathJax で組む。"""
    opened = open_widget(choice(question="$f_s/2$ は何ですか。", choices=["$a$", "$b_1$", "ほか"]))
    opened.page.evaluate(
        "window.MathJax = { startup: { typeset: false },"
        " options: { processHtmlClass: 'tex2jax_process|mathjax_process|math|output_area' } }"
    )
    opened.page.add_script_tag(path=mathjax_folder() / "static/mathjax/es5/tex-svg.js")
    opened.page.evaluate("MathJax.startup.promise")
    root = opened.root()
    root.get_by_role("radio").nth(1).check()
    root.get_by_role("button", name="答える").click()
    root.locator(".sst-quiz-why mjx-container svg").wait_for()
    assert "$" not in root.inner_text()
    assert root.locator(".sst-quiz-why").inner_text().endswith("個です。")


def test_result_is_announced_and_question_names_the_group(open_widget):
    opened = open_widget(choice())
    assert result(opened).get_attribute("aria-live") == "polite"
    group = opened.root().get_by_role("group")
    assert group.count() == 1
    assert "周波数ビン" in group.locator("legend").inner_text()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1000])
def test_looks_and_accessibility(open_widget, axe, dark, width, tmp_path):
    opened = open_widget(
        [choice(), number()], viewport=(width, 1400), dark=dark, touch=width == 375
    )
    for i, text in enumerate(["512", "16000"]):
        if i:
            opened.root(i).get_by_role("textbox").fill(text)
        else:
            opened.root(i).get_by_label(text).check()
        opened.root(i).get_by_role("button", name="答える").click()
        opened.root(i).get_by_role("button", name="解説を見る").click()
    assert axe(opened.page) == []
    assert opened.overflow() == 0
    for box in opened.root(0).locator(".sst-quiz-item").all():
        assert box.bounding_box()["height"] >= 44
    predicted = open_widget([predict(), choice()], viewport=(width, 1400), dark=dark)
    predicted.root(0).get_by_label("にじむ").check()
    predicted.root(0).get_by_role("button", name="この予想に決める").click()
    predicted.root(0).get_by_role("button", name="答え合わせをする").click()
    predicted.root(1).get_by_label("513").check()
    predicted.root(1).get_by_role("button", name="答える").click()
    assert axe(predicted.page) == []
    assert predicted.overflow() == 0
    for name, page in (("quiz", opened.page), ("predict", predicted.page)):
        page.screenshot(path=tmp_path / f"{name}_{width}_{'dark' if dark else 'light'}.png")


# --- Python の側 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (choice, {"answer": 3}, "番号"),
        (choice, {"answer": -1}, "番号"),
        (choice, {"hints": {5: "？"}}, "番号"),
        (choice, {"hints": {1: "？"}}, "正解の番号"),
        (choice, {"choices": ["1 つ"]}, "2 つ以上"),
        (choice, {"choices": "文字"}, "2 つ以上"),
        (choice, {"choices": ["同じ", "同じ"]}, "同じ"),
        (choice, {"choices": ["a", " "]}, r"choices\[1\]"),
        (choice, {"question": ""}, "question"),
        (choice, {"why": " "}, "why"),
        (number, {"answer": float("nan")}, "有限"),
        (number, {"rtol": -1.0}, "rtol"),
        (number, {"hints": [(8001, "？")]}, "正解になります"),
        (number, {"hints": [(float("inf"), "？")]}, "有限"),
        (predict, {"answer": 2}, "番号"),
        (predict, {"then": ""}, "then"),
    ],
)
def test_author_mistakes_are_told(make, changes, words):
    with pytest.raises(ValueError, match=words):
        make(**changes)
