"""The outcome of a track, and what the command line prints of it."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vocalsep.cli import stderr
from vocalsep.cli.exit import exit_code
from vocalsep.cli.flags import told
from vocalsep.cli.inputs import Track
from vocalsep.errors import BatchError
from vocalsep.split_result import SplitResult

if TYPE_CHECKING:
    from vocalsep.audio.formats import OutputFormat


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a track: a result, an error, or neither where the track was skipped.

    Attributes:
        track: which.
        result: where it was split.
        error: where it could not be.
        made_by: the model that made the stems that were there, where they say it.
    """

    track: Track
    result: SplitResult | None = None
    error: Exception | None = None
    made_by: str | None = None


def print_result(outcome: Outcome, *, as_json: bool) -> None:
    """Print the results of a track on stdout: the paths of its stems, or one line of JSON in their place."""
    if as_json:
        facts = _json_of(outcome)
        line = json.dumps(facts, ensure_ascii=False)
        _print_line(line if _in_encoding_of_stdout(line) == line else json.dumps(facts))
    elif outcome.result:
        for path in outcome.result.outputs.values():
            _print_line(str(path))


def print_status(outcome: Outcome, *, model: str, format: OutputFormat, alone: bool) -> None:
    """Print the outcome of a track on stderr.

    Args:
        outcome: outcome of the track.
        model: id of the model that was asked for.
        format: format of the outputs.
        alone: the track is the only one, and `raise_failures` raises its error.
    """
    result, error = outcome.result, outcome.error
    if error and not alone:
        stderr.tell(error, str(outcome.track.path))
    if error:
        return
    if not result:
        stderr.note(f"{outcome.track.path}: skipped, its stems are there{_other_model(outcome.made_by, model)}")
        return
    notes = _softer(result.gain, format) if result.gain < 1 else ""
    notes += ", the input is silent" if result.silent else ""
    stderr.note(
        f"{outcome.track.path}: {_clock(result.seconds)} in {result.wall_seconds:.1f} s "
        f"with {result.model} on {result.device} ({result.precision}){notes}"
    )


def _other_model(made_by: str | None, model: str) -> str:
    if made_by in (None, model):
        return ""
    return f", made by {made_by}: --overwrite makes them by {model}, {{model}} in --template keeps both"


def _softer(gain: float, format: OutputFormat) -> str:
    """What was done so that no stem clips, and what keeps the level of the song."""
    keeps = "--depth float" if format.container == "wav" else "-f wav --depth float"
    decibels = 20 * math.log10(gain)
    return f", all stems at gain {gain:.4f} ({decibels:.1f} dB) so that none clips: {keeps} keeps the level"


def _json_of(outcome: Outcome) -> dict[str, Any]:
    result, error = outcome.result, outcome.error
    if error:
        return {
            "input": str(outcome.track.path),
            "status": "failed",
            "error": type(error).__name__,
            "message": told(error),
            "exit_code": exit_code(error),
        }
    if not result:
        skipped = {"input": str(outcome.track.path), "status": "skipped"}
        return skipped | ({"made_by": outcome.made_by} if outcome.made_by else {})
    return {
        "input": str(outcome.track.path),
        "status": "done",
        "outputs": {stem: str(path) for stem, path in result.outputs.items()},
        "seconds": round(result.seconds, 6),
        "sample_rate": result.sample_rate,
        "channels": result.channels,
        "wall_seconds": round(result.wall_seconds, 3),
        "real_time_factor": round(result.real_time_factor, 5),
        "model": result.model,
        "weights_sha256": result.weights_sha256,
        "device": result.device,
        "precision": result.precision,
        "gain": result.gain,
        "silent": result.silent,
    }


def raise_failures(outcomes: list[Outcome]) -> None:
    """Raise the error of a track that was alone, or say how many of a batch failed.

    Raises:
        BatchError: some or all failed.
    """
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed and len(outcomes) == 1 and failed[0].error:
        raise failed[0].error
    if failed:
        others = "The others are done; the" if len(failed) < len(outcomes) else "The"
        raise BatchError(f"{len(failed)} of {len(outcomes)} tracks failed", f"{others} reasons are above.")


def _print_line(line: str) -> None:
    print(_in_encoding_of_stdout(line), flush=True)


def _in_encoding_of_stdout(line: str) -> str:
    """``line`` with escapes for what stdout cannot encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
