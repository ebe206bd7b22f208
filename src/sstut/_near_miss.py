"""よくある間違いを見つける：正解を「間違えてみて」、学習者の答えと比べる。

どの関数も、間違いの説明（日本語の文）か、見つからないときは空の文字列を返す。正解そのものを
明かさないように、説明には学習者の答えと正解の「違い方」だけを書く。
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Slip = tuple[str, Callable[[Array], Array]]

# 正解に施すと、その間違いをした人の答えになる変形。上から順に試す
_SLIPS: tuple[Slip, ...] = (
    ("符号が逆です。", np.negative),
    ("複素共役になっています（虚部の符号が逆です）。", np.conj),
    ("実部だけになっています。複素数のまま答えてください。", np.real),
    ("虚部だけになっています。複素数のまま答えてください。", np.imag),
    ("絶対値になっています。", np.abs),
    ("度とラジアンを取り違えています（答えはラジアンです）。", lambda e: e * (180 / np.pi)),
    ("度とラジアンを取り違えています（答えは度です）。", lambda e: e * (np.pi / 180)),
    ("2 乗した値です。振幅とパワーを確かめましょう。", lambda e: np.abs(e) ** 2),
    ("平方根を取った値です。振幅とパワーを確かめましょう。", lambda e: np.sqrt(np.abs(e))),
    ("dB にした値です。dB に直す前の値を答えてください。", lambda e: 20 * np.log10(np.abs(e))),
    ("dB にした値です。dB に直す前の値を答えてください。", lambda e: 10 * np.log10(np.abs(e))),
    ("dB に直す前の値です。", lambda e: 10 ** (np.real(e) / 20)),
    ("dB に直す前の値です。", lambda e: 10 ** (np.real(e) / 10)),
)
_ARRAY_SLIPS: tuple[Slip, ...] = (
    ("転置すると合います（最後の 2 つの軸が入れかわっています）。", lambda e: e.swapaxes(-1, -2)),
    ("最後の軸の向きが逆です。", lambda e: e[..., ::-1]),
    ("1 から引いた値（反転したマスク）になっています。", lambda e: 1 - e),
)
# 実数で答えるはずが複素数になっているとき、答えのほうに施すと正解になる変形
_COMPLEX_SLIPS: tuple[Slip, ...] = (
    ("複素数になっています。実部を取ると合います。", np.real),
    ("複素数になっています。絶対値を取ると合います。", np.abs),
    ("複素数になっています。絶対値の 2 乗を取ると合います。", lambda a: np.abs(a) ** 2),
)
_NICE_FACTORS = {
    "2": 2,
    "√2": np.sqrt(2),
    "π": np.pi,
    "2π": 2 * np.pi,
    "10": 10,
    "100": 100,
    "1000": 1000,
}


def explain(actual: Array, expected: Array, *, unit: str = "") -> str:
    """正解と合わなかった答えの、間違いの型を説明する。"""
    with np.errstate(all="ignore"):
        if _close(actual, expected):
            return _rough(actual, expected)
        if np.iscomplexobj(actual) and not np.iscomplexobj(expected):
            return _complex(actual, expected)
        if expected.ndim:
            return _array(actual, expected)
        return _scalar(actual, expected, unit) if not actual.ndim else ""


def _scalar(actual: Array, expected: Array, unit: str) -> str:
    if unit == "dB" and (_close(actual, 2 * expected) or _close(2 * actual, expected)):
        return "ちょうど 2 倍か半分です。20 log10（振幅）と 10 log10（パワー）を確かめましょう。"
    if expected != 0 and expected == np.round(expected) and np.abs(actual - expected) == 1:
        return "1 だけずれています。両端を数えるかどうかを確かめましょう。"
    return _factor(actual, expected) or _slip(actual, expected, _SLIPS) or _rough(actual, expected)


def _array(actual: Array, expected: Array) -> str:
    slips = _ARRAY_SLIPS if expected.ndim > 1 else _ARRAY_SLIPS[1:]
    slip = _slip(actual, expected, slips + _SLIPS)
    if slip or actual.shape != expected.shape:
        return slip or _axes(actual, expected) or _length(actual, expected)
    return (
        _any_factor(actual, expected)
        or _offset(actual, expected)
        or _shift(actual, expected)
        or _order(actual, expected)
        or _edges(actual, expected)
        or _rough(actual, expected)
    )


def _close(a: Array, b: Array) -> bool:
    # 採点の許容誤差より緩い。単精度の丸めがあっても、間違いの型は見分けたい
    limit = 1e-5 * np.max(np.abs(b), initial=0.0)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-5, atol=limit, equal_nan=True))


def _slip(actual: Array, expected: Array, slips: tuple[Slip, ...]) -> str:
    for message, mistake in slips:
        wrong = np.asarray(mistake(expected))
        # 変形しても変わらない正解（正の数の絶対値など）や、全部 0 になる変形では、何も言えない
        telling = np.isfinite(wrong).all() and np.any(wrong) and not _close(wrong, expected)
        if telling and _close(actual, wrong):
            return message
    return ""


def _complex(actual: Array, expected: Array) -> str:
    for message, repair in _COMPLEX_SLIPS:
        if _close(repair(actual), expected):
            return message
    return ""


def _factor(actual: Array, expected: Array) -> str:
    for name, factor in _NICE_FACTORS.items():
        if _close(actual, factor * expected):
            return f"正しい値のちょうど {name} 倍です。"
        if _close(factor * actual, expected):
            return f"正しい値のちょうど {name} 分の 1 です。"
    return ""


def _any_factor(actual: Array, expected: Array) -> str:
    if np.count_nonzero(expected) < 3 or not np.any(actual):
        return ""
    factor = np.vdot(expected, actual) / np.vdot(expected, expected)
    if not _close(actual, factor * expected):
        return ""
    if np.iscomplexobj(factor) and abs(factor.imag) > 1e-6 * abs(factor):
        return f"振幅が {abs(factor):.4g} 倍で、位相が {np.angle(factor):.4g} rad ずれています。"
    n = expected.shape[-1]
    for name, length in {"長さ": n, "長さの平方根": np.sqrt(n)}.items():
        for word, value in {"倍": length, "分の 1": 1 / length}.items():
            if n > 2 and np.isclose(factor.real, value, rtol=1e-4):
                return f"全体が正しい値の {name}（{length:.4g}）{word}です。"
    return _factor(actual, expected) or f"全体が正しい値の {factor.real:.6g} 倍です。"


def _offset(actual: Array, expected: Array) -> str:
    gap = np.mean(actual - expected)
    if expected.size < 3 or not _close(actual - gap, expected):
        return ""
    return f"どの値も同じだけ（{gap:.4g}）ずれています。"


def _axes(actual: Array, expected: Array) -> str:
    if not _close(actual.squeeze(), expected.squeeze()):
        return ""
    return f"長さ 1 の軸の数が違います（いまは {actual.shape}、正しくは {expected.shape}）。"


def _length(actual: Array, expected: Array) -> str:
    if actual.ndim != expected.ndim:
        return ""
    gaps = [a - e for a, e in zip(actual.shape, expected.shape, strict=True)]
    wrong = [axis for axis, gap in enumerate(gaps) if gap]
    if len(wrong) != 1 or abs(gaps[wrong[0]]) > 1:
        return ""
    axis = wrong[0]
    n = min(actual.shape[axis], expected.shape[axis])
    word = "多い" if gaps[axis] > 0 else "少ない"
    for side in (slice(None, n), slice(-n, None)):
        cut = tuple(side if i == axis else slice(None) for i in range(expected.ndim))
        if n and _close(actual[cut], expected[cut]):
            return f"値は合っていますが、軸 {axis} の要素が 1 個{word}です。"
    return f"軸 {axis} の要素が 1 個{word}です。"


def _shift(actual: Array, expected: Array) -> str:
    n = expected.shape[-1]
    if n < 4 or not (np.any(actual) and np.any(expected)):
        return ""
    # 相互相関が最大になるずれだけを調べる。どのずれも試すと、長い音では時間がかかる
    size = 2 * n
    cross = np.fft.fft(actual, size) * np.conj(np.fft.fft(expected, size))
    lag = int(np.argmax(np.abs(np.fft.ifft(cross).sum(axis=tuple(range(expected.ndim - 1))))))
    lag = lag - size if lag >= n else lag
    head, tail = slice(max(lag, 0), n + min(lag, 0)), slice(max(-lag, 0), n + min(-lag, 0))
    moved, still = actual[..., head], expected[..., tail]
    if lag == 0 or 2 * moved.shape[-1] < n or not np.any(still) or not _close(moved, still):
        return ""
    return f"最後の軸で {abs(lag)} サンプルだけ{'遅れて' if lag > 0 else '進んで'}います。"


def _order(actual: Array, expected: Array) -> str:
    n = len(expected)
    if expected.ndim < 2 or not 2 <= n <= 8:
        return ""
    for row in actual:
        if not any(_close(row, other) for other in expected):
            return ""
    return "最初の軸の順番が入れかわっています。"


def _edges(actual: Array, expected: Array) -> str:
    n = expected.shape[-1]
    width = n // 8
    if not width or not _close(actual[..., width : n - width], expected[..., width : n - width]):
        return ""
    return f"最後の軸の両端（{width} 要素以内）だけが違います。端の扱いを確かめましょう。"


def _rough(actual: Array, expected: Array) -> str:
    scale = np.max(np.abs(expected), initial=0.0)
    error = np.max(np.abs(actual - expected), initial=0.0)
    if not 0 < error <= 0.01 * scale:
        return ""
    return f"近い値ですが、精度が足りません（最大の誤差が、最大値の {error / scale:.1g} 倍）。"
