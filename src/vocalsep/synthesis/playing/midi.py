"""Notes to sound, by FluidSynth and a General MIDI soundfont."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from vocalsep.errors import DiskFullError, MissingToolError
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.programs import find_program, run_tool
from vocalsep.synthesis.waveform import RATE, Samples, samples_of

FLUIDSYNTH_HINT = "Debian: apt install fluidsynth fluid-soundfont-gm. Homebrew: brew install fluid-synth."

_TICKS_PER_SECOND = 10_000
_DRUM_CHANNEL = 9
_TAIL_SECONDS = 2.0
_BEND_SEMITONES = 2.0  # of General MIDI
_ALL_SOUND_OFF = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class MidiPart:
    """What one instrument plays.

    Attributes:
        program: program of General MIDI, counted from 0; of the drum channel if ``is_drums``.
        is_drums: whether pitches are drums.
        notes: the notes, in any order.
        bends: seconds, and semitones up from there on, at most two.
    """

    program: int
    is_drums: bool
    notes: Sequence[Note]
    bends: Sequence[tuple[float, float]] = ()


def render_parts(soundfont: Path, parts: Sequence[MidiPart], n_samples: int, folder: Path) -> list[Samples]:
    """Let FluidSynth play parts, dry; one run plays them one after the other, as loading takes longest.

    Args:
        soundfont: soundfont to play the parts with.
        parts: parts of a song.
        n_samples: length of each result.
        folder: for temporary files.

    Returns:
        For each part float32 ``(channel, sample)``.

    Raises:
        MissingToolError: FluidSynth is not installed, or fails.
        DiskFullError: no space left for its output.
    """
    program = find_program("fluidsynth", FLUIDSYNTH_HINT)
    window_seconds = n_samples / RATE + _TAIL_SECONDS
    score, raw = folder / "score.mid", folder / "score.raw"
    _write_score(score, parts, window_seconds)
    options = ["-ni", "-q", "-g", "0.4", "-R", "0", "-C", "0", "-r", str(RATE), "-z", "1024"]
    options += ["-o", "synth.dynamic-sample-loading=1", "-O", "float", "-T", "raw", "-F"]
    run_tool([program, *options, raw, soundfont, score])
    played = [_read(raw, samples_of(number * window_seconds), n_samples) for number in range(len(parts))]
    raw.unlink()
    if not any(sound.any() for sound in played):
        raise MissingToolError(
            f"fluidsynth plays nothing with {soundfont}", "Is it a whole General MIDI soundfont?"
        )
    return played


def _read(raw: Path, start: int, n_samples: int) -> Samples:
    """A part of FluidSynth's output ``(channel, sample)``; it says nothing of a full disk itself."""
    frames = np.fromfile(raw, np.float32, 2 * n_samples, offset=start * 2 * 4).reshape(-1, 2)
    if len(frames) < n_samples:
        raise DiskFullError(
            f"fluidsynth could not write all of {raw}", "Free some space, or choose another folder."
        )
    return np.ascontiguousarray(frames.T)


def _write_score(path: Path, parts: Sequence[MidiPart], window_seconds: float) -> None:
    """A MIDI file with the parts one after the other, each in a window of its own."""
    events: list[tuple[int, int, mido.Message]] = []  # the second puts note-offs before note-ons of the same tick
    for number, part in enumerate(parts):
        offset = number * window_seconds
        for seconds, order, message in _messages(part):
            events.append((round((offset + seconds) * _TICKS_PER_SECOND), order, message))
    end = round(len(parts) * window_seconds * _TICKS_PER_SECOND)
    events.append((end, 0, mido.Message("control_change", control=_ALL_SOUND_OFF, value=0)))
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=_TICKS_PER_SECOND)
    file.tracks.append(track)
    file.save(path)


def _messages(part: MidiPart) -> Iterator[tuple[float, int, mido.Message]]:
    channel = _DRUM_CHANNEL if part.is_drums else 0
    yield 0, -3, mido.Message("control_change", channel=channel, control=_ALL_SOUND_OFF, value=0)
    yield 0, -2, mido.Message("program_change", channel=channel, program=part.program)
    yield 0, -1, mido.Message("pitchwheel", channel=channel, pitch=0)
    for seconds, semitones in part.bends:
        wheel = round(min(max(semitones / _BEND_SEMITONES, -1), 1) * 8191)
        yield max(seconds, 0), 1, mido.Message("pitchwheel", channel=channel, pitch=wheel)
    for note, end in _without_overlaps(part.notes):
        key, velocity = int(min(max(note.pitch, 0), 127)), int(min(max(note.velocity * 127, 1), 127))
        yield note.start, 2, mido.Message("note_on", channel=channel, note=key, velocity=velocity)
        yield end, 0, mido.Message("note_off", channel=channel, note=key, velocity=0)


def _without_overlaps(notes: Sequence[Note]) -> Iterator[tuple[Note, float]]:
    """Each note with its end, which comes before the same key is struck again."""
    by_pitch: dict[float, list[Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda note: note.start):
        by_pitch[note.pitch].append(note)
    for same in by_pitch.values():
        for note, following in zip(same, [*same[1:], None], strict=True):
            yield note, note.end if following is None else min(note.end, following.start)
