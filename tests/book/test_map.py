"""章・モジュール・試験・部品が、1 つの名前（stem）でつながっている。"""

from __future__ import annotations

import ast
import re

import pytest
import yaml

# 章を持たないモジュール。何のためのものかは、名前が言っている
SHARED = {"check", "cli", "data", "networks", "plots", "separators"}
SHARED_WIDGETS = {"player", "quiz"}
# 実装と試験が先にでき、章がまだないモジュール。章ができたら、ここから外す
UNWRITTEN: set[str] = set()


def public_functions(source):
    """モジュールの、下線で始まらない関数とクラス。"""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n for n in ast.parse(source).body if isinstance(n, kinds) and n.name[0] != "_"]


def public_stems(folder):
    """フォルダーの中の、下線で始まらないモジュールとパッケージの名前。"""
    files = {p.stem for p in folder.glob("*.py")}
    packages = {p.parent.name for p in folder.glob("*/__init__.py")}
    return {name for name in files | packages if name[0] != "_"}


def module_functions(root, stem):
    """章のモジュールが公開する関数とクラス。パッケージなら `__all__` に並べたもの。"""
    place = root / "src" / "sstut" / stem
    if not place.is_dir():
        return public_functions(place.with_suffix(".py").read_text("utf-8"))
    exported = set(exported_names((place / "__init__.py").read_text("utf-8")))
    sources = [path.read_text("utf-8") for path in sorted(place.glob("*.py"))]
    return [f for source in sources for f in public_functions(source) if f.name in exported]


def exported_names(source):
    """`__all__` に並べた名前。"""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return []


def test_table_of_contents_lists_every_page_in_order(pages, root):
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    listed = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    written = [f"book/{page.name}" for page in pages]
    assert toc["root"] == written[0] == "book/index"
    assert listed == written[1:]


def test_numbers_and_stems_are_unique(pages):
    numbers = [re.match(r"\d\d(?=_)", page.name)[0] for page in pages[1:]]
    assert len(set(numbers)) == len(numbers)
    assert len({page.stem for page in pages}) == len(pages)


def test_every_chapter_has_its_module_and_tests(chapter, root):
    assert module_functions(root, chapter.stem)
    assert (root / "tests" / f"test_{chapter.stem}.py").is_file()


def test_every_module_has_its_chapter(pages, root):
    stems = {page.stem for page in pages if page.has_module}
    modules = public_stems(root / "src" / "sstut") - SHARED - {"sphinxext", "widgets"}
    assert modules - UNWRITTEN == stems
    assert modules - stems >= UNWRITTEN


@pytest.mark.parametrize("kind", ["js", "tests"])
def test_every_widget_has_its_script_and_tests(pages, root, kind):
    widgets = public_stems(root / "src" / "sstut" / "widgets") - {"js", "css"}
    stems = {page.stem for page in pages if page.has_module}
    assert widgets - SHARED_WIDGETS <= stems
    if kind == "js":
        scripts = (root / "src" / "sstut" / "widgets" / "js").glob("*.js")
        assert {p.stem for p in scripts} - {"static_loader"} == widgets
    else:
        tests = (root / "tests" / "browser").glob("test_*.py")
        assert widgets <= {p.stem.removeprefix("test_") for p in tests}


def test_every_public_function_appears_in_its_chapter(chapter, root):
    functions = module_functions(root, chapter.stem)
    names = [f.name for f in functions if isinstance(f, ast.FunctionDef)]
    unnamed = [n for n in names if not re.search(rf"\b{n}\b", chapter.text)]
    assert unnamed == []


def test_docstrings_end_with_their_chapter(chapter, root):
    wrong = []
    for function in module_functions(root, chapter.stem):
        lines = (ast.get_docstring(function) or "").splitlines()
        if not lines or lines[-1] != f"章: {chapter.stem}":
            wrong.append(function.name)
    assert wrong == []


def test_shown_code_exists_and_fits_the_page(chapter, root):
    """本文に写す関数は、本当にあり、40 行ほどに収まる。"""
    shown = [i for i in chapter.items if getattr(i, "kind", "") == "literalinclude"]
    assert shown
    for block in shown:
        source = (root / "book" / block.argument).resolve().read_text("utf-8")
        found = {f.name: f for f in public_functions(source)}
        name = block.options["pyobject"]
        assert name in found, f"{block.argument} に {name} がありません。"
        body = found[name].body
        # docstring は本文の一部として読むので、コードだけを数える
        first = body[1] if ast.get_docstring(found[name]) and len(body) > 1 else body[0]
        assert found[name].end_lineno - first.lineno < 40, f"{name} は長すぎます。"


def test_public_functions_are_found():
    source = "def shown(): ...\ndef _hidden(): ...\nclass Thing:\n    def method(self): ...\n"
    assert [f.name for f in public_functions(source)] == ["shown", "Thing"]
    assert exported_names('__all__ = ["shown", "Thing"]') == ["shown", "Thing"]
