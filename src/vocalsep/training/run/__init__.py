"""A training run as it lies on the disk: its settings, where it is, what it recorded, and a summary of it."""
