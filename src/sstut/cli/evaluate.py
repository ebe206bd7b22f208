"""`sstut evaluate`：正解と推定を比べる。"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
from numpy.typing import NDArray

from sstut import evaluation
from sstut._scores import Scores
from sstut.cli._app import cli
from sstut.cli._files import SUFFIXES, echo_json, load_all, named

Array: TypeAlias = NDArray[Any]


@cli.command(options_metavar="[オプション]")
@click.option(
    "--reference", "-r", "references", required=True, multiple=True, metavar="正解",
    type=click.Path(path_type=Path), help="正解のファイル（くり返す）かフォルダー",
)  # fmt: skip
@click.option(
    "--estimate", "-e", "estimates", required=True, multiple=True, metavar="推定",
    type=click.Path(path_type=Path), help="推定のファイル（くり返す）かフォルダー",
)  # fmt: skip
@click.option("--mixture", type=click.Path(path_type=Path), metavar="混合音", help="改善量も出す")
@click.option("--any-order", is_flag=True, help="推定の順を、SI-SDR が最も良い順に直す")
@click.option("--json", "as_json", is_flag=True, help="JSON で出す")
def evaluate(
    references: Sequence[Path],
    estimates: Sequence[Path],
    mixture: Path | None,
    any_order: bool,
    as_json: bool,
) -> None:
    """正解と推定を比べ、音源ごとの評価値を出す。

    名前がそろっていれば名前で、そうでなければ並べた順で対応させる。
    """
    pairs = _match(_expand(references), _expand(estimates))
    s, sr = load_all([reference for reference, _ in pairs])
    e, _ = load_all([estimate for _, estimate in pairs], sr, s.shape[1:])
    x = None if mixture is None else load_all([mixture], sr, s.shape[1:])[0][0]
    found = [estimate for _, estimate in pairs]
    if any_order:
        order = evaluation.best_order(s, e)
        e, found = e[order], [found[k] for k in order]
    names = _labels([reference for reference, _ in pairs], found)
    scores = _scores(s, e, x, names, sr)
    if as_json:
        echo_json({"sr": sr, "n_channels": s.shape[1], "scores": scores.rows})
    else:
        click.echo(scores)


def _expand(paths: Iterable[Path]) -> dict[str, Path]:
    """フォルダーを、中の音のファイルに広げ、名前を付ける。"""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix[1:].lower() in SUFFIXES)
            if not inside:
                raise ValueError(f"{path} に音のファイルがありません。")
            files += inside
        else:
            files.append(path)
    return named(files)


def _match(
    references: Mapping[str, Path], estimates: Mapping[str, Path]
) -> list[tuple[Path, Path]]:
    """正解と推定を、名前（そろわなければ並べた順）で対応させる。"""
    if set(references) <= set(estimates):
        return [(path, estimates[name]) for name, path in references.items()]
    if len(references) != len(estimates):
        missing = "、".join(name for name in references if name not in estimates)
        raise ValueError(
            f"正解は {len(references)} 個、推定は {len(estimates)} 個で、対応が決まりません"
            f"（推定にない名前：{missing}）。"
        )
    return list(zip(references.values(), estimates.values(), strict=True))


def _labels(references: Sequence[Path], estimates: Sequence[Path]) -> list[str]:
    """表の行の名前。推定の名前が違えば、並べて示す。"""
    return [
        r.stem if r.stem == e.stem else f"{r.stem} ← {e.stem}"
        for r, e in zip(references, estimates, strict=True)
    ]


def _scores(s: Array, e: Array, x: Array | None, names: Sequence[str], sr: int) -> Scores:
    """1 チャネルなら BSS Eval v3、2 チャネル以上なら MDX の SDR と BSS Eval v4 の中央値。"""
    if s.shape[1] == 1:
        mixture = None if x is None else x[0]
        return evaluation.score(s[:, 0], e[:, 0], mixture=mixture, names=names)
    flat_s, flat_e = s.reshape(len(s), -1), e.reshape(len(e), -1)
    sdr, isr, sir, sar, _ = evaluation.bss_eval_framewise(s, e, window=sr, hop=sr)
    columns = {
        "SI-SDR": evaluation.si_sdr(flat_s, flat_e),
        "SDR(MDX)": evaluation.sdr_mdx(s, e),
        "SDR(v4)": evaluation.window_median(sdr),
        "ISR(v4)": evaluation.window_median(isr),
        "SIR(v4)": evaluation.window_median(sir),  # 音源が 1 つなら、干渉はなく無限大
        "SAR(v4)": evaluation.window_median(sar),
    }
    if x is not None:
        metric = evaluation.si_sdr
        columns["SI-SDRi"] = evaluation.improvement(metric, flat_s, flat_e, x.ravel())
    return Scores(
        {name: {k: float(v[j]) for k, v in columns.items()} for j, name in enumerate(names)}
    )
