"""数式を描く MathJax を、外のサーバーからではなく本と一緒に配る Sphinx 拡張。

PyPI の ``django-static-mathjax``（Apache-2.0）に入っている ``tex-svg-full.js`` は、書体も拡張も
含めて 1 ファイルで動くので、``file://`` でも数式が出る。``mathjax_path`` を
この写し先に合わせておく。
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def _package_folder() -> Path:
    spec = importlib.util.find_spec("mathjax")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("django-static-mathjax を pip でインストールしてください。")
    return Path(spec.submodule_search_locations[0])


def _copy(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    package = _package_folder() / "static" / "mathjax"
    target = Path(app.outdir, "_static", app.config.mathjax_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package / "es5" / target.name, target)
    shutil.copyfile(package / "LICENSE", target.parent / "MathJax-LICENSE.txt")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("builder-inited", _copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
