"""聴く部品（player）を、本のページの形で動かす。ほかの部品の試験も、この形にならう。"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile as sf

from sstut.widgets.player import Player
from sstut.widgets.quiz import Quiz

SR = 16000
LABELS = {"voice": "声", "drums": "打楽器", "bass": "ベース"}


def tone(frequency: float, seconds: float = 2.0, amplitude: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * SR)) / SR
    return (amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.fixture
def stems(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """性質のちがう 3 つの音（うなる音、打撃音、低い音）。"""
    n = 2 * SR
    decay = np.exp(-(np.arange(n) % (SR // 2)) / 400)
    return {
        "voice": tone(440) * np.linspace(0.2, 1, n, dtype=np.float32),
        "drums": (0.3 * decay * rng.uniform(-1, 1, n)).astype(np.float32),
        "bass": tone(110, amplitude=0.2),
    }


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == np.atleast_2d(expected).shape
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def wav(y: np.ndarray, sr: int = SR, **options: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, sr, **({"format": "WAV"} | options))
    return file.getvalue()


# ---- 表示


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_mounts_without_a_kernel(open_widget: Callable, stems: dict, scheme: str) -> None:
    view = open_widget(
        Player(stems, SR, labels=LABELS, credit="音：本書制作", title="聴く"), scheme
    )
    assert view.state()["names"] == list(stems)
    assert view.root().get_attribute("aria-label") == "聴く"
    assert view.root().locator(".sst-credit").inner_text() == "音：本書制作"
    for label in LABELS.values():
        assert view.root().get_by_role("group", name=label, exact=True).is_visible()


def test_picture_shows_the_frequency_that_sounds(open_widget: Callable) -> None:
    view = open_widget(Player({"a": tone(2000)}, SR, scale="linear"))
    row, height = view.root().evaluate(
        """(el) => {
          const canvas = el.querySelector('canvas');
          const { width, height } = canvas;
          const { data } = canvas.getContext('2d').getImageData(width >> 1, 0, 1, height);
          let best = 0, at = 0;
          for (let y = 0; y < height; y++) {
            const light = data[4 * y] + data[4 * y + 1] + data[4 * y + 2];
            if (light > best) { best = light; at = y; }
          }
          return [at, height];
        }"""
    )
    # 8 kHz までの直線の目盛りなら、2 kHz は下から 1/4 の高さ。1 画素は約 37 Hz
    assert abs((height - row - 0.5) / height * 8000 - 2000) < 1.5 * 8000 / height


def test_widgets_far_below_wait_until_they_come_near(open_widget: Callable) -> None:
    view = open_widget([Player({"a": tone(300 + i)}, SR) for i in range(6)])
    count = "document.querySelectorAll('.sst[data-ready]').length"
    assert view.page.evaluate(count) < 6
    view.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    view.page.wait_for_function(f"{count} === 6")
    # 6 つの部品が、同じモジュールとスタイルを 1 つずつ分けあう
    assert view.page.evaluate("Object.keys(sstutStatic.esm).length") == 1
    styles = view.page.locator("style").all_text_contents()
    assert sum(".sst-button" in style for style in styles) == 1


def test_missing_file_says_so_in_place(open_widget: Callable) -> None:
    view = open_widget([Player({"a": tone(300)}, SR)], allow_errors=True)
    view.page.evaluate(
        """() => {
          const el = document.querySelector('.sstut-widget').cloneNode();
          delete el.dataset.mounted;
          const spec = JSON.parse(el.dataset.spec);
          spec.buffers = [[["audio", "a"], "gone", "flac"]];
          el.dataset.spec = JSON.stringify(spec);
          document.querySelector('main').append(el);
          return sstutStatic.mountAll();
        }"""
    )
    message = view.page.get_by_role("alert").inner_text()
    assert "この部品を表示できませんでした" in message
    assert "gone.js を読めません" in message
    assert view.state()["names"] == ["a"]  # となりの部品は動いている


# ---- 音


def test_sound_is_what_python_sent(open_widget: Callable, stems: dict) -> None:
    stems["wide"] = np.stack([tone(500), 1.7 * tone(900)])
    widget = Player(stems, SR)
    view = open_widget(widget)
    for name in stems:
        np.testing.assert_array_equal(view.sound(name), np.atleast_2d(widget.sound(name)).mean(0))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"muted": ["drums"]},
        {"solo": "bass", "muted": ["bass"]},
        {"gains": {"voice": -6.0, "drums": 6.0}},
    ],
)
def test_mix_is_heard_as_python_computes(
    open_widget: Callable, stems: dict, settings: dict
) -> None:
    stems["wide"] = np.stack([tone(500), tone(900)])  # モノラルとステレオが混ざってもよい
    widget = Player(stems, SR, **settings)
    assert relative_error(open_widget(widget).render(), widget.heard()) <= 1e-4


def test_controls_change_the_sound(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR, labels=LABELS))
    view.root().get_by_role("group", name="打楽器").get_by_role("button", name="消音").click()
    volume = view.root().get_by_role("slider", name="「声」の音量")
    volume.focus()
    for _ in range(3):
        view.page.keyboard.press("ArrowLeft")
    expected = Player(stems, SR, muted=["drums"], gains={"voice": -3.0}).heard()
    assert relative_error(view.render(), expected) <= 1e-4
    assert volume.get_attribute("aria-valuetext") == "−3 dB"

    view.root().get_by_role("group", name="ベース").get_by_role("button", name="単独").click()
    assert relative_error(view.render(), Player(stems, SR, solo="bass").heard()) <= 1e-4


def test_python_and_screen_stay_in_step(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR, mode="switch", labels=LABELS))
    model = "document.querySelector('.sstut-widget').sstutModel"
    view.root().get_by_role("radio", name="打楽器").check()
    assert view.page.evaluate(f"{model}.get('selected')") == "drums"
    view.page.evaluate(
        f"{model}.set('selected', 'bass')"
    )  # Python で w.selected = "bass" としたとき
    assert view.root().get_by_role("radio", name="ベース").is_checked()
    view.page.evaluate(f"{model}.set('position', 1.25)")
    assert view.state()["position"] == pytest.approx(1.25)
    view.page.evaluate(f"{model}.set('loop', false)")
    assert view.state()["loop"] is False
    assert (
        view.root().get_by_role("button", name="くり返し").get_attribute("aria-pressed") == "false"
    )


def test_play_moves_the_clock_and_makes_sound(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR))
    assert view.state()["clock"] is None  # 押すまでは音の装置を作らない
    view.root().get_by_role("button", name="再生").click()
    view.wait(
        "w.state().clock.state === 'running' && w.state().position > 0.2 && w.state().level > 0.05"
    )
    before = view.state()["clock"]["time"]
    view.wait("w.state().clock.time > a", before)
    view.root().get_by_role("button", name="一時停止").click()
    stopped = view.state()
    assert not stopped["playing"]
    assert stopped["position"] > 0.2
    assert view.root().locator(".sst-now").inner_text() != "0:00.0"
    assert (
        view.page.evaluate("document.querySelector('.sstut-widget').sstutModel.get('position')")
        > 0.2
    )


def test_plays_to_the_end_and_stops(open_widget: Callable) -> None:
    view = open_widget(Player({"a": tone(440, 0.4)}, SR, loop=False))
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().playing")
    view.wait("!w.state().playing")
    assert view.state()["position"] == 0


def test_widgets_stop_each_other(open_widget: Callable, stems: dict) -> None:
    # 標本化周波数がちがっても（別の AudioContext でも）止まる
    view = open_widget([Player(stems, SR), Player({"a": tone(300)}, 22050)], viewport=(1000, 1400))
    for index in (0, 1, 0):
        view.root(index).get_by_role("button", name="再生").click()
        view.wait("w.state().playing && w.state().level > 0.01", index=index)
        assert not view.state(1 - index)["playing"]


# ---- 切りかえて聴き比べる


def test_switch_crossfades_without_a_gap(open_widget: Callable, stems: dict) -> None:
    widget = Player(stems, SR, mode="switch", matched=False)
    view = open_widget(widget)
    at, fade = 0.75, 0.010
    heard = view.render({"events": [{"at": at, "gains": {"voice": 0, "drums": 1}}]})
    t = np.arange(2 * SR) / SR
    w = np.clip((t - at) / fade, 0, 1).astype(np.float32)
    expected = (1 - w) * widget.sound("voice") + w * widget.sound("drums")
    assert relative_error(heard, expected) <= 1e-4


def test_switching_between_equal_sounds_is_inaudible(open_widget: Callable) -> None:
    """同じ音どうしの切りかえは、何も変えない（途中で弱くも強くもならない）。"""
    widget = Player({"a": tone(440), "b": tone(440)}, SR, mode="switch", matched=False)
    events = [{"at": 0.5, "gains": {"a": 0, "b": 1}}, {"at": 0.505, "gains": {"a": 1, "b": 0}}]
    assert relative_error(open_widget(widget).render({"events": events}), widget.sound("a")) <= 1e-5


def test_replacing_a_sound_keeps_the_place(open_widget: Callable, stems: dict) -> None:
    """鳴らしたままの差しかえ（マスクを動かしたとき）も、位置を保って 10 ms で入れかわる。"""
    widget = Player({"a": stems["voice"], "b": stems["drums"]}, SR, muted=["b"])
    view = open_widget(widget)
    heard = np.asarray(
        view.call(
            """Array.from((await w.render({ events: [
              { at: 0.6, replace: 'a', channels: [w.sound('b')] } ] })).channels[0])"""
        )
    )
    w = np.clip((np.arange(2 * SR) / SR - 0.6) / 0.010, 0, 1)
    expected = (1 - w) * widget.sound("a") + w * widget.sound("b")
    assert relative_error(heard[None], expected) <= 1e-4


def test_level_match_equals_python_and_can_be_turned_off(
    open_widget: Callable, stems: dict
) -> None:
    tracks = stems | {"quiet": np.stack([0.05 * tone(800), 0.02 * tone(1200)])}
    widget = Player(tracks, SR, mode="switch", selected="quiet")
    view = open_widget(widget)
    assert relative_error(view.render(), widget.heard()) <= 1e-4
    shown = view.root().locator(".sst-track").nth(3).locator(".sst-meta").inner_text()
    db = 20 * np.log10(widget.levels()["quiet"])
    assert db > 6
    assert float(shown.removesuffix(" dB")) == pytest.approx(db, abs=0.051)

    view.root().get_by_role("button", name="音量をそろえる").click()
    assert relative_error(view.render(), widget.sound("quiet")) <= 1e-4


# ---- キーボード


def test_keyboard_alone_suffices(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR, labels=LABELS))
    press = view.page.keyboard.press
    seen = []
    for _ in range(24):
        press("Tab")
        seen.append(
            view.page.evaluate(
                """() => {
                  const el = document.activeElement;
                  const label = el.getAttribute('aria-label') ?? el.labels?.[0]?.textContent;
                  return [(label ?? el.textContent).trim(), getComputedStyle(el).outlineStyle];
                }"""
            )
        )
    names = [name for name, _ in seen]
    for name in [
        "再生",
        "くり返し",
        "単独",
        "消音",
        "「声」の音量",
        "自分の音を使う",
        "録音する",
        "保存（WAV）",
    ]:
        assert name in names
    assert any(name.startswith("キー操作") for name in names)
    reached = [outline for name, outline in seen if name != "部品の試験" and name != ""]
    assert "none" not in reached[: names.index("保存（WAV）")]  # 焦点の枠がいつも見える

    view.root().get_by_role("button", name="再生").focus()
    press("Space")
    view.wait("w.state().playing && w.state().position > 0.05")
    press("Space")
    assert not view.state()["playing"]
    press("Home")
    assert view.state()["position"] == 0
    press("ArrowRight")
    press("ArrowRight")
    press("ArrowLeft")
    assert view.state()["position"] == pytest.approx(0.5)
    press("2")
    assert view.state()["muted"] == ["drums"]
    press("2")
    press("Shift+Digit3")
    assert view.state()["solo"] == "bass"
    assert view.state()["muted"] == []
    press("?")
    assert view.root().get_by_text("先頭へ戻る").is_visible()
    press("?")
    assert not view.root().get_by_text("先頭へ戻る").is_visible()


def test_keys_are_not_stolen_from_controls(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR, labels=LABELS, position=1.0))
    view.root().get_by_role("slider", name="「声」の音量").focus()
    view.page.keyboard.press("ArrowLeft")
    assert view.state()["position"] == pytest.approx(1.0)  # スライダーだけが動く
    view.root().get_by_role("group", name="声").get_by_role("button", name="単独").focus()
    view.page.keyboard.press("Space")
    assert view.state()["solo"] == "voice"  # 押したボタンだけが働き、再生は始まらない
    assert not view.state()["playing"]
    view.page.evaluate("document.activeElement.blur()")
    view.page.keyboard.press("2")
    assert view.state()["muted"] == []  # 焦点がなければ働かない


@pytest.mark.parametrize("kind", ["player", "quiz"])
def test_plain_keys_stay_inside(open_widget: Callable, stems: dict, kind: str) -> None:
    """JupyterLab は文書まで上がってきたキーで命令を動かすので、部品の外に渡さない。"""
    quiz = Quiz.choice("どちら？", ["あ", "い"], answer=0, why="理由")
    view = open_widget(Player(stems, SR) if kind == "player" else quiz)
    view.page.evaluate(
        "window.heard = []; document.addEventListener('keydown', (e) => heard.push(e.key))"
    )
    control = view.root().locator("input[type=range], input[type=radio]").first
    before = view.page.evaluate("document.activeElement.tagName")
    control.focus()
    assert before != view.page.evaluate("document.activeElement.tagName")
    for key in ("ArrowLeft", "1", "a", "Escape", "Control+k"):
        view.page.keyboard.press(key)
    assert view.page.evaluate("heard") == ["Control", "k"]


def test_switch_by_keyboard(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR, mode="switch", labels=LABELS))
    view.root().get_by_role("radio", name="声").focus()
    view.page.keyboard.press("ArrowDown")
    assert view.state()["selected"] == "drums"
    view.page.keyboard.press("3")
    assert view.state()["selected"] == "bass"


def test_click_and_drag_on_the_picture_seek(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR))
    plot = view.root().get_by_role("slider", name="再生位置")
    box = plot.bounding_box()
    view.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    view.page.mouse.down()
    assert view.state()["position"] == pytest.approx(0.5, abs=0.01)
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    view.page.mouse.up()
    assert view.state()["position"] == pytest.approx(1.0, abs=0.01)
    assert plot.get_attribute("aria-valuenow") == "1.0"
    assert "秒" in view.root().locator(".sst-readout").inner_text()


# ---- 見やすさ


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("mode", ["mix", "switch"])
def test_no_serious_accessibility_violation(
    open_widget: Callable, axe: Callable, stems: dict, mode: str, dark: bool
) -> None:
    widget = Player(
        stems, SR, mode=mode, labels=LABELS, title="聴く", credit="音：本書制作", muted=["bass"]
    )
    view = open_widget(widget, dark=dark)
    view.root().locator("summary").click()
    view.drop("だめ.wav", b"not audio")
    view.root().get_by_text("使えません").wait_for()
    assert axe(view.page) == []


@pytest.mark.parametrize("mode", ["mix", "switch"])
def test_fits_a_phone(open_widget: Callable, stems: dict, mode: str) -> None:
    labels = LABELS | {"drums": "とても長い名前の打楽器とその他の楽器の集まり"}
    widget = Player(
        stems, SR, mode=mode, labels=labels, title="聴く", credit="音：本書制作、CC BY 4.0"
    )
    view = open_widget(widget, viewport=(375, 812), touch=True, scale=2)
    view.root().locator("summary").click()
    assert view.overflow() == 0
    assert view.too_small() == []


# ---- 読者の音


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "MP3"])
def test_own_file_is_heard(open_widget: Callable, stems: dict, format_: str) -> None:
    own = 0.5 * tone(700, 1.5) + 0.2 * tone(1900, 1.5)
    view = open_widget(Player(stems, SR))
    view.drop(f"私の音.{format_.lower()}", wav(own, format=format_))
    view.wait("w.state().names.includes('own')")
    loaded = view.sound("own")[: own.size]
    if format_ == "MP3":  # 非可逆なので、位置と形だけを比べる
        assert np.corrcoef(loaded, own[: loaded.size])[0, 1] > 0.99
    else:
        np.testing.assert_allclose(loaded, own, atol=1 / 32000)
    assert view.state()["solo"] == "own"
    assert view.root().get_by_role("group", name="私の音").is_visible()
    assert "どこにも送られません" in view.status()
    assert relative_error(view.render()[:, : loaded.size], loaded[None]) <= 1e-4


def test_own_file_at_another_rate_keeps_its_pitch_and_length(
    open_widget: Callable, stems: dict
) -> None:
    t = np.arange(44100) / 44100
    own = np.stack([0.4 * np.sin(2 * np.pi * 1000 * t), 0.4 * np.sin(2 * np.pi * 1000 * t)], axis=1)
    view = open_widget(Player(stems, SR, mode="switch"))
    view.drop("own.wav", wav(own, 44100))
    view.wait("w.state().names.includes('own')")
    y = view.sound("own")
    assert abs(y.size - SR) <= 1
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size)))
    assert np.argmax(spectrum) * SR / y.size == pytest.approx(1000, abs=1)
    assert view.state()["selected"] == "own"


def test_long_file_is_trimmed_and_says_so(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR))
    view.drop("長い.wav", wav(tone(300, 40)))
    view.wait("w.state().names.includes('own')")
    assert view.sound("own").size == 30 * SR
    assert "40.0 秒のうち、はじめの 30 秒" in view.status()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "空です"),
        (b"RIFF this is no sound file at all", "音として読めませんでした"),
        (wav(np.zeros(SR)), "無音"),
    ],
)
def test_bad_file_loses_nothing(
    open_widget: Callable, stems: dict, data: bytes, reason: str
) -> None:
    view = open_widget(Player(stems, SR))
    view.drop("私の音.wav", wav(tone(700, 1.0)))
    view.wait("w.state().names.includes('own')")
    before, state = view.render(), view.state()
    view.drop("だめ.wav", data)
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    assert reason in view.status()
    assert "前の音はそのまま" in view.status()
    assert view.state() == state
    np.testing.assert_array_equal(view.render(), before)


def test_file_can_be_chosen_by_the_button(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR))
    with view.page.expect_file_chooser() as chooser:
        view.root().get_by_role("button", name="自分の音を使う").press("Enter")
    file = {"name": "選んだ音.wav", "mimeType": "audio/wav", "buffer": wav(tone(600, 1.0))}
    chooser.value.set_files([file])
    view.wait("w.state().names.includes('own')")
    assert view.sound("own").size == SR


def test_microphone(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR), "http", permissions=("microphone",))
    button = view.root().get_by_role("button", name="録音")
    button.click()
    view.root().get_by_role("button", name="録音を終える（あと 9 秒）").click()
    view.wait("w.state().names.includes('own')")
    assert np.max(np.abs(view.sound("own"))) > 0.01  # Chromium の偽のマイクは 1 秒ごとに鳴る
    assert view.root().get_by_role("button", name="録音する").is_visible()


def test_refused_microphone_says_so(open_widget: Callable, stems: dict) -> None:
    view = open_widget(Player(stems, SR))
    view.page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia =
            () => Promise.reject(new DOMException('no', 'NotAllowedError'));
        }"""
    )
    view.root().get_by_role("button", name="録音する").click()
    view.root().get_by_text("許可されませんでした").wait_for()
    assert view.state()["names"] == list(stems)


def test_saved_wav_is_what_is_heard(open_widget: Callable, stems: dict) -> None:
    widget = Player(stems, SR, muted=["drums"], title="私のミックス")
    view = open_widget(widget)
    with view.page.expect_download() as download:
        view.root().get_by_role("button", name="保存（WAV）").click()
    assert download.value.suggested_filename == "私のミックス.wav"
    saved, sr = sf.read(download.value.path(), dtype="float32")
    assert sr == SR
    np.testing.assert_allclose(saved, widget.heard(), atol=1 / 32768)
