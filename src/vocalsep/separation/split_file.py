"""A song's file in, the files of its stems out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from vocalsep.audio.info import AudioInfo, clock
from vocalsep.audio.loudspeakers import to_stereo
from vocalsep.audio.outputs import Outputs
from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.samples import Samples
from vocalsep.audio.stem_files import StemFiles
from vocalsep.audio.tags import read_tags
from vocalsep.errors import OutputExistsError
from vocalsep.separation.ensemble import Ensemble
from vocalsep.separation.front import front_groups
from vocalsep.split_result import SplitResult
from vocalsep.stem_names import STEMS
from vocalsep.system.files import exists
from vocalsep.system.output_errors import output_exists
from vocalsep.system.threads import BackgroundConsumer

Progress = Callable[[float, "float | None"], None]
"""Called with the seconds of audio done and, where the file declares it, of all."""

StemListener = Callable[[dict[str, Samples]], None]
"""Called with a block ``(channel, sample)`` of each stem."""

_BLOCKS_BEHIND = 8

_log = logging.getLogger("vocalsep")


def split_file(
    ensemble: Ensemble,
    path: Path,
    outputs: Outputs,
    reading: ReadingOptions,
    *,
    track: str | None = None,
    progress: Progress | None = None,
    on_block: StemListener | None = None,
) -> SplitResult:
    """Split a file into stems of the same rate, channels and length; they appear whole or not at all.

    Args:
        ensemble: the models.
        path: audio, or a video with sound.
        outputs: where the stems go, and what their files are.
        reading: how the file is read.
        track: name of the song in the paths of its stems; None takes the file's name.
        progress: called now and then, in this thread. An exception of it ends the split, and nothing is left.
        on_block: called in this thread with each block of both stems, as it is separated.

    Raises:
        InputError: the file is missing, unreadable, damaged, or no audio.
        OptionError: the format cannot hold the channels.
        OutputError: a stem exists, is the input itself, cannot be written, or leaves the folder.
    """
    began = time.perf_counter()
    with open_audio(path, reading) as audio:
        info = audio.info
        targets = outputs.paths(path.stem if track is None else track, ensemble.id)
        for target in targets.values():
            _check_target(target, path, outputs.overwrite)
        levels = None
        if ensemble.normalises_song:
            with audio.opened_again() as whole:
                levels = ensemble.levels(whole.blocks(), channels=info.channels, layout=info.layout)
        format = outputs.format.as_deep_as(info.depth)
        _log.info("%s: reads %s, writes %s", audio.path, _signal(info), format)
        downmix = outputs.downmix and info.channels > 2
        n_samples, silent = 0, True
        with (
            _no_empty_folders(targets.values()),
            StemFiles(
                targets,
                sample_rate=info.sample_rate,
                channels=2 if downmix else info.channels,
                layout=() if downmix else info.layout,
                format=format,
                clip=outputs.clip,
                tags=read_tags(audio.stored).made_by(ensemble.id),
                replace=outputs.overwrite,
            ) as files,
            closing(
                ensemble.stream(
                    audio.blocks(),
                    sample_rate=info.sample_rate,
                    channels=info.channels,
                    layout=info.layout,
                    levels=levels,
                )
            ) as blocks,
        ):
            if info.channels > 2:  # said once the outputs are known to hold them
                _log.warning("%s", _channels_note(audio.path, info))
            with BackgroundConsumer(files.write, _BLOCKS_BEHIND) as writer:
                for block in blocks:
                    n_samples += block[STEMS[0]].shape[-1]
                    silent = silent and not any(samples.any() for samples in block.values())
                    kept = {stem: block[stem] for stem in targets}
                    writer.put({s: to_stereo(x, info.layout) for s, x in kept.items()} if downmix else kept)
                    if on_block:
                        on_block(block)
                    if progress:
                        total = info.n_samples / info.sample_rate if info.n_samples else None
                        progress(n_samples / info.sample_rate, total)
            gain = files.commit()
    return SplitResult(
        input=path,
        outputs=targets,
        seconds=n_samples / info.sample_rate,
        sample_rate=info.sample_rate,
        channels=info.channels,
        wall_seconds=time.perf_counter() - began,
        model=ensemble.id,
        weights_sha256=ensemble.weights_sha256,
        device=ensemble.device,
        precision=ensemble.precision,
        gain=gain,
        silent=silent,
    )


def _signal(info: AudioInfo) -> str:
    """What a file holds, for the log."""
    length = clock(info.n_samples, info.sample_rate) if info.n_samples else "length not declared"
    channels = "mono" if info.channels == 1 else f"{info.channels} channels"
    return f"{info.codec}, {info.sample_rate} Hz, {channels}, {length}"


def _channels_note(path: Path, info: AudioInfo) -> str:
    """Say which of many channels are separated."""
    pair, *centre = front_groups(info.channels, info.layout)
    separated = f"{pair[0] + 1} and {pair[1] + 1}" + (f", and the centre {centre[0][0] + 1}," if centre else "")
    return f"{path} has {info.channels} channels: {separated} are separated, the others are in the accompaniment"


def _check_target(target: Path, source: Path, overwrite: bool) -> None:
    if not exists(target):
        return
    if not overwrite:
        raise output_exists(target)
    with suppress(OSError):  # a link that leads nowhere, or in a circle
        if target.samefile(source):
            raise OutputExistsError(f"{target} is the input itself", "Choose another output folder or template.")


@contextmanager
def _no_empty_folders(files: Iterable[Path]) -> Generator[None, None, None]:
    """Where the block fails, the folders that were made for ``files`` go, unless others put files there."""
    new = {folder for file in files for folder in file.parents if not os.path.lexists(folder)}
    try:
        yield
    except BaseException:
        for folder in sorted(new, key=lambda folder: len(folder.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise
