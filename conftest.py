"""What pytest leaves out: what needs an extra that is not installed."""

from importlib.util import find_spec

_NEEDED = {
    "accelerate": ("src/vocalsep/training",),
    "pyworld": ("src/vocalsep/synthesis",),
    "ray": ("src/vocalsep/cli/cluster.py",),
    "gradio": ("src/vocalsep/web", "tests/web", "tests/helpers/web_page.py"),
}

collect_ignore = [path for package, paths in _NEEDED.items() if not find_spec(package) for path in paths]
