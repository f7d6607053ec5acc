"""Real clips, where they are: split without a warning, to the sample, summing to the mixture, and separated."""

import json
import subprocess
import sys

import numpy as np
import soundfile
import torch

from vocalsep.evaluation.metrics import sdr

# vocals sdr in dB of the default less that of the mixture taken for the vocals; measured less 1 dB
LEAST_GAIN_DB = 2.0


def test_every_real_clip_splits_without_a_warning(reference_data, tmp_path):
    clips = sorted((reference_data / "eval").glob("*/mixture.flac")) + sorted(
        (reference_data / "eval" / "mixtures").glob("*.mp3")
    )
    assert len(clips) == 10
    command = [sys.executable, "-W", "error", "-m", "vocalsep", "split", *clips, "-o", tmp_path, "--json", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    gains = []
    for clip, line in zip(clips, done.stdout.splitlines(), strict=True):
        facts = json.loads(line)
        stems = {
            stem: soundfile.read(path, dtype="float64", always_2d=True)[0]
            for stem, path in facts["outputs"].items()
        }
        mixture, rate = soundfile.read(clip, dtype="float64", always_2d=True)
        assert rate == facts["sample_rate"]
        assert {samples.shape for samples in stems.values()} == {mixture.shape}
        error = np.abs(stems["vocals"] + stems["accompaniment"] - facts["gain"] * mixture)
        # 16 bits a stem; what decodes an mp3 here is not what decoded it there
        assert error.max() < (1.01 / 32768 if clip.suffix == ".flac" else 4 / 32768)
        reference = clip.parent / "vocals.flac"
        if reference.exists():
            vocals = soundfile.read(reference, always_2d=True)[0]
            length = min(len(vocals), len(mixture))
            truth, estimate, whole = (
                torch.from_numpy(x[:length].T) for x in (vocals, stems["vocals"] / facts["gain"], mixture)
            )
            gains.append(float(sdr(truth, estimate)) - float(sdr(truth, whole)))
    assert len(gains) == 7
    assert np.mean(gains) > LEAST_GAIN_DB
    assert min(gains) > 0.5  # each better than doing nothing
