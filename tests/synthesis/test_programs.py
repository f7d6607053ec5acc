"""Programs and soundfonts: found, or named with what to install."""

import os

import pytest

pytest.importorskip("scipy")

from vocalsep.errors import MissingToolError
from vocalsep.synthesis import programs as tools_module
from vocalsep.synthesis.programs import find_program, find_soundfonts, run_tool
from vocalsep.synthesis.singing.speech import find_speakers

SOUNDFONT = b"RIFF" + (8).to_bytes(4, "little") + b"sfbk" + bytes(4)


def test_the_variable_names_the_soundfonts(tmp_path, monkeypatch):
    files = [tmp_path / "a.sf2", tmp_path / "b.sf3"]
    for file in files:
        file.write_bytes(SOUNDFONT)
    monkeypatch.setenv("VOCALSEP_SOUNDFONT", os.pathsep.join(map(str, files)))
    assert [soundfont.path for soundfont in find_soundfonts()] == files
    monkeypatch.setenv("VOCALSEP_SOUNDFONT", str(tmp_path / "gone.sf2"))
    with pytest.raises(MissingToolError, match=r"gone\.sf2"):
        find_soundfonts()


@pytest.mark.parametrize("damage", [b"", SOUNDFONT[:-3], b"RIFX" + SOUNDFONT[4:], SOUNDFONT[:8] + b"WAVE"])
def test_a_file_that_is_no_whole_soundfont_is_named(tmp_path, monkeypatch, damage):
    """FluidSynth would take another soundfont, and say nothing."""
    (tmp_path / "broken.sf2").write_bytes(damage)
    monkeypatch.setenv("VOCALSEP_SOUNDFONT", str(tmp_path / "broken.sf2"))
    with pytest.raises(MissingToolError, match=r"broken\.sf2 is no whole soundfont"):
        find_soundfonts()


def test_free_soundfonts_are_preferred_and_unknown_ones_left_alone(tmp_path, monkeypatch):
    for name in ("TimGM6mb.sf2", "FluidR3_GM.sf2", "MuseScore_General_Lite.sf3", "somebodys.sf2"):
        (tmp_path / name).write_bytes(SOUNDFONT)
    monkeypatch.delenv("VOCALSEP_SOUNDFONT", raising=False)
    monkeypatch.setattr(tools_module, "_SOUNDFONT_FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    found = {soundfont.path.name: soundfont.weight for soundfont in find_soundfonts()}
    assert found == {"FluidR3_GM.sf2": 3.0, "MuseScore_General_Lite.sf3": 2.0}
    (tmp_path / "FluidR3_GM.sf2").unlink()
    (tmp_path / "MuseScore_General_Lite.sf3").unlink()
    assert [soundfont.path.name for soundfont in find_soundfonts()] == ["TimGM6mb.sf2"]
    monkeypatch.setattr(tools_module, "_SOUNDFONT_FOLDERS", (str(tmp_path / "none"),))
    with pytest.raises(MissingToolError, match="soundfont") as error:
        find_soundfonts()
    assert "apt install fluid-soundfont-gm" in error.value.hint
    assert "VOCALSEP_SOUNDFONT" in error.value.hint


def test_missing_and_failing_programs_are_named(tmp_path, monkeypatch):
    with pytest.raises(MissingToolError, match="'no-such-program'") as error:
        find_program("no-such-program", "Install it.")
    assert error.value.hint == "Install it."
    with pytest.raises(MissingToolError, match="'no-such-program'"):
        run_tool(["no-such-program"])
    assert run_tool(["sh", "-c", "echo said"]) == b"said\n"
    with pytest.raises(MissingToolError, match="sh failed with status 3: out of breath"):
        run_tool(["sh", "-c", "echo out of breath >&2; exit 3"])


def test_one_speech_synthesiser_is_not_enough(tools, tmp_path, monkeypatch):
    (tmp_path / "flite").write_text("#!/bin/sh\necho Voices available: slt rms\n")
    (tmp_path / "flite").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="espeak-ng and festival"):
        find_speakers()
