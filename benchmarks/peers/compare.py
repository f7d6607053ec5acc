"""vocalsep beside demucs and openunmix: whole processes, each in its own environment, one after the other.

    pip install -e . matplotlib && python benchmarks/peers/compare.py WORK

WORK gets the environments and the weights, and is used again. docs/peers gets the figures and the picture, and
docs/benchmarks.md the table. The song is a 44.1 kHz stereo wav, and so are the two stems that each tool writes.
The other tools run as their own commands, at random weights of the published sizes: the time and memory they take
do not depend on the weights.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))
from common.measure import measure, median  # noqa: E402
from common.report import machine  # noqa: E402
from show import Figure, write_figures  # noqa: E402
from whole_process import write_song  # noqa: E402

# demucs imports numpy without asking for it
DEMUCS = ("demucs==4.1.0", f"torch=={version('torch').partition('+')[0]}", "numpy")
# later torchaudios read files by torchcodec, which openunmix does not ask for
OPENUNMIX = ("openunmix==1.3.0", "torch==2.8.0", "torchaudio==2.8.0", "soundfile")
LONG_SECONDS = 600
OURS = ("-m", "vocalsep", "split", "{song}", "-o", "{out}", "--device", "cpu", "--quiet", "--overwrite")
THEIRS = ("-m", "demucs", "{song}", "-o", "{out}", "-d", "cpu", "--two-stems", "vocals", "--repo", "{weights}")
UMX = (
    *("-c", "from openunmix.cli import separate; separate()", "{song}", "--outdir", "{out}", "--no-cuda"),
    *("--model", "{weights}", "--targets", "vocals", "--residual", "accompaniment"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A separator as its users run it.

    Attributes:
        name: what the table calls it.
        arguments: of Python; ``{song}``, ``{out}`` and ``{weights}`` stand for paths.
        requirements: what its environment holds; none for ours, which is the one that runs this.
        model: which random weights it needs; none for ours, whose weights are in the package.
    """

    name: str
    arguments: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    model: str = ""


TOOLS = (
    Tool(name="vocalsep", arguments=OURS),
    Tool(name="vocalsep, float32", arguments=(*OURS, "--precision", "fp32")),
    Tool(name="vocalsep `umx`", arguments=(*OURS, "--model", "umx")),
    Tool(name="openunmix `umxhq`", arguments=UMX, requirements=OPENUNMIX, model="umxhq"),
    Tool(
        name="demucs `hdemucs_mmi`",
        arguments=(*THEIRS, "-n", "hdemucs_mmi"),
        requirements=DEMUCS,
        model="hdemucs_mmi",
    ),
    Tool(name="demucs `htdemucs`", arguments=(*THEIRS, "-n", "htdemucs"), requirements=DEMUCS, model="htdemucs"),
)


def prepared(tool: Tool, work: Path) -> tuple[Path, Path]:
    """The interpreter and the folder of weights of a tool, which are made unless they are there."""
    if not tool.requirements:
        return Path(sys.executable), work
    folder, weights = work / tool.requirements[0].replace("==", "-"), work / f"weights-{tool.model}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *tool.requirements], check=True)
    if not weights.exists():
        subprocess.run([python, HERE / "peer_weights.py", tool.model, weights], check=True)
    return python, weights


def torch_version(python: Path) -> str:
    """The environment's PyTorch, and the memory that its import takes by itself."""
    took = measure(str(python), "-c", "import torch; print(torch.__version__)")
    return f"{took.stdout.strip()}, {took.peak_mb:.0f} MB"


def measured(options: argparse.Namespace) -> Iterator[Figure]:
    """What each tool takes for each song."""
    with tempfile.TemporaryDirectory(dir=options.work) as scratch:
        ready = [(tool, *prepared(tool, options.work)) for tool in TOOLS]
        versions = {python: torch_version(python) for _, python, _ in ready}
        for seconds in options.seconds:
            song = Path(scratch, f"{seconds}.wav")
            write_song(song, seconds)
            for tool, python, weights in ready:
                places = {"song": song, "out": Path(scratch, "out"), "weights": weights}
                command = [argument.format_map(places) for argument in tool.arguments]
                runs = options.runs if seconds < LONG_SECONDS else 1
                try:
                    took = median([measure(str(python), *command) for _ in range(runs)])
                except subprocess.CalledProcessError as error:
                    if error.returncode != -signal.SIGKILL:
                        raise
                    # by the kernel, for memory: the table has a gap there
                    print(tool.name, "was killed on", seconds, "s", file=sys.stderr, flush=True)
                    continue
                figure = Figure(tool.name, versions[python], seconds, round(took.seconds, 1), round(took.peak_mb))
                print(figure, file=sys.stderr, flush=True)
                yield figure


def main() -> None:
    """Read the command line, measure, write and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seconds", type=int, nargs="+", default=[30, 180, 1200], help="of the songs")
    parser.add_argument("--runs", type=int, default=3, help="of songs below 10 minutes; longer ones run once")
    options = parser.parse_args()
    options.work = options.work.absolute()
    options.work.mkdir(parents=True, exist_ok=True)
    write_figures(list(measured(options)), machine())
    subprocess.run([sys.executable, HERE / "show.py"], check=True)


if __name__ == "__main__":
    main()
