"""マスクを塗る部品（masking）を、本のページの形で動かし、Python の計算と突き合わせる。"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut import masking
from sstut.representations import magnitude, stft
from sstut.widgets._base import level_match
from sstut.widgets.masking import MIXTURE, MaskExplorer

SR = 16000
STFT = {"n_fft": 1024, "hop_length": 256}
MODEL = "document.querySelector('.sstut-widget').sstutModel"


def harmonic_tone(f0: float, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(round(seconds * SR)) / SR
    waves = [np.sin(2 * np.pi * h * f0 * t + h) / h for h in range(1, 9)]
    return (0.12 * np.sum(waves, axis=0)).astype(np.float32)


@pytest.fixture
def sources(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """歌のような音（400 Hz とその倍音）、打撃音、低い音。"""
    n = 2 * SR
    t = np.arange(n) / SR
    decay = np.exp(-(np.arange(n) % (SR // 2)) / 400)
    return {
        "歌": harmonic_tone(400),
        "打楽器": (0.25 * decay * rng.uniform(-1, 1, n)).astype(np.float32),
        "低音": (0.2 * np.sin(2 * np.pi * 110 * t)).astype(np.float32),
    }


def explorer(sources: dict[str, np.ndarray], **options: Any) -> MaskExplorer:
    mixture = sum(sources.values(), np.zeros(1, np.float32))
    return MaskExplorer(mixture, SR, sources=sources, **(STFT | options))


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """「マスク」の章の式。"""
    s, e = (np.asarray(x, np.float64) - np.mean(x, dtype=np.float64) for x in (reference, estimate))
    target = s * (e @ s) / (s @ s)
    return float(10 * np.log10(np.sum(target**2) / np.sum((e - target) ** 2)))


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    expected = np.atleast_2d(expected)
    assert actual.shape == expected.shape
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def settle(view: Any) -> None:
    view.wait("!w.state().busy")


def seen_mask(view: Any, widget: MaskExplorer) -> np.ndarray:
    """画面で作ったマスクを、Python の ``w.mask`` として読む。"""
    settle(view)
    view.call("w.send()")
    data, widget.n_frames = view.page.evaluate(
        f"""() => {{
          const view = {MODEL}.get('mask_data');
          let text = '';
          for (let i = 0; i < view.byteLength; i++) text += String.fromCharCode(view.getUint8(i));
          return [btoa(text), {MODEL}.get('n_frames')];
        }}"""
    )
    widget.mask_data = base64.b64decode(data)
    return widget.mask


def spectra(widget: MaskExplorer) -> np.ndarray:
    """正解の STFT。画面の FFT は float64 なので、Python も float64 で計算する。"""
    waves = np.stack([widget.sound(name) for name in widget.names[1:]])
    return stft(waves.astype(np.float64), **STFT)


def heard_by(widget: MaskExplorer, mask: np.ndarray) -> np.ndarray:
    return masking.separate(widget.sound(MIXTURE), mask.astype(np.float32), **STFT)


def check_sound(view: Any, widget: MaskExplorer, mask: np.ndarray) -> None:
    """マスクした音と残りの音が、Python の計算と同じ。"""
    settle(view)
    mixture, masked = widget.sound(MIXTURE), heard_by(widget, mask)
    for name, expected in [("mixture", mixture), ("masked", masked), ("rest", mixture - masked)]:
        view.page.evaluate(f"{MODEL}.set('listen', '{name}')")
        error = np.max(np.abs(view.render()[0] - expected)) / np.max(np.abs(mixture))
        assert error <= 1e-4, name


class Plot:
    """絵の上の場所。"""

    def __init__(self, view: Any, top_hz: float = 4000) -> None:
        self.view, self.page, self.top = view, view.page, top_hz
        self.locator = view.root().get_by_role("application")
        self.locator.scroll_into_view_if_needed()
        self.box = self.locator.bounding_box()

    def at(self, seconds: float, hz: float) -> tuple[float, float]:
        window = self.view.state()["view"]
        x = (seconds - window["from"]) / (window["to"] - window["from"])
        y = 1 - hz / self.top
        return self.box["x"] + x * self.box["width"], self.box["y"] + y * self.box["height"]

    def drag(self, points: Iterable[tuple[float, float]]) -> None:
        first, *rest = (self.at(*point) for point in points)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in rest:
            self.page.mouse.move(*point, steps=4)
        self.page.mouse.up()


def frame(seconds: float) -> float:
    return seconds * SR / STFT["hop_length"]


def bin_(hz: float) -> float:
    return hz * STFT["n_fft"] / SR


def choose(view: Any, name: str) -> None:
    view.root().get_by_text(name, exact=True).click()


def tab(view: Any, name: str) -> None:
    view.root().get_by_role("tab", name=name).click()


def press(view: Any, name: str) -> None:
    view.root().get_by_role("button", name=name, exact=True).click()


# ---- 表示


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_mounts_without_a_kernel(open_widget: Callable, sources: dict, scheme: str) -> None:
    widget = explorer(sources, title="塗る部品", credit="音：本書制作")
    view = open_widget(widget, scheme)
    state = view.state()
    assert (state["bins"], state["frames"]) == widget.mask.shape
    assert view.root().get_attribute("aria-label") == "塗る部品"
    assert view.root().locator(".sst-credit").inner_text() == "音：本書制作"
    assert np.all(seen_mask(view, widget) == 1)
    check_sound(view, widget, widget.mask)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_stopped_points_lose_their_colour(open_widget: Callable, sources: dict, dark: bool) -> None:
    view = open_widget(explorer(sources), dark=dark)
    colourful = """(el) => {
      const canvas = el.querySelector('.sst-mask-plot canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        const rgb = [data[i], data[i + 1], data[i + 2]];
        if (Math.max(...rgb) - Math.min(...rgb) > 20) count += 1;
      }
      return count / (data.length / 4);
    }"""
    assert view.root().evaluate(colourful) > 0.9
    press(view, "全部消す")
    assert view.root().evaluate(colourful) == 0
    plot = Plot(view)
    choose(view, "横の帯")
    plot.drag([(0.5, 1000), (1.0, 2000)])  # 4 kHz までの絵の 1/4
    settle(view)
    assert view.root().evaluate(colourful) == pytest.approx(0.25, abs=0.02)


def test_pointer_reads_out_the_point(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    plot = Plot(view)
    view.page.mouse.move(*plot.at(1.0, 400))
    text = view.root().locator(".sst-readout").inner_text()
    assert text.startswith("1.0")
    assert "Hz" in text
    assert "dB" in text
    assert text.endswith("マスク 1")
    assert abs(float(text.split("秒")[1].split("Hz")[0]) - 400) <= SR / STFT["n_fft"]


# ---- しきい値


def test_threshold_move_is_heard(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    tab(view, "しきい値")
    assert np.all(seen_mask(view, widget) == 1)  # タブを開いただけでは変わらない
    slider = view.root().get_by_role("slider", name="しきい値")
    slider.focus()
    for _ in range(4):
        view.page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "−26 dB"
    level = magnitude(stft(widget.sound(MIXTURE), **STFT))
    mask = level >= level.max() * 10 ** (-26 / 20)
    np.testing.assert_array_equal(seen_mask(view, widget), mask)
    check_sound(view, widget, mask)

    choose(view, "しきい値未満")
    np.testing.assert_array_equal(seen_mask(view, widget), ~mask)
    check_sound(view, widget, ~mask)
    # つまみを続けて動かしたぶんは、1 回で元に戻る
    press(view, "元に戻す")
    assert np.all(seen_mask(view, widget) == mask)
    press(view, "元に戻す")
    assert np.all(seen_mask(view, widget) == 1)
    assert view.root().get_by_role("button", name="元に戻す").is_disabled()


# ---- 理想マスク

KINDS = [
    ({"kind": "ibm"}, lambda S: masking.ideal_binary_mask(S)),
    ({"kind": "ibm", "snr_db": 6.0}, lambda S: masking.ideal_binary_mask(S, 6)),
    ({"kind": "ibm", "snr_db": -6.0}, lambda S: masking.ideal_binary_mask(S, -6)),
    ({"exponent": 1.0}, lambda S: masking.ideal_ratio_mask(S)),
    ({"exponent": 2.0}, lambda S: masking.ideal_ratio_mask(S, power=2)),
    ({"exponent": 0.5}, lambda S: masking.ideal_ratio_mask(S, power=0.5)),
    ({"exponent": 8.0}, lambda S: masking.ideal_ratio_mask(S, power=8)),
]


@pytest.mark.parametrize("n_sources", [2, 3])
def test_ideal_masks_equal_python(open_widget: Callable, sources: dict, n_sources: int) -> None:
    """どの種類のどの音源でも、マスクが Python と同じで、その音が聞こえる。"""
    chosen = dict(list(sources.items())[:n_sources])
    widget = explorer(chosen, tool="oracle")
    view = open_widget(widget)
    S = spectra(widget)
    X = stft(widget.sound(MIXTURE).astype(np.float64), **STFT)
    loud = magnitude(X) > 1e-4 * magnitude(X).max()  # 丸めの雑音だけの点は比べない

    def psm(S: np.ndarray) -> np.ndarray:
        return masking.phase_sensitive_mask(S, X, clip=(0, 1))

    for i, (options, make) in enumerate([*KINDS, ({"kind": "psm"}, psm)]):
        index = i % n_sources
        settings = {"kind": "ratio", "snr_db": 0.0, "source": list(chosen)[index]} | options
        view.page.evaluate(f"(s) => {MODEL}.set(s)", settings)
        mask = seen_mask(view, widget)
        expected = make(S)[index]
        np.testing.assert_allclose(mask[loud], expected[loud], atol=1e-5, err_msg=str(settings))
        check_sound(view, widget, expected)


def test_oracle_controls(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, tool="oracle"))
    get = lambda name: view.page.evaluate(f"{MODEL}.get('{name}')")  # noqa: E731
    softness = view.root().get_by_role("slider", name="やわらかさ")
    assert not view.state()["canUndo"]
    choose(view, "ウィーナー")
    assert (get("kind"), get("exponent")) == ("ratio", 2)
    assert "パワーの比" in softness.get_attribute("aria-valuetext")
    softness.focus()
    view.page.keyboard.press("ArrowRight")
    assert get("exponent") == 1.5  # 右ほどやわらかい
    assert view.root().locator(".sst-panel:not([hidden]) input[value=irm]").is_checked() is False
    view.page.keyboard.press("Home")
    assert get("kind") == "ibm"
    assert view.root().get_by_role("slider", name="何 dB 強ければ").is_visible()
    choose(view, "位相感応 PSM")
    assert get("kind") == "psm"
    assert not view.root().get_by_role("slider", name="何 dB 強ければ").is_visible()
    choose(view, "打楽器")
    assert get("source") == "打楽器"
    settle(view)
    assert "SI-SDR（打楽器）" in view.root().locator(".sst-score").inner_text()


def test_score_is_the_formula_of_the_chapter(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, tool="oracle")
    view = open_widget(widget)
    press(view, "この設定で作る")
    settle(view)
    S, mixture, voice = spectra(widget), widget.sound(MIXTURE), widget.sound("歌")
    mask = masking.ideal_ratio_mask(S)[0]
    value, before = si_sdr(voice, heard_by(widget, mask)), si_sdr(voice, mixture)
    numbers = view.root().locator(".sst-score-number").all_inner_texts()
    assert float(numbers[0].replace("−", "-")) == pytest.approx(value, abs=0.051)
    assert float(numbers[1]) == pytest.approx(100 * mask.mean(), abs=0.51)
    gain = view.root().locator(".sst-score-gain").first.inner_text()
    shown = float(gain.removeprefix("混合音より ").removesuffix(" dB").replace("−", "-"))
    assert shown == pytest.approx(value - before, abs=0.051)

    press(view, "お手本（理想マスク）と比べる")
    verdict = view.root().locator(".sst-score-verdict")
    assert verdict.inner_text() == "お手本と同じ良さです。"
    press(view, "反転")
    settle(view)
    assert verdict.inner_text().startswith("お手本まで、あと ")
    rest = si_sdr(voice, mixture - heard_by(widget, mask))
    left = float(verdict.inner_text().split("あと ")[1].split(" dB")[0])
    assert left == pytest.approx(value - rest, abs=0.051)
    press(view, "全部消す")
    settle(view)
    assert verdict.inner_text() == "まだ何も通していません。"


# ---- 塗る


def test_first_stroke_passes_only_what_is_painted(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    Plot(view).drag([(0.4, 1000), (1.2, 1000)])
    mask = seen_mask(view, widget)
    assert set(np.unique(mask)) == {0, 1}
    row = mask[round(bin_(1000))]
    assert np.all(row[round(frame(0.4)) : round(frame(1.2)) + 1] == 1)
    assert np.all(row[: round(frame(0.4)) - 8] == 0)
    # 直径 20 px は、高さ 300 px で 4 kHz の絵では 267 Hz
    column = np.flatnonzero(mask[:, round(frame(0.8))])
    assert column.min() == pytest.approx(bin_(1000 - 133), abs=1)
    assert column.max() == pytest.approx(bin_(1000 + 133), abs=1)
    check_sound(view, widget, mask)
    press(view, "元に戻す")
    assert np.all(seen_mask(view, widget) == 1)  # 1 筆が、1 回で元に戻る
    press(view, "やり直す")
    np.testing.assert_array_equal(seen_mask(view, widget), mask)
    check_sound(view, widget, mask)


def test_a_fast_stroke_has_no_holes(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, size=4)
    view = open_widget(widget)
    plot = Plot(view)
    view.page.mouse.move(*plot.at(0.2, 500))
    view.page.mouse.down()
    view.page.mouse.move(*plot.at(1.8, 3500))  # 途中の知らせなしに、一度に動く
    view.page.mouse.up()
    mask = seen_mask(view, widget)
    for f in range(round(frame(0.2)) + 1, round(frame(1.8))):
        share = (f - frame(0.2)) / (frame(1.8) - frame(0.2))
        assert mask[round(bin_(500 + 3000 * share)), f] == 1


def test_erase_and_partly_pass(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, size=40)
    view = open_widget(widget)
    plot = Plot(view)
    choose(view, "消す")
    plot.drag([(0.5, 2000), (0.6, 2000)])
    mask = seen_mask(view, widget)
    assert mask[round(bin_(2000)), round(frame(0.55))] == 0
    assert mask.mean() > 0.9
    choose(view, "割合で通す")
    slider = view.root().get_by_role("slider", name="通す割合")
    slider.focus()
    view.page.keyboard.press("ArrowLeft")
    plot.drag([(1.5, 2000), (1.6, 2000)])
    mask = seen_mask(view, widget)
    assert mask[round(bin_(2000)), round(frame(1.55))] == pytest.approx(0.45, abs=1e-5)
    check_sound(view, widget, mask)


def test_rectangle_and_band(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    plot = Plot(view)
    choose(view, "長方形")
    plot.drag([(0.503, 1010), (1.002, 2005)])
    expected = np.zeros_like(widget.mask)
    low, high = round(bin_(1010)), round(bin_(2005))
    expected[low : high + 1, round(frame(0.503)) : round(frame(1.002)) + 1] = 1
    mask = seen_mask(view, widget)
    # 角は画素の位置で決まるので、端の 1 点だけは違ってよい
    assert np.sum(mask != expected) <= np.sum(expected.shape)
    assert mask[low + 2, round(frame(0.75))] == 1
    choose(view, "横の帯")
    choose(view, "消す")
    plot.drag([(0.2, 1210), (0.3, 1790)])
    mask = seen_mask(view, widget)
    assert np.all(mask[round(bin_(1500))] == 0)
    assert mask[low + 2, round(frame(0.75))] == 1
    check_sound(view, widget, mask)


def test_harmonic_brush_follows_the_voice(open_widget: Callable, sources: dict) -> None:
    """少しずれてなぞっても、倍音の列に寄り、整数倍をすべて塗り、歌が取り出せる。"""
    widget = explorer(sources)
    view = open_widget(widget)
    choose(view, "倍音")
    Plot(view).drag([(0.0, 420), (0.7, 385), (1.4, 415), (1.99, 400)])
    mask = seen_mask(view, widget)
    for h in range(1, 9):
        row = mask[round(bin_(400 * h))]
        assert row[2:-3].mean() > 0.98, h
        assert mask[round(bin_(400 * (h + 0.5)))].max() == 0
    check_sound(view, widget, mask)
    voice, mixture = widget.sound("歌"), widget.sound(MIXTURE)
    assert si_sdr(voice, heard_by(widget, mask)) > si_sdr(voice, mixture) + 6

    press(view, "元に戻す")
    press(view, "強い倍音に寄せる")  # 切れば、なぞった高さをそのまま塗る
    Plot(view).drag([(0.5, 600), (1.5, 600)])
    mask = seen_mask(view, widget)
    for h in (1, 2, 3):
        assert mask[round(bin_(600 * h)), round(frame(1.0))] == 1


def test_pen_and_touch_paint(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget, viewport=(375, 812), touch=True, scale=2)
    plot = Plot(view)
    client = view.page.context.new_cdp_session(view.page)
    path = [plot.at(0.4 + 0.1 * i, 2000) for i in range(9)]
    for i, (x, y) in enumerate(path):
        kind = "touchMove" if i else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    mask = seen_mask(view, widget)
    row = mask[round(bin_(2000))]
    assert np.all(row[round(frame(0.4)) : round(frame(1.2)) + 1] == 1)
    assert row[: round(frame(0.2))].max() == 0
    check_sound(view, widget, mask)

    # ペンの消しゴム（button 5）は、いまの値によらず消す
    x, y = plot.at(0.8, 2000)
    for kind, button, buttons in [("pointerdown", 5, 32), ("pointerup", 5, 0)]:
        options = {"pointerId": 9, "pointerType": "pen", "button": button, "buttons": buttons}
        plot.locator.evaluate(
            """(el, [kind, options]) => {
              el.setPointerCapture = () => {};
              el.hasPointerCapture = () => true;
              el.dispatchEvent(new PointerEvent(kind, { bubbles: true, ...options }));
            }""",
            [kind, options | {"clientX": x, "clientY": y}],
        )
    assert seen_mask(view, widget)[round(bin_(2000)), round(frame(0.8))] == 0


def test_second_finger_takes_the_stroke_back(open_widget: Callable, sources: dict) -> None:
    """2 本指の拡大が始まると、ブラウザは pointercancel を送る。描きかけは残らない。"""
    widget = explorer(sources)
    view = open_widget(widget)
    plot = Plot(view)
    view.page.mouse.move(*plot.at(0.5, 1000))
    view.page.mouse.down()
    view.page.mouse.move(*plot.at(0.8, 1000))
    plot.locator.dispatch_event("pointercancel")
    view.page.mouse.up()
    assert np.all(seen_mask(view, widget) == 1)
    assert not view.state()["canUndo"]


def test_painting_records_its_timing(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    Plot(view).drag([(0.1, 500), (1.0, 1500), (1.8, 500)])
    tab(view, "しきい値")
    view.root().get_by_role("slider", name="しきい値").press("ArrowRight")
    settle(view)
    timing = view.call("w.timing")
    assert timing["strokes"]["frames"]
    assert timing["strokes"]["scripts"]
    assert len(timing["moves"]) == 1


# ---- 拡大


def test_painting_hits_the_point_under_the_pointer_when_zoomed(
    open_widget: Callable, sources: dict
) -> None:
    widget = explorer(sources, size=4)
    view = open_widget(widget)
    view.root().get_by_label("周波数の上限").select_option("2")
    press(view, "時間を拡大する")
    press(view, "後を見る")
    window = view.state()["view"]
    assert window["to"] - window["from"] == pytest.approx(1.0)
    assert window["to"] == pytest.approx(2.0)
    Plot(view, top_hz=2000).drag([(1.6, 1500), (1.6, 1500)])
    times, frequencies = np.nonzero(seen_mask(view, widget).T)
    assert np.abs(times - frame(1.6)).max() <= 1
    assert np.abs(frequencies - bin_(1500)).max() <= 2
    press(view, "時間を縮める")
    assert view.state()["view"] == {"from": 0, "to": 2}


def test_frequency_limits_fit_the_sampling_rate(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, max_khz=0))
    options = view.root().get_by_label("周波数の上限").locator("option").all_inner_texts()
    assert options == ["2 kHz まで", "4 kHz まで", "全部の周波数"]  # 8 kHz が全部
    ticks = view.root().locator(".sst-axis-y span").all_inner_texts()
    assert ticks[-1] == "8"


# ---- マスク全体


def test_invert_completes_the_mixture(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, tool="oracle")
    view = open_widget(widget)
    press(view, "この設定で作る")
    mask = seen_mask(view, widget)
    first, rest = view.sound("masked"), view.sound("rest")
    press(view, "反転")
    inverted = seen_mask(view, widget)
    np.testing.assert_allclose(inverted, masking.invert_mask(mask), atol=2e-5)
    mixture = widget.sound(MIXTURE)
    assert relative_error((view.sound("masked") + first)[None], mixture) <= 1e-5
    assert relative_error(view.sound("masked")[None], rest) <= 1e-5


def test_binarize_fill_and_a_long_undo(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, tool="oracle")
    view = open_widget(widget)
    press(view, "この設定で作る")
    soft = seen_mask(view, widget)
    view.root().get_by_label("二値にする境目").select_option("0.7")
    press(view, "二値にする")
    hard = seen_mask(view, widget)
    np.testing.assert_array_equal(hard, masking.binarize(soft, 0.7))
    check_sound(view, widget, hard)
    press(view, "全部消す")
    tab(view, "塗る")  # 使い方を替えても、マスクはそのまま
    assert np.all(seen_mask(view, widget) == 0)
    press(view, "全部通す")
    history = [np.ones_like(soft), soft, hard, np.zeros_like(soft)]
    for expected in history[::-1]:
        view.root().press("Control+z")
        np.testing.assert_array_equal(seen_mask(view, widget), expected)
    for expected in history[1:]:
        view.root().press("Control+Shift+z")
        np.testing.assert_array_equal(seen_mask(view, widget), expected)
    view.root().press("Control+y")
    assert np.all(seen_mask(view, widget) == 1)
    assert not view.state()["canRedo"]


def test_mask_set_in_python_is_drawn_and_heard(
    open_widget: Callable, sources: dict, rng: np.random.Generator
) -> None:
    shape = explorer(sources).mask.shape
    start = rng.uniform(0, 1, shape).astype(np.float32)
    widget = explorer(sources, mask=start)
    view = open_widget(widget)
    np.testing.assert_array_equal(seen_mask(view, widget), widget.mask)
    check_sound(view, widget, start)

    after = (np.arange(shape[0])[:, None] > 100 + np.zeros(shape[1])).astype(np.float32)
    widget.mask = after  # ノートブックで w.mask = after としたとき
    view.page.evaluate(
        f"""(text) => {{
          const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          {MODEL}.set('mask_data', new DataView(bytes.buffer));
        }}""",
        base64.b64encode(widget.mask_data).decode(),
    )
    check_sound(view, widget, after)
    press(view, "元に戻す")
    np.testing.assert_allclose(seen_mask(view, widget), start, atol=1e-5)


# ---- 聴く


def test_switching_has_no_gap(open_widget: Callable, sources: dict) -> None:
    """すべて通すマスクなら、混合音との切りかえは何も変えない。"""
    widget = explorer(sources)
    view = open_widget(widget)
    events = [
        {"at": 0.5, "gains": {"masked": 0, "mixture": 1}},
        {"at": 1.0, "gains": {"masked": 1, "mixture": 0}},
    ]
    assert relative_error(view.render({"events": events}), widget.sound(MIXTURE)) <= 1e-5


def test_level_match_equals_python(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, tool="oracle")
    view = open_widget(widget)
    press(view, "この設定で作る")
    settle(view)
    masked = view.sound("masked")
    press(view, "音量をそろえる")
    tracks = {n: view.sound(n) for n in ("mixture", "masked", "rest")}
    gain = 10 ** (level_match(tracks, SR)["masked"] / 20)
    assert abs(gain - 1) > 0.01
    assert relative_error(view.render(), gain * masked) <= 1e-4


def test_sound_changes_while_it_plays(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    press(view, "再生")
    view.wait("w.state().level > 0.05")
    press(view, "全部消す")
    view.wait("w.state().level < 1e-4")  # 鳴らしたまま、無音のマスクに替わる
    assert view.state()["playing"]
    choose(view, "残り")
    view.wait("w.state().level > 0.05")
    choose(view, "マスクした音")
    choose(view, "横の帯")
    Plot(view).drag([(0.5, 20), (0.5, 3900)])
    view.wait("w.state().level > 0.05")
    assert view.state()["playing"]
    press(view, "一時停止")


def test_saved_wav_is_what_is_heard(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, tool="oracle", listen="rest")
    view = open_widget(widget)
    press(view, "この設定で作る")
    settle(view)
    with view.page.expect_download() as download:
        press(view, "保存（WAV）")
    assert download.value.suggested_filename == "残り.wav"
    saved, sr = sf.read(download.value.path(), dtype="float32")
    assert sr == SR
    np.testing.assert_allclose(saved, view.sound("rest"), atol=1 / 32768)


# ---- 読者の音


def wav(y: np.ndarray, sr: int = SR, **options: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, sr, **({"format": "WAV"} | options))
    return file.getvalue()


@pytest.mark.parametrize("format_", ["WAV", "MP3"])
def test_own_file_takes_the_place_of_the_mixture(
    open_widget: Callable, sources: dict, format_: str
) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    press(view, "全部消す")
    own = np.stack([harmonic_tone(300, 1.5), harmonic_tone(500, 1.5)], axis=1)
    view.drop(f"私の音.{format_.lower()}", wav(own, format=format_))
    view.wait("w.state().own")
    mixture = view.sound("mixture")
    if format_ == "WAV":
        np.testing.assert_allclose(mixture, own.mean(axis=1), atol=1 / 16000)
    else:
        assert np.corrcoef(mixture[: len(own)], own.mean(axis=1)[: len(mixture)])[0, 1] > 0.99
    mask = seen_mask(view, widget)
    assert mask.shape == stft(mixture, **STFT).shape  # Python の w.mask も、新しい形になる
    assert np.all(mask == 1)
    assert not view.state()["canUndo"]

    tab(view, "理想マスク")
    assert view.root().get_by_text("自分の音には正解がない").is_visible()
    assert not view.root().get_by_role("slider", name="やわらかさ").is_visible()
    assert not view.root().get_by_text("SI-SDR").is_visible()
    tab(view, "しきい値")
    press(view, "このしきい値で作る")
    mask = seen_mask(view, widget)
    level = magnitude(stft(mixture, **STFT))
    np.testing.assert_array_equal(mask, level >= level.max() * 10 ** (-30 / 20))
    assert relative_error(view.render(), masking.separate(mixture, mask, **STFT)) <= 1e-4

    press(view, "元の音に戻す")
    np.testing.assert_array_equal(view.sound("mixture"), widget.sound(MIXTURE))
    tab(view, "理想マスク")
    assert view.root().get_by_role("slider", name="やわらかさ").is_visible()


def test_bad_file_keeps_the_mask(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    Plot(view).drag([(0.4, 1000), (1.2, 1000)])
    before, state, sound = seen_mask(view, widget), view.state(), view.render()
    view.drop("だめ.wav", b"RIFF this is no sound file at all")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    assert "音として読めませんでした" in view.status()
    assert view.state() == state
    np.testing.assert_array_equal(seen_mask(view, widget), before)
    np.testing.assert_array_equal(view.render(), sound)


def test_without_sources_the_reason_is_shown(open_widget: Callable, sources: dict) -> None:
    widget = MaskExplorer(sources["歌"], SR, **STFT)
    view = open_widget(widget)
    tab(view, "理想マスク")
    assert view.root().get_by_text("混ぜる前の音源（正解）が要ります").is_visible()
    assert not view.root().get_by_text("SI-SDR").is_visible()
    assert view.root().get_by_text("通した割合", exact=True).is_visible()


# ---- キーボード


def test_keyboard_paints(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources)
    view = open_widget(widget)
    key = view.page.keyboard
    view.root().get_by_role("application").focus()
    for name in ["ArrowRight", "ArrowUp", "Shift+ArrowUp"]:
        key.press(name)
    live = view.root().locator(".sst-hidden[role=status]")
    view.page.wait_for_function(
        "(el) => /秒.*Hz.*dB.*マスク 1/.test(el.textContent)", arg=live.element_handle()
    )
    seconds, hz = (float(part) for part in live.inner_text().replace(" Hz", " 秒").split(" 秒")[:2])
    key.press("Enter")
    mask = seen_mask(view, widget)
    assert mask[round(bin_(hz)), round(frame(seconds))] == 1
    assert 0 < mask.mean() < 0.05
    check_sound(view, widget, mask)

    view.root().get_by_role("application").focus()
    key.press("ArrowUp")
    key.down("Space")  # 押したまま動かすと、続けて塗る
    for _ in range(3):
        key.press("Shift+ArrowRight")
    key.up("Space")
    wider = seen_mask(view, widget)
    moved = np.flatnonzero(wider.any(axis=0)).max() - np.flatnonzero(mask.any(axis=0)).max()
    assert moved >= 20
    assert not view.state()["playing"]  # 絵の上のスペースは、再生ではなく塗る
    key.press("p")
    view.wait("w.state().playing")
    key.press("p")


def test_keyboard_draws_a_rectangle(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, brush="rectangle")
    view = open_widget(widget)
    key = view.page.keyboard
    view.root().get_by_role("application").focus()
    key.press("ArrowRight")
    key.press("Enter")
    for name in ["Shift+ArrowRight", "Shift+ArrowUp", "ArrowUp"]:
        key.press(name)
    key.press("Enter")
    mask = seen_mask(view, widget)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert rows.size == 9 * 3 + 1  # 4 kHz の 1/100 は 2.56 点なので、1 歩は 3 点
    assert columns.size == 8 + 1
    assert mask.sum() == rows.size * columns.size

    key.press("Enter")
    key.press("Shift+ArrowRight")
    key.press("Escape")  # 2 つめの角を決める前なら、やめられる
    np.testing.assert_array_equal(seen_mask(view, widget), mask)


def test_keyboard_alone_reaches_everything(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    key = view.page.keyboard
    names, outlines = [], []
    for _ in range(32):
        key.press("Tab")
        name, outline = view.page.evaluate(
            """() => {
              const el = document.activeElement;
              const label = el.getAttribute('aria-label') ?? el.labels?.[0]?.textContent;
              const ring = el.matches('.sst-choice input') ? el.closest('label') : el;
              return [(label ?? el.textContent).trim(), getComputedStyle(ring).outlineStyle];
            }"""
        )
        names.append(name)
        outlines.append(outline)
        if name.startswith("キー操作"):
            break
    for name in ["再生", "くり返し", "音量をそろえる", "マスクした音", "周波数の上限", "塗る"]:
        assert name in names
    for name in ["マスクだけを見る", "ブラシ", "通す", "太さ", "全部通す", "反転", "保存（WAV）"]:
        assert name in names
    assert any(name.startswith("マスクを塗るスペクトログラム") for name in names)
    assert "none" not in outlines[: len(names)]

    view.root().get_by_role("tab", name="塗る").focus()
    key.press("ArrowRight")
    assert view.state()["tool"] == "threshold"
    key.press("ArrowRight")
    assert view.state()["tool"] == "oracle"
    for digit, name in [("1", "mixture"), ("3", "rest"), ("2", "masked")]:
        key.press(digit)
        assert view.state()["listen"] == name
    view.root().get_by_role("button", name="再生").press("Space")
    view.wait("w.state().playing")
    view.root().get_by_role("button", name="一時停止").press("Space")
    assert not view.state()["playing"]


# ---- 見やすさ


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_serious_accessibility_violation(
    open_widget: Callable, axe: Callable, sources: dict, dark: bool
) -> None:
    view = open_widget(explorer(sources, title="塗る", credit="音：本書制作"), dark=dark)
    view.root().locator("summary").click()
    press(view, "お手本（理想マスク）と比べる")
    for name in ["塗る", "しきい値", "理想マスク"]:
        tab(view, name)
        assert axe(view.page) == []
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("使えません").wait_for()
    assert axe(view.page) == []


@pytest.mark.parametrize("tool", ["paint", "threshold", "oracle"])
def test_fits_a_phone(open_widget: Callable, sources: dict, tool: str) -> None:
    widget = explorer(
        sources, tool=tool, kind="ibm", title="塗る", credit="音：本書制作、CC BY 4.0"
    )
    view = open_widget(widget, viewport=(375, 812), touch=True, scale=2)
    view.root().locator("summary").click()
    press(view, "お手本（理想マスク）と比べる")
    assert view.overflow() == 0
    assert view.too_small() == []
