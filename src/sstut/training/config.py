"""学習の設定：ネットワーク、損失、データ、最適化のすべてを、1 つの値にまとめる。"""

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sstut import _validate
from sstut.networks import NETWORKS
from sstut.training.objectives import LOSSES

SPEAKERS = ("speakers", "speakers_hard")  # 出力の順番が決まらない課題


@dataclass(frozen=True)
class Config:
    """学習の設定。同じ設定と同じ版のパッケージなら、1 スレッドの CPU では同じ重みになる。

    Attributes
    ----------
    network : `NETWORKS` の名前
    network_config : ネットワークの引数
    loss : `LOSSES` の名前
    loss_options : 損失の引数
    task : `sstut.mixing.Mixer` の課題（"vocals"、"stems"、"speakers"、"speakers_hard"）
    mixer : `Mixer` のほかの引数（duration, n_clips など）
    sr : 標本化周波数 [Hz]
    steps : 重みを直す回数
    batch : 1 回に使う混合音の数（分散学習では、全プロセスの合計）
    lr : 学習率の最大値
    weight_decay : 重み減衰（AdamW）
    warmup : 学習率を 0 から lr まで上げる回数
    lr_floor : 学習率の最後の値の、lr に対する比
    clip : 勾配の大きさ（ノルム）の上限。0 なら切らない
    autoclip : 勾配の大きさの上限を、それまでの値の何パーセンタイルにするか。None なら clip を使う
    seed : 乱数の種。重みの初期値とデータの順番が決まる
    validate_every : 何回ごとに検証するか。0 ならしない
    n_validation : 検証に使う混合音の数
    patience : 検証の値が続けて何回よくならなければ止めるか（早期終了）。0 なら止めない
    save_every : 何回ごとに途中の状態を保存するか
    amp : True なら、行列の計算を半精度 (bfloat16) で行う。CPU では、LSTM を半精度で計算できない
        機種がある
    device : "cpu" か "cuda"

    章: training
    """

    network: str
    network_config: dict[str, Any] = field(default_factory=dict)
    loss: str = "snr"
    loss_options: dict[str, Any] = field(default_factory=dict)
    task: str = "vocals"
    mixer: dict[str, Any] = field(default_factory=dict)
    sr: int = 8000
    steps: int = 700
    batch: int = 8
    lr: float = 1e-3
    weight_decay: float = 0.0
    warmup: int = 20
    lr_floor: float = 0.03
    clip: float = 5.0
    autoclip: float | None = None
    seed: int = 0
    validate_every: int = 0
    n_validation: int = 10
    patience: int = 0
    save_every: int = 50
    amp: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        """値の範囲を確かめる。"""
        if self.network not in NETWORKS:
            raise ValueError(
                f"network は {tuple(NETWORKS)} のどれかにしてください"
                f"（{self.network!r} が来ました）。"
            )
        if self.loss not in LOSSES:
            raise ValueError(f"loss は {tuple(LOSSES)} のどれかにしてください（{self.loss!r}）。")
        if self.device not in ("cpu", "cuda"):
            raise ValueError(f'device は "cpu" か "cuda" にしてください（{self.device!r}）。')
        for name in ("sr", "steps", "batch", "save_every", "n_validation"):
            _validate.positive_int(getattr(self, name), name)
        for name in ("warmup", "seed", "validate_every", "patience"):
            _validate.non_negative_int(getattr(self, name), name)
        _validate.positive_number(self.lr, "lr")
        for name in ("weight_decay", "lr_floor", "clip"):
            _validate.non_negative_number(getattr(self, name), name)
        if self.autoclip is not None and not 0 < self.autoclip <= 100:
            raise ValueError(
                f"autoclip は 0 より大きく 100 以下にしてください（{self.autoclip!r} が来ました）。"
            )
        if self.patience and not self.validate_every:
            raise ValueError("patience を使うには、validate_every を 1 以上にしてください。")

    @property
    def ordered(self) -> bool:
        """出力の順番が決まっている課題なら True。"""
        return self.task not in SPEAKERS

    def to_dict(self) -> dict[str, Any]:
        """JSON に書ける辞書にする。"""
        return asdict(self)


def load_config(path: str | Path) -> Config:
    """TOML か JSON のファイルから、設定を読む。

    Parameters
    ----------
    path : str または Path
        `.toml` か `.json` のファイル。キーは `Config` の名前と同じ。

    Returns
    -------
    Config

    Raises
    ------
    ValueError
        ファイルがないか読めないとき、知らないキーがあるとき、値が範囲の外のとき。

    章: training
    """
    path = Path(path)
    readers = {".toml": tomllib.loads, ".json": json.loads}
    if path.suffix not in readers:
        raise ValueError(
            f"設定は .toml か .json のファイルにしてください（{path.name} が来ました）。"
        )
    try:
        values = readers[path.suffix](path.read_text("utf-8"))
    except (OSError, ValueError) as error:  # 書式の間違いも ValueError の仲間である
        raise ValueError(f"設定 {path.name} が読めません：{error}") from None
    return config_from_dict(values)


def config_from_dict(values: Any) -> Config:
    """辞書から設定を作る。知らないキーは断る。

    章: training
    """
    if not isinstance(values, dict) or "network" not in values:
        raise ValueError("設定には、少なくとも network（ネットワークの名前）が要ります。")
    known = {f.name for f in fields(Config)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(
            f"設定に知らないキー {unknown} があります。使えるのは {sorted(known)} です。"
        )
    return Config(**values)
