"""Many songs: as many as fill the minutes asked for, made side by side, and kept from one run to the next."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vocalsep.errors import OptionError
from vocalsep.synthesis.studio import Studio, is_made, make_song, open_studio, temporary_folder
from vocalsep.synthesis.waveform import RATE
from vocalsep.system.files import atomic_path
from vocalsep.system.workers import Workers

log = logging.getLogger("vocalsep")

SONG_SECONDS = 60.0
_SHORTEST_SECONDS = 4.0
_POLL_SECONDS = 1.0


def synthesise(
    out_dir: Path,
    *,
    minutes: float,
    seed: int,
    jobs: int | None = None,
    song_seconds: float = SONG_SECONDS,
    voices: Path | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> list[Path]:
    """Make songs whose stems are known, of nothing but what programs make, and of the voices that are given.

    Each is a folder with ``vocals.flac``, the stems of its band, ``mixture.flac``, which is exactly their sum, and
    ``song.json``, which says how it came about. All of it follows from the seed, the programs installed and the
    voices, whatever ``jobs`` is. Songs that are there already are kept; what a run that was stopped has begun is
    made anew. ``open_dataset("synth:DIR")`` reads the result.

    Args:
        out_dir: folder of the songs.
        minutes: minutes of music, at least; the last song may go over.
        seed: 0 or more; another one gives other songs.
        jobs: processes; None takes one for each processor.
        song_seconds: about how long a song is.
        voices: folder of recordings of speakers, one a file; half of the singers sing with them. One that cannot
            be sung with is left out of the songs that would have had it, with a warning.
        progress: called with the seconds of music made and those of all.

    Returns:
        The folders of the songs.

    Raises:
        OptionError: a number out of its range.
        MissingToolError: FluidSynth, a soundfont or a second speech synthesiser is missing.
        DatasetError: there are no voices.
        InputError: a recording is damaged.
        OutputExistsError: songs of another seed or length are there.
        OutputError: the folder cannot be written.
    """
    _check(minutes, seed, jobs, song_seconds)
    studio = open_studio(out_dir, seed, min(song_seconds, max(60 * minutes, _SHORTEST_SECONDS)), voices)
    seconds = _lengths(studio, minutes)
    missing = [index for index in range(len(seconds)) if not is_made(studio, index)]
    done = sum(seconds) - sum(seconds[index] for index in missing)

    def report() -> None:
        if progress:
            progress(done, sum(seconds))

    report()
    n_workers = min(jobs or _n_processors(), max(len(missing), 1))
    silent: set[str] = set()
    try:
        if missing:
            with Workers(partial(make_song, studio), n_workers) as workers:
                for index, left_out in workers.map(missing):
                    for voice in sorted(left_out - silent):
                        log.warning("%s has no syllables to sing, and is left out", voice)
                    silent |= left_out
                    done += seconds[index]
                    report()
    finally:
        for index in missing:
            shutil.rmtree(temporary_folder(studio, index), ignore_errors=True)
    return [studio.song_folder(index) for index in range(len(seconds))]


def synthesise_stream(
    out_dir: Path,
    *,
    keep: int,
    seed: int,
    song_seconds: float = SONG_SECONDS,
    voices: Path | None = None,
    finish: Callable[[Path], None] = lambda folder: None,
    should_stop: Callable[[], bool] = lambda: False,
    on_song: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Make songs without end: a new one whenever fewer than ``keep`` are there.

    Whoever trains removes the songs that it has heard (``open_dataset("stream:DIR")``), so that no song need be
    heard twice. Each song follows from the seed and its number. The number of the next song is kept in the folder:
    a stream that was stopped goes on with songs that nobody has heard.

    Args:
        out_dir: folder of the songs.
        keep: number of songs that may wait there.
        seed: 0 or more; another one gives other songs.
        song_seconds: about how long a song is.
        voices: folder of recordings of speakers; see `synthesise`.
        finish: called with the folder of a song before the song appears in ``out_dir``; it may change the files.
        should_stop: asked before each song, and every second while none is needed.
        on_song: called with the folder of each new song.

    Raises:
        OptionError: a number out of its range.
        MissingToolError: FluidSynth, a soundfont or a second speech synthesiser is missing.
        OutputError: the folder cannot be written.
    """
    _check(1.0, seed, None, song_seconds)
    if keep < 1:
        raise OptionError(f"keep is {keep}", "Give 1 or more.")
    studio = open_studio(out_dir, seed, song_seconds, voices)
    next_file = studio.cache / f"next-{seed}"
    index = int(next_file.read_text(encoding="utf-8")) if next_file.exists() else 0
    while not should_stop():
        if sum(1 for _ in studio.folder.glob("song-*")) >= keep:
            time.sleep(_POLL_SECONDS)
            continue
        if not studio.song_folder(index).exists():  # else the stream was stopped before it had written the number
            for voice in sorted(make_song(studio, index, finish)):
                log.warning("%s has no syllables to sing, and is left out", voice)
            on_song(studio.song_folder(index))
        index += 1
        with atomic_path(next_file) as temporary:
            temporary.write_text(str(index), encoding="utf-8")


def _check(minutes: float, seed: int, jobs: int | None, song_seconds: float) -> None:
    if not (math.isfinite(minutes) and minutes > 0):
        raise OptionError(f"{minutes} minutes of music cannot be made", "Give a number above 0.")
    if seed < 0:
        raise OptionError(f"the seed is {seed}", "Give 0 or more.")
    if jobs is not None and jobs < 1:
        raise OptionError(f"{jobs} jobs do nothing", "Give 1 or more.")
    if not (math.isfinite(song_seconds) and song_seconds >= _SHORTEST_SECONDS):
        raise OptionError(f"a song of {song_seconds} seconds is too short", f"Give {_SHORTEST_SECONDS:g} or more.")


def _n_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lengths(studio: Studio, minutes: float) -> list[float]:
    """Seconds of each of as many songs as fill the minutes."""
    lengths: list[float] = []
    while math.fsum(lengths) < 60 * minutes:
        lengths.append(studio.song(len(lengths)).n_samples / RATE)
    return lengths
