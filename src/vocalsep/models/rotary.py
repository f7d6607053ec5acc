"""Rotary positions: queries and keys are turned by angles that grow with their position.

Reference: Su et al. 2021, "RoFormer: enhanced transformer with rotary position embedding", arXiv:2104.09864.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RotaryPositions(nn.Module):
    """Turns each pair of neighbouring features by position times the pair's frequency.

    The turns are computed once for the longest sequence and kept. All layers that attend along one axis share one
    of these; its frequencies are in the state of each, as in the public checkpoints.

    Attributes:
        freqs: radians a position, ``(width / 2,)``; not trained.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.freqs = nn.Parameter(10000.0 ** -(torch.arange(0, width, 2) / width), requires_grad=False)
        self._turns: Tensor | None = None
        nn.Module.register_load_state_dict_post_hook(self, _forget_turns)

    def turns(self, n_positions: int) -> Tensor:
        """Complex numbers of modulus one, ``(position, width / 2)``."""
        turns = self._turns
        if turns is None or len(turns) < n_positions or turns.device != self.freqs.device:
            with torch.inference_mode(False), torch.no_grad():  # what is kept serves training as well
                angle = torch.outer(torch.arange(n_positions, device=self.freqs.device), self.freqs)
                turns = self._turns = torch.polar(torch.ones_like(angle), angle)
        return turns[:n_positions]

    def forward(self, x: Tensor) -> Tensor:
        """Turn ``(..., position, width)``."""
        pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
        return torch.view_as_real(pairs * self.turns(x.shape[-2])).flatten(-2).to(x.dtype)


def _forget_turns(positions: RotaryPositions, keys: object) -> None:
    positions._turns = None
