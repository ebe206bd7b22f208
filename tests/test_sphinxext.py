"""本を組み立てる Sphinx の拡張：部分ごとの試験と、小さな本を何度も作る通しの試験。"""

from __future__ import annotations

import base64
import importlib
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import soundfile
import yaml
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.embed import dependency_state

from sstut.sphinxext import exec_deps, ja_labels, ja_search, notebook_download, static_widgets
from sstut.widgets.quiz import Quiz

ROOT = Path(__file__).resolve().parents[1]
FENCE = "```"


def need_node() -> None:
    if shutil.which("node") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI なのに Node.js がありません。")
        pytest.skip("Node.js がないので、JavaScript との比較を飛ばします。")


# --- exec_deps：どのファイルに頼っているか --------------------------------------------

PAGE = """---
kernelspec:
  name: python3
---

# 題

```{code-cell} ipython3
:tags: [remove-input]

import numpy as np
%matplotlib inline
from sstut.alpha import f
```

```python
from sstut.shown import never_run
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: from sstut.alt import x
---
if True:
    !ls
x = 1
```
"""


def test_page_code_is_only_what_runs():
    code = exec_deps.page_code(PAGE)
    compile(code, "page", "exec")
    assert "from sstut.alpha import f" in code
    assert "x = 1" in code
    assert "never_run" not in code
    assert "alt" not in code
    assert "tags" not in code


@pytest.fixture
def package(tmp_path, monkeypatch):
    """試験用の小さなパッケージ。``sstut`` のふりをする。"""
    files = {
        "__init__.py": "",
        "alpha.py": "from sstut.beta import g\nfrom sstut import delta\n",
        "beta.py": "import numpy\n",
        "gamma.py": "def late():\n    from sstut.beta import g\n",
        "delta.py": "",
        "alone.py": "",
        "sub/__init__.py": "",
        "sub/one.py": "from .two import x\nfrom ..delta import y\nfrom . import three\n",
        "sub/two.py": "",
        "sub/three.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setattr(exec_deps, "PACKAGE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import numpy", []),
        ("x = 1", []),
        ("import sstut", ["__init__"]),
        ("import sstut.beta as b", ["__init__", "beta"]),
        ("from sstut import beta", ["__init__", "beta"]),
        ("from sstut.alpha import f", ["__init__", "alpha", "beta", "delta"]),
        ("import sstut.gamma", ["__init__", "beta", "gamma"]),  # 関数の中の import
        (
            "from sstut.sub.one import x",
            ["__init__", "delta", "sub/__init__", "sub/one", "sub/three", "sub/two"],
        ),
        ("from sstut.sub import two", ["__init__", "sub/__init__", "sub/two"]),
        ("def f():\n    import sstut.alone", ["__init__", "alone"]),
    ],
)
def test_dependencies_follow_imports(package, code, files):
    assert exec_deps.dependencies(code) == sorted(package / f"{name}.py" for name in files)


def test_dependencies_follow_javascript_and_styles():
    found = {
        p.relative_to(exec_deps.PACKAGE).as_posix()
        for p in exec_deps.dependencies("from sstut.widgets.quiz import Quiz")
    }
    wanted = {"__init__.py", "widgets/quiz.py", "widgets/_base.py", "widgets/css/quiz.css"}
    wanted |= {"widgets/css/widgets.css", "widgets/js/quiz.js", "widgets/js/ui/dom.js"}
    assert wanted <= found
    assert "widgets/js/player.js" not in found


def test_dependencies_of_data_include_the_sounds():
    found = {p.name for p in exec_deps.dependencies("from sstut.data import load_song")}
    assert {"sakura_vocals.flac", "speech_female.flac"} <= found


def test_fingerprint_follows_the_contents(package):
    files = [package / "beta.py", package / "delta.py"]
    before = exec_deps.fingerprint(files)
    assert before == exec_deps.fingerprint(files)
    assert before != exec_deps.fingerprint(files[:1])
    files[0].write_text("# 変えた\n", "utf-8")
    assert before != exec_deps.fingerprint(files)


# --- ja_search：本文と検索語の切り方 --------------------------------------------------


def js_split(queries: list[str]) -> list[list[str]]:
    need_node()
    code = ja_search.JapaneseBigram.js_splitter_code + (
        'const q = JSON.parse(require("node:fs").readFileSync(0, "utf8"));'
        "console.log(JSON.stringify(q.map(splitQuery)));"
    )
    run = subprocess.run(
        ["node", "-e", code], input=json.dumps(queries), capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


SAMPLES = [
    "音源分離", "短時間フーリエ変換", "非負値行列因子分解", "STFT の窓", "ﾏｽｸ", "k-means で分ける",
    "位相、振幅。", "  ", "A", "数𠮷", "Wiener フィルタ", "2 乗和", "çà", "々〇",
]  # fmt: skip


def without_single_characters(words: list[str]) -> list[str]:
    return [w for w in words if len(w) > 1 or w.isascii()]


def test_query_is_split_like_the_text():
    """1 字の見出しは本文の索引にだけあり、ほかは同じ並びになる。"""
    for sample, words in zip(SAMPLES, js_split(SAMPLES), strict=True):
        indexed = ja_search.JapaneseBigram({}).split(sample)
        assert without_single_characters(words) == without_single_characters(indexed)
    assert js_split(["窓", "窓長"]) == [["窓"], ["窓長"]]


def test_every_part_of_the_text_can_be_found():
    """本文から切り出した 2 字以上の日本語は、どこを取っても、索引の見出しだけでできている。"""
    text = "短時間フーリエ変換のあと、理想比率マスクで音源分離を行う。"
    index = set(ja_search.JapaneseBigram({}).split(text))
    rng = random.Random(0)
    parts = []
    for _ in range(200):
        start = rng.randrange(len(text) - 2)
        part = text[start : start + rng.randrange(2, 9)]
        if not set(part) & set("、。") and len(part) >= 2:
            parts.append(part)
    for part, words in zip(parts, js_split(parts), strict=True):
        assert words
        assert set(words) <= index, part


@given(st.text(alphabet="音源分離マスクあの、。 aA9", max_size=30))
def test_split_keeps_every_japanese_pair(text):
    words = ja_search.JapaneseBigram({}).split(text)
    japanese = set("音源分離マスクあの")
    pairs = [a + b for a, b in itertools.pairwise(text) if {a, b} <= japanese]
    assert [w for w in words if len(w) == 2 and set(w) <= japanese] == pairs


def test_kanji_can_be_found_alone():
    search = ja_search.JapaneseBigram({})
    assert {"窓", "長", "窓長"} <= set(search.split("窓長"))
    assert search.word_filter("窓")
    assert search.stem("STFT") == "stft"


# --- notebook_download ----------------------------------------------------------------

CHAPTER = f"""---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# 題

{{term}}`窓長 <窓の長さ>`と{{ref}}`図 1`、`コード`です。

{FENCE}{{code-cell}} ipython3
x = 1
{FENCE}

{FENCE}{{code-cell}} ipython3
---
tags: [hide-cell, solution]
---
x + 1
{FENCE}
"""


def test_notebook_is_valid_clean_and_always_the_same():
    text = notebook_download.to_ipynb(CHAPTER, ROOT)
    assert text == notebook_download.to_ipynb(CHAPTER, ROOT)
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert [c.cell_type for c in notebook.cells] == ["markdown", "code", "code"]
    assert all(not c.get("outputs") for c in notebook.cells)
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)
    assert "**窓長**と**図 1**、`コード`です。" in notebook.cells[0].source
    assert notebook.cells[2].metadata["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in notebook.cells[1].metadata


def test_myst_becomes_plain_markdown(tmp_path):
    (tmp_path / "code.py").write_text("import os\n\n\ndef f(x):\n    return x + 1\n", "utf-8")
    (tmp_path / "92_other.md").write_text("# 別のページ\n", "utf-8")
    (tmp_path / "93_included.md").write_text(f"{FENCE}{{include}} 92_other.md\n{FENCE}\n", "utf-8")
    text = f"""\
{FENCE}{{literalinclude}} code.py
:language: python
:pyobject: f
{FENCE}

式 {{eq}}`eq-a`、[](92_other.md)、[](93_included.md)、[題つき](92_other.md)、[外](https://example.org/a.md)。

::::{{grid}} 1 1 3 3
:gutter: 3

:::{{grid-item-card}} 札
中身
:::
::::
"""
    plain = notebook_download.plain_markdown(text, tmp_path)
    assert "```python\ndef f(x):\n    return x + 1\n```" in plain
    assert (
        "式 (eq-a)、「別のページ」、「別のページ」、題つき、[外](https://example.org/a.md)。"
        in plain
    )
    assert "**札**\n\n中身" in plain
    assert ":::" not in plain
    with pytest.raises(ValueError, match="g がありません"):
        notebook_download.plain_markdown(text.replace("pyobject: f", "pyobject: g"), tmp_path)


def test_every_chapter_becomes_a_notebook(tmp_path, monkeypatch):
    sources = [p for p in sorted((ROOT / "book").glob("*.md"))
               if notebook_download.is_notebook(p.read_text("utf-8"))]  # fmt: skip
    assert len(sources) >= 4
    monkeypatch.setattr(sys, "argv", ["notebook_download", str(ROOT / "book"), str(tmp_path)])
    notebook_download.main()
    assert sorted(p.stem for p in tmp_path.iterdir()) == [p.stem for p in sources]
    for path in tmp_path.iterdir():
        nbformat.validate(nbformat.reads(path.read_text("utf-8"), as_version=4))
    # 読者が書きこんだノートブックは、もう一度動かしても残る
    kept = tmp_path / f"{sources[0].stem}.ipynb"
    kept.write_text("書きこみ", "utf-8")
    notebook_download.main()
    assert kept.read_text("utf-8") == "書きこみ"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (CHAPTER, True),
        ("# 題\n\nkernelspec: の話。\n", False),
        ("---\ntitle: 題\n---\n\n# 題\n", False),
        ("---\ntitle: 題\n---\n\nkernelspec:\n", False),
    ],
)
def test_only_pages_with_a_kernel_are_notebooks(text, answer):
    assert notebook_download.is_notebook(text) == answer


# --- static_widgets -------------------------------------------------------------------


def model(widget) -> dict[str, Any]:
    return dependency_state([widget], drop_defaults=False)[widget.model_id]


def quiz(why="解説</script>"):
    return Quiz.choice('問い <b> & "引用"', ["ア", "イ"], answer=0, why=why)


def test_widget_becomes_a_div_that_names_its_parts():
    div, assets = static_widgets.convert(model(quiz()))
    assert div.startswith('<div class="sstut-widget" data-spec="')
    assert "<b>" not in div  # 属性の中に閉じこめてある
    spec = json.loads(_attribute(div))
    by_kind = {a.kind: a for a in assets}
    assert spec["esm"] == by_kind["esm"].name
    assert spec["css"] == by_kind["css"].name
    assert spec["state"]["question"] == '問い <b> & "引用"'
    assert not any(key.startswith("_") for key in spec["state"])


def _attribute(div: str) -> str:
    return BeautifulSoup(div, "html.parser").div["data-spec"]


def test_same_contents_share_a_name_and_scripts_are_safe():
    first, second = (static_widgets.convert(model(quiz(why)))[1] for why in ("あ", "い"))
    assert first == second  # 問題の文はページの中にあり、部分はまったく同じ
    asset = static_widgets.Asset("data", "a</script><!--\u2028")
    assert "</script" not in asset.script()
    need_node()
    code = (
        f"const sstutStatic = {{ data: {{}} }}; {asset.script()}"
        f'console.log(JSON.stringify(sstutStatic.data["{asset.name}"]));'
    )
    run = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == asset.text


def saved(path: list[str], data: bytes, **state: Any) -> dict[str, Any]:
    """カーネルが残す形のモデル。"""
    text = base64.b64encode(data).decode()
    state = {"_esm": "export default {}", "_model_name": "X", "layout": "IPY_MODEL_1"} | state
    return {
        "state": state,
        "buffers": [{"path": path, "data": text, "encoding": "base64"}],
    }


def test_buffers_leave_the_page():
    data = bytes(range(256))
    div, assets = static_widgets.convert(saved(["mask"], data, sr=8000))
    spec = json.loads(_attribute(div))
    assert spec["state"] == {"sr": 8000}
    ((path, name, kind),) = spec["buffers"]
    assert (path, kind) == (["mask"], "data")
    (text,) = [a.text for a in assets if a.name == name]
    assert base64.b64decode(text) == data
    assert text not in div


@pytest.mark.parametrize("n_channels", [1, 2])
def test_sounds_are_packed_without_loss(n_channels):
    pcm = np.random.default_rng(0).integers(-32768, 32768, (n_channels, 500)).astype("<i2")
    packing = {"歌": [n_channels, 1.0]}
    div, assets = static_widgets.convert(
        saved(["audio", "歌"], pcm.tobytes(), sr=16000, packing=packing)
    )
    ((path, name, kind),) = json.loads(_attribute(div))["buffers"]
    assert (path, kind) == (["audio", "歌"], "flac")
    (text,) = [a.text for a in assets if a.name == name]
    decoded, sr = soundfile.read(io.BytesIO(base64.b64decode(text)), dtype="int16", always_2d=True)
    assert sr == 16000
    np.testing.assert_array_equal(decoded.T, pcm)


def test_assets_are_written_once(tmp_path):
    static_widgets.write_assets(tmp_path, {"a": "1"})
    static_widgets.write_assets(tmp_path, {"a": "2", "b": "3"})
    assert {p.name for p in tmp_path.iterdir()} == {"loader.js", "a.js", "b.js"}
    assert (tmp_path / "a.js").read_text("utf-8") == "1"


# --- 通しの試験：小さな本を、同じ拡張で何度も作る -------------------------------------

LOG = """
import os
from pathlib import Path
with Path(os.environ["SSTUT_RUN_LOG"]).open("a") as log:
    log.write("{name}\\n")
"""


def notebook_page(name: str, code: str, prose: str = "文です。") -> str:
    return f"""---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# {name} のページ

{prose}

{FENCE}{{code-cell}} ipython3
{LOG.format(name=name)}{code}
{FENCE}
"""


QUIZ = """
from sstut.widgets.quiz import Quiz
Quiz.choice("問", ["ア", "イ"], answer=0, why="訳")
"""


class TinyBook:
    """実物の設定と拡張を使う、ページの少ない本。パッケージは写しなので、書きかえてよい。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "run.log"
        self.package = folder / "src" / "sstut"
        shutil.copytree(
            ROOT / "src" / "sstut",
            self.package,
            ignore=shutil.ignore_patterns("__pycache__", "*.flac"),
        )
        shutil.copytree(ROOT / "book" / "_static", folder / "book" / "_static")
        shutil.copy(ROOT / "_config.yml", folder)
        for name, text in {
            "tiny_direct.py": "VALUE = 1\n",
            "tiny_indirect.py": "from sstut.tiny_direct import VALUE\n",
            "tiny_other.py": "VALUE = 2\n",
        }.items():
            (self.package / name).write_text(text, "utf-8")
        self.write("index", "# はじめ\n\n非負値行列因子分解の本です。\n")
        self.write("direct", notebook_page("direct", "from sstut.tiny_direct import VALUE"))
        self.write("indirect", notebook_page("indirect", "from sstut.tiny_indirect import VALUE"))
        self.write("other", notebook_page("other", "from sstut.tiny_other import VALUE"))
        self.write("widget", notebook_page("widget", QUIZ))

    def write(self, name: str, text: str) -> None:
        (self.folder / "book" / f"{name}.md").write_text(text, "utf-8")
        names = sorted(p.stem for p in (self.folder / "book").glob("*.md") if p.stem != "index")
        toc = {"format": "jb-book", "root": "book/index",
               "chapters": [{"file": f"book/{n}"} for n in names]}  # fmt: skip
        (self.folder / "_toc.yml").write_text(yaml.safe_dump(toc), "utf-8")

    def build(self) -> tuple[int, list[str], str]:
        """本を作り、(終了の番号, 実行されたページ, 出力) を返す。"""
        self.log.write_text("", "utf-8")
        command = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
        assert command is not None
        run = subprocess.run(
            [command, "build", "-W", "-n", "--keep-going", "."],
            cwd=self.folder,
            env=os.environ
            | {
                "PYTHONPATH": str(self.folder / "src"),
                "SSTUT_RUN_LOG": str(self.log),
                "NO_COLOR": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, sorted(self.log.read_text("utf-8").split()), run.stdout + run.stderr


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """全部のページを一度作った本。以下の試験は、この順に同じ本を直していく。"""
    tiny = TinyBook(tmp_path_factory.mktemp("book"))
    code, executed, output = tiny.build()
    assert code == 0, output
    assert executed == ["direct", "indirect", "other", "widget"]
    return tiny


def test_no_change_executes_nothing(book):
    code, executed, output = book.build()
    assert code == 0, output
    assert executed == []


def test_module_change_executes_exactly_its_pages(book):
    (book.package / "tiny_direct.py").write_text("VALUE = 10\n", "utf-8")
    code, executed, output = book.build()
    assert code == 0, output
    assert executed == ["direct", "indirect"]


def test_javascript_change_executes_exactly_the_widget_page(book):
    before = {p.name for p in (book.folder / "_build/html/_static/w").iterdir()}
    script = book.package / "widgets" / "js" / "ui" / "inline.js"
    script.write_text(script.read_text("utf-8") + "\n// 変えた\n", "utf-8")
    code, executed, output = book.build()
    assert code == 0, output
    assert executed == ["widget"]
    after = {p.name for p in (book.folder / "_build/html/_static/w").iterdir()}
    assert len(before) == len(after)  # 古いモジュールは片付けられ、新しい名前に替わる
    assert len(before & after) == len(after) - 1


def test_prose_edit_executes_nothing_but_shows(book):
    book.write(
        "direct", notebook_page("direct", "from sstut.tiny_direct import VALUE", "直した文です。")
    )
    book.write("index", "# はじめ\n\n直したはじめの文です。非負値行列因子分解の本です。\n")
    code, executed, output = book.build()
    assert code == 0, output
    assert executed == []
    html = book.folder / "_build" / "html" / "book"
    assert "直した文です。" in (html / "direct.html").read_text("utf-8")
    assert "直したはじめの文です。" in (html / "index.html").read_text("utf-8")
    assert "sstut-widget" in (html / "widget.html").read_text("utf-8")


def test_labels_are_japanese_and_maths_is_local(book):
    text = (book.folder / "_build/html/book/direct.html").read_text("utf-8")
    static = book.folder / "_build" / "html" / "_static"
    assert "この見出しへのリンク" in text
    assert "Link to this heading" not in text
    assert (static / "vendor" / "tex-svg-full.js").stat().st_size > 1_000_000
    assert "Apache License" in (static / "vendor" / "MathJax-LICENSE.txt").read_text("utf-8")
    assert set(ja_labels.LABELS.values()).isdisjoint(ja_labels.LABELS)


def test_plain_ipywidget_fails_the_build(book):
    code = "import ipywidgets\nipywidgets.IntSlider()"
    book.write("zz_bad", notebook_page("zz_bad", code))
    status, executed, output = book.build()
    assert executed == ["zz_bad"]
    assert status != 0
    assert "IntSliderModel は、カーネルのない HTML では動きません" in output
    assert "sstut.widgets" in output


def test_failing_cell_fails_the_build(book):
    book.write("zz_bad", notebook_page("zz_bad", "1 / 0"))
    status, _, output = book.build()
    assert status != 0
    assert "ZeroDivisionError" in output


def test_extensions_are_all_in_the_config():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    listed = {e for e in config["sphinx"]["config"]["extensions"] if e.startswith("sstut.")}
    written = {
        f"sstut.sphinxext.{p.stem}" for p in (ROOT / "src/sstut/sphinxext").glob("[a-z]*.py")
    }
    assert listed == written
    for name in listed:
        assert callable(importlib.import_module(name).setup)
