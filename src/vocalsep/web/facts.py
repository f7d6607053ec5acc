"""The facts of a session and its songs, which the page shows, as JSON takes them."""

from __future__ import annotations

from typing import Any

from vocalsep.web.jobs import Jobs
from vocalsep.web.limits import Limits
from vocalsep.web.preview import preview_rate
from vocalsep.web.sessions import Session
from vocalsep.web.song import Song


def session_facts(session: Session, jobs: Jobs, limits: Limits) -> dict[str, Any]:
    """A session, its limits and all its songs."""
    return {
        "id": session.id,
        "limits": {"minutes": limits.max_minutes, "bytes": limits.max_bytes},
        "songs": [song_facts(song, jobs) for song in session.songs],
    }


def song_facts(song: Song, jobs: Jobs) -> dict[str, Any]:
    """A song, where it is in the queue, and what can be heard of it."""
    facts: dict[str, Any] = {
        "id": song.id,
        "name": song.name,
        "track": song.track,
        "state": song.state,
        "error": song.error,
        "stage": song.stage,
        "place": jobs.place(song),
        "left": song.seconds_left,
        "model": song.order.model if song.order else None,
        "stems": list(song.result.outputs) if song.result else [],
    }
    if song.survey:
        facts |= {"seconds": song.survey.seconds, "output": preview_rate(song.survey.info.sample_rate)}
    if preview := song.preview:
        facts |= {
            "rate": preview.sample_rate,
            "channels": preview.channels,
            "samples": preview.n_samples,
            "peaks": preview.n_peaks,
            "bin": preview.bin_seconds,
        }
    return facts
