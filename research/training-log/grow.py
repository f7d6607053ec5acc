"""Put weights of a small ``tdf_mask`` into a larger one that computes the same, for ``vocalsep train --init``.

    python grow.py SMALL.safetensors LARGE.safetensors growth=48 scales=3

What is new begins at random where it is computed and at zero where it is used, so that the larger network starts
where the smaller one stopped (Chen et al. 2016, "Net2Net", arXiv:1511.05641).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from vocalsep.models.architectures import build_model
from vocalsep.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint


def renamed(state: dict[str, Tensor], scales: int, more: int) -> dict[str, Tensor]:
    """The small network's bottleneck becomes the block of a new scale, its decoders come after the new ones."""
    names = {"bottleneck.": f"encoder.{scales}.block."} if more else {}
    names |= {f"decoder.{i}.": f"decoder.{i + more}." for i in range(scales)}
    return {
        next((new + name[len(old) :] for old, new in names.items() if name.startswith(old)), name): value
        for name, value in state.items()
    }


def widened(name: str, small: Tensor, large: Tensor) -> Tensor:
    """``small`` in the corner of ``large``; old outputs do not hear new inputs."""
    if small.shape == large.shape:
        return small
    n_out = small.shape[0]
    if small.ndim == 1:
        # a decoder's first norm sees two concatenated halves
        halves = 2 if name.startswith("decoder") and ".block.norm1." in name else 1
        grown = large.clone().reshape(halves, -1)
        grown[:, : n_out // halves] = small.reshape(halves, -1)
        return grown.flatten()
    transposed = ".up.conv" in name  # its axes are (in, out)
    if transposed:
        small, large = small.transpose(0, 1), large.transpose(0, 1)
        n_out = small.shape[0]
    halves = 2 if name.startswith("decoder") and (".block.conv1" in name or ".block.shortcut" in name) else 1
    halves = 2 if name.startswith("head.hidden") else halves
    grown = large.clone().reshape(large.shape[0], halves, -1, *large.shape[2:])
    grown[:n_out] = 0
    n_in = small.shape[1] // halves
    grown[:n_out, :, :n_in] = small.reshape(n_out, halves, n_in, *small.shape[2:])
    grown = grown.reshape(large.shape)
    return grown.transpose(0, 1) if transposed else grown


def grow(small: Checkpoint, changes: dict[str, int]) -> Checkpoint:
    """The larger network's checkpoint."""
    config = {**small.config, **changes}
    torch.manual_seed(0)
    state = build_model(config).state_dict()
    scales, more = small.config["scales"], config["scales"] - small.config["scales"]
    if more:
        for i in range(more):
            block = f"decoder.{i}.block"
            width = state[f"{block}.conv2.weight"].shape[0]
            state[f"{block}.conv2.weight"].zero_()
            state[f"{block}.shortcut.weight"].zero_()[:, width:, 0, 0] = torch.eye(width)
    for name, value in renamed(small.state, scales, more).items():
        state[name] = widened(name, value, state[name]).contiguous()
    return Checkpoint(config=config, state=state, metadata={"grown_from": small.metadata.get("id", "")})


def main() -> None:
    """Read the command line, grow, and check that nothing has changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("changes", nargs="+", metavar="FIELD=NUMBER")
    options = parser.parse_args()
    small = read_checkpoint(options.small)
    pairs = [change.partition("=") for change in options.changes]
    large = grow(small, {field: int(number) for field, _, number in pairs})
    waveform = 0.1 * torch.randn(1, 2, 44100)
    estimates = []
    for checkpoint in (small, large):
        model = build_model(checkpoint.config).eval()
        model.load_state_dict(checkpoint.state)
        with torch.no_grad():
            estimates.append(model.spectrograms(waveform))
    torch.testing.assert_close(*estimates, rtol=1e-3, atol=1e-3)
    write_checkpoint(options.large, large)


if __name__ == "__main__":
    main()
