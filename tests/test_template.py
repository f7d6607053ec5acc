from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocalsep.errors import TemplateError
from vocalsep.template import DEFAULT_TEMPLATE, check_template, stem_path

FIELDS = {"track": "song", "stem": "vocals", "ext": "wav", "model": "compact"}


def test_fields():
    path = stem_path(Path("out"), "{model}/{track} - {stem}.{ext}", **FIELDS)
    assert path == Path("out/compact/song - vocals.wav")


@pytest.mark.parametrize(
    "template",
    [
        "../{track}/{stem}.{ext}",
        "{track}/../../{stem}.{ext}",
        "/etc/{track}{stem}.{ext}",
        "..\\{track}{stem}.{ext}",
        "{track}{stem}/",
        "{track}.{ext}",
        "{stem}.{ext}",
        "{track}/{stem}/{nope}",
        "{track}{stem",
        "{track.__class__}{stem}",
        "{track!r}/{0}{stem}",
    ],
)
def test_bad_templates(template):
    with pytest.raises(TemplateError):
        stem_path(Path("out"), template, **FIELDS)


@given(track=st.text(max_size=300))
def test_no_track_leaves_the_folder(track):
    path = stem_path(Path("/out"), DEFAULT_TEMPLATE, **{**FIELDS, "track": track})
    assert path.is_relative_to("/out")
    assert ".." not in path.parts
    assert path.name == "vocals.wav"
    assert len(path.parts) >= 4
    assert all(len(part.encode()) <= 240 and not set(part) & set('<>:"|?*\\\0\n') for part in path.parts[2:])


def test_names_in_every_script_stay():
    for track in ("Владивосток 2000", "夜に駆ける", "أغنية", "Sigur Rós – Hoppípolla", "🎤"):
        assert stem_path(Path("o"), DEFAULT_TEMPLATE, **{**FIELDS, "track": track}).parent.name == track


def test_check_template_alone():
    check_template(DEFAULT_TEMPLATE)
    with pytest.raises(TemplateError, match=r"needs \{track\} and \{stem\}"):
        check_template("x.wav")
