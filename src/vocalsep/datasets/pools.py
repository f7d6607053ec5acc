"""Unpaired files: a folder of vocals and one of accompaniments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vocalsep.audio.excerpt import audio_files
from vocalsep.datasets.parts import Split, check_split, divided
from vocalsep.datasets.track import Track, open_track
from vocalsep.errors import NoTracksError
from vocalsep.stem_names import ACCOMPANIMENT, VOCALS


@dataclass(frozen=True, slots=True)
class Pools:
    """A folder of vocals and a folder of accompaniments that do not belong together.

    The files lie right in them, or in their ``train`` and ``valid``; without ``valid`` a tenth of each validates.
    """

    vocals: Path
    accompaniment: Path
    has_test = False

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"pools:{self.vocals},{self.accompaniment}"

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part, each with one stem; see `Dataset.tracks`."""
        check_split(split)
        if split == "test":
            raise NoTracksError("pools have no songs to test on", "Give track folders: data=folders:ROOT")
        tracks = []
        for stem, pool in ((VOCALS, self.vocals), (ACCOMPANIMENT, self.accompaniment)):
            chosen = self._files(pool, split)
            if not chosen:
                raise NoTracksError(f"no audio files in {pool}", "Put wav, flac, ogg, opus or mp3 files there.")
            tracks += [open_track(f"{stem}/{file.name}", {stem: [file]}) for file in chosen]
        return tracks

    def _files(self, pool: Path, split: Split) -> list[Path]:
        train, valid = pool / "train", pool / "valid"
        files = audio_files(train if train.is_dir() else pool)
        if valid.is_dir():
            validating = audio_files(valid)
            return {"train": files, "valid": validating}.get(split, files + validating)
        return files if split == "all" else divided(files, split, str(pool))
