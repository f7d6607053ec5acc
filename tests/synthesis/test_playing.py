"""Instruments: FluidSynth, our own synthesiser and drum machine play the notes they are given."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mido")
pytest.importorskip("scipy")

from vocalsep.synthesis.composition.drum_patterns import HAT, KICK, SNARE
from vocalsep.synthesis.composition.notes import Note, hertz
from vocalsep.synthesis.playing.drum_machine import play_drum_machine
from vocalsep.synthesis.playing.midi import MidiPart, render_parts
from vocalsep.synthesis.playing.pitch_bends import draw_bends
from vocalsep.synthesis.playing.synthesiser import draw_patch, play_synthesiser

RATE = 44_100


def note(start, end, pitch, velocity=0.8):
    return Note(start=start, end=end, pitch=pitch, velocity=velocity)


def level(samples, start, end):
    return float(np.sqrt((samples[:, int(start * RATE) : int(end * RATE)] ** 2).mean()))


def strongest_hz(samples, start, end):
    part = samples[:, int(start * RATE) : int(end * RATE)].mean(axis=0)
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 2**17))
    return spectrum.argmax() * RATE / 2**17


def test_fluidsynth_plays_each_part_in_its_own_time(tools, tmp_path):
    flute = MidiPart(program=73, is_drums=False, notes=[note(0.5, 1.0, 72), note(1.5, 2.0, 76)])
    drums = MidiPart(program=0, is_drums=True, notes=[note(0.25, 0.4, SNARE)])
    bent = MidiPart(program=80, is_drums=False, notes=[note(0.5, 2.0, 69)], bends=[(0.5, 0.0), (1.2, 2.0)])
    n = 5 * RATE // 2
    first, second, third = render_parts(tools[0].path, [flute, drums, bent], n, tmp_path)
    assert {sound.shape for sound in (first, second, third)} == {(2, n)}
    assert level(first, 0, 0.48) < 1e-4 < 1e-2 < level(first, 0.6, 1.0)
    assert strongest_hz(first, 0.6, 0.95) == pytest.approx(hertz(72), rel=0.02)
    assert strongest_hz(first, 1.6, 1.95) == pytest.approx(hertz(76), rel=0.02)
    assert level(second, 0, 0.24) < 1e-4 < 1e-3 < level(second, 0.26, 0.35)
    for start, end, pitch in ((0.6, 1.1, 69), (1.4, 1.9, 71)):
        multiple = strongest_hz(third, start, end) / hertz(pitch)
        assert multiple == pytest.approx(round(multiple), rel=0.01)
    assert not list(tmp_path.glob("*.raw"))


@pytest.mark.parametrize("wave", ["saw", "square", "pulse", "triangle", "organ", "bell", "fm"])
def test_the_synthesiser_plays_in_tune_and_does_not_alias(wave):
    patch = replace(
        draw_patch(np.random.default_rng(0), lead=True),
        wave=wave,
        bright_hz=12_000,
        release_seconds=0.1,
        voices=1,
        modulation=1,
        ratio=2,
    )
    pitch = 88  # 1319 Hz, so that whatever folds back lies between the harmonics
    sound = play_synthesiser(np.random.default_rng(0), patch, [note(0.1, 1.2, pitch)], 2 * RATE)
    assert strongest_hz(sound, 0.2, 1.1) == pytest.approx(hertz(pitch), rel=1e-3)
    assert level(sound, 0, 0.099) == 0
    assert level(sound, 1.4, 2.0) < 1e-4
    part = sound[0, RATE // 4 : RATE] * np.hanning(RATE - RATE // 4)
    power, hz = np.abs(np.fft.rfft(part)) ** 2, np.fft.rfftfreq(len(part), 1 / RATE)
    distance = np.abs(hz / hertz(pitch) - np.round(hz / hertz(pitch)))
    assert power[distance > 0.1].sum() < 1e-5 * power.sum()


def test_the_synthesiser_follows_bends():
    patch = draw_patch(np.random.default_rng(3), lead=True)
    bends = [(0.0, 0.0), (0.5, 0.0), (0.6, -12.0), (2.0, -12.0)]
    sound = play_synthesiser(np.random.default_rng(0), patch, [note(0, 1.2, 81)], 2 * RATE, bends)
    up, down = strongest_hz(sound, 0.1, 0.5), strongest_hz(sound, 0.7, 1.1)
    assert up / down == pytest.approx(2, rel=0.03)


def test_bends_stay_within_what_midi_has():
    notes = [note(0, 1, 60), note(1, 2.5, 64)]
    for seed in range(20):
        bends = draw_bends(np.random.default_rng(seed), notes)
        assert [seconds for seconds, _ in bends] == sorted(seconds for seconds, _ in bends)
        assert all(abs(semitones) <= 2.5 for _, semitones in bends)
    assert draw_bends(np.random.default_rng(0), []) == []


def test_the_drum_machine_hits_when_it_should():
    hits = [note(0.1, 0.2, KICK), note(1.0, 1.1, HAT, 0.4), note(2.0, 2.1, SNARE), note(2.9, 3.0, 99)]
    sound = play_drum_machine(np.random.default_rng(0), hits, 3 * RATE)
    for hit in hits[:3]:
        assert level(sound, hit.start, hit.start + 0.05) > 3 * level(sound, hit.start - 0.05, hit.start)
    assert strongest_hz(sound, 0.2, 0.6) < 80
    assert strongest_hz(sound, 1.0, 1.1) > 3000
    assert np.isfinite(sound).all()
