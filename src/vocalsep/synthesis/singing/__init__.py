"""Singers: recorded or synthesised speech, taken apart and sung again with other notes, times and voices."""
