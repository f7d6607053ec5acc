"""Imports make a ladder without circles, the architecture page shows it, and what must start fast loads little.

``python tests/test_layout.py`` prints the ladder; with ``--write`` it puts it into docs/architecture.md.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "src" / "vocalsep"
PAGE = PROJECT / "docs" / "architecture.md"
BEGIN, END = "<!-- ladder: python tests/test_layout.py --write -->\n", "<!-- end of ladder -->\n"


def module_names() -> dict[str, Path]:
    """Each module of the package by its dotted name below ``vocalsep``; a package is its ``__init__``."""
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def imports_of(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of the package that one imports, inside functions too; names below ``vocalsep``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top, _, below = name.partition(".")
            if top == "vocalsep":
                candidates = (below, f"{below}.__init__", below.rpartition(".")[0])
                package = f"{below.rpartition('.')[0]}.__init__".lstrip(".")
                found.add(next(candidate for candidate in (*candidates, package) if candidate in modules))
    return found


MODULES = module_names()
IMPORTS = {name: imports_of(path, MODULES) - {name} for name, path in MODULES.items()}


def room_of(module: str, house: str = "") -> str:
    """The part of ``house`` (a package; the whole without a name) that a module is in."""
    return module.removeprefix(f"{house}.").split(".")[0]


def arrows(house: str = "") -> dict[str, set[str]]:
    """Each room of a house with those that it imports from."""
    inside = [module for module in MODULES if module.startswith(f"{house}." if house else "")]
    found = {room_of(module, house): set() for module in inside}
    for module in inside:
        own = room_of(module, house)
        found[own] |= {room_of(target, house) for target in IMPORTS[module] if target in inside} - {own}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The nodes of a circle of imports, the first one again at the end; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def floors() -> list[list[str]]:
    """The rooms by floor, the highest first: a room is one floor above the highest that it imports from."""
    graph, level = arrows(), {}
    for room in TopologicalSorter(graph).static_order():
        level[room] = 1 + max((level[target] for target in graph[room]), default=-1)
    by_level = defaultdict(list)
    for room in sorted(graph):
        by_level[level[room]].append(room)
    return [by_level[number] for number in sorted(by_level, reverse=True)]


def ladder() -> str:
    """The floors as a Markdown table, with the first line that each room says of itself."""
    lines = ["| floor | room | what is in it |", "|---:|---|---|"]
    rooms = floors()
    for number, floor in zip(range(len(rooms) - 1, -1, -1), rooms, strict=True):
        for room in floor:
            path = MODULES.get(room) or MODULES[f"{room}.__init__"]
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "the version"
            about = docstring.partition("\n")[0].rstrip(".").replace("|", "\\|")
            lines.append(f"| {number} | `{room}{'' if room in MODULES else '/'}` | {about} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("house", ["", "synthesis", "training", "cli"])
def test_rooms_import_in_no_circle(house):
    assert len(arrows(house)) > 3
    assert circle(arrows(house)) == []


def test_modules_import_in_no_circle():
    assert len(MODULES) > 150
    # a package's own face imports what is in it, and may be imported from above alone
    assert circle(IMPORTS) == []


def test_a_circle_is_found():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def test_the_architecture_page_shows_the_ladder():
    """A room on another floor is a decision: look at the new import, then write the page anew."""
    assert BEGIN + ladder() + END in PAGE.read_text(encoding="utf-8"), "python tests/test_layout.py --write"


def test_the_readme_links_to_the_page():
    assert "(docs/architecture.md)" in (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Separator", "SplitResult", "list_models", "load_model"])
def test_public_names_are_importable(name):
    import vocalsep

    assert name in vocalsep.__all__
    assert getattr(vocalsep, name).__name__ == name


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


if __name__ == "__main__":
    if "--write" in sys.argv:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        PAGE.write_text(before + BEGIN + ladder() + END + after, encoding="utf-8")
    print(ladder(), end="")
