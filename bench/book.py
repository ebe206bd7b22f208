"""本を作る時間（初回と、何も変えない 2 回目）と、できたページと zip の重さを測る。

python -m bench book
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_seconds(out: Path) -> float:
    """本を ``out`` に作り、かかった秒数を返す。前回の結果があれば、それを使う。"""
    command = [str(Path(sys.executable).with_name("jupyter-book"))]
    command += ["build", "-W", "-n", "--keep-going", "--path-output", str(out), "."]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n", file=sys.stderr)
        raise SystemExit("本を作れませんでした。")
    return time.perf_counter() - start


def report(html: Path, archive: Path) -> None:
    """ページの HTML、共有する部分、zip の重さを表にする。"""
    print(f"{'ページ':30s} {'HTML [KB]':>10s} {'部品の音とコード [KB]':>14s}")
    for page in sorted(html.glob("book/*.html")):
        text = page.read_text("utf-8")
        parts = [p for p in (html / "_static" / "w").glob("*.js") if f"w/{p.name}" in text]
        used = sum(p.stat().st_size for p in parts)
        print(f"{page.stem:30s} {page.stat().st_size / 1000:10.0f} {used / 1000:14.0f}")
    shared = sum(p.stat().st_size for p in html.rglob("*") if p.is_file())
    print(f"本の全体   {shared / 1e6:6.1f} MB")
    print(f"zip        {archive.stat().st_size / 1e6:6.1f} MB")


def main(argv: list[str]) -> None:
    """作る時間と重さを測って書き出す。"""
    argparse.ArgumentParser(prog="python -m bench book", description=__doc__).parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        print(f"初回       {build_seconds(out):6.1f} 秒")
        print(f"変更なし   {build_seconds(out):6.1f} 秒")
        html = out / "_build" / "html"
        archive = Path(shutil.make_archive(str(out / "book"), "zip", html.parent, "html"))
        report(html, archive)
