"""Songs that come and go while they are trained on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from vocalsep.datasets.folders import Folders, find_track_folders
from vocalsep.datasets.parts import Split, check_split
from vocalsep.datasets.track import Track


@dataclass(frozen=True, slots=True)
class Stream:
    """Songs that come and go: one process adds track folders, and the trainer removes those it has heard.

    All of them train. They validate nothing, because a measure must stay the same: add a data set that validates.
    """

    root: Path
    has_test = False

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"stream:{self.root}"

    def tracks(self, split: Split) -> list[Track]:
        """The songs that are there now, for ``train`` and ``all``; the other parts are empty.

        Raises:
            NoTracksError: no song is there yet.
            InputError: a file is damaged.
        """
        check_split(split)
        return Folders("stream", self.root).tracks("all") if split in ("train", "all") else []

    def songs(self) -> list[Path]:
        """The folders of the songs that are there now, the oldest first."""
        return [self.root / folder.name for folder in find_track_folders(self.root)]

    def remove(self, song: Path) -> None:
        """Delete a song. A song that another program has deleted already is no error."""
        shutil.rmtree(song, ignore_errors=True)
