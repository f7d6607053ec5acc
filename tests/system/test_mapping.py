import json
from dataclasses import dataclass

import pytest

from vocalsep.errors import OptionError
from vocalsep.system.mapping import from_mapping, to_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Oven:
    degrees: int
    share: float = 0.5
    name: str = "oven"
    racks: tuple[int, ...] = (1, 2)
    limit: int | None = None


def test_round_trip_through_json():
    oven = Oven(degrees=180, racks=(3, 4))
    assert from_mapping(Oven, json.loads(json.dumps(to_mapping(oven)))) == oven


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"degrees": 1, "shrae": 1}, r"unknown key 'shrae' for Oven. Did you mean 'share'\?"),
        ({"degrees": 1, "zzz": 1}, r"unknown key 'zzz' for Oven. Known keys: degrees"),
        ({}, "degrees"),
        ({"degrees": "hot"}, "'degrees' is 'hot', which is no int"),
        ({"degrees": True}, "'degrees' is True"),
        ({"degrees": 1, "name": 3}, "'name' is 3"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(OptionError, match=message):
        from_mapping(Oven, values)


def test_an_integer_is_a_float():
    assert from_mapping(Oven, {"degrees": 1, "share": 1}).share == 1
