import numpy as np
import soundfile

RATE = 44100


def write_tracks(root, n_tracks=3, seconds=2.0, rate=RATE, seed=0):
    """Songs of a wobbling tone over noise, at ``root/song-N``."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    for number in range(n_tracks):
        folder = root / f"song-{number}"
        folder.mkdir(parents=True)
        phase = 2 * np.pi * rng.uniform(250, 500) * time + 3 * np.sin(2 * np.pi * 5 * time)
        soundfile.write(folder / "vocals.wav", 0.2 * np.stack([np.sin(phase), np.sin(phase + 0.3)], axis=1), rate)
        soundfile.write(folder / "drums.wav", 0.1 * rng.standard_normal((len(time), 2)), rate)
        hum = 0.1 * np.sin(2 * np.pi * rng.uniform(50, 90) * time)
        soundfile.write(folder / "bass.flac", np.stack([hum, hum], axis=1), rate)
    return root
