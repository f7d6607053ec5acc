"""A multichannel Wiener filter over the estimates of a model, refined by expectation maximisation.

Reference: Duong, Vincent and Gribonval 2010, "Under-determined reverberant audio source separation using a
full-rank spatial covariance model", IEEE Transactions on Audio, Speech, and Language Processing 18(7); in the
simpler form of Nugraha, Liutkus and Vincent 2016, "Multichannel audio source separation with deep neural
networks", the same journal, 24(9). Its covariances are those of the latest estimates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vocalsep.errors import OptionError
from vocalsep.models.base import SeparationModel, SpectrogramModel

_EPS = 1e-10
_FLOOR = _EPS**0.5  # of the mixture's covariance, in its units
_PEAK = 10.0  # louder windows are scaled down to it, as the floor is absolute
_WINDOW_FRAMES = 300
_BINS_AT_ONCE = 128  # bins know nothing of each other: as many as the CPU's caches hold, which is twice as fast


class WienerFiltered(SeparationModel):
    """A model whose estimates are filtered before they are turned into waveforms.

    Made for models that estimate magnitudes, such as Open-Unmix, whose phases are the mixture's. Estimates that
    have phases of their own may get worse.

    Each segment that the engine gives is filtered by itself. At ``n_fft`` 4096, an iteration takes about 0.02 s
    for a second of stereo on one core of a CPU; the filter needs 100 MB for a segment of 6 s.

    Args:
        model: works on spectrograms.
        iterations: number of iterations of `wiener_filter`, one or more.

    Raises:
        OptionError: the model does not work on spectrograms.
    """

    def __init__(self, model: SeparationModel, iterations: int) -> None:
        super().__init__(model.config)
        if not isinstance(model, SpectrogramModel):
            raise OptionError(
                f"a Wiener filter needs a model that estimates spectrograms, unlike '{model.architecture}'",
                "Leave it out: wiener=0.",
            )
        self.model = model
        self.iterations = iterations
        self.architecture = model.architecture
        self.hints = model.hints

    def forward(self, waveform: Tensor) -> Tensor:
        """Separate ``(batch, channel, sample)`` into ``(batch, stem, channel, sample)``."""
        estimates = self.model.spectrograms(waveform)
        filtered = wiener_filter(estimates, self.model.codec.transform(waveform), self.iterations)
        return self.model.codec.invert(filtered, waveform.shape[-1])


def wiener_filter(estimates: Tensor, mixture: Tensor, iterations: int) -> Tensor:
    """Filter the mixture by what the estimates say of the power and the place of each stem.

    A stem is modelled as Gaussian: each bin has one spatial covariance, and each frame of it a power. An iteration
    takes both from the estimates, and makes new ones: the mixture times the multichannel Wiener filter of that
    model. They sum to the mixture, except near the floor of its covariance. Places of stems may change
    from window to window, of at most 300 frames.

    One stem alone tells nothing of the others: the mixture minus the stem is then the second. Two stems or more
    are taken to be all there is.

    Deviation: windows of equal length; of Open-Unmix's, the last one may be a single frame.

    Args:
        estimates: complex, ``(batch, stem, channel, bin, frame)``.
        mixture: complex, ``(batch, channel, bin, frame)``.
        iterations: one or more.

    Returns:
        complex, of the shape of ``estimates``.
    """
    n_stems = estimates.shape[1]
    if n_stems == 1:
        estimates = torch.cat([estimates, mixture.unsqueeze(1) - estimates], dim=1)
    n_windows = -(-mixture.shape[-1] // _WINDOW_FRAMES)
    windows = zip(estimates.tensor_split(n_windows, -1), mixture.tensor_split(n_windows, -1), strict=True)
    return torch.cat([_filter_window(*window, iterations)[:, :n_stems] for window in windows], dim=-1)


def _filter_window(estimates: Tensor, mixture: Tensor, iterations: int) -> Tensor:
    scale = (mixture.abs().amax(dim=(1, 2, 3), keepdim=True) / _PEAK).clamp_min(1)
    mixture, estimates = mixture / scale, estimates / scale.unsqueeze(1)
    parts = zip(estimates.split(_BINS_AT_ONCE, -2), mixture.split(_BINS_AT_ONCE, -2), strict=True)
    return torch.cat([_maximise_expectation(*part, iterations) for part in parts], dim=-2) * scale.unsqueeze(1)


def _maximise_expectation(estimates: Tensor, mixture: Tensor, iterations: int) -> Tensor:
    floor = _FLOOR * torch.eye(mixture.shape[1], device=mixture.device)[..., None, None]
    for _ in range(iterations):
        power = estimates.abs().square().mean(dim=2)  # (batch, stem, bin, frame)
        # (batch, stem, channel, channel, bin)
        covariance = torch.einsum("nscbt,nsdbt->nscdb", estimates, estimates.conj())
        covariance = covariance / (power.sum(-1) + _EPS)[:, :, None, None]
        # (batch, channel, channel, bin, frame)
        total = (covariance.unsqueeze(-1) * power[:, :, None, None]).sum(dim=1) + floor
        whitened = _solve(total, mixture)
        estimates = (covariance.unsqueeze(-1) * whitened[:, None, None]).sum(dim=3) * power.unsqueeze(2)
    return estimates


def _solve(covariance: Tensor, mixture: Tensor) -> Tensor:
    """Solve ``covariance @ x = mixture`` along the channels, ``(batch, channel, channel, bin, frame)`` and
    ``(batch, channel, bin, frame)``.

    By elimination. Rows are not exchanged: covariances do not require it. No pivot is below the least eigenvalue,
    and this bound keeps single precision exact enough where all channels are the same.
    """
    rows = torch.cat([covariance, mixture.unsqueeze(2)], dim=2)
    for i in range(mixture.shape[1]):
        row = rows[:, i] / rows[:, i, i].real.clamp_min(_FLOOR).unsqueeze(1)
        rows = rows - rows[:, :, i : i + 1] * row.unsqueeze(1)
        rows[:, i] = row
    return rows[:, :, -1]
