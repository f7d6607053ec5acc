"""The weighted mean of the weights of networks of one config.

    python average.py OUT.safetensors A.safetensors:3 B.safetensors:1

Running means and variances of batch norms are averaged like all else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from vocalsep.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint


def average(parts: list[tuple[Checkpoint, float]]) -> Checkpoint:
    """The mean of checkpoints, each with its weight."""
    first, _ = parts[0]
    if any(each.config != first.config for each, _ in parts):
        raise SystemExit("the configs differ")
    total = sum(weight for _, weight in parts)
    state = {
        name: torch.stack([each.state[name].double() * (weight / total) for each, weight in parts])
        .sum(dim=0)
        .to(torch.float32 if value.is_floating_point() else value.dtype)
        for name, value in first.state.items()
    }
    return Checkpoint(config=first.config, state=state)


def main() -> None:
    """Read the command line and average."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("parts", nargs="+", metavar="FILE:WEIGHT")
    options = parser.parse_args()
    pairs = [part.rpartition(":") for part in options.parts]
    write_checkpoint(
        options.out, average([(read_checkpoint(Path(path)), float(weight)) for path, _, weight in pairs])
    )


if __name__ == "__main__":
    main()
