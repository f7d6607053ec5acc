import pickle
import re
from pathlib import Path

import pytest

from vocalsep import errors
from vocalsep.cli.exit import EXIT_BROKEN_PIPE, EXIT_INTERNAL, EXIT_INTERRUPTED


def raised_classes() -> list[type[errors.VocalsepError]]:
    """The classes that are raised: those no other class derives from."""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [one for one in classes if issubclass(one, errors.VocalsepError) and not one.__subclasses__()]


def test_each_error_has_a_code_of_its_own():
    codes = [one.exit_code for one in raised_classes()] + [EXIT_BROKEN_PIPE, EXIT_INTERNAL, EXIT_INTERRUPTED, 0]
    assert len(codes) == len(set(codes))


def test_the_page_of_exit_codes_lists_all_of_them():
    page = (Path(__file__).parents[1] / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"\| (\d+) \|", page)}
    used = {one.exit_code for one in [*raised_classes(), errors.DeviceError]}
    signals = {129, EXIT_INTERRUPTED, 143}
    assert listed == used | {EXIT_BROKEN_PIPE, EXIT_INTERNAL, 0} | signals


@pytest.mark.parametrize("kind", raised_classes())
def test_errors_cross_processes(kind):
    again = pickle.loads(pickle.dumps(kind("what happened", "What to do.")))
    assert type(again) is kind
    assert str(again) == "what happened. What to do."
    assert str(kind("what happened")) == "what happened"
