"""``vocalsep models use``: the user's default, what goes before it, and where it is seen."""

import json

import pytest

from vocalsep.weights.default_model import settings_path
from vocalsep.weights.manifest import load_manifest

BUNDLED = load_manifest().default
OTHER = "compact-v5"


def model_of_a_split(vocalsep, song, tmp_path, *options):
    done = vocalsep("split", song, "-o", tmp_path / "out", "--overwrite", "--json", *options)
    assert done.code == 0, done.err
    return json.loads(done.out)["model"]


def doctor(vocalsep):
    lines = vocalsep("doctor").out.splitlines()
    return next(line.removeprefix("default model").strip() for line in lines if line.startswith("default model"))


def test_a_choice_lasts_until_it_is_reset(vocalsep, song, tmp_path):
    assert vocalsep("models", "use").out == f"{BUNDLED} (bundled)\n"
    assert doctor(vocalsep) == f"{BUNDLED} (bundled)"
    chosen = vocalsep("models", "use", OTHER)
    assert (chosen.code, chosen.out, chosen.err) == (0, f"{OTHER} ({settings_path()})\n", "")
    assert settings_path().read_text() == f'model = "{OTHER}"\n'
    assert doctor(vocalsep) == f"{OTHER} ({settings_path()})"
    assert f"{OTHER} *" in vocalsep("models", "list").out
    assert model_of_a_split(vocalsep, song, tmp_path) == OTHER
    assert model_of_a_split(vocalsep, song, tmp_path, "--quality", "fast") == BUNDLED
    assert model_of_a_split(vocalsep, song, tmp_path, "--model", BUNDLED) == BUNDLED
    assert vocalsep("models", "use", "--reset").out == f"{BUNDLED} (bundled)\n"
    assert not settings_path().exists()
    assert vocalsep("models", "use", "--reset").code == 0
    assert model_of_a_split(vocalsep, song, tmp_path) == BUNDLED


def test_the_environment_goes_first(vocalsep, song, tmp_path, monkeypatch):
    monkeypatch.setenv("VOCALSEP_MODEL", OTHER)
    assert model_of_a_split(vocalsep, song, tmp_path) == OTHER
    assert doctor(vocalsep) == f"{OTHER} (VOCALSEP_MODEL)"
    chosen = vocalsep("models", "use", BUNDLED)
    assert chosen.error_line == "VOCALSEP_MODEL is set, and goes before this choice"
    assert chosen.out == f"{OTHER} (VOCALSEP_MODEL)\n"
    monkeypatch.delenv("VOCALSEP_MODEL")
    assert doctor(vocalsep) == f"{BUNDLED} ({settings_path()})"


def test_what_is_to_be_downloaded_is_said(vocalsep):
    done = vocalsep("models", "use", "scnet")
    assert done.error_line == "the first split downloads scnet; to get it now: vocalsep models pull scnet"
    assert doctor(vocalsep) == f"scnet ({settings_path()}), not downloaded: vocalsep models pull scnet"


def test_the_word_of_a_quality(vocalsep, song, tmp_path, monkeypatch):
    done = vocalsep("models", "use", "balanced")
    assert done.out == f"{load_manifest().qualities.balanced} ({settings_path()})\n"
    assert settings_path().read_text() == 'model = "balanced"\n'
    monkeypatch.setenv("VOCALSEP_MODEL", "fast")
    assert model_of_a_split(vocalsep, song, tmp_path) == BUNDLED
    monkeypatch.setenv("VOCALSEP_MODEL", OTHER)
    assert model_of_a_split(vocalsep, song, tmp_path, "--model", "fast") == BUNDLED


def test_a_file_is_found_from_every_folder(vocalsep, song, tmp_path, monkeypatch):
    weights = tmp_path / "音 mine.safetensors"
    weights.write_bytes(load_manifest().entry(OTHER).bundled_path.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert vocalsep("models", "use", weights.name).out == f"{weights} ({settings_path()})\n"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert model_of_a_split(vocalsep, song, tmp_path) == "音 mine"
    weights.unlink()
    gone = vocalsep("split", song, "-o", tmp_path / "out", "--overwrite")
    assert gone.code == 30
    assert f"no weights file is at {weights}; {settings_path()} names it" in gone.error_line
    assert "vocalsep models use NAME" in gone.error_line


def test_an_ensemble(vocalsep, song, tmp_path):
    assert vocalsep("models", "use", f"{OTHER}:2+{BUNDLED}").code == 0
    assert model_of_a_split(vocalsep, song, tmp_path) == f"{OTHER}:0.667+{BUNDLED}:0.333"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["compact-v55"], 30, "Did you mean compact-v5"),
        ([f"{BUNDLED}+nothing"], 30, "no model is called 'nothing'"),
        (["gone.safetensors"], 30, "no weights file is at gone.safetensors"),
        ([BUNDLED, "--reset"], 2, "--reset goes back to the bundled model"),
    ],
)
def test_a_wrong_choice_changes_nothing(vocalsep, arguments, code, says):
    vocalsep("models", "use", OTHER)
    done = vocalsep("models", "use", *arguments)
    assert done.code == code
    assert says in done.error_line
    assert vocalsep("models", "use").out.startswith(f"{OTHER} ")


@pytest.mark.parametrize("text", ["model = ", "model = 3\n", 'modell = "umx"\n', "", 'model = "a"\nother = 1\n'])
def test_a_file_that_makes_no_sense_is_named(vocalsep, song, tmp_path, text):
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(text)
    done = vocalsep("split", song, "-o", tmp_path / "out")
    assert done.code == 2
    assert str(settings_path()) in done.error_line
    assert "vocalsep models use --reset" in done.error_line
    assert str(settings_path()) in doctor(vocalsep)
    assert vocalsep("models", "use", "--reset").code == 0
    assert doctor(vocalsep) == f"{BUNDLED} (bundled)"


def test_a_choice_that_cannot_be_written(vocalsep):
    settings_path().parent.parent.mkdir(parents=True, exist_ok=True)
    settings_path().parent.write_text("a file in the place of the folder")
    done = vocalsep("models", "use", OTHER)
    assert done.code in (20, 21, 22, 23)
    assert "Set VOCALSEP_MODEL" in done.error_line
