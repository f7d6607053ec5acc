"""A page in the browser to drop songs on, part of the ``web`` extra."""
