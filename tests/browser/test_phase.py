"""章「位相」の部品（回る矢印、位相の取りかえ）を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from sstut import phase
from sstut.representations import istft, stft
from sstut.widgets._base import level_match
from sstut.widgets.phase import PhaseExplorer, PhasorExplorer

SR = 16000
STFT = {"n_fft": 512, "hop_length": 128}
ISTFT = {"hop_length": 128}
MODEL = "document.querySelector('.sstut-widget').sstutModel"


def harmonic_tone(f0: float, seconds: float = 1.5, depth: float = 6) -> np.ndarray:
    """高さの揺れる倍音。"""
    t = np.arange(round(seconds * SR)) / SR
    angle = 2 * np.pi * f0 * t + depth * np.sin(2 * np.pi * 1.5 * t)
    return (0.12 * np.sum([np.sin(h * angle + h) / h for h in range(1, 9)], axis=0)).astype("f4")


@pytest.fixture
def sources(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """歌のような音、打撃音、低い音。"""
    voice = harmonic_tone(300)
    decay = np.exp(-(np.arange(voice.size) % (SR // 2)) / 400)
    return {
        "歌": voice,
        "打楽器": (0.25 * decay * rng.uniform(-1, 1, voice.size)).astype(np.float32),
        "低音": harmonic_tone(110, depth=1),
    }


def explorer(sources: dict[str, np.ndarray], **options: Any) -> PhaseExplorer:
    target, *rest = sources
    others = {name: sources[name] for name in rest}
    return PhaseExplorer(sources[target], SR, others=others, name=target, **(STFT | options))


KINDS: dict[str, Callable[[dict], Any]] = {
    "phase": lambda sources: explorer(sources, title="位相を替える", credit="音：本書制作"),
    "phasor": lambda _: PhasorExplorer(title="回る矢印", sr=SR, second=True, offset=1.0),
}


def settle(view: Any) -> None:
    """反復と、次の描画での作りなおしが終わるまで待つ。"""
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    view.wait("!w.state().busy")


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    settle(view)


def get(view: Any, name: str) -> Any:
    return view.page.evaluate(f"(name) => {MODEL}.get(name)", name)


def press(view: Any, name: str) -> None:
    view.root().get_by_role("button", name=name, exact=True).click()
    settle(view)


def choose(view: Any, name: str) -> None:
    view.root().get_by_text(name, exact=True).click()
    settle(view)


def advance(view: Any, n: int) -> None:
    """n 回進める。"""
    before = view.state()["iteration"]
    for button, size in (("10 回", 10), ("1 回", 1)):
        for _ in range(n // size):
            press(view, button)
        n %= size
    assert view.state()["iteration"] > before


def fact(view: Any, name: str) -> str:
    row = (
        view.root().locator(".sst-facts > div").filter(has=view.page.get_by_text(name, exact=True))
    )
    return row.locator("dd").inner_text()


def number(text: str) -> float:
    """「−0.31 π」「64.19 rad（10.22 回転）」などから、はじめの数を取り出す。"""
    text = text.split("（")[0].replace("−", "-").replace("+", "")
    return float("".join(c for c in text if c in "-0123456789."))


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    assert actual.shape == expected.shape
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    s, e = (np.asarray(x, np.float64) - np.mean(x, dtype=np.float64) for x in (reference, estimate))
    target = s * (e @ s) / (s @ s)
    return float(10 * np.log10(np.sum(target**2) / np.sum((e - target) ** 2)))


def waves(widget: PhaseExplorer) -> np.ndarray:
    """部品の音源。画面の計算は float64 なので、Python も float64 で比べる。"""
    return np.stack([widget.sound(name) for name in widget.names]).astype(np.float64)


def start_phases(view: Any, widget: PhaseExplorer, n: int = 1) -> np.ndarray:
    """画面が使った、はじめの位相。形は (n, n_freq, n_frames)。"""
    to_list = "Array.from(w.startPhase(a))"
    flat = [np.asarray(view.call(to_list, i), float) for i in range(n)]
    return np.stack([x.reshape(-1, widget.n_fft // 2 + 1).T for x in flat])


# ---- 共通


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("kind", KINDS)
def test_mounts_without_a_kernel(
    open_widget: Callable, sources: dict, kind: str, scheme: str
) -> None:
    view = open_widget(KINDS[kind](sources), scheme)
    assert "試してみよう" in view.root().inner_text()
    assert view.root().locator("svg.sst-chart").first.is_visible()
    assert view.root().get_attribute("aria-label") in ("位相を替える", "回る矢印")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_serious_accessibility_violation(
    open_widget: Callable, axe: Callable, sources: dict, kind: str, dark: bool
) -> None:
    view = open_widget(KINDS[kind](sources), dark=dark)
    view.root().locator("summary").click()
    if kind == "phase":
        advance(view, 2)
        choose(view, "ランダム")
        view.drop("だめ.wav", b"not audio")
        view.root().get_by_text("使えません").wait_for()
    assert axe(view.page) == []


@pytest.mark.parametrize("kind", KINDS)
def test_fits_a_phone(open_widget: Callable, sources: dict, kind: str) -> None:
    view = open_widget(KINDS[kind](sources), viewport=(375, 812), touch=True, scale=2)
    view.root().locator("summary").click()
    if kind == "phase":
        advance(view, 1)
        choose(view, "ランダム")
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []


@pytest.mark.parametrize("kind", KINDS)
def test_keyboard_alone_reaches_everything(open_widget: Callable, sources: dict, kind: str) -> None:
    view = open_widget(KINDS[kind](sources))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(name and outline != "none" for name, outline in reached.values())


# ---- 位相の取りかえ：音


@pytest.mark.parametrize("start", ["true", "mixture", "zero", "random"])
def test_every_start_sounds_as_python(open_widget: Callable, sources: dict, start: str) -> None:
    """振幅は正解のまま、位相だけが替わる。"""
    widget = explorer(sources, start=start)
    view = open_widget(widget)
    y = waves(widget)
    S, X = stft(y[0], **STFT), stft(y.sum(axis=0), **STFT)
    angles = {
        "true": np.angle(S), "mixture": np.angle(X), "zero": np.zeros(S.shape),
    }.get(start)  # fmt: skip
    if angles is None:
        angles = start_phases(view, widget)[0]
        assert np.abs(np.mean(np.exp(1j * angles))) < 0.02
    expected = istft(np.abs(S) * np.exp(1j * angles), length=y.shape[1], **ISTFT)
    assert relative_error(view.render()[0], expected) <= 1e-5
    assert relative_error(view.sound("true"), y[0]) <= 1e-6
    assert relative_error(view.sound("mixture"), widget.mixture) <= 1e-6
    score = view.state()["score"]
    rebuilt = stft(expected, **STFT)
    if start == "true":
        assert score["loss"] < 1e-6
        assert score["sdr"] > 80
    else:
        convergence = phase.spectral_convergence(np.abs(S), rebuilt)
        assert score["loss"] == pytest.approx(convergence, rel=1e-4)
        assert score["sdr"] == pytest.approx(si_sdr(y[0], expected), abs=1e-2)


@pytest.mark.parametrize(("start", "momentum"), [("random", 0.99), ("zero", 0.0), ("mixture", 0.5)])
def test_griffin_lim_sounds_as_python(
    open_widget: Callable, sources: dict, start: str, momentum: float
) -> None:
    widget = explorer(sources, start=start, momentum=momentum)
    view = open_widget(widget)
    magnitude = np.abs(stft(waves(widget)[0], **STFT))
    angles = start_phases(view, widget)[0]
    for total, more in [(1, 1), (2, 1), (12, 10)]:
        advance(view, more)
        assert view.state()["iteration"] == total
        result = phase.griffin_lim(
            magnitude, n_iter=total, momentum=momentum, init=angles,
            length=sources["歌"].size, **ISTFT,
        )  # fmt: skip
        assert relative_error(view.render()[0], result.waveform) <= 1e-4
    losses = view.state()["runs"][-1]["loss"]
    np.testing.assert_allclose(losses[:12], 20 * np.log10(result.losses), atol=1e-2)
    assert get(view, "n_iter") == 12


@pytest.mark.parametrize("start", ["mixture", "random"])
def test_misi_sounds_as_python(open_widget: Callable, sources: dict, start: str) -> None:
    widget = explorer(sources, start=start, method="misi")
    view = open_widget(widget)
    y = waves(widget)
    angles = start_phases(view, widget, len(y))
    advance(view, 3)
    result = phase.misi(np.abs(stft(y, **STFT)), y.sum(axis=0), n_iter=3, init=angles, **ISTFT)
    assert relative_error(view.render()[0], result.waveform[0]) <= 1e-4
    assert view.state()["score"]["sdr"] == pytest.approx(si_sdr(y[0], result.waveform[0]), abs=0.01)
    assert not view.root().get_by_role("slider", name="勢い（モメンタム）").is_visible()


def test_switching_has_no_gap(open_widget: Callable, sources: dict) -> None:
    """真の位相なら、正解との切りかえは何も変えない。"""
    widget = explorer(sources, start="true")
    view = open_widget(widget)
    events = [
        {"at": 0.5, "gains": {"now": 0, "true": 1}},
        {"at": 1.0, "gains": {"now": 1, "true": 0}},
    ]
    assert relative_error(view.render({"events": events})[0], widget.sound("歌")) <= 1e-5


def test_level_match_equals_python(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, start="random")
    view = open_widget(widget)
    press(view, "音量をそろえる")
    tracks = {name: view.sound(name) for name in ("true", "now", "mixture")}
    gain = 10 ** (level_match(tracks, SR)["now"] / 20)
    assert abs(gain - 1) > 0.01
    assert relative_error(view.render()[0], gain * tracks["now"]) <= 1e-4


def test_keys_choose_what_to_hear(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    view.root().get_by_role("button", name="再生").focus()
    for key, name in [("1", "true"), ("3", "mixture"), ("2", "now")]:
        view.page.keyboard.press(key)
        assert view.state()["listen"] == name
        assert relative_error(view.render()[0], view.sound(name)) <= 1e-6
    view.page.keyboard.press("Space")
    view.wait("w.state().playing")
    view.page.keyboard.press("Space")
    assert not view.state()["playing"]


def test_sound_changes_while_it_plays(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources))
    press(view, "再生")
    view.wait("w.state().level > 0.03")
    position = view.state()["position"]
    choose(view, "ランダム")
    advance(view, 2)
    state = view.state()
    assert state["playing"]
    assert state["position"] != position
    press(view, "一時停止")
    assert relative_error(view.render()[0], view.sound("now")) <= 1e-6


def test_saved_wav_is_what_is_heard(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, start="zero"))
    with view.page.expect_download() as download:
        press(view, "保存（WAV）")
    assert download.value.suggested_filename == "いまの音.wav"
    saved, sr = sf.read(download.value.path(), dtype="float32")
    assert sr == SR
    heard = view.sound("now")
    np.testing.assert_allclose(saved, heard / max(1, np.abs(heard).max()), atol=1 / 32768)


# ---- 位相の取りかえ：反復の操作


def test_run_pause_and_reset(open_widget: Callable, sources: dict) -> None:
    long = {name: np.tile(y, 6) for name, y in sources.items()}  # すぐには上限に届かない長さ
    view = open_widget(explorer(long, start="random"))
    first = view.sound("now")
    view.root().get_by_role("button", name="続ける").click()
    view.wait("w.state().iteration >= 3")
    view.root().get_by_role("button", name="止める").click()
    settle(view)
    stopped = view.state()["iteration"]
    settle(view)
    assert view.state()["iteration"] == stopped >= 3
    assert get(view, "n_iter") == stopped
    assert view.root().locator(".sst-big").first.inner_text() == str(stopped)
    press(view, "はじめに戻す")
    assert view.state()["iteration"] == 0
    assert get(view, "n_iter") == 0
    np.testing.assert_array_equal(view.sound("now"), first)
    assert view.root().get_by_role("button", name="はじめに戻す").is_disabled()
    timing = view.call("w.timing")
    assert len(timing["steps"]) >= stopped
    assert timing["frames"]


def test_steps_by_keyboard(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, start="random"))
    view.root().get_by_role("button", name="再生").focus()
    for key, total in [("s", 1), ("s", 2), ("t", 12), ("0", 0)]:
        view.page.keyboard.press(key)
        settle(view)
        assert view.state()["iteration"] == total
    view.page.keyboard.press("r")
    view.wait("w.state().iteration >= 2")
    view.page.keyboard.press("r")
    settle(view)
    assert not view.state()["busy"]


def test_iterations_are_set_from_python(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, start="zero", n_iter=7))
    settle(view)
    view.wait("w.state().iteration === 7")
    seventh = view.sound("now")
    put(view, n_iter=9)
    assert view.state()["iteration"] == 9
    put(view, n_iter=7)  # 戻るときは、はじめからやりなおす
    view.wait("w.state().iteration === 7 && !w.state().busy")
    np.testing.assert_array_equal(view.sound("now"), seventh)


def test_changing_the_way_starts_a_new_curve(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, start="random"))
    advance(view, 2)
    view.root().get_by_role("slider", name="勢い（モメンタム）").focus()
    view.page.keyboard.press("Home")
    settle(view)
    assert view.state()["iteration"] == 0
    advance(view, 3)
    choose(view, "MISI")
    choose(view, "混合音の位相")
    runs = view.state()["runs"]
    assert [run["label"] for run in runs] == [
        "ランダム → Griffin–Lim（勢い 0.99）",
        "ランダム → Griffin–Lim（勢い 0.00）",
        "混合音の位相 → MISI",
    ]
    assert [len(run["loss"]) for run in runs] == [3, 4, 1]
    assert runs[0]["loss"][0] == pytest.approx(runs[1]["loss"][0])  # 同じ種なら、同じ位相から始まる
    press(view, "前の曲線を消す")
    assert len(view.state()["runs"]) == 1


def test_griffin_lim_lowers_the_convergence_and_misi_raises_the_sdr(
    open_widget: Callable, sources: dict
) -> None:
    view = open_widget(explorer(sources, start="random"))
    before = view.state()["score"]
    advance(view, 20)
    assert view.state()["score"]["loss"] < 0.5 * before["loss"]
    choose(view, "混合音の位相")
    choose(view, "MISI")
    before = view.state()["score"]
    advance(view, 10)
    assert view.state()["score"]["sdr"] > before["sdr"] + 2
    assert "混合音の位相より +" in view.root().locator(".sst-phase-score").inner_text()


# ---- 位相の取りかえ：絵と点


@pytest.mark.parametrize("picture", ["phase", "deviation"])
def test_picture_angles_equal_python(open_widget: Callable, sources: dict, picture: str) -> None:
    widget = explorer(sources, start="mixture", picture=picture)
    view = open_widget(widget)
    y = waves(widget)
    S, X = stft(y[0], **STFT), stft(y.sum(axis=0), **STFT)
    advance_ = 2 * np.pi * np.arange(257)[:, None] * STFT["hop_length"] / STFT["n_fft"]
    loud = np.minimum(np.abs(S), np.abs(X)) > 1e-4 * np.abs(S).max()
    for side, spectrum in [("right", S), ("now", X)]:
        actual = np.asarray(view.call(f"Array.from(w.angles().{side})")).reshape(-1, 257).T
        expected, here = np.angle(spectrum), loud
        if picture == "deviation":
            expected = phase.princarg(np.diff(expected, axis=1) - advance_)
            actual, here = actual[:, 1:], loud[:, 1:] & loud[:, :-1]
        gap = phase.princarg(actual - expected)
        assert np.max(np.abs(gap[here])) < 1e-3


def test_point_tells_both_phases(open_widget: Callable, sources: dict) -> None:
    widget = explorer(sources, start="mixture")
    view = open_widget(widget)
    y = waves(widget)
    S, X = stft(y[0], **STFT), stft(y.sum(axis=0), **STFT)
    k, t = np.unravel_index(np.argmax(np.abs(S)), S.shape)
    assert view.state()["point"] == {"t": t, "k": k}  # はじめは、いちばん大きい点
    view.root().get_by_role("application").first.focus()
    for key in ("ArrowUp", "Shift+ArrowLeft", "ArrowRight"):
        view.page.keyboard.press(key)
        settle(view)
    k, t = k + 1, t - 9
    assert view.state()["point"] == {"t": t, "k": k}
    assert number(fact(view, "周波数")) == pytest.approx(k * SR / 512, abs=0.51)
    assert number(fact(view, "時刻")) == pytest.approx(t * 128 / SR, abs=0.0051)
    level = 20 * np.log10(np.abs(S[k, t]) / np.abs(S).max())
    assert number(fact(view, "レベル")) == pytest.approx(level, abs=0.051)
    right, current = np.angle(S[k, t]), np.angle(X[k, t])
    assert number(fact(view, "正解の位相")) == pytest.approx(right / np.pi, abs=0.0051)
    assert number(fact(view, "いまの位相")) == pytest.approx(current / np.pi, abs=0.0051)
    difference = phase.princarg(current - right)
    assert number(fact(view, "位相の差")) == pytest.approx(difference / np.pi, abs=0.0051)
    assert view.state()["position"] == 0  # 絵の上の矢印は、再生位置を動かさない


def test_pointer_reads_both_pictures_and_chooses_a_point(
    open_widget: Callable, sources: dict
) -> None:
    view = open_widget(explorer(sources))
    for index in range(2):
        picture = view.root().get_by_role("application").nth(index)
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        view.page.mouse.move(x, y)
        text = view.root().locator(".sst-readout").nth(index).inner_text()
        assert text.startswith("0.7")
        assert "Hz" in text
        assert text.endswith("π")
        view.page.mouse.click(x, y)
        settle(view)
        point = view.state()["point"]
        assert point["k"] * SR / 512 == pytest.approx(1000, abs=SR / 512)
        assert point["t"] * 128 / SR == pytest.approx(0.75, abs=0.01)
        assert view.state()["position"] == pytest.approx(0.75, abs=0.01)  # 押した時刻から聴ける


def test_picture_shows_the_order_of_the_true_phase(open_widget: Callable, sources: dict) -> None:
    """真の位相では隣りあう画素の色が続き、ランダムでは乱れる。"""
    view = open_widget(explorer(sources, start="random"))
    roughness = """(el) => [...el.querySelectorAll('.sst-phase-picture canvas')].map((canvas) => {
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      let sum = 0;
      for (let y = 0; y < height; y++) for (let x = 4; x < width; x++) {
        const i = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) sum += Math.abs(data[i + c] - data[i - 16 + c]);
      }
      return sum / (width * height);
    })"""
    right, current = view.root().evaluate(roughness)
    assert current > 1.5 * right
    choose(view, "真の位相")
    right, current = view.root().evaluate(roughness)
    assert current == pytest.approx(right, rel=0.02)


# ---- 位相の取りかえ：読者の音


def wav(y: np.ndarray, sr: int = SR, **options: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, sr, **({"format": "WAV"} | options))
    return file.getvalue()


@pytest.mark.parametrize("format_", ["WAV", "MP3"])
def test_own_file_has_no_mixture(open_widget: Callable, sources: dict, format_: str) -> None:
    widget = explorer(sources, start="mixture", method="misi", listen="mixture")
    view = open_widget(widget)
    own = np.stack([harmonic_tone(200, 1.0), harmonic_tone(500, 1.0)], axis=1)
    view.drop(f"私の音.{format_.lower()}", wav(own, format=format_))
    view.wait("w.state().own")
    settle(view)
    if format_ == "WAV":
        np.testing.assert_allclose(view.sound("true"), own.mean(axis=1), atol=1 / 16000)
    state = view.state()
    assert (state["start"], state["method"], state["listen"]) == ("random", "griffin_lim", "now")
    for value in ("mixture", "misi"):
        assert view.root().locator(f".sst-panel input[value={value}]").is_disabled()
    assert view.root().locator(".sst-phase-listen input[value=mixture]").is_disabled()
    assert "混合音の位相と MISI は使えません" in view.root().inner_text()
    assert "正解（自分の音）" in view.root().inner_text()
    view.root().get_by_role("button", name="再生").focus()
    view.page.keyboard.press("3")
    assert view.state()["listen"] == "now"
    before = view.state()["score"]["loss"]
    advance(view, 10)
    magnitude = np.abs(stft(view.sound("true").astype(np.float64), **STFT))
    result = phase.griffin_lim(
        magnitude, n_iter=10, momentum=0.99, init=start_phases(view, widget)[0],
        length=view.sound("true").size, **ISTFT,
    )  # fmt: skip
    assert relative_error(view.render()[0], result.waveform) <= 1e-4
    assert view.state()["score"]["loss"] < before

    press(view, "元の音に戻す")
    np.testing.assert_array_equal(view.sound("true"), widget.sound("歌"))
    assert view.root().locator(".sst-panel input[value=misi]").is_enabled()
    choose(view, "混合音の位相")
    assert view.state()["start"] == "mixture"


def test_bad_file_keeps_the_state(open_widget: Callable, sources: dict) -> None:
    view = open_widget(explorer(sources, start="random"))
    advance(view, 3)
    state, sound = view.state(), view.render()
    view.drop("だめ.wav", b"RIFF this is no sound file at all")
    view.root().get_by_text("だめ.wav」を使えません").wait_for()
    assert "音として読めませんでした" in view.status()
    assert view.state() == state
    np.testing.assert_array_equal(view.render(), sound)


# ---- 回る矢印


def phasor(**options: Any) -> PhasorExplorer:
    return PhasorExplorer(**({"sr": SR} | options))


def tone(frequency: float, angle: float = 0.0, amplitude: float = 0.22) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(SR) / SR + angle)


def move(view: Any, name: str, *keys: str) -> None:
    view.root().get_by_role("slider", name=name, exact=True).focus()
    for key in keys:
        count = view.call("w.timing.length")
        view.page.keyboard.press(key)
        view.wait("w.timing.length > a", count)


def test_arrow_sounds_as_the_formula(open_widget: Callable) -> None:
    view = open_widget(phasor(frequency=441.0, phase=0.7))
    assert relative_error(view.render()[0], tone(441, 0.7)) <= 1e-5
    move(view, "初期位相 φ", "ArrowRight", "ArrowRight")
    angle = get(view, "phase")
    assert angle == pytest.approx(np.deg2rad(round(np.rad2deg(0.7)) + 2), abs=1e-6)
    assert relative_error(view.render()[0], tone(441, angle)) <= 1e-5
    press_keys = ["ArrowUp", "ArrowUp", "ArrowDown"]
    view.root().get_by_role("button", name="再生").focus()
    for key in press_keys:
        view.page.keyboard.press(key)
    settle_frame(view)
    assert get(view, "frequency") == 442
    assert relative_error(view.render()[0], tone(442, angle)) <= 1e-5
    lead = 1000 * angle / (2 * np.pi * 442)
    assert number(fact(view, "時間にすると φ / 2πf")) == pytest.approx(lead, abs=0.0051)
    assert "進み" in fact(view, "時間にすると φ / 2πf")


def settle_frame(view: Any) -> None:
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


@pytest.mark.parametrize(("ratio", "offset"), [(1.0, 0.0), (0.5, 2.0), (1.0, -1.0), (0.3, np.pi)])
def test_sum_of_two_arrows(open_widget: Callable, ratio: float, offset: float) -> None:
    view = open_widget(phasor(frequency=500.0, second=True, ratio=ratio, offset=offset))
    both = tone(500) + tone(500, offset, 0.22 * ratio)
    assert relative_error(view.render()[0], both) <= 1e-5
    size = abs(1 + ratio * np.exp(1j * offset))
    assert number(fact(view, "和の振幅")) == pytest.approx(size, abs=0.0051)
    assert number(fact(view, "1 本目と比べて")) == pytest.approx(20 * np.log10(size), abs=0.051)
    view.root().get_by_role("button", name="再生").focus()
    view.page.keyboard.press("2")
    assert relative_error(view.render()[0], tone(500, offset, 0.22 * ratio)) <= 1e-5


def test_equal_arrows_cancel_at_180_degrees(open_widget: Callable) -> None:
    view = open_widget(phasor(frequency=500.0))
    assert not view.root().get_by_role("slider", name="2 本目の位相のずれ").is_visible()
    view.root().get_by_role("button", name="2 本目の矢印を足す").click()
    assert np.max(np.abs(view.render())) == pytest.approx(0.44, rel=1e-3)
    move(view, "2 本目の位相のずれ", "End")
    assert np.max(np.abs(view.render())) < 1e-6
    assert fact(view, "聞こえ方") == "打ち消しあって消える"
    assert fact(view, "1 本目と比べて") == "−∞ dB"
    view.root().get_by_role("button", name="2 本目の矢印を足す").click()
    assert np.max(np.abs(view.render())) == pytest.approx(0.22, rel=1e-3)  # 1 本に戻る


def test_offset_moves_without_a_click(open_widget: Callable) -> None:
    """鳴らしたまま和を差しかえても、隣りあうサンプルの差は、音そのものの差を超えない。"""
    view = open_widget(phasor(frequency=300.0, second=True))
    heard = view.call(
        """Array.from((await w.render({ seconds: 0.5, events: [
          { at: 0.2003, replace: 'sum', channels: [w.sound('first').map((v) => -v)] } ] }))
          .channels[0])"""
    )
    steepest = 0.44 * 2 * np.pi * 300 / SR
    assert np.max(np.abs(np.diff(heard))) < 1.2 * steepest
    view.root().get_by_role("button", name="再生").click()
    view.wait("w.state().level > 0.3")
    move(view, "2 本目の位相のずれ", "End")
    view.wait("w.state().level < 0.01")
    assert view.state()["playing"]
    view.root().get_by_role("button", name="一時停止").click()


def test_arrows_are_dragged(open_widget: Callable) -> None:
    view = open_widget(phasor(second=True, ratio=1.0))
    view.root().get_by_role("button", name="矢印を回す").click()
    view.page.evaluate("document.querySelector('.sst').scrollIntoView()")
    time = view.root().get_by_role("slider", name="時刻")
    time.focus()
    view.page.keyboard.press("Home")  # 時刻 0 では、矢印の向きが φ
    settle_frame(view)
    box = view.root().locator(".sst-plane").bounding_box()
    circle = view.root().locator(".sst-circle").bounding_box()
    x0, y0 = circle["x"] + circle["width"] / 2, circle["y"] + circle["height"] / 2
    radius = circle["width"] / 2 - 0.6

    def drag(start: complex, end: complex) -> None:
        view.page.mouse.move(x0 + radius * start.real, y0 - radius * start.imag)
        view.page.mouse.down()
        view.page.mouse.move(x0 + radius * end.real, y0 - radius * end.imag, steps=4)
        view.page.mouse.up()
        settle_frame(view)

    drag(1, 1j)  # 1 本目の先を真上へ
    assert get(view, "phase") == pytest.approx(np.pi / 2, abs=0.03)
    drag(2j, 1j + 0.5)  # 2 本目の先。1 本目の先から右へ 0.5
    assert get(view, "ratio") == pytest.approx(0.5, abs=0.03)
    assert get(view, "offset") == pytest.approx(-np.pi / 2, abs=0.1)
    expected = tone(440, get(view, "phase")) + tone(
        440, get(view, "phase") + get(view, "offset"), 0.22 * get(view, "ratio")
    )
    assert relative_error(view.render()[0], expected) <= 1e-4
    assert box["width"] > 600


@pytest.mark.parametrize(("frequency", "hop"), [(440.0, 512), (5000.0, 256), (63.0, 100)])
def test_hop_figures_equal_numpy(open_widget: Callable, frequency: float, hop: int) -> None:
    view = open_widget(phasor(frequency=frequency, hop_length=hop, phase=0.4))
    settle_frame(view)
    advance_ = phase.phase_advance(frequency, hop, SR)
    assert number(fact(view, "1 ホップで進む角度")) == pytest.approx(advance_, abs=0.0051)
    folded = phase.princarg(advance_)
    assert number(fact(view, "(−π, π] に折りたたむと")) == pytest.approx(folded, abs=0.0051)
    per_hz = phase.phase_advance(1, hop, SR)
    assert number(fact(view, "f を 1 Hz 上げると")) == pytest.approx(per_hz, abs=0.0051)
    percent = fact(view, "f を 1 % 上げると")
    if 0.01 * advance_ < 2 * np.pi:
        assert number(percent) == pytest.approx(0.01 * advance_, abs=0.0051)
    # フレームの先頭の向きは、波形のそのサンプルの位相
    shown = view.root().locator(".sst-dials").first.locator(".sst-dial-value").all_inner_texts()
    angles = [number(text.replace("°", "")) for text in shown]
    expected = phase.princarg(0.4 + advance_ * np.arange(8))
    gap = phase.princarg(np.deg2rad(angles) - expected)
    np.testing.assert_allclose(gap, 0, atol=np.deg2rad(0.51))


def test_high_frequencies_feel_a_delay_more(open_widget: Callable) -> None:
    view = open_widget(phasor(shift=2))
    settle_frame(view)
    texts = view.root().locator(".sst-dials").nth(1).locator("li").all_inner_texts()
    names = [text.split("\n")[0] for text in texts]
    assert names == ["100 Hz", "440 Hz", "1 kHz", "3 kHz", "7 kHz"]
    for text in texts:
        name, value = text.split("\n")
        hz = number(name) * (1000 if "kHz" in name else 1)
        expected = np.rad2deg(phase.princarg(-2 * np.pi * hz * 2 / SR))
        assert number(value) == pytest.approx(expected, abs=0.51)


def test_arrow_turns_only_when_it_is_seen(open_widget: Callable) -> None:
    view = open_widget(phasor())
    view.wait("w.state().animating && w.state().turns > 0.02")
    view.page.evaluate("document.body.style.paddingBottom = '4000px'; scrollTo(0, 3500)")
    view.wait("!w.state().animating")
    view.page.evaluate("scrollTo(0, 0)")
    view.wait("w.state().animating")
    view.root().get_by_role("button", name="矢印を回す").click()
    view.wait("!w.state().animating")
    turns = view.state()["turns"]
    move_time = view.root().get_by_role("slider", name="時刻")
    move_time.focus()
    view.page.keyboard.press("End")
    assert view.state()["turns"] == 2 != turns


def test_reduced_motion_keeps_the_arrow_still(open_widget: Callable) -> None:
    view = open_widget(phasor())
    view.wait("w.state().animating")
    view.page.emulate_media(reduced_motion="reduce")
    view.wait("!w.state().animating")
    assert not view.state()["spinning"]
    view.page.reload()
    view.page.locator(".sst[data-ready]").wait_for()
    settle_frame(view)
    assert view.state()["turns"] == 0
    assert not view.state()["animating"]
    view.root().get_by_role("button", name="矢印を回す").click()  # 望めば回せる
    view.wait("w.state().animating")
