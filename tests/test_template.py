from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vocalsep.errors import TemplateError
from vocalsep.template import DEFAULT_TEMPLATE, check_template, safe_track, stem_path, stem_paths

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
        "{track}/{stem!r}.{ext}",
        "{track}/{stem:.0}x.{ext}",
        "{track}/{stem:d}",
        "{track}/{stem:>1000}",
        "{track:{stem}}{stem}",
    ],
)
def test_bad_templates(template):
    with pytest.raises(TemplateError):
        stem_path(Path("out"), template, **FIELDS)


@given(
    parts=st.lists(st.sampled_from(["{track}", "{stem}", "{model}", "vocals", "/", ".", "..", "s"]), max_size=8)
)
def test_no_template_gives_two_stems_one_path(parts):
    """Not even where it cannot be told before: it is refused, or the paths differ."""
    try:
        paths = stem_paths(
            Path("out"), "".join(parts), track="s", stems=("vocals", "accompaniment"), ext="wav", model="m"
        )
    except TemplateError:
        return
    assert paths["vocals"] != paths["accompaniment"]


@given(track=st.text(st.characters(), max_size=300))
@example("a. .")
@example(" . ")
@example("a/ /..\0/b")
@example("x" * 239 + " y")
@example("x" * 239 + "é")
@example("\udcff")
def test_safe_names_stay_as_they_are(track):
    """Lone surrogates, for bytes that are no UTF-8, too."""
    safe = safe_track(track)
    assert safe_track(safe) == safe
    assert safe.encode()
    assert all(0 < len(part.encode()) <= 240 and part == part.strip().rstrip(". ") for part in safe.split("/"))


@given(track=st.text(max_size=300))
def test_no_track_leaves_the_folder(track):
    path = stem_path(Path("/out"), DEFAULT_TEMPLATE, **{**FIELDS, "track": track})
    assert path.is_relative_to("/out")
    assert ".." not in path.parts
    assert path.name == "vocals.wav"
    assert len(path.parts) >= 4
    assert all(len(part.encode()) <= 240 and not set(part) & set('<>:"|?*\\\0\n') for part in path.parts[2:])


@given(
    track=st.text(st.characters(), min_size=50, max_size=300),
    template=st.sampled_from(
        [
            "{track} - {stem}.{ext}",
            "{track}{stem}{track}",
            "x{track}/{model} {stem}.{ext}",
            "{track} {model} {stem}",
        ]
    ),
)
@example("x" * 240, "{track} - {stem}.{ext}")
@example("a" * 200 + "/" + "夜" * 80, "{track} - {stem}.{ext}")
def test_no_part_of_a_path_is_too_long_and_the_stems_are_apart(track, template):
    paths = stem_paths(
        Path("o"), template, track=track, stems=("vocals", "accompaniment"), ext="opus", model="compact"
    )
    assert paths["vocals"] != paths["accompaniment"]
    assert all(len(part.encode()) <= 255 for path in paths.values() for part in path.parts)


def test_long_names_that_differ_at_their_end_stay_apart():
    names = [f"{'x' * 238}{i}" for i in range(10)]
    paths = [stem_path(Path("o"), "{track} - {stem}.{ext}", **{**FIELDS, "track": name}) for name in names]
    assert len({path.name.casefold() for path in paths}) == 10
    assert stem_path(Path("o"), "{track} - {stem}.{ext}", **{**FIELDS, "track": "x" * 200}).name.startswith(
        "x" * 200
    )


@pytest.mark.parametrize(
    "template", ["x" * 240 + "{track}{stem}", "{track}/{stem}" + "x" * 256, "{model} {track}{stem}"]
)
def test_a_template_without_room_for_the_name_is_refused(template):
    with pytest.raises(TemplateError, match="255 bytes"):
        stem_path(Path("o"), template, **{**FIELDS, "track": "y" * 100, "model": "m" * 230})


def test_names_in_every_script_stay():
    for track in ("Владивосток 2000", "夜に駆ける", "أغنية", "Sigur Rós – Hoppípolla", "🎤"):
        assert stem_path(Path("o"), DEFAULT_TEMPLATE, **{**FIELDS, "track": track}).parent.name == track


def test_check_template_alone():
    check_template(DEFAULT_TEMPLATE)
    with pytest.raises(TemplateError, match=r"needs \{track\} and \{stem\}"):
        check_template("x.wav")
