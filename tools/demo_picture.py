"""Draw docs/demo.png: the demo song and its two stems as spectrograms.

    python tools/demo_picture.py

Needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch

from vocalsep import Separator
from vocalsep.audio.reader import open_audio

mpl.use("agg")
from matplotlib.figure import Figure

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "demo.png"
WINDOW, HOP = 2048, 1024
DECIBELS = 70
TOP_HERTZ = 10_000


def spectrogram(waveform: np.ndarray) -> np.ndarray:
    """Levels in dB below full scale of a sine, (bin, frame), of the mean of all channels."""
    window = torch.hann_window(WINDOW)
    mono = torch.from_numpy(waveform.mean(axis=0))
    spectrum = torch.stft(mono, WINDOW, HOP, window=window, return_complex=True)
    return (20 * torch.log10(spectrum.abs() * 2 / window.sum() + 1e-9)).numpy()


def main() -> None:
    """Split the song, draw, save."""
    with open_audio(PROJECT / "examples" / "demo.mp3") as source:
        rate = source.info.sample_rate
        mixture = np.concatenate(list(source.blocks()), axis=1)
    stems = Separator(precision="fp32").separate(mixture, rate)
    shown = {"demo.mp3": mixture, "vocals.wav": stems["vocals"], "accompaniment.wav": stems["accompaniment"]}
    levels = {name: spectrogram(waveform) for name, waveform in shown.items()}
    loudest = max(level.max() for level in levels.values())
    seconds = mixture.shape[1] / rate
    canvas = Figure(figsize=(9, 3), layout="constrained")
    for axis, (name, level) in zip(canvas.subplots(1, 3, sharey=True), levels.items(), strict=True):
        axis.imshow(
            level,
            origin="lower",
            aspect="auto",
            extent=(0, seconds, 0, rate / 2000),
            vmin=loudest - DECIBELS,
            vmax=loudest,
            cmap="magma",
        )
        axis.set(title=name, xlabel="s", ylim=(0, TOP_HERTZ / 1000))
    canvas.axes[0].set_ylabel("kHz")
    canvas.savefig(PICTURE, dpi=80)


if __name__ == "__main__":
    main()
