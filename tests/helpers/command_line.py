from dataclasses import dataclass

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


def vocalsep(*arguments, input=None) -> Done:
    """Run the command in this process; a traceback is a failed test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return Done(result.exit_code, result.stdout, result.stderr)
