"""Training of models, and the data it needs; part of the ``train`` extra."""
