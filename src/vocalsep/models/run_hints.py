"""How a model is best run. Imports no PyTorch, so that the command line can read it at its start."""

from __future__ import annotations

LEAST_SEGMENT_SECONDS = 0.1
"""The shortest segment that a model is run on, in seconds."""
