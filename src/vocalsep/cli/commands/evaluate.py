"""``vocalsep evaluate``."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalsep.cli import options, stderr
from vocalsep.cli.choice import Choice, announce_downloads, choose
from vocalsep.cli.flags import told
from vocalsep.cli.option_groups import takes
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.cli.table import aligned
from vocalsep.datasets.parts import Split as Part
from vocalsep.errors import BatchError, MissingExtraError
from vocalsep.separation.options import SeparationOptions
from vocalsep.system.threads import map_in_order

if TYPE_CHECKING:
    from vocalsep.datasets.track import Track
    from vocalsep.evaluation.estimators import Estimator
    from vocalsep.evaluation.evaluate import Progress
    from vocalsep.evaluation.result_folder import ResultFolder
    from vocalsep.evaluation.results import Failure, Results, SongScores


app = typer.Typer(add_completion=False)

# how the help groups the options
_DATA, _OUTPUT = "Data", "Output"


@app.command()
@takes(chosen=choose, separation=options.separation_options)
def evaluate(
    data: Annotated[
        str,
        typer.Option(
            "--data", rich_help_panel=_DATA, help="Folder of tracks, musdb18hq[:ROOT], folders:ROOT or synth:ROOT."
        ),
    ],
    chosen: Choice,
    separation: SeparationOptions,
    split: Annotated[
        Part | None,
        typer.Option(
            "--split",
            rich_help_panel=_DATA,
            help="Part of the data.",
            show_default="test where there is one, or all",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, rich_help_panel=_DATA, help="Songs at once.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", rich_help_panel=_OUTPUT, help="Folder of results; a run that was stopped goes on there."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_OUTPUT, help="Drop the results that are there.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=_OUTPUT, help="One JSON document on stdout, no table.")
    ] = False,
    offline: options.Offline = False,
) -> None:
    """Score a model on songs whose stems are known.

    Prints sdr, chunk_sdr (museval) and si_sdr of the vocals and the accompaniment of each song, and what they
    come to. Two oracles are bounds: --model oracle:mixture gives the mixture as every stem, --model
    oracle:irm the ideal ratio mask.
    """
    from vocalsep.datasets.dataset import open_dataset
    from vocalsep.evaluation.estimators import open_estimator
    from vocalsep.evaluation.evaluate import check_has_both
    from vocalsep.evaluation.result_folder import ResultFolder
    from vocalsep.evaluation.results import Conditions, Failure, Results

    dataset = open_dataset(data)
    part: Part = split or ("test" if dataset.has_test else "all")
    tracks = dataset.tracks(part)
    for track in tracks:
        check_has_both(track)  # before hours of work
    announce_downloads(chosen.model, offline=offline)
    with ProgressDisplay() as display, display.loading(chosen.model.id) as downloaded:
        estimator = open_estimator(chosen.model, separation, offline=offline, download_progress=downloaded)
    conditions = Conditions(
        model=estimator.id,
        weights_sha256=estimator.weights_sha256,
        data=dataset.spec,
        split=part,
        settings=estimator.settings,
    )
    folder = ResultFolder(out, conditions, overwrite=overwrite) if out else None
    scored = list(_score_all(estimator, tracks, jobs, folder))
    results = Results(
        conditions=conditions,
        songs=[song for song in scored if not isinstance(song, Failure)],
        failed=[song for song in scored if isinstance(song, Failure)],
    )
    if folder:
        folder.write(results)
        _draw(results, folder.path)
    typer.echo(json.dumps(results.to_json(), indent=2, allow_nan=False) if as_json else _table(results))
    if results.failed:
        raise BatchError(
            f"{len(results.failed)} of {len(scored)} songs could not be scored",
            "The others are; the reasons are above.",
        )


def _score_all(
    estimator: Estimator, tracks: Sequence[Track], jobs: int, folder: ResultFolder | None
) -> Iterator[SongScores | Failure]:
    """Score the tracks that ``folder`` does not have, ``jobs`` at once; give all in the order of the tracks."""
    from vocalsep.evaluation.evaluate import evaluate_track
    from vocalsep.evaluation.results import Failure

    display = ProgressDisplay(total_tracks=len(tracks))
    interrupted = threading.Event()

    def score(track: Track) -> SongScores | Failure:
        known = folder.songs.get(track.name) if folder else None
        if known and known.seconds == track.n_samples / track.sample_rate:
            return known
        try:
            with display.bar(track.name) as advance:
                song = evaluate_track(estimator, track, _unless(interrupted, advance))
        except Exception as error:
            stderr.tell(error, track.name)
            return Failure(name=track.name, error=type(error).__name__, message=told(error))
        if folder:
            folder.append(song)
        _print_scores(song)
        return song

    with display, ThreadPoolExecutor(jobs) as pool:
        try:
            for song in map_in_order(pool, score, tracks):
                display.track_done()
                yield song
        except BaseException:
            interrupted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _unless(interrupted: threading.Event, advance: Progress) -> Progress:
    def progress(done: float, total: float | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        advance(done, total)

    return progress


def _print_scores(song: SongScores) -> None:
    scores = ", ".join(f"{stem} {_decibels(scores.sdr)} dB" for stem, scores in song.stems.items())
    stderr.note(f"{song.name}: {song.seconds:.0f} s in {song.wall_seconds:.1f} s, sdr: {scores}")


def _draw(results: Results, folder: Path) -> None:
    from vocalsep.evaluation.figures import score_boxes
    from vocalsep.evaluation.result_folder import PICTURE_NAME
    from vocalsep.evaluation.results import METRICS
    from vocalsep.stem_names import STEMS

    scores = {metric: {stem: results.scores(stem, metric) for stem in STEMS} for metric in METRICS}
    title = f"{results.conditions.model}: {len(results.songs)} songs of {results.conditions.data}"
    try:
        score_boxes(folder / PICTURE_NAME, scores, title)
    except MissingExtraError as error:
        stderr.note(f"{PICTURE_NAME} is left out: {error}")


def _table(results: Results) -> str:
    from vocalsep.evaluation.results import METRICS

    rows = [("SONG", "STEM", *(metric.upper() for metric in METRICS))]
    for song in results.songs:
        for stem, scores in song.stems.items():
            rows.append((song.name, stem, *(_decibels(getattr(scores, metric)) for metric in METRICS)))
    summary = results.summary.items()
    for stem, metrics in summary:
        rows.append(("mean", stem, *(_decibels(metrics[metric].mean) for metric in METRICS)))
    for stem, metrics in summary:
        rows.append(("median", stem, *(_decibels(metrics[metric].median) for metric in METRICS)))
    for stem, metrics in summary:
        rows.append(("songs scored", stem, *(str(metrics[metric].songs) for metric in METRICS)))
    lines = aligned([tuple(_printable(cell) for cell in row) for row in rows], numbers=range(2, len(rows[0])))
    lines.insert(-3 * len(results.summary), "")
    return "\n".join([*lines, "", _printable(results.protocol)])


def _decibels(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def _printable(text: str) -> str:
    """Names of files as one line that any terminal takes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
