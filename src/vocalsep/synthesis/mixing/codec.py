"""What a lossy codec does to a sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reader import open_audio
from vocalsep.audio.writer import AudioWriter
from vocalsep.synthesis.draw import pick
from vocalsep.synthesis.waveform import RATE, Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A codec and its bitrate in kbit/s for both channels."""

    container: Literal["mp3", "m4a"]
    kbps: int


def draw_codec(rng: Generator) -> Codec:
    """A codec as files that were passed around have it."""
    if rng.random() < 0.4:
        return Codec(container="mp3", kbps=pick(rng, (64, 80, 96, 112, 128, 128, 160)))
    return Codec(container="m4a", kbps=pick(rng, (48, 64, 80, 96, 128)))


def through_codec(samples: Samples, codec: Codec, folder: Path) -> Samples:
    """Encode and decode ``(channel, sample)``, with a temporary file in ``folder``; same length, same place."""
    path = folder / f"damaged.{codec.container}"
    format = OutputFormat(container=codec.container, bitrate_kbps=codec.kbps)
    with AudioWriter(path, sample_rate=RATE, channels=len(samples), format=format) as writer:
        writer.write(samples)
        writer.commit()
    with open_audio(path) as reader:
        decoded = np.concatenate(list(reader.blocks()), axis=1)
    path.unlink()
    n = samples.shape[1]
    return np.pad(decoded[:, :n], ((0, 0), (0, max(n - decoded.shape[1], 0))))
