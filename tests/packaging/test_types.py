"""The annotations of the installed wheel, as type checkers of users see them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CONSUMER = Path(__file__).with_name("consumer.py")


def test_mypy(wheel, site):
    pytest.importorskip("mypy")
    site.install(wheel)
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", str(CONSUMER)]
    done = subprocess.run(
        command, cwd=site.home, capture_output=True, text=True, env=site.environment(MYPYPATH=str(site.folder))
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright(wheel, site):
    pytest.importorskip("basedpyright")
    site.install(wheel)
    settings = {"include": [str(CONSUMER)], "extraPaths": [str(site.folder)], "typeCheckingMode": "strict"}
    settings |= {"reportUnnecessaryTypeIgnoreComment": "error", "enableTypeIgnoreComments": False}
    (site.home / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run([*command, "--project", str(site.home)], capture_output=True, text=True, cwd=site.home)
    report = json.loads(done.stdout)
    problems = [each for each in report["generalDiagnostics"] if each["severity"] == "error"]
    assert problems == []
    assert report["summary"]["filesAnalyzed"] == 1
