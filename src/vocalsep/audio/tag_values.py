"""Numbers and ratings that tags keep as text."""

from __future__ import annotations

_MOST_STARS = 5
_BITS_16 = 2**16
_YES = ("1", "true", "yes")


def is_yes(value: object) -> bool:
    """Whether a value means yes."""
    return str(value).lower() in _YES


def whole(text: str) -> int | None:
    """The number, rounded, where it is one that 16 bits hold."""
    try:
        number = round(float(text))
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < _BITS_16 else None


def rating(text: str) -> int | None:
    """A rating as 0 to 100; up to 5 are stars."""
    number = whole(text)
    if number is None or number > 100:
        return None
    return share(number, _MOST_STARS) if number <= _MOST_STARS else number


def share(number: int, highest: int) -> int:
    """A part of ``highest`` as 0 to 100, more than nothing where it is more than nothing."""
    return max(round(100 * number / highest), min(number, 1))
