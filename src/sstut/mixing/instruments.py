"""伴奏：ドラム、ベース、和音の楽器。

章: mixing
"""

import numpy as np

from sstut.mixing.synthesis import (
    Array,
    Tune,
    band_noise,
    check_sound,
    compose,
    finish,
    harmonic_tone,
    hertz,
    odd_tone,
    place,
    reverberate,
    stream,
)

STEPS = 8  # 1 小節を 8 分音符で数える


def accompany(seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A") -> Array:
    """伴奏する：ドラム、ベース、和音を、曲ごとの釣り合いで足す。

    Parameters
    ----------
    seed : int
        種。同じ種の `sing` と同じ曲になる
    sr : int
        標本化周波数 [Hz]。8000〜48000
    duration : float
        長さ [秒]
    domain : {"A", "B"}
        "B" はほかの音色、跳ねるリズム、残響

    Returns
    -------
    (n_samples,) の float32
        RMS は 0.1

    Raises
    ------
    ValueError
        引数が正しくないとき

    Notes
    -----
    4 曲に 1 曲ほどは、ドラムかベースが休む。和音の楽器はいつも鳴る。

    章: mixing
    """
    rng = stream(seed, "accompaniment")
    gains = rng.uniform(0.6, 1.2, 3) * [rng.uniform(0.4, 1), 1, 1]
    gains[:2] *= rng.random(2) > [0.15, 0.1]
    total = np.zeros(check_sound(sr, duration, domain))
    for gain, play in zip(gains, (play_drums, play_bass, play_chords), strict=True):
        if gain > 0:
            total += gain * play(seed, sr=sr, duration=duration, domain=domain)
    return finish(total)


def play_drums(seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A") -> Array:
    """ドラム：1 小節の型をくり返すバスドラム、スネア、ハイハット。

    引数、返り値、例外は `accompany` と同じ。

    章: mixing
    """
    n = check_sound(sr, duration, domain)
    tune, (score, sound) = compose(seed), stream(seed, "drums").spawn(2)
    kick, hat, snare = score.random(STEPS) < 0.25, score.random(STEPS) < 0.8, score.random() < 0.85
    kick[[0, 4]] = True
    kit = draw_kit(sound, sr, domain)
    y = np.zeros(n)
    for step, onset in enumerate(eighths(tune, duration, domain)):
        beat = step % STEPS
        if kick[beat]:
            place(y, kit["kick"] * score.uniform(0.9, 1.2), onset, sr)
        if beat in (2, 6) and snare:
            place(y, kit["snare"] * score.uniform(0.8, 1), onset, sr)
        if hat[beat]:
            name = "open" if beat == STEPS - 1 and score.random() < 0.3 else "hat"
            place(y, kit[name] * score.uniform(0.5, 1), onset, sr)
    return finish(reverberate(sound, y, sr) if domain == "B" else y)


def play_bass(seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A") -> Array:
    """ベース：和音の根音（ときどき 5 度やオクターブ）を、くり返す型で弾く。

    引数、返り値、例外は `accompany` と同じ。

    章: mixing
    """
    n = check_sound(sr, duration, domain)
    tune, (score, sound) = compose(seed), stream(seed, "bass").spawn(2)
    pattern = score.random(STEPS) < 0.55
    pattern[0] = True
    ornament = score.choice([0, 0, 0, 4, 7], STEPS)  # 半音でなく、音階の何番目か
    brightness, decay = sound.uniform(0.3, 0.75), sound.uniform(0.25, 0.9)
    y = np.zeros(n)
    for step, onset in enumerate(eighths(tune, duration, domain)):
        if not pattern[step % STEPS]:
            continue
        pitch = tune.pitch(chord_at(tune, step) + ornament[step % STEPS]) + 24
        pitch += 12 if pitch < 28 else -12 * (pitch > 47)
        length = tune.beat / 2 * score.choice([0.9, 1.6])
        note = bass_note(hertz(pitch), length, sr, brightness, decay, domain)
        place(y, note * score.uniform(0.8, 1), onset, sr)
    return finish(reverberate(sound, y, sr) if domain == "B" else y)


def play_chords(seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A") -> Array:
    """和音の楽器：三和音を同時に弾くか、1 音ずつ分けて弾く（分散和音）。

    領域 A は弾く弦、電気ピアノ、弓で弾く弦のどれか。領域 B はベルかオルガン。
    引数、返り値、例外は `accompany` と同じ。

    章: mixing
    """
    n = check_sound(sr, duration, domain)
    tune, (score, sound) = compose(seed), stream(seed, "other").spawn(2)
    broken = score.random() < 0.35
    pattern = score.random(STEPS) < (0.8 if broken else 0.45)
    pattern[2 * score.integers(0, 2)] = True
    octave = score.choice([48, 60])
    kind = str(sound.choice(["bell", "organ"] if domain == "B" else ["pluck", "keys", "strings"]))
    brightness, decay = sound.uniform(0.4, 0.8), sound.uniform(0.25, 0.8)
    y, notes = np.zeros(n), {}
    for step, onset in enumerate(eighths(tune, duration, domain)):
        if not pattern[step % STEPS]:
            continue
        for third in (2 * (step % 3),) if broken else (0, 2, 4):
            pitch = octave + tune.pitch(chord_at(tune, step) + third)
            if pitch not in notes:  # 同じ高さの音は 1 度だけ作る
                f, length = hertz(pitch), 1.6 * tune.beat
                notes[pitch] = chord_note(kind, f, length, sr, brightness, decay)
            humanized = onset + score.uniform(0, 0.012)  # 3 つの音は、ちょうど同時には鳴らない
            place(y, notes[pitch] * np.float32(score.uniform(0.7, 1)), humanized, sr)
    return finish(reverberate(sound, y, sr) if domain == "B" else y)


# ---- 拍と和音 --------------------------------------------------------------------------


def eighths(tune: Tune, duration: float, domain: str) -> list[float]:
    """8 分音符の時刻 [秒]。領域 B では裏の拍が遅れる（スウィング）。"""
    half = tune.beat / 2
    swing = 0.16 * half if domain == "B" else 0.0
    return [k * half + swing * (k % 2) for k in range(int(np.ceil(duration / half)))]


def chord_at(tune: Tune, step: int) -> int:
    """8 分音符 step で鳴る和音の根音。和音は 2 拍ごとに変わる。"""
    return tune.chords[step // (STEPS // 2) % len(tune.chords)]


# ---- 音色 ------------------------------------------------------------------------------


def note_axis(frequency: float, length: float, sr: int) -> tuple[Array, Array]:
    """1 音の時刻 [秒] と位相 [rad]。"""
    t = np.arange(max(8, round(length * sr))) / sr
    cycles = frequency * t
    # 整数回分を引いてから float32 にする。大きな数のままでは、小数点より下の桁が足りない
    theta = 2 * np.pi * (cycles - np.floor(cycles))
    return t.astype(np.float32), theta.astype(np.float32)


def band_limit(brightness: float, frequency: float, sr: int) -> np.float32:
    """Nyquist 周波数での倍音が 1 %（−40 dB）より小さくなる所まで、明るさを抑える。"""
    return np.float32(min(brightness, 0.01 ** (2 * frequency / sr)))


def envelope(t: Array, attack: float, decay: float) -> Array:
    """音の大きさの曲線：attack 秒で立ち上がり、時定数 decay 秒で減り、最後の 20 ミリ秒で消える。"""
    rise = np.minimum(t / np.float32(attack), 1)
    fall = np.minimum((t[-1] - t) / np.float32(0.02), 1)
    return np.asarray(rise * fall * np.exp(-t / np.float32(decay)))


def bass_note(
    frequency: float, length: float, sr: int, brightness: float, decay: float, domain: str
) -> Array:
    """ベースの 1 音。領域 B は奇数の倍音だけ。"""
    t, theta = note_axis(frequency, length, sr)
    r = band_limit(brightness, frequency, sr)
    tone = odd_tone(theta, r) if domain == "B" else harmonic_tone(theta, r * np.exp(-t / decay))
    return np.asarray(tone * envelope(t, 0.004, decay))


def chord_note(
    kind: str, frequency: float, length: float, sr: int, brightness: float, decay: float
) -> Array:
    """和音の楽器の 1 音。"""
    t, theta = note_axis(frequency, length, sr)
    r = band_limit(brightness, frequency, sr)
    if kind == "pluck":  # 弾く弦：高い倍音ほど早く消える
        mellow = harmonic_tone(theta, r * np.exp(-t / (0.5 * decay)))
        return np.asarray(mellow * envelope(t, 0.004, decay))
    if kind == "keys":  # 電気ピアノ：丸い音に、叩いた瞬間の高い音が混ざる
        strike = 0.3 * np.sin(4 * theta) * np.exp(-t / 0.08)
        return np.asarray((harmonic_tone(theta, 0.5 * r) + strike) * envelope(t, 0.004, 1.2))
    if kind == "strings":  # 弓で弾く弦：少し高さの違う 2 本が、ゆっくり立ち上がる
        detuned = note_axis(1.006 * frequency, length, sr)[1]
        pair = harmonic_tone(theta, r) + harmonic_tone(detuned, r)
        return np.asarray(pair * envelope(t, 0.12, 4.0))
    if kind == "bell":  # 周波数変調
        swing = 2.2 * np.exp(-t / 0.15) * np.sin(3 * theta)
        return np.asarray(np.sin(theta + swing) * envelope(t, 0.004, 0.6))
    drawbars = [k for k in (1, 2, 3, 4, 6) if k * frequency < 0.45 * sr]  # オルガン
    return np.asarray(sum(np.sin(k * theta) / k for k in drawbars) * envelope(t, 0.01, 10.0))


def draw_kit(rng: np.random.Generator, sr: int, domain: str) -> dict[str, Array]:
    """太鼓の音を 1 組作る。"""
    t = np.arange(round(0.25 * sr)) / sr
    n, other = len(t), domain == "B"
    # バスドラム：高さが下がる正弦波
    base, drop, fall = rng.uniform(42, 58), rng.uniform(60, 140), rng.uniform(0.03, 0.05)
    kick = np.sin(2 * np.pi * (base * t + drop * fall * (1 - np.exp(-t / fall))))
    kick *= np.exp(-t / rng.uniform(0.07, 0.12))
    kick += 0.1 * band_noise(rng, n, 500, 3000, sr) * np.exp(-t / 0.006)  # ばちが当たる音
    # スネア：胴の響きと、響き線の雑音
    body = np.sin(2 * np.pi * rng.uniform(160, 230) * t) * np.exp(-t / 0.05)
    wires = band_noise(rng, n, rng.uniform(200, 1200), 9000, sr)
    snare = 0.5 * body + 0.45 * wires * np.exp(-t / rng.uniform(0.04, 0.08))
    # ハイハット：高い雑音。領域 B では、立ち上がりの遅いシェイカー
    hiss = band_noise(rng, n, rng.uniform(2500, 6000) if sr > 16000 else 2600, 20000, sr)
    rise = np.minimum(t / 0.02, 1) if other else np.minimum(t / 0.001, 1)
    hat = 0.3 * rise * hiss * np.exp(-t / rng.uniform(0.015, 0.04))
    kit = {
        "kick": np.tanh(3 * kick) * 0.7 if other else kick,
        "snare": snare,
        "hat": hat,
        "open": 0.25 * rise * hiss * np.exp(-t / 0.12),
    }
    fade = np.minimum((t[-1] - t) / 0.02, 1)
    return {name: sound * fade for name, sound in kit.items()}
