"""``vocalsep data``: to get, make and check what to train and evaluate on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vocalsep.cli import stderr
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.errors import OptionError, UnfitTrackError
from vocalsep.system.extras import needs_extra

if TYPE_CHECKING:
    from vocalsep.datasets.check import Report

app = typer.Typer(help="Get, make and check data to train on.", no_args_is_help=True, add_completion=False)


@app.command()
def fetch(
    name: Annotated[Literal["musdb18hq"], typer.Argument(help="Which published data set.")],
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Its folder.", show_default="NAME in VOCALSEP_DATA or the user's data folder"),
    ] = None,
    keep_zip: Annotated[bool, typer.Option("--keep-zip", help="Leave the zip file next to the songs.")] = False,
) -> None:
    """Download a published data set, check its hash and unpack it; prints the folder.

    Run it again after an interruption: it goes on where it stopped.
    """
    from vocalsep.datasets.archive import find_missing
    from vocalsep.datasets.dataset import data_folder
    from vocalsep.datasets.fetch import fetch as fetch_archive
    from vocalsep.datasets.musdb18hq import MUSDB18HQ

    folder = root or data_folder() / name
    stderr.note(MUSDB18HQ.notice)
    if find_missing(MUSDB18HQ, folder) is None:
        stderr.note(f"{name} is complete in {folder}: nothing to do")
    else:
        with ProgressDisplay() as display:
            fetch_archive(MUSDB18HQ, folder, keep_zip=keep_zip, bars=display.bar)
    stderr.note(f"train on it: vocalsep train --model tdsa --data {name}:{folder}")
    typer.echo(folder)


@app.command()
def check(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DIR|SPEC",
            help="Folder of tracks, musdb18hq[:ROOT], synth:ROOT or pools:VOCALS,ACCOMPANIMENT.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Tracks at once.", show_default="as many as CPUs")
    ] = None,
) -> None:
    """List what a data set holds and what is wrong with it.

    Reads every file: rates, lengths, missing and silent stems, damage, and whether the stems sum to the mixture.
    """
    from vocalsep.datasets.check import check_dataset
    from vocalsep.datasets.dataset import open_dataset

    dataset = open_dataset(data)
    with ProgressDisplay() as display, display.bar("checking") as advance:
        found = check_dataset(dataset, jobs=jobs, progress=advance)
    if as_json:
        typer.echo(
            json.dumps({**dataclasses.asdict(found), "n_wrong": found.n_wrong}, ensure_ascii=False, indent=2)
        )
    else:
        _print(found)
    if found.n_wrong:
        raise UnfitTrackError(
            f"{found.n_wrong} of {found.n_tracks} tracks are not fit", "Mend them or take them out of the folder."
        )


@app.command()
def synth(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the songs.")],
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.1, help="How much music to make.", show_default=False)
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            min=1,
            help="Go on without end: make a song whenever fewer than this are there. Train on stream:DIR.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same songs.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Songs at once.", show_default="as many as CPUs")
    ] = None,
    song_seconds: Annotated[float, typer.Option("--song-seconds", min=5.0, help="Length of a song.")] = 60.0,
    voices: Annotated[
        Path | None,
        typer.Option(
            "--voices", help="Folder of recorded speakers, one a file, who sing too.", show_default=False
        ),
    ] = None,
) -> None:
    """Make songs with exact stems, of synthesised voices and instruments; prints the folder."""
    with needs_extra("train"):
        from vocalsep.synthesis import synthesise, synthesise_stream

    if (minutes is None) == (keep is None):
        raise OptionError("it is not clear how many songs to make", "Give either --minutes or --keep.")
    if keep is not None:
        if jobs not in (None, 1):
            raise OptionError("--jobs does not go with --keep: a stream is made by one process", "Leave it out.")
        synthesise_stream(
            out,
            keep=keep,
            seed=seed,
            song_seconds=song_seconds,
            voices=voices,
            on_song=lambda song: stderr.note(str(song)),
        )
        return
    assert minutes is not None
    with ProgressDisplay() as display, display.bar("making songs") as advance:
        songs = synthesise(
            out,
            minutes=minutes,
            seed=seed,
            jobs=jobs,
            song_seconds=song_seconds,
            voices=voices,
            progress=advance,
        )
    stderr.note(f"{len(songs)} songs; train on them: vocalsep train --model tdsa --data synth:{out}")
    typer.echo(out)


def _print(found: Report) -> None:
    rates = ", ".join(f"{n_files} files at {rate} Hz" for rate, n_files in found.sample_rates.items())
    stems = ", ".join(f"{n_tracks} {name}" for name, n_tracks in found.stems.items())
    typer.echo(f"{found.spec}: {found.n_tracks} tracks, {found.seconds / 3600:.2f} hours, {rates or 'no files'}")
    typer.echo(f"stems: {stems}")
    for finding in found.findings:
        typer.echo(f"{finding.level}: {finding.track}: {finding.what}".replace("\n", "\\n"))
