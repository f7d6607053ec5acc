"""What the page accepts."""

from __future__ import annotations

from dataclasses import dataclass

from vocalsep.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what people may ask of one server.

    Attributes:
        max_minutes: length of the longest song.
        max_mb: size of the largest upload, in 10^6 bytes.
        max_channels: most channels of a song.
        max_rate: highest sample rate of a song, in Hz.
        max_songs: most songs of one session, uploads under way included.
        max_sessions: most sessions at a time.
        max_disk_gb: most disk space of all sessions together, in 10^9 bytes.
        idle_seconds: how long a song is kept after its last use, and a session after its last sign of life.

    Raises:
        OptionError: a bound is not above zero.
    """

    max_minutes: float = 30
    max_mb: float = 500
    max_channels: int = 8
    max_rate: int = 192_000
    max_songs: int = 200
    max_sessions: int = 100
    max_disk_gb: float = 50
    idle_seconds: float = 3600

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise OptionError(f"{name.replace('_', ' ')} must be above 0, not {getattr(self, name)}")

    @property
    def max_bytes(self) -> int:
        """The largest upload in bytes."""
        return round(self.max_mb * 1e6)

    @property
    def max_disk_bytes(self) -> int:
        """The disk space of all sessions in bytes."""
        return round(self.max_disk_gb * 1e9)
