"""The blocks of the U-Net: time-frequency convolutions, and three ways to mix frequencies after them.

All take and give ``(batch, channel, frame, bin)``. Normalisation comes ahead of each linear map or convolution
and neither has a bias, as in the published code.

Reference: TFC and TDF, Choi et al. 2020, arXiv:1912.02591.
"""

from __future__ import annotations

import itertools

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional


class NormConvReLU(nn.Module):
    """Batch normalisation, a convolution without bias, ReLU."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(conv.in_channels)
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        return functional.relu(self.conv(self.norm(x)))


def down(channels: int) -> NormConvReLU:
    """Halve frames and bins."""
    return NormConvReLU(nn.Conv2d(channels, channels, kernel_size=2, stride=2, bias=False))


def up(channels: int) -> NormConvReLU:
    """Double frames and bins."""
    return NormConvReLU(nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2, bias=False))


class TFC(nn.Module):
    """Time-frequency convolution: densely connected layers; the last one gives the output."""

    def __init__(self, in_channels: int, growth: int, kernel_size: tuple[int, int], n_layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            NormConvReLU(nn.Conv2d(in_channels + i * growth, growth, kernel_size, padding="same", bias=False))
            for i in range(n_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, growth, frame, bin)``."""
        *inner, last = self.layers
        for layer in inner:
            x = torch.cat([x, layer(x)], dim=1)
        output: Tensor = last(x)
        return output


class TDFLayer(nn.Module):
    """Batch normalisation, one linear map over the bins of each frame, ReLU."""

    def __init__(self, channels: int, in_bins: int, out_bins: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.linear = nn.Linear(in_bins, out_bins, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channel, frame, in_bin)`` to ``(batch, channel, frame, out_bin)``."""
        return functional.relu(self.linear(self.norm(x)))


class TDF(nn.Module):
    """Time-distributed fully-connected block, residual: the bins of each frame are mixed by linear maps.

    One layer maps bins to bins; with more, the bins between them are ``hidden_bins``.
    """

    def __init__(self, channels: int, n_bins: int, hidden_bins: int, n_layers: int) -> None:
        super().__init__()
        widths = [n_bins, *[hidden_bins] * (n_layers - 1), n_bins]
        self.layers = nn.Sequential(*(TDFLayer(channels, i, o) for i, o in itertools.pairwise(widths)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        output: Tensor = x + self.layers(x)
        return output


class Attention(nn.Module):
    """Single-head self-attention without an output projection, as the published networks have it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, token, width)``; the score matrix is never materialised."""
        x = x.unsqueeze(1)  # one head: only with four axes does PyTorch take its fused kernels
        return functional.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x)).squeeze(1)


class MultiHeadAttention(nn.Module):
    """Multi-head self-attention without biases; parameters laid out as in `torch.nn.MultiheadAttention`."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.out_proj = nn.Linear(width, width, bias=False)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, token, width)``; the score matrix is never materialised."""
        q, k, v = rearrange(
            functional.linear(x, self.in_proj_weight),
            "batch token (part head width) -> part batch head token width",
            part=3,
            head=self.n_heads,
        )
        heads = functional.scaled_dot_product_attention(q, k, v)
        output: Tensor = self.out_proj(rearrange(heads, "batch head token width -> batch token (head width)"))
        return output


class TDSALayer(nn.Module):
    """Batch normalisation of each bin, self-attention of width ``n_bins``, ReLU."""

    def __init__(self, n_bins: int, n_heads: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_bins)
        self.attention = Attention(n_bins) if n_heads == 1 else MultiHeadAttention(n_bins, n_heads)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(batch, token, bin)``."""
        normed = self.norm(tokens.transpose(1, 2)).transpose(1, 2)
        return functional.relu(self.attention(normed))


class TDSA(nn.Module):
    """Time-distributed self-attention block, residual: a token is the bins of one channel in one frame.

    Tokens attend to all of their item, as in the published code, or to those of their frame alone, as it was
    described; the parameters are the same.

    Deviation: the published code lets the items of a batch attend to each other; here each stands alone.
    """

    def __init__(self, n_bins: int, n_heads: int, n_layers: int, *, within_frame: bool = False) -> None:
        super().__init__()
        self.within_frame = within_frame
        self.layers = nn.Sequential(*(TDSALayer(n_bins, n_heads) for _ in range(n_layers)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        groups = "(batch frame) channel bin" if self.within_frame else "batch (channel frame) bin"
        tokens = self.layers(rearrange(x, f"batch channel frame bin -> {groups}"))
        # shape[0], not len: an exported graph is to take batches of any size
        mixed = rearrange(tokens, f"{groups} -> batch channel frame bin", batch=x.shape[0], channel=x.shape[1])
        output: Tensor = x + mixed
        return output


def sinusoidal_positions(n_positions: int, width: int) -> Tensor:
    """Sines at even and cosines at odd places, ``(position, width)``.

    The exponents are ``2 * (1, 3, 5, ...) / width``: the published checkpoint was trained with them, where
    arXiv:1706.03762 has ``(0, 2, 4, ...) / width``.

    Example:
        >>> sinusoidal_positions(2, 4)[1]
        tensor([9.9998e-03, 9.9995e-01, 1.0000e-06, 1.0000e+00])
    """
    position = torch.arange(n_positions, dtype=torch.float32)[:, None]
    angle = position / 10000 ** (2 * torch.arange(1, width + 1, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]


class TDTLayer(nn.Module):
    """A transformer layer over the bins of a frame; tokens are ``width`` channels wide.

    Two quirks are those of the published checkpoint: one layer norm, between attention and feed-forward, and a
    feed-forward of one linear map and dropout without an activation.
    """

    positions: Tensor

    def __init__(self, width: int, n_bins: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.layer_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("positions", sinusoidal_positions(n_bins, width), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(batch, bin, width)``."""
        placed = tokens + self.positions
        attended = self.layer_norm(placed + self.attention(placed))
        output: Tensor = attended + self.dropout(self.feed_forward(attended))
        return output


class TDT(nn.Module):
    """Time-distributed transformer block: the bins of each frame attend to each other."""

    def __init__(self, channels: int, n_bins: int, n_layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(TDTLayer(channels, n_bins, dropout) for _ in range(n_layers)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        groups = "(batch frame) bin channel"
        tokens = self.layers(rearrange(x, f"batch channel frame bin -> {groups}"))
        output: Tensor = rearrange(tokens, f"{groups} -> batch channel frame bin", batch=x.shape[0])
        return output
