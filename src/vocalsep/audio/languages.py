"""Names of languages: the two-letter codes of ISO 639-1 and the three-letter codes of ISO 639-2."""

from __future__ import annotations

# Where a language has a code for bibliographies besides the one for terminology, programs write either.
_CODES = """
ar ara|bg bul|bn ben|ca cat|cs ces cze|cy cym wel|da dan|de deu ger|el ell gre|en eng|es spa|et est|eu eus baq
fa fas per|fi fin|fr fra fre|ga gle|he heb|hi hin|hr hrv|hu hun|hy hye arm|id ind|is isl ice|it ita|ja jpn
ka kat geo|ko kor|lt lit|lv lav|mk mkd mac|ms msa may|my mya bur|nl nld dut|no nor|nb nob|nn nno|pl pol|pt por
ro ron rum|ru rus|sk slk slo|sl slv
sq sqi alb|sr srp|sv swe|ta tam|te tel|th tha|tr tur|uk ukr|ur urd|vi vie|zh zho chi
"""
_GROUPS = [frozenset(group.split()) for line in _CODES.strip().splitlines() for group in line.split("|")]


def same_language(one: str, other: str) -> bool:
    """Whether two codes mean one language; what follows a hyphen, as in ``pt-BR``, is left aside.

    >>> same_language("ger", "de"), same_language("eng", "de")
    (True, False)
    """
    first, second = (code.lower().replace("_", "-").partition("-")[0] for code in (one, other))
    return first == second or any({first, second} <= group for group in _GROUPS)
