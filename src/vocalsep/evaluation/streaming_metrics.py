"""The metrics of a song that comes in blocks, from sums over its windows."""

from __future__ import annotations

import torch
from torch import Tensor

from vocalsep.evaluation.metrics import check_shapes, decibels, median_of_defined

_N_SUMS = 5


class SignalSums:
    """What the metrics need to know of a song: a few sums a stem and window, however the song is cut into blocks.

    With s the reference, e the estimate and d = s - e they are sum s^2, sum d^2 and sum s d. The last one gives
    `si_sdr`: for a = sum s e / sum s^2, the error a s - e is d - (sum s d / sum s^2) s, whose energy is
    sum d^2 - (sum s d)^2 / sum s^2. Sums of d, not of e, keep the digits of small errors. Beside them, how many
    samples of s and of e are not silent.

    Args:
        n_stems: scored together.
        window_samples: number of samples in a window of `chunk_sdr`: the sample rate.
    """

    def __init__(self, n_stems: int, window_samples: int) -> None:
        self._window = window_samples
        self._n_samples = 0
        # one tensor that doubles: many small ones that stay keep the heap between them from being used again
        self._sums = torch.zeros(1, _N_SUMS, n_stems, dtype=torch.float64)

    def add(self, references: Tensor, estimates: Tensor) -> None:
        """Take in the next block.

        Args:
            references: the true stems, ``(stem, channel, sample)``, of any number of samples.
            estimates: the separated ones, of the same shape.

        Raises:
            ValueError: the shapes differ.
        """
        check_shapes(references, estimates)
        done, length = 0, references.shape[-1]
        while done < length:
            window, filled = divmod(self._n_samples, self._window)
            part = slice(done, min(done + self._window - filled, length))
            if window == len(self._sums):
                self._sums = torch.cat([self._sums, torch.zeros_like(self._sums)])
            self._sums[window] += _sums(references[..., part].double(), estimates[..., part].double())
            self._n_samples += part.stop - done
            done = part.stop

    @property
    def finite(self) -> bool:
        """Whether all samples were numbers."""
        return bool(self._sums.isfinite().all())

    def sdr(self) -> Tensor:
        """`vocalsep.evaluation.metrics.sdr` of each stem: ``(stem,)``."""
        signal, distortion, *_ = self._sums.sum(dim=0)
        return decibels(signal, distortion)

    def si_sdr(self) -> Tensor:
        """`vocalsep.evaluation.metrics.si_sdr` of each stem: ``(stem,)``."""
        signal, distortion, product, *_ = self._sums.sum(dim=0)
        target = (signal - product).square() / signal
        return decibels(target, (distortion - product.square() / signal).clamp(min=0))

    def chunk_sdr(self) -> Tensor:
        """`vocalsep.evaluation.metrics.chunk_sdr` of each stem: ``(stem,)``."""
        n_windows = max(self._n_samples // self._window, 1)
        signal, distortion, _, *heard = self._sums[:n_windows].unbind(dim=1)  # (window, stem) each
        all_heard = (torch.cat(heard, dim=1) > 0).all(dim=1)
        return median_of_defined(decibels(signal, distortion).T.where(all_heard, torch.nan))


def _sums(references: Tensor, estimates: Tensor) -> Tensor:
    """``(sum, stem)`` of a part of a window."""
    errors = references - estimates
    products = [(references, references), (errors, errors), (references, errors)]
    sums = [(one * other).sum(dim=(1, 2)) for one, other in products]
    sums += [signals.sum(dim=1).count_nonzero(dim=1).double() for signals in (references, estimates)]
    return torch.stack(sums)
