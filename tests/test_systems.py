"""What differs on Windows and macOS, as far as it can be tried on any system."""

import ast
import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from helpers.command_line import vocalsep
from vocalsep.cli import inputs
from vocalsep.errors import OutputNotFolderError, OutputNotWritableError, TemplateError
from vocalsep.system.output_errors import output_error
from vocalsep.template import DEFAULT_TEMPLATE, safe_track, stem_path

PACKAGE = Path(__file__).parents[1] / "src" / "vocalsep"
# `os.path.isreserved`, which takes its place, is there on Windows alone
pytestmark = pytest.mark.filterwarnings("ignore:.*is_reserved.*:DeprecationWarning")
FIELDS = {"stem": "vocals", "ext": "wav", "model": "m"}


@pytest.mark.parametrize(
    "name", ["con", "PRN", "aux.remix", "nul", "Com1", "lpt9.live", "com¹", "CONIN$", " con", "con .x", "a/nul/b"]
)
def test_no_part_of_a_name_is_a_device(name):
    safe = safe_track(name)
    assert not PureWindowsPath(safe).is_reserved()
    assert safe != name
    assert safe_track(safe) == safe


@pytest.mark.parametrize(
    "name", ["con_", "conga", "auxiliary", "nul1", "com", "com10", "lpt", "song.con", "my con"]
)
def test_names_that_only_begin_like_devices_stay(name):
    assert safe_track(name) == name


@given(
    track=st.text(st.one_of(st.sampled_from("conaux1prnl. :/\\"), st.characters()), max_size=300),
    folder=st.sampled_from([r"C:\Users\me\Music", r"\\server\share", r"D:", "stems"]),
)
def test_no_track_leaves_a_folder_on_windows(track, folder):
    path = stem_path(Path("out"), DEFAULT_TEMPLATE, track=track, **FIELDS)
    windows = PureWindowsPath(folder).joinpath(*path.parts)
    assert windows.is_relative_to(PureWindowsPath(folder))
    assert windows.drive == PureWindowsPath(folder).drive
    for part in path.parts[1:]:
        assert not PureWindowsPath(part).is_reserved()
        assert part == part.rstrip(". ")  # Windows drops what stands there: two names would become one
        assert not PureWindowsPath(part).drive


@pytest.mark.parametrize(
    "template", ["C:/{track}/{stem}.{ext}", "c:{track}{stem}", "//server/share/{track}{stem}"]
)
def test_a_template_leads_to_no_other_drive(template):
    with pytest.raises(TemplateError, match="leaves the output folder"):
        stem_path(Path("out"), template, track="song", **FIELDS)


@pytest.mark.parametrize("template", ["{track}:{stem}.{ext}", "{track}/<{stem}>.{ext}", "{track}/{stem}?.{ext}"])
def test_a_template_of_what_windows_does_not_take(template, monkeypatch):
    """Behind a colon stands a stream of a file, which no folder shows."""
    if os.name != "nt":
        assert stem_path(Path("out"), template, track="song", **FIELDS)
    monkeypatch.setattr("vocalsep.template._ON_WINDOWS", True)
    with pytest.raises(TemplateError, match="no file name can have on Windows"):
        stem_path(Path("out"), template, track="song", **FIELDS)


class WindowsError(OSError):
    """An error with the number that Windows gives it."""

    def __init__(self, number: int, code: int) -> None:
        super().__init__(number, os.strerror(number))
        self.winerror = code


LONG = Path("C:/") / "/".join(["a" * 50] * 6) / "vocals.wav"


@pytest.mark.parametrize(
    ("error", "path", "kind", "says"),
    [
        (WindowsError(errno.EACCES, 32), Path("a.wav"), OutputNotWritableError, "another program has it open"),
        (WindowsError(errno.EACCES, 5), Path("a.wav"), OutputNotWritableError, "Permission denied"),
        (WindowsError(errno.ENOENT, 206), LONG, OutputNotWritableError, "longer than Windows takes"),
        (WindowsError(errno.ENOENT, 3), LONG, OutputNotWritableError, "longer than Windows takes"),
        (WindowsError(errno.ENOENT, 3), Path("a.wav"), OutputNotWritableError, "No such file"),
        (WindowsError(errno.EEXIST, 183), Path("a/b.wav"), OutputNotFolderError, "a is not a folder"),
    ],
)
def test_errors_of_windows(error, path, kind, says):
    explained = output_error(error, path)
    assert type(explained) is kind
    assert says in explained.message
    assert explained.hint


@pytest.mark.parametrize(("system", "alike"), [("win32", True), ("darwin", True), ("linux", False)])
def test_song_and_Song_get_names_of_their_own_where_they_are_one_file(system, alike, monkeypatch, tmp_path):
    monkeypatch.setattr(inputs.sys, "platform", system)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "A-file").touch()
    for name in ("a/song.wav", "b/Song.wav"):
        (tmp_path / name).touch()
    tracks = inputs.find_tracks(
        [str(tmp_path / "a" / "song.wav"), str(tmp_path / "b" / "Song.wav")],
        extensions=[".wav"],
        recursive=False,
        out_dir=tmp_path,
        stems_of=lambda name: [],
    )
    names = {track.name for track in tracks}
    assert len({name.casefold() for name in names}) == 2 if alike else names == {"song", "Song"}


def test_a_console_without_the_letters(tmp_path, tone):
    """As an old code page of Windows has it: the path is printed with escapes, and the split is done."""
    song = tmp_path / "音楽.wav"
    soundfile.write(song, tone[:, :8000].T, 44100)
    command = [sys.executable, "-m", "vocalsep", "split", str(song), "-o", str(tmp_path / "out"), "--verbose"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert rb"\u97f3\u697d" in done.stdout
    assert (tmp_path / "out" / "音楽" / "vocals.wav").exists()


def test_a_pattern_that_no_shell_expands(tmp_path, tone):
    """The command prompt of Windows hands patterns on."""
    for name in ("one", "two"):
        soundfile.write(tmp_path / f"{name}.wav", tone[:, :8000].T, 44100)
    done = vocalsep("split", tmp_path / "*.wav", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one", "two"}


def only_on_unix(tree: ast.AST) -> set[str]:
    """Names that modules of the standard library have on Unix alone, outside of a test for the system."""
    absent = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
    absent_of = {"fork", "getuid", "geteuid", "sched_getaffinity", "mkfifo", "killpg", "getpgid", "setsid"}
    found: set[str] = set()

    def look(node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.IfExp) and re.search(r"platform|hasattr", ast.unparse(node.test)):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name in absent)
        elif isinstance(node, ast.ImportFrom) and node.module in absent:
            found.add(str(node.module))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in absent_of:
                found.add(f"os.{node.attr}")
            if node.value.id == "signal" and node.attr in ("SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1"):
                found.add(f"signal.{node.attr}")
        for child in ast.iter_child_nodes(node):
            look(child)

    look(tree)
    return found


def test_nothing_is_used_that_windows_does_not_have():
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if (names := only_on_unix(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_text_files_say_their_encoding():
    """Windows would take its own code page."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            is_text = name in ("read_text", "write_text") or (
                name == "open" and isinstance(node.func, ast.Name) and not any("b" in text for text in texts)
            )
            has_encoding = any(word.arg == "encoding" for word in node.keywords) or len(node.args) == 2
            has_encoding = has_encoding or (name == "read_text" and node.args)  # of a package's metadata: its file
            is_text = is_text and "devnull" not in ast.unparse(node)
            if is_text and not has_encoding:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_ctrl_break_is_an_interrupt(monkeypatch):
    from vocalsep.cli import signals

    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)  # what this system has in its place
    with pytest.raises(SystemExit) as ended, signals.as_interrupts():
        signal.raise_signal(signal.SIGUSR1)
    assert ended.value.code == 128 + signal.SIGUSR1
