"""実行済みノートブックの anywidget を、カーネルなしで動く HTML に置きかえる Sphinx 拡張。

MyST-NB は、ページごとに部品の状態（JSON）と、出力ごとに ``widget-view+json`` を残し、外の
サーバーから RequireJS と html-manager を読もうとする。ここでは anywidget の表示を
``<div class="sstut-widget">`` に置きかえ、``static_loader.js`` が同じ ES モジュールで動かす。
モジュール・スタイル・音は、中身のハッシュを名前にして ``_static/w/<hash>.js`` へ書く。同じ音は
本全体で 1 回しか置かれない。音は、値の変わらない FLAC に縮める（int16 の半分ほどになる）。
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile as sf
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

log = logging.getLogger(__name__)

VIEW_MIME = "application/vnd.jupyter.widget-view+json"
FOLDER = "w"  # _static の下の置き場所
_VIEW = re.compile(rf'<script type="{re.escape(VIEW_MIME)}">(.*?)</script>', re.S)
_PLACEHOLDER = (
    "部品を読みこんでいます…"
    "<noscript>この部品を動かすには、JavaScript を有効にしてください。</noscript>"
)


class Asset(NamedTuple):
    """ページの外に置く 1 個の部分。

    ``kind`` は ``esm``（モジュール）、``css``、``flac``（音）、``data``（そのほか）のどれか。
    """

    kind: str
    text: str

    @property
    def name(self) -> str:
        """中身で決まる名前。同じ中身なら、どのページから呼んでも同じファイルになる。"""
        return hashlib.sha256(f"{self.kind}\0{self.text}".encode()).hexdigest()[:16]

    def script(self) -> str:
        """``file://`` でも読める、ふつうの（モジュールでない）スクリプト。"""
        text = json.dumps(self.text, ensure_ascii=False).replace("</", "<\\/")
        return f'sstutStatic.{self.kind}["{self.name}"]={text};\n'


def convert(model: dict[str, Any]) -> tuple[str, list[Asset]]:
    """保存された anywidget の 1 モデルを、置きかえ用の HTML と部分の一覧にする。

    Parameters
    ----------
    model : dict
        ``ipywidgets.embed`` や nbclient が残すモデル（``state`` と base64 の ``buffers``）。

    Returns
    -------
    div : str
        ページに入れる HTML。
    assets : list of Asset
        div が名前で指す部分。
    """
    state = model["state"]
    module = Asset("esm", state["_esm"])
    assets = [module]
    spec: dict[str, Any] = {"esm": module.name, "buffers": []}
    if state.get("_css"):
        style = Asset("css", state["_css"])
        assets.append(style)
        spec["css"] = style.name
    spec["state"] = {
        k: v
        for k, v in state.items()
        if not k.startswith("_") and k not in {"layout", "tabbable", "tooltip"}
    }
    for buffer in model.get("buffers", []):
        path, text = buffer["path"], buffer["data"]
        if path[0] == "audio" and "packing" in state:  # AudioWidget の音
            n_channels = state["packing"][path[1]][0]
            data = Asset("flac", _flac(text, n_channels, state["sr"]))
        else:
            data = Asset("data", text)
        assets.append(data)
        spec["buffers"].append([path, data.name, data.kind])
    text = html.escape(json.dumps(spec, ensure_ascii=False))
    return f'<div class="sstut-widget" data-spec="{text}">{_PLACEHOLDER}</div>', assets


def _flac(text: str, n_channels: int, sr: int) -> str:
    """base64 の int16（チャネルごとに続けて並ぶ）を、base64 の FLAC にする。"""
    pcm = np.frombuffer(base64.b64decode(text), "<i2").reshape(n_channels, -1)
    file = io.BytesIO()
    sf.write(file, pcm.T, sr, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return base64.b64encode(file.getvalue()).decode()


def loader_script() -> str:
    """部品を動かすスクリプトの本文。"""
    return resources.files("sstut.widgets").joinpath("js/static_loader.js").read_text("utf-8")


def write_assets(folder: Path, assets: dict[str, str]) -> None:
    """``{名前: スクリプト}`` のうち、まだないものを ``folder`` に書く。"""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loader.js").write_text(loader_script(), "utf-8")
    for name, script in assets.items():
        path = folder / f"{name}.js"
        if not path.exists():
            path.write_text(script, "utf-8")


def _store(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """ページ → {部分の名前: スクリプト}。環境と一緒に保存され、次のビルドでも使われる。"""
    if not hasattr(env, "sstut_assets"):
        env.sstut_assets = {}  # type: ignore[attr-defined]
    store: dict[str, dict[str, str]] = env.sstut_assets  # type: ignore[attr-defined]
    return store


def _replace_views(app: Sphinx, doctree: nodes.document) -> None:
    env, doc = app.env, app.env.docname
    _store(env).pop(doc, None)
    js_files = getattr(env, "nb_metadata", {}).get(doc, {}).get("js_files", {})
    if "ipywidgets_state" not in js_files:
        return
    models = json.loads(js_files["ipywidgets_state"][1]["body"])["state"]
    found: dict[str, str] = {}
    dead = set()
    for node in list(doctree.findall(nodes.raw)):
        match = _VIEW.fullmatch(node.astext().strip())
        if not match:
            continue
        model = models.get(json.loads(match[1])["model_id"])
        if model is None or model["model_module"] != "anywidget":
            dead.add(model["model_name"] if model else "状態が保存されていない部品")
            continue
        div, assets = convert(model)
        found |= {asset.name: asset.script() for asset in assets}
        node.replace_self(nodes.raw("", div, format="html"))
    for name in sorted(dead):
        log.warning(
            "%s は、カーネルのない HTML では動きません。sstut.widgets の部品（anywidget）を使うか、"
            "コードを動かさない例として ```python で書いてください。",
            name,
            location=doc,
            type="sstut",
            subtype="widget",
        )
    for key in [k for k in js_files if k.startswith("ipywidgets")]:
        del js_files[key]  # 外のサーバーを読みにいくスクリプトを外す
    if found:
        _store(env)[doc] = found


def _add_scripts(
    app: Sphinx, pagename: str, _template: str, _context: dict[str, Any], _doctree: object
) -> None:
    scripts = _store(app.env).get(pagename)
    if not scripts or app.builder.format != "html":
        return
    write_assets(Path(app.outdir, "_static", FOLDER), scripts)
    app.add_js_file(f"{FOLDER}/loader.js", priority=600)
    for name in scripts:
        app.add_js_file(f"{FOLDER}/{name}.js", priority=601, loading_method="defer")


def _remove_unused(app: Sphinx, exception: Exception | None) -> None:
    """どのページも使わなくなった部分を消す。"""
    if exception is not None or app.builder.format != "html":
        return
    used = {"loader"}.union(*_store(app.env).values())
    for path in Path(app.outdir, "_static", FOLDER).glob("*.js"):
        if path.stem not in used:
            path.unlink()


def _purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _store(env).pop(docname, None)


def _merge(
    _app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment
) -> None:
    _store(env).update({d: a for d, a in _store(other).items() if d in docnames})


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx に登録する。"""
    app.connect("doctree-read", _replace_views)
    app.connect("html-page-context", _add_scripts)
    app.connect("build-finished", _remove_unused)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
