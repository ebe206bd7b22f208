"""勾配降下法：損失の坂を下る方法（最適化手法）と、坂の例。

パラメータは `(n_dims,)` のベクトル theta 1 本で表す。損失は theta から数 1 個を、勾配は theta から
同じ形のベクトルを返す関数である。ネットワークのパラメータも、つないで 1 本にすれば同じことになる。
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sstut import _validate

Array: TypeAlias = NDArray[Any]
Clip: TypeAlias = float | Callable[[Sequence[float]], float] | None
Direction: TypeAlias = Callable[[Array, int], Array]  # 勾配と回数（1 から）→ 進む向き（の逆）

EPS = 1e-8  # 0 で割らないための小さな数（PyTorch の Adam と同じ）


@dataclass(frozen=True, eq=False)
class Descent:
    """坂を下った記録。

    Attributes
    ----------
    path : 通ったパラメータ `(n_steps + 1, n_dims)`。path[0] が出発点
    losses : 各点の損失 `(n_steps + 1,)`。損失の関数を渡さなければ NaN
    gradient_norms : 各回の勾配の長さ `(n_steps,)`。切り詰める前の値
    diverged : 値があふれて、途中で止まったか。止まったときだけ n_steps が n_iter より小さい

    章: optimization
    """

    path: Array
    losses: Array
    gradient_norms: Array
    diverged: bool


@dataclass(frozen=True, eq=False)
class Surface:
    """損失の曲面。

    Attributes
    ----------
    loss : theta `(n_dims,)` から損失（数 1 個）を返す関数
    gradient : theta から勾配 `(n_dims,)` を返す関数

    章: optimization
    """

    loss: Callable[..., float]
    gradient: Callable[..., Array]


@dataclass(frozen=True, eq=False)
class Moments:
    """混合音と正解の、区間ごとの積の平均。正解のパワーの平均が 1 になるように割ってある。

    Attributes
    ----------
    correlation : 混合音どうし `(n_blocks, n_channels, n_channels)`
    cross : 混合音と正解 `(n_blocks, n_channels)`
    energy : 正解どうし `(n_blocks,)`

    章: optimization
    """

    correlation: Array
    cross: Array
    energy: Array


# ---- 坂を下る方法 ----


def gradient_descent(
    gradient: Callable[[Array], ArrayLike],
    start: ArrayLike,
    *,
    lr: ArrayLike,
    n_iter: int,
    momentum: float = 0.0,
    nesterov: bool = False,
    loss: Callable[[Array], float] | None = None,
    clip: Clip = None,
) -> Descent:
    """勾配降下法。勢い（momentum）を付けると、前の歩みの向きを保つ。

    Parameters
    ----------
    gradient : callable
        theta `(n_dims,)` から勾配 `(n_dims,)` を返す関数。呼ぶたびに違うミニバッチの勾配を
        返してもよい（確率的勾配降下法）。
    start : (n_dims,)
        出発点。
    lr : float or (n_iter,)
        学習率、正の数。列を渡すと、回ごとに変わる。
    n_iter : int
        更新の回数。
    momentum : float
        勢いの強さ μ、0 以上 1 未満。
    nesterov : bool
        勢いで進んだ先を見こす（Nesterov の加速）か。
    loss : callable, optional
        theta から損失を返す関数。記録だけに使う。
    clip : float or callable, optional
        勾配の長さの上限。これまでの長さの列から上限を決める関数でもよい。

    Returns
    -------
    Descent
        通った点、損失、勾配の長さ。

    Raises
    ------
    ValueError
        範囲の外の値、出発点で勾配が有限でないとき。

    Notes
    -----
    勢いの式は PyTorch と同じ v ← μv + g、theta ← theta − lr·v。
    値があふれたら、そこで止める（`Descent.diverged`）。

    Examples
    --------
    >>> gradient_descent(lambda theta: 2 * theta, [1.0], lr=0.25, n_iter=3).path.ravel()
    array([1.   , 0.5  , 0.25 , 0.125])

    章: optimization
    """
    _fraction(momentum, "momentum")
    if nesterov and momentum == 0:
        raise ValueError("nesterov=True のときは、momentum を 0 より大きくしてください。")
    velocity: Array = np.zeros(())  # 1 回めに、勾配と同じ形になる

    def direction(g: Array, step: int) -> Array:
        nonlocal velocity
        velocity = momentum * velocity + g
        return g + momentum * velocity if nesterov else velocity

    return _descend(gradient, start, direction, lr, n_iter, loss, clip)


def rmsprop(
    gradient: Callable[[Array], ArrayLike],
    start: ArrayLike,
    *,
    lr: ArrayLike,
    n_iter: int,
    decay: float = 0.99,
    loss: Callable[[Array], float] | None = None,
    clip: Clip = None,
) -> Descent:
    """RMSprop：パラメータごとに、最近の勾配の大きさ（2 乗平均の平方根）で割って進む。

    Parameters
    ----------
    gradient, start, lr, n_iter, loss, clip
        `gradient_descent` を参照。
    decay : float
        2 乗平均をならす割合、0 以上 1 未満。大きいほど昔まで覚える。

    Returns
    -------
    Descent
        `gradient_descent` を参照。

    Raises
    ------
    ValueError
        `gradient_descent` を参照。

    章: optimization
    """
    _fraction(decay, "decay")
    square: Array = np.zeros(())

    def direction(g: Array, step: int) -> Array:
        nonlocal square
        square = decay * square + (1 - decay) * g**2
        return g / (np.sqrt(square) + EPS)

    return _descend(gradient, start, direction, lr, n_iter, loss, clip)


def adam(
    gradient: Callable[[Array], ArrayLike],
    start: ArrayLike,
    *,
    lr: ArrayLike,
    n_iter: int,
    betas: tuple[float, float] = (0.9, 0.999),
    bias_correction: bool = True,
    loss: Callable[[Array], float] | None = None,
    clip: Clip = None,
) -> Descent:
    """Adam：ならした勾配を、その大きさで割って進む。

    Parameters
    ----------
    gradient, start, lr, n_iter, loss, clip
        `gradient_descent` を参照。
    betas : (float, float)
        勾配の平均と、2 乗の平均をならす割合。どちらも 0 以上 1 未満。
    bias_correction : bool
        0 から始めた平均のかたよりを直すか。Adam はいつも直す。False は、直さないとどうなるかを
        見るためのもの。

    Returns
    -------
    Descent
        `gradient_descent` を参照。

    Raises
    ------
    ValueError
        `gradient_descent` を参照。

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR, 2015.

    章: optimization
    """
    beta1, beta2 = betas
    _fraction(beta1, "betas[0]")
    _fraction(beta2, "betas[1]")
    mean: Array = np.zeros(())
    square: Array = np.zeros(())

    def direction(g: Array, step: int) -> Array:
        nonlocal mean, square
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g**2
        if not bias_correction:
            return mean / (np.sqrt(square) + EPS)
        # 重みの和は 1 − β^t しかない。割って、和が 1 の平均に直す
        corrected = mean / (1 - beta1**step)
        return corrected / (np.sqrt(square / (1 - beta2**step)) + EPS)

    return _descend(gradient, start, direction, lr, n_iter, loss, clip)


def _descend(
    gradient: Callable[[Array], ArrayLike],
    start: ArrayLike,
    direction: Direction,
    lr: ArrayLike,
    n_iter: int,
    loss: Callable[[Array], float] | None,
    clip: Clip,
) -> Descent:
    """勾配を測り、切り詰め、direction の向きに lr だけ戻ることをくり返す。"""
    theta = _vector(start, "start")
    rates = _rates(lr, _validate.non_negative_int(n_iter, "n_iter"))
    path, finite = [theta], True
    norms: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):  # あふれたら止めるので、警告は要らない
        for step, rate in enumerate(rates, start=1):
            g = np.asarray(gradient(theta), dtype=np.float64)
            if g.shape != theta.shape:
                raise ValueError(f"勾配の形 {g.shape} が start の形 {theta.shape} と違います。")
            norm = float(np.linalg.norm(g))
            if step == 1 and not np.isfinite(norm):
                raise ValueError(f"出発点 {theta} の勾配 {g} が有限でありません。")
            if clip is not None:
                g = clip_by_norm(g, clip([*norms, norm]) if callable(clip) else clip)
            theta = theta - rate * direction(g, step)
            finite = bool(np.isfinite(norm) and np.isfinite(theta).all())
            if not finite:
                break
            norms.append(norm)
            path.append(theta)
        losses = [np.nan if loss is None else float(loss(point)) for point in path]
    return Descent(np.array(path), np.array(losses), np.array(norms), not finite)


# ---- 勾配クリッピング、学習率を変える、勾配を確かめる ----


def clip_by_norm(gradient: ArrayLike, max_norm: float) -> Array:
    """勾配が max_norm より長ければ、向きを変えずに max_norm まで縮める。

    Parameters
    ----------
    gradient : array_like
        勾配。形は何でもよい。
    max_norm : float
        長さの上限、0 以上。

    Returns
    -------
    ndarray
        gradient と同じ形。

    Raises
    ------
    ValueError
        max_norm が負か、有限でないとき。

    Examples
    --------
    >>> clip_by_norm([30.0, 40.0], 5.0)
    array([3., 4.])

    章: optimization
    """
    limit = _validate.non_negative_number(max_norm, "max_norm")
    g = np.asarray(gradient, dtype=np.float64)
    norm = float(np.linalg.norm(g))
    return g if norm <= limit else g * (limit / norm)


def autoclip_threshold(norms: Sequence[float], percentile: float) -> float:
    """AutoClip：勾配の長さの上限を、これまでの長さのパーセンタイルから決める。

    Parameters
    ----------
    norms : sequence of float
        最初から今回までの、切り詰める前の勾配の長さ。
    percentile : float
        0 以上 100 以下。10 なら、短い方から 1 割の所。100 なら、これまでの最大なので切り詰めない。

    Returns
    -------
    float
        今回の勾配の長さの上限。

    Raises
    ------
    ValueError
        norms が空のとき、percentile が範囲の外のとき。

    References
    ----------
    P. Seetharaman, G. Wichern, B. Pardo and J. Le Roux, "AutoClip: Adaptive gradient clipping for
    source separation networks", MLSP, 2020. doi:10.1109/MLSP49062.2020.9231926

    Examples
    --------
    >>> autoclip_threshold([1.0, 2.0, 3.0, 100.0], 50)
    2.5

    章: optimization
    """
    if len(norms) == 0:
        raise ValueError("norms が空です。今回の勾配の長さを入れてください。")
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile は 0〜100 にしてください（{percentile!r} が来ました）。")
    return float(np.percentile(norms, percentile))


def warmup_cosine(n_steps: int, *, lr: float, warmup: int = 0, floor: float = 0.0) -> Array:
    """学習率の予定：はじめの warmup 回で直線的に上げ、余弦の形で下げる。

    Parameters
    ----------
    n_steps : int
        更新の回数。
    lr : float
        学習率の目安、正の数。
    warmup : int
        上げるのにかける回数。
    floor : float
        最後の学習率の、lr に対する割合。0 以上 1 以下。

    Returns
    -------
    (n_steps,)
        回ごとの学習率。0 より大きく lr 以下。

    Raises
    ------
    ValueError
        値が範囲の外のとき。

    Examples
    --------
    >>> warmup_cosine(4, lr=1.0, warmup=2).round(3)
    array([0.5  , 0.854, 0.5  , 0.146])

    章: optimization
    """
    step = np.arange(_validate.positive_int(n_steps, "n_steps"))
    top = _validate.positive_number(lr, "lr")
    if not 0 <= floor <= 1:
        raise ValueError(f"floor は 0〜1 にしてください（{floor!r} が来ました）。")
    rise = np.minimum(1, (step + 1) / max(1, _validate.non_negative_int(warmup, "warmup")))
    fall = (1 + np.cos(np.pi * step / n_steps)) / 2  # 1 から 0 へ
    rates: Array = top * rise * (floor + (1 - floor) * fall)
    return rates


def numerical_gradient(
    loss: Callable[[Array], float], theta: ArrayLike, *, width: float = 1e-5
) -> Array:
    """数値微分で求めた勾配：値を 1 つずつ ±width だけ動かし、損失の差を 2 * width で割る。

    Parameters
    ----------
    loss : callable
        theta と同じ形の float64 の配列から、損失（数 1 個）を返す関数。
    theta : (...)
        勾配を測る点。重みの行列など、形は何でもよい。
    width : float
        パラメータを動かす幅、正の数。

    Returns
    -------
    theta と同じ形
        勾配。誤差は width の 2 乗に比例する（中心差分）。width が小さすぎると、引き算で桁が
        失われ、丸め誤差が増える。

    Raises
    ------
    ValueError
        theta が空か有限でないとき、width が正でないとき。

    Notes
    -----
    式や自動微分で求めた勾配を、確かめるのに使う。損失を、値 1 つにつき 2 回計算する。float32 では
    桁が足りないので、theta は float64 にして渡す。

    Examples
    --------
    >>> numerical_gradient(lambda x: np.sum(x**2), [[1.0, 3.0]]).round(6)
    array([[2., 6.]])

    章: optimization
    """
    width = _validate.positive_number(width, "width")
    point = np.asarray(theta, dtype=np.float64)
    _vector(point.ravel(), "theta")
    gradient = np.empty_like(point)
    for index in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[index] = width
        gradient[index] = (loss(point + shift) - loss(point - shift)) / (2 * width)
    return gradient


def minibatches(n_items: int, batch_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """ミニバッチの番号を、終わりなく返す。1 巡（エポック）ごとに、並べかえて全部を 1 度ずつ使う。

    Parameters
    ----------
    n_items : int
        データの数。
    batch_size : int
        1 回に使う数、n_items 以下。割り切れなければ、1 巡の最後だけ少ない。
    rng : numpy.random.Generator
        乱数。

    Yields
    ------
    (batch_size,) の整数
        データの番号。

    Raises
    ------
    ValueError
        batch_size が n_items より大きいとき。

    章: optimization
    """
    n_items = _validate.positive_int(n_items, "n_items")
    size = _validate.positive_int(batch_size, "batch_size")
    if size > n_items:
        raise ValueError(f"batch_size={size} がデータの数 {n_items} を超えています。")

    def draw() -> Iterator[Array]:
        while True:
            order = rng.permutation(n_items)
            for first in range(0, n_items, size):
                yield order[first : first + size]

    return draw()  # 値の確かめを、最初の 1 個を取り出すときまで遅らせない


def max_stable_lr(hessian: ArrayLike) -> float:
    """2 次の損失で、勢いのない勾配降下法が発散しない学習率の限界 2 / λ₁（λ₁ は最大の曲率）。

    Parameters
    ----------
    hessian : (n_dims, n_dims)
        2 階微分の行列。対称で、最大の固有値 λ₁ が正。

    Returns
    -------
    float
        これより小さければ収束し、大きければ発散する。

    Raises
    ------
    ValueError
        正方の対称行列でないとき、最大の固有値が正でないとき。

    章: optimization
    """
    H = _validate.real_array(hessian, "hessian", min_ndim=2)
    if H.ndim != 2 or H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"hessian は正方の対称行列にしてください（shape={H.shape}）。")
    largest = float(np.linalg.eigvalsh(H)[-1])
    if largest <= 0:
        raise ValueError(f"hessian の最大の固有値 {largest:.3g} が正でないので、谷になりません。")
    return 2 / largest


# ---- 坂の例 ----


def quadratic_bowl(condition: float = 10.0, angle: float = 0.0) -> Surface:
    """2 次のおわん：曲率が condition の急な向きと、1 のゆるい向きをもつ、2 次元の損失。

    Parameters
    ----------
    condition : float
        条件数（2 つの曲率の比）、1 以上。1 なら丸いおわん。
    angle : float
        急な向きの、第 1 軸からの角度 [rad]。

    Returns
    -------
    Surface
        最小は原点で、値は 0。

    Raises
    ------
    ValueError
        condition が 1 より小さいとき。

    章: optimization
    """
    if _validate.positive_number(condition, "condition") < 1:
        raise ValueError(f"condition は 1 以上にしてください（{condition!r} が来ました）。")
    steep = np.array([np.cos(angle), np.sin(angle)])
    H = np.eye(2) + (condition - 1) * np.outer(steep, steep)
    return Surface(lambda theta: 0.5 * float(theta @ H @ theta), lambda theta: H @ theta)


def rosenbrock(steepness: float = 10.0) -> Surface:
    """曲がった谷：(1 − x)² + steepness·(y − x²)²。谷に入るのは速いが、底を進むのは遅い。

    Parameters
    ----------
    steepness : float
        谷の壁の急さ、正の数。

    Returns
    -------
    Surface
        最小は (1, 1) で、値は 0。

    Raises
    ------
    ValueError
        steepness が正でないとき。

    章: optimization
    """
    b = _validate.positive_number(steepness, "steepness")

    def loss(theta: Array) -> float:
        x, y = theta
        return float((1 - x) ** 2 + b * (y - x**2) ** 2)

    def gradient(theta: Array) -> Array:
        x, y = theta
        return np.array([-2 * (1 - x) - 4 * b * x * (y - x**2), 2 * b * (y - x**2)])

    return Surface(loss, gradient)


def unmixing_moments(mixtures: ArrayLike, reference: ArrayLike, block_length: int) -> Moments:
    """マイクの信号に重みを掛けて足し、正解に近づける問題を、区間ごとの積の平均にまとめる。

    推定は theta[0] x_1 + theta[1] x_2 + … なので、損失に要るのは積の平均だけである。

    Parameters
    ----------
    mixtures : (n_channels, n_samples)
        マイクの信号。
    reference : (n_samples,)
        取り出したい音。
    block_length : int
        1 区間のサンプル数。ミニバッチは区間を単位に選ぶ。余った末尾は使わない。

    Returns
    -------
    Moments
        区間ごとの積の平均。信号は、使う範囲の平均を引いてある。

    Raises
    ------
    ValueError
        形や長さが合わないとき、正解が無音のとき。

    章: optimization
    """
    x = _validate.real_array(mixtures, "mixtures", min_ndim=2)
    s = _validate.real_array(reference, "reference")
    if x.ndim != 2 or s.shape != x.shape[1:]:
        raise ValueError(
            "mixtures は (n_channels, n_samples)、reference は (n_samples,) にしてください"
            f"（shape={x.shape} と {s.shape}）。"
        )
    size = _validate.positive_int(block_length, "block_length")
    n_blocks = s.size // size
    if n_blocks == 0:
        raise ValueError(f"block_length={size} が信号の長さ {s.size} を超えています。")
    signals = np.vstack([x, s]).astype(np.float64)[:, : n_blocks * size]
    signals -= signals.mean(axis=1, keepdims=True)
    blocks = signals.reshape(len(signals), n_blocks, size)
    products = np.einsum("cbn,dbn->bcd", blocks, blocks) / size  # (区間, 信号, 信号)
    power = products[:, -1, -1].mean()
    if power == 0:
        raise ValueError("reference が無音です。取り出したい音を渡してください。")
    products /= power
    return Moments(products[:, :-1, :-1], products[:, :-1, -1], products[:, -1, -1])


def unmixing_mse(moments: Moments) -> Surface:
    """分離の二乗誤差：‖正解 − 推定‖² / ‖正解‖²。theta の 2 次式。

    Parameters
    ----------
    moments : Moments
        `unmixing_moments` の結果。

    Returns
    -------
    Surface
        loss と gradient は、第 2 引数に区間の番号（ミニバッチ）を取れる。省くと全部を使う。
        0 以上で、theta = 0 なら 1（全部の区間のとき）。

    章: optimization
    """

    def loss(theta: Array, batch: Any = ...) -> float:
        R, p, energy = _averages(moments, batch)
        return float(energy - 2 * p @ theta + theta @ R @ theta)

    def gradient(theta: Array, batch: Any = ...) -> Array:
        R, p, _ = _averages(moments, batch)
        slope: Array = 2 * (R @ theta - p)
        return slope

    return Surface(loss, gradient)


def unmixing_si_sdr(moments: Moments) -> Surface:
    """分離の負の SI-SDR [dB]。theta を何倍しても同じ値なので、原点から伸びる谷になる。

    Parameters
    ----------
    moments : Moments
        `unmixing_moments` の結果。

    Returns
    -------
    Surface
        loss と gradient は、第 2 引数に区間の番号（ミニバッチ）を取れる。省くと全部を使う。

    Notes
    -----
    分子と分母に小さな数を足し、値を ±80 dB ほどに抑える。theta = 0 では 0 dB、勾配は 0。

    章: optimization
    """

    def parts(theta: Array, batch: Any) -> tuple[float, float, Array, Array]:
        """正解の成分と誤差の、パワーとその勾配。"""
        R, p, energy = _averages(moments, batch)
        inner = float(p @ theta)
        target = inner**2 / (energy + EPS)
        target_gradient = 2 * inner * p / (energy + EPS)
        error = max(float(theta @ R @ theta) - target, 0.0)  # 丸めで、わずかに負になりうる
        return target + EPS, error + EPS, target_gradient, 2 * R @ theta - target_gradient

    def loss(theta: Array, batch: Any = ...) -> float:
        target, error, _, _ = parts(theta, batch)
        return float(10 * np.log10(error / target))

    def gradient(theta: Array, batch: Any = ...) -> Array:
        target, error, target_gradient, error_gradient = parts(theta, batch)
        ratio = error_gradient / error - target_gradient / target
        slope: Array = 10 / np.log(10) * ratio  # log10 x の微分は 1 / (x ln 10)
        return slope

    return Surface(loss, gradient)


def _averages(moments: Moments, batch: Any) -> tuple[Array, Array, float]:
    """選んだ区間の平均。"""
    correlation = moments.correlation[batch].mean(axis=0)
    cross = moments.cross[batch].mean(axis=0)
    return correlation, cross, float(moments.energy[batch].mean())


def _vector(values: ArrayLike, name: str) -> Array:
    """空でない、有限な 1 次元の float64 にして返す。"""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"{name} は (n_dims,) にしてください（shape={vector.shape} が来ました）。")
    _validate.check_finite(vector, name)
    return vector


def _rates(lr: ArrayLike, n_iter: int) -> Array:
    """回ごとの学習率 `(n_iter,)` にして返す。"""
    rates = np.asarray(lr, dtype=np.float64)
    if rates.shape not in ((), (n_iter,)) or not np.all((rates > 0) & np.isfinite(rates)):
        raise ValueError(
            f"lr は正の数か、正の数の列 ({n_iter},) にしてください（{lr!r} が来ました）。"
        )
    return np.broadcast_to(rates, n_iter)


def _fraction(value: float, name: str) -> None:
    """0 以上 1 未満の数であることを確かめる。"""
    if not 0 <= value < 1:
        raise ValueError(f"{name} は 0 以上 1 未満にしてください（{value!r} が来ました）。")
