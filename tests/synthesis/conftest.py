import shutil

import pytest

PROGRAMS = ("fluidsynth", "flite", "espeak-ng")


@pytest.fixture(scope="session")
def tools():
    """The programs of the system, and a soundfont; tests that need them skip without."""
    for package in ("pyworld", "mido", "scipy"):
        pytest.importorskip(package)
    from vocalsep.errors import MissingToolError
    from vocalsep.synthesis.programs import find_soundfonts

    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        return find_soundfonts()
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def made(tools, tmp_path_factory):
    """A folder of three short songs, made by two processes."""
    from vocalsep.synthesis import synthesise

    folder = tmp_path_factory.mktemp("songs")
    synthesise(folder, minutes=0.4, seed=8, jobs=2, song_seconds=8)
    return folder
