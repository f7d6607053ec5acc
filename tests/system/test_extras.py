import pytest

from vocalsep.errors import MissingExtraError
from vocalsep.system.extras import needs_extra


def test_a_missing_package_is_named():
    with (
        pytest.raises(MissingExtraError, match=r"this needs scipy, .*pip install 'vocalsep\[train\]'"),
        needs_extra("train"),
    ):
        raise ModuleNotFoundError("No module named 'scipy.signal'", name="scipy.signal")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("torchaudio is built for another CUDA\nand so on"),
        OSError("libtorchaudio.so: undefined symbol"),
        ImportError("DLL load failed", name="torchaudio"),
    ],
)
def test_a_package_that_refuses(error):
    first_line = str(error).splitlines()[0]
    with pytest.raises(MissingExtraError, match=f"cannot be loaded: {first_line}") as caught, needs_extra("train"):
        raise error
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'vocalsep.nothing'", name="vocalsep.nothing"),
        ImportError("cannot import name 'x' from 'vocalsep.api'", name="vocalsep.api"),
        NameError("x"),
    ],
)
def test_faults_of_our_own_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, needs_extra("train"):
        raise error
    assert caught.value is error


def test_all_is_there():
    with needs_extra("train"):
        import json
    assert json.loads("1") == 1
