"""``vocalsep doctor``."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vocalsep._version import __version__
from vocalsep.errors import CorruptWeightsError, VocalsepError

if TYPE_CHECKING:
    from vocalsep.weights.packages import WeightsPackage

PACKAGES = (
    "torch",
    "numpy",
    "soundfile",
    "av",
    "soxr",
    "mutagen",
    "einops",
    "safetensors",
    "huggingface_hub",
    "platformdirs",
    "typer",
    "rich",
)


app = typer.Typer(add_completion=False)


@app.command()
def doctor() -> None:
    """Show versions, devices, caches, and what a split would use."""
    for name, value in facts():
        typer.echo(f"{name:<16} {value}")


def facts() -> list[tuple[str, str]]:
    """What to know of this installation, line by line."""
    import torch

    from vocalsep.separation.device import choose_device, choose_precision
    from vocalsep.weights.hub import cache_folder
    from vocalsep.weights.packages import weights_packages

    device = choose_device("auto")
    precision = str(choose_precision("auto", device)).removeprefix("torch.")
    lines = [
        ("vocalsep", f"{__version__} in {Path(__file__).parents[1]}"),
        ("python", f"{platform.python_version()} in {sys.prefix}"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        *((package, _version_of(package)) for package in PACKAGES),
        (
            "cpu",
            f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}",
        ),
    ]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        lines.append((f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"))
    if not torch.cuda.is_available():
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        lines.append(("cuda", f"none: this PyTorch is {built} and sees no device"))
    lines += [
        ("mps", "yes" if torch.backends.mps.is_available() else "none"),
        ("weights cache", str(cache_folder())),
        ("default model", _default_model()),
        *(("weights package", _contents(package)) for package in weights_packages()),
        ("would use", f"{device} in {precision}"),
    ]
    return lines


def _default_model() -> str:
    """The model that runs where no option names one, and who chose it."""
    from vocalsep.weights.default_model import default_model
    from vocalsep.weights.ensemble_spec import parse_ensemble
    from vocalsep.weights.manifest import load_manifest
    from vocalsep.weights.resolve import local_path

    try:
        default = default_model()
        named = parse_ensemble(default.spec).shares
    except VocalsepError as error:
        return str(error)
    missing = [entry.id for entry in load_manifest().models if entry.id in named and not local_path(entry)]
    pull = f", not downloaded: vocalsep models pull {' '.join(missing)}" if missing else ""
    return f"{default.spec} ({default.origin or 'bundled'}){pull}"


def _contents(package: WeightsPackage) -> str:
    """What a weights package is called, and the models that it has, or why it has none."""
    from vocalsep.weights.manifest import load_manifest, read_package

    try:
        read_package(package)
    except CorruptWeightsError as error:
        return f"{package.distribution} {package.version}: left out, {error.message}"
    models = [entry.id for entry in load_manifest().models if entry.package == package.distribution]
    return f"{package.distribution} {package.version}: {', '.join(models) or 'no models for this vocalsep'}"


def _version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "MISSING: pip install --force-reinstall vocalsep"
