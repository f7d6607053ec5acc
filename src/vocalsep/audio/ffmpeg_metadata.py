"""What FFmpeg finds besides the sound of a file: text and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from vocalsep.audio.source import SourceFile

# Windows programs do not declare the encoding of their text. Bytes that are not UTF-8 are kept and decoded here.
_LENIENT: dict[str, Any] = (
    {"metadata_errors": "surrogateescape"} if int(av.__version__.partition(".")[0]) < 19 else {}
)


def read_metadata(path: Path) -> tuple[dict[str, str], list[bytes]]:
    """The text of a file by its name in the container, and the pictures attached to it.

    Raises:
        OSError: the file cannot be read, or FFmpeg does not know it.
        ValueError: the same.
    """
    options = {"protocol_whitelist": "none"}  # a playlist must not open other files, or the network
    with path.open("rb") as file, av.open(SourceFile(file), "r", options=options, **_LENIENT) as container:
        text = {name: _decoded(value) for name, value in container.metadata.items()}
        if "ogg" in container.format.name:  # where they are those of a stream
            text = {**next((s.metadata for s in container.streams.audio), {}), **text}
        pictures = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
        packets = (next(iter(container.demux(picture)), None) for picture in pictures)
        return text, [bytes(packet) for packet in packets if packet is not None]


def _decoded(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
