"""部品を、本のページと同じ形で Chromium に開く道具。

Chromium がないとき、手元では理由を出して飛ばし、CI では失敗させる。
"""

from __future__ import annotations

import base64
import functools
import html
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ipywidgets.embed import dependency_state
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from sstut.sphinxext.static_widgets import convert, write_assets

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # マイクの代わりに、決まった音を返す（許可の問いには自動で「はい」）
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PAGE = """<!doctype html>
<html lang="ja" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>部品の試験</title>
<style>
html {{ font-family: "Noto Sans CJK JP", sans-serif; background: #fff; color: #1d2330; }}
html[data-theme="dark"] {{ color-scheme: dark; background: #121417; color: #e8ebf1; }}
body {{ max-width: 820px; margin: 0 auto; padding: 16px; }}
</style>
<script src="w/loader.js"></script>
{scripts}
</head>
<body><main><h1>部品の試験</h1>
{divs}
</main></body></html>
"""
# Float32Array は base64 で渡す（JSON の数の列にすると遅い）
TO_BASE64 = """(x) => {
  const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
}"""


def missing(what: str) -> None:
    """足りないものがあるとき：CI では失敗、手元では理由を出して飛ばす。"""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI なのに {what} がありません。")
    pytest.skip(f"{what} がないので、ブラウザの試験を飛ばします。")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """試験のあいだ 1 つだけ動かす Chromium。"""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium（PATH か環境変数 CHROMIUM）")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """開いたページと、その上の部品。"""

    page: Page
    errors: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    def root(self, index: int = 0) -> Locator:
        """``index`` 番目の部品の根の要素。"""
        return self.page.locator(".sst").nth(index)

    def call(self, code: str, argument: Any = None, index: int = 0) -> Any:
        """部品の取っ手 ``w`` と引数 ``a`` を使う JavaScript の式の値。"""
        return self.root(index).evaluate(
            f"async (el, a) => {{ const w = el.sstut; return ({code}); }}", argument
        )

    def state(self, index: int = 0) -> dict[str, Any]:
        return self.call("w.state()", index=index)

    def sound(self, name: str, index: int = 0) -> np.ndarray:
        """部品が持つ音（ステレオは左右の平均）。"""
        return _floats(self.call(f"({TO_BASE64})(w.sound(a))", name, index))

    def render(self, options: dict[str, Any] | float | None = None, index: int = 0) -> np.ndarray:
        """いま聞こえる音。形は (n_channels, n_samples)。"""
        code = f"(await w.render(a ?? undefined)).channels.map({TO_BASE64})"
        return np.stack([_floats(text) for text in self.call(code, options, index)])

    def wait(self, condition: str, argument: Any = None, index: int = 0) -> None:
        """取っ手 ``w`` と引数 ``a`` を使う条件が成り立つまで待つ。"""
        self.page.wait_for_function(
            "([i, a]) => { const w = document.querySelectorAll('.sst')[i].sstut;"
            f" return ({condition}); }}",
            arg=[index, argument],
        )

    def status(self, index: int = 0) -> str:
        return self.root(index).locator(".sst-status").inner_text()

    def drop(self, name: str, data: bytes, kind: str = "", index: int = 0) -> None:
        """ファイルを部品の上に落とす。"""
        transfer = self.page.evaluate_handle(
            """([name, text, type]) => {
              const transfer = new DataTransfer();
              const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
              transfer.items.add(new File([bytes], name, { type }));
              return transfer;
            }""",
            [name, base64.b64encode(data).decode(), kind],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.root(index).dispatch_event(event, {"dataTransfer": transfer})

    def overflow(self) -> int:
        """ページが横にはみ出している量 [px]。"""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def too_small(self, index: int = 0) -> list[str]:
        """指で押すには小さい（40 px 未満の）操作の HTML。"""
        return self.root(index).evaluate(
            """(el) => [...el.querySelectorAll(
                'button, select, input[type=range], label:has(input), summary')]
              .filter((x) => x.offsetParent && Math.min(x.offsetWidth, x.offsetHeight) < 40)
              .map((x) => x.outerHTML)"""
        )

    def cut_text(self, index: int = 0) -> list[str]:
        """横にはみ出して読めない文の HTML。"""
        return self.root(index).evaluate(
            """(el) => [...el.querySelectorAll(
                'p, dd, dt, td, th, li, label, figcaption, .sst-value')]
              .filter((x) => x.offsetParent && x.scrollWidth > x.clientWidth + 1)
              .filter((x) => !x.closest('.sst-hidden'))
              .map((x) => x.outerHTML)"""
        )

    def tab_through(self, index: int = 0) -> tuple[set[str], dict[str, tuple[str, str]]]:
        """Tab で着くはずの操作の番号と、実際に着いた操作の番号 → (名前, 輪郭の線)。"""
        wanted = self.root(index).evaluate(
            """(el) => {
              const all = [...el.querySelectorAll(
                'button, select, input, summary, [tabindex="0"]')];
              all.forEach((x, i) => { x.dataset.stop = i; });
              const stops = all.filter((x) => x.offsetParent && !x.disabled && x.tabIndex >= 0
                && !(x.type === 'radio' && !x.checked));
              return stops.map((x) => x.dataset.stop);
            }"""
        )
        reached = {}
        for _ in range(len(wanted) + 6):
            self.page.keyboard.press("Tab")
            stop, name, outline = self.page.evaluate(
                """() => {
                  const el = document.activeElement;
                  const name = el.getAttribute('aria-label')
                    ?? el.labels?.[0]?.textContent ?? el.textContent;
                  const shown = el.matches('[type=radio]') ? el.closest('label') : el;
                  return [el.dataset.stop, name, getComputedStyle(shown).outlineStyle];
                }"""
            )
            if stop is not None:
                reached[stop] = (name.strip(), outline)
        return set(wanted), reached


def _floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def write_page(folder: Path, widgets: list[Any], *, dark: bool = False) -> Path:
    """部品を並べた、カーネルなしで動くページを書く。"""
    divs, scripts = [], {}
    for widget in widgets:
        model = dependency_state([widget], drop_defaults=False)[widget.model_id]
        div, assets = convert(model)
        divs.append(div)
        scripts |= {asset.name: asset.script() for asset in assets}
    write_assets(folder / "w", scripts)
    tags = "\n".join(f'<script defer src="w/{html.escape(name)}.js"></script>' for name in scripts)
    page = folder / "index.html"
    theme = "dark" if dark else "light"
    page.write_text(PAGE.format(theme=theme, scripts=tags, divs="\n".join(divs)), "utf-8")
    return page


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """記録を出さない。"""


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """フォルダーを http で配る。返り値は URL の頭。"""
    servers = []

    def start(folder: Path) -> str:
        handler = functools.partial(_Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def open_widget(
    browser: Browser, serve: Callable[[Path], str], tmp_path: Path
) -> Iterator[Callable[..., Opened]]:
    """部品（1 つでも並びでも）をページに開く。

    ほかのホストへの要求は断ち、試験の終わりに、断った要求・コンソールのエラー・例外がないことを
    確かめる。``allow_errors=True`` なら、エラーの検査だけは試験に任せる。
    """
    opened: list[tuple[Opened, bool]] = []

    def start(
        widgets: Any,
        scheme: str = "file",
        *,
        viewport: tuple[int, int] = (1000, 900),
        dark: bool = False,
        touch: bool = False,
        scale: float = 1,
        permissions: tuple[str, ...] = (),
        allow_errors: bool = False,
        wait: bool = True,
    ) -> Opened:
        widgets = widgets if isinstance(widgets, list) else [widgets]
        folder = tmp_path / f"page{len(opened)}"
        path = write_page(folder, widgets, dark=dark)
        base = folder.as_uri() if scheme == "file" else serve(folder)
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            is_mobile=touch,
            device_scale_factor=scale,
            permissions=list(permissions),
            accept_downloads=True,
        )
        page = context.new_page()
        result = Opened(page)
        opened.append((result, allow_errors))

        def guard(route: Any) -> None:
            if route.request.url.startswith((base, "data:", "blob:")):
                route.continue_()
            elif not route.request.url.endswith("/favicon.ico"):
                result.blocked.append(route.request.url)
                route.abort()
            else:
                route.fulfill(status=204)

        page.route("**/*", guard)
        page.on("pageerror", lambda error: result.errors.append(str(error)))
        page.on(
            "console",
            lambda message: result.errors.append(message.text) if message.type == "error" else None,
        )
        page.goto(f"{base}/{path.name}")
        if wait:
            # 画面に近い部品だけが用意される。用意の始まったものが、すべてできあがるまで待つ。
            page.wait_for_function(
                """() => {
                  const begun = [...document.querySelectorAll('.sstut-widget[data-mounted]')];
                  const done = (el) => el.querySelector('.sst[data-ready]');
                  return sstutStatic.errors.length > 0 || (begun.length > 0 && begun.every(done));
                }"""
            )
            assert page.evaluate("sstutStatic.errors") == []
        return result

    yield start
    for result, allow_errors in opened:
        result.page.context.close()
        assert result.blocked == []
        assert allow_errors or result.errors == []


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """axe-core の重い違反（serious と critical）を、読める形で返す関数。"""
    if not AXE.is_file():
        missing("axe-core（npm ci で入る）")
    source = AXE.read_text("utf-8")

    def run(page: Page) -> list[str]:
        page.evaluate(source)
        result = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")
        return [
            f"{v['impact']} {v['id']}: {v['nodes'][0]['html']} {v['nodes'][0]['failureSummary']}"
            for v in result["violations"]
            if v["impact"] in ("serious", "critical")
        ]

    return run
