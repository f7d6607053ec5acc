import numpy as np
import pytest
import soundfile
import torch

from helpers.identity_model import IdentityModel
from vocalsep import Separator
from vocalsep.models.architectures import build_model
from vocalsep.models.run_hints import RunHints
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.level import LevelMeter, SongLevel
from vocalsep.separation.options import SeparationOptions
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

SMALL = {"architecture": "scnet", "n_fft": 256, "hop_length": 64, "widths": [4, 8, 8], "depth": 2}


def song_level(blocks):
    meter = LevelMeter()
    for block in blocks:
        meter.hear(block)
    return meter.level


def test_the_level_is_that_of_the_mono_mix_however_it_comes():
    song = 3 + torch.randn(2, 10_000)
    mono = song.mean(dim=0)
    level = song_level(song.split(333, dim=1))
    assert (level.mean, level.deviation) == pytest.approx((mono.mean().item(), mono.std().item()), rel=1e-5)


def test_silence_and_a_single_sample_are_left_as_they_are():
    assert song_level([torch.zeros(2, 100)]) == SongLevel()
    assert song_level([]) == SongLevel()
    assert song_level([torch.tensor([[0.5]])]) == SongLevel(mean=0.5)


def test_what_was_normalised_comes_back():
    level, song = SongLevel(mean=0.1, deviation=0.02), torch.randn(2, 50)
    torch.testing.assert_close(level.undo(level.normalise(song)), song)


class Listener(IdentityModel):
    """Keeps what it was given."""

    hints = RunHints(normalises_song=True)

    def forward(self, waveform):
        self.heard = [*getattr(self, "heard", []), *waveform.clone()]
        return super().forward(waveform)


def heard(song, level, block=1000, batch=1):
    options = SeparationOptions(segment_seconds=1, overlap=0, batch_size=batch, threads=1)
    model = Listener(sample_rate=1000)
    out = torch.cat(list(SegmentedSeparation(model, options)(song.split(block, dim=1), level)), dim=-1)
    torch.testing.assert_close(out[0], song, rtol=1e-4, atol=1e-5)
    return model.heard


def test_a_model_hears_the_song_at_the_given_level():
    song, level = torch.randn(2, 3000), SongLevel(mean=0.5, deviation=4)
    for segment, part in zip(heard(song, level), song.split(1000, dim=1), strict=True):
        torch.testing.assert_close(segment, (part - 0.5) / 4)


@pytest.mark.parametrize(("block", "batch"), [(1000, 1), (17, 1), (3500, 2)])
def test_without_a_level_a_segment_has_that_of_all_up_to_its_end(block, batch):
    song = torch.randn(2, 3500) * torch.linspace(0.1, 3, 3500)
    ends = [1000, 2000, 3000, 3500]
    for segment, end in zip(heard(song, None, block, batch), ends, strict=True):
        mono = song[:, :end].mean(dim=0)
        torch.testing.assert_close(
            segment, (song[:, end - 1000 : end] - mono.mean()) / mono.std(), rtol=1e-3, atol=1e-4
        )


def test_a_model_that_does_not_normalise_hears_the_song_as_it_is():
    song = torch.randn(2, 1000)
    model = Listener(sample_rate=1000)
    model.hints = RunHints()
    list(SegmentedSeparation(model, SeparationOptions(threads=1))([song], SongLevel(mean=1, deviation=2)))
    assert torch.equal(model.heard[0], song)


@pytest.fixture
def scnet(tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "scnet.safetensors"
    write_checkpoint(path, Checkpoint(config=SMALL, state=build_model(SMALL).state_dict()))
    return Separator(path, device="cpu", precision="fp32", segment_seconds=0.5, threads=1)


def test_a_file_and_an_array_are_split_at_the_level_of_the_whole_song(scnet, tmp_path):
    """A louder copy gives louder stems and nothing else, which of a stream's first segment holds too."""
    rng = np.random.default_rng(3)
    song = (rng.standard_normal((2, 66_150)) * np.linspace(0.01, 0.1, 66_150)).astype(np.float32)
    stems, louder = scnet.separate(song, 44100), scnet.separate(4 * song, 44100)
    np.testing.assert_allclose(louder["vocals"], 4 * stems["vocals"], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], song, atol=1e-6)
    soundfile.write(tmp_path / "song.wav", song.T, 44100, subtype="FLOAT")
    result = scnet.separate_file(tmp_path / "song.wav", tmp_path / "out")
    written, _ = soundfile.read(result.outputs["vocals"], dtype="float32")
    np.testing.assert_allclose(written.T, stems["vocals"], atol=1e-5)
    streamed = np.concatenate([stem["vocals"] for stem in scnet.stream([song], 44100)], axis=1)
    assert np.abs(streamed - stems["vocals"]).max() > 1e-4  # its first half is quieter than the whole
