"""Which loudspeaker each channel is for: as wav files say it, and brought down to two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soundfile

from vocalsep.audio.samples import Samples

_MASK_ORDER = (
    *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR"),
    *("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR"),
)
"""The bits of a wav's channel mask, from the lowest on."""
_USUAL = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
"""What files that do not say it mean."""
_ASIDE = 0.5**0.5
_GET_CHANNEL_MAP = 0x1100  # a command of libsndfile, which answers with these numbers
_SNDFILE_NAMES = {2: "FL", 3: "FR", 4: "FC", 5: "FL", 6: "FR", 7: "FC", 8: "BC", 9: "BL", 10: "BR", 11: "LFE"}
_SNDFILE_NAMES |= {12: "FLC", 13: "FRC", 14: "SL", 15: "SR", 16: "TC", 17: "TFL", 18: "TFR", 19: "TFC"}
_SNDFILE_NAMES |= {20: "TBL", 21: "TBR", 22: "TBC"}


def usual_layout(channels: int) -> tuple[str, ...]:
    """What files that do not say it mean by the order of their channels; empty where there is no custom.

    >>> usual_layout(3)
    ('FL', 'FR', 'FC')
    """
    return _USUAL.get(channels, ())


def channel_mask(layout: Sequence[str]) -> int:
    """The channel mask of a wav; 0, which says nothing, where it has no such loudspeakers in this order.

    >>> hex(channel_mask(("FL", "FR", "FC", "LFE", "BL", "BR")))
    '0x3f'
    """
    bits = [_MASK_ORDER.index(name) for name in layout if name in _MASK_ORDER]
    is_mask = len(bits) == len(layout) and bits == sorted(set(bits))
    return sum(1 << bit for bit in bits) if is_mask else 0


def sndfile_layout(file: soundfile.SoundFile) -> tuple[str, ...]:
    """The loudspeaker of each channel of a file that libsndfile opened; none where it does not say."""
    numbers = soundfile._ffi.new("int[]", file.channels)
    answered = soundfile._snd.sf_command(file._file, _GET_CHANNEL_MAP, numbers, 4 * file.channels)
    names = tuple(_SNDFILE_NAMES.get(number, "") for number in numbers) if answered else ()
    return names if len(set(names)) == file.channels and all(names) else ()


def to_stereo(block: Samples, layout: Sequence[str]) -> Samples:
    """Channels brought down to two, as ITU-R BS.775 has it: what is not in front 3 dB softer, and no LFE.

    Args:
        block: ``(channel, sample)``.
        layout: the loudspeaker of each channel; none takes what files of so many channels mean by the order.
    """
    if len(block) == 1:
        return np.repeat(block, 2, axis=0)
    names = layout or usual_layout(len(block)) or [("FL", "FR")[i % 2] for i in range(len(block))]
    matrix = np.array([_shares(name) for name in names], np.float32).T
    return np.ascontiguousarray(matrix @ block)


def as_many_channels(block: Samples, layout: Sequence[str], channels: int) -> Samples:
    """Audio in another number of channels: by way of stereo, or with silent channels behind the others.

    Args:
        block: ``(channel, sample)``.
        layout: the loudspeaker of each channel.
        channels: channels that are wanted.
    """
    if len(block) == channels:
        return block
    stereo = to_stereo(block, layout)
    if channels == 1:
        return np.asarray(stereo.mean(axis=0, keepdims=True))
    return np.pad(stereo, ((0, channels - 2), (0, 0)))


def _shares(name: str) -> tuple[float, float]:
    """How much of a loudspeaker goes to the left and to the right."""
    if name == "LFE":
        return 0.0, 0.0
    share = 1.0 if name in ("FL", "FR") else _ASIDE
    if name.endswith("L") or name == "FLC":
        return share, 0.0
    if name.endswith("R") or name == "FRC":
        return 0.0, share
    return (_ASIDE, _ASIDE) if name == "FC" else (0.5, 0.5)
