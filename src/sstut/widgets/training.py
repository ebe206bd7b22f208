"""章「学習」の部品：学習の記録を聴く部品と、学習したネットワークをページの中で動かす部品。"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_audio,
    check_choice,
    check_sounding,
    checked,
)

if TYPE_CHECKING:
    from sstut.networks import MaskInference

NAMES = ("歌", "伴奏")
MAX_SECONDS = 20.0  # 部品の中で分ける音の長さの上限
MAX_BINS = 300  # 絵の高さ（画素）より細かいマスクは、送らない
RECORD_LISTENS = ("estimate", "mixture", "target")
NETWORK_LISTENS = ("mixture", "first", "second")
_ESM = bundle("training.js")
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "training.css")
)


class TrainingExplorer(AudioWidget):
    """学習の途中のネットワークを選び、マスクと推定を見て聴く部品。

    Parameters
    ----------
    network : MaskInference
        記録と同じ形のネットワーク。重みは変えない。
    sources : (2, n_samples)
        学習に使っていない混合音の、音源ごとの正解。20 秒以下。
    sr : int
        標本化周波数 [Hz]。
    snapshots : {回数: state_dict}
        学習の途中の重み（`network.state_dict()` の写し）。2 つ以上。
    history : dict, optional
        `sstut.training.Trained` の history。損失と、検証の値の曲線を描く。
    names : (str, str)
        音源の名前。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``step``（選んだ記録の回数。省略するとはじめ）
        - ``listen``（"estimate"：1 つ目の音源の推定、"mixture"：混合音、"target"：正解）、``loop``

    Raises
    ------
    ValueError
        音、記録、traits の値が合わない。

    Examples
    --------
    >>> TrainingExplorer(network, sources, 8000, snapshots=snapshots)  # doctest: +SKIP

    章: training
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("record", read_only=True).tag(sync=True)
    steps = t.List(t.Int()).tag(sync=True)
    scores = t.List(t.Float()).tag(sync=True)  # 記録ごとの、SI-SDR の改善量 [dB]
    masks = t.Bytes().tag(sync=True)  # 記録、フレーム、周波数の順の uint8
    frames = t.List(t.Int()).tag(sync=True)  # n_fft、hop_length、マスクの周波数の数
    history = t.Dict().tag(sync=True)
    source_names = t.List(t.Unicode()).tag(sync=True)
    step = t.Int(0).tag(sync=True)
    listen = t.Unicode("estimate").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        network: MaskInference,
        sources: ArrayLike,
        sr: int,
        *,
        snapshots: Mapping[int, Mapping[str, Any]],
        history: Mapping[str, Sequence[float]] | None = None,
        names: Sequence[str] = NAMES,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        check_network(network)
        s = _check_sources(sources, sr, "sources", names)
        if len(snapshots) < 2 or any(step < 0 for step in snapshots):
            raise ValueError(
                f"snapshots には、0 回以上の記録を 2 つ以上渡してください（{list(snapshots)}）。"
            )
        steps = sorted(int(step) for step in snapshots)
        traits.setdefault("step", steps[0])
        check_choice("step", traits["step"], steps)
        check_choice("listen", traits.get("listen", "estimate"), RECORD_LISTENS)
        records = [_record(network, snapshots[step], s) for step in steps]
        estimates = {f"step {step}": y for step, (y, _, _) in zip(steps, records, strict=True)}
        masks = [_thin(mask) for _, mask, _ in records]
        config = network.config
        super().__init__(
            {"mixture": s.sum(axis=0), "target": s[0]} | estimates,
            sr,
            credit=credit,
            title=title,
            steps=steps,
            scores=[score for _, _, score in records],
            masks=b"".join(np.ascontiguousarray(mask.T).tobytes() for mask in masks),
            frames=[config["n_fft"], config["hop_length"], len(masks[0])],
            history=_curves(history or {}),
            source_names=list(names),
            **traits,
        )

    @t.validate("step", "listen")
    def _check_change(self, proposal: Any) -> Any:
        choices = {"step": self.steps, "listen": RECORD_LISTENS}
        name = proposal["trait"].name
        if name == "step" and not self.steps:  # 作っている途中
            return proposal["value"]
        return checked(check_choice, proposal, choices[name])


class NetworkExplorer(AudioWidget):
    """学習したマスク推定のネットワークを、ページの中で、読者の音に使う部品。

    STFT、対数振幅、双方向 LSTM、マスク、逆 STFT を JavaScript で計算する。重みは半精度（float16）で
    運ぶ。出力は `network.separate` と、振幅の 1000 分の 1 より近い。

    Parameters
    ----------
    network : MaskInference
        学習したネットワーク。音源は 2 つ、因果的でないもの。
    songs : {名前: (2, n_samples)}
        はじめから入れておく曲の、音源ごとの正解。20 秒以下。和を混合音にする。
    sr : int
        標本化周波数 [Hz]。読者の音も、これに変換する。
    names : (str, str)
        音源の名前。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``selected``（選んだ曲の名前。省略するとはじめの曲。読者の音は "own"）
        - ``listen``（"mixture"：混合音、"first"、"second"：音源の推定）、``loop``

    Raises
    ------
    ValueError
        ネットワーク、音、traits の値が合わない。

    Examples
    --------
    >>> NetworkExplorer(network, {"さくらさくら": sources}, 8000)  # doctest: +SKIP

    章: training
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("network", read_only=True).tag(sync=True)
    architecture = t.Dict().tag(sync=True)
    weights = t.Bytes().tag(sync=True)  # state_dict の順の float16
    songs = t.List(t.Unicode()).tag(sync=True)
    source_names = t.List(t.Unicode()).tag(sync=True)
    selected = t.Unicode("").tag(sync=True)
    listen = t.Unicode("mixture").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        network: MaskInference,
        songs: Mapping[str, ArrayLike],
        sr: int,
        *,
        names: Sequence[str] = NAMES,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        check_network(network)
        audio: dict[str, ArrayLike] = {}
        for song, sources in songs.items():
            s = _check_sources(sources, sr, f"songs[{song!r}]", names)
            audio |= {f"{song}/{j}": y for j, y in enumerate(s)}
        if not audio or "own" in songs:
            raise ValueError('songs に、"own" 以外の名前の曲を 1 つ以上渡してください。')
        traits.setdefault("selected", next(iter(songs)))
        check_choice("selected", traits["selected"], [*songs, "own"])
        check_choice("listen", traits.get("listen", "mixture"), NETWORK_LISTENS)
        super().__init__(
            audio,
            sr,
            credit=credit,
            title=title,
            songs=list(songs),
            architecture=dict(network.config),
            weights=half_weights(network),
            source_names=list(names),
            **traits,
        )

    @t.validate("selected", "listen")
    def _check_change(self, proposal: Any) -> Any:
        choices = {"selected": [*self.songs, "own"], "listen": list(NETWORK_LISTENS)}
        name = proposal["trait"].name
        if name == "selected" and not self.songs:  # 作っている途中
            return proposal["value"]
        return checked(check_choice, proposal, choices[name])


def half_weights(network: MaskInference) -> bytes:
    """重みを半精度に丸め、`state_dict` の順に並べたもの。

    Parameters
    ----------
    network : MaskInference
        半精度で表せる大きさの重みをもつネットワーク。

    Returns
    -------
    bytes
        リトルエンディアンの float16。

    Raises
    ------
    ValueError
        重みが大きすぎて、半精度で表せない。

    章: training
    """
    values = np.concatenate([w.detach().cpu().numpy().ravel() for w in network.parameters()])
    if not np.all(np.abs(values) <= np.finfo(np.float16).max):
        raise ValueError("重みに、半精度 (float16) で表せない値があります。")
    return values.astype("<f2").tobytes()


def check_network(network: MaskInference) -> None:
    """部品で動かせるネットワークか。

    章: training
    """
    from sstut.networks import MaskInference

    if not isinstance(network, MaskInference):
        raise ValueError(
            f"network は MaskInference にしてください（{type(network).__name__} が来ました）。"
        )
    if network.causal or network.n_sources != 2:
        raise ValueError("network は、因果的でない、音源が 2 つのものにしてください。")


def _check_sources(
    sources: ArrayLike, sr: int, name: str, names: Sequence[str]
) -> NDArray[np.float32]:
    """音源ごとの正解 `(2, n_samples)`。"""
    s: NDArray[np.float32] = check_audio(sources, sr, name, MAX_SECONDS)
    if len(s) != 2 or len(names) != 2:
        raise ValueError(
            f"{name} は (2, n_samples)、names は 2 つにしてください"
            f"（渡された形：{np.shape(sources)}、names：{list(names)}）。"
        )
    for source_name, y in zip(names, s, strict=True):
        check_sounding(f"{name} の「{source_name}」", y)
    return s


def _record(
    network: MaskInference, weights: Mapping[str, Any], sources: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[Any], float]:
    """1 つの記録の、1 つ目の音源の推定、マスク `(n_freq, n_frames)`、改善量 [dB]。"""
    import torch

    from sstut.training import evaluate

    network = copy.deepcopy(network).eval()
    network.load_state_dict(dict(weights))
    mixture = sources.sum(axis=0)
    with torch.no_grad():
        masks = network.masks(network.stft(torch.from_numpy(mixture)[None]))
    estimate: NDArray[np.float32] = network.separate(mixture)[0]
    return estimate, masks[0, 0].numpy(), float(evaluate(network, sources[None])[0])


def _thin(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """絵に描くためのマスク。細かすぎれば、周波数を 2 つずつまとめる。"""
    while len(mask) > MAX_BINS:
        mask = np.stack([mask[0:-1:2], mask[1::2]]).mean(axis=0)
    return np.round(255 * mask).astype(np.uint8)


def _curves(history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """画面に描く曲線。ページが重くならないように、桁を落とす。"""
    keys = ("loss", "validation_step", "validation")
    return {key: [round(float(v), 2) for v in history.get(key, ())] for key in keys}
