"""部品の土台：モジュールのまとめ方、音の詰め方と検査、ラウドネス、聴く部品の Python の側。"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sstut._loudness import k_weighting, level_match, loudness
from sstut.widgets import _base, _bundle
from sstut.widgets._base import bundle, bundle_files, decode, encode
from sstut.widgets.player import Player

# ---- モジュールをまとめる


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(_bundle, "JS", tmp_path)

    def files(**sources: str) -> None:
        for name, source in sources.items():
            path = tmp_path / (name.replace("__", "/") + ".js")
            path.parent.mkdir(exist_ok=True)
            path.write_text(source, "utf-8")

    return files


NAMES_THAT_COLLIDE = {
    "entry": 'import { a, Box } from "./lib/a.js";\n'
    'import {\n  b as other,\n} from "./lib/b.js";\n'
    "const secret = 1000;\n"
    "export default { value: secret + a() + other() + new Box().n };\n",
    "lib__a": 'import { base } from "./c.js";\n'
    "const secret = 1;\nexport function a() { return secret + base; }\n"
    "export class Box { constructor() { this.n = 7; } }\n",
    "lib__b": 'import { base } from "./c.js";\n'
    "const secret = 10;\nexport const b = () => secret + base;\n",
    "lib__c": "export const base = 100;\n",
}


def test_bundle_runs_as_one_module(write: Callable, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js がないので、まとめたモジュールを動かす試験を飛ばします。")
    write(**NAMES_THAT_COLLIDE)
    (tmp_path / "out.mjs").write_text(bundle("entry.js"), "utf-8")
    code = "import m from './out.mjs'; console.log(JSON.stringify(m))"
    command = [node, "--input-type=module", "-e", code]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == {"value": 1000 + (1 + 100) + (10 + 100) + 7}


def test_bundle_is_deterministic_and_self_contained(write: Callable) -> None:
    write(**NAMES_THAT_COLLIDE)
    text = bundle("entry.js")
    assert text == bundle("entry.js")
    assert "import" not in text.replace("// entry.js と、", "")
    assert text.count("const base = 100") == 1  # 2 か所から使われても 1 回だけ
    assert text.count("export ") == 1


def test_bundle_files_lists_dependencies_first(write: Callable, tmp_path: Path) -> None:
    write(**NAMES_THAT_COLLIDE)
    names = [path.relative_to(tmp_path).as_posix() for path in bundle_files("entry.js")]
    assert names == ["lib/c.js", "lib/a.js", "lib/b.js", "entry.js"]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"entry": 'import { x } from "./gone.js";'}, "gone.js が widgets/js にありません"),
        (
            {
                "entry": 'import { a } from "./a.js";',
                "a": 'import { b } from "./b.js";\nexport const a = 1;',
                "b": 'import { a } from "./a.js";\nexport const b = 1;',
            },
            "輪になっています：a.js → b.js → a.js",
        ),
        ({"entry": 'import { x } from "./a.js";', "a": "export default 1;"}, "まとめられません"),
        ({"entry": 'import { x } from "./a.js";', "a": "const x = 1;"}, "export していません"),
        ({"entry": 'import * as a from "./a.js";', "a": ""}, "まとめられません"),
        ({"entry": 'import x from "./a.js";', "a": ""}, "まとめられません"),
        ({"entry": 'export { x } from "./a.js";', "a": ""}, "まとめられません"),
        ({"entry": "export let x = 1;"}, "まとめられません"),
        ({"entry": 'import { x } from "somewhere";'}, "まとめられません"),
    ],
)
def test_bundle_refuses_what_it_cannot_join(
    write: Callable, sources: dict[str, str], message: str
) -> None:
    write(**sources)
    with pytest.raises(ValueError, match=message):
        bundle("entry.js")


def test_bundle_refuses_a_file_outside(write: Callable, tmp_path: Path) -> None:
    write(entry='import { x } from "../outside.js";')
    (tmp_path.parent / "outside.js").write_text("export const x = 1;", "utf-8")
    with pytest.raises(ValueError, match=r"outside\.js が widgets/js にありません"):
        bundle("entry.js")


# ---- 音を詰める

WAVES = hnp.arrays(
    np.float32,
    st.one_of(st.tuples(st.integers(1, 64)), st.tuples(st.integers(1, 2), st.integers(1, 64))),
    elements=st.floats(-8, 8, width=32),
)


@given(WAVES)
def test_decode_undoes_encode(y: np.ndarray) -> None:
    packed = encode(y)
    back = decode(packed)
    assert back.dtype == np.float32
    assert back.shape == (y.shape if y.ndim == 1 or y.shape[0] == 2 else y.shape[1:])
    assert np.max(np.abs(back - y.reshape(back.shape))) <= packed.scale / 32768
    assert packed.scale == 1 or packed.scale / 2 < np.max(np.abs(y)) <= packed.scale


@given(hnp.arrays(np.int16, st.integers(1, 64)))
def test_16_bit_sound_is_carried_exactly(q: np.ndarray) -> None:
    y = q.astype(np.float32) / 32768
    packed = encode(y)
    assert packed.data == q.astype("<i2").tobytes()
    np.testing.assert_array_equal(decode(packed), y)


def test_stereo_is_stored_channel_after_channel() -> None:
    y = np.array([[0.25, 0.5], [-0.25, -0.5]])
    assert np.frombuffer(encode(y).data, "<i2").tolist() == [8192, 16384, -8192, -16384]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(0), "空です"),
        (np.array([0.1, np.nan, np.inf]), "NaN か無限大が 2 個"),
        (np.zeros((2, 3, 4)), r"形は .*（渡された形：\(2, 3, 4\)）"),
        (np.zeros((3, 100)), r"渡された形：\(3, 100\)"),
        (np.zeros((100, 2)), r"渡された形：\(100, 2\)"),
        (np.array(0.5), r"渡された形：\(\)"),
        (np.zeros(10, dtype=np.int16), "32768 で割ります"),
        (np.zeros(10, dtype=np.complex64), "complex64"),
        (np.zeros(31 * 8000), "31.0 秒あります。部品に渡せるのは 30 秒まで"),
        (np.full(10, 20000.0), "振幅が 2e"),
    ],
)
def test_bad_sound_is_refused(y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(y, 8000)
    with pytest.raises(ValueError, match=r"audio\['a'\]"):
        Player({"a": y}, 8000)


@pytest.mark.parametrize("sr", [0, -1, 4000, 96000, math.nan])
def test_bad_rate_is_refused(sr: float) -> None:
    with pytest.raises(ValueError, match="sr は 8000 から 48000"):
        encode(np.zeros(10), sr)


# ---- ラウドネス


def test_k_weighting_equals_the_table_of_the_standard() -> None:
    """BS.1770 の表 1、表 2（48 kHz の係数）。"""
    (shelf_b, shelf_a), (high_b, high_a) = k_weighting(48000)
    np.testing.assert_allclose(
        shelf_b, [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-9
    )
    np.testing.assert_allclose(shelf_a, [1, -1.69065929318241, 0.73248077421585], atol=1e-9)
    np.testing.assert_array_equal(high_b, [1, -2, 1])
    np.testing.assert_allclose(high_a, [1, -1.99004745483398, 0.99007225036621], atol=1e-9)


@pytest.mark.parametrize("sr", [16000, 22050, 44100, 48000])
def test_full_scale_sine_is_minus_three_lufs(sr: int) -> None:
    """規格の決まり：997 Hz、0 dBFS の正弦波が 1 チャネルで -3.01 LUFS。

    許す差は、測定器の規格（EBU Tech 3341）と同じ 0.1 LU。
    """
    y = np.sin(2 * np.pi * 997 * np.arange(3 * sr) / sr)
    assert loudness(y, sr) == pytest.approx(-3.01, abs=0.1)
    assert loudness(np.stack([y, y]), sr) == pytest.approx(0.0, abs=0.1)


@given(st.floats(-30, 0), st.integers(0, 3))
def test_loudness_follows_gain_and_ignores_silence(gain_db: float, seconds: int) -> None:
    sr = 8000
    y = 0.5 * np.sin(2 * np.pi * 500 * np.arange(2 * sr) / sr)
    louder = loudness(10 ** (gain_db / 20) * y, sr)
    assert louder == pytest.approx(loudness(y, sr) + gain_db, abs=1e-6)
    padded = np.concatenate([y, np.zeros(seconds * sr)])  # 境目の区間の分だけ、わずかに変わる
    assert loudness(padded, sr) == pytest.approx(loudness(y, sr), abs=0.5)


def test_silence_has_no_loudness() -> None:
    assert loudness(np.zeros(16000), 16000) == -np.inf
    assert level_match({"a": np.zeros(16000), "b": np.ones(10)}, 16000)["a"] <= 0


def test_level_match_makes_loudness_equal_without_clipping(rng: np.random.Generator) -> None:
    sr = 16000
    tracks = {
        "noise": 0.2 * rng.uniform(-1, 1, sr),
        "loud": np.sin(2 * np.pi * 300 * np.arange(sr) / sr),
        "clicks": np.where(np.arange(sr) % 800 == 0, 0.9, 0.0),
    }
    gains = level_match(tracks, sr)
    matched = {n: 10 ** (g / 20) * tracks[n] for n, g in gains.items()}
    levels = [loudness(y, sr) for y in matched.values()]
    np.testing.assert_allclose(levels, levels[0], atol=1e-6)
    assert max(np.max(np.abs(y)) for y in matched.values()) <= 0.98 + 1e-9


# ---- 聴く部品（Python の側）


@pytest.fixture
def tracks(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "a": (rng.integers(-9000, 9000, 8000) / 32768).astype(np.float32),
        "b": (rng.integers(-9000, 9000, (2, 6000)) / 32768).astype(np.float32),
    }


def test_player_keeps_the_sound(tracks: dict[str, np.ndarray]) -> None:
    player = Player(tracks, 16000, labels={"a": "声"}, credit="音：本書制作")
    assert player.names == ["a", "b"]
    assert player.labels == {"a": "声", "b": "b"}
    for name, y in tracks.items():
        np.testing.assert_array_equal(player.sound(name), y)
    assert player.packing == {"a": [1, 1.0], "b": [2, 1.0]}


def test_mix_is_the_sum_of_what_is_audible(tracks: dict[str, np.ndarray]) -> None:
    player = Player(tracks, 16000)
    both = np.zeros((2, 8000), dtype=np.float32)
    both += tracks["a"]
    both[:, :6000] += tracks["b"]
    np.testing.assert_allclose(player.heard(), both, atol=1e-6)
    player.muted = ["b"]
    np.testing.assert_array_equal(player.heard(), np.stack([tracks["a"]] * 2))
    player.solo, player.gains = "b", {"b": -6.0}
    np.testing.assert_allclose(player.heard()[:, :6000], 10**-0.3 * tracks["b"], rtol=1e-6)
    assert not player.heard()[:, 6000:].any()


def test_switch_plays_one_at_its_matched_level(tracks: dict[str, np.ndarray]) -> None:
    player = Player(tracks, 16000, mode="switch")
    assert player.selected == "a"
    player.selected = "b"
    gain = 10 ** (level_match(tracks, 16000)["b"] / 20)
    np.testing.assert_allclose(player.heard()[:, :6000], gain * tracks["b"], rtol=1e-5)
    player.matched = False
    np.testing.assert_array_equal(player.heard()[:, :6000], tracks["b"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "both"}, "mode は"),
        ({"selected": "c"}, "'c'.*という音はありません"),
        ({"muted": ["c"]}, "'c'.*という音はありません"),
        ({"gains": {"a": 12.0}}, "-36 から"),
        ({"labels": {"c": "歌"}}, r"labels の \['c'\]"),
    ],
)
def test_player_refuses_bad_settings(
    tracks: dict[str, np.ndarray], settings: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Player(tracks, 16000, **settings)


def test_player_refuses_no_sound_and_reserved_names(tracks: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="1 つもありません"):
        Player({}, 16000)
    with pytest.raises(ValueError, match="読者が足す音"):
        Player({"own": tracks["a"]}, 16000)
    with pytest.raises(ValueError, match="9 個まで"):
        Player({str(i): tracks["a"] for i in range(10)}, 16000)
    with pytest.raises(ValueError, match="'c' という音はありません"):
        Player(tracks, 16000).sound("c")


def test_shared_style_and_module_are_shipped() -> None:
    assert ".sst" in _base.AudioWidget._css
    assert Player._esm == bundle("player.js")
    assert {p.name for p in bundle_files("player.js")} >= {"player.js", "audio.js", "stft.js"}
