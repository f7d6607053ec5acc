"""Audio files in and out: `(channel, sample)` float32 blocks on one side, every common file format on the other.

Nothing is re-exported here, so that `vocalsep.audio.formats` can be imported without NumPy or a codec library:
``reader`` and ``writer`` stream files, ``resample`` changes rates, ``stem_files`` writes the stems of a song
together, ``tags`` carries titles and covers over.
"""
