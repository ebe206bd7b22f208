"""どのモジュールにも共通の試験：docstring の例が書いたとおりに動き、読み込みが軽い。"""

import doctest
import importlib
import subprocess
import sys

import pytest

MODULES = [
    "audio_signal",
    "evaluation",
    "hpss",
    "leaderboard",
    "masking",
    "mixing",
    "nmf",
    "optimization",
    "phase",
    "repetition",
    "representations",
    "separators",
    "supervised",
]
HEAVY = {"torch", "librosa", "matplotlib", "numba", "anywidget", "pandas", "sklearn"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(f"sstut.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_import_stays_light(name):
    code = (
        f"import sys, sstut.{name};"
        f"heavy = {HEAVY!r} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
