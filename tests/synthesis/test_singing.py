"""Singers: what is sung has the pitch, the time and the sound that were asked for."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

pyworld = pytest.importorskip("pyworld")
pytest.importorskip("scipy")

from vocalsep.errors import MissingToolError, NoTracksError, UnfitTrackError
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.singing.phrase import Phrase
from vocalsep.synthesis.singing.recording import FRAME_SECONDS, analyse, load_recording, record
from vocalsep.synthesis.singing.render import breathe, sing
from vocalsep.synthesis.singing.singer import another_throat, draw_singer
from vocalsep.synthesis.singing.speech import Speaker, find_speakers, recorded_speakers
from vocalsep.synthesis.singing.voice import make_voice
from vocalsep.synthesis.singing.voice_spectrum import BAND_HZ, to_bands, to_bins, warped

RATE = 44_100
PLAIN = {"vibrato_cents": 0.0, "scoop_chance": 0.0, "jitter_cents": 2.0, "drift_cents": 2.0, "rasp": 0.0}


def vowels(hz=120.0, rate=16_000):
    """Four syllables, each 0.1 s of noise and 0.3 s of a buzz, with pauses between them."""
    time = np.arange(rate // 2) / rate
    buzz = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 40))
    hiss = np.random.default_rng(0).standard_normal(len(time))
    one = np.where(time < 0.1, 0.2 * hiss, np.where(time < 0.4, buzz, 0))
    return np.tile(0.1 * one, 4).astype(np.float32)


@pytest.fixture(scope="module")
def recording():
    return analyse(vowels(), 16_000)


@pytest.fixture(scope="module")
def singer():
    speaker = Speaker(engine="flite", voice="slt", english=True)
    return replace(draw_singer(np.random.default_rng(1), (speaker,)), throat=1.0, mouth=1.0, **PLAIN)


def phrase(*pitches, seconds=0.5, delivery="sung", **options):
    notes = tuple(
        Note(start=1 + seconds * number, end=1 + seconds * (number + 1), pitch=pitch)
        for number, pitch in enumerate(pitches)
    )
    return Phrase(delivery=delivery, notes=notes, syllables=tuple(range(len(notes))), **options)


def tracked(sound, start):
    """Times in the song and pitch in MIDI where there is a voice."""
    padded = np.pad(sound.astype(np.float64), RATE // 10)
    coarse, times = pyworld.dio(padded, RATE, f0_floor=60, f0_ceil=1200)
    hz = pyworld.stonemask(padded, coarse, times, RATE)
    return times[hz > 0] + start - 0.1, 69 + 12 * np.log2(hz[hz > 0] / 440)


def test_analysis_finds_pitch_and_syllables(recording):
    assert recording.pitch_hz == pytest.approx(120, rel=0.01)
    assert len(recording.syllables) == 4
    for number, (first, middle, last) in enumerate(recording.syllables):
        begin = number * 0.5 / FRAME_SECONDS
        assert begin - 10 <= first <= begin + 25
        assert begin + 20 < middle < begin + 80
        assert middle < last <= begin + 90


def test_a_recording_comes_back_from_its_file(recording, tmp_path):
    recording.save(tmp_path / "a.npz")
    back = load_recording(tmp_path / "a.npz")
    assert np.array_equal(back.f0, recording.f0)
    assert np.array_equal(back.syllables, recording.syllables)
    assert np.abs(back.envelope - recording.envelope).max() < 0.02
    assert back.edge_hz == recording.edge_hz


@pytest.mark.parametrize("pitches", [(57, 60, 64, 57), (45, 47, 48, 45), (76, 74, 79, 81)])
def test_the_pitch_is_that_of_the_notes(recording, singer, pitches):
    sung = phrase(*pitches)
    sound, start = sing(make_voice(singer, recording), sung, np.random.default_rng(0))
    times, pitch = tracked(sound, start)
    for note in sung.notes:
        inside = pitch[(times > note.start + 0.15) & (times < note.end - 0.15)]
        assert len(inside) > 20
        assert np.median(inside) == pytest.approx(note.pitch, abs=0.3)


def test_vibrato_is_late_and_as_deep_as_it_is_set(recording, singer):
    singer = replace(singer, vibrato_cents=80.0, vibrato_hz=5.5, vibrato_delay_seconds=0.4, jitter_cents=0.0)
    sound, start = sing(make_voice(singer, recording), phrase(60, seconds=2.5), np.random.default_rng(0))
    times, pitch = tracked(sound, start)
    early, late = (pitch[(times > a) & (times < b)] - 60 for a, b in ((1.1, 1.25), (2.0, 3.0)))
    assert np.ptp(early) < 0.3
    assert 1.0 < np.ptp(late) < 2.2
    crossings = np.count_nonzero(np.diff(np.signbit(late - np.median(late))))
    assert crossings / 2 / 1.0 == pytest.approx(5.8, abs=1)


def test_vowels_begin_on_the_beat_and_consonants_before(recording, singer):
    sung = phrase(60, 62, 64, seconds=0.7)
    sound, start = sing(make_voice(singer, recording), sung, np.random.default_rng(0))
    assert 0.8 < start < 1.0
    assert start + len(sound) / RATE == pytest.approx(sung.notes[-1].end, abs=0.1)
    times, _ = tracked(sound, start)
    for note in sung.notes:
        voiced = times[(times > note.start - 0.1) & (times < note.start + 0.2)]
        assert voiced.min() == pytest.approx(note.start, abs=0.07) or note is not sung.notes[0]
        assert ((times > note.start + 0.1) & (times < note.start + 0.4)).sum() > 50


def test_one_syllable_over_two_notes_has_no_consonant_between(recording, singer):
    sung = replace(phrase(60, 65), syllables=(1, 1))
    sound, start = sing(make_voice(singer, recording), sung, np.random.default_rng(0))
    times, _ = tracked(sound, start)
    assert np.diff(times[(times > 1.1) & (times < 1.8)]).max() < 0.006


def test_a_rest_within_a_phrase_is_silent(recording, singer):
    notes = (Note(start=1.0, end=1.4, pitch=60), Note(start=2.4, end=2.8, pitch=60))
    sung = Phrase(delivery="sung", notes=notes, syllables=(0, 1))
    sound, start = sing(make_voice(singer, recording), sung, np.random.default_rng(0))
    at = lambda a, b: np.sqrt((sound[int((a - start) * RATE) : int((b - start) * RATE)] ** 2).mean())  # noqa: E731
    assert at(1.6, 2.1) < 0.003 * at(1.1, 1.3)


def test_unvoiced_consonants_go_beyond_what_was_recorded(recording, singer):
    """The recording ends at 8 kHz; its hiss goes on in the song up to 16 kHz, falling gently."""
    singer = replace(singer, unvoiced_fall_db=4.0, shaping=0.0, colours=(), sibilance_db=0.0)
    spoken = phrase(60, delivery="spoken")
    sound, start = sing(make_voice(singer, recording), spoken, np.random.default_rng(0))
    hiss = sound[: int(0.08 * RATE)]
    power, hz = np.abs(np.fft.rfft(hiss)) ** 2, np.fft.rfftfreq(len(hiss), 1 / RATE)
    below, above = (power[(hz > a) & (hz < b)].mean() for a, b in ((4000, 6000), (12_000, 16_000)))
    assert -14 < 10 * np.log10(above / below) < 0
    assert start == spoken.notes[0].start


def test_a_longer_throat_has_lower_formants(recording, singer):
    plain = {"shaping": 0.0, "colours": (), "ring_db": 0.0}
    long, short = (
        make_voice(replace(singer, throat=size, mouth=size, **plain), recording).envelope for size in (0.8, 1.25)
    )
    peak = lambda envelope: BAND_HZ[10 + envelope[recording.f0 > 0].mean(axis=0)[10:].argmax()]  # noqa: E731
    assert peak(long) <= peak(short)
    bump = np.exp(-0.5 * ((BAND_HZ - 1000) / 100) ** 2)[None].astype(np.float32)
    assert BAND_HZ[warped(bump, 1.2, 1.2)[0].argmax()] == pytest.approx(1200, rel=0.05)


def test_bands_and_bins_agree():
    line = np.linspace(0, 10, 513)[None]
    bins = to_bins(to_bands(line, RATE))
    assert np.abs(bins[0] - line[0]).max() < 0.05


def test_singing_is_the_same_for_the_same_generator(recording, singer):
    voice, sung = make_voice(replace(singer, rasp=0.5), recording), phrase(60, 62, breath=True)
    first, second, third = (sing(voice, sung, np.random.default_rng(seed))[0] for seed in (4, 4, 5))
    assert np.array_equal(first, second)
    assert len(first) != len(third) or not np.array_equal(first, third)
    assert np.isfinite(first).all()
    assert np.abs(first).max() < 2


def test_a_whisper_has_no_pitch(recording, singer):
    sounds = {}
    for manner in ("clear", "whisper"):
        voice = make_voice(replace(singer, manner=manner), recording)
        sound, _ = sing(voice, phrase(60, 60), np.random.default_rng(4))
        middle = sound[len(sound) // 4 : len(sound) // 2]
        power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
        hz = np.fft.rfftfreq(len(middle), 1 / RATE)
        low = power[(hz > 200) & (hz < 2000)]
        sounds[manner] = low.max() / np.median(low)
    assert sounds["clear"] > 100 * sounds["whisper"]


def test_breaths_are_soft_noise_with_treble():
    for seed in range(10):
        breath = breathe(np.random.default_rng(seed))
        assert 0.1 < len(breath) / RATE < 0.6
        power, hz = np.abs(np.fft.rfft(breath)) ** 2, np.fft.rfftfreq(len(breath), 1 / RATE)
        assert power[hz > 12_000].sum() > 1e-4 * power.sum()
        assert np.sqrt((breath**2).mean()) < 0.011


def test_singers_are_many(singer):
    speakers = (
        Speaker(engine="flite", voice="rms", english=True),
        Speaker(engine="espeak-ng", voice="es+f2", english=False),
    )
    rng = np.random.default_rng(0)
    singers = [draw_singer(rng, speakers) for _ in range(200)]
    assert len({each.manner for each in singers}) == 9
    assert 40 < min(each.centre for each in singers) < 52 < 66 < max(each.centre for each in singers) < 78
    assert 0.3 < np.mean([each.speaker.is_natural for each in singers]) < 0.9
    for each in singers:
        other = another_throat(rng, each)
        assert other.recording == each.recording
        assert 0.79 < other.throat < 1.27


def test_recorded_speakers_sing_half_of_the_songs(tmp_path):
    for name in ("ann", "Bob Ross"):
        soundfile.write(tmp_path / f"{name}.flac", np.zeros(800), 16_000)
    recorded = recorded_speakers(tmp_path)
    assert [speaker.name for speaker in recorded] == ["recording-bob-ross-flac", "recording-ann-flac"]
    read_aloud = (Speaker(engine="espeak-ng", voice="es+f2", english=False),)
    rng = np.random.default_rng(0)
    singers = [draw_singer(rng, read_aloud + recorded) for _ in range(200)]
    assert 0.4 < np.mean([singer.speaker.is_recording for singer in singers]) < 0.6
    assert {singer.take for singer in singers if singer.speaker.is_recording} == {0}
    with pytest.raises(UnfitTrackError, match=r"ann\.flac has no syllables"):
        record(recorded[1], 0)
    with pytest.raises(NoTracksError, match="no recordings of voices"):
        recorded_speakers(tmp_path / "nowhere")


def test_a_recorded_speaker_is_analysed_at_the_rate_of_the_recording(made, tmp_path):
    """A singer of the songs says again what it said: pitch and syllables are found in it."""
    vocals, rate = soundfile.read(made / "song-0000" / "vocals.flac")
    soundfile.write(tmp_path / "singer.flac", vocals[: 8 * rate], rate)
    (speaker,) = recorded_speakers(tmp_path)
    recording = record(speaker, 0)
    assert recording.edge_hz == pytest.approx(0.85 * 12_000)
    assert len(recording.syllables) >= 2
    assert 60 < recording.pitch_hz < 900


def test_a_speaker_says_the_same_each_time(made):
    """Also in another process, as which the songs were made."""
    speakers = {speaker.name: speaker for speaker in find_speakers()}
    cached = sorted((made / ".cache").iterdir())[-1]
    name, _, take = cached.stem.rpartition("-")
    first, second = load_recording(cached), record(speakers[name], int(take))
    assert np.array_equal(first.f0, second.f0)
    assert np.array_equal(first.syllables, second.syllables)
    assert len(first.syllables) > 20


def test_a_voice_that_does_not_work_is_named(tools):
    with pytest.raises(MissingToolError, match="espeak-ng"):
        record(Speaker(engine="espeak-ng", voice="no such voice", english=True), 0)
