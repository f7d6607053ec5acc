"""Options that several commands have: how a model is run."""

from __future__ import annotations

from typing import Annotated

import typer

MODEL_PANEL, MESSAGES_PANEL = "Model", "Messages"
"""Where the help shows them."""

Device = Annotated[
    str, typer.Option("--device", "-d", rich_help_panel=MODEL_PANEL, help="auto, cpu, cuda, cuda:N, mps.")
]
Precision = Annotated[
    str, typer.Option("--precision", rich_help_panel=MODEL_PANEL, help="auto, fp32, bf16, fp16.")
]
Segment = Annotated[
    float | None,
    typer.Option("--segment", rich_help_panel=MODEL_PANEL, help="Seconds a segment.", show_default="the model's"),
]
Overlap = Annotated[
    float | None,
    typer.Option(
        "--overlap", rich_help_panel=MODEL_PANEL, help="Of segments, 0 to 0.9.", show_default="the model's"
    ),
]
Shifts = Annotated[
    int, typer.Option("--shifts", rich_help_panel=MODEL_PANEL, help="Further passes, averaged: better and slower.")
]
Wiener = Annotated[
    int,
    typer.Option(
        "--wiener",
        metavar="N",
        rich_help_panel=MODEL_PANEL,
        help="Iterations of a Wiener filter, for models of magnitudes (umx).",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", rich_help_panel=MODEL_PANEL, help="Of the CPU.", show_default="PyTorch's choice"),
]
Offline = Annotated[bool, typer.Option("--offline", rich_help_panel=MODEL_PANEL, help="Never download weights.")]
Debug = Annotated[
    bool, typer.Option("--debug", rich_help_panel=MESSAGES_PANEL, help="Show the traceback of an error.")
]
