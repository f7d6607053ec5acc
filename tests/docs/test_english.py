"""The pages, and every docstring, comment and message of the source, in plain English.

The rules find sentences that a reader has to translate: inversions, ellipses, and words that English has no more.
A page quotes a phrase as code where it has to show one.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = [
    *(PROJECT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
]
MODULES = sorted((PROJECT / "src").rglob("*.py"))

RULES = {
    r"(?<!there )\b(is|are|was|were) none\b(?! of)": "say what there is, or 'there is no ...'",
    r"\bthat (is|are) no (?!more|less|\w+er\b)\w+": "write 'that is not a ...'",
    r"\blikewise\b": "say it again, or write 'too'",
    r"\bof which\b": "make two sentences, or write 'whose'",
    r"\bat hand\b": "write 'available'",
    r"\bto be had\b": "write 'available'",
    r"\b(can|could|cannot) be had\b": "write 'is available'",
    r"\bwhat (came|comes|becomes|became) of\b": "write 'the result of'",
    r"\bis told\b": "write who says what to whom",
    r"\bas far as\b": "write 'as long as' or 'up to'",
    r"\bnothing else but\b": "write 'only'",
    r"\bfor ever\b": "write 'forever', or say how long",
    r"\bbeside\b": "write 'next to', or 'besides' for 'in addition to'",
    r"\bneed not\b": "write 'does not need to'",
    r"\bwhereby\b|\btherewith\b|\bthereof\b|\bhitherto\b|\bwherein\b": "an old word: write a plain one",
    r"\bupon\b": "write 'on'",
    r"\bamongst\b|\bwhilst\b": "write 'among' or 'while'",
    r"\bbut for\b": "write 'except for' or 'without'",
    r"\bhas (it )?not got\b|\bhave not got\b": "write 'does not have'",
    r"\bas (it|they) (is|are) of\b": "write what it belongs to",
    r"\bbe it\b": "write 'whether it is'",
    r"\bin the place of\b": "write 'instead of'",
    r"\bone anew\b|\bbegun anew\b": "write 'started again'",
    r"\bSo did\b|\bso does it\b|\bNor (is|are|does|do|was)\b": "an inversion: put the subject first",
    r"\b(Only|Not|Never|Nowhere) (then|there|so) (is|are|does|do)\b": "an inversion: put the subject first",
    r"\bto the (last|least) of\b": "write 'up to the last'",
    r"\bit is to be\b": "write who does it, or 'must be'",
    r"\bin depth\b(?= (for|of))": "write 'with all its subfolders'",
    r"\b(simply|obviously|of course|just) (run|use|call|type)\b": "leave the filler out",
}
"""A pattern, and what to write instead."""

HALF_ATTRIBUTE = re.compile(r"^ +`?[a-z_]+`?: (of|in|by|from|that|to|whose|likewise) [a-z]", re.MULTILINE)
"""The text of an argument or attribute that says whose it is, and not what it is."""

CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`|<!--.*?-->|\]\([^)]*\)|https?://\S+", re.DOTALL)


def faults(text: str) -> list[str]:
    """What the rules find in a text, with what to write instead; code is left out."""
    prose = re.sub(r"\s+", " ", CODE.sub(" ", text))
    return [
        f"'{prose[max(0, match.start() - 30) : match.end() + 20]}': {advice}"
        for rule, advice in RULES.items()
        for match in re.finditer(rule, prose)
    ]


def prose_of(source: str) -> list[tuple[int, str]]:
    """The docstrings, texts and comments of a module, each with its line."""
    texts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    found = [(node.lineno, node.value) for node in texts if isinstance(node.value, str) and " " in node.value]
    comment: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment.append(token.string.lstrip("# "))
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and comment:
            found.append((token.start[0], " ".join(comment)))
            comment = []
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_pages(page):
    if not page.exists():
        pytest.skip(f"there is no {page.name}")
    assert faults(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PROJECT / "src").as_posix())
def test_modules(module):
    found = prose_of(module.read_text(encoding="utf-8"))
    assert [f"line {line}: {fault}" for line, text in found for fault in faults(text)] == []
    halves = [match[0] for _, text in found for match in HALF_ATTRIBUTE.finditer(text)]
    assert halves == [], "say what it is: 'channels: number of channels of the waveform'"


@pytest.mark.parametrize(
    "sentence",
    [
        "a batch of 0 segments is none",
        "Without a name it is told nothing.",
        "two files, one of which is damaged",
        "weights that are not at hand",
    ],
)
def test_the_rules_find_what_they_are_for(sentence):
    assert faults(sentence)


def test_code_is_left_alone():
    assert not faults("Write `is none` and ``of which`` as code.\n```\nlikewise\n```\n")


def test_the_parts_of_a_module_are_read():
    source = '"""A title of which."""\n# a comment,\n# likewise\nprint("one is none")\n'
    assert sum(len(faults(text)) for _, text in prose_of(source)) == 3
