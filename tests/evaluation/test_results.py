"""Scores put together, written, and taken up again."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os

import pytest

from helpers.stem_reading import leftovers
from vocalsep.errors import DiskFullError, OutputExistsError, OutputNotFolderError, RunError
from vocalsep.evaluation.result_folder import ResultFolder
from vocalsep.evaluation.results import Conditions, Failure, Results, SongScores, StemScores

CONDITIONS = Conditions(
    model="m", weights_sha256="1f", data="folders:d", split="test", settings={"shifts": 0, "overlap": None}
)


def scored(name: str, sdr: float, *, chunk_sdr: float = 1.0) -> SongScores:
    vocals = StemScores.of(sdr=sdr, chunk_sdr=chunk_sdr, si_sdr=sdr - 1)
    silent = StemScores.of(sdr=-float("inf"), chunk_sdr=float("nan"), si_sdr=float("nan"))
    return SongScores(name=name, seconds=10.0, wall_seconds=2.0, stems={"vocals": vocals, "accompaniment": silent})


def strict_json(text: str):
    """Parse JSON that has no NaN and no Infinity."""

    def refuse(literal):
        raise AssertionError(literal)

    return json.loads(text, parse_constant=refuse)


def test_undefined_scores_are_left_out_and_counted():
    results = Results(conditions=CONDITIONS, songs=[scored("a", 1), scored("b", 2), scored("c", 9)])
    vocals, accompaniment = results.summary["vocals"], results.summary["accompaniment"]
    assert dataclasses.astuple(vocals["sdr"]) == (4.0, 2.0, 3)
    assert dataclasses.astuple(vocals["si_sdr"]) == (3.0, 1.0, 3)
    assert dataclasses.astuple(accompaniment["sdr"]) == (None, None, 0)
    assert results.real_time_factor == pytest.approx(0.2)


def test_files_hold_what_was_scored(tmp_path):
    songs = [scored('a "quoted", 夜\n', 1.25), scored("\udcff", float("inf"))]
    failed = [Failure(name="c", error="DamagedAudioError", message="it ends early")]
    folder = ResultFolder(tmp_path / "new" / "out", CONDITIONS)
    folder.write(Results(conditions=CONDITIONS, songs=songs, failed=failed))
    facts = strict_json((folder.path / "results.json").read_text())
    assert [SongScores.from_json(song) for song in facts["songs"]] == songs
    assert facts["songs"][1]["stems"]["vocals"]["sdr"] is None
    assert facts["failed"][0]["message"] == "it ends early"
    assert (facts["model"], facts["weights_sha256"], facts["split"]) == ("m", "1f", "test")
    assert "vocals and accompaniment (two stems)" in facts["protocol"]
    assert facts["summary"]["vocals"]["sdr"] == {"mean": 1.25, "median": 1.25, "songs": 1}
    with open(folder.path / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["stem"], row["sdr"]) for row in rows[:2]] == [("vocals", "1.25"), ("accompaniment", "")]
    assert rows[0]["song"] == songs[0].name
    assert leftovers(tmp_path) == []


def test_a_second_run_goes_on_after_whole_lines(tmp_path):
    ResultFolder(tmp_path, CONDITIONS).append(scored("a", 1))
    journal = tmp_path / "songs.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"name": "b", "seconds": 10.0, "wall')
    folder = ResultFolder(tmp_path, dataclasses.replace(CONDITIONS, model="another name of the same weights"))
    assert folder.songs == {"a": scored("a", 1)}
    folder.append(scored("b", 2))
    assert ResultFolder(tmp_path, CONDITIONS).songs == {"a": scored("a", 1), "b": scored("b", 2)}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"weights_sha256": "2e"}, r"weights_sha256 \(1f, now 2e\)"),
        ({"data": "folders:e", "split": "all"}, r"data \(folders:d, now folders:e\), split"),
        ({"settings": {"shifts": 2, "overlap": None}}, r"conditions: shifts \(0, now 2\)\."),
        ({"model": "oracle:irm", "weights_sha256": None}, r"model \(m, now oracle:irm\)"),
    ],
)
def test_results_of_other_conditions_are_kept_apart(tmp_path, change, named):
    ResultFolder(tmp_path, CONDITIONS).append(scored("a", 1))
    other = dataclasses.replace(CONDITIONS, **change)
    with pytest.raises(OutputExistsError, match=named):
        ResultFolder(tmp_path, other)
    (tmp_path / "results.json").write_text("those of the old conditions")
    assert ResultFolder(tmp_path, other, overwrite=True).songs == {}
    assert not (tmp_path / "results.json").exists()


def test_results_of_unknown_origin_are_not_replaced(tmp_path):
    (tmp_path / "results.json").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"results\.json exists"):
        ResultFolder(tmp_path, CONDITIONS)
    assert (tmp_path / "results.json").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"torn", b"[]\n", b"{}\n", b"\xff\xfe\n", b'{"name": "a"}\n'])
def test_a_journal_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "songs.jsonl").write_bytes(content)
    with pytest.raises(RunError, match=r"songs\.jsonl is no journal"):
        ResultFolder(tmp_path, CONDITIONS)
    assert (tmp_path / "songs.jsonl").read_bytes() == content


def test_a_full_disk_leaves_the_journal_whole(tmp_path, monkeypatch):
    folder = ResultFolder(tmp_path, CONDITIONS)
    folder.append(scored("a", 1))
    before = (tmp_path / "songs.jsonl").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFullError):
            folder.append(scored("b", 2))
    assert (tmp_path / "songs.jsonl").read_bytes() == before


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputNotFolderError):
        ResultFolder(tmp_path / "file", CONDITIONS)
