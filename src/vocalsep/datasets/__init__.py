"""Songs whose stems are apart, to train and to evaluate on: read from disk in parts, never whole."""
