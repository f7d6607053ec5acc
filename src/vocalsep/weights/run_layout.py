"""The files of a training run that others use: what they are called in its folder."""

from __future__ import annotations

RUN_WEIGHTS = "best.safetensors"
"""The weights to use."""

RUN_CARD = "MODEL_CARD.md"
"""The model card."""

RUN_CONFIG = "config.json"
"""All settings."""
