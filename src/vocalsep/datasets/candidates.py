"""What should be tracks: the files of a data set as they lie there, and what is wrong before any is opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalsep.audio.excerpt import SEEKABLE_EXTENSIONS, audio_files
from vocalsep.audio.reader import AUDIO_EXTENSIONS
from vocalsep.datasets.dataset import Dataset
from vocalsep.datasets.folders import Folders, find_track_folders, folders_below
from vocalsep.datasets.musdb18hq import MUSDB18HQ, Musdb18hq
from vocalsep.datasets.pools import Pools
from vocalsep.stem_names import ACCOMPANIMENT, MIXTURE, VOCALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Files that should be a track, or a folder that is not a track.

    Attributes:
        name: name of the track or the folder.
        stems: the files of ``vocals`` and ``accompaniment``, as in `Track`.
        mixture: the file of the mixture, if there is one.
        wrong: what is wrong.
        notes: what is worth to know.
    """

    name: str
    stems: Mapping[str, Sequence[Path]]
    mixture: Path | None = None
    wrong: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """All files, the mixture last; empty for a folder that is not a track."""
        return [file for files in self.stems.values() for file in files] + ([self.mixture] if self.mixture else [])


def find_candidates(dataset: Dataset) -> list[Candidate]:
    """All that should be tracks, by name.

    Raises:
        NoTracksError: a folder is not there.
    """
    if isinstance(dataset, Musdb18hq):
        return list(_in_musdb18hq(dataset.root))
    if isinstance(dataset, Folders):
        return sorted(_in_folders(dataset.root), key=lambda candidate: candidate.name)
    if isinstance(dataset, Pools):
        pools = {VOCALS: dataset.vocals, ACCOMPANIMENT: dataset.accompaniment}
        return [candidate for stem, pool in pools.items() for candidate in _in_pool(stem, pool)]
    return [
        Candidate(name=track.name, stems=track.stems, mixture=track.mixture) for track in dataset.tracks("all")
    ]


def _in_musdb18hq(root: Path) -> Iterator[Candidate]:
    for part, n_songs in MUSDB18HQ.songs.items():
        folders = sorted(path for path in (root / part).glob("*") if path.is_dir() and path.name[0] != ".")
        if len(folders) != n_songs:
            yield Candidate(name=part, stems={}, notes=(f"{len(folders)} songs of {n_songs}",))
        for folder in folders:
            files = audio_files(folder)
            by_stem = {file.stem.lower(): file for file in files}
            missing = [f"has no {stem}.wav" for stem in MUSDB18HQ.stems if stem not in by_stem]
            band = [stem for stem in MUSDB18HQ.stems if stem not in (VOCALS, MIXTURE)]
            yield Candidate(
                name=f"{part}/{folder.name}",
                stems={
                    VOCALS: [by_stem[stem] for stem in [VOCALS] if stem in by_stem],
                    ACCOMPANIMENT: [by_stem[stem] for stem in band if stem in by_stem],
                },
                mixture=by_stem.get(MIXTURE),
                wrong=(*missing, *_doubled(files)),
            )


def _in_folders(root: Path) -> Iterator[Candidate]:
    tracks = {track.vocals.parent: track for track in find_track_folders(root)}
    for here in folders_below(root):
        files, unread = audio_files(here), list(_unread(here))
        if track := tracks.get(here):
            missing = () if track.accompaniment else ("has vocals and no accompaniment",)
            yield Candidate(
                name=track.name,
                stems={VOCALS: [track.vocals], ACCOMPANIMENT: track.accompaniment},
                mixture=track.mixture,
                wrong=(*missing, *unread, *_doubled(files)),
            )
        elif files or unread:
            name = here.relative_to(root).as_posix()
            yield Candidate(name=name, stems={}, notes=("has audio files and none named vocals: left out",))


def _in_pool(stem: str, pool: Path) -> Iterator[Candidate]:
    if unread := tuple(_unread(pool)):
        yield Candidate(name=stem, stems={}, wrong=unread)
    for file in audio_files(pool):
        yield Candidate(name=f"{stem}/{file.stem}", stems={stem: [file]})


def _unread(folder: Path) -> Iterator[str]:
    """Say of each audio file that cannot be read in parts that it is left out."""
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        if suffix in AUDIO_EXTENSIONS and suffix not in SEEKABLE_EXTENSIONS and path.name[0] != ".":
            yield f"{path.name} cannot be read in parts and is left out: convert it to wav or flac"


def _doubled(files: Iterable[Path]) -> Iterator[str]:
    """Say which files have one name with several endings: all are taken for parts of the stem, or one of them."""
    by_stem = defaultdict(list)
    for file in files:
        by_stem[file.stem.lower()].append(file.name)
    for stem, names in by_stem.items():
        if len(names) > 1:
            yield f"has {len(names)} files named {stem}: {', '.join(names)}"
