"""Weights pushed to the Hugging Face Hub, with their config and a model card."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from vocalsep._version import __version__
from vocalsep.errors import OptionError, UploadError, VocalsepError
from vocalsep.weights.checkpoint import Checkpoint, build_from
from vocalsep.weights.export import read_usable, write_stored
from vocalsep.weights.hub import REPO_FILE, first_line
from vocalsep.weights.run_layout import RUN_CARD, RUN_WEIGHTS
from vocalsep.weights.source import weights_of

_REPO = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_HUB_LICENCES = frozenset(
    [
        "apache-2.0",
        "bsd-3-clause",
        "cc-by-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-sa-4.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "mit",
    ]
)
"""Licences that the Hub knows by these names; a card says others in words alone."""

_LOG_IN = "Run `hf auth login`, or set HF_TOKEN to a token that may write."

_CARD = """\
---
library_name: vocalsep
tags: [audio, music, source-separation, vocals]
{front}---

# {name}

Weights for [vocalsep](https://pypi.org/project/vocalsep/), which splits songs into vocals and accompaniment:

```sh
vocalsep split song.mp3 --model hf:{repo}
```

| | |
|---|---|
| architecture | `{architecture}`, {parameters:,} parameters |
| estimates | {stems} |
| licence of the weights | {licence} |

What they were trained on, how well they separate and where they fail is not said in the file that this card was
made from. Pushed by vocalsep {version}.
"""


def push(
    source: str,
    repo: str,
    *,
    card: Path | None = None,
    private: bool = False,
    message: str | None = None,
    dtype: torch.dtype | None = None,
) -> str:
    """Push weights, their config and a model card to the Hub, as one commit on ``main``; gives its address.

    The repository is made if it is not there; files of the same names are replaced. Without ``card``, the card is
    that of the run, or a short one of what the weights file says.

    Args:
        source: see `weights_of`.
        repo: ``OWNER/REPO``.
        card: a Markdown file that becomes the model card.
        private: whether a repository that is made is private; one that is there must be then.
        message: message of the commit.
        dtype: what the weights are stored as; None leaves them as they are.

    Raises:
        OptionError: ``repo`` is malformed, ``card`` cannot be read, a weight does not fit into ``dtype``, or
            ``source`` is an ONNX file.
        ModelError: there are no such weights, or they are corrupt.
        UploadError: the Hub refuses, or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if not _REPO.fullmatch(repo):
        raise OptionError(f"'{repo}' is no Hub repository", "Write OWNER/REPO.")
    path, config = weights_of(source)
    checkpoint = read_usable(path, config)
    text = _card(path, checkpoint, repo) if card is None else _read_card(card)
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as folder:
        write_stored(Path(folder) / REPO_FILE, checkpoint, dtype, path)
        operations = [
            CommitOperationAdd(REPO_FILE, Path(folder) / REPO_FILE),
            CommitOperationAdd("config.json", json.dumps(checkpoint.config, indent=2).encode()),
            CommitOperationAdd("README.md", text.encode()),
        ]
        with _hub_errors(repo), _no_bars():
            api = HfApi(library_name="vocalsep", library_version=__version__)
            address = api.create_repo(repo, private=private or None, exist_ok=True)
            if private and not api.model_info(repo).private:
                raise UploadError(
                    f"{repo} is there and public, so nothing was pushed",
                    f"Make it private at {address}/settings, or push it without private=True.",
                )
            api.create_commit(repo, operations, commit_message=message or f"Weights by vocalsep {__version__}")
    return str(address)


def _read_card(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read the card {path}: {error}", "Give a Markdown file.") from error


def _card(path: Path, checkpoint: Checkpoint, repo: str) -> str:
    """The card of the run, or one of what the file says."""
    if path.name == RUN_WEIGHTS and path.with_name(RUN_CARD).is_file():
        return path.with_name(RUN_CARD).read_text(encoding="utf-8")
    model = build_from(checkpoint, path)
    licence = checkpoint.metadata.get("licence", "")
    estimates = " and ".join(model.config.stems)
    return _CARD.format(
        front=f"license: {licence.lower()}\n" if licence.lower() in _HUB_LICENCES else "",
        name=repo.partition("/")[2],
        repo=repo,
        architecture=model.architecture,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        stems=estimates if len(model.config.stems) > 1 else f"{estimates}; the rest is the mixture minus it",
        licence=licence or "not stated",
        version=__version__,
    )


@contextmanager
def _no_bars() -> Iterator[None]:
    """Keep the client's own progress bars off stderr."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """Turn what the Hub's client raises into what it means to the user."""
    from huggingface_hub import get_token

    if not get_token():
        raise UploadError(f"pushing to {repo} needs a token", _LOG_IN)
    try:
        yield
    except VocalsepError:
        raise
    except Exception as error:  # which class a failed transfer has depends on the client's HTTP and Xet libraries
        raise _explained(error, repo) from error


def _explained(error: Exception, repo: str) -> UploadError:
    from huggingface_hub import constants, errors

    owner = repo.partition("/")[0]
    cause = error.__cause__ if type(error) is RuntimeError and error.__cause__ else error  # of a file that failed
    status = getattr(getattr(cause, "response", None), "status_code", None)
    if isinstance(cause, errors.OfflineModeIsEnabled):
        return UploadError(f"cannot push to {repo}: HF_HUB_OFFLINE is set", "Unset it and run the command again.")
    if status == 401:
        return UploadError(f"{constants.ENDPOINT} does not take the token for {repo} (401)", _LOG_IN)
    if status == 403:
        return UploadError(f"the token may not write to {repo} (403)", f"Use one that may write as {owner}.")
    if status == 404:
        return UploadError(f"there is no {repo} that the token may write to (404)", "Check OWNER and REPO.")
    if status or isinstance(cause, ValueError):
        return UploadError(f"cannot push to {repo}: {first_line(cause)}", "Nothing was committed.")
    return UploadError(
        f"no connection to {constants.ENDPOINT}: {first_line(cause)}",
        "Check the connection, HF_ENDPOINT and the proxy, and run the command again.",
    )
