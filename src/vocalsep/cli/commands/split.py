"""``vocalsep split``."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from vocalsep.cli import balanced_tip, options, stderr
from vocalsep.cli.batch import Batch, FileOptions, FileSeparator
from vocalsep.cli.choice import QualityOption, announce_downloads, choose, complete_model
from vocalsep.cli.inputs import STDIN, find_tracks, take_shard
from vocalsep.cli.outcome import conclude, give, tell
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.cli.stdout import stdout_errors
from vocalsep.errors import DiskFullError, OptionError, OutputNotWritableError
from vocalsep.template import DEFAULT_TEMPLATE, check_template

STDOUT = "-"


class Stem(str, Enum):
    """What ``--stem`` takes."""

    vocals = "vocals"
    accompaniment = "accompaniment"
    both = "both"


class Container(str, Enum):
    """What ``--format`` takes."""

    wav = "wav"
    flac = "flac"
    mp3 = "mp3"
    ogg = "ogg"
    opus = "opus"
    m4a = "m4a"


class Depth(str, Enum):
    """What ``--depth`` takes."""

    bits_16 = "16"
    bits_24 = "24"
    float = "float"


class Clip(str, Enum):
    """What ``--clip`` takes."""

    rescale = "rescale"
    clamp = "clamp"


class Cluster(str, Enum):
    """What ``--cluster`` takes."""

    ray = "ray"


app = typer.Typer(add_completion=False)

_BITRATE = re.compile(r"(\d{1,9})\s*(k(?:bps|bit/s|b/s)?)?")
_LEAST_BITS = 6000  # a bitrate from here on is in bit/s: the highest in kbit/s is 512

# how the help groups the options
_INPUT, _OUTPUT, _MODEL, _REPORT = "Inputs", "Outputs", options.MODEL_PANEL, options.MESSAGES_PANEL


def _kbps(text: str) -> int:
    """A bitrate in kbit/s, of a text such as ``320``, ``320k``, ``320 kbps`` or ``320000``."""
    match = _BITRATE.fullmatch(text.strip().lower())
    if not match:
        raise typer.BadParameter(f"'{text}' is no bitrate. Give kbit/s, such as 320.")
    number = int(match[1])
    in_bits = not match[2] and number >= _LEAST_BITS and number % 1000 == 0
    return number // 1000 if in_bits else number


@app.command()
def split(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Audio or video files, folders, patterns; - is stdin.")
    ],
    out: Annotated[
        str,
        typer.Option("--out", "-o", rich_help_panel=_OUTPUT, help="Output folder; - writes one stem to stdout."),
    ] = "stems",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            rich_help_panel=_MODEL,
            help="Name, weights file or hf:OWNER/REPO; A+B is their mean.",
            show_default="that of 'vocalsep models use'",
            autocompletion=complete_model,
        ),
    ] = None,
    quality: QualityOption = None,
    stem: Annotated[
        Stem, typer.Option("--stem", rich_help_panel=_OUTPUT, help="Which stems to write.")
    ] = Stem.both,
    format: Annotated[
        Container, typer.Option("--format", "-f", rich_help_panel=_OUTPUT, help="Type of the outputs.")
    ] = Container.wav,
    depth: Annotated[
        Depth | None,
        typer.Option(
            "--depth", rich_help_panel=_OUTPUT, help="Of wav and flac.", show_default="as deep as the input"
        ),
    ] = None,
    bitrate: Annotated[
        int | None,
        typer.Option(
            "--bitrate",
            metavar="KBPS",
            parser=_kbps,
            rich_help_panel=_OUTPUT,
            help="kbit/s of mp3, m4a and opus: 320 or 320k.",
            show_default="256, 256, 160",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate",
            metavar="HZ",
            rich_help_panel=_OUTPUT,
            help="Sample rate of the outputs.",
            show_default="that of the input",
        ),
    ] = None,
    clip: Annotated[
        Clip,
        typer.Option(
            "--clip", rich_help_panel=_OUTPUT, help="Where outputs would clip: one gain for all stems, or clamp."
        ),
    ] = Clip.rescale,
    downmix: Annotated[
        bool, typer.Option("--downmix", rich_help_panel=_OUTPUT, help="Stereo outputs of surround sound.")
    ] = False,
    template: Annotated[
        str, typer.Option("--template", rich_help_panel=_OUTPUT, help="Path of a stem in the output folder.")
    ] = DEFAULT_TEMPLATE,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", rich_help_panel=_INPUT, help="Search folders in depth.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", rich_help_panel=_OUTPUT, help="Leave tracks whose outputs are all there."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_OUTPUT, help="Replace outputs that exist.")
    ] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", rich_help_panel=_INPUT, help="Split what can be decoded of damaged files.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, rich_help_panel=_INPUT, help="Files at once.")] = 1,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="I/N", rich_help_panel=_INPUT, help="Only the I-th of N parts of the list."
        ),
    ] = None,
    cluster: Annotated[
        Cluster | None,
        typer.Option(
            "--cluster",
            rich_help_panel=_INPUT,
            help="Files go to --jobs workers of a cluster.",
            show_default=False,
        ),
    ] = None,
    cluster_address: Annotated[
        str | None,
        typer.Option(
            "--cluster-address",
            metavar="ADDRESS",
            rich_help_panel=_INPUT,
            help="Of a running one.",
            show_default="one of this machine, for this run",
        ),
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    segment: options.Segment = None,
    overlap: options.Overlap = None,
    shifts: options.Shifts = 0,
    wiener: options.Wiener = 0,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            rich_help_panel=_MODEL,
            help="Segments at once.",
            show_default="8 on a GPU, 1 to 4 on a CPU",
        ),
    ] = None,
    threads: options.Threads = None,
    offline: options.Offline = False,
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=_REPORT, help="One JSON line a file on stdout.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, rich_help_panel=_REPORT, help="Say more.")
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=_REPORT, help="Say errors only.")
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Split songs into vocals and accompaniment.

    Prints the paths of the stems. Outputs have the rate, channels and length of the input, and appear whole or
    not at all.
    """
    from vocalsep.audio.formats import OutputFormat
    from vocalsep.audio.reader import AUDIO_EXTENSIONS
    from vocalsep.weights.ensemble_spec import ensemble_id

    stderr.debug = stderr.debug or debug
    stderr.log_to_stderr(-1 if quiet else verbose)
    check_template(template)
    if skip_existing and overwrite:
        raise OptionError("--skip-existing and --overwrite exclude each other", "Choose one.")
    chosen = choose(model, quality)
    stems = ("vocals", "accompaniment") if stem is Stem.both else (stem.value,)
    if not out:  # an unset variable of a script, which as a path would be the current folder
        raise OptionError("-o is empty", "Give a folder, or - for stdout.")
    to_stdout = out == STDOUT
    if to_stdout and sys.stdout is None:
        raise OutputNotWritableError("stdout is closed", "Redirect it, or give a folder with -o.")

    _check_cluster(cluster, cluster_address, device, with_pipes=to_stdout or STDIN in inputs)
    settings: dict[str, Any] = {
        "model": chosen.spec,
        "device": device,
        "precision": precision,
        "segment_seconds": segment,
        "overlap": overlap,
        "batch_size": batch_size,
        "shifts": shifts,
        "wiener": wiener,
        "threads": threads,
        "offline": offline,
    }

    def load() -> FileSeparator:
        from vocalsep.api import Separator

        if not quiet and not offline:
            announce_downloads(chosen.spec)
        with display.bar(f"loading {chosen.spec}") as advance:
            return Separator(**settings, download_progress=advance)

    def start_workers() -> AbstractContextManager[FileSeparator | None]:
        if not (cluster and tracks):
            return nullcontext()
        if cluster_address is None:  # asked when Ray is imported: it then listens to this machine alone
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        from vocalsep.cli.cluster import ray_workers

        if not quiet and not offline:
            announce_downloads(chosen.spec)
        n_workers = min(jobs, len(tracks))
        return ray_workers(settings, n_workers, cluster_address, lambda track: asked.targets(track, stems))

    with _output_folder(out, to_stdout) as out_dir:
        asked = FileOptions(
            out_dir=out_dir,
            template=template,
            model=ensemble_id(chosen.spec),
            stems=stems,
            format=OutputFormat(
                container=format.value,
                depth=depth.value if depth else None,
                bitrate_kbps=bitrate,
                rate=rate,
            ),
            clip=clip.value,
            downmix=downmix,
            overwrite=overwrite,
            skip_existing=skip_existing,
            salvage=salvage,
        )
        tracks = find_tracks(
            inputs,
            extensions=AUDIO_EXTENSIONS,
            recursive=recursive,
            out_dir=out_dir,
            stems_of=lambda track: asked.targets(track, [one.value for one in Stem if one is not Stem.both]),
        )
        tracks = take_shard(tracks, shard)
        if to_stdout and (len(stems) > 1 or len(tracks) != 1 or as_json):
            raise OptionError(
                "-o - writes one stem of one file and nothing else to stdout",
                "Add --stem vocals or --stem accompaniment, give one input, and no --json.",
            )
        if not tracks and not quiet:
            stderr.say(f"shard {shard} has no tracks")
        display = ProgressDisplay(wanted=not quiet, total_tracks=len(tracks))
        outcomes = []
        with display, start_workers() as workers:
            batch = Batch(lambda: workers or load(), asked, display)
            for outcome in batch.run(tracks, jobs):
                outcomes.append(outcome)
                display.track_done()
                with display.paused():
                    if not to_stdout:
                        give(outcome, as_json=as_json)
                    elif outcome.result:
                        _copy_to_stdout(next(iter(outcome.result.outputs.values())))
                    tell(outcome, model=asked.model, format=asked.format, quiet=quiet, alone=len(tracks) == 1)
    conclude(outcomes)
    if not (chosen.origin or quiet or as_json or to_stdout):
        balanced_tip.tell_once()


def _check_cluster(cluster: Cluster | None, address: str | None, device: str, *, with_pipes: bool) -> None:
    if address is not None and not cluster:
        raise OptionError("--cluster-address is the address of a cluster", "Add --cluster ray.")
    if cluster and with_pipes:
        raise OptionError("a cluster reads no stdin and writes no stdout", "Give files, and a folder with -o.")
    if cluster and device.startswith("cuda:"):
        raise OptionError(f"--device {device}: each worker of a cluster has its GPU", "Use --device cuda.")


@contextmanager
def _output_folder(out: str, to_stdout: bool) -> Iterator[Path]:
    """The folder of the outputs; for stdout one that lasts as long as the block."""
    if not to_stdout:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as folder:
        try:
            yield Path(folder)
        except DiskFullError as error:
            error.hint = "Set TMPDIR to a folder with room."
            raise


def _copy_to_stdout(path: Path) -> None:
    with open(path, "rb") as file, stdout_errors():
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
