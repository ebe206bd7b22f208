"""章「評価」の部品の Python の側：引数の検査、推定の作り方、アンカー。"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets

from sstut.widgets.evaluation import ANCHOR, REFERENCE, BlindTest, ErrorExplorer, Mushra

SR = 16000
N = SR


@pytest.fixture
def waves(rng: np.random.Generator) -> dict[str, np.ndarray]:
    names = ("target", "interference", "noise", "artifact")
    return {name: rng.uniform(-0.4, 0.4, N).astype(np.float32) for name in names}


@pytest.fixture
def sounds(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: rng.uniform(-0.5, 0.5, N).astype(np.float32) for name in ("甲", "乙", "丙")}


def explorer(waves: dict[str, np.ndarray], **options: Any) -> ErrorExplorer:
    return ErrorExplorer(sr=SR, **(waves | options))


def blind(sounds: dict[str, np.ndarray], **options: Any) -> BlindTest:
    scores = {name: {"SDR": 10.0, "SI-SDR": float(i)} for i, name in enumerate(sounds)}
    return BlindTest(sounds["甲"], sounds, SR, **({"scores": scores} | options))


# ---- ErrorExplorer


def test_terms_have_the_chosen_levels_and_add_up(waves: dict[str, np.ndarray]) -> None:
    widget = explorer(waves, interference_db=-3.0, noise_db=5.0, artifact_db=-20.0, gain_db=6.0)
    target = widget.sound("target").astype(np.float64)
    parts = {name: widget.term(name).astype(np.float64) for name in waves}
    for name, db in [("interference", -3.0), ("noise", 5.0), ("artifact", -20.0)]:
        ratio = np.sum(parts[name] ** 2) / np.sum(parts["target"] ** 2)
        assert 10 * np.log10(ratio) == pytest.approx(db, abs=1e-4)
    np.testing.assert_allclose(parts["target"], 10 ** (6 / 20) * target, rtol=1e-6)
    np.testing.assert_allclose(widget.estimate(), sum(parts.values()), atol=1e-6)


def test_delay_polarity_and_off(waves: dict[str, np.ndarray]) -> None:
    off = {f"{name}_db": None for name in ("interference", "noise", "artifact")}
    widget = explorer(waves, **off, delay=7, inverted=True)
    target = widget.sound("target")
    np.testing.assert_array_equal(widget.estimate()[7:], -target[:-7])
    assert not np.any(widget.estimate()[:7])
    assert not np.any(widget.term("noise"))
    widget.delay, widget.inverted = 0, False
    np.testing.assert_array_equal(widget.estimate(), target)


def test_stereo_is_averaged(waves: dict[str, np.ndarray]) -> None:
    stereo = np.stack([waves["target"], np.zeros(N, np.float32)])
    widget = explorer(waves, target=stereo)
    np.testing.assert_allclose(widget.sound("target"), waves["target"] / 2, atol=1 / 32768)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"noise": np.zeros(N, np.float32)}, ["noise", "無音"]),
        ({"artifact": np.full(N, 1e-6, np.float32)}, ["artifact", "無音"]),
        ({"interference": np.ones(10, np.float32)}, ["interference", "10", str(N), "違います"]),
        ({"target": np.ones(N, np.int16)}, ["target", "小数", "int16"]),
        ({"target": np.full(N, np.nan, np.float32)}, ["target", "NaN"]),
        ({"delay": 51}, ["delay", "50", "51"]),
        ({"delay": -1}, ["delay", "-1"]),
        ({"gain_db": 13.0}, ["gain_db", "12", "13"]),
        ({"gain_db": float("nan")}, ["gain_db", "nan"]),
        ({"noise_db": 10.5}, ["noise_db", "10.5", "None"]),
        ({"interference_db": -41.0}, ["interference_db", "-41"]),
        ({"artifact_db": float("nan")}, ["artifact_db", "nan"]),
        ({"listen": "mixture"}, ["listen", "estimate", "mixture"]),
    ],
)
def test_error_explorer_refuses_in_japanese(
    waves: dict[str, np.ndarray], options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"[ぁ-ん]") as error:
        explorer(waves, **options)
    assert all(word in str(error.value) for word in words)


def test_bad_change_leaves_the_old_value(waves: dict[str, np.ndarray]) -> None:
    widget = explorer(waves, delay=3)
    for name, value in [("delay", 60), ("gain_db", 20.0), ("noise_db", -50.0), ("listen", "x")]:
        before = getattr(widget, name)
        with pytest.raises(ValueError, match="してください"):
            setattr(widget, name, value)
        assert getattr(widget, name) == before
    with pytest.raises(ValueError, match="name"):
        widget.term("reference")


# ---- BlindTest と Mushra


def test_blind_test_holds_what_was_given(sounds: dict[str, np.ndarray]) -> None:
    widget = blind(sounds, question="どれが良い音ですか。")
    assert widget.names == [REFERENCE, *sounds]
    assert widget.scores["乙"] == {"SDR": 10.0, "SI-SDR": 1.0}
    assert (widget.ratings, widget.order, widget.revealed) == ({}, [], False)
    assert widget.matched
    widget.ratings = {"甲": 80.0}
    widget.order = ["丙", "甲", "乙"]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"甲": {"SDR": 1.0}}, ["甲", "乙", "丙"]),
        ({"甲": {"SDR": 1.0}, "乙": {"SDR": 1.0}, "丙": {"SIR": 1.0}}, ["丙", "SIR", "SDR"]),
        ({"甲": {"S": np.inf}, "乙": {"S": 1.0}, "丙": {"S": 1.0}}, ["甲", "有限", "inf"]),
        ({"甲": {}, "乙": {}, "丙": {}}, ["甲", "指標"]),
    ],
)
def test_scores_are_checked(
    sounds: dict[str, np.ndarray], scores: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ValueError, match="渡された") as error:
        blind(sounds, scores=scores)
    assert all(word in str(error.value) for word in words)


def test_number_and_names_of_sounds_are_checked(sounds: dict[str, np.ndarray]) -> None:
    y = sounds["甲"]
    with pytest.raises(ValueError, match="2 個から 9 個"):
        BlindTest(y, {"甲": y}, SR, scores={"甲": {"SDR": 1.0}})
    with pytest.raises(ValueError, match="7 個まで"):
        Mushra(y, {str(i): y for i in range(8)}, SR)
    for name in (REFERENCE, ANCHOR):
        with pytest.raises(ValueError, match="名前にできません"):
            Mushra(y, {name: y, "乙": y}, SR)
    with pytest.raises(ValueError, match="長さ 10 が reference の長さ"):
        Mushra(y, {"甲": y, "乙": y[:10]}, SR)
    with pytest.raises(ValueError, match="anchor に波形"):
        Mushra(y, sounds, 8000)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ratings", {"丁": 50.0}, ["丁", "甲"]),
        ("ratings", {"甲": 101.0}, ["100", "101"]),
        ("order", ["甲", "乙"], ["order", "1 回ずつ"]),
        ("order", ["甲", "甲", "乙"], ["order", "1 回ずつ"]),
        ("heard", ["丁"], ["heard", "丁"]),
    ],
)
def test_bad_records_are_refused(
    sounds: dict[str, np.ndarray], name: str, value: Any, words: list[str]
) -> None:
    widget = blind(sounds)
    with pytest.raises(ValueError, match=r"[ぁ-ん]") as error:
        setattr(widget, name, value)
    assert all(word in str(error.value) for word in words)
    assert not getattr(widget, name)


def test_mushra_hides_the_reference_and_an_anchor(sounds: dict[str, np.ndarray]) -> None:
    widget = Mushra(sounds["甲"], sounds, SR)
    assert widget.names == [REFERENCE, *sounds, ANCHOR]
    widget.ratings = {REFERENCE: 95.0, ANCHOR: 10.0}  # 隠れ基準にも点が付く
    own = Mushra(sounds["甲"], sounds, SR, anchor=sounds["乙"])
    np.testing.assert_array_equal(own.sound(ANCHOR), own.sound("乙"))


@pytest.mark.parametrize("sr", [11025, 16000, 22050, 44100, 48000])
def test_anchor_meets_the_recommendation(sr: int) -> None:
    """BS.1534：3.5 kHz まで ±0.1 dB、4 kHz で 25 dB、4.5 kHz で 50 dB 以上落とす。遅れはない。"""
    impulse = np.zeros(4096, np.float32)
    impulse[2048] = 0.5
    anchor = Mushra(impulse, {"a": impulse, "b": impulse}, sr).sound(ANCHOR)
    response = np.fft.rfft(np.roll(anchor, -2048).astype(np.float64)) / 0.5
    hz = np.arange(response.size) * sr / 4096
    level = 20 * np.log10(np.abs(response) + 1e-12)
    assert np.max(np.abs(level[hz <= 3500])) <= 0.1
    assert np.max(level[hz >= 4000]) <= -25
    assert np.max(level[hz >= 4500]) <= -50
    # 直線位相で遅れがないので、位相は 0（音は int16 に丸めてあるので、その分だけずれる）
    assert np.max(np.abs(np.angle(response[hz <= 3500]))) < 2e-3


def test_views_share_one_module(waves: dict[str, np.ndarray], sounds: dict[str, Any]) -> None:
    widgets = [explorer(waves), blind(sounds), Mushra(sounds["甲"], sounds, SR)]
    assert [w.view for w in widgets] == ["errors", "blind", "mushra"]
    assert len({w._esm for w in widgets}) == 1
    with pytest.raises(traitlets.TraitError):
        widgets[0].view = "blind"
