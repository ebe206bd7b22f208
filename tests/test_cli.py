"""コマンド `sstut`：正しい結果か、日本語の 1 文と終了コード 2。半端なファイルは残らない。"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sstut import cli, evaluation
from sstut._loudness import loudness
from sstut.cli import _files
from sstut.data import load_audio, load_song, save_audio
from sstut.separators import METHODS

SR = 8000


@pytest.fixture(autouse=True)
def same_signal_handler():
    """`main` は SIGTERM の受け方を変える。試験のあとで戻す。"""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def sstut(capfd, monkeypatch, tmp_path):
    """同じプロセスで `sstut 引数…` を動かし、(終了コード, 標準出力, 標準エラー) を返す。"""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main([str(arg) for arg in args])
        return stop.value.code, *capfd.readouterr()

    return run


def is_one_japanese_sentence(text):
    lines = text.splitlines()
    japanese = any("HIRAGANA" in unicodedata.name(c, "") for c in text)
    return len(lines) == 1 and lines[0].startswith("エラー：") and japanese


def write(path, y, sr=SR, **options):
    """`(n_channels, n_samples)` を書く。"""
    sf.write(path, np.atleast_2d(y).T, sr, **options)
    return path


@pytest.fixture
def song(tmp_path):
    """3 秒の混合音と、その音源。"""
    stems = load_song("yokaze", sr=SR).stems
    parts = {name: y[:, : 3 * SR] for name, y in stems.items()}
    for name, y in parts.items():
        write(tmp_path / f"{name}.wav", y, subtype="FLOAT")
    write(tmp_path / "mixture.wav", sum(parts.values()), subtype="FLOAT")
    return parts


# --- separate -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_stems_sum_to_the_input(sstut, song, tmp_path, method):
    quick = {"nmf": ("-p", "n_iter=5"), "rpca": ("-p", "n_iter=3")}.get(method, ())
    code, out, err = sstut("separate", "mixture.wav", "--method", method, *quick, "-o", "stems")
    assert (code, err) == (0, "")
    stems = [load_audio(path) for path in out.split()]
    assert len(stems) >= 2
    assert all(sr == SR for _, sr in stems)
    np.testing.assert_allclose(sum(y for y, _ in stems), sum(song.values()), atol=2e-6)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_reads_every_format(sstut, tmp_path, suffix):
    y = 0.1 * np.random.default_rng(0).standard_normal((2, 2 * 44100))
    save_audio(tmp_path / f"in.{suffix}", y, 44100)
    code, out, _ = sstut("separate", f"in.{suffix}", "-m", "hpss")
    assert code == 0
    stems = [load_audio(path)[0] for path in out.split()]
    np.testing.assert_allclose(sum(stems), load_audio(tmp_path / f"in.{suffix}")[0], atol=1e-6)
    assert [Path(path).parent.name for path in out.split()] == ["in-hpss"] * 2


@pytest.mark.parametrize(
    ("options", "format", "subtype"),
    [
        ((), "WAV", "FLOAT"),
        (("--bits", "16"), "WAV", "PCM_16"),
        (("--format", "flac"), "FLAC", "PCM_24"),
        (("--format", "flac", "--bits", "16"), "FLAC", "PCM_16"),
        (("--format", "ogg"), "OGG", "VORBIS"),
    ],
)
def test_writes_the_format_asked_for(sstut, song, options, format, subtype):
    code, out, _ = sstut("separate", "mixture.wav", "-m", "hpss", *options)
    assert code == 0
    for path in out.split():
        assert (sf.info(path).format, sf.info(path).subtype) == (format, subtype)


def test_a_long_file_equals_separating_it_at_once(sstut, tmp_path):
    """1 分を超えるファイルはブロックに分かれる。継ぎ目で音が変わらない。"""
    from sstut.separators import separate

    y = np.random.default_rng(0).standard_normal((1, 150 * SR)).astype(np.float32)
    write(tmp_path / "in.wav", y, subtype="FLOAT")
    code, _, _ = sstut("separate", "in.wav", "-m", "hpss", "-p", "kernel_size=9,11", "-o", "out")
    assert code == 0
    harmonic, _ = load_audio(tmp_path / "out" / "harmonic.wav")
    expected = separate("hpss", y, SR, kernel_size=(9, 11))["harmonic"]
    np.testing.assert_array_equal(harmonic, expected)


def test_clipping_is_reported(sstut, tmp_path):
    write(tmp_path / "in.wav", 1.4 * np.sin(np.arange(SR)), subtype="FLOAT")
    code, _, err = sstut("separate", "in.wav", "-m", "hpss", "--bits", "16")
    assert code == 0
    assert "切り詰めました" in err


def test_the_input_is_never_overwritten(sstut, tmp_path):
    y = np.random.default_rng(0).standard_normal(SR)
    path = write(tmp_path / "harmonic.wav", 0.1 * y)
    before = path.read_bytes()
    code, _, err = sstut("separate", "harmonic.wav", "-m", "hpss", "-o", ".")
    assert code == 2
    assert is_one_japanese_sentence(err)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["harmonic.wav"]


def test_a_failure_keeps_earlier_results(sstut, song, tmp_path):
    """前の結果があるフォルダーで失敗しても、前のファイルは変わらない。"""
    sstut("separate", "mixture.wav", "-m", "hpss", "-o", "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    y = np.concatenate([np.zeros(70 * SR), [np.nan]])
    write(tmp_path / "bad.wav", y, subtype="FLOAT")
    code, _, err = sstut("separate", "bad.wav", "-m", "hpss", "-o", "out")
    assert code == 2
    assert "NaN" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


@pytest.mark.skipif(os.name == "nt", reason="Windows には SIGTERM で止めるしくみがない")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_leaves_nothing(tmp_path, stop):
    write(tmp_path / "in.wav", np.random.default_rng(0).standard_normal(3000 * SR) / 8)
    command = [sys.executable, "-m", "sstut", "separate", "in.wav", "-m", "repet-sim", "-o", "out"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # 試験が背景で動いていると、子は SIGINT を無視する設定を受け継ぐ
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("out/.background*")):  # 書き始めるまで待つ
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(stop)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert err.strip() == "中断しました。"  # Click は、端末の ^C の次の行から書く
    assert [p.name for p in tmp_path.iterdir()] == ["in.wav"]


# --- でたらめな入力 ---------------------------------------------------------------------------


@st.composite
def files(draw):
    """音のファイルの中身：いろいろな周波数、長さ、チャネル、形式。途中で切れたものや、音でないもの。"""
    kind = draw(st.sampled_from(["noise", "noise", "silent", "loud", "truncated", "bytes"]))
    if kind == "bytes":
        return "wav", draw(st.binary(max_size=200))
    suffix, subtype = draw(
        st.sampled_from(
            [("wav", "PCM_16"), ("wav", "FLOAT"), ("wav", "DOUBLE"), ("wav", "PCM_U8"),
             ("flac", "PCM_16"), ("ogg", None), ("aiff", "PCM_24")]
        )
    )  # fmt: skip
    sr = draw(st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]))
    if suffix == "wav":
        sr = draw(st.integers(1, 192000))
    n_channels, n_samples = draw(st.integers(1, 8)), draw(st.integers(1, 3000))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    scale = {"silent": 0.0, "loud": 10.0}.get(kind, 0.1)
    y = scale * rng.standard_normal((n_samples, n_channels))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"in.{suffix}"
        sf.write(path, y, sr, subtype=subtype)
        content = path.read_bytes()
    if kind == "truncated":
        content = content[: draw(st.integers(0, len(content) - 1))]
    return suffix, content


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    file=files(),
    method=st.sampled_from([("hpss",), ("hpss", "-p", "margin=2"), ("repet",), ("repet-sim",),
                            ("2dft",), ("nmf", "-p", "n_iter=2"), ("rpca", "-p", "n_iter=2"),
                            ("repet", "-p", "period=0.01"), ("hpss", "-p", "power=-1")]),
    bits=st.sampled_from([(), ("--bits", "16"), ("--format", "flac"), ("--format", "ogg"),
                          ("--format", "mp3")]),
)  # fmt: skip
def test_any_file_gives_whole_stems_or_one_sentence(sstut, file, method, bits):
    suffix, content = file
    shutil.rmtree("work", ignore_errors=True)
    work = Path("work")
    work.mkdir()
    source = work / f"in.{suffix}"
    source.write_bytes(content)
    code, out, err = sstut("separate", source, "-m", *method, *bits, "-o", "work/deep/out")
    if code == 0:
        mixture, sr = load_audio(source)
        stems = [load_audio(path) for path in out.split()]
        assert {Path(path) for path in out.split()} == set((work / "deep/out").iterdir())
        assert all(found == sr for _, found in stems)
        if not bits:
            assert all(y.shape == mixture.shape for y, _ in stems)
            scale = 1 + np.abs(mixture).max()
            np.testing.assert_allclose(sum(y for y, _ in stems), mixture, atol=1e-5 * scale)
    else:
        assert code == 2
        assert is_one_japanese_sentence(err), err
        assert not (work / "deep").exists()
    assert source.read_bytes() == content


@pytest.mark.parametrize("command", ["info", "separate", "evaluate", "mix"])
@pytest.mark.parametrize("target", ["missing.wav", "folder", "text.wav", "empty.wav", "x.raw"])
def test_bad_files_are_refused_in_one_sentence(sstut, tmp_path, command, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.wav").write_text("音ではない")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "x.raw").write_bytes(b"0123")
    arguments = {
        "info": [target],
        "separate": [target, "-m", "hpss", "-o", "out"],
        "evaluate": ["-r", target, "-e", target],
        "mix": [target, "-o", "out.wav"],
    }[command]
    code, out, err = sstut(command, *arguments)
    assert (code, out) == (2, "")
    assert is_one_japanese_sentence(err), err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["separat"], "separat というコマンド"),
        (["separate", "x.wav"], "--method を指定"),
        (["separate", "-m", "hpss"], "入力"),
        (["separate", "x.wav", "-m"], "-m の使い方"),
        (["separate", "x.wav", "-m", "hpss", "--fast"], "--fast というオプション"),
        (["separate", "x.wav", "-m", "demux"], "手法に 'demux'"),
        (["separate", "x.wav", "-m", "hpss", "-p", "n=1"], "パラメータに 'n'"),
        (["separate", "x.wav", "-m", "hpss", "--format", "xyz"], "形式 'xyz'"),
        (["separate", "x.wav", "-m", "hpss", "--bits", "12"], "ビット '12'"),
        (["info", "a", "b"], "引数が多すぎる"),
        (["mix", "a.wav"], "--out を指定"),
        (["mix", "a.wav", "-o", "b.wav", "--gain", "a"], "名前=数"),
        (["mix", "a.wav", "-o", "b.wav", "--gain", "c=1"], "'c' という音源"),
        (["mix", "a.wav", "a.flac", "-o", "b.wav"], "区別できません"),
    ],
)
def test_usage_errors_are_one_japanese_sentence(sstut, arguments, words):
    code, out, err = sstut(*arguments)
    assert (code, out) == (2, "")
    assert is_one_japanese_sentence(err), err
    assert words in err


def test_no_arguments_shows_the_help_in_japanese(sstut):
    code, out, err = sstut()
    assert (code, out) == (2, "")
    assert "使い方: sstut" in err
    for name in cli.cli.commands:
        assert name in err
        code, out, _ = sstut(name, "--help")
        assert code == 0
        assert not {"Usage", "Options", "required", "Show"} & set(out.replace("[", " ").split())


# --- evaluate -------------------------------------------------------------------------------


@pytest.fixture
def mono_pair(tmp_path):
    rng = np.random.default_rng(0)
    s = rng.standard_normal((2, SR)).astype(np.float32) / 8
    e = (s + 0.1 * rng.standard_normal(s.shape) / 8).astype(np.float32)
    for folder, sources in (("ref", s), ("est", e)):
        (tmp_path / folder).mkdir()
        for name, y in zip(("a", "b"), sources, strict=True):
            write(tmp_path / folder / f"{name}.wav", y, subtype="FLOAT")
    write(tmp_path / "mix.wav", s.sum(axis=0), subtype="FLOAT")
    return s, e


def test_mono_scores_are_those_of_the_package(sstut, mono_pair):
    s, e = mono_pair
    code, out, err = sstut("evaluate", "-r", "ref", "-e", "est", "--mixture", "mix.wav", "--json")
    assert (code, err) == (0, "")
    expected = evaluation.score(s, e, mixture=s.sum(axis=0), names=["a", "b"]).rows
    found = json.loads(out)
    assert found["n_channels"] == 1
    for name in ("a", "b"):
        assert found["scores"][name] == pytest.approx(expected[name])


def test_files_are_matched_by_name_then_by_order(sstut, mono_pair, tmp_path):
    by_name = sstut("evaluate", "-r", "ref", "-e", "est/b.wav", "-e", "est/a.wav", "--json")
    assert by_name[1] == sstut("evaluate", "-r", "ref", "-e", "est", "--json")[1]
    shutil.move(tmp_path / "est/a.wav", tmp_path / "est/x.wav")  # 並べた順は b、x
    code, out, _ = sstut("evaluate", "-r", "ref", "-e", "est")
    assert code == 0
    assert "a ← b" in out
    assert "b ← x" in out
    _, out, _ = sstut("evaluate", "-r", "ref", "-e", "est", "--any-order")
    assert "a ← x" in out
    assert "\nb  " in out


def test_stereo_scores_are_those_of_the_package(sstut, song, tmp_path):
    names = list(song)
    noise = np.random.default_rng(0).standard_normal((2, 3 * SR)) / 50
    (tmp_path / "est").mkdir()
    for name in names:
        write(tmp_path / "est" / f"{name}.wav", song[name] + noise, subtype="FLOAT")
    references = [x for name in names for x in ("-r", f"{name}.wav")]
    code, out, _ = sstut("evaluate", *references, "-e", "est", "--json")
    assert code == 0
    s = np.stack([load_audio(tmp_path / f"{name}.wav")[0] for name in names])
    e = np.stack([load_audio(tmp_path / "est" / f"{name}.wav")[0] for name in names])
    sdr, isr, _, _, _ = evaluation.bss_eval_framewise(s, e, window=SR, hop=SR)
    mdx = evaluation.sdr_mdx(s, e)
    for j, name in enumerate(names):
        found = json.loads(out)["scores"][name]
        assert found["SDR(v4)"] == pytest.approx(evaluation.window_median(sdr[j]))
        assert found["ISR(v4)"] == pytest.approx(evaluation.window_median(isr[j]))
        assert found["SDR(MDX)"] == pytest.approx(mdx[j])


def test_a_perfect_estimate_is_infinite_even_in_json(sstut, mono_pair):
    code, out, _ = sstut("evaluate", "-r", "ref", "-e", "ref", "--json")
    assert code == 0
    assert json.loads(out)["scores"]["a"]["SNR"] == "inf"


@pytest.mark.parametrize("change", ["rate", "length", "channels", "count", "silent"])
def test_mismatched_files_are_refused(sstut, mono_pair, tmp_path, change):
    y = mono_pair[1][0]
    bad = tmp_path / "est" / "a.wav"
    if change == "rate":
        write(bad, y, SR + 1)
    elif change == "length":
        write(bad, y[:-1])
    elif change == "channels":
        write(bad, np.stack([y, y]))
    elif change == "count":
        bad.unlink()
    else:
        write(tmp_path / "ref" / "a.wav", 0 * y)
    code, out, err = sstut("evaluate", "-r", "ref", "-e", "est")
    assert (code, out) == (2, "")
    assert is_one_japanese_sentence(err), err


# --- methods、info、mix ------------------------------------------------------------------------


def test_methods_lists_every_method_and_parameter(sstut):
    _, out, _ = sstut("methods")
    _, as_json, _ = sstut("methods", "--json")
    listed = json.loads(as_json)
    assert set(listed) == set(METHODS)
    for method in METHODS.values():
        assert method.summary in out
        assert set(listed[method.name]["parameters"]) == set(method.parameters)
        defaults = [  # 表に書いてある既定値は、そのまま --param に渡せる
            line.split()[0]
            for line in out.split(f"{method.name}  {method.summary}")[1].splitlines()
            if line.startswith("  ")
        ][: len(method.parameters)]
        assert method.parse(defaults) == {n: p.default for n, p in method.parameters.items()}


def test_info_measures_the_file(sstut, tmp_path):
    y = np.random.default_rng(0).standard_normal((2, 25 * SR)).astype(np.float32) / 8
    write(tmp_path / "in.wav", y, subtype="FLOAT")
    code, out, _ = sstut("info", "in.wav", "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["sr"] == SR
    assert facts["n_channels"] == 2
    assert facts["duration"] == 25
    assert facts["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(y).max()))
    assert facts["rms_dbfs"] == pytest.approx(10 * np.log10(np.mean(y.astype(float) ** 2)))
    assert facts["loudness_lufs"] == pytest.approx(loudness(y, SR), abs=1e-9)
    assert "8000 Hz" in sstut("info", "in.wav")[1]


def test_info_of_silence_is_minus_infinity(sstut, tmp_path):
    write(tmp_path / "in.wav", np.zeros(10))
    facts = json.loads(sstut("info", "in.wav", "--json")[1])
    assert facts["peak_dbfs"] == facts["rms_dbfs"] == facts["loudness_lufs"] == "-inf"


def test_mix_sets_levels_and_writes_the_levelled_stems(sstut, song, tmp_path):
    code, out, err = sstut(
        "mix", "vocals.wav", "drums.wav", "bass.wav", "-o", "mix.wav",
        "--gain", "vocals=-6", "--loudness", "drums=-30", "--stems", "levelled",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert len(out.split()) == 4
    stems = {p.stem: load_audio(p)[0] for p in (tmp_path / "levelled").iterdir()}
    np.testing.assert_allclose(load_audio("mix.wav")[0], sum(stems.values()), atol=1e-6)
    gain = 10 ** (-6 / 20)
    np.testing.assert_allclose(stems["vocals"], gain * song["vocals"], atol=1e-6)
    np.testing.assert_allclose(stems["bass"], song["bass"], atol=1e-6)
    assert loudness(stems["drums"], SR) == pytest.approx(-30, abs=1e-3)


def test_mix_never_overwrites_its_inputs(sstut, song, tmp_path):
    before = (tmp_path / "vocals.wav").read_bytes()
    for where in (("-o", "vocals.wav"), ("-o", "new.wav", "--stems", ".")):
        code, _, err = sstut("mix", "vocals.wav", "drums.wav", *where)
        assert code == 2
        assert is_one_japanese_sentence(err)
    assert (tmp_path / "vocals.wav").read_bytes() == before
    assert not (tmp_path / "new.wav").exists()


def test_a_silent_source_cannot_be_levelled(sstut, tmp_path):
    write(tmp_path / "a.wav", np.zeros(SR))
    code, _, err = sstut("mix", "a.wav", "-o", "b.wav", "--loudness", "a=-20")
    assert code == 2
    assert "無音" in err


def test_os_errors_are_told_in_japanese(sstut, song, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    code, _, err = sstut("separate", "mixture.wav", "-m", "hpss", "-o", "file/out")
    assert code == 2
    assert is_one_japanese_sentence(err), err

    def full(*_, **__):
        raise OSError(28, "No space left on device", "mix.wav")

    monkeypatch.setattr(_files, "load_audio", full)
    code, _, err = sstut("mix", "vocals.wav", "-o", "mix.wav")
    assert (code, err) == (
        2,
        "エラー：mix.wav を読み書きできません（ディスクに空きがありません）。\n",
    )


def test_the_installed_command_and_the_module_are_the_same(tmp_path):
    command = Path(sys.executable).with_name("sstut")
    by_name = subprocess.run([command, "methods"], capture_output=True, check=True)
    by_module = subprocess.run(
        [sys.executable, "-m", "sstut", "methods"], capture_output=True, check=True
    )
    assert by_name.stdout == by_module.stdout
    code = "import sys, sstut.cli; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
