"""What is known of an audio file before it is decoded, and the words for a damaged one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vocalsep.audio.formats import Depth


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """The signal of an audio file.

    Attributes:
        sample_rate: sample rate in hertz.
        channels: number of channels.
        n_samples: samples of each channel, as the container declares; None if it does not. Exact for PCM, FLAC,
            ALAC, Vorbis, Opus and m4a; Matroska and WMA declare milliseconds, and FFmpeg before 8 counts an
            mp3's padding too.
        codec: its name in lower case: ``pcm_16``, ``flac``, ``mp3``, ``aac``, ...
        depth: depth of the output that loses nothing of an integer input. 8-bit and lossy audio need 16 bits;
            32-bit integers and floats need float.
        layout: the loudspeaker of each channel: ``FL``, ``FR``, ``FC``, ``LFE``, ``BL``, ... as FFmpeg names them;
            empty where the file does not say.
    """

    sample_rate: int
    channels: int
    n_samples: int | None
    codec: str
    depth: Depth
    layout: tuple[str, ...] = ()

    def of_unknown_length(self) -> AudioInfo:
        """The same, where the file does not declare how long it is."""
        return replace(self, n_samples=None)


def clock(n_samples: int, sample_rate: int) -> str:
    """A position as ``minutes:seconds``.

    >>> clock(44100 * 83, 44100)
    '1:23.000'
    """
    minutes, milliseconds = divmod(n_samples * 1000 // sample_rate, 60_000)
    return f"{minutes}:{milliseconds / 1000:06.3f}"
