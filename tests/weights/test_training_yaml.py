"""Checkpoints of Music-Source-Separation-Training with their YAML: recognised, imported, split with, refused."""

import json

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from typer.testing import CliRunner

from vocalsep import Separator
from vocalsep.cli.app import app
from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.architectures import build_model
from vocalsep.weights.checkpoint import load_model_file
from vocalsep.weights.trained import import_trained
from vocalsep.weights.training_yaml import read_training_yaml

AUDIO = {
    "chunk_size": 22050,
    "num_channels": 2,
    "sample_rate": 44100,
    "hop_length": 64,
    "n_fft": 256,
    "dim_f": 128,
}
ROFORMER = {
    "dim": 16, "depth": 1, "stereo": True, "num_stems": 1, "time_transformer_depth": 1,
    "freq_transformer_depth": 1,
    "dim_head": 8, "heads": 2, "attn_dropout": 0, "ff_dropout": 0.1, "flash_attn": True, "dim_freqs_in": 129,
    "stft_n_fft": 256, "stft_hop_length": 64, "stft_win_length": 256, "stft_normalized": False,
    "mask_estimator_depth": 2, "multi_stft_hop_size": 147,
}  # fmt: skip
MODELS = {
    "tfc_tdf_v3": {
        "act": "gelu", "norm": "InstanceNorm", "scale": [2, 2], "num_subbands": 4, "num_channels": 4, "growth": 4,
        "num_scales": 2, "num_blocks_per_scale": 2, "bottleneck_factor": 4,
    },
    "mel_band_roformer": {**ROFORMER, "num_bands": 8, "sample_rate": 44100},
    "bs_roformer": {**ROFORMER, "linear_transformer_depth": 0, "freqs_per_bands": [1, 2, 30, 96]},
    "scnet": {
        "sources": ["drums", "bass", "other", "vocals"], "audio_channels": 2, "dims": [4, 4, 8, 8], "nfft": 256,
        "hop_size": 64, "win_size": 256, "normalized": True, "band_SR": [0.175, 0.392, 0.433],
        "band_stride": [1, 4, 16], "band_kernel": [3, 4, 16], "conv_depths": [3, 2, 1], "compress": 4,
        "conv_kernel": 3, "num_dplayer": 2, "expand": 1,
    },
}  # fmt: skip
TRAINING = {
    "tfc_tdf_v3": {"instruments": ["vocals", "other"], "target_instrument": None},
    "mel_band_roformer": {"instruments": ["vocals", "other"], "target_instrument": "vocals"},
    "bs_roformer": {"instruments": ["Vocals", "Instrumental"], "target_instrument": "Instrumental"},
    "scnet": {"instruments": ["drums", "bass", "other", "vocals"], "target_instrument": None},
}
STEMS = {
    "tfc_tdf_v3": ("vocals", "accompaniment"),
    "mel_band_roformer": ("vocals",),
    "bs_roformer": ("accompaniment",),
    "scnet": ("drums", "bass", "other", "vocals"),
}
# what the fields of ours are, for the tensors of the checkpoint
SIZES = {
    "tfc_tdf_v3": {"n_fft": 256, "hop_length": 64, "n_bins": 128, "width": 4, "growth": 4, "scales": 2},
    "mel_band_roformer": {
        "n_fft": 256, "hop_length": 64, "n_bands": 8, "width": 16, "depth": 1, "n_heads": 2, "head_width": 8,
    },
    "bs_roformer": {
        "n_fft": 256, "hop_length": 64, "band_bins": [1, 2, 30, 96], "width": 16, "depth": 1, "n_heads": 2,
        "head_width": 8,
    },
    "scnet": {
        "n_fft": 256, "hop_length": 64, "widths": [4, 8, 8], "depth": 2,
        "stems": ["drums", "bass", "other", "vocals"],
    },
}  # fmt: skip
INFERENCE = {"batch_size": 1, "dim_t": 256, "num_overlap": 4}


def content(architecture, **sections):
    whole = {
        "audio": AUDIO,
        "model": MODELS[architecture],
        "training": TRAINING[architecture],
        "inference": INFERENCE,
    }
    return {name: {**values, **sections.get(name, {})} for name, values in whole.items()}


def random_model(architecture):
    torch.manual_seed(5)
    return build_model({"architecture": architecture, **SIZES[architecture]})


@pytest.fixture(params=MODELS)
def architecture(request):
    return request.param


@pytest.fixture
def files(tmp_path):
    """Writes a checkpoint and a YAML, and gives their paths."""

    def write(architecture, text=None, state=None, **sections):
        checkpoint, description = tmp_path / "model.ckpt", tmp_path / "model.yaml"
        torch.save(random_model(architecture).state_dict() if state is None else state, checkpoint)
        description.write_text(yaml.safe_dump(content(architecture, **sections)) if text is None else text)
        return checkpoint, description

    return write


def run_import(*arguments):
    return CliRunner().invoke(app, ["models", "import", *map(str, arguments)])


def test_every_kind_is_recognised_imported_and_split_with(files, tmp_path, tone, architecture):
    checkpoint, description = files(architecture)
    out = tmp_path / "mine.safetensors"
    done = run_import(checkpoint, "--config", description, "-o", out)
    assert (done.exit_code, done.stdout.strip()) == (0, str(out))
    imported, waveform = load_model_file(out), torch.randn(1, 2, 4000)
    assert imported.architecture == architecture
    assert imported.config.stems == STEMS[architecture]
    assert (imported.hints.segment_seconds, imported.hints.overlap) == (0.5, 0.75)
    with torch.inference_mode():
        assert torch.equal(imported(waveform), random_model(architecture)(waveform))
    song = tone[:, :30_000]
    stems = Separator(out, device="cpu", precision="fp32").separate(song, 44100)
    if architecture != "tfc_tdf_v3":  # which gives both, each for itself
        np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], song, atol=1e-4)
    assert np.abs(stems["vocals"]).max() > 1e-4


@pytest.mark.parametrize(("normalize", "expected"), [(True, True), (False, False), (None, False)])
def test_the_song_is_normalised_where_the_yaml_says_so(files, normalize, expected):
    inference = {} if normalize is None else {"normalize": normalize}
    checkpoint, description = files("scnet", inference=inference)
    assert import_trained(checkpoint, read_training_yaml(description)).config["normalises_song"] is expected


@pytest.mark.parametrize(("architecture", "stem", "kept"), [
    ("scnet", "bass", "vocals"), ("scnet", "vocals", "vocals"), ("tfc_tdf_v3", "other", "accompaniment"),
])  # fmt: skip
def test_one_stem_alone_is_what_the_whole_network_gives_for_it(files, tmp_path, architecture, stem, kept):
    checkpoint, description = files(architecture)
    out = tmp_path / "mine.safetensors"
    assert run_import(checkpoint, "--config", description, "--stem", stem, "-o", out).exit_code == 0
    alone, whole, waveform = load_model_file(out), random_model(architecture), torch.randn(1, 2, 4000)
    assert alone.config.stems == (kept,)
    position = TRAINING[architecture]["instruments"].index(stem)
    with torch.inference_mode():
        torch.testing.assert_close(alone(waveform)[:, 0], whole(waveform)[:, position], rtol=1e-4, atol=1e-6)
    with safe_open(out, "pt") as file:
        assert file.metadata().get("extracts") == (stem if stem == "bass" else None)


def test_a_checkpoint_without_vocals_says_what_it_has(files):
    model = {"sources": ["kick", "snare"]}
    state = build_model({"architecture": "scnet", **SIZES["scnet"], "stems": ["kick", "snare"]}).state_dict()
    training = {"instruments": ["kick", "snare"]}
    checkpoint, description = files("scnet", state=state, model=model, training=training)
    done = run_import(checkpoint, "--config", description)
    assert done.exit_code == 2
    assert "has no vocals; its stems are: kick, snare" in done.stderr
    assert "--stem kick" in done.stderr
    done = run_import(checkpoint, "--config", description, "--stem", "hat")
    assert done.exit_code == 2
    assert "no stem 'hat'" in done.stderr
    done = run_import(checkpoint, "--config", description, "--stem", "snare")
    assert done.exit_code == 0
    assert "split will write snare as the vocals" in done.stderr


def test_tuples_are_lists_and_objects_are_refused(files):
    text = yaml.safe_dump(content("bs_roformer")).replace("freqs_per_bands:", "freqs_per_bands: !!python/tuple")
    checkpoint, description = files("bs_roformer", text=text)
    assert read_training_yaml(description).sizes["band_bins"] == [1, 2, 30, 96]
    bomb = text.replace("dim: 16", "dim: !!python/object/apply:os.getcwd []")
    assert bomb != text
    _, description = files("bs_roformer", text=bomb)
    with pytest.raises(OptionError, match="could not determine a constructor"):
        read_training_yaml(description)
    assert run_import(checkpoint, "--config", description).exit_code == 2


def test_unknown_keys_are_named(files, tmp_path):
    checkpoint, description = files("bs_roformer", model={"depth_of_field": 3, "zeal": 1})
    done = run_import(checkpoint, "--config", description, "-o", tmp_path / "mine.safetensors")
    assert done.exit_code == 0
    assert "unknown keys, of no effect here: depth_of_field, zeal" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "is not a mapping"),
        ("model: {a: 1", "cannot read"),
        ("model: htdemucs", "describes none of the networks"),
        (json.dumps({"model": MODELS["scnet"]}), "no section 'audio'"),
    ],
)
def test_what_is_no_such_yaml_is_refused(files, text, message):
    _, description = files("scnet", text=text)
    with pytest.raises(OptionError, match=message):
        read_training_yaml(description)


@pytest.mark.parametrize(
    ("architecture", "sections", "message"),
    [
        ("scnet", {"model": {"dims": None}}, "'dims' is missing in the section 'model'"),
        ("scnet", {"model": {"dims": [6, 8]}}, "dims begin with 6"),
        ("scnet", {"model": {"dims": 5}}, "make no sense"),
        ("scnet", {"model": {"win_size": 128}}, "'win_size: 128' is not supported"),
        ("scnet", {"training": {"instruments": ["vocals", "other"]}}, "has 4 outputs.* names vocals, other"),
        ("tfc_tdf_v3", {"model": {"act": "relu"}}, "'act: relu' is not supported"),
        ("tfc_tdf_v3", {"audio": {"dim_f": None}}, "'dim_f' is missing in the section 'audio'"),
        ("bs_roformer", {"model": {"skip_connection": True}}, "'skip_connection: True' is not supported"),
        ("mel_band_roformer", {"model": {"num_stems": 2}}, "has 2 outputs.* names vocals"),
        ("mel_band_roformer", {"inference": {"num_overlap": 0}}, "'num_overlap' of the section 'inference' is 0"),
        ("mel_band_roformer", {"training": {"instruments": "vocals"}}, "not a list of names"),
    ],
)
def test_sizes_that_make_no_network_here_are_refused(files, architecture, sections, message):
    _, description = files(architecture, **sections)
    with pytest.raises(OptionError, match=message):
        read_training_yaml(description)


def test_a_yaml_of_another_architecture_is_refused(files):
    state = random_model("mel_band_roformer").state_dict()
    checkpoint, description = files("scnet", state=state)
    with pytest.raises(CorruptWeightsError, match=r"describes a scnet model.*holds a mel_band_roformer model"):
        import_trained(checkpoint, read_training_yaml(description))
    checkpoint, description = files("scnet", state={"conv.weight": torch.zeros(1)})
    with pytest.raises(CorruptWeightsError, match="holds none of the networks"):
        import_trained(checkpoint, read_training_yaml(description))


@pytest.mark.parametrize("kind", ["missing", "left over", "another size"])
def test_tensors_that_do_not_fit_the_yaml_are_named(files, architecture, kind):
    state = random_model(architecture).state_dict()
    last = max(state)
    if kind == "missing":
        del state[last]
        says = f"{last} is missing"
    elif kind == "left over":
        state["zz"] = torch.zeros(1)
        says = "zz is not in the model"
    else:
        state[last] = torch.zeros(1, 2, 3)
        says = rf"{last} has shape \(1, 2, 3\)"
    checkpoint, description = files(architecture, state=state)
    with pytest.raises(CorruptWeightsError, match=says):
        import_trained(checkpoint, read_training_yaml(description))


def test_options_that_do_not_go_together_are_refused(files, tmp_path):
    checkpoint, description = files("scnet")
    assert "Leave out --model" in run_import(checkpoint, "--config", description, "--model", "scnet").stderr
    assert "--config MODEL.yaml" in run_import(checkpoint, "--model", "mdx23c", "--stem", "bass").stderr
    done = run_import(checkpoint)
    assert done.exit_code == 2
    assert "Say it with --model" in done.stderr
    assert not list(tmp_path.glob("*.safetensors"))
