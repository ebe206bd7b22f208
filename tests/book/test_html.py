"""できあがった本（_build/html）：外に頼らず、軽く、途切れたリンクや死んだ部品がない。"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from sstut.sphinxext.notebook_download import to_ipynb

MAX_HTML = 300_000  # ページ自身の HTML の上限 [バイト]。共有の部品や音は別のファイルにある
LOADING = {  # 開いただけで読みにいく属性
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "source": ("src", "srcset"),
    "embed": ("src",),
    "object": ("data",),
    "link": ("href",),
}
EXTERNAL = re.compile(r"^\s*(?:https?:|wss?:)?//", re.I)
CSS_EXTERNAL = re.compile(r"""(?:url\(|@import)\s*['"]?\s*(?:https?:)?//[^'")\s]+""", re.I)
# 検索の試験。本文に出てくる複合語、仮名まじり、1 字、英字
QUERIES = [
    "音源分離", "短時間フーリエ変換", "時間周波数ビン", "標本化周波数", "重畳加算", "混合音",
    "ミュージカルノイズ", "窓", "複素数", "マスク", "STFT", "librosa",
]  # fmt: skip
REPLAY = """
const [folder, queries] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const { readFileSync } = require("node:fs"), vm = require("node:vm");
const page = {
  document: { documentElement: { dataset: { content_root: "./" } }, getElementById: () => null },
  SPHINX_HIGHLIGHT_ENABLED: false, DOCUMENTATION_OPTIONS: {}, _ready: () => {}, _: (x) => x,
};
page.window = page;
vm.createContext(page);
for (const name of ["_static/language_data.js", "_static/searchtools.js", "searchindex.js"]) {
  vm.runInContext(readFileSync(`${folder}/${name}`, "utf8"), page);
}
page.queries = queries;
const found = vm.runInContext(
  "queries.map((q) => Search._performSearch(...Search._parseQuery(q)).map((r) => r[0]))", page);
console.log(JSON.stringify(found));
"""


def html_files(folder):
    return sorted(p for p in folder.rglob("*.html") if "_static" not in p.parts)


def external_requests(soup):
    """開いただけで、ほかのホストへ行く属性の値。"""
    found = []
    for name, attributes in LOADING.items():
        for tag in soup.find_all(name):
            if name == "link" and "canonical" in tag.get("rel", []):
                continue
            found += [tag[a] for a in attributes if EXTERNAL.match(tag.get(a, ""))]
    styles = [tag.string or "" for tag in soup.find_all("style")]
    styles += [tag["style"] for tag in soup.find_all(style=True)]
    return found + [m[0] for style in styles for m in CSS_EXTERNAL.finditer(style)]


def broken_links(path, soup, read):
    """同じ本の中を指しているのに、行き先のないリンク。"""
    found = []
    for tag in soup.find_all("a", href=True):
        link = urlsplit(tag["href"])
        if link.scheme or link.netloc or not tag["href"].strip("#"):
            continue
        target = (path.parent / unquote(link.path)).resolve() if link.path else path
        anchor = unquote(link.fragment)
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file() or (
            anchor and target.suffix == ".html" and not read(target).find(id=anchor)
        ):
            found.append(tag["href"])
    return found


def test_every_page_is_built(html, pages):
    built = {p.relative_to(html).as_posix() for p in html_files(html)}
    assert {f"book/{page.name}.html" for page in pages} <= built


def test_nothing_is_requested_from_another_host(html, soup):
    found = {p.name: external_requests(soup(p)) for p in html_files(html)}
    assert {name: urls for name, urls in found.items() if urls} == {}


def test_stylesheets_request_nothing_from_another_host(html):
    sheets = list((html / "_static").rglob("*.css"))
    assert sheets
    assert {p.name: CSS_EXTERNAL.findall(p.read_text("utf-8")) for p in sheets} == {
        p.name: [] for p in sheets
    }


def test_pages_are_light(html):
    heavy = {p.name: p.stat().st_size for p in html_files(html) if p.stat().st_size > MAX_HTML}
    assert heavy == {}


def test_every_image_has_alt_text(html, soup):
    bare = [
        f"{p.name}: {tag.get('src')}"
        for p in html_files(html)
        for tag in soup(p).find_all("img")
        if not tag.get("alt", "").strip() or tag["alt"].strip() == tag.get("src")
    ]
    assert bare == []


def test_every_internal_link_arrives(html, soup):
    found = {p.name: broken_links(p.resolve(), soup(p), soup) for p in html_files(html)}
    assert {name: links for name, links in found.items() if links} == {}


def test_local_scripts_styles_and_images_exist(html, soup):
    lost = []
    for path in html_files(html):
        for name, attribute in (("script", "src"), ("img", "src"), ("link", "href")):
            for tag in soup(path).find_all(name):
                url = urlsplit(tag.get(attribute) or "#")
                local = not url.scheme and not url.netloc and url.path
                if local and not (path.parent / unquote(url.path)).is_file():
                    lost.append(f"{path.name}: {url.path}")
    assert lost == []


def test_widgets_find_their_parts(html, soup, pages):
    """部品の指すモジュール・スタイル・音が、そのページで読まれる。"""
    for page in pages:
        path = html / "book" / f"{page.name}.html"
        scripts = {
            Path(urlsplit(t["src"]).path).name for t in soup(path).find_all("script", src=True)
        }
        widgets = soup(path).select(".sstut-widget")
        for widget in widgets:
            spec = json.loads(widget["data-spec"])
            names = [spec["esm"], *([spec["css"]] if "css" in spec else [])]
            names += [buffer[1] for buffer in spec["buffers"]]
            for name in names:
                assert f"{name}.js" in scripts
                assert (html / "_static" / "w" / f"{name}.js").is_file()
        assert not widgets or "loader.js" in scripts
        made = sum(
            len(re.findall(r"^(?:Quiz\.|\w*(?:Player|Explorer)\()", c.body, re.M))
            for c in page.cells
        )
        assert len(widgets) >= made


def test_no_widget_waits_for_a_kernel(html):
    for path in html_files(html):
        text = path.read_text("utf-8")
        assert "widget-view+json" not in text, path.name
        assert "widget-state+json" not in text, path.name


def test_no_cell_shows_an_error(html, soup):
    for path in html_files(html):
        for kind in (".traceback", ".stderr"):
            assert [t.get_text()[:200] for t in soup(path).select(f".cell_output {kind}")] == []


def test_solutions_are_right_and_questions_are_open(html, soup, notebook):
    """解答のセルの check は全部「正解」で、問いのセルの判定は「正解」ではない。"""
    page = soup(html / "book" / f"{notebook.name}.html")
    cells = page.select("div.cell")
    assert len(cells) == len(notebook.cells)
    for source, cell in zip(notebook.cells, cells, strict=True):
        checks = len(re.findall(r"\bcheck\.\w+\(", source.body))
        levels = [t["data-level"] for t in cell.select(".sstut-verdict")]
        # 途中の判定は display() で見せる。見えない判定は、誰も確かめられない
        assert len(levels) == checks, f"{checks} 個の check のうち {len(levels)} 個しか見えません。"
        if source.is_solution:
            assert set(levels) == {"正解"}, source.body
        else:
            assert "正解" not in levels, f"問いのままで正解になります：{source.body}"


def test_search_finds_compound_words(html, soup, pages):
    if shutil.which("node") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI なのに Node.js がありません。")
        pytest.skip("Node.js がないので、検索の試験を飛ばします。")
    run = subprocess.run(
        ["node", "-e", REPLAY],
        input=json.dumps([str(html), [*QUERIES, "存在しない複合語"]]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    *found, nothing = json.loads(run.stdout)
    assert nothing == []
    for query, names in zip(QUERIES, found, strict=True):
        holding = set()
        for page in pages:
            article = soup(html / "book" / f"{page.name}.html").select_one("article, main")
            if query.lower() in article.get_text().lower():
                holding.add(f"book/{page.name}")
        assert holding, f"{query} はどのページにもありません。試験の語を選びなおします。"
        assert holding <= set(names), f"{query}：{holding - set(names)} が見つかりません。"


def test_notebooks_are_downloadable(html, soup, notebook, root):
    path = html / "_sources" / "book" / f"{notebook.name}.ipynb"
    text = path.read_text("utf-8")
    source = root / "book" / f"{notebook.name}.md"
    assert text == to_ipynb(source.read_text("utf-8"), source.parent)
    nbformat.validate(nbformat.reads(text, as_version=4))
    links = [
        a["href"] for a in soup(html / "book" / f"{notebook.name}.html").find_all("a", href=True)
    ]
    assert any(link.endswith(f"{notebook.name}.ipynb") for link in links)


# --- 規則そのものの試験 ---------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<img src="HTTP://cdn.example/x.png" alt="x">',
        '<iframe src="https://cdn.example/"></iframe>',
        "<style>@font-face { src: url( 'https://cdn.example/f.woff2') }</style>",
        '<p style="background: url(//cdn.example/x.png)">文</p>',
        '<style>@import "https://cdn.example/x.css";</style>',
    ],
)
def test_planted_requests_are_found(soup, tmp_path, tag):
    (tmp_path / "bad.html").write_text(tag, "utf-8")
    assert len(external_requests(soup(tmp_path / "bad.html"))) == 1
    (tmp_path / "good.html").write_text('<a href="https://example.org/">リンク</a>', "utf-8")
    assert external_requests(soup(tmp_path / "good.html")) == []


def test_planted_broken_links_are_found(soup, tmp_path):
    (tmp_path / "b.html").write_text('<p id="ある">文</p>', "utf-8")
    links = ["b.html", "b.html#ある", "#", "https://example.org/x", "mailto:a@example.org"]
    lost = ["c.html", "b.html#ない", "#どこ"]
    text = "".join(f'<a href="{link}">x</a>' for link in links + lost)
    (tmp_path / "a.html").write_text(text, "utf-8")
    path = (tmp_path / "a.html").resolve()
    assert broken_links(path, soup(path), soup) == lost
