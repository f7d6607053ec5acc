"""Keys, forms, melodies, parts and lyrics: what is drawn fits together."""

import itertools

import numpy as np
import pytest

pytest.importorskip("scipy")

from vocalsep.synthesis.composition.chord_patterns import PATTERNS, play_part
from vocalsep.synthesis.composition.drum_patterns import GROOVES, draw_drum_part, play_drums
from vocalsep.synthesis.composition.form import draw_form
from vocalsep.synthesis.composition.harmony import Key, draw_progression
from vocalsep.synthesis.composition.instruments import INSTRUMENTS, LEADS
from vocalsep.synthesis.composition.melody import Range, draw_melody, harmonised
from vocalsep.synthesis.composition.styles import STYLES
from vocalsep.synthesis.singing.lyrics import verse

CHOIRS_AND_VOICES = {52, 53, 54, 85, 91}


def form(seed=0, *, seconds=60.0, tempo=100.0, swing=0.0, mode="major"):
    key = Key(tonic=3, mode=mode)
    return draw_form(np.random.default_rng(seed), key, tempo, swing, seconds, sevenths=0.5, instrumental=False)


def test_the_scale_of_a_key():
    key = Key(tonic=9, mode="harmonic minor")
    assert [key.pitch(step) % 12 for step in range(7)] == [9, 11, 0, 2, 4, 5, 8]
    assert key.pitch(7) - key.pitch(0) == 12
    for step in range(20, 60):
        assert key.step(key.pitch(step)) == step
        assert key.step(key.pitch(step) + 0.4) == step


@pytest.mark.parametrize("mode", ["major", "minor", "dorian", "mixolydian", "harmonic minor"])
def test_chords_are_of_the_key(mode):
    key = Key(tonic=5, mode=mode)
    scale = {key.pitch(step) % 12 for step in range(7)}
    for seed in range(20):
        for chord in draw_progression(np.random.default_rng(seed), key, sevenths=0.5, bars_per_chord=1):
            assert set(chord.tones) <= scale
            assert chord.tones[0] == chord.root
            assert chord.near(60) == sorted(chord.near(60))
            assert all(60 <= pitch < 72 and pitch % 12 in chord.tones for pitch in chord.near(60))


def test_the_blues_has_twelve_bars():
    chords = draw_progression(np.random.default_rng(0), Key(tonic=0, mode="blues"), sevenths=1, bars_per_chord=1)
    assert [chord.root for chord in chords] == [0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7]
    assert chords[0].tones == (0, 4, 7, 10)


@pytest.mark.parametrize("seconds", [4, 8, 30, 180])
def test_sections_follow_each_other_without_gaps(seconds):
    for seed in range(30):
        song = form(seed, seconds=seconds)
        bars = [section.first_bar for section in song.sections]
        assert bars == list(np.cumsum([0, *(section.n_bars for section in song.sections)])[:-1])
        assert all(len(section.chords) == section.n_bars > 0 for section in song.sections)
        assert abs(song.seconds - seconds) <= max(1.3, 2 * song.bar_seconds - seconds)
        assert any(section.has_voice for section in song.sections)
        last = song.sections[-1]
        assert song.chord_at(song.seconds + 1) == last.chords[-1]
        assert song.chord_at(last.first_bar * song.bar_seconds) == last.chords[0]


def test_swing_moves_the_offbeats_alone():
    straight, swung = form(), form(swing=0.16)
    for beat in range(8):
        assert swung.time(beat) == pytest.approx(straight.time(beat))
        assert swung.time(beat + 0.5) == pytest.approx(straight.time(beat + 0.66))
    times = [swung.time(beat) for beat in np.arange(0, 8, 0.05)]
    assert times == sorted(times)


def test_melodies_are_in_key_in_range_and_in_their_section():
    for seed in range(40):
        song, rng = form(seed, mode="minor"), np.random.default_rng(seed)
        scale = {song.key.pitch(step) % 12 for step in range(7)}
        for section in song.sections:
            phrases = draw_melody(rng, song, section, Range(centre=60, reach=8), "medium", rest=0.1)
            notes = [note for phrase in phrases for note in phrase]
            assert notes
            assert {note.pitch % 12 for note in notes} <= scale
            assert all(abs(note.pitch - 60) <= 8 + 4 for note in notes)
            assert all(first.end <= second.start + 1e-3 for first, second in itertools.pairwise(notes))
            begin = section.first_bar * song.bar_seconds
            assert begin - 1e-3 <= notes[0].start
            assert notes[-1].end <= begin + section.n_bars * song.bar_seconds + 1e-3
            for phrase in phrases:
                tones = song.chord_at(phrase[-1].start).tones
                assert phrase[-1].pitch % 12 in tones, "phrases end on the chord"


def test_a_harmony_stays_in_the_key():
    song = form()
    melody = draw_melody(np.random.default_rng(0), song, song.sections[1], Range(centre=60, reach=8), "slow", 0)[0]
    above = harmonised(song, melody, 2)
    assert [(note.start, note.end) for note in above] == [(note.start, note.end) for note in melody]
    assert {high.pitch - low.pitch for low, high in zip(melody, above, strict=True)} <= {3, 4}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_parts_play_the_chord_of_each_bar(pattern):
    song = form(seconds=30)
    section = max(song.sections, key=lambda each: each.n_bars)
    notes = play_part(np.random.default_rng(1), song, section, pattern, 52)
    begin = section.first_bar * song.bar_seconds
    assert all(begin <= note.start < note.end for note in notes)
    if pattern not in ("offbeats", "chops"):
        assert notes[0].start < begin + 0.05, "the first beat is always played"
    for bar, chord in enumerate(section.chords):
        start = begin + bar * song.bar_seconds
        own = [note for note in notes if start <= note.start < start + song.bar_seconds]
        if own and "riff" not in pattern and "walking" not in pattern and "funk" not in pattern:
            fifth = {(chord.root + 7) % 12, (chord.root + 5) % 12}
            assert {note.pitch % 12 for note in own} <= set(chord.tones) | fifth


@pytest.mark.parametrize("groove", GROOVES)
def test_drums_are_on_the_grid(groove):
    song = form(seconds=30)
    section = max(song.sections, key=lambda each: each.n_bars)
    part = draw_drum_part(np.random.default_rng(2), (groove,), machine=True)
    notes = play_drums(np.random.default_rng(2), song, section, part)
    sixteenths = np.array([note.start for note in notes]) / song.beat_seconds * 4
    on_grid = np.abs(sixteenths - np.round(sixteenths)) < 1e-6
    thirds = np.abs(3 * sixteenths - np.round(3 * sixteenths)) < 1e-5
    assert (on_grid | thirds).all()
    assert on_grid.mean() > 0.8


def test_styles_name_what_there_is():
    for style in STYLES.values():
        for name, pattern in (*style.parts, *style.bass):
            assert name in INSTRUMENTS
            assert pattern in PATTERNS
        assert set(style.grooves) <= set(GROOVES)


def test_no_instrument_is_a_voice():
    played = {program for instrument in INSTRUMENTS.values() for program in instrument.programs} | set(LEADS)
    assert not played & CHOIRS_AND_VOICES


@pytest.mark.parametrize("english", [True, False])
def test_lyrics_are_lines_of_plain_words(english):
    for seed in range(50):
        lines = verse(np.random.default_rng(seed), 9, english=english).splitlines()
        assert len(lines) == 9
        assert all(line.endswith(".") and len(line) > 3 for line in lines)
        assert set("".join(lines).lower()) <= set("abcdefghijklmnopqrstuvwxyz ,'.")
