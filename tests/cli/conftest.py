from dataclasses import dataclass

import pytest
import soundfile
from typer.testing import CliRunner

from vocalsep.cli.app import app


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture
def vocalsep():
    """Run the command in this process; a traceback is a failed test."""

    def run(*arguments, input=None) -> Done:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.stderr
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def song(tmp_path, tone):
    """A short stereo song, 16-bit wav at 44.1 kHz."""
    path = tmp_path / "song.wav"
    soundfile.write(path, tone.T, 44100, subtype="PCM_16")
    return path
