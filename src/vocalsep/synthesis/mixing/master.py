"""The last steps of a song: what is done to all stems alike, so that they go on adding up to the mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.draw import chance, pick, uniform
from vocalsep.synthesis.mixing.codec import Codec, draw_codec, through_codec
from vocalsep.synthesis.mixing.dynamics import Compressor, compression_gain, draw_compressor, limiter_gain
from vocalsep.synthesis.mixing.equaliser import Band, equalise
from vocalsep.synthesis.waveform import Samples, Sound, active_rms, gain_of, samples_of, total

_MEDIUM_CHANCE, _CODEC_CHANCE = 0.1, 0.1
_FULL_SCALE = 0.98
_FADE_SECONDS = (0.005, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What a song was kept on, and what that lets through."""

    name: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """Settings of the last steps, in their order.

    Attributes:
        medium: medium that limits the band; None for none.
        glue: a compressor on the mix; None for none.
        loudness_db: active level that the song is brought to before the limiter, in dB of full scale.
        ceiling_db: ceiling of the limiter in dB.
        codec: codec that each stem goes through; None for none.
    """

    medium: Medium | None
    glue: Compressor | None
    loudness_db: float
    ceiling_db: float
    codec: Codec | None


def draw_master(rng: Generator) -> Master:
    """From quiet and open to loud and squashed."""
    return Master(
        medium=_draw_medium(rng) if chance(rng, _MEDIUM_CHANCE) else None,
        glue=draw_compressor(rng) if chance(rng, 0.4) else None,
        loudness_db=uniform(rng, -18, -8.5),
        ceiling_db=uniform(rng, -1, -0.2),
        codec=draw_codec(rng) if chance(rng, _CODEC_CHANCE) else None,
    )


def mastered(stems: Mapping[str, Samples], master: Master, folder: Path) -> dict[str, Samples]:
    """Bring the stems of a song ``(channel, sample)`` to their final level.

    Filters are the same for all; compressor and limiter work out one gain from the sum. The codec is no linear
    thing: it damages each stem, and the mixture is what they add up to then.

    Args:
        stems: name to stem.
        master: the settings.
        folder: for temporary files.
    """
    if master.medium:
        stems = {name: equalise(stem, master.medium.bands) for name, stem in stems.items()}
    mix = total(stems.values())
    gain = _fade(mix.shape[1])
    if master.glue:
        gain *= compression_gain(mix, master.glue)
    gain *= np.float32(gain_of(master.loudness_db) / max(active_rms(mix * gain), 1e-9))
    gain *= limiter_gain(mix * gain, gain_of(master.ceiling_db))
    stems = {name: stem * gain for name, stem in stems.items()}
    if master.codec:
        codec = master.codec
        stems = {name: through_codec(stem, codec, folder) if stem.any() else stem for name, stem in stems.items()}
    loudest = max(float(np.abs(samples).max()) for samples in (total(stems.values()), *stems.values()))
    safe = np.float32(min(1.0, _FULL_SCALE / max(loudest, 1e-9)))
    return {name: stem * safe for name, stem in stems.items()}


def _draw_medium(rng: Generator) -> Medium:
    name = pick(rng, ("telephone", "cassette", "cassette", "vinyl", "vinyl", "low rate"))
    low_hz, high_hz = {
        "telephone": (uniform(rng, 200, 400), uniform(rng, 3000, 4500)),
        "cassette": (uniform(rng, 30, 60), uniform(rng, 8000, 13_000)),
        "vinyl": (uniform(rng, 40, 90), uniform(rng, 10_000, 15_000)),
        "low rate": (20.0, uniform(rng, 7000, 11_000)),
    }[name]
    low_pass = Band(kind="low pass", hz=high_hz)
    return Medium(name=name, bands=(Band(kind="high pass", hz=low_hz), low_pass, low_pass))


def _fade(n_samples: int) -> Sound:
    """No clicks at the ends of a song."""
    at = np.arange(n_samples)
    n_in, n_out = (samples_of(seconds) for seconds in _FADE_SECONDS)
    return np.clip(np.minimum(at / n_in, (n_samples - at) / n_out), 0, 1).astype(np.float32)
