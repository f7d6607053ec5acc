"""The report page, its pictures, and the histories they are of."""

from __future__ import annotations

import base64
import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.image import imread

from helpers.stem_reading import leftovers
from vocalsep.errors import CorruptWeightsError, MissingExtraError, OutputExistsError, RunError
from vocalsep.evaluation.figures import loss_curves, score_boxes
from vocalsep.evaluation.results import Conditions, Results, SongScores, StemScores
from vocalsep.models.architectures import build_model
from vocalsep.training.report import write_report
from vocalsep.training.run.history import read_history
from vocalsep.training.run.summary import PublishedFigures
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

HOSTILE = "_a|b `c` <script>alert(1)<!-- & $x$ *d* [e](f) \"g\" 'h'"

BLUE, ORANGE = (0x1F, 0x6F, 0xB4), (0xE0, 0x7B, 0x00)


def make_run(folder: Path, losses: list[float], *, weights: bool = True, vocals: float | None = None) -> Path:
    folder.mkdir(parents=True)
    config = {"architecture": "tdf_mask"}
    (folder / "config.json").write_text(json.dumps({"model": config, "recipe": "paper", "data": {}}))
    with open(folder / "metrics.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["epoch", "step", "seconds", "train_loss", "valid_loss", "valid_sdr_vocals"])
        for epoch, loss in enumerate(losses, start=1):
            table.writerow([epoch, 100 * epoch, 60.5 * epoch, loss / 2, loss, "" if epoch % 2 else 3.5])
    if weights:
        write_checkpoint(
            folder / "best.safetensors", Checkpoint(config=config, state=build_model(config).state_dict())
        )
    if vocals is not None:
        stems = {
            "vocals": StemScores(sdr=vocals, chunk_sdr=1.0, si_sdr=1.0),
            "accompaniment": StemScores(sdr=None, chunk_sdr=None, si_sdr=None),
        }
        song = SongScores(name="s", seconds=10, wall_seconds=1, stems=stems)
        conditions = Conditions(
            model="best",
            weights_sha256="1f",
            data="musdb18hq:m",
            split="test",
            settings={"device": "cpu", "precision": "fp32"},
        )
        (folder / "evaluation").mkdir()
        facts = Results(conditions=conditions, songs=[song]).to_json()
        (folder / "evaluation/results.json").write_text(json.dumps(facts))
    return folder


class Page(HTMLParser):
    """The tags that are open or closed wrongly, the cells of the table, and what is loaded."""

    VOID = frozenset(["meta", "img", "link", "br"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.bold: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "strong":
            self.bold.append(data)


@pytest.fixture
def runs(tmp_path) -> list[Path]:
    return [
        make_run(tmp_path / "runs" / HOSTILE, [2.0, 1.0, 1.5], vocals=5.25),
        make_run(tmp_path / "runs" / "second", [1.0, 0.75], vocals=4.0),
        make_run(tmp_path / "runs" / "just begun", [], weights=False),
    ]


def test_the_page_has_the_numbers_of_the_runs(runs, tmp_path):
    paths = write_report(runs, tmp_path / "page")
    assert [path.name for path in paths] == ["report.md", "report.html", "curves.png"]
    page = Page(paths[1].read_text(encoding="utf-8"))
    heads, first, _, begun = page.rows
    values = dict(zip(heads, first, strict=True))
    n_parameters = sum(values.numel() for values in build_model({"architecture": "tdf_mask"}).parameters())
    assert values["Run"] == HOSTILE
    assert (values["Model"], values["Recipe"], values["Parameters"]) == ("tdf_mask", "paper", f"{n_parameters:,}")
    assert (values["Epochs"], values["Steps"], values["Training time"]) == ("3", "300", "0:03:02")
    assert (values["Average validation loss"], values["Best validation loss"]) == ("1.5000", "1.0000")
    assert (values["SDR of vocals, dB"], values["SDR of accompaniment, dB"]) == ("5.25", "-")
    assert values["Real-time factor"] == "0.100"
    assert (values["Chunk SDR of vocals, dB"], values["Chunk SDR of accompaniment, dB"]) == ("1.00", "-")
    assert page.bold == ["5.25", "1.00", "0.8750", "0.7500", "1.00"]
    assert begun[4:] == ["0"] + ["-"] * 9
    assert leftovers(tmp_path) == []


def test_published_figures_stand_beside_those_of_the_run(runs, tmp_path):
    published = {"second": PublishedFigures(parameters=1.804e6, average_valid_mse=0.68)}
    paths = write_report(runs, tmp_path / "page", title="Both & more", published=published, remarks=["a|b"])
    text = paths[1].read_text(encoding="utf-8")
    heads, *rows = Page(text).rows
    assert heads.index("Published parameters") == heads.index("Parameters") + 1
    assert heads.index("Published average validation MSE") == heads.index("Average validation loss") + 1
    for heading, cells in (
        ("Published parameters", ["-", "1.80 M", "-"]),
        ("Published average validation MSE", ["-", "0.680", "-"]),
    ):
        assert [row[heads.index(heading)] for row in rows] == cells
    assert "<h1>Both &amp; more</h1>" in text
    assert "<li>a|b</li>" in text
    assert r"- a\|b" in paths[0].read_text(encoding="utf-8")


def test_the_page_is_one_file_that_loads_and_runs_nothing(runs, tmp_path):
    _, path, picture = write_report(runs, tmp_path / "page")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert not page.tags & {"script", "link", "iframe", "a", "form"}
    (source,) = page.sources
    kind, data = source.split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == picture.read_bytes()
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text


def test_markdown_has_nothing_of_the_names_as_markup(runs, tmp_path):
    text = write_report(runs, tmp_path / "page")[0].read_text(encoding="utf-8")
    lines = [re.sub(r"\\.", "", line) for line in text.splitlines()]  # without what is escaped
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 5
    assert {line.count("|") for line in table} == {15}
    assert not any(character in "".join(lines[2:7]) for character in "<`$[_")
    assert "**5.25**" in text
    assert "1 songs of musdb18hq:m, split test, on cpu in fp32." in text


def test_runs_of_one_name_are_told_apart(tmp_path):
    same = [make_run(tmp_path / parent / "run", [1.0], weights=False) for parent in "ab"]
    page = Page(write_report(same, tmp_path / "page")[1].read_text(encoding="utf-8"))
    assert [row[0] for row in page.rows[1:]] == [str(run) for run in same]


def test_a_page_that_is_there_is_kept(runs, tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page/report.md").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"report\.md exists"):
        write_report(runs, tmp_path / "page")
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["report.md"]
    write_report(runs, tmp_path / "page", overwrite=True)
    assert "mine" not in (tmp_path / "page/report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("config.json", None, RunError, "is no training run"),
        ("metrics.csv", None, RunError, "is no training run"),
        ("config.json", "{", RunError, "is no JSON"),
        ("config.json", "[]", RunError, "no JSON object"),
        ("config.json", '{"model": {}}', RunError, "lacks 'architecture'"),
        ("metrics.csv", "epoch,valid_loss\n1,much\n", RunError, "damaged in line 2"),
        ("metrics.csv", "epoch,valid_loss\n1,0.5\n2", RunError, "damaged in line 3"),
        ("metrics.csv", "epoch,valid_loss\n1,0.5,7\n", RunError, "damaged in line 2"),
        ("best.safetensors", "torn", CorruptWeightsError, "best.safetensors"),
        ("evaluation/results.json", "{}", RunError, "lacks 'settings'"),
        ("evaluation/results.json", '{"summary": 1}', RunError, "run"),
    ],
)
def test_folders_that_are_no_runs(tmp_path, name, content, error, said):
    run = make_run(tmp_path / "run", [1.0], vocals=1.0)
    (run / name).unlink()
    if content is not None:
        (run / name).write_text(content)
    with pytest.raises(error, match=said):
        write_report([run], tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_empty_cells_of_a_history_are_left_out(runs):
    rows = read_history(runs[0] / "metrics.csv")
    assert rows[0] == {"epoch": 1, "step": 100, "seconds": 60.5, "train_loss": 1.0, "valid_loss": 2.0}
    assert rows[1]["valid_sdr_vocals"] == 3.5
    with pytest.raises(RunError, match="No such file"):
        read_history(runs[0] / "missing.csv")


def has_colour(picture: Path, colour: tuple[int, int, int]) -> bool:
    pixels = np.round(imread(picture)[..., :3] * 255)
    return bool((np.abs(pixels - colour).max(axis=-1) <= 1).any())


def test_every_run_has_a_curve(tmp_path):
    rows = [{"epoch": epoch, "train_loss": 1 / epoch, "valid_loss": 2 / epoch} for epoch in (1.0, 2.0, 3.0)]
    loss_curves(tmp_path / "one.png", {"a": rows})
    loss_curves(tmp_path / "two.png", {"_a $x^$": rows, "夜\n" + 100 * "b": rows[:1]})
    assert has_colour(tmp_path / "one.png", BLUE)
    assert not has_colour(tmp_path / "one.png", ORANGE)
    assert has_colour(tmp_path / "two.png", BLUE)
    assert has_colour(tmp_path / "two.png", ORANGE)
    for odd in ({}, {"a": []}, {"a": [{"epoch": 1.0}]}, {"a": [{"epoch": 1.0, "train_loss": -3.0}]}):
        loss_curves(tmp_path / "odd.png", odd)


def test_every_stem_with_scores_has_a_box(tmp_path):
    score_boxes(tmp_path / "both.png", {"sdr": {"vocals": [1.0, 2.0, 5.0], "accompaniment": [7.0]}}, "$t$")
    score_boxes(tmp_path / "one.png", {"sdr": {"vocals": [], "accompaniment": [7.0, 8.0]}}, "")
    assert has_colour(tmp_path / "both.png", BLUE)
    assert has_colour(tmp_path / "both.png", ORANGE)
    assert not has_colour(tmp_path / "one.png", BLUE)


def test_pictures_leave_the_state_of_pyplot_alone(tmp_path):
    code = f"""
import sys
from pathlib import Path
from vocalsep.evaluation.figures import loss_curves
assert "matplotlib" not in sys.modules
loss_curves(Path({str(tmp_path / "a.png")!r}), {{"a": [{{"epoch": 1.0, "train_loss": 1.0}}]}})
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"vocalsep\[train\]"):
        loss_curves(tmp_path / "a.png", {})
    assert list(tmp_path.iterdir()) == []
