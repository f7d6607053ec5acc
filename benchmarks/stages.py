"""Where the time of a ``vocalsep split`` goes: each stage alone, one after the other, beside the whole process.

    python benchmarks/stages.py                         # a 3-minute mp3, the default model
    python benchmarks/stages.py --format wav --rate 48000 --model tdf

The stages are timed in one process, each over the whole song: what `split` does side by side (it writes while it
computes) is one after the other here, so that they may add up to more than the whole process takes. "Network" is
what is left of the engine's time without transforms and overlap-add.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.measure import measure
from common.report import print_machine, print_table
from whole_process import write_song

seconds: dict[str, float] = {}


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Note how long the block takes."""
    began = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - began


def run_here(model: str, song: Path, out: Path) -> None:
    """Print the seconds of each stage as JSON."""
    with timed("imports"):
        import torch

        from vocalsep.api import Separator
        from vocalsep.audio.formats import OutputFormat
        from vocalsep.audio.reader import open_audio
        from vocalsep.audio.resample import resample_blocks
        from vocalsep.audio.stem_files import StemFiles
        from vocalsep.audio.tags import read_tags
        from vocalsep.separation.ensemble import Ensemble
        from vocalsep.separation.lanes import Lanes
        from vocalsep.separation.options import SeparationOptions
        from vocalsep.separation.overlap_add import OverlapMean, cut
        from vocalsep.weights.ensemble_spec import parse_ensemble
    assert Separator  # what the command imports
    with timed("weights"):
        (separation,) = Ensemble(parse_ensemble(model), SeparationOptions(device="cpu")).separations
    network, rate = separation.model, separation.model.config.sample_rate
    with timed("decode"), open_audio(song) as audio:
        read = list(audio.blocks())
    with timed("resample"):
        blocks = [torch.from_numpy(block) for block in resample_blocks(read, audio.info.sample_rate, rate)]
    with timed("engine"):
        estimates = torch.cat(list(separation(blocks)), dim=-1)
    stride = round(separation.segment * (1 - network.hints.overlap))
    segments = list(cut(blocks, separation.segment, stride))
    lanes = Lanes(torch.get_num_threads())
    with timed("STFT"), torch.inference_mode():
        spectrograms = lanes.map(network.codec.transform, [samples for _, samples in segments])
    with timed("inverse STFT"), torch.inference_mode():
        lanes.map(lambda spectrogram: network.codec.invert(spectrogram, separation.segment), spectrograms)
    with timed("overlap-add"):
        mean = OverlapMean()
        for start, samples in segments:
            mean.pop_until(start)
            mean.add(start, samples[None])
    seconds["network"] = seconds.pop("engine") - sum(map(seconds.get, ("STFT", "inverse STFT", "overlap-add")))
    with timed("encode and write"):
        stems = estimates[0].numpy(), torch.cat(blocks, dim=-1).numpy() - estimates[0].numpy()
        targets = {name: out / f"{name}.wav" for name in ("vocals", "accompaniment")}
        settings = {"sample_rate": rate, "channels": 2, "format": OutputFormat(), "tags": read_tags(song)}
        with StemFiles(targets, **settings) as files:
            files.write(dict(zip(targets, stems, strict=True)))
            files.commit()
    print(json.dumps(seconds))


def rows(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """One row for each stage, and one for the whole process."""
    song = folder / f"song.{options.format}"
    write_song(song, options.seconds, options.rate)
    here = [sys.executable, __file__, "--here", str(song), "--model", options.model]
    split = [sys.executable, "-m", "vocalsep", "split", str(song), "-m", options.model, "-d", "cpu", "--overwrite"]
    runs, whole, start = [], [], []
    for _ in range(options.runs):
        runs.append(json.loads(measure(*here).stdout))
        whole.append(measure(*split, "-o", str(folder), "--quiet").seconds)
        start.append(measure(sys.executable, "-c", "pass").seconds)
    stages = {"interpreter": statistics.median(start)}
    stages |= {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
    total = statistics.median(whole)
    for stage, took in [*stages.items(), ("sum", sum(stages.values())), ("whole process", total)]:
        yield [stage, f"{took:.2f}", f"{100 * took / total:.0f} %"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="compact-v6")
    parser.add_argument("--seconds", type=int, default=180, help="of the song")
    parser.add_argument("--format", choices=("mp3", "flac", "wav"), default="mp3", help="of the song")
    parser.add_argument("--rate", type=int, default=44_100, help="of the song, in Hz")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--here", type=Path, help="time the stages of this song in this process")
    options = parser.parse_args()
    if options.here:
        run_here(options.model, options.here, options.here.parent)
        return
    with tempfile.TemporaryDirectory() as folder:
        print_table(["stage", "seconds", "of the whole"], rows(options, Path(folder)))
    print_machine(f"{options.seconds} s of {options.format}, {options.model}; median of {options.runs} runs.")


if __name__ == "__main__":
    main()
