"""ES モジュールのつながりを、1 つの ES モジュールの文字列にまとめる。

``file://`` で開いたページは ``import "./dsp/fft.js"`` を読めない。そこで、部品の入口が使う
ファイルを、読者に Node.js を求めずに 1 つへまとめる。依存先はそれぞれ関数の中に包むので、
名前はぶつからない。

    const __dsp_fft = (() => { …; return { RealFFT, plan }; })();
    const { plan } = __dsp_fft;          // 入口の import 文があった場所

使える書き方は、名前つきの相対 import と、``export function|class|const`` だけ
（``export default`` は入口だけ）。
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

JS = Path(__file__).resolve().parent / "js"

_IMPORT = re.compile(r'^import\s*\{([^{}]*)\}\s*from\s*"(\.{1,2}/[\w./-]+\.js)";?[ \t]*$', re.M)
_EXPORT = re.compile(
    r"^export\s+(?=(?:async\s+)?(?:function\s*\*?|class|const)\s+([A-Za-z_$][\w$]*))", re.M
)
_DEFAULT = re.compile(r"^export\s+default\b", re.M)
_OTHER = re.compile(r"^(?:import|export)\b[^\n]*", re.M)


class _Module(NamedTuple):
    path: Path
    source: str
    exports: list[str]
    imports: list[tuple[Path, list[tuple[str, str]]]]  # (依存先, [(元の名前, ここでの名前)])


def _parse(path: Path, *, entry: bool) -> _Module:
    source = path.read_text("utf-8")
    imports = []
    for names, target in _IMPORT.findall(source):
        pairs = [n.split(" as ") for n in re.split(r"\s*,\s*", " ".join(names.split())) if n]
        imports.append(((path.parent / target).resolve(), [(p[0], p[-1]) for p in pairs]))
    rest = _EXPORT.sub("", _IMPORT.sub("", source))
    if entry:
        rest = _DEFAULT.sub("", rest)
    if other := _OTHER.search(rest):
        raise ValueError(
            f"{path.name} の「{other[0]}」はまとめられません。名前つきの相対 import と、"
            "export function|class|const だけを使ってください（export default は入口だけ）。"
        )
    return _Module(path, source, _EXPORT.findall(source), imports)


def _graph(entry: str) -> list[_Module]:
    """依存先が必ず先にくる順（位相順序）に並べたモジュール。最後が入口。"""
    done: dict[Path, _Module] = {}
    open_: list[Path] = []

    def visit(path: Path) -> _Module:
        if path in open_:
            chain = " → ".join(p.name for p in [*open_[open_.index(path) :], path])
            raise ValueError(f"import が輪になっています：{chain}")
        if path in done:
            return done[path]
        if not path.is_file() or not path.is_relative_to(JS):
            origin = f"（{open_[-1].name} が import しています）" if open_ else ""
            raise ValueError(f"{path.name} が widgets/js にありません{origin}。")
        open_.append(path)
        module = _parse(path, entry=len(open_) == 1)
        for target, names in module.imports:
            missing = [n for n, _ in names if n not in visit(target).exports]
            if missing:
                raise ValueError(f"{target.name} は {missing} を export していません。")
        open_.pop()
        done[path] = module
        return module

    visit((JS / entry).resolve())
    return list(done.values())


def _scope_name(path: Path) -> str:
    return "__" + re.sub(r"\W", "_", path.relative_to(JS).with_suffix("").as_posix())


def _body(module: _Module) -> str:
    """本文の import 文を、包んだ依存先からの取り出しに置きかえた本文。"""
    targets = iter(module.imports)

    def take(_match: re.Match[str]) -> str:
        path, names = next(targets)
        picked = ", ".join(a if a == b else f"{a}: {b}" for a, b in names)
        return f"const {{ {picked} }} = {_scope_name(path)};"

    return _IMPORT.sub(take, module.source).strip()


def bundle(entry: str) -> str:
    """入口とその依存先を、1 つの ES モジュールにまとめる。

    Parameters
    ----------
    entry : str
        ``widgets/js`` から見た入口の名前。例：``"player.js"``。

    Returns
    -------
    str
        import 文のない ES モジュール。同じファイルからは、いつも同じ文字列ができる。

    Raises
    ------
    ValueError
        ファイルがない、import が輪になっている、使えない書き方がある、名前がない。

    章: index
    """
    *deps, last = _graph(entry)
    parts = [f"// {entry} と、それが使うモジュールを 1 つにまとめたもの。"]
    for module in deps:
        body = _EXPORT.sub("", _body(module))
        names = ", ".join(module.exports)
        parts.append(
            f"const {_scope_name(module.path)} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();"
        )
    return "\n\n".join([*parts, _body(last)]) + "\n"


def bundle_files(entry: str) -> list[Path]:
    """入口が直接・間接に使うファイルの一覧。ビルドが変更を見つけるのに使う。

    Parameters
    ----------
    entry : str
        ``widgets/js`` から見た入口の名前。

    Returns
    -------
    list of Path
        入口も含む絶対パス。依存先が先、入口が最後。

    Raises
    ------
    ValueError
        `bundle` と同じ。

    章: index
    """
    return [module.path for module in _graph(entry)]
