"""One song: drawn, and rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from vocalsep.stem_names import VOCALS
from vocalsep.synthesis.composition.form import Form, draw_form
from vocalsep.synthesis.composition.harmony import Key
from vocalsep.synthesis.composition.instruments import DRUMS
from vocalsep.synthesis.composition.styles import STYLES
from vocalsep.synthesis.draw import chance, pick, stream, uniform
from vocalsep.synthesis.mixing.channel import Strip, through_strip
from vocalsep.synthesis.mixing.master import Master, draw_master, mastered
from vocalsep.synthesis.mixing.reverb import Room, draw_room, impulse_response, reverberated
from vocalsep.synthesis.playing.band import Part, draw_band
from vocalsep.synthesis.playing.performance import play_band
from vocalsep.synthesis.programs import Soundfont
from vocalsep.synthesis.singing.lines import sing_lines
from vocalsep.synthesis.singing.recording import Recording
from vocalsep.synthesis.singing.speech import Speaker
from vocalsep.synthesis.singing.vocal_plan import VocalPlan, draw_vocals
from vocalsep.synthesis.waveform import Samples, active_rms, gain_of, samples_of, total

_INSTRUMENTAL_CHANCE = 0.02
_TAIL_SECONDS = 1.2
_CAST_SIZE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """All that was drawn for a song: it is what ``song.json`` says.

    Attributes:
        seed: seed of the data set.
        index: number of the song in the data set.
        style: one of `styles.STYLES`.
        form: key, tempo, sections and chords.
        vocals: who sings what.
        band: who plays what.
        band_room: room of the band's reverb.
        vocal_room: room of the singers' reverb.
        master: the last steps.
    """

    seed: int
    index: int
    style: str
    form: Form
    vocals: VocalPlan
    band: tuple[Part, ...]
    band_room: Room
    vocal_room: Room
    master: Master

    @property
    def n_samples(self) -> int:
        """Length of the song, with what rings on after its last bar."""
        return samples_of(self.form.seconds + _TAIL_SECONDS)


def draw_song(
    seed: int, index: int, seconds: float, speakers: tuple[Speaker, ...], soundfonts: tuple[Soundfont, ...]
) -> Song:
    """Draw a song of about ``seconds``: the same for the same arguments, whatever else was drawn."""
    rng = stream(seed, index, "form")
    name = pick(rng, list(STYLES))
    style = STYLES[name]
    form = draw_form(
        rng,
        Key(tonic=int(rng.integers(12)), mode=pick(rng, style.modes)),
        round(uniform(rng, *style.tempo), 1),
        pick(rng, style.swing),
        seconds,
        sevenths=style.sevenths,
        instrumental=chance(rng, _INSTRUMENTAL_CHANCE),
    )
    mix = stream(seed, index, "mix")
    return Song(
        seed=seed,
        index=index,
        style=name,
        form=form,
        vocals=draw_vocals(stream(seed, index, "vocals"), form, style, _cast(seed, speakers)),
        band=draw_band(stream(seed, index, "band"), form, style, soundfonts),
        band_room=draw_room(mix, 0.25, 1.6),
        vocal_room=draw_room(mix, 0.4, 2.4),
        master=draw_master(mix),
    )


def render_song(
    song: Song, recordings: Mapping[str, Recording], soundfonts: tuple[Soundfont, ...], folder: Path
) -> dict[str, Samples]:
    """Render the stems of a song.

    Args:
        song: the song to render.
        recordings: recordings of the speakers of its singers, by `Singer.recording`.
        soundfonts: those it was drawn with.
        folder: for temporary files.

    Returns:
        Stem to float32 ``(channel, sample)``; ``vocals`` first.

    Raises:
        MissingToolError: FluidSynth fails.
    """
    seed, n = (song.seed, song.index), song.n_samples
    paths = {soundfont.path.name: soundfont.path for soundfont in soundfonts}
    played = play_band(seed, song.form, song.band, song.vocals.lead_notes, n, paths, folder)
    band = _mixed(stream(*seed, "band room"), song, played)
    sung = sing_lines(seed, song.vocals, recordings, n)
    vocals = _with_room(stream(*seed, "vocal room"), sung, song.vocals.strip, song.vocal_room)
    stems = {VOCALS: vocals * np.float32(_balance(vocals, band, song.vocals.over_band_db)), **band}
    return mastered(stems, song.master, folder)


def _cast(seed: int, speakers: tuple[Speaker, ...]) -> tuple[Speaker, ...]:
    """The speakers of a data set: all that are natural, and some of the hundreds of others.

    With fewer of them, more songs share the work of analysing one.
    """
    natural = tuple(speaker for speaker in speakers if speaker.is_natural)
    others = [speaker for speaker in speakers if not speaker.is_natural]
    chosen = stream(seed, "cast").permutation(len(others))[:_CAST_SIZE]
    return natural + tuple(others[number] for number in chosen)


def _mixed(rng: Generator, song: Song, played: list[Samples]) -> dict[str, Samples]:
    """The stems of the band: its parts through their strips, and one room for all."""
    dry: dict[str, Samples] = {}
    sent: dict[str, Samples] = {}
    for part, sound in zip(song.band, played, strict=True):
        mixed = through_strip(sound, part.strip)
        dry[part.stem] = dry.get(part.stem, np.float32(0)) + mixed
        if part.strip.room_db is not None:
            sent[part.stem] = sent.get(part.stem, np.float32(0)) + mixed * np.float32(gain_of(part.strip.room_db))
    response = impulse_response(rng, song.band_room)
    for stem, send in sent.items():
        dry[stem] = dry[stem] + reverberated(send.mean(axis=0), response)
    return {stem: dry[stem] for stem in sorted(dry, key=lambda stem: (stem != DRUMS, stem))}


def _with_room(rng: Generator, sound: Samples, strip: Strip, room: Room) -> Samples:
    mixed = through_strip(sound, strip)
    if strip.room_db is None:
        return mixed
    send = mixed.mean(axis=0) * np.float32(gain_of(strip.room_db))
    return mixed + reverberated(send, impulse_response(rng, room))


def _balance(vocals: Samples, band: Mapping[str, Samples], over_band_db: float) -> float:
    """The gain that brings the active level of the vocals to ``over_band_db`` of the band's."""
    level = active_rms(vocals)
    return gain_of(over_band_db) * active_rms(total(band.values())) / level if level else 1.0
