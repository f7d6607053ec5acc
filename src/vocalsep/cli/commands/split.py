"""``vocalsep split``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.cli import balanced_tip, options, stderr
from vocalsep.cli.batch import Batch, FileSeparator
from vocalsep.cli.choice import Choice, announce_downloads, choose
from vocalsep.cli.destination import Destination, destination
from vocalsep.cli.inputs import STDIN, find_tracks, take_shard
from vocalsep.cli.option_groups import takes
from vocalsep.cli.outcome import print_result, print_status, raise_failures
from vocalsep.cli.panels import INPUT_PANEL, MESSAGES_PANEL
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.cli.stdout import stdout_errors
from vocalsep.errors import OptionError
from vocalsep.separation.options import SeparationOptions
from vocalsep.stem_names import STEMS
from vocalsep.weights.ensemble_spec import EnsembleSpec

Cluster = Literal["ray"]

app = typer.Typer(add_completion=False)


@app.command()
@takes(
    destination=destination,
    reading=options.reading_options,
    chosen=choose,
    separation=options.separation_options,
)
def split(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Audio or video files, folders, patterns; - is stdin.")
    ],
    destination: Destination,
    reading: ReadingOptions,
    chosen: Choice,
    separation: SeparationOptions,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", rich_help_panel=INPUT_PANEL, help="Search folders in depth.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, rich_help_panel=INPUT_PANEL, help="Files at once.")
    ] = 1,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="I/N", rich_help_panel=INPUT_PANEL, help="Only the I-th of N parts of the list."
        ),
    ] = None,
    cluster: Annotated[
        Cluster | None,
        typer.Option(
            "--cluster",
            rich_help_panel=INPUT_PANEL,
            help="Files go to --jobs workers of a cluster.",
            show_default=False,
        ),
    ] = None,
    cluster_address: Annotated[
        str | None,
        typer.Option(
            "--cluster-address",
            metavar="ADDRESS",
            rich_help_panel=INPUT_PANEL,
            help="Of a running one.",
            show_default="one of this machine, for this run",
        ),
    ] = None,
    offline: options.Offline = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", rich_help_panel=MESSAGES_PANEL, help="One JSON line a file on stdout."),
    ] = False,
) -> None:
    """Split songs into vocals and accompaniment.

    Prints the paths of the stems. Outputs have the rate, channels and length of the input, and appear whole or
    not at all.
    """
    from vocalsep.audio.reader import AUDIO_EXTENSIONS

    model, to_stdout = chosen.model, destination.to_stdout
    _check_cluster(cluster, cluster_address, separation.device, with_pipes=to_stdout or STDIN in inputs)
    with destination.opened() as outputs:
        tracks = find_tracks(
            inputs,
            extensions=AUDIO_EXTENSIONS,
            recursive=recursive,
            out_dir=outputs.folder,
            stems_of=lambda track: outputs.paths(track, model.id, STEMS).values(),
        )
        tracks = take_shard(tracks, shard)
        if to_stdout and (len(outputs.stems) > 1 or len(tracks) != 1 or as_json):
            raise OptionError(
                "-o - writes one stem of one file and nothing else to stdout",
                "Add --stem vocals or --stem accompaniment, give one input, and no --json.",
            )
        if not tracks:
            stderr.note(f"shard {shard} has no tracks")
        display = ProgressDisplay(total_tracks=len(tracks))
        outcomes = []

        def load_here() -> FileSeparator:
            return _load(model, separation, offline, display)

        n_workers = min(jobs, len(tracks)) if cluster else 0
        with display, _workers(model, separation, offline, n_workers, cluster_address) as workers:
            batch = Batch(
                (lambda: workers) if workers else load_here,
                outputs,
                reading,
                display,
                model=model.id,
                skip_existing=destination.skip_existing,
            )
            for outcome in batch.run(tracks, jobs):
                outcomes.append(outcome)
                display.track_done()
                with display.paused():
                    if not to_stdout:
                        print_result(outcome, as_json=as_json)
                    elif outcome.result:
                        _copy_to_stdout(next(iter(outcome.result.outputs.values())))
                    print_status(outcome, model=model.id, format=outputs.format, alone=len(tracks) == 1)
    raise_failures(outcomes)
    if not (chosen.origin or stderr.quiet or as_json or to_stdout):
        balanced_tip.tell_once()


def _check_cluster(cluster: Cluster | None, address: str | None, device: str, *, with_pipes: bool) -> None:
    if address is not None and not cluster:
        raise OptionError("--cluster-address is the address of a cluster", "Add --cluster ray.")
    if cluster and with_pipes:
        raise OptionError("a cluster reads no stdin and writes no stdout", "Give files, and a folder with -o.")
    if cluster and device.startswith("cuda:"):
        raise OptionError(f"--device {device}: each worker of a cluster has its GPU", "Use --device cuda.")


def _load(
    model: EnsembleSpec, separation: SeparationOptions, offline: bool, display: ProgressDisplay
) -> FileSeparator:
    """Load the model in this process."""
    from vocalsep.api import Separator

    announce_downloads(model, offline=offline)
    with display.loading(model.id) as downloaded:
        return Separator.from_options(model, separation, offline=offline, download_progress=downloaded)


@contextmanager
def _workers(
    model: EnsembleSpec, separation: SeparationOptions, offline: bool, n_workers: int, address: str | None
) -> Iterator[FileSeparator | None]:
    """The workers of a cluster, as long as the block lasts; None where the command splits songs itself."""
    if not n_workers:
        yield None
        return
    if address is None:  # asked when Ray is imported: it then listens to this machine alone
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    from vocalsep.cli.cluster import ray_workers

    announce_downloads(model, offline=offline)
    with ray_workers(model, separation, n_workers, address, offline=offline) as workers:
        yield workers


def _copy_to_stdout(path: Path) -> None:
    with open(path, "rb") as file, stdout_errors():
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
