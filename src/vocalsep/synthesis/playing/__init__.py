"""A band: who plays, how exactly, and the instruments that sound."""
