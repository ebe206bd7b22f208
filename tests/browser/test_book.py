"""できあがった本のすべてのページを、読者と同じように開く。"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"


def _pages() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [f"{file}.html" for file in files]


PAGES = _pages()


@pytest.fixture(scope="module")
def built() -> Path:
    """作った本の場所。"""
    if not (HTML / "index.html").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("CI なのに本ができていません（make book）。")
        pytest.skip("本がまだないので飛ばします（make book で作ります）。")
    return HTML


@pytest.fixture
def open_page(
    browser: Browser, built: Path, serve: Callable[[Path], str]
) -> Iterator[Callable[..., Page]]:
    """本のページを開く。ほかのホストへの要求と、コンソールのエラーがないことを終わりに確かめる。"""
    problems: list[str] = []
    contexts = []

    def start(
        name: str,
        scheme: str = "file",
        *,
        viewport: tuple[int, int] = (1280, 900),
        dark: bool = False,
    ) -> Page:
        base = built.as_uri() if scheme == "file" else serve(built)
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()

        def guard(route: Any) -> None:
            if route.request.url.startswith((base, "data:", "blob:")):
                route.continue_()
            else:
                problems.append(f"外への要求：{route.request.url}")
                route.abort()

        page.route("**/*", guard)
        page.on("pageerror", lambda error: problems.append(f"{name}: {error}"))
        page.on(
            "console",
            lambda m: problems.append(f"{name}: {m.text}") if m.type == "error" else None,
        )
        page.on(
            "requestfailed",
            lambda r: problems.append(f"読めない：{r.url}") if "blob:" not in r.url else None,
        )
        page.goto(f"{base}/{name}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert problems == []


def mount_all(page: Page) -> int:
    """すべての部品が用意されるまでスクロールし、その数を返す。"""
    widgets = page.locator(".sstut-widget")
    for i in range(widgets.count()):
        widgets.nth(i).scroll_into_view_if_needed()
        widgets.nth(i).locator("[data-ready]").first.wait_for(timeout=20_000)
    if widgets.count():
        assert page.evaluate("sstutStatic.errors") == []
    return widgets.count()


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize("name", PAGES)
def test_every_widget_is_alive(open_page: Callable[..., Page], name: str, scheme: str) -> None:
    page = open_page(name, scheme)
    expected = (HTML / name).read_text("utf-8").count('class="sstut-widget"')
    assert mount_all(page) == expected
    assert page.locator("script[type='application/vnd.jupyter.widget-view+json']").count() == 0
    formulas = page.locator(".math").count()
    if formulas:
        page.wait_for_function("MathJax.startup.promise.then(() => true)")
        assert page.locator("mjx-container").count() >= formulas
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_phone_width_and_accessibility(
    open_page: Callable[..., Page], axe: Callable[[Page], list[str]], name: str, dark: bool
) -> None:
    page = open_page(name, viewport=(375, 800), dark=dark)
    mount_all(page)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    assert axe(page) == []


@pytest.mark.parametrize(
    ("query", "chapter"),
    [
        ("音源分離", "00_introduction"),
        ("短時間フーリエ変換", "01_representations"),
        ("位相感応マスク", "02_masking"),
        ("劣決定", "00_introduction"),
    ],
)
def test_search_finds_a_compound_word_and_opens_the_page(
    open_page: Callable[..., Page], query: str, chapter: str
) -> None:
    page = open_page(f"search.html?q={query}")
    hit = page.locator(f"#search-results a[href*='{chapter}']").first
    hit.click()
    page.wait_for_url(lambda url: chapter in unquote(url))
    assert query in page.locator("article").inner_text()


def test_a_separation_is_heard_on_the_first_page(open_page: Callable[..., Page]) -> None:
    page = open_page("index.html")  # book/index.html へ移る
    page.wait_for_url("**/book/index.html")
    player = page.locator(".sst[data-ready]").first
    player.wait_for()
    power = """async (el) => {
      const { channels } = await el.sstut.render();
      return channels[0].reduce((sum, v) => sum + v * v, 0);
    }"""
    full = player.evaluate(power)
    player.get_by_role("button", name="消音").first.click()
    assert 0 < player.evaluate(power) < 0.9 * full
