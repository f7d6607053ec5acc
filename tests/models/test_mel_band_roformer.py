import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.models.mel_bands import mel_bands
from vocalsep.models.roformer import Attention, Transformer
from vocalsep.models.rotary import RotaryPositions
from vocalsep.weights.checkpoint import Checkpoint, build_from, read_tensors

SIZES = {"architecture": "mel_band_roformer", "width": 32, "depth": 2, "n_heads": 2, "head_width": 16}
SMALL = {**SIZES, "width": 16, "head_width": 8, "n_fft": 256, "hop_length": 64, "n_bands": 8}


def small(**fields):
    torch.manual_seed(1)
    return build_model({**SMALL, **fields})


def full_size():
    with torch.device("meta"):
        return build_model({"architecture": "mel_band_roformer"})


def masks_of(model, spectrogram):
    return model.codec.masks(model.network(model.codec.encode(spectrogram)), spectrogram)


def test_reproduces_the_public_network(reference_data):
    tensors = load_file(reference_data / "reference" / "mel_band_roformer_small.safetensors")
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    model = build_from(Checkpoint(config=SIZES, state=state), "the reference")
    with torch.inference_mode():
        output = model(tensors["input"])[:, 0]
    assert output.shape == tensors["output"].shape
    assert (output - tensors["output"]).norm() / tensors["output"].norm() < 1e-5


def test_public_checkpoints_have_these_keys_and_shapes(reference_data):
    index = json.loads((reference_data / "reference" / "index.json").read_text())
    expected = index["mel_band_roformer_keys"]["shapes"]
    assert {key: list(tensor.shape) for key, tensor in full_size().state_dict().items()} == expected


def test_parameter_count_is_the_public_one():
    assert sum(p.numel() for p in full_size().parameters()) == 228_202_852


def test_a_segment_is_what_the_public_weights_were_trained_on():
    model = full_size()
    assert round(model.hints.segment_seconds * model.config.sample_rate) == 352_800


def test_a_published_file_loads_and_gives_the_same(tmp_path):
    model, waveform = small(), torch.randn(1, 2, 2000)
    torch.save(model.state_dict(), tmp_path / "model.ckpt")
    state, _ = read_tensors(tmp_path / "model.ckpt")
    again = build_from(Checkpoint(config=SMALL, state=state), "model.ckpt")
    with torch.inference_mode():
        assert torch.equal(again(waveform), model(waveform))


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_bands"), [(44100, 2048, 60), (44100, 4096, 80), (48000, 2048, 64), (8000, 512, 20)]
)
class TestMelBands:
    """A band is where the filter of an independent filter bank is above zero, and the first and last bin."""

    def test_against_torchaudio(self, sample_rate, n_fft, n_bands):
        functional = pytest.importorskip("torchaudio.functional")
        n_bins = n_fft // 2 + 1
        bank = functional.melscale_fbanks(n_bins, 0, sample_rate / 2, n_bands, sample_rate, mel_scale="slaney")
        expected = bank.T.numpy() > 0
        expected[0, 0] = expected[-1, -1] = True
        assert np.array_equal(mel_bands(sample_rate, n_fft, n_bands), expected)

    def test_against_librosa(self, sample_rate, n_fft, n_bands):
        filters = pytest.importorskip("librosa.filters")
        expected = filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_bands) > 0
        expected[0, 0] = expected[-1, -1] = True
        assert np.array_equal(mel_bands(sample_rate, n_fft, n_bands), expected)


def test_more_bands_than_the_bins_allow_are_refused():
    with pytest.raises(OptionError, match="too few bins"):
        build_model({**SMALL, "n_bands": 60})


def test_a_head_has_pairs():
    with pytest.raises(OptionError, match="7 features"):
        build_model({**SMALL, "head_width": 7})


def test_each_value_is_read_and_masked_in_its_own_place(monkeypatch):
    """A network that gives its input back makes masks that are the mixture itself, whatever the bands."""
    model = small()
    seen = []

    def identity(x):
        seen.append(x)
        return x.unsqueeze(1)

    monkeypatch.setattr(model, "network", identity)
    spectrogram = torch.randn(2, 2, 129, 5, dtype=torch.complex64)
    torch.testing.assert_close(masks_of(model, spectrogram)[:, 0], spectrogram)
    estimate = model.estimate(spectrogram)[:, 0]
    torch.testing.assert_close(estimate[:, :, 1:], spectrogram[:, :, 1:] ** 2)
    assert estimate[:, :, 0].eq(0).all()
    first = spectrogram[:, :, np.flatnonzero(mel_bands(44100, 256, 8)[0])]  # (batch, channel, bin, frame)
    values = torch.view_as_real(first).permute(0, 3, 2, 1, 4).flatten(2)  # band 0: (bin, channel, part)
    torch.testing.assert_close(seen[0][..., : values.shape[-1]], values)


def test_masks_of_a_bin_in_two_bands_are_averaged(monkeypatch):
    model, bands = small(), mel_bands(44100, 256, 8)
    number = torch.from_numpy(bands.nonzero()[0]).float().repeat_interleave(4)
    monkeypatch.setattr(model, "network", lambda x: number.expand(*x.shape).unsqueeze(1))
    mask = masks_of(model, torch.randn(1, 2, 129, 3, dtype=torch.complex64))[0, 0, 1, :, 2]
    mean = torch.tensor([np.flatnonzero(column).mean() for column in bands.T], dtype=torch.float32)
    torch.testing.assert_close(mask, torch.complex(mean, mean))


def test_each_stem_has_its_estimator():
    model = small(stems=["vocals", "drums"])
    for mask in model.mask_estimators[1].parameters():
        torch.nn.init.zeros_(mask)
    with torch.inference_mode():
        vocals, drums = model(torch.randn(1, 2, 4000))[0]
    assert vocals.abs().max() > 1e-3
    assert drums.abs().max() == 0


def test_rotary_scores_depend_on_the_distance_alone():
    positions, query, key = RotaryPositions(16), torch.randn(16), torch.randn(16)
    queries, keys = positions(query.expand(50, 16)), positions(key.expand(50, 16))
    scores = queries @ keys.T
    torch.testing.assert_close(queries[0], query)
    torch.testing.assert_close(queries.norm(dim=-1), query.norm().expand(50))
    for distance in (-7, 0, 3):
        same = scores.diagonal(distance)
        torch.testing.assert_close(same, same[:1].expand_as(same), rtol=1e-4, atol=1e-4)
    assert (scores[0, 3] - scores[0, 7]).abs() > 1e-3


def test_rotary_turns_are_kept_until_other_frequencies_are_loaded():
    positions = RotaryPositions(8)
    with torch.inference_mode():
        kept = positions.turns(20)
    assert positions.turns(12).data_ptr() == kept.data_ptr()
    x = torch.randn(3, 12, 8, requires_grad=True)
    positions(x).sum().backward()  # what inference kept serves training
    positions.load_state_dict({"freqs": torch.zeros(4)})
    torch.testing.assert_close(positions(x), x)


def test_all_layers_of_an_axis_share_their_positions():
    shared = {id(module) for module in small().modules() if isinstance(module, RotaryPositions)}
    assert len(shared) == 2


def test_attention_never_holds_the_scores():
    """12,000 tokens: the scores of the two heads would take 1,152 MB, queries, keys and values 1.5 MB each."""
    attention, tokens = Attention(32, 2, 16, RotaryPositions(16)).eval(), torch.randn(1, 12_000, 32)
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        attention(tokens)
    largest = max(event.self_cpu_memory_usage for event in profile.key_averages())
    assert largest < 50e6


def test_sums_of_the_layers_stay_float32_under_autocast():
    model, waveform = small(), torch.randn(1, 2, 8000)
    types = []
    for module in model.modules():
        if isinstance(module, Transformer):
            module.register_forward_pre_hook(lambda module, inputs: types.append(inputs[0].dtype))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        reduced = model(waveform)
    with torch.inference_mode():
        full = model(waveform)
    assert set(types) == {torch.float32}
    assert (reduced - full).norm() < 0.02 * full.norm()
