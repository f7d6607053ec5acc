"""The folder that results are written to, song by song, so that a run that was stopped can go on."""

from __future__ import annotations

import csv
import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vocalsep.errors import OutputExistsError, RunError
from vocalsep.evaluation.results import METRICS, Conditions, Results, SongScores
from vocalsep.system.files import atomic_path, make_folder
from vocalsep.system.output_errors import output_error

RESULTS_NAME = "results.json"
PICTURE_NAME = "boxplot.png"
_TABLE_NAME, _JOURNAL_NAME = "results.csv", "songs.jsonl"

_INSTEAD = "Pass overwrite=True to start over, or choose another folder."


class ResultFolder:
    """A folder of ``results.json``, ``results.csv`` and ``songs.jsonl``.

    The last one is the journal: a line with the conditions, then one for each song as soon as it is scored. A
    line that a killed process left without its end is dropped.

    Args:
        path: path of the folder, made if missing.
        conditions: conditions of all songs.
        overwrite: drop what an earlier run left.

    Attributes:
        songs: those that an earlier run scored, by name.

    Raises:
        OutputExistsError: it has results, of other conditions or of unknown ones.
        RunError: its journal is no such file.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, conditions: Conditions, *, overwrite: bool = False) -> None:
        self.path = path
        self._conditions = conditions
        self._journal = path / _JOURNAL_NAME
        self._appending = threading.Lock()
        self.songs: dict[str, SongScores] = {}
        make_folder(path)
        results = [path / name for name in (RESULTS_NAME, _TABLE_NAME, PICTURE_NAME)]
        if overwrite:
            for earlier in (self._journal, *results):  # results of other conditions next to a new journal mislead
                _remove(earlier)
        if self._journal.exists():
            self._resume()
        elif existing := [result for result in results if result.exists()]:
            raise OutputExistsError(f"{existing[0]} exists and has no {_JOURNAL_NAME} next to it", _INSTEAD)
        else:
            self._start()

    def append(self, song: SongScores) -> None:
        """Add a song to the journal; any thread may.

        Raises:
            OutputError: it cannot be written; the journal is as it was.
        """
        with self._appending:
            size = self._journal.stat().st_size
            try:
                with open(self._journal, "ab") as file:
                    file.write(_line(asdict(song)))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                with suppress(OSError):
                    os.truncate(self._journal, size)
                raise output_error(error, self._journal) from error

    def write(self, results: Results) -> None:
        """Write the results as JSON, and as CSV with a row for each song and stem.

        Raises:
            OutputError: they cannot be written.
        """
        with atomic_path(self.path / RESULTS_NAME) as temporary:
            temporary.write_text(json.dumps(results.to_json(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        with (
            atomic_path(self.path / _TABLE_NAME) as temporary,
            open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            table = csv.writer(file)
            table.writerow(["song", "stem", *METRICS, "seconds", "wall_seconds"])
            for song in results.songs:
                for stem, scores in song.stems.items():
                    values = [getattr(scores, metric) for metric in METRICS]  # None is an empty cell
                    table.writerow([song.name, stem, *values, song.seconds, song.wall_seconds])

    def _start(self) -> None:
        with atomic_path(self._journal) as temporary:
            temporary.write_bytes(_line(asdict(self._conditions)))

    def _resume(self) -> None:
        try:
            content = self._journal.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            head, *lines = [json.loads(line) for line in whole.splitlines()]
            earlier = Conditions(**head)
            songs = [SongScores.from_json(values) for values in lines]
        except OSError as error:
            raise output_error(error, self._journal) from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise RunError(f"{self._journal} is no journal of an evaluation", _INSTEAD) from error
        if differences := self._conditions.differences(earlier):
            raise OutputExistsError(
                f"{self.path} has results of other conditions: {', '.join(differences)}", _INSTEAD
            )
        self.songs = {song.name: song for song in songs}
        if len(whole) < len(content):
            os.truncate(self._journal, len(whole))


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False).encode() + b"\n"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, path) from error
