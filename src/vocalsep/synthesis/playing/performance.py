"""The parts of a band, played."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.chord_patterns import PATTERNS, play_part
from vocalsep.synthesis.composition.drum_patterns import KICK, play_drums
from vocalsep.synthesis.composition.form import Form
from vocalsep.synthesis.composition.melody import Pace, Range, draw_melody
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.draw import pick, stream
from vocalsep.synthesis.mixing.dynamics import ducking_gain
from vocalsep.synthesis.playing.band import Part
from vocalsep.synthesis.playing.drum_machine import play_drum_machine
from vocalsep.synthesis.playing.midi import MidiPart, render_parts
from vocalsep.synthesis.playing.pitch_bends import draw_bends
from vocalsep.synthesis.playing.synthesiser import play_synthesiser
from vocalsep.synthesis.waveform import Samples

_LEAD_REACH = 9.0


def play_band(
    seed: Sequence[int],
    form: Form,
    parts: Sequence[Part],
    sung: Sequence[Note],
    n_samples: int,
    soundfonts: Mapping[str, Path],
    folder: Path,
) -> list[Samples]:
    """Play the parts of a song.

    Args:
        seed: seed of the song.
        form: form of the song.
        parts: who plays what.
        sung: the notes of the lead singer, for those who play them too.
        n_samples: length of the results.
        soundfonts: file name to path.
        folder: for temporary files.

    Returns:
        For each part float32 ``(channel, sample)``, as its instrument sounds.

    Raises:
        MissingToolError: FluidSynth fails.
    """
    rngs = [stream(*seed, "part", number) for number in range(len(parts))]
    notes = [_notes(rng, form, part, sung) for rng, part in zip(rngs, parts, strict=True)]
    played: dict[int, Samples] = {}
    by_soundfont: dict[str, list[int]] = defaultdict(list)
    scores: dict[int, MidiPart] = {}
    for number, (rng, part) in enumerate(zip(rngs, parts, strict=True)):
        bends = draw_bends(rng, notes[number]) if part.pattern not in PATTERNS and not part.drums else []
        if not notes[number]:
            played[number] = np.zeros((2, n_samples), np.float32)
        elif part.soundfont is not None:
            scores[number] = MidiPart(
                program=part.program, is_drums=part.drums is not None, notes=notes[number], bends=bends
            )
            by_soundfont[part.soundfont].append(number)
        elif part.patch:
            played[number] = play_synthesiser(rng, part.patch, notes[number], n_samples, bends)
        else:
            played[number] = play_drum_machine(rng, notes[number], n_samples)
    for name, numbers in by_soundfont.items():
        sounds = render_parts(soundfonts[name], [scores[number] for number in numbers], n_samples, folder)
        played.update(zip(numbers, sounds, strict=True))
    kicks = [
        note.start
        for part, own in zip(parts, notes, strict=True)
        if part.drums
        for note in own
        if note.pitch == KICK
    ]
    return [_ducked(played[number], part.ducking_db, kicks) for number, part in enumerate(parts)]


def _ducked(sound: Samples, depth_db: float, kicks: Sequence[float]) -> Samples:
    """The sound of a part, pushed down by each kick."""
    return sound * ducking_gain(kicks, depth_db, sound.shape[1]) if depth_db and kicks else sound


def _notes(rng: Generator, form: Form, part: Part, sung: Sequence[Note]) -> list[Note]:
    """What a part plays in all sections of the song that it plays in."""
    if part.pattern == "the singer's melody" and sung:
        octave = 12 * pick(rng, (-1, 0, 0, 1))
        return [
            Note(start=note.start, end=note.end, pitch=note.pitch + octave, velocity=note.velocity)
            for note in sung
        ]
    notes: list[Note] = []
    for section in form.sections:
        if section.kind not in part.sections:
            continue
        if part.drums:
            notes += play_drums(rng, form, section, part.drums)
        elif part.pattern in PATTERNS:
            notes += play_part(rng, form, section, part.pattern, part.lowest)
        else:
            span = Range(centre=part.lowest, reach=_LEAD_REACH)
            pace: Pace = pick(rng, ("slow", "medium", "medium", "fast"))
            for phrase in draw_melody(rng, form, section, span, pace, rest=0.4 if section.has_voice else 0.1):
                notes += phrase
    return notes
