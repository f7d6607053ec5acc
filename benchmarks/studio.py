"""The large public models at full size and random weights: download, load, speed and memory, whole processes.

    python benchmarks/studio.py
    python benchmarks/studio.py --models mdx23c --precisions bf16 --seconds 12
    pip install audio-separator && python benchmarks/studio.py --peer

Each checkpoint is written in the layout of the public file, served by a hub on loopback, downloaded by the real
client, verified by its hash, read without unpickling code, and run over noise with segments that overlap by half.
``--peer`` runs the networks and the demix loop of the audio-separator package over the same noise at the same
overlap, as it does on a CPU: in float32, one segment at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from common.measure import measure
from common.report import print_machine, print_table

if TYPE_CHECKING:
    import torch

REPOSITORY = "benchmark/models"
TESTS = Path(__file__).parents[1] / "tests"


def write(model: str, path: Path) -> None:
    """Write a checkpoint of a model with random weights, as the public ones are: a pickled state dict."""
    import torch

    from vocalsep.models.architectures import build_model
    from vocalsep.weights.manifest import load_manifest

    torch.manual_seed(0)
    network = build_model(load_manifest().entry(model).config)
    torch.save({name: tensor.clone() for name, tensor in network.state_dict().items()}, path)


def serve(folder: Path) -> None:
    """Serve the files of ``folder`` as a repository; print the address, and go on until stdin ends."""
    sys.path.insert(0, str(TESTS))
    from helpers.hub_server import HubServer

    with HubServer() as server:
        for path in folder.iterdir():
            server.add(REPOSITORY, path.name, path.read_bytes())
        print(server.url, flush=True)
        sys.stdin.read()


def run_ours(model: str, precision: str, seconds: int, sha256: str, n_bytes: int) -> dict[str, float]:
    """Fetch, load and run; the seconds of each."""
    sys.path.insert(0, str(TESTS))
    import dataclasses

    from common.steady import RATE

    from helpers.hub_server import COMMIT
    from vocalsep.separation.engine import SegmentedSeparation
    from vocalsep.separation.options import SeparationOptions
    from vocalsep.weights.checkpoint import load_model_file
    from vocalsep.weights.manifest import Source, load_manifest
    from vocalsep.weights.resolve import fetch_entry

    entry = load_manifest().entry(model)
    source = Source(repo=REPOSITORY, revision=COMMIT, file=entry.file)
    entry = dataclasses.replace(entry, sha256=sha256, bytes=n_bytes, sources=(source,))
    began = time.perf_counter()
    path = fetch_entry(entry).path
    fetched = time.perf_counter()
    network = load_model_file(path, entry.config)
    loaded = time.perf_counter()
    options = SeparationOptions(device="cpu", precision=precision, overlap=0.5)
    separation = SegmentedSeparation(network, options)
    for _ in separation(noise(seconds).split(RATE, dim=1)):
        pass
    ran = time.perf_counter() - loaded
    return {"download": fetched - began, "load": loaded - fetched, "factor": ran / seconds}


def run_peer(model: str, seconds: int) -> dict[str, float]:
    """The same noise through the network and the loop of audio-separator."""
    import logging

    import torch
    from audio_separator.separator.architectures.mdxc_separator import MDXCSeparator
    from audio_separator.separator.uvr_lib_v5.roformer.mel_band_roformer import MelBandRoformer
    from audio_separator.separator.uvr_lib_v5.tfc_tdf_v3 import TFC_TDF_net
    from ml_collections import ConfigDict

    from vocalsep.weights.manifest import load_manifest

    sizes = load_manifest().entry(model).config
    instruments = ["Vocals", "Instrumental"]
    is_roformer = model == "melband-kim"
    settings = ConfigDict(
        {
            "audio": {"hop_length": sizes["hop_length"], "n_fft": sizes["n_fft"], "num_channels": 2},
            "inference": {"dim_t": 801 if is_roformer else 256},
            "training": {"instruments": instruments, "target_instrument": "Vocals" if is_roformer else None},
            "model": {"norm": "InstanceNorm", "act": "gelu"},
        }
    )
    if is_roformer:
        settings.model.stft_hop_length = sizes["hop_length"]
        network = MelBandRoformer(
            sizes["width"],
            depth=sizes["depth"],
            stereo=True,
            time_transformer_depth=1,
            freq_transformer_depth=1,
            num_bands=sizes["n_bands"],
            dim_head=sizes["head_width"],
            heads=sizes["n_heads"],
            stft_hop_length=sizes["hop_length"],
            mask_estimator_depth=sizes["mask_depth"],
        )
    else:
        settings.audio.dim_f = sizes["n_bins"]
        settings.model.update(
            num_subbands=sizes["sub_bands"],
            num_scales=sizes["scales"],
            scale=(2, 2),
            num_blocks_per_scale=sizes["blocks"],
            num_channels=sizes["width"],
            growth=sizes["growth"],
            bottleneck_factor=sizes["bottleneck_factor"],
        )
        network = TFC_TDF_net(settings, torch.device("cpu"))
    separator = object.__new__(MDXCSeparator)  # the loop without the package's own loading of files
    separator.__dict__.update(
        logger=logging.getLogger("peer"),
        model_run=network.eval(),
        model_data_cfgdict=settings,
        torch_device=torch.device("cpu"),
        is_roformer=is_roformer,
        override_model_segment_size=False,
        overlap=2,
        batch_size=1,
        pitch_shift=0,
        primary_stem_name="Vocals",
        secondary_stem_name="Instrumental",
        is_primary_stem_main_target=False,
    )
    mixture = noise(seconds).numpy()
    began = time.perf_counter()
    separator.demix(mixture)
    return {"factor": (time.perf_counter() - began) / seconds}


def noise(seconds: int) -> torch.Tensor:
    """Stereo."""
    import torch
    from common.steady import RATE

    return 0.1 * torch.randn(2, seconds * RATE, generator=torch.Generator().manual_seed(0))


def rows(options: argparse.Namespace, folder: Path, url: str) -> Iterator[list[str]]:
    """One row for each model and precision, and for the peer."""
    from vocalsep.system.digest import sha256_of
    from vocalsep.weights.manifest import load_manifest

    os.environ.update(HF_ENDPOINT=url, NO_PROXY="127.0.0.1")
    for model in options.models:
        path = folder / load_manifest().entry(model).file
        for precision in options.precisions:
            with tempfile.TemporaryDirectory() as cache:
                os.environ.update(HF_HOME=cache, XDG_CACHE_HOME=cache)
                order = [model, precision, options.seconds, sha256_of(path), path.stat().st_size]
                run = measure(sys.executable, __file__, "--ours", json.dumps(order))
            took = json.loads(run.stdout)
            yield [
                f"{model}, vocalsep, {precision}",
                *(f"{took[key]:.1f}" for key in ("download", "load")),
                f"{took['factor']:.2f}",
                f"{run.peak_mb:.0f}",
            ]
        if options.peer:
            run = measure(sys.executable, __file__, "--theirs", json.dumps([model, options.seconds]))
            factor = json.loads(run.stdout.splitlines()[-1])["factor"]
            yield [f"{model}, audio-separator, fp32", "-", "-", f"{factor:.2f}", f"{run.peak_mb:.0f}"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mdx23c", "melband-kim"])
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["bf16"])
    parser.add_argument("--seconds", type=int, default=20, help="of noise")
    parser.add_argument("--peer", action="store_true", help="beside audio-separator, which is to be installed")
    for step in ("write", "serve", "ours", "theirs"):
        parser.add_argument(f"--{step}", help=argparse.SUPPRESS)  # what the children do
    options = parser.parse_args()
    if options.write:
        write(options.models[0], Path(options.write))
    elif options.serve:
        serve(Path(options.serve))
    elif options.ours:
        print(json.dumps(run_ours(*json.loads(options.ours))))
    elif options.theirs:
        print(json.dumps(run_peer(*json.loads(options.theirs))))
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Write the checkpoints, serve them, and print the table."""
    from vocalsep.weights.manifest import load_manifest

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for model in options.models:
            path = folder / load_manifest().entry(model).file
            subprocess.run([sys.executable, __file__, "--models", model, "--write", str(path)], check=True)
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with server:
            print_table(
                ["what", "download (s)", "load (s)", "real-time factor", "peak memory (MB)"],
                rows(options, folder, server.stdout.readline().strip()),
            )
            server.stdin.close()
    print_machine(f"CPU, {options.seconds} s of stereo noise at 44.1 kHz, overlap one half, one run each.")


if __name__ == "__main__":
    main()
