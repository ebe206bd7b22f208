"""複数の音を同時に、または切りかえながら聴く部品。"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from sstut.widgets._base import AudioWidget, bundle, level_match

OWN = "own"  # 読者が足した音の名前


class Player(AudioWidget):
    """同期して鳴る音の組を聴く部品。

    Parameters
    ----------
    tracks : mapping of str to array_like
        名前 → 波形 ``(n_samples,)`` または ``(2, n_samples)``、30 秒以下。
        並び順に番号（1〜9）がつく。
    sr : int
        標本化周波数 [Hz]。ページの重さを考え、16000〜22050 を勧める。
    mode : {"mix", "switch"}
        ``"mix"`` は全部を同時に鳴らし、音ごとに単独・消音・音量を変える（ステムを聴く）。
        ``"switch"`` は 1 つだけを鳴らし、位置を保ったまま途切れずに切りかえる（聴き比べ）。
    labels, credit, title
        `AudioWidget` を参照。
    **traits
        次の traits の初期値。

        - ``selected``（``"switch"`` で選んでいる音）、``matched``（音量をそろえるか）
        - ``gains``（``"mix"`` の音量 [dB]、-36〜+6）、``muted``（消音の音）、``solo``（単独の音）
        - ``loop``、``position`` [秒]、``playing``、``scale``（周波数の目盛り：linear、log、mel）

    Raises
    ------
    ValueError
        音や名前、値の範囲が合わない。

    Examples
    --------
    >>> Player({"mixture": x, "estimate": y}, sr=22050, mode="switch")  # doctest: +SKIP

    章: index
    """

    _esm: ClassVar[str] = bundle("player.js")

    mode = t.Enum(["mix", "switch"], "mix").tag(sync=True)
    selected = t.Unicode("").tag(sync=True)
    matched = t.Bool(True).tag(sync=True)
    gains = t.Dict(key_trait=t.Unicode(), value_trait=t.Float()).tag(sync=True)
    muted = t.List(t.Unicode()).tag(sync=True)
    solo = t.Unicode("").tag(sync=True)
    loop = t.Bool(True).tag(sync=True)
    position = t.Float(0.0).tag(sync=True)
    playing = t.Bool(False).tag(sync=True)
    scale = t.Enum(["linear", "log", "mel"], "mel").tag(sync=True)

    def __init__(
        self,
        tracks: Mapping[str, ArrayLike],
        sr: int,
        *,
        mode: str = "mix",
        labels: Mapping[str, str] | None = None,
        credit: str = "",
        title: str = "",
        **traits: Any,
    ) -> None:
        if mode not in ("mix", "switch"):
            raise ValueError(f"mode は 'mix' か 'switch' です（渡された値：{mode!r}）。")
        if OWN in tracks:
            raise ValueError(f"名前 {OWN!r} は、読者が足す音に使います。別の名前にしてください。")
        if len(tracks) > 9:
            raise ValueError(f"音は 9 個までです（渡された数：{len(tracks)}）。")
        named = [traits.get("selected"), traits.get("solo"), *traits.get("muted", [])]
        unknown = {n for n in [*named, *traits.get("gains", {})] if n} - set(tracks)
        if unknown:
            raise ValueError(
                f"{sorted(unknown)} という音はありません。あるのは {list(tracks)} です。"
            )
        wrong = {n: g for n, g in traits.get("gains", {}).items() if not -36 <= g <= 6}
        if wrong:
            raise ValueError(f"gains は -36 から +6 [dB] です（渡された値：{wrong}）。")
        traits.setdefault("selected", next(iter(tracks), ""))
        super().__init__(tracks, sr, labels=labels, credit=credit, title=title, mode=mode, **traits)

    def levels(self) -> dict[str, float]:
        """いま、それぞれの音に掛かっている倍率。聞こえない音は 0。

        Returns
        -------
        dict of str to float
            名前 → 倍率（振幅の比）。

        章: index
        """
        if self.mode == "switch":
            match = level_match({n: self.sound(n) for n in self.names}, self.sr)
            db = match if self.matched else dict.fromkeys(self.names, 0.0)
            audible = {self.selected}
        else:
            db = {n: self.gains.get(n, 0.0) for n in self.names}
            audible = {self.solo} if self.solo else set(self.names) - set(self.muted)
        return {n: 10 ** (db[n] / 20) if n in audible else 0.0 for n in self.names}

    def heard(self) -> NDArray[np.float32]:
        """いまの設定で耳に届く音（先頭から終わりまで）。

        Returns
        -------
        ndarray, shape (n_samples,) or (2, n_samples), float32
            音の和。どれか 1 つでもステレオならステレオ。

        章: index
        """
        sounds = {n: np.atleast_2d(self.sound(n)) for n in self.names}
        shape = tuple(max(s.shape[i] for s in sounds.values()) for i in (0, 1))
        total = np.zeros(shape, dtype=np.float32)
        for name, gain in self.levels().items():
            total[:, : sounds[name].shape[1]] += np.float32(gain) * sounds[name]
        return total if shape[0] == 2 else total[0]
