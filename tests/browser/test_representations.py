"""章「音の表現」の部品（STFT、窓、標本化）を、本のページの形で動かす。"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut import representations as rep
from sstut.widgets.representations import SamplingExplorer, StftExplorer, WindowExplorer

SR = 16000
MODEL = "document.querySelector('.sstut-widget').sstutModel"


def tone(frequency: float, seconds: float = 2.0, amplitude: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * SR)) / SR
    return (amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.fixture
def music(rng: np.random.Generator) -> np.ndarray:
    """高さの動く音と打撃音と雑音。どの周波数にも成分がある。"""
    t = np.arange(2 * SR) / SR
    glide = 0.3 * np.sin(2 * np.pi * (300 * t + 400 * t**2))
    hits = 0.3 * np.exp(-(t % 0.5) * 60) * rng.uniform(-1, 1, t.size)
    return (glide + hits + 0.01 * rng.standard_normal(t.size)).astype(np.float32)


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def wav(y: np.ndarray, sr: int = SR, **options: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, sr, **({"format": "WAV"} | options))
    return file.getvalue()


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをし、絵と音がそろうまで待つ。"""
    count = view.call("w.timing.length")
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.wait("w.timing.length > a", count)


def move(view: Any, name: str, *keys: str) -> None:
    """キーボードでスライダーを動かす。"""
    view.root().get_by_role("slider", name=name, exact=True).focus()
    for key in keys:
        count = view.call("w.timing.length")
        view.page.keyboard.press(key)
        view.wait("w.timing.length > a", count)


def fact(view: Any, name: str) -> str:
    row = (
        view.root().locator(".sst-facts > div").filter(has=view.page.get_by_text(name, exact=True))
    )
    return row.locator("dd").inner_text()


def number(text: str) -> float:
    """「−31.2 dB」「波形の 2.0 倍」などから数を取り出す。"""
    found = "".join(c for c in text.replace("−", "-") if c in "-0123456789.")
    return float(found)


def open_ready(open_widget: Callable, widget: Any, **options: Any) -> Any:
    view = open_widget(widget, **options)
    view.wait("w.timing.length > 0")
    return view


EXPLORERS = {
    "stft": lambda y: StftExplorer({"a": y, "b": y[::-1]}, SR, title="STFT", credit="音：本書制作"),
    "window": lambda y: WindowExplorer(title="窓"),
    "sampling": lambda y: SamplingExplorer(y, SR, title="標本化"),
}


# ---- 共通


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("kind", EXPLORERS)
def test_mounts_without_a_kernel(
    open_widget: Callable, music: np.ndarray, kind: str, scheme: str
) -> None:
    view = open_widget(EXPLORERS[kind](music), scheme)
    view.wait("w.timing.length > 0")
    assert "試してみよう" in view.root().inner_text()
    assert view.root().locator("canvas, svg.sst-chart").first.is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", EXPLORERS)
def test_no_serious_accessibility_violation(
    open_widget: Callable, axe: Callable, music: np.ndarray, kind: str, dark: bool
) -> None:
    view = open_ready(open_widget, EXPLORERS[kind](music), dark=dark)
    view.root().locator("summary").click()
    if kind == "stft":
        put(view, win_length=256, n_fft=256)  # ホップ長が窓長を超えて、断りの文が出ている
        assert view.state()["message"]
    assert axe(view.page) == []


@pytest.mark.parametrize("kind", EXPLORERS)
def test_fits_a_phone(open_widget: Callable, music: np.ndarray, kind: str) -> None:
    view = open_ready(open_widget, EXPLORERS[kind](music), viewport=(375, 812), touch=True, scale=2)
    view.root().locator("summary").click()
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []


@pytest.mark.parametrize("kind", ["stft", "sampling"])
@pytest.mark.parametrize("format_", ["WAV", "MP3"])
def test_own_file_is_used(
    open_widget: Callable, music: np.ndarray, kind: str, format_: str
) -> None:
    own = 0.5 * tone(700, 1.5) + 0.2 * tone(1900, 1.5)
    view = open_ready(open_widget, EXPLORERS[kind](music))
    count = view.call("w.timing.length")
    view.drop(f"私の音.{format_.lower()}", wav(own, format=format_))
    view.wait("w.state().labels.length === 3 && w.timing.length > a", count)
    loaded = view.sound("original")[: own.size]
    if format_ == "MP3":  # 非可逆なので、形だけを比べる
        assert np.corrcoef(loaded, own[: loaded.size])[0, 1] > 0.99
    else:
        np.testing.assert_allclose(loaded, own, atol=1 / 32000)
    assert view.root().get_by_role("radio", name="私の音").is_checked()
    if kind == "stft":  # 全部の帯域を残した音は、もとの音に戻る
        whole = view.sound("original")
        assert relative_error(view.sound("kept"), whole) <= 1e-5


@pytest.mark.parametrize("kind", ["stft", "sampling"])
def test_bad_file_loses_nothing(open_widget: Callable, music: np.ndarray, kind: str) -> None:
    view = open_ready(open_widget, EXPLORERS[kind](music))
    before, state = view.render(), view.state()
    view.drop("だめ.wav", b"RIFF this is no sound file at all")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    assert "前の音はそのまま" in view.root().inner_text()
    assert view.state() == state
    np.testing.assert_array_equal(view.render(), before)


@pytest.mark.parametrize("kind", EXPLORERS)
def test_every_control_is_named_and_reached_by_tab(
    open_widget: Callable, music: np.ndarray, kind: str
) -> None:
    view = open_ready(open_widget, EXPLORERS[kind](music))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(name and outline != "none" for name, outline in reached.values())


# ---- STFT：音


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"win_length": 512, "n_fft": 2048, "hop_length": 100, "window": "hamming"},
        {"win_length": 4096, "n_fft": 4096, "hop_length": 1024, "window": "blackman"},
        {"win_length": 1024, "n_fft": 1024, "hop_length": 512, "window": "boxcar"},
    ],
)
def test_edited_sound_equals_python(
    open_widget: Callable, music: np.ndarray, settings: dict
) -> None:
    widget = StftExplorer({"a": music}, SR, listen="kept", **settings)
    view = open_ready(open_widget, widget)
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4
    put(view, band=[437.0, 2100.0])
    widget.band = [437.0, 2100.0]
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4
    put(view, listen="removed")
    assert relative_error(view.render()[0], widget.sound("a") - widget.kept()) <= 1e-4


def test_slider_moves_change_the_sound_as_python_computes(
    open_widget: Callable, music: np.ndarray
) -> None:
    widget = StftExplorer({"a": music}, SR, listen="kept", band=[500.0, 3000.0])
    view = open_ready(open_widget, widget)
    move(view, "窓長", "ArrowLeft")
    move(view, "ホップ長", "ArrowLeft")
    widget.win_length, widget.n_fft, widget.hop_length = 1024, 1024, 256
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4
    move(view, "残す帯域の下限", *["ArrowRight"] * 8)
    move(view, "残す帯域の上限", "ArrowLeft")
    widget.band = view.page.evaluate(f"{MODEL}.get('band')")
    assert widget.band[0] > 510
    assert widget.band[1] < 3000
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4


def test_stereo_is_analysed_as_the_average(open_widget: Callable, music: np.ndarray) -> None:
    widget = StftExplorer({"a": np.stack([music, tone(900)])}, SR, listen="kept", band=[800, 1500])
    view = open_ready(open_widget, widget)
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4


def test_swaps_while_playing_without_losing_the_place(
    open_widget: Callable, music: np.ndarray
) -> None:
    view = open_ready(open_widget, StftExplorer({"a": music}, SR, listen="kept"))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().playing && w.state().position > 0.3")
    before = view.state()["position"]
    move(view, "残す帯域の下限", "End")
    state = view.state()
    assert state["playing"]
    assert before <= state["position"] < before + 1.5
    # 帯域の中には、ほとんど何も残っていない。差しかえた音が鳴っていれば、出力も小さくなる。
    assert np.max(np.abs(view.sound("kept"))) < 0.05
    view.wait("w.state().level < 0.05")


def test_sounds_are_swapped_at_the_same_sample(open_widget: Callable, music: np.ndarray) -> None:
    widget = StftExplorer({"a": music}, SR, listen="kept", band=[500.0, 3000.0])
    view = open_ready(open_widget, widget)
    heard = view.call(
        """Array.from((await w.render({ events: [
          { at: 0.6, replace: 'kept', channels: [w.sound('original')] } ] })).channels[0])"""
    )
    fade = np.clip((np.arange(music.size) / SR - 0.6) / 0.010, 0, 1)
    expected = (1 - fade) * widget.kept() + fade * widget.sound("a")
    assert relative_error(np.asarray(heard), expected) <= 1e-4


# ---- STFT：絵と数値


@pytest.mark.parametrize("scale", ["amplitude", "power", "log", "mel"])
def test_picture_equals_python(open_widget: Callable, music: np.ndarray, scale: str) -> None:
    widget = StftExplorer({"a": music}, SR, scale=scale, db_range=70, n_fft=1024)
    view = open_ready(open_widget, widget)
    shape = view.call("[w.picture().frames, w.picture().bins]")
    actual = np.reshape(view.call("Array.from(w.picture().values)"), shape).T
    magnitude = np.abs(rep.stft(widget.sound("a"), **widget.settings))
    if scale == "mel":
        mels = rep.mel_spectrogram(widget.sound("a"), sr=SR, n_fft=1024, hop_length=256)
        db = rep.power_to_db(mels, ref=np.max, top_db=70)
        # 各ビンの行は、そのビンにいちばん近いメルのフィルタの値
        centre = np.argmax(rep.mel_filterbank(sr=SR, n_fft=1024), axis=1) * SR / 1024
        for k in (64, 200, 400):
            near = np.argsort(np.abs(centre - k * SR / 1024))[:3]
            gaps = [np.max(np.abs(actual[k] - db[m])) for m in near]
            assert min(gaps) < 0.01
        return
    expected = {
        "amplitude": magnitude / magnitude.max(),
        "power": (magnitude / magnitude.max()) ** 2,
        "log": rep.amplitude_to_db(magnitude, ref=np.max, top_db=70),
    }[scale]
    np.testing.assert_allclose(actual, expected, atol=0.01 if scale == "log" else 1e-5)


def bright_rows(view: Any) -> np.ndarray:
    """絵の中央の列の明るさ。下から上へ。"""
    return np.asarray(
        view.root().evaluate(
            """(el) => {
              const { width, height } = el.querySelector('canvas');
              const context = el.querySelector('canvas').getContext('2d');
              const { data } = context.getImageData(width >> 1, 0, 1, height);
              return Array.from({ length: height }, (_, y) => height - 1 - y)
                .map((y) => data[4 * y] + data[4 * y + 1] + data[4 * y + 2]);
            }"""
        )
    )


def mel(hz: float) -> float:
    """Slaney のメル：1 kHz までは直線、その上は対数。"""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


@pytest.mark.parametrize("axis", ["linear", "log", "mel"])
def test_long_window_separates_two_close_tones_in_the_zoomed_picture(
    open_widget: Callable, axis: str
) -> None:
    y = tone(1000) + tone(1030)
    options = {"hop_length": 128, "zoom": [900, 1130], "axis": axis}
    view = open_ready(open_widget, StftExplorer({"a": y}, SR, n_fft=1024, **options))
    warp = {"linear": float, "log": np.log, "mel": mel}[axis]
    rows = [(warp(f) - warp(900)) / (warp(1130) - warp(900)) for f in (1000, 1015, 1030)]

    def levels() -> list[int]:
        column = bright_rows(view)
        return [int(column[round(u * column.size)]) for u in rows]

    low, middle, high = levels()
    assert middle >= min(low, high) - 60  # 短い窓では 1 つの山
    put(view, win_length=8192, n_fft=8192)
    low, middle, high = levels()
    assert middle < min(low, high) - 200  # 長い窓では 2 本の線のあいだに谷
    view.root().get_by_role("radio", name="全体").check()
    assert view.page.evaluate(f"{MODEL}.get('zoom')") == [0, SR / 2]


def test_facts_are_those_of_the_chapter(open_widget: Callable, music: np.ndarray) -> None:
    widget = StftExplorer({"a": music}, SR, win_length=1024, n_fft=4096, hop_length=256)
    view = open_ready(open_widget, widget)
    X = rep.stft(music, **widget.settings)
    assert number(fact(view, "周波数の刻み")) == pytest.approx(SR / 4096, abs=0.051)
    assert number(fact(view, "主ローブの幅")) == pytest.approx(4 * SR / 1024, abs=0.051)
    assert number(fact(view, "窓の長さ")) == pytest.approx(64, abs=0.051)
    assert fact(view, "配列の形") == f"({X.shape[0]}, {X.shape[1]})"
    assert number(fact(view, "値の個数")) == pytest.approx(X.size / music.size, abs=0.051)
    assert number(fact(view, "逆変換の誤差")) < -100


def test_window_length_moves_alone_or_with_the_hop(
    open_widget: Callable, music: np.ndarray
) -> None:
    view = open_ready(open_widget, StftExplorer({"a": music}, SR))
    move(view, "窓長", "ArrowRight")
    assert view.state()["settings"]["winLength"] == 4096
    assert view.state()["settings"]["hop"] == 512
    view.root().get_by_role("radio", name="重なりを保つ").check()
    move(view, "窓長", "ArrowLeft", "ArrowLeft")
    settings = view.state()["settings"]
    assert (settings["winLength"], settings["hop"]) == (1024, 128)
    view.root().get_by_role("radio", name="4 倍").check()
    view.wait("w.state().settings.nFft === 4096")
    assert view.state()["settings"]["winLength"] == 1024


def test_point_tells_the_value_python_has(open_widget: Callable, music: np.ndarray) -> None:
    widget = StftExplorer({"a": music}, SR, point=[750.0, 0.96])
    view = open_ready(open_widget, widget)
    X = rep.stft(widget.sound("a"), **widget.settings)
    k, t = round(750 * 2048 / SR), round(0.96 * SR / 512)
    for keys, dk, dt in [([], 0, 0), (["ArrowUp", "Shift+ArrowRight"], 1, 10)]:
        view.root().get_by_role("application").focus()
        for key in keys:
            view.page.keyboard.press(key)
        value = X[k + dk, t + dt]
        view.root().get_by_text(f"[{k + dk}, {t + dt}]").wait_for()
        assert number(fact(view, "周波数")) == pytest.approx((k + dk) * SR / 2048, abs=0.051)
        assert number(fact(view, "時刻")) == pytest.approx((t + dt) * 512 / SR, abs=0.00051)
        assert number(fact(view, "振幅")) == pytest.approx(abs(value), rel=0.006)
        level = 20 * np.log10(abs(value) / np.abs(X).max())
        assert number(fact(view, "レベル")) == pytest.approx(level, abs=0.051)
        assert number(fact(view, "位相")) == pytest.approx(np.angle(value) / np.pi, abs=0.0051)
    assert view.state()["position"] == 0  # 絵の上の矢印は、再生位置を動かさない


def test_clicking_a_tone_reads_its_frequency(open_widget: Callable) -> None:
    view = open_ready(open_widget, StftExplorer({"a": tone(2000)}, SR))
    box = view.root().get_by_role("application").bounding_box()
    view.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 0.75 * box["height"])
    view.wait("w.state().point.t > 20 && w.state().point.t < 40")
    assert number(fact(view, "周波数")) == pytest.approx(2000, abs=8000 / box["height"])


def test_atom_is_the_windowed_sinusoid(open_widget: Callable, music: np.ndarray) -> None:
    widget = StftExplorer({"a": music}, SR, win_length=512, n_fft=1024, point=[1000.0, 0.504])
    view = open_ready(open_widget, widget)
    X = rep.stft(widget.sound("a").astype(float), **widget.settings)
    only = np.zeros_like(X)
    k, t = round(1000 * 1024 / SR), round(0.504 * SR / 128)
    only[k, t] = X[k, t]
    start = t * 128 - 256
    y = np.fft.irfft(only[:, t], 1024)[256:768] * rep.get_window("hann", 512)
    assert (
        relative_error(np.asarray(view.call("Array.from(w.atom())")), 0.5 * y / abs(y).max()) < 1e-4
    )
    # 逆変換しても、同じ場所に同じ形の波が出る（重なりの 2 乗和は、ハン窓と 75 % の重なりなら一定）
    z = rep.istft(only, **widget.settings, length=music.size)[start : start + 512]
    assert np.corrcoef(y, z)[0, 1] > 1 - 1e-6
    view.root().get_by_role("button", name="この点だけの音を聴く").click()
    assert not view.state()["playing"]


def test_band_can_be_dragged_on_the_picture(open_widget: Callable, music: np.ndarray) -> None:
    view = open_ready(open_widget, StftExplorer({"a": music}, SR))
    box = view.root().get_by_role("application").bounding_box()
    for index, (grip, start, end) in enumerate([("下限", 0.99, 0.75), ("上限", 0.01, 0.5)]):
        handle = view.root().get_by_title(f"残す帯域の{grip}").bounding_box()
        x = handle["x"] + handle["width"] / 2
        view.page.mouse.move(x, box["y"] + start * box["height"])
        view.page.mouse.down()
        view.page.mouse.move(x, box["y"] + end * box["height"], steps=4)
        view.page.mouse.up()
        band = view.page.evaluate(f"{MODEL}.get('band')")
        assert band[index] == pytest.approx([2000, 4000][index], abs=8000 / box["height"])
    view.root().get_by_role("button", name="全体に戻す").click()
    assert view.page.evaluate(f"{MODEL}.get('band')") == [0, SR / 2]


def test_keys_choose_what_to_hear(open_widget: Callable, music: np.ndarray) -> None:
    view = open_ready(open_widget, StftExplorer({"a": music}, SR, band=[500.0, 3000.0]))
    view.root().get_by_role("button", name="再生").focus()
    for key, name in [("2", "kept"), ("3", "removed"), ("1", "original")]:
        view.page.keyboard.press(key)
        assert view.state()["listen"] == name
        assert relative_error(view.render()[0], view.sound(name)) <= 1e-6
    view.page.keyboard.press("Space")
    view.wait("w.state().playing")
    view.page.keyboard.press("Space")
    assert not view.state()["playing"]


# ---- STFT：成り立たない設定


def test_hop_longer_than_the_window_says_so_and_keeps_the_sound(
    open_widget: Callable, music: np.ndarray
) -> None:
    widget = StftExplorer({"a": music}, SR, listen="kept", band=[500.0, 3000.0])
    view = open_ready(open_widget, widget)
    before = view.render()
    values = view.call("w.picture().values.slice(0, 3000)")
    move(view, "窓長", "Home")  # 2048 → 256、ホップ長は 512 のまま
    message = view.state()["message"]
    assert "ホップ長 512 が窓長 256 より長い" in message
    assert view.root().get_by_text("ホップ長 512 が窓長 256 より長い").is_visible()
    np.testing.assert_array_equal(view.render(), before)
    assert view.call("w.picture().values.slice(0, 3000)") == values
    move(view, "ホップ長", *["ArrowLeft"] * 2)  # 128
    assert view.state()["message"] == ""
    widget.win_length, widget.n_fft, widget.hop_length = 256, 256, 128
    assert relative_error(view.render()[0], widget.kept()) <= 1e-4


def test_broken_nola_draws_but_keeps_the_last_sound(
    open_widget: Callable, music: np.ndarray
) -> None:
    widget = StftExplorer({"a": music}, SR, listen="kept", hop_length=1024)
    view = open_ready(open_widget, widget)
    before = view.render()
    put(view, win_length=1024, n_fft=1024)  # ハン窓の端の 0 が重なる
    assert "NOLA" in view.state()["message"]
    assert view.state()["settings"]["winLength"] == 1024
    np.testing.assert_array_equal(view.render(), before)
    put(view, window="boxcar")  # 矩形窓なら、重ならなくても戻せる
    assert view.state()["message"] == ""
    assert relative_error(view.render()[0], widget.sound("a")) <= 1e-4


def test_too_many_values_are_refused(open_widget: Callable, music: np.ndarray) -> None:
    view = open_ready(open_widget, StftExplorer({"a": music}, SR, hop_length=64))
    put(view, win_length=16384, n_fft=65536)
    assert "多すぎます" in view.state()["message"]
    assert view.state()["settings"]["winLength"] == 2048


@pytest.mark.parametrize(
    ("win_length", "words"), [(256, "より長い"), (512, "NOLA")], ids=["hop", "nola"]
)
def test_new_sound_during_a_broken_setting_uses_the_last_good_one(
    open_widget: Callable, music: np.ndarray, win_length: int, words: str
) -> None:
    view = open_ready(open_widget, EXPLORERS["stft"](music))
    put(view, win_length=win_length, n_fft=win_length)
    put(view, selected="b")
    np.testing.assert_allclose(view.sound("original"), music[::-1], atol=1 / 32000)
    np.testing.assert_allclose(view.sound("kept"), view.sound("original"), atol=1e-6)
    assert words in view.state()["message"]
    assert view.state()["settings"]["winLength"] == 2048


def test_very_short_sound_is_padded(open_widget: Callable) -> None:
    view = open_ready(open_widget, StftExplorer({"a": tone(1000, 0.002)}, SR))
    assert view.sound("original").size == 256
    assert view.sound("kept").size == 256


# ---- 窓


@pytest.mark.parametrize(
    ("window", "hop"),
    [
        ("hann", 512),
        ("hann", 683),
        ("hann", 256),
        ("hamming", 512),
        ("boxcar", 1024),
        ("blackman", 704),
    ],
)
def test_window_verdicts_and_sounds_equal_python(
    open_widget: Callable, window: str, hop: int
) -> None:
    view = open_ready(open_widget, WindowExplorer(window=window, hop_length=hop))
    cola = rep.check_cola(window, 1024, hop)
    assert fact(view, "足すだけ（COLA）").startswith("○" if cola else "×")
    assert fact(view, "割り算（NOLA）").startswith("○")
    w = rep.get_window(window, 1024)
    total = np.zeros(hop)
    np.add.at(total, np.arange(1024) % hop, w)
    if not cola:
        ripple = 100 * (total.max() - total.min()) / total.mean()
        assert number(fact(view, "足すだけ（COLA）")) == pytest.approx(ripple, abs=0.51)
        assert number(fact(view, "1 秒に波打つ回数")) == pytest.approx(22050 / hop, abs=0.51)
    x = view.sound("original").astype(float)
    # フレーム t は t * hop - 512 から始まる
    expected = x * total[(np.arange(x.size) + 512) % hop] / total.mean()
    inner = slice(1024, -2048)
    assert relative_error(view.sound("added")[inner], expected[inner]) <= 1e-4
    assert relative_error(view.sound("divided")[inner], x[inner]) <= 1e-5


def test_window_table_equals_numpy(open_widget: Callable) -> None:
    view = open_ready(
        open_widget, WindowExplorer(window="blackman", compare="hamming", frequency=20.5)
    )
    rows = view.root().locator("tbody tr").all_inner_texts()
    for name, text in zip(["blackman", "hamming"], rows, strict=True):
        _, lobe, side, leak = text.split("\t")
        spectrum = np.abs(np.fft.rfft(rep.get_window(name, 1024), 64 * 1024))
        level = 20 * np.log10(spectrum / spectrum[0] + 1e-12)
        null = int(np.argmax(np.diff(level) > 0))
        assert number(lobe[:1]) == pytest.approx(2 * null / 64, abs=0.1)
        assert number(side) == pytest.approx(level[null:].max(), abs=0.51)
        w = rep.get_window(name, 256)
        tone_ = np.cos(2 * np.pi * 20.5 / 256 * np.arange(256)) * w
        X = 20 * np.log10(np.abs(np.fft.rfft(tone_)) / (w.sum() / 2))
        assert number(leak) == pytest.approx(X[np.abs(np.arange(129) - 20.5) >= 5].max(), abs=0.51)
    move(view, "正弦波の周波数", *["ArrowLeft"] * 10)
    assert "20.00 ビン" in view.root().inner_text()


def test_broken_overlap_says_so_and_keeps_the_sound(open_widget: Callable) -> None:
    view = open_ready(open_widget, WindowExplorer(hop_length=960))
    before = view.render()
    move(view, "ホップ長（窓長 1024）", "ArrowRight")  # 1024：ハン窓の端の 0 が重なる
    assert "NOLA" in view.state()["message"]
    assert fact(view, "割り算（NOLA）").startswith("×")
    np.testing.assert_array_equal(view.render(), before)
    move(view, "ホップ長（窓長 1024）", "ArrowLeft")
    assert view.state()["message"] == ""
    view.root().get_by_role("button", name="再生").focus()
    view.page.keyboard.press("3")
    assert relative_error(view.render()[0], view.sound("divided")) <= 1e-6


# ---- 標本化


def result_of(x: np.ndarray, factor: int, antialias: bool, bits: int) -> np.ndarray:
    low = x[::factor] if not antialias else rep.resample(x, factor, 1)
    return rep.resample(rep.quantize(low, bits), 1, factor)[: x.size]


@pytest.mark.parametrize("factor", [1, 3, 8])
@pytest.mark.parametrize("antialias", [False, True])
def test_sampled_sound_equals_python(
    open_widget: Callable, music: np.ndarray, factor: int, antialias: bool
) -> None:
    widget = SamplingExplorer(music, SR, factor=factor, antialias=antialias)
    view = open_ready(open_widget, widget)
    expected = result_of(widget.sound("sound"), factor, antialias, 16)
    assert relative_error(view.sound("result"), expected) <= 1e-4
    heard = view.render()[0]
    gain = min(1, np.sqrt(np.mean(widget.sound("sound") ** 2) / np.mean(expected**2)))
    assert relative_error(heard, gain * expected) <= 2e-4


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_quantised_sound_and_snr_equal_python(
    open_widget: Callable, music: np.ndarray, bits: int
) -> None:
    widget = SamplingExplorer(music, SR)
    view = open_ready(open_widget, widget)
    move(view, "量子化ビット数", *["ArrowLeft"] * (16 - bits))
    x = widget.sound("sound").astype(float)
    y = rep.quantize(x, bits)
    np.testing.assert_allclose(view.sound("result"), y, atol=1e-7)
    if bits < 16:  # 16 ビットは、部品に渡すときの丸めと同じなので誤差がない
        snr = 10 * np.log10(np.sum(x**2) / np.sum((x - y) ** 2))
        assert number(fact(view, "SNR（全体）")) == pytest.approx(snr, abs=0.051)
    else:
        assert fact(view, "SNR（全体）") == "誤差なし"


def test_sweep_folds_at_the_new_nyquist(open_widget: Callable) -> None:
    view = open_ready(
        open_widget, SamplingExplorer(tone(440), SR, selected="sweep", antialias=False)
    )
    move(view, "標本化周波数", *["ArrowLeft"] * 3)  # 1/4：4 kHz
    x, y = view.sound("original"), view.sound("result")
    peaks = []
    for signal in (x, y):
        frame = signal[2 * SR : 2 * SR + 1024] * np.hanning(1024)
        peaks.append(np.argmax(np.abs(np.fft.rfft(frame))) * SR / 1024)
    assert peaks[0] > 2000  # もとは新しいナイキスト周波数（2 kHz）より高い
    assert peaks[1] == pytest.approx(abs(peaks[0] - 4000), abs=40)
    assert view.root().locator(".sst-nyquist").inner_text() == "ナイキスト周波数 2.00 kHz"

    view.root().get_by_role("button", name="折り返しを防ぐ").click()
    view.wait("w.sound('result').slice(32000, 48000).every((v) => Math.abs(v) < 0.01)")


def test_quiet_sound_vanishes_until_dithered(open_widget: Callable) -> None:
    view = open_ready(open_widget, SamplingExplorer(tone(440, amplitude=0.02), SR, bits=5))
    assert "0 に丸められて音が消えました" in view.state()["message"]
    assert np.all(view.sound("result") == 0)
    view.root().get_by_role("button", name="ディザを足す").click()
    view.wait("w.state().message === ''")
    x, y = view.sound("original"), view.sound("result")
    assert np.dot(x, y) / np.dot(x, x) == pytest.approx(1, abs=0.15)  # 雑音の中に、音が残っている
    # ディザの雑音で大きくならないように、もとの音と同じ大きさまで下げて鳴らす
    assert np.sqrt(np.mean(view.render() ** 2)) == pytest.approx(np.sqrt(np.mean(x**2)), rel=1e-3)


def test_original_and_result_switch_at_the_same_place(
    open_widget: Callable, music: np.ndarray
) -> None:
    widget = SamplingExplorer(music, SR, bits=4)
    view = open_ready(open_widget, widget)
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().playing && w.state().position > 0.2")
    view.root().get_by_role("button", name="一時停止").focus()
    view.page.keyboard.press("1")
    assert view.state()["playing"]
    assert relative_error(view.render()[0], widget.sound("sound")) <= 1e-6
    view.page.keyboard.press("2")
    assert relative_error(view.render()[0], view.sound("result")) <= 0.05
