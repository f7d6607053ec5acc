"""The first bytes of audio files, by which a container is known."""

from __future__ import annotations

SNDFILE_SIGNATURES = (b"RIFF", b"RF64", b"riff", b"fLaC", b"FORM", b"caff", b".snd", b"OggS")
"""Of the containers that libsndfile is asked to read first."""
LENGTH_AWARE_SIGNATURES = (b"RIFF", b"RF64", b"riff", b"FORM", b"FRM8", b"DSD ", b"caff", b".snd")
"""Of the containers whose header says how many bytes of audio follow."""
SIGNATURES = (
    *SNDFILE_SIGNATURES,
    *(b"ID3", b"APETAGEX"),
    *(b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75"),  # Matroska, ASF
    *(b"wvpk", b"MPCK", b"MP+", b"TTA1", b"TTA2", b"MAC ", b"OFR "),
    *(b"FRM8", b"DSD ", b"#!AMR", b"#!SILK", b".RMF", b"tBaK", b"LA04", b"SHNa", b"ajkg"),
)
"""Of all containers that are told by their first bytes: what begins so and cannot be decoded is damaged audio."""


def is_audio(head: bytes) -> bool:
    """Whether a file whose first twelve bytes are ``head`` is in a container that is known to hold audio."""
    return head.startswith(SIGNATURES) or head[4:8] == b"ftyp"
