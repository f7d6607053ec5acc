"""What came of a track, and how it is told."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from vocalsep.cli import stderr
from vocalsep.cli.exit import exit_code
from vocalsep.cli.inputs import Track
from vocalsep.errors import BatchError
from vocalsep.split_result import SplitResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a track: a result, an error, or neither where it was skipped."""

    track: Track
    result: SplitResult | None = None
    error: Exception | None = None


def give(outcome: Outcome, *, as_json: bool) -> None:
    """Print the results of a track on stdout: the paths of its stems, or one line of JSON in their place."""
    if as_json:
        facts = _json_of(outcome)
        line = json.dumps(facts, ensure_ascii=False)
        _print_result(line if _in_encoding_of_stdout(line) == line else json.dumps(facts))
    elif outcome.result:
        for path in outcome.result.outputs.values():
            _print_result(str(path))


def tell(outcome: Outcome, *, quiet: bool, alone: bool) -> None:
    """Say on stderr what came of a track.

    Args:
        outcome: of the track.
        quiet: errors only.
        alone: the track is the only one, and `conclude` raises its error.
    """
    result, error = outcome.result, outcome.error
    if error and not alone:
        stderr.say(f"{outcome.track.path}: {stderr.describe(error)}")
    if quiet or error:
        return
    if not result:
        stderr.say(f"{outcome.track.path}: skipped, its stems are there")
        return
    notes = f", all stems at gain {result.gain:.4f} so that none clips" if result.gain < 1 else ""
    notes += ", the input is silent" if result.silent else ""
    stderr.say(
        f"{outcome.track.path}: {_clock(result.seconds)} in {result.wall_seconds:.1f} s "
        f"with {result.model} on {result.device} ({result.precision}){notes}"
    )


def _json_of(outcome: Outcome) -> dict[str, Any]:
    result, error = outcome.result, outcome.error
    if error:
        return {
            "input": str(outcome.track.path),
            "status": "failed",
            "error": type(error).__name__,
            "message": str(error),
            "exit_code": exit_code(error),
        }
    if not result:
        return {"input": str(outcome.track.path), "status": "skipped"}
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


def conclude(outcomes: list[Outcome]) -> None:
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


def _print_result(line: str) -> None:
    print(_in_encoding_of_stdout(line), flush=True)


def _in_encoding_of_stdout(line: str) -> str:
    """``line`` with escapes for what stdout cannot encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
