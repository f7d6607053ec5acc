"""Sound of more than two channels: which loudspeakers are separated, and the stems of all channels.

Models hear two channels. A singer may be in the front pair or in the centre, so that the pair is separated as a
song of its own, and the centre as a mono song. `docs/performance.md` compares this with downmixes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing

import numpy as np

from vocalsep.audio.loudspeakers import usual_layout
from vocalsep.audio.samples import Samples
from vocalsep.stem_names import ACCOMPANIMENT, VOCALS
from vocalsep.system.threads import broadcast

Stems = dict[str, Samples]
_MIXTURE = "mixture"


def front_groups(channels: int, layout: Sequence[str] = ()) -> tuple[tuple[int, ...], ...]:
    """The channels that are separated, in groups that are each a song for the model.

    Args:
        channels: number of channels.
        layout: the loudspeaker of each; none takes what files of so many channels mean by the order.

    >>> front_groups(6, ("FL", "FR", "FC", "LFE", "BL", "BR"))
    ((0, 1), (2,))
    >>> front_groups(2)
    ((0, 1),)
    """
    if channels <= 2:
        return (tuple(range(channels)),)
    names = list(layout or usual_layout(channels))
    pair = (names.index("FL"), names.index("FR")) if {"FL", "FR"} <= set(names) else (0, 1)
    centre = ((names.index("FC"),),) if "FC" in names and names.index("FC") not in pair else ()
    return (pair, *centre)


def stream_front(
    stream: Callable[[int, Iterable[Samples]], Generator[Stems, None, None]],
    blocks: Iterable[Samples],
    groups: Sequence[Sequence[int]],
) -> Generator[Stems, None, None]:
    """Separate groups of channels; what is in no group is in the accompaniment alone.

    Args:
        stream: separates the blocks of a group; it gets the number of the group.
        blocks: float32 ``(channel, sample)`` of all channels.
        groups: see `front_groups`.

    Yields:
        the stems ``(channel, sample)`` of all channels; all together as many samples as came in.
    """
    whole, *branches = broadcast(blocks, 1 + len(groups))

    def mixtures() -> Generator[Stems, None, None]:
        for block in whole:
            yield {_MIXTURE: block}

    def of_group(branch: Iterator[Samples], group: Sequence[int]) -> Iterator[Samples]:
        return (np.ascontiguousarray(block[list(group)]) for block in branch)

    with ExitStack() as stack:
        streams = [
            stack.enter_context(closing(stream(i, of_group(branch, group))))
            for i, (branch, group) in enumerate(zip(branches, groups, strict=True))
        ]
        for mixture, *parts in in_step([mixtures(), *streams]):
            accompaniment = mixture[_MIXTURE].copy()
            vocals = np.zeros_like(accompaniment)
            for group, part in zip(groups, parts, strict=True):
                vocals[list(group)], accompaniment[list(group)] = part[VOCALS], part[ACCOMPANIMENT]
            yield {VOCALS: vocals, ACCOMPANIMENT: accompaniment}


def in_step(streams: Sequence[Generator[Stems, None, None]]) -> Generator[list[Stems], None, None]:
    """Streams that have as many samples in all, each in blocks of its own, in blocks of equal length."""
    held = [next(stream, None) for stream in streams]
    while all(held):
        blocks = [block for block in held if block]
        n = min(_length(block) for block in blocks)
        yield [{name: samples[:, :n] for name, samples in block.items()} for block in blocks]
        for i, (stream, block) in enumerate(zip(streams, blocks, strict=True)):
            rest = {name: samples[:, n:] for name, samples in block.items()}
            held[i] = rest if _length(rest) else next(stream, None)


def _length(block: Stems) -> int:
    return int(next(iter(block.values())).shape[-1])
