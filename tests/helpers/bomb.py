"""Code in a weights file: what it does shows whether the file was obeyed."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


class Bomb:
    """Makes a file when it is unpickled by an unpickler that obeys."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.path,)


def as_torch_file(content: object, path: Path) -> None:
    torch.save(content, path)


def as_pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


def detonate(path: Path) -> None:
    """Unpickle a file, of either kind, as it wants to be."""
    if zipfile.is_zipfile(path):
        torch.load(path, weights_only=False)
    else:
        pickle.loads(path.read_bytes())
