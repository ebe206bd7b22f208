"""自己採点：正解は通し、よくある間違いを名前で言い当て、学習者の間違いで止まらない。"""

import html

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sstut import check

RNG = np.random.default_rng(0)
SIGNAL = RNG.normal(size=64)
MATRIX = RNG.normal(size=(5, 40))
SPECTRUM = RNG.normal(size=(9, 12)) + 1j * RNG.normal(size=(9, 12))
MASK = RNG.uniform(0.05, 0.95, size=(6, 8))

FINITE = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: abs(x) > 1e-6)


def level_of(verdict, level, *words):
    assert verdict.level == level, verdict
    for word in words:
        assert word in verdict.message, verdict


# --- 判定の表示 -----------------------------------------------------------------------


@pytest.mark.parametrize(("level", "icon"), [("正解", "○"), ("あと少し", "△"), ("まだ", "…")])
def test_verdict_shows_icon_and_word(level, icon):
    verdict = check.Verdict(level, "理由")
    assert str(verdict) == repr(verdict) == f"{icon} {level}：理由"
    page = verdict._repr_html_()
    assert icon in page
    assert level in page
    assert f'data-level="{level}"' in page
    assert verdict.ok == (level == "正解")


def test_verdict_escapes_html_and_marks_code():
    page = check.Verdict("まだ", "<b>`x < 1`</b>")._repr_html_()
    assert "<b>" not in page
    assert f">{html.escape('x < 1')}</code>" in page


def test_verdict_is_frozen_and_checked():
    with pytest.raises(AttributeError):
        check.Verdict("正解", "").level = "まだ"
    with pytest.raises(ValueError, match="よし"):
        check.Verdict("よし", "")


# --- 共通の性質 -----------------------------------------------------------------------


@given(FINITE)
def test_the_right_value_is_right(x):
    assert check.value(x, x).ok
    assert check.value(np.float32(x), float(np.float32(x))).ok


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=6), elements=FINITE))
def test_the_right_array_is_right_and_a_broken_one_is_not(x):
    assert check.array(x.copy(), x).ok
    broken = x.copy()
    broken.flat[0] += 1 + 2 * abs(x).max()
    assert not check.array(broken, x).ok


@given(
    st.one_of(
        st.none(), st.text(), st.binary(), st.floats(), st.complex_numbers(), st.integers(),
        st.lists(st.lists(st.integers())), st.dictionaries(st.text(), st.integers()),
        hnp.arrays(st.sampled_from([np.float32, np.int16, np.complex64, np.bool_]),
                   hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    )
)  # fmt: skip
def test_no_answer_makes_it_raise(answer):
    for expected in (3.0, 0, 1 + 2j):
        assert check.value(answer, expected).level in ("正解", "あと少し", "まだ")
    for truth in (MATRIX, SPECTRUM[0], np.array([np.nan, 1.0])):
        assert not check.array(answer, truth).ok
    assert check.choice(answer, "この字の並びは、まず出てこない").level in ("あと少し", "まだ")


@pytest.mark.parametrize("blank", [..., None])
def test_blank_says_where_to_write_and_gives_the_hint(blank):
    for verdict in (
        check.value(blank, 1, hint="公式"),
        check.array(blank, [1, 2], hint="公式"),
        check.function(blank, abs, [(1,)], hint="公式"),
        check.choice(blank, "ア", hint="公式"),
    ):
        level_of(verdict, "まだ", "書いてください", "公式")


def test_the_hint_is_kept_for_those_who_need_it():
    assert "公式" not in check.value(2, 2, hint="公式").message
    assert "公式" in check.value(7, 2, hint="公式").message


# --- 数 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected", "unit", "words"),
    [
        (-0.3, 0.3, "", "符号"),
        (512, 513, "", "1 だけ"),
        (6.0206, 3.0103, "dB", "20 log10"),
        (1.50515, 3.0103, "dB", "20 log10"),
        (0.14, 0.07, "", "2 倍"),
        (44.1, 44100, "Hz", "1000 分の 1"),
        (90.0, np.pi / 2, "rad", "ラジアン"),
        (np.pi / 2, 90.0, "", "度です"),
        (0.49, 0.7, "", "パワー"),
        (0.7, 0.49, "", "パワー"),
        (20 * np.log10(0.3), 0.3, "", "dB に直す前"),
        (10 * np.log10(0.3), 0.3, "", "dB に直す前"),
        (10 ** (-7 / 20), -7.0, "dB", "dB に直す前"),
        (10 ** (-7 / 10), -7.0, "dB", "dB に直す前"),
        (3 - 4j, 3 + 4j, "", "共役"),
        (3.0, 3 + 4j, "", "実部"),
        (4.0, 3 + 4j, "", "虚部"),
        (5.0, 3 + 4j, "", "絶対値"),
        (3.0 + 4j, 5.0, "", "絶対値を取ると"),
        (3.14, np.pi, "", "精度"),
    ],
)
def test_near_misses_of_a_value(actual, expected, unit, words):
    level_of(check.value(actual, expected, unit=unit), "あと少し", words)


def test_value_reports_what_it_got_but_not_the_answer():
    verdict = check.value(123.4, 987.6, unit="Hz")
    level_of(verdict, "まだ", "123.4 Hz")
    assert "987" not in verdict.message
    level_of(check.value(987.6, 987.6, unit="Hz"), "正解", "987.6 Hz")


def test_value_wants_one_number():
    level_of(check.value([1, 2], 1), "まだ", "数 1 個")
    level_of(check.value([1.0], 1), "あと少し", "配列")
    level_of(check.value("1", 1), "まだ", "str")
    level_of(check.value(np.nan, 1), "まだ", "NaN")
    level_of(check.value(np.inf, 1), "まだ", "無限大")
    assert check.value(np.inf, np.inf).ok
    assert check.value(np.array(3), 3).ok


@pytest.mark.parametrize("expected", [..., None, "3", [1.0, 2.0], []])
def test_value_tells_the_author(expected):
    with pytest.raises(ValueError, match="expected"):
        check.value(1, expected)


def test_tolerances_are_kept():
    assert check.value(1.001, 1, rtol=2e-3).ok
    assert not check.value(1.001, 1, rtol=5e-4).ok
    assert check.value(1e-9, 0, atol=1e-8).ok
    with pytest.raises(ValueError, match="rtol"):
        check.value(1, 1, rtol=-1)


# --- 目標 -----------------------------------------------------------------------------


def test_at_least_counts_the_goal_itself():
    level_of(check.at_least(6.0, 6, unit="dB"), "正解", "6 dB です", "6 dB 以上")
    level_of(check.at_least(np.float32(7.25), 6), "正解", "7.25")
    level_of(check.at_least(5.5, 6, hint="幅"), "あと少し", "幅")
    level_of(check.at_least(-10.5, -10), "あと少し")
    level_of(check.at_least(1.0, 6, hint="幅"), "まだ", "幅")
    assert check.at_least(np.inf, 6).ok


@pytest.mark.parametrize("answer", [..., None, np.nan, 3j, [1, 2], "6", -np.inf])
def test_at_least_survives_anything(answer):
    level_of(check.at_least(answer, 6), "まだ")


@pytest.mark.parametrize("target", [None, np.nan, np.inf, 1j, [1.0], "6"])
def test_at_least_tells_the_author(target):
    with pytest.raises(ValueError, match=r"target|expected"):
        check.at_least(1, target)


# --- 配列 -----------------------------------------------------------------------------

FFT = np.fft.rfft(SIGNAL)
LATE = np.concatenate([np.zeros(3), SIGNAL[:-3]])


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (MATRIX.T, MATRIX, ["転置"]),
        (MATRIX[:, :5].T, MATRIX[:, :5], ["転置"]),
        (-SIGNAL, SIGNAL, ["符号"]),
        (SPECTRUM.conj(), SPECTRUM, ["共役"]),
        (SPECTRUM.real, SPECTRUM, ["実部"]),
        (abs(SPECTRUM), SPECTRUM, ["絶対値"]),
        (SPECTRUM, SPECTRUM.real, ["実部を取ると"]),
        (SPECTRUM, abs(SPECTRUM), ["絶対値を取ると"]),
        (SPECTRUM, abs(SPECTRUM) ** 2, ["絶対値の 2 乗"]),
        (MASK.astype(complex), MASK, ["虚部が 0"]),
        (2 * SIGNAL, SIGNAL, ["2 倍"]),
        (SIGNAL / 2, SIGNAL, ["2 分の 1"]),
        (0.37 * SIGNAL, SIGNAL, ["0.37 倍"]),
        (len(FFT) * FFT, FFT, ["長さ", "33"]),
        (1j * SPECTRUM, SPECTRUM, ["位相が 1.571 rad"]),
        (SIGNAL + 3.01, SIGNAL, ["3.01"]),
        (SIGNAL[:-1], SIGNAL, ["軸 0", "1 個少ない", "値は合って"]),
        (np.append(SIGNAL, 0), SIGNAL, ["1 個多い", "値は合って"]),
        (SPECTRUM[1:], SPECTRUM, ["軸 0", "1 個少ない"]),
        (np.zeros((10, 12)), SPECTRUM, ["軸 0", "1 個多い"]),
        (LATE, SIGNAL, ["3 サンプル", "遅れて"]),
        (np.roll(SIGNAL, -5), SIGNAL, ["5 サンプル", "進んで"]),
        (np.roll(MATRIX, 2, axis=-1), MATRIX, ["2 サンプル", "遅れて"]),
        (SIGNAL[::-1], SIGNAL, ["向きが逆"]),
        (1 - MASK, MASK, ["反転"]),
        (MASK**2, MASK, ["2 乗"]),
        (np.sqrt(MASK), MASK, ["平方根"]),
        (20 * np.log10(MASK), MASK, ["dB"]),
        (np.rad2deg(SIGNAL), SIGNAL, ["ラジアン"]),
        (MATRIX[[1, 0, 2, 4, 3]], MATRIX, ["順番"]),
        (np.where(np.arange(64) % 63 < 3, 9.0, SIGNAL), SIGNAL, ["両端", "8 要素"]),
        (SIGNAL.astype(np.float32), SIGNAL, ["float32", "float64"]),
        (SIGNAL.astype(np.float64), SIGNAL.astype(np.float32), ["float64", "float32"]),
        (SIGNAL[None], SIGNAL, ["長さ 1 の軸"]),
        (SIGNAL + 1e-4 * RNG.normal(size=64), SIGNAL, ["精度"]),
    ],
)
def test_near_misses_of_an_array(actual, expected, words):
    level_of(check.array(actual, expected, rtol=1e-7), "あと少し", *words)


def test_array_that_is_simply_wrong():
    level_of(check.array(RNG.normal(size=64), SIGNAL), "まだ", "値が合いません")
    level_of(check.array(np.zeros(64), SIGNAL), "まだ", "すべて 0")
    level_of(check.array(np.zeros((3, 3)), SIGNAL), "まだ", "(3, 3)", "(64,)")
    level_of(check.array([[1], [1, 2]], SIGNAL), "まだ", "数の配列")
    level_of(check.array(SIGNAL * np.nan, SIGNAL), "まだ", "NaN", "64 個")


def test_nan_and_infinity_where_they_belong_are_right():
    truth = np.array([0.0, np.nan, -np.inf, 2.0])
    assert check.array(truth.copy(), truth).ok
    assert not check.array(np.array([0.0, 1.0, -np.inf, 2.0]), truth).ok


def test_tiny_values_next_to_large_ones_do_not_count():
    truth = np.fft.fft(np.ones(16))  # 最初の要素だけが 16、ほかは丸めの誤差
    answer = truth.copy()
    answer[1:] += 1e-15
    assert check.array(answer, truth).ok


def test_lists_and_booleans_are_welcome():
    assert check.array([1, 2, 3], [1.0, 2.0, 3.0]).ok
    assert check.array(np.array([1, 2, 3], np.float32), [1, 2, 3]).ok
    assert check.array([True, False], np.array([1.0, 0.0])).ok
    level_of(check.array([False, True], np.array([True, False])), "あと少し")


@pytest.mark.parametrize("expected", [..., None, "abc", [], [[1], [1, 2]]])
def test_array_tells_the_author(expected):
    with pytest.raises(ValueError, match="expected"):
        check.array([1.0], expected)


# --- 関数 -----------------------------------------------------------------------------


def rms(y, *, scale=1.0):
    return scale * np.sqrt(np.mean(y**2))


CASES = [(SIGNAL,), {"y": MATRIX, "scale": 2.0}]


def test_function_runs_every_case():
    same = check.function(lambda y, scale=1.0: scale * (y**2).mean() ** 0.5, rms, CASES)
    level_of(same, "正解", "2 個の例")
    only_first = check.function(lambda y, scale=1.0: np.sqrt(np.mean(y**2)), rms, CASES)
    level_of(only_first, "あと少し", "2 番目", "scale=2.0", "shape (5, 40)", "2 分の 1")


def test_function_mistakes_become_verdicts():
    def broken(y, scale=1.0):
        return y / {}

    def unwritten(y, scale=1.0): ...

    def leaves(y, scale=1.0):
        raise SystemExit

    def later(y, scale=1.0):
        raise NotImplementedError

    def takes_too_few():
        return 0

    level_of(check.function(broken, rms, CASES), "まだ", "TypeError", "1 番目")
    level_of(check.function(unwritten, rms, CASES), "まだ", "書いてください")
    level_of(check.function(leaves, rms, CASES), "まだ", "SystemExit")
    level_of(check.function(later, rms, CASES), "まだ", "書いてください")
    level_of(check.function(takes_too_few, rms, CASES), "まだ", "TypeError")
    level_of(check.function(3, rms, CASES), "まだ", "int")


def test_function_notices_a_changed_argument():
    def normalize(y):
        return y / np.max(np.abs(y))

    def in_place(y):
        y /= np.max(np.abs(y))
        return y

    original = SIGNAL.copy()
    level_of(check.function(in_place, normalize, [(SIGNAL,)]), "あと少し", "書きかえ")
    np.testing.assert_array_equal(SIGNAL, original)


def test_function_compares_every_output():
    def both(y):
        return y.min(), y.max()

    level_of(
        check.function(lambda y: (y.min(), -y.max()), both, [(SIGNAL,)]),
        "あと少し",
        "2 番目の戻り値",
        "符号",
    )
    level_of(check.function(lambda y: y.min(), both, [(SIGNAL,)]), "まだ", "2 個の組")


def test_function_keeps_single_precision():
    single = SIGNAL.astype(np.float32)
    verdict = check.function(lambda y: y.astype(float) * 2, lambda y: y * 2, [(single,)])
    level_of(verdict, "あと少し", "float64")


def test_function_tells_the_author():
    with pytest.raises(ValueError, match="reference"):
        check.function(rms, 3, CASES)
    with pytest.raises(ValueError, match="空"):
        check.function(rms, rms, [])
    with pytest.raises(ValueError, match="タプルか辞書"):
        check.function(rms, rms, [SIGNAL])
    with pytest.raises(ValueError, match="手本"):
        check.function(rms, lambda y: y / {}, [(SIGNAL,)])
    with pytest.raises(ValueError, match="expected"):
        check.function(rms, lambda y: "文字", [(SIGNAL,)])


# --- 選択 -----------------------------------------------------------------------------


def test_choice_ignores_width_and_case():
    assert check.choice(" Ａ ", "a").ok
    assert check.choice("ｱ", "ア").ok
    assert check.choice(2, "2").ok


def test_choice_gives_the_hint_of_that_mistake():
    hints = {"イ": "窓長を見直す"}
    level_of(check.choice("イ", "ア", hints=hints, hint="ほか"), "まだ", "窓長を見直す")
    level_of(check.choice("ウ", "ア", hints=hints, hint="ほか"), "まだ", "ほか")


def test_choice_of_several():
    assert check.choice(["ウ", "ア"], {"ア", "ウ"}).ok
    level_of(check.choice({"ア"}, {"ア", "ウ"}), "あと少し", "ほかにも")
    level_of(check.choice({"ア", "イ"}, {"ア", "ウ"}), "あと少し", "混ざって")
    level_of(check.choice({"イ"}, {"ア", "ウ"}), "まだ")


def test_choice_tells_the_author():
    with pytest.raises(ValueError, match="expected"):
        check.choice("ア", ...)
    with pytest.raises(ValueError, match="hints"):
        check.choice("ア", "ア", hints={"ア": "？"})
