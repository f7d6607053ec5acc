"""Imports point to lower layers only, and what must start fast does not load what is slow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "vocalsep"

LAYERS = [
    {"_version", "errors"},
    {"atomic", "config", "extra", "pipeline", "split_result", "template"},
    {"stft", "audio", "level"},
    {"models"},
    {"device", "lanes"},
    {"separation", "weights"},
    {"stems"},
    {"ensemble"},
    {"api", "datasets"},
    {"evaluation"},
    {"training"},
    {"cli"},
    {"__main__", "__init__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def part_of(module: str) -> str:
    """The top-level part of the package that a module is in."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def imports():
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE).with_suffix("")
        own = relative.parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{relative}: relative import"
                modules = [node.module or ""]
                if node.module == "vocalsep":
                    modules = [f"vocalsep.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            for module in modules:
                if module.split(".")[0] == "vocalsep":
                    yield str(relative), own, part_of(module)


def test_every_part_has_a_layer():
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in PACKAGE.rglob("*.py")}
    assert parts <= set(LEVEL)


def test_imports_point_downwards():
    seen = list(imports())
    assert len(seen) > 40
    upward = [(module, target) for module, own, target in seen if own != target and LEVEL[target] >= LEVEL[own]]
    assert upward == []


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import vocalsep", "import vocalsep.cli", "import vocalsep.weights.manifest"]
)
def test_start_without_torch(statement):
    loaded = modules_after(statement)
    assert "vocalsep" in loaded
    assert not loaded & {"torch", "numpy", "av", "soundfile", "huggingface_hub", "safetensors"}


def test_torch_models_without_onnx():
    loaded = modules_after("from vocalsep import Separator\nSeparator(device='cpu', offline=True)")
    assert "torch" in loaded
    assert not loaded & {"onnx", "onnxruntime"}
