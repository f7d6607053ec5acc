import numpy as np
import soundfile


def leftovers(folder) -> list[str]:
    """Files under a folder that a run must not leave."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith(".vocalsep")]


def read(path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T
