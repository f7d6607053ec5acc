"""Pages of an ogg file (RFC 3533), and the links of a chain of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from vocalsep.audio.checksum import crc
from vocalsep.audio.damage import Damage
from vocalsep.audio.source import Source

_CAPTURE = b"OggS"
_HEADER_BYTES = 27
_STREAM_BEGINS = 2
_NO_SAMPLES = (bytes(8), b"\xff" * 8)  # the positions of a header and of a page on which no packet ends
_SEARCH_BYTES = 65536
_CHECKSUM = slice(22, 26)
_POLYNOMIAL = 0x04C11DB7


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        start: position of its first byte.
        end: position behind its last byte.
        begins_stream: whether it is the first page of a stream.
        has_samples: whether samples end on it.
        is_whole: whether all of its bytes are there.
    """

    start: int
    end: int
    begins_stream: bool
    has_samples: bool
    is_whole: bool


def pages(source: Source) -> Iterator[Page]:
    """The pages of an ogg file in their order. What lies between them is skipped.

    Raises:
        OSError: the file cannot be read.
    """
    file = source.open()
    start, search_from = 0, 0
    while True:
        file.seek(start)
        header = file.read(_HEADER_BYTES)
        if not header.startswith(_CAPTURE):
            # Where the page before lies about its size, the next one begins within it.
            found = _next_page(source, search_from)
            if found is None:
                break
            start = search_from = found
            continue
        segments = file.read(header[26]) if len(header) == _HEADER_BYTES else b""
        end = start + _HEADER_BYTES + len(segments) + sum(segments)
        is_whole = len(header) == _HEADER_BYTES and len(segments) == header[26] and end <= source.size
        yield Page(
            start=start,
            end=min(end, source.size),
            begins_stream=len(header) == _HEADER_BYTES and bool(header[5] & _STREAM_BEGINS),
            has_samples=header[6:14] not in _NO_SAMPLES,
            is_whole=is_whole,
        )
        start, search_from = end, start + len(_CAPTURE)
    file.check()


def ogg_links(source: Source, damage: Damage) -> list[Source]:
    """The links of a chain: each is an ogg file of its own, of one or more streams side by side.

    A page that begins a stream begins a new link where it comes behind pages of another kind. Links of headers
    alone, such as of a song that was skipped, are left out. So is a page that breaks off where another link
    begins, as where a recorder connected to a station again.

    Decoders find their way past a damaged page, and by the next one's position they know how much it held. Ahead
    of the first page of sound and behind the last page no other tells it: so the checksums of these two are looked
    at here.

    Raises:
        OSError: the file cannot be read.
        DamagedAudioError: the first page of sound or the last page of a link is damaged; or a page breaks off, and
            damage of any kind is to be refused.
    """
    found: list[Source] = []
    start, end, has_samples = 0, 0, False
    last: Page | None = None
    for page in pages(source):
        if last is not None and page.begins_stream and not last.begins_stream:
            if page.start < last.end:
                damage.allow("a page breaks off where another part of the chain begins")
                end = last.start
            elif has_samples:
                _check_last(source, last, damage)
            if has_samples:
                found.append(source.part(start, end))
            start, has_samples = page.start, False
        end, last = page.end, page
        if page.has_samples and not has_samples:
            has_samples = True
            if page.is_whole and not _is_intact(source, page):
                damage.refuse("its first page of sound is damaged, so that the rest would shift")
    if last is not None and has_samples:
        _check_last(source, last, damage)
    if has_samples or not found:
        found.append(source.part(start, end or source.size))
    return found


def ends_within_page(source: Source) -> bool:
    """Whether the last page of an ogg file is cut short: the container does not say how long it is.

    Raises:
        OSError: the file cannot be read.
    """
    tail = source.part(max(source.size - 2 * _SEARCH_BYTES, 0), source.size)  # a page is shorter than 64 KiB
    last = deque(pages(tail), maxlen=1)
    return bool(last) and not last[0].is_whole


def _check_last(source: Source, page: Page, damage: Damage) -> None:
    if page.is_whole and not _is_intact(source, page):
        damage.refuse("its last page is damaged")


def _is_intact(source: Source, page: Page) -> bool:
    """Whether a page has the checksum that it states."""
    data = bytearray(source.peek(page.start, page.end - page.start))
    stated = int.from_bytes(data[_CHECKSUM], "little")
    data[_CHECKSUM] = bytes(4)
    return crc(data, _POLYNOMIAL, 32) == stated


def _next_page(source: Source, start: int) -> int | None:
    file = source.open()
    while True:
        file.seek(start)
        data = file.read(_SEARCH_BYTES)
        if (found := data.find(_CAPTURE)) >= 0:
            return start + found
        if len(data) < _SEARCH_BYTES:
            return None
        start += len(data) - len(_CAPTURE) + 1
