"""What pytest leaves out: the doctests of what needs an extra that is not installed."""

from importlib.util import find_spec

_NEEDED = {
    "accelerate": "src/vocalsep/training",
    "pyworld": "src/vocalsep/synthesis",
    "ray": "src/vocalsep/cli/cluster.py",
    "gradio": "src/vocalsep/web",
}

collect_ignore = [path for package, path in _NEEDED.items() if not find_spec(package)]
