"""Which frame of a recording sounds when: syllables are stretched to notes in their vowels alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from vocalsep.synthesis.singing.phrase import Phrase
from vocalsep.synthesis.singing.recording import FRAME_SECONDS
from vocalsep.synthesis.singing.voice import Voice

_HOLD = 5  # frames to either side of the middle of a vowel that are stretched
_RISE = 7  # frames before the stretched part that already sound like the vowel
_CONSONANT_SHARE = 0.4  # of a note, at most
_SHORTEST_REST = 4  # frames


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMap:
    """The frames of a phrase.

    Attributes:
        first_seconds: when the first one is, in the song.
        source: the fractional frame of the recording that each is made of ``(frame,)``.
        silent: rests within the phrase ``(frame,)``.
    """

    first_seconds: float
    source: NDArray[np.float64]
    silent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Syllable:
    """A syllable on its notes, in frames of the song (first two), and of the recording."""

    start: float
    end: float
    first: int
    hold: int
    release: int
    last: int

    @property
    def rise(self) -> float:
        """Frames from the beat to the stretched part of the vowel."""
        return min(_RISE, self.hold - self.first, _CONSONANT_SHARE * (self.end - self.start))

    def lead(self, before: _Syllable | None) -> float:
        """Frames of consonants ahead of the beat; they take no more than a share of the note before."""
        wanted = self.hold - self.first - self.rise
        return wanted if before is None else min(wanted, _CONSONANT_SHARE * (self.start - before.start))


def sung_map(voice: Voice, phrase: Phrase) -> FrameMap:
    """Vowels begin on the beat, the consonants before it take from the note that goes before."""
    sung = _syllables(voice, phrase)
    knots: list[tuple[float, float]] = []
    rests: list[tuple[float, float]] = []
    for before, now, after in zip([None, *sung[:-1]], sung, [*sung[1:], None], strict=True):
        begin = now.start - now.lead(before)
        end = now.end if after is None else min(now.end, after.start - after.lead(now))
        coda = min(now.last - now.release, _CONSONANT_SHARE * (end - now.start))
        if knots and begin > knots[-1][0] + _SHORTEST_REST:
            rests.append((knots[-1][0], begin))
        knots += [
            (begin, now.first),
            (now.start + now.rise, now.hold),
            (end - coda, now.release),
            (end, now.last - 1),
        ]
    at, source = np.array(knots).T
    times = at[0] + np.arange(max(round(at[-1] - at[0]), 8))
    silent = np.zeros(len(times), bool)
    for start, end in rests:
        silent |= (times >= start) & (times < end)
    # where notes are very short the knots of one may come late: time goes on all the same
    frames = np.interp(times, np.maximum.accumulate(at), source)
    return FrameMap(first_seconds=float(at[0]) * FRAME_SECONDS, source=frames, silent=silent)


def spoken_map(voice: Voice, phrase: Phrase) -> FrameMap:
    """The syllables at the pace they were spoken in, from the first note on."""
    first, _, end = voice.syllable(phrase.syllables[0])
    for number in phrase.syllables[1:]:
        _, _, later = voice.syllable(number)
        end = max(end, later)
    source = np.arange(first, end, dtype=float)
    silent = np.zeros(len(source), bool)
    return FrameMap(first_seconds=phrase.notes[0].start, source=source, silent=silent)


def _syllables(voice: Voice, phrase: Phrase) -> list[_Syllable]:
    """One for each run of notes on the same syllable."""
    sung = []
    for number, run in groupby(zip(phrase.syllables, phrase.notes, strict=True), key=lambda pair: pair[0]):
        notes = [note for _, note in run]
        first, middle, last = voice.syllable(number)
        hold = min(_HOLD, middle - first, last - middle - 1)
        while hold and not voice.voiced[middle - hold : middle + hold + 1].all():
            hold -= 1  # a frame of noise would become a long one
        start, end = notes[0].start / FRAME_SECONDS, notes[-1].end / FRAME_SECONDS
        sung.append(_Syllable(start, end, first, middle - hold, middle + hold, last))
    return sung
