"""Many songs: as many as fill the minutes asked for, made side by side, and kept from one run to the next."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vocalsep._version import __version__
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.quantise import quantise
from vocalsep.audio.writer import AudioWriter
from vocalsep.errors import OptionError, OutputExistsError, UnfitTrackError
from vocalsep.stem_names import VOCALS
from vocalsep.synthesis.playing.midi import FLUIDSYNTH_HINT
from vocalsep.synthesis.programs import Soundfont, find_program, find_soundfonts
from vocalsep.synthesis.singing.recording import Recording, load_recording, record
from vocalsep.synthesis.singing.singer import Singer
from vocalsep.synthesis.singing.speech import Speaker, find_speakers, recorded_speakers
from vocalsep.synthesis.song import Song, draw_song, render_song
from vocalsep.synthesis.waveform import RATE, Samples, active_rms, decibels, silent_share, total
from vocalsep.system.files import TEMPORARY_PREFIX, atomic_path, make_folder
from vocalsep.system.output_errors import output_error
from vocalsep.system.workers import Workers

log = logging.getLogger("vocalsep")

FORMAT = 1
"""Of ``song.json`` and of what a seed means: songs of different formats do not go into one folder."""

SONG_SECONDS = 60.0
_SHORTEST_SECONDS = 4.0
_FLAC = OutputFormat(container="flac", depth="16")
_RECORD = "song.json"
_CACHE = ".cache"
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """What songs are made with, and where: all that a worker needs to know."""

    folder: Path
    seed: int
    song_seconds: float
    speakers: tuple[Speaker, ...]
    soundfonts: tuple[Soundfont, ...]

    def song(self, index: int) -> Song:
        """Draw a song."""
        return draw_song(self.seed, index, self.song_seconds, self.speakers, self.soundfonts)

    def song_folder(self, index: int) -> Path:
        """Where a song goes."""
        return self.folder / f"song-{index:04d}"

    def recording(self, name: str) -> Path:
        """Where the analysed recording of a speaker is kept."""
        return self.folder / _CACHE / f"{name}.npz"


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
    studio = _open_studio(out_dir, seed, min(song_seconds, max(60 * minutes, _SHORTEST_SECONDS)), voices)
    seconds = _lengths(studio, minutes)
    missing = [index for index in range(len(seconds)) if not _is_made(studio, index)]
    done = sum(seconds) - sum(seconds[index] for index in missing)

    def report() -> None:
        if progress:
            progress(done, sum(seconds))

    report()
    n_workers = min(jobs or _n_processors(), max(len(missing), 1))
    silent: set[str] = set()
    try:
        if missing:
            with Workers(partial(_make, studio), n_workers) as workers:
                for index, left_out in workers.map(missing):
                    for voice in sorted(left_out - silent):
                        log.warning("%s has no syllables to sing, and is left out", voice)
                    silent |= left_out
                    done += seconds[index]
                    report()
    finally:
        for index in missing:
            shutil.rmtree(_temporary(studio, index), ignore_errors=True)
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
    studio = _open_studio(out_dir, seed, song_seconds, voices)
    next_file = studio.folder / _CACHE / f"next-{seed}"
    index = int(next_file.read_text(encoding="utf-8")) if next_file.exists() else 0
    while not should_stop():
        if sum(1 for _ in studio.folder.glob("song-*")) >= keep:
            time.sleep(_POLL_SECONDS)
            continue
        if not studio.song_folder(index).exists():  # else the stream was stopped before it had written the number
            for voice in sorted(_make(studio, index, finish)):
                log.warning("%s has no syllables to sing, and is left out", voice)
            on_song(studio.song_folder(index))
        index += 1
        with atomic_path(next_file) as temporary:
            temporary.write_text(str(index), encoding="utf-8")


def _open_studio(out_dir: Path, seed: int, song_seconds: float, voices: Path | None) -> Studio:
    find_program("fluidsynth", FLUIDSYNTH_HINT)
    studio = Studio(
        folder=Path(out_dir).absolute(),
        seed=seed,
        song_seconds=song_seconds,
        speakers=find_speakers() + (recorded_speakers(voices) if voices else ()),
        soundfonts=find_soundfonts(),
    )
    make_folder(studio.folder / _CACHE)
    return studio


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


def _is_made(studio: Studio, index: int) -> bool:
    """Whether a song is there.

    Raises:
        OutputExistsError: another one is.
    """
    folder = studio.song_folder(index)
    try:
        found = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if folder.exists():
            raise OutputExistsError(f"{folder} is there, without {_RECORD}", "Choose another folder.") from None
        return False
    except OSError as error:
        raise output_error(error, folder / _RECORD) from error
    wanted = {"format": FORMAT, "seed": studio.seed, "song_seconds": studio.song_seconds}
    other = {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}
    if other:
        said = ", ".join(f"{name} {value}" for name, value in other.items())
        raise OutputExistsError(
            f"{folder} holds a song of {said}", "Choose another folder, or ask for the same seed and length."
        )
    return True


def _temporary(studio: Studio, index: int) -> Path:
    """Where a song is made; a folder that is hidden, so that no data set takes it for one."""
    return studio.folder / f"{TEMPORARY_PREFIX}{studio.song_folder(index).name}"


def _make(studio: Studio, index: int, finish: Callable[[Path], None] = lambda folder: None) -> set[str]:
    """What a worker does: make the song of an index, and say which voices it should have had and cannot."""
    folder = _temporary(studio, index)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        song, recordings, left_out = _cast(studio, index)
        make_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            stems = render_song(song, recordings, studio.soundfonts, Path(scratch))
        _write(studio, song, stems, folder)
        finish(folder)
        folder.replace(studio.song_folder(index))
    except OSError as error:
        raise output_error(error, studio.song_folder(index)) from error
    return left_out


def _cast(studio: Studio, index: int) -> tuple[Song, dict[str, Recording], set[str]]:
    """Draw a song all of whose singers can sing: it, what they sing with, and the voices that had to be left out.

    Its length, form and band do not depend on who sings.
    """
    song = studio.song(index)
    recordings: dict[str, Recording] = {}
    try:
        for singer in song.vocals.singers:
            recordings[singer.recording] = _recording(studio, singer)
    except UnfitTrackError:
        others = tuple(speaker for speaker in studio.speakers if speaker != singer.speaker)
        song, recordings, left_out = _cast(dataclasses.replace(studio, speakers=others), index)
        return song, recordings, left_out | {singer.speaker.voice}
    return song, recordings, set()


def _recording(studio: Studio, singer: Singer) -> Recording:
    """The recording that a singer sings with, made if no song had it yet.

    Two workers may both make one: it is the same, and the second replaces the first.
    """
    path = studio.recording(singer.recording)
    if not path.exists():
        record(singer.speaker, singer.take).save(path)
    return load_recording(path)


def _write(studio: Studio, song: Song, stems: dict[str, Samples], folder: Path) -> None:
    """Write the stems in integers, and as the mixture the sum of those."""
    integers = {name: quantise(stem, "16").astype(np.int32) for name, stem in stems.items()}
    integers["mixture"] = np.sum(list(integers.values()), axis=0)
    for name, samples in integers.items():
        path = folder / f"{name}.flac"
        with AudioWriter(path, sample_rate=RATE, channels=2, format=_FLAC) as writer:
            writer.write((samples / 2**15).astype(np.float32))
            writer.commit()
    vocals, band = stems[VOCALS], total(stem for name, stem in stems.items() if name != VOCALS)
    found = {
        "format": FORMAT,
        "seed": studio.seed,
        "song_seconds": studio.song_seconds,
        "vocalsep": __version__,
        "seconds": song.n_samples / RATE,
        "key": song.form.key.name,
        "stems": list(stems),
        "soundfonts": sorted({part.soundfont for part in song.band if part.soundfont}),
        "vocals_silent_share": round(silent_share(vocals), 3),
        "vocals_over_band_db": round(decibels(active_rms(vocals)) - decibels(active_rms(band)), 2),
        "song": dataclasses.asdict(song),
    }
    with atomic_path(folder / _RECORD) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
