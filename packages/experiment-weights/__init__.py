"""Weights for vocalsep, which reads the files of this folder and runs no code from it."""
