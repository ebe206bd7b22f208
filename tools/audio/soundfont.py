"""伴奏の譜面を、SoundFont（録音された楽器の音の集まり）で音にする。"""

import numpy as np
import tinysoundfont
from score import SR

# 楽器の名前 -> (日本語の名前, 音色番号, 左右の位置 0-127)。drums の音色は曲ごとに選ぶ
INSTRUMENTS = {
    "drums": ("ドラム", None, 64),
    "bass": ("ベース", 33, 64),  # 指弾き
    "slap_bass": ("ベース", 36, 64),
    "double_bass": ("コントラバス", 32, 64),
    "koto": ("琴", 107, 40),
    "piano": ("エレクトリックピアノ", 4, 88),
    "strings": ("ストリングス", 48, 64),
    "rhodes": ("エレクトリックピアノ", 4, 46),
    "guitar": ("ナイロン弦ギター", 24, 84),
    "pad": ("シンセパッド", 89, 64),
    "grand": ("ピアノ", 0, 64),
    "accordion": ("アコーディオン", 21, 64),
    "clavinet": ("クラビネット", 7, 64),
    "brass": ("ブラス", 61, 64),
    "overdrive": ("オーバードライブギター", 29, 64),
    "organ": ("オルガン", 18, 64),
}
DRUM_CHANNEL, DRUM_BANK = 9, 128
FADE = 0.6  # 秒
CHUNK = 8192  # 一度に作るサンプル数の上限
PAN = 10  # 左右の位置を決める MIDI コントロール番号


def render(notes, soundfont, piece):
    """音符の並びを `(n_samples, 2)` の float32 にする。最後の FADE 秒で消える。"""
    synth = tinysoundfont.Synth(samplerate=SR, gain=0)
    font = synth.sfload(str(soundfont))
    names = sorted({note.instrument for note in notes})
    channels = dict(zip((n for n in names if n != "drums"), range(1, 9), strict=False))
    channels["drums"] = DRUM_CHANNEL
    for name in names:
        _, program, pan = INSTRUMENTS[name]
        is_drums = name == "drums"
        bank, program = (DRUM_BANK, piece.drum_kit) if is_drums else (0, program)
        synth.program_select(channels[name], font, bank, program, is_drums)
        synth.control_change(channels[name], PAN, pan)

    n_samples = piece.n_beats * piece.beat + min(piece.tail, piece.ring)
    out = np.zeros((n_samples, 2), np.float32)
    position = 0
    for time, is_on, note in _events(notes, piece.beat):
        position = _generate(synth, out, position, min(time, n_samples))
        channel = channels[note.instrument]
        if is_on:
            synth.noteon(channel, note.pitch, note.velocity)
        else:
            synth.noteoff(channel, note.pitch)
    _generate(synth, out, position, n_samples)

    n_fade = int(FADE * SR)
    out[-n_fade:] *= np.linspace(1, 0, n_fade)[:, None] ** 2
    return out


def _events(notes, beat):
    """(サンプル位置, 鳴らすか, 音符) を時刻の順に並べる。同時なら止めるほうを先にする。"""
    events = []
    for note in notes:
        events.append((int(note.onset * beat), True, note))
        events.append((int((note.onset + note.duration) * beat), False, note))
    return sorted(events, key=lambda event: event[:2])


def _generate(synth, out, position, end):
    while position < end:
        n = min(end - position, CHUNK)
        out[position : position + n] = np.frombuffer(bytes(synth.generate(n)), np.float32).reshape(
            -1, 2
        )
        position += n
    return position
