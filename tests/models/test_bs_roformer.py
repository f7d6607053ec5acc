import json

import pytest
import torch
from safetensors.torch import load_file

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.weights.checkpoint import Checkpoint, build_from

BANDS = [*[2] * 16, *[4] * 8, *[12] * 8, *[24] * 3, 25]
REFERENCE = {
    "architecture": "bs_roformer", "n_fft": 512, "hop_length": 128, "band_bins": BANDS, "width": 32, "depth": 2,
    "n_heads": 2, "head_width": 16,
}  # fmt: skip
SMALL = {**REFERENCE, "n_fft": 64, "hop_length": 16, "band_bins": [1, 2, 10, 20], "width": 16, "head_width": 8}


def small(**fields):
    torch.manual_seed(1)
    return build_model({**SMALL, **fields})


def masks_of(model, spectrogram):
    return model.codec.masks(model.network(model.codec.encode(spectrogram)), spectrogram)


def test_reproduces_the_public_network(reference_data):
    tensors = load_file(reference_data / "reference" / "bs_roformer_small.safetensors")
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    model = build_from(Checkpoint(config=REFERENCE, state=state), "the reference")
    with torch.inference_mode():
        output = model(tensors["waveform"])
    assert output.shape == tensors["output_waveform"].shape
    assert (output - tensors["output_waveform"]).norm() / tensors["output_waveform"].norm() < 1e-5


def test_public_checkpoints_have_these_keys_and_shapes(reference_data):
    index = json.loads((reference_data / "reference" / "index.json").read_text())
    with torch.device("meta"):
        state = build_model({"architecture": "bs_roformer"}).state_dict()
    assert {key: list(tensor.shape) for key, tensor in state.items()} == index["bs_roformer_keys"]["state"]


def test_each_value_is_read_and_masked_in_its_own_place(monkeypatch):
    """A network that gives its input back makes masks that are the mixture itself."""
    model = small()
    seen = []

    def identity(x):
        seen.append(x)
        return x.unsqueeze(1)

    monkeypatch.setattr(model, "network", identity)
    spectrogram = torch.randn(2, 2, 33, 5, dtype=torch.complex64)
    torch.testing.assert_close(masks_of(model, spectrogram)[:, 0], spectrogram)
    estimate = model.estimate(spectrogram)[:, 0]
    torch.testing.assert_close(estimate[:, :, 1:], spectrogram[:, :, 1:] ** 2)
    assert estimate[:, :, 0].eq(0).all()
    second_band = torch.view_as_real(spectrogram[:, :, 1:3]).permute(0, 3, 2, 1, 4).flatten(2)
    torch.testing.assert_close(seen[0][..., 4:12], second_band)  # (bin, channel, part)


def test_no_transformer_but_the_last_is_followed_by_a_normalisation():
    model = small()
    torch.nn.init.zeros_(model.final_norm.gamma)
    with torch.inference_mode():
        without = model.network(torch.randn(1, 3, 132))
    assert without.std(dim=(1, 2)).max() < 1e-6  # the estimators see nothing of the input
    assert not any(name.endswith(".norm.gamma") and name.count(".") == 4 for name in model.state_dict())


def test_the_hidden_layers_of_the_masks_are_as_wide_as_asked_for():
    model = small(mask_expansion=3, mask_depth=3)
    widths = [tensor.shape[0] for name, tensor in model.mask_estimators[0].to_freqs[0].named_parameters()]
    assert widths == [48, 48, 48, 48, 8, 8]


@pytest.mark.parametrize(
    ("bands", "message"), [([1, 2, 10], "13 bins together.* has 33"), ([0, 3, 10, 20], "one bin or more")]
)
def test_bands_that_are_not_all_bins_are_refused(bands, message):
    with pytest.raises(OptionError, match=message):
        small(band_bins=bands)
