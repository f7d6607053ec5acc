"""Speakers: of the speech synthesisers that are installed (flite, espeak-ng and festival), and in recordings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from vocalsep.audio.excerpt import audio_files, extent_of, read_excerpt
from vocalsep.errors import MissingToolError, NoTracksError
from vocalsep.synthesis.programs import run_tool
from vocalsep.synthesis.waveform import Sound

LEAST_ENGINES = 2
_RECORDING = "recording"

# Only voices whose licences let the sound be used for anything. flite's `kal` is kal16 at 8 kHz.
_FLITE_VOICES = ("slt", "rms", "awb", "kal16")
_FESTIVAL_VOICES = (
    "kal_diphone",
    "ked_diphone",
    "cmu_us_slt_arctic_hts",
    "cmu_us_awb_arctic_clunits",
    "cmu_us_bdl_arctic_clunits",
    "cmu_us_clb_arctic_clunits",
    "cmu_us_jmk_arctic_clunits",
    "cmu_us_rms_arctic_clunits",
)
_FESTIVAL_VOICES_NOT_ENGLISH = ("upc_ca_ona_hts", "suo_fi_lj_diphone", "hy_fi_mv_diphone", "msu_ru_nsh_clunits")
_ESPEAK_LANGUAGES = (
    *("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "es", "es-419", "it", "fr-fr", "de", "pt", "pt-br", "nl"),
    *("pl", "sv", "nb", "da", "fi", "cs", "ro", "hu", "tr", "id", "sw", "eo", "la", "hr", "sk", "et", "lv", "ca"),
)
_ESPEAK_VARIANTS = (
    *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5"),
    *("Alicia", "Andrea", "Annie", "anika", "belinda", "linda", "shelby", "steph", "steph2", "grandma"),
    *("adam", "antonio", "benjamin", "david", "edward", "john", "marcelo", "max", "miguel", "paul", "sandro"),
)
_SLOWER = 1.35  # than they speak by themselves: vowels get longer than consonants do


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A voice of a speech synthesiser, or one that was recorded.

    Attributes:
        engine: ``flite``, ``espeak-ng`` or ``festival``, or ``recording`` for a recorded speaker.
        voice: as the engine names it; of a recording, its file.
        english: whether it reads English; if not, it is given words that mean nothing.
    """

    engine: str
    voice: str
    english: bool

    @property
    def name(self) -> str:
        """Engine and voice, fit for a file name."""
        voice = Path(self.voice).name if self.is_recording else self.voice
        return f"{self.engine}-{re.sub('[^a-z0-9]+', '-', voice.lower())}"

    @property
    def is_recording(self) -> bool:
        """Whether it says what it said, and reads nothing."""
        return self.engine == _RECORDING

    @property
    def is_natural(self) -> bool:
        """Whether the voice was made of recordings of a human."""
        return self.engine != "espeak-ng"


def find_speakers() -> tuple[Speaker, ...]:
    """The speakers of all engines that are installed.

    Raises:
        MissingToolError: fewer than two engines are.
    """
    missing, speakers = [], []
    for engine, (program, _, find) in _ENGINES.items():
        found = find() if shutil.which(program) else []
        speakers += found
        if not found:
            missing.append(engine)
    if len(_ENGINES) - len(missing) < LEAST_ENGINES:
        raise MissingToolError(
            f"singing needs two kinds of speech synthesiser, and {' and '.join(missing)} are not there",
            "Debian: apt install flite espeak-ng festival festvox-us-slt-hts. Homebrew: flite espeak-ng.",
        )
    return tuple(speakers)


def recorded_speakers(folder: Path) -> tuple[Speaker, ...]:
    """One speaker for each audio file right in a folder.

    Raises:
        NoTracksError: there is no such folder, or no audio file in it.
    """
    files = audio_files(folder) if folder.is_dir() else []
    if not files:
        raise NoTracksError(f"no recordings of voices in {folder}", "Put wav, flac, ogg, opus or mp3 files there.")
    return tuple(Speaker(engine=_RECORDING, voice=str(file.absolute()), english=True) for file in files)


def speak(speaker: Speaker, text: str, folder: Path) -> tuple[Sound, int]:
    """Let a speaker read ``text``; one that was recorded says what it said.

    Args:
        speaker: who.
        text: lines, each a sentence.
        folder: for temporary files.

    Returns:
        float32 ``(sample,)``, and its rate in Hz.

    Raises:
        MissingToolError: the engine fails.
        InputError: the recording is gone or damaged.
    """
    if speaker.is_recording:
        file = Path(speaker.voice)
        extent = extent_of(file)
        return read_excerpt(file, 0, extent.n_samples).mean(axis=0), extent.sample_rate
    wav, script = folder / "speech.wav", folder / "speech.txt"
    script.write_text(text, encoding="utf-8")
    _, say, _ = _ENGINES[speaker.engine]
    say(speaker.voice, script, wav)
    samples, rate = soundfile.read(wav, dtype="float32")
    return np.asarray(samples, np.float32), int(rate)


def _say_flite(voice: str, script: Path, wav: Path) -> None:
    run_tool(["flite", "-voice", voice, "--setf", f"duration_stretch={_SLOWER}", "-f", script, "-o", wav])


def _say_espeak(voice: str, script: Path, wav: Path) -> None:
    words_a_minute = round(165 / _SLOWER)
    run_tool(["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-f", script, "-w", wav])


def _say_festival(voice: str, script: Path, wav: Path) -> None:
    setup = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {_SLOWER}))"
    run_tool(["text2wave", "-eval", setup, script, "-o", wav])


def _flite_speakers() -> list[Speaker]:
    listed = run_tool(["flite", "-lv"]).decode().split()
    return [Speaker(engine="flite", voice=voice, english=True) for voice in _FLITE_VOICES if voice in listed]


def _espeak_speakers() -> list[Speaker]:
    """Languages by variants: a variant is a throat, a language an accent."""
    languages = run_tool(["espeak-ng", "--voices"]).decode().split()
    variants = run_tool(["espeak-ng", "--voices=variant"]).decode().split()
    return [
        Speaker(engine="espeak-ng", voice=f"{language}+{variant}", english=language.startswith("en"))
        for language in _ESPEAK_LANGUAGES
        if language in languages
        for variant in _ESPEAK_VARIANTS
        if f"!v/{variant}" in variants
    ]


def _festival_speakers() -> list[Speaker]:
    listed = re.findall(r"\w+", run_tool(["festival", "--batch", "(print (voice.list))"]).decode())
    return [
        Speaker(engine="festival", voice=voice, english=voice in _FESTIVAL_VOICES)
        for voice in (*_FESTIVAL_VOICES, *_FESTIVAL_VOICES_NOT_ENGLISH)
        if voice in listed
    ]


_Engine = tuple[str, Callable[[str, Path, Path], None], Callable[[], "list[Speaker]"]]
_ENGINES: dict[str, _Engine] = {
    "flite": ("flite", _say_flite, _flite_speakers),
    "espeak-ng": ("espeak-ng", _say_espeak, _espeak_speakers),
    "festival": ("text2wave", _say_festival, _festival_speakers),
}
