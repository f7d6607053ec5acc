"""The parts of a data set: what trains, what validates, what is tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar, get_args

from vocalsep.errors import NoTracksError, OptionError

Split = Literal["train", "valid", "test", "all"]
"""A part of a data set, or all of it."""

_VALIDATION_SHARE = 0.1


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


Named = TypeVar("Named", bound=_HasName)


def check_split(split: str) -> None:
    """Refuse what is not the name of a part.

    Raises:
        OptionError: no part has this name.
    """
    if split not in get_args(Split):
        raise OptionError(f"no part of a data set is called '{split}'", f"Choose {', '.join(get_args(Split))}.")


def divided(found: Sequence[Named], split: str, spec: str) -> list[Named]:
    """The part of ``found`` that trains or validates; adding a track moves few of the others.

    A tenth of them validates, chosen by a hash of their names.

    Raises:
        NoTracksError: there is one track only.
    """
    if len(found) == 1:
        raise NoTracksError(f"{spec} has one track, and needs one to train and one to validate on", "Add tracks.")
    ordered = sorted(found, key=lambda each: hashlib.sha256(each.name.encode()).digest())
    n_valid = max(1, round(_VALIDATION_SHARE * len(found)))
    chosen = ordered[:n_valid] if split == "valid" else ordered[n_valid:]
    return sorted(chosen, key=lambda each: each.name)
