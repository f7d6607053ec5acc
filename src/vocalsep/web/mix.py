"""The song with its stems at other levels, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.loudspeakers import to_stereo
from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.resample import resample_blocks
from vocalsep.audio.samples import Samples
from vocalsep.audio.stem_files import StemFiles
from vocalsep.audio.tags import read_tags
from vocalsep.split_result import SplitResult
from vocalsep.stem_names import ACCOMPANIMENT, VOCALS

_BLOCK_SAMPLES = 65536


def write_mix(
    result: SplitResult, path: Path, levels: dict[str, float], format: OutputFormat, reading: ReadingOptions
) -> None:
    """Write vocals and accompaniment, each times its level, into one file.

    The stems sum to the song. One stem and the song are therefore enough, and at equal levels the mix is the song.

    Args:
        result: result of the separation; the song and one stem must still be there.
        path: path of the mix.
        levels: level of each stem; 1 is the level in the song.
        format: format of the mix, whose samples are rescaled where they would clip.
        reading: how the song was read.

    Raises:
        InputError: a file cannot be read.
        OutputError: the mix cannot be written.
    """
    stem = VOCALS if VOCALS in result.outputs else ACCOMPANIMENT
    other = ACCOMPANIMENT if stem == VOCALS else VOCALS
    share, song_share = levels[stem] - levels[other], levels[other] * result.gain
    with open_audio(result.outputs[stem]) as stem_file, open_audio(result.input, reading) as song:
        rate, channels = stem_file.info.sample_rate, stem_file.info.channels
        is_downmix = channels < song.info.channels
        blocks = (
            to_stereo(block, song.info.layout) if is_downmix else block for block in song.blocks(_BLOCK_SAMPLES)
        )
        whole = resample_blocks(blocks, song.info.sample_rate, rate)
        with StemFiles(
            {"mix": path},
            sample_rate=rate,
            channels=channels,
            format=format.as_deep_as(song.info.depth),
            layout=() if is_downmix else song.info.layout,
            tags=read_tags(result.input).made_by(result.model),
        ) as files:
            for own, all_of_it in _in_step(stem_file.blocks(_BLOCK_SAMPLES), whole):
                files.write({"mix": np.float32(share) * own + np.float32(song_share) * all_of_it})
            files.commit()


def _in_step(first: Iterator[Samples], second: Iterator[Samples]) -> Iterator[tuple[Samples, Samples]]:
    """Blocks of equal lengths from two streams, until the shorter one ends."""
    a: Samples | None = next(first, None)
    b: Samples | None = next(second, None)
    while a is not None and b is not None:
        n = min(a.shape[1], b.shape[1])
        yield a[:, :n], b[:, :n]
        a = a[:, n:] if a.shape[1] > n else next(first, None)
        b = b[:, n:] if b.shape[1] > n else next(second, None)
