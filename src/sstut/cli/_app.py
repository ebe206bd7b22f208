"""コマンドの土台：日本語の説明と、日本語の 1 文の誤り。"""

import errno
import signal
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import click

import sstut

REASONS = {
    errno.EACCES: "許可がありません",
    errno.EPERM: "許可がありません",
    errno.ENOSPC: "ディスクに空きがありません",
    errno.ENOENT: "見つかりません",
    errno.EEXIST: "同じ名前のファイルがあります",
    errno.ENOTDIR: "途中にフォルダーでないものがあります",
    errno.EISDIR: "フォルダーです",
    errno.EROFS: "書き込めない場所です",
    errno.ENAMETOOLONG: "名前が長すぎます",
}


class _Formatter(click.HelpFormatter):
    """見出しを日本語にした説明。"""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or "使い方: ")

    def write_heading(self, heading: str) -> None:
        super().write_heading({"Options": "オプション", "Commands": "コマンド"}[heading])

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        rows = [(name, text.replace("[required]", "（必須）")) for name, text in rows]
        super().write_dl(rows, col_max, col_spacing)


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    context_class = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "この説明を表示する"
        return option


class _Group(Command, click.Group):
    command_class = Command


@click.group(
    cls=_Group,
    options_metavar="[オプション]",
    subcommand_metavar="コマンド …",
    no_args_is_help=True,
)
@click.version_option(sstut.__version__, message="%(version)s", help="版を表示する")
def cli() -> None:
    """音源分離の道具。「聴いて触って学ぶ音源分離」の手法を使う。"""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """コマンドを動かし、終了コードを付けて終わる。"""
    signal.signal(signal.SIGTERM, _terminate)
    code = 2
    try:
        code = cli.main(args, prog_name="sstut", standalone_mode=False) or 0
    except (click.Abort, KeyboardInterrupt):
        click.echo("中断しました。", err=True)
        code = 130
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.format_message(), err=True)
    except click.UsageError as e:
        click.echo(f"エラー：{_japanese(e)}", err=True)
    except ValueError as e:
        click.echo(f"エラー：{e}", err=True)
    except BrokenPipeError:
        sys.stdout = None  # 読み手がいなくなった（`| head` など）。終わるときに書き出させない
        code = 1
    except OSError as e:
        reason = REASONS.get(e.errno or 0, e.strerror or str(e))
        click.echo(
            f"エラー：{e.filename or 'ファイル'} を読み書きできません（{reason}）。", err=True
        )
    except MemoryError:
        click.echo("エラー：メモリが足りません。短い音で試してください。", err=True)
    sys.exit(code)


def _terminate(signum: int, frame: Any) -> NoReturn:
    """止められたときも、Ctrl-C と同じく書きかけのファイルを消してから終わる。"""
    raise KeyboardInterrupt


def _reason(error: OSError) -> str:
    """OS の英語の誤りを、日本語の 1 文にする。"""
    if error.errno is None:  # sstut が日本語の文を付けたもの
        return str(error)
    reason = REASONS.get(error.errno, error.strerror)
    return f"{error.filename or 'ファイル'} を読み書きできません（{reason}）。"


def _japanese(error: click.UsageError) -> str:
    """Click の英語の誤りを、日本語の 1 文にする。"""
    match error:
        case click.exceptions.NoSuchCommand():
            known = "、".join(sorted(cli.commands))
            return f"{error.command_name} というコマンドはありません。使えるのは {known} です。"
        case click.NoSuchOption():
            return f"{error.option_name} というオプションはありません。--help で確かめてください。"
        case click.MissingParameter() if error.param is not None:
            names = [*error.param.opts, error.param.make_metavar(click.Context(cli))]
            return f"{names[0] if names[0].startswith('-') else names[-1]} を指定してください。"
        case click.BadOptionUsage():
            return f"{error.option_name} の使い方が違います。--help で確かめてください。"
        case _:
            return "引数が多すぎるか、書き方が違います。--help で確かめてください。"
