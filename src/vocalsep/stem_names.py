"""The names of stems, as files, options, weights and data sets have them."""

from __future__ import annotations

VOCALS = "vocals"
ACCOMPANIMENT = "accompaniment"
MIXTURE = "mixture"

STEMS = (VOCALS, ACCOMPANIMENT)
"""What a mixture is split into."""
