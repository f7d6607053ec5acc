"""Options that several commands have: how a model is run, and how files are read."""

from __future__ import annotations

from typing import Annotated

import typer

from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.cli.option_groups import options_of_fields
from vocalsep.cli.panels import INPUT_PANEL, MODEL_PANEL
from vocalsep.separation.options import SeparationOptions

separation_options = options_of_fields(
    SeparationOptions,
    {
        "device": typer.Option(
            "--device", "-d", rich_help_panel=MODEL_PANEL, help="auto, cpu, cuda, cuda:N, mps."
        ),
        "precision": typer.Option(
            "--precision", rich_help_panel=MODEL_PANEL, help="Number format; auto takes the fastest of the device."
        ),
        "segment_seconds": typer.Option(
            "--segment", rich_help_panel=MODEL_PANEL, help="Seconds a segment.", show_default="the model's"
        ),
        "overlap": typer.Option(
            "--overlap", rich_help_panel=MODEL_PANEL, help="Of segments, 0 to 0.9.", show_default="the model's"
        ),
        "shifts": typer.Option(
            "--shifts", rich_help_panel=MODEL_PANEL, help="Further passes, averaged: better and slower."
        ),
        "wiener": typer.Option(
            "--wiener",
            metavar="N",
            rich_help_panel=MODEL_PANEL,
            help="Iterations of a Wiener filter, for models of magnitudes (umx).",
        ),
        "batch_size": typer.Option(
            "--batch-size",
            rich_help_panel=MODEL_PANEL,
            help="Segments at once.",
            show_default="8 on a GPU, 1 to 4 on a CPU",
        ),
        "threads": typer.Option(
            "--threads", rich_help_panel=MODEL_PANEL, help="Of the CPU.", show_default="PyTorch's choice"
        ),
    },
)

reading_options = options_of_fields(
    ReadingOptions,
    {
        "salvage": typer.Option(
            "--salvage", rich_help_panel=INPUT_PANEL, help="Split what can be decoded of damaged files."
        ),
        "strict": typer.Option(
            "--strict", rich_help_panel=INPUT_PANEL, help="Refuse files with any damage, however small."
        ),
        "audio_track": typer.Option(
            "--track",
            metavar="N|LANG",
            rich_help_panel=INPUT_PANEL,
            help="Of several audio tracks: 2, or en.",
            show_default="the one that the file marks",
        ),
    },
)

Offline = Annotated[bool, typer.Option("--offline", rich_help_panel=MODEL_PANEL, help="Never download weights.")]
