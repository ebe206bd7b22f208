"""教師あり学習：混合音と正解の組から、マスクの作り方を学ぶ。いちばん小さな、完全な形。

特徴量 → 線形層とシグモイド → 損失 → 勾配 → 更新。勾配は手で求め、NumPy だけで書く。
特徴量は `(n_frames, n_inputs)`、マスクは `(n_frames, n_freq)` で、1 行が 1 フレームにあたる。
正解の組は `(n_mixtures, 2, n_samples)`、音源は目的の音（歌）、残り（伴奏）の順。
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate
from sstut._engine.threads import one_thread
from sstut.evaluation import improvement, si_sdr
from sstut.masking import ideal_ratio_mask
from sstut.masking import separate as apply_masks
from sstut.representations import stft

Array: TypeAlias = NDArray[Any]

SR = 8000  # 標本化周波数 [Hz]。重みは周波数ごとに違うので、学んだときと同じ値でしか使えない
STFT: dict[str, Any] = {"n_fft": 512, "hop_length": 128}  # 64 ミリ秒の窓を、16 ミリ秒ずつずらす
N_CONTEXT = 1  # 前後の何フレームを見るか
FLOOR = 0.1  # これより（平均に比べて）小さな振幅は、大きさの違いを見ない
CENTER = 1.5  # 対数振幅から引く値。0 を中心に散らばると、勾配降下法が速く進む


@dataclass(frozen=True, eq=False)
class MaskModel:
    """フレームのスペクトルから、歌のマスクを出すモデル（線形層とシグモイド）。

    Attributes
    ----------
    weights : (n_inputs, n_freq)
        重み。`weights[i, f]` は、入力 i がビン f のマスクをどれだけ押し上げるか
    bias : (n_freq,)
        バイアス

    章: supervised
    """

    weights: Array
    bias: Array

    @property
    def n_context(self) -> int:
        """前後の何フレームを見るか。"""
        return (len(self.weights) // len(self.bias) - 1) // 2

    def logits(self, X: Array) -> Array:
        """シグモイドに通す前の値 (n_frames, n_freq)。"""
        values: Array = X @ self.weights + self.bias
        return values

    def predict(self, X: Array) -> Array:
        """特徴量 (n_frames, n_inputs) から、0〜1 のマスク (n_frames, n_freq)。"""
        # シグモイド 1 / (1 + exp(-z)) と同じ値。tanh で書くと、大きな値でもあふれない
        mask: Array = 0.5 + 0.5 * np.tanh(0.5 * self.logits(X))
        return mask


@dataclass(frozen=True, eq=False)
class Dataset:
    """学習に使う例。1 行が 1 フレーム。

    Attributes
    ----------
    X : (n_frames, n_inputs)
        特徴量
    target : (n_frames, n_freq)
        正解のマスク、0〜1
    weight : (n_frames, n_freq)
        損失の重み、0 以上

    章: supervised
    """

    X: Array
    target: Array
    weight: Array


@dataclass(frozen=True, eq=False)
class Fitted:
    """学習の結果。

    Attributes
    ----------
    model : MaskModel
        最後のモデル
    best : MaskModel
        検証の損失がいちばん小さかったモデル。検証の例がなければ `model` と同じ
    best_step : int
        そのときまでに更新した回数
    train_losses : (n_steps,)
        それぞれの更新の前に、ミニバッチで測った損失
    validation_steps, validation_losses : (n_validations,)
        検証したときまでに更新した回数と、そのときの損失

    章: supervised
    """

    model: MaskModel
    best: MaskModel
    best_step: int
    train_losses: Array
    validation_steps: Array
    validation_losses: Array


def features(spectrogram: ArrayLike, n_context: int = N_CONTEXT) -> Array:
    """特徴量：各フレームと、その前後のフレームの対数振幅を、横に並べる。

    Parameters
    ----------
    spectrogram : (n_freq, n_frames)
        混合音の STFT（複素数か振幅）。
    n_context : int
        前後の何フレームを並べるか。

    Returns
    -------
    (n_frames, (2 * n_context + 1) * n_freq)
        古いフレームから順に並べる。端の外は、端のフレームで補う。

    Raises
    ------
    ValueError
        spectrogram が 2 次元でないとき、空のとき、有限でない値があるとき。

    Notes
    -----
    振幅を全体の平均で割るので、音量を変えても値は変わらない。

    Examples
    --------
    >>> S = np.array([[1.0, 2.0, 3.0]])  # 1 ビン、3 フレーム
    >>> X = features(S)
    >>> print((X - X.min()).round(2))  # 左から、前、いま、次のフレーム
    [[0.   0.   0.61]
     [0.   0.61 0.98]
     [0.61 0.98 0.98]]

    章: supervised
    """
    S = _validate.spectrogram(spectrogram, "spectrogram")
    if S.ndim != 2:
        raise ValueError(f"spectrogram は (n_freq, n_frames) にしてください（shape={S.shape}）。")
    n_context = _validate.non_negative_int(n_context, "n_context")
    level = np.abs(S).T  # (n_frames, n_freq)
    mean = level.mean()
    if mean > 0:  # 無音なら、どの振幅も 0 のまま
        level = level / (FLOOR * mean)
    level = np.log1p(level) - level.dtype.type(CENTER)
    padded = np.pad(level, ((n_context, n_context), (0, 0)), mode="edge")
    n_frames = len(level)
    shifted = [padded[i : i + n_frames] for i in range(2 * n_context + 1)]
    return np.concatenate(shifted, axis=1)


def make_dataset(sources: ArrayLike, n_context: int = N_CONTEXT) -> Dataset:
    """音源の組を混ぜて、特徴量と、正解のマスクと、損失の重みを作る。

    Parameters
    ----------
    sources : (n_mixtures, 2, n_samples) の float32 / float64
        目的の音（歌）と残り（伴奏）。`Mixer.batch` や `evaluation_set` の返り値。
    n_context : int
        前後の何フレームを見るか。

    Returns
    -------
    Dataset
        全部の混合音のフレームを、縦に並べたもの。

    Raises
    ------
    ValueError
        形が違うとき、有限でない値があるとき。

    章: supervised
    """
    X, target, weight = [], [], []
    for pair in _pairs(sources):
        S = stft(pair, **STFT)  # (2, n_freq, n_frames)
        mixture = np.abs(S.sum(axis=0))  # STFT は線形なので、混合音の STFT は和になる
        X.append(features(mixture, n_context))
        target.append(ideal_ratio_mask(S, power=2)[0].T)
        # 大きな点ほど、音に効く。混合音ごとに平均を 1 にそろえる
        weight.append(mixture.T / max(mixture.mean(), np.finfo(mixture.dtype).tiny))
    return Dataset(np.concatenate(X), np.concatenate(target), np.concatenate(weight))


def loss_and_gradient(
    model: MaskModel, X: Array, target: Array, weight: Array
) -> tuple[float, MaskModel]:
    """交差エントロピー（重みつき平均）と、その勾配。

    Parameters
    ----------
    model : MaskModel
        モデル。
    X : (n_frames, n_inputs)
        特徴量。
    target, weight : (n_frames, n_freq)
        正解のマスク（0〜1）と、損失の重み（0 以上）。

    Returns
    -------
    loss : float
        損失。マスクがどこでも 0.5 なら log 2。
    gradient : MaskModel
        損失を、重みとバイアスで微分した値。形はモデルと同じ。

    章: supervised
    """
    share = weight / max(weight.sum(), np.finfo(weight.dtype).tiny)
    z = model.logits(X)
    # -t log σ(z) - (1 - t) log(1 - σ(z)) を整理した形。大きな z でも log 0 にならない
    loss = np.sum(share * (np.logaddexp(0, z) - target * z))
    error = share * (model.predict(X) - target)  # 損失を z で微分した値
    return float(loss), MaskModel(X.T @ error, error.sum(axis=0))


def descend(
    train: Dataset, *, lr: float = 3.0, batch_size: int = 256, seed: int = 0
) -> Iterator[tuple[MaskModel, float]]:
    """ミニバッチ勾配降下法：更新を、いつまでもくり返す。

    Parameters
    ----------
    train : Dataset
        学習用のデータ。
    lr : float
        学習率。
    batch_size : int
        1 回の更新に使うフレームの数。
    seed : int
        ミニバッチを選ぶ乱数の種。

    Yields
    ------
    model : MaskModel
        いまのモデル。はじめは、重みもバイアスも 0。
    loss : float
        いまのモデルの、次のミニバッチでの損失。

    章: supervised
    """
    n_inputs, n_freq = train.X.shape[1], train.target.shape[1]
    weights = np.zeros((n_inputs, n_freq), train.X.dtype)
    bias = np.zeros(n_freq, train.X.dtype)
    rng = np.random.default_rng(seed)
    while True:
        model = MaskModel(weights, bias)
        # 1. フレームを無作為に選ぶ
        batch = rng.integers(0, len(train.X), batch_size)
        X, target = train.X[batch], train.target[batch]
        weight = train.weight[batch]
        # 2. 損失と勾配を求める
        loss, gradient = loss_and_gradient(model, X, target, weight)
        yield model, loss
        # 3. 勾配の逆向きに、少しだけ動かす
        weights = weights - lr * gradient.weights
        bias = bias - lr * gradient.bias


def fit(
    train: Dataset,
    validation: Dataset | None = None,
    *,
    lr: float = 3.0,
    n_steps: int = 500,
    batch_size: int = 256,
    seed: int = 0,
    validate_every: int = 25,
) -> Fitted:
    """決めた回数だけ `descend` で更新し、途中の損失と、検証でいちばん良いモデルを残す。

    Parameters
    ----------
    train, validation : Dataset
        学習用と検証用のデータ。検証用は、モデルを選ぶためだけに使う。
    lr, batch_size, seed
        `descend` と同じ。
    n_steps : int
        更新の回数。
    validate_every : int
        何回更新するごとに、検証の損失を測るか。最初と最後にも測る。

    Returns
    -------
    Fitted
        同じ引数からは、同じ結果になる。

    Raises
    ------
    ValueError
        データの形が合わないとき、引数が正の数でないとき。

    章: supervised
    """
    _check_fit(train, validation, lr, n_steps, batch_size, seed, validate_every)
    steps = descend(train, lr=lr, batch_size=batch_size, seed=seed)
    train_losses, checks, best = [], [], None
    with one_thread():  # この大きさの行列では 1 本のほうが速い。足す順番も変わらない
        for step, (model, loss) in enumerate(islice(steps, n_steps + 1)):
            if step < n_steps:
                train_losses.append(loss)
            if validation is None or (step % validate_every and step < n_steps):
                continue
            checked = loss_and_gradient(model, validation.X, validation.target, validation.weight)[
                0
            ]
            checks.append((step, checked))
            if best is None or checked < best[2]:
                best = model, step, checked
    best_model, best_step, _ = best or (model, n_steps, 0.0)
    return Fitted(
        model,
        best_model,
        best_step,
        np.array(train_losses),
        np.array([step for step, _ in checks], int),
        np.array([loss for _, loss in checks], float),
    )


def separate_supervised(mixture: ArrayLike, sr: int, model: MaskModel) -> Array:
    """学習したモデルで、混合音を歌と伴奏に分ける。

    Parameters
    ----------
    mixture : (n_samples,) の float32 / float64
        混合音。
    sr : int
        標本化周波数 [Hz]。学習と同じ 8000。
    model : MaskModel
        学習したモデル。

    Returns
    -------
    (2, n_samples)
        歌、伴奏の順。マスクの和は 1 なので、波形の和は混合音に戻る。

    Raises
    ------
    ValueError
        標本化周波数が違うとき。mixture が空、整数、非有限、1 次元でないとき。

    章: supervised
    """
    x = _validate.real_array(mixture, "mixture")
    if x.ndim != 1:
        raise ValueError(f"mixture は (n_samples,) にしてください（shape={x.shape} が来ました）。")
    if sr != SR:
        raise ValueError(
            f"sr={sr} の音が来ました。重みは周波数ごとに学んだので、"
            f"sstut.representations.resample で {SR} Hz に直してください。"
        )
    mask = model.predict(features(stft(x, **STFT), model.n_context)).T  # (n_freq, n_frames)
    return apply_masks(x, np.stack([mask, 1 - mask]), **STFT)


def average_mask(train: Dataset) -> MaskModel:
    """入力を見ず、いつも平均のマスクを出すモデル。学習の前に勝つべき相手。

    Parameters
    ----------
    train : Dataset
        学習用の例。

    Returns
    -------
    MaskModel
        重みは 0、バイアスは、周波数ごとの平均のマスクを出す値。

    章: supervised
    """
    total = np.maximum(train.weight.sum(axis=0), np.finfo(train.weight.dtype).tiny)
    mean = np.sum(train.weight * train.target, axis=0) / total
    mean = np.clip(mean, 1e-3, 1 - 1e-3)
    weights = np.zeros((train.X.shape[1], len(mean)), train.X.dtype)
    return MaskModel(weights, np.log(mean / (1 - mean)))


def improvements(separate: Callable[[Array], Array], sources: ArrayLike) -> Array:
    """混合音ごとの、SI-SDR の改善量 [dB]。

    Parameters
    ----------
    separate : 関数
        混合音 `(n_samples,)` から、推定 `(2, n_samples)` を返すもの。
    sources : (n_mixtures, 2, n_samples) の float32 / float64
        正解の組。

    Returns
    -------
    (n_mixtures, 2)
        歌と伴奏の改善量。

    章: supervised
    """
    scores = []
    for pair in _pairs(sources):
        mixture = pair.sum(axis=0)
        scores.append(improvement(si_sdr, pair, separate(mixture), mixture))
    return np.array(scores)


def learning_curve(
    sizes: Sequence[int],
    sources: ArrayLike,
    validation: Dataset,
    test_sources: ArrayLike,
    **options: Any,
) -> Array:
    """学習曲線：学習に使う混合音の数を変えて学びなおし、別の混合音で測る。

    Parameters
    ----------
    sizes : int の並び
        混合音の数。`sources` の先頭から使う。
    sources, test_sources : (n_mixtures, 2, n_samples)
        学習用と、測るための正解の組。
    validation : Dataset
        検証用の例。それぞれの学習で、検証の損失がいちばん小さいモデルを選ぶ。
    **options
        `fit` に渡す値。

    Returns
    -------
    (len(sizes), n_test_mixtures)
        SI-SDR の改善量 [dB]。歌と伴奏の平均。

    Raises
    ------
    ValueError
        数が 1 より小さいとき、`sources` より多いとき。

    章: supervised
    """
    pairs, rows = _pairs(sources), []
    for size in sizes:
        if _validate.positive_int(size, "sizes") > len(pairs):
            raise ValueError(f"混合音は {len(pairs)} 個しかありません（{size} 個と言われました）。")
        best = fit(make_dataset(pairs[:size]), validation, **options).best
        separate = partial(separate_supervised, sr=SR, model=best)
        scores = improvements(separate, test_sources)
        rows.append(scores.mean(axis=1))
    return np.array(rows)


def _pairs(sources: ArrayLike) -> Array:
    """正解の組 (n_mixtures, 2, n_samples) にして返す。"""
    pairs = _validate.real_array(sources, "sources", min_ndim=3)
    if pairs.ndim != 3 or pairs.shape[1] != 2:
        raise ValueError(
            f"sources は (n_mixtures, 2, n_samples) にしてください（shape={pairs.shape}）。"
        )
    return pairs


def _check_fit(
    train: Dataset,
    validation: Dataset | None,
    lr: float,
    n_steps: int,
    batch_size: int,
    seed: int,
    validate_every: int,
) -> None:
    """学習の引数を確かめる。"""
    for name, dataset in (("train", train), ("validation", validation)):
        if dataset is None:
            continue
        X, target, weight = (
            _validate.real_array(getattr(dataset, key), f"{name}.{key}", min_ndim=2)
            for key in ("X", "target", "weight")
        )
        if not len(X) == len(target) or target.shape != weight.shape:
            raise ValueError(
                f"{name} の形が合いません（X {X.shape}、target {target.shape}、"
                f"weight {weight.shape}）。"
            )
        if target.min() < 0 or target.max() > 1 or weight.min() < 0:
            raise ValueError(f"{name} の target は 0〜1、weight は 0 以上にしてください。")
    if validation is not None and train.X.shape[1] != validation.X.shape[1]:
        raise ValueError(
            f"train と validation の特徴量の数が違います（{train.X.shape[1]} と "
            f"{validation.X.shape[1]}）。"
        )
    _validate.positive_number(lr, "lr")
    for count, name in (
        (n_steps, "n_steps"),
        (batch_size, "batch_size"),
        (validate_every, "validate_every"),
    ):
        _validate.positive_int(count, name)
    _validate.non_negative_int(seed, "seed")
