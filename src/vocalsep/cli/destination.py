"""Where ``split`` puts the stems: the options about outputs, made one object."""

from __future__ import annotations

import dataclasses
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from vocalsep.audio.formats import Clip, Container, Depth, OutputFormat
from vocalsep.audio.outputs import Outputs
from vocalsep.cli.panels import OUTPUT_PANEL
from vocalsep.errors import DiskFullError, OptionError, OutputNotWritableError
from vocalsep.stem_names import STEMS
from vocalsep.template import DEFAULT_TEMPLATE

STDOUT = "-"

_BITRATE = re.compile(r"(\d{1,9})\s*(k(?:bps|bit/s|b/s)?)?")
_LEAST_BITS = 6000  # a bitrate from here on is in bit/s: the highest in kbit/s is 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the stems of a run go.

    Attributes:
        outputs: the folder, and what the files are. Its ``overwrite`` is on with ``skip_existing`` too, because a
            song that lacks one stem is split again.
        skip_existing: whether songs are left out whose stems are all there.
        to_stdout: whether the one stem goes to stdout, and the folder is a temporary one.
    """

    outputs: Outputs
    skip_existing: bool
    to_stdout: bool

    @contextmanager
    def opened(self) -> Iterator[Outputs]:
        """The outputs; for stdout, in a folder that lasts as long as the block."""
        if not self.to_stdout:
            yield self.outputs
            return
        with tempfile.TemporaryDirectory(prefix="vocalsep-") as folder:
            try:
                yield dataclasses.replace(self.outputs, folder=Path(folder))
            except DiskFullError as error:
                error.hint = "Set TMPDIR to a folder with room."
                raise


def _kbps(text: str) -> int:
    """A bitrate in kbit/s, of a text such as ``320``, ``320k``, ``320 kbps`` or ``320000``."""
    match = _BITRATE.fullmatch(text.strip().lower())
    if not match:
        raise typer.BadParameter(f"'{text}' is no bitrate. Give kbit/s, such as 320.")
    number = int(match[1])
    in_bits = not match[2] and number >= _LEAST_BITS and number % 1000 == 0
    return number // 1000 if in_bits else number


def _hertz(text: str) -> int:
    """A sample rate in Hz."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no whole number of Hz, such as 44100.") from None


def destination(
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", rich_help_panel=OUTPUT_PANEL, help="Output folder; - writes one stem to stdout."
        ),
    ] = "stems",
    stem: Annotated[
        Literal["vocals", "accompaniment", "both"],
        typer.Option("--stem", rich_help_panel=OUTPUT_PANEL, help="Which stems to write."),
    ] = "both",
    format: Annotated[
        Container, typer.Option("--format", "-f", rich_help_panel=OUTPUT_PANEL, help="Type of the outputs.")
    ] = "wav",
    depth: Annotated[
        Depth | None,
        typer.Option(
            "--depth", rich_help_panel=OUTPUT_PANEL, help="Of wav and flac.", show_default="as deep as the input"
        ),
    ] = None,
    bitrate: Annotated[
        int | None,
        typer.Option(
            "--bitrate",
            metavar="KBPS",
            parser=_kbps,
            rich_help_panel=OUTPUT_PANEL,
            help="kbit/s of mp3, m4a and opus: 320 or 320k.",
            show_default="256, 256, 160",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate",
            metavar="HZ",
            parser=_hertz,
            rich_help_panel=OUTPUT_PANEL,
            help="Sample rate of the outputs.",
            show_default="that of the input",
        ),
    ] = None,
    clip: Annotated[
        Clip,
        typer.Option(
            "--clip",
            rich_help_panel=OUTPUT_PANEL,
            help="Where outputs would clip: one gain for all stems, or clamp.",
        ),
    ] = "rescale",
    downmix: Annotated[
        bool, typer.Option("--downmix", rich_help_panel=OUTPUT_PANEL, help="Stereo outputs of surround sound.")
    ] = False,
    template: Annotated[
        str, typer.Option("--template", rich_help_panel=OUTPUT_PANEL, help="Path of a stem in the output folder.")
    ] = DEFAULT_TEMPLATE,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", rich_help_panel=OUTPUT_PANEL, help="Leave tracks whose outputs are all there."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=OUTPUT_PANEL, help="Replace outputs that exist.")
    ] = False,
) -> Destination:
    """Where the stems go.

    Raises:
        OptionError: options exclude each other, the format cannot be so, or the stem goes to stdout, which is a
            terminal.
        TemplateError: the template is malformed.
        OutputNotWritableError: the stem goes to stdout, which is closed.
    """
    if skip_existing and overwrite:
        raise OptionError("--skip-existing and --overwrite exclude each other", "Choose one.")
    if not out:  # an unset variable of a script, which as a path would be the current folder
        raise OptionError("-o is empty", "Give a folder, or - for stdout.")
    to_stdout = out == STDOUT
    if to_stdout and sys.stdout is None:
        raise OutputNotWritableError("stdout is closed", "Redirect it, or give a folder with -o.")
    if to_stdout and sys.stdout.isatty():
        raise OptionError(
            "stdout is a terminal, which shows no sound",
            "Redirect it: vocalsep split SONG --stem vocals -o - > vocals.wav",
        )
    outputs = Outputs(
        folder=Path(out),
        template=template,
        stems=STEMS if stem == "both" else (stem,),
        format=OutputFormat(container=format, depth=depth, bitrate_kbps=bitrate, rate=rate),
        clip=clip,
        downmix=downmix,
        overwrite=overwrite or skip_existing,
    )
    return Destination(outputs=outputs, skip_existing=skip_existing, to_stdout=to_stdout)
