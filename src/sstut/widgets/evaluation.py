"""章「評価」の部品：誤差を足して指標の動きを見る、名前を伏せて聴く、小さな MUSHRA。

`BlindTest` と `Mushra` の評点は、ページ（またはノートブックのカーネル）の中だけにあり、
どこにも送られず、ページを閉じると消える。
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray
from scipy.signal import firwin, kaiserord, oaconvolve

from sstut.widgets._base import (
    AudioWidget,
    TraitValueError,
    bundle,
    check_audio,
    check_choice,
    check_length,
    check_sounding,
    checked,
)

TERMS = ("target", "interference", "noise", "artifact")
LISTEN = ("estimate", "reference", *TERMS, "error")
MAX_DELAY = 50  # 遅れの上限 [サンプル]
MIN_DB, MAX_DB = -40.0, 10.0  # 誤差の大きさの範囲 [dB]
MAX_GAIN_DB = 12.0
REFERENCE = "基準"  # 部品の中での正解の名前
ANCHOR = "アンカー（3.5 kHz まで）"
MAX_SOUNDS = 9  # 番号のキーで選べる数
_ESM = bundle("evaluation.js")
_CSS = "\n".join(
    (Path(__file__).resolve().parent / "css" / name).read_text("utf-8")
    for name in ("widgets.css", "representations.css", "evaluation.css")
)


class ErrorExplorer(AudioWidget):
    """目的音に 3 種類の誤差を足し、聴きながら、指標がどう動くかを見る部品。

    Parameters
    ----------
    target : (n_samples,) か (2, n_samples)
        目的音の正解、30 秒以下。2 チャネルなら左右の平均を使う（ほかの 3 つも同じ）。
    sr : int
        標本化周波数 [Hz]。
    interference, noise, artifact : target と同じ長さ
        干渉（ほかの音源）、雑音、アーティファクトのもとにする波形。大きさは部品がそろえる。
    name : str
        目的音の名前。
    credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``interference_db``、``noise_db``、``artifact_db``（目的音を 0 dB とした大きさ、
          -40〜+10。None なら足さない）
        - ``gain_db``（推定全体の大きさ、-12〜+12）、``inverted``（符号を反転するか）
        - ``delay``（目的音の遅れ [サンプル]、0〜50 の整数）
        - ``noise_known``（雑音の正解を渡すか。Notes を参照）
        - ``listen``（"estimate"、"reference"、"target"、"interference"、"noise"、"artifact"、
          "error"）、``matched``（音量をそろえて聴くか）、``loop``

    Raises
    ------
    ValueError
        音の形、無音の音、traits の値が合わない。

    Notes
    -----
    推定は ``gain * (delay(target) + a * interference + b * noise + c * artifact)``。
    a、b、c は、目的音とのエネルギーの比が決めた大きさになるように選ぶ。

    画面の値は `sstut.evaluation` と同じである。SNR、SI-SDR、SD-SDR は target と推定から、
    SDR、SIR、SAR は ``decompose([target, interference], estimate, noises=noise,
    filter_length=1 か 512)`` の 4 つの項から求める。``noise_known=False`` では noises を
    渡さないので、雑音はアーティファクトに数えられ、`bss_eval_sources` の値になる。

    章: evaluation
    """

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    view = t.Unicode("errors", read_only=True).tag(sync=True)
    interference_db = t.Float(-10.0, allow_none=True).tag(sync=True)
    noise_db = t.Float(-25.0, allow_none=True).tag(sync=True)
    artifact_db = t.Float(-20.0, allow_none=True).tag(sync=True)
    gain_db = t.Float(0.0).tag(sync=True)
    inverted = t.Bool(False).tag(sync=True)
    delay = t.Int(0).tag(sync=True)
    noise_known = t.Bool(True).tag(sync=True)
    listen = t.Unicode("estimate").tag(sync=True)
    matched = t.Bool(False).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self,
        target: ArrayLike,
        sr: int,
        *,
        interference: ArrayLike,
        noise: ArrayLike,
        artifact: ArrayLike,
        name: str = "歌",
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        waves = dict(zip(TERMS, (target, interference, noise, artifact), strict=True))
        audio = {term: _mono(wave, sr, term) for term, wave in waves.items()}
        for term, wave in audio.items():
            check_length(term, wave.shape[-1], audio["target"].shape[-1], "target")
            check_sounding(term, wave)
        for trait, value in traits.items():
            _check_error_trait(trait, value)
        labels = {"target": name, "interference": "干渉", "noise": "雑音"}
        super().__init__(
            audio,
            sr,
            labels=labels | {"artifact": "アーティファクト"},
            credit=credit,
            title=title,
            **traits,
        )

    @t.validate(*(f"{term}_db" for term in TERMS[1:]), "gain_db", "delay", "listen")
    def _check_change(self, proposal: Any) -> Any:
        return checked(_check_error_trait, proposal)

    def term(self, name: str) -> NDArray[np.float32]:
        """いまの推定に入っている部分の波形。

        Parameters
        ----------
        name : {"target", "interference", "noise", "artifact"}
            部分の名前。"target" は遅れと大きさを変えた目的音。

        Returns
        -------
        ndarray, shape (n_samples,), float32
            波形。

        Raises
        ------
        ValueError
            その名前の部分がない。

        章: evaluation
        """
        check_choice("name", name, TERMS)
        return self._exact_term(name).astype(np.float32)

    def estimate(self) -> NDArray[np.float32]:
        """いまの推定。``listen="estimate"`` で聞こえる音と同じ。

        Returns
        -------
        ndarray, shape (n_samples,), float32
            波形。

        章: evaluation
        """
        total = np.sum([self._exact_term(name) for name in TERMS], axis=0)
        estimate: NDArray[np.float32] = total.astype(np.float32)
        return estimate

    def _exact_term(self, name: str) -> NDArray[np.float64]:
        """丸める前の部分 (float64)。"""
        gain = (-1 if self.inverted else 1) * 10 ** (self.gain_db / 20)
        target = self.sound("target").astype(np.float64)
        if name == "target":
            return gain * np.pad(target, (self.delay, 0))[: len(target)]
        level = getattr(self, f"{name}_db")
        wave = self.sound(name).astype(np.float64)
        if level is None:
            return np.zeros_like(wave)
        ratio = np.linalg.norm(target) / np.linalg.norm(wave)
        scaled: NDArray[np.float64] = gain * 10 ** (level / 20) * ratio * wave
        return scaled


class _RatingTest(AudioWidget):
    """名前を伏せ、でたらめな順に並べた音に点を付ける部品の、共通の部分。"""

    _esm: ClassVar[str] = _ESM
    _css: ClassVar[str] = _CSS

    ratings = t.Dict(key_trait=t.Unicode(), value_trait=t.Float()).tag(sync=True)
    order = t.List(t.Unicode()).tag(sync=True)  # 画面の並び。空なら、画面がでたらめに決める
    heard = t.List(t.Unicode()).tag(sync=True)
    revealed = t.Bool(False).tag(sync=True)
    seed = t.Int(None, allow_none=True).tag(sync=True)
    question = t.Unicode("").tag(sync=True)
    matched = t.Bool(False).tag(sync=True)
    loop = t.Bool(True).tag(sync=True)

    def __init__(
        self, reference: ArrayLike, sounds: Mapping[str, ArrayLike], sr: int, **traits: Any
    ) -> None:
        if not 2 <= len(sounds) <= MAX_SOUNDS:
            raise ValueError(
                f"比べる音は 2 個から {MAX_SOUNDS} 個にしてください（渡された数：{len(sounds)}）。"
            )
        if REFERENCE in sounds:
            raise ValueError(f"「{REFERENCE}」は部品が使うので、sounds の名前にできません。")
        audio = {REFERENCE: check_audio(reference, sr, "reference")}
        for name, wave in sounds.items():
            audio[name] = check_audio(wave, sr, f"sounds[{name!r}]")
            check_length(
                f"sounds[{name!r}]", audio[name].shape[-1], audio[REFERENCE].shape[-1], "reference"
            )
        super().__init__(audio, sr, **traits)

    @t.validate("ratings", "order", "heard")
    def _check_names(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        unknown = set(value) - set(self._conditions())
        if unknown:
            raise TraitValueError(
                f"{name} の {sorted(unknown)} という音はありません。"
                f"あるのは {self._conditions()} です。"
            )
        if name == "order" and value and sorted(value) != sorted(self._conditions()):
            raise TraitValueError(
                f"order には、すべての音を 1 回ずつ並べてください（渡された値：{value}）。"
            )
        if name == "ratings" and not all(0 <= score <= 100 for score in value.values()):
            raise TraitValueError(f"評点は 0 から 100 にしてください（渡された値：{value}）。")
        return value

    def _conditions(self) -> list[str]:
        """点を付ける音の名前。"""
        return self.names[1:]


class BlindTest(_RatingTest):
    """名前を伏せた音を耳で採点し、そのあとで指標の値と比べる部品。

    Parameters
    ----------
    reference : (n_samples,) か (2, n_samples)
        正解。いつでも聴ける。
    sounds : mapping of str to array_like
        名前 → 波形。2 個から 9 個、reference と同じ長さ。A、B、C…として、でたらめな順に並ぶ。
    sr : int
        標本化周波数 [Hz]。
    scores : mapping of str to mapping of str to float
        音の名前 → {指標の名前: 値}。どの音にも同じ指標を渡す。
    question : str
        何に点を付けるか。
    credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``matched``（音量をそろえて聴くか。既定は True）、``loop``
        - ``seed``（並びを決める種。既定の None では、開くたびに変わる）

    Attributes
    ----------
    ratings : dict of str to float
        音の名前 → 評点（0〜100）。付けた音だけ。
    order : list of str
        画面の並び（A、B、C…）。
    heard : list of str
        聴いた音。
    revealed : bool
        答えを見たか。

    Raises
    ------
    ValueError
        音の数・長さ、scores の中身が合わない。

    章: evaluation
    """

    view = t.Unicode("blind", read_only=True).tag(sync=True)
    scores = t.Dict().tag(sync=True)

    def __init__(
        self,
        reference: ArrayLike,
        sounds: Mapping[str, ArrayLike],
        sr: int,
        *,
        scores: Mapping[str, Mapping[str, float]],
        question: str = "",
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        super().__init__(
            reference,
            sounds,
            sr,
            scores=_check_scores(scores, list(sounds)),
            question=question,
            credit=credit,
            title=title,
            **({"matched": True} | traits),
        )


class Mushra(_RatingTest):
    """小さな MUSHRA。隠れ基準とアンカーを混ぜた音に、0 から 100 の点を付ける部品。

    Parameters
    ----------
    reference : (n_samples,) か (2, n_samples)
        基準（正解）。いつでも聴ける。
    sounds : mapping of str to array_like
        名前 → 波形。2 個から 7 個、reference と同じ長さ。
    sr : int
        標本化周波数 [Hz]。
    anchor : array_like, optional
        アンカー。省略すると、reference の 3.5 kHz より上を落とした音。
    question : str
        何に点を付けるか。
    credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``matched``（音量をそろえて聴くか。既定は False）、``loop``
        - ``seed``（並びを決める種。既定の None では、開くたびに変わる）

    Attributes
    ----------
    ratings : dict of str to float
        音の名前 → 評点（0〜100）。付けた音だけ。隠れ基準は "基準" という名前。
    order, heard, revealed
        `BlindTest` を参照。

    Raises
    ------
    ValueError
        音の数・長さが合わない。

    Notes
    -----
    規格（ITU-R BS.1534-3）は、ほかに 7 kHz のアンカー、訓練、熟練した聴取者などを求める。
    この部品は、1 人が 1 つの曲で試すためのもの。

    References
    ----------
    ITU-R BS.1534-3 (2015), "Method for the subjective assessment of intermediate quality level of
    audio systems".

    章: evaluation
    """

    view = t.Unicode("mushra", read_only=True).tag(sync=True)
    anchor = t.Unicode(ANCHOR, read_only=True).tag(sync=True)

    def __init__(
        self,
        reference: ArrayLike,
        sounds: Mapping[str, ArrayLike],
        sr: int,
        *,
        anchor: ArrayLike | None = None,
        question: str = "",
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        if ANCHOR in sounds:
            raise ValueError(f"「{ANCHOR}」は部品が使うので、sounds の名前にできません。")
        if len(sounds) > MAX_SOUNDS - 2:
            raise ValueError(
                f"比べる音は {MAX_SOUNDS - 2} 個までにしてください（渡された数：{len(sounds)}。"
                "ほかに、隠れ基準とアンカーが加わります）。"
            )
        if anchor is None:
            anchor = _low_pass(check_audio(reference, sr, "reference"), sr)
        super().__init__(
            reference,
            {**sounds, ANCHOR: anchor},
            sr,
            question=question,
            credit=credit,
            title=title,
            **traits,
        )

    def _conditions(self) -> list[str]:
        return self.names  # 隠れ基準にも点を付ける


def _mono(wave: ArrayLike, sr: float, name: str) -> NDArray[np.float32]:
    mono: NDArray[np.float32] = check_audio(wave, sr, name).mean(axis=0)
    return mono


def _check_error_trait(name: str, value: Any) -> None:
    """`ErrorExplorer` の traits の値を確かめる。"""
    if name == "listen":
        check_choice(name, value, LISTEN)
    elif name == "delay" and not 0 <= value <= MAX_DELAY:
        raise ValueError(f"delay は 0 以上 {MAX_DELAY} 以下にしてください（渡された値：{value}）。")
    elif name == "gain_db" and not abs(value) <= MAX_GAIN_DB:
        raise ValueError(
            f"gain_db は ±{MAX_GAIN_DB:g} の範囲にしてください（渡された値：{value}）。"
        )
    elif name.removesuffix("_db") in TERMS and value is not None and not MIN_DB <= value <= MAX_DB:
        raise ValueError(
            f"{name} は {MIN_DB:g} 以上 {MAX_DB:g} 以下か、None（足さない）に"
            f"してください（渡された値：{value}）。"
        )


def _check_scores(
    scores: Mapping[str, Mapping[str, float]], names: list[str]
) -> dict[str, dict[str, float]]:
    """どの音にも、同じ名前の有限な値があることを確かめる。"""
    if set(scores) != set(names):
        raise ValueError(
            f"scores には、sounds と同じ名前 {names} の値を渡してください"
            f"（渡された名前：{list(scores)}）。"
        )
    metrics = list(scores[names[0]])
    for name in names:
        if list(scores[name]) != metrics or not metrics:
            raise ValueError(
                f"scores[{name!r}] の指標が、ほかの音と違います"
                f"（渡された指標：{list(scores[name])}、ほかの音：{metrics}）。"
            )
        wrong = {m: v for m, v in scores[name].items() if not isfinite(v)}
        if wrong:
            raise ValueError(
                f"scores[{name!r}] の値は有限な数にしてください（渡された値：{wrong}）。"
            )
    return {name: {m: float(scores[name][m]) for m in metrics} for name in names}


def _low_pass(wave: NDArray[np.float32], sr: float) -> NDArray[np.float32]:
    """3.5 kHz までを残す。遅れはない。

    BS.1534 の求める特性（3.5 kHz まで ±0.1 dB、4 kHz で 25 dB、4.5 kHz で 50 dB 以上落とす）
    を、直線位相の FIR で満たす。
    """
    if sr <= 9000:
        raise ValueError(
            f"アンカーを作るには、sr が 9000 Hz より高い音が要ります（渡された値：{sr}）。"
            "anchor に波形を渡してください。"
        )
    n_taps, beta = kaiserord(60.0, 500 / (sr / 2))
    taps = firwin(n_taps | 1, 3750, window=("kaiser", beta), fs=sr)
    filtered: NDArray[np.float32] = oaconvolve(wave, taps[np.newaxis], mode="same", axes=-1)
    return filtered.astype(np.float32)
