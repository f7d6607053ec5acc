import pytest

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.weights.ensemble_spec import parse_ensemble
from vocalsep.weights.manifest import load_manifest


@pytest.mark.parametrize(
    ("model", "expected", "name"),
    [
        (None, {None: 1.0}, load_manifest().default),
        ("tdt", {"tdt": 1.0}, "tdt"),
        ("tdt:2", {"tdt:2": 1.0}, "tdt:2"),  # one model of an odd name, which nobody has
        ("tdf + tdt", {"tdf": 0.5, "tdt": 0.5}, "tdf+tdt"),
        ("tdf+tdt+tdf+tdf", {"tdf": 0.75, "tdt": 0.25}, "tdf:0.75+tdt:0.25"),
        ("tdf:0.1+tdt:0.3", {"tdf": 0.25, "tdt": 0.75}, "tdf:0.25+tdt:0.75"),
        ("hf:a/b:3+hf:c/d@main", {"hf:a/b": 0.75, "hf:c/d@main": 0.25}, "hf:a/b:0.75+hf:c/d@main:0.25"),
        ("C:\\x.pth+tdt", {"C:\\x.pth": 0.5, "tdt": 0.5}, "C:\\x.pth+tdt"),
    ],
)
def test_names_and_weights(model, expected, name):
    spec = parse_ensemble(model)
    assert spec.shares == pytest.approx(expected)
    assert spec.id == name
    assert parse_ensemble(spec) is spec


def test_a_file_whose_name_has_a_plus_is_one_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tdf+tdt.safetensors").touch()
    spec = parse_ensemble("tdf+tdt.safetensors")
    assert spec.shares == {"tdf+tdt.safetensors": 1.0}
    assert spec.id == "tdf+tdt"
    assert set(parse_ensemble("tdf+tdt").shares) == {"tdf", "tdt"}


@pytest.mark.parametrize("model", ["tdf+", "+", "tdf++tdt", ":2+tdt"])
def test_an_empty_name_is_refused(model):
    with pytest.raises(UnknownModelError, match="is empty"):
        parse_ensemble(model)


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf"])
def test_a_weight_is_above_zero(weight):
    with pytest.raises(OptionError, match=f"tdf has weight {weight}"):
        parse_ensemble(f"tdt+tdf:{weight}")
