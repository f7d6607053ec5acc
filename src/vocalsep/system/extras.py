"""Imports that need an extra, and the words for when it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vocalsep.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn an import that fails for want of a package into what to install. For blocks of imports alone.

    Args:
        extra: extra of this package, ``train`` for example.

    Raises:
        MissingExtraError: a package is missing, or refuses to be imported.

    Example:
        >>> with needs_extra("train"):
        ...     import no_such_package
        Traceback (most recent call last):
        vocalsep.errors.MissingExtraError: this needs no_such_package, which is not installed. Run: pip install ...
    """
    install = f"Run: pip install 'vocalsep[{extra}]'"
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "vocalsep"):  # a fault of ours
            raise
        raise MissingExtraError(f"this needs {package}, which is not installed", install) from error
    except (ImportError, OSError, RuntimeError) as error:  # torchaudio next to a torch that it is not built for
        if (getattr(error, "name", None) or "").startswith("vocalsep"):
            raise
        reason = str(error).partition("\n")[0]
        raise MissingExtraError(f"a package of the extra '{extra}' cannot be loaded: {reason}", install) from error
