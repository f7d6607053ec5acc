import pytest

from vocalsep.errors import OptionError
from vocalsep.separation.options import SeparationOptions


@pytest.mark.parametrize(
    "options",
    [
        {"segment_seconds": 0},
        {"segment_seconds": float("nan")},
        {"overlap": 0.95},
        {"overlap": -0.1},
        {"overlap": float("nan")},
        {"batch_size": 0},
        {"shifts": -1},
        {"wiener": -1},
        {"wiener": 65},
        {"threads": 0},
        {"threads": 100_000},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(OptionError):
        SeparationOptions(**options)
