"""MUSDB18-HQ: where it is published, its songs, and those that the field validates on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vocalsep.datasets.archive import Archive
from vocalsep.datasets.folders import find_track_folders, open_track_folders
from vocalsep.datasets.parts import Split, check_split
from vocalsep.datasets.track import Track

MUSDB18HQ = Archive(
    name="musdb18hq",
    url="https://zenodo.org/record/3338373/files/musdb18hq.zip",
    sha256="baac80d0483c61d74b2e5f3be75fa557eec52898339e6aa45c1fa48833c5d21d",
    songs={"train": 100, "test": 50},
    stems=("bass", "drums", "mixture", "other", "vocals"),
    extracted_bytes=32_000_000_000,  # ten hours of five stereo files, 16 bits at 44.1 kHz
    notice="MUSDB18-HQ is for academic and other non-commercial use only; the songs belong to their artists. "
    "Their terms: https://doi.org/10.5281/zenodo.3338373",
)
"""The record that the field uses, as torchaudio names it too."""

MUSDB18HQ_VALIDATION = frozenset(
    [
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    ]
)
"""The 14 songs of the train part that the field validates on."""


@dataclass(frozen=True, slots=True)
class Musdb18hq:
    """MUSDB18-HQ: 100 songs in ``train``, 14 of them to validate on, and 50 in ``test``.

    Reference: Rafii et al. 2019, "MUSDB18-HQ - an uncompressed version of MUSDB18", doi:10.5281/zenodo.3338373.
    """

    root: Path
    has_test = True

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"musdb18hq:{self.root}"

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part; see `Dataset.tracks`."""
        check_split(split)
        parts = {"all": ("train", "test"), "test": ("test",)}.get(split, ("train",))
        found = [folder for part in parts for folder in find_track_folders(self.root / part)]
        if split in ("train", "valid"):
            found = [folder for folder in found if (folder.name in MUSDB18HQ_VALIDATION) == (split == "valid")]
        return open_track_folders(found, self.spec, split)
