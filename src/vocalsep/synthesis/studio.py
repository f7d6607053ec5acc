"""Where songs are made, and how one of them is: its stems, its mixture and what is known of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vocalsep._version import __version__
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.quantise import quantise
from vocalsep.audio.writer import AudioWriter
from vocalsep.errors import OutputExistsError, UnfitTrackError
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

FORMAT = 1
"""Of ``song.json`` and of what a seed means: songs of different formats do not go into one folder."""

_FLAC = OutputFormat(container="flac", depth="16")
_RECORD = "song.json"
_CACHE = ".cache"


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

    @property
    def cache(self) -> Path:
        """Where recordings, and what runs remember, are kept."""
        return self.folder / _CACHE

    def recording(self, name: str) -> Path:
        """Where the analysed recording of a speaker is kept."""
        return self.cache / f"{name}.npz"


def open_studio(out_dir: Path, seed: int, song_seconds: float, voices: Path | None) -> Studio:
    """A studio with the speakers and soundfonts of this machine.

    Args:
        out_dir: folder of the songs, which is made.
        seed: what all songs are drawn from.
        song_seconds: about how long a song is.
        voices: folder of recordings of speakers, one a file; None takes the speech synthesisers alone.

    Raises:
        MissingToolError: FluidSynth, a soundfont or a second speech synthesiser is missing.
        DatasetError: there are no voices.
        OutputError: the folder cannot be made.
    """
    find_program("fluidsynth", FLUIDSYNTH_HINT)
    studio = Studio(
        folder=Path(out_dir).absolute(),
        seed=seed,
        song_seconds=song_seconds,
        speakers=find_speakers() + (recorded_speakers(voices) if voices else ()),
        soundfonts=find_soundfonts(),
    )
    make_folder(studio.cache)
    return studio


def is_made(studio: Studio, index: int) -> bool:
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


def temporary_folder(studio: Studio, index: int) -> Path:
    """Where a song is made; a folder that is hidden, so that no data set takes it for one."""
    return studio.folder / f"{TEMPORARY_PREFIX}{studio.song_folder(index).name}"


def make_song(studio: Studio, index: int, finish: Callable[[Path], None] = lambda folder: None) -> set[str]:
    """What a worker does: make the song of an index, and say which voices it should have had and cannot."""
    folder = temporary_folder(studio, index)
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
