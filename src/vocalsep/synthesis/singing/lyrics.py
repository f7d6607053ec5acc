"""Lines to sing: a small English grammar, and words that mean nothing for voices of other languages."""

from __future__ import annotations

from numpy.random import Generator

from vocalsep.synthesis.draw import chance, pick

_SLOTS = {
    "noun": "heart night day light fire rain home dream sky sea sun moon star river shadow window morning summer "
    "winter road stone ocean thunder garden city mountain silence memory diamond feather engine station highway "
    "whisper fever mirror harbour island letter promise stranger story window wolf shoulder ghost church",
    "adjective": "cold gold broken open hollow yellow mellow endless gentle heavy golden silver wild young old "
    "lonely quiet restless sacred simple bitter careless velvet burning shining empty distant tender",
    "verb": "love need leave follow remember believe forgive hold break shake chase carry change call hear see "
    "feel find keep lose miss save wake watch wait for run to think of dance with fight for",
    "doing": "breathing dancing singing laughing crying flying falling calling running waiting burning turning "
    "drifting dreaming driving fading healing sinking swimming walking wondering",
    "place": "the river|the valley|the window|my door|the water|the fire|the moon|the city|the rain|your eyes|"
    "this town|the edge of the world|the back of my mind|the other side|a thousand miles",
    "time": "tonight|tomorrow|forever|again|in the morning|all summer long|one more time|every single day|"
    "when you go|until the end|after midnight|never again",
    "who": "you|me|us|him|her|them|nobody|everyone|my baby|my brother|the sister of a friend",
    "chant": "oh oh oh|la la la la|na na na na hey|yeah yeah|hey hey hey|ooh ooh ooh|whoa oh whoa|doo doo doo|"
    "ah ah ah|mm mm mm|sha la la",
}
_WORDS = {slot: words.split("|") if "|" in words else words.split() for slot, words in _SLOTS.items()}
_LINES = """
I {verb} the {noun} {time}
the {adjective} {noun} is {doing} {time}
you {verb} me like a {noun} in {place}
we are {doing} through {place}
{chant}
{chant} I {verb} {who} {time}
take me down to {place}
there is a {noun} over {place}
show me how to {verb} {who}
baby, why do you {verb} the {noun}
give me a {adjective} {noun} and I will {verb} {who}
don't {verb} {who} {time}
I was {doing} and {doing} by {place}
she said the {noun} should never {verb} {who}
so {adjective}, so {adjective}, {time}
every {noun} has a {adjective} {noun}
let it {verb} {who}, let it {verb} me {time}
what is the {noun} without the {noun}
step by step we {verb} the {noun}, check the {adjective} street, split the {noun}
back to the block with a {noun} in my pocket, kick it, stop it, {doing}
""".strip().splitlines()

_ONSETS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "tr", "pl", "st", "br", "")
_VOWELS = ("a", "e", "i", "o", "u", "a", "o", "e", "ai", "au", "ia")
_CODAS = ("", "", "", "n", "s", "r", "l")


def english_line(rng: Generator) -> str:
    """A line of English verse."""
    line = pick(rng, _LINES)
    while "{" in line:
        before, _, rest = line.partition("{")
        slot, _, after = rest.partition("}")
        line = before + pick(rng, _WORDS[slot]) + after
    return line


def wordless_line(rng: Generator) -> str:
    """A line of words that any language with the Latin script can read out."""
    if chance(rng, 0.15):
        return pick(rng, _WORDS["chant"])
    words = []
    for _ in range(rng.integers(3, 7)):
        n_syllables = rng.integers(1, 4)
        words.append(
            "".join(pick(rng, _ONSETS) + pick(rng, _VOWELS) + pick(rng, _CODAS) for _ in range(n_syllables))
        )
    return " ".join(words)


def verse(rng: Generator, n_lines: int, *, english: bool) -> str:
    """``n_lines``, each a sentence on a line of its own."""
    line = english_line if english else wordless_line
    return "".join(f"{line(rng)}.\n" for _ in range(n_lines))
