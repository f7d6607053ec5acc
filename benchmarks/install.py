"""Install vocalsep from a package index on loopback, in one clean environment after the other, and use it.

    python benchmarks/install.py WORK [--only base uvx ...] [--constraint FILE]

The wheels are built from this source tree and served beside the indexes that pip and uv are set up for; that of
vocalsep-scnet holds random weights in the size of the real ones. Of each way to install, a line of Markdown is
printed: seconds for the installation with empty caches (and those of the processor), megabytes on the disk, and
what the main command took. One environment is removed before the next. pipx and uv have to be on the path, and
the programs that synthesise songs to train on (see ``docs/training.md``).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
DEMO = PROJECT / "examples" / "demo.mp3"
PAGE = "http://127.0.0.1:7861/"
PAGE_SECONDS = 600


@dataclass(frozen=True)
class Way:
    """A way to install.

    The commands run in a folder with ``song.mp3`` and a folder ``album`` of four songs; ``{bin}`` is where an
    environment of its own has its programs.

    Attributes:
        install: the command that installs. Empty where the main command installs as well.
        use: the main command.
        prepare: a command that runs before the main one and is not measured. Empty for no command.
        serves: whether the main command serves a page; it is ended once the page answers.
    """

    install: str
    use: str
    prepare: str = ""
    serves: bool = False


WAYS = {
    "base": Way("{bin}/pip install vocalsep", "{bin}/vocalsep split song.mp3"),
    "pipx": Way("pipx install vocalsep", "{bin}/vocalsep split song.mp3"),
    "uvx": Way("", "uvx vocalsep split song.mp3"),
    "uvx-again": Way("", "uvx vocalsep split song.mp3"),
    "onnx": Way("{bin}/pip install vocalsep[onnx]", "{bin}/vocalsep models export compact-v6 -o net.onnx"),
    "web": Way("{bin}/pip install vocalsep[web]", "{bin}/vocalsep web --no-browser --port 7861", serves=True),
    "ray": Way("{bin}/pip install vocalsep[ray]", "{bin}/vocalsep split album --cluster ray --jobs 2"),
    "strong": Way(
        "{bin}/pip install vocalsep[strong]", "{bin}/vocalsep split song.mp3 --quality balanced --offline"
    ),
    "experiment": Way(
        "{bin}/pip install vocalsep vocalsep-experiment-weights",
        "{bin}/vocalsep split song.mp3 --model tdsa --offline",
    ),
    "train": Way(
        "{bin}/pip install vocalsep[train]",
        "{bin}/vocalsep train --model tdf --recipe quick --data synth:songs --set run.max_steps=20",
        prepare="{bin}/vocalsep data synth --minutes 2 --song-seconds 15 -o songs",
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
    index = make_index(work, strong="strong" in arguments.only)
    handler = functools.partial(QuietHandler, directory=str(index))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    print("| command | installs in | on the disk | then | takes |\n|---|---:|---:|---|---:|", flush=True)
    for name in arguments.only:
        print(measure(name, work / "environment", url, arguments.constraint), flush=True)
    shutil.rmtree(work / "environment", ignore_errors=True)


def make_index(work: Path, *, strong: bool) -> Path:
    """Build the wheels of this source tree into a package index of files."""
    index, wheels = work / "index", work / "wheels"
    for folder in (index, wheels):
        shutil.rmtree(folder, ignore_errors=True)
    for project in (PROJECT, PROJECT / "packages" / "experiment-weights"):
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels)]
        subprocess.run([*build, str(project)], check=True, stdout=subprocess.DEVNULL)
    if strong:
        make_random_scnet(work)
    for wheel in wheels.glob("*.whl"):
        folder = index / wheel.name.partition("-")[0].replace("_", "-")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, folder)
    return index


def make_random_scnet(work: Path) -> None:
    """Build vocalsep-scnet as a release does, of random weights in the size of the real ones."""
    import torch

    from vocalsep.models.architectures import build_model
    from vocalsep.weights.manifest import load_manifest

    spec = importlib.util.spec_from_file_location("weights_package", PROJECT / "tools" / "weights_package.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    entry = load_manifest().entry("scnet")
    torch.manual_seed(0)
    checkpoint = work / entry.file
    torch.save(build_model(entry.config).state_dict(), checkpoint)
    tool.build(entry, checkpoint, work / "wheels", version="1.0.0", song=DEMO)


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
    programs, folder = environment / "bin", environment / "music"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "album").mkdir(parents=True)
    for song in ("song.mp3", "album/1.mp3", "album/2.mp3", "album/3.mp3", "album/4.mp3"):
        shutil.copy(DEMO, folder / song)
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
    run = functools.partial(run_in, folder, settings)
    install, prepare, use = (
        command.format(bin=programs).split() for command in (way.install, way.prepare, way.use)
    )
    installing = run(install) if install else ""
    if prepare:
        run(prepare)
    using = run(use, serves=way.serves)
    shutil.rmtree(folder)
    # uv links files from its cache
    sizes = {file.lstat().st_ino: file.lstat().st_size for file in environment.rglob("*") if not file.is_dir()}
    size = f"{sum(sizes.values()) / 1e6:,.0f} MB"
    typed = [command.replace("{bin}/", "") for command in (way.install or way.use, way.use)]
    return f"| `{typed[0]}` | {installing} | {size} | `{typed[1]}` | {using} |"


def run_in(folder: Path, settings: Mapping[str, str], command: list[str], *, serves: bool = False) -> str:
    """Run a command away from the source tree, and say the seconds of the clock and of the processor."""
    environment = {**os.environ, **settings}
    environment.pop("PYTHONPATH", None)
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        seconds = wait_for_page(process) - started if serves else None
        said, _ = process.communicate()
    seconds, after = seconds or time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode and not serves:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{said[-4000:]}")
    busy = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return f"{seconds:.0f} s ({busy:.0f} s)"


def wait_for_page(process: subprocess.Popen[str]) -> float:
    """Wait until the process serves its page, end it, and give the time at which the page was there."""
    deadline = time.perf_counter() + PAGE_SECONDS
    try:
        while process.poll() is None and time.perf_counter() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(PAGE, timeout=30) as answer:
                answer.read()
                return time.perf_counter()
            time.sleep(0.2)
    finally:
        process.terminate()
    raise SystemExit(f"no page answered: {process.communicate()[0][-2000:]}")


if __name__ == "__main__":
    main()
