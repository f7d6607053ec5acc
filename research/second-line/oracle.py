"""What a transform and its bands can carry: ``python oracle.py SONGS``.

SONGS holds track folders; those without a voice are left out. For each transform, the mean ``sdr`` of the vocals
by the best mask of four kinds, which all keep the mixture's phase but for the last:

- ratio: |V| / (|V| + |A|) in every bin;
- shared ratio: the same, one number for the bins that share a position;
- real: the real number in every bin that comes nearest to the vocals, between 0 and 1;
- complex, shared: the complex number that comes nearest, one for the bins that share a position. Its magnitude is
  limited to 2: without a limit it is perfect where every bin has a position of its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from vocalsep.datasets.dataset import open_dataset
from vocalsep.evaluation.metrics import sdr
from vocalsep.models.stft import istft, stft

TRANSFORMS = {
    "tdf_mask: 2048, hop 1024, 1024 bins": (2048, 1024, (1024,), (1,)),
    "2048, hop 512, 1024 bins": (2048, 512, (1024,), (1,)),
    "4096, hop 1024, 2048 bins": (4096, 1024, (2048,), (1,)),
    "sparse_tdf: 4096, hop 1024, 384 + 640 + 1024 bins": (4096, 1024, (384, 640, 1024), (1, 4, 16)),
}


def summed(x: Tensor, bands: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    """``(channel, bin, frame)`` with each bin replaced by the sum over those that share its position."""
    parts = []
    for band, stride in zip(x.split(bands, dim=1), strides, strict=True):
        parts.append(band.unflatten(1, (-1, stride)).sum(dim=2).repeat_interleave(stride, dim=1))
    return torch.cat(parts, dim=1)


def masks(mixture: Tensor, vocals: Tensor, bands: tuple[int, ...], strides: tuple[int, ...]) -> dict[str, Tensor]:
    """The masks by name, each ``(channel, bin, frame)``."""
    magnitude, rest = vocals.abs(), (mixture - vocals).abs()
    cross, power = mixture.conj() * vocals, mixture.abs().square() + 1e-12
    shared = summed(cross, bands, strides) / summed(power, bands, strides)
    return {
        "ratio": magnitude / (magnitude + rest + 1e-12),
        "shared ratio": summed(magnitude, bands, strides) / (summed(magnitude + rest, bands, strides) + 1e-12),
        "real": (cross.real / power).clamp(0, 1),
        "complex, shared": shared * (2 / shared.abs().clamp(min=2)),
    }


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    tracks = [
        track
        for track in open_dataset(f"folders:{parser.parse_args().songs}").tracks("all")
        if track.read("vocals").any()
    ]
    print(f"{len(tracks)} songs; vocals sdr in dB")
    for name, (n_fft, hop, bands, strides) in TRANSFORMS.items():
        found: dict[str, list[float]] = {}
        for track in tracks:
            vocals = torch.from_numpy(track.read("vocals"))
            spectra = [
                stft(x, n_fft=n_fft, hop_length=hop)[:, : sum(bands)]
                for x in (vocals + torch.from_numpy(track.read("accompaniment")), vocals)
            ]
            for kind, mask in masks(*spectra, bands, strides).items():
                full = torch.nn.functional.pad(mask * spectra[0], (0, 0, 0, n_fft // 2 + 1 - sum(bands)))
                estimate = istft(full, n_fft=n_fft, hop_length=hop, length=vocals.shape[-1])
                found.setdefault(kind, []).append(float(sdr(vocals, estimate)))
        means = "  ".join(f"{kind} {sum(values) / len(values):.2f}" for kind, values in found.items())
        print(f"{name}: {means}", flush=True)


if __name__ == "__main__":
    main()
