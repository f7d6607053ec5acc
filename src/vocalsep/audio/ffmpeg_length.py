"""How long a container says that its audio is, as FFmpeg reads it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from fractions import Fraction

import av
from av.container import InputContainer

from vocalsep.audio.asf import missing_packets
from vocalsep.audio.mp3_header import Mp3Header
from vocalsep.audio.ogg import ends_within_page
from vocalsep.audio.source import Source

# Containers that declare how long they are. Of the others FFmpeg guesses it, from the bitrate.
_DECLARING = {"mov", "matroska", "asf", "ogg", "wav", "w64", "aiff", "caf", "flac", "au", "wv", "ape", "tta"}
_DECLARING |= {"mpc", "mpc8", "dsf", "iff"}
_UNKNOWN_FLAC = 2**36 - 1  # all ones in the header, where an encoder could not go back to it


def declared_samples(
    container: InputContainer, stream: av.AudioStream, rate: int, mp3_header: Mp3Header | None
) -> int | None:
    """The number of samples that a track is declared to have, or None where nothing declares it.

    Args:
        container: open container.
        stream: track of it.
        rate: samples a second to count in, in Hz.
        mp3_header: header of the file if it is an mp3 that has one.
    """
    names = set(container.format.name.split(","))
    if "mp3" in names:
        if mp3_header is None or mp3_header.is_first_of_several:
            return None
    elif names.isdisjoint(_DECLARING):
        return None
    if stream.duration is not None and stream.time_base is not None:
        seconds = stream.duration * stream.time_base
    elif container.duration is not None and len(container.streams) == 1:
        # Matroska counts from zero, not from the first sample.
        start = max(container.start_time or 0, 0)
        seconds = Fraction(container.duration - start, av.time_base)
    else:
        return None
    if stream.codec_context.name == "opus" and "ogg" in names:
        pre_skip = int.from_bytes((stream.codec_context.extradata or b"")[10:12], "little")
        seconds -= Fraction(pre_skip, 48000)
    # Of a PCM file that is cut short, FFmpeg shortens the duration and keeps the number of frames.
    n_samples = max(round(seconds * rate), stream.frames)
    return None if n_samples in (0, _UNKNOWN_FLAC) else n_samples


def find_cut(source: Source, names: AbstractSet[str]) -> str | None:
    """Say how a file ends early whose container does not declare its length, or declares it roughly.

    Args:
        source: the file.
        names: FFmpeg's names of its container.

    Raises:
        OSError: the file cannot be read.
    """
    if "ogg" in names and ends_within_page(source):
        return "its last page is cut short"
    if "asf" in names and (missing := missing_packets(source)):
        return f"it lacks {missing} packets of those that its header counts"
    return None
