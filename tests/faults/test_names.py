"""Files whose names are odd, that are links, or that are many."""

import json
import os
import shutil
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.stem_reading import read

NAMES = [
    "-o",
    "--help",
    "-",
    "a\nb",
    "tab\tand\rreturn",
    "{stem}",
    "{0}%s$(x)`y`",
    "[a]*?",
    "~",
    "#&;'\"",
    " spaces ",
    unicodedata.normalize("NFC", "Ünïcödé"),
    unicodedata.normalize("NFD", "Ünïcödé"),
    "夜に駆ける",
    "الموسيقى",
    "музыка",
    "संगीत",
    "เพลง",
    "🎤👨‍👩‍👧",
    "\u202egnp\u2066",
    "\ufeffbom",
]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse or change such names")
def test_a_folder_of_names_in_every_script(vocalsep, tmp_path, monkeypatch):
    folder = tmp_path / "songs"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        soundfile.write(folder / f"{name}.wav", np.full((100 + number, 1), 0.1), 8000)
    monkeypatch.chdir(folder)
    done = vocalsep("split", ".", "-o", tmp_path / "out", "--json", "--stem", "vocals", "--segment", "1")
    assert done.code == 0, done.err
    facts = [json.loads(line) for line in done.out.splitlines()]
    assert {Path(fact["input"]).stem for fact in facts} == set(NAMES)
    assert len(done.err.splitlines()) == len(NAMES)
    outputs = [Path(fact["outputs"]["vocals"]) for fact in facts]
    assert len(set(outputs)) == len(NAMES)
    for fact, output in zip(facts, outputs, strict=True):
        assert output.resolve().is_relative_to(tmp_path / "out")
        assert soundfile.info(output).frames == 100 + NAMES.index(Path(fact["input"]).stem)
    assert {path.name for path in folder.iterdir()} == {f"{name}.wav" for name in NAMES}


def test_an_output_that_is_a_link_is_replaced_and_not_what_it_leads_to(separator, songs, tmp_path):
    precious, folder = tmp_path / "precious.wav", tmp_path / "out" / "a"
    shutil.copy(songs / "b.wav", precious)
    before = precious.read_bytes()
    folder.mkdir(parents=True)
    (folder / "vocals.wav").symlink_to(precious)
    (folder / "accompaniment.wav").symlink_to(tmp_path / "nowhere")
    result = separator.separate_file(songs / "a.wav", tmp_path / "out", overwrite=True)
    assert precious.read_bytes() == before
    assert not (tmp_path / "nowhere").exists()
    for path in result.outputs.values():
        assert not path.is_symlink()
        assert read(path).shape == (2, 22050)


def test_an_output_folder_that_is_a_link(vocalsep, songs, tmp_path):
    (tmp_path / "big disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "big disk")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert vocalsep("split", songs / "a.wav", "-o", tmp_path / "out").code == 0
    assert len(list((tmp_path / "big disk").rglob("*.wav"))) == 2
    assert vocalsep("split", songs / "a.wav", "-o", tmp_path / "circle").code in (20, 21)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert vocalsep("split", songs / "a.wav", "-o", tmp_path / "dangling").code in (20, 21)


def test_five_thousand_files_that_are_done(vocalsep, tmp_path):
    """Listing them, and finding that nothing is left to do, takes seconds."""
    folder, out = tmp_path / "songs", tmp_path / "out"
    folder.mkdir()
    soundfile.write(tmp_path / "song.wav", np.zeros((10, 1)), 8000)
    for number in range(5000):
        os.link(tmp_path / "song.wav", folder / f"song {number}.wav")
        (out / f"song {number}").mkdir(parents=True)
        for stem in ("vocals", "accompaniment"):
            os.link(tmp_path / "song.wav", out / f"song {number}" / f"{stem}.wav")
    began = time.process_time()
    done = vocalsep("split", folder, "-o", out, "--skip-existing", "--json", "-q")
    seconds = time.process_time() - began
    print(f"\n5,000 files: {seconds:.1f} s of CPU")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == done.out.count('"skipped"') == 5000
    assert seconds < 20
