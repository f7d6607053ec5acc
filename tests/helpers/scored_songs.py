from pathlib import Path

import numpy as np
import soundfile

RATE = 8000


def song(seconds: float, *, seed: int = 0, rate: int = RATE) -> tuple[np.ndarray, np.ndarray]:
    """A wavering tone from the first second on, and noise with a buzz: ``(channel, sample)`` each."""
    time = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    tone = 0.3 * np.sin(2 * np.pi * (220 + 20 * seed) * time + 3 * np.sin(2 * np.pi * 5 * time)) * (time >= 1)
    buzz = 0.1 * np.sign(np.sin(2 * np.pi * 71 * time)) + 0.05 * rng.standard_normal((2, time.size))
    return np.stack([tone, 0.7 * tone]), buzz


def write_song(folder: Path, vocals: np.ndarray, accompaniment: np.ndarray, rate: int = RATE) -> Path:
    folder.mkdir(parents=True)
    for name, samples in (("vocals", vocals), ("accompaniment", accompaniment)):
        soundfile.write(folder / f"{name}.wav", samples.T, rate, subtype="FLOAT")
    return folder


def write_songs(root: Path, seconds: dict[str, float], rate: int = RATE) -> Path:
    """Folders of songs by name, of as many seconds as asked for."""
    for seed, (name, length) in enumerate(seconds.items()):
        write_song(root / name, *song(length, seed=seed, rate=rate), rate)
    return root
