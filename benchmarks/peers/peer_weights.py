"""Random weights of a peer's published model, in the layout that its command reads.

    python peer_weights.py htdemucs FOLDER

Runs in the environment of the peer.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import torch

STEMS = ["drums", "bass", "other", "vocals"]


def write_demucs(name: str, folder: Path) -> None:
    """One network as a bag of one, with the settings of the published one where they are not the defaults."""
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    if name == "htdemucs":
        kind, settings, segment = HTDemucs, {"bottom_channels": 512, "segment": Fraction(39, 5)}, ""
    else:
        kind, settings, segment = HDemucs, {}, "segment: 44\n"
    network = kind(STEMS, **settings)
    package = {"klass": kind, "args": [STEMS], "kwargs": settings, "state": network.state_dict()}
    torch.save(package, folder / "random.th")
    (folder / f"{name}.yaml").write_text(f"models: ['random']\n{segment}")
    print(name, sum(parameter.numel() for parameter in network.parameters()), "parameters", file=sys.stderr)


def write_openunmix(folder: Path) -> None:
    """The vocals of umxhq: 4,096 samples a window, bins up to 16 kHz, 512 hidden."""
    from openunmix.model import OpenUnmix
    from openunmix.utils import bandwidth_to_max_bin

    n_fft, rate = 4096, 44_100
    network = OpenUnmix(n_fft // 2 + 1, 2, 512, max_bin=bandwidth_to_max_bin(rate, n_fft, 16_000))
    torch.save(network.state_dict(), folder / "vocals.pth")
    arguments = {"nfft": n_fft, "nb_channels": 2, "hidden_size": 512}
    (folder / "vocals.json").write_text(json.dumps({"args": arguments}))
    separator = {"sample_rate": rate, "nfft": n_fft, "nhop": 1024, "nb_channels": 2}
    (folder / "separator.json").write_text(json.dumps(separator))
    print("umxhq", sum(parameter.numel() for parameter in network.parameters()), "parameters", file=sys.stderr)


def main() -> None:
    """Write the folder of the model that the command line names."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    if name == "umxhq":
        write_openunmix(part)
    else:
        write_demucs(name, part)
    part.rename(folder)


if __name__ == "__main__":
    main()
