"""The commands and the Python of the pages, as readers copy them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: str
    language: str
    text: str


def pages() -> list[Path]:
    """The pages for users, in the order of their paths."""
    top = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((PROJECT / "docs").rglob("*.md")), *sorted((PROJECT / "packages").rglob("*.md"))]


def blocks(*languages: str) -> list[Block]:
    """All blocks of code in these languages."""
    return [
        Block(str(path.relative_to(PROJECT)), language, text)
        for path in pages()
        for language, text in _BLOCK.findall(path.read_text(encoding="utf-8"))
        if language in languages
    ]


def commands() -> list[tuple[str, str]]:
    """Each command of a console with its page, once; comments and the marks of the prompt are taken off."""
    found: dict[str, str] = {}
    for block in blocks("console", "sh"):
        if block.text.startswith("#!"):  # a script, run whole
            continue
        text = re.sub(r"\\\n\s*", "", block.text)
        for line in text.splitlines():
            if block.language == "sh" or line.startswith("$ "):
                command = _COMMENT.sub("", line.removeprefix("$ ")).strip()
                if command:
                    found.setdefault(command, block.page)
    return list(found.items())
