"""Make ``examples/demo.mp3``: a synthesised voice that sings its own song over a synthesised band.

Nothing in it comes from a recording, so it may be shipped. espeak-ng speaks the syllables, `voice.py` sings them,
and the band is made of sines and noise. The random numbers are seeded: the same tools give the same song.

    python examples/make_demo.py                  # examples/demo.mp3
    python examples/make_demo.py --stems stems/   # and the true stems as wav
"""

from __future__ import annotations

import argparse
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from mutagen.id3 import APIC, ID3, TIT2, TPE1
from voice import RATE, Note, Signal, sing

BEAT = 60 / 96  # seconds
BARS = ("C", "C", "G", "Am", "F", "C")  # one to play in, four sung, one to ring out
CHORDS = {"C": (48, 55, 60, 64), "G": (43, 55, 59, 62), "Am": (45, 57, 60, 64), "F": (41, 57, 60, 65)}
N_SAMPLES = round((4 * len(BARS) * BEAT + 0.9) * RATE)

rng = np.random.default_rng(2)


def notes(first_beat: float, *syllables: tuple[str, int, float]) -> list[Note]:
    """Lay ``(phonemes, pitch, beats)`` end to end."""
    ends = (first_beat + np.cumsum([beats for _, _, beats in syllables])) * BEAT
    return [
        Note(phonemes=phonemes, pitch=pitch, start=end - beats * BEAT, end=end)
        for (phonemes, pitch, beats), end in zip(syllables, ends, strict=True)
    ]


# "Light on the river, slow and low, / carry me over, let me go."
MELODY = (
    notes(4, ("l'aI", 67, 1), ("t'0n", 69, 0.5), ("D'@", 67, 0.5), ("r'I", 72, 1), ("v'3:", 71, 1))
    + notes(8, ("sl'oU", 74, 1), ("'and", 71, 1), ("l'oU", 67, 1.75))
    + notes(12, ("k'a", 69, 0.75), ("r'I", 71, 0.25), ("m'i:", 72, 1), ("'oU", 76, 1.25), ("v'3:", 74, 0.75))
    + notes(16, ("l'Et", 72, 1), ("m'i:", 69, 1), ("g'oU", 72, 4))
)


# The band


def tone(pitch: float, seconds: float, partials: Signal, decay: float) -> Signal:
    """A note of harmonic ``partials`` that dies away, the higher the faster."""
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(
        level * np.sin(2 * np.pi * k * hertz * time) * np.exp(-time * decay * k**0.7)
        for k, level in enumerate(partials, start=1)
    )
    return sound * np.clip(time / 0.004, 0, 1) * np.clip((seconds - time) / 0.02, 0, 1)


def pluck(pitch: float, seconds: float) -> Signal:
    """A string after Karplus and Strong: noise in a loop that averages, one period at a time."""
    period = round(RATE / (440 * 2 ** ((pitch - 69) / 12)))
    loop, periods = rng.uniform(-1, 1, period), []
    for _ in range(round(seconds * RATE) // period):
        periods.append(loop)
        loop = 0.498 * (loop + np.roll(loop, 1))
    return np.concatenate(periods)


def kick() -> Signal:
    """A sine that falls from 150 to 45 Hz in some 30 ms."""
    time = np.arange(round(0.3 * RATE)) / RATE
    return np.sin(2 * np.pi * (45 * time + 105 * 0.03 * (1 - np.exp(-time / 0.03)))) * np.exp(-time * 12)


def hiss(seconds: float, decay: float) -> Signal:
    """Noise without its bass, that dies away."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.diff(rng.normal(0, 0.5, len(time)), prepend=0) * np.exp(-time * decay)


def snare() -> Signal:
    """A drum skin at 190 Hz under a burst of noise."""
    return tone(54.5, 0.2, np.array([1.0, 0.4]), 18) + 0.8 * hiss(0.2, 22)


def place(track: Signal, sound: Signal, beat: float, *, level: float, pan: float = 0) -> None:
    """Add ``sound`` to the stereo ``track`` at ``beat``, ``pan`` from -1 (left) to 1 (right)."""
    start = round(beat * BEAT * RATE)
    sound = sound[: track.shape[1] - start]
    angle = (pan + 1) * np.pi / 4
    track[:, start : start + len(sound)] += level * np.array([[np.cos(angle)], [np.sin(angle)]]) * sound


def play() -> Signal:
    """The band, ``(channel, sample)``: drums, bass, an electric piano and a plucked line."""
    track = np.zeros((2, N_SAMPLES))
    last = len(BARS) - 1
    for bar, name in enumerate(BARS):
        root, *chord = CHORDS[name]
        for beat in range(4 * bar, 4 * bar + (1 if bar == last else 4)):
            place(track, snare() if beat % 2 else kick(), beat, level=0.5)
            for eighth in (0, 0.5):
                place(track, hiss(0.08, 60), beat + eighth, level=0.16 - 0.12 * eighth, pan=0.3)
        if bar != last:
            place(track, kick(), 4 * bar + 2.5, level=0.4)
        for beat, beats in ((0, 4.5),) if bar == last else ((0, 1.5), (1.5, 1), (2.5, 1.5)):
            place(track, tone(root - 12, beats * BEAT, 1 / np.arange(1, 9), 1.2), 4 * bar + beat, level=0.24)
        for voice, pitch in enumerate(chord):
            sound = tone(pitch, 4.2 * BEAT, np.array([1, 0.4, 0.12, 0.25, 0.05, 0.12, 0.02, 0.06]), 0.9)
            place(track, sound, 4 * bar, level=0.22, pan=(-0.7, 0.1, 0.6)[voice])
        for step in range(1 if bar == last else 8):
            pitch = (*chord, chord[1] + 12)[(0, 1, 2, 3, 2, 1, 2, 1)[step]]
            place(track, pluck(pitch + 12, 1.2), 4 * bar + step / 2, level=0.2, pan=-0.5)
    return track


# The mix


def reverberate(track: Signal, seconds: float, level: float) -> Signal:
    """The stereo track in a hall: convolved with noise that dies away by 60 dB in ``seconds``."""
    time = np.arange(round(seconds * RATE)) / RATE
    hall = rng.normal(0, 1, (2, len(time))) * 10 ** (-3 * time / seconds) * (time > 0.012)
    hall /= np.linalg.norm(hall, axis=1, keepdims=True)
    n_fft = 1 << (track.shape[1] + len(time)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(track, n_fft) * np.fft.rfft(hall, n_fft))
    return track + level * wet[:, : track.shape[1]]


def limiter_gain(track: Signal, ceiling: float) -> Signal:
    """The gain for each sample, 0 to 1, that keeps the stereo track under ``ceiling`` and changes smoothly."""
    size, reach = 64, 8
    n_blocks = -(-track.shape[1] // size)
    padded = np.pad(np.abs(track).max(axis=0), (0, n_blocks * size - track.shape[1]))
    gain = np.minimum(1, ceiling / padded.reshape(-1, size).max(axis=1).clip(min=1e-9))
    windows = np.lib.stride_tricks.sliding_window_view
    least = windows(np.pad(gain, 2 * reach, mode="edge"), 2 * reach + 1).min(axis=1)
    smooth = windows(least, 2 * reach + 1).mean(axis=1)
    return np.interp(np.arange(track.shape[1]), (np.arange(n_blocks) + 0.5) * size, smooth)


def mix() -> tuple[Signal, Signal]:
    """``(vocals, accompaniment)``, each ``(channel, sample)``; the song is their sum."""
    vocals = np.zeros((2, N_SAMPLES))
    place(vocals, sing(MELODY, N_SAMPLES, rng), 0, level=1)
    vocals = reverberate(vocals, 1.4, 0.22)
    band = reverberate(play(), 0.8, 0.12)
    sung = slice(round(4 * BEAT * RATE), round(20 * BEAT * RATE))
    vocals *= np.std(band[:, sung]) / np.std(vocals[:, sung])
    loud = 0.17 / np.std(vocals + band)
    fade = np.clip((N_SAMPLES - np.arange(N_SAMPLES)) / (0.5 * RATE), 0, 1)
    gain = loud * fade * limiter_gain(loud * (vocals + band), 10 ** (-1.5 / 20))
    return vocals * gain, band * gain


# The file


def cover(size: int = 240) -> bytes:
    """A PNG: two sine waves, the voice over the band, on a dusk."""
    y, x = np.mgrid[:size, :size] / size
    image = np.stack([40 + 120 * y, 30 + 50 * y, 90 + 20 * y], axis=-1).astype(np.uint8)
    for centre, waves, colour in ((0.36, 3, (255, 205, 120)), (0.66, 9, (130, 200, 255))):
        line = centre + 0.1 * np.sin(2 * np.pi * waves * x) * np.sin(np.pi * x)
        image[np.abs(y - line) < 0.012] = colour
    png = av.CodecContext.create("png", "w")
    png.width, png.height, png.pix_fmt, png.time_base = size, size, "rgb24", Fraction(1)
    return b"".join(map(bytes, png.encode(av.VideoFrame.from_ndarray(image))))


def write_mp3(path: Path, song: Signal) -> None:
    """Encode at 192 kbit/s, with title, artist and cover."""
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="stereo", bit_rate=192_000)
        frame = av.AudioFrame.from_ndarray(song.astype(np.float32), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    tags = ID3()
    tags.add(TIT2(text="Demo"))
    tags.add(TPE1(text="vocalsep"))
    tags.add(APIC(mime="image/png", type=3, data=cover()))
    tags.save(path)


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", type=Path, default=Path(__file__).with_name("demo.mp3"))
    parser.add_argument("--stems", type=Path, metavar="DIR", help="write vocals, accompaniment and mixture there")
    options = parser.parse_args()
    if not shutil.which("espeak-ng"):
        sys.exit("make_demo: espeak-ng is missing. Install it: apt install espeak-ng, or brew install espeak-ng.")
    vocals, band = mix()
    write_mp3(options.output, vocals + band)
    if options.stems:
        options.stems.mkdir(parents=True, exist_ok=True)
        for name, track in (("vocals", vocals), ("accompaniment", band), ("mixture", vocals + band)):
            soundfile.write(options.stems / f"{name}.wav", track.T, RATE, subtype="PCM_24")


if __name__ == "__main__":
    main()
