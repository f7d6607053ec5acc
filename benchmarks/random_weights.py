"""Write a weights file with random weights: the speed of a model does not depend on them.

python benchmarks/random_weights.py tdt tdt.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from vocalsep.models import ARCHITECTURES, build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", choices=ARCHITECTURES)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = build_model({"architecture": options.architecture})
    write_checkpoint(options.output, Checkpoint(config=config_of(model), state=model.state_dict()))


if __name__ == "__main__":
    main()
