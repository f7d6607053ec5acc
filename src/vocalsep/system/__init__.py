"""Files, threads, processes and optional packages: what the program needs of the machine, and nothing of audio."""
