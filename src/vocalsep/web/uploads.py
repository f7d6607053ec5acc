"""Songs that come as the bodies of requests, written to their folders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from starlette.concurrency import run_in_threadpool

from vocalsep.web.answers import Refused
from vocalsep.web.limits import Limits
from vocalsep.web.song import Song

_SURVEYS_AT_ONCE = 2


class Uploads:
    """Receives the songs of all pages and calls.

    Args:
        limits: what a song may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._surveys = asyncio.Semaphore(_SURVEYS_AT_ONCE)

    async def receive(self, song: Song, blocks: AsyncIterable[bytes]) -> None:
        """Write an upload, and find out what it is.

        Raises:
            Refused: it is larger than was said, or was removed meanwhile.
        """
        n_bytes = 0
        with song.path.open("xb") as file:
            async for block in blocks:
                n_bytes += len(block)
                if n_bytes > song.size:
                    raise Refused(400, f"{song.name} is larger than was said")
                if song.removed:
                    raise Refused(410, f"{song.name} was removed")
                await run_in_threadpool(file.write, block)
                song.touch()
        async with self._surveys:
            await run_in_threadpool(song.check, self._limits)
