"""章「分離のネットワーク」の部品：段ごとの形と中身をたどり、埋め込みからビンを選んで聴く。"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.representations import stft
from sstut.widgets._base import (
    AudioWidget,
    bundle,
    check_choice,
    check_mono,
    check_range,
    checked,
)

if TYPE_CHECKING:
    from torch import Tensor

    from sstut.architectures import Block
    from sstut.networks import DeepClustering, Separator

MIXTURE = "混合音"  # 部品の中での名前
MAX_SECONDS = 4.0
MAX_NETWORKS = 8
SIZE = (36, 64)  # 絵の行と列の上限
LISTEN = ("mixture", "selected", "rest")
N_GROUPS = 2  # 集まりの数
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "architectures.css")
)


class ArchitectureExplorer(AudioWidget):
    """ネットワークに音を通し、段ごとの形、計算量、中身の絵をたどる部品。

    深層クラスタリングのネットワークを `embedding` に渡すと、埋め込みの散布図も出る。散布図で
    囲んだ点のビンが光り、その音が聞こえる。

    Parameters
    ----------
    networks : mapping of str to Separator
        画面に出す名前 → ネットワーク。1 つ以上 `MAX_NETWORKS` 個以下。
    mixture : (n_samples,) か (2, n_samples)
        通す音、4 秒以下。2 チャネルなら左右の平均を使う。
    sr : int
        標本化周波数 [Hz]。
    embedding : DeepClustering か Chimera, optional
        散布図にする埋め込みを作るネットワーク。音源の数は 2。
    credit, title : str
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``network``（見ているネットワークの番号）、``block``（見ている段の番号）
        - ``selection``（選んだビン。"group0"、"group1"：k 平均法の集まり、"region"：円の中）
        - ``region``（円の中心と半径 [x, y, 半径]。散布図の横と縦を 0〜1 とする）
        - ``listen``（"mixture"：混合音、"selected"：選んだビン、"rest"：残り）、``loop``

    Raises
    ------
    ValueError
        音、ネットワーク、traits の値が合わない。

    Notes
    -----
    形、計算量、絵は、部品を作るときに `sstut.architectures.trace` で求める。散布図は、埋め込みを、
    振幅で重みを付けた主成分の 2 軸に写したもの。音は、画面の中で、選んだビンのマスクを掛けて作る。

    Examples
    --------
    >>> ArchitectureExplorer({"U-Net": build("unet")}, mixture, 8000)  # doctest: +SKIP

    章: architectures
    """

    _esm: ClassVar[str] = bundle("architectures.js")
    _css: ClassVar[str] = _CSS

    networks = t.List(t.Dict()).tag(sync=True)
    pictures = t.Dict(value_trait=t.Bytes()).tag(sync=True)  # "番号" → 絵を続けて並べたもの
    points = t.Bytes(b"").tag(sync=True)  # ビンごとの散布図の位置 (x, y)。フレームが先の並び
    groups = t.Bytes(b"").tag(sync=True)  # ビンごとの集まりの番号
    frames = t.List(t.Int(), [512, 128]).tag(sync=True)  # 散布図の STFT の n_fft と hop_length
    network = t.Int(0).tag(sync=True)
    block = t.Int(0).tag(sync=True)
    selection = t.Unicode("group0").tag(sync=True)
    region = t.List(t.Float(), [0.3, 0.5, 0.15]).tag(sync=True)
    listen = t.Unicode("mixture").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        networks: Mapping[str, Separator],
        mixture: ArrayLike,
        sr: int,
        *,
        embedding: DeepClustering | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        mono = check_mono(mixture, sr, "mixture", MAX_SECONDS)
        if not 1 <= len(networks) <= MAX_NETWORKS:
            raise ValueError(
                f"networks は 1 個以上 {MAX_NETWORKS} 個以下にしてください（{len(networks)} 個）。"
            )
        for name, value in traits.items():
            _check(name, value, len(networks))
        tables, pictures = [], {}
        for i, (label, network) in enumerate(networks.items()):
            rows, pictures[str(i)] = _survey(network, mono)
            tables.append({"label": label, "blocks": rows})
        scattered = {} if embedding is None else _scatter(embedding, mono)
        super().__init__(
            {MIXTURE: mono},
            sr,
            credit=credit,
            title=title,
            networks=tables,
            pictures=pictures,
            **scattered,
            **traits,
        )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """選んだビンのマスク `(n_freq, n_frames)`。

        Raises
        ------
        ValueError
            `embedding` を渡していないとき。

        章: architectures
        """
        if not self.points:
            raise ValueError("embedding を渡した部品だけが、マスクを持ちます。")
        if self.selection == "region":
            x, y, radius = self.region
            places = np.frombuffer(self.points, np.uint8).reshape(-1, 2) / 255
            chosen = ((places - [x, y]) ** 2).sum(axis=1) <= radius**2
        else:
            chosen = np.frombuffer(self.groups, np.uint8) == int(self.selection[-1])
        return np.asarray(chosen.reshape(-1, self.frames[0] // 2 + 1).T)

    @t.validate("network", "selection", "region", "listen")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check, proposal, len(self.networks) or MAX_NETWORKS)


def _check(name: str, value: Any, n_networks: int) -> None:
    """Traits の値を確かめる。"""
    if name == "network":
        check_range(name, value, 0, n_networks - 1)
    if name == "selection":
        check_choice(name, value, [*(f"group{i}" for i in range(N_GROUPS)), "region"])
    if name == "listen":
        check_choice(name, value, LISTEN)
    if name == "region":
        if len(value) != 3:
            raise ValueError(f"region は [x, y, 半径] にしてください（渡された値：{value}）。")
        for part, v, high in zip(("x", "y", "半径"), value, (1, 1, 0.7), strict=True):
            check_range(f"region の {part}", v, 0, high)


def _survey(network: Separator, mono: NDArray[np.float32]) -> tuple[list[dict[str, Any]], bytes]:
    """段ごとの表と、絵を続けて並べたもの。"""
    import torch

    from sstut.architectures import trace

    blocks = trace(network, torch.from_numpy(mono))
    names = [block.name for block in blocks]
    rows, images = [], []
    for block in blocks:
        image, what = _picture(block)
        channels, positions = _extent(block)
        rows.append(
            {
                "name": block.name,
                "kind": block.kind,
                "shape_in": list(block.shape_in),
                "shape_out": list(block.shape_out),
                "parameters": block.parameters,
                "macs": block.macs,
                "sources": [names.index(source) for source in block.sources],
                "channels": channels,
                "positions": positions,
                "what": what,
                "rows": image.shape[0],
                "columns": image.shape[1],
            }
        )
        images.append(image.T.tobytes())  # 列ごとに、下の行から並べる
    return rows, b"".join(images)


def _extent(block: Block) -> tuple[int, int]:
    """1 つの位置が持つ値の数（チャネル）と、位置の数。"""
    shape = block.shape_out[1:]
    if block.kind == "埋め込み":
        return shape[-1], math.prod(shape[:-1])
    if block.kind == "STFT":
        return 1, math.prod(shape)
    if block.kind in ("再帰", "全結合"):
        return shape[1], shape[0]
    return shape[0], math.prod(shape[1:])


def _picture(block: Block) -> tuple[NDArray[np.uint8], str]:
    """出力を絵にする。行は下から、列は時間。何の絵かの説明も返す。"""
    import torch

    y, values = block.output[0], block.output[0].abs()
    if block.kind == "STFT":
        values, what = _decibels(y), "振幅（dB）"
    elif block.kind == "マスク":
        values, what = y[0], "音源 1 のマスク（0〜1）"
    elif block.kind == "埋め込み":
        values, what = y[..., 0], "埋め込みの 1 つめの成分"
    elif y.ndim == 3:
        values, what = y.square().mean(dim=0).sqrt(), "チャネルにわたる大きさ。縦は周波数"
    elif block.kind in ("再帰", "全結合"):
        values, what = y.T, "出力の値。縦は特徴の番号"
    elif len(y) <= 2:  # 波形なので、見やすいようにスペクトログラムにする
        window = torch.hann_window(256)
        values = _decibels(torch.stft(y[0], 256, 128, window=window, return_complex=True))
        what = "音源 1 の波形を、スペクトログラムにしたもの"
    else:
        values, what = y, "出力の値。縦はチャネルの番号"
    size = (min(values.shape[0], SIZE[0]), min(values.shape[1], SIZE[1]))
    small = torch.nn.functional.adaptive_avg_pool2d(values[None].float(), size)[0].numpy()
    low, high = (0, 1) if block.kind == "マスク" else np.percentile(small, [1, 99.5])
    return np.clip(255 * (small - low) / max(high - low, 1e-9), 0, 255).astype(np.uint8), what


def _decibels(S: Tensor) -> Tensor:
    """最大を 0 とする振幅 [dB]。−80 で切る。"""
    import torch

    values: Tensor = 20 * torch.log10(S.abs() / S.abs().max() + 1e-4)
    return values


def _scatter(network: DeepClustering, mono: NDArray[np.float32]) -> dict[str, Any]:
    """埋め込みを 2 軸に写した位置と、k 平均法の集まり。"""
    import torch

    from sstut.networks import cluster

    if not hasattr(network, "embed") or network.n_sources != N_GROUPS:
        raise ValueError("embedding は、2 音源の DeepClustering か Chimera にしてください。")
    n_fft, hop_length = network.config["n_fft"], network.config["hop_length"]
    with torch.no_grad():
        X = network.stft(torch.from_numpy(mono)[None])
        vectors = network.embed(X)[0]
        masks = cluster(vectors, X[0].abs(), N_GROUPS, 0.0)
    # 並びは、部品の STFT と同じく、フレームが先
    V = vectors.transpose(0, 1).flatten(0, 1).double().numpy()
    weights = np.abs(stft(mono, n_fft=n_fft, hop_length=hop_length)).T.ravel()
    center = weights @ V / weights.sum()
    spread = (V - center).T @ ((V - center) * weights[:, None])
    axes = np.linalg.eigh(spread)[1][:, [-1, -2]]
    places = (V - center) @ axes
    low, high = places.min(axis=0), places.max(axis=0)
    unit = 0.04 + 0.92 * (places - low) / np.maximum(high - low, 1e-9)
    groups = masks.argmax(dim=0).T.numpy().astype(np.uint8)
    return {
        "points": np.round(255 * unit).astype(np.uint8).tobytes(),
        "groups": groups.tobytes(),
        "frames": [n_fft, hop_length],
    }
