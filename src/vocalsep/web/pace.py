"""How fast each model is on this machine."""

from __future__ import annotations

import threading

from vocalsep.weights.manifest import load_manifest


class Pace:
    """Seconds of work for a second of audio, measured on the songs that were separated here."""

    def __init__(self) -> None:
        self._measured: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, model: str, audio_seconds: float, work_seconds: float) -> None:
        """Take a separation into account; the last one counts as much as all before it."""
        if audio_seconds > 0:
            factor = work_seconds / audio_seconds
            with self._lock:
                self._measured[model] = (self._measured.get(model, factor) + factor) / 2

    def measured(self, model: str) -> float | None:
        """The real-time factor of a model that has run here."""
        return self._measured.get(model)

    def expected(self, model: str) -> float | None:
        """The same for any model whose cost the manifest knows, scaled from another that has run here."""
        costs = {entry.id: entry.cost.real_time_factor for entry in load_manifest().models if entry.cost}
        if model in self._measured or model not in costs:
            return self.measured(model)
        ratios = [factor / costs[other] for other, factor in self._measured.items() if other in costs]
        return costs[model] * max(ratios) if ratios else None
