"""歌声と話し声：声帯の音を、口の形（フォルマント）で色づけて作る。

声は 3 段で作る。(1) 旋律や文から、音節の並びを決める。(2) 音節から、高さ・強さ・口の形が
時間とともにどう動くかの曲線を引く。(3) 曲線に従って、パルス列と雑音にフィルタを掛ける
（ソースフィルタモデル）。

章: mixing
"""

from dataclasses import dataclass

import numpy as np

from sstut import _validate
from sstut.mixing.synthesis import (
    SCALES,
    Array,
    Tune,
    band_shape,
    check_sound,
    compose,
    finish,
    hertz,
    pulse_train,
    reverberate,
    smooth,
    stream,
    wander,
)
from sstut.representations import istft, stft

# 母音のフォルマント F1〜F4 [Hz]。大人のおおよその平均
VOWELS = {
    "A": np.array(
        [
            [780, 1250, 2600, 3500],  # あ
            [300, 2250, 2950, 3600],  # い
            [330, 1250, 2350, 3400],  # う
            [480, 1950, 2550, 3500],  # え
            [490, 880, 2550, 3300],  # お
        ]
    ),
    "B": np.array([[650, 1700, 2400, 3300], [420, 1400, 2250, 3200], [560, 1050, 2450, 3500]]),
}
NASAL = np.array([260, 1100, 2200, 3200])  # 鼻に抜ける音のフォルマント [Hz]

# 子音：長さ [秒]、声帯の強さ（母音を 1 とする）、雑音の強さ、雑音の帯域 [Hz]
CONSONANTS = {
    "": (0.0, 1.0, 0.0, 0, 0),
    "n": (0.07, 0.55, 0.0, 0, 0),
    "r": (0.035, 0.3, 0.0, 0, 0),
    "g": (0.05, 0.25, 0.05, 1200, 2600),
    "z": (0.07, 0.3, 0.08, 2600, 9000),
    "k": (0.07, 0.0, 0.15, 1300, 2800),
    "t": (0.06, 0.0, 0.15, 2400, 5500),
    "h": (0.07, 0.05, 0.08, 900, 3200),
    "s": (0.1, 0.0, 0.15, 2900, 11000),
    "sh": (0.1, 0.0, 0.18, 1900, 7500),
}
CONTROL_RATE = 125  # 1 秒あたりの、曲線の点の数


@dataclass(frozen=True)
class Syllable:
    """音節 1 つ。時刻は秒、pitch は MIDI ノート番号、vowel はフォルマント [Hz]。"""

    onset: float
    duration: float
    pitch: float
    vowel: Array
    consonant: str
    level: float  # 0 なら休み
    gap: float  # 終わりの、声を切る長さ [秒]


@dataclass(frozen=True)
class Speaker:
    """声の持ち主。"""

    size: float  # フォルマントを何倍にするか（体が小さいほど大きい）
    bandwidths: Array  # フォルマントの幅の半分 [Hz]
    gains: Array  # フォルマントの強さ
    tilt: float  # 声帯の音が、周波数とともに弱まる速さ
    breath: float  # 息の雑音の強さ
    glide: float  # 高さが移る時定数 [秒]
    vibrato: tuple[float, float]  # 速さ [Hz] と深さ [半音]
    scoop: float  # 音の頭で低い所から滑り込む深さ [半音]
    drift: float  # 高さのゆらぎの標準偏差 [半音]


@dataclass(frozen=True)
class Curves:
    """時間とともに動く値。どれも 1 秒に `CONTROL_RATE` 点ほど。"""

    pitch: Array  # 高さ（MIDI ノート番号）
    voiced: Array  # 声帯の音の強さ
    level: Array  # 息の雑音の強さ
    formants: Array  # (n_frames, 4) [Hz]
    friction: Array  # (n_frames, n_freq) 子音の雑音の強さ


def sing(seed: int, *, sr: int = 8000, duration: float = 8.0, domain: str = "A") -> Array:
    """歌う：曲の音階を歩く旋律を、母音と子音、ビブラートを付けて歌う。

    Parameters
    ----------
    seed : int
        種。同じ種の `accompany` と同じ曲になる
    sr : int
        標本化周波数 [Hz]。8000〜48000
    duration : float
        長さ [秒]
    domain : {"A", "B"}
        "B" はほかの母音、遅く深いビブラート、残響

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
    高さの動き（ビブラート、しゃくり、ゆらぎ）は飾りではない。まっすぐな高さの声は、人にも
    ネットワークにも楽器に聞こえる。

    章: mixing
    """
    n = check_sound(sr, duration, domain)
    score, sound = stream(seed, "vocals").spawn(2)
    female = score.random() < 0.5
    syllables = draw_melody(score, compose(seed), duration, female, VOWELS[domain])
    y = render_voice(syllables, draw_singer(sound, female, domain), n, sr, sound)
    return finish(reverberate(sound, y, sr) if domain == "B" else y)


def speak(
    seed: int,
    *,
    sr: int = 8000,
    duration: float = 8.0,
    domain: str = "A",
    pitch: float | None = None,
    intonation: float = 0.5,
) -> Array:
    """話す：音節と息継ぎの並んだ、意味のない話し声。

    Parameters
    ----------
    seed : int
        種
    sr : int
        標本化周波数 [Hz]。8000〜48000
    duration : float
        長さ [秒]
    domain : {"A", "B"}
        "B" はほかの母音と残響
    pitch : float, optional
        声の高さの中心 [Hz]。省くと 85〜300 Hz から選ぶ
    intonation : float
        抑揚の大きさ。1 で、句の中の下がりが 5 半音、音節ごとの揺れが 1.6 半音（標準偏差）

    Returns
    -------
    (n_samples,) の float32
        RMS は 0.1

    Raises
    ------
    ValueError
        引数が正しくないとき

    章: mixing
    """
    n = check_sound(sr, duration, domain)
    score, sound = stream(seed, "speech").spawn(2)
    drawn = float(np.exp(score.uniform(np.log(85), np.log(300))))
    center = drawn if pitch is None else _validate.positive_number(pitch, "pitch")
    intonation = _validate.non_negative_number(intonation, "intonation")
    syllables = draw_speech(score, center, duration, intonation, VOWELS[domain])
    size = (center / 150) ** 0.3  # 声の低い人ほど体が大きく、フォルマントも低い
    y = render_voice(syllables, draw_talker(sound, size, domain), n, sr, sound)
    y = y + 0.002 * np.abs(y).max() * sound.standard_normal(n)  # マイクの雑音
    return finish(reverberate(sound, y, sr) if domain == "B" else y)


# ---- (1) 音節の並び --------------------------------------------------------------------


def draw_vowel(rng: np.random.Generator, vowels: Array) -> Array:
    """母音を 1 つ選び、言うたびの違いの分だけずらす。"""
    return np.asarray(vowels[rng.integers(len(vowels))] * rng.normal(1, 0.02, 4))


def draw_consonant(rng: np.random.Generator) -> str:
    """子音を選ぶ。4 割の音節には子音がない。"""
    return "" if rng.random() < 0.4 else str(rng.choice(list(CONSONANTS)[1:]))


def draw_melody(
    rng: np.random.Generator, tune: Tune, duration: float, female: bool, vowels: Array
) -> list[Syllable]:
    """音階の上を歩く旋律。声域（男声は 48〜67、女声は 57〜76）からは出ない。"""
    low, high = (57, 76) if female else (48, 67)
    steps = len(SCALES[tune.scale])
    ladder = [tune.pitch(d) + 24 for d in range(8 * steps)]
    ladder = [p for p in ladder if low <= p <= high]
    place = int(rng.integers(len(ladder) // 4, 3 * len(ladder) // 4))
    syllables: list[Syllable] = []
    onset = -rng.uniform(0, 0.5) * tune.beat
    vowel, rest = draw_vowel(rng, vowels), False
    while onset < duration:
        length = tune.beat * rng.choice([0.5, 0.5, 1, 1, 1.5, 2])
        rest = rng.random() < 0.14 and onset > 0 and not rest  # 休みは続けない
        if not rest:
            step = rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3])
            place = int(np.clip(place + step, 0, len(ladder) - 1))
        held = rng.random() < 0.2  # 前の母音を伸ばしたまま、高さだけ変える
        consonant = "" if held else draw_consonant(rng)
        vowel = vowel if held else draw_vowel(rng, vowels)
        gap = 0.0 if rng.random() < 0.6 else 0.06
        level = 0.0 if rest else rng.uniform(0.5, 1)
        syllables.append(Syllable(onset, length, ladder[place], vowel, consonant, level, gap))
        onset += length
    return syllables


def draw_speech(
    rng: np.random.Generator, pitch: float, duration: float, intonation: float, vowels: Array
) -> list[Syllable]:
    """1 秒に 5 個ほどの音節。句の中で高さが下がり、句と句の間で息を継ぐ。"""
    center = 69 + 12 * np.log2(pitch / 440)
    syllables: list[Syllable] = []
    onset, spoken, phrase = -rng.uniform(0, 0.2), 0.0, rng.uniform(1.2, 2.6)
    while onset < duration:
        length = rng.uniform(0.11, 0.28)
        offset = intonation * (3 - 5 * spoken / phrase + rng.normal(0, 1.6))
        consonant = draw_consonant(rng)
        vowel, level = draw_vowel(rng, vowels), rng.uniform(0.5, 1)
        syllables.append(Syllable(onset, length, center + offset, vowel, consonant, level, 0.0))
        onset, spoken = onset + length, spoken + length
        if spoken > phrase:
            pause = rng.uniform(0.12, 0.4)
            syllables.append(Syllable(onset, pause, center, vowel, "", 0.0, 0.0))
            onset, spoken, phrase = onset + pause, 0.0, rng.uniform(1.2, 2.6)
    return syllables


def draw_singer(rng: np.random.Generator, female: bool, domain: str) -> Speaker:
    """歌い手を 1 人選ぶ。"""
    other = domain == "B"
    return Speaker(
        size=rng.uniform(1.0, 1.18) if female else rng.uniform(0.85, 1.02),
        bandwidths=np.array([130, 140, 200, 250] if other else [70, 90, 140, 180]),
        gains=np.array([1, 0.9, 0.6, 0.4] if other else [1, 0.55, 0.3, 0.2]),
        tilt=0.1 if other else rng.uniform(0.15, 0.6),
        breath=rng.uniform(0.08, 0.15) if other else rng.uniform(0.01, 0.08),
        glide=rng.uniform(0.015, 0.045),
        vibrato=(rng.uniform(3.5, 4.5), rng.uniform(0.5, 1.0))
        if other
        else (rng.uniform(4.8, 6.6), rng.uniform(0.1, 0.6)),
        scoop=rng.uniform(0, 1.5),
        drift=0.07,
    )


def draw_talker(rng: np.random.Generator, size: float, domain: str) -> Speaker:
    """話し手を 1 人選ぶ。"""
    return Speaker(
        size=size * rng.uniform(0.94, 1.06),
        bandwidths=np.array([70, 95, 150, 200]) * (1.5 if domain == "B" else 1),
        gains=np.array([1, 0.6, 0.35, 0.22]),
        tilt=rng.uniform(0.2, 0.5),
        breath=rng.uniform(0.005, 0.03),
        glide=0.04,
        vibrato=(5.0, 0.0),
        scoop=0.0,
        drift=0.15,
    )


# ---- (2) 曲線 --------------------------------------------------------------------------


def draw_curves(
    rng: np.random.Generator,
    syllables: list[Syllable],
    speaker: Speaker,
    n_frames: int,
    frequencies: Array,
    rate: float,
) -> Curves:
    """音節の並びから、高さ・強さ・口の形・子音の雑音の曲線を引く。"""
    pitch, formants = np.empty(n_frames), np.empty((n_frames, 4))
    level, voicing, age = np.zeros(n_frames), np.ones(n_frames), np.zeros(n_frames)
    friction = np.zeros((n_frames, len(frequencies)), np.float32)
    pitch[:], formants[:] = syllables[0].pitch, syllables[0].vowel
    for s in syllables:
        start, end = (int(np.clip(t * rate, 0, n_frames)) for t in (s.onset, s.onset + s.duration))
        pitch[start:], formants[start:] = s.pitch, s.vowel
        level[start:end] = s.level
        level[max(start, end - round(s.gap * rate)) : end] = 0
        age[start:end] = np.arange(end - start) / rate
        length, voice, noise, low, high = CONSONANTS[s.consonant]
        begin = max(0, start - round(length * rate))  # 子音は、拍の前に言う
        if s.level == 0 or begin == start:
            continue
        voicing[begin:start] = voice
        if s.consonant == "n":
            formants[begin:start] = NASAL
        if noise:
            shape = np.hanning(start - begin + 2)[1:-1, None] * band_shape(frequencies, low, high)
            friction[begin:start] = noise * s.level * rng.uniform(0.5, 1) * shape
    vibrato, slow = draw_pitch_moves(rng, age, speaker, rate)
    loud = smooth(level, 0.02, rate) * (1 + 0.15 * vibrato)
    return Curves(
        pitch=smooth(pitch, speaker.glide, rate) + vibrato + slow,
        voiced=loud * smooth(voicing, 0.006, rate),
        level=loud,
        formants=np.stack([smooth(f, 0.025, rate) for f in formants.T], 1) * speaker.size,
        friction=friction,
    )


def draw_pitch_moves(
    rng: np.random.Generator, age: Array, speaker: Speaker, rate: float
) -> tuple[Array, Array]:
    """高さの動き [半音]：ビブラートと、しゃくり＋ゆらぎ。age は、音が始まってからの秒数。"""
    speed, depth = speaker.vibrato
    phase = 2 * np.pi * np.cumsum(speed * (1 + 0.05 * rng.standard_normal(len(age)))) / rate
    vibrato = depth * np.clip((age - 0.12) / 0.25, 0, 1) * np.sin(phase)  # 遅れて始まる
    scoop = -speaker.scoop * np.exp(-age / 0.06)
    drift = speaker.drift * wander(rng, len(age), 0.05, rate)
    return vibrato, smooth(scoop, speaker.glide, rate) + drift


# ---- (3) ソースフィルタモデル ----------------------------------------------------------


def vocal_tract(formants: Array, speaker: Speaker, frequencies: Array) -> Array:
    """口の形のフィルタ `(n_frames, n_freq)`：4 つの共鳴の和。

    共鳴 1 つは 1 / (1 + j (f − F) / b)。中心 F で 1、そこから b [Hz] 離れると −3 dB になる。
    となりの共鳴とは符号を逆にして、2 つの山の間で打ち消し合わないようにする。
    """
    real, imag = np.zeros((2, len(formants), len(frequencies)), np.float32)
    for j, (gain, width) in enumerate(zip(speaker.gains, speaker.bandwidths, strict=True)):
        center = (formants[:, j, None] / width).astype(np.float32)
        x = (frequencies / width).astype(np.float32) - center
        resonance = np.float32(gain * (-1) ** j) / (1 + x * x)
        real += resonance
        imag -= resonance * x
    return np.asarray(real + np.complex64(1j) * imag)


def render_voice(
    syllables: list[Syllable], speaker: Speaker, n: int, sr: int, rng: np.random.Generator
) -> Array:
    """曲線を引き、パルス列と雑音にフィルタを掛けて、声にする。"""
    hop = 16 * round(sr / CONTROL_RATE / 16)
    frequencies = np.fft.rfftfreq(4 * hop, 1 / sr)
    n_frames = 1 + n // hop
    curves = draw_curves(rng, syllables, speaker, n_frames, frequencies, sr / hop)
    times, frames = np.arange(n), np.arange(n_frames) * hop
    f0 = np.interp(times, frames, hertz(curves.pitch))
    pulses = pulse_train(f0, sr) * np.interp(times, frames, curves.voiced)
    density = np.float32(np.sqrt(sr / 800))  # 200 Hz の声の倍音と同じ密度の雑音にする
    noise = density * rng.standard_normal(n, np.float32)

    voiced, breath = (
        stft(x.astype(np.float32), n_fft=4 * hop, hop_length=hop).T for x in (pulses, noise)
    )
    tilt = (np.maximum(frequencies, 60) / 200) ** -speaker.tilt
    tract = vocal_tract(curves.formants, speaker, frequencies)
    high = speaker.breath * np.clip(frequencies / 1500, 0, 1).astype(np.float32)  # 息は高い所に
    aspiration = curves.level[:, None].astype(np.float32) * high
    spectrum = tract * (voiced * tilt.astype(np.float32) + breath * aspiration)
    spectrum += breath * curves.friction
    return istft(spectrum.T, hop_length=hop, length=n)
