import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from vocalsep import Separator
from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

SMALL = {
    "tdf": {"n_fft": 512, "hop_length": 256, "n_bins": 256, "depth": 2, "growth": 4, "sample_rate": 44100},
    "umx": {"n_fft": 512, "hop_length": 256, "hidden_size": 8, "sample_rate": 22050},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Two models that share neither architecture nor rate."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    for name, sizes in SMALL.items():
        model = build_model({"architecture": name, **sizes})
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        write_checkpoint(
            folder / f"{name}.safetensors", Checkpoint(config=config_of(model), state=model.state_dict())
        )
    return folder


def spec(weights, *names):
    """The ensemble of ``umx`` or ``umx:2`` and the like."""
    paths = (name.replace("tdf", f"{weights}/tdf.safetensors") for name in names)
    return "+".join(path.replace("umx", f"{weights}/umx.safetensors") for path in paths)


@pytest.mark.parametrize(("names", "shares"), [(["tdf", "umx"], (0.5, 0.5)), (["tdf:3", "umx"], (0.75, 0.25))])
@pytest.mark.parametrize("rate", [44100, 48000])
def test_stems_are_the_weighted_mean_of_those_of_the_models(weights, tone, names, shares, rate):
    """Whatever the blocks are: the models give theirs in blocks of other lengths than each other's."""
    options = {"device": "cpu", "precision": "fp32", "segment_seconds": 0.7}
    alone = [Separator(spec(weights, name), **options).separate(tone, rate) for name in SMALL]
    ensemble = Separator(spec(weights, *names), **options)
    for step in (1000, 30_000, tone.shape[1]):
        blocks = list(ensemble.stream((tone[:, i : i + step] for i in range(0, tone.shape[1], step)), rate))
        for stem in ("vocals", "accompaniment"):
            together = np.concatenate([block[stem] for block in blocks], axis=1)
            mean = sum(share * stems[stem] for share, stems in zip(shares, alone, strict=True))
            np.testing.assert_allclose(together, mean, atol=1e-6)
            assert np.abs(alone[0][stem] - alone[1][stem]).max() > 0.01


def test_what_it_says_of_itself(weights):
    single = [Separator(spec(weights, name), device="cpu") for name in SMALL]
    ensemble = Separator(spec(weights, "umx:2", "tdf"), device="cpu")
    assert ensemble.model_id == "umx:0.667+tdf:0.333"
    assert ensemble.weights_sha256 == "+".join(one.weights_sha256 for one in single[::-1])
    assert ensemble.device == "cpu"
    assert ensemble.precision == single[0].precision


def test_an_error_of_the_input_arrives_and_no_thread_stays(weights, tone):
    ensemble = Separator(spec(weights, "tdf", "umx"), device="cpu", precision="fp32", segment_seconds=0.7)

    def blocks():
        yield tone
        raise OSError("the disk is gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        list(ensemble.stream(blocks(), 44100))
    stream = ensemble.stream(iter([tone, tone, tone]), 44100)
    next(stream)
    stream.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(("stems", "fits"), [(("drums", "bass"), False), (("drums", "vocals"), True)])
def test_a_model_gives_vocals_or_accompaniment_among_its_stems(tmp_path, tone, stems, fits):
    sizes = {"n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4, "growth": 4, "scales": 2}
    model = build_model({"architecture": "tfc_tdf_v3", "stems": list(stems), **sizes})
    path = tmp_path / "v3.safetensors"
    write_checkpoint(path, Checkpoint(config=config_of(model), state=model.state_dict()))
    if not fits:
        with pytest.raises(OptionError, match="gives drums, bass, neither vocals nor accompaniment"):
            Separator(path)
        return
    separated = Separator(path, device="cpu", precision="fp32").separate(tone, 44100)
    np.testing.assert_allclose(separated["vocals"] + separated["accompaniment"], tone, atol=1e-6)


def test_no_samples_no_stems(weights):
    ensemble = Separator(spec(weights, "tdf", "umx"), device="cpu")
    assert list(ensemble.stream([], 44100)) == []
    assert list(ensemble.stream([np.zeros((2, 0), np.float32)], 44100)) == []


def test_songs_at_once_take_turns_at_all_the_models(weights, tone):
    """One network computes at a time: it has all cores."""
    ensemble = Separator(spec(weights, "tdf", "umx"), device="cpu", segment_seconds=0.5)
    computing, most = [], []

    def enter(model, arguments):
        computing.append(model)
        most.append(len(computing))
        time.sleep(0.01)

    for separation in ensemble._ensemble.separations:
        separation.model.register_forward_pre_hook(enter)
        separation.model.register_forward_hook(lambda model, arguments, estimate: computing.remove(model))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: ensemble.separate(tone, 44100), range(2)))
    assert len(most) >= 16
    assert max(most) == 1
