import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@dataclass
class Site:
    """A folder that wheels are installed into, without their dependencies, which are those of the tests."""

    folder: Path
    home: Path

    def install(self, *wheels: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
        subprocess.run([*command, str(self.folder), *map(str, wheels)], check=True)

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        own = {"PYTHONPATH": str(self.folder), "HF_HOME": str(self.home), "NO_PROXY": "127.0.0.1"}
        return {**kept, **own, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", **settings}

    def run(self, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command, in a folder where no source tree is."""
        command = [sys.executable, "-m", "vocalsep", *map(str, arguments)]
        environment = self.environment(**settings)
        return subprocess.run(command, capture_output=True, text=True, cwd=self.home, env=environment)


@pytest.fixture
def site(tmp_path) -> Site:
    (tmp_path / "home").mkdir()
    return Site(tmp_path / "site", tmp_path / "home")


def build_wheel(project: Path, out: Path) -> Path:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    pytest.importorskip("hatch_fancy_pypi_readme")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(project)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel of vocalsep, built from this source tree."""
    return build_wheel(PROJECT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def experiment_wheel(tmp_path_factory) -> Path:
    """The wheel of the experiment's weights."""
    return build_wheel(PROJECT / "packages" / "experiment-weights", tmp_path_factory.mktemp("experiment"))
