"""伴奏の譜面を、SoundFont（録音された楽器の音の集まり）で音にする。"""

import numpy as np
import tinysoundfont
from score import BEAT, N_BARS, SR

# 楽器の名前 -> (MIDI チャネル, バンク, 音色番号, 左右の位置 0-127)
INSTRUMENTS = {
    "drums": (9, 128, 8, 64),  # Room kit
    "bass": (1, 0, 33, 64),  # 指弾きのベース
    "koto": (2, 0, 107, 40),
    "piano": (3, 0, 4, 88),  # エレクトリックピアノ
    "strings": (4, 0, 48, 64),
}
CHUNK = 8192  # 一度に作るサンプル数の上限
PAN = 10  # 左右の位置を決める MIDI コントロール番号


def render(notes, soundfont, tail=0.6):
    """音符の並びを `(n_samples, 2)` の float32 にする。最後の tail 秒で消える。"""
    synth = tinysoundfont.Synth(samplerate=SR, gain=0)
    font = synth.sfload(str(soundfont))
    for name in sorted({note.instrument for note in notes}):
        channel, bank, program, pan = INSTRUMENTS[name]
        synth.program_select(channel, font, bank, program, channel == 9)
        synth.control_change(channel, PAN, pan)

    n_samples = round((N_BARS * 4 * BEAT + tail) * SR)
    out = np.zeros((n_samples, 2), np.float32)
    position = 0
    for time, is_on, note in _events(notes):
        position = _generate(synth, out, position, min(time, n_samples))
        channel = INSTRUMENTS[note.instrument][0]
        if is_on:
            synth.noteon(channel, note.pitch, note.velocity)
        else:
            synth.noteoff(channel, note.pitch)
    _generate(synth, out, position, n_samples)

    n_fade = int(tail * SR)
    out[-n_fade:] *= np.linspace(1, 0, n_fade)[:, None] ** 2
    return out


def _events(notes):
    """(サンプル位置, 鳴らすか, 音符) を時刻の順に並べる。同時なら止めるほうを先にする。"""
    events = []
    for note in notes:
        events.append((int(note.onset * BEAT * SR), True, note))
        events.append((int((note.onset + note.duration) * BEAT * SR), False, note))
    return sorted(events, key=lambda event: event[:2])


def _generate(synth, out, position, end):
    while position < end:
        n = min(end - position, CHUNK)
        out[position : position + n] = np.frombuffer(bytes(synth.generate(n)), np.float32).reshape(
            -1, 2
        )
        position += n
    return position
