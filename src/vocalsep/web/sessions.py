"""Who uses the page, and the songs of each."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from pathlib import Path

from vocalsep.errors import OptionError
from vocalsep.web.limits import Limits
from vocalsep.web.song import OVER, Song

_LEFT_SECONDS = 15
"""How long a page may take to be loaded again before its songs are deleted."""


_FREE_BYTES = 10**9
"""Disk space that other programs of the machine are left."""


class Session:
    """One page in one browser tab, or one call of the API.

    Attributes:
        id: 32 random hexadecimal digits, known to the page alone.
        folder: holds a folder for each song, while there is one.
        songs: the songs, in the order of their uploads.
        seen: when its page last asked for something, by the monotonic clock.
        left: when its page was closed, by the monotonic clock; None while it is open.
        is_call: whether it is a call of the API, which has no page.
    """

    def __init__(self, folder: Path, *, is_call: bool = False) -> None:
        self.id = secrets.token_hex(16)
        self.folder = folder / self.id
        self.songs: list[Song] = []
        self.seen = time.monotonic()
        self.left: float | None = None
        self.is_call = is_call

    @property
    def is_spent(self) -> bool:
        """Whether nobody would miss it: it has no songs, or is a call that was answered."""
        return not self.songs or (self.is_call and all(song.state in OVER for song in self.songs))

    def is_over(self, now: float, limits: Limits) -> bool:
        """Whether its page was closed, or has been silent for too long."""
        if any(song.is_busy for song in self.songs) and self.left is None:
            return False
        if self.left is not None:
            return now - self.left > _LEFT_SECONDS
        return now - self.seen > limits.idle_seconds


class FullError(OptionError):
    """The server takes no more for the time being."""


class Sessions:
    """All sessions of a server.

    Args:
        folder: for theirs.
        limits: see `Limits`.

    Attributes:
        folder: see above.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self._limits = folder, limits
        self._sessions: dict[str, Session] = {}
        self._songs: dict[str, Song] = {}
        self._lock = threading.RLock()

    def open(self, *, is_call: bool = False) -> Session:
        """A new session.

        Args:
            is_call: see `Session`.

        Raises:
            FullError: there are too many.
        """
        with self._lock:
            if len(self._sessions) >= self._limits.max_sessions:
                spent = [session for session in self._sessions.values() if session.is_spent]
                if not spent:
                    raise FullError("too many people use this page at the moment", "Try again later.")
                self._close(min(spent, key=lambda session: session.seen))
            session = Session(self.folder, is_call=is_call)
            self._sessions[session.id] = session
            return session

    def get(self, session_id: str) -> Session | None:
        """The session with this id, which shows that its page is open; None where it is over."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session:
                session.seen, session.left = time.monotonic(), None
            return session

    def leave(self, session_id: str) -> None:
        """Note that a page was closed, or is being loaded again: then it will ask for something soon."""
        with self._lock:
            if session := self._sessions.get(session_id):
                session.left = time.monotonic()

    def song(self, song_id: str) -> Song | None:
        """The song with this id."""
        return self._songs.get(song_id)

    def add(self, session: Session, name: str, n_bytes: int) -> Song:
        """A new song of a session, whose upload begins.

        Args:
            session: session that owns the song.
            name: name of the file.
            n_bytes: size of the file.

        Raises:
            FullError: the session has too many songs, or the disk is too full.
            OptionError: the file is too large.
        """
        with self._lock:
            if session.id not in self._sessions:
                raise OptionError("this page was closed", "Load it again.")
            if n_bytes > self._limits.max_bytes:
                raise OptionError(
                    f"{name} is larger than {self._limits.max_mb:g} MB",
                    "Split it with the command line, which takes files of any size.",
                )
            if len(session.songs) >= self._limits.max_songs:
                raise FullError(f"there are {len(session.songs)} songs on this page", "Remove some first.")
            self.check_space(n_bytes)
            song = Song(session.folder, name, n_bytes)
            session.songs.append(song)
            self._songs[song.id] = song
            return song

    def check_space(self, n_bytes: int) -> None:
        """Make sure that so many more bytes may be written.

        Raises:
            FullError: they may not.
        """
        with self._lock:
            taken = sum(song.reserved_bytes for song in self._songs.values())
        free = shutil.disk_usage(self.folder).free
        if taken + n_bytes > self._limits.max_disk_bytes or n_bytes + _FREE_BYTES > free:
            raise FullError("the disk of this server is full", "Remove songs, or try again later.")

    def remove(self, session: Session, song: Song) -> None:
        """Delete a song."""
        with self._lock:
            if song in session.songs:
                session.songs.remove(song)
            self._songs.pop(song.id, None)
        song.remove()

    def expire(self) -> None:
        """Delete what nobody uses any more."""
        now = time.monotonic()
        with self._lock:
            over = [session for session in self._sessions.values() if session.is_over(now, self._limits)]
            for session in over:
                self._close(session)
            for session in self._sessions.values():
                for song in list(session.songs):
                    if not song.is_busy and now - song.used > self._limits.idle_seconds:
                        self.remove(session, song)

    def close(self, session: Session) -> None:
        """End a session and delete its songs."""
        with self._lock:
            self._close(session)

    def _close(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        for song in list(session.songs):
            self.remove(session, song)
