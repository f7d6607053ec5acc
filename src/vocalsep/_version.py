"""The version, alone in a file so that nothing else has to be imported to read it."""

__version__ = "1.0.0"
