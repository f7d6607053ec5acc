"""A model run over a song of any length: in segments, on any device, in little memory, alone or with others."""
