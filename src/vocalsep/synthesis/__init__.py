"""Songs to train on that nobody recorded: synthesised singers, bands and productions, with exact stems."""

from vocalsep.synthesis.songs import SONG_SECONDS, synthesise, synthesise_stream

__all__ = ["SONG_SECONDS", "synthesise", "synthesise_stream"]
