"""外のサーバーに何も取りにいかず、使わないものを配らない本にする Sphinx 拡張。

数式を描く MathJax は、PyPI の ``django-static-mathjax``（Apache-2.0）に入っている
``tex-svg-full.js`` を写す。書体も拡張も含めて 1 ファイルで動くので、``file://`` でも数式が出る。
``mathjax_path`` をこの写し先に合わせておく。テーマのソースマップは読者には要らないので消す。
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def mathjax_folder() -> Path:
    """インストールされた MathJax のフォルダー。"""
    spec = importlib.util.find_spec("mathjax")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("django-static-mathjax を pip でインストールしてください。")
    return Path(spec.submodule_search_locations[0])


def _copy_mathjax(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    package = mathjax_folder() / "static" / "mathjax"
    target = Path(app.outdir, "_static", app.config.mathjax_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package / "es5" / target.name, target)
    shutil.copyfile(package / "LICENSE", target.parent / "MathJax-LICENSE.txt")


def _remove_source_maps(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir, "_static").rglob("*.map"):
            path.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("builder-inited", _copy_mathjax)
    app.connect("build-finished", _remove_source_maps)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
