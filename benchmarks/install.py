"""Install vocalsep from a package index on loopback, in one clean environment after the other, and use it.

    python benchmarks/install.py WORK [--only base uvx ...] [--constraint FILE]

The wheels are built from this source tree and served beside the indexes that pip and uv are set up for. Of each
way to install, a line of Markdown is printed: seconds for the installation with empty caches (and those of the
processor), megabytes on the disk, and what the main command took. One environment is removed before the next.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
DEMO = PROJECT / "examples" / "demo.mp3"


@dataclass(frozen=True)
class Way:
    """A way to install.

    Attributes:
        install: the command that installs; ``{bin}`` is where an environment of its own has its programs.
        use: the main command, and what is said of it in the table.
    """

    install: str
    use: str


WAYS = {
    "base": Way("{bin}/pip install vocalsep", "{bin}/vocalsep split {demo} -o {out}"),
    "pipx": Way("pipx install vocalsep", "{bin}/vocalsep split {demo} -o {out}"),
    "uvx": Way("", "uvx vocalsep split {demo} -o {out}"),
    "uvx-again": Way("", "uvx vocalsep split {demo} -o {out}"),
    "onnx": Way("{bin}/pip install vocalsep[onnx]", "{bin}/vocalsep models export compact-v5 -o {out}/net.onnx"),
    "ray": Way("{bin}/pip install vocalsep[ray]", "{bin}/vocalsep split {demo} --cluster ray --jobs 1 -o {out}"),
    "web": Way("{bin}/pip install vocalsep[web]", "{bin}/vocalsep web --help"),
    "train": Way("{bin}/pip install vocalsep[train]", "{bin}/vocalsep train --help"),
    "experiment": Way(
        "{bin}/pip install vocalsep vocalsep-experiment-weights",
        "{bin}/vocalsep split {demo} --model tdsa --offline -o {out}",
    ),
}


def main() -> None:
    """Read the command line, build, serve and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for environments and wheels")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--constraint", type=Path, help="constraints file, for one version of PyTorch")
    arguments = parser.parse_args()
    work = arguments.work.absolute()
    index = make_index(work)
    handler = functools.partial(QuietHandler, directory=str(index))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    print("| command | installs in | on the disk | then | takes |\n|---|---:|---:|---|---:|", flush=True)
    for name in arguments.only:
        print(measure(name, work / "environment", url, arguments.constraint), flush=True)
    shutil.rmtree(work / "environment", ignore_errors=True)


def make_index(work: Path) -> Path:
    """Build the wheels of this source tree into a package index of files."""
    index = work / "index"
    shutil.rmtree(index, ignore_errors=True)
    for project in (PROJECT, PROJECT / "packages" / "experiment-weights"):
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(work / "wheels")]
        subprocess.run([*build, str(project)], check=True, stdout=subprocess.DEVNULL)
    for wheel in (work / "wheels").glob("*.whl"):
        folder = index / wheel.name.partition("-")[0].replace("_", "-")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, folder)
    return index


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Lists folders as a package index does, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Keep stderr for what is measured."""


def measure(name: str, environment: Path, url: str, constraint: Path | None) -> str:
    """Install in one way, use it, and give the line of the table."""
    way = WAYS[name]
    if name != "uvx-again":
        shutil.rmtree(environment, ignore_errors=True)
    environment.mkdir(parents=True, exist_ok=True)
    programs = environment / "bin"
    if "{bin}/pip" in way.install:
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    settings = {
        "PIP_NO_CACHE_DIR": "1",
        "PIP_EXTRA_INDEX_URL": " ".join(filter(None, [os.environ.get("PIP_EXTRA_INDEX_URL"), url])),
        "PIPX_HOME": str(environment / "pipx"),
        "PIPX_BIN_DIR": str(programs),
        "UV_CACHE_DIR": str(environment / "uv-cache"),
        "UV_TOOL_DIR": str(environment / "uv-tools"),
        "UV_INDEX": url,
        "HF_HUB_OFFLINE": "1",
    }
    if constraint:
        settings |= {"PIP_CONSTRAINT": str(constraint.absolute()), "UV_CONSTRAINT": str(constraint.absolute())}
    words = {"bin": programs, "demo": DEMO, "out": environment / "out"}
    installing = run(way.install.format(**words), settings) if way.install else None
    using = run(way.use.format(**words), settings)
    shutil.rmtree(environment / "out", ignore_errors=True)
    # uv links files from its cache
    sizes = {file.lstat().st_ino: file.lstat().st_size for file in environment.rglob("*") if not file.is_dir()}
    size = sum(sizes.values())
    install, use = (
        text.replace("{bin}/", "").format(demo="song.mp3", out="stems") for text in (way.install, way.use)
    )
    return f"| `{install or use}` | {installing or '-'} | {size / 1e6:,.0f} MB | `{use}` | {using} |"


def run(command: str, settings: Mapping[str, str]) -> str:
    """Run a command away from the source tree, and say the seconds of the clock and of the processor."""
    environment = {**os.environ, **settings}
    environment.pop("PYTHONPATH", None)
    folder = Path(settings["UV_CACHE_DIR"]).parent
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True, text=True)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    busy = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return f"{seconds:.0f} s ({busy:.0f} s)"


if __name__ == "__main__":
    main()
