"""The panels in which the help of a command shows its options."""

from __future__ import annotations

INPUT_PANEL = "Inputs"
OUTPUT_PANEL = "Outputs"
MODEL_PANEL = "Model"
MESSAGES_PANEL = "Messages"
