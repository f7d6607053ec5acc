"""The transformer of the RoFormer models: gated attention with rotary positions, ahead of each a normalisation.

Reference: Lu et al. 2023, "Music source separation with band-split RoPE transformer", arXiv:2309.02612. Names of
the parts are those of the public checkpoints.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.models.rotary import RotaryPositions


class RMSNorm(nn.Module):
    """Scales each token to a mean square of one, then each feature by a weight."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., width)``."""
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        normed: Tensor = x * (self.gamma.numel() ** 0.5 / norm.clamp_min(1e-12))
        return normed * self.gamma


class Attention(nn.Module):
    """Multi-head self-attention; each head's output is weighted by a gate of the token."""

    def __init__(self, width: int, n_heads: int, head_width: int, positions: RotaryPositions) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.rotary_embed = positions
        self.norm = RMSNorm(width)
        self.to_qkv = nn.Linear(width, 3 * n_heads * head_width, bias=False)
        self.to_gates = nn.Linear(width, n_heads)
        self.to_out = nn.Sequential(nn.Linear(n_heads * head_width, width, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, token, width)``; the score matrix is never materialised."""
        x = self.norm(x)
        qkv = rearrange(
            self.to_qkv(x),
            "batch token (part head width) -> part batch head token width",
            part=3,
            head=self.n_heads,
        )
        query, key = self.rotary_embed(qkv[:2])
        heads = functional.scaled_dot_product_attention(query, key, qkv[2])
        gates = rearrange(self.to_gates(x).sigmoid(), "batch token head -> batch head token 1")
        output: Tensor = self.to_out(
            rearrange(heads * gates, "batch head token width -> batch token (head width)")
        )
        return output


class FeedForward(nn.Module):
    """Normalisation and two linear maps, four times as wide between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            RMSNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Identity(),  # the public networks have a dropout of 0 here, and the index is in the keys
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, token, width)``."""
        output: Tensor = self.net(x)
        return output


class Transformer(nn.Module):
    """Layers of attention and feed-forward with residuals, and perhaps a normalisation after the last."""

    def __init__(
        self,
        width: int,
        depth: int,
        n_heads: int,
        head_width: int,
        positions: RotaryPositions,
        *,
        norm_output: bool = True,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Attention(width, n_heads, head_width, positions), FeedForward(width)])
            for _ in range(depth)
        )
        self.norm = RMSNorm(width) if norm_output else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, token, width)``."""
        for layer in self.layers:
            attention, feed_forward = layer.children()
            x = x + attention(x)
            x = x + feed_forward(x)
        output: Tensor = self.norm(x)
        return output
